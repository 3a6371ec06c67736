//! What is sent, read back from CloudWatch.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use wiremock::ResponseTemplate;

use super::{DF, IOSTAT, Metadata, Programs};
use crate::support::cloud::Cloud;
use crate::support::proxy::{Behaviour, Proxy};

/// Namespace and name of all metrics, each with the value of its dimension.
fn stored(cloud: &Cloud) -> BTreeMap<(String, String), String> {
    let client = aws_sdk_cloudwatch::Client::new(&cloud.sdk());
    let answer = cloud.wait(client.list_metrics().send()).unwrap();
    let convert = |metric: &aws_sdk_cloudwatch::types::Metric| {
        let [dimension] = metric.dimensions() else {
            panic!("{metric:?}")
        };
        assert_eq!(dimension.name(), Some("env_hostclass"));
        let key = (
            metric.namespace().unwrap().to_owned(),
            metric.metric_name().unwrap().to_owned(),
        );
        (key, dimension.value().unwrap().to_owned())
    };
    answer.metrics().iter().map(convert).collect()
}

/// The one value of a metric, and its unit.
#[track_caller]
fn value(cloud: &Cloud, namespace: &str, name: &str, dimension: &str) -> (f64, String) {
    use aws_sdk_cloudwatch::primitives::DateTime;
    use aws_sdk_cloudwatch::types::{Dimension, Statistic};
    let client = aws_sdk_cloudwatch::Client::new(&cloud.sdk());
    let now = chrono::Utc::now().timestamp();
    let own = Dimension::builder().name("env_hostclass").value(dimension);
    let call = client
        .get_metric_statistics()
        .namespace(namespace)
        .metric_name(name)
        .dimensions(own.build())
        .start_time(DateTime::from_secs(now - 300))
        .end_time(DateTime::from_secs(now + 60))
        .period(3600)
        .statistics(Statistic::Sum);
    let answer = cloud.wait(call.send()).unwrap();
    let points = answer.datapoints();
    assert_eq!(points.len(), 1, "{namespace} {name}: {points:?}");
    (
        points[0].sum().unwrap(),
        points[0].unit().unwrap().as_str().to_owned(),
    )
}

#[test]
fn everything_arrives_with_its_unit() {
    let (cloud, programs) = (Cloud::start(), Programs::all());
    let proxy = Proxy::start(cloud.url(), Behaviour::new());
    let tool = programs.tool("--dummy upload --jitter 0");
    let output = tool.endpoint(proxy.url()).run().expect_status(0);
    assert_eq!(output.stdout, "");
    assert_eq!(proxy.count("PutMetricData"), 5, "memory is two calls");
    let stored = stored(&cloud);
    let names: Vec<(&str, &str)> = stored
        .keys()
        .map(|(space, name)| (space.as_str(), name.as_str()))
        .collect();
    assert_eq!(
        names,
        [
            ("EC2/CPU", "idle"),
            ("EC2/CPU", "iowait"),
            ("EC2/CPU", "steal"),
            ("EC2/CPU", "system"),
            ("EC2/CPU", "user"),
            ("EC2/Disk", "/dev/nvme0n1p1"),
            ("EC2/Memory", "%MemFree"),
            ("EC2/Memory", "Buffers"),
            ("EC2/Memory", "Cached"),
            ("EC2/Memory", "MemFree"),
            ("EC2/Memory", "MemTotal"),
            ("RabbitMQ", "ingestion_workflow"),
        ]
    );
    let host = "desktop_mhccloudwatchtest";
    assert!(stored.values().all(|dimension| dimension == host));
    let table = [
        ("EC2/CPU", "iowait", 3.75, "Percent"),
        ("EC2/CPU", "idle", 92.0, "Percent"),
        ("EC2/Disk", "/dev/nvme0n1p1", 42.0, "Percent"),
        ("RabbitMQ", "ingestion_workflow", 12.0, "Count"),
    ];
    for (namespace, name, wanted, unit) in table {
        let found = value(&cloud, namespace, name, host);
        assert_eq!(found, (wanted, unit.to_owned()), "{namespace} {name}");
    }
    let meminfo = std::fs::read_to_string("/proc/meminfo").unwrap();
    let total: f64 = meminfo.split_whitespace().nth(1).unwrap().parse().unwrap();
    let found = value(&cloud, "EC2/Memory", "MemTotal", host);
    assert_eq!(found, (total / 1024.0, "Megabytes".to_owned()));
    let (share, unit) = value(&cloud, "EC2/Memory", "%MemFree", host);
    assert!(
        share > 0.0 && share <= 100.0 && unit == "Percent",
        "{share} {unit}"
    );
}

/// A host of ours: region and dimension are those of its instance, whatever region the variables name.
#[test]
fn a_host_sends_as_itself() {
    let (cloud, programs) = (Cloud::start(), Programs::all());
    let token = ResponseTemplate::new(200).set_body_string("tok");
    let texts = [
        (
            "user-data",
            "hostclass=\"mhcweb\"\nenvironment_name=\"ci\"\n",
        ),
        ("meta-data/placement/region", "us-west-2\n"),
    ];
    let metadata = Metadata::new(token, true, &texts);
    let tool = metadata.with(programs.tool("upload").endpoint(cloud.url()));
    tool.env("AWS_REGION", "eu-central-1")
        .run()
        .expect_status(0);
    let stored = stored(&cloud);
    assert_eq!(stored.len(), 12);
    assert!(stored.values().all(|dimension| dimension == "ci_mhcweb"));
}

