#![allow(clippy::unwrap_used, clippy::expect_used)]
use super::super::observed::{Address, DhcpSet, Endpoint, Interface, InternetGateway, Subnet};
use super::super::testing::{group, net4, ordered, table};
use super::contents::Named;
use super::nat::Release;
use super::*;
use crate::aws::Tags;
use crate::balancer::{Balancer, VpcBalancer, VpcBalancers, VpcTargetGroup};
use crate::cache::Caches;
use crate::config::BalancerType;
use crate::database::{Database, Databases};
use crate::environment::observed::NatGateway;
use crate::group::{Group, Kind, LaunchObject, LaunchObjectKind, LaunchRef, Member};
use crate::monitoring::{Alarm, LogGroup};
use crate::names::tag;
use crate::network::MetaNetwork;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

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
        spot: None,
    }
}

fn permission() -> IpPermission {
    IpPermission::builder().ip_protocol("-1").build()
}

fn named() -> Named {
    Named {
        env: Some("ci".into()),
        alarms: vec![Alarm {
            name: "ops_ci_mhcweb_CPU_max".into(),
            namespace: None,
        }],
        log_groups: vec![LogGroup {
            name: "ci/mhcweb/log".into(),
            filters: vec!["mhcweb-Errors".into()],
        }],
        groups: vec![scaling_group("ci_mhcweb_1", "subnet-1")],
        usage: BTreeMap::new(),
        users: BTreeMap::new(),
        launch_objects: vec![LaunchObject {
            name: "ci_mhcold_3".into(),
            kind: LaunchObjectKind::Template,
            id: Some("lt-old".into()),
            image_id: None,
        }],
    }
}

fn database(status: &str) -> Database {
    Database {
        id: "ci-db".into(),
        status: status.into(),
        endpoint: None,
        obstacle: None,
    }
}

fn nat(number: u8, subnet: &str, deleted: bool) -> NatGateway {
    NatGateway {
        id: format!("nat-{number}"),
        subnet_id: subnet.into(),
        state: if deleted { "deleted" } else { "available" }.into(),
        address: Some([192, 0, 2, number].into()),
        allocation_id: Some(format!("eipalloc-{number}")),
        private: false,
        interface: Some(format!("eni-nat-{number}")),
    }
}

/// An elastic IP 192.0.2.N, on an interface or on none.
fn address(number: u8, interface: Option<&str>, tags: &[(&str, &str)]) -> Address {
    Address {
        public_ip: [192, 0, 2, number].into(),
        allocation_id: format!("eipalloc-{number}"),
        association_id: interface.map(|_| format!("eipassoc-{number}")),
        instance_id: None,
        network_interface_id: interface.map(str::to_owned),
        private_ip: None,
        tags: tags
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect(),
    }
}

/// What services have in the VPC.
fn with_services(mut contents: Contents) -> Contents {
    contents.balancers = vec![Balancer {
        name: "8f90fb4e".into(),
        dns_name: None,
    }];
    contents.vpc_balancers = VpcBalancers {
        balancers: vec![VpcBalancer {
            arn: "arn:alb".into(),
            name: "7b80a21a".into(),
            kind: BalancerType::Application,
            dns_name: None,
        }],
        target_groups: vec![VpcTargetGroup {
            arn: "arn:group".into(),
            name: "ci-mhcweb".into(),
        }],
    };
    contents.databases = Databases {
        instances: vec![database("available")],
        subnet_groups: vec!["ci-db".into()],
        ..Databases::default()
    };
    contents.caches = Caches {
        subnet_groups: vec!["ci-intranet".into()],
        ..Caches::default()
    };
    let subnet = &mut contents.subnets[0];
    subnet.tags.insert(tag::DYNONAT.into(), String::new());
    contents.nat_gateways = vec![nat(1, "subnet-1", false)];
    contents.addresses = vec![address(1, Some("eni-nat-1"), &[("dynamic", "true")])];
    contents.vpn_gateways = vec!["vgw-1".into()];
    contents.endpoints = vec![Endpoint {
        id: "vpce-1".into(),
        service: "com.amazonaws.us-west-2.s3".into(),
        kind: "Gateway".into(),
        route_tables: BTreeSet::new(),
        policy: None,
        created: 0,
    }];
    contents
}

