//! What a bucket refuses, and what people are told.

use super::{BUCKET, bucket, run};
use crate::support::buckets;
use crate::support::cloud::Cloud;
use crate::support::proxy::{Behaviour, Proxy};

fn refusal(code: &str, message: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>{code}</Code><Message>{message}</Message>\
         <RequestId>R1</RequestId><HostId>h</HostId></Error>"
    )
}

#[test]
fn a_missing_bucket() {
    let cloud = Cloud::start();
    for words in [
        "list",
        "get --key k",
        "set --key k --value planted",
        "delete --key k",
        "delete --key k --dry-run",
        "delete --key k --all-versions",
        "setfile --key k --filename f",
    ] {
        let stderr = run(cloud.url(), words).expect_status(1).stderr;
        for part in [
            "NoSuchBucket",
            BUCKET,
            "\nhint: create the bucket, or correct its name",
        ] {
            assert!(stderr.contains(part), "{words}: {stderr}");
        }
        assert!(!stderr.contains("planted"), "{stderr}");
    }
}

#[test]
fn no_permission() {
    let cloud = bucket();
    let body = refusal(
        "AccessDenied",
        "User: arn:aws:iam::1:user/ann is not authorized",
    );
    let table = [
        (
            "get --key k",
            "GET",
            "/k",
            "s3:GetObject",
            "without s3:ListBucket",
        ),
        (
            "set --key k --value v",
            "PUT",
            "/k",
            "s3:PutObject",
            "lack this permission",
        ),
        (
            "delete --key k",
            "DELETE",
            "/k",
            "s3:DeleteObject",
            "lack this permission",
        ),
        (
            "list",
            "GET",
            "/",
            "s3:ListObjectsV2",
            "lack this permission",
        ),
    ];
    for (words, verb, place, operation, hint) in table {
        let behaviour = Behaviour::new()
            .answer(&format!("{verb} /{BUCKET}{place}"), 403, &body)
            .answer(&format!("{verb} /{BUCKET}"), 403, &body);
        let proxy = Proxy::start(cloud.url(), behaviour);
        let stderr = run(proxy.url(), words).expect_status(1).stderr;
        for part in [
            operation,
            BUCKET,
            "AccessDenied: User: arn:aws:iam::1:user/ann",
            hint,
        ] {
            assert!(stderr.contains(part), "{words}: {stderr}");
        }
        assert_eq!(proxy.calls().len(), 1, "{words}: not tried again");
    }
}

#[test]
fn another_region_that_is_not_told() {
    let cloud = bucket();
    let body = refusal(
        "PermanentRedirect",
        "The bucket must be addressed elsewhere.",
    );
    let behaviour = Behaviour::new().answer(&format!("GET /{BUCKET}/k"), 301, &body);
    let proxy = Proxy::start(cloud.url(), behaviour);
    let stderr = run(proxy.url(), "get --key k").expect_status(1).stderr;
    let hint = "\nhint: the bucket is in another region: check AWS_REGION and the bucket's name";
    assert!(
        stderr.contains("PermanentRedirect") && stderr.contains(hint),
        "{stderr}"
    );
}

#[test]
fn another_region_that_is_told_is_gone_to() {
    let cloud = bucket();
    buckets::put(&cloud, BUCKET, "k", b"v");
    let body = refusal("AuthorizationHeaderMalformed", "the region is wrong");
    let body = body.replace("<RequestId>", "<Region>eu-west-1</Region><RequestId>");
    let behaviour = Behaviour::new().answer_first(&format!("GET /{BUCKET}/k"), 400, &body);
    let proxy = Proxy::start(cloud.url(), behaviour);
    let output = run(proxy.url(), "get --key k").expect_status(0);
    assert_eq!(output.stdout, "v\n");
    let calls = proxy.calls();
    let scopes: Vec<bool> = calls
        .iter()
        .map(|call| call.headers["authorization"].contains("/eu-west-1/s3/"))
        .collect();
    assert_eq!(scopes, [false, true]);
}
