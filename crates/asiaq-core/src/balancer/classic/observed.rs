//! The classic balancers of a set of hostclasses, and the listing of an environment's. Read only.

use super::record::{Attributes, Classic, Health, Listener, Policy};
use crate::aws::{Aws, AwsError, Context, Pages, Tags};
use crate::balancer::listing::ListedBalancer;
use crate::balancer::spec::BalancerSpec;
use crate::config::BalancerType;
use crate::dns::{self, Cname};
use crate::error::Result;
use crate::names;
use crate::network::listener::{Mapping, Side};
use aws_sdk_elasticloadbalancing::types::{LoadBalancerDescription, Policies};
use futures::future::try_join_all;
use std::collections::{BTreeMap, BTreeSet};

/// Largest page of balancers.
const PAGE: i32 = 400;
/// Balancers in one call for tags.
const TAGS_PER_CALL: usize = 20;

/// The classic balancers of the hostclasses.
#[derive(Debug, Default)]
pub(in crate::balancer) struct ClassicState {
    pub(super) balancers: Vec<Classic>,
    /// CNAMEs that lead to those that leave.
    pub(super) cnames: Vec<Cname>,
}

impl ClassicState {
    /// Reads them: all balancers in one listing, then what the listing does not say, concurrently.
    pub(in crate::balancer) async fn read(aws: &Aws, specs: &[BalancerSpec]) -> Result<Self> {
        let all = describe(aws).await?;
        let all: Vec<Classic> = all.iter().filter_map(classic).collect();
        let found = |spec: &BalancerSpec, testing: bool| find(&all, spec, testing).cloned();
        let mut leaving: Vec<Classic> = specs
            .iter()
            .filter_map(|spec| found(spec, leaving(spec)?))
            .collect();
        let mut staying: BTreeMap<String, Classic> = specs
            .iter()
            .filter(|spec| is_wanted(spec))
            .filter_map(|spec| found(spec, spec.testing))
            .map(|own| (own.name.clone(), own))
            .collect();
        let names: Vec<String> = staying.keys().cloned().collect();
        let hosts: Vec<String> = leaving.iter().map(|own| own.host.clone()).collect();
        let read = names.iter().map(|name| attributes(aws, name));
        let all_names = leaving.iter().map(|own| own.name.clone());
        let all_names: BTreeSet<String> = all_names.chain(names.iter().cloned()).collect();
        let all_names: Vec<String> = all_names.into_iter().collect();
        let (attributes, tags, cnames) = tokio::try_join!(
            async { Ok(try_join_all(read).await?) },
            async { Ok(tags(aws, &all_names).await?) },
            dns::cnames_of(aws, &hosts),
        )?;
        for (own, attributes) in staying.values_mut().zip(attributes) {
            own.attributes = attributes;
        }
        for own in staying.values_mut().chain(&mut leaving) {
            own.tags = tags.get(&own.name).cloned().unwrap_or_default();
        }
        let gone = |own: &Classic| !staying.contains_key(&own.name);
        let leaving: Vec<Classic> = leaving.into_iter().filter(gone).collect();
        Ok(Self {
            balancers: staying.into_values().chain(leaving).collect(),
            cnames,
        })
    }

    /// The balancer of the hostclass, under whatever name.
    pub(in crate::balancer) fn find(&self, spec: &BalancerSpec, testing: bool) -> Option<&Classic> {
        find(&self.balancers, spec, testing)
    }
}

/// Whether the hostclass wants a classic balancer.
pub(super) fn is_wanted(spec: &BalancerSpec) -> bool {
    spec.options.enabled && spec.options.kind == BalancerType::Classic
}

/// Which classic balancer of the hostclass is not wanted, if it exists: the normal one without `elb`, even while testing;
/// the one that a balancer of another type takes the place of.
pub(super) fn leaving(spec: &BalancerSpec) -> Option<bool> {
    match (spec.options.enabled, spec.options.kind) {
        (false, _) => Some(false),
        (true, BalancerType::Classic) => None,
        (true, _) => Some(spec.testing),
    }
}

/// By id, else by the name of old if it is in the environment's VPC: other environments may hold such a name too.
fn find<'a>(all: &'a [Classic], spec: &BalancerSpec, testing: bool) -> Option<&'a Classic> {
    let id = names::balancer_id(&spec.env, &spec.hostclass, testing);
    let old = names::balancer(&spec.env, &spec.hostclass, testing);
    let of_old = |own: &&Classic| own.name == old && own.vpc_id == spec.vpc_id;
    all.iter()
        .find(|own| own.name == id)
        .or_else(|| all.iter().find(of_old))
}

async fn describe(aws: &Aws) -> Result<Vec<LoadBalancerDescription>, AwsError> {
    let call = aws.elasticloadbalancing().describe_load_balancers();
    let call = call.page_size(PAGE).into_paginator().items().send();
    call.all("elasticloadbalancing:DescribeLoadBalancers", "")
        .await
}

/// One balancer by its name in AWS, without attributes and tags.
pub(super) async fn named(aws: &Aws, name: &str) -> Result<Option<Classic>, AwsError> {
    let call = aws.elasticloadbalancing().describe_load_balancers();
    let call = call.load_balancer_names(name).send().await;
    match call.context("elasticloadbalancing:DescribeLoadBalancers", name) {
        Err(error) if error.is_not_found() => Ok(None),
        other => Ok(other?
            .load_balancer_descriptions()
            .first()
            .and_then(classic)),
    }
}

