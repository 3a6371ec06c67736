//! What is suspicious about an environment of `disco_vpc.ini` without being wrong (spec 20, sections 2.1, 4.7
//! and 4.8). Only texts come from here; nothing is refused.

use ipnet::Ipv4Net;

use super::{DiscoVpc, ENV_PREFIX, TYPE_PREFIX, net_key};
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

/// All warnings; see [`DiscoVpc::warnings`].
pub(super) fn warnings(file: &DiscoVpc, name: &str, env_type: &str) -> Vec<String> {
    let view = View {
        file,
        name,
        env_type,
    };
    let mut texts = view.unknown_options();
    texts.extend(view.missing_type());
    texts.extend(view.customers_without_dmz());
    texts.extend(view.covered_default_routes());
    texts.extend(view.half_ntp_offset());
    texts
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

    fn unknown_options(&self) -> Vec<String> {
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
                format!("{place}: {}", unknown_option(option, &known))
            })
            .collect()
    }

    fn missing_type(&self) -> Option<String> {
        let section = format!("{TYPE_PREFIX}{}", self.env_type);
        let file = self.file.ini().file();
        (!self.file.has_type(self.env_type))
            .then(|| format!("{file}: there is no section `[{section}]`"))
    }

    fn customers_without_dmz(&self) -> Option<String> {
        let found = self.filled("customer_ports")?;
        (!self.configured(MetaNetwork::Dmz)).then(|| {
            format!(
                "{}: no effect, since metanetwork dmz is not configured",
                found.location
            )
        })
    }

    /// Gateway routes for everything in metanetworks whose NAT route takes that place.
    fn covered_default_routes(&self) -> Vec<String> {
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
                format!(
                    "{}: 0.0.0.0/0 is ignored, since `nat_gateway_routes` takes its place",
                    routes.location
                )
            })
            .collect()
    }

    fn half_ntp_offset(&self) -> Option<String> {
        if self.filled("ntp_server").is_some() {
            return None;
        }
        let (net, offset) = ("ntp_server_metanetwork", "ntp_server_offset");
        let (found, other) = match (self.filled(net), self.filled(offset)) {
            (Some(found), None) => (found, offset),
            (None, Some(found)) => (found, net),
            _ => return None,
        };
        Some(format!("{}: no effect without `{other}`", found.location))
    }
}

fn known_keys() -> Vec<String> {
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