/// An environment with one of everything.
fn full() -> Contents {
    with_services(hosts_and_network())
}

fn hosts_and_network() -> Contents {
    let mut default = group("sg-0", "default", MetaNetwork::Dmz);
    default.net = None;
    default.raw_egress = vec![permission()];
    let mut own = group("sg-1", "ci_dmz", MetaNetwork::Dmz);
    own.raw_ingress = vec![permission()];
    let bare = group("sg-2", "ci_tunnel", MetaNetwork::Tunnel);
    let mut main = table("rtb-0", MetaNetwork::Dmz, None, &[]);
    main.main = true;
    Contents {
        named: named(),
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
            tags: Tags::new(),
        }],
        route_tables: vec![
            main,
            table("rtb-1", MetaNetwork::Dmz, Some("us-west-2a"), &["subnet-1"]),
        ],
        dhcp_sets: vec![DhcpSet {
            id: "dopt-1".into(),
            options: BTreeMap::new(),
        }],
        ..Contents::default()
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
            "- alarm ops_ci_mhcweb_CPU_max",
            "- group mhcweb ci_mhcweb_1 (1 instance)",
            "- launch template ci_mhcweb_19",
            "- instance i-1",
            "- instance i-2",
            "- launch template ci_mhcold_3",
            "- metric filter mhcweb-Errors of log group ci/mhcweb/log",
            "- log group ci/mhcweb/log",
            "- load balancer 8f90fb4e",
            "- application load balancer 7b80a21a",
            "- target group ci-mhcweb",
            "- database ci-db (leaves snapshot ci-db-final-snapshot)",
            "- database subnet group ci-db",
            "- cache subnet group ci-intranet",
            "- NAT gateway dmz us-west-2a nat-1",
            "- address 192.0.2.1 eipalloc-1",
            "- attachment of VPN gateway vgw-1, which stays",
            "- endpoint Gateway com.amazonaws.us-west-2.s3 vpce-1",
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
        ("alarms/0", "group-delete/ci_mhcweb_1"),
        ("alarms/0", "instances"),
        ("group-delete/ci_mhcweb_1", "instances"),
        ("instances", "log-group/ci/mhcweb/log"),
        ("instances", "balancer/8f90fb4e"),
        ("instances", "balancer/application/7b80a21a"),
        ("balancer/application/7b80a21a", "target-group/ci-mhcweb"),
        ("balancer/application/7b80a21a", "interfaces"),
        ("instances", "databases"),
        ("instances", "nat/nat-1"),
        ("instances", "endpoint/vpce-1"),
        ("databases", "database-subnet-group/ci-db"),
        ("nat/nat-1", "address/eipalloc-1"),
        ("address/eipalloc-1", "interfaces"),
        ("balancer/8f90fb4e", "interfaces"),
        ("databases", "interfaces"),
        ("cache-subnet-group/ci-intranet", "interfaces"),
        ("endpoint/vpce-1", "interfaces"),
        ("vpn/vgw-1", "vpc"),
        ("log-group/ci/mhcweb/log", "vpc"),
        ("launch-delete/template/ci_mhcold_3", "vpc"),
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
fn services_do_not_wait_for_each_other() {
    let plan = plan(&environment(), &full()).unwrap();
    let services = [
        "balancer/8f90fb4e",
        "databases",
        "cache-subnet-group/ci-intranet",
        "nat/nat-1",
        "vpn/vgw-1",
        "endpoint/vpce-1",
    ];
    for (one, other) in services.iter().flat_map(|a| services.map(|b| (*a, b))) {
        assert!(!needs(&plan, one, other), "{one} needs {other}");
    }
}

#[test]
fn a_foreign_vpc_loses_only_what_is_in_it() {
    // Alarms, log groups, groups and templates are found by name: without the tags of an environment nothing is.
    let mut contents = full();
    contents.named = Named::default();
    contents.addresses = vec![address(
        1,
        None,
        &[("dynamic", "true"), ("environment", "-")],
    )];
    for tags in [&[][..], &[("Name", "ci")], &[("type", "ci")]] {
        let order = steps(&vpc(tags), &contents);
        for start in ["alarms", "log-group", "group-delete", "launch-delete"] {
            assert!(!order.iter().any(|id| id.starts_with(start)), "{order:?}");
        }
        for id in ["instances", "databases", "nat/nat-1", "vpn/vgw-1", "vpc"] {
            assert!(order.contains(&id.to_owned()), "{id} in {order:?}");
        }
    }
}

