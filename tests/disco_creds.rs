//! End to end: `disco_creds`.

mod failures;
mod usage;

use crate::support::buckets;
use crate::support::cloud::Cloud;
use crate::support::config::TestConfig;
use crate::support::environment::changing_calls;
use crate::support::furniture::tagged;
use crate::support::proxy::{Behaviour, Proxy};
use crate::support::secrets::Bed;
use crate::support::{Output, asiaq};
use aws_sdk_ec2::types::ResourceType;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, SystemTime};

/// A bucket of us-west-2: with dots.
const BUCKET: &str = "us-west-2.rehearsal.credentials.ci";

/// A cloud with an empty bucket.
fn bucket() -> Cloud {
    let cloud = Cloud::start();
    buckets::create(&cloud, BUCKET);
    cloud
}

/// Runs a command on the bucket, without any configuration.
fn run(url: &str, words: &str) -> Output {
    asiaq("disco_creds")
        .endpoint(url)
        .args(["--bucket", BUCKET])
        .args(words.split_whitespace())
        .run()
}

/// The same through a proxy; gives what it saw.
fn watched(cloud: &Cloud, words: &str) -> (Output, Proxy) {
    let proxy = Proxy::start(cloud.url(), Behaviour::new());
    (run(proxy.url(), words), proxy)
}

#[test]
fn the_session_of_the_spec() {
    let cloud = bucket();
    let quiet = |words: &str| {
        let output = run(cloud.url(), words).expect_status(0);
        assert_eq!(output.stderr, "", "{words}");
        output.stdout
    };
    assert_eq!(quiet("list"), "\n");
    assert_eq!(quiet("list --output json"), "[]\n");
    assert_eq!(quiet("set --key a/x --value 1"), "");
    assert_eq!(quiet("set --key a/y --value 2"), "");
    assert_eq!(quiet("set --key b --value 3"), "");
    assert_eq!(quiet("list --prefix a/"), "a/x\na/y\n");
    assert_eq!(quiet("list"), "a/x\na/y\nb\n");
    assert_eq!(quiet("get --key a/x"), "1\n");
    assert_eq!(quiet("delete --key a/z"), "");
    assert_eq!(quiet("delete --key a/x"), "");
    assert_eq!(quiet("list --prefix a/"), "a/y\n");
    let json = quiet("list --prefix b --output json");
    for part in ["\"key\": \"b\"", "\"size\": 1", "\"last_modified\": \"20"] {
        assert!(json.contains(part), "{json}");
    }
}

#[test]
fn one_call_each_by_path_and_encrypted() {
    let cloud = bucket();
    let table = [
        ("set --key k --value v", vec![format!("PUT /{BUCKET}/k")]),
        ("get --key k", vec![format!("GET /{BUCKET}/k")]),
        ("delete --key k", vec![format!("DELETE /{BUCKET}/k")]),
    ];
    for (words, expected) in table {
        let (output, proxy) = watched(&cloud, words);
        output.expect_status(0);
        let calls = proxy.calls();
        let operations: Vec<&String> = calls.iter().map(|call| &call.operation).collect();
        assert_eq!(operations, expected.iter().collect::<Vec<_>>());
        if words.starts_with("set") {
            let header = |name: &str| calls[0].headers.get(name).map(String::as_str);
            assert_eq!(header("x-amz-server-side-encryption"), Some("AES256"));
            assert_eq!(header("content-type"), Some("application/octet-stream"));
            assert_eq!(header("x-amz-acl"), None);
        }
    }
}

#[test]
fn contents_pass_unchanged_both_ways() {
    let cloud = bucket();
    let contents: [&[u8]; 5] = [
        b"",
        b"two\nlines\n",
        b"\xff\xfe\x00binary\r\n\x1b[0m",
        b"-",
        &[7; 100_000],
    ];
    for content in contents {
        let bed = Bed::new::<&[u8]>(&[]);
        let tool = || {
            let tool = bed.tool("disco_creds").endpoint(cloud.url());
            tool.args(["--bucket", BUCKET])
        };
        let set = ["set", "--key", "k", "--value", "-"];
        let left = tool().args(set).stdin(content).run().expect_status(0);
        assert_eq!(left.stdout, b"");
        assert_eq!(buckets::get(&cloud, BUCKET, "k").unwrap().0, content);
        let left = tool().args(["get", "--key", "k"]).run().expect_status(0);
        let (last, printed) = left.stdout.split_last().unwrap();
        assert_eq!((printed, *last), (content, b'\n'));
        let set = ["setfile", "--key", "k", "--filename", "saved"];
        tool().args(set).run().expect_status(0);
        assert_eq!(fs::read(bed.root().join("home/saved")).unwrap(), content);
    }
    run(cloud.url(), "set --key dash --value=-x").expect_status(0);
    assert_eq!(buckets::text(&cloud, BUCKET, "dash").unwrap(), "-x");
    let empty = ["--bucket", BUCKET, "set", "--key", "empty", "--value", ""];
    let tool = asiaq("disco_creds").endpoint(cloud.url());
    tool.args(empty).run().expect_status(0);
    assert_eq!(buckets::text(&cloud, BUCKET, "empty").unwrap(), "");
}

