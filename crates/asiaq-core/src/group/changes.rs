//! Wanted group against observed groups: the plan that creates or updates one group. Pure.

use super::action::{GroupAction, GroupUpdate, NewGroup};
use super::attach::{self, AttachmentSpec};
use super::calls::size;
use super::desired::{GroupSpec, draw_template_name};
use super::kind::{self, existing_for, kind_for};
use super::observed::{GroupState, Scheduled};
use super::policy::{default_policies, policy_key};
use super::record::{Group, Kind, LaunchRef};
use super::spot_changes;
use crate::error::Result;
use crate::names;
use crate::pipeline::RecurringAction;
use crate::plan::{Plan, Sign};
use rand::Rng;
use std::collections::BTreeSet;

/// Which group a request is about (spec 30, section 5.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target<'a> {
    /// "The" group of the hostclass if there is one, else a new one.
    Hostclass,
    /// A new group beside the one of the hostclass, if there is one.
    Another,
    /// The group of that name; if there is none, a new one with a fresh name.
    Named(&'a str),
}

/// A planned group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedGroup {
    /// Its name, whether it exists or not.
    pub group_name: String,
    /// True if it exists and is updated.
    pub existing: bool,
    /// The service that runs it, or is going to.
    pub kind: Kind,
    /// What is worth logging.
    pub notes: Vec<String>,
    /// What the operator should know.
    pub warnings: Vec<String>,
    /// The changes; empty if everything is as wanted.
    pub plan: Plan<GroupAction>,
}

/// Plans the group of a row of a pipeline: [`plan_target`] for [`Target::Hostclass`].
///
/// # Errors
/// The hostclass has several groups.
pub fn plan_group(
    state: &GroupState,
    spec: &GroupSpec,
    needs: &[String],
    now_unix: i64,
    rng: &mut impl Rng,
) -> Result<PlannedGroup> {
    plan_target(state, spec, Target::Hostclass, needs, now_unix, rng)
}

/// Plans a group: creates it, or updates what differs. `needs` are changes of other capabilities that template and group
/// wait for; `now_unix` becomes part of the name of a new group.
///
/// # Errors
/// The hostclass has several groups, and the target does not say which one; an Elastigroup is to be created while Spotinst is
/// disabled.
pub fn plan_target(
    state: &GroupState,
    spec: &GroupSpec,
    target: Target<'_>,
    needs: &[String],
    now_unix: i64,
    rng: &mut impl Rng,
) -> Result<PlannedGroup> {
    let kind = kind_for(state, &spec.hostclass, target, spec.want_spot)?;
    let existing = existing_for(state, &spec.hostclass, target)?;
    let group_name = existing.map_or_else(
        || fresh_group_name(state, spec, now_unix),
        |group| group.name.clone(),
    );
    let elastigroup = existing.and_then(|group| Some((group, group.elastigroup()?)));
    let plan = match (kind, elastigroup) {
        (Kind::Spot, Some((group, document))) => spot_changes::update(spec, group, document, needs),
        (Kind::Spot, None) => spot_changes::create(spec, &group_name, needs)?,
        (Kind::Asg, _) => plan_asg(state, spec, existing, &group_name, needs, rng),
    };
    Ok(PlannedGroup {
        group_name,
        existing: existing.is_some(),
        kind,
        notes: kind::mismatch(existing, spec.want_spot)
            .into_iter()
            .collect(),
        warnings: kind::invisible(state, &spec.hostclass, spec.want_spot)
            .into_iter()
            .collect(),
        plan,
    })
}

fn plan_asg(
    state: &GroupState,
    spec: &GroupSpec,
    existing: Option<&Group>,
    group_name: &str,
    needs: &[String],
    rng: &mut impl Rng,
) -> Plan<GroupAction> {
    let mut planner = Planner {
        state,
        spec,
        needs,
        plan: Plan::default(),
    };
    match existing {
        Some(group) => planner.update(group, rng),
        None => planner.create(group_name, rng),
    }
    planner.policies(group_name);
    planner.schedules(group_name);
    planner.plan
}

/// The name for this second, or for the next one that is free.
fn fresh_group_name(state: &GroupState, spec: &GroupSpec, now_unix: i64) -> String {
    let mut at = now_unix;
    loop {
        let name = names::group(&spec.env, &spec.hostclass, at);
        if state.groups.iter().all(|group| group.name != name) {
            return name;
        }
        at += 1;
    }
}

struct Planner<'a> {
    state: &'a GroupState,
    spec: &'a GroupSpec,
    needs: &'a [String],
    plan: Plan<GroupAction>,
}

