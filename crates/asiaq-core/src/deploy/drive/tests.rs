//! The texts of deployments, and what errors mean to the table.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;
use crate::group::{Group, Kind, LaunchRef};
use crate::image::Image;
use crate::pipeline::Row;
use std::time::Duration;

fn old() -> Group {
    Group {
        name: "ci_mhcweb_1".to_owned(),
        kind: Kind::Asg,
        min_size: 0,
        max_size: 4,
        desired_capacity: 2,
        launch: LaunchRef::None,
        mixed_instances: false,
        launch_config_name: None,
        image_id: None,
        termination_policies: Vec::new(),
        vpc_zone_identifier: String::new(),
        load_balancers: Vec::new(),
        target_groups: Vec::new(),
        tags: Default::default(),
        instances: Vec::new(),
        deleting: false,
        spot: None,
    }
}

fn deployment() -> Deployment {
    Deployment {
        hostclass: "mhcweb".to_owned(),
        image: Image {
            id: "ami-1".to_owned(),
            name: "mhcweb 1700000000".to_owned(),
            state: "available".to_owned(),
            tags: Default::default(),
            root_device: None,
            devices: Vec::new(),
            creation_date: None,
        },
        row: Row::default(),
        pipeline_file: "pipeline.csv".to_owned(),
        old: Some(old()),
        kind: Kind::Asg,
        deployable: true,
        integration_test: Some("web_test".to_owned()),
        uses_elb: true,
        strategy: super::super::Strategy::BlueGreen,
        desired: 2,
        min: 0,
        max: 4,
        test_env: "ci".to_owned(),
        limits: super::super::Limits::default(),
    }
}

#[test]
fn a_dry_run_shows_the_way() {
    assert_eq!(
        path(&deployment()),
        [
            "make a new group of mhcweb for tests from ami-1 (desired 2, min 0, max 4) and a testing load balancer",
            "wait for 2 hosts of the new group",
            "wait until the new hosts pass their smoke tests",
            "run integration test web_test in environment ci",
            "give image ami-1 the last stage",
            "leave testing mode on the new hosts",
            "bring the new group into service behind its load balancer",
            "wait until the new hosts are in service behind its load balancer",
            "scale down and delete the old group ci_mhcweb_1",
            "remove what was for tests only",
        ]
    );
    let plain = Deployment {
        deployable: false,
        integration_test: None,
        uses_elb: false,
        ..deployment()
    };
    assert_eq!(
        path(&plain),
        [
            "make a new group of mhcweb for tests from ami-1 (desired 2, min 0, max 4)",
            "wait for 2 hosts of the new group",
            "wait until the new hosts pass their smoke tests",
            "give image ami-1 the last stage",
            "mhcweb is not deployable, destroying new autoscaling group",
            "give group ci_mhcweb_1 image ami-1 for hosts to come; its hosts stay",
        ]
    );
    let first = Deployment { old: None, ..plain };
    assert_eq!(path(&first).len(), 5, "nothing to give the image to");
}

#[test]
fn errors_become_events() {
    let late = || Error::Timeout {
        what: "waiting".to_owned(),
        after: Duration::from_secs(900),
    };
    let refused = || Error::refused("no");
    let many = || Error::refused("too many autoscaling groups for mhcweb");
    let table = [
        (State::SmokeTesting, Error::Interrupted, Event::Interrupted),
        (State::WaitingForBalancer, late(), Event::TimedOut),
        (State::WaitingForHosts, late(), Event::TimedOut),
        (State::WaitingForBalancer, refused(), Event::Failed),
        (State::Making, many(), Event::TooManyGroups),
        (State::Making, refused(), Event::Failed),
        (
            State::Making,
            Error::refused("Old group and new group should not be the same."),
            Event::SameGroup,
        ),
        (State::Admitting, many(), Event::Failed),
    ];
    for (state, error, event) in table {
        assert_eq!(event_of(state, &error), event, "{state:?} {error}");
    }
}

