//! `show`: an environment with hosts and every kind of way out, in all forms, compared with what the SDK says.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_ec2::types::{Filter, ResourceType, Tag, TagSpecification};
use serde_json::{Value, json};

use super::{create, fixed, run};
use crate::disco_aws::World;
use crate::support::Output;
use crate::support::cloud::Cloud;
use crate::support::config::TestConfig;
use crate::support::environment::{changing_calls, default_vpc, vpc_ids};
use crate::support::proxy::{Behaviour, Proxy};

/// Runs it without any configuration.
fn show(url: &str, words: &str) -> Output {
    run(url, &TestConfig::new(), &format!("show {words}"))
}

fn json_of(output: Output) -> Value {
    serde_json::from_str(&output.expect_status(0).stdout).unwrap()
}

fn named(kind: ResourceType, name: &str) -> TagSpecification {
    let tag = Tag::builder().key("Name").value(name).build();
    TagSpecification::builder()
        .resource_type(kind)
        .tags(tag)
        .build()
}

/// What was made beside the environment.
struct Made {
    nat: String,
    address: String,
    vpn: String,
    endpoint: String,
    peering: String,
    peer: String,
    /// The table of the intranet in us-west-2a.
    table: String,
}

/// A NAT gateway, a VPN gateway and a peering, with routes from the first subnet of the intranet; and the S3 endpoint that
/// is there already.
fn decorate(world: &World) -> Made {
    let ec2 = world.cloud.client();
    let (intranet, dmz) = (first_subnet(world, "intranet"), first_subnet(world, "dmz"));
    let by_subnet = Filter::builder()
        .name("association.subnet-id")
        .values(intranet)
        .build();
    world.cloud.wait(async {
        let tables = ec2
            .describe_route_tables()
            .filters(by_subnet)
            .send()
            .await
            .unwrap();
        let table = tables.route_tables()[0]
            .route_table_id()
            .unwrap()
            .to_owned();
        let address = ec2.allocate_address().send().await.unwrap();
        let nat = ec2
            .create_nat_gateway()
            .subnet_id(dmz)
            .allocation_id(address.allocation_id().unwrap());
        let nat = nat
            .send()
            .await
            .unwrap()
            .nat_gateway
            .unwrap()
            .nat_gateway_id
            .unwrap();
        let vpn = ec2
            .create_vpn_gateway()
            .r#type(aws_sdk_ec2::types::GatewayType::Ipsec1)
            .send()
            .await
            .unwrap();
        let vpn = vpn.vpn_gateway.unwrap().vpn_gateway_id.unwrap();
        ec2.attach_vpn_gateway()
            .vpn_gateway_id(&vpn)
            .vpc_id(&world.vpc_id)
            .send()
            .await
            .unwrap();
        let endpoints = ec2.describe_vpc_endpoints().send().await.unwrap();
        let mut endpoints = endpoints.vpc_endpoints().iter();
        let endpoint = endpoints.find(|e| e.vpc_id() == Some(&world.vpc_id));
        let endpoint = endpoint.unwrap().vpc_endpoint_id().unwrap().to_owned();
        let peer = ec2
            .create_vpc()
            .cidr_block("10.200.0.0/16")
            .tag_specifications(named(ResourceType::Vpc, "qa"));
        let peer = peer.send().await.unwrap().vpc.unwrap().vpc_id.unwrap();
        let peering = ec2
            .create_vpc_peering_connection()
            .vpc_id(&world.vpc_id)
            .peer_vpc_id(&peer)
            .send()
            .await;
        let peering = peering
            .unwrap()
            .vpc_peering_connection
            .unwrap()
            .vpc_peering_connection_id
            .unwrap();
        let route = |cidr: &str| {
            ec2.create_route()
                .route_table_id(&table)
                .destination_cidr_block(cidr)
        };
        route("0.0.0.0/0")
            .nat_gateway_id(&nat)
            .send()
            .await
            .unwrap();
        route("192.168.0.0/16")
            .gateway_id(&vpn)
            .send()
            .await
            .unwrap();
        route("10.200.0.0/16")
            .vpc_peering_connection_id(&peering)
            .send()
            .await
            .unwrap();
        Made {
            nat,
            address: address.public_ip.unwrap(),
            vpn,
            endpoint,
            peering,
            peer,
            table,
        }
    })
}

