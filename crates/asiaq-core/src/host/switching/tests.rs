#![allow(clippy::unwrap_used, clippy::expect_used)]
use super::*;
use crate::balancer::{BalancerAction, TargetGroup, V2Action};
use crate::plan::Sign;

const GROUP: &str = "ci_mhcweb_1";

fn target(name: &str) -> TargetGroup {
    TargetGroup {
        name: name.into(),
        arn: None,
    }
}

/// Only the order counts here.
fn push(plan: &mut Plan<BalancerAction>, id: &str, needs: &[&str]) {
    let action = BalancerAction::V2(Box::new(V2Action::DeleteGroup(target(id))));
    plan.push(id, needs.to_vec(), Sign::Modify, id, action);
}

fn push_group(plan: &mut Plan<GroupAction>, id: &str, needs: &[&str]) {
    let action = GroupAction::Attach {
        group: GROUP.into(),
        load_balancers: vec![],
        target_groups: vec![],
    };
    plan.push(id, needs.to_vec(), Sign::Modify, id, action);
}

/// Ids in an order in which they can be made; panics if changes need each other in a circle.
fn order_of(all: &[(String, Vec<String>)]) -> Vec<String> {
    let mut done: Vec<String> = Vec::new();
    while done.len() < all.len() {
        let is_there = |id: &String| all.iter().any(|(own, _)| own == id);
        let next = all.iter().find(|(id, needs)| {
            !done.contains(id) && needs.iter().all(|n| done.contains(n) || !is_there(n))
        });
        done.push(next.expect("no circle").0.clone());
    }
    done
}

#[test]
fn a_switch_attaches_then_serves_then_moves_then_detaches_then_deletes() {
    for listener in [false, true] {
        let mut planned = PlannedBalancer::default();
        let plan = &mut planned.plan;
        push(plan, "records/b", &["serving/b"]);
        push(plan, "serving/b", &["balancer/b", "listener/b/80"]);
        push(plan, "listener/b/80", &["balancer/b"]);
        push(plan, "balancer/b", &[]);
        planned.serving = Some("serving/b".into());
        if listener {
            planned.after_attach = vec!["listener/b/80".into()];
        }
        let (attach, detach) = (format!("attach/{GROUP}"), format!("detach/{GROUP}"));
        let mut groups = Plan::default();
        push_group(&mut groups, &detach, &[&attach]);
        push_group(&mut groups, &format!("schedule/{GROUP}"), &[&detach]);
        push_group(&mut groups, &attach, &["balancer/b", "group/x"]);
        push_group(&mut groups, "group/x", &[]);
        order(&mut planned, &mut groups, None);
        let own = planned.plan.changes().iter();
        let own = own.map(|change| (change.id.clone(), change.needs.clone()));
        let groups = groups.changes().iter();
        let groups = groups.map(|change| (change.id.clone(), change.needs.clone()));
        let found = order_of(&groups.chain(own).collect::<Vec<_>>());
        let at = |id: &str| found.iter().position(|own| own == id).unwrap();
        assert!(at(&attach) < at("serving/b"), "{found:?}");
        assert!(at("serving/b") < at("records/b"), "{found:?}");
        assert!(at("records/b") < at(&detach), "{found:?}");
        if listener {
            assert!(at(&attach) < at("listener/b/80"), "{found:?}");
        }
    }
}
