//! Launch templates and launch configurations as things to list and to clean up (spec 30, sections 2.2 and 9.4).

use super::action::GroupAction;
use super::delete::describe;
use super::launch_specs::{DEFAULT_VERSION, configurations, default_versions, template_id};
use super::observed::launch_usage;
use super::record::{LaunchRef, configuration_key, template_key};
use crate::aws::Aws;
use crate::error::{Error, Result};
use crate::names;
use crate::plan::{Plan, Sign};
use serde::Serialize;
use std::collections::BTreeMap;

/// A launch object. The field names are the JSON keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LaunchObject {
    /// Name.
    pub name: String,
    /// Which sort.
    #[serde(rename = "type")]
    pub kind: LaunchObjectKind,
    /// Id; configurations have none.
    pub id: Option<String>,
    /// Image; of a template that of its default version.
    pub image_id: Option<String>,
}

/// The sorts of launch objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LaunchObjectKind {
    /// Launch template.
    Template,
    /// Launch configuration.
    Configuration,
}

impl LaunchObject {
    fn reference(&self) -> LaunchRef {
        match self.kind {
            LaunchObjectKind::Template => LaunchRef::Template {
                id: self.id.clone().unwrap_or_default(),
                name: self.name.clone(),
                version: DEFAULT_VERSION.into(),
            },
            LaunchObjectKind::Configuration => LaunchRef::Configuration(self.name.clone()),
        }
    }

    fn is_used(&self, usage: &BTreeMap<String, usize>) -> bool {
        self.reference()
            .object_keys()
            .iter()
            .any(|key| usage.contains_key(key))
    }
}

/// The launch objects of the environment, by name.
pub async fn launch_objects(aws: &Aws, env: &str) -> Result<Vec<LaunchObject>> {
    let (templates, configurations) =
        tokio::try_join!(default_versions(aws), configurations(aws, None))?;
    let template = |version: aws_sdk_ec2::types::LaunchTemplateVersion| {
        Some(LaunchObject {
            name: version.launch_template_name()?.to_owned(),
            kind: LaunchObjectKind::Template,
            id: version.launch_template_id().map(str::to_owned),
            image_id: version
                .launch_template_data()
                .and_then(|data| data.image_id())
                .filter(|id| !id.is_empty())
                .map(str::to_owned),
        })
    };
    let mut found: Vec<LaunchObject> = templates.into_iter().filter_map(template).collect();
    found.extend(configurations.iter().filter_map(configuration));
    found.retain(|object| names::belongs_to(env, &object.name, None));
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

fn configuration(
    configuration: &aws_sdk_autoscaling::types::LaunchConfiguration,
) -> Option<LaunchObject> {
    Some(LaunchObject {
        name: configuration.launch_configuration_name()?.to_owned(),
        kind: LaunchObjectKind::Configuration,
        id: None,
        image_id: configuration
            .image_id()
            .filter(|id| !id.is_empty())
            .map(str::to_owned),
    })
}

/// Plans to delete the launch objects that no group uses: all configurations of the environment, and the templates that
/// Asiaq named. What AWS refuses is noted and stays.
pub fn plan_clean_launch_objects(
    env: &str,
    objects: &[LaunchObject],
    usage: &BTreeMap<String, usize>,
) -> Plan<GroupAction> {
    let mut plan = Plan::default();
    let is_own = |object: &&LaunchObject| match object.kind {
        LaunchObjectKind::Template => names::is_own_launch_template(env, &object.name),
        LaunchObjectKind::Configuration => names::belongs_to(env, &object.name, None),
    };
    for object in objects
        .iter()
        .filter(is_own)
        .filter(|object| !object.is_used(usage))
    {
        push_deletion(&mut plan, object.reference(), false);
    }
    plan
}

fn push_deletion(plan: &mut Plan<GroupAction>, launch: LaunchRef, strict: bool) {
    let name = launch.name().unwrap_or_default();
    let key = if matches!(launch, LaunchRef::Configuration(_)) {
        configuration_key(name)
    } else {
        template_key(name)
    };
    plan.push(
        format!("launch-delete/{key}"),
        [""; 0],
        Sign::Remove,
        describe(&launch),
        GroupAction::DeleteLaunchObject { launch, strict },
    );
}

/// Plans to delete the launch configuration of that name, else the launch template; the environment does not matter.
///
/// # Errors
/// There is neither; a group uses the template, which AWS would not refuse to delete.
pub async fn plan_delete_launch_object(aws: &Aws, name: &str) -> Result<Plan<GroupAction>> {
    if name.is_empty() {
        return Err(Error::refused(
            "no name of a launch template or launch configuration is given",
        ));
    }
    let wanted = [name.to_owned()];
    let (found, id) = tokio::try_join!(configurations(aws, Some(&wanted)), async {
        Ok(template_id(aws, name).await?)
    })?;
    let mut plan = Plan::default();
    if !found.is_empty() {
        push_deletion(&mut plan, LaunchRef::Configuration(name.to_owned()), true);
        return Ok(plan);
    }
    let Some(id) = id else {
        return Err(Error::not_found(format!(
            "launch configuration or launch template `{name}` not found in {}",
            aws.region()
        ))
        .with_hint("`disco_autoscale listconfigs` shows those of an environment"));
    };
    let template = LaunchObject {
        name: name.to_owned(),
        kind: LaunchObjectKind::Template,
        id: Some(id),
        image_id: None,
    };
    if template.is_used(&launch_usage(aws).await?) {
        let problem = format!("launch template `{name}` is used by a group");
        let hint =
            "delete or update the group first; AWS would delete the template and break the group";
        return Err(Error::refused(problem).with_hint(hint));
    }
    push_deletion(&mut plan, template.reference(), true);
    Ok(plan)
}

#[cfg(test)]
mod tests;
