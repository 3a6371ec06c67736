//! The look-up chains with the examples of spec 10, section 4.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;

fn config(text: &str) -> DiscoAws {
    DiscoAws::from_ini(Ini::parse("disco_aws.ini", text.as_bytes()).unwrap())
}

fn value(found: Lookup) -> Option<String> {
    found.unwrap().map(|found| found.value)
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

const EXAMPLE: &str = "\
[disco_aws]
default_meta_network=intranet
default_eip@ci=1.1.1.1
[mhcweb]
eip=2.2.2.2
public_ip@prod=yes
";

#[test]
fn chain_b_examples() {
    let aws = config(EXAMPLE);
    for (hostclass, key, env, expected) in [
        ("mhcweb", "eip", "ci", some("2.2.2.2")),
        ("mhcother", "eip", "ci", some("1.1.1.1")),
        ("mhcother", "eip", "CI", some("1.1.1.1")),
        ("mhcother", "eip", "prod", None),
        ("mhcother", "meta_network", "ci", some("intranet")),
        ("mhcweb", "public_ip", "ci", None),
        ("mhcweb", "public_ip", "prod", some("yes")),
    ] {
        assert_eq!(
            value(aws.hostclass_option(hostclass, key, env)),
            expected,
            "{hostclass} {key} {env}"
        );
    }
    let emptied = config(&format!("{EXAMPLE}eip@ci=\n"));
    assert_eq!(
        value(emptied.hostclass_option("mhcweb", "eip", "ci")),
        some("")
    );
    assert_eq!(
        value(emptied.hostclass_option("mhcweb", "eip", "prod")),
        some("2.2.2.2")
    );
}

#[test]
fn a_required_option_names_both_places() {
    let aws = config(EXAMPLE);
    let error = aws
        .required_hostclass_option("mhcweb", "public_ip", "ci")
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "disco_aws.ini:4: [mhcweb] public_ip: hostclass `mhcweb` has no option `public_ip` in environment `ci`"
    );
    let hint = error.hint.unwrap();
    assert!(
        hint.contains("[mhcweb]") && hint.contains("`default_public_ip`"),
        "{hint}"
    );
    let found = aws
        .required_hostclass_option("mhcweb", "public_ip", "prod")
        .unwrap();
    assert_eq!(found.location.line, Some(6));
    assert_eq!(found.location.key.as_deref(), Some("public_ip@prod"));
}

/// Takes the lines of a file away from the top and looks which one wins each time.
fn in_order(lines: &[(&str, &str)], look_up: impl Fn(&DiscoAws) -> Lookup) {
    for skipped in 0..=lines.len() {
        let text: String = lines[skipped..]
            .iter()
            .map(|(section, option)| format!("[{section}]\n{option}={section} {option}\n"))
            .collect();
        let expected = lines
            .get(skipped)
            .map(|(section, option)| format!("{section} {option}"));
        assert_eq!(value(look_up(&config(&text))), expected, "{text}");
    }
}

#[test]
fn chains_a_b_and_c_in_order() {
    let with_hostclass = [
        ("hc", "k@ci"),
        ("hc", "k"),
        ("disco_aws", "default_k@ci"),
        ("disco_aws", "default_k"),
    ];
    in_order(&with_hostclass, |aws| {
        aws.asiaq_option(Some("hc"), "k", "ci")
    });
    in_order(&with_hostclass, |aws| aws.hostclass_option("hc", "k", "ci"));
    let plain = [
        ("disco_aws", "k@ci"),
        ("disco_aws", "k"),
        ("disco_aws", "default_k@ci"),
        ("disco_aws", "default_k"),
    ];
    in_order(&plain, |aws| aws.asiaq_option(None, "k", "ci"));
    in_order(&[("s", "k@ci"), ("s", "k")], |aws| {
        aws.section_option("s", "k", "ci")
    });
    let no_default = config("[disco_aws]\ndefault_k=1\n[hc]\n");
    assert_eq!(value(no_default.section_option("hc", "k", "ci")), None);
}

