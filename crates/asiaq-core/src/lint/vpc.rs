//! What is suspicious in `disco_vpc.ini` besides what its own reader tells: who may log in to production.

use super::tree::Tree;
use crate::config::ConfigError;
use crate::config::check::Problems;
use crate::network::{MetaNetwork, Protocol, Rule, Source};

const SECTIONS: [&str; 2] = ["envtype:production", "env:production"];
const SSH: i32 = 22;

/// Rules of production that let in ssh from networks outside, but for the host that deploys.
pub(super) fn check(tree: &Tree, problems: &mut Problems) {
    let Some(vpc) = &tree.vpc else {
        return;
    };
    let deployer = tree.aws.as_ref().and_then(|aws| {
        let found = aws
            .ini()
            .find("mhcdiscodeployenator", "eip@deploy")
            .ok()??;
        found.value.trim().parse::<std::net::IpAddr>().ok()
    });
    for section in SECTIONS {
        for net in MetaNetwork::ALL {
            let key = format!("{net}_sg_rules");
            if !vpc.ini().options(section).any(|own| own == key) {
                continue;
            }
            let Ok(Some(found)) = vpc.ini().find(section, &key) else {
                continue;
            };
            for rule in Rule::parse_list(net, &found.value).unwrap_or_default() {
                let Source::Cidr(cidr) = rule.source else {
                    continue;
                };
                let ssh = match rule.protocol {
                    Protocol::All => true,
                    Protocol::Tcp => rule
                        .ports
                        .iter()
                        .any(|ports| ports.from <= SSH && SSH <= ports.to),
                    _ => false,
                };
                let own = deployer.is_some_and(|ip| ipnet::IpNet::from(ip) == cidr);
                if ssh && !own {
                    let text = format!("ssh to production is open to {cidr}");
                    let error = ConfigError::new(text).at(found.location.clone());
                    problems.warning(
                        error.with_hint(
                            "let operators come through a VPN or metanetwork maintenance",
                        ),
                    );
                }
            }
        }
    }
}
