#![allow(clippy::unwrap_used, clippy::expect_used)]
use super::*;

fn database(id: &str, status: &str, obstacle: Option<&str>) -> Database {
    Database {
        id: id.to_owned(),
        status: status.to_owned(),
        endpoint: None,
        obstacle: obstacle.map(str::to_owned),
    }
}

#[test]
fn states_that_allow_a_final_snapshot() {
    let table = [
        ("available", None, true),
        ("backing-up", None, true),
        ("creating", None, true),
        ("deleting", None, true),
        ("deleting", Some("read replica of ci-a"), true),
        ("stopped", None, false),
        ("modifying", None, false),
        ("storage-full", None, false),
        ("available", Some("deletion protection is on"), false),
    ];
    for (status, obstacle, fine) in table {
        let result = refuse_without_snapshot(&[
            database("ci-a", "available", None),
            database("ci-b", status, obstacle),
        ]);
        assert_eq!(result.is_ok(), fine, "{status} {obstacle:?}");
        if let Err(error) = result {
            let why = obstacle.unwrap_or(status);
            assert!(
                error.to_string().ends_with(&format!(" of ci-b ({why})")),
                "{error}"
            );
            assert!(error.hint().unwrap().contains("`available`"));
        }
    }
}

#[test]
fn what_goes_and_what_remains_is_said() {
    let databases = Databases {
        instances: vec![
            database("ci-a", "available", None),
            database("ci-b", "deleting", None),
        ],
        subnet_groups: vec!["ci-a".into()],
        old_snapshots: ["ci-a-final-snapshot".to_owned()].into(),
        cnames: Vec::new(),
    };
    let plan = plan_delete("vpc-1", &databases);
    assert_eq!(
        plan.lines(),
        [
            "- snapshot ci-a-final-snapshot of an earlier database",
            "- database ci-a (leaves snapshot ci-a-final-snapshot)",
            "- database ci-b (being deleted)",
            "- database subnet group ci-a"
        ]
    );
    assert_eq!(plan.changes()[1].needs, ["databases"]);
    assert!(plan_delete("vpc-1", &Databases::default()).is_empty());
}
