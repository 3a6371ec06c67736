//! The image of a bake: made from the stopped machine, tagged in the creating call, waited for (spec 50, sections 3.2 and 5.5).

use super::options::Options;
use crate::aws::{Aws, AwsError, Context, Tags, ec2_tags, tag_specification};
use crate::error::{Error, Result};
use crate::image::Image;
use crate::names::tag;
use aws_sdk_ec2::types::{Filter, ResourceType};
use std::time::Duration;

const PAUSE: Duration = Duration::from_secs(5);
/// What AWS answers for a name that an image has.
const TAKEN: &str = "InvalidAMIName.Duplicate";
/// How long an image that was just made may not be listed.
const UNSEEN: Duration = Duration::from_secs(30);

/// Who makes an image, and by which bake.
#[derive(Debug, Clone, Copy)]
pub(super) struct Maker<'a> {
    pub(super) baker: &'a str,
    pub(super) version: &'a str,
    /// Tells the image of this bake from others of its name.
    pub(super) bake_id: &'a str,
}

/// Tags of the image. What a bake says itself cannot be said otherwise by `--tag`.
pub(super) fn tags(
    options: &Options,
    source: &str,
    maker: Maker<'_>,
    private: bool,
    more: &[(String, String)],
) -> Tags {
    let mut tags: Tags = more.iter().cloned().collect();
    let own = [
        (tag::HOSTCLASS, Some(options.hostclass.as_str())),
        (tag::STAGE, Some(options.stage.as_str())),
        (tag::SOURCE_AMI, Some(source)),
        (tag::BAKER, Some(maker.baker)),
        (tag::VERSION_ASIAQ, Some(maker.version)),
        (tag::BAKE_ID, Some(maker.bake_id)),
        (
            tag::IS_PRIVATE,
            Some(if private { "True" } else { "False" }),
        ),
        (tag::PRODUCT_LINE, options.product_line.as_deref()),
    ];
    let own = own
        .into_iter()
        .filter_map(|(key, value)| Some((key, value?)));
    tags.extend(own.map(|(key, value)| (key.to_owned(), value.to_owned())));
    tags
}

/// Tags of the image's snapshots. Those of data are known by hostclass and environment, so these have neither, nor what
/// `--tag` says.
fn snapshot_tags(name: &str, tags: &Tags) -> Tags {
    let version = tags.get(tag::VERSION_ASIAQ).cloned().unwrap_or_default();
    [
        (tag::NAME, name.to_owned()),
        (tag::BAKE_IMAGE, name.to_owned()),
        (tag::VERSION_ASIAQ, version),
    ]
    .map(|(key, value)| (key.to_owned(), value))
    .into()
}

/// Makes the image; gives its id. A call that is repeated because its answer was lost finds the image of the first one.
pub(super) async fn create(aws: &Aws, machine: &str, name: &str, tags: &Tags) -> Result<String> {
    let call = aws.ec2().create_image().instance_id(machine).name(name);
    let call = call.no_reboot(true);
    let of_snapshots = snapshot_tags(name, tags);
    let answer = call
        .tag_specifications(tag_specification(ResourceType::Image, tags))
        .tag_specifications(tag_specification(ResourceType::Snapshot, &of_snapshots))
        .send()
        .await
        .context("ec2:CreateImage", name);
    let answer = match answer {
        Err(error) if error.is(TAKEN) => {
            return match made(aws, name, tags).await? {
                Some(id) => Ok(id),
                None => Err(error.into()),
            };
        }
        other => other?,
    };
    let missing = || AwsError::incomplete("ec2:CreateImage", name, "imageId");
    Ok(answer.image_id.ok_or_else(missing)?)
}

/// The image of that name that this very bake has made.
async fn made(aws: &Aws, name: &str, tags: &Tags) -> Result<Option<String>> {
    let id = tags.get(tag::BAKE_ID);
    let look = async || {
        let own = |image: &Image| {
            image.name == name && id.is_some() && image.tags.get(tag::BAKE_ID) == id
        };
        let found = find(aws, "name", name).await?;
        Ok::<_, Error>(found.into_iter().find(own))
    };
    match aws.poll.until("", PAUSE, UNSEEN, look).await {
        Err(Error::Timeout { .. }) => Ok(None),
        other => Ok(Some(other?.id)),
    }
}

/// Waits until it is available and has its tags.
pub(super) async fn wait(aws: &Aws, id: &str, tags: &Tags, limit: Duration) -> Result<()> {
    let mut tagged = false;
    let what = format!("waiting for image {id} to become available");
    let look = async || {
        let Some(image) = read(aws, id).await? else {
            return Ok(None);
        };
        if !tagged {
            complete_tags(aws, &image, tags).await?;
            tagged = true;
        }
        match image.state.as_str() {
            "available" => Ok::<_, Error>(Some(())),
            "failed" | "invalid" | "error" | "deregistered" => {
                Err(Error::refused(format!("image {id} is {}", image.state)))
            }
            _ => Ok(None),
        }
    };
    aws.poll.until(&what, PAUSE, limit, look).await
}

async fn read(aws: &Aws, id: &str) -> Result<Option<Image>> {
    let found = find(aws, "image-id", id).await?;
    Ok(found.into_iter().find(|image| image.id == id))
}

/// Our images with that value of a filter.
async fn find(aws: &Aws, key: &str, value: &str) -> Result<Vec<Image>> {
    let filter = Filter::builder().name(key).values(value).build();
    let call = aws.ec2().describe_images().owners("self").filters(filter);
    let answer = call.send().await.context("ec2:DescribeImages", value)?;
    let found = answer.images.unwrap_or_default().into_iter();
    Ok(found.filter_map(Image::from_sdk).collect())
}

/// Adds tags that the creating call did not set.
async fn complete_tags(aws: &Aws, image: &Image, tags: &Tags) -> Result<()> {
    let lacks = |(key, value): &(&String, &String)| image.tags.get(*key) != Some(*value);
    let missing: Tags = tags
        .iter()
        .filter(lacks)
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let call = aws.ec2().create_tags().resources(&image.id);
    let done = call.set_tags(Some(ec2_tags(&missing))).send().await;
    done.context("ec2:CreateTags", &image.id)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn snapshots_of_images_do_not_look_like_data() {
        let pairs = [
            (tag::HOSTCLASS, "mhca"),
            (tag::SNAPSHOT_ENVIRONMENT, "ci"),
            (tag::VERSION_ASIAQ, "7"),
        ];
        let tags: Tags = pairs
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into();
        let own = snapshot_tags("mhca 1", &tags);
        let own: Vec<String> = own.iter().map(|(k, v)| format!("{k}={v}")).collect();
        assert_eq!(own, ["Name=mhca 1", "bake_image=mhca 1", "version-asiaq=7"]);
    }
}
