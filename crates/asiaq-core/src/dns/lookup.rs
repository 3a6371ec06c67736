//! The records of some host names, with their zones, in as little time as the service allows. Read only.

use super::record::{Record, records};
use super::zone::{Zone, zone_named, zones};
use crate::aws::Aws;
use crate::error::Result;
use std::collections::{BTreeMap, BTreeSet};

/// Record sets that one answer holds at most.
const PAGE: u64 = 300;
/// Calls per second that the service takes from one account.
const CALLS_PER_SECOND: u64 = 5;

/// Zones of some domains, and the records of some names in them.
#[derive(Debug, Clone, Default)]
pub struct Names {
    zones: Vec<Zone>,
    records: Vec<(String, Record)>,
}

impl Names {
    /// From zones, and records with the ids of their zones.
    pub fn new(zones: Vec<Zone>, records: Vec<(String, Record)>) -> Self {
        Self { zones, records }
    }

    /// The zone of a domain; of several of that name a public one.
    ///
    /// # Errors
    /// There is none.
    pub fn zone(&self, domain: &str) -> Result<&Zone> {
        zone_named(&self.zones, domain)
    }

    /// The records of a name in a zone, of any type.
    pub fn records<'a>(
        &'a self,
        zone: &'a Zone,
        name: &'a str,
    ) -> impl Iterator<Item = &'a Record> {
        self.records
            .iter()
            .filter(move |(id, record)| *id == zone.id && record.is_named(name))
            .map(|(_, record)| record)
    }
}

/// Reads the zones and the records of the names, given as (domain, host name). A domain without zone is no
/// error here. Makes no call for an empty list.
pub async fn lookup(aws: &Aws, names: &[(String, String)]) -> Result<Names> {
    if names.is_empty() {
        return Ok(Names::default());
    }
    let zones = zones(aws).await?;
    let readings = readings(&zones, names);
    let calls = readings.iter().map(async |(zone, only)| {
        let found = records(aws, &zone.id, only.as_deref()).await?;
        Ok::<_, crate::Error>(found.into_iter().map(|record| (zone.id.clone(), record)))
    });
    let found = futures::future::try_join_all(calls).await?;
    let found = found.into_iter().flatten().collect();
    Ok(Names::new(zones, found))
}

/// What is to be read: zones, and the name if only one name's records are wanted.
fn readings<'a>(zones: &'a [Zone], names: &[(String, String)]) -> Vec<(&'a Zone, Option<String>)> {
    let mut wanted: BTreeMap<&str, (&Zone, BTreeSet<&str>)> = BTreeMap::new();
    for (domain, host) in names {
        if let Ok(zone) = zone_named(zones, domain) {
            let entry = wanted.entry(&zone.id);
            let (_, hosts) = entry.or_insert_with(|| (zone, BTreeSet::new()));
            hosts.insert(host);
        }
    }
    let mut readings = Vec::new();
    for (zone, hosts) in wanted.into_values() {
        if whole_zone_is_cheaper(zone.records, hosts.len()) {
            readings.push((zone, None));
        } else {
            readings.extend(hosts.iter().map(|host| (zone, Some((*host).to_owned()))));
        }
    }
    readings
}

/// Whether listing a zone with that many record sets is quicker than asking for that many names one by one.
/// Pages come one after the other. Names are asked for at the same time, but only so many calls a second are
/// taken, and a round trip takes about as long as the service makes the next call wait. Among equals the way
/// with fewer calls wins.
fn whole_zone_is_cheaper(records: i64, names: usize) -> bool {
    let pages = u64::try_from(records).unwrap_or(0).div_ceil(PAGE).max(1);
    let names = names as u64;
    let queued = 1 + names.saturating_sub(CALLS_PER_SECOND);
    (pages, pages) < (queued, names)
}

#[cfg(test)]
mod tests;
