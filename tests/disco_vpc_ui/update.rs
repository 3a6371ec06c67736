//! `update`: every kind of drift is shown in a dry run, repaired in a real one, and gone afterwards.

use super::{create, fixed, logged, run};
use crate::support::cloud::Cloud;
use crate::support::config::TestConfig;
use crate::support::environment::{changing_calls, describe, in_vpc, vpc_ids};
use crate::support::proxy::{Behaviour, Proxy};
use aws_sdk_ec2::types::{
    AttributeBooleanValue, Filter, IpPermission, IpRange, RouteTable, SecurityGroup, Tag,
    UserIdGroupPair,
};

/// Environment `ci` in the hands of people who change it.
struct Meddler<'a> {
    cloud: &'a Cloud,
    config: &'a TestConfig,
    ec2: aws_sdk_ec2::Client,
    vpc: String,
}

impl Meddler<'_> {
    fn group(&self, name: &str) -> SecurityGroup {
        let filter = Filter::builder().name("group-name").values(name).build();
        let call = self.ec2.describe_security_groups().filters(filter).send();
        self.cloud.wait(call).unwrap().security_groups()[0].clone()
    }

    fn group_id(&self, name: &str) -> String {
        self.group(name).group_id.unwrap()
    }

    fn table(&self, name: &str) -> RouteTable {
        let filter = Filter::builder().name("tag:Name").values(name).build();
        let call = self.ec2.describe_route_tables().filters(filter).send();
        self.cloud.wait(call).unwrap().route_tables()[0].clone()
    }

    fn table_id(&self, name: &str) -> String {
        self.table(name).route_table_id.unwrap()
    }

    fn disassociate(&self, name: &str) {
        for association in self.table(name).associations() {
            let id = association.route_table_association_id().unwrap();
            let call = self.ec2.disassociate_route_table().association_id(id);
            self.cloud.wait(call.send()).unwrap();
        }
    }

    fn gateway_id(&self) -> String {
        let filter = Filter::builder()
            .name("attachment.vpc-id")
            .values(&self.vpc)
            .build();
        let call = self.ec2.describe_internet_gateways().filters(filter).send();
        let answer = self.cloud.wait(call).unwrap();
        answer.internet_gateways()[0]
            .internet_gateway_id()
            .unwrap()
            .to_owned()
    }

    fn detach_gateway(&self) -> String {
        let id = self.gateway_id();
        let call = self.ec2.detach_internet_gateway();
        let call = call.internet_gateway_id(&id).vpc_id(&self.vpc);
        self.cloud.wait(call.send()).unwrap();
        id
    }

    fn delete_route(&self, table: &str, destination: &str) {
        let call = self
            .ec2
            .delete_route()
            .route_table_id(self.table_id(table))
            .destination_cidr_block(destination);
        self.cloud.wait(call.send()).unwrap();
    }

    fn add_route(&self, table: &str, destination: &str, gateway: &str) {
        let call = self
            .ec2
            .create_route()
            .route_table_id(self.table_id(table))
            .destination_cidr_block(destination)
            .gateway_id(gateway);
        self.cloud.wait(call.send()).unwrap();
    }
}

