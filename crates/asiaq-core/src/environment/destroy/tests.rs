#![allow(clippy::unwrap_used, clippy::expect_used)]
use super::super::testing::{group, net4, ordered, table};
use super::*;
use crate::aws::Tags;
use crate::group::{Kind, LaunchObjectKind, LaunchRef, Member};
use crate::network::MetaNetwork;

fn vpc(tags: &[(&str, &str)]) -> Vpc {
    let tags: Tags = tags
        .iter()
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
        .collect();
    let tag = |key: &str| tags.get(key).cloned().unwrap_or_else(|| "-".into());
    Vpc {
        id: "vpc-1".into(),
        name: tag("Name"),
        env_type: tag("type"),
        cidr_block: "10.0.0.0/24".into(),
        cidr_blocks: vec!["10.0.0.0/24".into()],
        is_default: false,
        dhcp_options_id: None,
        tags,
    }
}

fn environment() -> Vpc {
    vpc(&[("Name", "ci"), ("type", "ci")])
}

fn scaling_group(name: &str, subnets: &str) -> Group {
    Group {
        name: name.to_owned(),
        kind: Kind::Asg,
        min_size: 0,
        max_size: 1,
        desired_capacity: 1,
        launch: LaunchRef::Template {
            id: format!("lt-{name}"),
            name: format!("{name}9"),
            version: "1".into(),
        },
        mixed_instances: false,
        launch_config_name: None,
        image_id: None,
        termination_policies: Vec::new(),
        vpc_zone_identifier: subnets.to_owned(),
        load_balancers: Vec::new(),
        target_groups: Vec::new(),
        tags: Tags::new(),
        instances: vec![Member {
            id: "i-1".into(),
            lifecycle_state: "InService".into(),
        }],
        deleting: false,
    }
}

fn permission() -> IpPermission {
    IpPermission::builder().ip_protocol("-1").build()
}

/// An environment with one of everything.
fn full() -> Contents {
    let mut default = group("sg-0", "default", MetaNetwork::Dmz);
    default.net = None;
    default.raw_egress = vec![permission()];
    let mut own = group("sg-1", "ci_dmz", MetaNetwork::Dmz);
    own.raw_ingress = vec![permission()];
    let bare = group("sg-2", "ci_tunnel", MetaNetwork::Tunnel);
    let mut main = table("rtb-0", MetaNetwork::Dmz, None, &[]);
    main.main = true;
    Contents {
        groups: vec![scaling_group("ci_mhcweb_1", "subnet-1")],
        usage: BTreeMap::new(),
        launch_objects: vec![LaunchObject {
            name: "ci_mhcold_3".into(),
            kind: LaunchObjectKind::Template,
            id: Some("lt-old".into()),
            image_id: None,
        }],
        instances: vec!["i-1".into(), "i-2".into()],
        gateways: vec![InternetGateway {
            id: "igw-1".into(),
            vpcs: vec!["vpc-1".into()],
        }],
        interfaces: vec![Interface {
            id: "eni-1".into(),
            address: "10.0.0.5".into(),
            attachment: None,
            managed: false,
            of_service: false,
            description: String::new(),
        }],
        security_groups: vec![default, own, bare],
        subnets: vec![Subnet {
            id: "subnet-1".into(),
            zone: "us-west-2a".into(),
            cidr: net4("10.0.0.0/25"),
            net: Some(MetaNetwork::Dmz),
        }],
        route_tables: vec![
            main,
            table("rtb-1", MetaNetwork::Dmz, Some("us-west-2a"), &["subnet-1"]),
        ],
        dhcp_sets: vec![DhcpSet {
            id: "dopt-1".into(),
            options: BTreeMap::new(),
        }],
    }
}

fn steps(vpc: &Vpc, contents: &Contents) -> Vec<String> {
    let plan = plan(vpc, contents).unwrap();
    ordered(&plan).iter().map(|c| c.id.clone()).collect()
}

#[test]
fn everything_goes_and_is_named() {
    let plan = plan(&environment(), &full()).unwrap();
    assert_eq!(
        plan.lines(),
        [
            "- group mhcweb ci_mhcweb_1 (1 instance)",
            "- launch template ci_mhcweb_19",
            "- launch template ci_mhcold_3",
            "- instance i-1",
            "- instance i-2",
            "- interface eni-1 10.0.0.5",
            "- internet gateway igw-1",
            "- rules of security group default sg-0",
            "- rules of security group ci_dmz sg-1",
            "- security group ci_dmz sg-1",
            "- security group ci_tunnel sg-2",
            "- subnet dmz us-west-2a 10.0.0.0/25 subnet-1",
            "- route table dmz rtb-1",
            "- vpc ci 10.0.0.0/24 vpc-1",
            "- DHCP options dopt-1"
        ]
    );
}

