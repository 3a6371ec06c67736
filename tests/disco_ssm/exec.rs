//! `disco_aws exec-ssm`: chunks, order and layout of output, bucket, dry run.

use super::changing;
use super::stand_in::{Script, StandIn};
use crate::support::cloud::Cloud;
use crate::support::config::TestConfig;
use crate::support::proxy::{Behaviour, Proxy};
use crate::support::{Asiaq, Output, asiaq};
use asiaq_core::ssm::command::{self, Command, Event, Order};
use aws_sdk_ec2::types::{ResourceType, Tag, TagSpecification};
use serde_json::json;

/// An environment `ci` with hosts of `mhcapp`.
pub struct Fleet {
    pub cloud: Cloud,
    pub config: TestConfig,
    /// In the order of `listhosts`.
    pub ids: Vec<String>,
}

impl Fleet {
    pub fn new(hosts: i32) -> Self {
        let cloud = Cloud::start();
        let ec2 = cloud.client();
        let tags = |kind: ResourceType, key: &str, value: &str| {
            let tag = Tag::builder().key(key).value(value).build();
            TagSpecification::builder()
                .resource_type(kind)
                .tags(tag)
                .build()
        };
        let vpc = ec2.create_vpc().cidr_block("10.9.0.0/16");
        let vpc = vpc.tag_specifications(tags(ResourceType::Vpc, "Name", "ci"));
        let vpc = cloud.wait(vpc.send()).unwrap().vpc.unwrap().vpc_id.unwrap();
        let subnet = ec2.create_subnet().vpc_id(&vpc).cidr_block("10.9.0.0/20");
        let subnet = cloud
            .wait(subnet.send())
            .unwrap()
            .subnet
            .unwrap()
            .subnet_id
            .unwrap();
        let image = cloud.register_image("mhcapp 1700000000", &[]);
        let launch = ec2.run_instances().image_id(image).subnet_id(subnet);
        let launch = launch.min_count(hosts).max_count(hosts);
        let launch = launch.tag_specifications(tags(ResourceType::Instance, "hostclass", "mhcapp"));
        let made = cloud.wait(launch.send()).unwrap();
        let ids = made
            .instances()
            .iter()
            .map(|i| i.instance_id().unwrap().to_owned())
            .collect();
        Self {
            cloud,
            config: TestConfig::standard(),
            ids,
        }
    }

    /// With `s3_bucket_base=acme`.
    pub fn with_bucket(hosts: i32) -> Self {
        let fleet = Self::new(hosts);
        fleet
            .config
            .edit("disco_aws.ini", "[bake]", "s3_bucket_base = acme\n\n[bake]");
        fleet
    }

    /// `disco_aws exec-ssm --document abc` and more words; SSM is at another address than the rest.
    pub fn tool(&self, rest: &str, ssm: &str, words: &str) -> Asiaq {
        asiaq("disco_aws")
            .endpoint(rest)
            .env("AWS_ENDPOINT_URL_SSM", ssm)
            .env("ASIAQ_POLL_INTERVAL", "0.01")
            .config(self.config.path())
            .args(["exec-ssm", "--document", "abc"])
            .args(words.split_whitespace())
    }

    pub fn run(&self, ssm: &StandIn, words: &str) -> Output {
        self.tool(self.cloud.url(), &ssm.url(), words).run()
    }

    /// What the stand-in's hosts print, in this order.
    pub fn output(ids: &[String]) -> String {
        let one = |id: &String| {
            format!(
                "Output for instance: {id}\nPlugin: step\n\n\nSTDOUT:\nhello from {id}\n\n\nSTDERR:\n-\n\n\nExit Code: 0\n"
            )
        };
        ids.iter().map(one).collect()
    }

    pub fn terminate(&self, ids: &[String]) {
        let call = self.cloud.client().terminate_instances();
        self.cloud
            .wait(call.set_instance_ids(Some(ids.to_vec())).send())
            .unwrap();
    }
}

#[test]
fn hundred_and_twenty_hosts_in_three_chunks() {
    let fleet = Fleet::new(120);
    let ssm = StandIn::start(Script {
        in_vain: 1,
        per_look: 17,
        backwards: true,
        page: 20,
        ..Script::default()
    });
    let words = "--hostclass mhcapp --parameters cmd=a=b --parameters flag= --parameters cmd=c=d --comment why";
    let output = fleet.run(&ssm, words).expect_status(0);
    assert_eq!(
        output.stdout,
        Fleet::output(&fleet.ids),
        "in the order as sent"
    );
    let sent = ssm.calls("SendCommand");
    let mut sizes: Vec<usize> = sent
        .iter()
        .map(|body| body["InstanceIds"].as_array().unwrap().len())
        .collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [20, 50, 50]);
    for body in &sent {
        assert_eq!(body["Parameters"], json!({"cmd": ["c=d"], "flag": [""]}));
        assert_eq!(
            (&body["DocumentName"], &body["Comment"]),
            (&json!("abc"), &json!("why"))
        );
        assert!(body.get("OutputS3BucketName").is_none(), "{body}");
    }
    assert!(
        output.stderr.contains("AWS does not list command cmd-i-"),
        "{}",
        output.stderr
    );
    let told = output
        .stderr
        .matches("to stop it: aws ssm cancel-command --command-id cmd-i-")
        .count();
    assert_eq!(told, 3, "{}", output.stderr);
}

