//! What provisioning needs to know of one hostclass, typed and checked (spec 10, section 5.2; spec 40,
//! sections 4.4 to 4.7). All problems of a hostclass are reported at once. Offsets are not resolved here:
//! that needs the subnets.

mod balancer;
mod smoke;
pub(crate) mod spelling;

pub use balancer::{BalancerOptions, BalancerType};
pub use smoke::SmokeMethod;

use std::net::Ipv4Addr;

use super::diagnostic::{ConfigError, ConfigErrors, Location, Problems};
use super::disco_aws::DiscoAws;
use super::ini::Found;
use super::truth::is_truthy;
use crate::network::lists::words;
use crate::network::{GrammarError, MetaNetwork};

/// The options of one hostclass in one environment.
///
/// All come by chain B unless said otherwise. Where a text option is optional, empty counts as not set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostclassConfig {
    /// The hostclass.
    pub name: String,
    /// `meta_network`, required.
    pub meta_network: MetaNetwork,
    /// `ssh_key_name`, required; `none` in any case or empty means no key.
    pub ssh_key_name: Option<String>,
    /// `public_ip`, required.
    pub public_ip: bool,
    /// `smoketest_termination`, required.
    pub smoketest_termination: bool,
    /// `enable_proxy`, default false.
    pub enable_proxy: bool,
    /// `instance_profile_name`.
    pub instance_profile_name: Option<String>,
    /// `domain_name`.
    pub domain_name: Option<String>,
    /// `product_line`, default `unknown`.
    pub product_line: String,
    /// `chaos`, default true.
    pub chaos: bool,
    /// `tags`: `k:v,k2:v2`, trimmed, split at the first colon, in the order given.
    pub tags: Vec<(String, String)>,
    /// `ip_address`: each an IPv4 address, or an offset like `+5` or `-2`.
    pub ip_addresses: Vec<String>,
    /// `eip`: an IPv4 address; `none` in any case counts as not set.
    pub eip: Option<String>,
    /// `spotinst` of the hostclass section (chain C, no `default_` form), default false.
    pub spotinst: bool,
    /// `elb` and what belongs to it.
    pub balancer: BalancerOptions,
    /// `http_tokens`: `optional` or `required`; absent leaves it to the account's default.
    pub http_tokens: Option<String>,
}

/// The static addresses of one hostclass in one environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StaticAddresses {
    /// The hostclass.
    pub hostclass: String,
    /// The metanetwork that the addresses lie in and that offsets refer to.
    pub meta_network: MetaNetwork,
    /// Each an IPv4 address, or an offset like `+5` or `-2`; at least one.
    pub addresses: Vec<String>,
    /// Where the addresses are configured.
    pub location: Location,
}

impl DiscoAws {
    /// Reads the options of a hostclass. A missing section is no error: the `default_` options then apply.
    ///
    /// # Errors
    /// All missing, invalid and misspelt options of the hostclass.
    pub fn hostclass(&self, hostclass: &str, env: &str) -> Result<HostclassConfig, ConfigErrors> {
        let mut reader = Reader::new(self, hostclass, env);
        for misspelt in spelling::misspelt(self.ini(), hostclass) {
            reader.problems.push(misspelt);
        }
        let meta_network = reader.meta_network();
        let ssh_key_name = reader
            .required("ssh_key_name")
            .map(|found| unless_none(found.value));
        let public_ip = reader
            .required("public_ip")
            .map(|found| is_truthy(&found.value));
        let smoketest_termination = reader
            .required("smoketest_termination")
            .map(|found| is_truthy(&found.value));
        let enable_proxy = reader.truth("enable_proxy", false);
        let instance_profile_name = reader.text("instance_profile_name");
        let domain_name = reader.text("domain_name");
        let product_line = reader.optional("product_line");
        let chaos = reader.truth("chaos", true);
        let tags = reader.tags();
        let ip_addresses = reader
            .addresses()
            .map(|(words, _)| words)
            .unwrap_or_default();
        let eip = reader.eip();
        let spotinst = reader.spotinst();
        let balancer = reader.balancer();
        let http_tokens = reader.http_tokens();
        reader.problems.keep(self.smoke_method(hostclass, env));
        let required = meta_network
            .zip(ssh_key_name)
            .zip(public_ip)
            .zip(smoketest_termination);
        let config = required.map(
            |(((meta_network, ssh_key_name), public_ip), smoketest_termination)| HostclassConfig {
                name: hostclass.to_owned(),
                meta_network,
                ssh_key_name,
                public_ip,
                smoketest_termination,
                enable_proxy,
                instance_profile_name,
                domain_name,
                product_line: product_line
                    .map_or_else(|| "unknown".to_owned(), |found| found.value),
                chaos,
                tags,
                ip_addresses,
                eip,
                spotinst,
                balancer,
                http_tokens,
            },
        );
        reader.problems.finish(config)
    }

    /// Options of a hostclass section that are nearly one of ours, with the likely name as hint.
    pub(crate) fn misspelt_options(&self, hostclass: &str) -> Vec<ConfigError> {
        spelling::misspelt(self.ini(), hostclass)
    }

