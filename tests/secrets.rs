//! End to end: nothing that a run leaves behind holds a secret, however loud its logs are.

mod accounts;

use crate::disco_aws::World;
use crate::support::binary;
use crate::support::buckets;
use crate::support::cloud::Cloud;
use crate::support::config::TestConfig;
use crate::support::proxy::{Behaviour, Proxy};
use crate::support::secrets::{Bed, Left, Loud, SESSION_TOKEN};
use crate::support::spotinst::{SpotinstServer, TOKEN};
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const BUCKET: &str = "us-west-2.rehearsal.credentials.ci";
/// With characters that every form of writing escapes.
const SECRET: &str = "pl@nted/s3cret+\"quoted\" 'x' %41";
/// The content that it replaces.
const OLD: &str = "old/pl@nted+content=1234567890";

/// Runs a command with log lines for people and as JSON, on fresh directories each; the body says what must hold.
fn both_formats(secrets: &[&str], body: impl Fn(&Bed, &dyn Fn(Loud<'_>) -> Left)) {
    for json in [false, true] {
        let bed = Bed::new(secrets);
        let run = |tool: Loud<'_>| {
            let left = if json { tool.json().run() } else { tool.run() };
            // Not clean because it was quiet.
            let log = left.log();
            let parts = match json {
                false => [" DEBUG ", "aws_smithy_runtime.", ".pool TRACE "],
                true => ["\"DEBUG\"", "aws_smithy_runtime::", "\"TRACE\""],
            };
            for part in parts {
                assert!(log.contains(part), "{part} in {log}");
            }
            left
        };
        body(&bed, &run);
    }
}

fn creds<'b>(bed: &'b Bed, url: &str, words: &str) -> Loud<'b> {
    let tool = bed.tool("disco_creds").endpoint(url);
    let words = words.split_whitespace().map(str::to_owned);
    tool.args(["--bucket", BUCKET]).args(words)
}

#[test]
fn credentials() {
    let cloud = Cloud::start();
    buckets::create(&cloud, BUCKET);
    buckets::keep_versions(&cloud, BUCKET);
    both_formats(&[SECRET, OLD], |bed, run| {
        let creds = |words: &str| creds(bed, cloud.url(), words);
        buckets::put(&cloud, BUCKET, "k", OLD.as_bytes());
        let dry = run(creds("set --key k --value - --dry-run").stdin(SECRET));
        bed.expect_clean(&dry.expect_status(0));
        let set = run(creds("set --key k --value -").stdin(SECRET));
        bed.expect_clean(&set.expect_status(0));
        let set = run(creds("set --key k").args(["--value", SECRET]));
        bed.expect_clean(&set.expect_status(0));
        let asked = format!("{SECRET}\n");
        let set = run(creds("set --key k --password").stdin(asked));
        bed.expect_clean(&set.expect_status(0));
        let get = run(creds("get --key k")).expect_status(0);
        assert_eq!(get.stdout, format!("{SECRET}\n").as_bytes());
        bed.expect_clean_but_stdout(&get);
        let file = bed.root().join("home/saved");
        let save = run(creds("setfile --key k --filename saved")).expect_status(0);
        assert_eq!(fs::read(&file).unwrap(), SECRET.as_bytes());
        bed.expect_clean_but_files(&save, std::slice::from_ref(&file));
        fs::remove_file(file).unwrap();
        for words in ["list", "delete --key k", "delete --key k --all-versions"] {
            bed.expect_clean(&run(creds(words)).expect_status(0));
        }
    });
}

#[test]
fn tokens_of_applications() {
    let cloud = Cloud::start();
    buckets::create(&cloud, BUCKET);
    // Not on the bed: its files are searched.
    let config = TestConfig::new();
    config
        .write("app_auth/ci/svc/ann", SECRET)
        .write("app_auth/ci/svc/bob", "GENERATE_WHEN_EMPTY");
    both_formats(&[SECRET, OLD], |bed, run| {
        buckets::put(&cloud, BUCKET, "app_auth/svc/ann", OLD.as_bytes());
        let tool = || {
            let tool = bed.tool("disco_app_auth").endpoint(cloud.url());
            let tool = tool.config(config.path());
            tool.args(["--bucket", BUCKET, "update"])
        };
        bed.expect_clean(&run(tool().args(["--dry-run"])).expect_status(0));
        let update = run(tool()).expect_status(0);
        bed.expect_clean(&update);
        // What was generated, and the digests, are known only now.
        let (generated, _) = buckets::get(&cloud, BUCKET, "app_auth/svc/bob").unwrap();
        let (passwd, _) = buckets::get(&cloud, BUCKET, "app_auth/svc/passwd").unwrap();
        let digest = String::from_utf8(passwd).unwrap();
        let digest = digest.rsplit(':').next().unwrap().to_owned();
        let after = Bed::new(&[generated, digest.into_bytes()]);
        after.expect_clean(&update);
        bed.expect_clean(&run(tool().args(["--force"])).expect_status(0));
    });
}

