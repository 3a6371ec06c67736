//! Chain G, every option of an environment, and every check across them.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;

fn file(text: &str) -> DiscoVpc {
    DiscoVpc::from_ini(Ini::parse("v.ini", text.as_bytes()).unwrap())
}

/// An environment `e` of type `t` with these options.
fn read(options: &str) -> EnvironmentConfig {
    file(&format!("[envtype:t]\n{options}\n"))
        .environment("e", "t")
        .unwrap()
}

fn errors(text: &str) -> Vec<String> {
    let ConfigErrors(errors) = file(text).environment("e", "t").unwrap_err();
    errors.iter().map(ConfigError::to_string).collect()
}

/// The problems of an environment with these options, without file and section.
fn problems(options: &str) -> Vec<String> {
    errors(&format!("[envtype:t]\n{options}\n"))
        .iter()
        .map(|text| text.split_once("[envtype:t] ").expect(text).1.to_owned())
        .collect()
}

fn warnings(text: &str) -> Vec<String> {
    file(text).warnings("e", "t")
}

fn net4(text: &str) -> Ipv4Net {
    text.parse().unwrap()
}

/// A valid environment with all four metanetworks, to which tests add lines.
const BASE: &str = "vpc_cidr=10.0.0.0/16\nintranet_cidr=auto\ntunnel_cidr=auto\ndmz_cidr=auto\nmaintenance_cidr=auto\n";

fn base(more: &str) -> String {
    format!("{BASE}{more}")
}

#[test]
fn chain_g() {
    let vpc = file(
        "[envtype:t]\na=type\nb=type\nc=type\n[env:e]\na=env\nb=\n[peerings]\na=peer\nd=peer\n[env:E]\na=upper\n",
    );
    let value = |name, kind, key| {
        vpc.option(name, kind, key)
            .unwrap()
            .map(|found| found.value)
    };
    for (name, kind, key, expected) in [
        ("e", "t", "a", Some("env")),
        ("e", "t", "b", Some("")),
        ("e", "t", "c", Some("type")),
        ("e", "t", "D", Some("peer")),
        ("e", "t", "x", None),
        ("E", "t", "a", Some("upper")),
        ("other", "t", "a", Some("type")),
        ("e", "other", "a", Some("env")),
        ("other", "other", "a", Some("peer")),
        ("other", "other", "c", None),
    ] {
        assert_eq!(
            value(name, kind, key).as_deref(),
            expected,
            "{name} {kind} {key}"
        );
    }
}

#[test]
fn types_in_file_order() {
    let vpc = file("[envtype:z]\n[env:a]\n[envtype:b]\n[peerings]\n");
    assert_eq!(vpc.types(), ["z", "b"]);
}

#[test]
fn smallest_environment_has_every_default() {
    let expected = EnvironmentConfig {
        name: "e".into(),
        env_type: "t".into(),
        vpc_cidr: VpcCidr::Static(net4("10.0.0.0/16")),
        metanetworks: BTreeMap::from([(
            MetaNetwork::Intranet,
            MetaNetworkConfig {
                cidr: CidrChoice::Auto,
                sg_rules: vec![],
                igw_routes: vec![],
                vgw_routes: vec![],
                nat: None,
            },
        )]),
        customer_ports: vec![],
        customer_cidrs: vec![],
        dhcp: DhcpConfig {
            domain_name: None,
            internal_dns: None,
            external_dns: None,
            ntp: NtpConfig::None,
        },
        application: String::new(),
        ami_stages: vec![],
        credential_buckets: vec![],
        nat_gateway_routes: vec![],
    };
    assert_eq!(read("vpc_cidr=10.0.0.0/16\nintranet_cidr=AUTO\n"), expected);
    let blank = "ntp_server=\ncustomer_ports=\nintranet_sg_rules=\nintranet_nat_gateways=\ndmz_cidr=\ninternal_dns=\n";
    assert_eq!(
        read(&format!(
            "vpc_cidr=10.0.1.2/16\nintranet_cidr=Auto\n{blank}"
        )),
        expected
    );
}

