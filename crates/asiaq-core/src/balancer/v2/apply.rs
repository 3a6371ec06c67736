//! Executes changes of balancers, target groups and listeners. Each may be repeated.

mod create;
mod serving;

pub(in crate::balancer) use serving::wait_serving;

use super::action::{BalancerRef, HealthCheck, ListenerRef, ListenerWrite, V2Action};
use super::attributes::Attributes;
use super::teardown::{delete_balancer, delete_target_group};
use crate::aws::{AwsError, Context, Tags, gone};
use crate::balancer::{BalancerExecutor, TargetGroup};
use crate::dns::{Record, RecordChange, Target};
use crate::error::Result;
use aws_sdk_elasticloadbalancingv2::types as sdk;

/// Makes one change.
pub(in crate::balancer) async fn apply(
    executor: &BalancerExecutor<'_>,
    action: &V2Action,
) -> Result<()> {
    let own = Calls(executor);
    match action {
        V2Action::CreateBalancer { .. }
        | V2Action::CreateGroup { .. }
        | V2Action::CreateListener { .. } => own.create(action).await,
        V2Action::SetSubnets(balancer, subnets) => own.set_subnets(balancer, subnets).await,
        V2Action::SetSecurityGroup(balancer, id) => own.set_security_group(balancer, id).await,
        V2Action::BalancerAttributes(balancer, all) => own.balancer_attributes(balancer, all).await,
        V2Action::AddTags { name, arn, tags } => own.add_tags(name, arn, tags).await,
        V2Action::RemoveTag { name, arn, key } => own.remove_tag(name, arn, key).await,
        V2Action::ModifyCheck(group, check) => own.modify_check(group, check).await,
        V2Action::GroupAttributes(group, all) => own.group_attributes(group, all).await,
        V2Action::ModifyListener(listener, write) => own.modify_listener(listener, write).await,
        V2Action::ListenerAttributes(listener, all) => own.listener_attributes(listener, all).await,
        V2Action::DeleteListener(listener) => own.delete_listener(listener).await,
        V2Action::Lead {
            zone_id,
            host,
            instead,
            balancer,
            known,
        } => {
            own.lead(zone_id, host, instead, balancer, known.as_ref())
                .await
        }
        V2Action::DeleteRecord(record) => executor.records.delete(record).await,
        V2Action::DeleteBalancer(balancer) => {
            let arn = own.balancer_arn(balancer)?;
            delete_balancer(executor.aws, &arn, &balancer.title).await
        }
        V2Action::DeleteGroup(group) => {
            let arn = own.group_arn(group)?;
            delete_target_group(executor.aws, executor.progress, &arn, &group.name).await
        }
    }
}

/// The calls, one method each.
pub(super) struct Calls<'a, 'b>(&'a BalancerExecutor<'b>);

impl Calls<'_, '_> {
    fn client(&self) -> &aws_sdk_elasticloadbalancingv2::Client {
        self.0.aws.elasticloadbalancingv2()
    }

    /// The identifier of something: the one that is known, else the one that its creation has yielded.
    fn known(&self, arn: Option<&String>, key: &str, what: &'static str) -> Result<String> {
        let found = arn.cloned().or_else(|| self.0.yields.get(key));
        Ok(found.ok_or_else(|| AwsError::incomplete(what, key, "identifier"))?)
    }

    fn balancer_arn(&self, own: &BalancerRef) -> Result<String> {
        let what = "elasticloadbalancing:CreateLoadBalancer";
        self.known(own.arn.as_ref(), &own.key(), what)
    }

    fn group_arn(&self, own: &TargetGroup) -> Result<String> {
        let what = "elasticloadbalancing:CreateTargetGroup";
        self.known(own.arn.as_ref(), &own.key(), what)
    }

    fn listener_arn(&self, own: &ListenerRef) -> Result<String> {
        let what = "elasticloadbalancing:CreateListener";
        self.known(own.arn.as_ref(), &own.key(), what)
    }

    async fn set_subnets(&self, balancer: &BalancerRef, subnets: &[String]) -> Result<()> {
        let call = self.client().set_subnets();
        let call = call
            .load_balancer_arn(self.balancer_arn(balancer)?)
            .set_subnets(Some(subnets.to_vec()));
        let operation = "elasticloadbalancing:SetSubnets";
        call.send().await.context(operation, &balancer.title)?;
        Ok(())
    }

    async fn set_security_group(&self, balancer: &BalancerRef, id: &str) -> Result<()> {
        let call = self.client().set_security_groups();
        let call = call
            .load_balancer_arn(self.balancer_arn(balancer)?)
            .security_groups(id);
        let operation = "elasticloadbalancing:SetSecurityGroups";
        call.send().await.context(operation, &balancer.title)?;
        Ok(())
    }

    async fn balancer_attributes(&self, balancer: &BalancerRef, all: &Attributes) -> Result<()> {
        let pair = |(key, value): (&String, &String)| {
            let pair = sdk::LoadBalancerAttribute::builder();
            pair.key(key).value(value).build()
        };
        let call = self.client().modify_load_balancer_attributes();
        let call = call
            .load_balancer_arn(self.balancer_arn(balancer)?)
            .set_attributes(Some(all.iter().map(pair).collect()));
        let operation = "elasticloadbalancing:ModifyLoadBalancerAttributes";
        call.send().await.context(operation, &balancer.title)?;
        Ok(())
    }

