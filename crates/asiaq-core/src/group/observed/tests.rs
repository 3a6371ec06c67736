#![allow(clippy::unwrap_used, clippy::expect_used)]
use super::super::launch_specs::tests::reference;
use super::*;
use aws_sdk_autoscaling::types::{LaunchTemplate, LaunchTemplateOverrides, TagDescription};

fn template(id: &str, version: Option<&str>) -> LaunchTemplateSpecification {
    let spec = LaunchTemplateSpecification::builder()
        .launch_template_id(id)
        .launch_template_name(format!("name-{id}"));
    spec.set_version(version.map(str::to_owned)).build()
}

fn mixed(id: &str, overrides: &[&str]) -> MixedInstancesPolicy {
    let overrides = overrides.iter().map(|id| {
        LaunchTemplateOverrides::builder()
            .launch_template_specification(template(id, None))
            .build()
    });
    let launch = LaunchTemplate::builder()
        .launch_template_specification(template(id, Some("3")))
        .set_overrides(Some(overrides.collect()));
    MixedInstancesPolicy::builder()
        .launch_template(launch.build())
        .build()
}

fn named(name: &str) -> aws_sdk_autoscaling::types::builders::AutoScalingGroupBuilder {
    AutoScalingGroup::builder().auto_scaling_group_name(name)
}

#[test]
fn launch_object_of_a_group_in_the_order_of_section_4_3() {
    let table = [
        (
            named("g")
                .launch_template(template("lt-1", Some("1")))
                .launch_configuration_name("c")
                .build(),
            reference("lt-1", "1"),
            false,
        ),
        (
            named("g").launch_template(template("lt-1", None)).build(),
            reference("lt-1", "$Default"),
            false,
        ),
        (
            named("g")
                .mixed_instances_policy(mixed("lt-2", &[]))
                .launch_configuration_name("c")
                .build(),
            reference("lt-2", "3"),
            true,
        ),
        (
            named("g").launch_configuration_name("c").build(),
            LaunchRef::Configuration("c".into()),
            false,
        ),
        (named("g").build(), LaunchRef::None, false),
    ];
    for (input, launch, is_mixed) in table {
        let read = group(&input).unwrap();
        assert_eq!((&read.launch, read.mixed_instances), (&launch, is_mixed));
        assert_eq!(read.launch_config_name.as_deref(), launch.name());
    }
}

#[test]
fn own_groups_newest_first_and_those_being_deleted_marked() {
    let foreign = TagDescription::builder()
        .key("environment")
        .value("ci_2")
        .build();
    let all = [
        named("ci_mhcfoo_1").build(),
        named("ci2_mhcfoo_9").build(),
        named("ci_2_mhcfoo_9").tags(foreign).build(),
        named("ci_mhcfoo_2").status("Delete in progress").build(),
    ];
    let survey = divided(&all, Vec::new(), "ci");
    let own = survey.groups;
    assert_eq!(
        own.iter()
            .map(|g| (g.name.as_str(), g.deleting))
            .collect::<Vec<_>>(),
        [("ci_mhcfoo_2", true), ("ci_mhcfoo_1", false)]
    );
    let others: Vec<&str> = survey.others.iter().map(|g| g.name.as_str()).collect();
    assert_eq!(others, ["ci2_mhcfoo_9", "ci_2_mhcfoo_9"]);
}

#[test]
fn usage_counts_each_group_once_per_object_with_overrides() {
    let all = [
        named("a")
            .launch_template(template("lt-1", Some("1")))
            .build(),
        named("b")
            .mixed_instances_policy(mixed("lt-1", &["lt-1", "lt-3"]))
            .build(),
        named("c").launch_configuration_name("conf").build(),
        named("d").build(),
    ];
    let counts = usage(&all);
    let count = |key: &str| counts.get(key).copied().unwrap_or(0);
    assert_eq!(
        (
            count("template/lt-1"),
            count("template/name-lt-1"),
            count("template/lt-3"),
            count("configuration/conf")
        ),
        (2, 2, 1, 1)
    );
    assert_eq!(counts.len(), 5);
}

#[test]
fn templates_that_a_deployment_records_count_as_used() {
    let tagged = |value: &str| {
        let tag = TagDescription::builder()
            .key("deploy_rolls_from")
            .value(value);
        let group = named("g").launch_template(template("lt-1", Some("1")));
        group.tags(tag.build()).build()
    };
    let used = used_keys(&tagged("lt-1:1/lt-2:1"));
    assert!(used.contains("template/lt-1"), "{used:?}");
    assert!(used.contains("template/lt-2"), "{used:?}");
    // Images of an Elastigroup are no templates.
    assert!(rolled_refs(&tagged("ami-1/ami-2")).is_empty());
}
