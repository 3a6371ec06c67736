//! `ddb_backup init` and `ddb_backup list`, and a bucket that is not there.

use super::{BUCKET, World};
use crate::support::proxy::Behaviour;
use serde_json::Value;

fn head() -> String {
    format!("HEAD /{BUCKET}/")
}

fn put() -> String {
    format!("PUT /{BUCKET}/")
}

#[test]
fn init_makes_the_bucket_in_the_region_once() {
    let world = World::new();
    let (output, calls) = world.watch("ddb_backup init --dry-run");
    assert_eq!(
        output.expect_status(0).stdout,
        format!("+ bucket {BUCKET} in us-west-2\n")
    );
    assert_eq!(calls, [""; 0]);
    let (output, calls) = world.watch("ddb_backup init");
    let output = output.expect_status(0);
    assert_eq!(output.stdout, "");
    assert!(
        output.stderr.contains(&format!("Creating bucket {BUCKET}")),
        "{}",
        output.stderr
    );
    assert_eq!(calls, [put()]);
    let place = world.s3().get_bucket_location().bucket(BUCKET).send();
    let place = world.cloud.wait(place).unwrap();
    assert_eq!(place.location_constraint.unwrap().as_str(), "us-west-2");
    let (output, calls) = world.watch("ddb_backup init");
    assert_eq!(output.expect_status(0).stderr, "");
    assert_eq!(calls, [""; 0]);
}

#[test]
fn init_in_the_first_region_and_of_an_environment() {
    let world = World::new();
    world.config.edit(
        "disco_aws.ini",
        "s3_bucket_base = acme",
        "s3_bucket_base = acme\ns3_bucket_suffix@prod = live",
    );
    for (words, name) in [
        ("ddb_backup init", BUCKET.to_owned()),
        ("--env prod ddb_backup init", format!("{BUCKET}--live")),
    ] {
        world
            .tool_at(world.cloud.url(), words)
            .env("AWS_REGION", "us-east-1")
            .env("AWS_DEFAULT_REGION", "us-east-1")
            .run()
            .expect_status(0);
        let place = world.s3().get_bucket_location().bucket(&name).send();
        let place = world.cloud.wait(place).unwrap().location_constraint;
        assert!(
            place.is_none_or(|place| place.as_str().is_empty()),
            "{name}"
        );
    }
}

#[test]
fn a_bucket_of_somebody_else_is_an_error() {
    let world = World::new();
    let (output, proxy) =
        world.through(Behaviour::new().answer(&head(), 403, ""), "ddb_backup init");
    let output = output.expect_status(1);
    assert!(
        output.stderr.contains("belongs to another account"),
        "{}",
        output.stderr
    );
    assert_eq!(proxy.count(&put()), 0);
    let body = "<Error><Code>BucketAlreadyExists</Code><Message>The requested bucket name is not available</Message></Error>";
    let (output, _) = world.through(
        Behaviour::new().answer(&put(), 409, body),
        "ddb_backup init",
    );
    let output = output.expect_status(1);
    assert!(
        output.stderr.contains("belongs to another account"),
        "{}",
        output.stderr
    );
    assert!(
        output.stderr.contains("hint: bucket names are shared"),
        "{}",
        output.stderr
    );
}

#[test]
fn two_runs_of_init_do_not_disturb_each_other() {
    let world = World::new();
    let owned = "<Error><Code>BucketAlreadyOwnedByYou</Code><Message>Yours</Message></Error>";
    let (output, _) = world.through(
        Behaviour::new().answer(&put(), 409, owned),
        "ddb_backup init",
    );
    output.expect_status(0);
    let busy =
        "<Error><Code>OperationAborted</Code><Message>A conflicting operation</Message></Error>";
    let (output, proxy) = world.through(
        Behaviour::new().answer_first(&put(), 409, busy),
        "ddb_backup init",
    );
    output.expect_status(0);
    assert_eq!(proxy.count(&put()), 2);
}

#[test]
fn without_the_bucket_nothing_else_works() {
    let world = World::new();
    for words in [
        "list users",
        "backup users",
        "restore users",
        "restore users --from x",
    ] {
        let (output, calls) = world.watch(&format!("ddb_backup {words}"));
        let output = output.expect_status(1);
        assert!(
            output
                .stderr
                .contains(&format!("error: Backup bucket {BUCKET} does not exist\n")),
            "{}",
            output.stderr
        );
        assert!(
            output.stderr.contains("asiaq ddb_backup init"),
            "{}",
            output.stderr
        );
        assert_eq!(calls, [""; 0]);
    }
    world
        .config
        .edit("disco_aws.ini", "s3_bucket_base = acme", "");
    let (output, calls) = world.watch("ddb_backup init");
    let output = output.expect_status(1);
    assert!(
        output
            .stderr
            .contains("[disco_aws] s3_bucket_base: `s3_bucket_base` is not set"),
        "{}",
        output.stderr
    );
    assert_eq!(calls, [""; 0]);
}

#[test]
fn listing() {
    let world = World::with_bucket();
    assert_eq!(
        world.run("ddb_backup list users").expect_status(0).stdout,
        ""
    );
    for key in [
        "ci/users/2016-02-01-00-00-00/part-0",
        "ci/users/2016-02-01-00-00-00/part-1",
        "ci/users/2016-01-01-00-00-00/part-0",
        "ci/users/a note",
        "ci/users2/2017-01-01-00-00-00/part-0",
        "prod/users/2018-01-01-00-00-00/part-0",
    ] {
        world.put(key);
    }
    let list = |words: &str| world.run(words).expect_status(0).stdout;
    assert_eq!(
        list("ddb_backup list users"),
        "2016-01-01-00-00-00\n2016-02-01-00-00-00\n"
    );
    assert_eq!(
        list("--env prod ddb_backup list users"),
        "2018-01-01-00-00-00\n"
    );
    let json: Value = serde_json::from_str(&list("ddb_backup list users --output json")).unwrap();
    assert_eq!(
        json[1],
        serde_json::json!({
            "name": "2016-02-01-00-00-00", "environment": "ci", "table": "users",
            "location": format!("s3://{BUCKET}/ci/users/2016-02-01-00-00-00/"),
        })
    );
}

#[test]
fn a_listing_of_many_pages() {
    let world = World::with_bucket();
    let page = |from: usize, token: &str| {
        let prefixes: String = (from..from + 2)
            .map(|n| format!("<CommonPrefixes><Prefix>ci/users/{n}/</Prefix></CommonPrefixes>"))
            .collect();
        format!("<ListBucketResult>{prefixes}{token}</ListBucketResult>")
    };
    let more = "<IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken>";
    let get = format!("GET /{BUCKET}/");
    let pages = Behaviour::new()
        .answer_first(&get, 200, &page(1, more))
        .answer_first(&get, 200, &page(3, ""));
    let (output, proxy) = world.through(pages, "ddb_backup list users");
    assert_eq!(output.expect_status(0).stdout, "1\n2\n3\n4\n");
    assert_eq!(proxy.count(&get), 2);
}