#[test]
fn the_token_of_spotinst() {
    let world = World::new();
    let server = SpotinstServer::start();
    let file = world.pipeline(
        "spot.csv",
        "sequence,hostclass,min_size,desired_size,max_size,instance_type,spotinst,smoke_test\n\
         1,mhcapp,,1,,t2.micro,yes,no\n",
    );
    both_formats(&[TOKEN], |bed, run| {
        let tool = bed.tool("disco_aws").endpoint(world.cloud.url());
        let tool = tool.config(world.config.path()).env("LOGNAME", "ann");
        let variables = server.variables();
        let tool = variables
            .iter()
            .fold(tool, |tool, (name, value)| tool.env(name, value));
        let left = run(tool.args(["spinup", "--pipeline", &file]));
        bed.expect_clean(&left.expect_status(0));
        assert_eq!(server.groups().len(), 1);
    });
}

/// What S3 and the query services say to a wrong signature repeats the request, the session token included.
#[test]
fn refusals_that_repeat_the_request() {
    let cloud = Cloud::start();
    buckets::create(&cloud, BUCKET);
    let request = format!("x-amz-security-token:{SESSION_TOKEN}\nbody:{SECRET}");
    let of_s3 = format!(
        "<Error><Code>SignatureDoesNotMatch</Code><Message>The signature does not match.</Message>\
         <StringToSign>{request}</StringToSign><CanonicalRequest>{request}</CanonicalRequest></Error>"
    );
    let of_ec2 = format!(
        "<Response><Errors><Error><Code>SignatureDoesNotMatch</Code><Message>The signature does not match.\n\n\
         The Canonical String for this request should have been\n'{request}'</Message></Error></Errors>\
         <RequestID>r</RequestID></Response>"
    );
    let behaviour = Behaviour::new()
        .answer(&format!("PUT /{BUCKET}/k"), 403, &of_s3)
        .answer(&format!("GET /{BUCKET}/k"), 403, &of_s3)
        .answer("DescribeAddresses", 403, &of_ec2);
    let proxy = Proxy::start(cloud.url(), behaviour);
    both_formats(&[SECRET], |bed, run| {
        let set = run(creds(bed, proxy.url(), "set --key k --value -").stdin(SECRET));
        let get = run(creds(bed, proxy.url(), "get --key k"));
        let eip = bed.tool("disco_eip").endpoint(proxy.url());
        let eip = run(eip.args(["list"]));
        for left in [set, get, eip] {
            let left = left.expect_status(1);
            let log = left.log();
            assert!(
                log.contains("SignatureDoesNotMatch: The signature does not match."),
                "{log}"
            );
            assert!(
                log.contains("hint: AWS does not accept these credentials"),
                "{log}"
            );
            bed.expect_clean(&left);
        }
    });
}

/// Where the machine writes dumps at all: a tool that is killed for one writes none, whatever limit it was started with.
#[test]
fn no_core_dumps() {
    let home = tempfile::tempdir().unwrap();
    // It waits for its content.
    let mut child = Command::new("sh")
        .args(["-c", "ulimit -S -c \"$(ulimit -H -c)\"; exec \"$0\" \"$@\""])
        .args([binary("disco_creds"), "--bucket", "b"])
        .args(["set", "--key", "k", "--value", "-"])
        .envs(asiaq_local::environment("http://127.0.0.1:9"))
        .env("HOME", home.path())
        .current_dir(home.path())
        .stdin(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let limits = format!("/proc/{}/limits", child.id());
    let soft = || {
        let text = fs::read_to_string(&limits).unwrap();
        let line = text
            .lines()
            .find(|line| line.starts_with("Max core file size"));
        let words: Vec<&str> = line.unwrap().split_whitespace().collect();
        words[4].to_owned()
    };
    let start = Instant::now();
    while soft() != "0" || !runs(child.id(), "disco_creds") {
        assert!(start.elapsed() < Duration::from_secs(20), "{}", soft());
        std::thread::sleep(Duration::from_millis(5));
    }
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    kill_process(pid, Signal::ABORT).unwrap();
    let status = child.wait().unwrap();
    assert_eq!(status.signal(), Some(6));
    assert!(!status.core_dumped());
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0);
}

fn runs(pid: u32, tool: &str) -> bool {
    let command = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    command.trim_end() == tool
}
