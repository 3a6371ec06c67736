//! `spindown` and `spindownandup`.

use aws_sdk_autoscaling::types::LaunchTemplateSpecification;
use aws_sdk_ec2::types::RequestLaunchTemplateData;

use super::{World, changing, name_of};

const UP: &str = "\
sequence,hostclass,desired_size,instance_type
1,mhcapp,1,t2.micro
2,mhcdb,1,t2.micro
3,mhcproxy,1,t2.micro
";

fn spun_up() -> World {
    let world = World::new();
    let file = world.pipeline("up.csv", UP);
    world.run(&["spinup", "--pipeline", &file]).expect_status(0);
    world
}

#[test]
fn spindown_takes_the_groups_of_the_file_and_no_others() {
    let world = spun_up();
    // Rows need no sequence here, and may repeat.
    let file = world.pipeline("down.csv", "hostclass\nmhcapp\nmhcdb\nmhcapp\nmhcnone\n");
    let shown = world
        .run(&["spindown", "--pipeline", &file, "--dry-run"])
        .expect_status(0)
        .stdout;
    assert_eq!(world.groups().len(), 3);
    for hostclass in ["mhcapp", "mhcdb"] {
        let group = world.group(hostclass);
        let template = group
            .launch_template()
            .unwrap()
            .launch_template_name()
            .unwrap();
        let expected = format!(
            "- group {hostclass} {} (1 instance)\n- launch template {template}\n",
            name_of(&group)
        );
        assert!(shown.contains(&expected), "{expected} in\n{shown}");
    }
    assert_eq!(shown.lines().count(), 4);

    let output = world
        .run(&["spindown", "--pipeline", &file])
        .expect_status(0);
    assert_eq!(output.stdout, "");
    assert_eq!(world.groups().len(), 1);
    assert_eq!(world.templates().len(), 1);
    assert_eq!(world.instances(Some("mhcproxy")).len(), 1);
    assert_eq!(world.instances(None).len(), 1);
    world.launch("mhcproxy");
    assert_eq!(
        world.floating_interfaces().len(),
        1,
        "static addresses stay"
    );

    let (output, proxy) = world.watch(&["spindown", "--pipeline", &file]);
    output.expect_status(0);
    assert_eq!(changing(&proxy), [""; 0]);
    assert_eq!(
        world
            .run(&["spindown", "--pipeline", &file, "--dry-run"])
            .expect_status(0)
            .stdout,
        "no changes\n"
    );
}

#[test]
fn a_row_without_hostclass_is_refused_before_anything_is_deleted() {
    let world = spun_up();
    for command in ["spindown", "spindownandup"] {
        let file = world.pipeline("empty.csv", "sequence,hostclass,ami\n1,mhcapp,\n1,,ami-1\n");
        let (output, proxy) = world.watch(&[command, "--pipeline", &file]);
        let stderr = output.expect_status(1).stderr;
        assert!(
            stderr.contains("empty.csv:3: hostclass: the row has no hostclass"),
            "{stderr}"
        );
        assert_eq!(changing(&proxy), [""; 0]);
    }
    assert_eq!(world.groups().len(), 3);
}

#[test]
fn spindownandup_makes_new_groups() {
    let world = spun_up();
    // With two groups of a hostclass spinup is refused; spindownandup repairs it.
    let old = world.group("mhcapp");
    let data = RequestLaunchTemplateData::builder()
        .image_id(&world.images["mhcapp"])
        .build();
    let template = world
        .cloud
        .client()
        .create_launch_template()
        .launch_template_name("ci_mhcapp_6")
        .launch_template_data(data);
    world.cloud.wait(template.send()).unwrap();
    let reference = LaunchTemplateSpecification::builder()
        .launch_template_name("ci_mhcapp_6")
        .version("1")
        .build();
    let twin = world
        .cloud
        .autoscaling()
        .create_auto_scaling_group()
        .auto_scaling_group_name("ci_mhcapp_5")
        .launch_template(reference)
        .vpc_zone_identifier(old.vpc_zone_identifier().unwrap())
        .min_size(0)
        .max_size(0);
    world.cloud.wait(twin.send()).unwrap();
    let file = world.pipeline(
        "both.csv",
        "sequence,hostclass,desired_size,instance_type\n1,mhcapp,2,t2.micro\n2,mhcdb,1,t2.small\n",
    );
    let (output, proxy) = world.watch(&["spinup", "--pipeline", &file]);
    let stderr = output.expect_status(1).stderr;
    assert!(
        stderr.contains("error: too many autoscaling groups for mhcapp in environment `ci`: "),
        "{stderr}"
    );
    assert_eq!(changing(&proxy), [""; 0]);

    let (output, proxy) = world.watch(&["spindownandup", "--pipeline", &file, "--dry-run"]);
    let shown = output.expect_status(0).stdout;
    assert_eq!(changing(&proxy), [""; 0]);
    assert!(
        shown.contains("- group mhcapp ci_mhcapp_5 (0 instances)\n"),
        "{shown}"
    );
    assert!(
        shown.contains("\nsequence 2\n  + launch template ci_mhcdb_"),
        "new groups, not updates of those that go: {shown}"
    );
    let json = world
        .run(&[
            "spindownandup",
            "--pipeline",
            &file,
            "--dry-run",
            "--output",
            "json",
        ])
        .expect_status(0)
        .stdout;
    let items: serde_json::Value = serde_json::from_str(&json).expect("one JSON document");
    assert_eq!(
        (items[0]["sign"].as_str(), items[0]["sequence"].as_i64()),
        (Some("-"), None)
    );

    let before = world.instance_ids(None);
    world
        .run(&["spindownandup", "--pipeline", &file])
        .expect_status(0);
    assert_ne!(name_of(&world.group("mhcapp")), name_of(&old));
    assert_eq!(
        world.launch("mhcdb").instance_type().unwrap().as_str(),
        "t2.small"
    );
    assert_eq!(
        (
            world.instances(Some("mhcapp")).len(),
            world.instances(Some("mhcdb")).len()
        ),
        (2, 1)
    );
    assert_eq!(
        world
            .instance_ids(None)
            .iter()
            .filter(|id| before.contains(id))
            .count(),
        1,
        "only the proxy stays"
    );
    assert_eq!((world.groups().len(), world.templates().len()), (3, 3));
}

#[test]
fn a_file_that_cannot_be_spun_up_is_not_spun_down() {
    let world = spun_up();
    for (row, problem) in [
        (
            "x,mhcapp",
            "bad.csv:2: sequence: `x` is not a sequence number",
        ),
        (
            "1,mhcapp\n1,mhcnone",
            "bad.csv:3: hostclass: no image of hostclass mhcnone in any stage",
        ),
    ] {
        let file = world.pipeline("bad.csv", &format!("sequence,hostclass\n{row}\n"));
        let (output, proxy) = world.watch(&["spindownandup", "--pipeline", &file]);
        let stderr = output.expect_status(1).stderr;
        assert!(stderr.contains(problem), "{stderr}");
        assert_eq!(changing(&proxy), [""; 0]);
    }
    assert_eq!(world.groups().len(), 3);
}
