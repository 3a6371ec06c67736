//! Every option of a hostclass: default, value, wrong value.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;
use crate::config::ini::Ini;
use crate::network::listener::{Side, mappings};

const NEEDED: &str = "\
[disco_aws]
default_meta_network=intranet
default_ssh_key_name=key
default_public_ip=no
default_smoketest_termination=no
";

fn aws(text: &str) -> DiscoAws {
    DiscoAws::from_ini(Ini::parse("a.ini", text.as_bytes()).unwrap())
}

fn read(options: &str) -> HostclassConfig {
    aws(&format!("{NEEDED}[mhcx]\n{options}\n"))
        .hostclass("mhcx", "ci")
        .unwrap()
}

fn problems(options: &str) -> Vec<String> {
    let ConfigErrors(errors) = aws(&format!("{NEEDED}[mhcx]\n{options}\n"))
        .hostclass("mhcx", "ci")
        .unwrap_err();
    errors.iter().map(ConfigError::to_string).collect()
}

fn defaults() -> HostclassConfig {
    HostclassConfig {
        name: "mhcx".into(),
        meta_network: MetaNetwork::Intranet,
        ssh_key_name: Some("key".into()),
        public_ip: false,
        smoketest_termination: false,
        enable_proxy: false,
        instance_profile_name: None,
        domain_name: None,
        product_line: "unknown".into(),
        chaos: true,
        tags: vec![],
        ip_addresses: vec![],
        eip: None,
        spotinst: false,
        balancer: balancer(false, false),
        http_tokens: None,
    }
}

#[test]
fn every_default() {
    assert_eq!(read(""), defaults());
    let unknown = aws(NEEDED).hostclass("mhcother", "ci").unwrap();
    assert_eq!(
        unknown,
        HostclassConfig {
            name: "mhcother".into(),
            ..defaults()
        }
    );
}

#[test]
fn every_option() {
    let config = read(
        "meta_network=dmz\nssh_key_name=own\npublic_ip=yes\nsmoketest_termination=1\nenable_proxy=aye\n\
         instance_profile_name=profile\ndomain_name=example.com\nproduct_line=ops\nchaos=no\n\
         tags= a : b:c , d:\nip_address=10.0.0.5 +7\n -2\neip=52.0.0.1\nspotinst=t\nelb=TRUE\n\
         target_group=y\nhttp_tokens=Required",
    );
    let expected = HostclassConfig {
        name: "mhcx".into(),
        meta_network: MetaNetwork::Dmz,
        ssh_key_name: Some("own".into()),
        public_ip: true,
        smoketest_termination: true,
        enable_proxy: true,
        instance_profile_name: Some("profile".into()),
        domain_name: Some("example.com".into()),
        product_line: "ops".into(),
        chaos: false,
        tags: vec![("a".into(), "b:c".into()), ("d".into(), String::new())],
        ip_addresses: vec!["10.0.0.5".into(), "+7".into(), "-2".into()],
        eip: Some("52.0.0.1".into()),
        spotinst: true,
        balancer: balancer(true, true),
        http_tokens: Some("required".into()),
    };
    assert_eq!(config, expected);
}

#[test]
fn empty_values_and_none() {
    for value in ["", "none", "None", "NONE"] {
        assert_eq!(
            read(&format!("ssh_key_name={value}")).ssh_key_name,
            None,
            "{value}"
        );
        assert_eq!(read(&format!("eip={value}")).eip, None, "{value}");
    }
    let config = read(
        "instance_profile_name=\ndomain_name=\ntags=\nip_address=\nhttp_tokens=\nproduct_line=\nchaos=\nelb=on",
    );
    let expected = HostclassConfig {
        product_line: String::new(),
        chaos: false,
        ..defaults()
    };
    assert_eq!(config, expected);
}

#[test]
fn spotinst_has_an_environment_form_but_no_default() {
    let text =
        format!("{NEEDED}default_spotinst=yes\ndefault_elb=yes\n[mhcx]\nspotinst@prod=yes\n");
    let config = aws(&text);
    assert!(!config.hostclass("mhcx", "ci").unwrap().spotinst);
    assert!(config.hostclass("mhcx", "ci").unwrap().balancer.enabled);
    assert!(config.hostclass("mhcx", "prod").unwrap().spotinst);
}

