//! `disco_alarms.ini`: the alarms, and what they refer to. Notifications by themselves are judged by their own reader.

use super::keys::ALARM;
use super::references::{References, unknown, with_meant};
use super::sections::{self, Rules};
use super::tree::Tree;
use crate::config::check::Problems;
use crate::config::suggest::nearest;
use crate::config::{ConfigError, DiscoAlarms, Ini, is_truthy};

const NOTIFICATIONS: &str = "notifications";
const DEFAULTS: &str = "defaults";
const RDS: &str = "AWS/RDS";
const ES: &str = "AWS/ES";

/// What the name of a section says.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Name {
    team: Option<String>,
    namespace: String,
    metric: String,
    hostclass: Option<String>,
}

impl Name {
    /// Spec 60, section 2.3: without a team if the first part has a slash.
    fn parse(section: &str) -> Option<Self> {
        let parts: Vec<&str> = section.split('.').collect();
        let (team, rest) = match parts.split_first() {
            Some((first, rest)) if !first.contains('/') => (Some((*first).to_owned()), rest),
            _ => (None, parts.as_slice()),
        };
        let (namespace, rest) = rest.split_first()?;
        let (metric, hostclass) = match rest {
            [] => return None,
            [metric] => ((*metric).to_owned(), None),
            [metric @ .., hostclass] => (metric.join("."), Some((*hostclass).to_owned())),
        };
        Some(Name {
            team,
            namespace: (*namespace).to_owned(),
            metric,
            hostclass,
        })
    }
}

/// Checks the file.
pub(super) fn check(tree: &Tree, references: &References, problems: &mut Problems) {
    let Some(alarms) = &tree.alarms else {
        return;
    };
    let ini = alarms.ini();
    let names: Vec<(&str, Name)> = ini
        .sections()
        .filter_map(|section| Some((section, Name::parse(section)?)))
        .collect();
    for section in ini.sections().filter(|section| *section != NOTIFICATIONS) {
        let rules = Rules::plain(ALARM);
        if section == DEFAULTS {
            sections::check(ini, section, &rules, references, problems);
            continue;
        }
        let Some(name) = Name::parse(section) else {
            let text = "not the name of an alarm: write TEAM.NAMESPACE.METRIC or TEAM.NAMESPACE.METRIC.HOSTCLASS";
            let error = ConfigError::new(text).at(ini.location(section, None));
            problems.error(with_meant(
                error,
                nearest(section, &[NOTIFICATIONS, DEFAULTS]),
            ));
            continue;
        };
        sections::check(ini, section, &rules, references, problems);
        let parent = names.iter().find(|(_, other)| {
            let alike = (&other.team, &other.namespace, &other.metric);
            other.hostclass.is_none() && alike == (&name.team, &name.namespace, &name.metric)
        });
        let parent = parent
            .map(|(section, _)| *section)
            .filter(|_| name.hostclass.is_some());
        let chain: Vec<&str> = [Some(section), parent, Some(DEFAULTS)]
            .into_iter()
            .flatten()
            .collect();
        let has = |key: &str| chain.iter().any(|section| ini.has_option(section, key));
        sections::require(ini, section, ALARM, has, problems);
        refers(tree, references, ini, section, &name, &chain, problems);
        told(alarms, section, &name, &chain, problems);
    }
    notifications(alarms, references, problems);
}

/// The value of an option by its chain.
fn value(ini: &Ini, chain: &[&str], key: &str) -> Option<String> {
    let mut found = chain
        .iter()
        .filter_map(|section| ini.find(section, key).ok()?);
    found.next().map(|found| found.value)
}

/// What the last part of the name refers to: a hostclass, a database, a domain.
fn refers(
    tree: &Tree,
    references: &References,
    ini: &Ini,
    section: &str,
    name: &Name,
    chain: &[&str],
    problems: &mut Problems,
) {
    let parts_of = |ini: Option<&Ini>, sign: char| {
        let sections = ini.into_iter().flat_map(Ini::sections);
        let names = sections.filter_map(|section| section.split_once(sign));
        names.map(|(_, rest)| rest.to_owned()).collect::<Vec<_>>()
    };
    let text = match (name.namespace.as_str(), &name.hostclass) {
        (ES, None) => Some(ConfigError::new(
            "no alarm: it needs the name of a domain at its end",
        )),
        (_, None) => None,
        (RDS, Some(own)) => {
            // An environment may have a dash in its name, so that any rest may be a database.
            let rds = tree.rds.as_ref().map(|rds| rds.ini());
            let any = rds.is_some_and(|ini| {
                ini.sections()
                    .any(|known| known.ends_with(&format!("-{own}")))
            });
            let known = parts_of(rds, '-');
            (!any)
                .then(|| unknown("database in disco_rds.ini", own, &known))
                .flatten()
        }
        (ES, Some(own)) => {
            let known = parts_of(tree.searches.as_ref(), ':');
            unknown("domain in disco_elasticsearch.ini", own, &known)
        }
        (_, Some(own)) => references.hostclass(own),
    };
    let place = ini.location(section, None);
    let fine = text.is_none();
    if let Some(error) = text {
        problems.warning(error.at(place.clone()));
    }
    let from_logs = value(ini, chain, "log_pattern_metric").is_some_and(|value| is_truthy(&value));
    if let (true, true, Some(hostclass)) = (from_logs, fine, &name.hostclass) {
        let own = format!("{hostclass}.{}", name.metric);
        let known = tree
            .log_metrics
            .as_ref()
            .map(|ini| ini.sections().map(str::to_owned).collect::<Vec<_>>());
        if let Some(error) = unknown(
            "section in disco_log_metrics.ini",
            &own,
            &known.unwrap_or_default(),
        ) {
            problems.warning(error.at(place));
        }
    }
}

/// Whether anybody is told: some environment has a notification of the team and level.
fn told(alarms: &DiscoAlarms, section: &str, name: &Name, chain: &[&str], problems: &mut Problems) {
    let ini = alarms.ini();
    let Ok(topics) = alarms.all_notifications() else {
        return;
    };
    let level = value(ini, chain, "level").unwrap_or_else(|| "critical".to_owned());
    if topics.is_empty() || !matches!(level.as_str(), "critical" | "info") {
        return;
    }
    let team = name
        .team
        .as_ref()
        .map(|team| format!("{team}_"))
        .unwrap_or_default();
    let fits = |topic: &str, env: &str| topic == format!("{team}{env}_{level}");
    if !topics.iter().any(|own| fits(&own.topic, &own.env)) {
        let text = format!("nobody is told: there is no notification {team}ENV_{level}");
        problems.warning(ConfigError::new(text).at(ini.location(section, None)));
    }
}

/// Environments of notifications.
fn notifications(alarms: &DiscoAlarms, references: &References, problems: &mut Problems) {
    for own in alarms.all_notifications().unwrap_or_default() {
        if let Some(error) = references.environment(&own.env) {
            problems.warning(error.at(alarms.ini().location(NOTIFICATIONS, Some(&own.topic))));
        }
    }
}
