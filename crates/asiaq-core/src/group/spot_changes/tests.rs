#![allow(clippy::unwrap_used, clippy::expect_used)]
use super::super::changes::{PlannedGroup, Target, plan_target};
use super::super::launch::tests::{spec as launch, volume};
use super::super::observed::GroupState;
use super::super::record::Kind;
use super::super::record::tests::group;
use super::super::spot::record;
use super::super::spot::tests::{document, merge};
use super::*;
use crate::aws::Tags;
use crate::balancer::{Attachments, TargetGroup};
use crate::pipeline::{Sizes, recurring_actions};
use crate::spotinst::{create_document, update_document};
use proptest::prelude::*;
use rand::SeedableRng;
use rand::rngs::StdRng;
use serde_json::json;

const NOW: i64 = 1_790_000_000;
const NAME: &str = "ci_mhcweb_1790000000";

fn spec() -> GroupSpec {
    GroupSpec {
        env: "ci".into(),
        hostclass: "mhcweb".into(),
        launch: launch(),
        subnets: vec!["subnet-1".into(), "subnet-2".into()],
        min: None,
        desired: Some(2),
        max: None,
        tags: Tags::from([
            ("hostclass".into(), "mhcweb".into()),
            ("owner".into(), "ann".into()),
        ]),
        termination_policies: vec!["OldestInstance".into()],
        want_spot: true,
        instance_types: vec!["m5.large".into(), "c5.large".into()],
        zones: [
            ("subnet-1".into(), "us-west-2a".into()),
            ("subnet-2".into(), "us-west-2b".into()),
        ]
        .into(),
        reserve: None,
        attach: Attachments::default(),
        detach: Attachments::default(),
        recurring: Vec::new(),
    }
}

fn state(groups: Vec<Group>) -> GroupState {
    GroupState {
        env: "ci".into(),
        groups,
        launches: Default::default(),
        policies: Vec::new(),
        scheduled: Vec::new(),
        spotinst: true,
        invisible: Default::default(),
    }
}

fn plan(state: &GroupState, spec: &GroupSpec) -> PlannedGroup {
    let needs = ["interface/10.0.0.5".to_owned()];
    let rng = &mut StdRng::seed_from_u64(7);
    plan_target(state, spec, Target::Hostclass, &needs, NOW, rng).unwrap()
}

/// What Spotinst would do.
fn carry_out(state: &mut GroupState, plan: &Plan<GroupAction>) {
    for change in plan.changes() {
        match &change.action {
            GroupAction::CreateElastigroup { group, .. } => {
                let mut raw = create_document(group)["group"].take();
                raw["id"] = json!(format!("sig-{}", group.name));
                state
                    .groups
                    .push(record(Elastigroup::from_json(raw).unwrap()));
            }
            GroupAction::UpdateElastigroup { group, change } => {
                put(state, &group.name, update_document(change));
            }
            GroupAction::AttachElastigroup {
                group,
                load_balancers,
                kept_target_groups,
                new_target_groups,
            } => {
                let arns = new_target_groups.iter().map(|own| own.arn.clone().unwrap());
                let balancers = Balancers {
                    classic: load_balancers.clone(),
                    target_groups: kept_target_groups.iter().cloned().chain(arns).collect(),
                };
                let change = GroupChange {
                    balancers: Some(balancers),
                    ..GroupChange::default()
                };
                put(state, &group.name, update_document(&change));
            }
            other => panic!("unexpected {other:?}"),
        }
    }
}

fn put(state: &mut GroupState, name: &str, mut change: Value) {
    let own = state
        .groups
        .iter_mut()
        .find(|group| group.name == name)
        .unwrap();
    let mut raw = own.elastigroup().unwrap().raw.clone();
    merge(&mut raw, change["group"].take());
    *own = record(Elastigroup::from_json(raw).unwrap());
}

/// A state in which [`spec`] is fulfilled.
fn fulfilled() -> GroupState {
    let mut state = state(Vec::new());
    let planned = plan(&state, &spec());
    carry_out(&mut state, &planned.plan);
    state
}

