//! Whole trees: each rule is broken at least once, and nothing else is told.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod aws;
mod files;
mod iam;
mod reading;
mod reference;
mod services;

use super::*;
use crate::config::check::Severity;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

const AWS: &str = "[disco_aws]\ndefault_environment=ci\nproject_name=acme\ndefault_meta_network=intranet\n\
    default_ssh_key_name=None\ndefault_public_ip=no\ndefault_smoketest_termination=no\n[mhcweb]\n";
const VPC: &str =
    "[envtype:ci]\nip_space=10.0.0.0/12\nvpc_cidr_size=20\nintranet_cidr=auto\ndmz_cidr=auto\n";

/// One more environment.
const STAGING: (&str, &str) = (
    "disco_vpc.ini",
    "+[envtype:staging]\nip_space=10.0.0.0/12\nvpc_cidr_size=20\nintranet_cidr=auto\n",
);

/// A file and its text; text that begins with `+` is added to what the sound tree has.
type Files<'a> = &'a [(&'a str, &'a str)];

fn write(root: &Path, name: &str, text: &str) {
    let path = root.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, text).unwrap();
    if name.ends_with(".sh") {
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
}

fn tree(files: Files<'_>) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    for (name, text) in [("disco_aws.ini", AWS), ("disco_vpc.ini", VPC)] {
        write(root.path(), name, text);
    }
    for (name, text) in files {
        let old = fs::read_to_string(root.path().join(name)).unwrap_or_default();
        let text = text
            .strip_prefix('+')
            .map_or((*text).to_owned(), |more| old + more);
        write(root.path(), name, &text);
    }
    root
}

fn report(root: &Path) -> Report {
    check(&ConfigDir::new(Some(root.as_os_str())))
}

/// The problems of a tree, without its place.
fn told(root: &Path) -> Vec<String> {
    let place = format!("{}/", root.display());
    let problems = report(root).problems;
    problems
        .iter()
        .map(|p| p.to_string().replace(&place, ""))
        .collect()
}

/// Each problem begins with one of the texts, in this order, and there are no others.
#[track_caller]
fn expect(files: Files<'_>, wanted: &[&str]) {
    let root = tree(files);
    let told = told(root.path());
    let same = told.len() == wanted.len() && told.iter().zip(wanted).all(|(t, w)| t.starts_with(w));
    assert!(same, "{files:?}\ntold: {told:#?}\nwanted: {wanted:#?}");
}

fn table(file: &str, rows: &[(&str, &[&str])]) {
    for (text, wanted) in rows {
        expect(&[(file, text)], wanted);
    }
}

#[test]
fn a_sound_tree_has_no_problems() {
    let root = tree(&[]);
    let report = report(root.path());
    assert_eq!(report.problems, []);
    assert_eq!(
        report.checked,
        "no problems: 2 files, with 1 environment or type, 1 hostclass, 0 pipelines, 0 files of IAM and 0 documents"
    );
}

