//! What is suspicious about an environment of `disco_vpc.ini` without being wrong (spec 20, sections 2.1, 4.7
//! and 4.8), and what belongs to no environment at all. Nothing is refused here.

use ipnet::Ipv4Net;

use super::{DiscoVpc, ENV_PREFIX, PEERINGS, TYPE_PREFIX, net_key};
use crate::config::diagnostic::{ConfigError, Location};
use crate::config::ini::Found;
use crate::config::suggest::nearest;
use crate::network::lists::words;
use crate::network::{MetaNetwork, parse_cidr4};

/// Options of an environment that do not belong to a metanetwork.
const PLAIN_KEYS: [&str; 16] = [
    "vpc_cidr",
    "ip_space",
    "vpc_cidr_size",
    "nat_gateway_routes",
    "customer_ports",
    "customer_cidr",
    "internal_dns",
    "external_dns",
    "domain_name",
    "ntp_server",
    "ntp_server_metanetwork",
    "ntp_server_offset",
    "application",
    "ami_stage",
    "credential_buckets",
    // Occurs in old files and was never read.
    "tunnel_key",
];

/// Options that every metanetwork has, after its name.
const NET_KEYS: [&str; 5] = [
    "cidr",
    "sg_rules",
    "igw_routes",
    "vgw_routes",
    "nat_gateways",
];

/// Options of `[peerings]` that belong to no environment; lines start with the prefix below.
const PEERING_KEYS: [&str; 1] = ["update_security_groups"];
/// What names of peering lines start with.
const CONNECTION: &str = "connection_";

/// All warnings; see [`DiscoVpc::warnings`].
pub(super) fn warnings(file: &DiscoVpc, name: &str, env_type: &str) -> Vec<ConfigError> {
    let view = View {
        file,
        name,
        env_type,
    };
    let mut found = view.unknown_options();
    found.extend(view.missing_type());
    found.extend(view.customers_without_dmz());
    found.extend(view.covered_default_routes());
    found.extend(view.half_ntp_offset());
    found
}

/// Sections and options of `[peerings]` that nothing reads; see [`DiscoVpc::stray`].
pub(super) fn stray(file: &DiscoVpc) -> Vec<ConfigError> {
    let ini = file.ini();
    let sections = ini.sections().filter(|section| {
        let prefixed = [ENV_PREFIX, TYPE_PREFIX]
            .iter()
            .any(|prefix| section.starts_with(prefix));
        !prefixed && *section != PEERINGS
    });
    let sections = sections.map(|section| {
        let text = match likely_section(section) {
            Some(meant) => format!("unknown section: did you mean `[{meant}]`?"),
            None => "unknown section".to_owned(),
        };
        ConfigError::new(text).at(ini.location(section, None))
    });
    let mut known = known_keys();
    known.extend(PEERING_KEYS.map(str::to_owned));
    let options = ini
        .options(PEERINGS)
        .filter(|option| !option.starts_with(CONNECTION) && !known.iter().any(|key| key == option));
    let options = options.map(|option| {
        let text = match nearest(option.split('_').next().unwrap_or(option), &["connection"]) {
            Some(_) => format!("unknown option: peering lines start with `{CONNECTION}`"),
            None => unknown_option(option, &known),
        };
        ConfigError::new(text).at(ini.location(PEERINGS, Some(option)))
    });
    sections.chain(options).collect()
}

/// The section that a misspelt one was meant to be.
fn likely_section(section: &str) -> Option<String> {
    if let Some((kind, name)) = section.split_once(':') {
        let kinds = [ENV_PREFIX, TYPE_PREFIX].map(|prefix| prefix.trim_end_matches(':'));
        let kind = kind.trim().to_ascii_lowercase();
        return nearest(&kind, &kinds).map(|meant| format!("{meant}:{}", name.trim()));
    }
    nearest(&section.to_ascii_lowercase(), &[PEERINGS]).map(str::to_owned)
}

struct View<'a> {
    file: &'a DiscoVpc,
    name: &'a str,
    env_type: &'a str,
}

