//! What groups are attached to: load balancers and target groups, wanted against present (spec 30, sections 6 and 13.5). Pure.

use super::action::GroupAction;
use super::record::{Group, Kind, the_group};
use crate::balancer::{Attachments, TargetGroup};
use crate::error::Result;
use crate::plan::{Plan, Sign};

/// What a list of attachments says about what is attached besides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// It is detached, also if the list is empty.
    All,
    /// It is detached, unless the list is empty.
    AllIfAny,
    /// It stays.
    Some,
}

/// What a group is to be attached to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AttachmentSpec<'a> {
    /// What it is to be attached to.
    pub attach: &'a Attachments,
    /// What it is to be detached from, if it is attached and the other list does not have it.
    pub detach: &'a Attachments,
    /// How the list of load balancers is meant.
    pub load_balancers: Extent,
    /// How the list of target groups is meant.
    pub target_groups: Extent,
}

impl<'a> AttachmentSpec<'a> {
    /// As provisioning asks: a list that is not empty is complete.
    pub fn of_provisioning(attach: &'a Attachments, detach: &'a Attachments) -> Self {
        Self {
            attach,
            detach,
            load_balancers: Extent::AllIfAny,
            target_groups: Extent::AllIfAny,
        }
    }

    /// As `disco_elb update` asks: the list of load balancers is complete, also if it is empty; other target groups stay.
    pub fn of_balancer_update(attach: &'a Attachments, detach: &'a Attachments) -> Self {
        Self {
            attach,
            detach,
            load_balancers: Extent::All,
            target_groups: Extent::Some,
        }
    }
}

/// Plans only the attachments of "the" group of a hostclass. `groups` are those of the environment, `needs` are changes that
/// must be done before. Without a group there is nothing to do, and a warning says so. The ids of the changes are
/// `attach/GROUP` and `detach/GROUP`; the second waits for the first.
///
/// # Errors
/// The hostclass has several groups.
pub fn plan_attachments(
    groups: &[Group],
    env: &str,
    hostclass: &str,
    wanted: AttachmentSpec<'_>,
    needs: &[String],
) -> Result<(Plan<GroupAction>, Vec<String>)> {
    let mut plan = Plan::default();
    let Some(group) = the_group(groups, env, hostclass)? else {
        let names = wanted.attach.load_balancers.iter().cloned().chain(
            wanted
                .attach
                .target_groups
                .iter()
                .map(|own| own.name.clone()),
        );
        let names: Vec<String> = names.collect();
        let what = if names.is_empty() {
            "nothing is detached".to_owned()
        } else {
            format!("{} is not attached", names.join(", "))
        };
        let text = format!("hostclass {hostclass} has no group in environment `{env}`: {what}");
        return Ok((plan, vec![text]));
    };
    plan_for(&mut plan, group, hostclass, wanted, needs);
    Ok((plan, Vec::new()))
}

/// Adds the changes of one group.
pub(super) fn plan_for(
    plan: &mut Plan<GroupAction>,
    group: &Group,
    hostclass: &str,
    wanted: AttachmentSpec<'_>,
    needs: &[String],
) {
    let lists = [balancers(group, wanted), target_groups(group, wanted)];
    let before = format!("group {hostclass} {}", group.name);
    let line = |what: &str, old: &[String], new: &[String]| {
        (old != new).then(|| format!("{before}: {what} {} -> {}", listed(old), listed(new)))
    };
    let kinds = ["load balancers", "target groups"];
    let lines = |old: fn(&Lists) -> Vec<String>, new: fn(&Lists) -> Vec<String>| -> Vec<String> {
        let pairs = kinds.iter().zip(&lists);
        pairs
            .filter_map(|(what, own)| line(what, &old(own), &new(own)))
            .collect()
    };
    let (attach, detach) = actions(group, wanted, &lists);
    let attaching = lines(Lists::old, Lists::between);
    if !attaching.is_empty() {
        plan.push(
            attach_key(&group.name),
            needs,
            Sign::Modify,
            attaching,
            attach,
        );
    }
    let detaching = lines(Lists::between, Lists::last);
    if !detaching.is_empty() {
        let needs = needs.iter().cloned().chain([attach_key(&group.name)]);
        plan.push(
            detach_key(&group.name),
            needs,
            Sign::Modify,
            detaching,
            detach,
        );
    }
}

/// How a group is attached to what is missing, and then detached from what is too much. An Elastigroup is told all of its
/// attachments each time: first with what leaves, then without.
fn actions(
    group: &Group,
    wanted: AttachmentSpec<'_>,
    [balancers, targets]: &[Lists; 2],
) -> (GroupAction, GroupAction) {
    let new_target_groups = new_target_groups(group, wanted);
    if let (Kind::Spot, Some(reference)) = (group.kind, group.spot_ref()) {
        let attach = GroupAction::AttachElastigroup {
            group: reference.clone(),
            load_balancers: balancers.between(),
            kept_target_groups: group.target_groups.clone(),
            new_target_groups: new_target_groups.clone(),
        };
        let detach = GroupAction::AttachElastigroup {
            group: reference,
            load_balancers: balancers.last(),
            kept_target_groups: targets.kept_ids(),
            new_target_groups,
        };
        return (attach, detach);
    }
    let attach = GroupAction::Attach {
        group: group.name.clone(),
        load_balancers: balancers.missing.clone(),
        target_groups: new_target_groups,
    };
    let detach = GroupAction::Detach {
        group: group.name.clone(),
        load_balancers: balancers.extra_ids.clone(),
        target_groups: targets.extra_ids.clone(),
    };
    (attach, detach)
}