#[test]
fn sections_and_options_of_disco_aws() {
    table(
        "disco_aws.ini",
        &[
            (
                "+[mhcx]\nour_own=1\nteam=2\neip@box=1.2.3.4\n[mhcy]\nchaos@ci=yes\n",
                &[],
            ),
            (
                "+[bale]\n",
                &["disco_aws.ini:9: [bale]: warning: unknown section (did you mean `bake`?)"],
            ),
            (
                "+[MhcWeb]\n",
                &["disco_aws.ini:9: [MhcWeb]: warning: unknown section (did you mean `mhcweb`?)"],
            ),
            ("+[image]\nphase=1\nbake_ami=ami-12345678\n", &[]),
            (
                "+[image]\nphase=1\nbake_amu=x\n",
                &[
                    "disco_aws.ini:11: [image] bake_amu: warning: unknown option `bake_amu` (did you mean `bake_ami`?)",
                ],
            ),
            (
                "+elbs=yes\n",
                &[
                    "disco_aws.ini:9: [mhcweb] elbs: warning: unknown option `elbs` (did you mean `elb`?)",
                ],
            ),
            (
                "+meta_netwrok=dmz\n",
                &[
                    "disco_aws.ini:9: [mhcweb] meta_netwrok: unknown hostclass option `meta_netwrok` (did you mean `meta_network`?)",
                ],
            ),
            (
                "+meta_network=web\n",
                &["disco_aws.ini:9: [mhcweb] meta_network: unknown metanetwork `web`"],
            ),
            (
                "+meta_network@ci=web\n",
                &["disco_aws.ini:9: [mhcweb] meta_network@ci: unknown metanetwork `web`"],
            ),
            (
                "+eip@ci=1.2.3\n",
                &["disco_aws.ini:9: [mhcweb] eip@ci: `1.2.3` is not an IPv4 address"],
            ),
            (
                "+eip@stagin=1.2.3.4\n[disco_aws]\ndefault_eip=1.2.3.4\n",
                &[],
            ),
            (
                "+chaos=maybe\n",
                &[
                    "disco_aws.ini:9: [mhcweb] chaos: warning: `maybe` is no boolean and counts as no (yes is",
                ],
            ),
            (
                "+phase=3\n",
                &["disco_aws.ini:9: [mhcweb] phase: `3` is none of `1`, `2`"],
            ),
            (
                "+phase1_ami_name=centos\n",
                &[
                    "disco_aws.ini:9: [mhcweb] phase1_ami_name: warning: there is no section `centos`",
                ],
            ),
            (
                "+deployment_strategy=yellow\n",
                &["disco_aws.ini:9: [mhcweb] deployment_strategy: `yellow` is no strategy"],
            ),
            ("+deployment_strategy=rolling\n", &[]),
            (
                "+rolling_min_healthy_percentage=101\n",
                &["disco_aws.ini:9: [mhcweb] rolling_min_healthy_percentage: `101` is "],
            ),
            (
                "+deployment_strategy=blue_green # One of [blue_green]\n",
                &[],
            ),
            (
                "+elb=yes\nelb_idle_timeout=x\n",
                &["disco_aws.ini:10: [mhcweb] elb_idle_timeout: `x` is not a number of seconds"],
            ),
            (
                "+product_line=%(gone)s\n",
                &["disco_aws.ini:9: [mhcweb] product_line: "],
            ),
            (
                "+test_hostclass=mhcwebb\n",
                &[
                    "disco_aws.ini:9: [mhcweb] test_hostclass: warning: there is no hostclass section `mhcwebb` (did you mean `mhcweb`?)",
                ],
            ),
            (
                "+[disco_aws]\ndefault_choas=no\n",
                &[
                    "disco_aws.ini:10: [disco_aws] default_choas: warning: unknown option `default_choas` (did you mean `default_chaos`?)",
                ],
            ),
            (
                "+[disco_aws]\nchaos=no\n",
                &[
                    "disco_aws.ini:10: [disco_aws] chaos: warning: unknown option `chaos` (did you mean `default_chaos`?)",
                ],
            ),
            (
                "+[disco_aws]\ndefault_http_tokens=requird\n",
                &["disco_aws.ini:10: [disco_aws] default_http_tokens: `requird` is neither"],
            ),
            (
                "+meta_network=dmz\n[disco_aws]\ndefault_meta_network=web\n",
                &["disco_aws.ini:11: [disco_aws] default_meta_network: unknown metanetwork"],
            ),
            (
                "+[disco_aws]\nproject=no\nproject_nam=no\n",
                &[
                    "disco_aws.ini:11: [disco_aws] project_nam: warning: unknown option `project_nam` (did you mean `project_name`?)",
                ],
            ),
            ("+[disco_aws]\ndefault_ours=no\n", &[]),
            (
                "+[disco_aws]\njump_box_hostclasses=mhcweb mhcjump\n",
                &[
                    "disco_aws.ini:10: [disco_aws] jump_box_hostclasses: warning: there is no hostclass section `mhcjump`",
                ],
            ),
            (
                "+[disco_aws]\nuser_timezone=Mars/Base\n",
                &["disco_aws.ini:10: [disco_aws] user_timezone: `Mars/Base` is no time zone"],
            ),
            (
                "+[disco_aws]\ndefault_instance_type=large\n",
                &[
                    "disco_aws.ini:10: [disco_aws] default_instance_type: `large` is no instance type",
                ],
            ),
            ("+[disco_aws]\ndefault_environment=test\n", &[]),
            (
                "+[disco_aws]\nproject_name=\n",
                &["disco_aws.ini:10: [disco_aws] project_name: the value is empty"],
            ),
            (
                "+[disco_aws]\ndefault_domain_name@staging=x\n[iam]\nrole_prefix@prod=x\nrole_prefx=y\n",
                &[
                    "disco_aws.ini:13: [iam] role_prefx: warning: unknown option `role_prefx` (did you mean `role_prefix`?)",
                ],
            ),
            (
                "+[bake]\nphase=2\nbake_key@ci=x\nami_stages=\n",
                &[
                    "disco_aws.ini:11: [bake] bake_key@ci: warning: unknown option: `bake_key` has no `@` form here",
                    "disco_aws.ini:12: [bake] ami_stages: the list of image stages is empty",
                ],
            ),
            (
                "+[bake]\nprod_account_ids=12\n",
                &["disco_aws.ini:10: [bake] prod_account_ids: `12` is no account"],
            ),
            (
                "+[test]\nhostclass=mhcweb\nusr=x\n",
                &[
                    "disco_aws.ini:11: [test] usr: warning: unknown option `usr` (did you mean `user`?)",
                ],
            ),
            (
                "+[socify]\nsocify_baseurl=here\n",
                &["disco_aws.ini:10: [socify] socify_baseurl: `here` is no http or https address"],
            ),
            (
                "+[audit]\ndev_canonical=1\n",
                &["disco_aws.ini:10: [audit] dev_canonical: warning: unknown option"],
            ),
            ("+nonsense\n", &["disco_aws.ini:9: syntax error"]),
            (
                "[mhcweb]\nssh_key_name=a\npublic_ip=no\nsmoketest_termination=no\nmeta_network@ci=dmz\n",
                &[
                    "disco_aws.ini: [disco_aws] default_environment: this option is required",
                    "disco_aws.ini: [disco_aws] project_name: this option is required",
                ],
            ),
            (
                "[disco_aws]\ndefault_environment=ci\nproject_name=a\n[mhcweb]\nssh_key_name=a\npublic_ip=no\nmeta_network=dmz\n",
                &[
                    "disco_aws.ini:4: [mhcweb] smoketest_termination: hostclass `mhcweb` has no option `smoketest_termination` (set",
                ],
            ),
        ],
    );
    for (name, wanted) in [
        (
            "stagin",
            Some(
                "disco_aws.ini:10: [disco_aws] default_environment: warning: there is no environment or type `stagin` (did you mean `staging`?)",
            ),
        ),
        ("staging2", None),
        ("test", None),
        ("cj", None),
    ] {
        let text = format!("+[disco_aws]\ndefault_environment={name}\n");
        expect(&[STAGING, ("disco_aws.ini", &text)], wanted.as_slice());
    }
    expect(
        &[STAGING, ("disco_aws.ini", "+eip@stagin=1.2.3.4\n")],
        &[
            "disco_aws.ini:9: [mhcweb] eip@stagin: warning: there is no environment or type `stagin` (did you mean `staging`?)",
        ],
    );
}

