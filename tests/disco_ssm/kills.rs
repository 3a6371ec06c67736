//! `disco_ssm update-documents` killed at any call: running it again converges.

use super::{Documents, changing, content};
use crate::support::proxy::{Behaviour, Proxy};
use crate::support::run_until_killed;
use aws_sdk_ssm::types::DocumentType;

const WORDS: &str = "update-documents";

/// One document of each kind of change.
fn prepare(own: &Documents) {
    own.cloud.reset();
    own.make("same", DocumentType::Command, &content(1));
    own.make("other", DocumentType::Command, &content(2));
    own.make("old", DocumentType::Command, &content(3));
}

#[track_caller]
fn assert_converged(own: &Documents, context: &str) {
    assert_eq!(own.names(), ["new", "other", "same"], "{context}");
    let (default, text, newest) = own.read("other");
    assert!(text.contains("number 20"), "{context}: {text}");
    assert_eq!(
        (default.as_str(), newest.as_str()),
        ("2", "2"),
        "{context}: one new version, not two"
    );
    assert!(own.read("new").1.contains("number 4"), "{context}");
}

fn kill_at_every(behaviour: fn(usize) -> Behaviour) {
    let own = Documents::new();
    own.file("same.ssm", &content(1));
    own.file("other.ssm", &content(20));
    own.file("new.ssm", &content(4));
    let (mut n, mut changed) = (1, 0);
    loop {
        prepare(&own);
        let proxy = Proxy::start(own.cloud.url(), behaviour(n));
        if run_until_killed(&proxy, own.tool_at(proxy.url(), WORDS)).is_none() {
            break;
        }
        let last = proxy.calls().get(n - 1).map(|call| call.operation.clone());
        let context = format!("killed at call {n}, {last:?}");
        changed += usize::from(!changing(&proxy).is_empty());
        own.run(WORDS).expect_status(0);
        assert_converged(&own, &context);
        let (third, proxy) = own.watch(WORDS);
        third.expect_status(0);
        assert_eq!(changing(&proxy), [""; 0], "{context}");
        n += 1;
    }
    assert_converged(&own, "not killed");
    assert!(
        changed >= 4,
        "only {changed} kills at or after a change: what is tested here?"
    );
}

#[test]
fn killed_after_any_call_a_second_run_converges() {
    kill_at_every(|n| Behaviour::new().kill_at(n));
}

#[test]
fn killed_before_any_call_a_second_run_converges() {
    kill_at_every(|n| Behaviour::new().kill_before(n));
}
