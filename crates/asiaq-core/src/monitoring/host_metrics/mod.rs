//! Metrics that a host measures of itself and sends to CloudWatch (spec 40, section 16; docs/metrics.md).
//!
//! `parse` reads what programs print (pure), `collect` runs them, `imds` asks the instance metadata who the
//! host is, `send` puts the metrics. Nothing here prints, reads configuration, or needs an environment.

mod collect;
mod imds;
mod parse;
mod send;

pub use collect::collect;
pub use imds::Imds;
pub use send::send;

use crate::error::{Error, Result};
use serde::Serialize;
use std::fmt;
use std::time::Duration;

/// Who the host is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Region to send to.
    pub region: String,
    /// Hostclass.
    pub hostclass: String,
    /// Environment.
    pub environment: String,
}

impl Identity {
    /// That of a machine which is no host of ours, to try out what is sent.
    pub fn dummy() -> Self {
        Self {
            region: "us-west-2".to_owned(),
            hostclass: "mhccloudwatchtest".to_owned(),
            environment: "desktop".to_owned(),
        }
    }

    /// What the instance metadata say.
    ///
    /// # Errors
    /// No answer; the user data lack `hostclass` or `environment_name`.
    pub async fn of_this_host(imds: &Imds) -> Result<Self> {
        let (region, user_data) = tokio::try_join!(imds.region(), imds.user_data())?;
        let mut values = parse::user_data(&user_data.unwrap_or_default());
        let mut needed = |key: &str| {
            values.remove(key).ok_or_else(|| {
                Error::not_found(format!("the user data of this instance have no `{key}`"))
                    .with_hint("hosts that `disco_aws provision` launches have it; elsewhere try `disco_metrics --dummy upload`")
            })
        };
        Ok(Self {
            region,
            hostclass: needed("hostclass")?,
            environment: needed("environment_name")?,
        })
    }

    /// Value of the dimension `env_hostclass` of all metrics.
    pub fn dimension(&self) -> String {
        format!("{}_{}", self.environment, self.hostclass)
    }
}

/// Unit of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Unit {
    /// A number of things.
    Count,
    /// Megabytes.
    Megabytes,
    /// Percent.
    Percent,
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Count => "Count",
            Self::Megabytes => "Megabytes",
            Self::Percent => "Percent",
        })
    }
}

/// Metrics of one namespace and unit: they are sent in one call.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricGroup {
    /// Namespace in CloudWatch.
    pub namespace: &'static str,
    /// Unit of all of them.
    pub unit: Unit,
    /// Names and values.
    pub metrics: Vec<(String, f64)>,
}

/// One metric as it is shown. The field names are the JSON keys.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MetricRow {
    /// Namespace in CloudWatch.
    pub namespace: &'static str,
    /// Name.
    pub name: String,
    /// Value.
    pub value: f64,
    /// Unit.
    pub unit: Unit,
    /// Value of the dimension.
    pub env_hostclass: String,
}

impl MetricRow {
    /// The line of the text layout.
    pub fn line(&self) -> String {
        format!(
            "{:<10} {:<20} {:>12.2} {:<9} {}",
            self.namespace, self.name, self.value, self.unit, self.env_hostclass
        )
    }
}

/// A random pause of whole seconds below `jitter`; none if that is not positive.
pub fn pause(jitter: i64) -> Duration {
    use rand::RngExt;
    let seconds = match u64::try_from(jitter) {
        Ok(below @ 1..) => rand::rng().random_range(0..below),
        _ => 0,
    };
    Duration::from_secs(seconds)
}

/// The metrics in the order in which they are sent.
pub fn rows(groups: &[MetricGroup], identity: &Identity) -> Vec<MetricRow> {
    let of_group = |group: &MetricGroup| {
        let (namespace, unit) = (group.namespace, group.unit);
        let row = move |(name, value): &(String, f64)| MetricRow {
            namespace,
            name: name.clone(),
            value: *value,
            unit,
            env_hostclass: identity.dimension(),
        };
        group.metrics.iter().map(row).collect::<Vec<_>>()
    };
    groups.iter().flat_map(of_group).collect()
}

#[cfg(test)]
mod tests;
