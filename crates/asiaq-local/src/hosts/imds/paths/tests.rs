//! Each documented path, listings, and what is absent.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::super::identity::PublicKey;
use super::*;

fn sample() -> Identity {
    Identity {
        instance_id: "i-0abc".into(),
        image_id: "ami-1".into(),
        instance_type: "t3.small".into(),
        architecture: "x86_64".into(),
        account_id: "123456789012".into(),
        region: "us-west-2".into(),
        availability_zone: "us-west-2a".into(),
        launched: "2026-11-22T12:23:33Z".into(),
        hostname: "ip-10-0-0-4.us-west-2.compute.internal".into(),
        private_ip: "10.0.0.4".into(),
        public_ip: Some("54.1.2.3".into()),
        interfaces: vec![
            Interface {
                mac: "02:00:00:00:00:02".into(),
                id: "eni-2".into(),
                device_number: 1,
                addresses: vec!["10.0.0.9".into()],
                ..Interface::default()
            },
            Interface {
                mac: "02:00:00:00:00:01".into(),
                id: "eni-1".into(),
                device_number: 0,
                addresses: vec!["10.0.0.4".into(), "10.0.0.5".into()],
                public: vec!["54.1.2.3".into()],
                subnet_id: Some("subnet-1".into()),
                vpc_id: Some("vpc-1".into()),
            },
        ],
        security_groups: vec!["ci_intranet".into(), "other".into()],
        key: Some(PublicKey {
            name: "asiaq".into(),
            openssh: "ssh-ed25519 AAAA asiaq".into(),
        }),
        role: Some("demo".into()),
        tags: [
            ("Name", "n a"),
            ("aws:autoscaling:groupName", "ci_mhcweb"),
            ("a/b", "hidden"),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into(),
        user_data: Some(b"hostclass=\"mhcweb\"\n\xff".to_vec()),
        token_required: true,
        disabled: false,
    }
}

fn text(identity: &Identity, path: &str) -> Option<String> {
    answer(identity, path).map(|body| String::from_utf8_lossy(&body).into_owned())
}

#[test]
fn every_path_has_its_answer() {
    let macs = "/latest/meta-data/network/interfaces/macs/02:00:00:00:00:01";
    let table = [
        ("/latest/meta-data/ami-id", "ami-1"),
        ("/latest/meta-data/instance-id", "i-0abc"),
        ("/2021-07-15/meta-data/instance-id", "i-0abc"),
        ("/latest/meta-data/instance-id/", "i-0abc"),
        ("//latest//meta-data/instance-id?x=1", "i-0abc"),
        ("/latest/meta-data/instance-type", "t3.small"),
        (
            "/latest/meta-data/hostname",
            "ip-10-0-0-4.us-west-2.compute.internal",
        ),
        (
            "/latest/meta-data/local-hostname",
            "ip-10-0-0-4.us-west-2.compute.internal",
        ),
        ("/latest/meta-data/local-ipv4", "10.0.0.4"),
        ("/latest/meta-data/public-ipv4", "54.1.2.3"),
        ("/latest/meta-data/mac", "02:00:00:00:00:01"),
        (
            "/latest/meta-data/placement/availability-zone",
            "us-west-2a",
        ),
        ("/latest/meta-data/placement/region", "us-west-2"),
        ("/latest/meta-data/placement/", "availability-zone\nregion"),
        ("/latest/meta-data/security-groups", "ci_intranet\nother"),
        ("/latest/meta-data/services/domain", "amazonaws.com"),
        ("/latest/meta-data/public-keys/", "0=asiaq"),
        ("/latest/meta-data/public-keys", "0=asiaq"),
        ("/latest/meta-data/public-keys/0/", "openssh-key"),
        (
            "/latest/meta-data/public-keys/0/openssh-key",
            "ssh-ed25519 AAAA asiaq",
        ),
        ("/latest/meta-data/iam/security-credentials/", "demo"),
        (
            "/latest/meta-data/tags/instance/",
            "Name\naws:autoscaling:groupName",
        ),
        ("/latest/meta-data/tags/instance/Name", "n a"),
        (
            "/latest/meta-data/tags/instance/aws%3Aautoscaling%3AgroupName",
            "ci_mhcweb",
        ),
        (
            "/latest/meta-data/network/interfaces/macs/",
            "02:00:00:00:00:01/\n02:00:00:00:00:02/",
        ),
        (
            "/",
            "1.0\n2018-09-24\n2019-10-01\n2020-10-27\n2021-03-23\n2021-07-15\nlatest",
        ),
        ("/latest", "dynamic/\nmeta-data/\nuser-data"),
    ];
    for (path, want) in table {
        assert_eq!(text(&sample(), path).as_deref(), Some(want), "{path}");
    }
    for (name, want) in [
        ("device-number", "0"),
        ("local-ipv4s", "10.0.0.4\n10.0.0.5"),
        ("public-ipv4s", "54.1.2.3"),
        ("subnet-id", "subnet-1"),
        ("vpc-id", "vpc-1"),
        ("interface-id", "eni-1"),
    ] {
        let found = text(&sample(), &format!("{macs}/{name}"));
        assert_eq!(found.as_deref(), Some(want), "{name}");
    }
}

#[test]
fn user_data_is_given_byte_for_byte() {
    let body = answer(&sample(), "/latest/user-data").unwrap();
    assert_eq!(body, b"hostclass=\"mhcweb\"\n\xff");
}

#[test]
fn the_document_and_the_credentials_are_json() {
    let document: serde_json::Value = serde_json::from_slice(
        &answer(&sample(), "/latest/dynamic/instance-identity/document").unwrap(),
    )
    .unwrap();
    for (key, want) in [
        ("accountId", "123456789012"),
        ("region", "us-west-2"),
        ("availabilityZone", "us-west-2a"),
        ("instanceId", "i-0abc"),
        ("imageId", "ami-1"),
        ("instanceType", "t3.small"),
        ("privateIp", "10.0.0.4"),
        ("architecture", "x86_64"),
        ("pendingTime", "2026-11-22T12:23:33Z"),
        ("version", "2017-09-30"),
    ] {
        assert_eq!(document[key], want, "{key}");
    }
    let path = "/latest/meta-data/iam/security-credentials/demo";
    let keys: serde_json::Value =
        serde_json::from_slice(&answer(&sample(), path).unwrap()).unwrap();
    assert_eq!(
        (&keys["Code"], &keys["AccessKeyId"]),
        (&json!("Success"), &json!("testing"))
    );
}

#[test]
fn what_the_instance_does_not_have_is_absent() {
    for path in [
        "/latest/meta-data/nothing",
        "/latest/meta-data/instance-id/x",
        "/latest/meta-data/tags/instance/a/b",
        "/latest/meta-data/tags/instance/absent",
        "/latest/meta-data/public-keys/%00",
        "/latest/meta-data/%zz",
        "/1999-01-01/meta-data/instance-id",
        "/meta-data/instance-id",
    ] {
        assert_eq!(text(&sample(), path), None, "{path}");
    }
    let bare = Identity::default();
    for path in [
        "/latest/user-data",
        "/latest/meta-data/public-ipv4",
        "/latest/meta-data/public-keys/",
        "/latest/meta-data/iam/",
        "/latest/meta-data/tags/",
        "/latest/meta-data/mac",
    ] {
        assert_eq!(text(&bare, path), None, "{path}");
    }
}