#[test]
fn a_new_elastigroup() {
    let mut wanted = GroupSpec {
        recurring: recurring_actions(None, Sizes::parse("1@0 6 * * *").unwrap().as_ref(), None),
        ..spec()
    };
    wanted.attach = Attachments {
        load_balancers: vec!["elb".into()],
        target_groups: vec![
            TargetGroup {
                name: "old".into(),
                arn: Some("arn:old".into()),
            },
            TargetGroup {
                name: "new".into(),
                arn: None,
            },
        ],
    };
    let planned = plan(&state(vec![]), &wanted);
    assert_eq!(
        (planned.kind, planned.existing, planned.group_name.as_str()),
        (Kind::Spot, false, NAME)
    );
    assert_eq!(
        planned.plan.lines(),
        [
            format!(
                "+ group mhcweb {NAME} (Elastigroup, min 0, desired 2, max 2, ami-1, m5.large:c5.large, 2 subnets)"
            ),
            format!("+ schedule 0 6 * * * of {NAME}: desired 1"),
        ],
        "no template, no policies"
    );
    let [create, schedule] = planned.plan.changes() else {
        panic!("two changes")
    };
    assert_eq!(
        (create.id.clone(), &create.needs[..]),
        (
            format!("group/{NAME}"),
            &["interface/10.0.0.5".to_owned()][..]
        )
    );
    assert!(schedule.needs.contains(&create.id));
    let GroupAction::CreateElastigroup {
        group,
        new_target_groups,
    } = &create.action
    else {
        panic!("no creation")
    };
    assert_eq!(new_target_groups[..], wanted.attach.target_groups[1..]);
    assert_eq!(
        group.balancers,
        Balancers {
            classic: vec!["elb".into()],
            target_groups: vec!["arn:old".into()]
        }
    );
    assert_eq!(
        group.subnets,
        [
            ("subnet-1".into(), "us-west-2a".into()),
            ("subnet-2".into(), "us-west-2b".into())
        ]
    );
    assert_eq!(
        (group.reserve, group.key_name.as_deref()),
        (Reserve::None, Some("ops"))
    );
    let unknown = GroupSpec {
        subnets: vec!["subnet-9".into()],
        ..spec()
    };
    assert!(create_fails(&unknown).contains("subnet-9"));
}

fn create_fails(spec: &GroupSpec) -> String {
    let rng = &mut StdRng::seed_from_u64(7);
    plan_target(&state(vec![]), spec, Target::Hostclass, &[], NOW, rng)
        .unwrap_err()
        .to_string()
}

#[test]
fn what_is_as_wanted_needs_nothing() {
    let planned = plan(&fulfilled(), &spec());
    assert_eq!((planned.existing, planned.plan.lines()), (true, Vec::new()));
    let asked_for_asg = GroupSpec {
        want_spot: false,
        ..spec()
    };
    let planned = plan(&fulfilled(), &asked_for_asg);
    assert!(planned.plan.is_empty() && planned.kind == Kind::Spot && planned.notes.len() == 1);
}

