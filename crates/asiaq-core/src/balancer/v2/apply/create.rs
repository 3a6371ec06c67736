//! Creating balancers, target groups and listeners, with their tags in the same call. What an earlier call has created
//! without our hearing of it is taken, if it is what is wanted.

use super::super::action::{ListenerRef, ListenerWrite, Numbers, V2Action};
use super::super::observed::{kind_of, listeners};
use super::Calls;
use crate::aws::{AwsError, Context, Tags};
use crate::balancer::TargetGroup;
use crate::config::BalancerType;
use crate::error::Result;
use aws_sdk_elasticloadbalancingv2::types as sdk;

const CREATE_BALANCER: &str = "elasticloadbalancing:CreateLoadBalancer";
const CREATE_GROUP: &str = "elasticloadbalancing:CreateTargetGroup";
const CREATE_LISTENER: &str = "elasticloadbalancing:CreateListener";

impl Calls<'_, '_> {
    /// Makes a creating change.
    pub(super) async fn create(&self, action: &V2Action) -> Result<()> {
        match action {
            V2Action::CreateBalancer { .. } => self.create_balancer(action).await,
            V2Action::CreateGroup { .. } => self.create_group(action).await,
            V2Action::CreateListener {
                balancer,
                listener,
                write,
                tags,
            } => {
                let arn = self.balancer_arn(balancer)?;
                self.create_listener(&arn, listener, write, tags).await
            }
            _ => Ok(()),
        }
    }

