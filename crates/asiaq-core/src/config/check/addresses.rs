//! Static addresses of hostclasses against the metanetworks that they are to lie in. A hostclass need not run in every
//! environment, so an address is only wrong if it is right nowhere.

use super::environments::View;
use super::places::places;
use super::{Only, Problems, Severity};
use crate::config::diagnostic::{ConfigError, ConfigErrors};
use crate::config::{DiscoAws, StaticAddresses};
use std::net::Ipv4Addr;

/// Options whose `@ENV` forms make a difference.
const KEYS: [&str; 4] = [
    "ip_address",
    "meta_network",
    "default_ip_address",
    "default_meta_network",
];

/// Addresses as they stand at one place, with all environments that they hold for.
struct Use<'a> {
    own: StaticAddresses,
    views: Vec<&'a View>,
}

/// Checks all hostclasses.
pub(super) fn addresses(aws: &DiscoAws, views: &[View], only: Only<'_>, problems: &mut Problems) {
    let names = names(aws, views, only);
    for hostclass in aws.hostclasses() {
        for error in aws.misspelt_options(&hostclass) {
            problems.push(Severity::Warning, error);
        }
        let mut uses: Vec<Use<'_>> = Vec::new();
        let mut general: Vec<ConfigError> = Vec::new();
        for name in &names {
            let shown = name.as_deref().unwrap_or_default();
            match aws.static_addresses(&hostclass, shown) {
                Ok(None) => {}
                Ok(Some(own)) => add(&mut uses, own, of_name(views, name.as_deref())),
                Err(ConfigErrors(errors)) => {
                    for error in errors {
                        let everywhere = without_environment(&error, shown);
                        if name.is_none() {
                            general.push(everywhere);
                        } else if !general.contains(&everywhere) {
                            problems.push(Severity::Error, error);
                        }
                    }
                }
            }
        }
        for error in general {
            problems.push(Severity::Error, error);
        }
        for own in &uses {
            fits(own, only.is_some(), problems);
        }
    }
}

/// The problem as it reads if it is one of every environment.
fn without_environment(error: &ConfigError, name: &str) -> ConfigError {
    let mut general = error.clone();
    let problem = &error.problem;
    general.problem = problem.replace(&format!(" in environment `{name}`"), "");
    general
}

/// Names of environments that may have addresses of their own; `None` is any other.
fn names(aws: &DiscoAws, views: &[View], only: Only<'_>) -> Vec<Option<String>> {
    if let Some((name, _)) = only {
        return vec![Some(name.to_owned())];
    }
    let mut names = vec![None];
    let mut add = |name: &str| {
        let name = Some(name.to_owned());
        if !names.contains(&name) {
            names.push(name);
        }
    };
    for view in views {
        view.name.as_deref().map(&mut add);
    }
    let sections = aws.hostclasses();
    for section in sections.iter().map(String::as_str).chain(["disco_aws"]) {
        for option in aws.ini().options(section) {
            if let Some((key, name)) = option.split_once('@')
                && KEYS.contains(&key)
            {
                add(name);
            }
        }
    }
    names
}

/// The views of an environment. One without a section of its own looks like its type. Left out are combinations of
/// section and type that cannot be, and types that only sections complete, as long as others remain.
fn of_name<'a>(views: &'a [View], name: Option<&str>) -> Vec<&'a View> {
    let with = |wanted: Option<&str>| {
        let own = views.iter().filter(|view| view.name.as_deref() == wanted);
        own.collect::<Vec<_>>()
    };
    let own = with(name);
    if name.is_some() && !own.is_empty() {
        let possible: Vec<&View> = own.iter().copied().filter(|v| v.networks_known()).collect();
        return if possible.is_empty() { own } else { possible };
    }
    let completed = |alone: &View| {
        let mut others = views.iter().filter(|view| view.name.is_some());
        others.any(|view| view.env_type == alone.env_type && view.networks_known())
    };
    let alone = with(None).into_iter();
    alone
        .filter(|view| view.networks_known() || !completed(view))
        .collect()
}

fn add<'a>(uses: &mut Vec<Use<'a>>, own: StaticAddresses, views: Vec<&'a View>) {
    match uses.iter_mut().find(|known| known.own == own) {
        Some(known) => known.views.extend(views),
        None => uses.push(Use { own, views }),
    }
}

/// `create` itself only warns about addresses, so for one environment these are warnings.
fn fits(own: &Use<'_>, one: bool, problems: &mut Problems) {
    let severity = if one {
        Severity::Warning
    } else {
        Severity::Error
    };
    let net = own.own.meta_network;
    if own.views.is_empty() || !own.views.iter().all(|view| view.networks_known()) {
        // What is wrong there comes first.
        return;
    }
    let having: Vec<(&View, super::places::Places)> = own
        .views
        .iter()
        .filter_map(|view| Some((*view, places(view.config.as_ref()?, net)?)))
        .collect();
    let mut tell = |severity, text: String, hint: Option<&str>| {
        let error = ConfigError::new(text).at(own.own.location.clone());
        let error = match hint {
            Some(hint) => error.with_hint(hint),
            None => error,
        };
        problems.push(severity, error);
    };
    if having.is_empty() {
        let which = match one {
            true => "is not configured in this environment",
            false => "is configured in none of the types",
        };
        let text = format!(
            "no address can be reserved for hostclass {}: its metanetwork {net} {which}",
            own.own.hostclass
        );
        return tell(severity, text, Some("change `meta_network`"));
    }
    for address in &own.own.addresses {
        let missed: Vec<&(&View, super::places::Places)> = having
            .iter()
            .filter(|(_, places)| !places.may_hold(net, address))
            .collect();
        let absolute = address.parse::<Ipv4Addr>().is_ok();
        if missed.len() == having.len() {
            let size = missed.first().filter(|_| !absolute);
            let size = size.map_or(String::new(), |(_, places)| {
                format!(": it has {}", places.size())
            });
            let text = format!("`{address}` is not in the range of metanetwork {net}{size}");
            tell(severity, text, None);
            continue;
        }
        let types: Vec<&str> = missed
            .iter()
            .filter(|(view, _)| view.name.is_none())
            .map(|(view, _)| view.env_type.as_str())
            .collect();
        if !absolute && !types.is_empty() {
            let text = format!(
                "`{address}` is not in the range of metanetwork {net} in environments of type {}",
                types.join(", ")
            );
            tell(Severity::Warning, text, None);
        }
    }
}
