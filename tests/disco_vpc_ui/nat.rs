//! NAT gateways, their addresses and routes, and the old layout of route tables.

mod faults;
mod layout;

use super::{create, run};
use crate::support::cloud::Cloud;
use crate::support::config::TestConfig;
use crate::support::environment::{changing_calls, in_vpc, vpc_ids};
use crate::support::proxy::{Behaviour, Proxy};
use aws_sdk_ec2::types::{Filter, RouteTable, Tag};
use std::collections::BTreeMap;

const NETS: &str = "\
[envtype:ci]
vpc_cidr = 10.0.0.0/20
intranet_cidr = 10.0.0.0/22
tunnel_cidr = 10.0.4.0/22
dmz_cidr = 10.0.8.0/22
tunnel_igw_routes = 0.0.0.0/0
";

/// Takes the place of moto's four zones: fewer calls.
const ONE_ZONE: &str = "\
<DescribeAvailabilityZonesResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>r</requestId>\
<availabilityZoneInfo><item><zoneName>us-west-2a</zoneName><zoneState>available</zoneState></item>\
</availabilityZoneInfo></DescribeAvailabilityZonesResponse>";

const UPDATE: &str = "update --name ci";
const DRY: &str = "update --name ci --dry-run";

fn one_zone() -> Behaviour {
    Behaviour::new().answer("DescribeAvailabilityZones", 200, ONE_ZONE)
}

fn configured(options: &str) -> TestConfig {
    let config = TestConfig::standard();
    configure(&config, options);
    config
}

fn configure(config: &TestConfig, options: &str) {
    config.write("disco_vpc.ini", &format!("{NETS}{options}\n"));
}

/// Allocates addresses for lists.
fn allocate(cloud: &Cloud, count: usize) -> Vec<String> {
    let one = |_| {
        let made = cloud.wait(cloud.client().allocate_address().send());
        made.unwrap().public_ip.unwrap()
    };
    (0..count).map(one).collect()
}

fn name(tags: &[Tag]) -> String {
    let own = tags.iter().find(|t| t.key() == Some("Name"));
    own.and_then(|t| t.value()).unwrap_or("-").to_owned()
}

fn tables(cloud: &Cloud) -> Vec<RouteTable> {
    let vpc = &vpc_ids(cloud, "ci")[0];
    let call = cloud.client().describe_route_tables().filters(in_vpc(vpc));
    cloud.wait(call.send()).unwrap().route_tables().to_vec()
}

/// All that concerns NAT, sorted: gateways with their addresses, default routes through them, marked subnets, addresses
/// allocated automatically (without the address, which is chance).
fn state(cloud: &Cloud) -> Vec<String> {
    let ec2 = cloud.client();
    let addresses = cloud.wait(ec2.describe_addresses().send()).unwrap();
    let dynamic = |ip: &str| {
        let own = addresses
            .addresses()
            .iter()
            .find(|a| a.public_ip() == Some(ip));
        own.is_some_and(|a| a.tags().iter().any(|t| t.key() == Some("dynamic")))
    };
    let mut lines = Vec::new();
    for address in addresses.addresses() {
        let tags: BTreeMap<&str, &str> = address
            .tags()
            .iter()
            .map(|t| (t.key().unwrap(), t.value().unwrap()))
            .collect();
        if !tags.is_empty() {
            lines.push(format!("automatic address {tags:?}"));
        }
    }
    let gateways = cloud.wait(ec2.describe_nat_gateways().send()).unwrap();
    let mut names = BTreeMap::new();
    for gateway in gateways.nat_gateways() {
        let id = gateway.nat_gateway_id().unwrap();
        if gateway.state().unwrap().as_str() == "deleted" {
            continue;
        }
        names.insert(id.to_owned(), name(gateway.tags()));
        let ip = gateway.nat_gateway_addresses()[0].public_ip().unwrap();
        let ip = if dynamic(ip) { "auto" } else { ip };
        lines.push(format!("gateway {} {ip}", name(gateway.tags())));
    }
    for table in tables(cloud) {
        for route in table.routes() {
            if let Some(id) = route.nat_gateway_id() {
                let to = names.get(id).map_or("nowhere", String::as_str);
                let destination = route.destination_cidr_block().unwrap();
                lines.push(format!("{} {destination} -> {to}", name(table.tags())));
            }
        }
    }
    let subnets = cloud.wait(ec2.describe_subnets().send()).unwrap();
    for subnet in subnets.subnets() {
        if subnet.tags().iter().any(|t| t.key() == Some("dynonat")) {
            lines.push(format!("mark {}", name(subnet.tags())));
        }
    }
    lines.sort();
    lines
}

