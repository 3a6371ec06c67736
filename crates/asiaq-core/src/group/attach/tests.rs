#![allow(clippy::unwrap_used, clippy::expect_used)]
use super::super::record::tests::group;
use super::super::spot::tests::elastigroup;
use super::*;

const ARN: &str = "arn:aws:elasticloadbalancing:us-west-2:1:targetgroup";

fn target(name: &str, known: bool) -> TargetGroup {
    TargetGroup {
        name: name.into(),
        arn: known.then(|| format!("{ARN}/{name}/1")),
    }
}

fn attachments(balancers: &[&str], targets: Vec<TargetGroup>) -> Attachments {
    Attachments {
        load_balancers: balancers.iter().map(|name| (*name).to_owned()).collect(),
        target_groups: targets,
    }
}

fn attached(mut group: Group, balancers: &[&str], targets: &[&str]) -> Group {
    group.load_balancers = balancers.iter().map(|name| (*name).to_owned()).collect();
    group.target_groups = targets
        .iter()
        .map(|name| format!("{ARN}/{name}/1"))
        .collect();
    group
}

/// Who asks.
#[derive(Clone, Copy)]
enum By {
    Provisioning,
    BalancerUpdate,
}

fn lines(own: Group, attach: &Attachments, detach: &Attachments, by: By) -> Vec<String> {
    let needs = ["balancer/x".to_owned()];
    let wanted = match by {
        By::Provisioning => AttachmentSpec::of_provisioning(attach, detach),
        By::BalancerUpdate => AttachmentSpec::of_balancer_update(attach, detach),
    };
    let planned = plan_attachments(&[own], "ci", "mhcweb", wanted, &needs);
    let (plan, warnings) = planned.unwrap();
    assert!(warnings.is_empty());
    plan.changes()
        .iter()
        .map(|c| format!("{} {}", c.id, c))
        .collect()
}

#[test]
fn examples_of_section_6() {
    const NAME: &str = "ci_mhcweb_1";
    let asg = |have: &[&str]| attached(group(NAME), have, &[]);
    let none = Attachments::default();
    type Case = (
        &'static [&'static str],
        &'static [&'static str],
        By,
        Vec<&'static str>,
    );
    let table: [Case; 6] = [
        (
            &["a", "b"],
            &["b", "c"],
            By::Provisioning,
            vec![
                "attach/ci_mhcweb_1 ~ group mhcweb ci_mhcweb_1: load balancers a b -> a b c",
                "detach/ci_mhcweb_1 ~ group mhcweb ci_mhcweb_1: load balancers a b c -> b c",
            ],
        ),
        (&["a"], &["a"], By::BalancerUpdate, vec![]),
        (
            &["a"],
            &[],
            By::BalancerUpdate,
            vec!["detach/ci_mhcweb_1 ~ group mhcweb ci_mhcweb_1: load balancers a -> none"],
        ),
        (&["a"], &[], By::Provisioning, vec![]),
        (
            &[],
            &["a", "a"],
            By::BalancerUpdate,
            vec!["attach/ci_mhcweb_1 ~ group mhcweb ci_mhcweb_1: load balancers none -> a"],
        ),
        (&[], &[], By::BalancerUpdate, vec![]),
    ];
    for (have, wanted, by, expected) in table {
        assert_eq!(
            lines(asg(have), &attachments(wanted, vec![]), &none, by),
            expected,
            "{have:?} {wanted:?}"
        );
    }
}

#[test]
fn detaching_touches_nothing_else() {
    let own = || attached(group("ci_mhcweb_1"), &["a", "hand"], &["t", "other"]);
    let detach = attachments(
        &["a", "gone"],
        vec![target("t", true), target("new", false)],
    );
    let found = lines(own(), &Attachments::default(), &detach, By::Provisioning);
    assert_eq!(
        found,
        [
            "detach/ci_mhcweb_1 ~ group mhcweb ci_mhcweb_1: load balancers a hand -> hand (and 1 more)"
        ]
    );
    let wanted = AttachmentSpec::of_provisioning(&detach, &detach);
    let (plan, _) = plan_attachments(&[own()], "ci", "mhcweb", wanted, &[]).unwrap();
    let actions: Vec<&GroupAction> = plan.changes().iter().map(|c| &c.action).collect();
    let attach = GroupAction::Attach {
        group: "ci_mhcweb_1".into(),
        load_balancers: vec!["gone".into()],
        target_groups: vec![target("new", false)],
    };
    let rest = GroupAction::Detach {
        group: "ci_mhcweb_1".into(),
        load_balancers: vec!["hand".into()],
        target_groups: vec![format!("{ARN}/other/1")],
    };
    assert_eq!(actions, [&attach, &rest], "what is wanted is not detached");
}

