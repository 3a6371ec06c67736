//! One classic balancer as it is. No AWS types here.

use crate::aws::Tags;
use crate::network::listener::Mapping;
use std::collections::{BTreeMap, BTreeSet};

/// A classic balancer.
#[derive(Debug, Clone, PartialEq, Default)]
pub(in crate::balancer) struct Classic {
    /// Name in AWS.
    pub name: String,
    /// Host name.
    pub host: String,
    pub vpc_id: String,
    /// `internal` or `internet-facing`.
    pub scheme: String,
    pub subnets: BTreeSet<String>,
    pub zones: Vec<String>,
    pub listeners: Vec<Listener>,
    pub health: Option<Health>,
    /// Policies by name.
    pub policies: BTreeMap<String, Policy>,
    /// Only read for balancers that stay.
    pub attributes: Attributes,
    pub tags: Tags,
}

/// What it listens on.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::balancer) struct Listener {
    pub mapping: Mapping,
    /// ARN.
    pub certificate: Option<String>,
    /// Names.
    pub policies: Vec<String>,
}

/// How hosts are checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// Such as `HTTP:80/ok`.
    pub target: String,
    /// Seconds between checks.
    pub interval: i32,
    /// Seconds until a check has failed.
    pub timeout: i32,
    /// Failures until a host is out of service.
    pub unhealthy: i32,
    /// Successes until it is back.
    pub healthy: i32,
}

/// A policy of a balancer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::balancer) enum Policy {
    /// Stickiness by a cookie of the balancer's own, with its life in seconds.
    Balancer(Option<i64>),
    /// Stickiness by a cookie of the application.
    Application(String),
    /// Anything else.
    Other,
}

/// Attributes; idle timeout and draining in seconds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Attributes {
    /// `None`: to be left as it is.
    pub idle: Option<i32>,
    /// `None`: off.
    pub draining: Option<i32>,
    /// Whether it balances across zones.
    pub cross_zone: bool,
}

/// `300 s`, or `off`.
pub(super) fn seconds(value: Option<i32>) -> String {
    value.map_or_else(|| "off".to_owned(), |value| format!("{value} s"))
}

/// `on` or `off`.
pub(super) fn switch(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}
