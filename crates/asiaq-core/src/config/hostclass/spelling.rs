//! Misspelt options of a hostclass section. A misspelt `meta_network` would silently put hosts into the default one, so
//! provisioning refuses it. Options that resemble none of ours are the operators' own and are accepted.

use crate::config::diagnostic::ConfigError;
use crate::config::ini::Ini;
use crate::config::suggest::nearest;

/// Every option that some tool reads from a hostclass section (spec 10, section 5.2).
pub(crate) const KNOWN: [&str; 57] = [
    "ami_available_wait_time",
    "bake_ami",
    "bake_encrypted",
    "bake_instance_profile",
    "bake_volume_size",
    "bake_volume_type",
    "chaos",
    "command",
    "deployment_strategy",
    "domain_name",
    "eip",
    "elb",
    "elb_cert_name",
    "elb_connection_draining",
    "elb_cross_zone_load_balancing",
    "elb_dns_alias",
    "elb_health_check_url",
    "elb_idle_timeout",
    "elb_instance_port",
    "elb_instance_protocol",
    "elb_meta_network",
    "elb_port",
    "elb_protocol",
    "elb_public",
    "elb_ssl_policy",
    "elb_sticky_app_cookie",
    "elb_type",
    "enable_proxy",
    "enhanced_networking",
    "env",
    "hostclass",
    "hosts_timeout",
    "http_tokens",
    "in_service_timeout",
    "instance_profile_name",
    "ip_address",
    "meta_network",
    "phase",
    "phase1_ami_name",
    "product_line",
    "public_ip",
    "rolling_instance_warmup",
    "rolling_min_healthy_percentage",
    "rolling_timeout",
    "smoke_test_timeout",
    "smoketest_method",
    "smoketest_termination",
    "spotinst",
    "ssh_key_name",
    "ssm_doc_integration_tests",
    "ssm_doc_testing_mode",
    "tags",
    "target_group",
    "test_command",
    "test_hostclass",
    "test_user",
    "user",
];

/// One problem per option that is nearly one of ours, with the line and the likely name.
pub(super) fn misspelt(ini: &Ini, hostclass: &str) -> Vec<ConfigError> {
    let problem = |option: &str| {
        let (key, _) = option.split_once('@').unwrap_or((option, ""));
        if key.len() < 5 || KNOWN.contains(&key) {
            return None;
        }
        let meant = nearest(key, &KNOWN)?;
        let error = ConfigError::new(format!("unknown hostclass option `{key}`"));
        let location = ini.location(hostclass, Some(option));
        Some(
            error
                .at(location)
                .with_hint(format!("did you mean `{meant}`?")),
        )
    };
    ini.options(hostclass).filter_map(problem).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    fn found(options: &str) -> Vec<String> {
        let ini = Ini::parse("a.ini", format!("[mhcx]\n{options}\n").as_bytes()).unwrap();
        let errors = misspelt(&ini, "mhcx");
        errors
            .iter()
            .map(|e| format!("{e} {}", e.hint.as_deref().unwrap()))
            .collect()
    }

    #[test]
    fn near_misses_are_named_and_others_left_alone() {
        assert_eq!(
            found("meta_netwrok=dmz"),
            [
                "a.ini:2: [mhcx] meta_netwrok: unknown hostclass option `meta_netwrok` did you mean `meta_network`?"
            ]
        );
        assert_eq!(found("ip_adress@ci=+5").len(), 1);
        for fine in [
            "our_own_setting=1",
            "team=blue",
            "test_user=x",
            "chaos@ci=no",
            "meta_network=dmz",
        ] {
            assert_eq!(found(fine), [""; 0], "{fine}");
        }
        let all: Vec<String> = KNOWN.iter().map(|key| format!("{key}=x")).collect();
        assert_eq!(found(&all.join("\n")), [""; 0]);
    }
}
