//! `spinup` again: what changes about groups that exist.

use super::{World, changing, name_of};
use crate::support::proxy::Proxy;

/// A pipeline of one small row.
fn small(world: &World, sizes: &str, instance_type: &str) -> String {
    let header = "sequence,hostclass,min_size,desired_size,max_size,instance_type";
    world.pipeline(
        "small.csv",
        &format!("{header}\n1,mhcapp,{sizes},{instance_type}\n"),
    )
}

#[test]
fn an_update_sends_what_differs_and_nothing_else() {
    let world = World::new();
    let spinup = |sizes: &str, instance_type: &str| {
        let file = small(&world, sizes, instance_type);
        let (output, proxy) = world.watch(&["spinup", "--pipeline", &file]);
        output.expect_status(0);
        proxy
    };
    let keys = |proxy: &Proxy| -> Vec<String> {
        let update = proxy
            .calls()
            .into_iter()
            .find(|call| call.operation == "UpdateAutoScalingGroup");
        let form = update.expect("an update").form;
        let keys = form.into_iter().map(|(key, _)| key);
        keys.filter(|key| !matches!(key.as_str(), "Action" | "Version" | "AutoScalingGroupName"))
            .collect()
    };
    spinup("0,1,2", "m4.large");
    let (first, template) = (world.group("mhcapp"), world.templates());

    let proxy = spinup(",2,", "m4.large");
    assert_eq!(changing(&proxy), ["UpdateAutoScalingGroup"]);
    assert_eq!(keys(&proxy), ["DesiredCapacity"]);
    assert_eq!(world.sizes("mhcapp"), (0, 2, 2));
    assert_eq!(world.templates(), template);

    let proxy = spinup(",,", "t2.micro");
    assert_eq!(
        changing(&proxy),
        ["CreateLaunchTemplate", "UpdateAutoScalingGroup"]
    );
    let sent = keys(&proxy);
    assert!(
        sent.iter().all(|key| key.starts_with("LaunchTemplate.")),
        "{sent:?}"
    );
    assert_eq!(
        world.launch("mhcapp").instance_type().unwrap().as_str(),
        "t2.micro"
    );
    assert_eq!(world.sizes("mhcapp"), (0, 2, 2));

    let proxy = spinup(",,", "");
    assert_eq!(
        changing(&proxy),
        [""; 0],
        "without a type the group keeps its own"
    );

    let proxy = spinup("1@0 6 * * *,,", "");
    assert_eq!(
        changing(&proxy),
        ["UpdateAutoScalingGroup", "PutScheduledUpdateGroupAction"]
    );
    assert_eq!(keys(&proxy), ["MinSize"]);
    let proxy = spinup("1,,", "");
    assert_eq!(
        changing(&proxy),
        ["DeleteScheduledAction"],
        "actions that are not asked for go"
    );
    assert_eq!(name_of(&world.group("mhcapp")), name_of(&first));
}

#[test]
fn testing_groups_carry_the_tag() {
    let world = World::new();
    let file = small(&world, "0,0,1", "t2.micro");
    let testing = |args: &[&str]| {
        world
            .run(&[&["spinup", "--pipeline", &file], args].concat())
            .expect_status(0);
        let group = world.group("mhcapp");
        let tag = group
            .tags()
            .iter()
            .find(|tag| tag.key() == Some("is_testing"))
            .cloned();
        assert!(
            !world
                .user_data("mhcapp")
                .iter()
                .any(|line| line.contains("is_testing"))
        );
        tag.unwrap().value.unwrap()
    };
    assert_eq!(testing(&["--testing"]), "1");
    assert_eq!(testing(&[]), "0");
}

#[test]
fn a_hostclass_that_occurs_twice_gets_one_group_and_one_interface() {
    let world = World::new();
    world.delete_floating_interfaces();
    let file = world.pipeline(
        "twice.csv",
        "sequence,hostclass,desired_size,max_size,instance_type\n1,mhcproxy,0,1,t2.micro\n1,mhcproxy,1,3,t2.micro\n2,mhcproxy,,4,t2.small\n",
    );
    let planned = world
        .run(&["spinup", "--pipeline", &file, "--dry-run"])
        .expect_status(0)
        .stdout;
    assert_eq!(planned.matches("+ group mhcproxy").count(), 1, "{planned}");
    assert_eq!(
        planned.matches("~ group mhcproxy: the row repeats").count(),
        2
    );
    world.run(&["spinup", "--pipeline", &file]).expect_status(0);
    assert_eq!(world.sizes("mhcproxy"), (0, 1, 4));
    assert_eq!(
        world.launch("mhcproxy").instance_type().unwrap().as_str(),
        "t2.small"
    );
    assert_eq!(world.floating_interfaces().len(), 1);
    assert_eq!(world.instances(Some("mhcproxy")).len(), 1);
}

#[test]
fn a_row_without_type_keeps_the_type_that_the_row_before_it_chose() {
    let world = World::new();
    let file = world.pipeline(
        "twice.csv",
        "sequence,hostclass,desired_size,max_size,instance_type\n1,mhcapp,0,1,c4.xlarge\n1,mhcapp,,3,\n2,mhcapp,,4,\n",
    );
    let (output, proxy) = world.watch(&["spinup", "--pipeline", &file]);
    output.expect_status(0);
    assert_eq!(world.sizes("mhcapp"), (0, 0, 4));
    assert_eq!(
        world.launch("mhcapp").instance_type().unwrap().as_str(),
        "c4.xlarge"
    );
    assert_eq!(
        proxy.count("CreateLaunchTemplate"),
        1,
        "the later rows change the size only"
    );
}
