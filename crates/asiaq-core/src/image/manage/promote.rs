//! Stages of images, and sharing those that reach the last one (spec 50, sections 10.1 to 10.3).

use super::action::{Executor, ImageAction};
use super::permissions::{is_in_production, permitted};
use crate::aws::Aws;
use crate::config::DiscoAws;
use crate::error::{Error, Result};
use crate::image::{self, Image, Trusted};
use crate::names::tag;
use crate::plan::{Apply, Plan, Sign};
use std::collections::BTreeSet;

/// What a promotion did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Promotion {
    /// The stage.
    pub stage: String,
    /// Accounts that it was shared with; none if it had been shared with all of them before.
    pub shared_with: Vec<String>,
    /// Why it could not be shared. The stage is set all the same, and the error has been logged.
    pub not_shared: Option<String>,
}

/// Sets the stage of an image; one that reaches the last stage and was baked by `prod_baker` is shared with the production
/// accounts. That this is refused is part of the answer.
///
/// # Errors
/// The stage is not one of `ami_stages` (nothing is changed); AWS refuses to set it.
pub async fn set_stage(
    aws: &Aws,
    config: &DiscoAws,
    image: &Image,
    stage: &str,
) -> Result<Promotion> {
    let mut promotion = Promotion {
        stage: stage.to_owned(),
        shared_with: Vec::new(),
        not_shared: None,
    };
    let executor = Executor { aws };
    for change in plan_promotion(aws, config, image, stage, false)
        .await?
        .changes()
    {
        let done = executor.apply(change).await;
        match (&change.action, done) {
            (ImageAction::Share { accounts, .. }, Ok(())) => {
                promotion.shared_with.clone_from(accounts);
            }
            (ImageAction::Share { .. }, Err(error)) => {
                let id = &image.id;
                tracing::error!("image {id} is {stage}, but it could not be shared: {error}");
                promotion.not_shared = Some(error.to_string());
            }
            (_, done) => done?,
        }
    }
    Ok(promotion)
}

/// The image to promote, whoever owns it.
///
/// # Errors
/// AWS does not show it.
pub async fn locate(aws: &Aws, id: &str) -> Result<Image> {
    image::any_by_id(aws, id).await.map_err(|error| {
        let cause = match &error {
            Error::Aws(own) if own.code.as_deref().is_none_or(|code| !is_unknown(code)) => {
                format!(" {error}")
            }
            _ => String::new(),
        };
        let text = format!("Could not locate image {id}.{cause}");
        let hint = error.hint();
        let hint = hint.unwrap_or_else(|| "`disco_bake listamis` lists the images".to_owned());
        Error::not_found(text).with_hint(hint)
    })
}

/// Codes that say no more than that the image is not there.
fn is_unknown(code: &str) -> bool {
    code.starts_with("InvalidAMIID")
}

/// Plans the stage of an image, and sharing it: if `to_prod`, else by the rule of `prod_baker`. What is so already is left out.
///
/// # Errors
/// The stage is not one of `ami_stages`.
pub async fn plan_promotion(
    aws: &Aws,
    config: &DiscoAws,
    image: &Image,
    stage: &str,
    to_prod: bool,
) -> Result<Plan<ImageAction>> {
    let stages = config.ami_stages()?;
    check_stage(&stages, stage)?;
    let baker = config.bake_option(None, "prod_baker")?;
    let baker = baker.as_ref().map_or("", |found| found.value.trim());
    let mut plan = Plan::default();
    if image.stage() != Some(stage) {
        let old = image.stage().unwrap_or("none");
        let line = format!(
            "image {} ({}): stage {old} -> {stage}",
            image.id, image.name
        );
        let action = ImageAction::SetStage {
            image: image.id.clone(),
            stage: stage.to_owned(),
        };
        plan.push(stage_change(image), [""; 0], Sign::Modify, line, action);
    }
    if to_prod || reaches_production(&stages, stage, baker, image) {
        let sharing = plan_sharing(aws, image, &config.prod_account_ids()?).await;
        plan.extend(sharing.after(&[stage_change(image)]));
    }
    Ok(plan)
}

/// Plans to share the latest image of the last stage of a hostclass with the production accounts.
///
/// # Errors
/// There is none.
pub async fn plan_hostclass_promotion(
    aws: &Aws,
    config: &DiscoAws,
    hostclass: &str,
) -> Result<(Image, Plan<ImageAction>)> {
    let trusted = Trusted::new(&config.trusted_account_ids()?);
    let accounts = config.prod_account_ids()?;
    let last: Vec<String> = config.ami_stages()?.pop().into_iter().collect();
    let found = image::find(aws, &trusted, hostclass, &last, false).await?;
    let image = found.ok_or_else(|| {
        let stage = last.join(", ");
        Error::not_found(format!(
            "hostclass {hostclass} has no image of stage {stage} that is not private"
        ))
        .with_hint(format!(
            "`disco_bake listamis --hostclass {hostclass}` lists its images"
        ))
    })?;
    let plan = plan_sharing(aws, &image, &accounts).await;
    Ok((image, plan))
}

fn stage_change(image: &Image) -> String {
    format!("stage/{}", image.id)
}

