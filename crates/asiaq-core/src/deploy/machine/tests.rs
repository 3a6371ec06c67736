//! The table: every step with its failures, all pairs of state and event, and random histories.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::Event as E;
use super::Reason as R;
use super::State as S;
use super::*;
use proptest::prelude::*;

const EVENTS: [Event; 9] = [
    E::Done,
    E::Failed,
    E::TimedOut,
    E::Rejected,
    E::NoTestHost,
    E::NoHosts,
    E::TooManyGroups,
    E::SameGroup,
    E::Interrupted,
];

const REASONS: [Reason; 17] = [
    R::NotBegun,
    R::TooManyGroups,
    R::SameGroup,
    R::NotMade,
    R::SmokeTest,
    R::IntegrationTest,
    R::NoTestHost,
    R::NoHosts,
    R::TestMode,
    R::NotAdmitted,
    R::NotInService,
    R::NotRetired,
    R::NotFinished,
    R::ImageNotGiven,
    R::Broken,
    R::Interrupted,
    R::NotDeployable,
];

/// The states in which there may be a new group that does not serve alone yet.
const BEFORE_THE_SWITCH: [State; 9] = [
    S::Making,
    S::WaitingForHosts,
    S::SmokeTesting,
    S::IntegrationTesting,
    S::Promoting,
    S::ListingHosts,
    S::LeavingTestMode,
    S::Admitting,
    S::WaitingForBalancer,
];

fn all_facts() -> impl Iterator<Item = Facts> {
    (0..8).map(|bits| Facts {
        deployable: bits & 1 > 0,
        has_test: bits & 2 > 0,
        has_old: bits & 4 > 0,
    })
}

fn all_states() -> Vec<State> {
    let plain = [S::Start, S::Retiring, S::Finishing, S::GivingImage, S::Done];
    let with = REASONS
        .iter()
        .flat_map(|&reason| [S::Failing(reason), S::Removing(reason), S::Failed(reason)]);
    plain
        .into_iter()
        .chain(BEFORE_THE_SWITCH)
        .chain(with)
        .collect()
}

const FULL: Facts = Facts {
    deployable: true,
    has_test: true,
    has_old: true,
};