#[test]
fn a_full_environment() {
    let config = read(
        "vpc_cidr=10.1.0.0/16\nintranet_cidr=10.1.0.0/20\ntunnel_cidr=auto\ndmz_cidr=10.1.16.9/20\n\
         intranet_sg_rules=tcp dmz 0:1024 443 8080, icmp 10.0.0.0/8 -1\ntunnel_igw_routes=0.0.0.0/0\n\
         dmz_igw_routes=1.2.3.4/32 1.2.3.5/32,1.2.3.4/32\nintranet_vgw_routes=10.1.0.22/16\n\
         tunnel_nat_gateways=52.0.0.1 52.0.0.2,52.0.0.3\nnat_gateway_routes=intranet/tunnel   dmz/tunnel\n\
         customer_ports=443,80 8000:8010\ncustomer_cidr=0.0.0.0/0, 2001:db8::/32\ninternal_dns=amazonprovideddns\n\
         external_dns=169.254.169.253\ndomain_name=example.com\nntp_server=10.0.0.1 time.example.com\n\
         application=shop\nami_stage=tested,untested\ncredential_buckets=ci\n shared\n",
    );
    assert_eq!(config.vpc_cidr, VpcCidr::Static(net4("10.1.0.0/16")));
    let [intranet, tunnel, dmz] = config.metanetworks.values().collect::<Vec<_>>()[..] else {
        panic!("{:?}", config.metanetworks);
    };
    assert_eq!(intranet.cidr, CidrChoice::Static(net4("10.1.0.0/20")));
    assert_eq!(dmz.cidr, CidrChoice::Static(net4("10.1.16.0/20")));
    assert_eq!(tunnel.cidr, CidrChoice::Auto);
    let expected = Rule::parse_list(
        MetaNetwork::Intranet,
        "tcp dmz 0:1024 443 8080, icmp 10.0.0.0/8 -1",
    )
    .unwrap();
    assert_eq!(intranet.sg_rules, expected);
    assert_eq!(intranet.vgw_routes, [net4("10.1.0.0/16")]);
    assert_eq!(tunnel.igw_routes, [net4("0.0.0.0/0")]);
    assert_eq!(dmz.igw_routes, [net4("1.2.3.4/32"), net4("1.2.3.5/32")]);
    let addresses = ["52.0.0.1", "52.0.0.2", "52.0.0.3"].map(|text| text.parse().unwrap());
    assert_eq!(tunnel.nat, Some(NatConfig::Addresses(addresses.to_vec())));
    assert_eq!(
        config.nat_gateway_routes,
        [
            (MetaNetwork::Intranet, MetaNetwork::Tunnel),
            (MetaNetwork::Dmz, MetaNetwork::Tunnel)
        ]
    );
    let ports: Vec<(i32, i32)> = config
        .customer_ports
        .iter()
        .map(|range| (range.from, range.to))
        .collect();
    assert_eq!(ports, [(443, 443), (80, 80), (8000, 8010)]);
    let customers: Vec<IpNet> = ["0.0.0.0/0", "2001:db8::/32"]
        .map(|text| text.parse().unwrap())
        .to_vec();
    assert_eq!(config.customer_cidrs, customers);
    let dhcp = DhcpConfig {
        domain_name: Some("example.com".into()),
        internal_dns: Some("AmazonProvidedDNS".into()),
        external_dns: Some("169.254.169.253".into()),
        ntp: NtpConfig::Servers(vec!["10.0.0.1".into(), "time.example.com".into()]),
    };
    assert_eq!(config.dhcp, dhcp);
    assert_eq!(config.application, "shop");
    assert_eq!(config.ami_stages, ["tested", "untested"]);
    assert_eq!(config.credential_buckets, ["ci", "shared"]);
}

#[test]
fn the_environment_overrides_its_type_key_by_key() {
    let vpc = file(&format!(
        "[envtype:t]\n{}tunnel_nat_gateways=auto\nami_stage=tested\ncredential_buckets=a,b\n\
         [env:e]\ntunnel_nat_gateways=\ndmz_cidr=\nami_stage=untested tested\n[peerings]\napplication=x\n",
        base("")
    ));
    let own = vpc.environment("e", "t").unwrap();
    assert_eq!(own.metanetworks.len(), 3);
    assert_eq!(own.metanetworks[&MetaNetwork::Tunnel].nat, None);
    assert_eq!(own.application, "x");
    let other = vpc.environment("other", "t").unwrap();
    assert_eq!(other.metanetworks.len(), 4);
    assert_eq!(
        other.metanetworks[&MetaNetwork::Tunnel].nat,
        Some(NatConfig::Auto)
    );
    assert_eq!(vpc.ami_stages("e", "t").unwrap(), ["untested", "tested"]);
    assert_eq!(vpc.ami_stages("other", "t").unwrap(), ["tested"]);
    assert_eq!(vpc.credential_postfixes("e", "t").unwrap(), ["a", "b"]);
    assert!(
        vpc.ami_stages("e", "none").unwrap().len() == 2
            && vpc.ami_stages("x", "none").unwrap().is_empty()
    );
}

