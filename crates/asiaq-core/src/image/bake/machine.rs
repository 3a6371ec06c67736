//! The machine of a bake in AWS: launched, waited for, stopped, ended. Knows nothing of ssh.

use super::options::Options;
use crate::aws::{Aws, AwsError, Context, Tags, tag_specification};
use crate::environment::Subnet;
use crate::error::{Error, Result};
use crate::image::Image;
use crate::names::tag;
use crate::plan::Interrupt;
use aws_sdk_ec2::types::{
    AttributeBooleanValue, AttributeValue, BlockDeviceMapping, EbsBlockDevice, Filter,
    IamInstanceProfileSpecification, Instance, InstanceMetadataOptionsRequest,
    InstanceNetworkInterfaceSpecification, ResourceType,
};
use std::time::Duration;

/// How long a machine may take to run.
const RUNNING: Duration = Duration::from_secs(900);
/// How long it may take to stop.
const STOPPED: Duration = Duration::from_secs(300);
/// How long it may take to stop by itself.
const STOPS_ITSELF: Duration = Duration::from_secs(60);
/// How long AWS may not know a machine that it has just made.
const UNKNOWN: Duration = Duration::from_secs(60);
/// Pauses while waiting for it.
const PAUSE: Duration = Duration::from_secs(3);

/// A machine that was launched.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Machine {
    pub(super) id: String,
    pub(super) public_ip: Option<String>,
    pub(super) private_ip: Option<String>,
}

/// What a launch needs beside the options.
#[derive(Debug)]
pub(super) struct Launch<'a> {
    pub(super) options: &'a Options,
    pub(super) source: &'a Image,
    pub(super) security_group: &'a str,
    /// In the order in which they are tried.
    pub(super) subnets: Vec<Subnet>,
    /// Unique to the bake: makes repeated calls one.
    pub(super) bake_id: &'a str,
    pub(super) tags: Tags,
    /// Ends the tries.
    pub(super) interrupt: &'a Interrupt,
}

impl Launch<'_> {
    /// Launches it in the first subnet that has room for it.
    ///
    /// # Errors
    /// AWS refuses, in all subnets if it is for want of capacity; Ctrl-C came between two tries.
    pub(super) async fn run(&self, aws: &Aws) -> Result<Machine> {
        let mut refused = None;
        for (number, subnet) in self.subnets.iter().enumerate() {
            if self.interrupt.came() {
                return Err(Error::Interrupted);
            }
            match self.run_in(aws, subnet, number).await {
                Err(error) if wants_another_zone(&error) => {
                    tracing::warn!("{error}; trying another subnet");
                    refused = Some(error);
                }
                other => return Ok(other?),
            }
        }
        Err(refused.map_or_else(
            || Error::refused("there is no subnet to launch in"),
            Into::into,
        ))
    }

    async fn run_in(&self, aws: &Aws, subnet: &Subnet, number: usize) -> Result<Machine, AwsError> {
        let options = self.options;
        let interface = InstanceNetworkInterfaceSpecification::builder()
            .device_index(0)
            .subnet_id(&subnet.id)
            .groups(self.security_group)
            .associate_public_ip_address(true)
            .build();
        let profile = options.profile.as_ref().map(|name| {
            let builder = IamInstanceProfileSpecification::builder();
            match name.starts_with("arn:") {
                true => builder.arn(name).build(),
                false => builder.name(name).build(),
            }
        });
        let tokens = options.http_tokens.as_ref().map(|word| {
            InstanceMetadataOptionsRequest::builder()
                .http_tokens(word.as_str().into())
                .build()
        });
        let resource = format!("{} in {}", self.source.id, subnet.zone);
        let answer = aws
            .ec2()
            .run_instances()
            .image_id(&self.source.id)
            .min_count(1)
            .max_count(1)
            .instance_type(options.instance_type.as_str().into())
            .key_name(&options.key)
            .set_iam_instance_profile(profile)
            .block_device_mappings(self.root())
            .network_interfaces(interface)
            .set_metadata_options(tokens)
            .client_token(format!("{}-{number}", self.bake_id))
            .tag_specifications(tag_specification(ResourceType::Instance, &self.tags))
            .tag_specifications(tag_specification(ResourceType::Volume, &self.tags))
            .send()
            .await
            .context("ec2:RunInstances", &resource)?;
        let machine = answer.instances().first().and_then(Machine::of);
        machine.ok_or_else(|| AwsError::incomplete("ec2:RunInstances", resource, "instanceId"))
    }

    /// The root volume. A source image's mapping of `/dev/sda` is its root whatever it says (spec 50, section 5.2).
    fn root(&self) -> BlockDeviceMapping {
        let devices = &self.source.devices;
        let mapped = devices.iter().any(|device| device.name == "/dev/sda");
        let name = match (&self.source.root_device, mapped) {
            (Some(root), false) => root.as_str(),
            _ => "/dev/sda",
        };
        let device = devices.iter().find(|device| device.name == name);
        let size = self.options.volume_size.or(device.and_then(|d| d.size));
        let ebs = EbsBlockDevice::builder()
            .delete_on_termination(true)
            .volume_type(self.options.volume_type.as_str().into())
            .set_volume_size(size)
            // The account's own default holds when this is not said.
            .set_encrypted(self.options.encrypted.then_some(true));
        BlockDeviceMapping::builder()
            .device_name(name)
            .ebs(ebs.build())
            .build()
    }
}

