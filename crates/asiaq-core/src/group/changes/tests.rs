#![allow(clippy::unwrap_used, clippy::expect_used)]
use super::super::launch::LaunchSpec;
use super::super::launch::tests::spec as launch;
use super::super::launch_specs::Launch;
use super::super::policy::{Policy, PolicyRule};
use super::super::record::tests::group;
use super::super::template_copy::Source;
use super::*;
use crate::aws::Tags;
use crate::pipeline::{CreateSizes, Sizes, recurring_actions};
use proptest::prelude::*;
use rand::SeedableRng;
use rand::rngs::StdRng;

const NOW: i64 = 1_790_000_000;
const GROUP: &str = "ci_mhcweb_1780000000";

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
        termination_policies: Vec::new(),
        want_spot: false,
        instance_types: vec![],
        zones: Default::default(),
        reserve: None,
        attach: Default::default(),
        detach: Default::default(),
        recurring: Vec::new(),
    }
}

fn empty() -> GroupState {
    GroupState {
        env: "ci".into(),
        groups: Vec::new(),
        launches: Default::default(),
        policies: Vec::new(),
        scheduled: Vec::new(),
        spotinst: false,
        invisible: Default::default(),
    }
}

fn read(spec: LaunchSpec) -> Launch {
    let data = aws_sdk_ec2::types::ResponseLaunchTemplateData::builder();
    Launch {
        spec,
        source: Source::Template(Box::new(data.build())),
    }
}

/// A state in which [`spec`] is fulfilled.
fn fulfilled() -> GroupState {
    let own = Group {
        tags: spec().tags,
        ..group(GROUP)
    };
    let policy = |request: super::super::policy::PolicyRequest| Policy {
        asg: request.group,
        name: request.name,
        policy_type: "SimpleScaling".into(),
        adjustment_type: Some("PercentChangeInCapacity".into()),
        scaling_adjustment: match request.rule {
            PolicyRule::Simple { adjustment, .. } => Some(adjustment),
            PolicyRule::Step { .. } => None,
        },
        min_adjustment: Some(1),
        cooldown: Some(600),
        step_adjustments: Vec::new(),
        warmup: None,
        alarms: Vec::new(),
    };
    let launches = [(own.launch.key(), read(launch()))].into();
    GroupState {
        launches,
        groups: vec![own],
        policies: default_policies(GROUP).map(policy).to_vec(),
        ..empty()
    }
}

fn plan(state: &GroupState, spec: &GroupSpec) -> PlannedGroup {
    plan_group(
        state,
        spec,
        &["interface/10.0.0.5".into()],
        NOW,
        &mut StdRng::seed_from_u64(7),
    )
    .unwrap()
}

fn template_of(planned: &PlannedGroup) -> String {
    let name = planned
        .plan
        .changes()
        .iter()
        .find_map(|change| match &change.action {
            GroupAction::CreateTemplate { name, .. } => Some(name.clone()),
            _ => None,
        });
    name.expect("a template is planned")
}

#[test]
fn a_new_group_with_all_that_belongs_to_it() {
    let planned = plan(&empty(), &spec());
    let (name, template) = ("ci_mhcweb_1790000000", template_of(&planned));
    assert_eq!(
        (planned.group_name.as_str(), planned.existing),
        (name, false)
    );
    let wanted = [
        format!("+ launch template {template}"),
        format!("+ group mhcweb {name} (min 0, desired 2, max 2, ami-1, m5.large, 2 subnets)"),
        format!("+ policy up of {name}"),
        format!("+ policy down of {name}"),
    ];
    assert_eq!(planned.plan.lines(), wanted);
    let changes: Vec<(&str, Vec<&str>)> = planned
        .plan
        .changes()
        .iter()
        .map(|c| (c.id.as_str(), c.needs.iter().map(String::as_str).collect()))
        .collect();
    let (own, template_id) = (
        format!("group/{name}"),
        format!("template/mhcweb/{template}"),
    );
    assert_eq!(
        changes[0],
        (template_id.as_str(), vec!["interface/10.0.0.5"])
    );
    assert_eq!(
        changes[1],
        (
            own.as_str(),
            vec!["interface/10.0.0.5", template_id.as_str()]
        )
    );
    assert_eq!(changes[2].1, [own.as_str()]);
    assert!(names::is_own_launch_template("ci", &template));
}