impl Planner<'_> {
    fn create(&mut self, name: &str, rng: &mut impl Rng) {
        let (spec, sizes) = (self.spec, self.spec.create_sizes());
        let template = self.template(rng);
        let needs: Vec<String> = self
            .needs
            .iter()
            .cloned()
            .chain([template_key(&spec.hostclass, &template)])
            .collect();
        let line = format!(
            "group {} {name} (min {}, desired {}, max {}, {}, {}, {} subnet{})",
            spec.hostclass,
            sizes.min,
            sizes.desired.unwrap_or(sizes.min),
            sizes.max,
            spec.launch.image_id,
            spec.launch.instance_type,
            spec.subnets.len(),
            if spec.subnets.len() == 1 { "" } else { "s" }
        );
        let action = GroupAction::CreateGroup(NewGroup {
            name: name.to_owned(),
            template,
            sizes,
            subnets: spec.subnets.clone(),
            tags: spec.tags.clone(),
            termination_policies: spec.create_termination_policies(),
            load_balancers: spec.attach.load_balancers.clone(),
            target_groups: spec.attach.target_groups.clone(),
        });
        self.plan
            .push(group_key(name), needs, Sign::Add, line, action);
    }

    /// Plans a new template; returns its name.
    fn template(&mut self, rng: &mut impl Rng) -> String {
        let spec = self.spec;
        let name = free_template_name(self.state, &spec.env, &spec.hostclass, rng);
        let action = GroupAction::CreateTemplate {
            name: name.clone(),
            env: spec.env.clone(),
            hostclass: spec.hostclass.clone(),
            spec: Box::new(spec.launch.clone()),
            copied: None,
        };
        self.plan.push(
            template_key(&spec.hostclass, &name),
            self.needs,
            Sign::Add,
            format!("launch template {name}"),
            action,
        );
        name
    }

    fn update(&mut self, group: &Group, rng: &mut impl Rng) {
        let spec = self.spec;
        let launch = launch_differences(self.state, group, spec);
        let subnets = Some(&spec.subnets)
            .filter(|wanted| differ_as_sets(wanted, group))
            .cloned()
            .unwrap_or_default();
        let wanted_policies = Some(&spec.termination_policies)
            .filter(|wanted| !wanted.is_empty() && **wanted != group.termination_policies);
        let termination_policies = wanted_policies.cloned().unwrap_or_default();
        let mut differences = size_differences(group, spec);
        if !subnets.is_empty() {
            differences.push(format!(
                "subnets {} -> {}",
                group.subnets().collect::<Vec<_>>().join(" "),
                subnets.join(" ")
            ));
        }
        if !termination_policies.is_empty() {
            differences.push(format!(
                "termination policies {} -> {}",
                group.termination_policies.join(" "),
                termination_policies.join(" ")
            ));
        }
        let template = (!launch.is_empty()).then(|| self.template(rng));
        differences.extend(launch);
        if !differences.is_empty() {
            let own = template
                .as_ref()
                .map(|name| template_key(&spec.hostclass, name));
            let needs: Vec<String> = self.needs.iter().cloned().chain(own).collect();
            let line = format!(
                "group {} {}: {}",
                spec.hostclass,
                group.name,
                differences.join(", ")
            );
            let (min, desired, max) = (spec.min, spec.desired, spec.max);
            let update = GroupUpdate {
                name: group.name.clone(),
                template,
                subnets,
                min,
                desired,
                max,
                termination_policies,
            };
            self.plan.push(
                group_key(&group.name),
                needs,
                Sign::Modify,
                line,
                GroupAction::UpdateGroup(update),
            );
        }
        self.tags(group);
        let wanted = AttachmentSpec::of_provisioning(&spec.attach, &spec.detach);
        let needs: Vec<String> = self
            .needs
            .iter()
            .cloned()
            .chain([group_key(&group.name)])
            .collect();
        attach::plan_for(&mut self.plan, group, &spec.hostclass, wanted, &needs);
    }

    /// If one tag differs all are sent, so that all of them reach future instances.
    fn tags(&mut self, group: &Group) {
        let difference = |(key, value): (&String, &String)| {
            let old = group.tags.get(key);
            (old != Some(value))
                .then(|| format!("{key} {} -> {value}", old.map_or("none", String::as_str)))
        };
        let differences: Vec<String> = self.spec.tags.iter().filter_map(difference).collect();
        if !differences.is_empty() {
            let action = GroupAction::PutTags {
                group: group.name.clone(),
                tags: self.spec.tags.clone(),
            };
            let line = format!("tags of {}: {}", group.name, differences.join(", "));
            self.plan.push(
                format!("tags/{}", group.name),
                [group_key(&group.name)],
                Sign::Modify,
                line,
                action,
            );
        }
    }

    fn policies(&mut self, group: &str) {
        for request in default_policies(group) {
            let present = self
                .state
                .policies
                .iter()
                .find(|policy| policy.asg == group && policy.name == request.name);
            if present.is_some_and(|policy| policy.is_as(&request)) {
                continue;
            }
            let sign = if present.is_some() {
                Sign::Modify
            } else {
                Sign::Add
            };
            let line = format!("policy {} of {group}", request.name);
            self.plan.push(
                policy_key(group, &request.name),
                [group_key(group)],
                sign,
                line,
                GroupAction::PutPolicy(request),
            );
        }
    }

    /// Recurring actions that are not wanted exactly so go first: AWS keeps sizes that an overwriting call does not
    /// mention. Actions that take place once are the operator's own.
    fn schedules(&mut self, group: &str) {
        let present: Vec<&Scheduled> = self
            .state
            .scheduled
            .iter()
            .filter(|own| own.group == group && own.recurrence.is_some())
            .collect();
        let wanted = &self.spec.recurring;
        let mut needs = vec![group_key(group)];
        for old in present
            .iter()
            .filter(|old| !wanted.iter().any(|action| is_scheduled(old, group, action)))
        {
            let key = format!("schedule-delete/{group}/{}", old.name);
            let action = GroupAction::DeleteSchedule {
                group: group.to_owned(),
                name: old.name.clone(),
            };
            let line = format!(
                "schedule {} of {group}",
                old.recurrence.as_deref().unwrap_or_default()
            );
            self.plan.push(&key, [""; 0], Sign::Remove, line, action);
            needs.push(key);
        }
        for action in wanted
            .iter()
            .filter(|action| !present.iter().any(|old| is_scheduled(old, group, action)))
        {
            let sizes = schedule_sizes(action.min, action.desired, action.max);
            let line = format!("schedule {} of {group}: {sizes}", action.cron);
            let put = GroupAction::PutSchedule {
                group: group.to_owned(),
                action: action.clone(),
            };
            self.plan.push(
                format!("schedule/{group}/{}", action.cron),
                needs.clone(),
                Sign::Add,
                line,
                put,
            );
        }
    }
}