/// The steps of section 13.3: what is done, what follows success, and what follows each failure of the second column.
#[test]
fn each_step_of_the_specification_with_its_failures() {
    type Row<'a> = (&'a str, State, State, &'a [(Event, State)]);
    let table: [Row<'_>; 15] = [
        (
            "before step 1: nothing is made that could not be tested from here",
            S::Start,
            S::Making,
            &[
                (E::Failed, S::Failed(R::NotBegun)),
                (E::Interrupted, S::Failed(R::Interrupted)),
            ],
        ),
        (
            "1 and 2: too many groups and a group that is the old one leave everything; all else cleans up (D-25)",
            S::Making,
            S::WaitingForHosts,
            &[
                (E::TooManyGroups, S::Failed(R::TooManyGroups)),
                (E::SameGroup, S::Failed(R::SameGroup)),
                (E::Failed, S::Removing(R::NotMade)),
                (E::TimedOut, S::Removing(R::NotMade)),
                (E::Interrupted, S::Removing(R::Interrupted)),
            ],
        ),
        (
            "3: no hosts in time is a smoke failure",
            S::WaitingForHosts,
            S::SmokeTesting,
            &[
                (E::TimedOut, S::Failing(R::SmokeTest)),
                (E::Failed, S::Removing(R::Broken)),
                (E::Interrupted, S::Removing(R::Interrupted)),
            ],
        ),
        (
            "4: not in time, or a host died",
            S::SmokeTesting,
            S::IntegrationTesting,
            &[
                (E::TimedOut, S::Failing(R::SmokeTest)),
                (E::Rejected, S::Failing(R::SmokeTest)),
                (E::Failed, S::Removing(R::Broken)),
                (E::Interrupted, S::Removing(R::Interrupted)),
            ],
        ),
        (
            "5: a test that says no; 7b: nobody to run it, the stage stays",
            S::IntegrationTesting,
            S::Promoting,
            &[
                (E::Rejected, S::Failing(R::IntegrationTest)),
                (E::TimedOut, S::Failing(R::IntegrationTest)),
                (E::NoTestHost, S::Removing(R::NoTestHost)),
                (E::Failed, S::Removing(R::Broken)),
                (E::Interrupted, S::Removing(R::Interrupted)),
            ],
        ),
        (
            "6: a promotion that fails is ignored",
            S::Promoting,
            S::ListingHosts,
            &[
                (E::Failed, S::ListingHosts),
                (E::Rejected, S::ListingHosts),
                (E::Interrupted, S::Removing(R::Interrupted)),
            ],
        ),
        (
            "7a: marking the image as failed may fail, the group goes all the same",
            S::Failing(R::SmokeTest),
            S::Removing(R::SmokeTest),
            &[
                (E::Failed, S::Removing(R::SmokeTest)),
                (E::Interrupted, S::Removing(R::SmokeTest)),
            ],
        ),
        (
            "8: no hosts (D-26)",
            S::ListingHosts,
            S::LeavingTestMode,
            &[
                (E::NoHosts, S::Removing(R::NoHosts)),
                (E::Failed, S::Removing(R::Broken)),
                (E::Interrupted, S::Removing(R::Interrupted)),
            ],
        ),
        (
            "9: not all hosts left testing mode",
            S::LeavingTestMode,
            S::Admitting,
            &[
                (E::Rejected, S::Removing(R::TestMode)),
                (E::Failed, S::Removing(R::TestMode)),
                (E::Interrupted, S::Removing(R::Interrupted)),
            ],
        ),
        (
            "10: not deployable and removed, the old group gets the image",
            S::Removing(R::NotDeployable),
            S::GivingImage,
            &[
                (E::Failed, S::Failed(R::Broken)),
                (E::Interrupted, S::Failed(R::Interrupted)),
            ],
        ),
        (
            "10: the image for the old group",
            S::GivingImage,
            S::Done,
            &[
                (E::Failed, S::Failed(R::ImageNotGiven)),
                (E::Interrupted, S::Failed(R::Interrupted)),
            ],
        ),
        (
            "11 and 13: the group becomes one that serves (D-26)",
            S::Admitting,
            S::WaitingForBalancer,
            &[
                (E::Failed, S::Removing(R::NotAdmitted)),
                (E::TimedOut, S::Removing(R::NotAdmitted)),
                (E::Interrupted, S::Removing(R::Interrupted)),
            ],
        ),
        (
            "12: in service",
            S::WaitingForBalancer,
            S::Retiring,
            &[
                (E::TimedOut, S::Removing(R::NotInService)),
                (E::Failed, S::Removing(R::NotInService)),
                (E::Interrupted, S::Removing(R::Interrupted)),
            ],
        ),
        (
            "14: from here on the new group stays",
            S::Retiring,
            S::Finishing,
            &[
                (E::Failed, S::Failed(R::NotRetired)),
                (E::TimedOut, S::Failed(R::NotRetired)),
                (E::Interrupted, S::Failed(R::Interrupted)),
            ],
        ),
        (
            "15: the testing balancer goes",
            S::Finishing,
            S::Done,
            &[
                (E::Failed, S::Failed(R::NotFinished)),
                (E::Interrupted, S::Failed(R::Interrupted)),
            ],
        ),
    ];
    for (what, state, done, failures) in table {
        assert_eq!(next(state, E::Done, FULL), done.into(), "{what}");
        for (event, wanted) in failures {
            assert_eq!(
                next(state, *event, FULL),
                (*wanted).into(),
                "{what}: {event:?}"
            );
        }
    }
}

#[test]
fn what_is_not_there_is_left_out() {
    let path = |deployable, has_test, has_old| {
        happy_path(Facts {
            deployable,
            has_test,
            has_old,
        })
    };
    let common = [S::Start, S::Making, S::WaitingForHosts, S::SmokeTesting];
    let rest = [S::LeavingTestMode, S::Admitting, S::WaitingForBalancer];
    let test: &[State] = &[S::IntegrationTesting];
    let end: &[State] = &[S::Finishing];
    let all = |parts: [&[State]; 4]| [&common[..], &parts.concat()].concat();
    let stage = &[S::Promoting, S::ListingHosts][..];
    let gone = &[S::Removing(R::NotDeployable)][..];
    let table = [
        (
            path(true, true, true),
            all([test, stage, &rest, &[S::Retiring, S::Finishing]]),
        ),
        (
            path(true, false, true),
            all([&[], stage, &rest, &[S::Retiring, S::Finishing]]),
        ),
        (path(true, false, false), all([&[], stage, &rest, end])),
        (
            path(false, true, true),
            all([test, stage, gone, &[S::GivingImage]]),
        ),
        (path(false, false, false), all([&[], stage, gone, &[]])),
    ];
    for (path, wanted) in table {
        assert_eq!(path, wanted);
    }
}