/// The lines of [`state`] for NAT gateways of tunnel, and of routes from intranet to them.
fn expected(addresses: [&str; 3], routes: bool) -> Vec<String> {
    let mut lines = Vec::new();
    for (zone, address) in ["us-west-2a", "us-west-2b", "us-west-2c"]
        .iter()
        .zip(addresses)
    {
        lines.push(format!("gateway ci_tunnel_{zone} {address}"));
        if routes {
            lines.push(format!("ci_intranet_{zone} 0.0.0.0/0 -> ci_tunnel_{zone}"));
        }
        if address == "auto" {
            lines.push(format!("mark ci_tunnel_{zone}"));
            let own = format!("ci_tunnel_{zone}");
            let tags = BTreeMap::from([
                ("Name", own.as_str()),
                ("dynamic", "true"),
                ("environment", "ci"),
            ]);
            lines.push(format!("automatic address {tags:?}"));
        }
    }
    lines.sort();
    lines
}

fn count_addresses(cloud: &Cloud) -> usize {
    let all = cloud.wait(cloud.client().describe_addresses().send());
    all.unwrap().addresses().len()
}

/// Updates, and then there is nothing to do.
fn update(cloud: &Cloud, config: &TestConfig) {
    run(cloud.url(), config, UPDATE).expect_status(0);
    let rest = run(cloud.url(), config, DRY).expect_status(0);
    assert_eq!(rest.stdout, "no changes\n");
}

#[test]
fn automatic_gateways_of_a_new_environment() {
    let (cloud, config) = (
        Cloud::start(),
        configured("tunnel_nat_gateways = auto\nnat_gateway_routes = intranet/tunnel"),
    );
    let proxy = Proxy::start(cloud.url(), Behaviour::new());
    let words = "create --name ci --type ci --tag productline:blue";
    let planned = run(proxy.url(), &config, &format!("{words} --dry-run")).expect_status(0);
    assert_eq!(changing_calls(&proxy), [""; 0]);
    for line in [
        "+ NAT gateway tunnel us-west-2c auto",
        "+ route intranet us-west-2c 0.0.0.0/0 -> NAT gateway tunnel us-west-2c",
    ] {
        assert!(
            planned.stdout.lines().any(|l| l == line),
            "{}",
            planned.stdout
        );
    }
    run(proxy.url(), &config, words).expect_status(0);
    assert_eq!(state(&cloud), expected(["auto"; 3], true));
    assert_eq!(count_addresses(&cloud), 3);
    // Every call that makes something is safe to repeat, and tags at once.
    for call in proxy.calls() {
        if call.operation == "CreateNatGateway" {
            assert!(call.parameter("ClientToken").is_some());
            assert!(call.form.iter().any(|(_, value)| value == "productline"));
        }
        if call.operation == "AllocateAddress" {
            assert!(call.form.iter().any(|(_, value)| value == "dynamic"));
        }
    }
    let rest = run(cloud.url(), &config, DRY).expect_status(0);
    assert_eq!(rest.stdout, "no changes\n");
}