/// One kind of attachments of a group, in names for people. What is missing never has the name of what is there, so that
/// the lists differ in text whenever they differ.
struct Lists {
    have: Vec<String>,
    missing: Vec<String>,
    /// What is there and stays.
    kept: Vec<String>,
    /// What AWS calls those that are too many.
    extra_ids: Vec<String>,
    /// What AWS calls those that are there and stay.
    kept_ids: Vec<String>,
}

impl Lists {
    /// What is attached now.
    fn old(&self) -> Vec<String> {
        self.have.clone()
    }

    /// What is attached after attaching and before detaching.
    fn between(&self) -> Vec<String> {
        self.have.iter().chain(&self.missing).cloned().collect()
    }

    /// What is attached at the end.
    fn last(&self) -> Vec<String> {
        self.kept.iter().chain(&self.missing).cloned().collect()
    }

    fn kept_ids(&self) -> Vec<String> {
        self.kept_ids.clone()
    }
}

fn is_extra(extent: Extent, nothing_wanted: bool, wanted: bool, detached: bool) -> bool {
    let complete = match extent {
        Extent::All => true,
        Extent::AllIfAny => !nothing_wanted,
        Extent::Some => false,
    };
    !wanted && (complete || detached)
}

fn balancers(group: &Group, wanted: AttachmentSpec<'_>) -> Lists {
    let have = &group.load_balancers;
    let list = &wanted.attach.load_balancers;
    let missing = list.iter().filter(|name| !have.contains(name));
    let (extra, kept): (Vec<String>, Vec<String>) = have.iter().cloned().partition(|name| {
        let detached = wanted.detach.load_balancers.contains(name);
        is_extra(
            wanted.load_balancers,
            list.is_empty(),
            list.contains(name),
            detached,
        )
    });
    Lists {
        have: have.clone(),
        missing: unique(missing),
        extra_ids: extra,
        kept: kept.clone(),
        kept_ids: kept,
    }
}

fn target_groups(group: &Group, wanted: AttachmentSpec<'_>) -> Lists {
    let have = &group.target_groups;
    let list = &wanted.attach.target_groups;
    let has =
        |list: &[TargetGroup], arn: &String| list.iter().any(|own| own.arn.as_ref() == Some(arn));
    let (extra, kept): (Vec<String>, Vec<String>) = have.iter().cloned().partition(|arn| {
        let detached = has(&wanted.detach.target_groups, arn);
        is_extra(
            wanted.target_groups,
            list.is_empty(),
            has(list, arn),
            detached,
        )
    });
    let names = |arns: &[String]| -> Vec<String> {
        arns.iter()
            .map(|arn| target_group_name(arn).to_owned())
            .collect()
    };
    let present = names(have);
    // One that was deleted and made again has the name of the old one.
    let label = |own: &TargetGroup| {
        if present.contains(&own.name) {
            format!("{} (new)", own.name)
        } else {
            own.name.clone()
        }
    };
    let missing: Vec<String> = new_target_groups(group, wanted).iter().map(label).collect();
    Lists {
        missing: unique(missing.iter()),
        have: present,
        kept: names(&kept),
        extra_ids: extra,
        kept_ids: kept,
    }
}

/// The wanted target groups that the group is not attached to; those that are only made by the same plan among them.
fn new_target_groups(group: &Group, wanted: AttachmentSpec<'_>) -> Vec<TargetGroup> {
    let list = wanted.attach.target_groups.iter();
    let missing = list.filter(|own| {
        own.arn
            .as_ref()
            .is_none_or(|arn| !group.target_groups.contains(arn))
    });
    let mut found: Vec<TargetGroup> = Vec::new();
    for own in missing {
        if !found.contains(own) {
            found.push(own.clone());
        }
    }
    found
}

fn unique<'a>(names: impl Iterator<Item = &'a String>) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for name in names {
        if !found.contains(name) {
            found.push(name.clone());
        }
    }
    found
}

/// `arn:…:targetgroup/NAME/ID`: the name; a text of another form is its own name.
fn target_group_name(arn: &str) -> &str {
    arn.split_once(":targetgroup/")
        .and_then(|(_, rest)| rest.split('/').next())
        .unwrap_or(arn)
}

fn listed(names: &[String]) -> String {
    if names.is_empty() {
        "none".to_owned()
    } else {
        names.join(" ")
    }
}

/// Logical name of the change that attaches a group.
pub(super) fn attach_key(group: &str) -> String {
    format!("attach/{group}")
}

/// The changes after which a group is attached: those that create or update it, and those that attach it.
pub fn attaching(plan: &Plan<GroupAction>) -> Vec<String> {
    let of = |id: &String| id.starts_with("group/") || id.starts_with("attach/");
    plan.ids().into_iter().filter(of).collect()
}

/// The changes that detach groups.
pub fn detaching(plan: &Plan<GroupAction>) -> Vec<String> {
    let of = |id: &String| id.starts_with("detach/");
    plan.ids().into_iter().filter(of).collect()
}

/// Logical name of the change that detaches a group.
pub(super) fn detach_key(group: &str) -> String {
    format!("detach/{group}")
}

#[cfg(test)]
mod tests;
