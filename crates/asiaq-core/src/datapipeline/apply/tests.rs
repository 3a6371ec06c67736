#![allow(clippy::unwrap_used, clippy::expect_used)]
use super::super::changes::{self, Existing, Job};
use super::super::record::Pipeline;
use super::super::testing::{Script, described, refusal, with};
use super::*;
use crate::plan::Silent;
use serde_json::{Value, json};

fn job() -> Job {
    let text =
        br#"{"objects": [{"id": "Default", "on": {"ref": "b"}, "kind": ["x", "y"]}, {"id": "b"}],
                    "parameters": [{"id": "p", "type": "String"}], "values": {"q": "1"}}"#;
    let values = vec![("p".to_owned(), "v".to_owned())];
    let mut definition = Definition::parse("t.json", text).unwrap();
    definition.set_values(&values);
    Job {
        new: NewPipeline {
            name: "T backup - ci".into(),
            description: "about it".into(),
            unique_id: "asiaq/ci/dynamodb_backup/T".into(),
            tags: [("environment".to_owned(), "ci".to_owned())].into(),
        },
        definition,
        file: "t.json".into(),
        values,
        what: "all".into(),
        force_reload: false,
    }
}

async fn run(aws: &Aws) -> Result<()> {
    apply(aws, &changes::plan(job(), None), &Silent).await
}

fn names(calls: &[(String, Value)]) -> Vec<&str> {
    calls
        .iter()
        .map(|(operation, _)| operation.as_str())
        .collect()
}

fn works(operation: &str, _body: &Value, _before: usize) -> (u16, Value) {
    match operation {
        "CreatePipeline" => (200, json!({"pipelineId": "df-1"})),
        "DescribePipelines" => refusal("PipelineNotFoundException"),
        "PutPipelineDefinition" => (
            200,
            json!({"errored": false, "validationWarnings": [{"id": "b", "warnings": ["careful"]}]}),
        ),
        _ => (200, json!({})),
    }
}

#[test]
fn a_new_pipeline_is_sent_in_full() {
    let (result, calls) = with(works, async |aws| run(aws).await);
    result.unwrap();
    let wanted = [
        "CreatePipeline",
        "DescribePipelines",
        "PutPipelineDefinition",
        "ActivatePipeline",
    ];
    assert_eq!(names(&calls), wanted);
    assert_eq!(
        calls[0].1,
        json!({"name": "T backup - ci", "description": "about it", "uniqueId": "asiaq/ci/dynamodb_backup/T",
               "tags": [{"key": "environment", "value": "ci"}]})
    );
    assert_eq!(
        calls[2].1,
        json!({
            "pipelineId": "df-1",
            "pipelineObjects": [
                {"id": "Default", "name": "Default", "fields": [
                    {"key": "on", "refValue": "b"},
                    {"key": "kind", "stringValue": "x"},
                    {"key": "kind", "stringValue": "y"},
                ]},
                {"id": "b", "name": "b", "fields": []},
            ],
            "parameterObjects": [{"id": "p", "attributes": [{"key": "type", "stringValue": "String"}]}],
            "parameterValues": [{"id": "q", "stringValue": "1"}, {"id": "p", "stringValue": "v"}],
        })
    );
    assert_eq!(
        calls[3].1["parameterValues"],
        json!([{"id": "p", "stringValue": "v"}])
    );
    let (start, now) = (
        calls[3].1["startTimestamp"].as_f64().unwrap(),
        chrono::Utc::now().timestamp(),
    );
    assert!((start - now as f64).abs() < 600.0, "{start} {now}");
}

#[test]
fn what_aws_finds_wrong_is_told_and_nothing_is_activated() {
    let script = |operation: &str, body: &Value, before: usize| match operation {
        "PutPipelineDefinition" => (
            200,
            json!({"errored": true, "validationErrors": [
                {"id": "Default", "errors": ["'kind' is unknown", "a role is missing"]},
                {"errors": ["no schedule"]},
            ]}),
        ),
        _ => works(operation, body, before),
    };
    let (result, calls) = with(script, async |aws| run(aws).await);
    let error = result.unwrap_err();
    let text = error.to_string();
    for line in [
        "object Default: 'kind' is unknown",
        "object Default: a role is missing",
        "object ?: no schedule",
    ] {
        assert!(text.contains(line), "{text}");
    }
    assert!(text.contains("not started: ~ activate"), "{text}");
    assert!(error.hint().unwrap().contains("t.json"));
    assert!(!names(&calls).contains(&"ActivatePipeline"));
}