#[test]
fn init_scripts() {
    let bake = (
        "disco_aws.ini",
        "+phase=2\n[mhcbase]\n[mhcold]\nphase=1\n[bake]\nphase1_hostclass=mhcbase\n",
    );
    expect(&[bake, ("init/mhcweb.sh", "")], &[]);
    expect(&[bake], &[]);
    let missing = "disco_aws.ini:8: [mhcweb]: warning: there is no init/mhcweb.sh";
    expect(&[bake, ("init/common.sh", "")], &[missing]);
    let root = tree(&[bake, ("init/mhcweb.sh", "")]);
    fs::set_permissions(
        root.path().join("init/mhcweb.sh"),
        fs::Permissions::from_mode(0o644),
    )
    .unwrap();
    assert!(
        told(root.path())[0]
            .starts_with("disco_aws.ini:8: [mhcweb]: warning: init/mhcweb.sh is not executable")
    );
}

#[test]
fn environments() {
    table(
        "disco_vpc.ini",
        &[
            (
                "+dmz_sg_rules=tcp web 80\n",
                &["disco_vpc.ini:6: [envtype:ci] dmz_sg_rules: Cannot make heads or tails"],
            ),
            (
                "+dmz_igw_route=0.0.0.0/0\n",
                &[
                    "disco_vpc.ini:6: [envtype:ci] dmz_igw_route: warning: unknown option: did you mean `dmz_igw_routes`?",
                ],
            ),
            ("+dmz_sg_rules=tcp 192.0.2.0/24 22\n", &[]),
        ],
    );
    let production =
        "+[envtype:production]\nip_space=10.0.0.0/12\nvpc_cidr_size=20\nintranet_cidr=auto\n";
    let table: [(&str, &[&str]); 5] = [
        (
            "tcp 192.0.2.0/24 80 2200, tcp intranet 22, udp 192.0.2.0/24 22",
            &[],
        ),
        (
            "tcp 192.0.2.0/24 22",
            &[
                "disco_vpc.ini:10: [envtype:production] intranet_sg_rules: warning: ssh to production is open to 192.0.2.0/24",
            ],
        ),
        (
            "6 192.0.2.0/24 20:30",
            &["disco_vpc.ini:10: [envtype:production] intranet_sg_rules: warning: ssh"],
        ),
        (
            "-1 192.0.2.0/24 -1",
            &["disco_vpc.ini:10: [envtype:production] intranet_sg_rules: warning: ssh"],
        ),
        ("tcp 192.0.2.7/32 22", &[]),
    ];
    for (rules, wanted) in table {
        let vpc = format!("{production}intranet_sg_rules={rules}\n");
        let deployer = "+[mhcdiscodeployenator]\neip@deploy=192.0.2.7\n";
        expect(
            &[("disco_vpc.ini", &vpc), ("disco_aws.ini", deployer)],
            wanted,
        );
    }
}

