//! Log groups below a prefix, with their metric filters (spec 60, section 5).

use super::MonitoringAction;
use crate::aws::{Aws, Context, Pages, gone};
use crate::error::Result;
use crate::plan::{Plan, Sign};

/// A log group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogGroup {
    /// Name.
    pub name: String,
    /// Names of its metric filters.
    pub filters: Vec<String>,
}

/// All log groups whose name begins with the prefix; their filters are read concurrently.
pub async fn log_groups(aws: &Aws, prefix: &str) -> Result<Vec<LogGroup>> {
    let call = aws
        .cloudwatchlogs()
        .describe_log_groups()
        .log_group_name_prefix(prefix)
        .into_paginator()
        .items()
        .send();
    let groups = call.all("logs:DescribeLogGroups", prefix).await?;
    let names = groups
        .iter()
        .filter_map(|group| group.log_group_name())
        .filter(|name| name.starts_with(prefix));
    futures::future::try_join_all(names.map(|name| with_filters(aws, name))).await
}

async fn with_filters(aws: &Aws, name: &str) -> Result<LogGroup> {
    let call = aws
        .cloudwatchlogs()
        .describe_metric_filters()
        .log_group_name(name)
        .into_paginator()
        .items()
        .send();
    let filters = match call.all("logs:DescribeMetricFilters", name).await {
        // Deleted meanwhile.
        Err(error) if error.is_not_found() => Vec::new(),
        other => other?,
    };
    Ok(LogGroup {
        name: name.to_owned(),
        filters: filters
            .iter()
            .filter_map(|filter| filter.filter_name().map(str::to_owned))
            .collect(),
    })
}

/// Plans to delete log groups with their filters.
pub fn plan_delete_log_groups(groups: &[LogGroup]) -> Plan<MonitoringAction> {
    let mut plan = Plan::default();
    for group in groups {
        let filters = group
            .filters
            .iter()
            .map(|filter| format!("metric filter {filter} of log group {}", group.name));
        let mut lines: Vec<String> = filters.collect();
        lines.push(format!("log group {}", group.name));
        let action = MonitoringAction::DeleteLogGroup(group.clone());
        plan.push(
            format!("log-group/{}", group.name),
            [""; 0],
            Sign::Remove,
            lines,
            action,
        );
    }
    plan
}

pub(super) async fn delete(aws: &Aws, group: &LogGroup) -> Result<()> {
    let client = aws.cloudwatchlogs();
    // One after the other: AWS refuses two changes to one log group at the same time.
    for filter in &group.filters {
        let call = client
            .delete_metric_filter()
            .log_group_name(&group.name)
            .filter_name(filter);
        gone(call.send().await.context("logs:DeleteMetricFilter", filter))?;
    }
    let call = client.delete_log_group().log_group_name(&group.name);
    Ok(gone(
        call.send()
            .await
            .context("logs:DeleteLogGroup", &group.name),
    )?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn filters_are_named_before_their_group() {
        let group = |name: &str, filters: &[&str]| LogGroup {
            name: name.to_owned(),
            filters: filters.iter().map(|f| (*f).to_owned()).collect(),
        };
        let plan = plan_delete_log_groups(&[group("ci/a/log", &["f1", "f2"]), group("ci/b", &[])]);
        assert_eq!(
            plan.lines(),
            [
                "- metric filter f1 of log group ci/a/log",
                "- metric filter f2 of log group ci/a/log",
                "- log group ci/a/log",
                "- log group ci/b"
            ]
        );
    }
}
