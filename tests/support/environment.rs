//! What the cloud holds, in lines that tests compare: everything by id, or one environment without ids.

use std::collections::BTreeMap;

use aws_sdk_ec2::types::{Filter, IpPermission, Tag};

use super::cloud::Cloud;
use super::proxy::Proxy;

mod services;

/// Everything of the region that a tool could have made, as `KIND ID`; equal before and after when nothing changed.
/// Terminated instances, and interfaces that moto leaves with them, do not count.
pub fn inventory(cloud: &Cloud) -> Vec<String> {
    let ec2 = cloud.client();
    let scaling = cloud.autoscaling();
    cloud.wait(async {
        let mut all = Vec::new();
        let mut add =
            |kind: &str, id: Option<&str>| all.push(format!("{kind} {}", id.expect("id")));
        let vpcs = ec2.describe_vpcs().send().await.expect("vpcs");
        vpcs.vpcs().iter().for_each(|v| add("vpc", v.vpc_id()));
        let subnets = ec2.describe_subnets().send().await.expect("subnets");
        subnets
            .subnets()
            .iter()
            .for_each(|s| add("subnet", s.subnet_id()));
        let tables = ec2.describe_route_tables().send().await.expect("tables");
        tables
            .route_tables()
            .iter()
            .for_each(|t| add("table", t.route_table_id()));
        let groups = ec2.describe_security_groups().send().await.expect("groups");
        groups
            .security_groups()
            .iter()
            .for_each(|g| add("security group", g.group_id()));
        let gateways = ec2
            .describe_internet_gateways()
            .send()
            .await
            .expect("gateways");
        gateways
            .internet_gateways()
            .iter()
            .for_each(|g| add("gateway", g.internet_gateway_id()));
        let dhcp = ec2
            .describe_dhcp_options()
            .send()
            .await
            .expect("DHCP options");
        dhcp.dhcp_options()
            .iter()
            .for_each(|d| add("dhcp", d.dhcp_options_id()));
        let reservations = ec2.describe_instances().send().await.expect("instances");
        let mut dead = Vec::new();
        for instance in reservations
            .reservations()
            .iter()
            .flat_map(|r| r.instances())
        {
            let state = instance.state().and_then(|s| s.name()).expect("state");
            if state.as_str() == "terminated" {
                dead.extend(instance.instance_id().map(str::to_owned));
            } else {
                add("instance", instance.instance_id());
            }
        }
        let interfaces = ec2
            .describe_network_interfaces()
            .send()
            .await
            .expect("interfaces");
        for interface in interfaces.network_interfaces() {
            let owner = interface.attachment().and_then(|a| a.instance_id());
            if !owner.is_some_and(|id| dead.iter().any(|d| d == id)) {
                add("interface", interface.network_interface_id());
            }
        }
        let templates = ec2
            .describe_launch_templates()
            .max_results(200)
            .send()
            .await
            .expect("templates");
        templates
            .launch_templates()
            .iter()
            .for_each(|t| add("template", t.launch_template_name()));
        let groups = scaling
            .describe_auto_scaling_groups()
            .send()
            .await
            .expect("groups");
        groups
            .auto_scaling_groups()
            .iter()
            .for_each(|g| add("group", g.auto_scaling_group_name()));
        all.extend(services::lines(&cloud.sdk()).await);
        all.sort();
        all
    })
}

/// How many of a kind an [`inventory`] holds.
pub fn count(inventory: &[String], kind: &str) -> usize {
    inventory
        .iter()
        .filter(|line| line.rsplit_once(' ').is_some_and(|(own, _)| own == kind))
        .count()
}

/// The operations that came to a proxy and were not for reading.
pub fn changing_calls(proxy: &Proxy) -> Vec<String> {
    let calls = proxy.calls().into_iter().map(|call| call.operation);
    calls
        .filter(|name| {
            let reading = ["Describe", "Get", "GET ", "List"];
            !reading.iter().any(|start| name.starts_with(start))
        })
        .collect()
}

/// Ids of the VPCs with that tag `Name`.
pub fn vpc_ids(cloud: &Cloud, name: &str) -> Vec<String> {
    let filter = Filter::builder().name("tag:Name").values(name).build();
    let answer = cloud.wait(cloud.client().describe_vpcs().filters(filter).send());
    let answer = answer.expect("vpcs");
    answer
        .vpcs()
        .iter()
        .filter_map(|v| v.vpc_id().map(str::to_owned))
        .collect()
}

