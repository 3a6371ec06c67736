//! Deleting images with their snapshots: the plan, and `deleteami` (spec 50, section 10.7).

use super::action::ImageAction;
use super::users::{ImageUsers, users};
use crate::aws::Aws;
use crate::error::{Error, Result};
use crate::image::{self, Image};
use crate::plan::{Plan, Sign};
use crate::spotinst::Spotinst;
use std::collections::BTreeMap;

/// The deletion of an image, and what the operator should know about it.
#[derive(Debug)]
pub struct Deletion {
    /// The changes.
    pub plan: Plan<ImageAction>,
    /// What uses the image that is deleted all the same.
    pub warnings: Vec<String>,
}

/// Plans to delete an image and its snapshots. One that is in use only with `force`. `accounts`: all of Spotinst that are known,
/// none if it is disabled.
///
/// # Errors
/// EC2 does not know the image; it is in use, or may be, and `force` is not given.
pub async fn plan_delete(
    aws: &Aws,
    accounts: &[Spotinst],
    id: &str,
    force: bool,
) -> Result<Deletion> {
    let accounts: Vec<&Spotinst> = accounts.iter().collect();
    let ids = [id.to_owned()];
    let (image, users) = tokio::try_join!(image::any_by_id(aws, id), users(aws, &accounts, &ids))?;
    delete(&image, &users, force)
}

/// Pure.
fn delete(image: &Image, users: &ImageUsers, force: bool) -> Result<Deletion> {
    let named = format!("image {} ({})", image.id, image.name);
    let hidden = users.is_unseen(image);
    let reason = match users.of(image) {
        Some(users) => Some(format!("{named} is in use by {users}")),
        None if hidden => Some(format!(
            "{named} may be in use: Elastigroups of {} cannot be seen",
            image.hostclass()
        )),
        None => None,
    };
    let warnings: Vec<String> = reason.into_iter().collect();
    if let (Some(reason), false) = (warnings.first(), force) {
        let first = match hidden {
            true => "set SPOTINST_TOKEN, so that Elastigroups are seen; ",
            false => "",
        };
        return Err(Error::refused(reason).with_hint(format!(
            "{first}with `--force` it is deleted all the same: hosts that run go on, but no new ones can start from it"
        )));
    }
    Ok(Deletion {
        plan: plan(std::slice::from_ref(image)),
        warnings,
    })
}

/// Plans to deregister images and to delete their snapshots, each when all of these images that are made of it are gone. Pure.
pub(super) fn plan(images: &[Image]) -> Plan<ImageAction> {
    let mut plan = Plan::default();
    let change = |image: &Image| format!("image/{}", image.id);
    let mut snapshots: BTreeMap<&str, Vec<&Image>> = BTreeMap::new();
    for image in images {
        let line = format!("image {} ({})", image.id, image.name);
        let action = ImageAction::Deregister(image.id.clone());
        plan.push(change(image), [""; 0], Sign::Remove, line, action);
        for id in image
            .devices
            .iter()
            .filter_map(|d| d.snapshot_id.as_deref())
        {
            snapshots.entry(id).or_default().push(image);
        }
    }
    for (id, of) in snapshots {
        let names: Vec<&str> = of.iter().map(|image| image.id.as_str()).collect();
        let line = format!("snapshot {id} of {}", names.join(", "));
        let action = ImageAction::DeleteSnapshot(id.to_owned());
        let needs: Vec<String> = of.iter().map(|image| change(image)).collect();
        plan.push(format!("snapshot/{id}"), needs, Sign::Remove, line, action);
    }
    plan
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use crate::image::ImageDevice;
    use crate::image::tests::image;
    use std::collections::BTreeSet;

    fn made_of(name: &str, snapshots: &[&str]) -> Image {
        let mut own = image(name, Some("tested"), None, "available");
        own.devices = snapshots
            .iter()
            .map(|id| ImageDevice {
                name: "/dev/xvda".into(),
                size: None,
                snapshot_id: Some((*id).to_owned()).filter(|id| !id.is_empty()),
            })
            .collect();
        own
    }

    #[test]
    fn all_snapshots_go_after_all_their_images() {
        let images = [
            made_of("mhca 1", &["snap-1", "snap-both", ""]),
            made_of("mhca 2", &["snap-both"]),
        ];
        let plan = plan(&images);
        assert_eq!(
            plan.lines(),
            [
                "- image ami-mhca-1 (mhca 1)",
                "- image ami-mhca-2 (mhca 2)",
                "- snapshot snap-1 of ami-mhca-1",
                "- snapshot snap-both of ami-mhca-1, ami-mhca-2",
            ]
        );
        let needs: Vec<&[String]> = plan.changes().iter().map(|c| &c.needs[..]).collect();
        assert!(needs[0].is_empty() && needs[1].is_empty());
        assert_eq!(needs[2], ["image/ami-mhca-1"]);
        assert_eq!(needs[3], ["image/ami-mhca-1", "image/ami-mhca-2"]);
    }

    #[test]
    fn what_is_in_use_goes_by_force_alone() {
        let own = made_of("mhca 1", &[]);
        let users = |used: bool, unseen: &[&str]| ImageUsers {
            by_id: used
                .then(|| (own.id.clone(), BTreeSet::from(["Elastigroup e".to_owned()])))
                .into_iter()
                .collect(),
            unseen: unseen.iter().map(|own| (*own).to_owned()).collect(),
        };
        let free = delete(&own, &users(false, &["mhcb"]), false).unwrap();
        assert!(free.warnings.is_empty() && free.plan.lines().len() == 1);
        let table = [
            (
                users(true, &[]),
                "image ami-mhca-1 (mhca 1) is in use by Elastigroup e",
                "with `--force`",
            ),
            (
                users(false, &["mhca"]),
                "image ami-mhca-1 (mhca 1) may be in use: Elastigroups of mhca cannot be seen",
                "set SPOTINST_TOKEN",
            ),
        ];
        for (users, told, hint) in table {
            let error = delete(&own, &users, false).unwrap_err();
            assert_eq!(error.to_string(), told);
            assert!(error.hint().unwrap().starts_with(hint));
            let forced = delete(&own, &users, true).unwrap();
            assert_eq!(forced.warnings, [told]);
            assert_eq!(forced.plan.lines().len(), 1);
        }
    }
}