#[test]
fn vpc_network_from_a_space() {
    let net = "intranet_cidr=auto\n";
    let config = read(&format!(
        "{net}vpc_cidr=\nip_space=10.40.0.9/16\nvpc_cidr_size=22\n"
    ));
    let expected = VpcCidr::FromSpace {
        space: net4("10.40.0.0/16"),
        size: 22,
    };
    assert_eq!(config.vpc_cidr, expected);
    let fixed = read(&format!(
        "{net}vpc_cidr=10.1.0.0/16\nip_space=rubbish\nvpc_cidr_size=x\n"
    ));
    assert_eq!(fixed.vpc_cidr, VpcCidr::Static(net4("10.1.0.0/16")));
    let missing = "vpc_cidr: Cannot create VPC e. ip_space or vpc_cidr_size missing";
    for options in [
        "",
        "ip_space=10.0.0.0/8",
        "vpc_cidr_size=22",
        "ip_space=\nvpc_cidr_size=22",
    ] {
        assert_eq!(problems(&format!("{net}{options}")), [missing], "{options}");
    }
}

#[test]
fn vpc_network_limits() {
    let net = "intranet_cidr=auto\n";
    for (options, problem) in [
        (
            "vpc_cidr=10.0.0.0/15",
            "vpc_cidr: a VPC of size /15 is not possible: AWS allows /16 to /28",
        ),
        (
            "vpc_cidr=10.0.0.0/29",
            "vpc_cidr: a VPC of size /29 is not possible: AWS allows /16 to /28",
        ),
        (
            "ip_space=10.0.0.0/8\nvpc_cidr_size=15",
            "vpc_cidr_size: a VPC of size /15 is not possible: AWS allows /16 to /28",
        ),
        (
            "ip_space=10.0.0.0/20\nvpc_cidr_size=18",
            "vpc_cidr_size: a VPC of size /18 does not fit into ip_space 10.0.0.0/20",
        ),
        (
            "ip_space=10.0.0.0/8\nvpc_cidr_size=/22",
            "vpc_cidr_size: `/22` is not a prefix length: use a number from 16 to 28",
        ),
        (
            "vpc_cidr=10.0.0.0",
            "vpc_cidr: `10.0.0.0` is not an IPv4 network: write it as ADDRESS/PREFIX, like 10.0.0.0/16",
        ),
    ] {
        assert_eq!(problems(&format!("{net}{options}")), [problem], "{options}");
    }
    assert_eq!(
        problems(&format!("{net}ip_space=x\nvpc_cidr_size=y")).len(),
        2
    );
}

#[test]
fn no_metanetworks() {
    assert_eq!(
        problems(
            "vpc_cidr=10.0.0.0/16\nnat_gateway_routes=dmz/tunnel\nntp_server_metanetwork=dmz\nntp_server_offset=1"
        ),
        ["intranet_cidr: No Metanetworks configured for VPC e"]
    );
}

#[test]
fn fixed_networks() {
    let nets = |nets: &str| problems(&format!("vpc_cidr=10.0.0.0/16\n{nets}"));
    assert_eq!(
        nets("intranet_cidr=10.1.0.0/20"),
        ["intranet_cidr: 10.1.0.0/20 of metanetwork intranet lies outside of vpc_cidr 10.0.0.0/16"]
    );
    assert_eq!(
        nets("intranet_cidr=10.0.0.0/20\ndmz_cidr=10.0.15.0/24\nmaintenance_cidr=10.0.0.0/18"),
        [
            "dmz_cidr: 10.0.15.0/24 of metanetwork dmz overlaps 10.0.0.0/20 of metanetwork intranet",
            "maintenance_cidr: 10.0.0.0/18 of metanetwork maintenance overlaps 10.0.0.0/20 of metanetwork intranet",
            "maintenance_cidr: 10.0.0.0/18 of metanetwork maintenance overlaps 10.0.15.0/24 of metanetwork dmz",
        ]
    );
    assert_eq!(
        nets("intranet_cidr=auto\ndmz_cidr=10.0.0.0/27"),
        [
            "dmz_cidr: metanetwork dmz of size /27 is too small: its subnets in 3 zones would be /29, and AWS allows at \
          most /28"
        ]
    );
    let wrong = nets("intranet_cidr=automatic");
    assert!(
        wrong[0].starts_with("intranet_cidr: `automatic` is not an IPv4 network"),
        "{wrong:?}"
    );
    assert_eq!(
        read("vpc_cidr=10.0.0.0/16\ndmz_cidr=10.0.0.0/26")
            .metanetworks
            .len(),
        1
    );
}