/// Id of the region's default VPC.
pub fn default_vpc(cloud: &Cloud) -> String {
    let filter = Filter::builder().name("is-default").values("true").build();
    let answer = cloud.wait(cloud.client().describe_vpcs().filters(filter).send());
    let vpc = answer.expect("vpcs").vpcs()[0].vpc_id().map(str::to_owned);
    vpc.expect("id")
}

/// The filter for what is in a VPC.
pub fn in_vpc(vpc_id: &str) -> Filter {
    Filter::builder().name("vpc-id").values(vpc_id).build()
}

/// One environment in full, as sorted lines without ids and creation dates. Panics unless there is exactly one VPC of that
/// name. Interfaces are left out if `interfaces` is false: update does not make them.
pub fn describe(cloud: &Cloud, name: &str, interfaces: bool) -> Vec<String> {
    let ids = vpc_ids(cloud, name);
    let [vpc_id] = &ids[..] else {
        panic!("VPCs of the name {name}: {ids:?}")
    };
    let reader = Reader {
        ec2: cloud.client(),
        vpc_id,
        lines: Vec::new(),
    };
    cloud.wait(reader.read(name, interfaces))
}

struct Reader<'a> {
    ec2: aws_sdk_ec2::Client,
    vpc_id: &'a str,
    lines: Vec<String>,
}