/// Whether AWS may have launched a machine although the call failed: it did not answer, or with an error of its own.
pub(super) fn may_have_launched(error: &Error) -> bool {
    let Error::Aws(error) = error else {
        return false;
    };
    match error.code.as_deref() {
        None => true,
        Some("InternalError" | "InternalFailure" | "ServiceUnavailable" | "Unavailable") => true,
        Some(code) => code.starts_with("HTTP 5"),
    }
}

fn wants_another_zone(error: &AwsError) -> bool {
    error.is("Unsupported") || error.is("InsufficientInstanceCapacity")
}

impl Machine {
    fn of(instance: &Instance) -> Option<Self> {
        let filled = |text: Option<&str>| text.filter(|t| !t.is_empty()).map(str::to_owned);
        Some(Self {
            id: instance.instance_id()?.to_owned(),
            public_ip: filled(instance.public_ip_address()),
            private_ip: filled(instance.private_ip_address()),
        })
    }

    /// The address to reach it at.
    pub(super) fn address(&self, local: bool) -> Result<&str> {
        let address = if local {
            &self.private_ip
        } else {
            &self.public_ip
        };
        address.as_deref().ok_or_else(|| {
            let kind = if local { "private" } else { "public" };
            Error::refused(format!(
                "No ip address available for sshing: instance {} has no {kind} address",
                self.id
            ))
            .with_hint("with `--use-local-ip` the private address is used; a public one needs an internet gateway")
        })
    }

    /// Waits until it runs; then its addresses are known.
    pub(super) async fn wait_running(&mut self, aws: &Aws) -> Result<()> {
        let what = format!("waiting for instance {} to run", self.id);
        let runs = async || {
            let found = look(aws, &self.id, "running").await?;
            Ok::<_, Error>(found.and_then(|instance| Machine::of(&instance)))
        };
        *self = aws.poll.until(&what, PAUSE, RUNNING, runs).await?;
        Ok(())
    }

    /// Waits until it is stopped. If it does not do that by itself, EC2 stops it.
    pub(super) async fn wait_stopped(&self, aws: &Aws, by_itself: bool) -> Result<()> {
        if by_itself {
            match self.until_stopped(aws, STOPS_ITSELF).await {
                Err(Error::Timeout { .. }) => {}
                other => return other,
            }
        }
        tracing::info!("instance {} does not stop by itself: stopping it", self.id);
        let call = aws.ec2().stop_instances().instance_ids(&self.id);
        let done = call.send().await;
        done.context("ec2:StopInstances", &self.id)?;
        self.until_stopped(aws, STOPPED).await
    }

    async fn until_stopped(&self, aws: &Aws, limit: Duration) -> Result<()> {
        let what = format!("waiting for instance {} to stop", self.id);
        let stopped = async || {
            let found = look(aws, &self.id, "stopped").await?;
            Ok::<_, Error>(found.map(|_| ()))
        };
        aws.poll.until(&what, PAUSE, limit, stopped).await
    }

    /// Sets the attributes for enhanced networking; one that is refused is warned about.
    pub(super) async fn enhance(&self, aws: &Aws) {
        let call = || aws.ec2().modify_instance_attribute().instance_id(&self.id);
        let ena = AttributeBooleanValue::builder().value(true).build();
        let simple = AttributeValue::builder().value("simple").build();
        let (ena, sriov) = tokio::join!(
            call().ena_support(ena).send(),
            call().sriov_net_support(simple).send()
        );
        for done in [ena, sriov] {
            if let Err(error) = done.context("ec2:ModifyInstanceAttribute", &self.id) {
                tracing::warn!("{error}; going on without this attribute of enhanced networking");
            }
        }
    }

