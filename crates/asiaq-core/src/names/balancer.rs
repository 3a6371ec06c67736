//! Names of load balancers, their host names and target groups (spec 70, sections 7.4 and 7.9). Pure.

use sha2::{Digest, Sha256};

/// Longest name of a target group.
const TARGET_GROUP: usize = 32;

/// `ENV-HOSTCLASS`, with `-test` for the one under test, without characters other than letters, digits and `-`.
pub fn balancer(env: &str, hostclass: &str, testing: bool) -> String {
    let suffix = if testing { "-test" } else { "" };
    format!("{env}-{hostclass}{suffix}")
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || *c == '-')
        .collect()
}

/// The name that a load balancer has in AWS: the first 32 hexadecimal digits of the SHA-256 of [`balancer`].
pub fn balancer_id(env: &str, hostclass: &str, testing: bool) -> String {
    digest(&balancer(env, hostclass, testing), 32)
}

/// `HOSTCLASS-ENV.DOMAIN`, or `HOSTCLASS-test-ENV.DOMAIN`: the host name of a load balancer.
pub fn balancer_host(env: &str, hostclass: &str, testing: bool, domain: &str) -> String {
    let suffix = if testing { "-test" } else { "" };
    format!("{hostclass}{suffix}-{env}.{domain}")
}

/// `ENV-HOSTCLASS` with `-` for each `_`; if that is too long, its beginning with 5 digits of its digest.
pub fn target_group(env: &str, hostclass: &str) -> String {
    let full = format!("{env}-{hostclass}").replace('_', "-");
    if full.chars().count() <= TARGET_GROUP {
        return full;
    }
    let head: String = full.chars().take(27).collect();
    format!("{head}{}", digest(&full, 5))
}

fn digest(text: &str, digits: usize) -> String {
    let bytes = Sha256::digest(text.as_bytes());
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    hex.chars().take(digits).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_ids_of_balancers() {
        let table = [
            (
                "ci",
                "mhcweb",
                false,
                "ci-mhcweb",
                "8f90fb4e286ae425b033dcce39800895",
            ),
            (
                "ci",
                "mhcweb",
                true,
                "ci-mhcweb-test",
                "7b80a21a3e5ebc681bdfd7ec682bf6a4",
            ),
            (
                "staging",
                "mhc_api.v2",
                false,
                "staging-mhcapiv2",
                "c9241fa56195e8b22aab54b76ee6e151",
            ),
        ];
        for (env, hostclass, testing, name, id) in table {
            assert_eq!(balancer(env, hostclass, testing), name);
            assert_eq!(balancer_id(env, hostclass, testing), id);
        }
        assert_eq!(
            balancer_host("ci", "mhc_web", true, "x.org"),
            "mhc_web-test-ci.x.org"
        );
        assert_eq!(
            balancer_host("ci", "mhcweb", false, "x.org"),
            "mhcweb-ci.x.org"
        );
    }

    #[test]
    fn names_of_target_groups() {
        assert_eq!(
            target_group("integration-sandbox", "mhcreportgenerator"),
            "integration-sandbox-mhcrepo6a0c8"
        );
        assert_eq!(target_group("ci", "mhc_web"), "ci-mhc-web");
        let exact = "x".repeat(29);
        assert_eq!(target_group("ci", &exact), format!("ci-{exact}"));
    }
}
