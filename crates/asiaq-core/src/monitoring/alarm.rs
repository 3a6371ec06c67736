//! Alarms of an environment, found by name (spec 60, section 2.6).

use super::MonitoringAction;
use crate::aws::{Aws, Context, Pages, gone};
use crate::error::Result;
use crate::names::AlarmName;
use crate::plan::{Plan, Sign};
use aws_sdk_cloudwatch::types::AlarmType;

/// Names that AWS takes in one deletion.
pub(super) const BATCH: usize = 100;
/// Search domains outlive their environment, and so do their alarms.
const SEARCH_NAMESPACE: &str = "AWS/ES";

/// An alarm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alarm {
    /// Name.
    pub name: String,
    /// Namespace of its metric; none for metric math.
    pub namespace: Option<String>,
}

impl Alarm {
    /// True if destroying the environment deletes it.
    fn goes_with(&self, env: &str) -> bool {
        AlarmName::parse(&self.name).is_some_and(|name| name.environment == env)
            && self.namespace.as_deref() != Some(SEARCH_NAMESPACE)
    }
}

/// The alarms that go with an environment: metric alarms of its name, those of search domains left out.
pub async fn alarms(aws: &Aws, env: &str) -> Result<Vec<Alarm>> {
    let call = aws
        .cloudwatch()
        .describe_alarms()
        .alarm_types(AlarmType::MetricAlarm)
        .into_paginator()
        .send();
    let pages = call.all("cloudwatch:DescribeAlarms", "").await?;
    let all = pages.iter().flat_map(|page| page.metric_alarms());
    Ok(all
        .filter_map(|alarm| {
            Some(Alarm {
                name: alarm.alarm_name()?.to_owned(),
                namespace: alarm.namespace().map(str::to_owned),
            })
        })
        .filter(|alarm| alarm.goes_with(env))
        .collect())
}

/// Plans to delete alarms.
pub fn plan_delete_alarms(alarms: &[Alarm]) -> Plan<MonitoringAction> {
    let mut plan = Plan::default();
    for (number, batch) in alarms.chunks(BATCH).enumerate() {
        let names: Vec<String> = batch.iter().map(|alarm| alarm.name.clone()).collect();
        let lines: Vec<String> = names.iter().map(|name| format!("alarm {name}")).collect();
        let action = MonitoringAction::DeleteAlarms(names);
        plan.push(
            format!("alarms/{number}"),
            [""; 0],
            Sign::Remove,
            lines,
            action,
        );
    }
    plan
}

/// Deletes alarms. AWS deletes none of them if one does not exist, so what is gone meanwhile is left out and the rest
/// asked for again.
pub(super) async fn delete(aws: &Aws, names: &[String]) -> Result<()> {
    let client = aws.cloudwatch();
    let call = client.delete_alarms().set_alarm_names(Some(names.to_vec()));
    let what = format!("{} alarms", names.len());
    match call.send().await.context("cloudwatch:DeleteAlarms", &what) {
        Err(error) if error.is_not_found() => {}
        other => return Ok(other.map(drop)?),
    }
    for name in names {
        let call = client.delete_alarms().alarm_names(name);
        gone(call.send().await.context("cloudwatch:DeleteAlarms", name))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    fn alarm(name: &str, namespace: Option<&str>) -> Alarm {
        Alarm {
            name: name.to_owned(),
            namespace: namespace.map(str::to_owned),
        }
    }

    #[test]
    fn which_alarms_go_with_an_environment() {
        let table = [
            ("ops_ci_mhcweb_CPU_max", Some("AWS/EC2"), true),
            ("ci_mhcweb_CPU_max", Some("AWS/EC2"), true),
            ("ops_ci_db_FreeStorageSpace_min", Some("AWS/RDS"), true),
            ("ops_ci_mhcweb_Sum_of_all_max", None, true),
            ("ops_ci_logs_ClusterStatus.red_max", Some("AWS/ES"), false),
            ("ops_ci-2_mhcweb_CPU_max", Some("AWS/EC2"), false),
            ("ci_other_mhcweb_CPU_max", Some("AWS/EC2"), false),
            ("ci_alarm", Some("AWS/EC2"), false),
        ];
        for (name, namespace, goes) in table {
            assert_eq!(alarm(name, namespace).goes_with("ci"), goes, "{name}");
        }
    }

    #[test]
    fn a_hundred_alarms_go_in_one_call() {
        let all: Vec<Alarm> = (0..250).map(|n| alarm(&format!("a{n}"), None)).collect();
        let plan = plan_delete_alarms(&all);
        let sizes: Vec<usize> = plan.changes().iter().map(|c| c.lines.len()).collect();
        assert_eq!(sizes, [100, 100, 50]);
        assert_eq!(plan.lines()[249], "- alarm a249");
        assert_eq!(plan.ids(), ["alarms/0", "alarms/1", "alarms/2"]);
        assert!(plan_delete_alarms(&[]).is_empty());
    }
}
