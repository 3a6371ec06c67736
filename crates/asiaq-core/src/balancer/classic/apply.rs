//! Executes changes of classic balancers. Every action is repeatable.

use super::observed::named;
use super::record::{Attributes, Health, Listener};
use super::stickiness::{Cookie, OnListener, POLICY, Steps};
use crate::aws::{Aws, AwsError, Context, Tags, gone};
use crate::balancer::apply::BalancerExecutor;
use crate::balancer::records::yield_host;
use crate::dns::Cname;
use crate::error::{Error, Result};
use crate::network::listener::Mapping;
use aws_sdk_elasticloadbalancing::types::builders::ListenerBuilder;
use aws_sdk_elasticloadbalancing::types::{
    ConnectionDraining, ConnectionSettings, CrossZoneLoadBalancing, HealthCheck,
    LoadBalancerAttributes, Tag,
};
use futures::future::try_join_all;
use std::collections::BTreeSet;

/// One change to a classic balancer.
#[derive(Debug, Clone, PartialEq)]
pub enum ClassicAction {
    /// Create it with listeners and tags.
    Create(Box<NewClassic>),
    /// Set how hosts are checked.
    HealthCheck {
        /// Name in AWS.
        name: String,
        /// The check.
        health: Health,
    },
    /// Make it sticky, or not any more.
    Stickiness {
        /// Name in AWS.
        name: String,
        /// How.
        stickiness: Stickiness,
    },
    /// Set idle timeout, draining, cross-zone balancing.
    Attributes {
        /// Name in AWS.
        name: String,
        /// All of them.
        attributes: Attributes,
    },
    /// Add or overwrite tags.
    Tags {
        /// Name in AWS.
        name: String,
        /// Those that differ.
        tags: Tags,
    },
    /// Delete the records that lead to one that goes.
    DeleteRecords(Vec<Cname>),
    /// Delete it.
    Delete(String),
}

/// A balancer to create.
#[derive(Debug, Clone, PartialEq)]
pub struct NewClassic {
    pub(super) name: String,
    pub(super) vpc_id: String,
    pub(super) mappings: Vec<Mapping>,
    /// ARN, for the listeners that need one.
    pub(super) certificate: Option<String>,
    pub(super) security_group: String,
    pub(super) subnets: Vec<String>,
    pub(super) public: bool,
    pub(super) tags: Tags,
}

/// A change of stickiness.
#[derive(Debug, Clone, PartialEq)]
pub enum Stickiness {
    /// Of a balancer that the same plan creates: AWS gives new HTTPS listeners policies that have to be kept, and that only a
    /// look at the new balancer tells.
    New {
        /// The cookie.
        cookie: Cookie,
        /// External ports.
        ports: Vec<u16>,
    },
    /// Of a balancer that was there when the change was planned.
    Steps(Steps),
}

/// Makes one change.
pub(in crate::balancer) async fn apply(
    executor: &BalancerExecutor<'_>,
    action: &ClassicAction,
) -> Result<()> {
    let aws = executor.aws;
    match action {
        ClassicAction::Create(new) => create(executor, new).await,
        ClassicAction::HealthCheck { name, health } => Ok(set_health(aws, name, health).await?),
        ClassicAction::Stickiness { name, stickiness } => match stickiness {
            Stickiness::Steps(steps) => Ok(make_sticky(aws, name, steps).await?),
            Stickiness::New { cookie, ports } => {
                let own = named(aws, name).await?.ok_or_else(|| gone_again(name))?;
                let steps = Steps::between(&own.listeners, &own.policies, Some(cookie), ports);
                Ok(make_sticky(aws, name, &steps).await?)
            }
        },
        ClassicAction::Attributes { name, attributes } => {
            Ok(set_attributes(aws, name, attributes).await?)
        }
        ClassicAction::Tags { name, tags } => Ok(add_tags(aws, name, tags).await?),
        ClassicAction::DeleteRecords(cnames) => executor.records.delete_all(cnames).await,
        ClassicAction::Delete(name) => Ok(delete(aws, name).await?),
    }
}

