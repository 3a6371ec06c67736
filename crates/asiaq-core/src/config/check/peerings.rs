//! Peering lines: their grammar, and whether the types and metanetworks that they name are configured. Which VPCs there are
//! is not known here, so a line that may match nothing is only suspicious.

use super::environments::View;
use super::{Only, Problems, Severity};
use crate::config::diagnostic::ConfigError;
use crate::config::suggest::nearest;
use crate::config::{DiscoVpc, Location};
use crate::network::PeeringEndpoint;

/// Checks the section `[peerings]`. For one environment only the grammar is checked.
pub(super) fn peerings(file: &DiscoVpc, views: &[View], only: Only<'_>, problems: &mut Problems) {
    problems.errors(file.peerings().err());
    if only.is_some() {
        return;
    }
    for (line, location) in file.peering_lines() {
        for endpoint in [&line.first, &line.second] {
            if let Some(remark) = suspicious(file, views, endpoint, &location) {
                problems.push(Severity::Warning, remark);
            }
        }
    }
}

fn suspicious(
    file: &DiscoVpc,
    views: &[View],
    endpoint: &PeeringEndpoint,
    location: &Location,
) -> Option<ConfigError> {
    let (env_type, net) = (&endpoint.env_type, endpoint.net);
    let types = file.types();
    if !types.contains(env_type) {
        let problem = format!("`{endpoint}`: there is no section `[envtype:{env_type}]`");
        let error = ConfigError::new(problem).at(location.clone());
        let meant = nearest(env_type, &types).map(|name| format!("did you mean `{name}`? "));
        return Some(error.with_hint(format!(
            "{}the type follows the name after a colon, and is the name if left out",
            meant.unwrap_or_default()
        )));
    }
    let concerned = views.iter().filter(|view| {
        let named = [&view.name, &endpoint.name];
        view.env_type == *env_type && !matches!(named, [Some(a), Some(b)] if a != b)
    });
    let mut configs = concerned.filter_map(|view| view.config.as_ref());
    let there = configs.any(|config| config.metanetworks.contains_key(&net));
    (!there).then(|| {
        let problem = format!("`{endpoint}`: no such environment has a metanetwork {net}");
        ConfigError::new(problem).at(location.clone())
    })
}
