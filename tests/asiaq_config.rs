//! End to end: `asiaq config`. Without AWS: no endpoint, region or keys.

use crate::support::config::TestConfig;
use crate::support::{Output, asiaq, binary};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The folders of the repository that are configuration.
const FOLDERS: [&str; 11] = [
    "config",
    "discoroot",
    "iam",
    "init",
    "pipelines",
    "ssm",
    "sandboxes",
    "app_auth",
    "app_conf",
    "dynamodb",
    "datapipeline_templates",
];

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A copy of the sample configuration.
fn sample() -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    for folder in FOLDERS {
        let from = repository().join(folder);
        if from.exists() {
            let status = Command::new("cp")
                .arg("-a")
                .arg(from)
                .arg(copy.path())
                .status()
                .unwrap();
            assert!(status.success());
        }
    }
    copy
}

fn run(directory: &Path, words: &str) -> Output {
    let output = asiaq("asiaq")
        .config(directory)
        .args(["config"])
        .args(words.split_whitespace());
    output.run()
}

#[test]
fn the_sample_is_clean_and_checked_quickly() {
    let timed = || {
        let started = Instant::now();
        let output = run(&repository(), "check").expect_status(0);
        (started.elapsed(), output)
    };
    // The machine may be busy: the best of three runs counts.
    let (first, output) = timed();
    let took = first.min(timed().0).min(timed().0);
    eprintln!("asiaq config check of the sample: {took:?}");
    assert!(took < Duration::from_millis(400), "{took:?}");
    assert_eq!(output.stderr, "");
    assert!(
        output.stdout.starts_with("no problems: "),
        "{}",
        output.stdout
    );
    assert_eq!(output.stdout.lines().count(), 1);
    let json = run(&repository(), "check --output json").expect_status(0);
    assert_eq!(json.stdout, "[]\n");
    // A copy elsewhere is as good: nothing depends on the place.
    run(sample().path(), "check").expect_status(0);
}

/// One breakage: file, text and what stands there instead, the text at whose line the problem is, and the problem after
/// `FILE:LINE: `. Without a text the file is made.
type Breakage = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
);

const AWS: &str = "config/disco_aws.ini";
const VPC: &str = "config/disco_vpc.ini";
const ALARMS: &str = "config/disco_alarms.ini";
const RDS: &str = "config/disco_rds.ini";
const CACHES: &str = "config/disco_elasticache.ini";
const SEARCHES: &str = "config/disco_elasticsearch.ini";
const METRICS: &str = "config/disco_log_metrics.ini";
const PIPELINE: &str = "pipelines/ci.csv";
const READONLY: &str = "iam/user_policies/readonly.iam";
const TESTS: &str = "ssm/documents/asiaq-run-tests.ssm";
const METADATA: &str = "discoroot/acfg.metadata";