#[test]
fn an_empty_password_overwrites_nothing() {
    let cloud = bucket();
    buckets::put(&cloud, BUCKET, "k", b"old");
    let bed = Bed::new(&["none/at+all"]);
    let tool = bed.tool("disco_creds").endpoint(cloud.url());
    let words = ["--bucket", BUCKET, "set", "--key", "k", "--password"];
    let left = tool.args(words).stdin("\n").run().expect_status(1);
    let problem = "error: the password is empty: nothing was written";
    assert!(left.log().contains(problem), "{}", left.log());
    assert_eq!(buckets::text(&cloud, BUCKET, "k").unwrap(), "old");
}

#[test]
fn a_password_is_a_line_of_stdin() {
    let cloud = bucket();
    let bed = Bed::new(&["pl+anted/word"]);
    let tool = bed.tool("disco_creds").endpoint(cloud.url());
    let words = ["--bucket", BUCKET, "set", "--key", "k", "--password"];
    let left = tool.args(words).stdin("pl+anted/word\nmore\n").run();
    let left = left.expect_status(0);
    assert_eq!(left.log().matches("Password: ").count(), 1);
    assert_eq!(buckets::text(&cloud, BUCKET, "k").unwrap(), "pl+anted/word");
    bed.expect_clean(&left);
}

#[test]
fn setfile_saves_privately_with_the_time_of_the_object() {
    let cloud = bucket();
    buckets::put(&cloud, BUCKET, "k", b"content");
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("file");
    let words = format!("setfile --key k --filename {}", file.display());
    let line = format!("file {} from object k of bucket {BUCKET}\n", file.display());
    let dry = run(cloud.url(), &format!("{words} --dry-run")).expect_status(0);
    assert_eq!(dry.stdout, format!("+ {line}"));
    assert!(!file.exists());
    // What was there before is replaced, and all others lose the right to read it.
    fs::write(&file, "old").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let dry = run(cloud.url(), &format!("--dry-run {words}")).expect_status(0);
    assert_eq!(dry.stdout, format!("~ {line}"));
    let output = run(cloud.url(), &words).expect_status(0);
    assert_eq!((output.stdout.as_str(), output.stderr.as_str()), ("", ""));
    assert_eq!(fs::read(&file).unwrap(), b"content");
    let found = fs::metadata(&file).unwrap();
    assert_eq!(found.permissions().mode() & 0o7777, 0o640);
    let call = buckets::s3(&cloud).head_object().bucket(BUCKET).key("k");
    let head = cloud.wait(call.send()).unwrap();
    let changed = u64::try_from(head.last_modified().unwrap().secs()).unwrap();
    let expected = SystemTime::UNIX_EPOCH + Duration::from_secs(changed);
    assert_eq!(found.modified().unwrap(), expected);
    let again = run(cloud.url(), &format!("--dry-run {words}")).expect_status(0);
    assert_eq!(again.stdout, "no changes\n");

    // Nothing is left half done.
    let missing = run(
        cloud.url(),
        &format!("setfile --key none --filename {}", file.display()),
    );
    let missing = missing.expect_status(1);
    let expected = format!("error: object none of bucket {BUCKET} does not exist\n");
    assert!(missing.stderr.contains(&expected), "{}", missing.stderr);
    assert_eq!(fs::read(&file).unwrap(), b"content");
    let device = run(cloud.url(), "setfile --key k --filename /dev/null").expect_status(1);
    assert!(device.stderr.contains("/dev/null is no regular file"));
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1);
}

#[test]
fn a_dry_run_changes_nothing() {
    let cloud = bucket();
    buckets::put(&cloud, BUCKET, "there", b"x");
    let table = [
        (
            "set --key new --value y",
            format!("+ object new of bucket {BUCKET}\n"),
        ),
        (
            "set --key there --value -",
            format!("~ object there of bucket {BUCKET}\n"),
        ),
        (
            "set --key there --password",
            format!("~ object there of bucket {BUCKET}\n"),
        ),
        (
            "delete --key there",
            format!("- object there of bucket {BUCKET}\n"),
        ),
        ("delete --key new", "no changes\n".to_owned()),
        (
            "delete --key there --all-versions",
            format!("- versions and delete markers of object there of bucket {BUCKET}: 1\n"),
        ),
        ("delete --key new --all-versions", "no changes\n".to_owned()),
    ];
    for (words, expected) in table {
        let (output, proxy) = watched(&cloud, &format!("{words} --dry-run"));
        assert_eq!(output.expect_status(0).stdout, expected, "{words}");
        let changing = changing_calls(&proxy);
        let changing = changing.iter().filter(|name| !name.starts_with("HEAD "));
        assert_eq!(changing.count(), 0, "{words}");
    }
    let json = run(cloud.url(), "delete --key there --dry-run --output json");
    assert!(json.expect_status(0).stdout.contains("\"sign\": \"-\""));
    assert_eq!(buckets::text(&cloud, BUCKET, "there").unwrap(), "x");
}