#[test]
fn static_to_another_list_to_auto_to_none() {
    let cloud = Cloud::start();
    let ips = allocate(&cloud, 4);
    let [a, b, c, d] = [0, 1, 2, 3].map(|i| ips[i].as_str());
    let list = |ips: [&str; 3]| {
        format!(
            "tunnel_nat_gateways = {}\nnat_gateway_routes = intranet/tunnel",
            ips.join(" ")
        )
    };
    let config = configured(&list([a, b, c]));
    create(&cloud, &config);
    assert_eq!(state(&cloud), expected([a, b, c], true));
    // The order of the list does not matter to gateways that exist.
    configure(&config, &list([c, a, b]));
    let rest = run(cloud.url(), &config, DRY).expect_status(0);
    assert_eq!(rest.stdout, "no changes\n");
    configure(&config, &list([b, d, c]));
    update(&cloud, &config);
    assert_eq!(state(&cloud), expected([d, b, c], true));
    configure(
        &config,
        "tunnel_nat_gateways = auto\nnat_gateway_routes = intranet/tunnel",
    );
    update(&cloud, &config);
    assert_eq!(state(&cloud), expected(["auto"; 3], true));
    assert_eq!(count_addresses(&cloud), 7);
    configure(&config, &list([c, d, a]));
    update(&cloud, &config);
    assert_eq!(state(&cloud), expected([c, d, a], true));
    assert_eq!(
        count_addresses(&cloud),
        4,
        "automatic addresses are given back"
    );
    configure(&config, "");
    update(&cloud, &config);
    assert_eq!(state(&cloud), [""; 0]);
    assert_eq!(count_addresses(&cloud), 4, "static addresses are kept");
}

#[test]
fn two_metanetworks_swap_their_addresses() {
    let cloud = Cloud::start();
    let ips = allocate(&cloud, 6);
    let (first, second) = (ips[..3].join(","), ips[3..].join(" "));
    let lists = |tunnel: &str, dmz: &str| {
        format!(
            "tunnel_nat_gateways = {tunnel}\ndmz_nat_gateways = {dmz}\nnat_gateway_routes = intranet/tunnel"
        )
    };
    let config = configured(&lists(&first, &second));
    create(&cloud, &config);
    configure(&config, &lists(&second, &first));
    update(&cloud, &config);
    let mut wanted = expected([&ips[3], &ips[4], &ips[5]], true);
    for (zone, ip) in ["a", "b", "c"].iter().zip(&ips) {
        wanted.push(format!("gateway ci_dmz_us-west-2{zone} {ip}"));
    }
    wanted.sort();
    assert_eq!(state(&cloud), wanted);
}

#[test]
fn what_people_break_is_repaired() {
    let (cloud, config) = (
        Cloud::start(),
        configured("tunnel_nat_gateways = auto\nnat_gateway_routes = intranet/tunnel"),
    );
    create(&cloud, &config);
    let ec2 = cloud.client();
    // A gateway is deleted: its address is left with a void association, its route is a blackhole.
    let all = cloud.wait(ec2.describe_nat_gateways().send()).unwrap();
    let named = |own: &&aws_sdk_ec2::types::NatGateway| name(own.tags()) == "ci_tunnel_us-west-2b";
    let gone = all.nat_gateways().iter().find(named).unwrap();
    let id = gone.nat_gateway_id().unwrap();
    cloud
        .wait(ec2.delete_nat_gateway().nat_gateway_id(id).send())
        .unwrap();
    // Another zone loses its route.
    let table = tables(&cloud)
        .into_iter()
        .find(|t| name(t.tags()) == "ci_intranet_us-west-2a");
    let call = ec2
        .delete_route()
        .route_table_id(table.unwrap().route_table_id.unwrap());
    cloud
        .wait(call.destination_cidr_block("0.0.0.0/0").send())
        .unwrap();
    let ip = gone.nat_gateway_addresses()[0].public_ip().unwrap();
    let kept = all
        .nat_gateways()
        .iter()
        .find(|g| name(g.tags()) == "ci_tunnel_us-west-2a");
    let kept = kept.unwrap().nat_gateway_id().unwrap();
    let planned = run(cloud.url(), &config, DRY).expect_status(0);
    let shown: Vec<&str> = planned.stdout.lines().collect();
    assert_eq!(
        shown,
        [
            format!("+ NAT gateway tunnel us-west-2b auto {ip} (left by an interrupted run)"),
            format!("+ route intranet us-west-2a 0.0.0.0/0 -> {kept}"),
            format!(
                "~ route intranet us-west-2b 0.0.0.0/0 -> NAT gateway tunnel us-west-2b (was {id})"
            ),
        ]
    );
    update(&cloud, &config);
    assert_eq!(state(&cloud), expected(["auto"; 3], true));
    assert_eq!(count_addresses(&cloud), 3);
}

