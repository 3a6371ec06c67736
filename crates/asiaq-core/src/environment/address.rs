//! Elastic IPs as people handle them: allocate one, release one. Those of NAT gateways come and go with their
//! environment, not here.

use super::observed::{Address, address_by_ip};
use crate::aws::{Aws, AwsError, Context};
use crate::error::{Error, Result};
use crate::plan::{Apply, Change, Plan, Progress, Sign};
use aws_sdk_ec2::types::DomainType;
use std::net::Ipv4Addr;
use std::sync::{Mutex, PoisonError};

/// One change to an elastic IP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AddressAction {
    /// Allocate one.
    Allocate,
    /// Take it away from what uses it.
    Disassociate {
        /// The association.
        association_id: String,
    },
    /// Give it back to AWS.
    Release {
        /// The allocation.
        allocation_id: String,
    },
}

/// Plans a new address.
pub fn plan_allocate() -> Plan<AddressAction> {
    let mut plan = Plan::default();
    plan.push(
        "allocation",
        [""; 0],
        Sign::Add,
        "elastic IP",
        AddressAction::Allocate,
    );
    plan
}

/// Plans the release of an address; with `force` also if something uses it.
///
/// # Errors
/// There is no such address in the region; something uses it and `force` is not given.
pub async fn plan_release(aws: &Aws, ip: Ipv4Addr, force: bool) -> Result<Plan<AddressAction>> {
    let address = address_by_ip(aws, ip).await?.ok_or_else(|| {
        Error::not_found(format!("no elastic IP {ip} in region {}", aws.region()))
            .with_hint("`disco_eip list` shows those that there are")
    })?;
    release(&address, force)
}

/// The plan for an address that exists. Pure.
fn release(address: &Address, force: bool) -> Result<Plan<AddressAction>> {
    let (mut plan, ip) = (Plan::default(), address.public_ip);
    if let Some(association_id) = &address.association_id {
        let user = address
            .instance_id
            .as_deref()
            .or(address.network_interface_id.as_deref())
            .unwrap_or("something");
        if !force {
            return Err(
                Error::refused(format!("elastic IP {ip} is associated with {user}"))
                    .with_hint("--force takes it away from there"),
            );
        }
        plan.push(
            "association",
            [""; 0],
            Sign::Remove,
            format!("association of elastic IP {ip} with {user}"),
            AddressAction::Disassociate {
                association_id: association_id.clone(),
            },
        );
    }
    plan.push(
        "release",
        ["association"],
        Sign::Remove,
        format!("elastic IP {ip}"),
        AddressAction::Release {
            allocation_id: address.allocation_id.clone(),
        },
    );
    Ok(plan)
}

/// Applies a plan; returns the address that it allocated.
pub async fn apply_addresses(
    aws: &Aws,
    plan: &Plan<AddressAction>,
    progress: &dyn Progress,
) -> Result<Option<Ipv4Addr>> {
    let executor = Executor {
        aws,
        allocated: Mutex::new(None),
    };
    plan.apply(&executor, progress).await?;
    Ok(executor
        .allocated
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner))
}

struct Executor<'a> {
    aws: &'a Aws,
    allocated: Mutex<Option<Ipv4Addr>>,
}

impl Apply<AddressAction> for Executor<'_> {
    async fn apply(&self, change: &Change<AddressAction>) -> Result<(), Error> {
        let ec2 = self.aws.ec2();
        let done = match &change.action {
            AddressAction::Allocate => return self.allocate().await,
            AddressAction::Disassociate { association_id } => {
                let call = ec2.disassociate_address().association_id(association_id);
                let sent = call.send().await;
                sent.map(|_| ())
                    .context("ec2:DisassociateAddress", association_id)
            }
            AddressAction::Release { allocation_id } => {
                let call = ec2.release_address().allocation_id(allocation_id);
                let sent = call.send().await;
                sent.map(|_| ())
                    .context("ec2:ReleaseAddress", allocation_id)
            }
        };
        match done {
            Err(error) if !error.is_not_found() => Err(error.into()),
            _ => Ok(()),
        }
    }
}

impl Executor<'_> {
    async fn allocate(&self) -> Result<()> {
        let operation = "ec2:AllocateAddress";
        let region = self.aws.region();
        let call = self.aws.ec2().allocate_address().domain(DomainType::Vpc);
        let answer = call.send().await.context(operation, region)?;
        let ip = answer.public_ip().and_then(|ip| ip.parse().ok());
        let ip = ip.ok_or_else(|| AwsError::incomplete(operation, region, "PublicIp"))?;
        *self
            .allocated
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(ip);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::super::testing::address;
    use super::*;

    #[test]
    fn release_of_free_and_of_used_addresses() {
        let free = address("E1");
        let mut on_host = address("E2");
        on_host.association_id = Some("eipassoc-2".into());
        on_host.network_interface_id = Some("eni-2".into());
        let on_nat = on_host.clone();
        on_host.instance_id = Some("i-2".into());
        let lines = |address: &Address, force| release(address, force).map(|plan| plan.lines());
        for force in [false, true] {
            assert_eq!(lines(&free, force).unwrap(), ["- elastic IP 192.0.2.1"]);
        }
        for (address, user) in [(&on_host, "i-2"), (&on_nat, "eni-2")] {
            assert_eq!(
                lines(address, true).unwrap(),
                [
                    format!("- association of elastic IP 192.0.2.2 with {user}"),
                    "- elastic IP 192.0.2.2".to_owned()
                ]
            );
            let error = lines(address, false).unwrap_err();
            assert_eq!(
                error.to_string(),
                format!("elastic IP 192.0.2.2 is associated with {user}")
            );
            assert!(error.hint().unwrap().contains("--force"));
        }
    }
}