#[test]
fn what_fails_is_skipped_and_logged() {
    let cloud = Cloud::start();
    let fails = "echo 'Error: no such node' >&2; exit 2";
    let broken = "echo '/dev/xvda1 1 1 1 7% /'; echo 'df: /mnt: Transport endpoint is not connected' >&2; exit 1";
    let table = [
        (
            vec![],
            vec!["EC2/Memory"],
            vec![
                "`iostat -c`",
                "`df -P -l`",
                "`sudo -n rabbitmqctl list_queues`",
            ],
        ),
        (
            vec![("df", broken)],
            vec!["EC2/Disk", "EC2/Memory"],
            vec!["`iostat -c`"],
        ),
        (
            vec![("iostat", IOSTAT), ("df", DF), ("sudo", fails)],
            vec!["EC2/CPU", "EC2/Disk", "EC2/Memory"],
            vec!["no such node"],
        ),
        (
            vec![("iostat", "echo nonsense"), ("df", DF), ("sudo", "exit 0")],
            vec!["EC2/Disk", "EC2/Memory"],
            vec!["`iostat -c`: its output cannot be read"],
        ),
    ];
    for (programs, namespaces, told) in table {
        cloud.reset();
        let programs = Programs::new(&programs);
        let tool = programs.tool("upload --dummy").endpoint(cloud.url());
        let output = tool.run().expect_status(0);
        let mut found: Vec<String> = stored(&cloud).into_keys().map(|(space, _)| space).collect();
        found.dedup();
        assert_eq!(found, namespaces);
        for text in told {
            assert!(output.stderr.contains(text), "{text}: {}", output.stderr);
        }
    }
}

#[test]
fn a_dry_run_prints_and_sends_nothing() {
    let (cloud, programs) = (Cloud::start(), Programs::all());
    let proxy = Proxy::start(cloud.url(), Behaviour::new());
    let tool = programs.tool("--dummy upload --dry-run --jitter 1000000");
    let output = tool.endpoint(proxy.url()).run().expect_status(0);
    assert_eq!(proxy.calls().len(), 0);
    let lines: Vec<&str> = output
        .stdout
        .lines()
        .filter(|line| !line.contains("EC2/Memory"))
        .collect();
    let row = |space: &str, name: &str, value: &str, unit: &str| {
        format!("{space:<10} {name:<20} {value:>12} {unit:<9} desktop_mhccloudwatchtest")
    };
    assert_eq!(
        lines,
        [
            row("RabbitMQ", "ingestion_workflow", "12.00", "Count"),
            row("EC2/CPU", "iowait", "3.75", "Percent"),
            row("EC2/CPU", "steal", "0.50", "Percent"),
            row("EC2/CPU", "user", "1.50", "Percent"),
            row("EC2/CPU", "system", "2.00", "Percent"),
            row("EC2/CPU", "idle", "92.00", "Percent"),
            row("EC2/Disk", "/dev/nvme0n1p1", "42.00", "Percent"),
        ]
    );
    assert_eq!(output.stdout.lines().count(), 12);
}

/// Passing failures pass, whatever their kind; lasting ones end it. The pauses are cut short by
/// `ASIAQ_POLL_INTERVAL`, but count.
#[test]
fn failures_are_repeated_for_a_while() {
    let (cloud, programs) = (Cloud::start(), Programs::new(&[]));
    let refused = Behaviour::new()
        .answer_first("PutMetricData", 400, "{}")
        .answer_first("PutMetricData", 500, "oops")
        .answer_first("PutMetricData", 403, "");
    let proxy = Proxy::start(cloud.url(), refused.reset_at(4));
    let tool = programs.tool("--dummy upload").endpoint(proxy.url());
    tool.run().expect_status(0);
    assert_eq!(proxy.count("PutMetricData"), 6, "two calls, four failures");
    assert_eq!(stored(&cloud).len(), 5);

    let lasting = Behaviour::new().answer("PutMetricData", 503, "");
    let proxy = Proxy::start(cloud.url(), lasting);
    let start = Instant::now();
    let tool = programs.tool("--dummy upload").endpoint(proxy.url());
    let output = tool.run().expect_status(1);
    assert!(start.elapsed() < Duration::from_secs(40));
    assert!(
        output.stderr.contains("PutMetricData of EC2/Memory"),
        "{}",
        output.stderr
    );
    let calls = proxy.count("PutMetricData");
    assert!(
        (6..=12).contains(&calls),
        "{calls} calls: each of two between 3 and 6 times"
    );

    // Nobody listens.
    let tool = programs
        .tool("--dummy upload")
        .endpoint("http://127.0.0.1:9");
    let output = tool.run().expect_status(1);
    assert!(
        output.stderr.contains("cannot reach AWS"),
        "{}",
        output.stderr
    );
}