#[test]
fn sizes_of_new_groups() {
    let table = [
        ((None, None, None), (0, None, 0)),
        ((Some(2), None, None), (2, None, 2)),
        ((None, Some(3), None), (0, Some(3), 3)),
        ((Some(1), None, Some(6)), (1, Some(6), 6)),
        ((Some(0), Some(0), Some(4)), (0, Some(0), 4)),
        ((Some(5), Some(2), Some(3)), (5, Some(2), 5)),
    ];
    for ((min, desired, max), (want_min, want_desired, want_max)) in table {
        let planned = plan(
            &empty(),
            &GroupSpec {
                min,
                desired,
                max,
                ..spec()
            },
        );
        let GroupAction::CreateGroup(new) = &planned.plan.changes()[1].action else {
            panic!("no group is created")
        };
        assert_eq!(
            new.sizes,
            CreateSizes {
                min: want_min,
                desired: want_desired,
                max: want_max
            }
        );
        assert_eq!(
            new.termination_policies,
            ["OldestLaunchConfiguration", "OldestLaunchTemplate"]
        );
    }
}

#[test]
fn what_is_as_wanted_needs_nothing() {
    let planned = plan(&fulfilled(), &spec());
    assert_eq!(
        (
            planned.group_name.as_str(),
            planned.existing,
            planned.plan.lines()
        ),
        (GROUP, true, Vec::new())
    );
    let unsized_spec = GroupSpec {
        desired: None,
        ..spec()
    };
    assert!(plan(&fulfilled(), &unsized_spec).plan.is_empty());
    let mut reordered = spec();
    reordered.subnets.reverse();
    assert!(plan(&fulfilled(), &reordered).plan.is_empty());
}