/// Pure: whether the stage is one.
fn check_stage(stages: &[String], stage: &str) -> Result<()> {
    if stages.iter().any(|known| known == stage) {
        return Ok(());
    }
    let text = format!("Unknown ami stage: {stage}, check config option 'ami_stages'");
    Err(Error::refused(text).with_hint(format!("the stages are {}", stages.join(", "))))
}

/// Pure: the rule of `prod_baker` (spec 50, section 10.3).
fn reaches_production(stages: &[String], stage: &str, prod_baker: &str, image: &Image) -> bool {
    let baker = image.tags.get(tag::BAKER).map(String::as_str);
    stages.last().map(String::as_str) == Some(stage)
        && !prod_baker.is_empty()
        && baker == Some(prod_baker)
}

/// Plans sharing. Permissions are read only if the image says that it has been shared with all of the accounts; what cannot be
/// read is done again, which changes nothing then.
async fn plan_sharing(aws: &Aws, image: &Image, accounts: &[String]) -> Plan<ImageAction> {
    let mut known = BTreeSet::new();
    if is_tagged_as_shared(image, accounts) {
        match permitted(aws, &image.id).await {
            Ok(own) if is_in_production(accounts, &own) => return Plan::default(),
            Ok(own) => known = own,
            Err(error) => tracing::debug!("launch permissions are not known: {error}"),
        }
    }
    sharing(image, accounts, &known)
}

fn is_tagged_as_shared(image: &Image, accounts: &[String]) -> bool {
    image.tags.get(tag::SHARED_WITH) == Some(&accounts.join(","))
}

/// Pure. One line per account that may not launch it yet; without accounts what is left is a tag that says so.
fn sharing(image: &Image, accounts: &[String], permitted: &BTreeSet<String>) -> Plan<ImageAction> {
    let named = format!("image {} ({})", image.id, image.name);
    let new = accounts.iter().filter(|own| !permitted.contains(*own));
    let mut lines: Vec<String> = new
        .map(|account| format!("launch permission of {named} for {account}"))
        .collect();
    if lines.is_empty() {
        let with = match accounts {
            [] => "nobody: [bake] prod_account_ids names no account".to_owned(),
            accounts => accounts.join(", "),
        };
        lines.push(format!("note that {named} is shared with {with}"));
    }
    let action = ImageAction::Share {
        image: Box::new(image.clone()),
        accounts: accounts.to_vec(),
    };
    let mut plan = Plan::default();
    let id = format!("share/{}", image.id);
    plan.push(id, [""; 0], Sign::Add, lines, action);
    plan
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use crate::image::tests::image;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    fn baked_by(baker: Option<&str>) -> Image {
        let mut own = image("mhca 1700000000", Some("untested"), None, "available");
        if let Some(baker) = baker {
            own.tags.insert(tag::BAKER.into(), baker.into());
        }
        own
    }

    #[test]
    fn the_rule_of_the_production_baker() {
        let three = "untested failed tested";
        let table = [
            (three, "tested", "jenkins", Some("jenkins"), true),
            (three, "tested", "jenkins", Some("ann"), false),
            (three, "tested", "jenkins", None, false),
            (three, "tested", "", Some(""), false),
            (three, "failed", "jenkins", Some("jenkins"), false),
            (three, "untested", "jenkins", Some("jenkins"), false),
            ("new good final", "final", "jenkins", Some("jenkins"), true),
            (
                "new tested final",
                "tested",
                "jenkins",
                Some("jenkins"),
                false,
            ),
        ];
        for (stages, stage, prod_baker, baker, wanted) in table {
            let own = baked_by(baker);
            assert_eq!(
                reaches_production(&words(stages), stage, prod_baker, &own),
                wanted,
                "{stages}: {stage} {prod_baker} {baker:?}"
            );
        }
    }

    #[test]
    fn only_configured_stages() {
        check_stage(&words("untested tested"), "tested").unwrap();
        let error = check_stage(&words("untested tested"), "failed").unwrap_err();
        assert_eq!(
            (error.to_string().as_str(), error.hint().as_deref()),
            (
                "Unknown ami stage: failed, check config option 'ami_stages'",
                Some("the stages are untested, tested")
            )
        );
    }

    #[test]
    fn a_line_for_each_account_that_is_new() {
        let own = baked_by(None);
        let lines = |accounts: &str, permitted: &str| {
            let permitted = words(permitted).into_iter().collect();
            sharing(&own, &words(accounts), &permitted).lines()
        };
        let permission = "+ launch permission of image ami-mhca-1700000000 (mhca 1700000000) for";
        assert_eq!(
            lines("1 2", ""),
            [format!("{permission} 1"), format!("{permission} 2")]
        );
        assert_eq!(lines("1 2", "1 3"), [format!("{permission} 2")]);
        let noted = "+ note that image ami-mhca-1700000000 (mhca 1700000000) is shared with nobody: [bake] \
             prod_account_ids names no account";
        assert_eq!(lines("", ""), [noted]);
        let mut shared = own.clone();
        shared.tags.insert(tag::SHARED_WITH.into(), "1,2".into());
        assert!(is_tagged_as_shared(&shared, &words("1 2")));
        assert!(!is_tagged_as_shared(&shared, &words("1")));
        assert!(!is_tagged_as_shared(&own, &[]));
    }
}