#[test]
fn addresses_that_go_and_addresses_that_stay() {
    let (subnet, eni) = ("subnet-1", Some("eni-nat-1"));
    let own = [("dynamic", "true"), ("environment", "ci")];
    let table = [
        (
            "automatic",
            nat(1, subnet, false),
            address(1, eni, &[]),
            true,
            true,
        ),
        (
            "given",
            nat(1, "subnet-2", false),
            address(1, eni, &[]),
            true,
            false,
        ),
        (
            "automatic, of a run that was killed before it tagged the subnet",
            nat(1, "subnet-2", false),
            address(1, eni, &own),
            true,
            true,
        ),
        (
            "not released yet",
            nat(1, subnet, true),
            address(1, None, &[]),
            true,
            true,
        ),
        (
            "stale association",
            nat(1, subnet, true),
            address(1, eni, &[]),
            true,
            true,
        ),
        (
            "used again",
            nat(1, subnet, true),
            address(1, Some("eni-9"), &[]),
            true,
            false,
        ),
        (
            "of no gateway",
            nat(2, subnet, true),
            address(1, None, &own),
            true,
            true,
        ),
        (
            "in use",
            nat(2, subnet, true),
            address(1, Some("eni-9"), &own),
            true,
            false,
        ),
        (
            "not tagged",
            nat(2, subnet, true),
            address(1, None, &own[1..]),
            true,
            false,
        ),
        (
            "of a neighbour",
            nat(2, subnet, true),
            address(1, None, &[("dynamic", "true"), ("environment", "ci-2")]),
            true,
            false,
        ),
        (
            "name not ours alone",
            nat(2, subnet, true),
            address(1, None, &own),
            false,
            false,
        ),
    ];
    for (case, gateway, address, named, goes) in table {
        let mut contents = full();
        if !named {
            contents.named.env = None;
        }
        contents.nat_gateways = vec![gateway.clone()];
        contents.addresses = vec![address.clone()];
        let plan = plan(&environment(), &contents).unwrap();
        let released = plan.changes().iter().find(|c| c.id == "address/eipalloc-1");
        assert_eq!(released.is_some(), goes, "{case}");
        let deleted = plan.ids().contains(&format!("nat/{}", gateway.id));
        assert_eq!(deleted, !gateway.is_deleted(), "{case}");
        if let Some(change) = released {
            let of_gateway = gateway.allocation_id.as_ref() == Some(&address.allocation_id);
            let wanted = Release {
                address: "192.0.2.1".into(),
                allocation: "eipalloc-1".into(),
                interface: gateway.interface.filter(|_| of_gateway),
            };
            assert_eq!(
                change.action,
                DestroyAction::ReleaseAddress(wanted),
                "{case}"
            );
        }
    }
}

#[test]
fn groups_in_another_vpc_of_the_same_name_stay() {
    let mut contents = full();
    contents.instances.clear();
    contents.named.groups = vec![scaling_group("ci_mhcweb_1", "subnet-8,subnet-9")];
    let order = steps(&environment(), &contents);
    assert!(
        !order.iter().any(|id| id.starts_with("group-delete")),
        "{order:?}"
    );
    assert!(!order.contains(&"instances".to_owned()));
    // One that says nothing about its place counts as here.
    contents.named.groups[0].vpc_zone_identifier = String::new();
    assert!(steps(&environment(), &contents).contains(&"group-delete/ci_mhcweb_1".to_owned()));
    // Unless another VPC has the name as well.
    contents.named.env = None;
    assert!(!steps(&environment(), &contents).contains(&"group-delete/ci_mhcweb_1".to_owned()));
}