#[test]
fn wrong_lists_are_refused_before_any_change() {
    let cloud = Cloud::start();
    let ips = allocate(&cloud, 3);
    let config = configured("");
    create(&cloud, &config);
    let ec2 = cloud.client();
    let subnets = cloud.wait(ec2.describe_subnets().send()).unwrap();
    let subnet = subnets.subnets()[0].subnet_id().unwrap();
    let made = cloud.wait(ec2.create_network_interface().subnet_id(subnet).send());
    let interface = made
        .unwrap()
        .network_interface
        .unwrap()
        .network_interface_id
        .unwrap();
    let found = cloud
        .wait(ec2.describe_addresses().public_ips(&ips[2]).send())
        .unwrap();
    let allocation = found.addresses()[0].allocation_id().unwrap();
    let call = ec2.associate_address().network_interface_id(&interface);
    cloud.wait(call.allocation_id(allocation).send()).unwrap();

    let table = [
        (
            format!("{} {}", ips[0], ips[1]),
            "2 elastic IPs are listed, but metanetwork tunnel has 3 subnets".to_owned(),
        ),
        (
            format!("{} {} 192.0.2.77", ips[0], ips[1]),
            "Couldn't find Elastic IP: 192.0.2.77".to_owned(),
        ),
        (
            ips.join(" "),
            format!("elastic IP {} is in use by {interface}", ips[2]),
        ),
    ];
    for (list, wanted) in table {
        configure(&config, &format!("tunnel_nat_gateways = {list}"));
        for words in [
            DRY,
            UPDATE,
            "create --name new --type ci",
            "create --name new --type ci --dry-run",
        ] {
            let proxy = Proxy::start(cloud.url(), Behaviour::new());
            let output = run(proxy.url(), &config, words).expect_status(1);
            let place = "disco_vpc.ini:7: [envtype:ci] tunnel_nat_gateways: ";
            assert!(
                output.stderr.contains(&format!("{place}{wanted}")),
                "{words}: {}",
                output.stderr
            );
            assert_eq!(
                (changing_calls(&proxy).len(), output.stdout.as_str()),
                (0, ""),
                "{words}"
            );
        }
    }
}

#[test]
fn gateways_without_metanetwork_are_left_alone() {
    let (cloud, config) = (Cloud::start(), configured(""));
    create(&cloud, &config);
    let ec2 = cloud.client();
    let vpc = vpc_ids(&cloud, "ci")[0].clone();
    let filter = Filter::builder()
        .name("tag:Name")
        .values("ci_tunnel_us-west-2a")
        .build();
    let own = cloud
        .wait(ec2.describe_subnets().filters(filter).send())
        .unwrap();
    let own = own.subnets()[0].subnet_id().unwrap().to_owned();
    let made = cloud.wait(
        ec2.create_subnet()
            .vpc_id(&vpc)
            .cidr_block("10.0.15.0/24")
            .send(),
    );
    let foreign = made.unwrap().subnet.unwrap().subnet_id.unwrap();
    let allocation = cloud
        .wait(ec2.allocate_address().send())
        .unwrap()
        .allocation_id
        .unwrap();
    let call = ec2.create_nat_gateway().subnet_id(foreign);
    cloud.wait(call.allocation_id(allocation).send()).unwrap();
    let call = ec2.create_nat_gateway().subnet_id(own);
    let private = aws_sdk_ec2::types::ConnectivityType::Private;
    cloud.wait(call.connectivity_type(private).send()).unwrap();
    let rest = run(cloud.url(), &config, DRY).expect_status(0);
    assert_eq!(rest.stdout, "no changes\n");
}
