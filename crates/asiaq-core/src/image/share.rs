//! Sharing an image with the production accounts.

use super::Image;
use crate::aws::{Aws, Context, Tags, ec2_tags};
use crate::error::Result;
use crate::names::tag;
use aws_sdk_ec2::types::{LaunchPermission, LaunchPermissionModifications};

/// The images of final stage, of those given: only these are shared. Images without a stage are skipped.
pub fn shareable<'a>(images: &'a [Image], final_stage: &str) -> Vec<&'a Image> {
    images
        .iter()
        .filter(|image| image.stage() == Some(final_stage))
        .collect()
}

/// Grants launch permission to the accounts and notes them in the tag `shared_with_account_ids`. Without accounts only the
/// tag is set.
pub async fn share(aws: &Aws, image: &Image, accounts: &[String]) -> Result<()> {
    if !accounts.is_empty() {
        permit(aws, image, accounts).await?;
    }
    let tags = Tags::from([(tag::SHARED_WITH.to_owned(), accounts.join(","))]);
    aws.ec2()
        .create_tags()
        .resources(&image.id)
        .set_tags(Some(ec2_tags(&tags)))
        .send()
        .await
        .context("ec2:CreateTags", &image.id)?;
    Ok(())
}

async fn permit(aws: &Aws, image: &Image, accounts: &[String]) -> Result<()> {
    let permission = |account: &String| LaunchPermission::builder().user_id(account).build();
    let permissions = LaunchPermissionModifications::builder()
        .set_add(Some(accounts.iter().map(permission).collect()))
        .build();
    let call = aws
        .ec2()
        .modify_image_attribute()
        .image_id(&image.id)
        .launch_permission(permissions);
    call.send()
        .await
        .context("ec2:ModifyImageAttribute", &image.id)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::tests::image;
    use super::*;

    #[test]
    fn only_the_final_stage_is_shared() {
        let images = [
            image("mhca 1", Some("tested"), None, "available"),
            image("mhcb 1", Some("untested"), None, "available"),
            image("mhcc 1", None, None, "available"),
        ];
        let names = |stage: &str| -> Vec<String> {
            shareable(&images, stage)
                .iter()
                .map(|image| image.name.clone())
                .collect()
        };
        assert_eq!(names("tested"), ["mhca 1"]);
        assert_eq!(names(""), [""; 0]);
    }
}