    /// The static addresses of a hostclass (`ip_address`), for environment creation and user data. `None` if
    /// the option is absent or empty; `meta_network` is only needed otherwise (spec 20, section 13).
    ///
    /// # Errors
    /// Words that are neither address nor offset, or no valid `meta_network`.
    pub fn static_addresses(
        &self,
        hostclass: &str,
        env: &str,
    ) -> Result<Option<StaticAddresses>, ConfigErrors> {
        let mut reader = Reader::new(self, hostclass, env);
        let Some((addresses, location)) = reader.addresses() else {
            return reader.problems.finish(Some(None));
        };
        let found = reader.meta_network().map(|meta_network| {
            Some(StaticAddresses {
                hostclass: hostclass.to_owned(),
                meta_network,
                addresses,
                location,
            })
        });
        reader.problems.finish(found)
    }
}

/// Reads options of one hostclass and collects what is wrong with them.
struct Reader<'a> {
    config: &'a DiscoAws,
    hostclass: &'a str,
    env: &'a str,
    problems: Problems,
}

impl<'a> Reader<'a> {
    fn new(config: &'a DiscoAws, hostclass: &'a str, env: &'a str) -> Self {
        Reader {
            config,
            hostclass,
            env,
            problems: Problems::default(),
        }
    }

    fn required(&mut self, key: &str) -> Option<Found> {
        let found = self
            .config
            .required_hostclass_option(self.hostclass, key, self.env);
        self.problems.keep(found)
    }

    fn optional(&mut self, key: &str) -> Option<Found> {
        let found = self.config.hostclass_option(self.hostclass, key, self.env);
        self.problems.keep(found).flatten()
    }

    fn filled(&mut self, key: &str) -> Option<Found> {
        self.optional(key)
            .filter(|found| !found.value.trim().is_empty())
    }

    fn text(&mut self, key: &str) -> Option<String> {
        self.filled(key).map(|found| found.value)
    }

    fn truth(&mut self, key: &str, default: bool) -> bool {
        self.optional(key)
            .map_or(default, |found| is_truthy(&found.value))
    }

    fn wrong(&mut self, found: &Found, problem: String) {
        self.problems
            .push(ConfigError::new(problem).at(found.location.clone()));
    }

    fn meta_network(&mut self) -> Option<MetaNetwork> {
        let found = self.required("meta_network")?;
        match found.value.parse() {
            Ok(net) => Some(net),
            Err(GrammarError(problem)) => {
                self.wrong(&found, problem);
                None
            }
        }
    }

    fn tags(&mut self) -> Vec<(String, String)> {
        let Some(found) = self.filled("tags") else {
            return Vec::new();
        };
        let mut tags = Vec::new();
        for entry in found.value.split(',') {
            match entry
                .split_once(':')
                .map(|(key, value)| (key.trim(), value.trim()))
            {
                Some((key, value)) if !key.is_empty() => {
                    tags.push((key.to_owned(), value.to_owned()))
                }
                _ => self.wrong(
                    &found,
                    format!(
                        "`{}` is not a tag: write tags as KEY:VALUE,KEY:VALUE",
                        entry.trim()
                    ),
                ),
            }
        }
        tags
    }

    /// The words of `ip_address` with their place; `None` if there are none.
    fn addresses(&mut self) -> Option<(Vec<String>, Location)> {
        let found = self.filled("ip_address")?;
        let mut addresses = Vec::new();
        for word in words(&found.value) {
            if !is_address(word) {
                self.wrong(
                    &found,
                    format!("`{word}` is neither an IPv4 address nor an offset like `+5` or `-2`"),
                );
            }
            addresses.push(word.to_owned());
        }
        (!addresses.is_empty()).then_some((addresses, found.location))
    }

    fn eip(&mut self) -> Option<String> {
        let found = self.filled("eip")?;
        let eip = unless_none(found.value.clone())?;
        if eip.parse::<Ipv4Addr>().is_err() {
            self.wrong(&found, format!("`{eip}` is not an IPv4 address"));
        }
        Some(eip)
    }

    fn spotinst(&mut self) -> bool {
        let found = self
            .config
            .section_option(self.hostclass, "spotinst", self.env);
        let found = self.problems.keep(found).flatten();
        found.is_some_and(|found| is_truthy(&found.value))
    }

    fn http_tokens(&mut self) -> Option<String> {
        let found = self.filled("http_tokens")?;
        let tokens = found.value.to_ascii_lowercase();
        if !matches!(tokens.as_str(), "optional" | "required") {
            self.wrong(
                &found,
                format!("`{}` is neither `optional` nor `required`", found.value),
            );
        }
        Some(tokens)
    }
}

/// The value, unless it is empty or the word `none` in any case.
fn unless_none(value: String) -> Option<String> {
    Some(value).filter(|value| !value.is_empty() && !value.eq_ignore_ascii_case("none"))
}

/// True for an IPv4 address and for a signed offset.
fn is_address(word: &str) -> bool {
    match word.strip_prefix(['+', '-']) {
        Some(digits) => {
            digits.bytes().all(|byte| byte.is_ascii_digit()) && digits.parse::<u32>().is_ok()
        }
        None => word.parse::<Ipv4Addr>().is_ok(),
    }
}

#[cfg(test)]
mod tests;
