#![allow(clippy::unwrap_used, clippy::expect_used)]
use super::*;
use crate::config::Ini;
use proptest::prelude::*;

/// A sound type, whose lines start at 2.
const SOUND: &str =
    "[envtype:t]\nip_space=10.0.0.0/12\nvpc_cidr_size=20\nintranet_cidr=auto\ndmz_cidr=auto\n";

fn ini(name: &str, text: &str) -> Ini {
    Ini::parse(name, text.as_bytes()).unwrap()
}

fn files(vpc: &str, aws: &str, alarms: &str, rds: &str) -> Files {
    Files {
        vpc: Some(DiscoVpc::from_ini(ini(FILES[0], vpc))),
        aws: Some(DiscoAws::from_ini(ini(FILES[1], aws))),
        alarms: Some(DiscoAlarms::from_ini(ini(FILES[2], alarms))),
        rds: Some(DiscoRds::from_ini(ini(FILES[3], rds))),
        problems: Problems::default(),
    }
}

fn told(files: &Files, only: Only<'_>) -> Vec<String> {
    let report = check(files, only);
    report.problems.iter().map(Problem::to_string).collect()
}

fn vpc(text: &str) -> Vec<String> {
    told(&files(text, "", "", ""), None)
}

/// Each problem begins with one of the texts, in this order, and there are no others.
#[track_caller]
fn expect(told: &[String], wanted: &[&str], what: &str) {
    let same = told.len() == wanted.len() && told.iter().zip(wanted).all(|(t, w)| t.starts_with(w));
    assert!(same, "{what}\ntold: {told:#?}\nwanted: {wanted:#?}");
}

#[test]
fn a_sound_type_has_no_problems() {
    let report = check(&files(SOUND, "", "", ""), None);
    assert_eq!(report.problems, []);
    assert!(!report.has_errors());
    assert_eq!(
        report.checked,
        "no problems: 1 environment type and 0 environments of their own, addresses of 0 hostclass sections, 0 notifications"
    );
}

