//! Host names of classic balancers: CNAME records. Those of the other types are in `v2`.
//!
//! Planning is pure. The host name of a new balancer is not known then: the change that creates it yields it.

use super::apply::{BalancerAction, BalancerExecutor};
use super::changes::PlannedBalancer;
use super::observed::BalancerState;
use super::spec::BalancerSpec;
use crate::config::{ConfigError, ConfigErrors, Location};
use crate::dns::{Record, RecordChange, Target, Zone};
use crate::error::{Error, Result};
use crate::plan::{Plan, Sign, Yields};

/// Records of one balancer to write, all in one call.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordsAction {
    balancer: String,
    zone_id: String,
    hosts: Vec<String>,
    /// Host name of the balancer; absent if the same plan creates it.
    lead: Option<String>,
    /// Records in the way, which writing does not overwrite.
    replaced: Vec<Record>,
}

/// Remembers where a new balancer is. Executors call it.
pub(super) fn yield_host(yields: &Yields, balancer: &str, host: &str) {
    yields.put(host_key(balancer), host);
}

fn host_key(balancer: &str) -> String {
    format!("balancer-host/{balancer}")
}

fn cname(host: &str) -> Target {
    Target::Value {
        kind: "CNAME".to_owned(),
        value: host.to_owned(),
    }
}

/// The zone of the host names of a balancer.
///
/// # Errors
/// The hostclass has no `domain_name`, or there is no such zone.
pub(super) fn zone<'a>(state: &'a BalancerState, spec: &BalancerSpec) -> Result<&'a Zone> {
    let Some(domain) = &spec.domain else {
        let problem = format!(
            "hostclass `{}` has no option `domain_name` in environment `{}`, which its load balancer needs",
            spec.hostclass, spec.env
        );
        let location = Location {
            section: Some(spec.hostclass.clone()),
            key: Some("domain_name".to_owned()),
            ..Location::default()
        };
        let error = ConfigError::new(problem).at(location).with_hint(format!(
            "set `domain_name` in `[{}]`, or `default_domain_name` in `[disco_aws]`",
            spec.hostclass
        ));
        return Err(ConfigErrors::from(error).into());
    };
    state.names.zone(domain).map_err(|error| {
        error.with_hint("create the zone, or change `domain_name` of the hostclass")
    })
}

/// Plans the records of a wanted balancer. `lead` is its host name; absent if the change `balancer/ID` creates it.
///
/// # Errors
/// No zone; a record is in the way that must not be lost.
pub(super) fn plan_records(
    planned: &mut PlannedBalancer,
    state: &BalancerState,
    spec: &BalancerSpec,
    lead: Option<&str>,
) -> Result<()> {
    let zone = zone(state, spec)?;
    let mut hosts = Vec::new();
    let names = spec.hosts();
    for name in &names {
        hosts.push(Host::new(
            name,
            state.names.records(zone, name).collect(),
            lead,
        )?);
    }
    for (sign, word) in [(Sign::Add, "add"), (Sign::Modify, "replace")] {
        let own = hosts.iter().filter(|host| host.sign == Some(sign));
        let own: Vec<&Host<'_>> = own.collect();
        push(&mut planned.plan, spec, zone, lead, sign, word, &own);
    }
    Ok(())
}

/// Refuses to touch a host name whose records are several among which Route 53 chooses: they are somebody's own.
///
/// # Errors
/// There is such a record.
pub(super) fn refuse_routed(host: &str, present: &[&Record]) -> Result<()> {
    let leads = |record: &&&Record| matches!(record.kind.as_str(), "A" | "AAAA" | "CNAME");
    let mut leading = present.iter().filter(leads);
    let Some(routed) = leading.find(|record| record.is_routed()) else {
        return Ok(());
    };
    let set = routed.set_identifier.as_deref().unwrap_or_default();
    let what = format!(
        "{host} cannot lead to the load balancer: its record {} (set {set}) is one of those among which Route 53 chooses",
        routed.kind
    );
    Err(Error::refused(what).with_hint(
        "delete its record sets one by one with `disco_route53 delete-record`, or choose another host name",
    ))
}