#[test]
fn fixed_networks_in_a_space() {
    let nets = |nets: &str| problems(&format!("ip_space=10.40.0.0/16\nvpc_cidr_size=20\n{nets}"));
    assert_eq!(
        nets("dmz_cidr=10.41.0.0/24"),
        ["dmz_cidr: 10.41.0.0/24 of metanetwork dmz lies outside of ip_space 10.40.0.0/16"]
    );
    assert_eq!(
        nets("dmz_cidr=10.40.0.0/18"),
        ["dmz_cidr: 10.40.0.0/18 of metanetwork dmz is larger than a VPC of size /20"]
    );
    assert!(
        file("[envtype:t]\nip_space=10.40.0.0/16\nvpc_cidr_size=20\ndmz_cidr=10.40.1.0/24\n")
            .environment("e", "t")
            .is_ok()
    );
}

#[test]
fn automatic_networks_are_cut_by_count_and_zones() {
    let size = |prefix: u8, nets: &str| {
        file(&format!("[envtype:t]\nvpc_cidr=10.40.0.0/{prefix}\n{nets}")).environment("e", "t")
    };
    let four = "intranet_cidr=auto\ntunnel_cidr=auto\ndmz_cidr=auto\nmaintenance_cidr=auto\n";
    assert!(size(24, four).is_ok());
    let ConfigErrors(errors) = size(25, four).unwrap_err();
    assert_eq!(errors.len(), 4);
    assert!(size(26, "intranet_cidr=auto\n").is_ok());
    assert!(size(27, "intranet_cidr=auto\n").is_err());
    let three = "intranet_cidr=auto\ntunnel_cidr=auto\ndmz_cidr=10.40.0.0/26\n";
    assert!(size(24, three).is_ok());
    assert!(size(25, three).is_err());
}

#[test]
fn security_group_rules() {
    let dmz_only = |rules: &str| {
        problems(&format!(
            "vpc_cidr=10.0.0.0/16\ndmz_cidr=auto\ndmz_sg_rules={rules}"
        ))
    };
    assert_eq!(
        dmz_only("tcp intranet 80, tcp dmz 80"),
        [
            "dmz_sg_rules: rule `tcp intranet 80`: metanetwork intranet is not configured here (configured: dmz)"
        ]
    );
    let wrong = dmz_only("tcp all 80, tcp web 80, tcp all,");
    assert_eq!(wrong.len(), 3, "{wrong:?}");
    for text in &wrong {
        assert!(
            text.starts_with("dmz_sg_rules: Cannot make heads or tails of rule `"),
            "{text}"
        );
        assert!(text.contains("for metanetwork dmz"), "{text}");
    }
    // Rules of a metanetwork that is not there do not matter.
    assert!(
        read("vpc_cidr=10.0.0.0/16\ndmz_cidr=auto\nintranet_sg_rules=rubbish")
            .metanetworks
            .len()
            == 1
    );
}

#[test]
fn gateway_routes() {
    assert_eq!(
        problems(&base(
            "dmz_igw_routes=10.9.0.0/16 1.2.3.4\ndmz_vgw_routes=10.9.3.1/16"
        )),
        [
            "dmz_igw_routes: `1.2.3.4` is not an IPv4 network: write it as ADDRESS/PREFIX, like 10.0.0.0/16",
            "dmz_vgw_routes: 10.9.0.0/16 is also in `dmz_igw_routes`: a destination has one gateway",
        ]
    );
    let apart = read(&base(
        "dmz_igw_routes=10.9.0.0/16\ntunnel_vgw_routes=10.9.0.0/16",
    ));
    assert_eq!(
        apart.metanetworks[&MetaNetwork::Tunnel].vgw_routes,
        [net4("10.9.0.0/16")]
    );
}

