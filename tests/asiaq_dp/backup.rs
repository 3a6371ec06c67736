//! `ddb_backup backup` and `ddb_backup restore`.

use super::{BUCKET, World, changing, field, of_object};
use crate::support::asiaq;
use crate::support::proxy::{Behaviour, Proxy};

const NAME: &str = "users backup - ci";
const TEMPLATE: &str = "datapipeline_templates/dynamodb_backup.json";

fn tags(table: &str) -> [(&str, &str); 3] {
    [
        ("environment", "ci"),
        ("template", "dynamodb_backup"),
        ("table_name", table),
    ]
}

#[test]
fn the_first_backup_makes_a_pipeline_and_the_next_ones_activate_it() {
    let world = World::with_bucket();
    let tool = |more: &[&str]| {
        let proxy = Proxy::start(world.cloud.url(), Behaviour::new());
        let base = ["ddb_backup", "backup", "users"];
        let output = world
            .tool_at(proxy.url(), "")
            .args(base)
            .args(more.iter().copied())
            .run();
        (output, changing(&proxy))
    };
    let (output, calls) = tool(&["--backup_period", "2 hours", "--dry-run"]);
    let output = output.expect_status(0);
    let file = world.config.path().join(TEMPLATE);
    assert_eq!(
        output.stdout,
        format!(
            "+ pipeline {NAME}\n+ definition of pipeline {NAME} from {}\n\
             ~ activate pipeline {NAME}: table users_ci to s3://{BUCKET}/ci/users/, every 2 hours\n",
            file.display()
        )
    );
    assert_eq!(calls, [""; 0]);
    assert!(world.pipelines().is_empty());
    let (output, calls) = tool(&["--backup-period", "2 hours"]);
    assert_eq!(output.expect_status(0).stdout, "");
    assert_eq!(
        calls,
        [
            "CreatePipeline",
            "PutPipelineDefinition",
            "ActivatePipeline"
        ]
    );
    let pipeline = world.pipeline(NAME);
    assert_eq!(field(&pipeline, "@pipelineState"), Some("SCHEDULED"));
    assert_eq!(
        pipeline.description(),
        Some("Periodic backup for users table in ci env")
    );
    let mut found: Vec<(&str, &str)> = pipeline
        .tags()
        .iter()
        .map(|tag| (tag.key(), tag.value()))
        .collect();
    found.sort_unstable();
    let mut wanted = tags("users");
    wanted.sort_unstable();
    assert_eq!(found, wanted);
    let objects = world.objects(&pipeline);
    assert_eq!(
        of_object(&objects, "Default", "pipelineLogUri"),
        Some(&*format!("s3://{BUCKET}/logs/"))
    );
    assert_eq!(of_object(&objects, "Default", "subnetId"), None);
    assert_eq!(
        of_object(&objects, "BackupActivity", "runsOn"),
        Some("BackupCluster")
    );
    let (output, calls) = tool(&[]);
    output.expect_status(0);
    assert_eq!(calls, ["ActivatePipeline"]);
}

#[test]
fn force_reload_replaces_the_definition() {
    let world = World::with_bucket();
    world.run("ddb_backup backup users").expect_status(0);
    world.config.edit(
        TEMPLATE,
        "\"coreInstanceCount\": \"1\"",
        "\"coreInstanceCount\": \"7\"",
    );
    let count = || {
        let objects = world.objects(&world.pipeline(NAME));
        of_object(&objects, "BackupCluster", "coreInstanceCount").map(String::from)
    };
    world.run("ddb_backup backup users").expect_status(0);
    assert_eq!(
        count().as_deref(),
        Some("1"),
        "a pipeline that runs keeps its definition"
    );
    let dry = world
        .run("ddb_backup backup users --force-reload --dry-run")
        .expect_status(0);
    assert!(
        dry.stdout.contains(", objects ~BackupCluster\n"),
        "{}",
        dry.stdout
    );
    let (output, calls) = world.watch("ddb_backup backup users --force-reload");
    output.expect_status(0);
    assert_eq!(calls, ["PutPipelineDefinition", "ActivatePipeline"]);
    assert_eq!(count().as_deref(), Some("7"));
}

#[test]
fn two_matches_are_an_error_that_names_them() {
    let world = World::with_bucket();
    let (one, two) = (
        world.make("a", &tags("users")),
        world.make("b", &tags("users")),
    );
    world.make("c", &tags("orders"));
    let (output, calls) = world.watch("ddb_backup backup users");
    let output = output.expect_status(1);
    assert!(
        output.stderr.contains(&format!("{one}, {two}")),
        "{}",
        output.stderr
    );
    assert!(
        output.stderr.contains("hint: keep one"),
        "{}",
        output.stderr
    );
    assert_eq!(calls, [""; 0]);
    world.run("ddb_backup backup orders").expect_status(0);
}

