#![allow(clippy::unwrap_used, clippy::expect_used)]
use super::*;
use crate::config::{DiscoAws, Ini};

fn read(options: &str) -> Result<BalancerOptions, String> {
    let text = format!(
        "[disco_aws]\n[mhcx]\nmeta_network=intranet\nssh_key_name=none\npublic_ip=no\nsmoketest_termination=no\n{options}\n"
    );
    let config = DiscoAws::from_ini(Ini::parse("a.ini", text.as_bytes()).unwrap());
    let found = config.hostclass("mhcx", "ci");
    found
        .map(|hostclass| hostclass.balancer)
        .map_err(|errors| errors.to_string())
}

#[test]
fn blank_options_mean_their_defaults() {
    let blank = "elb=yes\nelb_idle_timeout=\nelb_connection_draining=\nelb_cross_zone_load_balancing=\nelb_type=\nelb_port=";
    assert_eq!(read(blank), read("elb=yes"));
    let options = read("elb=yes").unwrap();
    assert_eq!(
        (
            options.idle_timeout,
            options.connection_draining,
            options.cross_zone,
            options.public
        ),
        (300, 300, true, false)
    );
}

#[test]
fn wrong_options_name_their_line_and_are_not_judged_without_elb() {
    let table = [
        ("elb_type=gateway", "a.ini:8"),
        ("elb_idle_timeout=soon", "a.ini:8"),
        ("elb_connection_draining=-1", "a.ini:8"),
        ("elb_instance_protocol=TCP", "a.ini:8"),
        ("elb_port=80,,443", "a.ini:8"),
        ("elb_meta_network=moon", "a.ini:8"),
    ];
    for (line, place) in table {
        let error = read(&format!("elb=yes\n{line}")).unwrap_err();
        assert!(error.contains(place), "{line}: {error}");
        assert!(read(line).is_ok(), "{line} has no effect without elb");
    }
}

#[test]
fn what_a_type_cannot_do_names_its_line() {
    // (options after `elb=yes` and the type, line of the problem, words of it)
    let table = [
        (
            "application",
            "elb_protocol=TCP\nelb_port=25",
            9,
            "speaks HTTP and HTTPS only, not TCP",
        ),
        (
            "application",
            "elb_instance_port=25\nelb_instance_protocol=tcp",
            10,
            "not TCP",
        ),
        (
            "application",
            "elb_port=443\nelb_protocol=SSL",
            10,
            "write HTTPS",
        ),
        (
            "application",
            "elb_port=80,80",
            9,
            "two listeners on port 80",
        ),
        (
            "application",
            "elb_sticky_app_cookie=AWSALBAPP-0",
            9,
            "begin with AWSALB",
        ),
        (
            "application",
            "elb_sticky_app_cookie=ELB\nelb_cross_zone_load_balancing=no",
            9,
            "no cookies with",
        ),
        (
            "application",
            "elb_connection_draining=3601",
            9,
            "0 to 3600",
        ),
        (
            "application",
            "elb_health_check_url=health",
            9,
            "is not a path",
        ),
        (
            "application",
            "elb_ssl_policy=strong",
            9,
            "is not a security policy",
        ),
        ("network", "elb_protocol=HTTPS", 9, "write TLS"),
        (
            "network",
            "elb_protocol=HTTPS\nelb_port=443",
            9,
            "write TLS",
        ),
        ("network", "elb_protocol=HTTP\nelb_port=80", 9, "write TCP"),
        (
            "network",
            "elb_instance_port=80\nelb_instance_protocol=HTTP",
            10,
            "write TCP",
        ),
        (
            "network",
            "elb_protocol=UDP\nelb_port=53",
            9,
            "cannot lead 53/UDP to 80/TCP",
        ),
        (
            "network",
            "elb_sticky_app_cookie=ELB",
            9,
            "knows no cookies",
        ),
        ("network", "elb_idle_timeout=59", 9, "60 to 6000"),
        ("network", "elb_idle_timeout=6001", 9, "from 0 to 6000"),
    ];
    for (kind, options, line, words) in table {
        let error = read(&format!("elb=yes\nelb_type={kind}\n{options}")).unwrap_err();
        assert!(
            error.contains(&format!("a.ini:{line}:")),
            "{options}: {error}"
        );
        assert!(error.contains(words), "{options}: {error}");
        assert!(
            read(&format!("elb_type={kind}\n{options}")).is_ok(),
            "{options}"
        );
    }
}

#[test]
fn draining_and_check_have_the_same_limits_for_all_types() {
    for kind in ["classic", "application", "network"] {
        for (option, words) in [
            ("elb_connection_draining=3601", "0 to 3600"),
            ("elb_health_check_url=health", "is not a path"),
        ] {
            let error = read(&format!("elb=yes\nelb_type={kind}\n{option}")).unwrap_err();
            assert!(error.contains("a.ini:9:"), "{kind}: {error}");
            assert!(error.contains(words), "{kind}: {error}");
            assert_eq!(error.matches(words).count(), 1, "told once: {error}");
        }
        let most = "elb_connection_draining=3600\nelb_health_check_url=/health";
        assert!(read(&format!("elb=yes\nelb_type={kind}\n{most}")).is_ok());
    }
    assert!(read("target_group=yes\nelb_health_check_url=health").is_err());
    // Checked by TCP: the path has no effect.
    let tcp = "elb_port=25\nelb_protocol=TCP\nelb_instance_port=25\nelb_instance_protocol=TCP";
    assert!(read(&format!("elb=yes\n{tcp}\nelb_health_check_url=health")).is_ok());
}

#[test]
fn what_a_type_can_do_is_accepted() {
    let table = [
        ("application", "", "80/HTTP -> 80/HTTP"),
        (
            "application",
            "elb_instance_port=8080\nelb_port=443",
            "443/HTTPS -> 8080/HTTP",
        ),
        (
            "application",
            "elb_sticky_app_cookie=JSESSIONID",
            "80/HTTP -> 80/HTTP",
        ),
        ("network", "", "80/TCP -> 80/TCP"),
        ("network", "elb_port=443", "443/TCP -> 80/TCP"),
        (
            "network",
            "elb_protocol=SSL\nelb_instance_port=8080",
            "443/TLS -> 8080/TCP",
        ),
        (
            "network",
            "elb_port=53\nelb_protocol=UDP\nelb_instance_port=53\nelb_instance_protocol=TCP_UDP",
            "53/UDP -> 53/TCP_UDP",
        ),
        ("network", "elb_idle_timeout=6000", "80/TCP -> 80/TCP"),
        ("network", "elb_idle_timeout=0", "80/TCP -> 80/TCP"),
    ];
    for (kind, options, wanted) in table {
        let found = read(&format!("elb=yes\nelb_type={kind}\n{options}")).unwrap();
        assert_eq!(found.mappings[0].to_string(), wanted, "{options}");
    }
    let policy = "ELBSecurityPolicy-TLS13-1-3-2021-06";
    let found = read(&format!(
        "elb=yes\nelb_type=network\nelb_ssl_policy={policy}"
    ))
    .unwrap();
    assert_eq!(found.ssl_policy, policy);
}
