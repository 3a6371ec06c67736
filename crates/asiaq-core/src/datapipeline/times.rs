//! Dates as Data Pipeline writes them, shown in the operator's time zone. Pure.

use crate::config::{ConfigError, DiscoAws};
use chrono::{NaiveDateTime, TimeZone};
use chrono_tz::Tz;

/// The option that names the zone.
const OPTION: &str = "user_timezone";
/// Zone when nothing is configured.
const DEFAULT: Tz = chrono_tz::US::Eastern;
/// What AWS writes; UTC.
const FORMAT: &str = "%Y-%m-%dT%H:%M:%S";

/// A time zone to show dates in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Zone(Tz);

impl Zone {
    /// Option `user_timezone` (chain A); `US/Eastern` if it is absent or empty.
    ///
    /// # Errors
    /// There is no zone of that name.
    pub fn of(config: &DiscoAws, env: &str) -> Result<Self, ConfigError> {
        let Some(found) = config.asiaq_option(None, OPTION, env)? else {
            return Ok(Self(DEFAULT));
        };
        match found.value.trim() {
            "" => Ok(Self(DEFAULT)),
            name => name.parse().map(Self).map_err(|_| {
                ConfigError::new(format!("`{name}` is no time zone"))
                    .at(found.location)
                    .with_hint(
                        "use a name of the IANA time zone database, like `Europe/Berlin` or `UTC`",
                    )
            }),
        }
    }

    /// A date as ISO 8601 with offset; a text of another form stays as it is.
    pub fn show(self, text: &str) -> String {
        match NaiveDateTime::parse_from_str(text, FORMAT) {
            Ok(utc) => self.0.from_utc_datetime(&utc).to_rfc3339(),
            Err(_) => text.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use crate::config::Ini;

    fn zone(options: &str) -> Result<Zone, ConfigError> {
        let text = format!("[disco_aws]\n{options}");
        let ini = Ini::parse("config/disco_aws.ini", text.as_bytes()).unwrap();
        Zone::of(&DiscoAws::from_ini(ini), "ci")
    }

    #[test]
    fn dates_of_the_specification() {
        let table = [
            ("", "2016-03-02T12:00:00", "2016-03-02T07:00:00-05:00"),
            ("", "2016-05-12T08:00:00", "2016-05-12T04:00:00-04:00"),
            (
                "user_timezone=\n",
                "2016-05-12T08:00:00",
                "2016-05-12T04:00:00-04:00",
            ),
            (
                "user_timezone=UTC\n",
                "2016-05-12T08:00:00",
                "2016-05-12T08:00:00+00:00",
            ),
            (
                "user_timezone=Asia/Kolkata\n",
                "2016-12-31T20:00:00",
                "2017-01-01T01:30:00+05:30",
            ),
            (
                "user_timezone=UTC\nuser_timezone@ci=Europe/Berlin\n",
                "2016-05-12T08:00:00",
                "2016-05-12T10:00:00+02:00",
            ),
            (
                "default_user_timezone=UTC\n",
                "2016-05-12T08:00:00",
                "2016-05-12T08:00:00+00:00",
            ),
        ];
        for (options, text, shown) in table {
            assert_eq!(zone(options).unwrap().show(text), shown, "{options}");
        }
    }

    #[test]
    fn other_forms_stay_as_they_are() {
        let zone = zone("").unwrap();
        for text in [
            "",
            "now",
            "2016-05-12T08-00-00",
            "2016-05-12",
            "2016-02-30T00:00:00",
            "2016-05-12T08:00:00Z",
        ] {
            assert_eq!(zone.show(text), text);
        }
    }

    #[test]
    fn an_unknown_zone_is_reported_with_its_place() {
        let error = zone("user_timezone=Mars/Olympus\n").unwrap_err();
        assert_eq!(
            error.to_string(),
            "config/disco_aws.ini:2: [disco_aws] user_timezone: `Mars/Olympus` is no time zone"
        );
        assert!(error.hint.unwrap().contains("IANA"));
    }
}
