//! Files as documents.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;
use proptest::prelude::*;
use std::fs;

fn folder(files: &[(&str, &str)]) -> (tempfile::TempDir, ConfigDir) {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir_all(root.path().join(FOLDER)).unwrap();
    for (name, text) in files {
        fs::write(root.path().join(FOLDER).join(name), text).unwrap();
    }
    let dir = ConfigDir::new(Some(root.path().as_os_str()));
    (root, dir)
}

#[test]
fn only_files_of_ours_count() {
    let (_root, dir) = folder(&[
        ("a-b_c.1.ssm", "{}"),
        ("notes.txt", "none of this is read"),
        ("AWS-x.ssm", "nor this"),
        ("a.ssm.swp", "nor this"),
        ("AWSome.ssm", r#"{"b": 1, "a": [2]}"#),
    ]);
    let desired = read(&dir).unwrap();
    let names: Vec<&str> = desired.keys().map(String::as_str).collect();
    assert_eq!(names, ["AWSome", "a-b_c.1"]);
    assert_eq!(desired["AWSome"].content["a"][0], 2);
    assert!(desired["AWSome"].file.ends_with("ssm/documents/AWSome.ssm"));
}

#[test]
fn an_empty_folder_wants_no_documents_and_a_missing_one_is_an_error() {
    assert!(read(&folder(&[]).1).unwrap().is_empty());
    let nowhere = tempfile::tempdir().unwrap();
    let error = read(&ConfigDir::new(Some(nowhere.path().as_os_str()))).unwrap_err();
    assert!(
        error.to_string().starts_with("Config path not found: "),
        "{error}"
    );
    assert!(error.to_string().ends_with("/ssm/documents"), "{error}");
}

#[test]
fn every_bad_file_is_named_with_its_line() {
    let (root, dir) = folder(&[
        ("good.ssm", "{}"),
        ("comma.ssm", "{\n  \"a\": 1,\n}\n"),
        ("list.ssm", "[1]"),
        ("empty.ssm", ""),
        ("rest.ssm", "{}\n{}"),
        ("no.ssm", "{}"),
        ("with blank.ssm", "{}"),
        ("amazon-x.ssm", "{}"),
    ]);
    fs::create_dir(root.path().join(FOLDER).join("folder.ssm")).unwrap();
    fs::write(root.path().join(FOLDER).join("latin.ssm"), b"\"\xe4\"").unwrap();
    let errors = read(&dir).unwrap_err();
    let place = format!("{}/", root.path().join(FOLDER).display());
    let shown: Vec<String> = errors
        .0
        .iter()
        .map(|error| error.to_string().replace(&place, ""))
        .collect();
    assert_eq!(
        shown,
        [
            "amazon-x.ssm: the name `amazon-x` starts with `amazon`, which AWS keeps for itself",
            "comma.ssm:3: no valid JSON: trailing comma (column 1)",
            "empty.ssm:1: no valid JSON: EOF while parsing a value (column 0)",
            "folder.ssm: cannot read this: Is a directory (os error 21)",
            "latin.ssm: cannot read this: stream did not contain valid UTF-8",
            "list.ssm:1: an SSM document is a JSON object, in braces",
            "no.ssm: `no` is no name of an SSM document",
            "rest.ssm:2: no valid JSON: trailing characters (column 1)",
            "with blank.ssm: `with blank` is no name of an SSM document",
        ]
    );
}

#[test]
fn names() {
    let long = "x".repeat(128);
    for name in ["abc", "A_b-c.9", "aws", "awsome", "my-aws-doc", &long] {
        assert!(check_name(name).is_ok(), "{name}");
    }
    let longer = "x".repeat(129);
    for name in [
        "", "ab", "a b", "a/b", "a:b", "größe", "aws-x", "amazonx", "amzn-1", &longer,
    ] {
        let error = check_name(name).unwrap_err();
        assert!(error.to_string().contains(&format!("`{name}`")), "{error}");
    }
}

#[test]
fn content_keeps_its_order_and_is_indented_by_four() {
    let content = parse("x", r#"{"b":{"z":[1,{"y":"ä\n"}],"a":{}},"a":[]}"#).unwrap();
    insta::assert_snapshot!(pretty(&content), @r#"
    {
        "b": {
            "z": [
                1,
                {
                    "y": "ä\n"
                }
            ],
            "a": {}
        },
        "a": []
    }
    "#);
}

#[test]
fn the_shipped_documents_are_valid() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let desired = read(&ConfigDir::new(Some(OsStr::new(root)))).unwrap();
    for name in ["asiaq-testing-mode", "asiaq-run-tests"] {
        let content = &desired[name].content;
        assert_eq!(content["schemaVersion"], "2.2", "{name}");
        let declared = content["parameters"].as_object().unwrap();
        let commands = content["mainSteps"][0]["inputs"]["runCommand"].to_string();
        let used: Vec<&str> = commands
            .split("{{ ")
            .skip(1)
            .filter_map(|rest| rest.split(" }}").next())
            .collect();
        assert_eq!(used.len(), declared.len(), "{name}");
        for parameter in used {
            let rule = &declared[parameter];
            let checked = rule["allowedPattern"].is_string() || rule["allowedValues"].is_array();
            assert!(
                checked,
                "{name}: {parameter} goes into a command of root unchecked"
            );
        }
    }
    let script = "/etc/asiaq/bin/testing_mode.sh";
    let commands =
        desired["asiaq-testing-mode"].content["mainSteps"][0]["inputs"]["runCommand"].to_string();
    assert!(commands.contains(script) && Path::new(&format!("{root}/discoroot{script}")).exists());
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(".{0,4}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn pretty_content_is_the_same_content(value in json()) {
        let read: Value = serde_json::from_str(&pretty(&value)).unwrap();
        prop_assert_eq!(read, value);
    }
}