#[test]
fn target_groups_stay_when_a_balancer_is_updated() {
    let none = Attachments::default();
    for own in [group("ci_mhcweb_1"), elastigroup("ci_mhcweb_1")] {
        let own = attached(own, &["a"], &["t"]);
        let spot = own.kind == Kind::Spot;
        let wanted = AttachmentSpec::of_balancer_update(&none, &none);
        let (plan, _) = plan_attachments(&[own], "ci", "mhcweb", wanted, &["x".into()]).unwrap();
        assert_eq!(
            plan.lines(),
            ["~ group mhcweb ci_mhcweb_1: load balancers a -> none"]
        );
        let change = &plan.changes()[0];
        assert_eq!(change.id, "detach/ci_mhcweb_1");
        assert_eq!(change.needs[0], "x");
        if spot {
            let wanted = GroupAction::AttachElastigroup {
                group: elastigroup("ci_mhcweb_1").spot_ref().unwrap(),
                load_balancers: vec![],
                kept_target_groups: vec![format!("{ARN}/t/1")],
                new_target_groups: vec![],
            };
            assert_eq!(change.action, wanted);
        }
    }
}

#[test]
fn an_elastigroup_is_attached_before_it_is_detached() {
    let own = attached(elastigroup("ci_mhcweb_1"), &["a", "b"], &["t"]);
    let attach = attachments(&["b", "c"], vec![target("t", true), target("new", false)]);
    let none = Attachments::default();
    let wanted = AttachmentSpec::of_provisioning(&attach, &none);
    let (plan, _) = plan_attachments(&[own], "ci", "mhcweb", wanted, &[]).unwrap();
    assert_eq!(
        plan.lines(),
        [
            "~ group mhcweb ci_mhcweb_1: load balancers a b -> a b c",
            "~ group mhcweb ci_mhcweb_1: target groups t -> t new",
            "~ group mhcweb ci_mhcweb_1: load balancers a b c -> b c",
        ]
    );
    let wanted = |names: &[&str]| GroupAction::AttachElastigroup {
        group: elastigroup("ci_mhcweb_1").spot_ref().unwrap(),
        load_balancers: names.iter().map(|name| (*name).to_owned()).collect(),
        kept_target_groups: vec![format!("{ARN}/t/1")],
        new_target_groups: vec![target("new", false)],
    };
    let [attach, detach] = plan.changes() else {
        panic!("{plan:?}");
    };
    assert_eq!(attach.action, wanted(&["a", "b", "c"]));
    assert_eq!(detach.action, wanted(&["b", "c"]));
    assert!(detach.needs.contains(&attach.id));
}

#[test]
fn no_group_is_a_warning_and_several_are_an_error() {
    let none = Attachments::default();
    let table = [
        (
            attachments(&["a"], vec![target("t", false)]),
            "a, t is not attached",
        ),
        (none.clone(), "nothing is detached"),
    ];
    for (attach, end) in table {
        let wanted = AttachmentSpec::of_balancer_update(&attach, &none);
        let (plan, warnings) = plan_attachments(&[], "ci", "mhcweb", wanted, &[]).unwrap();
        assert!(plan.is_empty());
        assert_eq!(
            warnings,
            [format!(
                "hostclass mhcweb has no group in environment `ci`: {end}"
            )]
        );
    }
    let two = [group("ci_mhcweb_1"), group("ci_mhcweb_2")];
    let wanted = AttachmentSpec::of_balancer_update(&none, &none);
    assert!(plan_attachments(&two, "ci", "mhcweb", wanted, &[]).is_err());
}

#[test]
fn a_target_group_that_was_made_again_is_attached() {
    let none = Attachments::default();
    let again = TargetGroup {
        name: "t".into(),
        arn: Some(format!("{ARN}/t/2")),
    };
    for new in [target("t", false), again] {
        let attach = attachments(&[], vec![new.clone()]);
        let spot = attached(elastigroup("ci_mhcweb_1"), &[], &["t"]);
        let wanted = AttachmentSpec::of_provisioning(&attach, &none);
        let (plan, _) = plan_attachments(&[spot], "ci", "mhcweb", wanted, &[]).unwrap();
        assert_eq!(
            plan.lines(),
            [
                "~ group mhcweb ci_mhcweb_1: target groups t -> t t (new)",
                "~ group mhcweb ci_mhcweb_1: target groups t t (new) -> t (new)",
            ]
        );
        let action = GroupAction::AttachElastigroup {
            group: elastigroup("ci_mhcweb_1").spot_ref().unwrap(),
            load_balancers: vec![],
            kept_target_groups: vec![],
            new_target_groups: vec![new],
        };
        assert_eq!(plan.changes()[1].action, action);
        let asg = attached(group("ci_mhcweb_1"), &[], &["t"]);
        assert_eq!(
            lines(asg, &attach, &none, By::Provisioning),
            [
                "attach/ci_mhcweb_1 ~ group mhcweb ci_mhcweb_1: target groups t -> t t (new)",
                "detach/ci_mhcweb_1 ~ group mhcweb ci_mhcweb_1: target groups t t (new) -> t (new)",
            ]
        );
    }
}
