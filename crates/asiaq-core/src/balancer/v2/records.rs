//! Plans the host names of a balancer: alias records, which take the place of CNAMEs in one step. Pure.

use super::action::{BalancerRef, V2Action};
use super::groups::push;
use super::observed::Balancer;
use crate::balancer::records::refuse_routed;
use crate::balancer::{BalancerSpec, PlannedBalancer};
use crate::dns::{Names, Record, Target};
use crate::error::{Error, Result};
use crate::plan::Sign;

/// Plans all host names. `observed` is the balancer if it is there, `needs` what creates it otherwise.
///
/// # Errors
/// No domain, or no zone for it; records among which Route 53 chooses.
pub(super) fn plan(
    planned: &mut PlannedBalancer,
    names: &Names,
    spec: &BalancerSpec,
    balancer: &BalancerRef,
    observed: Option<&Balancer>,
    needs: &[String],
) -> Result<()> {
    let domain = spec.domain.as_ref().ok_or_else(|| {
        Error::refused(format!(
            "{} has a load balancer but no domain_name",
            spec.hostclass
        ))
        .with_hint("set domain_name, or default_domain_name in [disco_aws], to a hosted zone")
    })?;
    let zone = names.zone(domain)?;
    let known = observed.map(|own| (own.dns_name.clone(), own.zone_id.clone()));
    for host in spec.hosts() {
        let there: Vec<&Record> = names.records(zone, &host).collect();
        refuse_routed(&host, &there)?;
        let target = known
            .clone()
            .map(|(host, zone_id)| Target::Alias { host, zone_id });
        let holds = target.is_some_and(|target| there.iter().any(|record| record.holds(&target)));
        let instead: Vec<&Record> = there
            .iter()
            .copied()
            .filter(|record| is_in_the_way(record, observed))
            .collect();
        if holds && instead.is_empty() {
            continue;
        }
        let overwritten = there
            .iter()
            .copied()
            .filter(|record| record.kind == "A" && !holds);
        let old: Vec<&Record> = instead.iter().copied().chain(overwritten).collect();
        let (sign, line) = shown(&host, &balancer.title, &old);
        let action = V2Action::Lead {
            zone_id: zone.id.clone(),
            host: host.clone(),
            instead: instead.into_iter().cloned().collect(),
            balancer: balancer.clone(),
            known: known.clone(),
        };
        push(
            planned,
            format!("record/{host}"),
            needs,
            sign,
            vec![line],
            action,
        );
    }
    Ok(())
}

/// Whether a record has to be deleted with the write: a CNAME, and addresses of something else than this balancer.
fn is_in_the_way(record: &Record, observed: Option<&Balancer>) -> bool {
    match record.kind.as_str() {
        "CNAME" => true,
        "AAAA" => !observed.is_some_and(|own| record.leads_to(&own.dns_name)),
        _ => false,
    }
}

/// Sign and line of a write that takes the place of these records.
fn shown(host: &str, title: &str, old: &[&Record]) -> (Sign, String) {
    let line = format!("record {host} A alias -> load balancer {title}");
    if old.is_empty() {
        return (Sign::Add, line);
    }
    let old: Vec<String> = old
        .iter()
        .map(|record| format!("{} {}", record.kind, record.content()))
        .collect();
    (
        Sign::Modify,
        format!("{line}, instead of {}", old.join(", ")),
    )
}
