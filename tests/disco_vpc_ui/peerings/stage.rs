//! A cloud with environments that may be peered, and what it holds of peerings.

use super::super::run;
use super::{TYPES, behaviour};
use crate::support::Output;
use crate::support::cloud::Cloud;
use crate::support::config::TestConfig;
use crate::support::environment::vpc_ids;
use crate::support::proxy::Proxy;
use aws_sdk_ec2::types::Filter;
use std::collections::BTreeMap;

/// A cloud, a proxy in front of it, and a configuration.
pub(super) struct Stage {
    pub(super) cloud: Cloud,
    pub(super) proxy: Proxy,
    pub(super) config: TestConfig,
}

impl Stage {
    /// A cloud with these environments, `NAME:TYPE`, and no peering yet.
    pub(super) fn with(environments: &str) -> Self {
        let cloud = Cloud::start();
        let proxy = Proxy::start(cloud.url(), behaviour());
        let stage = Self {
            config: TestConfig::standard(),
            cloud,
            proxy,
        };
        stage.lines("");
        for word in environments.split_whitespace() {
            let (name, kind) = word.split_once(':').unwrap();
            let tag = "--tag productline:p --skip-enis";
            stage
                .run(&format!("create --name {name} --type {kind} {tag}"))
                .expect_status(0);
        }
        stage
    }

    /// Writes the section `[peerings]`.
    pub(super) fn lines(&self, lines: &str) {
        let text = format!("{TYPES}[peerings]\n{lines}");
        self.config.write("disco_vpc.ini", &text);
    }

    pub(super) fn run(&self, words: &str) -> Output {
        run(self.proxy.url(), &self.config, words)
    }

    pub(super) fn vpc(&self, name: &str) -> String {
        vpc_ids(&self.cloud, name)[0].clone()
    }

    /// A table or group by its tag `Name`.
    pub(super) fn tagged(&self, name: &str) -> String {
        let filter = Filter::builder().name("value").values(name).build();
        let call = self.cloud.client().describe_tags().filters(filter);
        let answer = self.cloud.wait(call.send()).unwrap();
        let wanted = |id: &&str| id.starts_with("rtb-") || id.starts_with("sg-");
        let ids: Vec<&str> = answer
            .tags()
            .iter()
            .filter_map(|t| t.resource_id())
            .collect();
        ids.iter().copied().find(wanted).unwrap().to_owned()
    }

    /// A connection made by hand, not accepted.
    pub(super) fn connect(&self, from: &str, to: &str) -> String {
        let ec2 = self.cloud.client();
        let call = ec2.create_vpc_peering_connection();
        let call = call.vpc_id(from).peer_vpc_id(to);
        let answer = self.cloud.wait(call.send()).unwrap();
        let connection = answer.vpc_peering_connection.unwrap();
        connection.vpc_peering_connection_id.unwrap()
    }

    /// Live connections, routes through any, and rules of peerings, by names.
    pub(super) fn state(&self) -> Vec<String> {
        let ec2 = self.cloud.client();
        let mut lines = self.cloud.wait(async {
            let vpcs = ec2.describe_vpcs().send().await.unwrap();
            let name = |id: Option<&str>| {
                let vpc = vpcs.vpcs().iter().find(|v| v.vpc_id() == id).unwrap();
                named(vpc.tags())
            };
            let mut lines = Vec::new();
            let mut known = BTreeMap::new();
            let all = ec2.describe_vpc_peering_connections().send().await.unwrap();
            for p in all.vpc_peering_connections() {
                let requester = p.requester_vpc_info().and_then(|i| i.vpc_id());
                let accepter = p.accepter_vpc_info().and_then(|i| i.vpc_id());
                let label = format!("{}->{}", name(requester), name(accepter));
                let status = p.status().and_then(|s| s.code()).unwrap().as_str();
                if status != "deleted" {
                    lines.push(format!("{label} {status}"));
                    known.insert(p.vpc_peering_connection_id().unwrap().to_owned(), label);
                }
            }
            let tables = ec2.describe_route_tables().send().await.unwrap();
            for table in tables.route_tables() {
                for route in table.routes() {
                    if let Some(id) = route.vpc_peering_connection_id() {
                        let to = route.destination_cidr_block().unwrap();
                        let label = known.get(id).map_or("gone", String::as_str);
                        lines.push(format!("route {} {to} {label}", named(table.tags())));
                    }
                }
            }
            let groups = ec2.describe_security_groups().send().await.unwrap();
            for group in groups.security_groups() {
                for permission in group.ip_permissions() {
                    let protocol = permission.ip_protocol().unwrap();
                    for range in permission.ip_ranges() {
                        if let Some(text) = range.description().filter(|d| d.starts_with("asiaq")) {
                            let own = group.group_name().unwrap();
                            let cidr = range.cidr_ip().unwrap();
                            lines.push(format!("rule {own} {protocol} {cidr} {text}"));
                        }
                    }
                }
            }
            lines
        });
        lines.sort();
        lines
    }
}

fn named(tags: &[aws_sdk_ec2::types::Tag]) -> String {
    let own = tags.iter().find(|t| t.key() == Some("Name"));
    own.and_then(|t| t.value()).unwrap_or("-").to_owned()
}
