//! Executes changes of Elastigroups. Every action is repeatable: groups are found by their names.

use super::apply::GroupExecutor;
use super::record::SpotRef;
use crate::balancer::TargetGroup;
use crate::error::{Error, Result};
use crate::spotinst::{GroupChange, NewElastigroup, Spotinst, create_document, update_document};
use std::sync::PoisonError;

/// The refusal of what needs Spotinst while it is disabled.
pub(super) fn disabled(what: &str) -> Error {
    Error::refused(format!("{what} needs Spotinst, which is disabled: SPOTINST_TOKEN is not set"))
        .with_hint("set SPOTINST_TOKEN to an API token of Spotinst, or configure the hostclass without `spotinst`")
}

impl GroupExecutor<'_> {
    fn spotinst(&self, group: &str) -> Result<&Spotinst> {
        self.clouds
            .spotinst
            .ok_or_else(|| disabled(&format!("Elastigroup {group}")))
    }

    /// The id of a group; one that the same plan creates has been created before.
    fn elastigroup_id(&self, group: &SpotRef) -> Result<String> {
        if let Some(id) = &group.id {
            return Ok(id.clone());
        }
        let created = self
            .elastigroups
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        created.get(&group.name).cloned().ok_or_else(|| {
            Error::not_found(format!("Elastigroup {} has not been created", group.name))
        })
    }

    pub(super) async fn create_elastigroup(
        &self,
        group: &NewElastigroup,
        new_target_groups: &[TargetGroup],
    ) -> Result<()> {
        let mut group = group.clone();
        group
            .balancers
            .target_groups
            .extend(self.arns(new_target_groups)?);
        let created = self
            .spotinst(&group.name)?
            .create_group(&group.name, &create_document(&group))
            .await?;
        let mut known = self
            .elastigroups
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        known.insert(group.name, created.id);
        Ok(())
    }

    pub(super) async fn update_elastigroup(
        &self,
        group: &SpotRef,
        change: &GroupChange,
    ) -> Result<()> {
        let id = self.elastigroup_id(group)?;
        let spotinst = self.spotinst(&group.name)?;
        Ok(spotinst.update_group(&id, &update_document(change)).await?)
    }

    pub(super) async fn delete_elastigroup(&self, group: &SpotRef) -> Result<()> {
        let id = self.elastigroup_id(group)?;
        Ok(self.spotinst(&group.name)?.delete_group(&id).await?)
    }
}

#[cfg(test)]
mod tests;
