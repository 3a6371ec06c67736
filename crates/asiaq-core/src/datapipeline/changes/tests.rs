#![allow(clippy::unwrap_used, clippy::expect_used)]
use super::*;

fn objects(text: &str) -> Vec<Object> {
    Definition::parse("t", text.as_bytes()).unwrap().objects
}

fn job(force_reload: bool) -> Job {
    Job {
        new: NewPipeline {
            name: "T backup - ci".into(),
            description: "d".into(),
            unique_id: "u".into(),
            tags: Tags::new(),
        },
        definition: Definition {
            objects: objects(r#"{"objects": [{"id": "Default"}, {"id": "b", "x": "1"}]}"#),
            ..Definition::default()
        },
        file: "t.json".into(),
        values: vec![("a".into(), "b".into())],
        what: "T to S3".into(),
        force_reload,
    }
}

fn existing(state: &str, text: &str) -> Existing {
    Existing {
        pipeline: Pipeline {
            id: "df-1".into(),
            state: Some(state.into()),
            ..Pipeline::default()
        },
        objects: objects(text),
    }
}

const SAME: &str = r#"{"objects": [{"id": "b", "x": "1"}, {"id": "Default"}]}"#;
const OTHER: &str = r#"{"objects": [{"id": "b", "x": "2"}, {"id": "c"}]}"#;
const NONE: &str = r#"{"objects": []}"#;

#[test]
fn each_state_that_a_run_can_find() {
    let activate = "~ activate pipeline T backup - ci (df-1): T to S3";
    let define = "definition of pipeline T backup - ci (df-1) from t.json";
    let table = [
        (
            false,
            Some(existing("SCHEDULED", SAME)),
            vec![activate.to_owned()],
        ),
        (
            false,
            Some(existing("SCHEDULED", OTHER)),
            vec![activate.to_owned()],
        ),
        (
            false,
            Some(existing("PENDING", SAME)),
            vec![
                format!("~ {define}, no object differs"),
                activate.to_owned(),
            ],
        ),
        (
            false,
            Some(existing("PENDING", NONE)),
            vec![format!("+ {define}"), activate.to_owned()],
        ),
        (
            false,
            Some(existing("PENDING", OTHER)),
            vec![
                format!("~ {define}, objects +Default ~b -c"),
                activate.to_owned(),
            ],
        ),
        (
            true,
            Some(existing("SCHEDULED", SAME)),
            vec![
                format!("~ {define}, no object differs"),
                activate.to_owned(),
            ],
        ),
        (
            true,
            Some(existing("SCHEDULED", OTHER)),
            vec![
                format!("~ {define}, objects +Default ~b -c"),
                activate.to_owned(),
            ],
        ),
        (
            false,
            None,
            vec![
                "+ pipeline T backup - ci".to_owned(),
                "+ definition of pipeline T backup - ci from t.json".to_owned(),
                "~ activate pipeline T backup - ci: T to S3".to_owned(),
            ],
        ),
    ];
    for (force, existing, lines) in table {
        assert_eq!(
            plan(job(force), existing.as_ref()).lines(),
            lines,
            "{existing:?}"
        );
    }
}

#[test]
fn one_step_after_the_other() {
    let plan = plan(job(false), None);
    let needs: Vec<&[String]> = plan
        .changes()
        .iter()
        .map(|change| &change.needs[..])
        .collect();
    assert_eq!(needs[0], [""; 0]);
    assert_eq!(needs[1], ["pipeline"]);
    assert_eq!(needs[2], ["pipeline", "definition"]);
}

#[test]
fn several_matches_are_an_error_that_names_them() {
    let with = |id: &str, state: &str| Pipeline {
        id: id.into(),
        state: Some(state.into()),
        ..Pipeline::default()
    };
    let tags: Tags = [("environment".to_owned(), "ci".to_owned())].into();
    assert_eq!(only(vec![], &tags).unwrap(), None);
    let found = only(
        vec![with("df-1", "DELETING"), with("df-2", "PENDING")],
        &tags,
    )
    .unwrap();
    assert_eq!(found.unwrap().id, "df-2");
    let error = only(
        vec![with("df-1", "PENDING"), with("df-2", "FINISHED")],
        &tags,
    )
    .unwrap_err();
    assert_eq!(
        error.to_string(),
        "2 pipelines carry the tags environment=ci: df-1, df-2"
    );
    assert!(error.hint().unwrap().contains("asiaq dp delete"));
}