/// What is edited, the wanted line of the group, whether a template is planned.
type Case = (fn(&mut GroupSpec), &'static str, bool);

#[test]
fn what_differs_is_changed_and_nothing_else() {
    let table: [Case; 8] = [
        (|s| s.max = Some(4), "max 2 -> 4", false),
        (
            |s| (s.min, s.desired, s.max) = (Some(1), Some(0), Some(2)),
            "min 0 -> 1, desired 2 -> 0",
            false,
        ),
        (
            |s| s.launch.image_id = "ami-2".into(),
            "image ami-1 -> ami-2",
            true,
        ),
        (
            |s| {
                s.max = Some(4);
                s.launch.image_id = "ami-2".into();
            },
            "max 2 -> 4, image ami-1 -> ami-2",
            true,
        ),
        (
            |s| s.launch.user_data = "hostclass=\"mhcweb\"\nowner=\"bob\"".into(),
            "user data (owner)",
            true,
        ),
        (
            |s| s.subnets = vec!["subnet-2".into()],
            "subnets subnet-1 subnet-2 -> subnet-2",
            false,
        ),
        (|s| s.subnets.clear(), "", false),
        (
            |s| s.termination_policies = vec!["OldestInstance".into()],
            "termination policies OldestLaunchConfiguration OldestLaunchTemplate -> OldestInstance",
            false,
        ),
    ];
    for (edit, wanted, with_template) in table {
        let mut edited = spec();
        edit(&mut edited);
        let planned = plan(&fulfilled(), &edited);
        let mut lines = Vec::new();
        if with_template {
            lines.push(format!("+ launch template {}", template_of(&planned)));
        }
        if !wanted.is_empty() {
            lines.push(format!("~ group mhcweb {GROUP}: {wanted}"));
        }
        assert_eq!(planned.plan.lines(), lines);
    }
}

#[test]
fn only_given_sizes_are_sent() {
    let planned = plan(
        &fulfilled(),
        &GroupSpec {
            desired: None,
            max: Some(4),
            ..spec()
        },
    );
    let wanted = GroupUpdate {
        name: GROUP.into(),
        template: None,
        subnets: Vec::new(),
        min: None,
        desired: None,
        max: Some(4),
        termination_policies: Vec::new(),
    };
    assert_eq!(
        planned.plan.changes()[0].action,
        GroupAction::UpdateGroup(wanted)
    );
}

#[test]
fn whatever_is_not_a_template_of_its_own_is_converted() {
    let with = |edit: fn(&mut Group)| {
        let mut state = fulfilled();
        edit(&mut state.groups[0]);
        state.launches = [(state.groups[0].launch.key(), read(launch()))].into();
        state
    };
    let mut gone = fulfilled();
    gone.launches.clear();
    let table = [
        (
            with(|g| g.launch = LaunchRef::Configuration("ci_mhcweb_5".into())),
            "launch configuration ci_mhcweb_5 -> launch template",
        ),
        (
            with(|g| g.mixed_instances = true),
            "mixed instances policy -> launch template",
        ),
        (gone, "launch template missing -> new"),
        (
            with(|g| g.launch = LaunchRef::None),
            "launch template none -> new",
        ),
    ];
    for (state, wanted) in table {
        let planned = plan(&state, &spec());
        assert_eq!(
            planned.plan.lines(),
            [
                format!("+ launch template {}", template_of(&planned)),
                format!("~ group mhcweb {GROUP}: {wanted}")
            ]
        );
    }
}

#[test]
fn tags_are_added_and_overwritten_never_removed() {
    let mut state = fulfilled();
    state.groups[0].tags =
        Tags::from([("owner".into(), "bob".into()), ("extra".into(), "x".into())]);
    let planned = plan(&state, &spec());
    assert_eq!(
        planned.plan.lines(),
        [format!(
            "~ tags of {GROUP}: hostclass none -> mhcweb, owner bob -> ann"
        )]
    );
    assert_eq!(
        planned.plan.changes()[0].action,
        GroupAction::PutTags {
            group: GROUP.into(),
            tags: spec().tags
        }
    );
}

#[test]
fn default_policies_are_restored() {
    let mut state = fulfilled();
    state.policies[0].cooldown = Some(60);
    state.policies.remove(1);
    state.policies.push(Policy {
        name: "own".into(),
        ..state.policies[0].clone()
    });
    assert_eq!(
        plan(&state, &spec()).plan.lines(),
        [
            format!("~ policy up of {GROUP}"),
            format!("+ policy down of {GROUP}")
        ]
    );
}

fn scheduled(
    name: &str,
    cron: Option<&str>,
    sizes: (Option<i32>, Option<i32>, Option<i32>),
) -> Scheduled {
    let (min, desired, max) = sizes;
    Scheduled {
        group: GROUP.into(),
        name: name.into(),
        recurrence: cron.map(str::to_owned),
        limited: false,
        min,
        desired,
        max,
    }
}

fn with_sizes(min: &str, desired: &str, max: &str) -> GroupSpec {
    let [min, desired, max] = [min, desired, max].map(|text| Sizes::parse(text).unwrap());
    GroupSpec {
        recurring: recurring_actions(min.as_ref(), desired.as_ref(), max.as_ref()),
        ..spec()
    }
}

#[test]
fn schedules_of_the_specification() {
    let table: [(&str, &str, &str, &[&str]); 4] = [
        ("", "2", "", &[]),
        (
            "0@0 20 * * *:3@0 6 * * *",
            "3",
            "5",
            &["0 20 * * * of GROUP: min 0", "0 6 * * * of GROUP: min 3"],
        ),
        (
            "",
            "1@30 10 * * *:5@45 1 * * *",
            "",
            &[
                "30 10 * * * of GROUP: desired 1",
                "45 1 * * * of GROUP: desired 5",
            ],
        ),
        (
            "1",
            "2@0 7 * * 1",
            "4@0 7 * * 1:2@0 22 * * *",
            &[
                "0 22 * * * of GROUP: max 2",
                "0 7 * * 1 of GROUP: desired 2, max 4",
            ],
        ),
    ];
    for (min, desired, max, wanted) in table {
        let planned = plan(&fulfilled(), &with_sizes(min, desired, max));
        let lines: Vec<String> = wanted
            .iter()
            .map(|line| format!("+ schedule {}", line.replace("GROUP", GROUP)))
            .collect();
        assert_eq!(planned.plan.lines(), lines);
    }
}

#[test]
fn recurring_actions_that_are_not_wanted_go_first_and_single_ones_stay() {
    let mut state = fulfilled();
    state.scheduled = vec![
        scheduled(
            &format!("{GROUP}_0_6_star_star_star"),
            Some("0 6 * * *"),
            (Some(3), None, None),
        ),
        scheduled(
            &format!("{GROUP}_0_20_star_star_star"),
            Some("0 20 * * *"),
            (Some(0), Some(7), None),
        ),
        scheduled("by hand", Some("1 1 * * *"), (Some(1), None, None)),
        scheduled("once", None, (Some(1), None, None)),
        Scheduled {
            group: "ci_mhcweb_2".into(),
            ..scheduled("other", Some("1 1 * * *"), (Some(1), None, None))
        },
    ];
    let planned = plan(&state, &with_sizes("0@0 20 * * *:3@0 6 * * *", "", ""));
    let wanted = [
        format!("- schedule 0 20 * * * of {GROUP}"),
        format!("- schedule 1 1 * * * of {GROUP}"),
        format!("+ schedule 0 20 * * * of {GROUP}: min 0"),
    ];
    assert_eq!(planned.plan.lines(), wanted);
    let put = &planned.plan.changes()[2];
    assert_eq!(put.id, format!("schedule/{GROUP}/0 20 * * *"));
    assert_eq!(
        put.needs,
        [
            format!("group/{GROUP}"),
            format!("schedule-delete/{GROUP}/{GROUP}_0_20_star_star_star"),
            format!("schedule-delete/{GROUP}/by hand")
        ]
    );
    let limited = Scheduled {
        limited: true,
        ..state.scheduled[0].clone()
    };
    state.scheduled = vec![limited];
    assert_eq!(
        plan(&state, &with_sizes("3@0 6 * * *", "", ""))
            .plan
            .changes()
            .len(),
        2
    );
}

/// Groups that exist, the target, and the name and existence of the planned group.
type Decision = (
    &'static [&'static str],
    Target<'static>,
    Option<(&'static str, bool)>,
);

#[test]
fn decision_table_of_section_5_3() {
    const ONE: &str = "ci_mhcweb_1780000000";
    const TWO: &str = "ci_mhcweb_1780000001";
    const FRESH: &str = "ci_mhcweb_1790000000";
    let table: [Decision; 11] = [
        (&[], Target::Hostclass, Some((FRESH, false))),
        (&[], Target::Another, Some((FRESH, false))),
        (&[ONE], Target::Hostclass, Some((ONE, true))),
        (&[ONE], Target::Another, Some((FRESH, false))),
        (&[ONE, TWO], Target::Hostclass, None),
        (&[ONE, TWO], Target::Another, None),
        (&[ONE, TWO], Target::Named(ONE), Some((ONE, true))),
        (
            &[ONE, TWO],
            Target::Named("ci_mhcweb_5"),
            Some((FRESH, false)),
        ),
        (&[], Target::Named(ONE), Some((FRESH, false))),
        (
            &["ci_mhcapp_1"],
            Target::Named("ci_mhcapp_1"),
            Some((FRESH, false)),
        ),
        (
            &[FRESH],
            Target::Another,
            Some(("ci_mhcweb_1790000001", false)),
        ),
    ];
    for (present, target, wanted) in table {
        let state = GroupState {
            groups: present.iter().map(|name| group(name)).collect(),
            ..empty()
        };
        let planned = plan_target(
            &state,
            &spec(),
            target,
            &[],
            NOW,
            &mut StdRng::seed_from_u64(7),
        )
        .ok();
        let found = planned
            .as_ref()
            .map(|planned| (planned.group_name.as_str(), planned.existing));
        assert_eq!(found, wanted, "{present:?} {target:?}");
    }
}

#[test]
fn template_names_in_use_are_not_drawn() {
    let taken = template_of(&plan(&empty(), &spec()));
    let mut other = group("ci_mhcapp_1");
    other.launch = LaunchRef::Template {
        id: "lt-1".into(),
        name: taken.clone(),
        version: "1".into(),
    };
    let state = GroupState {
        groups: vec![other],
        ..empty()
    };
    assert_ne!(template_of(&plan(&state, &spec())), taken);
}

#[test]
fn a_new_group_is_attached_when_it_is_created() {
    let mut wanted = spec();
    wanted.attach.load_balancers = vec!["elb".into()];
    wanted.attach.target_groups = vec![crate::balancer::TargetGroup {
        name: "tg".into(),
        arn: None,
    }];
    let planned = plan(&empty(), &wanted);
    let GroupAction::CreateGroup(new) = &planned.plan.changes()[1].action else {
        panic!("no group is created")
    };
    assert_eq!(new.load_balancers, ["elb"]);
    assert_eq!(new.target_groups, wanted.attach.target_groups);
    assert_eq!(planned.plan.changes().len(), 4, "nothing else attaches it");
}

#[test]
fn an_existing_group_is_attached_after_its_update() {
    let mut state = fulfilled();
    state.groups[0].load_balancers = vec!["old".into()];
    let mut wanted = GroupSpec {
        max: Some(4),
        ..spec()
    };
    wanted.attach.load_balancers = vec!["new".into()];
    let planned = plan(&state, &wanted);
    assert_eq!(
        planned.plan.lines(),
        [
            format!("~ group mhcweb {GROUP}: max 2 -> 4"),
            format!("~ group mhcweb {GROUP}: load balancers old -> old new"),
            format!("~ group mhcweb {GROUP}: load balancers old new -> new"),
        ]
    );
    let ids: Vec<&str> = planned
        .plan
        .changes()
        .iter()
        .map(|c| c.id.as_str())
        .collect();
    let (attach, detach) = (format!("attach/{GROUP}"), format!("detach/{GROUP}"));
    assert_eq!(ids[1..], [attach.as_str(), detach.as_str()]);
    let needs = &planned.plan.changes()[1].needs;
    assert_eq!(
        *needs,
        ["interface/10.0.0.5".to_owned(), format!("group/{GROUP}")]
    );
    assert!(planned.plan.changes()[2].needs.contains(&attach));
}

proptest! {
    /// Carrying out the planned update leaves nothing to do.
    #[test]
    fn updates_converge(min in proptest::option::of(0u32..5), desired in proptest::option::of(0u32..5), max in proptest::option::of(0u32..5),
                        image in "ami-[12]", subnets in proptest::collection::vec("subnet-[123]", 0..4), owner in "ann|bob") {
        let mut wanted = GroupSpec { min, desired, max, subnets, launch: LaunchSpec { image_id: image, ..launch() }, ..spec() };
        wanted.tags.insert("owner".into(), owner);
        let mut state = fulfilled();
        let planned = plan(&state, &wanted);
        for change in planned.plan.changes() {
            carry_out(&mut state, &change.action);
        }
        prop_assert_eq!(plan(&state, &wanted).plan.lines(), Vec::<String>::new());
    }
}

/// What AWS would do.
fn carry_out(state: &mut GroupState, action: &GroupAction) {
    let own = &mut state.groups[0];
    match action {
        GroupAction::CreateTemplate { name, spec, .. } => {
            let launch = LaunchRef::Template {
                id: name.clone(),
                name: name.clone(),
                version: "1".into(),
            };
            state.launches.insert(launch.key(), read((**spec).clone()));
        }
        GroupAction::UpdateGroup(update) => {
            if let Some(name) = &update.template {
                own.launch = LaunchRef::Template {
                    id: name.clone(),
                    name: name.clone(),
                    version: "1".into(),
                };
            }
            own.min_size = update.min.map_or(own.min_size, size);
            own.desired_capacity = update.desired.map_or(own.desired_capacity, size);
            own.max_size = update.max.map_or(own.max_size, size);
            if !update.subnets.is_empty() {
                own.vpc_zone_identifier = update.subnets.join(",");
            }
        }
        GroupAction::PutTags { tags, .. } => own.tags.extend(tags.clone()),
        other => panic!("unexpected {other:?}"),
    }
}