#[test]
fn chains_d_e_and_f_in_order() {
    let bake = [("hc", "k"), ("bake", "k"), ("disco_aws", "default_k")];
    in_order(&bake, |aws| aws.bake_option(Some("hc"), "k"));
    in_order(&[("bake", "k")], |aws| aws.bake_option(None, "k"));
    let deploy = [
        ("hc", "test_user"),
        ("test", "test_user"),
        ("test", "user"),
        ("disco_aws", "default_test_user"),
    ];
    in_order(&deploy, |aws| aws.deploy_option("hc", "test_user"));
    in_order(
        &[("hc", "elb"), ("test", "elb"), ("disco_aws", "default_elb")],
        |aws| aws.deploy_option("hc", "elb"),
    );
    in_order(&[("iam", "k@prod"), ("iam", "k")], |aws| {
        aws.iam_option("prod", "k")
    });
    let qualified = config("[hc]\nk@ci=1\n[bake]\nk@ci=1\n[disco_aws]\ndefault_k@ci=1\nk=1\n");
    assert_eq!(value(qualified.bake_option(Some("hc"), "k")), None);
    assert_eq!(value(qualified.bake_option(None, "k")), None);
    assert_eq!(value(qualified.deploy_option("hc", "k")), None);
}

#[test]
fn the_default_section_serves_sections_that_exist() {
    let aws = config("[DEFAULT]\nk=d\n[mhcweb]\n");
    assert_eq!(value(aws.hostclass_option("mhcweb", "k", "ci")), some("d"));
    assert_eq!(value(aws.hostclass_option("mhcother", "k", "ci")), None);
    let with_main = config("[DEFAULT]\ndefault_k=d\n[disco_aws]\n");
    assert_eq!(
        value(with_main.hostclass_option("mhcother", "k", "ci")),
        some("d")
    );
}

#[test]
fn bad_interpolation_is_an_error_only_where_it_is_read() {
    let aws = config("[mhcweb]\nbad=%(x)s\ngood=1\n");
    assert_eq!(
        value(aws.hostclass_option("mhcweb", "good", "ci")),
        some("1")
    );
    let error = aws
        .hostclass_option("mhcweb", "bad", "ci")
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("disco_aws.ini:2: [mhcweb] bad: "),
        "{error}"
    );
}

#[test]
fn environment_selection() {
    let aws = config("[disco_aws]\ndefault_environment=build\ndefault_environment@x=no\n");
    for (flag, variable, expected) in [
        (Some("a"), Some("b"), "a"),
        (Some("a"), None, "a"),
        (Some(""), Some("b"), "b"),
        (None, Some("b"), "b"),
        (None, Some(""), "build"),
        (Some(""), Some(""), "build"),
        (None, None, "build"),
    ] {
        assert_eq!(
            aws.environment_name(flag, variable).unwrap(),
            expected,
            "{flag:?} {variable:?}"
        );
    }
    for text in [
        "[disco_aws]\n",
        "[disco_aws]\ndefault_environment=\n",
        "[mhcweb]\n",
    ] {
        let none = config(text);
        assert_eq!(none.environment_name(Some("a"), None).unwrap(), "a");
        let error = none.environment_name(None, None).unwrap_err();
        assert!(
            error
                .to_string()
                .ends_with("default_environment: `default_environment` is not set"),
            "{error}"
        );
        let hint = error.hint.unwrap();
        for way in ["`--env ENV`", "`DEFAULT_ENV`", "`default_environment`"] {
            assert!(hint.contains(way), "{hint}");
        }
    }
}

#[test]
fn project_name_is_needed() {
    assert_eq!(
        config("[disco_aws]\nproject_name=acme\n")
            .project_name()
            .unwrap(),
        "acme"
    );
    for text in ["", "[disco_aws]\n", "[disco_aws]\nproject_name=\n"] {
        let error = config(text).project_name().unwrap_err();
        assert_eq!(error.problem, "`project_name` is not set");
        assert!(error.hint.is_some());
    }
}

#[test]
fn hostclasses_are_the_mhc_sections_in_file_order() {
    let aws = config("[mhcb]\n[bake]\n[mhca]\n[MHCc]\n[mhc]\n[xmhcd]\n");
    assert_eq!(aws.hostclasses(), ["mhcb", "mhca", "mhc"]);
}