/// Lines after the sound type → places and beginnings of the problems.
#[test]
fn problems_of_types() {
    let table: [(&str, &[&str]); 23] = [
        (
            "intranet_sg_rules=tcp web 80, tcp all 1, udp",
            &[
                "disco_vpc.ini:6: [envtype:t] intranet_sg_rules: Cannot make heads or tails of rule `tcp web 80`",
                "disco_vpc.ini:6: [envtype:t] intranet_sg_rules: Cannot make heads or tails of rule `udp`",
            ],
        ),
        (
            "dmz_sg_rules=tcp tunnel 80",
            &[
                "disco_vpc.ini:6: [envtype:t] dmz_sg_rules: rule `tcp tunnel 80`: metanetwork tunnel is not",
            ],
        ),
        (
            "maintenance_sg_rules=bad",
            &["disco_vpc.ini:6: [envtype:t] maintenance_sg_rules: Cannot make"],
        ),
        (
            "dmz_igw_routes=0.0.0.0/0 1.2.3",
            &["disco_vpc.ini:6: [envtype:t] dmz_igw_routes: `1.2.3` is not an IPv4 network"],
        ),
        (
            "dmz_igw_routes=1.0.0.0/8\ndmz_vgw_routes=1.0.0.0/8",
            &["disco_vpc.ini:7: [envtype:t] dmz_vgw_routes: 1.0.0.0/8 is also in"],
        ),
        (
            "dmz_cidr=somewhere",
            &["disco_vpc.ini:6: [envtype:t] dmz_cidr: `somewhere` is not"],
        ),
        (
            "dmz_cidr=11.0.0.0/24",
            &[
                "disco_vpc.ini:6: [envtype:t] dmz_cidr: 11.0.0.0/24 of metanetwork dmz lies outside of ip_space",
            ],
        ),
        (
            "vpc_cidr_size=29",
            &["disco_vpc.ini:6: [envtype:t] vpc_cidr_size: a VPC of size /29 is not possible"],
        ),
        (
            "vpc_cidr_size=many",
            &["disco_vpc.ini:6: [envtype:t] vpc_cidr_size: `many` is not a prefix length"],
        ),
        (
            "vpc_cidr_size=26",
            &[
                "disco_vpc.ini:4: [envtype:t] intranet_cidr: metanetwork intranet of size /27 is too small",
                "disco_vpc.ini:5: [envtype:t] dmz_cidr: metanetwork dmz of size /27 is too small",
            ],
        ),
        (
            "dmz_nat_gateways=1.1.1.1 2.2.2.2",
            &[
                "disco_vpc.ini:6: [envtype:t] dmz_nat_gateways: 2 elastic IPs for the 3 subnets of metanetwork dmz (list one",
            ],
        ),
        (
            "dmz_nat_gateways=1.1.1.1 2.2.2.2 x",
            &["disco_vpc.ini:6: [envtype:t] dmz_nat_gateways: `x` is not an elastic IP"],
        ),
        (
            "dmz_nat_gateways=1.1.1.1 2.2.2.2 3.3.3.3\nintranet_nat_gateways=4.4.4.4 5.5.5.5 1.1.1.1",
            &[
                "disco_vpc.ini:6: [envtype:t] dmz_nat_gateways: 1.1.1.1 is already listed in `intranet_nat_gateways`",
            ],
        ),
        (
            "nat_gateway_routes=intranet/dmz dmz",
            &[
                "disco_vpc.ini:6: [envtype:t] nat_gateway_routes: `dmz` is not a NAT route",
                "disco_vpc.ini:6: [envtype:t] nat_gateway_routes: `intranet/dmz`: metanetwork dmz has no `dmz_nat_gateways`",
            ],
        ),
        (
            "customer_ports=80 99999",
            &["disco_vpc.ini:6: [envtype:t] customer_ports: `99999` is not a port"],
        ),
        (
            "customer_cidr=10.0.0.0",
            &["disco_vpc.ini:6: [envtype:t] customer_cidr: `10.0.0.0` is not a network"],
        ),
        (
            "internal_dns=nobody",
            &["disco_vpc.ini:6: [envtype:t] internal_dns: `nobody` is neither"],
        ),
        (
            "ntp_server=a b c d e",
            &["disco_vpc.ini:6: [envtype:t] ntp_server: 5 NTP servers are too many"],
        ),
        (
            "ntp_server_metanetwork=dmz\nntp_server_offset=+1536",
            &[
                "disco_vpc.ini:7: [envtype:t] ntp_server_offset: `+1536` leads out of metanetwork dmz: it has 3 subnets with 1536 addresses",
            ],
        ),
        (
            "ntp_server_metanetwork=dmz\nntp_server_offset=-1536",
            &["disco_vpc.ini:7: [envtype:t] ntp_server_offset: `-1536` leads out"],
        ),
        (
            "dmz_cidr_=auto\napplication=%(x)s",
            &[
                "disco_vpc.ini:6: [envtype:t] dmz_cidr_: warning: unknown option: did you mean `dmz_cidr`?",
                "disco_vpc.ini:7: [envtype:t] application: ",
            ],
        ),
        (
            "[peerings]\nconnection_1=a:t/dmz a/web\nconnection_2=a:T/dmz b:t/tunnel\nconnection_3=*:t/dmz x:t/intranet",
            &[
                "disco_vpc.ini:7: [peerings] connection_1: peering `a:t/dmz a/web`: unknown metanetwork `web`",
                "disco_vpc.ini:8: [peerings] connection_2: warning: `a:T/dmz`: there is no section `[envtype:T]` (did you mean `t`? ",
                "disco_vpc.ini:8: [peerings] connection_2: warning: `b:t/tunnel`: no such environment has a metanetwork tunnel",
            ],
        ),
        (
            "[envtyp:u]\n[peering]\n[else]\n[peerings]\nconection_1=x\nupdate_security_group=1\nconnection_1=a:t/dmz *:t/dmz",
            &[
                "disco_vpc.ini:6: [envtyp:u]: warning: unknown section: did you mean `[envtype:u]`?",
                "disco_vpc.ini:7: [peering]: warning: unknown section: did you mean `[peerings]`?",
                "disco_vpc.ini:8: [else]: warning: unknown section",
                "disco_vpc.ini:10: [peerings] conection_1: warning: unknown option: peering lines start with `connection_`",
                "disco_vpc.ini:11: [peerings] update_security_group: warning: unknown option: did you mean `update_security_groups`?",
            ],
        ),
    ];
    for (more, wanted) in table {
        expect(&vpc(&format!("{SOUND}{more}\n")), wanted, more);
    }
    for fits in ["+1535", "-1535", "+0"] {
        let more = format!("ntp_server_metanetwork=dmz\nntp_server_offset={fits}\n");
        expect(&vpc(&format!("{SOUND}{more}")), &[], fits);
    }
}

