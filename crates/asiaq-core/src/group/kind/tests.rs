#![allow(clippy::unwrap_used, clippy::expect_used)]
use super::super::record::tests::group;
use super::super::spot::tests::elastigroup;
use super::*;

fn state(groups: Vec<Group>, spotinst: bool) -> GroupState {
    GroupState {
        env: "ci".into(),
        groups,
        launches: Default::default(),
        policies: Vec::new(),
        scheduled: Vec::new(),
        spotinst,
        invisible: ["mhcweb".to_owned()].into(),
    }
}

#[test]
fn table_of_section_14() {
    let (asg, spot) = (group("ci_mhcweb_1"), elastigroup("ci_mhcweb_2"));
    let table = [
        (vec![], Target::Hostclass, false, Kind::Asg, false),
        (vec![], Target::Hostclass, true, Kind::Spot, false),
        (vec![asg.clone()], Target::Another, true, Kind::Spot, false),
        (vec![spot.clone()], Target::Another, false, Kind::Asg, false),
        (vec![asg.clone()], Target::Hostclass, true, Kind::Asg, true),
        (
            vec![asg.clone()],
            Target::Hostclass,
            false,
            Kind::Asg,
            false,
        ),
        (
            vec![spot.clone()],
            Target::Hostclass,
            false,
            Kind::Spot,
            true,
        ),
        (
            vec![spot.clone()],
            Target::Hostclass,
            true,
            Kind::Spot,
            false,
        ),
        (
            vec![asg.clone(), spot.clone()],
            Target::Hostclass,
            true,
            Kind::Spot,
            false,
        ),
        (
            vec![asg.clone(), spot.clone()],
            Target::Named("ci_mhcweb_1"),
            true,
            Kind::Asg,
            true,
        ),
        (
            vec![asg, spot],
            Target::Named("ci_mhcweb_9"),
            true,
            Kind::Spot,
            false,
        ),
    ];
    for (groups, target, want_spot, kind, mismatched) in table {
        let state = state(groups, true);
        assert_eq!(
            kind_for(&state, "mhcweb", target, want_spot).unwrap(),
            kind,
            "{target:?}"
        );
        let existing = existing_for(&state, "mhcweb", target).unwrap();
        let note = mismatch(existing, want_spot);
        assert_eq!(
            note.is_some(),
            mismatched,
            "{target:?} {want_spot} {note:?}"
        );
    }
    let two = state(vec![group("ci_mhcweb_1"), group("ci_mhcweb_2")], true);
    for target in [Target::Hostclass, Target::Another] {
        assert!(kind_for(&two, "mhcweb", target, true).is_err());
    }
}

#[test]
fn what_needs_spotinst_without_a_token_is_refused() {
    let off = state(vec![], false);
    let error = kind_for(&off, "mhcweb", Target::Hostclass, true).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the group of hostclass mhcweb needs Spotinst, which is disabled: SPOTINST_TOKEN is not set"
    );
    assert!(error.hint().unwrap().contains("SPOTINST_TOKEN"));
    let existing = state(vec![group("ci_mhcweb_1")], false);
    assert_eq!(
        kind_for(&existing, "mhcweb", Target::Hostclass, true).unwrap(),
        Kind::Asg
    );
}

#[test]
fn groups_that_nobody_can_see_are_warned_of() {
    let table = [
        ("mhcweb", false, false, true),
        ("mhcweb", true, false, false),
        ("mhcweb", false, true, false),
        ("mhcapp", false, false, false),
    ];
    for (hostclass, want_spot, spotinst, warned) in table {
        let found = invisible(&state(vec![], spotinst), hostclass, want_spot);
        assert_eq!(
            found.is_some(),
            warned,
            "{hostclass} {want_spot} {spotinst}"
        );
    }
}
