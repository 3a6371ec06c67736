//! Hosted zones. Read only.

use super::name::{plain, same_name};
use crate::aws::{Aws, Pages};
use crate::error::{Error, Result};
use serde::Serialize;

/// A hosted zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Zone {
    /// Id without `/hostedzone/`.
    pub id: String,
    /// Name with its trailing dot.
    pub name: String,
    /// True if only VPCs see it.
    pub private: bool,
    /// How many record sets it holds, as far as the service says.
    #[serde(skip)]
    pub records: i64,
}

impl Zone {
    /// True if a record of that name can be in this zone.
    pub fn contains(&self, name: &str) -> bool {
        let (name, own) = (plain(name), plain(&self.name));
        name == own
            || name
                .strip_suffix(&own)
                .is_some_and(|rest| rest.ends_with('.'))
    }

    /// True if it has that name, which may have a trailing dot.
    pub fn is_named(&self, name: &str) -> bool {
        same_name(&self.name, name)
    }
}

/// All zones of the account, in the order of the service.
pub async fn zones(aws: &Aws) -> Result<Vec<Zone>> {
    let call = aws
        .route53()
        .list_hosted_zones()
        .into_paginator()
        .items()
        .send();
    let found = call.all("route53:ListHostedZones", "").await?;
    Ok(found
        .iter()
        .map(|zone| Zone {
            id: zone.id().trim_start_matches("/hostedzone/").to_owned(),
            name: zone.name().to_owned(),
            private: zone.config().is_some_and(|config| config.private_zone()),
            records: zone.resource_record_set_count().unwrap_or(0),
        })
        .collect())
}

/// The zone of that name, with or without trailing dot; a public one before a private one, then in the order
/// of the list.
///
/// # Errors
/// There is none.
pub fn zone_named<'a>(zones: &'a [Zone], name: &str) -> Result<&'a Zone> {
    let named = zones.iter().filter(|zone| zone.is_named(name));
    named.min_by_key(|zone| zone.private).ok_or_else(|| {
        Error::not_found(format!("hosted zone {name} not found"))
            .with_hint("see `disco_route53 list-zones` for the zones of the account")
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    fn zone(id: &str, name: &str, private: bool) -> Zone {
        Zone {
            id: id.into(),
            name: name.into(),
            private,
            records: 2,
        }
    }

    #[test]
    fn a_public_zone_comes_before_a_private_one_of_the_same_name() {
        let zones = [
            zone("Z1", "example.com.", true),
            zone("Z2", "example.com.", false),
            zone("Z3", "example.com.", false),
            zone("Z4", "inner.example.com.", true),
        ];
        for (name, id) in [
            ("example.com", "Z2"),
            ("example.com.", "Z2"),
            ("Inner.example.com", "Z4"),
        ] {
            assert_eq!(zone_named(&zones, name).unwrap().id, id, "{name}");
        }
        let error = zone_named(&zones, "example.org").unwrap_err();
        assert_eq!(error.to_string(), "hosted zone example.org not found");
        assert!(error.hint().unwrap().contains("disco_route53 list-zones"));
    }

    #[test]
    fn names_inside_a_zone() {
        let zone = zone("Z1", "example.com.", false);
        for (name, inside) in [
            ("example.com", true),
            ("example.com.", true),
            ("WEB.example.com", true),
            (r"\052.example.com.", true),
            ("a.b.example.com", true),
            ("webexample.com", false),
            ("web", false),
            ("example.com.org", false),
        ] {
            assert_eq!(zone.contains(name), inside, "{name}");
        }
    }
}
