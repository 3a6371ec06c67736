//! Reading one environment of `disco_vpc.ini` option by option (spec 20, section 2.1). Checks that involve
//! several options are in `checks.rs`. No problem ends the reading: all are collected.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use ipnet::Ipv4Net;

use super::{
    DhcpConfig, DiscoVpc, EnvironmentConfig, MAX_NTP_SERVERS, MetaNetworkConfig, NatConfig,
    NtpConfig, TYPE_PREFIX, VpcCidr, checks, net_key,
};
use crate::config::diagnostic::{ConfigError, ConfigErrors, Location, Problems};
use crate::config::ini::Found;
use crate::config::suggest::nearest;
use crate::network::lists::words;
use crate::network::{
    CidrChoice, GrammarError, MetaNetwork, PortRange, Rule, parse_cidr, parse_cidr4,
};

/// The resolver that AWS provides, as DHCP options name it.
const AMAZON_DNS: &str = "AmazonProvidedDNS";

/// Reads an environment; see [`DiscoVpc::environment`].
pub(super) fn read(
    file: &DiscoVpc,
    name: &str,
    env_type: &str,
) -> Result<EnvironmentConfig, ConfigErrors> {
    match examine(file, name, env_type) {
        (Some(config), errors) if errors.is_empty() => Ok(config),
        (_, errors) => Err(ConfigErrors(errors)),
    }
}

/// The environment as far as it can be told, and all problems; see [`DiscoVpc::examine`].
pub(super) fn examine(
    file: &DiscoVpc,
    name: &str,
    env_type: &str,
) -> (Option<EnvironmentConfig>, Vec<ConfigError>) {
    let mut reader = Reader::new(file, name, env_type);
    let config = reader.environment();
    let mut errors = reader.problems.into_list();
    if !errors.is_empty() && !file.has_type(env_type) {
        if !file.has_environment(name) {
            // Nothing was read at all: what is missing follows from that.
            errors.clear();
        }
        errors.insert(0, unknown_type(file, env_type));
    }
    (config, errors)
}

/// Problems of options by themselves; see [`DiscoVpc::option_problems`].
pub(super) fn option_problems(file: &DiscoVpc, name: &str, env_type: &str) -> Vec<ConfigError> {
    let mut reader = Reader::new(file, name, env_type);
    reader.single_options();
    reader.problems.into_list()
}

fn unknown_type(file: &DiscoVpc, env_type: &str) -> ConfigError {
    let types = file.types();
    let meant =
        nearest(env_type, &types).map_or(String::new(), |name| format!("did you mean `{name}`? "));
    ConfigError::new(format!(
        "unknown environment type `{env_type}`: there is no section `[{TYPE_PREFIX}{env_type}]`"
    ))
    .at(Location::file(file.ini().file()))
    .with_hint(match types.is_empty() {
        true => format!("add a section `[{TYPE_PREFIX}{env_type}]`"),
        false => format!("{meant}known types: {}", types.join(", ")),
    })
}

/// Reads the options of one environment and collects what is wrong with them.
pub(super) struct Reader<'a> {
    file: &'a DiscoVpc,
    name: &'a str,
    env_type: &'a str,
    problems: Problems,
}

impl<'a> Reader<'a> {
    fn new(file: &'a DiscoVpc, name: &'a str, env_type: &'a str) -> Self {
        Reader {
            file,
            name,
            env_type,
            problems: Problems::default(),
        }
    }

    /// Reads every option, also those that have no effect here because others are missing.
    fn single_options(&mut self) {
        for key in ["vpc_cidr", "ip_space"] {
            if let Some(text) = self.text(key) {
                self.grammar(key, parse_cidr4(&text));
            }
        }
        if let Some(size) = self.text("vpc_cidr_size") {
            self.prefix_length(&size);
        }
        for net in MetaNetwork::ALL {
            let key = net_key(net, "cidr");
            if let Some(text) = self.text(&key) {
                self.grammar(&key, text.parse::<CidrChoice>());
            }
            self.sg_rules(net);
            self.routes(&net_key(net, "igw_routes"));
            self.routes(&net_key(net, "vgw_routes"));
            self.nat(&net_key(net, "nat_gateways"));
        }
        self.customer_ports();
        self.list("customer_cidr", parse_cidr);
        self.dhcp();
        self.list("nat_gateway_routes", nat_route);
        for key in ["application", "ami_stage", "credential_buckets"] {
            self.text(key);
        }
    }

    /// Records a problem at the place of an option.
    pub(super) fn wrong(&mut self, key: &str, problem: impl Into<String>) {
        let location = self.file.location(self.name, self.env_type, key);
        self.problems.push(ConfigError::new(problem).at(location));
    }