fn gone_again(name: &str) -> Error {
    Error::not_found(format!("load balancer {name} has disappeared"))
        .with_hint("run the command again")
}

async fn create(executor: &BalancerExecutor<'_>, new: &NewClassic) -> Result<()> {
    let operation = "elasticloadbalancing:CreateLoadBalancer";
    let incomplete = |_| AwsError::incomplete(operation, &new.name, "listener");
    let listeners = new.mappings.iter().map(|mapping| {
        let certificate = new.certificate.clone();
        let certificate = certificate.filter(|_| mapping.external.needs_certificate());
        listener(mapping)
            .set_ssl_certificate_id(certificate)
            .build()
            .map_err(incomplete)
    });
    let call = executor
        .aws
        .elasticloadbalancing()
        .create_load_balancer()
        .load_balancer_name(&new.name)
        .set_listeners(Some(listeners.collect::<Result<_, _>>()?))
        .security_groups(&new.security_group)
        .set_subnets(Some(new.subnets.clone()))
        .set_scheme((!new.public).then(|| "internal".to_owned()))
        .set_tags(Some(sdk_tags(&new.name, &new.tags)?));
    let host = match call.send().await.context(operation, &new.name) {
        Err(error) if error.is("DuplicateLoadBalancerName") => {
            let host = of_same_making(executor.aws, new).await?.ok_or(error)?;
            let note = format!("load balancer {} has appeared meanwhile", new.name);
            executor.progress.note(&note);
            host
        }
        other => {
            let host = other?.dns_name().map(str::to_owned);
            host.ok_or_else(|| AwsError::incomplete(operation, &new.name, "DNSName"))?
        }
    };
    yield_host(&executor.yields, &new.name, &host);
    Ok(())
}

fn listener(mapping: &Mapping) -> ListenerBuilder {
    aws_sdk_elasticloadbalancing::types::Listener::builder()
        .protocol(&mapping.external.protocol)
        .load_balancer_port(i32::from(mapping.external.port))
        .instance_protocol(&mapping.internal.protocol)
        .instance_port(i32::from(mapping.internal.port))
}

/// The host name of the balancer that has the name already, if an attempt of ours whose answer was lost, or another run of the
/// same command, has made it.
async fn of_same_making(aws: &Aws, new: &NewClassic) -> Result<Option<String>> {
    let texts = |mappings: Vec<&Mapping>| -> BTreeSet<String> {
        mappings.iter().map(ToString::to_string).collect()
    };
    let found = named(aws, &new.name).await?.filter(|own| {
        let have = own.listeners.iter().map(|own: &Listener| &own.mapping);
        own.vpc_id == new.vpc_id && texts(have.collect()) == texts(new.mappings.iter().collect())
    });
    Ok(found.map(|own| own.host))
}

async fn set_health(aws: &Aws, name: &str, health: &Health) -> Result<(), AwsError> {
    let operation = "elasticloadbalancing:ConfigureHealthCheck";
    let check = HealthCheck::builder()
        .target(&health.target)
        .interval(health.interval)
        .timeout(health.timeout)
        .unhealthy_threshold(health.unhealthy)
        .healthy_threshold(health.healthy)
        .build()
        .map_err(|_| AwsError::incomplete(operation, name, "health check"))?;
    let call = aws
        .elasticloadbalancing()
        .configure_health_check()
        .load_balancer_name(name)
        .health_check(check);
    call.send().await.context(operation, name).map(drop)
}

async fn set_attributes(aws: &Aws, name: &str, wanted: &Attributes) -> Result<(), AwsError> {
    let operation = "elasticloadbalancing:ModifyLoadBalancerAttributes";
    let idle = wanted.idle.map(|seconds| {
        let settings = ConnectionSettings::builder().idle_timeout(seconds);
        let incomplete = |_| AwsError::incomplete(operation, name, "idle timeout");
        settings.build().map_err(incomplete)
    });
    let draining = ConnectionDraining::builder()
        .enabled(wanted.draining.is_some())
        .timeout(wanted.draining.unwrap_or(0));
    let cross_zone = CrossZoneLoadBalancing::builder().enabled(wanted.cross_zone);
    let attributes = LoadBalancerAttributes::builder()
        .set_connection_settings(idle.transpose()?)
        .connection_draining(draining.build())
        .cross_zone_load_balancing(cross_zone.build());
    let call = aws
        .elasticloadbalancing()
        .modify_load_balancer_attributes()
        .load_balancer_name(name)
        .load_balancer_attributes(attributes.build());
    call.send().await.context(operation, name).map(drop)
}

