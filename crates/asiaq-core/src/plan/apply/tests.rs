#![allow(clippy::unwrap_used, clippy::expect_used)]
use super::*;
use crate::plan::{Sign, Silent};
use proptest::prelude::*;
use std::sync::Mutex;

/// Records the order of applied changes; the named ones fail.
#[derive(Default)]
struct Recorder {
    order: Mutex<Vec<String>>,
    fail: Vec<String>,
}

impl Apply<()> for Recorder {
    async fn apply(&self, change: &Change<()>) -> Result<(), Error> {
        tokio::task::yield_now().await;
        self.order.lock().unwrap().push(change.id.clone());
        if change.id == "left" {
            return Err(Error::Left("it stays".into()));
        }
        if self.fail.contains(&change.id) {
            Err(Error::refused("broken"))
        } else {
            Ok(())
        }
    }
}

fn plan(edges: &[(&str, &[&str])]) -> Plan<()> {
    let mut plan = Plan::default();
    for (id, needs) in edges {
        plan.push(
            *id,
            needs.iter().copied(),
            Sign::Add,
            format!("make {id}"),
            (),
        );
    }
    plan
}

fn run(plan: &Plan<()>, recorder: &Recorder) -> Result<usize, ApplyError> {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(plan.apply(recorder, &Silent))
}

#[test]
fn needs_come_first_and_unknown_needs_count_as_there() {
    let recorder = Recorder::default();
    let count = run(
        &plan(&[("c", &["b"]), ("b", &["a", "elsewhere"]), ("a", &[])]),
        &recorder,
    )
    .unwrap();
    assert_eq!(
        (count, recorder.order.into_inner().unwrap()),
        (3, vec!["a".into(), "b".into(), "c".into()])
    );
}

#[test]
fn failure_stops_dependants_only_and_everything_is_reported() {
    let recorder = Recorder {
        fail: vec!["a".into()],
        ..Recorder::default()
    };
    let error = run(
        &plan(&[("a", &[]), ("b", &["a"]), ("c", &["b"]), ("d", &[])]),
        &recorder,
    )
    .unwrap_err();
    assert_eq!(error.done, ["+ make d"]);
    assert_eq!(error.not_started, ["+ make b", "+ make c"]);
    assert_eq!(
        error.to_string(),
        "1 of 4 changes failed (1 done, 2 not started)\n  failed: + make a: broken\n  not started: + make b\n  not started: + make c"
    );
}

#[test]
fn a_change_that_is_left_stops_nothing_and_does_not_count_as_done() {
    let recorder = Recorder::default();
    let count = run(&plan(&[("left", &[]), ("b", &["left"])]), &recorder).unwrap();
    assert_eq!(
        (count, recorder.order.into_inner().unwrap()),
        (1, vec!["left".into(), "b".into()])
    );
}

#[test]
fn a_circle_ends_and_is_reported() {
    let error = run(&plan(&[("a", &["b"]), ("b", &["a"])]), &Recorder::default()).unwrap_err();
    assert_eq!(
        (
            error.done.len(),
            error.failed.len(),
            error.not_started.len()
        ),
        (0, 0, 2)
    );
}

proptest! {
    #[test]
    fn every_change_runs_after_all_that_it_needs(edges in proptest::collection::vec(proptest::collection::vec(0usize..12, 0..4), 1..12)) {
        let mut plan = Plan::default();
        for (own, needs) in edges.iter().enumerate() {
            let earlier = needs.iter().filter(|n| **n < own).map(ToString::to_string);
            plan.push(own.to_string(), earlier, Sign::Modify, own.to_string(), ());
        }
        let recorder = Recorder::default();
        prop_assert_eq!(run(&plan, &recorder).unwrap(), edges.len());
        let order = recorder.order.into_inner().unwrap();
        let place = |id: usize| order.iter().position(|o| *o == id.to_string()).unwrap();
        for (own, needs) in edges.iter().enumerate() {
            for need in needs.iter().filter(|n| **n < own) {
                prop_assert!(place(*need) < place(own));
            }
        }
    }
}
