//! Options of rolling deployments. Pure.

use crate::config::{ConfigErrors, DiscoAws};
use crate::deploy::limits::whole;
use std::ops::RangeInclusive;
use std::time::Duration;

/// Seconds until a new host of an Auto Scaling group counts if the configuration does not say. AWS' health checks of groups are
/// those of EC2, which say nothing about the service that a host starts.
const WARMUP: u32 = 300;
/// Seconds that a batch may take beyond the warm-up.
const BATCH: u32 = 300;
/// What replacing all hosts may take at least if the configuration does not say.
const LEAST: Duration = Duration::from_secs(3600);

/// How hosts are replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RollingOptions {
    /// `rolling_min_healthy_percentage`: share of the hosts that keeps serving.
    pub min_healthy_percentage: u32,
    /// `rolling_instance_warmup`: seconds until a new host counts.
    pub warmup: Option<u32>,
    /// `rolling_timeout`: time for replacing all hosts.
    pub limit: Option<Duration>,
}

impl RollingOptions {
    /// The options of a hostclass.
    ///
    /// # Errors
    /// All values that are wrong, with their places.
    pub fn read(config: &DiscoAws, hostclass: &str) -> Result<Self, ConfigErrors> {
        let mut wrong = Vec::new();
        let mut number =
            |key: &str, range: RangeInclusive<u32>| match whole(config, hostclass, key, range) {
                Ok(found) => found,
                Err(error) => {
                    wrong.push(error);
                    None
                }
            };
        let options = Self {
            min_healthy_percentage: number("rolling_min_healthy_percentage", 0..=100).unwrap_or(90),
            warmup: number("rolling_instance_warmup", 0..=86_400),
            limit: number("rolling_timeout", 1..=604_800)
                .map(|seconds| Duration::from_secs(seconds.into())),
        };
        match wrong.is_empty() {
            true => Ok(options),
            false => Err(ConfigErrors(wrong)),
        }
    }

    /// Share of the hosts that may be replaced at once.
    pub(super) fn batch(self) -> u32 {
        100_u32.saturating_sub(self.min_healthy_percentage).max(1)
    }

    /// Seconds until a new host of an Auto Scaling group counts.
    pub(super) fn warmup_seconds(self) -> u32 {
        self.warmup.unwrap_or(WARMUP)
    }

    /// How many of so many hosts are replaced at once.
    fn at_once(self, hosts: u32) -> u32 {
        let share = 100_u32.saturating_sub(self.min_healthy_percentage);
        hosts.saturating_mul(share) / 100
    }

    /// The least and the greatest share of the desired hosts that there may be meanwhile. Where the configured one allows to
    /// take away no whole host, AWS would take one nevertheless: then a new host is started before an old one goes.
    pub(super) fn healthy(self, hosts: u32) -> (u32, Option<u32>) {
        if self.at_once(hosts) > 0 {
            return (self.min_healthy_percentage, None);
        }
        (100, Some(100 + 100_u32.div_ceil(hosts.max(1))))
    }

    /// Time for replacing so many hosts, if each batch may take so many seconds to be healthy.
    pub(super) fn limit(self, hosts: u32, each: u32) -> Duration {
        let batches = hosts.div_ceil(self.at_once(hosts).max(1));
        let seconds = u64::from(batches) * u64::from(each.saturating_add(BATCH));
        let own = Duration::from_secs(seconds).max(LEAST);
        self.limit.unwrap_or(own)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use crate::config::Ini;

    fn read(text: &str) -> Result<RollingOptions, String> {
        let config = DiscoAws::from_ini(Ini::parse("a.ini", text.as_bytes()).unwrap());
        RollingOptions::read(&config, "mhcweb").map_err(|error| error.to_string())
    }

    #[test]
    fn numbers_come_by_the_chain_of_deployments() {
        let own = |percent, warmup, seconds: Option<u64>| {
            Ok(RollingOptions {
                min_healthy_percentage: percent,
                warmup,
                limit: seconds.map(Duration::from_secs),
            })
        };
        let table = [
            ("[mhcweb]\n", own(90, None, None)),
            (
                "[mhcweb]\nrolling_min_healthy_percentage=50\n[test]\nrolling_min_healthy_percentage=10\nrolling_timeout=60\n",
                own(50, None, Some(60)),
            ),
            (
                "[disco_aws]\ndefault_rolling_instance_warmup=0\n[mhcweb]\nrolling_timeout=\n",
                own(90, Some(0), None),
            ),
        ];
        for (text, wanted) in table {
            assert_eq!(read(text), wanted, "{text}");
        }
    }

    #[test]
    fn all_wrong_numbers_are_told_with_their_places() {
        let text = "[mhcweb]\nrolling_min_healthy_percentage=101\nrolling_instance_warmup=soon\nrolling_timeout=0\n";
        let error = read(text).unwrap_err();
        for part in [
            "a.ini:2: [mhcweb] rolling_min_healthy_percentage: `101` is no integer from 0 to 100",
            "a.ini:3: [mhcweb] rolling_instance_warmup: `soon` is no integer from 0 to 86400",
            "a.ini:4: [mhcweb] rolling_timeout: `0` is no integer from 1 to 604800",
        ] {
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn no_host_goes_before_a_new_one_stands_if_the_share_is_none() {
        let table = [
            ((90, 1), (100, Some(200))),
            ((50, 1), (100, Some(200))),
            ((0, 1), (0, None)),
            ((90, 0), (100, Some(200))),
            ((90, 3), (100, Some(134))),
            ((90, 9), (100, Some(112))),
            ((90, 10), (90, None)),
            ((100, 300), (100, Some(101))),
        ];
        for ((percent, hosts), wanted) in table {
            let text = format!("[mhcweb]\nrolling_min_healthy_percentage={percent}\n");
            assert_eq!(
                read(&text).unwrap().healthy(hosts),
                wanted,
                "{percent} {hosts}"
            );
        }
    }

    #[test]
    fn the_time_grows_with_the_batches() {
        let table = [
            ("", 1, 300, 3600),
            ("", 10, 300, 6000),
            ("", 25, 300, 7800),
            ("", 10, 900, 12_000),
            ("rolling_timeout=60", 10, 300, 60),
        ];
        for (option, hosts, each, wanted) in table {
            let options = read(&format!("[mhcweb]\n{option}\n")).unwrap();
            let limit = options.limit(hosts, each);
            assert_eq!(limit, Duration::from_secs(wanted), "{option} {hosts}");
        }
    }

    #[test]
    fn something_is_replaced_at_once_whatever_must_stay_healthy() {
        for (healthy, batch) in [(0, 100), (90, 10), (99, 1), (100, 1)] {
            let text = format!("[mhcweb]\nrolling_min_healthy_percentage={healthy}\n");
            assert_eq!(read(&text).unwrap().batch(), batch);
        }
    }
}
