//! What is in AWS of application and network balancers and target groups. Read only.
//!
//! One listing of each kind serves all hostclasses; details are read concurrently, and only of what concerns them.

use super::action::{BalancerRef, HealthCheck, Numbers};
use super::attributes::{Attributes, wants_listener_attributes};
use super::desired;
use crate::aws::{Aws, AwsError, Context, Pages, Tags};
use crate::balancer::{BalancerSpec, TargetGroup};
use crate::config::BalancerType;
use crate::dns::{self, Cname};
use crate::error::Result;
use crate::names;
use crate::network::listener::Side;
use aws_sdk_elasticloadbalancingv2::types as sdk;
use futures::future::try_join_all;
use std::collections::{BTreeMap, BTreeSet};

/// ARNs that DescribeTags takes at once.
const TAGS_AT_ONCE: usize = 20;

/// The application and network balancers and the target groups of the hostclasses.
#[derive(Debug, Default, Clone, PartialEq)]
pub(in crate::balancer) struct V2State {
    /// By name in AWS.
    pub(super) balancers: BTreeMap<String, Balancer>,
    /// By name.
    pub(super) groups: BTreeMap<String, Group>,
    /// Records that lead to balancers that are not wanted any more.
    pub(super) leading: Vec<Cname>,
}

impl V2State {
    /// ARNs of the target groups behind the balancer of the hostclass; with `target_group`, of the one that others may use.
    pub(in crate::balancer) fn target_groups(&self, spec: &BalancerSpec) -> Vec<String> {
        let (id, lone) = (spec.id(), names::target_group(&spec.env, &spec.hostclass));
        let arn = self.arn(&id);
        let of_balancer =
            |group: &Group| arn.as_ref().is_some_and(|arn| group.used_by.contains(arn));
        let is_lone = |group: &Group| {
            let asked = spec.options.target_group && !spec.testing && !wanted(spec);
            asked && group.name == lone && !group.used_by.is_empty()
        };
        let own = self.groups.values();
        let own = own.filter(|group| (wanted(spec) && of_balancer(group)) || is_lone(group));
        own.map(|group| group.arn.clone()).collect()
    }

    /// The ARN of a balancer by its name in AWS.
    pub(in crate::balancer) fn arn(&self, id: &str) -> Option<String> {
        self.balancers.get(id).map(|own| own.arn.clone())
    }
}

/// An application or network balancer.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Balancer {
    pub(super) arn: String,
    pub(super) kind: BalancerType,
    pub(super) dns_name: String,
    /// Zone of the host name.
    pub(super) zone_id: String,
    pub(super) public: bool,
    pub(super) vpc_id: String,
    pub(super) subnets: BTreeSet<String>,
    pub(super) security_groups: BTreeSet<String>,
    pub(super) attributes: Attributes,
    pub(super) tags: Tags,
    pub(super) listeners: Vec<Listener>,
}

impl Balancer {
    pub(super) fn reference(&self, spec: &BalancerSpec, id: &str) -> BalancerRef {
        BalancerRef {
            id: id.to_owned(),
            title: spec.name(),
            arn: Some(self.arn.clone()),
        }
    }
}

/// A listener.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Listener {
    pub(super) arn: String,
    pub(super) port: u16,
    pub(super) protocol: String,
    pub(super) certificate: Option<String>,
    pub(super) policy: Option<String>,
    /// ARN of the target group, if it does nothing but forward to one.
    pub(super) group: Option<String>,
    pub(super) attributes: Attributes,
}

/// A target group.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Group {
    pub(super) arn: String,
    pub(super) name: String,
    pub(super) side: Side,
    pub(super) vpc_id: String,
    /// `instance`, `ip`, `lambda` or `alb`.
    pub(super) target_type: String,
    /// `HTTP1`, `HTTP2` or `GRPC`; none for other protocols than HTTP and HTTPS.
    pub(super) version: Option<String>,
    /// ARNs of the load balancers that use it.
    pub(super) used_by: BTreeSet<String>,
    pub(super) check: HealthCheck,
    pub(super) attributes: Attributes,
    pub(super) tags: Tags,
}

impl Group {
    pub(super) fn reference(&self) -> TargetGroup {
        TargetGroup {
            name: self.name.clone(),
            arn: Some(self.arn.clone()),
        }
    }

    /// True if it was made for the balancer of that name in AWS.
    pub(super) fn is_made_for(&self, id: &str) -> bool {
        self.tags
            .get(desired::MADE_FOR)
            .is_some_and(|own| own == id)
    }