const BREAKAGES: [Breakage; 46] = [
    (
        AWS,
        "\ndefault_environment=ci",
        "\ndefault_environment=stagin",
        "default_environment=stagin",
        "[disco_aws] default_environment: warning: there is no environment or type `stagin` (did you mean `staging`?)",
    ),
    (
        AWS,
        "\nproject_name=asiaqdemo",
        "",
        "[disco_aws]\n",
        "[disco_aws] project_name: this option is required",
    ),
    (
        AWS,
        "\ndefault_meta_network=intranet",
        "\ndefault_meta_network=intranett",
        "default_meta_network=intranett",
        "[disco_aws] default_meta_network: unknown metanetwork `intranett`",
    ),
    (
        AWS,
        "\ndefault_http_tokens=required",
        "\ndefault_http_tokens=requird",
        "default_http_tokens=requird",
        "[disco_aws] default_http_tokens: `requird` is neither",
    ),
    (
        AWS,
        "\ndefault_chaos=True",
        "\ndefault_chaos=maybe",
        "default_chaos=maybe",
        "[disco_aws] default_chaos: warning: `maybe` is no boolean",
    ),
    (
        AWS,
        "\ndefault_instance_profile_name=",
        "\ndefault_instance_profil_name=",
        "default_instance_profil_name=",
        "[disco_aws] default_instance_profil_name: warning: unknown option `default_instance_profil_name` (did you mean `default_instance_profile_name`?)",
    ),
    (
        AWS,
        "\njump_box_hostclasses=mhcadminproxy mhcvpn",
        "\njump_box_hostclasses=mhcadminproxy mhcvpm",
        "jump_box_hostclasses=mhcadminproxy mhcvpm",
        "[disco_aws] jump_box_hostclasses: warning: there is no hostclass section `mhcvpm` (did you mean `mhcvpn`?)",
    ),
    (
        AWS,
        "\nbakery_instance_type=m7i.large",
        "\nbakery_instance_type=m7i.lage",
        "bakery_instance_type=m7i.lage",
        "[bake] bakery_instance_type: `m7i.lage` is no instance type",
    ),
    (
        AWS,
        "\nphase1_ami_name=al2023_phase1",
        "\nphase1_ami_name=al2023_phase9",
        "phase1_ami_name=al2023_phase9",
        "[bake] phase1_ami_name: warning: there is no section `al2023_phase9` (did you mean `al2023_phase1`?)",
    ),
    (
        AWS,
        "\nami_stages=untested failed tested",
        "\nami_stages=",
        "ami_stages=\n",
        "[bake] ami_stages: the list of image stages is empty",
    ),
    (
        AWS,
        "\nrole_prefix=disco",
        "\nrole_prefx=disco",
        "role_prefx=disco",
        "[iam] role_prefx: warning: unknown option `role_prefx` (did you mean `role_prefix`?)",
    ),
    (
        AWS,
        "\nnaked_roles=es_archive",
        "\nnaked_roles=es_archiv",
        "naked_roles=es_archiv",
        "[iam] naked_roles: warning: there is no policy in iam/user_policies `es_archiv` (did you mean `es_archive`?)",
    ),
    (
        AWS,
        "\n[socify]",
        "\n[socyfi]",
        "[socyfi]",
        "[socyfi]: warning: unknown section (did you mean `socify`?)",
    ),
    (
        AWS,
        "\ntags=entry:ssh,audit:yes",
        "\ntags=entry",
        "tags=entry",
        "[mhcadminproxy] tags: `entry` is not a tag",
    ),
    (
        AWS,
        "\nip_address=+12",
        "\nip_address=12",
        "ip_address=12\n",
        "[mhczookeeper] ip_address: `12` is neither an IPv4 address nor an offset",
    ),
    (
        AWS,
        "\ninstance_profile_name=instance_stateful",
        "\ninstance_profil_name=instance_stateful",
        "instance_profil_name=instance_stateful",
        "[mhczookeeper] instance_profil_name: unknown hostclass option `instance_profil_name` (did you mean `instance_profile_name`?)",
    ),
    (
        AWS,
        "\n[iam]\n",
        "\nno separator\n[iam]\n",
        "no separator\n",
        "syntax error: neither `[section]` nor `option = value`",
    ),
    (
        VPC,
        "\ncustomer_cidr=0.0.0.0/0",
        "\ncustomer_cidr=0.0.0.0",
        "customer_cidr=0.0.0.0\n",
        "[envtype:production] customer_cidr: `0.0.0.0` is not a network",
    ),
    (
        VPC,
        "\nmaintenance_sg_rules=tcp dmz 22,",
        "\nmaintenance_sg_rules=tcp 203.0.113.0/24 22,\n    tcp dmz 22,",
        "maintenance_sg_rules=tcp 203.0.113.0/24 22,\n    tcp dmz",
        "[envtype:production] maintenance_sg_rules: warning: ssh to production is open to 203.0.113.0/24",
    ),
    (
        VPC,
        "\nvpc_cidr_size=20\ndomain_name=staging.example.com",
        "\nvpc_cidr_size=20\ndomain_nam=staging.example.com",
        "domain_nam=staging",
        "[env:staging] domain_nam: warning: unknown option: did you mean `domain_name`?",
    ),
    (
        ALARMS,
        "\nfruit_ci_critical=",
        "\nfruit_stagin_critical=",
        "fruit_stagin_critical=",
        "[notifications] fruit_stagin_critical: warning: there is no environment or type `stagin` (did you mean `staging`?)",
    ),
    (
        ALARMS,
        "\nlevel=critical",
        "\nlevel=loud",
        "level=loud",
        "[defaults] level: `loud` is none of `critical`, `info`",
    ),
    (
        ALARMS,
        "\ncustom_metric=false",
        "\ncustom_metric=falsch",
        "custom_metric=falsch",
        "[defaults] custom_metric: warning: `falsch` is no boolean",
    ),
    (
        ALARMS,
        "\nthreshold_max=95",
        "\nthreshold_max=95%",
        "threshold_max=95%",
        "[ops.AWS/EC2.CPUUtilization] threshold_max: `95%` is not a valid threshold value",
    ),
    (
        ALARMS,
        "\n[fruit.LogMetrics.ServerErrors.mhcbanana]",
        "\n[fruit.LogMetrics.ServerError.mhcbanana]",
        "[fruit.LogMetrics.ServerError.mhcbanana]",
        "[fruit.LogMetrics.ServerError.mhcbanana]: warning: there is no section in disco_log_metrics.ini `mhcbanana.ServerError` (did you mean `mhcbanana.ServerErrors`?)",
    ),
    (
        ALARMS,
        "\n[ops.AWS/RDS.FreeStorageSpace.bananadb]",
        "\n[ops.AWS/RDS.FreeStorageSpace.bananadc]",
        "[ops.AWS/RDS.FreeStorageSpace.bananadc]",
        "[ops.AWS/RDS.FreeStorageSpace.bananadc]: warning: there is no database in disco_rds.ini `bananadc` (did you mean `bananadb`?)",
    ),
    (
        RDS,
        "\nallocated_storage=100",
        "\nallocated_storage=lots",
        "allocated_storage=lots",
        "[staging-bananadb] allocated_storage: `lots` is no integer from 1 to 65536",
    ),
    (
        RDS,
        "\npreferred_maintenance_window=sat:06:00-sat:06:30",
        "\npreferred_maintenance_window=sat:06:00-06:30",
        "preferred_maintenance_window=",
        "[staging-bananadb] preferred_maintenance_window: `sat:06:00-06:30` is no window",
    ),
    (
        RDS,
        "\n[staging-bananadb]",
        "\n[stagng-bananadb]",
        "[stagng-bananadb]",
        "[stagng-bananadb]: warning: there is no environment or type `stagng` (did you mean `staging`?)",
    ),
    (
        CACHES,
        "\nnum_nodes=2",
        "",
        "[ci:bananacache]",
        "[ci:bananacache] num_nodes: this option is required",
    ),
    (
        SEARCHES,
        "\nsnapshot_start_hour=5",
        "\nsnapshot_start_hour=25",
        "snapshot_start_hour=25",
        "[defaults] snapshot_start_hour: `25` is no integer from 0 to 23",
    ),
    (
        SEARCHES,
        "\narchive_role=es_archive",
        "\narchive_role=es_archve",
        "archive_role=es_archve",
        "[defaults] archive_role: warning: there is no policy in iam/user_policies `es_archve` (did you mean `es_archive`?)",
    ),
    (
        METRICS,
        "\n[mhcbanana.BytesSent]",
        "\n[mhcbannana.BytesSent]",
        "[mhcbannana.BytesSent]",
        "[mhcbannana.BytesSent]: warning: there is no hostclass section `mhcbannana` (did you mean `mhcbanana`?)",
    ),
    (
        PIPELINE,
        ",instance_type,",
        ",instance_typ,",
        "sequence",
        "warning: unknown column `instance_typ` (did you mean `instance_type`?)",
    ),
    (
        PIPELINE,
        "\n2,mhcntp,",
        "\nx,mhcntp,",
        "x,mhcntp",
        "sequence: `x` is not a sequence number",
    ),
    (
        PIPELINE,
        "t3.micro",
        "t3.mikro",
        "t3.mikro",
        "instance_type: `t3.mikro` is no instance type",
    ),
    (
        PIPELINE,
        "3@0 6 * * 1-5",
        "3@0 6 * *",
        "3@0 6 * *",
        "desired_size: `1@0 20 * * *:3@0 6 * *` is not a size",
    ),
    (
        PIPELINE,
        "\n2,mhczookeeper",
        "\n2,mhczoookeeper",
        "2,mhczoookeeper",
        "hostclass: warning: there is no hostclass section `mhczoookeeper` (did you mean `mhczookeeper`?)",
    ),
    (
        READONLY,
        "\"Look\",\n            \"Effect\": \"Allow\"",
        "\"Look\",\n            \"Effect\": \"Alow\"",
        "\"Effect\": \"Alow\"",
        "`Effect` must be `Allow` or `Deny`",
    ),
    (
        "iam/user_policies/es_archive.tr",
        "sts:AssumeRole",
        "AssumeRole",
        "\"Action\": \"AssumeRole\"",
        "`AssumeRole` is no action",
    ),
    (
        "iam/group_membership/dev/jenkins.grp",
        "operator",
        "operater",
        "operater",
        "there is no policy in iam/user_policies `operater` (did you mean `operator`?)",
    ),
    (
        "iam/s3/dev/default.versioning",
        "Enabled",
        "enabled",
        "\"Status\"",
        "`Status` must be `Enabled` or `Suspended`",
    ),
    (
        TESTS,
        "{{ user }}",
        "{{ usr }}",
        "{{ usr }}",
        "the document has no parameter `usr` (did you mean `user`?)",
    ),
    (
        METADATA,
        "/etc/cron.d/disco                            0644 root root",
        "/etc/cron.d/disco 0644 root",
        "/etc/cron.d/disco 0644 root",
        "`/etc/cron.d/disco 0644 root` ",
    ),
    (
        "dynamodb/notices.json",
        "",
        "{\n \"TableName\": \"no_tices\"\n}\n",
        "\"TableName\"",
        "`TableName` has letters, digits, points and dashes",
    ),
    (
        "config/rds/engine_specific/bananadb.ini",
        "",
        "[stagin]\nwork_mem=1\n",
        "[stagin]",
        "[stagin]: warning: there is no environment or type `stagin` (did you mean `staging`?)",
    ),
];

