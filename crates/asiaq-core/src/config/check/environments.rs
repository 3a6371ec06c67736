//! Every type, and every section of an environment in every type. What type an environment will have is not known, so
//! only what is wrong in all of them is wrong with its section.

use super::places::misfits;
use super::{Only, Problems, Severity};
use crate::config::diagnostic::{ConfigError, Location};
use crate::config::{DiscoRds, DiscoVpc, EnvironmentConfig};
use crate::names;
use crate::network::MetaNetwork;

/// One environment of one type.
pub(super) struct View {
    /// Name of the environment; `None` for any that has no section of its own.
    pub(super) name: Option<String>,
    pub(super) env_type: String,
    /// The environment as far as it can be told.
    pub(super) config: Option<EnvironmentConfig>,
    pub(super) errors: Vec<ConfigError>,
}

impl View {
    /// `stand_in` is the name to read an environment by that has no section.
    fn new(file: &DiscoVpc, name: Option<&str>, env_type: &str, stand_in: &str) -> Self {
        let shown = name.unwrap_or(stand_in);
        let (config, mut errors) = file.examine(shown, env_type);
        if let Some(config) = &config {
            let found = misfits(config, |key| file.location(shown, env_type, key));
            let new = found
                .into_iter()
                .filter(|e| !errors.iter().any(|other| other.location == e.location))
                .collect::<Vec<_>>();
            errors.extend(new);
        }
        for error in &mut errors {
            // The same problem reads the same, whatever the environment is called.
            error.problem = error
                .problem
                .replace(&format!(" VPC {shown}"), &format!(" VPC {stand_in}"));
        }
        View {
            name: name.map(str::to_owned),
            env_type: env_type.to_owned(),
            config,
            errors,
        }
    }

    /// True if the networks are as configured, so that one can tell what lies in them.
    pub(super) fn networks_known(&self) -> bool {
        let about_networks = |error: &ConfigError| {
            let key = error.location.key.as_deref().unwrap_or_default();
            key.ends_with("_cidr") || matches!(key, "vpc_cidr_size" | "ip_space" | "")
        };
        self.config.is_some() && !self.errors.iter().any(about_networks)
    }

    fn section(&self) -> String {
        format!("env:{}", self.name.as_deref().unwrap_or_default())
    }
}

/// Checks environments and gives what other checks look into.
pub(super) fn environments(file: &DiscoVpc, only: Only<'_>, problems: &mut Problems) -> Vec<View> {
    for remark in file.stray() {
        problems.push(Severity::Warning, remark);
    }
    if let Some((name, env_type)) = only {
        return vec![one(file, name, env_type, problems)];
    }
    let types = file.types();
    let stand_in = stand_in(file);
    let mut views: Vec<View> = types
        .iter()
        .map(|env_type| View::new(file, None, env_type, &stand_in))
        .collect();
    for name in file.environments() {
        for env_type in &types {
            views.push(View::new(file, Some(name), env_type, &stand_in));
        }
    }
    for env_type in &types {
        check_type(file, env_type, &stand_in, &views, problems);
    }
    for name in file.environments() {
        check_section(file, name, &types, &views, problems);
    }
    views
}

/// One environment of one type: everything that `create` says.
fn one(file: &DiscoVpc, name: &str, env_type: &str, problems: &mut Problems) -> View {
    if !names::is_valid_environment(name) {
        let text = format!("VPC name `{name}` must not be empty or contain `_`");
        problems.push(Severity::Error, ConfigError::new(text).at(whole(file)));
    }
    let view = View::new(file, Some(name), env_type, name);
    for error in file.option_problems(name, env_type) {
        problems.push(Severity::Error, error);
    }
    for error in &view.errors {
        problems.push(Severity::Error, error.clone());
    }
    for remark in file.remarks(name, env_type) {
        // A missing section was told as an error, unless the environment does without it.
        if remark.location.section.is_some() || view.errors.is_empty() {
            problems.push(Severity::Warning, remark);
        }
    }
    view
}

/// What is wrong with a type. What only environments with a section of their own can complete is a warning if there is
/// such a section.
fn check_type(
    file: &DiscoVpc,
    env_type: &str,
    stand_in: &str,
    views: &[View],
    problems: &mut Problems,
) {
    for error in file.option_problems(stand_in, env_type) {
        problems.push(Severity::Error, error);
    }
    let of_type = |view: &&View| view.env_type == env_type;
    let alone = views.iter().filter(of_type).find(|v| v.name.is_none());
    for error in alone.map(|view| view.errors.as_slice()).unwrap_or_default() {
        let mut others = views.iter().filter(of_type).filter(|v| v.name.is_some());
        let completed = others.find(|view| {
            completes(file, view, error) && !view.errors.iter().any(|e| same(file, e, error))
        });
        match completed {
            None => problems.push(Severity::Error, error.clone()),
            Some(view) => {
                let hint = format!(
                    "only environments with a section of their own, like `[{}]`, can be of this type",
                    view.section()
                );
                problems.push(Severity::Warning, error.clone().with_hint(hint));
            }
        }
    }
    for remark in file.remarks(stand_in, env_type) {
        problems.push(Severity::Warning, remark);
    }
}