#[test]
fn types_without_networks() {
    let nothing = "[envtype:t]\nintranet_cidr=auto\n";
    let missing = "disco_vpc.ini:1: [envtype:t] vpc_cidr: Cannot create VPC NAME. ip_space or vpc_cidr_size missing (set";
    expect(&vpc(nothing), &[missing], "nobody completes it");
    let warned = "disco_vpc.ini:1: [envtype:t] vpc_cidr: warning: Cannot create VPC NAME. ip_space or vpc_cidr_size \
                  missing (only environments with a section of their own, like `[env:e]`, can be of this type)";
    expect(
        &vpc(&format!("{nothing}[env:e]\nvpc_cidr=10.0.0.0/16\n")),
        &[warned],
        "completed",
    );
    expect(
        &vpc(&format!("{nothing}[env:e]\napplication=x\n")),
        &[missing],
        "not completed",
    );
    expect(
        &vpc("[envtype:t]\nvpc_cidr=10.0.0.0/16\n"),
        &["disco_vpc.ini:1: [envtype:t] intranet_cidr: No Metanetworks configured for VPC NAME"],
        "no nets",
    );

    // Static NAT addresses belong to one environment, the routes to them to the type.
    let routes = format!("{SOUND}nat_gateway_routes=intranet/dmz\n");
    let addresses = "[env:e]\ndmz_nat_gateways=1.1.1.1 2.2.2.2 3.3.3.3\n";
    expect(
        &vpc(&format!("{routes}{addresses}")),
        &["disco_vpc.ini:6: [envtype:t] nat_gateway_routes: warning: "],
        "NAT",
    );
    // What a section replaces is still wrong in the type.
    let bad = format!("{SOUND}dmz_sg_rules=bad\n[env:e]\ndmz_sg_rules=tcp all 1\n");
    expect(
        &vpc(&bad),
        &["disco_vpc.ini:6: [envtype:t] dmz_sg_rules: Cannot"],
        "replaced",
    );
    let small = "[envtype:t]\nip_space=10.0.0.0/12\nvpc_cidr_size=29\nintranet_cidr=auto\n[env:e]\nvpc_cidr=10.0.0.0/16\n";
    expect(
        &vpc(small),
        &["disco_vpc.ini:3: [envtype:t] vpc_cidr_size: a VPC of size /29"],
        "size",
    );
}

#[test]
fn problems_of_environments() {
    let table: [(&str, &[&str]); 8] = [
        (
            "[env:e]\nvpc_cidr=10.0.0.0/16\ndmz_cidr=10.1.0.0/20",
            &[
                "disco_vpc.ini:8: [env:e] dmz_cidr: 10.1.0.0/20 of metanetwork dmz lies outside of vpc_cidr",
            ],
        ),
        (
            "[env:e]\ntunnel_sg_rules=bad",
            &["disco_vpc.ini:7: [env:e] tunnel_sg_rules: Cannot make"],
        ),
        (
            "[env:e]\ncustomer_ports=x\nunknown=1",
            &[
                "disco_vpc.ini:7: [env:e] customer_ports: `x` is not a port",
                "disco_vpc.ini:8: [env:e] unknown: warning: unknown option",
            ],
        ),
        (
            "[env:e]\ndmz_nat_gateways=1.1.1.1",
            &["disco_vpc.ini:7: [env:e] dmz_nat_gateways: 1 elastic IPs"],
        ),
        (
            "[env:my_env]\napplication=x",
            &["disco_vpc.ini:6: [env:my_env]: warning: no environment can be called `my_env`"],
        ),
        // Wrong in one type only, and the type is not known.
        (
            "[envtype:u]\nvpc_cidr=10.0.0.0/16\nintranet_cidr=auto\n[env:e]\nintranet_sg_rules=tcp dmz 1",
            &[],
        ),
        // Right in no type: what is wrong with the best one is told.
        (
            "[env:e]\nintranet_cidr=\ndmz_sg_rules=tcp intranet 1\n[envtype:u]\nvpc_cidr=10.0.0.0/16\nintranet_cidr=auto",
            &[
                "disco_vpc.ini:8: [env:e] dmz_sg_rules: rule `tcp intranet 1`: metanetwork intranet is not configured here (configured: dmz) (no type fits",
            ],
        ),
        (
            "[envtype:u]\nvpc_cidr=10.0.0.0/16\nintranet_cidr=bad\n[env:e]\napplication=x",
            &["disco_vpc.ini:8: [envtype:u] intranet_cidr: `bad`"],
        ),
    ];
    for (more, wanted) in table {
        expect(&vpc(&format!("{SOUND}{more}\n")), wanted, more);
    }
}

