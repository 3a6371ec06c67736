//! Machine images: names and stages, finding the image of a hostclass, creation time, sharing.
//!
//! Baking is not here. Choosing among images is pure ([`best`], [`Image::has_stage`]); reading them is not.

pub mod bake;
mod find;
pub mod manage;
mod share;
pub mod template;

pub use find::{
    Trusted, Wanted, ages, any_by_id, by_ids, creation_times, find, matching, of_hostclasses,
    visible, wait_available,
};
pub use share::{share, shareable};

use crate::aws::{Tags, tags_of};
use crate::names::{self, tag};
use chrono::{DateTime, Utc};

/// A machine image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// AMI id.
    pub id: String,
    /// `<hostclass> <unix seconds>`.
    pub name: String,
    /// `pending`, `available`, `failed`, ….
    pub state: String,
    /// All tags.
    pub tags: Tags,
    /// Root device name.
    pub root_device: Option<String>,
    /// EBS devices of the image.
    pub devices: Vec<ImageDevice>,
    /// AWS' own creation date.
    pub creation_date: Option<DateTime<Utc>>,
}

/// An EBS device of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageDevice {
    /// Device name, such as `/dev/xvda`.
    pub name: String,
    /// Size in GB.
    pub size: Option<i32>,
    /// Its snapshot.
    pub snapshot_id: Option<String>,
}

impl Image {
    /// Hostclass: first word of the name.
    pub fn hostclass(&self) -> &str {
        names::hostclass_of_image(&self.name)
    }

    /// Unix seconds at the end of the name, 0 if there are none.
    pub fn timestamp(&self) -> i64 {
        names::timestamp_of_image(&self.name)
    }

    /// True if a bake gave it its name.
    pub fn is_baked(&self) -> bool {
        names::is_baked_image(&self.name)
    }

    /// Tag `stage`.
    pub fn stage(&self) -> Option<&str> {
        self.tags.get(tag::STAGE).map(String::as_str)
    }

    /// Tag `productline`.
    pub fn product_line(&self) -> Option<&str> {
        self.tags.get(tag::PRODUCT_LINE).map(String::as_str)
    }

    /// Tag `is_private` is exactly `True`.
    pub fn is_private(&self) -> bool {
        self.tags
            .get(tag::IS_PRIVATE)
            .is_some_and(|value| value == "True")
    }

    /// True if hosts can start from it, now or when AWS has finished it.
    pub fn is_usable(&self) -> bool {
        matches!(self.state.as_str(), "pending" | "available" | "transient")
    }

    /// True if the stage is in the list; an empty list takes any.
    pub fn has_stage(&self, stages: &[String]) -> bool {
        stages.is_empty()
            || self
                .stage()
                .is_some_and(|own| stages.iter().any(|stage| stage == own))
    }

    fn from_sdk(image: aws_sdk_ec2::types::Image) -> Option<Self> {
        let device = |m: &aws_sdk_ec2::types::BlockDeviceMapping| {
            let ebs = m.ebs()?;
            Some(ImageDevice {
                name: m.device_name()?.to_owned(),
                size: ebs.volume_size(),
                snapshot_id: ebs.snapshot_id().map(str::to_owned),
            })
        };
        Some(Self {
            id: image.image_id()?.to_owned(),
            name: image.name().unwrap_or_default().to_owned(),
            state: image
                .state()
                .map(|s| s.as_str().to_owned())
                .unwrap_or_default(),
            tags: tags_of(image.tags()),
            root_device: image.root_device_name().map(str::to_owned),
            devices: image
                .block_device_mappings()
                .iter()
                .filter_map(device)
                .collect(),
            creation_date: image
                .creation_date()
                .and_then(|text| DateTime::parse_from_rfc3339(text).ok())
                .map(|date| date.to_utc()),
        })
    }
}

/// The items of a comma separated list, without the blanks around them; empty items do not count.
pub fn comma_separated(text: &str) -> Vec<String> {
    let items = text.split(',').map(str::trim);
    let items = items.filter(|item| !item.is_empty());
    items.map(str::to_owned).collect()
}

/// The best image of a hostclass: best stage first, then the newest name, then API order (spec 50, section 3.4). Private
/// images count only if asked for; images that AWS gave up on never do.
pub fn best<'a>(
    images: &'a [Image],
    hostclass: &str,
    stages: &[String],
    include_private: bool,
) -> Option<&'a Image> {
    let priority = |image: &Image| {
        stages
            .iter()
            .position(|stage| Some(stage.as_str()) == image.stage())
            .unwrap_or(usize::MAX)
    };
    let usable = |image: &&Image| {
        image.hostclass() == hostclass
            && image.has_stage(stages)
            && (include_private || !image.is_private())
            && matches!(image.state.as_str(), "pending" | "available")
    };
    images
        .iter()
        .filter(usable)
        .min_by_key(|image| (priority(image), std::cmp::Reverse(image.timestamp())))
}

#[cfg(test)]
pub(crate) mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    /// An image with these tags.
    pub(crate) fn image(
        name: &str,
        stage: Option<&str>,
        private: Option<&str>,
        state: &str,
    ) -> Image {
        let pairs = [(tag::STAGE, stage), (tag::IS_PRIVATE, private)];
        Image {
            id: format!("ami-{}", name.replace(' ', "-")),
            name: name.into(),
            state: state.into(),
            tags: pairs
                .into_iter()
                .filter_map(|(k, v)| Some((k.to_owned(), v?.to_owned())))
                .collect(),
            root_device: None,
            devices: vec![],
            creation_date: None,
        }
    }

    #[test]
    fn blanks_in_lists_do_not_matter() {
        for (text, wanted) in [
            ("", vec![]),
            (" , ,", vec![]),
            ("a", vec!["a"]),
            (" a ,b , c d,", vec!["a", "b", "c d"]),
        ] {
            assert_eq!(comma_separated(text), wanted, "{text:?}");
        }
    }

    #[test]
    fn stage_order_beats_age_and_age_decides_within_a_stage() {
        let images = [
            image("mhcx 1700000300", Some("untested"), None, "available"),
            image("mhcx 1700000100", Some("tested"), None, "available"),
            image(
                "mhcx 1700000200",
                Some("tested"),
                Some("False"),
                "available",
            ),
            image("mhcx 1700000900", Some("failed"), None, "available"),
            image("mhcx 1700000950", Some("tested"), Some("True"), "available"),
            image("mhcx 1700000960", Some("tested"), None, "failed"),
            image("mhcxy 1700000970", Some("tested"), None, "available"),
            image("mhcx 1699999999", None, None, "pending"),
        ];
        let table = [
            ("tested,untested", false, Some("mhcx 1700000200")),
            ("untested,tested", false, Some("mhcx 1700000300")),
            ("tested", true, Some("mhcx 1700000950")),
            ("", false, Some("mhcx 1700000900")),
            ("nonesuch", false, None),
        ];
        for (list, private, expected) in table {
            assert_eq!(
                best(&images, "mhcx", &comma_separated(list), private).map(|i| i.name.as_str()),
                expected,
                "{list}"
            );
        }
        assert_eq!(best(&images, "mhc", &[], true), None);
    }
}
