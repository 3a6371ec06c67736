//! `ddb_backup backup` and `init` killed at any call: running it again converges.

use super::{World, changing, field};
use crate::support::proxy::{Behaviour, Proxy};
use crate::support::run_until_killed;

#[track_caller]
fn assert_converged(world: &World, context: &str) {
    assert_eq!(
        world.pipelines().len(),
        1,
        "{context}: one pipeline, not two"
    );
    let pipeline = world.pipeline("users backup - ci");
    assert_eq!(
        field(&pipeline, "@pipelineState"),
        Some("SCHEDULED"),
        "{context}"
    );
    assert_eq!(pipeline.tags().len(), 3, "{context}");
    assert_eq!(world.objects(&pipeline).len(), 6, "{context}");
}

fn kill_at_every(behaviour: fn(usize) -> Behaviour) {
    let words = "ddb_backup backup users";
    let world = World::new();
    let (mut n, mut changed) = (1, 0);
    loop {
        world.cloud.reset();
        world.make_bucket();
        let proxy = Proxy::start(world.cloud.url(), behaviour(n));
        if run_until_killed(&proxy, world.tool_at(proxy.url(), words)).is_none() {
            break;
        }
        let last = proxy.calls().get(n - 1).map(|call| call.operation.clone());
        let context = format!("killed at call {n}, {last:?}");
        changed += usize::from(!changing(&proxy).is_empty());
        world.run(words).expect_status(0);
        assert_converged(&world, &context);
        let (third, calls) = world.watch(words);
        third.expect_status(0);
        assert_eq!(calls, ["ActivatePipeline"], "{context}");
        n += 1;
    }
    assert_converged(&world, "not killed");
    assert!(
        changed >= 3,
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

#[test]
fn init_killed_at_any_call() {
    let world = World::new();
    for n in 1..=2 {
        world.cloud.reset();
        let proxy = Proxy::start(world.cloud.url(), Behaviour::new().kill_at(n));
        let killed = run_until_killed(&proxy, world.tool_at(proxy.url(), "ddb_backup init"));
        assert!(killed.is_some(), "call {n}");
        world.run("ddb_backup init").expect_status(0);
        world.run("ddb_backup list users").expect_status(0);
    }
}
