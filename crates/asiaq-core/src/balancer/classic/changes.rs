//! Wanted classic balancer against what is there: the plan. Pure.

use super::apply::{ClassicAction, NewClassic, Stickiness};
use super::observed::{is_wanted, leaving};
use super::record::{Attributes, Classic, Health, seconds, switch};
use super::stickiness::{Cookie, POLICY, Steps};
use crate::aws::Tags;
use crate::balancer::apply::BalancerAction;
use crate::balancer::changes::PlannedBalancer;
use crate::balancer::observed::BalancerState;
use crate::balancer::records;
use crate::balancer::spec::{BalancerSpec, of_other};
use crate::dns::Cname;
use crate::error::{Error, Result};
use crate::network::listener::{Mapping, checked};
use crate::plan::Sign;
use std::collections::BTreeSet;

/// Plans the balancer that is wanted.
///
/// # Errors
/// No zone, no certificate, a record in the way, a balancer of its name in another VPC. Nothing has been changed then.
pub(in crate::balancer) fn plan(
    planned: &mut PlannedBalancer,
    state: &BalancerState,
    spec: &BalancerSpec,
) -> Result<()> {
    if !is_wanted(spec) {
        return Ok(());
    }
    let mut planner = Planner {
        planned,
        spec,
        label: spec.label(),
    };
    match state.classic.find(spec, spec.testing) {
        Some(present) if present.vpc_id != spec.vpc_id => {
            let what = format!(
                "load balancer {} ({}) is in another VPC, {}",
                present.name,
                spec.name(),
                present.vpc_id
            );
            Err(Error::refused(what).with_hint("delete it there first"))
        }
        Some(present) => planner.update(state, present),
        None => planner.create(state),
    }
}

/// Plans the deletion of a classic balancer of the hostclass that is not wanted, with the records that lead to it.
pub(in crate::balancer) fn plan_leaving(
    planned: &mut PlannedBalancer,
    state: &BalancerState,
    spec: &BalancerSpec,
) {
    let found = leaving(spec).and_then(|testing| state.classic.find(spec, testing));
    let Some(own) = found.filter(|own| own.vpc_id == spec.vpc_id) else {
        return;
    };
    if let Some(warning) = of_other(spec, &own.tags) {
        planned.warnings.push(warning);
        return;
    }
    // Those that the balancer of another type takes over are overwritten.
    let taken = if spec.options.enabled {
        spec.hosts()
    } else {
        Vec::new()
    };
    let zone = records::zone(state, spec).ok().map(|zone| zone.id.clone());
    let is_taken = |cname: &Cname| {
        let named = taken
            .iter()
            .any(|host| host.eq_ignore_ascii_case(cname.name()));
        named && zone.as_deref() == Some(cname.zone_id())
    };
    let cnames = state.classic.cnames.iter();
    let cnames: Vec<Cname> = cnames
        .filter(|cname| cname.leads_to(&own.host) && !is_taken(cname))
        .cloned()
        .collect();
    let key = format!("leaving-records/{}", own.name);
    if !cnames.is_empty() {
        let lines: Vec<String> = cnames.iter().map(Cname::describe).collect();
        let action = BalancerAction::Classic(ClassicAction::DeleteRecords(cnames));
        planned
            .leaving
            .push(&key, [""; 0], Sign::Remove, lines, action);
    }
    let action = BalancerAction::Classic(ClassicAction::Delete(own.name.clone()));
    let line = format!("load balancer {} {} (classic)", spec.hostclass, own.name);
    planned.leaving.push(
        format!("leaving-balancer/{}", own.name),
        [key],
        Sign::Remove,
        line,
        action,
    );
    planned.detach.load_balancers.push(own.name.clone());
}