    async fn create_balancer(&self, action: &V2Action) -> Result<()> {
        let V2Action::CreateBalancer {
            balancer,
            kind,
            public,
            vpc_id,
            subnets,
            security_group,
            tags,
        } = action
        else {
            return Ok(());
        };
        let title = balancer.title.as_str();
        let call = self
            .client()
            .create_load_balancer()
            .name(&balancer.id)
            .r#type(match kind {
                BalancerType::Network => sdk::LoadBalancerTypeEnum::Network,
                _ => sdk::LoadBalancerTypeEnum::Application,
            })
            .scheme(scheme(*public))
            .set_subnets(Some(subnets.clone()))
            .security_groups(security_group)
            .set_tags(Some(sdk_tags(tags)));
        let made = match call.send().await.context(CREATE_BALANCER, title) {
            Ok(answer) => answer.load_balancers.unwrap_or_default().into_iter().next(),
            Err(error) if error.is("DuplicateLoadBalancerName") => {
                let wanted = |own: &sdk::LoadBalancer| {
                    kind_of(own) == Some(*kind)
                        && own.vpc_id() == Some(vpc_id)
                        && own.scheme() == Some(&scheme(*public))
                };
                let found = self.balancer_named(&balancer.id).await?;
                Some(found.filter(wanted).ok_or(error)?)
            }
            Err(error) => return Err(error.into()),
        };
        let missing = |what| AwsError::incomplete(CREATE_BALANCER, title, what);
        let made = made.ok_or_else(|| missing("LoadBalancers"))?;
        let all = [
            (balancer.key(), made.load_balancer_arn(), "LoadBalancerArn"),
            (balancer.dns_key(), made.dns_name(), "DNSName"),
            (
                balancer.zone_key(),
                made.canonical_hosted_zone_id(),
                "CanonicalHostedZoneId",
            ),
        ];
        for (key, value, what) in all {
            self.0.yields.put(key, value.ok_or_else(|| missing(what))?);
        }
        Ok(())
    }

    async fn balancer_named(&self, name: &str) -> Result<Option<sdk::LoadBalancer>> {
        let call = self.client().describe_load_balancers().names(name);
        let operation = "elasticloadbalancing:DescribeLoadBalancers";
        match call.send().await.context(operation, name) {
            Ok(answer) => Ok(answer.load_balancers.unwrap_or_default().into_iter().next()),
            Err(error) if error.is("LoadBalancerNotFound") => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    async fn create_group(&self, action: &V2Action) -> Result<()> {
        let V2Action::CreateGroup {
            name,
            side,
            vpc_id,
            check,
            tags,
        } = action
        else {
            return Ok(());
        };
        let mut call = self
            .client()
            .create_target_group()
            .name(name)
            .protocol(side.protocol.as_str().into())
            .port(i32::from(side.port))
            .vpc_id(vpc_id)
            .target_type(sdk::TargetTypeEnum::Instance)
            .health_check_protocol(check.protocol.as_str().into())
            .health_check_port(check.port.to_string())
            .set_health_check_path(check.path.clone());
        if let Some(own) = &check.numbers {
            call = call
                .health_check_interval_seconds(own.interval)
                .health_check_timeout_seconds(own.timeout)
                .healthy_threshold_count(own.healthy)
                .unhealthy_threshold_count(own.unhealthy)
                .set_matcher(matcher(own));
        }
        if !tags.is_empty() {
            call = call.set_tags(Some(sdk_tags(tags)));
        }
        let made = match call.send().await.context(CREATE_GROUP, name) {
            Ok(answer) => answer.target_groups.unwrap_or_default().into_iter().next(),
            Err(error) if error.is("DuplicateTargetGroupName") => {
                let wanted = |own: &sdk::TargetGroup| {
                    own.port() == Some(i32::from(side.port))
                        && own.protocol().map(sdk::ProtocolEnum::as_str) == Some(&side.protocol)
                        && own.vpc_id() == Some(vpc_id)
                };
                let found = self.group_named(name).await?;
                Some(found.filter(wanted).ok_or(error)?)
            }
            Err(error) => return Err(error.into()),
        };
        let arn = made.as_ref().and_then(|own| own.target_group_arn());
        let missing = || AwsError::incomplete(CREATE_GROUP, name, "TargetGroupArn");
        let group = TargetGroup {
            name: name.clone(),
            arn: None,
        };
        self.0.yields.put(group.key(), arn.ok_or_else(missing)?);
        Ok(())
    }

    async fn group_named(&self, name: &str) -> Result<Option<sdk::TargetGroup>> {
        let call = self.client().describe_target_groups().names(name);
        let operation = "elasticloadbalancing:DescribeTargetGroups";
        match call.send().await.context(operation, name) {
            Ok(answer) => Ok(answer.target_groups.unwrap_or_default().into_iter().next()),
            Err(error) if error.is("TargetGroupNotFound") => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    async fn create_listener(
        &self,
        balancer: &str,
        listener: &ListenerRef,
        write: &ListenerWrite,
        tags: &Tags,
    ) -> Result<()> {
        let call = self
            .client()
            .create_listener()
            .load_balancer_arn(balancer)
            .port(i32::from(listener.port))
            .set_protocol(write.protocol.as_deref().map(Into::into))
            .set_ssl_policy(write.policy.clone())
            .set_certificates(certificates(write))
            .set_default_actions(self.actions(write)?)
            .set_tags(Some(sdk_tags(tags)));
        let key = listener.key();
        match call.send().await.context(CREATE_LISTENER, &key) {
            Ok(answer) => {
                let made = answer.listeners.unwrap_or_default().into_iter().next();
                let arn = made.and_then(|own| own.listener_arn);
                let missing = || AwsError::incomplete(CREATE_LISTENER, &key, "ListenerArn");
                self.0.yields.put(&key, arn.ok_or_else(missing)?);
                Ok(())
            }
            Err(error) if error.is("DuplicateListener") => {
                let all = listeners(self.0.aws, balancer, false).await?;
                let own = all.into_iter().find(|own| own.port == listener.port);
                let own = own.ok_or(error)?;
                self.0.yields.put(&key, own.arn);
                self.modify_listener(listener, write).await
            }
            Err(error) => Err(error.into()),
        }
    }
}

fn scheme(public: bool) -> sdk::LoadBalancerSchemeEnum {
    if public {
        sdk::LoadBalancerSchemeEnum::InternetFacing
    } else {
        sdk::LoadBalancerSchemeEnum::Internal
    }
}

/// The certificate that a listener is to have.
pub(super) fn certificates(write: &ListenerWrite) -> Option<Vec<sdk::Certificate>> {
    let arn = write.certificate.as_ref()?;
    Some(vec![
        sdk::Certificate::builder().certificate_arn(arn).build(),
    ])
}

/// What HTTP has to answer.
pub(super) fn matcher(own: &Numbers) -> Option<sdk::Matcher> {
    let code = own.code.as_ref()?;
    Some(sdk::Matcher::builder().http_code(code).build())
}

/// Tags in the form of the service.
pub(super) fn sdk_tags(tags: &Tags) -> Vec<sdk::Tag> {
    let tag = |(key, value)| sdk::Tag::builder().key(key).value(value).build();
    tags.iter().map(tag).collect()
}