fn lines(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn port(port: i32) -> aws_sdk_ec2::types::builders::IpPermissionBuilder {
    IpPermission::builder()
        .ip_protocol("tcp")
        .from_port(port)
        .to_port(port)
}

fn dns_off(m: &Meddler<'_>) -> Vec<String> {
    let off = AttributeBooleanValue::builder().value(false).build();
    let call = m.ec2.modify_vpc_attribute().vpc_id(&m.vpc);
    m.cloud
        .wait(call.clone().enable_dns_support(off.clone()).send())
        .unwrap();
    m.cloud.wait(call.enable_dns_hostnames(off).send()).unwrap();
    lines(&[
        "~ vpc DNS support: off -> on",
        "~ vpc DNS host names: off -> on",
    ])
}

fn rules_changed(m: &Meddler<'_>) -> Vec<String> {
    let id = m.group_id("ci_dmz");
    let range = |cidr: &str| IpRange::builder().cidr_ip(cidr).build();
    let revoke = m.ec2.revoke_security_group_ingress().group_id(&id);
    let gone = port(80).ip_ranges(range("192.0.2.0/24")).build();
    m.cloud.wait(revoke.ip_permissions(gone).send()).unwrap();
    let pair = UserIdGroupPair::builder()
        .group_id(m.group_id("ci_intranet"))
        .build();
    let add = m.ec2.authorize_security_group_ingress().group_id(&id);
    let add = add
        .ip_permissions(port(81).ip_ranges(range("0.0.0.0/0")).build())
        .ip_permissions(port(82).user_id_group_pairs(pair).build());
    m.cloud.wait(add.send()).unwrap();
    lines(&[
        "+ rule dmz tcp 80 from 192.0.2.0/24",
        "- rule dmz tcp 81 from 0.0.0.0/0",
        "- rule dmz tcp 82 from intranet",
    ])
}

fn routes_changed(m: &Meddler<'_>) -> Vec<String> {
    let gateway = m.gateway_id();
    m.delete_route("ci_dmz_us-west-2a", "0.0.0.0/0");
    m.add_route("ci_dmz_us-west-2b", "198.51.100.0/24", &gateway);
    m.add_route("ci_intranet_us-west-2c", "0.0.0.0/0", &gateway);
    lines(&[
        "- route intranet us-west-2c 0.0.0.0/0 -> internet-gateway",
        "+ route dmz us-west-2a 0.0.0.0/0 -> internet-gateway",
        "- route dmz us-west-2b 198.51.100.0/24 -> internet-gateway",
    ])
}

fn association_gone(m: &Meddler<'_>) -> Vec<String> {
    m.disassociate("ci_intranet_us-west-2a");
    lines(&["+ association of route table and subnet intranet us-west-2a"])
}

fn wrong_table(m: &Meddler<'_>) -> Vec<String> {
    let made = m
        .cloud
        .wait(m.ec2.create_route_table().vpc_id(&m.vpc).send());
    let stray = made.unwrap().route_table.unwrap().route_table_id.unwrap();
    let table = m.table("ci_intranet_us-west-2b");
    let own = table.associations()[0]
        .route_table_association_id()
        .unwrap();
    let call = m.ec2.replace_route_table_association().association_id(own);
    m.cloud.wait(call.route_table_id(&stray).send()).unwrap();
    vec![
        "+ association of route table and subnet intranet us-west-2b".to_owned(),
        format!("~ S3 endpoint com.amazonaws.us-west-2.s3: route table {stray} added"),
    ]
}

fn table_gone(m: &Meddler<'_>) -> Vec<String> {
    let name = "ci_dmz_us-west-2c";
    m.disassociate(name);
    let call = m.ec2.delete_route_table().route_table_id(m.table_id(name));
    m.cloud.wait(call.send()).unwrap();
    lines(&[
        "+ route table dmz us-west-2c",
        "+ association of route table and subnet dmz us-west-2c",
        "+ route dmz us-west-2c 0.0.0.0/0 -> internet-gateway",
        "~ S3 endpoint com.amazonaws.us-west-2.s3: route table dmz us-west-2c added",
    ])
}

fn subnet_gone(m: &Meddler<'_>) -> Vec<String> {
    let name = "ci_intranet_us-west-2c";
    m.disassociate(name);
    let call = m.ec2.describe_subnets().filters(in_vpc(&m.vpc)).send();
    let answer = m.cloud.wait(call).unwrap();
    let named = |tags: &[Tag]| tags.iter().any(|t| t.value() == Some(name));
    let own = answer.subnets().iter().find(|s| named(s.tags())).unwrap();
    let call = m.ec2.delete_subnet().subnet_id(own.subnet_id().unwrap());
    m.cloud.wait(call.send()).unwrap();
    lines(&[
        "+ subnet intranet us-west-2c 10.0.2.0/24",
        "+ association of route table and subnet intranet us-west-2c",
    ])
}

fn gateway_detached(m: &Meddler<'_>) -> Vec<String> {
    m.detach_gateway();
    lines(&["+ attachment of the internet gateway to vpc ci"])
}

fn gateway_gone(m: &Meddler<'_>) -> Vec<String> {
    let id = m.detach_gateway();
    let call = m.ec2.delete_internet_gateway().internet_gateway_id(&id);
    m.cloud.wait(call.send()).unwrap();
    let mut wanted = lines(&[
        "+ internet gateway",
        "+ attachment of the internet gateway to vpc ci",
    ]);
    // The routes still name the old gateway.
    wanted.extend(["a", "b", "c"].map(|zone| {
        format!("~ route dmz us-west-2{zone} 0.0.0.0/0 -> internet-gateway (was {id})")
    }));
    wanted
}

fn group_gone(m: &Meddler<'_>) -> Vec<String> {
    let id = m.group_id("ci_dmz");
    // AWS deletes no group that the rules of another one name.
    let intranet = m.group("ci_intranet");
    let call = m.ec2.revoke_security_group_ingress();
    let call = call
        .group_id(intranet.group_id().unwrap())
        .set_ip_permissions(Some(intranet.ip_permissions().to_vec()));
    m.cloud.wait(call.send()).unwrap();
    let call = m.ec2.delete_security_group().group_id(&id);
    m.cloud.wait(call.send()).unwrap();
    lines(&[
        "+ security group dmz ci_dmz",
        "+ rule intranet tcp 8000-8010 from dmz",
        "+ rule intranet icmp from intranet",
        "+ rule intranet icmp from dmz",
        "+ rule dmz tcp 80 from 192.0.2.0/24",
    ])
}

fn group_tags_gone(m: &Meddler<'_>) -> Vec<String> {
    let call = m.ec2.delete_tags().resources(m.group_id("ci_dmz"));
    let tag = Tag::builder().key("meta_network").build();
    m.cloud.wait(call.tags(tag).send()).unwrap();
    Vec::new()
}

fn dhcp_reset(m: &Meddler<'_>) -> Vec<String> {
    let call = m.ec2.associate_dhcp_options().vpc_id(&m.vpc);
    m.cloud
        .wait(call.dhcp_options_id("default").send())
        .unwrap();
    lines(&["+ association of the DHCP options with vpc ci"])
}

fn dhcp_configured(m: &Meddler<'_>) -> Vec<String> {
    let vpcs = m.cloud.wait(m.ec2.describe_vpcs().vpc_ids(&m.vpc).send());
    let old = vpcs.unwrap().vpcs()[0]
        .dhcp_options_id()
        .unwrap()
        .to_owned();
    let new = "domain_name = new.example.com\nntp_server = 192.0.2.1";
    m.config
        .edit("disco_vpc.ini", "domain_name = ci.example.com", new);
    vec![
        "~ DHCP option domain-name: ci.example.com -> new.example.com".to_owned(),
        "~ DHCP option domain-name-servers: AmazonProvidedDNS -> AmazonProvidedDNS".to_owned(),
        "~ DHCP option ntp-servers: 192.0.2.1".to_owned(),
        "+ association of the DHCP options with vpc ci".to_owned(),
        format!("- DHCP options {old}"),
    ]
}

fn network_configured(m: &Meddler<'_>) -> Vec<String> {
    let more =
        "application = rehearsal\ntunnel_cidr = 10.0.8.0/22\ntunnel_sg_rules = tcp intranet 3128\n";
    m.config
        .edit("disco_vpc.ini", "application = rehearsal\n", more);
    let mut wanted = lines(&["+ security group tunnel ci_tunnel"]);
    for (zone, third) in [("a", 8), ("b", 9), ("c", 10)] {
        wanted.push(format!("+ subnet tunnel us-west-2{zone} 10.0.{third}.0/24"));
        wanted.push(format!("+ route table tunnel us-west-2{zone}"));
        wanted.push(format!(
            "+ association of route table and subnet tunnel us-west-2{zone}"
        ));
    }
    // `icmp all` of intranet now means tunnel too.
    wanted.push("+ rule intranet icmp from tunnel".to_owned());
    wanted.push("+ rule tunnel tcp 3128 from intranet".to_owned());
    wanted.extend(["a", "b", "c"].map(|zone| {
        format!(
            "~ S3 endpoint com.amazonaws.us-west-2.s3: route table tunnel us-west-2{zone} added"
        )
    }));
    wanted
}

/// What somebody changes; gives the plan lines that repair it.
type Drift = fn(&Meddler<'_>) -> Vec<String>;

#[test]
fn every_drift_is_shown_repaired_and_gone() {
    let (cloud, config) = (Cloud::start(), fixed());
    create(&cloud, &config);
    let vpc = vpc_ids(&cloud, "ci")[0].clone();
    let undisturbed = describe(&cloud, "ci", true);
    let meddler = Meddler {
        cloud: &cloud,
        config: &config,
        ec2: cloud.client(),
        vpc: vpc.clone(),
    };
    let dry = |proxy: &Proxy| run(proxy.url(), &config, "update --name ci --dry-run");
    // The last ones change the configuration or leave something else behind.
    let drifts: [(&str, Drift, bool); 14] = [
        ("dns_off", dns_off, true),
        ("rules_changed", rules_changed, true),
        ("routes_changed", routes_changed, true),
        ("association_gone", association_gone, true),
        ("table_gone", table_gone, true),
        ("subnet_gone", subnet_gone, true),
        ("gateway_detached", gateway_detached, true),
        ("gateway_gone", gateway_gone, true),
        ("dhcp_reset", dhcp_reset, true),
        ("group_gone", group_gone, false),
        ("wrong_table", wrong_table, false),
        ("group_tags_gone", group_tags_gone, false),
        ("dhcp_configured", dhcp_configured, false),
        ("network_configured", network_configured, false),
    ];
    for (what, drift, restored) in drifts {
        let wanted = drift(&meddler);
        let proxy = Proxy::start(cloud.url(), Behaviour::new());
        let planned = dry(&proxy).expect_status(0);
        let shown: Vec<&str> = planned.stdout.lines().collect();
        if wanted.is_empty() {
            assert_eq!(shown, ["no changes"], "{what}");
        } else {
            assert_eq!(shown, wanted, "{what}");
        }
        assert_eq!(changing_calls(&proxy), [""; 0], "{what}");

        let output = run(cloud.url(), &config, &format!("update --vpc-id {vpc}"));
        let output = output.expect_status(0);
        assert_eq!(output.stdout, "", "{what}");
        let mut wanted = wanted;
        wanted.sort();
        assert_eq!(logged(&output), wanted, "{what}");

        let again = dry(&proxy).expect_status(0);
        assert_eq!(again.stdout, "no changes\n", "{what}");
        if restored {
            assert_eq!(describe(&cloud, "ci", true), undisturbed, "{what}");
        }
    }
    let proxy = Proxy::start(cloud.url(), Behaviour::new());
    let output = run(proxy.url(), &config, "update --name ci").expect_status(0);
    assert_eq!(output.stdout, "", "nothing to do");
    assert_eq!(changing_calls(&proxy), [""; 0]);
    let json = run(
        cloud.url(),
        &config,
        "update --name ci --dry-run --output json",
    );
    assert_eq!(json.expect_status(0).stdout, "[]\n");
}

#[test]
fn what_update_creates_carries_the_tags_of_the_vpc() {
    let (cloud, config) = (Cloud::start(), fixed());
    run(
        cloud.url(),
        &config,
        "create --name ci --type ci --tag productline:blue",
    )
    .expect_status(0);
    let meddler = Meddler {
        cloud: &cloud,
        config: &config,
        ec2: cloud.client(),
        vpc: vpc_ids(&cloud, "ci")[0].clone(),
    };
    let before = describe(&cloud, "ci", true);
    subnet_gone(&meddler);
    table_gone(&meddler);
    run(cloud.url(), &config, "update --name ci").expect_status(0);
    assert_eq!(describe(&cloud, "ci", true), before);
}
