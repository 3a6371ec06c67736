//! Reads what a VPC holds, all kinds concurrently.

use super::super::action::PeeringAction;
use super::super::observed::{
    self, Address, DhcpSet, Endpoint, Interface, InternetGateway, NatGateway, RouteTable,
    SecurityGroup, Subnet,
};
use super::super::peering;
use super::super::vpc::Vpc;
use super::NameScope;
use crate::aws::{Aws, Context, Pages};
use crate::balancer::{self, Balancer, VpcBalancers};
use crate::cache::{self, Caches};
use crate::database::{self, Databases};
use crate::dns::{self, Cname};
use crate::error::Result;
use crate::group::{self, Clouds, Group, LaunchObject};
use crate::monitoring::{self, Alarm, LogGroup};
use crate::names::{self, tag};
use crate::plan::Plan;
use aws_sdk_ec2::types::{Filter, Instance};
use std::collections::{BTreeMap, BTreeSet};

/// What a VPC holds.
#[derive(Debug, Default)]
pub(super) struct Contents {
    pub(super) named: Named,
    /// Groups of the region that are not the environment's.
    pub(super) foreign_groups: Vec<Group>,
    pub(super) instances: Vec<String>,
    /// Elastigroups that run instances here and cannot be seen: hostclass and group name.
    pub(super) hidden: BTreeSet<String>,
    pub(super) balancers: Vec<Balancer>,
    /// Application and network balancers, and target groups.
    pub(super) vpc_balancers: VpcBalancers,
    /// Records that lead to the load balancers of all types.
    pub(super) balancer_cnames: Vec<Cname>,
    pub(super) databases: Databases,
    pub(super) caches: Caches,
    /// NAT gateways; deleted ones too, for their addresses.
    /// In any state.
    pub(super) nat_gateways: Vec<NatGateway>,
    /// All elastic IPs of the region.
    pub(super) addresses: Vec<Address>,
    /// VPN gateways that are attached to the VPC.
    pub(super) vpn_gateways: Vec<String>,
    pub(super) endpoints: Vec<Endpoint>,
    /// The deletion of its live peering connections.
    pub(super) peerings: Plan<PeeringAction>,
    pub(super) gateways: Vec<InternetGateway>,
    pub(super) interfaces: Vec<Interface>,
    pub(super) security_groups: Vec<SecurityGroup>,
    pub(super) subnets: Vec<Subnet>,
    pub(super) route_tables: Vec<RouteTable>,
    pub(super) dhcp_sets: Vec<DhcpSet>,
}

/// What is found by the environment's name. Empty if the name is not the VPC's alone.
#[derive(Debug, Default)]
pub(super) struct Named {
    /// The name, if it is the VPC's alone.
    pub(super) env: Option<String>,
    pub(super) alarms: Vec<Alarm>,
    pub(super) log_groups: Vec<LogGroup>,
    pub(super) groups: Vec<Group>,
    pub(super) usage: BTreeMap<String, usize>,
    pub(super) users: BTreeMap<String, BTreeSet<String>>,
    pub(super) launch_objects: Vec<LaunchObject>,
}

pub(super) async fn read(clouds: Clouds<'_>, vpc: &Vpc, by_name: NameScope) -> Result<Contents> {
    let aws = clouds.aws;
    let id = vpc.id.as_str();
    let own = (by_name == NameScope::Own).then_some(vpc.name.as_str());
    let services = async {
        tokio::try_join!(
            read_balancers(aws, id),
            database::databases(aws, id),
            cache::caches(aws, id, own),
            observed::nat_gateways(aws, id),
            observed::addresses(aws),
            vpn_gateways(aws, id),
            observed::endpoints(aws, id),
            peering::plan_delete(aws, Some(id)),
        )
    };
    let network = async {
        tokio::try_join!(
            observed::interfaces(aws, id),
            observed::internet_gateways(aws, Some(id), own),
            observed::security_groups(aws, vpc),
            observed::subnets(aws, id),
            observed::route_tables(aws, id),
            dhcp_sets(aws, vpc, by_name),
        )
    };
    let ((named, foreign_groups), instances, services, network) = tokio::try_join!(
        read_named(clouds, vpc, by_name),
        alive(aws, id),
        services,
        network
    )?;
    let (balancers, databases, caches, nat_gateways, addresses, vpn_gateways, endpoints, peerings) =
        services;
    let (balancers, vpc_balancers, balancer_cnames) = balancers;
    let (interfaces, gateways, security_groups, subnets, route_tables, dhcp_sets) = network;
    let hidden = match clouds.spotinst {
        Some(_) => BTreeSet::new(),
        None => instances.iter().filter_map(elastigroup_of).collect(),
    };
    Ok(Contents {
        named,
        foreign_groups,
        instances: ids(&instances),
        hidden,
        balancers,
        vpc_balancers,
        balancer_cnames,
        databases,
        caches,
        nat_gateways,
        addresses,
        vpn_gateways,
        endpoints,
        peerings,
        gateways,
        interfaces,
        security_groups,
        subnets,
        route_tables,
        dhcp_sets,
    })
}

