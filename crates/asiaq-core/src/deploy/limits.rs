//! How long a deployment waits, by options of the hostclass (docs/deploying.md, "How long is waited"). Pure.

use crate::config::{ConfigError, ConfigErrors, DiscoAws};
use std::ops::RangeInclusive;
use std::time::Duration;

/// Seconds that may be chosen: a week is as good as for ever.
const SECONDS: RangeInclusive<u32> = 1..=604_800;

/// How long a deployment waits for what it has made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// `hosts_timeout`: until the new group has its hosts.
    pub hosts: Duration,
    /// `smoke_test_timeout`: until its hosts have passed their smoke tests.
    pub smoke_tests: Duration,
    /// `in_service_timeout`: until hosts are in service behind their load balancer.
    pub in_service: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            hosts: Duration::from_secs(300),
            smoke_tests: Duration::from_secs(1200),
            in_service: Duration::from_secs(900),
        }
    }
}

impl Limits {
    /// The limits of a hostclass.
    ///
    /// # Errors
    /// All values that are wrong, with their places.
    pub fn read(config: &DiscoAws, hostclass: &str) -> Result<Self, ConfigErrors> {
        let mut wrong = Vec::new();
        let mut seconds = |key: &str, usual: Duration| match whole(config, hostclass, key, SECONDS)
        {
            Ok(found) => found.map_or(usual, |own| Duration::from_secs(own.into())),
            Err(error) => {
                wrong.push(error);
                usual
            }
        };
        let usual = Self::default();
        let limits = Self {
            hosts: seconds("hosts_timeout", usual.hosts),
            smoke_tests: seconds("smoke_test_timeout", usual.smoke_tests),
            in_service: seconds("in_service_timeout", usual.in_service),
        };
        match wrong.is_empty() {
            true => Ok(limits),
            false => Err(ConfigErrors(wrong)),
        }
    }
}

/// An integer among the options of deployments; `None` where nothing is said.
pub(super) fn whole(
    config: &DiscoAws,
    hostclass: &str,
    key: &str,
    range: RangeInclusive<u32>,
) -> Result<Option<u32>, ConfigError> {
    let found = config.deploy_option(hostclass, key)?;
    let Some(found) = found.filter(|found| !found.value.trim().is_empty()) else {
        return Ok(None);
    };
    let number = found.value.trim().parse().ok();
    number
        .filter(|own| range.contains(own))
        .map(Some)
        .ok_or_else(|| {
            let text = format!(
                "`{}` is no integer from {} to {}",
                found.value,
                range.start(),
                range.end()
            );
            ConfigError::new(text).at(found.location.clone())
        })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use crate::config::Ini;

    fn read(text: &str) -> Result<Limits, String> {
        let config = DiscoAws::from_ini(Ini::parse("a.ini", text.as_bytes()).unwrap());
        Limits::read(&config, "mhcweb").map_err(|error| error.to_string())
    }

    #[test]
    fn limits_come_by_the_chain_of_deployments() {
        let own = |hosts, smoke_tests, in_service| {
            Ok(Limits {
                hosts: Duration::from_secs(hosts),
                smoke_tests: Duration::from_secs(smoke_tests),
                in_service: Duration::from_secs(in_service),
            })
        };
        let table = [
            ("[mhcweb]\n", own(300, 1200, 900)),
            (
                "[mhcweb]\nhosts_timeout=60\n[test]\nhosts_timeout=10\nsmoke_test_timeout=3600\n",
                own(60, 3600, 900),
            ),
            (
                "[disco_aws]\ndefault_in_service_timeout=1\n[mhcweb]\nsmoke_test_timeout=\n",
                own(300, 1200, 1),
            ),
        ];
        for (text, wanted) in table {
            assert_eq!(read(text), wanted, "{text}");
        }
    }

    #[test]
    fn all_wrong_limits_are_told_with_their_places() {
        let text = "[mhcweb]\nhosts_timeout=0\nsmoke_test_timeout=20 min\nin_service_timeout=-1\n";
        let error = read(text).unwrap_err();
        for part in [
            "a.ini:2: [mhcweb] hosts_timeout: `0` is no integer from 1 to 604800",
            "a.ini:3: [mhcweb] smoke_test_timeout: `20 min` is no integer from 1 to 604800",
            "a.ini:4: [mhcweb] in_service_timeout: `-1` is no integer from 1 to 604800",
        ] {
            assert!(error.contains(part), "{error}");
        }
    }
}