/// Every pair of state and event, with all facts.
#[test]
fn everything_wrong_before_the_switch_leads_to_removal_and_an_error() {
    for facts in all_facts() {
        for state in BEFORE_THE_SWITCH {
            for event in EVENTS.into_iter().filter(|&event| event != E::Done) {
                // Two failures of making leave everything as it is, and promotions may fail.
                let spared =
                    state == S::Making && [E::TooManyGroups, E::SameGroup].contains(&event);
                if spared || (state == S::Promoting && event != E::Interrupted) {
                    continue;
                }
                let mut at = next(state, event, facts).state;
                let mut removed = false;
                // Whatever the clean-up meets, it goes on.
                while !at.is_end() {
                    removed |= at.action() == Some(Action::RemoveNew);
                    assert!(
                        matches!(at.action(), Some(Action::MarkFailed | Action::RemoveNew)),
                        "{state:?} {event:?} leads to {at:?}"
                    );
                    at = next(at, E::Failed, facts).state;
                }
                assert!(removed, "{state:?} {event:?} leaves the new group");
                assert!(
                    matches!(at, S::Failed(_)),
                    "{state:?} {event:?} ends {at:?}"
                );
            }
        }
    }
}

#[test]
fn steps_carry_the_action_of_their_state_and_ends_stay() {
    for facts in all_facts() {
        for state in all_states() {
            for event in EVENTS {
                let step = next(state, event, facts);
                assert_eq!(step.action, step.state.action(), "{state:?} {event:?}");
                if state.is_end() {
                    assert_eq!(step.state, state, "{event:?}");
                }
                // Once the old group may be gone, nothing removes the new one.
                if state.is_switched() {
                    assert_ne!(step.action, Some(Action::RemoveNew), "{state:?} {event:?}");
                }
                // The old group goes only when the new one is in service.
                if step.action == Some(Action::RetireOld) {
                    assert_eq!((state, event), (S::WaitingForBalancer, E::Done));
                    assert!(facts.has_old);
                }
                // An image is blamed for tests only.
                if let S::Failing(reason) = step.state {
                    assert!(matches!(reason, R::SmokeTest | R::IntegrationTest));
                }
            }
        }
    }
}

#[test]
fn what_makes_and_what_cleans_is_never_cut() {
    let uncut = [S::Making, S::Failing(R::SmokeTest), S::Removing(R::Broken)];
    assert!(uncut.iter().all(|state| !state.may_be_cut()));
    let cut = [
        S::Start,
        S::SmokeTesting,
        S::Admitting,
        S::Retiring,
        S::GivingImage,
    ];
    assert!(cut.iter().all(|state| state.may_be_cut()));
}

/// What the world looks like after the actions of a history.
#[derive(Debug, Default)]
struct World {
    made: bool,
    removed: bool,
    in_service: bool,
    retired: bool,
}

proptest! {
    #[test]
    fn any_history_ends_and_keeps_a_group_that_serves(
        bits in 0..8usize,
        events in proptest::collection::vec(0..EVENTS.len(), 40),
        mostly_well in any::<bool>(),
    ) {
        let facts = all_facts().nth(bits).unwrap();
        let mut state = S::Start;
        let mut world = World::default();
        let mut steps = 0;
        for (index, event) in events.into_iter().enumerate() {
            // Histories in which all goes wrong from the start show little.
            let event = if mostly_well && index % 7 != 6 { E::Done } else { EVENTS[event] };
            if state.is_end() {
                break;
            }
            steps += 1;
            match state.action() {
                Some(Action::Make) => world.made = !matches!(event, E::TooManyGroups | E::SameGroup),
                Some(Action::AwaitService) => world.in_service |= event == E::Done,
                Some(Action::RetireOld) => {
                    prop_assert!(facts.deployable && facts.has_old && world.in_service && !world.removed);
                    world.retired = true;
                }
                Some(Action::RemoveNew) => {
                    prop_assert!(!world.retired, "the new group goes after the old one");
                    world.removed = true;
                }
                _ => {}
            }
            state = next(state, event, facts).state;
        }
        prop_assert!(state.is_end(), "not at an end after {steps} steps: {state:?}");
        prop_assert!(steps <= 16);
        let kept = facts.deployable && world.in_service;
        match state {
            S::Done => prop_assert!(world.removed != kept),
            // Ctrl-C during the switch leaves both groups; else what was made is removed.
            S::Failed(_) => prop_assert!(!world.made || world.removed || world.in_service),
            _ => {}
        }
    }
}