async fn attributes(aws: &Aws, name: &str) -> Result<Attributes, AwsError> {
    let call = aws
        .elasticloadbalancing()
        .describe_load_balancer_attributes()
        .load_balancer_name(name);
    let operation = "elasticloadbalancing:DescribeLoadBalancerAttributes";
    let answer = call.send().await.context(operation, name)?;
    let found = answer
        .load_balancer_attributes()
        .ok_or_else(|| AwsError::incomplete(operation, name, "LoadBalancerAttributes"))?;
    let draining = found.connection_draining().filter(|own| own.enabled());
    Ok(Attributes {
        idle: found.connection_settings().map(|own| own.idle_timeout()),
        draining: draining.map(|own| own.timeout().unwrap_or(0)),
        cross_zone: found
            .cross_zone_load_balancing()
            .is_some_and(|own| own.enabled()),
    })
}

/// Tags by name of the balancer.
async fn tags(aws: &Aws, names: &[String]) -> Result<BTreeMap<String, Tags>, AwsError> {
    let read = async |names: &[String]| {
        let call = aws
            .elasticloadbalancing()
            .describe_tags()
            .set_load_balancer_names(Some(names.to_vec()));
        call.send()
            .await
            .context("elasticloadbalancing:DescribeTags", names.join(", "))
    };
    let answers = try_join_all(names.chunks(TAGS_PER_CALL).map(read)).await?;
    let mut found = BTreeMap::new();
    for own in answers.iter().flat_map(|answer| answer.tag_descriptions()) {
        let tag = |tag: &aws_sdk_elasticloadbalancing::types::Tag| {
            let value = tag.value().unwrap_or_default();
            (tag.key().to_owned(), value.to_owned())
        };
        if let Some(name) = own.load_balancer_name() {
            found.insert(name.to_owned(), own.tags().iter().map(tag).collect());
        }
    }
    Ok(found)
}

/// The classic balancers of a VPC.
pub(in crate::balancer) async fn list(aws: &Aws, vpc_id: &str) -> Result<Vec<ListedBalancer>> {
    let all = describe(aws).await?;
    let own: Vec<Classic> = all
        .iter()
        .filter_map(classic)
        .filter(|own| own.vpc_id == vpc_id)
        .collect();
    let names: Vec<String> = own.iter().map(|own| own.name.clone()).collect();
    let mut tags = tags(aws, &names).await?;
    Ok(own
        .into_iter()
        .map(|own| {
            let tags = tags.remove(&own.name).unwrap_or_default();
            ListedBalancer {
                availability_zones: own.zones,
                scheme: own.scheme,
                dns_name: own.host,
                ..ListedBalancer::new(BalancerType::Classic, &own.name, &tags)
            }
        })
        .collect())
}

fn classic(own: &LoadBalancerDescription) -> Option<Classic> {
    let text = |value: Option<&str>| value.unwrap_or_default().to_owned();
    let listeners = own.listener_descriptions().iter().filter_map(|described| {
        let listener = described.listener()?;
        let external = side(listener.load_balancer_port(), listener.protocol())?;
        let protocol = listener.instance_protocol().unwrap_or(&external.protocol);
        let internal = side(listener.instance_port(), protocol)?;
        Some(Listener {
            mapping: Mapping { internal, external },
            certificate: listener.ssl_certificate_id().map(str::to_owned),
            policies: described.policy_names().to_vec(),
        })
    });
    let health = own.health_check().map(|check| Health {
        target: check.target().to_owned(),
        interval: check.interval(),
        timeout: check.timeout(),
        unhealthy: check.unhealthy_threshold(),
        healthy: check.healthy_threshold(),
    });
    let mut zones = own.availability_zones().to_vec();
    zones.sort();
    Some(Classic {
        name: own.load_balancer_name()?.to_owned(),
        host: text(own.dns_name()),
        vpc_id: text(own.vpc_id()),
        scheme: text(own.scheme()),
        subnets: own.subnets().iter().cloned().collect::<BTreeSet<_>>(),
        zones,
        listeners: listeners.collect(),
        health,
        policies: own.policies().map(policies).unwrap_or_default(),
        attributes: Attributes::default(),
        tags: Tags::new(),
    })
}

fn side(port: i32, protocol: &str) -> Option<Side> {
    let port = u16::try_from(port).ok()?;
    Some(Side::new(port, &protocol.to_uppercase()))
}

fn policies(all: &Policies) -> BTreeMap<String, Policy> {
    let own = all.lb_cookie_stickiness_policies().iter().filter_map(|p| {
        let policy = Policy::Balancer(p.cookie_expiration_period());
        Some((p.policy_name()?.to_owned(), policy))
    });
    let applications = all.app_cookie_stickiness_policies().iter();
    let applications = applications.filter_map(|p| {
        let policy = Policy::Application(p.cookie_name().unwrap_or_default().to_owned());
        Some((p.policy_name()?.to_owned(), policy))
    });
    let others = all.other_policies().iter();
    let others = others.map(|name| (name.clone(), Policy::Other));
    own.chain(applications).chain(others).collect()
}
