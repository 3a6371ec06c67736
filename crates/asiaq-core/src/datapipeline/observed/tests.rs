#![allow(clippy::unwrap_used, clippy::expect_used)]
use super::super::testing::{described, refusal, with};
use super::*;
use serde_json::{Value, json};

/// 60 pipelines in pages of 50, described in reverse order.
fn sixty(operation: &str, body: &Value, _before: usize) -> (u16, Value) {
    let listed = |n: usize| json!({"id": format!("df-{n}"), "name": format!("p{}", n % 2)});
    let page = |numbers: std::ops::Range<usize>| numbers.map(listed).collect::<Vec<_>>();
    match (operation, body["marker"].as_str()) {
        ("ListPipelines", None) => (
            200,
            json!({"pipelineIdList": page(0..50), "hasMoreResults": true, "marker": "50"}),
        ),
        ("ListPipelines", Some("50")) => (
            200,
            json!({"pipelineIdList": page(50..60), "hasMoreResults": false, "marker": ""}),
        ),
        ("DescribePipelines", _) => {
            let ids = body["pipelineIds"].as_array().unwrap().iter().rev();
            let list: Vec<Value> = ids.map(|id| described(id.as_str().unwrap(), "p")).collect();
            (200, json!({ "pipelineDescriptionList": list }))
        }
        other => panic!("{other:?}"),
    }
}

fn sizes(calls: &[(String, Value)]) -> Vec<usize> {
    let described = calls
        .iter()
        .filter(|(operation, _)| operation == "DescribePipelines");
    let mut sizes: Vec<usize> = described
        .map(|(_, body)| body["pipelineIds"].as_array().unwrap().len())
        .collect();
    sizes.sort_unstable();
    sizes
}

#[test]
fn all_pages_are_read_and_described_in_batches_in_the_order_of_the_list() {
    let all = Selection::default();
    let (found, calls) = with(sixty, async |aws| read(aws, &all).await);
    let ids: Vec<String> = found
        .unwrap()
        .into_iter()
        .map(|pipeline| pipeline.id)
        .collect();
    let wanted: Vec<String> = (0..60).map(|n| format!("df-{n}")).collect();
    assert_eq!(ids, wanted);
    assert_eq!(sizes(&calls), [10, 25, 25]);
}

#[test]
fn only_pipelines_of_a_fitting_name_are_described() {
    let selection = Selection {
        name: Some("p1".into()),
        ..Selection::default()
    };
    let (_, calls) = with(sixty, async |aws| read(aws, &selection).await);
    assert_eq!(sizes(&calls), [5, 25]);
}

#[test]
fn one_that_was_deleted_meanwhile_does_not_hide_the_others() {
    let script = |operation: &str, body: &Value, before: usize| {
        let ids = body["pipelineIds"].as_array();
        match ids.is_some_and(|ids| ids.contains(&json!("df-7"))) {
            true if ids.map(Vec::len) == Some(1) => refusal("PipelineNotFoundException"),
            true => refusal("PipelineDeletedException"),
            false => sixty(operation, body, before),
        }
    };
    let selection = Selection::default();
    let (found, calls) = with(script, async |aws| read(aws, &selection).await);
    let ids: Vec<String> = found
        .unwrap()
        .into_iter()
        .map(|pipeline| pipeline.id)
        .collect();
    let wanted: Vec<String> = (0..60)
        .filter(|n| *n != 7)
        .map(|n| format!("df-{n}"))
        .collect();
    assert_eq!(ids, wanted);
    assert_eq!(sizes(&calls), [[1; 25].as_slice(), &[10, 25, 25]].concat());
}

#[test]
fn a_description_is_read_field_by_field() {
    let (found, _) = with(sixty, async |aws| one(aws, "df-3").await);
    let pipeline = found.unwrap().unwrap();
    assert_eq!(pipeline.state.as_deref(), Some("SCHEDULED"));
    assert_eq!(pipeline.created.as_deref(), Some("2016-03-02T12:00:00"));
    assert_eq!(
        (pipeline.health, pipeline.last_run, pipeline.description),
        (None, None, None)
    );
    assert_eq!(pipeline.tags["environment"], "ci");
    let (found, _) = with(
        |_, _, _| refusal("PipelineNotFoundException"),
        async |aws| one(aws, "df-3").await,
    );
    assert_eq!(found.unwrap(), None);
    let (found, _) = with(
        |_, _, _| refusal("AccessDeniedException"),
        async |aws| one(aws, "df-3").await,
    );
    assert!(found.unwrap_err().hint().unwrap().contains("AWS Backup"));
}