#[test]
fn errors_name_image_and_group_and_say_who_serves() {
    let deployment = deployment();
    let names = Names {
        deployment: &deployment,
        group: Some("ci_mhcweb_2"),
        promoted: false,
    };
    let table = [
        (
            Reason::SmokeTest,
            Some("host i-1 died"),
            "AMI smoke test failed. It was image ami-1 (mhcweb 1700000000) in group ci_mhcweb_2: host i-1 died",
        ),
        (
            Reason::IntegrationTest,
            None,
            "AMI integration test failed. It was image ami-1 (mhcweb 1700000000) in group ci_mhcweb_2",
        ),
        (
            Reason::NoTestHost,
            None,
            "AMI integration test failed. Unable to find test host for image ami-1 (mhcweb 1700000000) in group ci_mhcweb_2; the image keeps its stage",
        ),
        (
            Reason::NoHosts,
            None,
            "Could not find any instances in new group ci_mhcweb_2",
        ),
        (
            Reason::TestMode,
            None,
            "Unable to exit testing mode for group ci_mhcweb_2",
        ),
        (
            Reason::SameGroup,
            None,
            "Old group and new group should not be the same. It is ci_mhcweb_1.",
        ),
        (
            Reason::NotMade,
            Some("no quota"),
            "Spinning up a new autoscaling group failed: image ami-1 (mhcweb 1700000000) in group ci_mhcweb_2: no quota",
        ),
        (Reason::NotBegun, Some("no agent"), "no agent"),
    ];
    for (reason, cause, text) in table {
        let error = names.error(reason, cause.map(Error::refused), true);
        assert_eq!(error.to_string(), text);
        if reason != Reason::NotBegun {
            let hint = error.hint().unwrap();
            assert!(
                hint.contains("group ci_mhcweb_1 serves as before"),
                "{hint}"
            );
        }
    }
    let switch = names.error(Reason::NotRetired, Some(Error::refused("denied")), true);
    assert_eq!(
        switch.hint().unwrap(),
        "running `disco_deploy` again completes the switch"
    );
    let unmade = Names {
        deployment: &deployment,
        group: None,
        promoted: false,
    };
    assert_eq!(
        unmade.remains(),
        "what was made for the new group of mhcweb could not be removed"
    );
}

#[test]
fn an_interrupt_says_what_became_of_the_groups() {
    let deployment = deployment();
    let names = Names {
        deployment: &deployment,
        group: Some("ci_mhcweb_2"),
        promoted: false,
    };
    let table = [
        (
            Some(State::SmokeTesting),
            "interrupted: what was made for group ci_mhcweb_2 is removed; group ci_mhcweb_1 serves as before",
        ),
        (
            Some(State::Start),
            "interrupted: group ci_mhcweb_1 serves as before",
        ),
        (
            Some(State::Retiring),
            "interrupted while group ci_mhcweb_2 took the place of ci_mhcweb_1: running `disco_deploy` again completes that",
        ),
    ];
    for (cut, text) in table {
        assert_eq!(names.after_interrupt(cut, true), text);
    }
}

#[test]
fn an_image_that_has_passed_its_tests_is_deployed_by_its_id() {
    let deployment = deployment();
    let names = Names {
        deployment: &deployment,
        group: Some("ci_mhcweb_2"),
        promoted: true,
    };
    let how = "`disco_deploy test --ami ami-1` or `disco_deploy update --ami ami-1` deploys it";
    for reason in [Reason::TestMode, Reason::NotAdmitted, Reason::NotInService] {
        let error = names.error(reason, Some(Error::refused("denied")), true);
        let hint = error.hint().unwrap();
        assert!(hint.ends_with(how), "{hint}");
    }
    for state in [State::WaitingForBalancer, State::GivingImage] {
        let told = names.after_interrupt(Some(state), true);
        assert!(told.ends_with(how), "{told}");
    }
    let switch = names.after_interrupt(Some(State::Retiring), true);
    assert!(!switch.contains("--ami"), "{switch}");
}

#[test]
fn hosts_that_were_not_listed_are_late() {
    let ids = |ids: &[&str]| -> Vec<String> { ids.iter().map(|&id| id.to_owned()).collect() };
    let table = [
        (ids(&["i-1", "i-2"]), ids(&["i-2", "i-1"]), ids(&[])),
        (ids(&["i-1"]), ids(&["i-2", "i-1"]), ids(&["i-2"])),
        (ids(&["i-1"]), ids(&["i-3"]), ids(&["i-3"])),
        (ids(&["i-1"]), ids(&[]), ids(&[])),
    ];
    for (known, now, wanted) in table {
        assert_eq!(late(&known, &now), wanted, "{known:?} {now:?}");
    }
}