/// The sizes that a recurring action sets, for people.
pub(super) fn schedule_sizes(min: Option<u32>, desired: Option<u32>, max: Option<u32>) -> String {
    let sizes = [("min", min), ("desired", desired), ("max", max)];
    let given = sizes
        .iter()
        .filter_map(|(what, count)| count.map(|count| format!("{what} {count}")));
    given.collect::<Vec<_>>().join(", ")
}

/// A random name for a template that no group launches from.
pub(super) fn free_template_name(
    state: &GroupState,
    env: &str,
    hostclass: &str,
    rng: &mut impl Rng,
) -> String {
    let used: BTreeSet<&str> = state
        .groups
        .iter()
        .filter_map(|group| group.launch.name())
        .collect();
    let mut draw = || draw_template_name(env, hostclass, rng);
    let mut name = draw();
    while used.contains(name.as_str()) {
        name = draw();
    }
    name
}

/// What a new template changes; empty if the group launches exactly what is wanted from a template of its own.
fn launch_differences(state: &GroupState, group: &Group, spec: &GroupSpec) -> Vec<String> {
    let mut found = match &group.launch {
        LaunchRef::Template { .. } if !group.mixed_instances => Vec::new(),
        LaunchRef::Template { .. } => vec!["mixed instances policy -> launch template".to_owned()],
        LaunchRef::Configuration(name) => {
            vec![format!("launch configuration {name} -> launch template")]
        }
        LaunchRef::None => vec!["launch template none -> new".to_owned()],
    };
    match state.launch_of(group) {
        Some(old) => found.extend(old.differences(&spec.launch)),
        None if found.is_empty() => found.push("launch template missing -> new".to_owned()),
        None => {}
    }
    found
}

fn size_differences(group: &Group, spec: &GroupSpec) -> Vec<String> {
    let sizes = [
        ("min", spec.min, group.min_size),
        ("desired", spec.desired, group.desired_capacity),
        ("max", spec.max, group.max_size),
    ];
    let differing = sizes.into_iter().filter_map(|(what, wanted, old)| {
        Some((what, wanted.map(size).filter(|new| *new != old)?, old))
    });
    differing
        .map(|(what, new, old)| format!("{what} {old} -> {new}"))
        .collect()
}

/// True if subnets are given and are others than those of the group; their order does not matter.
fn differ_as_sets(wanted: &[String], group: &Group) -> bool {
    let wanted: BTreeSet<&str> = wanted.iter().map(String::as_str).collect();
    !wanted.is_empty() && wanted != group.subnets().collect()
}

fn is_scheduled(old: &Scheduled, group: &str, wanted: &RecurringAction) -> bool {
    let sizes = (
        wanted.min.map(size),
        wanted.desired.map(size),
        wanted.max.map(size),
    );
    !old.limited
        && old.name == wanted.name(group)
        && old.recurrence.as_deref() == Some(wanted.cron.as_str())
        && sizes == (old.min, old.desired, old.max)
}

/// Logical name of a group.
pub(super) fn group_key(name: &str) -> String {
    format!("group/{name}")
}

/// Logical name of a template that is created.
pub(super) fn template_key(hostclass: &str, name: &str) -> String {
    format!("template/{hostclass}/{name}")
}

#[cfg(test)]
mod tests;
