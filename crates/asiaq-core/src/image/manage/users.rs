//! What uses images: instances, and all that new instances start from. Read only.

use crate::aws::{Aws, Pages};
use crate::error::Result;
use crate::group::{self, LaunchUsers};
use crate::image::Image;
use crate::spotinst::Spotinst;
use aws_sdk_ec2::types::Filter;
use futures::future::try_join_all;
use std::collections::{BTreeMap, BTreeSet};

/// AWS takes at most 200 values per filter.
const FILTER_VALUES: usize = 200;
/// Instances per page.
const PAGE: i32 = 500;
/// States of instances that need their image: it is what a stopped one was made of, too.
const USING: [&str; 4] = ["pending", "running", "stopping", "stopped"];
/// So many users of an image are named.
const NAMED: usize = 4;

/// Who uses images.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImageUsers {
    /// Image id → what uses it, such as `launch template ci_mhcdb_12 of group ci_mhcdb_1700000000`.
    pub by_id: BTreeMap<String, BTreeSet<String>>,
    /// Hostclasses of Elastigroups of which nobody can see what they start from.
    pub unseen: BTreeSet<String>,
}

/// Reads what uses these images, everything at the same time. `accounts`: all of Spotinst that are known, none if it is disabled.
pub(super) async fn users(aws: &Aws, accounts: &[&Spotinst], ids: &[String]) -> Result<ImageUsers> {
    if ids.is_empty() {
        return Ok(ImageUsers::default());
    }
    let (launches, instances) =
        tokio::try_join!(group::image_users(aws, accounts), instances(aws, ids))?;
    Ok(ImageUsers::new(launches, instances))
}

/// Id and image of the instances that are made of these images.
async fn instances(aws: &Aws, ids: &[String]) -> Result<Vec<(String, String)>> {
    let states = Filter::builder()
        .name("instance-state-name")
        .set_values(Some(USING.map(str::to_owned).to_vec()))
        .build();
    let states = &states;
    let calls = ids.chunks(FILTER_VALUES).map(|chunk| async move {
        let images = Filter::builder()
            .name("image-id")
            .set_values(Some(chunk.to_vec()))
            .build();
        let call = aws
            .ec2()
            .describe_instances()
            .filters(images)
            .filters(states.clone())
            .max_results(PAGE);
        let pages = call.into_paginator().items().send();
        pages
            .all("ec2:DescribeInstances", "instances made of the images")
            .await
    });
    let found = try_join_all(calls).await?;
    let instances = found.iter().flatten().flat_map(|own| own.instances());
    Ok(instances
        .filter_map(|own| Some((own.instance_id()?.to_owned(), own.image_id()?.to_owned())))
        .collect())
}

impl ImageUsers {
    fn new(launches: LaunchUsers, instances: Vec<(String, String)>) -> Self {
        let mut by_id = launches.by_id;
        for (instance, image) in instances {
            let users = by_id.entry(image).or_default();
            users.insert(format!("instance {instance}"));
        }
        Self {
            by_id,
            unseen: launches
                .unseen
                .into_iter()
                .map(|(class, _)| class)
                .collect(),
        }
    }

    /// Who uses an image, if anybody does: a few by name, groups before instances.
    pub fn of(&self, image: &Image) -> Option<String> {
        let users = self
            .by_id
            .get(&image.id)
            .filter(|users| !users.is_empty())?;
        let (instances, others): (Vec<&str>, Vec<&str>) = users
            .iter()
            .map(String::as_str)
            .partition(|user| user.starts_with("instance "));
        let named = others.iter().chain(&instances).take(NAMED);
        let mut text = named.copied().collect::<Vec<_>>().join(", ");
        if users.len() > NAMED {
            text += &format!(" and {} more", users.len() - NAMED);
        }
        Some(text)
    }

    /// True if Elastigroups that cannot be seen run the hostclass of the image.
    pub fn is_unseen(&self, image: &Image) -> bool {
        self.unseen.contains(image.hostclass())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use crate::image::tests::image;

    #[test]
    fn groups_are_named_before_instances_and_not_all_of_them() {
        let own = image("mhca 1", None, None, "available");
        let launches = |users: &[&str]| LaunchUsers {
            by_id: BTreeMap::from([(
                own.id.clone(),
                users.iter().map(|user| (*user).to_owned()).collect(),
            )]),
            unseen: BTreeSet::from([("mhcs".to_owned(), "ci".to_owned())]),
        };
        let instance = |number: usize| (format!("i-{number}"), own.id.clone());
        let table = [
            (ImageUsers::new(launches(&[]), vec![]), None),
            (
                ImageUsers::new(launches(&["launch template t"]), vec![instance(1)]),
                Some("launch template t, instance i-1"),
            ),
            (
                ImageUsers::new(
                    launches(&["Elastigroup e"]),
                    (1..=9).map(instance).collect(),
                ),
                Some("Elastigroup e, instance i-1, instance i-2, instance i-3 and 6 more"),
            ),
        ];
        for (users, wanted) in table {
            assert_eq!(users.of(&own).as_deref(), wanted);
            assert!(!users.is_unseen(&own));
            assert!(users.is_unseen(&image("mhcs 1", None, None, "available")));
        }
    }
}
