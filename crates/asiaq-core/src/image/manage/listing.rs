//! `listamis` and `listlatestami`: which images are asked for, and their rows with every column (spec 50, sections 4.1, 10.4 and
//! 10.5).

use super::permissions::production;
use crate::aws::{Aws, Context};
use crate::error::{Error, Result};
use crate::image::{self, Image, Trusted, Wanted};
use crate::names::{self, tag};
use chrono::{DateTime, Utc};
use serde::Serialize;
use std::collections::BTreeMap;

/// Columns that have a place of their own.
const OWN_COLUMNS: [&str; 2] = [tag::STAGE, tag::PRODUCT_LINE];

/// One image as listings show it. The field names are the JSON keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ImageRow {
    /// AMI id.
    pub id: String,
    /// Full name.
    pub name: String,
    /// First word of the name.
    pub hostclass: String,
    /// When it was made, UTC.
    pub created: Option<String>,
    /// State.
    pub state: String,
    /// Tag `stage`.
    pub stage: Option<String>,
    /// Tag `productline`.
    pub productline: Option<String>,
    /// Whole hours since it was made.
    pub age_hours: Option<i64>,
    /// `prod` if all production accounts may launch it, else `non-prod`; absent if that was not asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub production: Option<&'static str>,
    /// True if nothing chooses it by itself.
    pub private: bool,
    /// All other tags.
    pub tags: BTreeMap<String, String>,
}

/// The rows of images, in their order. `created` are their creation times by id.
pub fn rows(
    images: &[Image],
    created: &BTreeMap<String, DateTime<Utc>>,
    production: Option<&BTreeMap<String, bool>>,
    now: DateTime<Utc>,
) -> Vec<ImageRow> {
    let row = |image: &Image| {
        let at = created.get(&image.id);
        let mut tags = image.tags.clone();
        tags.retain(|key, _| !OWN_COLUMNS.contains(&key.as_str()));
        ImageRow {
            id: image.id.clone(),
            name: image.name.clone(),
            hostclass: image.hostclass().to_owned(),
            created: at.map(|at| at.format("%Y-%m-%d %H:%M:%S").to_string()),
            state: image.state.clone(),
            stage: image.stage().map(str::to_owned),
            productline: image.product_line().map(str::to_owned),
            age_hours: at.map(|at| (now - at).num_hours()),
            production: production.map(|known| match known.get(&image.id) {
                Some(true) => "prod",
                _ => "non-prod",
            }),
            private: image.is_private(),
            tags,
        }
    };
    images.iter().map(row).collect()
}

impl ImageRow {
    /// What the column `Name` shows: the hostclass of images that a bake named.
    pub fn short_name(&self) -> &str {
        if names::is_baked_image(&self.name) {
            &self.hostclass
        } else {
            &self.name
        }
    }

    /// The other tags as `key:value`, by key.
    pub fn shown_tags(&self) -> String {
        let pairs = self
            .tags
            .iter()
            .map(|(key, value)| format!("{key}:{value}"));
        pairs.collect::<Vec<_>>().join(", ")
    }

    /// The age as text; empty if it is not known.
    pub fn shown_age(&self) -> String {
        self.age_hours
            .map_or_else(String::new, |age| age.to_string())
    }

    /// The line of `cleanupamis`: fields separated by one blank, padded, never cut (spec 50, section 10.8).
    pub fn line(&self) -> String {
        let dash = |text: &Option<String>| match text.as_deref() {
            None | Some("") => "-".to_owned(),
            Some(text) => text.to_owned(),
        };
        let age = self
            .age_hours
            .map_or_else(|| "-".to_owned(), |age| age.to_string());
        format!(
            "{:12} {:<19} {:<35} {:<12} {:<8} {:<15} {age:<5}",
            self.id,
            dash(&self.created),
            self.hostclass,
            self.state,
            dash(&self.stage),
            dash(&self.productline),
        )
    }
}

/// What `listamis` is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    /// `--ami`.
    pub ami: Option<String>,
    /// `--instance`.
    pub instance: Option<String>,
    /// The other conditions.
    pub wanted: Wanted,
}

/// The images asked for, private ones included, by the time in their names.
///
/// # Errors
/// AWS does not know the instance.
pub async fn list(aws: &Aws, trusted: &Trusted, query: &Query) -> Result<Vec<Image>> {
    let of_instance = match &query.instance {
        Some(id) => Some(image_of_instance(aws, id).await?),
        None => None,
    };
    let ids = match (&query.ami, of_instance) {
        (Some(ami), Some(own)) if *ami != own => Some(Vec::new()),
        (Some(ami), _) => Some(vec![ami.clone()]),
        (None, own) => own.map(|own| vec![own]),
    };
    let wanted = Wanted {
        ids,
        ..query.wanted.clone()
    };
    let mut images = image::matching(aws, trusted, &wanted).await?;
    images.sort_by_key(Image::timestamp);
    Ok(images)
}