#[test]
fn a_problem_that_several_types_share_is_told_once() {
    let text = format!(
        "{SOUND}{}[peerings]\ncustomer_ports=x\n",
        SOUND.replace(":t]", ":u]")
    );
    expect(
        &vpc(&text),
        &["disco_vpc.ini:12: [peerings] customer_ports: `x` is not a port"],
        "once",
    );
}

#[test]
fn problems_of_static_addresses() {
    let types = format!(
        "{SOUND}[envtype:small]\nvpc_cidr=10.200.0.0/24\nintranet_cidr=10.200.0.0/26\n[env:fix]\nintranet_cidr=10.0.4.0/22\n"
    );
    let table: [(&str, &[&str]); 15] = [
        ("[mhcx]\nip_address=+5 -2\nmeta_network=dmz", &[]),
        ("[mhcx]\nip_address=\nmeta_network=nowhere", &[]),
        (
            "[mhcx]\nip_address=+5",
            &["disco_aws.ini:1: [mhcx] meta_network: "],
        ),
        (
            "[mhcx]\nip_address=+5\nmeta_network=web",
            &["disco_aws.ini:3: [mhcx] meta_network: unknown metanetwork `web`"],
        ),
        (
            "[mhcx]\nip_address=five\nmeta_network=dmz",
            &["disco_aws.ini:2: [mhcx] ip_address: `five` is neither"],
        ),
        (
            "[mhcx]\nip_address=+5\nmeta_network=tunnel",
            &[
                "disco_aws.ini:2: [mhcx] ip_address: no address can be reserved for hostclass mhcx: its metanetwork tunnel is configured in none of the types",
            ],
        ),
        (
            "[mhcx]\nip_address=+1536\nmeta_network=dmz",
            &[
                "disco_aws.ini:2: [mhcx] ip_address: `+1536` is not in the range of metanetwork dmz: it has 3 subnets with 1536 addresses together",
            ],
        ),
        (
            "[mhcx]\nip_address=+100\nmeta_network=intranet",
            &[
                "disco_aws.ini:2: [mhcx] ip_address: warning: `+100` is not in the range of metanetwork intranet in environments of type small",
            ],
        ),
        (
            "[mhcx]\nip_address=10.5.5.5 10.0.4.9\nmeta_network=intranet",
            &[],
        ),
        (
            "[mhcx]\nip_address=11.0.0.1\nmeta_network=intranet",
            &[
                "disco_aws.ini:2: [mhcx] ip_address: `11.0.0.1` is not in the range of metanetwork intranet",
            ],
        ),
        (
            "[mhcx]\nip_address@fix=10.5.5.5\nmeta_network=intranet",
            &["disco_aws.ini:2: [mhcx] ip_address@fix: `10.5.5.5` is not in"],
        ),
        (
            "[mhcx]\nip_address@fix=10.0.5.5\nip_address@other=+9999\nmeta_network=intranet",
            &["disco_aws.ini:3: [mhcx] ip_address@other: `+9999` is not in"],
        ),
        (
            "[mhcx]\nip_adress=+5\nmeta_network=intranet",
            &[
                "disco_aws.ini:2: [mhcx] ip_adress: warning: unknown hostclass option `ip_adress` (did you mean `ip_address`?)",
            ],
        ),
        (
            "[mhcx]\nip_address@ci=+5\nmeta_network@qa=dmz",
            &[
                "disco_aws.ini:1: [mhcx] meta_network: hostclass `mhcx` has no option `meta_network` in environment `ci` (set",
            ],
        ),
        (
            "[mhcx]\nip_address=+5\nip_address@ci=+6",
            &[
                "disco_aws.ini:1: [mhcx] meta_network: hostclass `mhcx` has no option `meta_network` (set",
            ],
        ),
    ];
    for (aws, wanted) in table {
        expect(&told(&files(&types, aws, "", ""), None), wanted, aws);
    }
    // A type that only a section completes does not hide what is wrong.
    let completed = "[envtype:t]\nintranet_cidr=auto\n[env:e]\nvpc_cidr=10.0.0.0/22\n";
    let aws = "[mhcx]\nip_address=+9999\nmeta_network=intranet";
    let wrong = &told(&files(completed, aws, "", ""), None)[1..];
    expect(
        wrong,
        &["disco_aws.ini:2: [mhcx] ip_address: `+9999` is not in the range"],
        "completed",
    );
    // `create` goes on without these, so they are warnings for one environment.
    let only = Some(("fix", "small"));
    let all = files(
        &types,
        "[mhcx]\nip_address=+5\nmeta_network=dmz\n[mhcy]\nip_address=+1\nmeta_network=intranet",
        "",
        "",
    );
    expect(
        &told(&all, Some(("qa", "small"))),
        &[
            "disco_aws.ini:2: [mhcx] ip_address: warning: no address can be reserved for hostclass mhcx: its metanetwork dmz is not configured in this environment",
        ],
        "one",
    );
    // The networks come first: there is no telling what lies in wrong ones.
    expect(
        &told(&all, only),
        &[
            "disco_vpc.ini:10: [env:fix] intranet_cidr: 10.0.4.0/22 of metanetwork intranet lies outside of vpc_cidr 10.200.0.0/24",
        ],
        "wrong",
    );
}

