//! `disco_vpc.ini` as the tools see it: look-up chain G of spec 10, section 4, and the environments described
//! there (spec 20, sections 2 and 4). Reading an environment is in `disco_vpc/environment.rs`, checks across
//! its options in `disco_vpc/checks.rs`, mere warnings in `disco_vpc/warnings.rs`. Peering lines, which concern
//! several environments, are read in `disco_vpc/peerings.rs`. Nothing here allocates networks or talks to AWS.

mod checks;
mod environment;
mod peerings;
#[cfg(test)]
mod tests;
pub(crate) mod warnings;

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use ipnet::{IpNet, Ipv4Net};

use super::diagnostic::{ConfigError, ConfigErrors, Location};
use super::files::ConfigDir;
use super::ini::{Found, Ini};
use crate::network::lists::words;
use crate::network::{CidrChoice, MetaNetwork, PeeringLine, PortRange, Rule};
pub use peerings::PeeringConfig;

/// Name of the file in the configuration directory.
const FILE: &str = "disco_vpc.ini";
/// What names of environment type sections start with.
const TYPE_PREFIX: &str = "envtype:";
/// What names of environment sections start with.
const ENV_PREFIX: &str = "env:";
/// The section of peering lines, also the last resort of every look-up.
const PEERINGS: &str = "peerings";
/// Most NTP servers that DHCP options take.
const MAX_NTP_SERVERS: usize = 4;

/// Typed view of `disco_vpc.ini`.
#[derive(Debug, Clone)]
pub struct DiscoVpc {
    ini: Ini,
}

/// One environment as configured: every option parsed, and checked against the others.
///
/// All networks are in canonical form (host bits cleared).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvironmentConfig {
    /// Name of the environment.
    pub name: String,
    /// Its type.
    pub env_type: String,
    /// The network of the VPC, or how to choose it.
    pub vpc_cidr: VpcCidr,
    /// The configured metanetworks; at least one.
    pub metanetworks: BTreeMap<MetaNetwork, MetaNetworkConfig>,
    /// `customer_ports`: TCP ports that customers may reach.
    pub customer_ports: Vec<PortRange>,
    /// `customer_cidr`: where customers come from.
    pub customer_cidrs: Vec<IpNet>,
    /// The DHCP options.
    pub dhcp: DhcpConfig,
    /// `application`: value of the tag of that name; empty if not configured.
    pub application: String,
    /// `ami_stage`: stages of images to use, in order of preference.
    pub ami_stages: Vec<String>,
    /// `credential_buckets`: ordered postfixes of bucket names.
    pub credential_buckets: Vec<String>,
    /// `nat_gateway_routes` as (source, metanetwork of the NAT gateway); each source once.
    pub nat_gateway_routes: Vec<(MetaNetwork, MetaNetwork)>,
}

/// The network of a VPC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VpcCidr {
    /// `vpc_cidr`.
    Static(Ipv4Net),
    /// A random free block.
    FromSpace {
        /// `ip_space`: where to take the block from.
        space: Ipv4Net,
        /// `vpc_cidr_size`: its prefix length.
        size: u8,
    },
}

/// One metanetwork of an environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetaNetworkConfig {
    /// `NET_cidr`.
    pub cidr: CidrChoice,
    /// `NET_sg_rules`; metanetworks named in them are configured.
    pub sg_rules: Vec<Rule>,
    /// `NET_igw_routes`: destinations behind the internet gateway, each once.
    pub igw_routes: Vec<Ipv4Net>,
    /// `NET_vgw_routes`: destinations behind the VPN gateway, each once and none of `igw_routes`.
    pub vgw_routes: Vec<Ipv4Net>,
    /// `NET_nat_gateways`: one NAT gateway for each subnet, or none.
    pub nat: Option<NatConfig>,
}

/// Where the addresses of NAT gateways come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NatConfig {
    /// `auto`: allocated for the purpose.
    Auto,
    /// These elastic IPs, no two alike.
    Addresses(Vec<Ipv4Addr>),
}

/// What hosts are told by DHCP. What is not configured is left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DhcpConfig {
    /// `domain_name`.
    pub domain_name: Option<String>,
    /// `internal_dns`: an IP address or `AmazonProvidedDNS`.
    pub internal_dns: Option<String>,
    /// `external_dns`: an IP address or `AmazonProvidedDNS`.
    pub external_dns: Option<String>,
    /// The time servers.
    pub ntp: NtpConfig,
}

/// The time servers of an environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NtpConfig {
    /// None configured.
    None,
    /// `ntp_server`: one to four IP addresses or host names.
    Servers(Vec<String>),
    /// `ntp_server_metanetwork` and `ntp_server_offset`.
    Offset {
        /// A configured metanetwork.
        metanetwork: MetaNetwork,
        /// A signed integer such as `+5`.
        offset: String,
    },
}

impl DiscoVpc {
    /// Reads the file from the configuration directory.
    ///
    /// # Errors
    /// As [`ConfigDir::ini`].
    pub fn load(dir: &ConfigDir) -> Result<Self, ConfigErrors> {
        dir.ini(FILE).map(Self::from_ini)
    }

    /// Reads the file, whose absence is normal here.
    ///
    /// # Errors
    /// A file that exists but cannot be read, or all its syntax errors.
    pub fn load_if_present(dir: &ConfigDir) -> Result<Option<Self>, ConfigErrors> {
        Ok(dir.ini_if_present(FILE)?.map(Self::from_ini))
    }

    /// Wraps a file that has been read.
    pub fn from_ini(ini: Ini) -> Self {
        DiscoVpc { ini }
    }

    /// The section `[peerings]`, every line parsed.
    ///
    /// # Errors
    /// All problems at once.
    pub fn peerings(&self) -> Result<PeeringConfig, ConfigErrors> {
        peerings::read(self)
    }