#[test]
fn a_group_without_instances_may_launch_one_meanwhile() {
    let mut contents = full();
    contents.instances.clear();
    contents.interfaces.clear();
    contents.named.groups[0].instances.clear();
    let lines = plan(&environment(), &contents).unwrap().lines();
    assert!(lines.contains(&"- instances launched meanwhile".to_owned()));
    assert!(lines.contains(&"- interfaces that hosts and services leave behind".to_owned()));
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
        &plan.changes()[1].action
    else {
        panic!("{:?}", plan.changes()[1])
    };
    assert!(*force);
    assert_eq!(
        launch.as_ref().and_then(LaunchRef::name),
        Some("ci_mhcweb_19")
    );
}

fn of_service(description: &str) -> Interface {
    Interface {
        id: "eni-2".into(),
        address: "10.0.0.9".into(),
        attachment: Some("ela-attach-1".into()),
        managed: true,
        of_service: true,
        description: description.into(),
    }
}

#[test]
fn what_asiaq_does_not_manage_is_refused_before_anything_goes() {
    let mut contents = full();
    contents
        .interfaces
        .push(of_service("Interface for NAT Gateway nat-1"));
    assert!(plan(&environment(), &contents).is_ok());
    contents.interfaces.push(of_service("ELB app/web/50dc6c49"));
    assert!(plan(&environment(), &contents).is_ok());
    contents.interfaces.push(of_service("ELB gwy/fw/50dc6c49"));
    contents.caches.lone_clusters.push("sessions".into());
    let error = plan(&environment(), &contents).unwrap_err();
    assert_eq!(
        error.to_string(),
        "VPC ci vpc-1 holds what Asiaq does not manage:\n  \
         eni-2 (ELB gwy/fw/50dc6c49): delete the gateway load balancer fw\n  \
         cache cluster sessions, which belongs to no replication group: delete it"
    );
    assert!(error.hint().unwrap().contains("nothing has been changed"));
}

#[test]
fn groups_that_would_start_instances_again_are_refused_before_anything_goes() {
    let mut contents = full();
    let subnet = contents.subnets[0].id.clone();
    let elsewhere = scaling_group("ci2_mhcweb_1", "subnet-elsewhere");
    let going = Group {
        deleting: true,
        ..scaling_group("ci2_mhcold_1", &subnet)
    };
    contents.foreign_groups = vec![elsewhere, going];
    assert!(plan(&environment(), &contents).is_ok());
    let here = scaling_group("ci2_mhcweb_2", &format!("subnet-elsewhere,{subnet}"));
    let spot = Group {
        kind: Kind::Spot,
        ..scaling_group("by-hand", &subnet)
    };
    contents.foreign_groups.extend([here, spot]);
    let error = plan(&environment(), &contents).unwrap_err();
    assert_eq!(
        error.to_string(),
        "VPC ci vpc-1 has subnets of groups that are not the environment's, and that would start instances again:\n  \
         Auto Scaling group ci2_mhcweb_2\n  Elastigroup by-hand"
    );
    assert!(error.hint().unwrap().contains("nothing has been changed"));
}

#[test]
fn launch_objects_stay_only_for_groups_that_stay() {
    let cleaned = |users: &[&str]| {
        let mut contents = full();
        let key = "template/ci_mhcold_3".to_owned();
        let names: BTreeSet<String> = users.iter().map(|name| (*name).to_owned()).collect();
        // The usage that counts all groups, also those that go, does not matter.
        contents.named.usage.insert(key.clone(), 3);
        contents.named.users.insert(key, names);
        contents.named.launch_objects.push(LaunchObject {
            name: "ci_mhcweb_19".into(),
            kind: LaunchObjectKind::Template,
            id: Some("lt-ci_mhcweb_1".into()),
            image_id: None,
        });
        let lines = plan(&environment(), &contents).unwrap().lines();
        let count = |line: &str| lines.iter().filter(|own| *own == line).count();
        assert_eq!(count("- launch template ci_mhcweb_19"), 1, "with its group");
        count("- launch template ci_mhcold_3")
    };
    assert_eq!(cleaned(&[]), 1);
    assert_eq!(cleaned(&["ci_mhcweb_1"]), 1);
    assert_eq!(cleaned(&["ci_mhcweb_1", "other_mhcweb_1"]), 0);
}