#[test]
fn problems_of_notifications_and_databases() {
    let alarms = "[notifications]\nops_ci_loud=a@x\nops_qa_info=nobody\nops=a@x";
    let all = files(SOUND, "", alarms, "");
    let wanted = [
        "disco_alarms.ini:2: [notifications] ops_ci_loud: unsupported notification level `loud` (end",
        "disco_alarms.ini:3: [notifications] ops_qa_info: failed to determine endpoint type of `nobody`",
        "disco_alarms.ini:4: [notifications] ops: `ops` is not the name of a notification",
    ];
    expect(&told(&all, None), &wanted, "all");
    expect(&told(&all, Some(("qa", "t"))), &wanted[1..], "one");

    let no_intranet = "[envtype:t]\nvpc_cidr=10.0.0.0/16\ndmz_cidr=auto\n[env:foo]\n[env:foo-bar]\nintranet_cidr=auto\n";
    let rds = "[foo-db]\n[foo-bar-db]\n[other-db]\n";
    let homeless = [
        "disco_rds.ini:1: [foo-db]: database `foo-db` needs metanetwork intranet, which environment `foo`",
    ];
    let all = files(no_intranet, "", "", rds);
    expect(&told(&all, None), &homeless, "all");
    expect(&told(&all, Some(("foo", "t"))), &homeless, "foo");
    expect(&told(&all, Some(("foo-bar", "t"))), &[], "foo-bar");
    expect(
        &told(&all, Some(("other", "t"))),
        &["disco_rds.ini:3: [other-db]: database"],
        "other",
    );
}