#[test]
fn nothing_goes_before_what_keeps_it_in_use() {
    let order = steps(&environment(), &full());
    let at = |id: &str| {
        order
            .iter()
            .position(|own| own == id)
            .unwrap_or_else(|| panic!("{id} in {order:?}"))
    };
    let table = [
        ("group-delete/ci_mhcweb_1", "instances"),
        ("instances", "interfaces"),
        ("interfaces", "internet-gateway/igw-1"),
        ("interfaces", "security-group/sg-1"),
        ("interfaces", "subnet/subnet-1"),
        ("instances", "route-table/rtb-1"),
        ("rules/sg-0", "security-group/sg-1"),
        ("rules/sg-1", "security-group/sg-2"),
        ("internet-gateway/igw-1", "vpc"),
        ("security-group/sg-1", "vpc"),
        ("security-group/sg-2", "vpc"),
        ("subnet/subnet-1", "vpc"),
        ("route-table/rtb-1", "vpc"),
        ("vpc", "dhcp/dopt-1"),
    ];
    for (first, then) in table {
        assert!(at(first) < at(then), "{first} before {then}: {order:?}");
        // The order is not by chance: one needs the other, directly or through others.
        let plan = plan(&environment(), &full()).unwrap();
        assert!(needs(&plan, then, first), "{then} needs {first}");
    }
    assert!(
        !order
            .iter()
            .any(|id| id == "security-group/sg-0" || id == "route-table/rtb-0")
    );
}

fn needs(plan: &Plan<DestroyAction>, id: &str, what: &str) -> bool {
    let change = plan.changes().iter().find(|c| c.id == id);
    change.is_some_and(|c| {
        c.needs
            .iter()
            .any(|need| need == what || needs(plan, need, what))
    })
}

#[test]
fn an_empty_vpc_goes_alone() {
    assert_eq!(steps(&environment(), &Contents::default()), ["vpc"]);
}

#[test]
fn a_foreign_vpc_loses_only_what_is_in_it() {
    // Groups and launch templates are found by name: a VPC without both tags has no name to go by.
    for tags in [&[][..], &[("Name", "ci")], &[("type", "ci")]] {
        let order = steps(&vpc(tags), &full());
        assert!(
            !order
                .iter()
                .any(|id| id.starts_with("group-delete") || id.starts_with("launch-delete")),
            "{order:?}"
        );
        assert!(order.contains(&"instances".to_owned()));
    }
}

#[test]
fn groups_in_another_vpc_of_the_same_name_stay() {
    let mut contents = full();
    contents.instances.clear();
    contents.groups = vec![scaling_group("ci_mhcweb_1", "subnet-8,subnet-9")];
    let order = steps(&environment(), &contents);
    assert!(
        !order.iter().any(|id| id.starts_with("group-delete")),
        "{order:?}"
    );
    assert!(!order.contains(&"instances".to_owned()));
    // One that says nothing about its place counts as here.
    contents.groups[0].vpc_zone_identifier = String::new();
    assert!(steps(&environment(), &contents).contains(&"group-delete/ci_mhcweb_1".to_owned()));
}

#[test]
fn a_group_without_instances_may_launch_one_meanwhile() {
    let mut contents = full();
    contents.instances.clear();
    contents.interfaces.clear();
    contents.groups[0].instances.clear();
    let lines = plan(&environment(), &contents).unwrap().lines();
    assert!(lines.contains(&"- instances launched meanwhile".to_owned()));
    assert!(lines.contains(&"- interfaces that instances leave behind".to_owned()));
}

#[test]
fn a_detached_gateway_is_deleted_without_detaching() {
    let mut contents = full();
    contents.gateways[0].vpcs.clear();
    let plan = plan(&environment(), &contents).unwrap();
    let gateway = plan
        .changes()
        .iter()
        .find(|c| c.id == "internet-gateway/igw-1")
        .unwrap();
    assert_eq!(
        gateway.action,
        DestroyAction::DeleteInternetGateway {
            id: "igw-1".into(),
            attached: false
        }
    );
}

#[test]
fn the_template_of_a_group_goes_with_it() {
    let plan = plan(&environment(), &full()).unwrap();
    let DestroyAction::Group(GroupAction::DeleteGroup { launch, force, .. }) =
        &plan.changes()[0].action
    else {
        panic!("{:?}", plan.changes()[0])
    };
    assert!(*force);
    assert_eq!(
        launch.as_ref().and_then(LaunchRef::name),
        Some("ci_mhcweb_19")
    );
}

#[test]
fn an_environment_with_service_interfaces_is_refused_before_anything_goes() {
    let mut contents = full();
    contents.interfaces.push(Interface {
        id: "eni-2".into(),
        address: "10.0.0.9".into(),
        attachment: Some("ela-attach-1".into()),
        managed: true,
        of_service: true,
        description: "Interface for NAT Gateway nat-1".into(),
    });
    let error = plan(&environment(), &contents).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("eni-2 (Interface for NAT Gateway nat-1)"),
        "{error}"
    );
    assert!(error.hint().unwrap().contains("nothing has been changed"));
}
