//! DHCP options sets.

use super::super::action::Action;
use super::super::desired::Desired;
use super::super::observed::{DhcpSet, Observed};
use super::{DHCP, VPC, name_tags};
use crate::plan::{Plan, Sign};
use std::collections::BTreeMap;

/// DHCP options: an own set that is right stays; else one is created, put in force, and older own sets go.
pub(super) fn dhcp(plan: &mut Plan<Action>, desired: &Desired, observed: &Observed) {
    if desired.dhcp.is_empty() {
        return;
    }
    let right = |set: &&DhcpSet| same_dhcp(&desired.dhcp, &set.options);
    let in_force = observed
        .dhcp_sets
        .iter()
        .find(|set| Some(&set.id) == observed.dhcp_in_force.as_ref());
    let chosen = in_force
        .filter(right)
        .or_else(|| observed.dhcp_sets.iter().find(right));
    let mut replaces: Vec<&str> = Vec::new();
    if chosen.is_none() {
        let lines: Vec<String> = dhcp_lines(&desired.dhcp, in_force);
        let sign = if in_force.is_some() {
            Sign::Modify
        } else {
            Sign::Add
        };
        plan.push(
            DHCP,
            [""; 0],
            sign,
            lines,
            Action::CreateDhcp {
                options: desired.dhcp.clone(),
                tags: name_tags(&desired.name),
            },
        );
    }
    if chosen.is_none_or(|set| Some(&set.id) != observed.dhcp_in_force.as_ref()) {
        let action = Action::AssociateDhcp {
            existing: chosen.map(|set| set.id.clone()),
        };
        plan.push(
            "dhcp-association",
            [VPC, DHCP],
            Sign::Add,
            format!("association of the DHCP options with vpc {}", desired.name),
            action,
        );
        replaces.push("dhcp-association");
    }
    for old in observed
        .dhcp_sets
        .iter()
        .filter(|set| chosen.is_none_or(|chosen| chosen.id != set.id))
    {
        let action = Action::DeleteDhcp { id: old.id.clone() };
        plan.push(
            format!("dhcp-delete/{}", old.id),
            replaces.clone(),
            Sign::Remove,
            format!("DHCP options {}", old.id),
            action,
        );
    }
}

fn dhcp_lines(desired: &[(String, Vec<String>)], old: Option<&DhcpSet>) -> Vec<String> {
    let was = |key: &str| {
        old.and_then(|set| set.options.get(key))
            .map(|values| format!("{} -> ", values.join(" ")))
            .unwrap_or_default()
    };
    let mut lines: Vec<String> = desired
        .iter()
        .map(|(key, values)| format!("DHCP option {key}: {}{}", was(key), values.join(" ")))
        .collect();
    let dropped = old
        .iter()
        .flat_map(|set| &set.options)
        .filter(|(key, _)| !desired.iter().any(|(k, _)| k == *key));
    lines.extend(
        dropped.map(|(key, values)| format!("DHCP option {key}: {} -> none", values.join(" "))),
    );
    lines
}

/// Equal after removing duplicates; time servers as a set, since their names may resolve in any order.
fn same_dhcp(desired: &[(String, Vec<String>)], current: &BTreeMap<String, Vec<String>>) -> bool {
    let normal = |key: &str, values: &[String]| {
        let mut unique: Vec<String> = Vec::new();
        for value in values {
            if !unique.contains(value) {
                unique.push(value.clone());
            }
        }
        if key == "ntp-servers" {
            unique.sort();
        }
        unique
    };
    desired.len() == current.len()
        && desired.iter().all(|(key, values)| {
            current
                .get(key)
                .is_some_and(|other| normal(key, values) == normal(key, other))
        })
}