type Case = (fn(&mut GroupSpec), &'static str, Value);

#[test]
fn only_what_differs_is_sent() {
    let launch = |member: Value| json!({"compute": {"launchSpecification": member}});
    let table: [Case; 12] = [
        (
            |s| (s.min, s.max) = (Some(1), Some(2)),
            "min 0 -> 1",
            json!({"capacity": {"minimum": 1}}),
        ),
        (
            |s| s.desired = Some(0),
            "desired 2 -> 0",
            json!({"capacity": {"target": 0}}),
        ),
        (
            |s| s.reserve = Some(Reserve::Share(25)),
            "reserve 0% on demand -> 25% on demand",
            json!({"strategy": {"risk": 75, "onDemandCount": null}}),
        ),
        (
            |s| s.reserve = Some(Reserve::Count(3)),
            "reserve 0% on demand -> 3 on demand",
            json!({"strategy": {"risk": null, "onDemandCount": 3}}),
        ),
        (|s| s.reserve = Some(Reserve::None), "", json!({})),
        (
            |s| s.launch.image_id = "ami-2".into(),
            "image ami-1 -> ami-2",
            launch(json!({"imageId": "ami-2"})),
        ),
        (
            |s| s.launch.instance_profile = Some("db".into()),
            "profile web -> db",
            launch(json!({"iamRole": {"name": "db", "arn": null}})),
        ),
        (|s| s.launch.instance_profile = None, "", json!({})),
        (
            |s| s.launch.block_devices.clear(),
            "devices /dev/sdb 50 GiB -> none",
            launch(json!({"blockDeviceMappings": null})),
        ),
        (
            |s| s.instance_types = vec!["m5.large".into()],
            "types m5.large:c5.large -> m5.large",
            json!({"compute": {"instanceTypes": {"ondemand": "m5.large", "spot": ["m5.large"]}}}),
        ),
        (
            |s| s.launch.user_data = "hostclass=\"mhcweb\"\nowner=\"bob\"".into(),
            "user data (owner)",
            launch(json!({"userData": "aG9zdGNsYXNzPSJtaGN3ZWIiCm93bmVyPSJib2Ii"})),
        ),
        // Not changed on update.
        (
            |s| {
                s.subnets.pop();
                s.launch.key_name = None;
                s.launch.security_groups.clear();
                (
                    s.launch.public_ip,
                    s.launch.monitoring,
                    s.launch.ebs_optimized,
                ) = (true, true, false);
            },
            "",
            json!({}),
        ),
    ];
    for (edit, text, sent) in table {
        let mut wanted = spec();
        edit(&mut wanted);
        let planned = plan(&fulfilled(), &wanted);
        let line = format!("~ group mhcweb {NAME}: {text}");
        let lines = if text.is_empty() { vec![] } else { vec![line] };
        assert_eq!(planned.plan.lines(), lines);
        let document = planned
            .plan
            .changes()
            .first()
            .map(|change| match &change.action {
                GroupAction::UpdateElastigroup { change, .. } => {
                    update_document(change)["group"].take()
                }
                other => panic!("unexpected {other:?}"),
            });
        assert_eq!(document.unwrap_or_else(|| json!({})), sent, "{text}");
    }
}

#[test]
fn tags_are_compared_and_sent_as_a_whole() {
    let mut state = fulfilled();
    put(
        &mut state,
        NAME,
        json!({"group": {"compute": {"launchSpecification": {"tags": [
            {"tagKey": "owner", "tagValue": "bob"}, {"tagKey": "extra", "tagValue": "x"}, {"tagKey": "spotinst", "tagValue": "True"},
            {"tagKey": "group_name", "tagValue": NAME},
        ]}}}}),
    );
    let planned = plan(&state, &spec());
    assert_eq!(
        planned.plan.lines(),
        [format!(
            "~ group mhcweb {NAME}: tag extra x -> none, tag hostclass none -> mhcweb, tag owner bob -> ann"
        )]
    );
    carry_out(&mut state, &planned.plan);
    assert_eq!(state.groups[0].tags.len(), 4);
    assert!(plan(&state, &spec()).plan.is_empty());
}

#[test]
fn volume_types_that_the_service_fills_in_are_no_difference() {
    let mut state = fulfilled();
    put(
        &mut state,
        NAME,
        json!({"group": {"compute": {"launchSpecification": {"blockDeviceMappings": [
            {"deviceName": "/dev/sdb", "ebs": {"deleteOnTermination": "true", "volumeSize": "50", "volumeType": "gp2"}},
        ]}}}}),
    );
    assert!(plan(&state, &spec()).plan.is_empty());
    let mut wanted = spec();
    wanted.launch.block_devices = vec![volume("/dev/sdb", Some(50), Some(500), None)];
    let line = format!(
        "~ group mhcweb {NAME}: devices /dev/sdb 50 GiB gp2 -> /dev/sdb 50 GiB io1 500 iops"
    );
    assert_eq!(plan(&state, &wanted).plan.lines(), [line]);
}

#[test]
fn schedules_are_replaced_in_one_request() {
    let scheduled = |min: &str| GroupSpec {
        recurring: recurring_actions(Sizes::parse(min).unwrap().as_ref(), None, None),
        ..spec()
    };
    let mut state = fulfilled();
    let backup = json!({"taskType": "backup_ami", "cronExpression": "1 1 * * *"});
    put(
        &mut state,
        NAME,
        json!({"group": {"scheduling": {"tasks": [backup]}}}),
    );
    assert!(
        plan(&state, &spec()).plan.is_empty(),
        "tasks of other types are not ours"
    );
    let steps = [
        (
            "1@0 6 * * *",
            format!("+ schedule 0 6 * * * of {NAME}: min 1"),
        ),
        (
            "2@0 6 * * *",
            format!("~ schedules of {NAME}: 0 6 * * * (min 1) -> 0 6 * * * (min 2)"),
        ),
        ("", format!("- schedule 0 6 * * * of {NAME}: min 2")),
    ];
    for (sizes, line) in steps {
        let wanted = scheduled(sizes);
        let planned = plan(&state, &wanted);
        assert_eq!(planned.plan.lines(), [line]);
        carry_out(&mut state, &planned.plan);
        assert!(plan(&state, &wanted).plan.is_empty(), "{sizes}");
        let tasks = &state.groups[0].elastigroup().unwrap().raw["scheduling"]["tasks"];
        assert_eq!(tasks[0], backup, "{sizes}");
    }
}

#[test]
fn an_existing_group_decides_and_a_second_one_is_what_is_wanted() {
    let rng = &mut StdRng::seed_from_u64(7);
    let both = state(vec![
        group("ci_mhcweb_1"),
        record(document("ci_mhcweb_2", json!({}))),
    ]);
    let another = plan_target(&both, &spec(), Target::Another, &[], NOW, rng).unwrap();
    assert_eq!(
        (another.kind, another.group_name.as_str()),
        (Kind::Spot, NAME)
    );
    let newer = plan_target(&both, &spec(), Target::Hostclass, &[], NOW, rng).unwrap();
    assert_eq!(
        (newer.kind, newer.group_name.as_str()),
        (Kind::Spot, "ci_mhcweb_2")
    );
    let named = plan_target(&both, &spec(), Target::Named("ci_mhcweb_1"), &[], NOW, rng).unwrap();
    assert_eq!(
        (named.kind, named.group_name.as_str(), named.notes.len()),
        (Kind::Asg, "ci_mhcweb_1", 1)
    );
    let off = GroupState {
        spotinst: false,
        ..state(vec![])
    };
    assert!(plan_target(&off, &spec(), Target::Hostclass, &[], NOW, rng).is_err());
}

proptest! {
    /// Whatever is wanted of whatever is there: carrying out the plan leaves nothing to do.
    #[test]
    fn plans_converge(
        min in proptest::option::of(0u32..5), desired in proptest::option::of(0u32..5), max in proptest::option::of(5u32..8),
        image in "ami-[12]", owner in "ann|bob", reserve in proptest::option::of(0u8..3), types in proptest::collection::vec("[abc]", 1..4),
        devices in proptest::collection::vec(proptest::option::of(1i32..4), 0..3), balancers in proptest::collection::vec("[xyz]", 0..3),
        targets in proptest::collection::vec("[xyz]", 0..3), cron in proptest::option::of(0u32..3), existing in any::<bool>(),
    ) {
        let mut wanted = GroupSpec { min, desired, max, ..spec() };
        wanted.launch.image_id = image;
        wanted.tags.insert("owner".into(), owner);
        wanted.reserve = reserve.map(|kind| match kind { 0 => Reserve::None, 1 => Reserve::Share(40), _ => Reserve::Count(2) });
        wanted.instance_types = types;
        wanted.launch.block_devices =
            devices.iter().enumerate().map(|(n, size)| volume(&format!("/dev/sd{n}"), *size, None, None)).collect();
        wanted.attach.load_balancers = balancers;
        wanted.attach.target_groups =
            targets.into_iter().map(|name| TargetGroup { arn: Some(format!("arn:{name}")), name }).collect();
        wanted.recurring = recurring_actions(cron.and_then(|n| Sizes::parse(&format!("{n}@0 6 * * *")).unwrap()).as_ref(), None, None);
        let mut state = if existing { fulfilled() } else { state(vec![]) };
        let planned = plan(&state, &wanted);
        carry_out(&mut state, &planned.plan);
        prop_assert_eq!(plan(&state, &wanted).plan.lines(), Vec::<String>::new());
        prop_assert_eq!(state.groups.len(), 1);
    }
}
