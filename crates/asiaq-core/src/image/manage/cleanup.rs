//! `cleanupamis`: which images of a stage nobody needs any more (spec 50, section 10.8). The choice is pure.

use super::action::ImageAction;
use super::delete;
use super::listing::{ImageRow, rows};
use super::users::{ImageUsers, users};
use crate::aws::Aws;
use crate::error::Result;
use crate::image::{self, Image, Trusted, Wanted};
use crate::plan::Plan;
use crate::spotinst::Spotinst;
use chrono::{DateTime, Utc};
use std::collections::{BTreeMap, BTreeSet};

/// States of images that will never be available.
const GIVEN_UP: [&str; 3] = ["failed", "invalid", "error"];

/// The rules of one clean-up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// Only images of this stage.
    pub stage: String,
    /// Only images of this product line.
    pub product_line: Option<String>,
    /// Only images of this hostclass.
    pub hostclass: Option<String>,
    /// So many of each hostclass stay, the newest ones that can be used.
    pub keep: u32,
    /// Only images older than so many days.
    pub age: u32,
    /// Images that stay; they do not count as kept ones.
    pub excluded: BTreeSet<String>,
}

/// What a clean-up deletes.
#[derive(Debug)]
pub struct Cleanup {
    /// The images, oldest first.
    pub rows: Vec<ImageRow>,
    /// Images that the rules choose and that stay, with the reason; sentences.
    pub kept: Vec<String>,
    /// The changes.
    pub plan: Plan<ImageAction>,
}

/// Applies the rules to our own images. Who uses images is read only if there is something to delete.
pub async fn plan_cleanup(aws: &Aws, accounts: &[Spotinst], rules: &Rules) -> Result<Cleanup> {
    let wanted = Wanted {
        stages: vec![rules.stage.clone()],
        product_line: rules.product_line.clone(),
        hostclass: rules.hostclass.clone(),
        ..Wanted::default()
    };
    let images = image::matching(aws, &Trusted::new(&[]), &wanted).await?;
    let now = Utc::now();
    let chosen = select(images, rules, now.timestamp());
    let ids: Vec<String> = chosen.iter().map(|image| image.id.clone()).collect();
    // Read after the images: what begins to use one in between is seen.
    let accounts: Vec<&Spotinst> = accounts.iter().collect();
    let users = users(aws, &accounts, &ids).await?;
    let (unused, kept) = spare(chosen, &users);
    let created: BTreeMap<String, DateTime<Utc>> = unused
        .iter()
        .filter_map(|own| {
            Some((
                own.id.clone(),
                DateTime::from_timestamp(own.timestamp(), 0)?,
            ))
        })
        .collect();
    Ok(Cleanup {
        rows: rows(&unused, &created, None, now),
        kept,
        plan: delete::plan(&unused),
    })
}

/// The images that the rules choose, oldest first. Those whose name does not say when they were made are never chosen, and do
/// not count. Neither do those that cannot be used: AWS has given up on some, which may be chosen, and others are on their way.
/// Pure.
pub fn select(images: Vec<Image>, rules: &Rules, now: i64) -> Vec<Image> {
    let known = |image: &Image| {
        image.stage() == Some(&rules.stage)
            && !rules.excluded.contains(&image.id)
            && image.is_baked()
            && image.timestamp() > 0
            && (is_usable(image) || GIVEN_UP.contains(&image.state.as_str()))
            && rules
                .hostclass
                .as_deref()
                .is_none_or(|own| own == image.hostclass())
            && (rules.product_line.is_none()
                || rules.product_line.as_deref() == image.product_line())
    };
    let mut images: Vec<Image> = images.into_iter().filter(known).collect();
    images.sort_by(|a, b| (a.timestamp(), &a.id).cmp(&(b.timestamp(), &b.id)));
    let mut newer: BTreeMap<String, u32> = BTreeMap::new();
    let limit = now.saturating_sub(i64::from(rules.age) * 86_400);
    // From the newest to the oldest: how many of the hostclass are newer.
    let mut surplus = |image: &Image| {
        let newer = newer.entry(image.hostclass().to_owned()).or_default();
        *newer = newer.saturating_add(1);
        *newer > rules.keep
    };
    let mut chosen: Vec<Image> = Vec::new();
    for image in images.into_iter().rev() {
        if (!is_usable(&image) || surplus(&image)) && image.timestamp() < limit {
            chosen.push(image);
        }
    }
    chosen.reverse();
    chosen
}

fn is_usable(image: &Image) -> bool {
    image.state == "available"
}

/// Divides images into those that nobody uses, and sentences about the others. Pure.
pub fn spare(chosen: Vec<Image>, users: &ImageUsers) -> (Vec<Image>, Vec<String>) {
    let (mut unused, mut kept, mut hidden) = (Vec::new(), Vec::new(), BTreeSet::new());
    for image in chosen {
        if let Some(users) = users.of(&image) {
            let (id, name) = (&image.id, &image.name);
            kept.push(format!("= ami {id} ({name}) is kept: in use by {users}"));
        } else if users.is_unseen(&image) {
            hidden.insert(image.hostclass().to_owned());
        } else {
            unused.push(image);
        }
    }
    kept.extend(hidden.into_iter().map(|hostclass| {
        format!(
            "= amis of {hostclass} are kept: Elastigroups that cannot be seen may start from them; set SPOTINST_TOKEN to clean them up"
        )
    }));
    (unused, kept)
}

#[cfg(test)]
mod tests;
