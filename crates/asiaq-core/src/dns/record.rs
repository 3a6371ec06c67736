//! Record sets: what they are, and reading them. Read only.

use super::name::{same_host, same_name};
use crate::aws::{Aws, AwsError, Context};
use aws_sdk_route53::types::{AliasTarget, ResourceRecord, ResourceRecordSet, RrType};
use serde::Serialize;

/// Seconds for which others may keep what we write.
pub(super) const TTL: i64 = 5;
/// Record sets asked for at once when one name is wanted; a name rarely has more.
const ONE_NAME: i32 = 20;
/// Types whose values are host names.
const HOST_TYPES: [&str; 3] = ["CNAME", "NS", "PTR"];

/// A record set.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Record {
    /// Name as the service returns it: trailing dot, octal escapes.
    pub name: String,
    /// Type such as `CNAME`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Seconds for which others may keep it; none for alias records.
    pub ttl: Option<i64>,
    /// Values; empty for alias records.
    pub values: Vec<String>,
    /// What an alias record leads to.
    pub alias: Option<Alias>,
    /// What tells record sets of one name and type apart.
    pub set_identifier: Option<String>,
    /// Its share among those, in weighted routing.
    pub weight: Option<i64>,
    /// Region, in routing by latency.
    pub region: Option<String>,
    /// `PRIMARY` or `SECONDARY`, in failover routing.
    pub failover: Option<String>,
    /// Health check.
    pub health_check_id: Option<String>,
    /// The record set, complete as the service wants it back for a deletion.
    #[serde(skip)]
    pub(super) raw: ResourceRecordSet,
}

/// What an alias record leads to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Alias {
    /// Host name.
    pub host: String,
    /// Zone of the host name.
    pub zone_id: String,
}

/// What a record leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A single value with a TTL of 5 s.
    Value {
        /// Type such as `CNAME`.
        kind: String,
        /// The value.
        value: String,
    },
    /// An alias (type A) for a load balancer.
    Alias {
        /// Its host name.
        host: String,
        /// The zone of its host name, which is AWS'.
        zone_id: String,
    },
}

impl Target {
    /// Type of the record.
    pub fn kind(&self) -> &str {
        match self {
            Self::Value { kind, .. } => kind,
            Self::Alias { .. } => "A",
        }
    }
}

impl From<ResourceRecordSet> for Record {
    fn from(raw: ResourceRecordSet) -> Self {
        let values = raw.resource_records().iter();
        Self {
            name: raw.name().to_owned(),
            kind: raw.r#type().as_str().to_owned(),
            ttl: raw.ttl(),
            values: values.map(|value| value.value().to_owned()).collect(),
            alias: raw.alias_target().map(|alias| Alias {
                host: alias.dns_name().to_owned(),
                zone_id: alias.hosted_zone_id().to_owned(),
            }),
            set_identifier: raw.set_identifier().map(str::to_owned),
            weight: raw.weight(),
            region: raw.region().map(|region| region.as_str().to_owned()),
            failover: raw.failover().map(|failover| failover.as_str().to_owned()),
            health_check_id: raw.health_check_id().map(str::to_owned),
            raw,
        }
    }
}

impl Record {
    /// The simple record of that name with that target.
    ///
    /// # Errors
    /// None in practice: the SDK's builders want all fields, and get them.
    pub fn new(name: &str, target: &Target) -> Result<Self, AwsError> {
        let incomplete = |error| {
            AwsError::incomplete(
                "route53:ChangeResourceRecordSets",
                name,
                &format!("{error}"),
            )
        };
        let set = ResourceRecordSet::builder()
            .name(name)
            .r#type(RrType::from(target.kind()));
        let set = match target {
            Target::Value { value, .. } => {
                let value = ResourceRecord::builder().value(value).build();
                set.ttl(TTL).resource_records(value.map_err(incomplete)?)
            }
            Target::Alias { host, zone_id } => {
                // The health of the balancer's hosts is the balancer's business: its name answers in any
                // case.
                let alias = AliasTarget::builder()
                    .dns_name(host)
                    .hosted_zone_id(zone_id)
                    .evaluate_target_health(false);
                set.alias_target(alias.build().map_err(incomplete)?)
            }
        };
        Ok(set.build().map_err(incomplete)?.into())
    }

    /// Its name without the trailing dot, for people.
    pub fn title(&self) -> &str {
        self.name.trim_end_matches('.')
    }

    /// True if it has that name.
    pub fn is_named(&self, name: &str) -> bool {
        same_name(&self.name, name)
    }

    /// True if it is one of several of its name and type, among which the service chooses.
    pub fn is_routed(&self) -> bool {
        self.set_identifier.is_some()
    }

    /// True if writing the target would change nothing.
    pub fn holds(&self, target: &Target) -> bool {
        if self.kind != target.kind() || self.is_routed() || self.health_check_id.is_some() {
            return false;
        }
        match target {
            Target::Value { kind, value } => {
                let hosts = HOST_TYPES.contains(&kind.as_str());
                let same = |own: &String| own == value || (hosts && same_name(own, value));
                self.ttl == Some(TTL) && matches!(&self.values[..], [own] if same(own))
            }
            Target::Alias { host, zone_id } => {
                let same = |own: &Alias| own.zone_id == *zone_id && same_host(&own.host, host);
                self.alias.as_ref().is_some_and(same)
            }
        }
    }

    /// True if it is a CNAME, or an alias for addresses, that leads to this host name.
    pub fn leads_to(&self, host: &str) -> bool {
        match self.kind.as_str() {
            "CNAME" => self.values.iter().any(|value| same_host(value, host)),
            "A" | "AAAA" => self
                .alias
                .as_ref()
                .is_some_and(|alias| same_host(&alias.host, host)),
            _ => false,
        }
    }

    /// What it leads to, for people; a TTL that is not ours is told.
    pub fn content(&self) -> String {
        let values = self.values.join(",");
        match (&self.alias, self.ttl) {
            (Some(alias), _) => format!("alias {}", alias.host.trim_end_matches('.')),
            (None, Some(ttl)) if ttl != TTL => format!("{values} (TTL {ttl})"),
            _ => values,
        }
    }
}

/// The record sets of a zone in the order of the service; only those of one name if `only` is given. The SDK
/// has no paginator for this call. A zone that is gone has none.
pub(super) async fn records(
    aws: &Aws,
    zone_id: &str,
    only: Option<&str>,
) -> Result<Vec<Record>, AwsError> {
    let mut found: Vec<Record> = Vec::new();
    let mut call = aws
        .route53()
        .list_resource_record_sets()
        .hosted_zone_id(zone_id)
        .set_start_record_name(only.map(str::to_owned))
        .set_max_items(only.map(|_| ONE_NAME));
    loop {
        let answer = call.clone().send().await;
        let answer = match answer.context("route53:ListResourceRecordSets", zone_id) {
            Err(error) if error.is("NoSuchHostedZone") => return Ok(Vec::new()),
            other => other?,
        };
        found.extend(answer.resource_record_sets.into_iter().map(Record::from));
        let next = answer.next_record_name.filter(|_| answer.is_truncated);
        // Records of one name follow each other.
        let more = next.filter(|next| only.is_none_or(|name| same_name(next, name)));
        let Some(next) = more else {
            break;
        };
        call = call
            .start_record_name(next)
            .set_start_record_type(answer.next_record_type)
            .set_start_record_identifier(answer.next_record_identifier);
    }
    if let Some(name) = only {
        found.retain(|record| record.is_named(name));
    }
    Ok(found)
}

#[cfg(test)]
mod tests;
