//! Tables: one instance and its host in every combination, and addresses that clash.
#![allow(clippy::unwrap_used, clippy::expect_used)]
use super::*;

fn addresses(private: &[u8], public: &[u8]) -> Addresses {
    let make = |net: u8, list: &[u8]| list.iter().map(|n| Ipv4Addr::new(net, 0, 0, *n)).collect();
    Addresses {
        private: make(10, private),
        public: make(54, public),
    }
}

fn instance(id: &str, life: Life, private: u8) -> Observed {
    Observed {
        id: id.into(),
        life,
        addresses: addresses(&[private], &[]),
    }
}

fn host(id: &str, phase: Phase, private: u8) -> (String, Known) {
    (
        id.into(),
        Known {
            phase,
            addresses: addresses(&[private], &[]),
        },
    )
}

/// Actions as short words.
fn planned(observed: &[Observed], known: &[(String, Known)]) -> Vec<String> {
    let known = known.iter().cloned().collect();
    let word = |action: Action| match action {
        Action::Start { id } => format!("start {id}"),
        Action::Stop { id } => format!("stop {id}"),
        Action::Remove { id } => format!("remove {id}"),
        Action::Readdress { id, addresses } => {
            format!("readdress {id} {:?}", addresses.all().collect::<Vec<_>>())
        }
        Action::Refuse { id, address, owner } => format!("refuse {id} {address} {owner}"),
    };
    plan(observed, &known).into_iter().map(word).collect()
}

#[test]
fn every_state_meets_every_phase() {
    use Life::{Gone, Running, Stopped};
    use Phase::{Busy, Down, Failed, Refused, Up};
    for (life, phase, want) in [
        (Running, None, "start a"),
        (Running, Some(Up), ""),
        (Running, Some(Down), "start a"),
        (Running, Some(Busy), ""),
        (Running, Some(Failed), ""),
        (Running, Some(Refused), "start a"),
        (Stopped, None, ""),
        (Stopped, Some(Up), "stop a"),
        (Stopped, Some(Down), ""),
        (Stopped, Some(Busy), ""),
        (Stopped, Some(Failed), "stop a"),
        (Stopped, Some(Refused), ""),
        (Gone, None, ""),
        (Gone, Some(Up), "remove a"),
        (Gone, Some(Down), "remove a"),
        (Gone, Some(Busy), ""),
        (Gone, Some(Failed), "remove a"),
        (Gone, Some(Refused), "remove a"),
    ] {
        let known: Vec<_> = phase.map(|phase| host("a", phase, 1)).into_iter().collect();
        let found = planned(&[instance("a", life, 1)], &known).join(" ");
        assert_eq!(found, want, "{life:?} {phase:?}");
    }
}

#[test]
fn hosts_whose_instances_vanished_are_removed() {
    for (phase, want) in [
        (Phase::Up, "remove a"),
        (Phase::Down, "remove a"),
        (Phase::Refused, "remove a"),
        (Phase::Busy, ""),
    ] {
        assert_eq!(
            planned(&[], &[host("a", phase, 1)]).join(" "),
            want,
            "{phase:?}"
        );
    }
}

#[test]
fn state_names() {
    for (state, want) in [
        ("pending", Life::Running),
        ("running", Life::Running),
        ("stopping", Life::Stopped),
        ("stopped", Life::Stopped),
        ("shutting-down", Life::Gone),
        ("terminated", Life::Gone),
        ("", Life::Gone),
    ] {
        assert_eq!(Life::of(state), want, "{state}");
    }
}

#[test]
fn of_two_with_one_address_the_earlier_runs() {
    use Life::{Gone, Running, Stopped};
    let pair = |first, second| [instance("b", first, 1), instance("a", second, 1)];
    assert_eq!(
        planned(&pair(Running, Running), &[]),
        ["start b", "refuse a 10.0.0.1 b"],
        "order of launch, not of names"
    );
    assert_eq!(
        planned(&pair(Running, Running), &[host("a", Phase::Up, 1)]),
        ["refuse b 10.0.0.1 a"],
        "one that runs keeps its address"
    );
    let both = [host("b", Phase::Up, 1), host("a", Phase::Refused, 1)];
    assert!(
        planned(&pair(Running, Running), &both).is_empty(),
        "said once"
    );
    assert_eq!(
        planned(&pair(Gone, Running), &both),
        ["remove b"],
        "room is made first"
    );
    assert_eq!(planned(&pair(Stopped, Running), &both), ["stop b"]);
    let free = [host("b", Phase::Down, 1), host("a", Phase::Refused, 1)];
    assert_eq!(planned(&pair(Stopped, Running), &free), ["start a"]);
    let starting = [host("b", Phase::Busy, 1)];
    assert_eq!(
        planned(&pair(Running, Running), &starting),
        ["refuse a 10.0.0.1 b"]
    );
}

#[test]
fn an_instance_without_address_waits() {
    let mut without = instance("a", Life::Running, 1);
    without.addresses = Addresses::default();
    assert!(planned(&[without], &[]).is_empty());
}

#[test]
fn addresses_that_come_and_go_are_followed() {
    let mut changed = instance("a", Life::Running, 1);
    changed.addresses = addresses(&[1, 2], &[9]);
    let known = [host("a", Phase::Up, 1)];
    assert_eq!(
        planned(&[changed.clone()], &known),
        ["readdress a [10.0.0.1, 10.0.0.2, 54.0.0.9]"]
    );
    let rival = [host("a", Phase::Up, 1), host("b", Phase::Up, 2)];
    assert_eq!(
        planned(&[changed, instance("b", Life::Running, 2)], &rival),
        ["readdress a [10.0.0.1, 54.0.0.9]"],
        "an address of another host is not taken"
    );
}