#[test]
fn old_versions_are_told_of_and_can_be_removed() {
    let cloud = bucket();
    buckets::keep_versions(&cloud, BUCKET);
    for content in ["1", "2", "3"] {
        run(cloud.url(), &format!("set --key k --value {content}")).expect_status(0);
    }
    // A longer key with the same beginning is another object.
    run(cloud.url(), "set --key k2 --value other").expect_status(0);
    let deleted = run(cloud.url(), "delete --key k").expect_status(0);
    assert!(
        deleted.stderr.contains("WARN bucket") && deleted.stderr.contains("--all-versions"),
        "{}",
        deleted.stderr
    );
    assert_eq!(run(cloud.url(), "list").expect_status(0).stdout, "k2\n");
    assert_eq!(buckets::versions(&cloud, BUCKET), (4, 1));
    let words = "delete --key k --all-versions";
    let dry = run(cloud.url(), &format!("{words} --dry-run")).expect_status(0);
    let expected = format!("- versions and delete markers of object k of bucket {BUCKET}: 4\n");
    assert_eq!(dry.stdout, expected);
    run(cloud.url(), words).expect_status(0);
    assert_eq!(buckets::versions(&cloud, BUCKET), (1, 0));
    run(cloud.url(), words).expect_status(0);
    let other = run(cloud.url(), "get --key k2").expect_status(0);
    assert_eq!(other.stdout, "other\n");
}

#[test]
fn more_keys_than_one_page_holds() {
    let cloud = bucket();
    // 2,500 objects take the local cloud a minute, so their pages are answered here.
    let page = |keys: std::ops::Range<usize>, next: &str| {
        let entry = |n| format!("<Contents><Key>many/{n:04}</Key><Size>1</Size></Contents>");
        let entries: String = keys.map(entry).collect();
        let truncated = !next.is_empty();
        format!(
            "<ListBucketResult><IsTruncated>{truncated}</IsTruncated>{entries}{next}</ListBucketResult>"
        )
    };
    let token = |name: &str| format!("<NextContinuationToken>{name}</NextContinuationToken>");
    let pages = [
        page(0..1000, &token("two")),
        page(1000..2000, &token("three")),
        page(2000..2500, ""),
    ];
    let behaviour = pages.iter().fold(Behaviour::new(), |behaviour, page| {
        let behaviour = behaviour.answer_first(&format!("GET /{BUCKET}"), 200, page);
        behaviour.answer_first(&format!("GET /{BUCKET}/"), 200, page)
    });
    let proxy = Proxy::start(cloud.url(), behaviour);
    let stdout = run(proxy.url(), "list --prefix many/")
        .expect_status(0)
        .stdout;
    let lines: Vec<&str> = stdout.lines().collect();
    assert_eq!(lines.len(), 2500);
    assert_eq!((lines[0], lines[2499]), ("many/0000", "many/2499"));
    assert_eq!(proxy.calls().len(), 3);
}

#[test]
fn the_bucket_of_an_environment_is_found_by_one_more_call() {
    let cloud = bucket();
    let ec2 = cloud.client();
    let tags = tagged(ResourceType::Vpc, &[("Name", "ci"), ("type", "ci")]);
    let make = ec2.create_vpc().cidr_block("10.0.0.0/20");
    cloud.wait(make.tag_specifications(tags).send()).unwrap();
    let config = TestConfig::standard();
    let tool = |words: &str, url: &str| {
        let tool = asiaq("disco_creds").endpoint(url).config(config.path());
        tool.args(words.split_whitespace())
    };
    let set = "set --key k --value v";
    let none = tool(set, cloud.url()).run().expect_status(1);
    let expected = "error: No credential_buckets configured for environment ci\nhint: set `credential_buckets`";
    assert!(none.stderr.contains(expected), "{}", none.stderr);
    let option = "application = rehearsal\n";
    config.edit(
        "disco_vpc.ini",
        option,
        &format!("{option}credential_buckets = ci other\n"),
    );
    for words in [
        set.to_owned(),
        format!("--env ci {set}"),
        format!("{set} --env ci"),
    ] {
        let proxy = Proxy::start(cloud.url(), Behaviour::new());
        let output = tool(&words, proxy.url()).run().expect_status(0);
        assert_eq!((output.stdout.as_str(), output.stderr.as_str()), ("", ""));
        let calls = proxy.calls();
        let operations: Vec<&str> = calls.iter().map(|call| call.operation.as_str()).collect();
        assert_eq!(operations, ["DescribeVpcs", &format!("PUT /{BUCKET}/k")]);
    }
    let default = tool("get --key k", cloud.url()).env("DEFAULT_ENV", "ci");
    assert_eq!(default.run().expect_status(0).stdout, "v\n");
    for (words, variable) in [("list --env qa", ""), ("list", "qa")] {
        let output = tool(words, cloud.url()).env("DEFAULT_ENV", variable).run();
        let stderr = output.expect_status(1).stderr;
        let expected =
            "error: Can not determine credentials from environment name unless vpc exists: ";
        assert!(
            stderr.contains(expected) && stderr.contains("`qa`"),
            "{stderr}"
        );
    }
}