fn push(
    plan: &mut Plan<BalancerAction>,
    spec: &BalancerSpec,
    zone: &Zone,
    lead: Option<&str>,
    sign: Sign,
    word: &str,
    hosts: &[&Host<'_>],
) {
    if hosts.is_empty() {
        return;
    }
    let id = spec.id();
    let lines: Vec<String> = hosts.iter().map(|host| host.line(&spec.label())).collect();
    let action = RecordsAction {
        balancer: id.clone(),
        zone_id: zone.id.clone(),
        hosts: hosts.iter().map(|host| host.name.to_owned()).collect(),
        lead: lead.map(str::to_owned),
        replaced: hosts.iter().flat_map(|host| host.in_the_way()).collect(),
    };
    plan.push(
        format!("records/{id}/{word}"),
        [format!("balancer/{id}")],
        sign,
        lines,
        BalancerAction::Records(action),
    );
}

/// One host name with the records that it has now and that lead somewhere.
struct Host<'a> {
    name: &'a str,
    present: Vec<&'a Record>,
    /// What is to be done, if anything.
    sign: Option<Sign>,
}

impl<'a> Host<'a> {
    fn new(name: &'a str, present: Vec<&'a Record>, lead: Option<&str>) -> Result<Self> {
        let leads = |record: &&&Record| matches!(record.kind.as_str(), "A" | "AAAA" | "CNAME");
        if let Some(other) = present.iter().find(|record| !leads(record)) {
            let what = format!(
                "{name} cannot lead to the load balancer: it has a record of type {}, beside which no CNAME can be",
                other.kind
            );
            return Err(
                Error::refused(what).with_hint("remove that record, or choose another host name")
            );
        }
        refuse_routed(name, &present)?;
        let target = lead.map(cname);
        let holds = |record: &Record| target.as_ref().is_some_and(|target| record.holds(target));
        let sign = match &present[..] {
            [] => Some(Sign::Add),
            [only] if holds(only) => None,
            _ => Some(Sign::Modify),
        };
        Ok(Self {
            name,
            present,
            sign,
        })
    }

    /// What has to be deleted before the record can be written.
    fn in_the_way(&self) -> Vec<Record> {
        let goes = |record: &&&Record| record.kind != "CNAME";
        let goes = self.present.iter().filter(goes);
        goes.map(|record| (*record).clone()).collect()
    }

    fn line(&self, label: &str) -> String {
        let new = format!("CNAME of load balancer {label}");
        if self.present.is_empty() {
            return format!("record {} {new}", self.name);
        }
        let content = |record: &&Record| format!("{} {}", record.kind, record.content());
        let old: Vec<String> = self.present.iter().map(content).collect();
        format!("record {}: {} -> {new}", self.name, old.join(", "))
    }
}

/// Writes records.
pub(super) async fn apply(executor: &BalancerExecutor<'_>, action: &RecordsAction) -> Result<()> {
    let target = target(&executor.yields, action)?;
    let deletes = action.replaced.iter().cloned();
    let deletes = deletes.map(|record| RecordChange::Delete(Box::new(record)));
    let upserts = action.hosts.iter().map(|host| RecordChange::Upsert {
        name: host.clone(),
        target: target.clone(),
    });
    let changes = deletes.chain(upserts).collect();
    executor.records.write(&action.zone_id, changes).await
}

/// Where the records lead. Plans order changes so that it is known; if not, the plan is at fault.
fn target(yields: &Yields, action: &RecordsAction) -> Result<Target> {
    let key = host_key(&action.balancer);
    let host = action.lead.clone().or_else(|| yields.get(&key));
    let host = host.ok_or_else(|| Error::not_found(format!("`{key}` is not known")))?;
    Ok(cname(&host))
}

#[cfg(test)]
mod tests;
