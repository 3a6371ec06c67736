//! The content of launch templates and launch configurations as it is in AWS now. Read only; what a group refers to is
//! for `observed` to say.

use super::launch::LaunchSpec;
use super::record::LaunchRef;
use super::template::{spec_of_configuration, spec_of_template};
use super::template_copy::Source;
use crate::aws::{Aws, AwsError, Context, Pages};
use crate::error::Result;
use crate::names;
use aws_sdk_autoscaling::types::LaunchConfiguration;
use aws_sdk_ec2::types::{LaunchTemplateVersion, ResponseLaunchTemplateData};
use futures::future::try_join_all;
use std::collections::{BTreeMap, BTreeSet};

/// Up to so many templates are read one by one; more by a listing of all templates.
const FEW_TEMPLATES: usize = 8;
/// Largest page of template listings; the default is far smaller.
const TEMPLATE_PAGE: i32 = 200;
/// Launch configuration names in one call.
const NAMES_PER_CALL: usize = 50;
/// Version that a template yields if none is stated.
pub(super) const DEFAULT_VERSION: &str = "$Default";
/// The version that was made last.
pub(super) const LATEST_VERSION: &str = "$Latest";

/// The content of a launch object.
#[derive(Debug, Clone)]
pub(super) struct Launch {
    /// As far as Asiaq decides it.
    pub(super) spec: LaunchSpec,
    /// All of it.
    pub(super) source: Source,
}

/// The content of launch objects by [`LaunchRef::key`]. Objects that are gone, and launch configurations of other
/// environments, are left out.
pub(super) async fn launch_specs(
    aws: &Aws,
    env: &str,
    refs: &[LaunchRef],
) -> Result<BTreeMap<String, Launch>> {
    let (templates, configurations) = tokio::try_join!(
        template_specs(aws, refs),
        configuration_specs(aws, env, refs)
    )?;
    Ok(templates.into_iter().chain(configurations).collect())
}

async fn template_specs(aws: &Aws, refs: &[LaunchRef]) -> Result<Vec<(String, Launch)>> {
    let mut wanted: BTreeMap<String, &LaunchRef> = refs
        .iter()
        .filter(|r| matches!(r, LaunchRef::Template { .. }))
        .map(|r| (r.key(), r))
        .collect();
    let mut found = Vec::new();
    if wanted.len() > FEW_TEMPLATES {
        for version in default_versions(aws).await? {
            let key = wanted
                .iter()
                .find(|(_, launch)| is_version(launch, &version))
                .map(|(key, _)| key.clone());
            if let Some((key, data)) = key.zip(version.launch_template_data()) {
                wanted.remove(&key);
                found.push((key, launch_of_template(data)));
            }
        }
    }
    let single = wanted.into_iter().map(async |(key, launch)| {
        let data = template_data_of(aws, launch).await?;
        Ok::<_, AwsError>(data.map(|data| (key, launch_of_template(&data))))
    });
    found.extend(try_join_all(single).await?.into_iter().flatten());
    Ok(found)
}

/// The default version of every template of the region, in one paginated call.
pub(super) async fn default_versions(aws: &Aws) -> Result<Vec<LaunchTemplateVersion>> {
    all_templates(aws, &[DEFAULT_VERSION]).await
}

/// The default and the latest version of every template of the region, in one paginated call; one version may come twice.
pub(super) async fn default_and_latest_versions(aws: &Aws) -> Result<Vec<LaunchTemplateVersion>> {
    all_templates(aws, &[LATEST_VERSION, DEFAULT_VERSION]).await
}

/// These versions of one template; fewer if some are gone, none if the template is.
pub(super) async fn versions_of(
    aws: &Aws,
    id: &str,
    name: &str,
    numbers: &BTreeSet<i64>,
) -> Result<Vec<LaunchTemplateVersion>> {
    let (Some(least), Some(most)) = (numbers.first(), numbers.last()) else {
        return Ok(Vec::new());
    };
    // A range, because one version that is gone would fail a call that lists them.
    let call = aws
        .ec2()
        .describe_launch_template_versions()
        .min_version(least.to_string())
        .max_version(most.to_string())
        .max_results(TEMPLATE_PAGE);
    let call = if id.is_empty() {
        call.launch_template_name(name)
    } else {
        call.launch_template_id(id)
    };
    let pages = call.into_paginator().items().send();
    let resource = format!("launch template {name}");
    let found = match pages
        .all("ec2:DescribeLaunchTemplateVersions", &resource)
        .await
    {
        Err(error) if is_gone(&error) => Vec::new(),
        found => found?,
    };
    let wanted = |version: &LaunchTemplateVersion| {
        version
            .version_number()
            .is_some_and(|number| numbers.contains(&number))
    };
    Ok(found.into_iter().filter(wanted).collect())
}

async fn all_templates(aws: &Aws, versions: &[&str]) -> Result<Vec<LaunchTemplateVersion>> {
    let versions = versions.iter().map(|v| (*v).to_owned()).collect();
    let call = aws
        .ec2()
        .describe_launch_template_versions()
        .set_versions(Some(versions))
        .max_results(TEMPLATE_PAGE);
    Ok(call
        .into_paginator()
        .items()
        .send()
        .all("ec2:DescribeLaunchTemplateVersions", "all launch templates")
        .await?)
}