#[test]
fn elastigroups_that_cannot_be_seen_are_refused_before_anything_goes() {
    use aws_sdk_ec2::types::{Instance, InstanceState, InstanceStateName, Tag};
    let instance = |state: &str, tags: &[(&str, &str)]| {
        let tags = tags
            .iter()
            .map(|(key, value)| Tag::builder().key(*key).value(*value).build());
        let state = InstanceState::builder().name(InstanceStateName::from(state));
        Instance::builder()
            .state(state.build())
            .set_tags(Some(tags.collect()))
            .build()
    };
    let tags = [
        ("spotinst", "True"),
        ("hostclass", "mhcweb"),
        ("group_name", "ci_mhcweb_1"),
    ];
    let found = contents::elastigroup_of(&instance("running", &tags));
    assert_eq!(found.as_deref(), Some("hostclass mhcweb group ci_mhcweb_1"));
    for other in [
        instance("shutting-down", &tags),
        instance("running", &tags[1..]),
    ] {
        assert_eq!(contents::elastigroup_of(&other), None);
    }
    let mut contents = full();
    contents.hidden.extend(found);
    let error = plan(&environment(), &contents).unwrap_err();
    assert_eq!(
        error.to_string(),
        "VPC ci vpc-1 has instances of Elastigroups, which would start them again, but SPOTINST_TOKEN is not set:\n  \
         hostclass mhcweb group ci_mhcweb_1"
    );
    assert!(error.hint().unwrap().contains("SPOTINST_TOKEN"));
}

proptest! {
    /// Whatever is there: every change can be made, nothing alive loses the network it stands on, the VPC goes after
    /// everything and the DHCP options after the VPC.
    #[test]
    fn any_part_of_an_environment_goes_in_order(kept in proptest::collection::vec(any::<bool>(), 18)) {
        let mut all = full();
        let mut kept = kept.into_iter();
        let mut drop_some = |clear: &mut dyn FnMut()| if !kept.next().unwrap() { clear() };
        drop_some(&mut || all.named.alarms.clear());
        drop_some(&mut || all.named.log_groups.clear());
        drop_some(&mut || all.named.groups.clear());
        drop_some(&mut || all.instances.clear());
        drop_some(&mut || all.balancers.clear());
        drop_some(&mut || all.vpc_balancers.balancers.clear());
        drop_some(&mut || all.vpc_balancers.target_groups.clear());
        drop_some(&mut || all.databases.instances.clear());
        drop_some(&mut || all.databases.subnet_groups.clear());
        drop_some(&mut || all.caches.subnet_groups.clear());
        drop_some(&mut || all.nat_gateways.clear());
        drop_some(&mut || all.vpn_gateways.clear());
        drop_some(&mut || all.endpoints.clear());
        drop_some(&mut || all.interfaces.clear());
        drop_some(&mut || all.gateways.clear());
        drop_some(&mut || all.security_groups.clear());
        drop_some(&mut || all.route_tables.clear());
        drop_some(&mut || all.dhcp_sets.clear());
        let plan = plan(&environment(), &all).unwrap();
        let order: Vec<String> = ordered(&plan).iter().map(|c| c.id.clone()).collect();
        prop_assert_eq!(order.len(), plan.changes().len(), "a circle");
        let network = ["interfaces", "internet-gateway/", "rules/", "security-group/", "subnet/", "route-table/"];
        let after = ["vpc", "dhcp/"];
        let starts = |id: &str, all: &[&str]| all.iter().any(|start| id.starts_with(start));
        for id in &order {
            let vpc_needs = needs(&plan, "vpc", id);
            prop_assert_eq!(vpc_needs, !(id == "vpc" || id.starts_with("dhcp/")), "{}", id);
            if id.starts_with("dhcp/") {
                prop_assert!(needs(&plan, id, "vpc"));
            }
            let before = !starts(id, &network) && !starts(id, &after)
                && !id.starts_with("log-group/") && !id.starts_with("launch-delete/");
            for part in order.iter().filter(|part| before && starts(part, &network)) {
                prop_assert!(needs(&plan, part, id), "{} needs {}", part, id);
            }
        }
    }
}