#[test]
fn nat_addresses() {
    assert_eq!(
        problems(&base(
            "tunnel_nat_gateways=1.1.1.1 1.1.1.2 1.1.1.1\ndmz_nat_gateways=1.1.1.2 x auto"
        )),
        [
            "dmz_nat_gateways: `x` is not an elastic IP: list IPv4 addresses, or write `auto`",
            "dmz_nat_gateways: `auto` is not an elastic IP: list IPv4 addresses, or write `auto`",
            "tunnel_nat_gateways: 1.1.1.1 is listed twice",
            "dmz_nat_gateways: 1.1.1.2 is already listed in `tunnel_nat_gateways`",
        ]
    );
    let auto = read(&base("tunnel_nat_gateways=AUTO"));
    assert_eq!(
        auto.metanetworks[&MetaNetwork::Tunnel].nat,
        Some(NatConfig::Auto)
    );
}

#[test]
fn nat_routes() {
    let nets =
        "vpc_cidr=10.0.0.0/16\nintranet_cidr=auto\ntunnel_cidr=auto\ntunnel_nat_gateways=auto\n";
    let routes = |routes: &str| problems(&format!("{nets}nat_gateway_routes={routes}"));
    for (text, expected) in [
        (
            "intranet",
            "`intranet` is not a NAT route: write it as SOURCE/NAT, like intranet/tunnel",
        ),
        (
            "intranet/web",
            "unknown metanetwork `web`: use one of intranet, tunnel, dmz, maintenance",
        ),
        (
            "intranet/tunnel/x",
            "unknown metanetwork `tunnel/x`: use one of intranet, tunnel, dmz, maintenance",
        ),
        (
            "intranet/tunnel,intranet/tunnel",
            "`intranet/tunnel`: metanetwork intranet has a NAT route already",
        ),
        (
            "dmz/tunnel",
            "`dmz/tunnel`: metanetwork dmz is not configured here (configured: intranet, tunnel)",
        ),
        (
            "dmz/dmz",
            "`dmz/dmz`: metanetwork dmz is not configured here (configured: intranet, tunnel)",
        ),
        (
            "intranet/dmz",
            "`intranet/dmz`: metanetwork dmz is not configured here (configured: intranet, tunnel)",
        ),
        (
            "tunnel/intranet",
            "`tunnel/intranet`: metanetwork intranet has no `intranet_nat_gateways`",
        ),
    ] {
        assert_eq!(
            routes(text),
            [format!("nat_gateway_routes: {expected}")],
            "{text}"
        );
    }
}

#[test]
fn customers() {
    assert_eq!(
        problems(&base(
            "customer_ports=80 https -1 90:80 70000\ncustomer_cidr=1.2.3.4 10.0.0.0/8"
        )),
        [
            "customer_ports: `https` is not a port: use a number from 0 to 65535, a range like 8000:8010, or -1",
            "customer_ports: `-1` is not a TCP port or an ascending range of them",
            "customer_ports: `90:80` is not a TCP port or an ascending range of them",
            "customer_ports: `70000` is not a port: use a number from 0 to 65535, a range like 8000:8010, or -1",
            "customer_cidr: `1.2.3.4` is not a network: write it as ADDRESS/PREFIX, like 10.0.0.0/16 or 2001:db8::/32",
        ]
    );
}

#[test]
fn name_servers() {
    assert_eq!(
        problems(&base(
            "internal_dns=dns.example.com\nexternal_dns=10.0.0.1 10.0.0.2"
        )),
        [
            "internal_dns: `dns.example.com` is neither an IP address nor `AmazonProvidedDNS`",
            "external_dns: `10.0.0.1 10.0.0.2` is neither an IP address nor `AmazonProvidedDNS`",
        ]
    );
}