fn sdk_tags(name: &str, tags: &Tags) -> Result<Vec<Tag>, AwsError> {
    let tag = |(key, value): (&String, &String)| Tag::builder().key(key).value(value).build();
    let tags: Result<Vec<Tag>, _> = tags.iter().map(tag).collect();
    tags.map_err(|_| AwsError::incomplete("elasticloadbalancing:AddTags", name, "tag"))
}

async fn add_tags(aws: &Aws, name: &str, tags: &Tags) -> Result<(), AwsError> {
    let call = aws
        .elasticloadbalancing()
        .add_tags()
        .load_balancer_names(name)
        .set_tags(Some(sdk_tags(name, tags)?));
    let operation = "elasticloadbalancing:AddTags";
    call.send().await.context(operation, name).map(drop)
}

/// A policy must be on no listener when it is deleted, and exist when it is put on one.
async fn make_sticky(aws: &Aws, name: &str, steps: &Steps) -> Result<(), AwsError> {
    try_join_all(
        steps
            .take_off
            .iter()
            .map(|own| set_policies(aws, name, own)),
    )
    .await?;
    if steps.delete {
        let call = aws
            .elasticloadbalancing()
            .delete_load_balancer_policy()
            .load_balancer_name(name)
            .policy_name(POLICY);
        let operation = "elasticloadbalancing:DeleteLoadBalancerPolicy";
        call.send().await.context(operation, name)?;
    }
    if let Some(cookie) = &steps.create {
        create_policy(aws, name, cookie).await?;
    }
    try_join_all(steps.put_on.iter().map(|own| set_policies(aws, name, own))).await?;
    Ok(())
}

async fn set_policies(aws: &Aws, name: &str, own: &OnListener) -> Result<(), AwsError> {
    let call = aws
        .elasticloadbalancing()
        .set_load_balancer_policies_of_listener()
        .load_balancer_name(name)
        .load_balancer_port(i32::from(own.port))
        .set_policy_names(Some(own.policies.clone()));
    let operation = "elasticloadbalancing:SetLoadBalancerPoliciesOfListener";
    call.send().await.context(operation, name).map(drop)
}

async fn create_policy(aws: &Aws, name: &str, cookie: &Cookie) -> Result<(), AwsError> {
    let client = aws.elasticloadbalancing();
    let made = match cookie {
        Cookie::Balancer => {
            let call = client
                .create_lb_cookie_stickiness_policy()
                .load_balancer_name(name)
                .policy_name(POLICY);
            let operation = "elasticloadbalancing:CreateLBCookieStickinessPolicy";
            call.send().await.context(operation, name).map(drop)
        }
        Cookie::Application(cookie) => {
            let call = client
                .create_app_cookie_stickiness_policy()
                .load_balancer_name(name)
                .policy_name(POLICY)
                .cookie_name(cookie);
            let operation = "elasticloadbalancing:CreateAppCookieStickinessPolicy";
            call.send().await.context(operation, name).map(drop)
        }
    };
    match made {
        // There was none a moment ago: an attempt whose answer was lost has made it.
        Err(error) if error.is("DuplicatePolicyName") => Ok(()),
        other => other,
    }
}

async fn delete(aws: &Aws, name: &str) -> Result<(), AwsError> {
    let call = aws
        .elasticloadbalancing()
        .delete_load_balancer()
        .load_balancer_name(name);
    gone(
        call.send()
            .await
            .context("elasticloadbalancing:DeleteLoadBalancer", name),
    )
}