#[test]
fn pipelines() {
    let head = "sequence,hostclass,min_size,desired_size,max_size,instance_type,smoke_test,ami,integration_test,termination_policies,spotinst_reserve";
    let rows: [(&str, &[&str]); 17] = [
        (
            "1,mhcweb,1,1@0 6 * * *:2@0 18 * * 1-5,2,m7i.large:t3.large,yes,,,Default,25%",
            &[],
        ),
        ("1,mhcweb", &[]),
        (
            "x,mhcweb",
            &["pipelines/a.csv:2: sequence: `x` is not a sequence number"],
        ),
        (
            "1,",
            &["pipelines/a.csv:2: hostclass: the row has neither a hostclass nor an ami"],
        ),
        (
            "1,web",
            &["pipelines/a.csv:2: hostclass: warning: `web` is no hostclass"],
        ),
        (
            "\n1,mhcwep",
            &[
                "pipelines/a.csv:3: hostclass: warning: there is no hostclass section `mhcwep` (did you mean `mhcweb`?)",
            ],
        ),
        (
            "1,mhcweb,1.5",
            &["pipelines/a.csv:2: min_size: `1.5` is not a size"],
        ),
        (
            "1,mhcweb,,1@0 25 * * *",
            &["pipelines/a.csv:2: desired_size: `1@0 25 * * *` is not a size"],
        ),
        (
            "1,mhcweb,3,,2",
            &["pipelines/a.csv:2: min_size: warning: min_size 3 is more than max_size 2"],
        ),
        (
            "1,mhcweb,,3,2",
            &["pipelines/a.csv:2: desired_size: warning: desired_size 3 is more than max_size 2"],
        ),
        (
            "1,mhcweb,,,,m7i",
            &["pipelines/a.csv:2: instance_type: `m7i` is no instance type"],
        ),
        (
            "1,mhcweb,,,,t3.small:m3.large",
            &[
                "pipelines/a.csv:2: instance_type: warning: `m3.large` is an instance type of an old generation",
            ],
        ),
        (
            "1,mhcweb,,,,,maybe",
            &["pipelines/a.csv:2: smoke_test: warning: `maybe` is no boolean"],
        ),
        (
            "1,,,,,,,ami-x",
            &["pipelines/a.csv:2: ami: `ami-x` is no id of an image"],
        ),
        (
            "1,mhcweb,,,,,,,suite",
            &[
                "pipelines/a.csv:2: integration_test: warning: the test cannot run: `test_hostclass`",
                "pipelines/a.csv:2: integration_test: warning: the test cannot run: `test_command`",
                "pipelines/a.csv:2: integration_test: warning: the test cannot run: `test_user`",
            ],
        ),
        (
            "1,mhcweb,,,,,,,,OldestInstances",
            &[
                "pipelines/a.csv:2: termination_policies: `OldestInstances` is no termination policy (did you mean `OldestInstance`?)",
            ],
        ),
        (
            "1,mhcweb,,,,,,,,,half",
            &["pipelines/a.csv:2: spotinst_reserve: `half` is not a reserve"],
        ),
    ];
    for (row, wanted) in rows {
        expect(&[("pipelines/a.csv", &format!("{head}\n{row}\n"))], wanted);
    }
    table(
        "pipelines/a.csv",
        &[
            ("", &["pipelines/a.csv:1: Pipeline file"]),
            ("sequence\n1\n", &["pipelines/a.csv:1: Pipeline file"]),
            (
                "sequence,hostclass,instnce_type,remarks\n1,mhcweb,,x\n",
                &[
                    "pipelines/a.csv:1: warning: unknown column `instnce_type` (did you mean `instance_type`?)",
                ],
            ),
        ],
    );
}

