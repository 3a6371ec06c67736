//! The changes of balancers and target groups as data. Pure.

use super::attributes::Attributes;
use crate::aws::Tags;
use crate::balancer::TargetGroup;
use crate::config::BalancerType;
use crate::dns::{Cname, Record};
use crate::network::listener::Side;
use std::fmt;

/// A load balancer that may be created by the same plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BalancerRef {
    /// Its name in AWS.
    pub id: String,
    /// The name that people read.
    pub title: String,
    /// ARN; `None` if the plan creates it, which yields the ARN as [`BalancerRef::key`].
    pub arn: Option<String>,
}

impl BalancerRef {
    /// Logical name under which its creation yields the ARN.
    pub fn key(&self) -> String {
        format!("balancer/{}/arn", self.id)
    }

    /// Logical name under which its creation yields the host name.
    pub fn dns_key(&self) -> String {
        format!("balancer/{}/dns", self.id)
    }

    /// Logical name under which its creation yields the zone of the host name.
    pub fn zone_key(&self) -> String {
        format!("balancer/{}/zone", self.id)
    }
}

/// A listener that may be created by the same plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListenerRef {
    /// Name of its balancer in AWS.
    pub balancer: String,
    /// Port.
    pub port: u16,
    /// ARN; `None` if the plan creates it, which yields the ARN as [`ListenerRef::key`].
    pub arn: Option<String>,
}

impl ListenerRef {
    /// Logical name of the listener; its creation yields the ARN under it.
    pub fn key(&self) -> String {
        format!("listener/{}/{}", self.balancer, self.port)
    }
}

/// How often and how strictly hosts are checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Numbers {
    /// Seconds between two checks.
    pub interval: i32,
    /// Seconds after which a check has failed.
    pub timeout: i32,
    /// Successes that make a host healthy.
    pub healthy: i32,
    /// Failures that make it unhealthy.
    pub unhealthy: i32,
    /// What HTTP has to answer; none for TCP.
    pub code: Option<String>,
}

/// The health check of a target group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthCheck {
    /// `HTTP`, `HTTPS` or `TCP`.
    pub protocol: String,
    /// Port of the hosts.
    pub port: u16,
    /// Path; none for TCP.
    pub path: Option<String>,
    /// Numbers; none leaves them to AWS.
    pub numbers: Option<Numbers>,
}

impl HealthCheck {
    /// True if nothing of the wanted check is different here. AWS does not report codes of TCP checks.
    pub(super) fn holds(&self, wanted: &HealthCheck) -> bool {
        let numbers = match (&self.numbers, &wanted.numbers) {
            (_, None) => true,
            (None, Some(_)) => false,
            (Some(own), Some(wanted)) => {
                let code = own.code.is_none() || wanted.code.is_none() || own.code == wanted.code;
                code && (own.interval, own.timeout) == (wanted.interval, wanted.timeout)
                    && (own.healthy, own.unhealthy) == (wanted.healthy, wanted.unhealthy)
            }
        };
        numbers
            && (&self.protocol, self.port) == (&wanted.protocol, wanted.port)
            && (wanted.path.is_none() || self.path == wanted.path)
    }
}

impl fmt::Display for HealthCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = match self.protocol.as_str() {
            "TCP" => "",
            _ => self.path.as_deref().unwrap_or_default(),
        };
        write!(f, "{}:{}{path}", self.protocol, self.port)?;
        let Some(own) = &self.numbers else {
            return Ok(());
        };
        write!(
            f,
            " every {} s, timeout {} s, {} successes, {} failures",
            own.interval, own.timeout, own.healthy, own.unhealthy
        )?;
        match &own.code {
            Some(code) if self.protocol != "TCP" => write!(f, ", code {code}"),
            _ => Ok(()),
        }
    }
}

/// What a listener is to be. In a modification, `None` leaves alone.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ListenerWrite {
    /// Protocol.
    pub protocol: Option<String>,
    /// ARN of the certificate.
    pub certificate: Option<String>,
    /// Security policy.
    pub policy: Option<String>,
    /// Where it forwards to.
    pub group: Option<TargetGroup>,
}

/// One change to a balancer or target group.
#[derive(Debug, Clone, PartialEq)]
pub enum V2Action {
    /// Create a balancer; yields its ARN, host name and zone.
    CreateBalancer {
        /// Which.
        balancer: BalancerRef,
        /// Application or network.
        kind: BalancerType,
        /// Faces the internet.
        public: bool,
        /// VPC.
        vpc_id: String,
        /// Subnets.
        subnets: Vec<String>,
        /// Security group.
        security_group: String,
        /// Tags.
        tags: Tags,
    },
    /// Put a balancer into these subnets.
    SetSubnets(BalancerRef, Vec<String>),
    /// Give a balancer this security group and no other.
    SetSecurityGroup(BalancerRef, String),
    /// Set attributes of a balancer.
    BalancerAttributes(BalancerRef, Attributes),
    /// Add tags to a balancer or target group.
    AddTags {
        /// Name for errors.
        name: String,
        /// ARN.
        arn: String,
        /// Tags.
        tags: Tags,
    },
    /// Remove one tag of a target group.
    RemoveTag {
        /// Name for errors.
        name: String,
        /// ARN.
        arn: String,
        /// Key.
        key: String,
    },
    /// Create a target group; yields its ARN.
    CreateGroup {
        /// Name.
        name: String,
        /// Port and protocol.
        side: Side,
        /// VPC.
        vpc_id: String,
        /// Health check.
        check: HealthCheck,
        /// Tags.
        tags: Tags,
    },
    /// Change the health check of a target group.
    ModifyCheck(TargetGroup, HealthCheck),
    /// Set attributes of a target group.
    GroupAttributes(TargetGroup, Attributes),
    /// Create a listener; yields its ARN.
    CreateListener {
        /// Of which balancer.
        balancer: BalancerRef,
        /// Which.
        listener: ListenerRef,
        /// What it is to be.
        write: ListenerWrite,
        /// Tags.
        tags: Tags,
    },
    /// Change a listener.
    ModifyListener(ListenerRef, ListenerWrite),
    /// Set attributes of a listener.
    ListenerAttributes(ListenerRef, Attributes),
    /// Delete a listener.
    DeleteListener(ListenerRef),
    /// Make a host name lead to a balancer, in one step with the deletion of what is in the way.
    Lead {
        /// Zone of the record.
        zone_id: String,
        /// Host name.
        host: String,
        /// Records that are in the way.
        instead: Vec<Record>,
        /// Where it leads.
        balancer: BalancerRef,
        /// Host name and zone of the balancer; `None` if the plan creates it.
        known: Option<(String, String)>,
    },
    /// Delete a record that leads to a balancer that goes.
    DeleteRecord(Box<Cname>),
    /// Delete a balancer with its listeners.
    DeleteBalancer(BalancerRef),
    /// Delete a target group, once nothing uses it.
    DeleteGroup(TargetGroup),
}