    /// True if its targets are hosts that speak what ours speak.
    pub(super) fn takes_hosts(&self) -> bool {
        let version = self.version.as_deref();
        self.target_type == "instance" && version.is_none_or(|own| own == "HTTP1")
    }

    /// True if the balancer of that name and ARN may use it: no other one does, and it was made for no other one. The
    /// ARN is `None` if there is no such balancer yet.
    pub(super) fn is_free_for(&self, id: &str, arn: Option<&str>) -> bool {
        let others = self.used_by.iter().any(|own| arn != Some(own.as_str()));
        !others && (self.is_made_for(id) || !self.tags.contains_key(desired::MADE_FOR))
    }
}

/// Name in AWS of the balancer that a hostclass is about: without `elb`, the normal one.
pub(super) fn concerned(spec: &BalancerSpec) -> String {
    let testing = spec.testing && spec.options.enabled;
    names::balancer_id(&spec.env, &spec.hostclass, testing)
}

/// True if the hostclass wants a balancer of these kinds.
pub(super) fn wanted(spec: &BalancerSpec) -> bool {
    spec.options.enabled && spec.options.kind != BalancerType::Classic
}

impl V2State {
    /// Reads them.
    pub(in crate::balancer) async fn read(aws: &Aws, specs: &[BalancerSpec]) -> Result<Self> {
        let ids: BTreeSet<String> = specs.iter().map(concerned).collect();
        let starts: BTreeSet<String> = specs.iter().map(desired::name_start).collect();
        let (all, groups) = tokio::try_join!(balancers(aws), target_groups(aws))?;
        let all: Vec<(String, Balancer)> = all
            .iter()
            .filter_map(observed_balancer)
            .filter(|(name, _)| ids.contains(name))
            .collect();
        let groups: Vec<Group> = groups
            .iter()
            .filter_map(observed_group)
            .filter(|group| starts.iter().any(|start| group.name.starts_with(start)))
            .collect();
        let arns: Vec<&str> = all.iter().map(|(_, own)| own.arn.as_str()).collect();
        let group_arns = groups.iter().map(|group| group.arn.as_str());
        let tagged: Vec<&str> = arns.into_iter().chain(group_arns).collect();
        let (tags, all, groups, leading) = tokio::try_join!(
            tags_of(aws, &tagged),
            with_details(aws, specs, &all),
            with_attributes(aws, specs, &groups),
            leading(aws, specs, &all),
        )?;
        let own = |arn: &str| tags.get(arn).cloned().unwrap_or_default();
        let balancers = all.into_iter().map(|(name, balancer)| {
            let tags = own(&balancer.arn);
            (name, Balancer { tags, ..balancer })
        });
        let groups = groups.into_iter().map(|group| {
            let tags = own(&group.arn);
            (group.name.clone(), Group { tags, ..group })
        });
        Ok(Self {
            balancers: balancers.collect(),
            groups: groups.collect(),
            leading,
        })
    }
}

/// All balancers of the region.
pub(super) async fn balancers(aws: &Aws) -> Result<Vec<sdk::LoadBalancer>, AwsError> {
    let call = aws.elasticloadbalancingv2().describe_load_balancers();
    let pages = call.into_paginator().items().send();
    pages
        .all("elasticloadbalancing:DescribeLoadBalancers", "")
        .await
}

/// All target groups of the region.
pub(super) async fn target_groups(aws: &Aws) -> Result<Vec<sdk::TargetGroup>, AwsError> {
    let call = aws.elasticloadbalancingv2().describe_target_groups();
    let pages = call.into_paginator().items().send();
    pages
        .all("elasticloadbalancing:DescribeTargetGroups", "")
        .await
}

/// The kind of a balancer; none for gateway load balancers, which are not ours.
pub(super) fn kind_of(balancer: &sdk::LoadBalancer) -> Option<BalancerType> {
    match balancer.r#type()? {
        sdk::LoadBalancerTypeEnum::Application => Some(BalancerType::Application),
        sdk::LoadBalancerTypeEnum::Network => Some(BalancerType::Network),
        _ => None,
    }
}