#[test]
fn lists_of_the_bake_section() {
    let aws = config(
        "[bake]\ntrusted_account_ids=1 2,3\nprod_account_ids=\n 4\n 5\nami_stages=new , bad tested ; comment\n",
    );
    assert_eq!(aws.trusted_account_ids().unwrap(), ["1", "2", "3"]);
    assert_eq!(aws.prod_account_ids().unwrap(), ["4", "5"]);
    assert_eq!(aws.ami_stages().unwrap(), ["new", "bad", "tested"]);
    for text in ["", "[bake]\n", "[disco_aws]\ndefault_ami_stages=x\n"] {
        let none = config(text);
        assert!(none.trusted_account_ids().unwrap().is_empty());
        assert!(none.prod_account_ids().unwrap().is_empty());
        assert_eq!(none.ami_stages().unwrap(), ["untested", "tested"]);
    }
    let error = config("[bake]\nami_stages=\n").ami_stages().unwrap_err();
    assert_eq!(
        error.to_string(),
        "disco_aws.ini:2: [bake] ami_stages: the list of image stages is empty"
    );
}

#[test]
fn default_instance_type() {
    let aws =
        config("[disco_aws]\ndefault_instance_type=m6i.large\ndefault_instance_type@ci=t3.small\n");
    assert_eq!(aws.default_instance_type("ci").unwrap(), "t3.small");
    assert_eq!(aws.default_instance_type("prod").unwrap(), "m6i.large");
    assert_eq!(
        config("[disco_aws]\n").default_instance_type("ci").unwrap(),
        "m5.large"
    );
    assert_eq!(
        config("[disco_aws]\ndefault_instance_type=\n")
            .default_instance_type("ci")
            .unwrap(),
        "m5.large"
    );
}

#[test]
fn loading_takes_the_file_from_the_directory() {
    let root = tempfile::tempdir().unwrap();
    let dir = ConfigDir::new(Some(root.path().as_os_str()));
    let error = DiscoAws::load(&dir).unwrap_err().to_string();
    assert!(
        error.starts_with("Config path not found: ") && error.ends_with("disco_aws.ini"),
        "{error}"
    );
    std::fs::write(root.path().join("disco_aws.ini"), "[mhcx]\n").unwrap();
    let aws = DiscoAws::load(&dir).unwrap();
    assert_eq!(aws.hostclasses(), ["mhcx"]);
    assert!(aws.ini().file().ends_with("disco_aws.ini"));
}

#[test]
fn the_address_of_socify() {
    for (text, wanted) in [
        (
            "[socify]\nsocify_baseurl = https://socify.example.com/api/ \n",
            Ok(some("https://socify.example.com/api")),
        ),
        (
            "[socify]\nsocify_baseurl=http://h//\n",
            Ok(some("http://h")),
        ),
        ("[socify]\nsocify_baseurl=\n", Ok(None)),
        ("[socify]\nsocify_baseurl@ci=http://h\n", Ok(None)),
        ("[disco_aws]\nsocify_baseurl=http://h\n", Ok(None)),
        ("[socify]\nsocify_baseurl=ftp://h\n", Err("ftp://h")),
        ("[socify]\nsocify_baseurl=https://\n", Err("https://")),
        ("[socify]\nsocify_baseurl=example.com\n", Err("example.com")),
    ] {
        let wanted = wanted.map_err(|value| {
            format!(
                "disco_aws.ini:2: [socify] socify_baseurl: `{value}` is no http or https address"
            )
        });
        let found = config(text)
            .socify_base_url()
            .map_err(|error| error.to_string());
        assert_eq!(found, wanted, "{text}");
    }
}

#[test]
fn the_spotinst_account_of_an_environment() {
    let all = "[disco_aws]\nspotinst_account_id@ci=act-1\nspotinst_account_id=act-2\n\
        default_spotinst_account_id@ci=act-3\ndefault_spotinst_account_id=act-4\n";
    let (mut text, mut found) = (all.to_owned(), Vec::new());
    loop {
        found.push(config(&text).spotinst_account_id("ci").unwrap());
        // Without the option that came first.
        let mut lines: Vec<&str> = text.lines().collect();
        if lines.len() == 1 {
            break;
        }
        lines.remove(1);
        text = lines.join("\n");
    }
    let wanted = ["act-1", "act-2", "act-3", "act-4"].map(some);
    assert_eq!(found[..4], wanted);
    assert_eq!(found[4..], [None]);
    assert_eq!(
        config(all).spotinst_account_id("prod").unwrap(),
        some("act-2")
    );
    let blank = config("[disco_aws]\nspotinst_account_id= \n");
    assert_eq!(blank.spotinst_account_id("ci").unwrap(), None);
}
