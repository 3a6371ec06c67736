#![allow(clippy::unwrap_used, clippy::expect_used)]
//! What is somebody else's: it is neither taken nor changed nor deleted.

use super::model::Model;
use super::{APPLICATION, made, plan_v2, spec};
use crate::balancer::BalancerSpec;

/// A model with a target group `ci-mhcweb` that looks like the one that is wanted.
fn with_group() -> Model {
    let mut model = Model::default();
    made(&mut model, &spec("target_group=yes"));
    model
}

fn attached(model: &Model, spec: &BalancerSpec) -> Vec<String> {
    let planned = plan_v2(&model.state(), spec).unwrap();
    let groups = planned.attach.target_groups.into_iter();
    groups.map(|own| own.name).collect()
}

#[test]
fn target_groups_of_others_are_not_taken() {
    let wanted = spec(APPLICATION);
    assert_eq!(attached(&with_group(), &wanted), ["ci-mhcweb"]);
    let changes: [fn(&mut super::super::observed::Group); 4] = [
        |group| group.target_type = "ip".into(),
        |group| group.version = Some("GRPC".into()),
        |group| {
            group.used_by.insert("arn:balancer/operator".into());
        },
        |group| {
            group.tags.insert("balancer".into(), "other".into());
        },
    ];
    for change in changes {
        let mut model = with_group();
        change(model.groups.get_mut("ci-mhcweb").unwrap());
        let before = model.groups["ci-mhcweb"].clone();
        assert_eq!(attached(&model, &wanted), ["ci-mhcweb-80"]);
        made(&mut model, &wanted);
        made(&mut model, &spec("elb=no"));
        assert_eq!(model.groups.values().collect::<Vec<_>>(), [&before]);
    }
}

#[test]
fn balancers_of_another_hostclass_do_not_leave() {
    let mut other = spec(APPLICATION);
    // It has the same name in AWS.
    other.hostclass = "mhc_web".into();
    assert_eq!(other.id(), spec(APPLICATION).id());
    let mut model = Model::default();
    made(&mut model, &other);
    let planned = plan_v2(&model.state(), &spec("elb=no")).unwrap();
    assert!(planned.leaving.is_empty() && planned.detach.is_empty());
    assert_eq!(
        planned.warnings,
        [
            "the load balancer under the name of hostclass mhcweb is left alone: it is hostclass mhc_web's"
        ]
    );
    let mut off = spec("elb=no");
    off.hostclass = "mhc_web".into();
    made(&mut model, &off);
    assert!(model.balancers.is_empty() && model.groups.is_empty());
}

#[test]
fn a_lone_target_group_never_goes() {
    let mut model = with_group();
    made(&mut model, &BalancerSpec::none("ci", "mhcweb", "vpc-1"));
    assert_eq!(model.groups.len(), 1);
}