/// The health check of spec 70, section 7.6, and whether its path is a guess.
pub(super) fn health(spec: &BalancerSpec) -> (Health, bool) {
    let options = &spec.options;
    let url = options.health_check_url.as_deref();
    let (target, guessed) = match checked(&options.mappings).map(|mapping| &mapping.internal) {
        Some(side) if side.is_http() => {
            let url_or_root = url.unwrap_or("/");
            let target = format!("{}:{}{url_or_root}", side.protocol, side.port);
            (target, url.is_none())
        }
        Some(side) => (format!("{}:{}", side.protocol, side.port), false),
        None => (String::new(), false),
    };
    let health = Health {
        target,
        interval: 5,
        timeout: 4,
        unhealthy: 2,
        healthy: 2,
    };
    (health, guessed)
}

/// The attributes that are wanted.
pub(super) fn attributes(spec: &BalancerSpec) -> Attributes {
    let given = |seconds: u32| i32::try_from(seconds).ok().filter(|seconds| *seconds > 0);
    Attributes {
        idle: given(spec.options.idle_timeout),
        draining: given(spec.options.connection_draining),
        cross_zone: spec.options.cross_zone,
    }
}

/// `internal`, or what AWS calls the other kind.
fn scheme(spec: &BalancerSpec) -> &'static str {
    if spec.options.public {
        "internet-facing"
    } else {
        "internal"
    }
}

fn listed(mappings: &[&Mapping]) -> String {
    let texts: BTreeSet<String> = mappings.iter().map(ToString::to_string).collect();
    texts.into_iter().collect::<Vec<_>>().join(", ")
}

struct Planner<'a> {
    planned: &'a mut PlannedBalancer,
    spec: &'a BalancerSpec,
    label: String,
}

