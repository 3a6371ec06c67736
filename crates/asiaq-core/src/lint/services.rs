//! Databases, caches, search domains and log metrics: the ini files with one section for each thing in one environment.

use super::keys::{CACHE, LOG_METRIC, RDS, SEARCH};
use super::references::{References, with_meant};
use super::sections::{self, Rules};
use super::tree::Tree;
use super::values::is_remark;
use crate::config::check::Problems;
use crate::config::suggest::nearest;
use crate::config::{ConfigError, Ini, is_truthy};

const DEFAULTS: &str = "defaults";
/// Longest name of a search domain.
const LONGEST_DOMAIN: usize = 28;

/// Checks the files.
pub(super) fn check(tree: &Tree, references: &References, problems: &mut Problems) {
    if let Some(rds) = &tree.rds {
        databases(rds.ini(), references, problems);
    }
    engines(tree, references, problems);
    if let Some(ini) = &tree.caches {
        caches(tree, ini, references, problems);
    }
    if let Some(ini) = &tree.searches {
        searches(ini, references, problems);
    }
    if let Some(ini) = &tree.log_metrics {
        log_metrics(ini, references, problems);
    }
}

fn databases(ini: &Ini, references: &References, problems: &mut Problems) {
    for section in ini.sections() {
        let place = ini.location(section, None);
        if let Err(error) = database_of(section, references) {
            problems.warning(error.at(place));
        }
        sections::check(ini, section, &Rules::plain(RDS), references, problems);
        let has = |key: &str| ini.has_option(section, key);
        sections::require(ini, section, RDS, has, problems);
        let engine = ini.find(section, "engine").ok().flatten();
        let engine = engine
            .map(|found| found.value.to_ascii_lowercase())
            .unwrap_or_default();
        let family = engine.split('-').next().unwrap_or_default();
        if !engine.is_empty() && !matches!(family, "postgres" | "oracle") && !has("port") {
            let error = sections::missing(ini, section, "port");
            problems.error(
                error.with_hint("only postgres and oracle engines have a port of their own"),
            );
        }
    }
}

/// The database that a section is about, by the longest environment that fits.
fn database_of<'a>(section: &'a str, references: &References) -> Result<&'a str, ConfigError> {
    let Some((first, database)) = section
        .split_once('-')
        .filter(|(a, b)| !a.is_empty() && !b.is_empty())
    else {
        return Err(ConfigError::new(
            "no database: write the section as [ENV-DATABASE]",
        ));
    };
    let Some(known) = &references.environments else {
        return Ok(database);
    };
    let rest = |env: &String| {
        section
            .strip_prefix(env.as_str())?
            .strip_prefix('-')
            .filter(|rest| !rest.is_empty())
    };
    let mut fitting: Vec<&str> = known.iter().filter_map(rest).collect();
    fitting.sort_by_key(|rest| rest.len());
    match fitting.first() {
        Some(rest) => Ok(rest),
        None => references.environment(first).map_or(Ok(database), Err),
    }
}

/// Files of database parameters: their names are databases, their sections environments.
fn engines(tree: &Tree, references: &References, problems: &mut Problems) {
    let rds = tree.rds.as_ref().map(|rds| rds.ini());
    let all: Vec<&str> = rds.into_iter().flat_map(Ini::sections).collect();
    let known: Vec<&str> = all
        .iter()
        .filter_map(|section| database_of(section, references).ok())
        .collect();
    for (database, ini) in &tree.engines {
        // An environment that nothing else knows may have a dash in its name, so that any rest may be a database.
        let end = format!("-{database}");
        if !all.iter().any(|section| section.ends_with(&end)) {
            let error = ConfigError::new(format!(
                "there is no database `{database}` in disco_rds.ini"
            ));
            let error = error.at(crate::config::Location::file(ini.file()));
            problems.warning(with_meant(error, nearest(database, &known)));
        }
        for section in ini.sections() {
            if let Some(error) = references.environment(section) {
                problems.warning(error.at(ini.location(section, None)));
            }
            if let Err(error) = ini.items(section) {
                problems.error(error);
            }
        }
    }
}

/// The two parts of a section `[ENV:NAME]`.
fn parts<'a>(
    ini: &Ini,
    section: &'a str,
    what: &str,
    problems: &mut Problems,
) -> Option<(&'a str, &'a str)> {
    let parts = section
        .split_once(':')
        .filter(|(env, name)| !env.is_empty() && !name.is_empty());
    if parts.is_none() {
        let error = ConfigError::new(format!("unknown section: write it as [ENV:{what}]"));
        problems.warning(error.at(ini.location(section, None)));
    }
    parts
}