impl View<'_> {
    /// An option that is present, readable and not blank.
    fn filled(&self, key: &str) -> Option<Found> {
        let found = self
            .file
            .option(self.name, self.env_type, key)
            .ok()
            .flatten();
        found.filter(|found| !found.value.trim().is_empty())
    }

    fn configured(&self, net: MetaNetwork) -> bool {
        self.filled(&net_key(net, "cidr")).is_some()
    }

    fn unknown_options(&self) -> Vec<ConfigError> {
        let known = known_keys();
        let ini = self.file.ini();
        let sections = [
            format!("{ENV_PREFIX}{}", self.name),
            format!("{TYPE_PREFIX}{}", self.env_type),
        ];
        let options = sections
            .iter()
            .flat_map(|section| ini.options(section).map(move |option| (section, option)));
        options
            .filter(|(_, option)| !known.iter().any(|key| key == option))
            .map(|(section, option)| {
                let place = ini.location(section, Some(option));
                ConfigError::new(unknown_option(option, &known)).at(place)
            })
            .collect()
    }

    fn missing_type(&self) -> Option<ConfigError> {
        let section = format!("{TYPE_PREFIX}{}", self.env_type);
        let file = self.file.ini().file();
        (!self.file.has_type(self.env_type)).then(|| {
            ConfigError::new(format!("there is no section `[{section}]`")).at(Location::file(file))
        })
    }

    fn customers_without_dmz(&self) -> Option<ConfigError> {
        let found = self.filled("customer_ports")?;
        (!self.configured(MetaNetwork::Dmz)).then(|| {
            ConfigError::new("no effect, since metanetwork dmz is not configured")
                .at(found.location)
        })
    }

    /// Gateway routes for everything in metanetworks whose NAT route takes that place.
    fn covered_default_routes(&self) -> Vec<ConfigError> {
        let Some(found) = self.filled("nat_gateway_routes") else {
            return Vec::new();
        };
        let routes = words(&found.value);
        let sources = routes.iter().filter_map(|route| route.split_once('/'));
        sources
            .filter_map(|(source, _)| source.parse::<MetaNetwork>().ok())
            .filter(|net| self.configured(*net))
            .flat_map(|net| [net_key(net, "igw_routes"), net_key(net, "vgw_routes")])
            .filter_map(|key| self.filled(&key))
            .filter(|routes| words(&routes.value).into_iter().any(is_default))
            .map(|routes| {
                ConfigError::new("0.0.0.0/0 is ignored, since `nat_gateway_routes` takes its place")
                    .at(routes.location)
            })
            .collect()
    }

    fn half_ntp_offset(&self) -> Option<ConfigError> {
        if self.filled("ntp_server").is_some() {
            return None;
        }
        let (net, offset) = ("ntp_server_metanetwork", "ntp_server_offset");
        let (found, other) = match (self.filled(net), self.filled(offset)) {
            (Some(found), None) => (found, offset),
            (None, Some(found)) => (found, net),
            _ => return None,
        };
        Some(ConfigError::new(format!("no effect without `{other}`")).at(found.location))
    }
}

/// Every option of an environment.
pub(crate) fn known_keys() -> Vec<String> {
    let of_nets = MetaNetwork::ALL
        .into_iter()
        .flat_map(|net| NET_KEYS.map(|what| net_key(net, what)));
    PLAIN_KEYS
        .into_iter()
        .map(String::from)
        .chain(of_nets)
        .collect()
}

fn unknown_option(option: &str, known: &[String]) -> String {
    if let Some((plain, _)) = option.split_once('@') {
        return format!("unknown option: this file has no `@` form of `{plain}`");
    }
    match nearest(option, known) {
        Some(key) => format!("unknown option: did you mean `{key}`?"),
        None => "unknown option".to_owned(),
    }
}

fn is_default(word: &str) -> bool {
    parse_cidr4(word).is_ok_and(|route| route == Ipv4Net::default())
}
