//! Names of alarms: `[TEAM_]ENV_HOSTCLASS_METRIC_TYPE` (spec 60, sections 2.5 and 2.6). Pure.

/// What the name of an alarm says. A hostclass with `_`, and a metric with `_` in a name without team, are read wrongly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AlarmName<'a> {
    /// Team, if the name has one.
    pub team: Option<&'a str>,
    /// Environment.
    pub environment: &'a str,
    /// Hostclass, database or search domain.
    pub hostclass: &'a str,
    /// Metric.
    pub metric: &'a str,
    /// `max` or `min`.
    pub threshold: &'a str,
}

impl<'a> AlarmName<'a> {
    /// Reads a name; `None` if it has less than four parts, so that it is none of ours.
    pub fn parse(name: &'a str) -> Option<Self> {
        let (rest, threshold) = name.rsplit_once('_')?;
        let parts: Vec<&str> = rest.splitn(4, '_').collect();
        let (team, environment, hostclass, metric) = match parts[..] {
            [team, environment, hostclass, metric] => (Some(team), environment, hostclass, metric),
            [environment, hostclass, metric] => (None, environment, hostclass, metric),
            _ => return None,
        };
        Some(Self {
            team,
            environment,
            hostclass,
            metric,
            threshold,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn names_are_read_back() {
        let table = [
            (
                "ops_qa_mhcweb_HTTPCode_ELB_5XX_max",
                (Some("ops"), "qa", "mhcweb", "HTTPCode_ELB_5XX", "max"),
            ),
            ("qa_mhcweb_CPU_min", (None, "qa", "mhcweb", "CPU", "min")),
            (
                "web_qa_mhcshop_mhcshop-Errors_max",
                (Some("web"), "qa", "mhcshop", "mhcshop-Errors", "max"),
            ),
        ];
        for (name, want) in table {
            let read = AlarmName::parse(name).unwrap();
            let read = (
                read.team,
                read.environment,
                read.hostclass,
                read.metric,
                read.threshold,
            );
            assert_eq!(read, want, "{name}");
        }
        for name in [
            "some_cool_alarm",
            "alarm",
            "",
            "TargetTracking-ci-AlarmHigh",
        ] {
            assert_eq!(AlarmName::parse(name), None, "{name}");
        }
    }
}