/// True if the error is about something missing that the environment's section could add.
fn completes(file: &DiscoVpc, view: &View, error: &ConfigError) -> bool {
    let key = error.location.key.as_deref().unwrap_or_default();
    let section = error.location.section.as_deref().unwrap_or_default();
    if !file.ini().has_option(section, key) {
        return true;
    }
    let refers = key.ends_with("_sg_rules")
        || matches!(key, "nat_gateway_routes" | "ntp_server_metanetwork");
    refers && !file.ini().options(&view.section()).any(|own| own == key)
}

/// The same error in another view; one about something missing may stand in another section there.
fn same(file: &DiscoVpc, one: &ConfigError, other: &ConfigError) -> bool {
    let missing = |e: &ConfigError| {
        let (section, key) = (e.location.section.as_deref(), e.location.key.as_deref());
        !file
            .ini()
            .has_option(section.unwrap_or_default(), key.unwrap_or_default())
    };
    one.problem == other.problem
        && (one.location == other.location
            || (one.location.key == other.location.key && missing(one) && missing(other)))
}

/// What is wrong with an environment's section, whatever its type.
fn check_section(
    file: &DiscoVpc,
    name: &str,
    types: &[String],
    views: &[View],
    problems: &mut Problems,
) {
    let section = format!("env:{name}");
    if !names::is_valid_environment(name) {
        let text = format!("no environment can be called `{name}`: a name must not contain `_`");
        let place = file.ini().location(&section, None);
        problems.push(Severity::Warning, ConfigError::new(text).at(place));
    }
    let here = |e: &ConfigError| e.location.section.as_deref() == Some(section.as_str());
    let mut wrong = file.option_problems(name, "");
    let own: Vec<&View> = views
        .iter()
        .filter(|view| view.name.as_deref() == Some(name))
        .collect();
    let in_all = |error: &ConfigError| own.iter().all(|view| view.errors.contains(error));
    if let Some(first) = own.first() {
        wrong.extend(first.errors.iter().filter(|e| in_all(e)).cloned());
    }
    wrong.retain(|error| here(error));
    if wrong.is_empty() {
        wrong = nowhere_right(&own, views);
    }
    for error in wrong {
        problems.push(Severity::Error, error);
    }
    let first = types.first().map_or("", String::as_str);
    for remark in file.remarks(name, first) {
        let everywhere = |env_type: &String| file.remarks(name, env_type).contains(&remark);
        if here(&remark) && types.iter().all(everywhere) {
            problems.push(Severity::Warning, remark);
        }
    }
}

/// The problems in the type that fits best, if none of the types that are right by themselves fits.
fn nowhere_right(own: &[&View], views: &[View]) -> Vec<ConfigError> {
    let sound = |env_type: &str| {
        let mut alone = views.iter().filter(|view| view.name.is_none());
        alone.any(|view| view.env_type == env_type && view.errors.is_empty())
    };
    let sound: Vec<&&View> = own.iter().filter(|view| sound(&view.env_type)).collect();
    if own.iter().any(|view| view.errors.is_empty()) {
        return Vec::new();
    }
    // A type of the environment's own name is the likely one.
    let best = sound.iter().min_by_key(|view| {
        let namesake = view.name.as_deref() == Some(view.env_type.as_str());
        (!namesake, view.errors.len())
    });
    let Some(best) = best else {
        return Vec::new();
    };
    let hint = format!(
        "no type fits section `[{}]`; this is what is wrong with type {}",
        best.section(),
        best.env_type
    );
    let errors = best.errors.iter().cloned();
    errors.map(|error| error.with_hint(hint.clone())).collect()
}

/// Databases of environments that have no metanetwork intranet, whatever their type.
pub(super) fn databases(
    file: &DiscoVpc,
    rds: &DiscoRds,
    views: &[View],
    only: Only<'_>,
    problems: &mut Problems,
) {
    let others: Vec<&str> = file.environments().collect();
    let named = match only {
        Some((name, _)) => vec![name],
        None => others.clone(),
    };
    for name in named {
        let mut own = views.iter().filter(|v| v.name.as_deref() == Some(name));
        let without = |view: &View| {
            let nets = view.config.as_ref().map(|config| &config.metanetworks);
            nets.is_some_and(|nets| !nets.contains_key(&MetaNetwork::Intranet))
        };
        let any = own.clone().next().is_some();
        if any && own.all(without) {
            for error in rds.without_intranet(name, &rds.databases(name, &others)) {
                problems.push(Severity::Error, error);
            }
        }
    }
}

/// A name that no section has.
fn stand_in(file: &DiscoVpc) -> String {
    let mut name = "NAME".to_owned();
    while file.has_environment(&name) {
        name.push('_');
    }
    name
}

fn whole(file: &DiscoVpc) -> Location {
    Location::file(file.ini().file())
}