fn observed_balancer(own: &sdk::LoadBalancer) -> Option<(String, Balancer)> {
    let zones = own.availability_zones().iter();
    let balancer = Balancer {
        arn: own.load_balancer_arn()?.to_owned(),
        kind: kind_of(own)?,
        dns_name: own.dns_name()?.to_owned(),
        zone_id: own.canonical_hosted_zone_id()?.to_owned(),
        public: own.scheme() == Some(&sdk::LoadBalancerSchemeEnum::InternetFacing),
        vpc_id: own.vpc_id()?.to_owned(),
        subnets: zones
            .filter_map(|zone| zone.subnet_id().map(str::to_owned))
            .collect(),
        security_groups: own.security_groups().iter().cloned().collect(),
        attributes: Attributes::new(),
        tags: Tags::new(),
        listeners: Vec::new(),
    };
    Some((own.load_balancer_name()?.to_owned(), balancer))
}

fn observed_group(own: &sdk::TargetGroup) -> Option<Group> {
    let port = u16::try_from(own.port()?).ok()?;
    // "traffic-port" is the group's own.
    let check_port = own.health_check_port().and_then(|text| text.parse().ok());
    let numbers = Numbers {
        interval: own.health_check_interval_seconds().unwrap_or_default(),
        timeout: own.health_check_timeout_seconds().unwrap_or_default(),
        healthy: own.healthy_threshold_count().unwrap_or_default(),
        unhealthy: own.unhealthy_threshold_count().unwrap_or_default(),
        code: own.matcher().and_then(|m| m.http_code()).map(str::to_owned),
    };
    let check_protocol = own.health_check_protocol().map(sdk::ProtocolEnum::as_str);
    let target_type = own.target_type().map(sdk::TargetTypeEnum::as_str);
    Some(Group {
        arn: own.target_group_arn()?.to_owned(),
        name: own.target_group_name()?.to_owned(),
        side: Side::new(port, own.protocol()?.as_str()),
        vpc_id: own.vpc_id()?.to_owned(),
        target_type: target_type.unwrap_or("instance").to_owned(),
        version: own.protocol_version().map(str::to_owned),
        used_by: own.load_balancer_arns().iter().cloned().collect(),
        check: HealthCheck {
            protocol: check_protocol.unwrap_or_default().to_owned(),
            port: check_port.unwrap_or(port),
            path: own.health_check_path().map(str::to_owned),
            numbers: Some(numbers),
        },
        attributes: Attributes::new(),
        tags: Tags::new(),
    })
}

/// The balancers with attributes and listeners; those that go need none.
async fn with_details(
    aws: &Aws,
    specs: &[BalancerSpec],
    all: &[(String, Balancer)],
) -> Result<Vec<(String, Balancer)>> {
    let details = all.iter().map(async |(name, balancer)| {
        let mut balancer = balancer.clone();
        let spec = specs
            .iter()
            .find(|spec| wanted(spec) && concerned(spec) == *name);
        if let Some(spec) = spec.filter(|spec| spec.options.kind == balancer.kind) {
            let arn = balancer.arn.as_str();
            let timeouts = wants_listener_attributes(spec);
            let (attributes, listeners) =
                tokio::try_join!(attributes(aws, arn), listeners(aws, arn, timeouts))?;
            balancer.attributes = attributes;
            balancer.listeners = listeners;
        }
        Ok((name.clone(), balancer))
    });
    try_join_all(details).await
}

async fn attributes(aws: &Aws, arn: &str) -> Result<Attributes> {
    let call = aws
        .elasticloadbalancingv2()
        .describe_load_balancer_attributes()
        .load_balancer_arn(arn);
    let operation = "elasticloadbalancing:DescribeLoadBalancerAttributes";
    let answer = call.send().await.context(operation, arn)?;
    let all = answer.attributes().iter();
    Ok(all
        .filter_map(|own| Some((own.key()?.to_owned(), own.value()?.to_owned())))
        .collect())
}

/// The listeners of a balancer, with their attributes if asked for.
pub(super) async fn listeners(aws: &Aws, arn: &str, timeouts: bool) -> Result<Vec<Listener>> {
    let call = aws
        .elasticloadbalancingv2()
        .describe_listeners()
        .load_balancer_arn(arn);
    let pages = call.into_paginator().items().send();
    let found = pages
        .all("elasticloadbalancing:DescribeListeners", arn)
        .await?;
    let listeners: Vec<Listener> = found.iter().filter_map(observed_listener).collect();
    let complete = listeners.into_iter().map(async |mut listener| {
        if timeouts && listener.protocol == "TCP" {
            listener.attributes = listener_attributes(aws, &listener.arn).await?;
        }
        Ok(listener)
    });
    try_join_all(complete).await
}

