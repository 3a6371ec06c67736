#![allow(clippy::unwrap_used, clippy::expect_used)]
use super::*;

fn object(kind: LaunchObjectKind, name: &str) -> LaunchObject {
    let id = (kind == LaunchObjectKind::Template).then(|| format!("lt-{name}"));
    LaunchObject {
        name: name.into(),
        kind,
        id,
        image_id: Some("ami-1".into()),
    }
}

#[test]
fn cleaning_takes_own_unused_objects_only() {
    use LaunchObjectKind::{Configuration, Template};
    let objects = [
        object(Template, "ci_mhcweb_1"),
        object(Template, "ci_mhcweb_2"),
        object(Template, "ci_mhcweb_3"),
        object(Template, "ci_handmade"),
        object(Template, "ci2_mhcweb_1"),
        object(Configuration, "ci_mhcweb_1"),
        object(Configuration, "ci_mhcweb_2"),
        object(Configuration, "ci_handmade"),
        object(Configuration, "other_mhcweb_1"),
    ];
    let used = [
        "template/lt-ci_mhcweb_1",
        "template/ci_mhcweb_2",
        "configuration/ci_mhcweb_1",
    ];
    let usage = used.iter().map(|key| ((*key).to_owned(), 1)).collect();
    let plan = plan_clean_launch_objects("ci", &objects, &usage);
    assert_eq!(
        plan.lines(),
        [
            "- launch template ci_mhcweb_3",
            "- launch configuration ci_mhcweb_2",
            "- launch configuration ci_handmade"
        ]
    );
    assert!(plan.changes().iter().all(|c| matches!(
        c.action,
        GroupAction::DeleteLaunchObject { strict: false, .. }
    )));
    assert_eq!(plan.changes()[0].id, "launch-delete/template/ci_mhcweb_3");
}

#[test]
fn objects_serialise_with_the_documented_keys() {
    let json = serde_json::to_string(&object(LaunchObjectKind::Configuration, "ci_a_1")).unwrap();
    assert_eq!(
        json,
        r#"{"name":"ci_a_1","type":"configuration","id":null,"image_id":"ami-1"}"#
    );
}