    /// Ends it, whom AWS has told of before: if AWS does not know it, it is gone.
    pub(super) async fn terminate(&self, aws: &Aws) -> Result<()> {
        Ok(crate::aws::gone(self.end(aws).await)?)
    }

    /// Ends it right after its launch, when AWS may not know it yet.
    pub(super) async fn terminate_new(&self, aws: &Aws) -> Result<()> {
        let unknown = |error: &AwsError| error.is_not_found();
        let end = async || self.end(aws).await;
        Ok(aws.poll.retry(PAUSE, UNKNOWN, unknown, end).await?)
    }

    async fn end(&self, aws: &Aws) -> Result<(), AwsError> {
        let call = aws.ec2().terminate_instances().instance_ids(&self.id);
        let done = call.send().await;
        done.context("ec2:TerminateInstances", &self.id)?;
        Ok(())
    }

    /// The machine of a bake whose launch was not answered: looked for as long as AWS may not know it.
    pub(super) async fn lost(aws: &Aws, bake_id: &str) -> Result<Option<Self>> {
        let look = async || Self::of_bake(aws, bake_id).await;
        match aws.poll.until("", PAUSE, UNKNOWN, look).await {
            Err(Error::Timeout { .. }) => Ok(None),
            other => other.map(Some),
        }
    }

    /// The machine of a bake, if AWS knows one.
    pub(super) async fn of_bake(aws: &Aws, bake_id: &str) -> Result<Option<Self>> {
        let filter = Filter::builder()
            .name(format!("tag:{}", tag::BAKE_ID))
            .values(bake_id)
            .build();
        let call = aws.ec2().describe_instances().filters(filter);
        let answer = call
            .send()
            .await
            .context("ec2:DescribeInstances", bake_id)?;
        let mut found = answer.reservations().iter().flat_map(|r| r.instances());
        Ok(found.find_map(Self::of))
    }
}

/// The instance, if it is in that state. AWS may not know an instance yet that it has just made.
async fn look(aws: &Aws, id: &str, wanted: &str) -> Result<Option<Instance>> {
    let filter = Filter::builder().name("instance-id").values(id).build();
    let call = aws.ec2().describe_instances().filters(filter);
    let answer = call.send().await.context("ec2:DescribeInstances", id)?;
    let mut found = answer.reservations().iter().flat_map(|r| r.instances());
    let Some(instance) = found.find(|instance| instance.instance_id() == Some(id)) else {
        return Ok(None);
    };
    let state = instance.state().and_then(|state| state.name());
    let state = state.map(|name| name.as_str()).unwrap_or_default();
    if state == wanted {
        return Ok(Some(instance.clone()));
    }
    let lost = ["terminated", "shutting-down"].contains(&state)
        || (wanted == "running" && ["stopping", "stopped"].contains(&state));
    if !lost {
        return Ok(None);
    }
    let why = instance.state_reason().and_then(|reason| reason.message());
    let why = why
        .filter(|why| !why.is_empty())
        .map(|why| format!(": {why}"));
    Err(Error::refused(format!(
        "instance {id} is {state}{}",
        why.unwrap_or_default()
    )))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn only_an_answer_tells_that_nothing_is_launched() {
        let failed = |code: Option<&str>| {
            let mut error = AwsError::incomplete("ec2:RunInstances", "ami-1", "instanceId");
            error.code = code.map(str::to_owned);
            may_have_launched(&error.into())
        };
        for code in [None, Some("HTTP 503"), Some("InternalError")] {
            assert!(failed(code), "{code:?}");
        }
        for code in ["Unsupported", "InsufficientInstanceCapacity", "HTTP 403"] {
            assert!(!failed(Some(code)), "{code}");
        }
        assert!(!may_have_launched(&Error::Interrupted));
    }

    #[test]
    fn addresses() {
        let machine = Machine {
            id: "i-1".into(),
            public_ip: None,
            private_ip: Some("10.0.0.1".into()),
        };
        assert_eq!(machine.address(true).unwrap(), "10.0.0.1");
        let error = machine.address(false).unwrap_err().to_string();
        let told = "No ip address available for sshing: instance i-1 has no public address";
        assert_eq!(error, told);
    }
}