fn observed_listener(own: &sdk::Listener) -> Option<Listener> {
    let first = own.certificates().first();
    Some(Listener {
        arn: own.listener_arn()?.to_owned(),
        port: u16::try_from(own.port()?).ok()?,
        protocol: own.protocol()?.as_str().to_owned(),
        certificate: first.and_then(|c| c.certificate_arn()).map(str::to_owned),
        policy: own.ssl_policy().map(str::to_owned),
        group: only_group(own.default_actions()),
        attributes: Attributes::new(),
    })
}

/// The target group, if these actions do nothing but forward to one.
fn only_group(actions: &[sdk::Action]) -> Option<String> {
    let [action] = actions else {
        return None;
    };
    let several = action
        .forward_config()
        .map_or(&[][..], |config| config.target_groups());
    let forwards = action.r#type() == Some(&sdk::ActionTypeEnum::Forward);
    let arn = match several {
        [] => action.target_group_arn(),
        [one] => one.target_group_arn(),
        _ => None,
    };
    arn.filter(|_| forwards).map(str::to_owned)
}

async fn listener_attributes(aws: &Aws, arn: &str) -> Result<Attributes> {
    let call = aws
        .elasticloadbalancingv2()
        .describe_listener_attributes()
        .listener_arn(arn);
    let operation = "elasticloadbalancing:DescribeListenerAttributes";
    let answer = call.send().await.context(operation, arn)?;
    let all = answer.attributes().iter();
    Ok(all
        .filter_map(|own| Some((own.key()?.to_owned(), own.value()?.to_owned())))
        .collect())
}

/// The target groups, with attributes where a balancer may want them.
async fn with_attributes(aws: &Aws, specs: &[BalancerSpec], all: &[Group]) -> Result<Vec<Group>> {
    let names: BTreeSet<String> = specs
        .iter()
        .filter(|spec| wanted(spec))
        .flat_map(desired::groups)
        .flat_map(|group| group.names)
        .collect();
    let details = all.iter().map(async |group| {
        let mut group = group.clone();
        if names.contains(&group.name) {
            group.attributes = group_attributes(aws, &group.arn).await?;
        }
        Ok(group)
    });
    try_join_all(details).await
}

async fn group_attributes(aws: &Aws, arn: &str) -> Result<Attributes> {
    let call = aws
        .elasticloadbalancingv2()
        .describe_target_group_attributes()
        .target_group_arn(arn);
    let operation = "elasticloadbalancing:DescribeTargetGroupAttributes";
    let answer = call.send().await.context(operation, arn)?;
    let all = answer.attributes().iter();
    Ok(all
        .filter_map(|own| Some((own.key()?.to_owned(), own.value()?.to_owned())))
        .collect())
}

/// Tags by ARN.
pub(super) async fn tags_of(aws: &Aws, arns: &[&str]) -> Result<BTreeMap<String, Tags>> {
    let answers = arns.chunks(TAGS_AT_ONCE).map(async |some| {
        let call = aws
            .elasticloadbalancingv2()
            .describe_tags()
            .set_resource_arns(Some(some.iter().map(|arn| (*arn).to_owned()).collect()));
        let operation = "elasticloadbalancing:DescribeTags";
        call.send().await.context(operation, some.join(", "))
    });
    let answers = try_join_all(answers).await?;
    let tags = |own: &sdk::TagDescription| -> Option<(String, Tags)> {
        let pair = |tag: &sdk::Tag| {
            let value = tag.value().unwrap_or_default().to_owned();
            Some((tag.key()?.to_owned(), value))
        };
        let tags = own.tags().iter().filter_map(pair).collect();
        Some((own.resource_arn()?.to_owned(), tags))
    };
    let all = answers.iter().flat_map(|answer| answer.tag_descriptions());
    Ok(all.filter_map(tags).collect())
}

/// Records that lead to balancers that no hostclass wants any more. Without such no call is made.
async fn leading(
    aws: &Aws,
    specs: &[BalancerSpec],
    all: &[(String, Balancer)],
) -> Result<Vec<Cname>> {
    let leaves = |name: &String| {
        let about = |spec: &&BalancerSpec| concerned(spec) == *name;
        specs.iter().filter(about).all(|spec| !wanted(spec))
    };
    let hosts: Vec<String> = all
        .iter()
        .filter(|(name, _)| leaves(name))
        .map(|(_, balancer)| balancer.dns_name.clone())
        .collect();
    dns::cnames_of(aws, &hosts).await
}
