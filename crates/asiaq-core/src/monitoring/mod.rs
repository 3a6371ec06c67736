//! Monitoring of an environment. So far only what destroying one needs: its alarms and its log groups with their metric
//! filters are listed and deleted. Topics live in `environment` until alarms are made here.
//!
//! Each part lists (`alarms`, `log_groups`), plans (pure) and deletes. Nothing here prints.

mod alarm;
pub mod host_metrics;
mod log_group;

pub use alarm::{Alarm, alarms, plan_delete_alarms};
pub use log_group::{LogGroup, log_groups, plan_delete_log_groups};

use crate::aws::Aws;
use crate::error::Result;

/// One change to monitoring.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MonitoringAction {
    /// Delete alarms by name, as many as AWS takes in one call.
    DeleteAlarms(Vec<String>),
    /// Delete the metric filters of a log group, then the group.
    DeleteLogGroup(LogGroup),
}

/// Makes one change.
pub async fn apply(aws: &Aws, action: &MonitoringAction) -> Result<()> {
    match action {
        MonitoringAction::DeleteAlarms(names) => alarm::delete(aws, names).await,
        MonitoringAction::DeleteLogGroup(group) => log_group::delete(aws, group).await,
    }
}