#[test]
fn results_come_as_hosts_finish() {
    let fleet = Fleet::new(1);
    let ids: Vec<String> = (0..6).map(|n| format!("i-{n}")).collect();
    let seen = |order: Order| {
        let ssm = StandIn::start(Script {
            per_look: 2,
            backwards: true,
            ..Script::default()
        });
        let aws = fleet.cloud.aws(&ssm.url());
        let mut seen: Vec<(String, usize)> = Vec::new();
        let mut sink = |event| {
            if let Event::Output(output) = event {
                seen.push((output.instance_id, ssm.calls("ListCommands").len()));
            }
        };
        let command = Command {
            document: "abc".to_owned(),
            ..Command::default()
        };
        let report = fleet
            .cloud
            .wait(command::run(&aws, &command, &ids, order, &mut sink));
        assert!(
            report.unsuccessful.is_empty() && report.failed.is_empty() && report.errors.is_empty()
        );
        seen
    };
    let looks = |pairs: &[(String, usize)]| pairs.iter().map(|(_, look)| *look).collect::<Vec<_>>();
    let names =
        |pairs: &[(String, usize)]| pairs.iter().map(|(id, _)| id.clone()).collect::<Vec<_>>();
    let finished = seen(Order::AsFinished);
    assert_eq!(
        looks(&finished),
        [1, 1, 2, 2, 3, 3],
        "each as soon as it is done"
    );
    assert_eq!(&names(&finished)[4..].len(), &2);
    let mut last = names(&finished)[4..].to_vec();
    last.sort();
    assert_eq!(last, ids[..2], "the first ones finished last");
    let sent = seen(Order::AsSent);
    assert_eq!(names(&sent), ids);
    assert_eq!(looks(&sent), [3; 6], "the first host finished last");
}

#[test]
fn the_output_of_failed_steps_and_a_summary() {
    let fleet = Fleet::new(2);
    let ssm = StandIn::start(Script {
        status: |_| "Failed",
        output: |_| "line one\nline two\n----------ERROR-------\nno such file\n".to_owned(),
        ..Script::default()
    });
    let output = fleet.run(&ssm, "--hostclass mhcapp").expect_status(1);
    let (one, two) = (&fleet.ids[0], &fleet.ids[1]);
    let shown = output.stdout.replace(one, "i-one").replace(two, "i-two");
    insta::assert_snapshot!("output_of_failed_steps", shown);
    let summary = format!(
        "error: command cmd-{one} ended as Failed; it failed on 2 of 2 instances:\n  {one}: Failed\n  {two}: Failed\n"
    );
    assert!(output.stderr.contains(&summary), "{}", output.stderr);
    let output = fleet
        .run(&ssm, "--hostclass mhcapp --output json")
        .expect_status(1);
    let parsed: serde_json::Value = serde_json::from_str(&output.stdout).unwrap();
    assert_eq!(
        parsed[1],
        json!({"instance_id": two, "status": "Failed", "status_details": "Failed", "plugins": [
            {"name": "step", "stdout": "line one\nline two", "stderr": "no such file", "exit_code": 3}]})
    );
}

#[test]
fn a_failure_without_a_failed_host_has_a_reason() {
    let fleet = Fleet::new(1);
    let ssm = StandIn::start(Script {
        status: |_| "Unknown",
        ..Script::default()
    });
    let output = fleet.run(&ssm, "--hostclass mhcapp").expect_status(1);
    let reason = format!("error: command cmd-{} ended as Failed\n", fleet.ids[0]);
    assert!(output.stderr.contains(&reason), "{}", output.stderr);
}