#[test]
fn time_servers() {
    let ntp = |options: &str| read(&base(options)).dhcp.ntp;
    assert_eq!(
        ntp("ntp_server_metanetwork=tunnel\nntp_server_offset=+5\n"),
        NtpConfig::Offset {
            metanetwork: MetaNetwork::Tunnel,
            offset: "+5".into()
        }
    );
    assert_eq!(
        ntp("ntp_server=169.254.169.123\nntp_server_metanetwork=web\nntp_server_offset=x\n"),
        NtpConfig::Servers(vec!["169.254.169.123".into()])
    );
    assert_eq!(ntp("ntp_server_metanetwork=tunnel\n"), NtpConfig::None);
    assert_eq!(ntp("ntp_server_offset=1\n"), NtpConfig::None);
    assert_eq!(
        ntp("ntp_server=a b c d.\n"),
        NtpConfig::Servers(["a", "b", "c", "d."].map(String::from).to_vec())
    );
    for (options, problem) in [
        (
            "ntp_server=a b c d e",
            "ntp_server: 5 NTP servers are too many: at most 4",
        ),
        (
            "ntp_server=a..b",
            "ntp_server: `a..b` is neither an IP address nor a host name",
        ),
        (
            "ntp_server=a/b",
            "ntp_server: `a/b` is neither an IP address nor a host name",
        ),
        (
            "ntp_server_metanetwork=dmz\nntp_server_offset=five",
            "ntp_server_offset: `five` is not an offset: use a signed number like `+5` or `-2`",
        ),
        (
            "ntp_server_metanetwork=web\nntp_server_offset=1",
            "ntp_server_metanetwork: unknown metanetwork `web`: use one of intranet, tunnel, dmz, maintenance",
        ),
    ] {
        assert_eq!(problems(&base(options)), [problem], "{options}");
    }
    assert_eq!(
        problems(
            "vpc_cidr=10.0.0.0/16\ndmz_cidr=auto\nntp_server_metanetwork=tunnel\nntp_server_offset=+5"
        ),
        ["ntp_server_metanetwork: metanetwork tunnel is not configured here (configured: dmz)"]
    );
}

#[test]
fn all_problems_at_once_with_their_places() {
    let text = "\
[envtype:t]
vpc_cidr=10.0.0.0
intranet_cidr=auto
dmz_cidr=x
dmz_sg_rules=tcp
internal_dns=x
intranet_sg_rules=tcp tunnel 80, tcp dmz 80
nat_gateway_routes=intranet/dmz
[env:e]
external_dns=y
application=%(nothing)s
";
    let found = errors(text);
    let places: Vec<&str> = found
        .iter()
        .map(|text| text.rsplit_once("] ").unwrap().0)
        .collect();
    let keys: Vec<&str> = found
        .iter()
        .map(|text| text.rsplit_once("] ").unwrap().1.split(':').next().unwrap())
        .collect();
    assert_eq!(
        keys,
        [
            "vpc_cidr",
            "dmz_cidr",
            "dmz_sg_rules",
            "internal_dns",
            "external_dns",
            "application",
            "intranet_sg_rules",
            "nat_gateway_routes",
        ]
    );
    assert_eq!(
        places,
        [
            "v.ini:2: [envtype:t",
            "v.ini:4: [envtype:t",
            "v.ini:5: [envtype:t",
            "v.ini:6: [envtype:t",
            "v.ini:10: [env:e",
            "v.ini:11: [env:e",
            "v.ini:7: [envtype:t",
            "v.ini:8: [envtype:t",
        ]
    );
}

#[test]
fn unknown_types() {
    let vpc = file(&format!(
        "[envtype:sandbox]\n{BASE}[envtype:ci]\n{BASE}[env:own]\n{BASE}[env:half]\ndmz_cidr=auto\n"
    ));
    let ConfigErrors(unknown) = vpc.environment("x", "sandbux").unwrap_err();
    let [error] = &unknown[..] else {
        panic!("{unknown:?}")
    };
    assert_eq!(
        error.to_string(),
        "v.ini: unknown environment type `sandbux`: there is no section `[envtype:sandbux]`"
    );
    assert_eq!(
        error.hint.as_deref(),
        Some("did you mean `sandbox`? known types: sandbox, ci")
    );
    assert!(vpc.environment("own", "nothing").is_ok());
    let ConfigErrors(half) = vpc.environment("half", "nothing").unwrap_err();
    let texts: Vec<String> = half.iter().map(ConfigError::to_string).collect();
    assert_eq!(
        texts,
        [
            "v.ini: unknown environment type `nothing`: there is no section `[envtype:nothing]`",
            "v.ini:19: [env:half] vpc_cidr: Cannot create VPC half. ip_space or vpc_cidr_size missing",
        ]
    );
    let ConfigErrors(none) = file("[peerings]\n").environment("x", "y").unwrap_err();
    assert_eq!(none[0].hint.as_deref(), Some("add a section `[envtype:y]`"));
}