#[test]
fn all_problems_are_reported_at_once() {
    let text =
        "[mhcx]\ntags=a\neip=x\nhttp_tokens=maybe\nip_address=5 10.0.0.300 + +1x ++1 10.0.0.1\n";
    let ConfigErrors(errors) = aws(text).hostclass("mhcx", "ci").unwrap_err();
    let texts: Vec<String> = errors.iter().map(ConfigError::to_string).collect();
    let missing = |key: &str| {
        format!("a.ini:1: [mhcx] {key}: hostclass `mhcx` has no option `{key}` in environment `ci`")
    };
    let address = |word: &str| {
        format!(
            "a.ini:5: [mhcx] ip_address: `{word}` is neither an IPv4 address nor an offset like `+5` or `-2`"
        )
    };
    assert_eq!(
        texts,
        [
            missing("meta_network"),
            missing("ssh_key_name"),
            missing("public_ip"),
            missing("smoketest_termination"),
            "a.ini:2: [mhcx] tags: `a` is not a tag: write tags as KEY:VALUE,KEY:VALUE".into(),
            address("5"),
            address("10.0.0.300"),
            address("+"),
            address("+1x"),
            address("++1"),
            "a.ini:3: [mhcx] eip: `x` is not an IPv4 address".into(),
            "a.ini:4: [mhcx] http_tokens: `maybe` is neither `optional` nor `required`".into(),
        ]
    );
}

#[test]
fn wrong_values_name_the_place_they_come_from() {
    assert_eq!(problems("tags=a:b,c,:d").len(), 2);
    assert_eq!(problems("tags=a:b,").len(), 1);
    let net = problems("meta_network@ci=web");
    assert_eq!(net.len(), 1);
    assert!(
        net[0].starts_with("a.ini:7: [mhcx] meta_network@ci: unknown metanetwork `web`"),
        "{net:?}"
    );
    let inherited = NEEDED.replace("=intranet", "=Intranet");
    let error = aws(&inherited)
        .hostclass("mhcx", "ci")
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("a.ini:2: [disco_aws] default_meta_network: "),
        "{error}"
    );
    let interpolation = problems("chaos=%(x)s\nspotinst=%(y)s");
    assert_eq!(interpolation.len(), 2, "{interpolation:?}");
}

#[test]
fn static_addresses() {
    let text = "[mhcx]\nip_address=+7 , 10.0.0.9\nip_address@prod=\nmeta_network=tunnel\n[mhcy]\n[mhcz]\nip_address=\n";
    let config = aws(text);
    let found = config.static_addresses("mhcx", "ci").unwrap().unwrap();
    assert_eq!(found.hostclass, "mhcx");
    assert_eq!(found.meta_network, MetaNetwork::Tunnel);
    assert_eq!(found.addresses, ["+7", "10.0.0.9"]);
    assert_eq!(found.location.to_string(), "a.ini:2: [mhcx] ip_address");
    for (hostclass, env) in [
        ("mhcx", "prod"),
        ("mhcy", "ci"),
        ("mhcz", "ci"),
        ("mhcother", "ci"),
    ] {
        assert_eq!(
            config.static_addresses(hostclass, env),
            Ok(None),
            "{hostclass} {env}"
        );
    }
    let by_default = aws("[disco_aws]\ndefault_ip_address@ci=-3\ndefault_meta_network=dmz\n");
    let found = by_default.static_addresses("mhcx", "ci").unwrap().unwrap();
    assert_eq!(
        (found.addresses, found.meta_network),
        (vec!["-3".into()], MetaNetwork::Dmz)
    );
    assert_eq!(by_default.static_addresses("mhcx", "prod"), Ok(None));
}

#[test]
fn static_addresses_need_a_metanetwork() {
    let ConfigErrors(errors) = aws("[mhcx]\nip_address=x\n")
        .static_addresses("mhcx", "ci")
        .unwrap_err();
    let keys: Vec<_> = errors
        .iter()
        .map(|error| error.location.key.clone().unwrap())
        .collect();
    assert_eq!(keys, ["ip_address", "meta_network"]);
}

fn balancer(enabled: bool, target_group: bool) -> BalancerOptions {
    let plain = Side::new(80, "HTTP");
    BalancerOptions {
        enabled,
        kind: BalancerType::Classic,
        meta_network: None,
        health_check_url: None,
        mappings: mappings(std::slice::from_ref(&plain), std::slice::from_ref(&plain)),
        public: false,
        sticky_cookie: None,
        idle_timeout: 300,
        idle_timeout_given: false,
        connection_draining: 300,
        cross_zone: true,
        cert_name: None,
        ssl_policy: "ELBSecurityPolicy-TLS13-1-2-2021-06".into(),
        dns_alias: None,
        target_group,
    }
}