#[test]
fn full_output_comes_from_the_bucket() {
    let fleet = Fleet::with_bucket(3);
    let s3 = aws_sdk_s3::Client::from_conf(
        aws_sdk_s3::config::Builder::from(&fleet.cloud.sdk())
            .force_path_style(true)
            .build(),
    );
    let place = aws_sdk_s3::types::CreateBucketConfiguration::builder()
        .location_constraint(aws_sdk_s3::types::BucketLocationConstraint::UsWest2)
        .build();
    let make = s3
        .create_bucket()
        .bucket("acme--ssm")
        .create_bucket_configuration(place);
    fleet.cloud.wait(make.send()).unwrap();
    let put = |key: String, body: Vec<u8>| {
        let call = s3
            .put_object()
            .bucket("acme--ssm")
            .key(key)
            .body(body.into());
        fleet.cloud.wait(call.send()).unwrap();
    };
    let (one, two, three) = (&fleet.ids[0], &fleet.ids[1], &fleet.ids[2]);
    let long = "z".repeat(100_000);
    put(
        format!("cmd-{one}/{one}/step/0.step/stdout"),
        format!("\n{long}\n").into_bytes(),
    );
    put(
        format!("cmd-{one}/{one}/step/0.step/stderr"),
        b"caf\xe9 ".to_vec(),
    );
    put(
        format!("cmd-{one}/{two}/step/0.step/stderr"),
        b"only errors\n".to_vec(),
    );
    let ssm = StandIn::start(Script::default());
    let output = fleet
        .run(&ssm, "--hostclass mhcapp --output json")
        .expect_status(0);
    assert_eq!(
        ssm.calls("SendCommand")[0]["OutputS3BucketName"],
        "acme--ssm"
    );
    let parsed: serde_json::Value = serde_json::from_str(&output.stdout).unwrap();
    let step = |n: usize| parsed[n]["plugins"][0].clone();
    assert_eq!(
        (&step(0)["stdout"], &step(0)["stderr"]),
        (&json!(long), &json!("caf\u{fffd}"))
    );
    assert_eq!(
        (&step(1)["stdout"], &step(1)["stderr"]),
        (&json!("-"), &json!("only errors"))
    );
    assert_eq!(
        step(2)["stdout"],
        format!("hello from {three}"),
        "a host that may not write there"
    );
    assert!(!output.stderr.contains("limited"), "{}", output.stderr);
}

#[test]
fn a_bucket_that_cannot_be_accessed_is_not_used() {
    let fleet = Fleet::with_bucket(1);
    let ssm = StandIn::start(Script::default());
    let denied = Proxy::start(
        fleet.cloud.url(),
        Behaviour::new().answer("HEAD /acme--ssm/", 403, ""),
    );
    let unset = Fleet::new(1);
    for (output, own, text) in [
        (
            fleet
                .tool(denied.url(), &ssm.url(), "--hostclass mhcapp")
                .run(),
            &fleet,
            "cannot access bucket acme--ssm, ",
        ),
        (
            fleet.run(&ssm, "--hostclass mhcapp"),
            &fleet,
            "cannot access bucket acme--ssm, ",
        ),
        (
            unset.run(&ssm, "--hostclass mhcapp"),
            &unset,
            "`s3_bucket_base` is not set in `[disco_aws]`: ",
        ),
    ] {
        let output = output.expect_status(0);
        assert_eq!(output.stdout, Fleet::output(&own.ids));
        let warning = format!(" WARN {text}output is limited to 24000 characters per host");
        assert!(output.stderr.contains(&warning), "{}", output.stderr);
    }
    assert_eq!(denied.count("HEAD /acme--ssm/"), 1);
    assert!(
        ssm.calls("SendCommand")
            .iter()
            .all(|body| body.get("OutputS3BucketName").is_none())
    );
}

#[test]
fn cut_output_is_read_again_in_full() {
    let fleet = Fleet::new(1);
    let ssm = StandIn::start(Script {
        output: |_| "x".repeat(2500),
        ..Script::default()
    });
    let output = fleet.run(&ssm, "--hostclass mhcapp").expect_status(0);
    let id = &fleet.ids[0];
    assert!(output.stdout.contains(&format!(
        "STDOUT:\n{}end of {id}\n\n\nSTDERR:\n-\n",
        "x".repeat(3000)
    )));
    let asked = ssm.calls("GetCommandInvocation");
    assert_eq!((asked.len(), &asked[0]["PluginName"]), (1, &json!("step")));
}

#[test]
fn a_dry_run_sends_nothing() {
    let fleet = Fleet::new(2);
    let url = fleet.cloud.url();
    let missing = fleet
        .tool(url, url, "--hostclass mhcapp --dry-run")
        .run()
        .expect_status(1);
    assert!(
        missing.stderr.contains("error: no SSM document `abc`"),
        "{}",
        missing.stderr
    );
    let client = aws_sdk_ssm::Client::new(&fleet.cloud.sdk());
    let make = client
        .create_document()
        .name("abc")
        .content(super::content(1));
    let make = make.document_type(aws_sdk_ssm::types::DocumentType::Command);
    fleet.cloud.wait(make.send()).unwrap();
    let proxy = Proxy::start(url, Behaviour::new());
    let words = "--hostclass mhcapp --dry-run --parameters password=hunter2";
    let dry = fleet
        .tool(proxy.url(), proxy.url(), words)
        .run()
        .expect_status(0);
    let line = |id: &String| format!("+ command abc on instance {id} mhcapp\n");
    assert_eq!(dry.stdout, fleet.ids.iter().map(line).collect::<String>());
    assert_eq!(changing(&proxy), [""; 0]);
}
