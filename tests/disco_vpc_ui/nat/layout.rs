//! Environments of the old layout, with one route table per metanetwork.

use super::faults::killed_everywhere;
use super::*;

/// Makes the tables of an environment what they were long ago: one for each metanetwork, without the tag `subnet`, with a
/// route that somebody made; and takes tags from its subnets.
fn make_old(cloud: &Cloud) {
    let ec2 = cloud.client();
    let vpc = vpc_ids(cloud, "ci")[0].clone();
    let gateways = cloud.wait(ec2.describe_internet_gateways().send()).unwrap();
    let gateway = gateways.internet_gateways()[0]
        .internet_gateway_id()
        .unwrap();
    let subnets = cloud
        .wait(ec2.describe_subnets().filters(in_vpc(&vpc)).send())
        .unwrap();
    let (subnet, ids): (&str, Vec<&str>) = (
        subnets.subnets()[0].subnet_id().unwrap(),
        subnets
            .subnets()
            .iter()
            .filter_map(|s| s.subnet_id())
            .collect(),
    );
    let made = cloud.wait(ec2.create_network_interface().subnet_id(subnet).send());
    let interface = made
        .unwrap()
        .network_interface
        .unwrap()
        .network_interface_id
        .unwrap();
    let tables = tables(cloud);
    for net in ["intranet", "tunnel", "dmz"] {
        let made = cloud
            .wait(ec2.create_route_table().vpc_id(&vpc).send())
            .unwrap();
        let shared = made.route_table.unwrap().route_table_id.unwrap();
        let tag = Tag::builder().key("meta_network").value(net).build();
        cloud
            .wait(ec2.create_tags().resources(&shared).tags(tag).send())
            .unwrap();
        let route = |to: &str| {
            ec2.create_route()
                .route_table_id(&shared)
                .destination_cidr_block(to)
        };
        cloud
            .wait(
                route("10.20.0.0/16")
                    .network_interface_id(&interface)
                    .send(),
            )
            .unwrap();
        if net == "tunnel" {
            cloud
                .wait(route("0.0.0.0/0").gateway_id(gateway).send())
                .unwrap();
        }
        for table in tables
            .iter()
            .filter(|t| name(t.tags()).starts_with(&format!("ci_{net}")))
        {
            let id = table.route_table_id().unwrap();
            for association in table.associations() {
                let own = association.route_table_association_id().unwrap();
                let call = ec2.replace_route_table_association().association_id(own);
                cloud.wait(call.route_table_id(&shared).send()).unwrap();
            }
            cloud
                .wait(ec2.delete_route_table().route_table_id(id).send())
                .unwrap();
        }
    }
    let call = ec2
        .delete_tags()
        .set_resources(Some(ids.iter().map(|id| (*id).to_owned()).collect()));
    let call = call
        .tags(Tag::builder().key("subnet").build())
        .tags(Tag::builder().key("Name").build());
    cloud.wait(call.send()).unwrap();
}

/// Every tagged table: name, metanetwork, number of subnets, routes without `local`.
fn layout(cloud: &Cloud) -> Vec<String> {
    let mut lines = Vec::new();
    for table in tables(cloud) {
        let net = table
            .tags()
            .iter()
            .find(|t| t.key() == Some("meta_network"));
        let Some(net) = net.and_then(|t| t.value()) else {
            continue;
        };
        let target = |r: &aws_sdk_ec2::types::Route| {
            let ids = [r.gateway_id(), r.nat_gateway_id(), r.network_interface_id()];
            let id = ids
                .into_iter()
                .flatten()
                .find(|id| !id.is_empty())
                .unwrap_or("-");
            id.split('-').next().unwrap_or_default().to_owned()
        };
        let mut routes: Vec<String> = table
            .routes()
            .iter()
            .filter(|r| r.gateway_id() != Some("local"))
            // Those of the S3 endpoint have a prefix list for a destination.
            .filter_map(|r| Some(format!("{}->{}", r.destination_cidr_block()?, target(r))))
            .collect();
        routes.sort();
        let subnets = table
            .associations()
            .iter()
            .filter(|a| a.subnet_id().is_some())
            .count();
        lines.push(format!(
            "{} {net} {subnets} {}",
            name(table.tags()),
            routes.join(" ")
        ));
    }
    lines.sort();
    lines
}

fn split(zones: &[&str]) -> Vec<String> {
    let mut wanted = Vec::new();
    for zone in zones {
        wanted.push(format!(
            "ci_intranet_us-west-2{zone} intranet 1 0.0.0.0/0->nat 10.20.0.0/16->eni"
        ));
        wanted.push(format!(
            "ci_tunnel_us-west-2{zone} tunnel 1 0.0.0.0/0->igw 10.20.0.0/16->eni"
        ));
    }
    wanted.push(format!("- dmz {} 10.20.0.0/16->eni", zones.len()));
    wanted.sort();
    wanted
}

fn subnet_names(cloud: &Cloud) -> Vec<String> {
    let vpc = &vpc_ids(cloud, "ci")[0];
    let call = cloud.client().describe_subnets().filters(in_vpc(vpc));
    let all = cloud.wait(call.send()).unwrap();
    all.subnets().iter().map(|s| name(s.tags())).collect()
}

#[test]
fn the_old_layout_is_converted_where_nat_needs_it() {
    let (cloud, config) = (Cloud::start(), configured(""));
    create(&cloud, &config);
    make_old(&cloud);
    assert_eq!(layout(&cloud).len(), 3);
    let planned = run(cloud.url(), &config, DRY).expect_status(0);
    assert!(
        planned
            .stdout
            .lines()
            .all(|l| l.starts_with("+ tags of subnet ") || l.starts_with("~ S3 endpoint ")),
        "{}",
        planned.stdout
    );
    configure(
        &config,
        "tunnel_nat_gateways = auto\nnat_gateway_routes = intranet/tunnel",
    );
    update(&cloud, &config);
    assert_eq!(layout(&cloud), split(&["a", "b", "c"]));
    assert_eq!(state(&cloud), expected(["auto"; 3], true));
    assert!(
        subnet_names(&cloud)
            .iter()
            .all(|own| own.starts_with("ci_"))
    );
}

#[test]
fn conversion_killed_at_every_call_converges() {
    killed_everywhere(
        |cloud, config, plain| {
            configure(config, "");
            run(plain.url(), config, "create --name ci --type ci").expect_status(0);
            make_old(cloud);
            configure(
                config,
                "tunnel_nat_gateways = auto\nnat_gateway_routes = intranet/tunnel",
            );
        },
        |cloud, at| {
            assert_eq!(layout(cloud), split(&["a"]), "{at}");
            assert_eq!(count_addresses(cloud), 1, "{at}");
            assert!(
                subnet_names(cloud).iter().all(|own| own.starts_with("ci_")),
                "{at}"
            );
        },
    );
}