async fn image_of_instance(aws: &Aws, id: &str) -> Result<String> {
    let call = aws.ec2().describe_instances().instance_ids(id).send();
    let found = call.await.context("ec2:DescribeInstances", id)?;
    let instances = found.reservations().iter().flat_map(|own| own.instances());
    let own = instances
        .filter(|own| own.instance_id() == Some(id))
        .find_map(|own| own.image_id());
    own.map(str::to_owned)
        .ok_or_else(|| Error::not_found(format!("instance {id} does not exist (any more)")))
}

/// Reads what rows show besides the images: creation times, and with `accounts` which images these production accounts may
/// launch. What the operator should know comes with it.
///
/// # Errors
/// AWS cannot be reached.
pub async fn complete(
    aws: &Aws,
    images: &[Image],
    accounts: Option<&[String]>,
) -> Result<(Vec<ImageRow>, Vec<String>)> {
    let permissions = async {
        match accounts {
            Some(accounts) => production(aws, images, accounts).await.map(Some),
            None => Ok(None),
        }
    };
    let (created, production) = tokio::try_join!(image::creation_times(aws, images), permissions)?;
    let (production, warnings) = production.map_or((None, Vec::new()), |(known, warnings)| {
        (Some(known), warnings)
    });
    let rows = rows(images, &created, production.as_ref(), Utc::now());
    Ok((rows, warnings))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use crate::image::tests::image;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    fn row_of(name: &str, created: Option<i64>, now: i64) -> ImageRow {
        let own = image(name, Some("tested"), Some("True"), "available");
        let times = created.map(|seconds| (own.id.clone(), at(seconds)));
        rows(&[own], &times.into_iter().collect(), None, at(now)).remove(0)
    }

    #[test]
    fn names_ages_and_times() {
        let time = 1_700_000_000;
        let table = [
            ("mhcweb 1700000000", Some(time), time + 7199, "mhcweb", "1"),
            ("mhcweb 1700000000", Some(time), time + 3599, "mhcweb", "0"),
            ("mhcweb 42 1700000000", Some(time), time, "mhcweb", "0"),
            (
                "my-image 1700000000",
                Some(time),
                time,
                "my-image 1700000000",
                "0",
            ),
            ("mhcweb 123", None, time, "mhcweb 123", ""),
        ];
        for (name, created, now, short, age) in table {
            let row = row_of(name, created, now);
            assert_eq!(
                (row.short_name(), row.shown_age().as_str()),
                (short, age),
                "{name}"
            );
            let shown = created.map(|_| "2023-11-14 22:13:20");
            assert_eq!(row.created.as_deref(), shown);
        }
    }

    #[test]
    fn columns_of_json_are_stable() {
        let mut row = row_of("mhcweb 1700000000", Some(1_700_000_000), 1_700_010_000);
        let keys = |row: &ImageRow| -> Vec<String> {
            let json = serde_json::to_value(row).unwrap();
            json.as_object().unwrap().keys().cloned().collect()
        };
        let without = "id name hostclass created state stage productline age_hours private tags";
        assert_eq!(keys(&row).join(" "), without);
        row.production = Some("prod");
        assert_eq!(
            keys(&row).join(" "),
            without.replace("age_hours", "age_hours production")
        );
        assert_eq!(row.shown_tags(), "is_private:True");
        row.tags.insert("a".into(), "b:c".into());
        assert_eq!(row.shown_tags(), "a:b:c, is_private:True");
        assert!(row.private);
    }

    #[test]
    fn production_of_those_that_are_known() {
        let own = image("mhca 1", None, None, "available");
        let shown = |known: &[(&str, bool)]| {
            let known = known
                .iter()
                .map(|(id, is)| ((*id).to_owned(), *is))
                .collect();
            let own = std::slice::from_ref(&own);
            rows(own, &BTreeMap::new(), Some(&known), at(0))[0].production
        };
        assert_eq!(shown(&[("ami-mhca-1", true)]), Some("prod"));
        assert_eq!(shown(&[("ami-mhca-1", false)]), Some("non-prod"));
        assert_eq!(shown(&[]), Some("non-prod"));
    }

    #[test]
    fn the_line_of_a_clean_up_is_padded_and_never_cut() {
        let mut row = row_of("mhcweb 1700000000", Some(1_700_000_000), 1_700_010_000);
        row.id = "ami-0aa".into();
        let start = "ami-0aa      2023-11-14 22:13:20 mhcweb                              available    tested   ";
        assert_eq!(row.line(), format!("{start}-               2    "));
        row.id = "ami-0123456789abcdef0".into();
        row.productline = Some("a product line that is long".into());
        (row.created, row.age_hours, row.stage) = (None, None, None);
        assert_eq!(
            row.line(),
            "ami-0123456789abcdef0 -                   mhcweb                              available    -        \
             a product line that is long -    "
        );
    }
}
