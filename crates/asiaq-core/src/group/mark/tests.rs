//! Tables of single tags.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;
use crate::group::record::tests::group;

fn tagged(tags: &[(&str, &str)]) -> Group {
    let mut own = group("ci_mhcweb_1");
    let pair = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
    own.tags = tags.iter().map(pair).collect();
    own
}

#[test]
fn only_what_differs_is_marked() {
    let own = tagged(&[
        ("is_testing", "1"),
        ("deploy_replaces", "-"),
        ("owner", "ann"),
    ]);
    let plan = plan_mark(&own, &[("is_testing", Some("0")), ("owner", Some("ann"))]);
    assert_eq!(plan.lines(), ["~ tags of ci_mhcweb_1: is_testing 1 -> 0"]);
    let put = GroupAction::PutTags {
        group: own.name.clone(),
        tags: Tags::from([("is_testing".to_owned(), "0".to_owned())]),
    };
    assert_eq!(plan.changes()[0].action, put);

    let plan = plan_mark(&own, &[("deploy_replaces", None), ("gone", None)]);
    assert_eq!(
        plan.lines(),
        ["~ tags of ci_mhcweb_1: deploy_replaces - -> none"]
    );
    let delete = GroupAction::DeleteTags {
        group: own.name.clone(),
        keys: vec!["deploy_replaces".to_owned()],
    };
    assert_eq!(plan.changes()[0].action, delete);

    let plan = plan_mark(
        &own,
        &[("is_testing", Some("0")), ("deploy_replaces", None)],
    );
    assert_eq!(plan.changes().len(), 2);
    assert!(plan_mark(&own, &[("is_testing", Some("1")), ("gone", None)]).is_empty());
}