/// The subnet of a metanetwork in us-west-2a.
fn first_subnet(world: &World, net: &str) -> String {
    let ec2 = world.cloud.client();
    let filter = |name: &str, value: &str| Filter::builder().name(name).values(value).build();
    let call = ec2
        .describe_subnets()
        .filters(filter("vpc-id", &world.vpc_id))
        .filters(filter("tag:meta_network", net))
        .filters(filter("availability-zone", "us-west-2a"));
    world.cloud.wait(call.send()).unwrap().subnets()[0]
        .subnet_id()
        .unwrap()
        .to_owned()
}

#[test]
fn an_environment_in_all_forms() {
    let world = World::new();
    let rows = "sequence,hostclass,min_size,desired_size,max_size,instance_type\n1,mhcapp,1,2,4,t2.micro\n1,mhcdb,0,1,1,t2.micro\n";
    let file = world.pipeline("p.csv", rows);
    world.run(&["spinup", "--pipeline", &file]).expect_status(0);
    let made = decorate(&world);

    let proxy = Proxy::start(
        world.cloud.url(),
        Behaviour::new().delay(Duration::from_millis(100)),
    );
    let shown = json_of(show(proxy.url(), "--name ci --output json"));
    assert_eq!(changing_calls(&proxy), [""; 0]);
    assert_eq!(
        proxy.longest_chain(),
        2,
        "the VPCs, then everything else: {:?}",
        proxy.calls()
    );

    head(&world, &shown);
    subnets(&world, &shown);
    security_groups(&world, &shown);
    ways_out(&world, &shown, &made);
    hosts_and_groups(&world, &shown);
    other_forms(&world, &shown, &made);
}

fn head(world: &World, shown: &Value) {
    let call = world
        .cloud
        .client()
        .describe_vpcs()
        .vpc_ids(&world.vpc_id)
        .send();
    let vpcs = world.cloud.wait(call).unwrap();
    let vpc = &vpcs.vpcs()[0];
    let keys: Vec<&String> = shown.as_object().unwrap().keys().collect();
    let wanted = "name type id region cidr_block cidr_blocks is_default tags metanetworks unplaced_hosts \
                  internet_gateways vpn_gateways endpoints dhcp_options peerings groups";
    assert_eq!(keys, wanted.split_whitespace().collect::<Vec<_>>());
    assert_eq!(
        (&shown["name"], &shown["type"], &shown["region"]),
        (&json!("ci"), &json!("ci"), &json!("us-west-2"))
    );
    assert_eq!(
        (shown["id"].as_str(), shown["cidr_block"].as_str()),
        (vpc.vpc_id(), vpc.cidr_block())
    );
    assert_eq!(shown["cidr_blocks"], json!([vpc.cidr_block()]));
    assert_eq!(
        (&shown["is_default"], &shown["unplaced_hosts"]),
        (&json!(false), &json!([]))
    );
    let tags: BTreeMap<_, _> = vpc
        .tags()
        .iter()
        .map(|t| (t.key().unwrap(), t.value().unwrap()))
        .collect();
    assert_eq!(shown["tags"], json!(tags));
    assert_eq!(shown["dhcp_options"]["id"].as_str(), vpc.dhcp_options_id());
    assert_eq!(
        shown["dhcp_options"]["options"]["domain-name"],
        json!(["ci.example.com"])
    );
}