#[test]
fn quiet_when_nothing_is_suspicious() {
    let text = format!(
        "[DEFAULT]\nwhatever=1\n[envtype:t]\n{}tunnel_key=x\ncustomer_ports=80\n\
         tunnel_nat_gateways=auto\ntunnel_igw_routes=0.0.0.0/0\nnat_gateway_routes=intranet/tunnel\n\
         [env:other]\nrubbish=1\n[peerings]\nconnection_1=a/dmz b/dmz\nupdate_security_groups=no\n",
        base("")
    );
    assert!(warnings(&text).is_empty(), "{:?}", warnings(&text));
}

#[test]
fn unknown_options_are_named_with_the_nearest_known_one() {
    let text = format!(
        "[envtype:t]\n{BASE}intranet_sg_rule=tcp all 80\nsomething_else=1\n[env:e]\nvpc_cidr@e=1\n"
    );
    assert_eq!(
        warnings(&text),
        [
            "v.ini:10: [env:e] vpc_cidr@e: unknown option: this file has no `@` form of `vpc_cidr`",
            "v.ini:7: [envtype:t] intranet_sg_rule: unknown option: did you mean `intranet_sg_rules`?",
            "v.ini:8: [envtype:t] something_else: unknown option",
        ]
    );
}

#[test]
fn options_without_effect_are_named() {
    for (text, warning) in [
        (
            "[envtype:t]\nvpc_cidr=10.0.0.0/16\nintranet_cidr=auto\ncustomer_ports=80\n".to_owned(),
            "v.ini:4: [envtype:t] customer_ports: no effect, since metanetwork dmz is not configured",
        ),
        (
            format!("[envtype:t]\n{BASE}ntp_server_offset=+1\n"),
            "v.ini:7: [envtype:t] ntp_server_offset: no effect without `ntp_server_metanetwork`",
        ),
        (
            format!("[envtype:t]\n{BASE}ntp_server_metanetwork=dmz\n"),
            "v.ini:7: [envtype:t] ntp_server_metanetwork: no effect without `ntp_server_offset`",
        ),
        (
            format!(
                "[envtype:t]\n{BASE}nat_gateway_routes=dmz/tunnel\ndmz_igw_routes=1.2.3.4/32 0.0.0.0/0\n"
            ),
            "v.ini:8: [envtype:t] dmz_igw_routes: 0.0.0.0/0 is ignored, since `nat_gateway_routes` takes its place",
        ),
        (
            format!("[envtype:t]\n{BASE}nat_gateway_routes=dmz/tunnel\ndmz_vgw_routes=0.0.0.0/0\n"),
            "v.ini:8: [envtype:t] dmz_vgw_routes: 0.0.0.0/0 is ignored, since `nat_gateway_routes` takes its place",
        ),
        (
            format!("[env:e]\n{BASE}"),
            "v.ini: there is no section `[envtype:t]`",
        ),
    ] {
        assert_eq!(warnings(&text), [warning], "{text}");
    }
}

#[test]
fn a_default_route_beside_a_nat_route_is_no_error() {
    let config = read(&base(
        "tunnel_nat_gateways=auto\nnat_gateway_routes=dmz/tunnel\ndmz_igw_routes=0.0.0.0/0\n",
    ));
    assert_eq!(
        config.metanetworks[&MetaNetwork::Dmz].igw_routes,
        [Ipv4Net::default()]
    );
}

#[test]
fn loading_takes_the_file_from_the_directory() {
    let root = tempfile::tempdir().unwrap();
    let dir = ConfigDir::new(Some(root.path().as_os_str()));
    let error = DiscoVpc::load(&dir).unwrap_err().to_string();
    assert!(
        error.starts_with("Config path not found: ") && error.ends_with("disco_vpc.ini"),
        "{error}"
    );
    std::fs::write(root.path().join("disco_vpc.ini"), "[envtype:a]\n").unwrap();
    let vpc = DiscoVpc::load(&dir).unwrap();
    assert_eq!(vpc.types(), ["a"]);
    assert!(vpc.ini().file().ends_with("disco_vpc.ini"));
}
