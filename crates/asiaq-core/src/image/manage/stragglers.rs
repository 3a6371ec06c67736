//! `liststragglers`: hostclasses without a recent image of the last stage (spec 50, section 10.6). Pure, but for reading.

use crate::aws::Aws;
use crate::error::Result;
use crate::image::{self, Image, Trusted, best};
use chrono::Utc;
use serde::Serialize;
use std::collections::BTreeSet;

/// A hostclass that waits for promotion. The field names are the JSON keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Straggler {
    /// Hostclass.
    pub hostclass: String,
    /// Latest image of the first stage.
    pub ami: Option<String>,
    /// Latest image of the last stage.
    pub promoted_ami: Option<String>,
}

impl Straggler {
    /// The line of the text layout.
    pub fn line(&self) -> String {
        let ami = self.ami.as_deref().unwrap_or("-");
        format!("{}\t{ami}", self.hostclass)
    }
}

/// The hostclasses whose latest image of the last stage is missing or more than `days` old, by name.
pub async fn list(
    aws: &Aws,
    trusted: &Trusted,
    stages: &[String],
    days: u32,
) -> Result<Vec<Straggler>> {
    let images = image::visible(aws, trusted).await?;
    Ok(stragglers(&images, stages, days, Utc::now().timestamp()))
}

fn stragglers(images: &[Image], stages: &[String], days: u32, now: i64) -> Vec<Straggler> {
    let named: BTreeSet<&str> = images.iter().map(Image::hostclass).collect();
    let limit = now.saturating_sub(i64::from(days) * 86_400);
    let latest =
        |hostclass: &str, stage: Option<&String>| best(images, hostclass, &[stage?.clone()], false);
    let straggler = |hostclass: &str| {
        let promoted = latest(hostclass, stages.last());
        if promoted.is_some_and(|image| image.timestamp() >= limit) {
            return None;
        }
        let id = |image: &Image| image.id.clone();
        Some(Straggler {
            hostclass: hostclass.to_owned(),
            ami: latest(hostclass, stages.first()).map(id),
            promoted_ami: promoted.map(id),
        })
    };
    let named = named.into_iter().filter(|name| !name.is_empty());
    named.filter_map(straggler).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use crate::image::tests::image;

    const NOW: i64 = 1_700_000_000;
    const DAY: i64 = 86_400;

    fn lines(images: &[(&str, i64, &str)], stages: &str, days: u32) -> Vec<String> {
        let of = |(class, age, stage): &(&str, i64, &str)| {
            let private = class.ends_with('!').then_some("True");
            let name = format!("{} {}", class.trim_end_matches('!'), NOW - age);
            let mut own = image(&name, Some(stage), private, "available");
            own.id = format!("{stage}@{age}");
            own
        };
        let images: Vec<Image> = images.iter().map(of).collect();
        let stages: Vec<String> = stages.split(' ').map(str::to_owned).collect();
        let found = stragglers(&images, &stages, days, NOW);
        found.iter().map(Straggler::line).collect()
    }

    #[test]
    fn hostclasses_are_measured_against_the_last_stage() {
        let images = [
            ("mhcz", 0, "untested"),
            ("mhca", 4 * DAY, "tested"),
            ("mhca", 1, "untested"),
            ("mhca", 2, "untested"),
            ("mhca!", 0, "untested"),
            ("mhca!", 0, "tested"),
            ("mhcfresh", 3 * DAY, "tested"),
            ("mhclate", 3 * DAY + 1, "tested"),
            ("mhcfailed", 0, "failed"),
        ];
        let three = "untested failed tested";
        assert_eq!(
            lines(&images, three, 3),
            [
                "mhca\tuntested@1",
                "mhcfailed\t-",
                "mhclate\t-",
                "mhcz\tuntested@0"
            ]
        );
        assert_eq!(
            lines(&images, three, 4),
            ["mhcfailed\t-", "mhcz\tuntested@0"]
        );
        assert_eq!(
            lines(&images, "failed", 0),
            ["mhca\t-", "mhcfresh\t-", "mhclate\t-", "mhcz\t-"]
        );
        assert_eq!(lines(&[], three, 3), [""; 0]);
        let nameless = image("", Some("tested"), None, "available");
        assert!(stragglers(&[nameless], &["tested".into()], 3, NOW).is_empty());
    }
}