#[test]
fn two_backups_at_once_make_one_pipeline() {
    let world = World::with_bucket();
    let slow = Behaviour::new().delay(std::time::Duration::from_secs(1));
    let proxy = Proxy::start(world.cloud.url(), slow);
    let start = || {
        world
            .tool_at(proxy.url(), "ddb_backup backup users")
            .spawn()
    };
    let both = [start(), start()];
    for running in both {
        running.wait().expect_status(0);
    }
    assert_eq!(proxy.count("CreatePipeline"), 2, "both saw none");
    let pipeline = world.pipeline(NAME);
    assert_eq!(world.pipelines().len(), 1);
    assert_eq!(field(&pipeline, "@pipelineState"), Some("SCHEDULED"));
    assert_eq!(world.objects(&pipeline).len(), 6);
}

#[test]
fn faults_that_aws_finds_are_told_and_a_corrected_template_is_taken() {
    let world = World::with_bucket();
    let body = r#"{"errored": true,
        "validationErrors": [{"id": "BackupCluster", "errors": ["'x9.huge' is no instance type", "no role"]}],
        "validationWarnings": [{"id": "Default", "warnings": ["no log"]}]}"#;
    let faulty = Behaviour::new().answer("PutPipelineDefinition", 200, body);
    let (output, proxy) = world.through(faulty, "ddb_backup backup users");
    let output = output.expect_status(1);
    for text in [
        "object BackupCluster: 'x9.huge' is no instance type",
        "object BackupCluster: no role",
        "object Default: no log",
    ] {
        assert!(output.stderr.contains(text), "{text}: {}", output.stderr);
    }
    assert_eq!(proxy.count("ActivatePipeline"), 0);
    assert_eq!(
        field(&world.pipeline(NAME), "@pipelineState"),
        Some("PENDING")
    );
    // AWS keeps a faulty definition; the pipeline was never activated, so the template's takes its place.
    let (output, calls) = world.watch("ddb_backup backup users");
    output.expect_status(0);
    assert_eq!(calls, ["PutPipelineDefinition", "ActivatePipeline"]);
    let warned =
        r#"{"errored": false, "validationWarnings": [{"id": "Default", "warnings": ["no log"]}]}"#;
    let behaviour = Behaviour::new().answer("PutPipelineDefinition", 200, warned);
    let (output, _) = world.through(behaviour, "ddb_backup backup users --force-reload");
    let output = output.expect_status(0);
    assert!(
        output.stderr.contains("object Default: no log"),
        "{}",
        output.stderr
    );
}

#[test]
fn restoring() {
    let world = World::with_bucket();
    let (output, calls) = world.watch("ddb_backup restore users");
    let output = output.expect_status(1);
    let none = format!("error: no backup found of table `users` in s3://{BUCKET}/ci/users/\n");
    assert!(output.stderr.contains(&none), "{}", output.stderr);
    assert!(output.stderr.contains("hint: "), "{}", output.stderr);
    assert_eq!(calls, [""; 0]);
    for date in [
        "2016-01-01-00-00-00",
        "2016-10-01-00-00-00",
        "2016-09-30-00-00-00",
    ] {
        world.put(&format!("ci/users/{date}/part-0"));
    }
    let dry = |words: &str| world.run(&format!("ddb_backup restore users --dry-run {words}"));
    let line =
        |date: &str| format!("restore - ci: s3://{BUCKET}/ci/users/{date}/ to table users_ci\n");
    let output = dry("").expect_status(0);
    let latest = output.stdout;
    assert!(latest.ends_with(&line("2016-10-01-00-00-00")), "{latest}");
    let unfinished = format!("s3://{BUCKET}/ci/users/2016-10-01-00-00-00/ has neither");
    assert!(output.stderr.contains(&unfinished), "{}", output.stderr);
    world.put("ci/users/2016-10-01-00-00-00/manifest");
    let output = dry("").expect_status(0);
    assert!(!output.stderr.contains("has neither"), "{}", output.stderr);
    let chosen = dry("--from 2016-01-01-00-00-00/").expect_status(0).stdout;
    assert!(chosen.ends_with(&line("2016-01-01-00-00-00")), "{chosen}");
    let missing = dry("--from 2015-01-01-00-00-00").expect_status(1).stderr;
    assert!(
        missing.contains("no backup `2015-01-01-00-00-00` found"),
        "{missing}"
    );
    let (output, calls) = world.watch("ddb_backup restore users");
    output.expect_status(0);
    assert_eq!(
        calls,
        [
            "CreatePipeline",
            "PutPipelineDefinition",
            "ActivatePipeline"
        ]
    );
    let pipeline = world.pipeline("users restore - ci");
    assert_eq!(field(&pipeline, "@pipelineState"), Some("SCHEDULED"));
    assert_eq!(
        pipeline.description(),
        Some("DynamoDB backup restore pipeline for ci.")
    );
    let template = pipeline.tags().iter().find(|tag| tag.key() == "template");
    assert_eq!(template.map(|tag| tag.value()), Some("dynamodb_restore"));
}