    /// The environment after all checks, or `None` after a problem with its network.
    fn environment(&mut self) -> Option<EnvironmentConfig> {
        let vpc_cidr = self.vpc_cidr();
        let (metanetworks, all_networks_known) = self.metanetworks();
        let customer_ports = self.customer_ports();
        let customer_cidrs = self.list("customer_cidr", parse_cidr);
        let dhcp = self.dhcp();
        let application = self.text("application").unwrap_or_default();
        let ami_stages = self.names("ami_stage");
        let credential_buckets = self.names("credential_buckets");
        let nat_gateway_routes = self.list("nat_gateway_routes", nat_route);
        checks::check(
            self,
            &checks::Parts {
                vpc: vpc_cidr,
                nets: &metanetworks,
                all_networks_known,
                nat_routes: &nat_gateway_routes,
                ntp: &dhcp.ntp,
            },
        );
        Some(EnvironmentConfig {
            name: self.name.to_owned(),
            env_type: self.env_type.to_owned(),
            vpc_cidr: vpc_cidr?,
            metanetworks,
            customer_ports,
            customer_cidrs,
            dhcp,
            application,
            ami_stages,
            credential_buckets,
            nat_gateway_routes,
        })
    }

    /// An option that is present and not blank.
    fn filled(&mut self, key: &str) -> Option<Found> {
        let found = self.file.option(self.name, self.env_type, key);
        let found = self.problems.keep(found).flatten();
        found.filter(|found| !found.value.trim().is_empty())
    }

    fn text(&mut self, key: &str) -> Option<String> {
        self.filled(key).map(|found| found.value)
    }

    fn names(&mut self, key: &str) -> Vec<String> {
        self.list(key, |word| Ok(word.to_owned()))
    }

    /// The parsed words of a list option. Words that do not parse are recorded and left out.
    fn list<T>(&mut self, key: &str, parse: impl Fn(&str) -> Result<T, GrammarError>) -> Vec<T> {
        let text = self.text(key).unwrap_or_default();
        let parsed = words(&text).into_iter().map(parse);
        parsed.filter_map(|item| self.grammar(key, item)).collect()
    }

    /// The value, or `None` after its problem has been recorded at the option.
    fn grammar<T>(&mut self, key: &str, result: Result<T, GrammarError>) -> Option<T> {
        result
            .map_err(|GrammarError(problem)| self.wrong(key, problem))
            .ok()
    }

    fn vpc_cidr(&mut self) -> Option<VpcCidr> {
        if let Some(text) = self.text("vpc_cidr") {
            let cidr = self.grammar("vpc_cidr", parse_cidr4(&text))?;
            return Some(VpcCidr::Static(cidr));
        }
        let (space, size) = (self.text("ip_space"), self.text("vpc_cidr_size"));
        let (Some(space), Some(size)) = (space, size) else {
            let problem = format!(
                "Cannot create VPC {}. ip_space or vpc_cidr_size missing",
                self.name
            );
            let location = self.file.location(self.name, self.env_type, "vpc_cidr");
            self.problems.push(
                ConfigError::new(problem)
                    .at(location)
                    .with_hint("set `vpc_cidr`, or both `ip_space` and `vpc_cidr_size`"),
            );
            return None;
        };
        let space = self.grammar("ip_space", parse_cidr4(&space));
        let size = self.prefix_length(&size);
        space
            .zip(size)
            .map(|(space, size)| VpcCidr::FromSpace { space, size })
    }

    fn prefix_length(&mut self, size: &str) -> Option<u8> {
        let parsed = size.trim().parse().map_err(|_| {
            GrammarError(format!(
                "`{size}` is not a prefix length: use a number from 16 to 28"
            ))
        });
        self.grammar("vpc_cidr_size", parsed)
    }

    /// The metanetworks, and whether the networks of all are known. One whose network is wrong is kept as
    /// `auto`, so that checks of other options still see it.
    fn metanetworks(&mut self) -> (BTreeMap<MetaNetwork, MetaNetworkConfig>, bool) {
        let mut nets = BTreeMap::new();
        let mut all_known = true;
        for net in MetaNetwork::ALL {
            let key = net_key(net, "cidr");
            let Some(text) = self.text(&key) else {
                continue;
            };
            let cidr = self.grammar(&key, text.parse());
            all_known &= cidr.is_some();
            let settings = MetaNetworkConfig {
                cidr: cidr.unwrap_or(CidrChoice::Auto),
                sg_rules: self.sg_rules(net),
                igw_routes: self.routes(&net_key(net, "igw_routes")),
                vgw_routes: self.routes(&net_key(net, "vgw_routes")),
                nat: self.nat(&net_key(net, "nat_gateways")),
            };
            nets.insert(net, settings);
        }
        if nets.is_empty() {
            let problem = format!("No Metanetworks configured for VPC {}", self.name);
            self.wrong("intranet_cidr", problem);
        }
        (nets, all_known)
    }