#[test]
fn the_id_of_a_deleted_pipeline_leads_to_another_unique_id() {
    let script = |operation: &str, body: &Value, before: usize| match (operation, before) {
        ("CreatePipeline", 0) => (200, json!({"pipelineId": "df-0"})),
        ("DescribePipelines", 0) => refusal("PipelineDeletedException"),
        _ => works(operation, body, before),
    };
    let (result, calls) = with(script, async |aws| run(aws).await);
    result.unwrap();
    let created: Vec<&Value> = calls
        .iter()
        .filter(|(operation, _)| operation == "CreatePipeline")
        .map(|(_, body)| &body["uniqueId"])
        .collect();
    assert_eq!(
        created,
        [
            "asiaq/ci/dynamodb_backup/T",
            "asiaq/ci/dynamodb_backup/T/after/df-0"
        ]
    );
    assert_eq!(calls.last().unwrap().1["pipelineId"], "df-1");
    let dying = |operation: &str, body: &Value, before: usize| match (operation, before) {
        ("CreatePipeline", 0) => (200, json!({"pipelineId": "df-0"})),
        ("DescribePipelines", 0) => {
            let mut found = described("df-0", "T backup - ci");
            found["fields"][0]["stringValue"] = json!("DELETING");
            (200, json!({ "pipelineDescriptionList": [found] }))
        }
        _ => works(operation, body, before),
    };
    let (result, calls) = with(dying, async |aws| run(aws).await);
    result.unwrap();
    assert_eq!(
        calls[2].1["uniqueId"],
        "asiaq/ci/dynamodb_backup/T/after/df-0"
    );
    assert_eq!(calls.last().unwrap().1["pipelineId"], "df-1");
    let always = |operation: &str, body: &Value, before: usize| match operation {
        "DescribePipelines" => refusal("PipelineDeletedException"),
        _ => works(operation, body, before),
    };
    let (result, calls) = with(always, async |aws| run(aws).await);
    assert!(result.unwrap_err().to_string().contains("was deleted"));
    assert_eq!(calls.len(), 2 * ATTEMPTS);
}

#[test]
fn refusals_of_the_activation_have_advice() {
    let script = |operation: &str, body: &Value, before: usize| match operation {
        "ActivatePipeline" => refusal("InvalidRequestException"),
        _ => works(operation, body, before),
    };
    let (result, _) = with(script, async |aws| run(aws).await);
    let error = result.unwrap_err();
    assert!(
        error.to_string().contains("InvalidRequestException it is"),
        "{error}"
    );
    assert!(error.hint().unwrap().contains("then run the command again"));
}

#[test]
fn a_pipeline_that_was_activated_may_have_to_be_deleted_first() {
    let scripts: [Script; 3] = [
        |operation, body, before| match operation {
            "PutPipelineDefinition" => refusal("InvalidRequestException"),
            _ => works(operation, body, before),
        },
        |operation, body, before| match operation {
            "PutPipelineDefinition" => (
                200,
                json!({"errored": true, "validationErrors": [{"id": "b", "errors": ["removed"]}]}),
            ),
            _ => works(operation, body, before),
        },
        |operation, body, before| match operation {
            "ActivatePipeline" => refusal("InvalidRequestException"),
            _ => works(operation, body, before),
        },
    ];
    for script in scripts {
        for (state, activated) in [("FINISHED", true), ("PENDING", false)] {
            let existing = Existing {
                pipeline: Pipeline {
                    id: "df-1".into(),
                    state: Some(state.into()),
                    ..Pipeline::default()
                },
                objects: Vec::new(),
            };
            let plan = changes::plan(job(), Some(&existing));
            let (result, _) = with(script, async |aws| apply(aws, &plan, &Silent).await);
            let error = result.unwrap_err();
            let hint = error.hint().unwrap_or_default();
            let wanted = "`asiaq dp delete df-1` and run the command again";
            assert_eq!(hint.contains(wanted), activated, "{state}: {hint}");
        }
    }
}

#[test]
fn an_account_that_may_look_but_not_make_gets_the_same_advice() {
    let script = |operation: &str, body: &Value, before: usize| match operation {
        "CreatePipeline" => (
            400,
            json!({"__type": "InvalidRequestException", "message": "This service is not available to new customers"}),
        ),
        _ => works(operation, body, before),
    };
    let (result, calls) = with(script, async |aws| run(aws).await);
    assert!(
        result
            .unwrap_err()
            .hint()
            .unwrap()
            .contains("point-in-time recovery")
    );
    assert_eq!(names(&calls), ["CreatePipeline"]);
}

#[test]
fn deleting_what_is_gone_is_fine() {
    let mut plan = Plan::default();
    let action = PipelineAction::Delete { id: "df-1".into() };
    plan.push("x", [""; 0], crate::plan::Sign::Remove, "x", action);
    let delete = async |aws: &Aws| apply(aws, &plan, &Silent).await;
    let scripts: [(super::super::testing::Script, bool); 3] = [
        (|_, _, _| refusal("PipelineNotFoundException"), true),
        (|_, _, _| refusal("PipelineDeletedException"), true),
        (|_, _, _| refusal("InternalServiceError"), false),
    ];
    for (script, good) in scripts {
        let (result, _) = with(script, delete);
        assert_eq!(result.is_ok(), good, "{result:?}");
    }
}