#[test]
fn one_environment_is_checked_as_create_does() {
    let text = format!("{SOUND}[envtype:bad]\nvpc_cidr=x\n[env:e]\ncustomer_ports=x\n");
    let all = files(&text, "", "", "");
    expect(&told(&all, Some(("f", "t"))), &[], "sound");
    expect(
        &told(&all, Some(("e", "t"))),
        &["disco_vpc.ini:9: [env:e] customer_ports: `x`"],
        "own section",
    );
    expect(
        &told(&all, Some(("f", "none"))),
        &["disco_vpc.ini: unknown environment type `none`"],
        "no type",
    );
    expect(
        &told(&all, Some(("a_b", "t"))),
        &["disco_vpc.ini: VPC name `a_b` must not be empty or contain `_`"],
        "name",
    );
    let empty = "[envtype:t]\n";
    expect(
        &told(&files(empty, "", "", ""), Some(("f", "t"))),
        &[
            "disco_vpc.ini:1: [envtype:t] intranet_cidr: No Metanetworks configured for VPC f",
            "disco_vpc.ini:1: [envtype:t] vpc_cidr: Cannot create VPC f.",
        ],
        "the name is told",
    );
}

#[test]
fn a_problem_is_one_line_and_the_worse_of_two() {
    let mut problems = Problems::default();
    let error = || {
        ConfigError::new("two\nlines")
            .at(super::super::Location::line("a.ini", 3))
            .with_hint("do\nthis")
    };
    problems.push(Severity::Warning, error());
    problems.push(Severity::Error, error());
    problems.push(Severity::Warning, error());
    let sorted = problems.sorted();
    assert_eq!(sorted.len(), 1);
    assert_eq!(sorted[0].to_string(), "a.ini:3: two lines (do this)");
}

const SAMPLE_VPC: &str = include_str!("../../../../../config/disco_vpc.ini");
const SAMPLE_AWS: &str = include_str!("../../../../../config/disco_aws.ini");
const SAMPLE_ALARMS: &str = include_str!("../../../../../config/disco_alarms.ini");

/// The text with some lines dropped, doubled, or with something strange put into them.
fn mutated(text: &str, seeds: &[(usize, u8, String)]) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    for (place, how, strange) in seeds {
        let options: Vec<usize> = (0..lines.len())
            .filter(|i| !lines[*i].starts_with('#') && !lines[*i].is_empty())
            .collect();
        let Some(&index) = options.get(place % options.len().max(1)) else {
            continue;
        };
        match how % 5 {
            0 => drop(lines.remove(index)),
            1 => lines.insert(index, lines[index].clone()),
            2 => lines[index].push_str(strange),
            3 => {
                let key = lines[index]
                    .split('=')
                    .next()
                    .unwrap_or_default()
                    .to_owned();
                lines[index] = format!("{key}={strange}");
            }
            _ => lines[index] = strange.clone(),
        }
    }
    lines.join("\n")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// Whatever is in the files, there is a report, and the same one again.
    #[test]
    fn no_file_makes_it_panic(
        seeds in proptest::collection::vec(
            (0usize..10_000, 0u8..5, "([+-]?[0-9./:_@,%a-z \\[\\]=]{0,12}|auto|0.0.0.0/0|10.0.0.0/33|\\PC{0,6})"),
            1..12,
        ),
        file in 0usize..3,
    ) {
        let texts = [SAMPLE_VPC, SAMPLE_AWS, SAMPLE_ALARMS];
        let texts: Vec<String> = (0..3)
            .map(|i| if i == file { mutated(texts[i], &seeds) } else { texts[i].to_owned() })
            .collect();
        let parsed: Vec<_> = texts.iter().zip(FILES).map(|(t, n)| Ini::parse(n, t.as_bytes())).collect();
        if let [Ok(vpc), Ok(aws), Ok(alarms)] = parsed.as_slice() {
            let files = Files {
                vpc: Some(DiscoVpc::from_ini(vpc.clone())),
                aws: Some(DiscoAws::from_ini(aws.clone())),
                alarms: Some(DiscoAlarms::from_ini(alarms.clone())),
                rds: None,
                problems: Problems::default(),
            };
            for only in [None, Some(("production", "production")), Some(("x", "ci"))] {
                let report = check(&files, only);
                prop_assert_eq!(&check(&files, only), &report);
                // What is told once is told once.
                for (i, one) in report.problems.iter().enumerate() {
                    prop_assert!(!report.problems[i + 1..].contains(one));
                }
            }
            // What `create` refuses, `check` has told.
            let refused = DiscoVpc::from_ini(vpc.clone()).environment("x", "ci").is_err();
            prop_assert!(!refused || check(&files, Some(("x", "ci"))).has_errors());
        }
    }
}
