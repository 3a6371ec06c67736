//! Which way a deployment goes.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;
use crate::deploy::groups::tests::{deployment, group};

#[test]
fn a_group_tells_of_an_interrupted_deployment() {
    assert_eq!(interrupted(&group("ci_mhcweb_1", (1, 1, 1), &[])), None);
    let tags = [("deploy_rolls_from", "lt-1:1/lt-2:1")];
    let text = interrupted(&group("ci_mhcweb_1", (1, 1, 1), &tags)).unwrap();
    assert!(text.contains("ci_mhcweb_1 from lt-1:1 to lt-2:1"), "{text}");
}

#[test]
fn a_dry_run_tells_the_way() {
    let old = || Some(group("ci_mhcweb_1", (1, 1, 1), &[]));
    let path_of = |deployable: bool, test: Option<&str>, spot: bool| {
        let mut own = deployment(old(), "1,,");
        own.deployable = deployable;
        own.integration_test = test.map(str::to_owned);
        if let Some(group) = own.old.as_mut().filter(|_| spot) {
            group.kind = Kind::Spot;
        }
        path(&own)
    };
    let first = |path: &[String]| path.first().cloned().unwrap();
    assert!(first(&path(&deployment(None, "1,,"))).starts_with("mhcweb has no group yet"));
    assert!(first(&path_of(false, None, false)).starts_with("mhcweb is not deployable"));
    let asg = path_of(true, None, false);
    assert_eq!(asg.len(), 4);
    assert_eq!(
        asg[1],
        "start an instance refresh of group ci_mhcweb_1 and follow it"
    );
    let spot = path_of(true, Some("web"), true);
    assert_eq!(spot.len(), 5);
    assert_eq!(spot[0], "give image ami-2 to Elastigroup ci_mhcweb_1");
    assert_eq!(spot[3], "run integration test web");
}