/// What is found by name, and the groups of other names.
async fn read_named(
    clouds: Clouds<'_>,
    vpc: &Vpc,
    by_name: NameScope,
) -> Result<(Named, Vec<Group>)> {
    let aws = clouds.aws;
    let env = vpc.name.as_str();
    if by_name == NameScope::Foreign {
        let mut survey = group::survey(clouds, env).await?;
        survey.others.extend(survey.groups);
        return Ok((Named::default(), survey.others));
    }
    // Groups say by their subnets which VPC they are in.
    if by_name == NameScope::Shared {
        let survey = group::survey(clouds, env).await?;
        let named = Named {
            groups: survey.groups,
            usage: survey.usage,
            users: survey.users,
            ..Named::default()
        };
        return Ok((named, survey.others));
    }
    let prefix = names::log_group_prefix(env);
    let (alarms, log_groups, survey, launch_objects) = tokio::try_join!(
        monitoring::alarms(aws, env),
        monitoring::log_groups(aws, &prefix),
        group::survey(clouds, env),
        group::launch_objects(aws, env),
    )?;
    let named = Named {
        env: Some(env.to_owned()),
        alarms,
        log_groups,
        groups: survey.groups,
        usage: survey.usage,
        users: survey.users,
        launch_objects,
    };
    Ok((named, survey.others))
}

async fn read_balancers(
    aws: &Aws,
    vpc_id: &str,
) -> Result<(Vec<Balancer>, VpcBalancers, Vec<Cname>)> {
    let (classic, others) = tokio::try_join!(
        balancer::balancers(aws, vpc_id),
        balancer::vpc_balancers(aws, vpc_id),
    )?;
    let hosts: Vec<String> = classic
        .iter()
        .filter_map(|b| b.dns_name.clone())
        .chain(others.balancers.iter().filter_map(|b| b.dns_name.clone()))
        .collect();
    let cnames = dns::cnames_of(aws, &hosts).await?;
    Ok((classic, others, cnames))
}

/// Ids of instances that are not terminated.
pub(super) async fn instances(aws: &Aws, vpc_id: &str) -> Result<Vec<String>> {
    Ok(ids(&alive(aws, vpc_id).await?))
}

fn ids(instances: &[Instance]) -> Vec<String> {
    let ids = instances.iter().filter_map(|own| own.instance_id());
    ids.map(str::to_owned).collect()
}

/// The hostclass and name of the Elastigroup that runs an instance; `None` for others, and for those that are going.
pub(super) fn elastigroup_of(instance: &Instance) -> Option<String> {
    let value = |key: &str| {
        let own = instance.tags().iter().find(|tag| tag.key() == Some(key));
        own.and_then(|tag| tag.value())
            .filter(|text| !text.is_empty())
    };
    let state = instance.state().and_then(|state| state.name());
    let going = state.is_some_and(|state| state.as_str() == "shutting-down");
    (value(tag::SPOTINST) == Some("True") && !going).then(|| {
        format!(
            "hostclass {} group {}",
            value(tag::HOSTCLASS).unwrap_or("unknown"),
            value(tag::GROUP_NAME).unwrap_or("unknown")
        )
    })
}

/// Instances that are not terminated.
async fn alive(aws: &Aws, vpc_id: &str) -> Result<Vec<Instance>> {
    let states = ["pending", "running", "shutting-down", "stopping", "stopped"]
        .map(str::to_owned)
        .to_vec();
    let filters = [
        Filter::builder().name("vpc-id").values(vpc_id).build(),
        Filter::builder()
            .name("instance-state-name")
            .set_values(Some(states))
            .build(),
    ];
    let call = aws
        .ec2()
        .describe_instances()
        .set_filters(Some(filters.to_vec()))
        .into_paginator()
        .items()
        .send();
    let reservations = call.all("ec2:DescribeInstances", vpc_id).await?;
    Ok(reservations
        .into_iter()
        .flat_map(|own| own.instances.unwrap_or_default())
        .collect())
}

/// Ids of the VPN gateways, whatever their names, that are attached to the VPC or about to be detached from it.
pub(super) async fn vpn_gateways(aws: &Aws, vpc_id: &str) -> Result<Vec<String>> {
    let filter = Filter::builder()
        .name("attachment.vpc-id")
        .values(vpc_id)
        .build();
    let call = aws.ec2().describe_vpn_gateways().filters(filter);
    let answer = call
        .send()
        .await
        .context("ec2:DescribeVpnGateways", vpc_id)?;
    let here = |attachment: &aws_sdk_ec2::types::VpcAttachment| {
        attachment.vpc_id() == Some(vpc_id)
            && attachment.state().map(|s| s.as_str()) != Some("detached")
    };
    Ok(answer
        .vpn_gateways()
        .iter()
        .filter(|gateway| gateway.vpc_attachments().iter().any(here))
        .filter_map(|gateway| gateway.vpn_gateway_id().map(str::to_owned))
        .collect())
}

/// The sets with tag `Name` = the VPC's. Unless the name is the VPC's alone, only the one that it uses.
async fn dhcp_sets(aws: &Aws, vpc: &Vpc, by_name: NameScope) -> Result<Vec<DhcpSet>> {
    if !vpc.tags.contains_key(tag::NAME) {
        return Ok(Vec::new());
    }
    let mut sets = observed::dhcp_sets(aws, &vpc.name).await?;
    if by_name != NameScope::Own {
        sets.retain(|set| vpc.dhcp_options_id.as_ref() == Some(&set.id));
    }
    Ok(sets)
}
