//! What an operator asks for by hand: listing records, creating one, deleting one (spec 70, sections 9.1 and
//! 9.2).

use super::record::{Record, Target, records};
use super::writer::{RecordChange, Writer};
use super::zone::{Zone, zone_named, zones};
use crate::aws::Aws;
use crate::error::{Error, Result};
use crate::plan::{Apply, Change, Plan, Progress, Sign};
use aws_sdk_route53::types::RrType;
use serde::Serialize;

/// Types whose values are quoted texts.
const TEXT_TYPES: [&str; 2] = ["TXT", "SPF"];
/// Characters of one quoted text; longer values consist of several.
const TEXT: usize = 255;

/// A record with its zone.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Listed {
    /// Name of the zone.
    pub zone: String,
    /// Id of the zone.
    pub zone_id: String,
    /// True if only VPCs see the zone.
    pub private: bool,
    /// The record.
    #[serde(flatten)]
    pub record: Record,
}

/// One change of a record in a zone.
#[derive(Debug, Clone, PartialEq)]
pub struct Edit {
    zone_id: String,
    change: RecordChange,
}

/// The records of all zones, or of the zones of that name. Zones are sorted by name, the records of each too.
pub async fn listing(aws: &Aws, zone: Option<&str>) -> Result<Vec<Listed>> {
    let mut zones = zones(aws).await?;
    zones.retain(|own| zone.is_none_or(|name| own.is_named(name)));
    zones.sort_by(|a, b| a.name.cmp(&b.name));
    let readings = zones.iter().map(async |zone| {
        let mut found = records(aws, &zone.id, None).await?;
        found.sort_by(|a, b| a.name.cmp(&b.name));
        let listed = found.into_iter().map(|record| Listed {
            zone: zone.name.clone(),
            zone_id: zone.id.clone(),
            private: zone.private,
            record,
        });
        Ok::<_, Error>(listed.collect::<Vec<_>>())
    });
    let all = futures::future::try_join_all(readings).await?;
    Ok(all.into_iter().flatten().collect())
}

/// Plans to create a record with a single value, or to overwrite it. Empty if it is so already.
///
/// # Errors
/// No such zone or type; a name outside the zone; records among which the service chooses.
pub async fn plan_create(
    aws: &Aws,
    zone: &str,
    name: &str,
    kind: &str,
    value: &str,
) -> Result<Plan<Edit>> {
    let target = target(kind, value)?;
    let (zone, found) = read(aws, zone, name).await?;
    inside(&zone, name)?;
    creation(&zone, &found, name, target)
}

/// Plans to delete the record of that name and type. Empty if there is none, as with every name outside the zone.
///
/// # Errors
/// No such zone or type.
pub async fn plan_delete(aws: &Aws, zone: &str, name: &str, kind: &str) -> Result<Plan<Edit>> {
    let kind = known_type(kind)?;
    let (zone, found) = read(aws, zone, name).await?;
    Ok(deletion(&zone, &found, &kind))
}

/// Applies such a plan. Returns when the service has accepted the change.
pub async fn apply(aws: &Aws, plan: &Plan<Edit>, progress: &dyn Progress) -> Result<()> {
    let writer = Editor(Writer::new(aws));
    plan.apply(&writer, progress).await?;
    Ok(())
}

struct Editor<'a>(Writer<'a>);

impl Apply<Edit> for Editor<'_> {
    async fn apply(&self, change: &Change<Edit>) -> Result<(), Error> {
        let Edit { zone_id, change } = &change.action;
        self.0.write(zone_id, vec![change.clone()]).await
    }
}

/// Refuses a name that no record of the zone can have.
fn inside(zone: &Zone, name: &str) -> Result<()> {
    if zone.contains(name) {
        return Ok(());
    }
    let zone_name = zone.name.trim_end_matches('.');
    let whole = name.trim_end_matches('.');
    Err(
        Error::refused(format!("record {whole} is not inside zone {zone_name}"))
            .with_hint(format!("write the whole name, such as {whole}.{zone_name}")),
    )
}

/// The zone, and its records of that name; of a name outside the zone nothing is asked.
async fn read(aws: &Aws, zone: &str, name: &str) -> Result<(Zone, Vec<Record>)> {
    let zones = zones(aws).await?;
    let zone = zone_named(&zones, zone)?;
    let found = if zone.contains(name) {
        records(aws, &zone.id, Some(name)).await?
    } else {
        Vec::new()
    };
    Ok((zone.clone(), found))
}

fn target(kind: &str, value: &str) -> Result<Target> {
    let kind = known_type(kind)?;
    let value = if TEXT_TYPES.contains(&kind.as_str()) {
        quoted(value)
    } else {
        value.to_owned()
    };
    Ok(Target::Value { kind, value })
}

/// The type in the service's spelling.
fn known_type(kind: &str) -> Result<String> {
    let upper = kind.to_ascii_uppercase();
    if RrType::values().contains(&upper.as_str()) {
        return Ok(upper);
    }
    let known = RrType::values().join(" ");
    Err(Error::refused(format!("unknown record type {kind}"))
        .with_hint(format!("the types are {known}")))
}

/// A text in quotes, in pieces of the length that the service takes. What is in quotes stays as it is.
fn quoted(value: &str) -> String {
    if value.len() >= 2 && value.starts_with('"') && value.ends_with('"') {
        return value.to_owned();
    }
    let characters: Vec<char> = value.chars().collect();
    let piece = |piece: &[char]| {
        let text: String = piece.iter().collect();
        format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
    };
    let pieces: Vec<String> = characters.chunks(TEXT).map(piece).collect();
    if pieces.is_empty() {
        "\"\"".to_owned()
    } else {
        pieces.join(" ")
    }
}

fn creation(zone: &Zone, found: &[Record], name: &str, target: Target) -> Result<Plan<Edit>> {
    let mut plan = Plan::default();
    let own: Vec<&Record> = found.iter().filter(|r| r.kind == target.kind()).collect();
    let wanted = Record::new(name, &target)?;
    let what = format!("record {} {}", wanted.title(), wanted.kind);
    if own.iter().any(|record| record.is_routed()) {
        return Err(Error::refused(format!("{what} consists of {} record sets among which Route 53 chooses", own.len()))
            .with_hint("change it where it was made, or delete its record sets one by one with `disco_route53 delete-record`"));
    }
    let (sign, line) = match &own[..] {
        [own, ..] if own.holds(&target) => return Ok(plan),
        [own, ..] => (
            Sign::Modify,
            format!("{what} {} -> {}", own.content(), wanted.content()),
        ),
        [] => (Sign::Add, format!("{what} {}", wanted.content())),
    };
    let edit = Edit {
        zone_id: zone.id.clone(),
        change: RecordChange::Upsert {
            name: name.to_owned(),
            target,
        },
    };
    plan.push(what, [""; 0], sign, line, edit);
    Ok(plan)
}

fn deletion(zone: &Zone, found: &[Record], kind: &str) -> Plan<Edit> {
    let mut plan = Plan::default();
    if let Some(record) = found.iter().find(|record| record.kind == kind) {
        let what = format!("record {} {kind}", record.title());
        let set = record.set_identifier.as_ref();
        let set = set.map_or_else(String::new, |set| format!(" (set {set})"));
        let line = format!("{what} {}{set}", record.content());
        let edit = Edit {
            zone_id: zone.id.clone(),
            change: RecordChange::Delete(Box::new(record.clone())),
        };
        plan.push(what, [""; 0], Sign::Remove, line, edit);
    }
    plan
}

#[cfg(test)]
mod tests;