    async fn add_tags(&self, name: &str, arn: &str, tags: &Tags) -> Result<()> {
        let call = self.client().add_tags().resource_arns(arn);
        let call = call.set_tags(Some(create::sdk_tags(tags)));
        let operation = "elasticloadbalancing:AddTags";
        call.send().await.context(operation, name)?;
        Ok(())
    }

    async fn remove_tag(&self, name: &str, arn: &str, key: &str) -> Result<()> {
        let call = self.client().remove_tags().resource_arns(arn).tag_keys(key);
        let operation = "elasticloadbalancing:RemoveTags";
        call.send().await.context(operation, name)?;
        Ok(())
    }

    async fn modify_check(&self, group: &TargetGroup, check: &HealthCheck) -> Result<()> {
        let call = self.client().modify_target_group();
        let mut call = call
            .target_group_arn(self.group_arn(group)?)
            .health_check_protocol(check.protocol.as_str().into())
            .health_check_port(check.port.to_string())
            .set_health_check_path(check.path.clone());
        if let Some(own) = &check.numbers {
            call = call
                .health_check_interval_seconds(own.interval)
                .health_check_timeout_seconds(own.timeout)
                .healthy_threshold_count(own.healthy)
                .unhealthy_threshold_count(own.unhealthy)
                .set_matcher(create::matcher(own));
        }
        let operation = "elasticloadbalancing:ModifyTargetGroup";
        call.send().await.context(operation, &group.name)?;
        Ok(())
    }

    async fn group_attributes(&self, group: &TargetGroup, all: &Attributes) -> Result<()> {
        let pair = |(key, value): (&String, &String)| {
            let pair = sdk::TargetGroupAttribute::builder();
            pair.key(key).value(value).build()
        };
        let call = self.client().modify_target_group_attributes();
        let call = call
            .target_group_arn(self.group_arn(group)?)
            .set_attributes(Some(all.iter().map(pair).collect()));
        let operation = "elasticloadbalancing:ModifyTargetGroupAttributes";
        call.send().await.context(operation, &group.name)?;
        Ok(())
    }

    async fn modify_listener(&self, listener: &ListenerRef, write: &ListenerWrite) -> Result<()> {
        let call = self.client().modify_listener();
        let call = call
            .listener_arn(self.listener_arn(listener)?)
            .set_protocol(write.protocol.as_deref().map(Into::into))
            .set_ssl_policy(write.policy.clone())
            .set_certificates(create::certificates(write))
            .set_default_actions(self.actions(write)?);
        let operation = "elasticloadbalancing:ModifyListener";
        call.send().await.context(operation, listener.key())?;
        Ok(())
    }

    async fn listener_attributes(&self, listener: &ListenerRef, all: &Attributes) -> Result<()> {
        let pair = |(key, value): (&String, &String)| {
            let pair = sdk::ListenerAttribute::builder();
            pair.key(key).value(value).build()
        };
        let call = self.client().modify_listener_attributes();
        let call = call
            .listener_arn(self.listener_arn(listener)?)
            .set_attributes(Some(all.iter().map(pair).collect()));
        let operation = "elasticloadbalancing:ModifyListenerAttributes";
        call.send().await.context(operation, listener.key())?;
        Ok(())
    }

    async fn delete_listener(&self, listener: &ListenerRef) -> Result<()> {
        let call = self.client().delete_listener();
        let call = call.listener_arn(self.listener_arn(listener)?);
        let operation = "elasticloadbalancing:DeleteListener";
        Ok(gone(call.send().await.context(operation, listener.key()))?)
    }

    async fn lead(
        &self,
        zone_id: &str,
        name: &str,
        instead: &[Record],
        balancer: &BalancerRef,
        known: Option<&(String, String)>,
    ) -> Result<()> {
        let what = "elasticloadbalancing:CreateLoadBalancer";
        let (host, own_zone) = known.cloned().unzip();
        let target = Target::Alias {
            host: self.known(host.as_ref(), &balancer.dns_key(), what)?,
            zone_id: self.known(own_zone.as_ref(), &balancer.zone_key(), what)?,
        };
        let gone = instead
            .iter()
            .map(|record| RecordChange::Delete(Box::new(record.clone())));
        let upsert = RecordChange::Upsert {
            name: name.to_owned(),
            target,
        };
        self.0
            .records
            .write(zone_id, gone.chain([upsert]).collect())
            .await
    }

    /// What a listener does: forward to the target group; `None` leaves it alone.
    fn actions(&self, write: &ListenerWrite) -> Result<Option<Vec<sdk::Action>>> {
        let Some(group) = &write.group else {
            return Ok(None);
        };
        let action = sdk::Action::builder()
            .r#type(sdk::ActionTypeEnum::Forward)
            .target_group_arn(self.group_arn(group)?);
        Ok(Some(vec![action.build()]))
    }
}
