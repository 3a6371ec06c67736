//! Who may launch an image, and whether that makes it an image of production (spec 50, section 10.3). Read only.

use crate::aws::{Aws, AwsError, Context};
use crate::error::Result;
use crate::image::Image;
use aws_sdk_ec2::types::ImageAttributeName;
use futures::future::join_all;
use std::collections::{BTreeMap, BTreeSet};

/// What AWS answers if the image is not ours, or is gone: that is nothing to tell.
const NOT_OURS: [&str; 2] = ["AuthFailure", "InvalidAMIID.Unavailable"];

/// The accounts that may launch an image besides its owner.
pub(super) async fn permitted(aws: &Aws, image: &str) -> Result<BTreeSet<String>, AwsError> {
    let call = aws
        .ec2()
        .describe_image_attribute()
        .image_id(image)
        .attribute(ImageAttributeName::LaunchPermission);
    let answer = call
        .send()
        .await
        .context("ec2:DescribeImageAttribute", image)?;
    let accounts = answer.launch_permissions().iter();
    Ok(accounts
        .filter_map(|permission| permission.user_id().map(str::to_owned))
        .collect())
}

/// True if every production account may launch it; without production accounts always.
pub(super) fn is_in_production(accounts: &[String], permitted: &BTreeSet<String>) -> bool {
    accounts.iter().all(|account| permitted.contains(account))
}

/// Which images are in production, by id, and what the operator should know about the answer. An image of which AWS does not
/// tell who may launch it is not in production.
///
/// # Errors
/// AWS cannot be reached.
pub async fn production(
    aws: &Aws,
    images: &[Image],
    accounts: &[String],
) -> Result<(BTreeMap<String, bool>, Vec<String>)> {
    let read = images
        .iter()
        .map(async |image| (&image.id, permitted(aws, &image.id).await));
    let (mut found, mut untold) = (BTreeMap::new(), BTreeMap::new());
    for (id, answer) in join_all(read).await {
        let production = match answer {
            Ok(permitted) => is_in_production(accounts, &permitted),
            Err(error) => {
                let Some(code) = error.code.clone() else {
                    return Err(error.into());
                };
                if !NOT_OURS.contains(&code.as_str()) && !error.is_not_found() {
                    untold.entry(code).or_insert(error);
                }
                false
            }
        };
        found.insert(id.clone(), production);
    }
    let warning = |error: AwsError| {
        format!(
            "whether images are in production cannot be told, they are shown as non-prod: {error}"
        )
    };
    Ok((found, untold.into_values().map(warning).collect()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn all_production_accounts_must_be_permitted() {
        let table: [(&[&str], &[&str], bool); 6] = [
            (&[], &[], true),
            (&[], &["1"], true),
            (&["1"], &[], false),
            (&["1", "2"], &["1"], false),
            (&["1", "2"], &["2", "3", "1"], true),
            (&["2"], &["1", "2"], true),
        ];
        for (accounts, permitted, wanted) in table {
            let accounts: Vec<String> = accounts.iter().map(|a| (*a).to_owned()).collect();
            let own = permitted.iter().map(|a| (*a).to_owned()).collect();
            assert_eq!(
                is_in_production(&accounts, &own),
                wanted,
                "{accounts:?} {permitted:?}"
            );
        }
    }
}
