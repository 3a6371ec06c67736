//! What an environment has beside its subnets, groups and tables: gateways, endpoints, peerings, topics. Lines without ids, so
//! that two environments made in different ways compare equal.

use std::collections::BTreeMap;

use aws_sdk_ec2::types::Tag;

use super::cloud::Cloud;

/// NAT and VPN gateways, elastic IPs, endpoints, peerings and the routes to all of them in the whole region, and the topics with
/// their subscribers, sorted.
pub fn gateways(cloud: &Cloud) -> Vec<String> {
    let mut reader = Reader {
        ec2: cloud.client(),
        names: BTreeMap::new(),
        lines: Vec::new(),
    };
    cloud.wait(reader.read());
    let mut lines = reader.lines;
    lines.extend(topics(cloud));
    lines.sort();
    lines
}

struct Reader {
    ec2: aws_sdk_ec2::Client,
    /// Id of a VPC, subnet or gateway → what it is called.
    names: BTreeMap<String, String>,
    lines: Vec<String>,
}

impl Reader {
    async fn read(&mut self) {
        let vpcs = self.ec2.describe_vpcs().send().await.expect("vpcs");
        for vpc in vpcs.vpcs() {
            self.know(vpc.vpc_id(), name(vpc.tags()));
        }
        let subnets = self.ec2.describe_subnets().send().await.expect("subnets");
        for subnet in subnets.subnets() {
            self.know(subnet.subnet_id(), name(subnet.tags()));
        }
        self.nat().await;
        self.vpn().await;
        self.peerings().await;
        self.endpoints().await;
        self.routes().await;
    }

    fn know(&mut self, id: Option<&str>, name: impl Into<String>) {
        self.names.insert(id.expect("id").to_owned(), name.into());
    }

    fn called(&self, id: Option<&str>) -> String {
        let id = id.unwrap_or("-");
        self.names.get(id).map_or(id, String::as_str).to_owned()
    }

    async fn nat(&mut self) {
        let answer = self.ec2.describe_nat_gateways().send().await;
        for gateway in answer.expect("NAT gateways").nat_gateways() {
            let state = gateway.state().expect("state").as_str();
            if state == "deleted" {
                continue;
            }
            let place = self.called(gateway.subnet_id());
            self.lines.push(format!(
                "nat gateway {place} {state} {}",
                tags(gateway.tags())
            ));
            self.know(gateway.nat_gateway_id(), format!("nat {place}"));
        }
        let answer = self.ec2.describe_addresses().send().await;
        let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
        for address in answer.expect("addresses").addresses() {
            *kinds.entry(tags(address.tags())).or_default() += 1;
        }
        let lines = kinds
            .iter()
            .map(|(tags, n)| format!("addresses {tags}: {n}"));
        self.lines.extend(lines);
    }

    async fn vpn(&mut self) {
        let answer = self.ec2.describe_vpn_gateways().send().await;
        for gateway in answer.expect("VPN gateways").vpn_gateways() {
            let attachments = gateway.vpc_attachments().iter().map(|a| {
                let state = a.state().map_or("-", |s| s.as_str());
                format!("{} {state}", self.called(a.vpc_id()))
            });
            let mut attachments: Vec<String> = attachments
                .filter(|text| !text.ends_with(" detached"))
                .collect();
            attachments.sort();
            let own = name(gateway.tags());
            self.lines
                .push(format!("vpn gateway {own} [{}]", attachments.join(", ")));
            self.know(gateway.vpn_gateway_id(), format!("vpn {own}"));
        }
    }

    async fn peerings(&mut self) {
        let answer = self.ec2.describe_vpc_peering_connections().send().await;
        for peering in answer.expect("peerings").vpc_peering_connections() {
            let status = peering.status().and_then(|s| s.code()).expect("status");
            if matches!(status.as_str(), "deleted" | "deleting") {
                continue;
            }
            let requester = self.called(peering.requester_vpc_info().and_then(|i| i.vpc_id()));
            let accepter = self.called(peering.accepter_vpc_info().and_then(|i| i.vpc_id()));
            let own = format!("{requester}<->{accepter}");
            self.lines.push(format!(
                "peering {own} {} {}",
                status.as_str(),
                tags(peering.tags())
            ));
            self.know(
                peering.vpc_peering_connection_id(),
                format!("peering {own}"),
            );
        }
    }

    async fn endpoints(&mut self) {
        let answer = self.ec2.describe_vpc_endpoints().send().await;
        for endpoint in answer.expect("endpoints").vpc_endpoints() {
            let state = endpoint.state().map_or("-", |s| s.as_str()).to_lowercase();
            if matches!(state.as_str(), "deleted" | "deleting") {
                continue;
            }
            self.lines.push(format!(
                "endpoint {} in {} tables {} {}",
                endpoint.service_name().unwrap_or("-"),
                self.called(endpoint.vpc_id()),
                endpoint.route_table_ids().len(),
                tags(endpoint.tags())
            ));
        }
    }

    /// Routes to anything but the VPC itself and internet gateways.
    async fn routes(&mut self) {
        let answer = self.ec2.describe_route_tables().send().await;
        for table in answer.expect("tables").route_tables() {
            let own = name(table.tags());
            for route in table.routes() {
                let vpn = route.gateway_id().filter(|id| id.starts_with("vgw-"));
                let target = route
                    .nat_gateway_id()
                    .or(route.vpc_peering_connection_id())
                    .or(vpn);
                if let Some(target) = target.filter(|id| !id.is_empty()) {
                    let destination = route.destination_cidr_block().unwrap_or("-");
                    let target = self.called(Some(target));
                    self.lines
                        .push(format!("route {own} {destination} -> {target}"));
                }
            }
        }
    }
}

fn topics(cloud: &Cloud) -> Vec<String> {
    let sns = cloud.sns();
    let topics = cloud.wait(sns.list_topics().send()).expect("topics");
    let subscriptions = cloud
        .wait(sns.list_subscriptions().send())
        .expect("subscriptions");
    let short = |arn: Option<&str>| {
        arn.and_then(|arn| arn.rsplit(':').next())
            .unwrap_or("-")
            .to_owned()
    };
    let topics = topics
        .topics()
        .iter()
        .map(|t| format!("topic {}", short(t.topic_arn())));
    let subscriptions = subscriptions.subscriptions().iter().map(|s| {
        let (protocol, endpoint) = (s.protocol().unwrap_or("-"), s.endpoint().unwrap_or("-"));
        format!(
            "subscription {} {protocol} {endpoint}",
            short(s.topic_arn())
        )
    });
    topics.chain(subscriptions).collect()
}

fn name(tags: &[Tag]) -> String {
    let found = tags.iter().find(|tag| tag.key() == Some("Name"));
    found.and_then(|tag| tag.value()).unwrap_or("-").to_owned()
}

/// `{key=value, ...}`, sorted, without creation dates.
fn tags(tags: &[Tag]) -> String {
    let mut shown: Vec<String> = tags
        .iter()
        .map(|tag| {
            (
                tag.key().unwrap_or_default(),
                tag.value().unwrap_or_default(),
            )
        })
        .filter(|(key, _)| *key != "create_date")
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    shown.sort();
    format!("{{{}}}", shown.join(", "))
}