fn subnets(world: &World, shown: &Value) {
    let nets = shown["metanetworks"].as_array().unwrap();
    let names: Vec<&str> = nets
        .iter()
        .map(|net| net["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["intranet", "tunnel", "dmz", "maintenance"]);
    for net in nets {
        let own = net["subnets"].as_array().unwrap();
        let text = |subnet: &Value, key: &str| subnet[key].as_str().unwrap().to_owned();
        let blocks: BTreeMap<String, String> = own
            .iter()
            .map(|s| (text(s, "id"), text(s, "cidr_block")))
            .collect();
        assert_eq!(blocks, world.subnets(net["name"].as_str().unwrap()));
        let zones: Vec<String> = own.iter().map(|s| text(s, "zone")).collect();
        assert_eq!(zones, ["us-west-2a", "us-west-2b", "us-west-2c"]);
        let (head, rest) = net["cidr_block"].as_str().unwrap().split_once('/').unwrap();
        assert_eq!(rest, "22");
        assert_eq!(text(&own[0], "cidr_block"), format!("{head}/24"));
    }
    let kept: Vec<Value> = world
        .floating_interfaces()
        .iter()
        .map(|i| json!({"id": i.network_interface_id(), "private_ip": i.private_ip_address(), "public_ip": null,
                        "hostclass": "mhcproxy", "instance_id": null}))
        .collect();
    assert_eq!(kept.len(), 1);
    assert_eq!(nets[2]["subnets"][0]["interfaces"], json!(kept));
}

fn security_groups(world: &World, shown: &Value) {
    for net in shown["metanetworks"].as_array().unwrap() {
        let name = net["name"].as_str().unwrap();
        assert_eq!(net["security_group"]["id"], world.security_group(name));
        assert_eq!(net["security_group"]["name"], format!("ci_{name}"));
    }
    let ingress = &shown["metanetworks"][0]["security_group"]["ingress"];
    let wanted = [
        "icmp from dmz, intranet, maintenance, tunnel",
        "tcp 22 from dmz, intranet, maintenance, tunnel",
    ];
    for rule in wanted {
        assert!(
            ingress.as_array().unwrap().contains(&json!(rule)),
            "{ingress}"
        );
    }
}

fn ways_out(world: &World, shown: &Value, made: &Made) {
    let active = |destination: &str, target: &str, id: &str, name: Option<&str>| {
        json!({"destination": destination, "target": target, "target_id": id, "target_name": name,
               "state": "active", "propagated": false})
    };
    let internet = shown["internet_gateways"][0]["id"].as_str().unwrap();
    let call = world.cloud.client().describe_internet_gateways();
    let filter = Filter::builder()
        .name("attachment.vpc-id")
        .values(&world.vpc_id)
        .build();
    let gateways = world.cloud.wait(call.filters(filter).send()).unwrap();
    assert_eq!(
        gateways.internet_gateways()[0].internet_gateway_id(),
        Some(internet)
    );

    let intranet = &shown["metanetworks"][0]["subnets"];
    assert_eq!(intranet[0]["route_table_id"], made.table.as_str());
    let service = "com.amazonaws.us-west-2.s3";
    let routes = json!([
        active("0.0.0.0/0", "nat_gateway", &made.nat, Some(&made.address)),
        active("10.200.0.0/16", "peering", &made.peering, Some("qa")),
        active("192.168.0.0/16", "vpn_gateway", &made.vpn, None),
        active(service, "endpoint", &made.endpoint, None),
    ]);
    assert_eq!(intranet[0]["routes"], routes);
    let only = active(service, "endpoint", &made.endpoint, None);
    assert_eq!(intranet[1]["routes"], json!([only]));
    let dmz = &shown["metanetworks"][2]["subnets"];
    assert_eq!(
        dmz[1]["routes"],
        json!([
            active("0.0.0.0/0", "internet_gateway", internet, None),
            only
        ])
    );
    assert_eq!(
        dmz[0]["nat_gateways"],
        json!([{"id": made.nat, "state": "available", "public_ip": made.address}])
    );
    assert_eq!(dmz[1]["nat_gateways"], json!([]));
    assert_eq!(
        shown["vpn_gateways"],
        json!([{"id": made.vpn, "state": "attached"}])
    );
    assert_eq!(
        shown["endpoints"],
        json!([{"id": made.endpoint, "service": service, "type": "Gateway"}])
    );
    let peering = &shown["peerings"][0];
    let peer =
        json!({"vpc_id": made.peer, "name": "qa", "type": "-", "cidr_block": "10.200.0.0/16"});
    assert_eq!(
        (&peering["id"], &peering["peer"], &peering["accepter"]),
        (&json!(made.peering), &peer, &peer)
    );
    assert_eq!(peering["requester"]["name"], "ci");
    assert_eq!(peering["status"], "pending-acceptance");
}

fn hosts_and_groups(world: &World, shown: &Value) {
    let nets = shown["metanetworks"].as_array().unwrap();
    let mut hosts: Vec<Value> = Vec::new();
    for subnet in nets
        .iter()
        .flat_map(|net| net["subnets"].as_array().unwrap())
    {
        let own = subnet["hosts"].as_array().unwrap().iter();
        hosts.extend(own.map(|host| json!([subnet["id"], host])));
    }
    let mut wanted: Vec<Value> = Vec::new();
    for instance in world.instances(None) {
        let tag = |key| crate::disco_aws::tag_of(&instance, key);
        let zone = instance.placement().and_then(|p| p.availability_zone());
        wanted.push(json!([instance.subnet_id(), {
            "instance_id": instance.instance_id(), "hostclass": tag("hostclass"),
            "private_ip": instance.private_ip_address(), "public_ip": instance.public_ip_address(),
            "state": crate::disco_aws::state_of(&instance), "instance_type": "t2.micro",
            "availability_zone": zone, "group_name": tag("aws:autoscaling:groupName"),
        }]));
    }
    assert_eq!(wanted.len(), 3);
    let key = |pair: &Value| pair[1]["instance_id"].as_str().unwrap().to_owned();
    hosts.sort_by_key(key);
    wanted.sort_by_key(key);
    assert_eq!(hosts, wanted);

    let group = |hostclass: &str| {
        let group = world.group(hostclass);
        json!({"hostclass": hostclass, "name": group.auto_scaling_group_name(), "type": "asg",
               "min_size": group.min_size(), "desired_capacity": group.desired_capacity(),
               "max_size": group.max_size(), "metanetworks": ["intranet"], "deleting": false})
    };
    assert_eq!(shown["groups"], json!([group("mhcapp"), group("mhcdb")]));
}

/// Text, SVG and DOT say the same; `--vpc-id` and both places of `--output` work.
fn other_forms(world: &World, shown: &Value, made: &Made) {
    let url = world.cloud.url();
    let by_id = show(url, &format!("--vpc-id {} --output json", world.vpc_id));
    assert_eq!(json_of(by_id), *shown);
    let text = show(url, "--name ci").expect_status(0);
    assert_eq!(text.stderr, "");
    let route = format!("NAT gateway {} {}", made.address, made.nat);
    assert!(text.stdout.contains(&route), "{}", text.stdout);
    assert!(
        text.stdout.lines().all(|line| line.chars().count() <= 120),
        "{}",
        text.stdout
    );
    let picture = run(url, &TestConfig::new(), "--output svg show --name ci")
        .expect_status(0)
        .stdout;
    assert!(picture.starts_with("<?xml") && picture.ends_with("</svg>\n"));
    let graph = show(url, "--name ci --output dot").expect_status(0).stdout;
    assert!(graph.starts_with("digraph ") && graph.ends_with("}\n"));
    for subnet in
        world
            .subnets("tunnel")
            .keys()
            .chain([&made.nat, &made.vpn, &made.endpoint, &made.peering])
    {
        for form in [&text.stdout, &picture, &graph] {
            assert!(form.contains(subnet.as_str()), "{subnet} in\n{form}");
        }
    }
}

#[test]
fn other_vpcs_and_half_made_environments() {
    let (cloud, config) = (Cloud::start(), fixed());
    // The region's default VPC has no tags and four subnets that are of no metanetwork.
    let default = default_vpc(&cloud);
    let shown = json_of(show(
        cloud.url(),
        &format!("--vpc-id {default} --output json"),
    ));
    assert_eq!(
        (&shown["name"], &shown["is_default"]),
        (&json!("-"), &json!(true))
    );
    let nets = shown["metanetworks"].as_array().unwrap();
    assert_eq!((nets.len(), &nets[0]["name"]), (1, &json!("-")));
    assert_eq!(nets[0]["subnets"].as_array().unwrap().len(), 4);
    assert!(
        nets[0]["subnets"][0]["route_table_id"]
            .as_str()
            .unwrap()
            .starts_with("rtb-"),
        "the main one counts"
    );
    assert_eq!(
        (&nets[0]["security_group"], &shown["groups"]),
        (&json!(null), &json!([]))
    );

    // Of an interrupted creation there may be no more than this.
    let ec2 = cloud.client();
    let bare = ec2
        .create_vpc()
        .cidr_block("10.77.0.0/24")
        .tag_specifications(named(ResourceType::Vpc, "half"));
    cloud.wait(bare.send()).unwrap();
    let shown = json_of(show(cloud.url(), "--name half --output json"));
    assert_eq!(
        (&shown["metanetworks"], &shown["type"]),
        (&json!([]), &json!("-"))
    );
    let text = show(cloud.url(), "--name half").expect_status(0).stdout;
    assert!(text.contains("\nSubnets\n  none\n"), "{text}");
    show(cloud.url(), "--name half --output svg").expect_status(0);
    show(cloud.url(), "--name half --output dot").expect_status(0);

    let missing = show(cloud.url(), "--name nobody").expect_status(2);
    assert!(
        missing.stderr.starts_with("error: No matching VPC found\n"),
        "{}",
        missing.stderr
    );
    create(&cloud, &config);
    let twin = ec2
        .create_vpc()
        .cidr_block("10.78.0.0/24")
        .tag_specifications(named(ResourceType::Vpc, "ci"));
    cloud.wait(twin.send()).unwrap();
    let several = show(cloud.url(), "--name ci").expect_status(1);
    assert!(
        several
            .stderr
            .starts_with("error: several VPCs match environment `ci`: "),
        "{}",
        several.stderr
    );
    for id in vpc_ids(&cloud, "ci") {
        assert!(several.stderr.contains(&id), "{}", several.stderr);
    }
}

#[test]
fn pictures_are_for_show_only() {
    let nowhere = "http://127.0.0.1:9";
    insta::assert_snapshot!(
        "help_show",
        run(nowhere, &TestConfig::new(), "show --help")
            .expect_status(0)
            .stdout
    );
    for words in [
        "list --output svg",
        "--output dot list",
        "update --name ci --output svg",
    ] {
        let output = run(nowhere, &TestConfig::new(), words).expect_status(2);
        assert!(
            output.stderr.contains("[possible values: text, json]")
                && output.stderr.contains("Usage:"),
            "{words}: {}",
            output.stderr
        );
    }
    let output = run(nowhere, &TestConfig::new(), "show --name ci --output png").expect_status(2);
    assert!(
        output.stderr.contains("invalid value 'png'"),
        "{}",
        output.stderr
    );
    let output = run(nowhere, &TestConfig::new(), "show").expect_status(2);
    assert!(
        output.stderr.contains("<--name <NAME>|--vpc-id <VPC_ID>>"),
        "{}",
        output.stderr
    );
}