    fn sg_rules(&mut self, net: MetaNetwork) -> Vec<Rule> {
        let key = net_key(net, "sg_rules");
        let Some(text) = self.text(&key) else {
            return Vec::new();
        };
        let rules = text.split(',').map(|rule| Rule::parse(net, rule));
        rules.filter_map(|rule| self.grammar(&key, rule)).collect()
    }

    fn routes(&mut self, key: &str) -> Vec<Ipv4Net> {
        let mut routes = Vec::new();
        for route in self.list(key, parse_cidr4) {
            if !routes.contains(&route) {
                routes.push(route);
            }
        }
        routes
    }

    fn nat(&mut self, key: &str) -> Option<NatConfig> {
        let text = self.text(key)?;
        if text.trim().eq_ignore_ascii_case("auto") {
            return Some(NatConfig::Auto);
        }
        let addresses = self.list(key, |word| {
            word.parse::<Ipv4Addr>().map_err(|_| {
                GrammarError(format!(
                    "`{word}` is not an elastic IP: list IPv4 addresses, or write `auto`"
                ))
            })
        });
        Some(NatConfig::Addresses(addresses))
    }

    fn customer_ports(&mut self) -> Vec<PortRange> {
        self.list("customer_ports", |word| {
            let range = PortRange::parse(word)?;
            if range.from < 0 || range.to < range.from {
                return Err(GrammarError(format!(
                    "`{word}` is not a TCP port or an ascending range of them"
                )));
            }
            Ok(range)
        })
    }

    fn dhcp(&mut self) -> DhcpConfig {
        DhcpConfig {
            domain_name: self.text("domain_name"),
            internal_dns: self.dns("internal_dns"),
            external_dns: self.dns("external_dns"),
            ntp: self.ntp(),
        }
    }

    fn dns(&mut self, key: &str) -> Option<String> {
        let text = self.text(key)?;
        if text.eq_ignore_ascii_case(AMAZON_DNS) {
            return Some(AMAZON_DNS.to_owned());
        }
        if text.parse::<IpAddr>().is_err() {
            self.wrong(
                key,
                format!("`{text}` is neither an IP address nor `{AMAZON_DNS}`"),
            );
        }
        Some(text)
    }

    fn ntp(&mut self) -> NtpConfig {
        let servers = self.list("ntp_server", |word| match is_host(word) {
            true => Ok(word.to_owned()),
            false => Err(GrammarError(format!(
                "`{word}` is neither an IP address nor a host name"
            ))),
        });
        if servers.len() > MAX_NTP_SERVERS {
            let problem = format!(
                "{} NTP servers are too many: at most {MAX_NTP_SERVERS}",
                servers.len()
            );
            self.wrong("ntp_server", problem);
        }
        if self.filled("ntp_server").is_some() {
            return NtpConfig::Servers(servers);
        }
        let (net, offset) = (
            self.text("ntp_server_metanetwork"),
            self.text("ntp_server_offset"),
        );
        let (Some(net), Some(offset)) = (net, offset) else {
            return NtpConfig::None;
        };
        if offset.parse::<i64>().is_err() {
            self.wrong(
                "ntp_server_offset",
                format!("`{offset}` is not an offset: use a signed number like `+5` or `-2`"),
            );
        }
        match self.grammar("ntp_server_metanetwork", net.parse()) {
            Some(metanetwork) => NtpConfig::Offset {
                metanetwork,
                offset,
            },
            None => NtpConfig::None,
        }
    }
}

/// An entry `SRC/DST` of `nat_gateway_routes`.
fn nat_route(word: &str) -> Result<(MetaNetwork, MetaNetwork), GrammarError> {
    let (source, target) = word.split_once('/').ok_or_else(|| {
        GrammarError(format!(
            "`{word}` is not a NAT route: write it as SOURCE/NAT, like intranet/tunnel"
        ))
    })?;
    Ok((source.parse()?, target.parse()?))
}

/// True for an IP address and for what can be a host name.
fn is_host(word: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty()
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    word.parse::<IpAddr>().is_ok() || word.strip_suffix('.').unwrap_or(word).split('.').all(label)
}