    /// The file itself.
    pub fn ini(&self) -> &Ini {
        &self.ini
    }

    /// The environment types (`envtype:` sections), in file order.
    pub fn types(&self) -> Vec<String> {
        self.ini
            .sections()
            .filter_map(|section| section.strip_prefix(TYPE_PREFIX))
            .map(String::from)
            .collect()
    }

    /// Names of the environments with a section of their own (`env:`), in file order.
    pub fn environments(&self) -> impl Iterator<Item = &str> {
        self.ini
            .sections()
            .filter_map(|section| section.strip_prefix(ENV_PREFIX))
    }

    /// Chain G: `env:NAME[k]`, `envtype:TYPE[k]`, `peerings[k]`. Presence decides: an empty value ends the
    /// search.
    ///
    /// # Errors
    /// Interpolation that fails; absence is `None`.
    pub fn option(
        &self,
        name: &str,
        env_type: &str,
        key: &str,
    ) -> Result<Option<Found>, ConfigError> {
        for section in self.sections_of(name, env_type) {
            if let Some(found) = self.ini.find(&section, key)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// Everything that the file says about an environment, parsed and cross-checked.
    ///
    /// # Errors
    /// All problems at once. A type without section is reported if anything is wrong, with the known types.
    pub fn environment(
        &self,
        name: &str,
        env_type: &str,
    ) -> Result<EnvironmentConfig, ConfigErrors> {
        environment::read(self, name, env_type)
    }

    /// `ami_stage`: stages of images to use in an environment, in order of preference. Absent: none.
    ///
    /// # Errors
    /// Interpolation that fails.
    pub fn ami_stages(&self, name: &str, env_type: &str) -> Result<Vec<String>, ConfigError> {
        self.words(name, env_type, "ami_stage")
    }

    /// `credential_buckets`: ordered postfixes of the environment's credential buckets. Absent: none.
    ///
    /// # Errors
    /// Interpolation that fails.
    pub fn credential_postfixes(
        &self,
        name: &str,
        env_type: &str,
    ) -> Result<Vec<String>, ConfigError> {
        self.words(name, env_type, "credential_buckets")
    }

    /// What is suspicious but not wrong about an environment: unknown option names, options without effect.
    /// Options that cannot be read are left to [`DiscoVpc::environment`].
    pub fn warnings(&self, name: &str, env_type: &str) -> Vec<String> {
        let found = self.remarks(name, env_type);
        found.iter().map(ConfigError::to_string).collect()
    }

    /// [`DiscoVpc::warnings`] with their places.
    pub(crate) fn remarks(&self, name: &str, env_type: &str) -> Vec<ConfigError> {
        warnings::warnings(self, name, env_type)
    }

    /// The peering lines that can be read, with their places.
    pub(crate) fn peering_lines(&self) -> Vec<(PeeringLine, Location)> {
        peerings::lines(self)
    }

    /// Sections, and options of `[peerings]`, that nothing reads.
    pub(crate) fn stray(&self) -> Vec<ConfigError> {
        warnings::stray(self)
    }

    /// As [`DiscoVpc::environment`], but the environment comes with its problems, as far as it can be told.
    pub(crate) fn examine(
        &self,
        name: &str,
        env_type: &str,
    ) -> (Option<EnvironmentConfig>, Vec<ConfigError>) {
        environment::examine(self, name, env_type)
    }

    /// What is wrong with options by themselves, whatever other options say.
    pub(crate) fn option_problems(&self, name: &str, env_type: &str) -> Vec<ConfigError> {
        environment::option_problems(self, name, env_type)
    }

    /// Adds file, line and section to problems that only know their option: those that show when an environment is
    /// compared with what exists.
    pub fn locate(&self, name: &str, env_type: &str, errors: ConfigErrors) -> ConfigErrors {
        let placed = |error: ConfigError| match &error.location.key {
            Some(key) if error.location.file.is_empty() => {
                let place = self.location(name, env_type, key);
                error.at(place)
            }
            _ => error,
        };
        ConfigErrors(errors.0.into_iter().map(placed).collect())
    }

    fn sections_of(&self, name: &str, env_type: &str) -> [String; 3] {
        [
            format!("{ENV_PREFIX}{name}"),
            format!("{TYPE_PREFIX}{env_type}"),
            PEERINGS.to_owned(),
        ]
    }

    pub(crate) fn has_type(&self, env_type: &str) -> bool {
        self.ini.has_section(&format!("{TYPE_PREFIX}{env_type}"))
    }

    pub(crate) fn has_environment(&self, name: &str) -> bool {
        self.ini.has_section(&format!("{ENV_PREFIX}{name}"))
    }

    fn words(&self, name: &str, env_type: &str, key: &str) -> Result<Vec<String>, ConfigError> {
        let found = self.option(name, env_type, key)?;
        Ok(found
            .map(|found| words(&found.value).into_iter().map(String::from).collect())
            .unwrap_or_default())
    }

    /// Where an option of an environment stands. One that is missing belongs into the section of the type, or
    /// into that of the environment if only that exists.
    pub(crate) fn location(&self, name: &str, env_type: &str, key: &str) -> Location {
        let sections = self.sections_of(name, env_type);
        let holder = sections
            .iter()
            .find(|section| self.ini.has_option(section, key));
        let [env, kind, _] = &sections;
        let place = match holder {
            Some(section) => section,
            None if !self.ini.has_section(kind) && self.ini.has_section(env) => env,
            None => kind,
        };
        self.ini.location(place, Some(key))
    }
}

/// Name of an option of one metanetwork, such as `dmz_cidr`.
fn net_key(net: MetaNetwork, what: &str) -> String {
    format!("{net}_{what}")
}
