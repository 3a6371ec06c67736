//! Single tags of groups of both kinds, and of instances: what a deployment marks and unmarks.

use super::action::GroupAction;
use super::record::{Group, Kind};
use crate::aws::{Aws, AwsError, Context, Tags, ec2_tags, gone};
use crate::error::Result;
use crate::names::tag;
use crate::plan::{Plan, Sign};
use crate::spotinst::GroupChange;

/// Instances in one call.
const AT_ONCE: usize = 200;

/// What a deployment records on a group before it replaces its hosts: of an Auto Scaling group launch templates as `ID:VERSION`,
/// of an Elastigroup images.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RollsFrom {
    /// What the group launched from before.
    pub from: String,
    /// What it is to launch from.
    pub to: String,
}

impl RollsFrom {
    /// What these tags record, if they do.
    pub fn of(tags: &Tags) -> Option<Self> {
        Self::parse(tags.get(tag::DEPLOY_ROLLS_FROM)?)
    }

    /// What this value of the tag records.
    pub(super) fn parse(value: &str) -> Option<Self> {
        let (from, to) = value.split_once('/')?;
        (!from.is_empty() && !to.is_empty()).then(|| Self {
            from: from.to_owned(),
            to: to.to_owned(),
        })
    }

    /// The value of the tag.
    pub fn value(&self) -> String {
        format!("{}/{}", self.from, self.to)
    }

    /// What was there before, if `now` is what the group launches from and is either side of this record. Otherwise somebody
    /// has changed the group since, and the record says nothing.
    pub fn before(&self, now: &str) -> Option<&str> {
        (now == self.from || now == self.to).then_some(self.from.as_str())
    }
}

/// Plans tags of a group; `None` removes one. Running instances keep theirs. What is so already is not in the plan. Pure.
pub fn plan_mark(group: &Group, tags: &[(&str, Option<&str>)]) -> Plan<GroupAction> {
    let (mut plan, name) = (Plan::default(), group.name.as_str());
    let differs =
        |(key, value): &&(&str, Option<&str>)| group.tags.get(*key).map(String::as_str) != *value;
    let differing: Vec<&(&str, Option<&str>)> = tags.iter().filter(differs).collect();
    if differing.is_empty() {
        return plan;
    }
    let line = |(key, value): &&(&str, Option<&str>)| {
        let old = group.tags.get(*key).map_or("none", String::as_str);
        format!("{key} {old} -> {}", value.unwrap_or("none"))
    };
    let lines: Vec<String> = differing.iter().map(line).collect();
    let line = format!("tags of {name}: {}", lines.join(", "));
    if let (Kind::Spot, Some(reference)) = (group.kind, group.spot_ref()) {
        let mut all = group.tags.clone();
        for (key, value) in differing {
            match value {
                Some(value) => all.insert((*key).to_owned(), (*value).to_owned()),
                None => all.remove(*key),
            };
        }
        let change = GroupChange {
            tags: Some(all),
            ..GroupChange::default()
        };
        let action = GroupAction::UpdateElastigroup {
            group: reference,
            change: Box::new(change),
        };
        plan.push(format!("tags/{name}"), [""; 0], Sign::Modify, line, action);
        return plan;
    }
    let put = differing.iter().filter_map(|(key, value)| {
        let value = (*value)?;
        Some(((*key).to_owned(), value.to_owned()))
    });
    let put: Tags = put.collect();
    let gone = differing.iter().filter(|(_, value)| value.is_none());
    let gone: Vec<String> = gone.map(|(key, _)| (*key).to_owned()).collect();
    if !put.is_empty() {
        let action = GroupAction::PutTags {
            group: name.to_owned(),
            tags: put,
        };
        plan.push(
            format!("tags/{name}"),
            [""; 0],
            Sign::Modify,
            line.clone(),
            action,
        );
    }
    if !gone.is_empty() {
        let action = GroupAction::DeleteTags {
            group: name.to_owned(),
            keys: gone,
        };
        let id = format!("untag/{name}");
        plan.push(id, [format!("tags/{name}")], Sign::Modify, line, action);
    }
    plan
}

/// Tags instances. One that is gone meanwhile is fine.
///
/// # Errors
/// AWS refuses.
pub async fn tag_instances(aws: &Aws, ids: &[String], tags: &Tags) -> Result<()> {
    for chunk in ids.chunks(AT_ONCE) {
        match tag_some(aws, chunk, tags).await {
            // One call tags all or none.
            Err(error) if error.is_not_found() => {
                for id in chunk {
                    gone(tag_some(aws, std::slice::from_ref(id), tags).await)?;
                }
            }
            other => other?,
        }
    }
    Ok(())
}

async fn tag_some(aws: &Aws, ids: &[String], tags: &Tags) -> Result<(), AwsError> {
    let call = aws.ec2().create_tags().set_resources(Some(ids.to_vec()));
    let call = call.set_tags(Some(ec2_tags(tags)));
    let answer = call.send().await;
    answer.context("ec2:CreateTags", ids.join(", ")).map(|_| ())
}

#[cfg(test)]
mod tests;
