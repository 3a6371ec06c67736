//! Planning the S3 endpoint: one gateway endpoint, open to all, in every route table of the VPC (spec 20, section 10).
//!
//! Changes that make or delete route tables or move subnets between them have ids that start with `route-table` or
//! `association`; those that make a table have the table's logical name. The endpoint waits for all of them.

use super::super::action::{Action, EndpointAction};
use super::super::desired::Desired;
use super::super::observed::{Endpoint, Observed, RouteTable};
use super::{SHARED, VPC, name_tags, table_key};
use crate::plan::{Change, Plan, Sign};
use serde_json::Value;

/// What the endpoint lets through: everything. Buckets have policies of their own.
const POLICY: &str =
    r#"{"Statement":[{"Action":"*","Effect":"Allow","Resource":"*","Principal":"*"}]}"#;

/// How the logical names of route tables start.
const TABLE: &str = "route-table/";

pub(super) fn endpoint(plan: &mut Plan<Action>, desired: &Desired, observed: &Observed) {
    let service = format!("com.amazonaws.{}.s3", desired.region);
    let ours = |e: &&Endpoint| e.service == service && e.kind.eq_ignore_ascii_case("gateway");
    let mut existing: Vec<&Endpoint> = observed.endpoints.iter().filter(ours).collect();
    existing.sort_by_key(|e| (e.created, &e.id));
    let settles =
        |c: &&Change<Action>| c.id.starts_with("route-table") || c.id.starts_with("association");
    let mut needs = vec![VPC.to_owned()];
    needs.extend(plan.changes().iter().filter(settles).map(|c| c.id.clone()));
    for second in existing.iter().skip(1) {
        let id = format!("s3-endpoint-delete/{}", second.id);
        let line = format!("S3 endpoint {} beside an older one", second.id);
        let action = EndpointAction::Delete {
            id: second.id.clone(),
        };
        plan.push(&id, [""; 0], Sign::Remove, line, Action::Endpoint(action));
        needs.push(id);
    }
    let (sign, lines, action) = match existing.first() {
        None => {
            let lines = vec![format!("S3 endpoint {service} for all route tables")];
            let action = EndpointAction::Create {
                service,
                policy: POLICY.to_owned(),
                new_tables: new_tables(plan),
                tags: name_tags(&desired.name),
            };
            (Sign::Add, lines, action)
        }
        Some(kept) => {
            let (lines, action) = modification(plan, observed, kept);
            (Sign::Modify, lines, action)
        }
    };
    if !lines.is_empty() {
        plan.push("s3-endpoint", needs, sign, lines, Action::Endpoint(action));
    }
}

/// What the endpoint lacks; no lines if that is nothing.
fn modification(
    plan: &Plan<Action>,
    observed: &Observed,
    kept: &Endpoint,
) -> (Vec<String>, EndpointAction) {
    let service = &kept.service;
    let new_tables = new_tables(plan);
    let mut lines: Vec<String> = missing_tables(plan, observed, kept)
        .chain(new_tables.iter().map(|key| words(key)))
        .map(|table| format!("S3 endpoint {service}: route table {table} added"))
        .collect();
    let old = kept.policy.as_deref().unwrap_or("none");
    let policy = (!same_policy(old, POLICY)).then(|| POLICY.to_owned());
    if policy.is_some() {
        let old = one_line(old);
        lines.push(format!("S3 endpoint {service}: policy {old} -> {POLICY}"));
    }
    let action = EndpointAction::Modify {
        id: kept.id.clone(),
        policy,
        new_tables,
    };
    (lines, action)
}

/// Logical names of the tables that the plan makes.
fn new_tables(plan: &Plan<Action>) -> Vec<String> {
    let makes = |c: &&Change<Action>| c.sign == Sign::Add && c.id.starts_with(TABLE);
    let changes = plan.changes().iter().filter(makes);
    changes.map(|c| c.id.clone()).collect()
}

/// Tables of the VPC that the endpoint lacks, for people; without those that the plan deletes. All tables are wanted, so
/// none is ever removed from the endpoint: one that is deleted leaves it by itself.
fn missing_tables<'a>(
    plan: &'a Plan<Action>,
    observed: &'a Observed,
    endpoint: &'a Endpoint,
) -> impl Iterator<Item = String> + 'a {
    let goes = |table: &RouteTable| {
        let mut removals = plan.changes().iter().filter(|c| c.sign == Sign::Remove);
        let key = key(table);
        removals.any(|c| {
            c.id.starts_with("route-table")
                && (c.id.contains(&table.id)
                    || key.as_ref().is_some_and(|key| c.id.contains(&**key)))
        })
    };
    observed
        .route_tables
        .iter()
        // One that is yet to be made has its logical name for an id, and is counted where it is made.
        .filter(|table| !endpoint.route_tables.contains(&table.id) && !table.id.starts_with(TABLE))
        .filter(move |table| !goes(table))
        .map(|table| match key(table) {
            Some(key) => words(&key),
            None if table.main => format!("{} (main)", table.id),
            None => table.id.clone(),
        })
}

fn key(table: &RouteTable) -> Option<String> {
    let zone = table.zone.as_deref().unwrap_or(SHARED);
    table.net.map(|net| table_key(net, zone))
}

/// `dmz us-west-2a` of `route-table/dmz/us-west-2a`.
fn words(key: &str) -> String {
    key.trim_start_matches(TABLE).replace('/', " ")
}

/// Documents are equal if they mean the same: AWS may write a list of one as its element and adds the oldest version.
fn same_policy(a: &str, b: &str) -> bool {
    match (serde_json::from_str(a), serde_json::from_str(b)) {
        (Ok(a), Ok(b)) => normal(a) == normal(b),
        _ => a == b,
    }
}

fn normal(value: Value) -> Value {
    match value {
        Value::Array(mut items) if items.len() == 1 => items.pop().map_or(Value::Null, normal),
        Value::Array(items) => Value::Array(items.into_iter().map(normal).collect()),
        Value::Object(fields) => {
            let default = |key: &str, value: &Value| key == "Version" && value == "2008-10-17";
            let fields = fields
                .into_iter()
                .filter(|(key, value)| !default(key, value));
            Value::Object(fields.map(|(key, value)| (key, normal(value))).collect())
        }
        other => other,
    }
}

/// Without line breaks, for the plan.
fn one_line(policy: &str) -> String {
    let json = serde_json::from_str::<Value>(policy).map(|value| value.to_string());
    json.unwrap_or_else(|_| policy.split_whitespace().collect::<Vec<_>>().join(" "))
}
