#![allow(clippy::unwrap_used, clippy::expect_used)]
use super::*;
use std::fs;
use tempfile::TempDir;
use wiremock::matchers::body_string_contains;
use wiremock::{Mock, MockServer, ResponseTemplate};

const DISCO_AWS: &str = "[disco_aws]\nproject_name = p\n";

/// A configuration directory with these files; an empty text is no file.
fn config(disco_aws: &str, disco_vpc: &str) -> (TempDir, ConfigDir) {
    let home = tempfile::tempdir().unwrap();
    for (name, text) in [("disco_aws.ini", disco_aws), ("disco_vpc.ini", disco_vpc)] {
        if !text.is_empty() {
            fs::write(home.path().join(name), text).unwrap();
        }
    }
    let directory = ConfigDir::new(Some(home.path().as_os_str()));
    (home, directory)
}

/// What `first_bucket` gives for environment `ci`, and how many calls it made.
async fn found(vpcs: &str, disco_aws: &str, disco_vpc: &str) -> (Result<String>, usize) {
    let server = MockServer::start().await;
    let body = format!(
        "<DescribeVpcsResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>r</requestId>\
         <vpcSet>{vpcs}</vpcSet></DescribeVpcsResponse>"
    );
    Mock::given(body_string_contains("Action=DescribeVpcs"))
        .respond_with(ResponseTemplate::new(200).set_body_string(body))
        .mount(&server)
        .await;
    let (_home, directory) = config(disco_aws, disco_vpc);
    let config = DiscoAws::load(&directory).unwrap();
    let aws = Aws::for_tests(&server.uri());
    let bucket = first_bucket(&aws, &directory, &config, "ci").await;
    (bucket, server.received_requests().await.unwrap().len())
}

fn vpc() -> String {
    let tag =
        |key: &str, value: &str| format!("<item><key>{key}</key><value>{value}</value></item>");
    format!(
        "<item><vpcId>vpc-1</vpcId><cidrBlock>10.0.0.0/20</cidrBlock><tagSet>{}{}</tagSet></item>",
        tag("Name", "ci"),
        tag("type", "sandbox")
    )
}

#[tokio::test]
async fn the_first_bucket_costs_one_call() {
    let words = "[envtype:sandbox]\ncredential_buckets = vocab-ci other\n";
    let (bucket, calls) = found(&vpc(), DISCO_AWS, words).await;
    assert_eq!(bucket.unwrap(), "us-west-2.p.credentials.vocab-ci");
    assert_eq!(calls, 1);
}

#[tokio::test]
async fn what_is_missing_is_named() {
    let words = "[envtype:sandbox]\ncredential_buckets = ci\n";
    let none = "[envtype:sandbox]\ncredential_buckets =\n";
    let there = vpc();
    let table = [
        (
            "",
            DISCO_AWS,
            words,
            "Can not determine credentials from environment name unless vpc exists",
            1,
        ),
        (
            &*there,
            DISCO_AWS,
            none,
            "No credential_buckets configured for environment ci",
            1,
        ),
        (
            &*there,
            DISCO_AWS,
            "[envtype:other]\ncredential_buckets = ci\n",
            "No credential_buckets configured for environment ci",
            1,
        ),
        (&*there, "[disco_aws]\n", words, "project_name", 1),
        // Told before any call.
        (&*there, DISCO_AWS, "", "Config path not found", 0),
        (
            &*there,
            DISCO_AWS,
            "[envtype:sandbox\n",
            "disco_vpc.ini:1",
            0,
        ),
    ];
    for (vpcs, disco_aws, disco_vpc, expected, expected_calls) in table {
        let (bucket, calls) = found(vpcs, disco_aws, disco_vpc).await;
        let error = bucket.unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        assert!(error.hint().is_some() || expected_calls == 0, "{error}");
        assert_eq!(calls, expected_calls, "{error}");
    }
}