fn is_version(launch: &LaunchRef, found: &LaunchTemplateVersion) -> bool {
    let LaunchRef::Template { id, name, version } = launch else {
        return false;
    };
    let same = if id.is_empty() {
        found.launch_template_name() == Some(name)
    } else {
        found.launch_template_id() == Some(id)
    };
    same && (version == DEFAULT_VERSION
        || found
            .version_number()
            .is_some_and(|number| number.to_string() == *version))
}

fn launch_of_template(data: &ResponseLaunchTemplateData) -> Launch {
    Launch {
        spec: spec_of_template(data),
        source: Source::Template(Box::new(data.clone())),
    }
}

/// The content of one template version, as far as Asiaq decides it; `None` if template or version is gone.
pub(super) async fn template_spec(
    aws: &Aws,
    launch: &LaunchRef,
) -> Result<Option<LaunchSpec>, AwsError> {
    let data = template_data_of(aws, launch).await?;
    Ok(data.as_ref().map(spec_of_template))
}

/// The image of one template version; `None` if template or version is gone, or if this is no template.
pub async fn image_of(aws: &Aws, launch: &LaunchRef) -> Result<Option<String>> {
    let spec = template_spec(aws, launch).await?;
    Ok(spec.map(|spec| spec.image_id))
}

async fn template_data_of(
    aws: &Aws,
    launch: &LaunchRef,
) -> Result<Option<ResponseLaunchTemplateData>, AwsError> {
    let LaunchRef::Template { id, name, version } = launch else {
        return Ok(None);
    };
    let call = aws
        .ec2()
        .describe_launch_template_versions()
        .versions(version);
    let call = if id.is_empty() {
        call.launch_template_name(name)
    } else {
        call.launch_template_id(id)
    };
    let answer = match call.send().await.context(
        "ec2:DescribeLaunchTemplateVersions",
        format!("launch template {name}"),
    ) {
        Err(error) if is_gone(&error) => return Ok(None),
        other => other?,
    };
    Ok(answer
        .launch_template_versions()
        .first()
        .and_then(|v| v.launch_template_data())
        .cloned())
}

/// The id of the template of that name, if there is one.
pub(super) async fn template_id(aws: &Aws, name: &str) -> Result<Option<String>, AwsError> {
    let call = aws
        .ec2()
        .describe_launch_templates()
        .launch_template_names(name)
        .send();
    match call.await.context("ec2:DescribeLaunchTemplates", name) {
        Err(error) if is_gone(&error) => Ok(None),
        answer => Ok(answer?
            .launch_templates()
            .first()
            .and_then(|template| template.launch_template_id().map(str::to_owned))),
    }
}

/// True if AWS does not know the template, or not that version of it.
pub(super) fn is_gone(error: &AwsError) -> bool {
    error.is_not_found()
        || error.code.as_deref().is_some_and(|code| {
            code.starts_with("InvalidLaunchTemplate") && code.contains("NotFound")
        })
}

async fn configuration_specs(
    aws: &Aws,
    env: &str,
    refs: &[LaunchRef],
) -> Result<Vec<(String, Launch)>> {
    let name = |launch: &LaunchRef| match launch {
        LaunchRef::Configuration(name) if names::belongs_to(env, name, None) => Some(name.clone()),
        _ => None,
    };
    let wanted: BTreeSet<String> = refs.iter().filter_map(name).collect();
    let wanted: Vec<String> = wanted.into_iter().collect();
    let found = try_join_all(
        wanted
            .chunks(NAMES_PER_CALL)
            .map(|chunk| configurations(aws, Some(chunk))),
    )
    .await?;
    let pair = |c: &LaunchConfiguration| {
        let launch = LaunchRef::Configuration(c.launch_configuration_name()?.to_owned());
        let source = Source::Configuration(Box::new(c.clone()));
        let spec = spec_of_configuration(c);
        Some((launch.key(), Launch { spec, source }))
    };
    Ok(found.iter().flatten().filter_map(pair).collect())
}

/// Launch configurations: those of the names that exist, or all of the region.
pub(super) async fn configurations(
    aws: &Aws,
    names: Option<&[String]>,
) -> Result<Vec<LaunchConfiguration>> {
    let call = aws
        .autoscaling()
        .describe_launch_configurations()
        .set_launch_configuration_names(names.map(<[String]>::to_vec));
    let resource = names.map(|names| names.join(", ")).unwrap_or_default();
    Ok(call
        .into_paginator()
        .items()
        .send()
        .all("autoscaling:DescribeLaunchConfigurations", &resource)
        .await?)
}

#[cfg(test)]
pub(super) mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    pub(in crate::group) fn reference(id: &str, version: &str) -> LaunchRef {
        LaunchRef::Template {
            id: id.into(),
            name: format!("name-{id}"),
            version: version.into(),
        }
    }

    #[test]
    fn a_default_version_covers_references_to_it_by_number_or_as_default() {
        let found = LaunchTemplateVersion::builder()
            .launch_template_id("lt-1")
            .launch_template_name("name-lt-1")
            .version_number(2)
            .build();
        let by_name = LaunchRef::Template {
            id: String::new(),
            name: "name-lt-1".into(),
            version: "2".into(),
        };
        let table = [
            (reference("lt-1", "2"), true),
            (reference("lt-1", "$Default"), true),
            (reference("lt-1", "1"), false),
            (reference("lt-1", "$Latest"), false),
            (reference("lt-2", "2"), false),
            (by_name, true),
            (LaunchRef::None, false),
        ];
        for (launch, wanted) in table {
            assert_eq!(is_version(&launch, &found), wanted, "{launch:?}");
        }
    }
}