#[test]
fn every_breakage_is_found_with_its_place_and_nothing_else() {
    let copy = sample();
    let mut wrong = Vec::new();
    for (file, old, new, at, told) in BREAKAGES {
        let path = copy.path().join(file);
        let sound = fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(
            sound.matches(old).count(),
            if old.is_empty() {
                1
            } else {
                sound.matches(old).count().min(1)
            },
            "`{old}` in {file}"
        );
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let broken = sound.replacen(old, new, 1);
        fs::write(&path, &broken).unwrap();
        let position = broken
            .find(at)
            .unwrap_or_else(|| panic!("`{at}` in {file}"));
        let line = broken[..position].matches('\n').count() + 1;
        let output = run(copy.path(), "check").expect_status(1);
        let wanted = format!("{}/{file}:{line}: {told}", copy.path().display());
        if !output.stdout.starts_with(&wanted)
            || output.stdout.lines().count() != 1
            || !output.stderr.is_empty()
        {
            wrong.push(format!(
                "{file} `{new}`\nwanted: {wanted}\ntold: {}{}",
                output.stdout, output.stderr
            ));
        }
        let only_warning = told.starts_with("warning: ") || told.contains(": warning: ");
        run(copy.path(), "check --allow-warnings").expect_status(i32::from(!only_warning));
        if sound.is_empty() {
            fs::remove_file(&path).unwrap();
        } else {
            fs::write(&path, sound).unwrap();
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    run(copy.path(), "check").expect_status(0);
    fs::remove_file(copy.path().join("init/mhcbanana.sh")).unwrap();
    let output = run(copy.path(), "check").expect_status(1);
    assert!(
        output
            .stdout
            .contains(": [mhcbanana]: warning: there is no init/mhcbanana.sh"),
        "{}",
        output.stdout
    );
    assert_eq!(output.stdout.lines().count(), 1);
}

#[test]
fn json_has_stable_keys() {
    let config = TestConfig::standard();
    config.edit("disco_aws.ini", "chaos = no", "choas = no");
    let output = run(config.path(), "check --output json").expect_status(1);
    assert_eq!(output.stderr, "");
    let problems: serde_json::Value = serde_json::from_str(&output.stdout).unwrap();
    let wanted = serde_json::json!([{
        "file": config.path().join("disco_aws.ini").display().to_string(),
        "line": 24,
        "section": "mhcdb",
        "key": "choas",
        "severity": "error",
        "problem": "unknown hostclass option `choas`",
        "hint": "did you mean `chaos`?",
    }]);
    assert_eq!(problems, wanted);
}

#[test]
fn nothing_there_is_a_problem_and_not_a_failure() {
    let empty = tempfile::tempdir().unwrap();
    let output = run(empty.path(), "check").expect_status(1);
    assert_eq!(output.stdout.lines().count(), 2, "{}", output.stdout);
    assert!(
        output
            .stdout
            .contains("disco_aws.ini: Config path not found: "),
        "{}",
        output.stdout
    );
    assert_eq!(output.stderr, "");
    run(empty.path(), "check --surprise").expect_status(2);
    run(empty.path(), "").expect_status(2);
}

/// As a hook of git that checks what is about to be committed.
#[test]
fn a_commit_of_a_broken_tree_is_refused() {
    let copy = sample();
    let git = |words: &str| {
        let mut command = Command::new("git");
        command
            .args(["-c", "user.name=a", "-c", "user.email=a@x.com"])
            .args(words.split(' '));
        command
            .current_dir(copy.path())
            .env("HOME", copy.path())
            .env_remove("ASIAQ_CONFIG");
        command.output().expect("git")
    };
    assert!(git("init -q").status.success());
    let hook = copy.path().join(".git/hooks/pre-commit");
    fs::create_dir_all(hook.parent().unwrap()).unwrap();
    let text = format!(
        "#!/bin/sh\nASIAQ_CONFIG=$(git rev-parse --show-toplevel) exec '{}' config check\n",
        binary("asiaq")
    );
    fs::write(&hook, text).unwrap();
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
    assert!(git("add .").status.success());
    let first = git("commit -q -m sound");
    assert!(first.status.success(), "{first:?}");
    let path = copy.path().join(PIPELINE);
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("t3.micro", "t3.mikro")).unwrap();
    let second = git("commit -q -a -m broken");
    assert!(!second.status.success());
    let told = String::from_utf8_lossy(&second.stdout).into_owned()
        + &String::from_utf8_lossy(&second.stderr);
    assert!(
        told.contains("instance_type: `t3.mikro` is no instance type"),
        "{told}"
    );
    let count = git("rev-list --count HEAD");
    assert_eq!(String::from_utf8_lossy(&count.stdout).trim(), "1");
}

#[test]
fn values_are_bare() {
    let config = TestConfig::standard();
    config.edit(
        "disco_aws.ini",
        "chaos = no",
        "chaos = no\nchaos@qa = yes\nip_address@qa = +4\n    +5",
    );
    let get = |words: &str| run(config.path(), &format!("get {words}"));
    for (words, value) in [
        ("project_name", "rehearsal\n"),
        ("disco_aws project_name", "rehearsal\n"),
        ("PROJECT_NAME", "rehearsal\n"),
        ("--section bake ami_stages", "untested failed tested\n"),
        ("bake ami_stages", "untested failed tested\n"),
        ("--hostclass mhcdb chaos", "no\n"),
        ("--hostclass mhcdb chaos --env qa", "yes\n"),
        ("mhcdb ip_address --env qa", "+4\n+5\n"),
        ("mhcnone meta_network", "intranet\n"),
    ] {
        let output = get(words).expect_status(0);
        assert_eq!(
            (output.stdout.as_str(), output.stderr.as_str()),
            (value, ""),
            "{words}"
        );
    }
    for (words, told, hint) in [
        (
            "proect_name",
            "`[disco_aws]` has no option `proect_name`",
            "did you mean `project_name`?",
        ),
        (
            "mhcdb ip_address",
            "`[mhcdb]` has no option `ip_address`",
            "did you mean `ip_address`?",
        ),
        (
            "bakes ami",
            "there is no section `[bakes]`",
            "did you mean `[bake]`?",
        ),
    ] {
        let output = get(words).expect_status(1);
        assert_eq!(output.stdout, "", "{words}");
        assert!(
            output.stderr.contains(told) && output.stderr.contains(hint),
            "{words}: {}",
            output.stderr
        );
    }
    get("").expect_status(2);
    get("a b c").expect_status(2);
    get("--section a --hostclass b c").expect_status(2);
    get("--section a b c").expect_status(2);
}

#[test]
fn a_value_as_json_says_where_it_was_found() {
    let config = TestConfig::standard();
    let output = run(config.path(), "get mhcdb domain_name --output json").expect_status(0);
    let value: serde_json::Value = serde_json::from_str(&output.stdout).unwrap();
    let wanted = serde_json::json!({
        "value": "example.com",
        "file": config.path().join("disco_aws.ini").display().to_string(),
        "line": 9,
        "section": "disco_aws",
        "key": "default_domain_name",
        "step": "default",
    });
    assert_eq!(value, wanted);
    // Without forms for environments nobody asks which one it is.
    config.edit("disco_aws.ini", "default_environment = ci\n", "");
    run(config.path(), "get project_name").expect_status(0);
    config.edit("disco_aws.ini", "chaos = no", "chaos@ci = no");
    let output = run(config.path(), "get mhcdb chaos").expect_status(1);
    assert!(
        output.stderr.contains("`default_environment` is not set"),
        "{}",
        output.stderr
    );
    let named = asiaq("asiaq")
        .config(config.path())
        .env("DEFAULT_ENV", "ci")
        .args(["config", "get", "mhcdb", "chaos"]);
    assert_eq!(named.run().expect_status(0).stdout, "no\n");
}

#[test]
fn sections_by_the_value_of_an_option() {
    let list = |words: &str| run(&repository(), &format!("sections {words}"));
    let output = list("--where phase=1").expect_status(0);
    assert_eq!(
        (output.stdout.as_str(), output.stderr.as_str()),
        ("al2023_phase1\ndebian12_phase1\nubuntu2404_phase1\n", "")
    );
    let all = list("--file disco_elasticache.ini").expect_status(0);
    assert_eq!(all.stdout, "ci:bananacache\n");
    let none = list("--where phase=1 --where bake_ami=x").expect_status(0);
    assert_eq!(none.stdout, "");
    let json = list("--where phase=1 --output json").expect_status(0);
    let found: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(found[0]["section"], "al2023_phase1");
    assert!(found[0]["line"].as_u64().is_some_and(|line| line > 1));
    list("--where phase").expect_status(2);
    list("--file disco_nothing.ini").expect_status(1);
}
