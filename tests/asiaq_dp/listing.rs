//! `dp list` and `dp delete`.

use super::World;
use crate::support::proxy::{Behaviour, Proxy};
use serde_json::Value;

const CI: &[(&str, &str)] = &[("environment", "ci")];

/// One pipeline as AWS describes it: the example of the specification.
fn described(id: &str) -> String {
    format!(
        r#"{{"pipelineDescriptionList": [{{"pipelineId": "{id}", "name": "nightly", "description": "all tables",
            "fields": [{{"key": "@creationTime", "stringValue": "2016-03-02T12:00:00"}},
                       {{"key": "@latestRunTime", "stringValue": "2016-05-12T08:00:00"}},
                       {{"key": "@healthStatus", "stringValue": "HEALTHY"}},
                       {{"key": "@pipelineState", "stringValue": "SCHEDULED"}}],
            "tags": [{{"key": "environment", "value": "ci"}}]}}]}}"#
    )
}

#[test]
fn names_tags_and_columns() {
    let world = World::new();
    assert_eq!(world.run("dp list").expect_status(0).stdout, "");
    let own = world.make("nightly", CI);
    let other = world.make("nightly", &[("environment", "prod")]);
    let none = world.make("by hand", &[]);
    let list = |words: &str| world.run(words).expect_status(0).stdout;
    assert_eq!(list("dp list"), format!("{own}\tnightly\n"));
    assert_eq!(list("--env prod dp list"), format!("{other}\tnightly\n"));
    assert_eq!(
        list("dp list --environment prod"),
        format!("{other}\tnightly\n")
    );
    assert_eq!(list("--env nowhere dp list"), "");
    let all = format!("{own}\tnightly\n{other}\tnightly\n{none}\tby hand\n");
    assert_eq!(list("dp list --all-envs"), all);
    assert_eq!(list("dp list --all-envs --pipeline-name nightl"), "");
    let named = format!("{own}\tnightly\n{other}\tnightly\n");
    assert_eq!(list("dp list --all-envs --pipeline-name nightly"), named);
    let shown = world
        .tool_at(world.cloud.url(), "dp list")
        .env("DEFAULT_ENV", "prod")
        .run();
    assert_eq!(
        shown.stdout,
        format!("{other}\tnightly\n"),
        "DEFAULT_ENV comes before the file"
    );
    let rich = list("dp list --desc --last-run --state --health");
    assert_eq!(rich, format!("{own}\tnightly\tN/A\tPENDING\tNEVER\t\n"));
    // The endpoint writes dates in a form of its own: they stay as they are.
    let date = list("dp list --create-date");
    let date = date.trim_end().rsplit('\t').next().unwrap();
    assert_eq!(date.matches('-').count(), 4, "{date}");
}

#[test]
fn the_dates_of_the_specification_and_json_with_all_columns() {
    let world = World::new();
    let id = world.make("nightly", CI);
    let behaviour = || Behaviour::new().answer("DescribePipelines", 200, &described(&id));
    let text = |words: &str| world.through(behaviour(), words).0.expect_status(0).stdout;
    assert_eq!(
        text("dp list --health --state --create-date --last-run --desc"),
        format!(
            "{id}\tnightly\tHEALTHY\tSCHEDULED\t2016-03-02T07:00:00-05:00\t2016-05-12T04:00:00-04:00\tall tables\n"
        )
    );
    let json: Value = serde_json::from_str(&text("dp list --output json")).unwrap();
    assert_eq!(
        json,
        serde_json::json!([{
            "id": id, "name": "nightly", "health": "HEALTHY", "state": "SCHEDULED",
            "create_date": "2016-03-02T07:00:00-05:00", "last_run": "2016-05-12T04:00:00-04:00",
            "description": "all tables", "tags": {"environment": "ci"},
        }])
    );
    let project = "project_name = rehearsal";
    world.config.edit(
        "disco_aws.ini",
        project,
        &format!("{project}\nuser_timezone = Europe/Berlin"),
    );
    assert!(text("dp list --create-date").ends_with("\t2016-03-02T13:00:00+01:00\n"));
    world
        .config
        .edit("disco_aws.ini", "Europe/Berlin", "Europe/Atlantis");
    let (output, proxy) = world.through(behaviour(), "dp list");
    let output = output.expect_status(1);
    let place = "disco_aws.ini:4: [disco_aws] user_timezone: `Europe/Atlantis` is no time zone";
    assert!(output.stderr.contains(place), "{}", output.stderr);
    assert!(proxy.calls().is_empty(), "before any call");
}

#[test]
fn all_pages_in_few_calls() {
    let world = World::new();
    let client = world.client();
    for n in 0..60 {
        let call = client
            .create_pipeline()
            .name(format!("p{n:02}"))
            .unique_id(n.to_string());
        world.cloud.wait(call.send()).unwrap();
    }
    let (output, proxy) = world.through(Behaviour::new(), "dp list --all-envs");
    let output = output.expect_status(0);
    let names: Vec<&str> = output
        .stdout
        .lines()
        .filter_map(|line| line.split('\t').nth(1))
        .collect();
    let wanted: Vec<String> = (0..60).map(|n| format!("p{n:02}")).collect();
    assert_eq!(names, wanted);
    assert_eq!(
        (
            proxy.count("ListPipelines"),
            proxy.count("DescribePipelines")
        ),
        (2, 3)
    );
}