impl Reader<'_> {
    async fn read(mut self, name: &str, interfaces: bool) -> Vec<String> {
        let subnets = self.subnets().await;
        self.vpc().await;
        self.tables(&subnets).await;
        self.groups().await;
        self.gateways().await;
        self.dhcp(name).await;
        if interfaces {
            self.interfaces(&subnets).await;
        }
        self.lines.sort();
        self.lines
    }

    async fn vpc(&mut self) {
        use aws_sdk_ec2::types::VpcAttributeName::{EnableDnsHostnames, EnableDnsSupport};
        let vpcs = self
            .ec2
            .describe_vpcs()
            .vpc_ids(self.vpc_id)
            .send()
            .await
            .expect("vpc");
        let vpc = &vpcs.vpcs()[0];
        let ask = |what| {
            self.ec2
                .describe_vpc_attribute()
                .vpc_id(self.vpc_id)
                .attribute(what)
                .send()
        };
        let support = ask(EnableDnsSupport).await.expect("attribute");
        let names = ask(EnableDnsHostnames).await.expect("attribute");
        self.lines.push(format!(
            "vpc {} dns {:?} {:?} {}",
            vpc.cidr_block().expect("cidr"),
            support.enable_dns_support().and_then(|v| v.value()),
            names.enable_dns_hostnames().and_then(|v| v.value()),
            tags(vpc.tags())
        ));
    }

    /// Subnet id → zone and block.
    async fn subnets(&mut self) -> BTreeMap<String, String> {
        let answer = self
            .ec2
            .describe_subnets()
            .filters(in_vpc(self.vpc_id))
            .send()
            .await
            .expect("subnets");
        let mut names = BTreeMap::new();
        for subnet in answer.subnets() {
            let (zone, cidr) = (
                subnet.availability_zone().expect("zone"),
                subnet.cidr_block().expect("cidr"),
            );
            names.insert(subnet.subnet_id().expect("id").to_owned(), cidr.to_owned());
            self.lines
                .push(format!("subnet {cidr} {zone} {}", tags(subnet.tags())));
        }
        names
    }

    async fn tables(&mut self, subnets: &BTreeMap<String, String>) {
        let answer = self
            .ec2
            .describe_route_tables()
            .filters(in_vpc(self.vpc_id))
            .send()
            .await
            .expect("tables");
        for table in answer.route_tables() {
            let mut places: Vec<&str> = table
                .associations()
                .iter()
                .filter_map(|a| a.subnet_id())
                .map(|id| subnets[id].as_str())
                .collect();
            places.sort_unstable();
            let target = |id: Option<&str>| {
                id.map_or("other", |id| id.split('-').next().unwrap_or_default())
                    .to_owned()
            };
            let mut routes: Vec<String> = table
                .routes()
                .iter()
                .map(|r| {
                    format!(
                        "{}->{}",
                        r.destination_cidr_block().unwrap_or("-"),
                        target(r.gateway_id())
                    )
                })
                .collect();
            routes.sort();
            self.lines.push(format!(
                "table {} of [{}] routes [{}]",
                tags(table.tags()),
                places.join(" "),
                routes.join(" ")
            ));
        }
    }

    async fn groups(&mut self) {
        let answer = self
            .ec2
            .describe_security_groups()
            .filters(in_vpc(self.vpc_id))
            .send()
            .await
            .expect("groups");
        let groups = answer.security_groups();
        let name = |id: &str| {
            let own = groups.iter().find(|g| g.group_id() == Some(id));
            own.and_then(|g| g.group_name()).unwrap_or(id).to_owned()
        };
        for group in groups {
            let own = group.group_name().expect("name");
            self.lines.push(format!(
                "security group {own} `{}` {}",
                group.description().unwrap_or_default(),
                tags(group.tags())
            ));
            self.lines.extend(
                group
                    .ip_permissions()
                    .iter()
                    .flat_map(|p| rules(p, &name))
                    .map(|rule| format!("rule {own} {rule}")),
            );
        }
    }

    async fn gateways(&mut self) {
        let filter = Filter::builder()
            .name("attachment.vpc-id")
            .values(self.vpc_id)
            .build();
        let answer = self
            .ec2
            .describe_internet_gateways()
            .filters(filter)
            .send()
            .await
            .expect("gateways");
        self.lines.extend(
            answer
                .internet_gateways()
                .iter()
                .map(|g| format!("gateway {}", tags(g.tags()))),
        );
    }

    /// The options in force, and the number of sets with the environment's name.
    async fn dhcp(&mut self, name: &str) {
        let vpcs = self
            .ec2
            .describe_vpcs()
            .vpc_ids(self.vpc_id)
            .send()
            .await
            .expect("vpc");
        let own = vpcs.vpcs()[0].dhcp_options_id().unwrap_or_default();
        let answer = self
            .ec2
            .describe_dhcp_options()
            .send()
            .await
            .expect("DHCP options");
        let mut named = 0;
        for set in answer.dhcp_options() {
            named += usize::from(
                set.tags()
                    .iter()
                    .any(|t| t.key() == Some("Name") && t.value() == Some(name)),
            );
            if set.dhcp_options_id() == Some(own) {
                let option = |c: &aws_sdk_ec2::types::DhcpConfiguration| {
                    let values: Vec<&str> = c.values().iter().filter_map(|v| v.value()).collect();
                    format!("{}={}", c.key().unwrap_or_default(), values.join(","))
                };
                let mut options: Vec<String> =
                    set.dhcp_configurations().iter().map(option).collect();
                options.sort();
                self.lines
                    .push(format!("dhcp {} {}", options.join(" "), tags(set.tags())));
            }
        }
        self.lines.push(format!("dhcp sets: {named}"));
    }

    async fn interfaces(&mut self, subnets: &BTreeMap<String, String>) {
        let answer = self
            .ec2
            .describe_network_interfaces()
            .filters(in_vpc(self.vpc_id))
            .send()
            .await
            .expect("interfaces");
        for interface in answer.network_interfaces() {
            let groups: Vec<&str> = interface
                .groups()
                .iter()
                .filter_map(|g| g.group_name())
                .collect();
            self.lines.push(format!(
                "interface {} in {} `{}` [{}] {}",
                interface.private_ip_address().unwrap_or_default(),
                subnets[interface.subnet_id().expect("subnet")],
                interface.description().unwrap_or_default(),
                groups.join(" "),
                tags(interface.tag_set())
            ));
        }
    }
}

/// One text per source of a permission.
fn rules(permission: &IpPermission, name: &impl Fn(&str) -> String) -> Vec<String> {
    let groups = permission
        .user_id_group_pairs()
        .iter()
        .filter_map(|p| p.group_id())
        .map(name);
    let ranges = permission
        .ip_ranges()
        .iter()
        .filter_map(|r| r.cidr_ip())
        .map(str::to_owned);
    let ports = match (permission.from_port(), permission.to_port()) {
        (Some(from), Some(to)) => format!("{from}-{to}"),
        _ => "all".to_owned(),
    };
    let protocol = permission.ip_protocol().unwrap_or_default();
    groups
        .chain(ranges)
        .map(|source| format!("{protocol} {ports} from {source}"))
        .collect()
}

/// `{key=value, ...}`, sorted.
fn tags(tags: &[Tag]) -> String {
    let shown: BTreeMap<&str, &str> = tags
        .iter()
        .map(|t| (t.key().unwrap_or_default(), t.value().unwrap_or_default()))
        .filter(|(key, _)| *key != "create_date")
        .collect();
    let shown: Vec<String> = shown
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    format!("{{{}}}", shown.join(", "))
}