impl Planner<'_> {
    fn push(&mut self, kind: &str, sign: Sign, line: String, action: ClassicAction) {
        let id = self.spec.id();
        let key = format!("{kind}/{id}");
        let needs = (kind != "balancer").then(|| format!("balancer/{id}"));
        let action = BalancerAction::Classic(action);
        self.planned.plan.push(key, needs, sign, line, action);
    }

    /// Everything that is missing for a new balancer is reported at once.
    fn create(&mut self, state: &BalancerState) -> Result<()> {
        let spec = self.spec;
        let mut errors: Vec<Error> = Vec::new();
        let wanted = spec.certificate();
        let found = wanted.map(|wanted| state.certificates.arn(&wanted).map(str::to_owned));
        let certificate = found.transpose().unwrap_or_else(|error| {
            errors.push(error);
            None
        });
        let id = spec.id();
        let mappings = &spec.options.mappings;
        let line = format!(
            "load balancer {} {id} (classic, {}, {}, {}{} subnet{})",
            self.label,
            scheme(spec),
            listed(&mappings.iter().collect::<Vec<_>>()),
            certificate
                .as_ref()
                .map_or_else(String::new, |arn| format!("certificate {arn}, ")),
            spec.subnets.len(),
            if spec.subnets.len() == 1 { "" } else { "s" }
        );
        let new = NewClassic {
            name: id.clone(),
            vpc_id: spec.vpc_id.clone(),
            mappings: mappings.clone(),
            certificate,
            security_group: spec.security_group.clone(),
            subnets: spec.subnets.clone(),
            public: spec.options.public,
            tags: spec.balancer_tags(),
        };
        self.push(
            "balancer",
            Sign::Add,
            line,
            ClassicAction::Create(Box::new(new)),
        );
        let records = records::plan_records(self.planned, state, spec, None);
        errors.extend(records.err());
        self.health(&id, None);
        self.attributes(&id, None);
        self.new_stickiness(&id);
        self.planned.ready.push(format!("balancer/{id}"));
        self.planned.attach.load_balancers.push(id);
        Error::from_list(errors).map_or(Ok(()), Err)
    }

    fn update(&mut self, state: &BalancerState, present: &Classic) -> Result<()> {
        records::plan_records(self.planned, state, self.spec, Some(&present.host))?;
        self.health(&present.name, Some(present));
        self.attributes(&present.name, Some(present));
        self.stickiness(present);
        self.tags(present);
        self.differences(state, present);
        let attach = &mut self.planned.attach.load_balancers;
        attach.push(present.name.clone());
        Ok(())
    }

    fn health(&mut self, name: &str, present: Option<&Classic>) {
        let (wanted, guessed) = health(self.spec);
        if guessed {
            self.planned.warnings.push(format!(
                "hostclass {} has no `elb_health_check_url`: its load balancer asks hosts for /",
                self.spec.hostclass
            ));
        }
        let old = present.map(|own| own.health.as_ref());
        if old == Some(Some(&wanted)) {
            return;
        }
        let text = |health: &Health| {
            format!(
                "{} every {} s, timeout {} s, {} failures, {} successes",
                health.target, health.interval, health.timeout, health.unhealthy, health.healthy
            )
        };
        let head = format!("health check of load balancer {}", self.label);
        let (sign, line) = match old {
            None => (Sign::Add, format!("{head}: {}", wanted.target)),
            Some(old) => {
                let old = old.map_or_else(|| "none".to_owned(), text);
                (Sign::Modify, format!("{head}: {old} -> {}", text(&wanted)))
            }
        };
        let action = ClassicAction::HealthCheck {
            name: name.to_owned(),
            health: wanted,
        };
        self.push("health-check", sign, line, action);
    }

    fn attributes(&mut self, name: &str, present: Option<&Classic>) {
        let wanted = attributes(self.spec);
        let old = present.map(|own| &own.attributes);
        let part = |what: &str, old: Option<String>, new: String| match old {
            None => Some(format!("{what} {new}")),
            Some(old) => (old != new).then(|| format!("{what} {old} -> {new}")),
        };
        let idle = wanted.idle.and_then(|_| {
            let old = old.map(|old| seconds(old.idle));
            part("idle timeout", old, seconds(wanted.idle))
        });
        let draining = part(
            "draining",
            old.map(|old| seconds(old.draining)),
            seconds(wanted.draining),
        );
        let cross_zone = part(
            "cross-zone",
            old.map(|old| switch(old.cross_zone).to_owned()),
            switch(wanted.cross_zone).to_owned(),
        );
        let parts: Vec<String> = [idle, draining, cross_zone].into_iter().flatten().collect();
        if parts.is_empty() {
            return;
        }
        let line = format!(
            "attributes of load balancer {}: {}",
            self.label,
            parts.join(", ")
        );
        let sign = if old.is_some() {
            Sign::Modify
        } else {
            Sign::Add
        };
        let action = ClassicAction::Attributes {
            name: name.to_owned(),
            attributes: wanted,
        };
        self.push("attributes", sign, line, action);
    }

    /// The cookie, and the external ports that can be sticky.
    fn sticky(&mut self, exists: impl Fn(&Mapping) -> bool) -> (Option<Cookie>, Vec<u16>) {
        let options = &self.spec.options;
        let http = |mapping: &&Mapping| mapping.external.is_http() && exists(mapping);
        let ports: BTreeSet<u16> = options
            .mappings
            .iter()
            .filter(http)
            .map(|mapping| mapping.external.port)
            .collect();
        let cookie = options.sticky_cookie.as_deref().map(Cookie::new);
        if cookie.is_some() && ports.is_empty() {
            self.planned.warnings.push(format!(
                "load balancer {} is not made sticky: it has no HTTP or HTTPS listener",
                self.label
            ));
        }
        (cookie, ports.into_iter().collect())
    }

    fn new_stickiness(&mut self, id: &str) {
        let (cookie, ports) = self.sticky(|_| true);
        let Some(cookie) = cookie.filter(|_| !ports.is_empty()) else {
            return;
        };
        let line = format!("stickiness of load balancer {} by {cookie}", self.label);
        let action = ClassicAction::Stickiness {
            name: id.to_owned(),
            stickiness: Stickiness::New { cookie, ports },
        };
        self.push("stickiness", Sign::Add, line, action);
    }

    fn stickiness(&mut self, present: &Classic) {
        let exists = |mapping: &Mapping| {
            let same = |own: &super::record::Listener| {
                own.mapping.external.port == mapping.external.port && own.mapping.external.is_http()
            };
            present.listeners.iter().any(same)
        };
        let (cookie, ports) = self.sticky(exists);
        let steps = Steps::between(
            &present.listeners,
            &present.policies,
            cookie.as_ref(),
            &ports,
        );
        if steps.is_empty() {
            return;
        }
        let old = present.policies.get(POLICY);
        let head = format!("stickiness of load balancer {}", self.label);
        let (sign, line) = match (old, &steps.create) {
            (None, Some(cookie)) => (Sign::Add, format!("{head} by {cookie}")),
            (Some(old), Some(cookie)) => (Sign::Modify, format!("{head}: {old} -> {cookie}")),
            (Some(old), None) if steps.delete => (Sign::Remove, format!("{head} by {old}")),
            _ => {
                let ports = steps.put_on.iter().map(|own| own.port.to_string());
                let ports: Vec<String> = ports.collect();
                (Sign::Add, format!("{head} on {}", ports.join(", ")))
            }
        };
        let action = ClassicAction::Stickiness {
            name: present.name.clone(),
            stickiness: Stickiness::Steps(steps),
        };
        self.push("stickiness", sign, line, action);
    }

    /// Tags are added and changed, never removed.
    fn tags(&mut self, present: &Classic) {
        let wanted = self.spec.balancer_tags();
        let differing: Tags = wanted
            .into_iter()
            .filter(|(key, value)| present.tags.get(key) != Some(value))
            .collect();
        if differing.is_empty() {
            return;
        }
        let part = |(key, value): (&String, &String)| {
            let old = present.tags.get(key).map_or("none", String::as_str);
            format!("{key} {old} -> {value}")
        };
        let parts: Vec<String> = differing.iter().map(part).collect();
        let line = format!("tags of load balancer {}: {}", self.label, parts.join(", "));
        let action = ClassicAction::Tags {
            name: present.name.clone(),
            tags: differing,
        };
        self.push("tags", Sign::Modify, line, action);
    }

    /// What an update leaves alone (D-L4).
    fn differences(&mut self, state: &BalancerState, present: &Classic) {
        let spec = self.spec;
        let mut differing = Vec::new();
        let mut compare = |what: &str, have: String, wanted: String| {
            if have != wanted {
                differing.push(format!("{what} {have}, configured {wanted}"));
            }
        };
        let have: Vec<&Mapping> = present.listeners.iter().map(|own| &own.mapping).collect();
        let wanted: Vec<&Mapping> = spec.options.mappings.iter().collect();
        compare("listeners", listed(&have), listed(&wanted));
        compare("scheme", present.scheme.clone(), scheme(spec).to_owned());
        let joined = |subnets: &BTreeSet<String>| {
            let subnets: Vec<&str> = subnets.iter().map(String::as_str).collect();
            subnets.join(" ")
        };
        let wanted = spec.subnets.iter().cloned().collect();
        compare("subnets", joined(&present.subnets), joined(&wanted));
        let certificate = spec.certificate();
        let certificate = certificate.and_then(|wanted| state.certificates.arn(&wanted).ok());
        for listener in &present.listeners {
            if let (Some(wanted), Some(have)) = (certificate, &listener.certificate) {
                let what = format!("certificate of port {}", listener.mapping.external.port);
                compare(&what, have.clone(), wanted.to_owned());
            }
        }
        if !differing.is_empty() {
            self.planned.warnings.push(format!(
                "load balancer {} differs from its configuration and is left so: {}; to change that, `disco_elb delete` it and \
                 create it again",
                self.label,
                differing.join("; ")
            ));
        }
    }
}

#[cfg(test)]
mod tests;