#[test]
fn batches_are_described_at_once() {
    let world = World::new();
    let client = world.client();
    for n in 0..45 {
        let call = client.create_pipeline().name("p").unique_id(n.to_string());
        world.cloud.wait(call.send()).unwrap();
    }
    let delay = Behaviour::new().delay(std::time::Duration::from_millis(300));
    let (output, proxy) = world.through(delay, "dp list --all-envs");
    assert_eq!(output.expect_status(0).stdout.lines().count(), 45);
    assert_eq!((proxy.calls().len(), proxy.longest_chain()), (3, 2));
}

#[test]
fn throttling_passes() {
    let world = World::new();
    let id = world.make("nightly", CI);
    let slow = Behaviour::new()
        .throttle("ListPipelines", 1)
        .throttle("DescribePipelines", 1);
    let (output, proxy) = world.through(slow, "dp list");
    assert_eq!(output.expect_status(0).stdout, format!("{id}\tnightly\n"));
    assert_eq!(proxy.calls().len(), 4);
}

#[test]
fn deleting() {
    let world = World::new();
    let (id, other) = (world.make("nightly", CI), world.make("other", CI));
    let dry = format!("dp delete {id} --dry-run");
    let (output, calls) = world.watch(&dry);
    assert_eq!(
        output.expect_status(0).stdout,
        format!("- pipeline nightly ({id})\n")
    );
    assert_eq!(calls, [""; 0]);
    let (output, calls) = world.watch(&format!("dp delete {id}"));
    let output = output.expect_status(0);
    assert_eq!(output.stdout, "");
    assert!(
        output.stderr.contains("Deleting pipeline nightly"),
        "{}",
        output.stderr
    );
    assert_eq!(calls, ["DeletePipeline"]);
    assert_eq!(world.pipeline("other").pipeline_id, other);
    assert_eq!(world.pipelines().len(), 1);
    let again = world.run(&format!("dp delete {id}")).expect_status(1);
    assert!(
        again
            .stderr
            .contains(&format!("error: no pipeline `{id}` in us-west-2")),
        "{}",
        again.stderr
    );
    let body = r#"{"__type":"PipelineDeletedException","message":"gone"}"#;
    let gone = Behaviour::new().answer("DescribePipelines", 400, body);
    let (output, _) = world.through(gone, &format!("dp delete {other}"));
    assert!(
        output
            .expect_status(1)
            .stderr
            .contains("error: no pipeline")
    );
}

#[test]
fn an_account_without_data_pipeline() {
    let world = World::with_bucket();
    let denied = r#"{"__type":"AccessDeniedException","message":"User is not authorized to perform: datapipeline:ListPipelines"}"#;
    let closed = r#"{"__type":"InvalidRequestException","message":"AWS Data Pipeline is not available to new customers"}"#;
    for body in [denied, closed] {
        for words in ["dp list", "ddb_backup backup users", "dp delete df-1"] {
            let behaviour = Behaviour::new().answer("ListPipelines", 400, body).answer(
                "DescribePipelines",
                400,
                body,
            );
            let (output, proxy) = world.through(behaviour, words);
            let output = output.expect_status(1);
            assert_eq!(output.stdout, "");
            let lines: Vec<&str> = output.stderr.lines().collect();
            assert_eq!(lines.len(), 2, "{words}: {}", output.stderr);
            assert!(
                lines[0].starts_with("error: Data Pipeline is not available in us-west-2"),
                "{lines:?}"
            );
            for instead in ["point-in-time recovery", "export to S3", "AWS Backup"] {
                assert!(
                    lines[1].starts_with("hint: ") && lines[1].contains(instead),
                    "{lines:?}"
                );
            }
            assert_eq!(super::changing(&proxy), [""; 0]);
        }
        // Those that need S3 only work.
        let behaviour = Behaviour::new().answer("ListPipelines", 400, body);
        let proxy = Proxy::start(world.cloud.url(), behaviour);
        for words in ["ddb_backup init", "ddb_backup list users"] {
            world.tool_at(proxy.url(), words).run().expect_status(0);
        }
    }
}

#[test]
fn a_region_without_data_pipeline() {
    let world = World::new();
    let output = world
        .tool_at("http://datapipeline.eu-north-1.invalid", "dp list")
        .env("AWS_MAX_ATTEMPTS", "1")
        .run()
        .expect_status(1);
    assert!(
        output.stderr.contains("failed to lookup address"),
        "{}",
        output.stderr
    );
    let hint = "hint: check the network; if other services answer, us-west-2 is a region without AWS Data Pipeline";
    assert!(output.stderr.contains(hint), "{}", output.stderr);
}
