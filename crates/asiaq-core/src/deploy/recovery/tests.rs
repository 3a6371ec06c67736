//! Which leftovers are found among groups and balancers.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;
use crate::aws::Tags;
use crate::group::LaunchRef;

fn group(name: &str, tags: &[(&str, &str)]) -> Group {
    Group {
        name: name.to_owned(),
        kind: Kind::Asg,
        min_size: 0,
        max_size: 1,
        desired_capacity: 1,
        launch: LaunchRef::None,
        mixed_instances: false,
        launch_config_name: None,
        image_id: None,
        termination_policies: Vec::new(),
        vpc_zone_identifier: String::new(),
        load_balancers: Vec::new(),
        target_groups: Vec::new(),
        tags: tags
            .iter()
            .map(|(k, v)| ((*k).into(), (*v).into()))
            .collect::<Tags>(),
        instances: Vec::new(),
        deleting: false,
        spot: None,
    }
}

const TESTING: (&str, &str) = ("is_testing", "1");
const SERVING: (&str, &str) = ("is_testing", "0");

fn replaces(name: &str) -> (&str, &str) {
    ("deploy_replaces", name)
}

fn lines(groups: &[Group], balancers: &[(&str, bool)], wanted: &[&str]) -> Vec<String> {
    let balancers = balancers
        .iter()
        .map(|(hostclass, testing)| names::balancer_id("ci", hostclass, *testing));
    let wanted = wanted.iter().map(|name| (*name).to_owned()).collect();
    let found = leftovers("ci", groups, &balancers.collect(), &wanted);
    found.iter().map(|own| own.line("ci")).collect()
}

#[test]
fn tags_tell_what_is_left() {
    let old = || group("ci_mhcweb_1", &[SERVING]);
    let new = |tags: &[(&str, &str)]| group("ci_mhcweb_2", tags);
    let going = || Group {
        deleting: true,
        ..old()
    };
    let under_test =
        "- group mhcweb ci_mhcweb_2 of an interrupted deployment, with its testing load balancer";
    let switching =
        "~ group mhcweb ci_mhcweb_2 of an interrupted deployment takes the place of ci_mhcweb_1";
    let marked =
        "~ group mhcweb ci_mhcweb_2 serves: what its interrupted deployment has left is removed";
    let table: [(&str, Vec<Group>, &[&str]); 10] = [
        ("nothing at all", vec![], &[]),
        ("a group that serves", vec![old()], &[]),
        (
            "under test beside the old one",
            vec![old(), new(&[TESTING, replaces("ci_mhcweb_1")])],
            &[under_test],
        ),
        (
            "under test alone",
            vec![new(&[TESTING, replaces("-")])],
            &[under_test],
        ),
        ("an operator's own", vec![old(), new(&[TESTING])], &[]),
        (
            "in the middle of the switch",
            vec![old(), new(&[SERVING, replaces("ci_mhcweb_1")])],
            &[switching],
        ),
        (
            "the old group is going",
            vec![going(), new(&[SERVING, replaces("ci_mhcweb_1")])],
            &[marked],
        ),
        (
            "the old group is gone",
            vec![new(&[SERVING, replaces("ci_mhcweb_1")])],
            &[marked],
        ),
        (
            "there was none",
            vec![new(&[SERVING, replaces("-")])],
            &[marked],
        ),
        (
            "a group that is going itself",
            vec![Group {
                deleting: true,
                ..new(&[TESTING, replaces("-")])
            }],
            &[],
        ),
    ];
    for (what, groups, wanted) in table {
        assert_eq!(lines(&groups, &[], &["mhcweb"]), wanted, "{what}");
        assert_eq!(lines(&groups, &[], &["mhcdb"]), [""; 0], "{what}");
    }
}

#[test]
fn a_group_under_test_knows_the_one_that_serves_if_it_lives() {
    let old = || group("ci_mhcweb_1", &[SERVING]);
    let new = |old: &str| group("ci_mhcweb_2", &[TESTING, replaces(old)]);
    let table = [
        (vec![old(), new("ci_mhcweb_1")], Some("ci_mhcweb_1")),
        (vec![new("ci_mhcweb_1")], None),
        (vec![old(), new("-")], None),
    ];
    let wanted = BTreeSet::from(["mhcweb".to_owned()]);
    for (groups, serves) in table {
        let found = leftovers("ci", &groups, &BTreeSet::new(), &wanted);
        let under_test = What::UnderTest {
            new: "ci_mhcweb_2".to_owned(),
            old: serves.map(str::to_owned),
        };
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].what, under_test);
    }
}

#[test]
fn testing_balancers_without_a_group_of_theirs() {
    let balancer = "- load balancer ci-mhcweb-test of an interrupted deployment";
    let under_test = group("ci_mhcweb_2", &[TESTING]);
    let marked = group("ci_mhcweb_2", &[SERVING, replaces("-")]);
    let serving = group("ci_mhcweb_1", &[SERVING]);
    let both = &[("mhcweb", true), ("mhcweb", false)][..];
    assert_eq!(
        lines(std::slice::from_ref(&serving), both, &["mhcweb"]),
        [balancer]
    );
    assert_eq!(lines(&[], both, &["mhcweb", "mhcdb"]), [balancer]);
    assert_eq!(
        lines(&[serving], &[("mhcweb", false)], &["mhcweb"]),
        [""; 0]
    );
    // An operator's group under test keeps its own, and a group at its end removes it.
    assert_eq!(lines(&[under_test], both, &["mhcweb"]), [""; 0]);
    let at_its_end = lines(&[marked], both, &["mhcweb"]);
    assert!(matches!(&at_its_end[..], [line] if line.starts_with("~ group mhcweb ci_mhcweb_2")));
    // What looks like a testing balancer may be the normal one of another hostclass.
    let other = group("ci_mhcweb-test_1", &[SERVING]);
    assert_eq!(
        lines(&[other], &[("mhcweb-test", false)], &["mhcweb"]),
        [""; 0]
    );
}
