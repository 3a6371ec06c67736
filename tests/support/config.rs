//! Configuration directories for tests. The standard one is a small but complete environment type `ci`.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

/// A temporary configuration directory; removed with this value.
pub struct TestConfig {
    directory: TempDir,
}

impl TestConfig {
    /// An empty directory.
    pub fn new() -> Self {
        Self {
            directory: tempfile::tempdir().expect("temporary directory"),
        }
    }

    /// `disco_aws.ini` and `disco_vpc.ini` for an environment `ci` of type `ci`: four metanetworks with automatic
    /// CIDRs, hostclasses `mhcapp` and `mhcdb` (intranet) and `mhcproxy` (dmz, static address).
    pub fn standard() -> Self {
        let config = Self::new();
        config
            .write("disco_aws.ini", DISCO_AWS)
            .write("disco_vpc.ini", DISCO_VPC);
        config
    }

    /// Writes a file, replacing what was there; makes directories in its name.
    pub fn write(&self, name: &str, text: &str) -> &Self {
        let path = self.path().join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).expect("configuration directory");
        }
        fs::write(path, text).expect("configuration file");
        self
    }

    /// Replaces a text in a file. Panics if it is not there exactly once: an edit without effect hides a broken test.
    pub fn edit(&self, name: &str, old: &str, new: &str) -> &Self {
        let text = fs::read_to_string(self.path().join(name)).expect("configuration file");
        assert_eq!(text.matches(old).count(), 1, "`{old}` in {name}:\n{text}");
        self.write(name, &text.replace(old, new))
    }

    /// The directory, for `ASIAQ_CONFIG`.
    pub fn path(&self) -> &Path {
        self.directory.path()
    }
}

const DISCO_AWS: &str = "\
[disco_aws]
default_environment = ci
project_name = rehearsal
default_meta_network = intranet
default_ssh_key_name = None
default_public_ip = no
default_smoketest_termination = no
default_product_line = testing
default_domain_name = example.com

[bake]
ami_stages = untested failed tested

[mhcapp]
meta_network = intranet

[mhcproxy]
meta_network = dmz
public_ip = yes
ip_address = +5

[mhcdb]
meta_network = intranet
chaos = no
";

const DISCO_VPC: &str = "\
[envtype:ci]
ip_space = 10.0.0.0/12
vpc_cidr_size = 20

intranet_cidr = auto
tunnel_cidr = auto
dmz_cidr = auto
maintenance_cidr = auto

intranet_sg_rules = tcp all 22, tcp dmz 8000:8010 8443, udp all 53, icmp all -1
tunnel_sg_rules = tcp intranet 3128, tcp maintenance 22
dmz_sg_rules = tcp 0.0.0.0/0 80, tcp maintenance 22
maintenance_sg_rules = tcp 10.0.0.0/8 22, icmp 10.0.0.0/8 -1

tunnel_igw_routes = 0.0.0.0/0
dmz_igw_routes = 0.0.0.0/0
maintenance_igw_routes = 0.0.0.0/0

customer_ports = 443
customer_cidr = 0.0.0.0/0

internal_dns = AmazonProvidedDNS
external_dns = AmazonProvidedDNS
domain_name = ci.example.com
application = rehearsal
";