#[test]
fn sandboxes_and_what_they_upload() {
    let pipeline = (
        "sandboxes/base/pipeline.csv",
        "sequence,hostclass\n1,mhcweb\n",
    );
    let sync = |text: &str| {
        format!("+[disco_aws]\nsandbox_config_bucket=cfg\nsandbox_sync_config={text}\n")
    };
    expect(
        &[
            pipeline,
            ("sandboxes/base/zk", ""),
            ("disco_aws.ini", &sync("zk a/b\n  zk  c")),
        ],
        &[],
    );
    expect(
        &[pipeline, ("disco_aws.ini", &sync("zk a/b"))],
        &[
            "disco_aws.ini:11: [disco_aws] sandbox_sync_config: there is no file zk in sandboxes/base",
        ],
    );
    expect(
        &[pipeline, ("disco_aws.ini", &sync("zk"))],
        &[
            "disco_aws.ini:11: [disco_aws] sandbox_sync_config: `zk` is not of the form LOCAL REMOTE_DIR",
        ],
    );
    expect(
        &[("disco_aws.ini", "+[disco_aws]\nsandbox_sync_config=a b\n")],
        &["disco_aws.ini:10: [disco_aws] sandbox_sync_config: no bucket is configured"],
    );
    expect(
        &[("sandboxes/base/zk", "")],
        &["sandboxes/base: a sandbox needs a file pipeline.csv"],
    );
    expect(
        &[(
            "sandboxes/my_box/pipeline.csv",
            "hostclass,sequence\nmhcweb,1\nmhcweb,\n",
        )],
        &[
            "sandboxes/my_box: warning: no sandbox can be called `my_box`",
            "sandboxes/my_box/pipeline.csv:3: sequence: the row has no sequence",
        ],
    );
}

#[test]
fn problems_are_sorted_and_told_once() {
    let root = tree(&[
        ("disco_aws.ini", "+meta_netwrok=dmz\nip_address=x\n"),
        (
            "pipelines/a.csv",
            "sequence,hostclass\nx,mhcweb\n1,mhcwep\n",
        ),
    ]);
    let problems = report(root.path()).problems;
    let places: Vec<(Option<usize>, Severity)> =
        problems.iter().map(|p| (p.line, p.severity)).collect();
    use Severity::{Error, Warning};
    assert_eq!(
        places,
        [
            (Some(9), Error),
            (Some(10), Error),
            (Some(2), Error),
            (Some(3), Warning)
        ]
    );
}

/// The repository itself is a configuration directory, which newcomers copy.
#[test]
fn the_sample_tree_is_clean() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    assert_eq!(told(&root), [""; 0]);
}