#[test]
fn machines_in_a_metanetwork() {
    let world = World::with_bucket();
    let (output, calls) = world.watch("ddb_backup backup users --metanetwork intranet");
    let output = output.expect_status(1);
    assert!(
        output.stderr.contains("cannot select environment `ci`"),
        "{}",
        output.stderr
    );
    assert_eq!(calls, [""; 0]);
    asiaq("disco_vpc_ui")
        .endpoint(world.cloud.url())
        .config(world.config.path())
        .args(["create", "--name", "ci", "--type", "ci"])
        .run()
        .expect_status(0);
    world
        .run("ddb_backup backup users --metanetwork intranet")
        .expect_status(0);
    let subnet = || {
        let objects = world.objects(&world.pipeline(NAME));
        of_object(&objects, "Default", "subnetId")
            .map(String::from)
            .unwrap()
    };
    let net = |id: &str| {
        let call = world
            .cloud
            .client()
            .describe_subnets()
            .subnet_ids(id)
            .send();
        let found = world.cloud.wait(call).unwrap().subnets.unwrap();
        let tag = found[0]
            .tags()
            .iter()
            .find(|tag| tag.key() == Some("meta_network"));
        tag.and_then(|tag| tag.value.clone()).unwrap()
    };
    let first = subnet();
    assert_eq!(net(&first), "intranet");
    let output = world
        .run("ddb_backup backup users --metanetwork dmz")
        .expect_status(0);
    assert!(
        output
            .stderr
            .contains("--metanetwork dmz needs --force-reload"),
        "{}",
        output.stderr
    );
    assert_eq!(subnet(), first);
    world
        .run("ddb_backup backup users --metanetwork dmz --force-reload")
        .expect_status(0);
    let second = subnet();
    assert_eq!(net(&second), "dmz");
    // Without the option the machines stay where they are.
    world
        .run("ddb_backup backup users --force-reload")
        .expect_status(0);
    assert_eq!(subnet(), second);
}

#[test]
fn a_faulty_template_is_told_before_any_call() {
    let world = World::with_bucket();
    let whole = std::fs::read_to_string(world.config.path().join(TEMPLATE)).unwrap();
    for (old, new, problem) in [
        (
            "{\"ref\": \"SourceTable\"}",
            "{\"ref\": \"Nothing\"}",
            "BackupActivity input: there is no object `Nothing`",
        ),
        (
            "\"id\": \"Default\"",
            "\"id\": \"Defaults\"",
            "no object `Default`: this is no valid pipeline definition",
        ),
        (
            "\"objects\": [",
            "\"objects\": [,",
            "dynamodb_backup.json:2: not valid JSON",
        ),
    ] {
        world.config.write(TEMPLATE, &whole);
        world.config.edit(TEMPLATE, old, new);
        let (output, proxy) = world.through(Behaviour::new(), "ddb_backup backup users");
        let output = output.expect_status(1);
        assert!(output.stderr.contains(problem), "{}", output.stderr);
        assert!(proxy.calls().is_empty());
    }
    std::fs::remove_file(world.config.path().join(TEMPLATE)).unwrap();
    let output = world.run("ddb_backup backup users").expect_status(1);
    assert!(
        output.stderr.contains("Config path not found"),
        "{}",
        output.stderr
    );
}

#[test]
fn few_round_trips() {
    let world = World::with_bucket();
    world.run("ddb_backup backup users").expect_status(0);
    let delay = Behaviour::new().delay(std::time::Duration::from_millis(200));
    let (output, proxy) = world.through(delay, "ddb_backup backup users");
    output.expect_status(0);
    // The bucket is looked at beside the list; then description, definition, activation.
    assert_eq!((proxy.calls().len(), proxy.longest_chain()), (5, 4));
}