fn caches(tree: &Tree, ini: &Ini, references: &References, problems: &mut Problems) {
    for section in ini.sections() {
        let Some((env, _)) = parts(ini, section, "CLUSTER", problems) else {
            continue;
        };
        if let Some(error) = references.environment(env) {
            problems.warning(error.at(ini.location(section, None)));
        }
        sections::check(ini, section, &Rules::plain(CACHE), references, problems);
        let has = |key: &str| ini.has_option(section, key);
        sections::require(ini, section, CACHE, has, problems);
        let aws = tree.aws.as_ref();
        let fallback = aws.map(|aws| aws.section_option("disco_aws", "default_meta_network", env));
        if !has("meta_network") && matches!(fallback, Some(Ok(None))) {
            let error = sections::missing(ini, section, "meta_network");
            problems.error(error.with_hint("or set `default_meta_network` in `[disco_aws]`"));
        }
    }
}

fn searches(ini: &Ini, references: &References, problems: &mut Problems) {
    for section in ini.sections() {
        let rules = Rules {
            remarks: true,
            ..Rules::plain(SEARCH)
        };
        if section == DEFAULTS {
            sections::check(ini, section, &rules, references, problems);
            continue;
        }
        let Some((env, name)) = parts(ini, section, "NAME", problems) else {
            continue;
        };
        let place = || ini.location(section, None);
        if env != env.to_lowercase() {
            let error =
                ConfigError::new(format!("`{env}` must be lower case, or it is never found"));
            problems.warning(error.at(place()));
        } else if let Some(error) = references.environment(env) {
            problems.warning(error.at(place()));
        }
        let domain = format!("es-{name}-{env}");
        if domain.len() > LONGEST_DOMAIN {
            let text = format!(
                "the domain `{domain}` has {} characters: AWS allows {LONGEST_DOMAIN}",
                domain.len()
            );
            problems.error(ConfigError::new(text).at(place()));
        }
        sections::check(ini, section, &rules, references, problems);
        search(ini, section, problems);
    }
}

/// Required options of a search domain, which may also stand in `[defaults]`. A remark is no value (spec 10, section 15).
fn search(ini: &Ini, section: &str, problems: &mut Problems) {
    let set = |place: &str, key: &str| match ini.find(place, key) {
        Ok(found) => found.is_some_and(|found| !is_remark(&found.value)),
        // There is a value, and its problem is told where it stands.
        Err(_) => true,
    };
    let has = |key: &str| set(section, key) || set(DEFAULTS, key);
    sections::require(ini, section, SEARCH, has, problems);
    let value = |key: &str| {
        let mut places = [section, DEFAULTS].into_iter();
        let found = places.find_map(|place| {
            let found = ini.find(place, key).ok()?;
            found.filter(|found| !is_remark(&found.value))
        });
        found.map(|found| found.value).unwrap_or_default()
    };
    let mut needed = vec!["allowed_source_ips"];
    if is_truthy(&value("dedicated_master")) {
        needed.extend(["dedicated_master_type", "dedicated_master_count"]);
    }
    if is_truthy(&value("ebs_enabled")) {
        needed.extend(["volume_type", "volume_size"]);
        if value("volume_type") == "io1" {
            needed.push("iops");
        }
    }
    for key in needed.into_iter().filter(|key| !has(key)) {
        problems.error(sections::missing(ini, section, key));
    }
}

fn log_metrics(ini: &Ini, references: &References, problems: &mut Problems) {
    let mut seen: Vec<(&str, &str)> = Vec::new();
    for section in ini.sections() {
        let place = || ini.location(section, None);
        let mut words = section.split('.');
        let parts = words
            .next()
            .zip(words.next())
            .filter(|(a, b)| !a.is_empty() && !b.is_empty());
        let Some((hostclass, metric)) = parts else {
            let error = ConfigError::new("unknown section: write it as [HOSTCLASS.METRIC]");
            problems.warning(error.at(place()));
            continue;
        };
        if seen.contains(&(hostclass, metric)) {
            let text = format!(
                "there is another section for `{hostclass}.{metric}`: only two parts of the name count"
            );
            problems.warning(ConfigError::new(text).at(place()));
        }
        seen.push((hostclass, metric));
        if let Some(error) = references.hostclass(hostclass) {
            problems.warning(error.at(place()));
        }
        sections::check(
            ini,
            section,
            &Rules::plain(LOG_METRIC),
            references,
            problems,
        );
        sections::require(
            ini,
            section,
            LOG_METRIC,
            |key| ini.has_option(section, key),
            problems,
        );
    }
}
