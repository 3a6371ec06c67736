//! `listgroups` and `listconfigs`: lines, order, JSON, and what is not of the environment.

use aws_sdk_ec2::types::RequestLaunchTemplateData;
use serde_json::json;

use super::{IMAGE, Launch, World};

/// Groups of every sort in `ci`, and some of other environments.
fn populated() -> World {
    let world = World::new();
    let testing = [("is_testing", "Yes"), ("environment", "ci")];
    world.own_group("ci_mhcbanana_1790000000", 1, &[("is_testing", "0")]);
    world.configuration("ci_mhcold_7", "ami-1");
    world.group(
        "ci_mhcold_1790000001",
        Launch::Configuration("ci_mhcold_7"),
        0,
        &testing,
    );
    world.template("ci_mhcmixed_7", "ami-2");
    world.group(
        "ci_mhcmixed_1790000002",
        Launch::Mixed("ci_mhcmixed_7", "ci_mhcmixed_7"),
        0,
        &[],
    );
    world.template("shared-base", "ami-3");
    world.group(
        "ci_mhcapp_1790000003",
        Launch::Template("shared-base"),
        0,
        &[],
    );
    world.own_group("ci2_mhcbanana_1790000004", 1, &[]);
    world.own_group("ci_2_mhcbanana_1790000005", 0, &[("environment", "ci_2")]);
    world
}

#[test]
fn groups_of_every_sort() {
    let world = populated();
    let line = |name: &str, image: &str, numbers: &str, testing: &str| {
        format!("{name:<42} {image:<21} {numbers} asg  {testing}         \n")
    };
    let rows = [
        line("ci_mhcapp_1790000003", "", "  0   0   2   0", "n"),
        format!(
            "ci_mhcbanana_1790000000{}{IMAGE}   0   1   2   1 asg  n         \n",
            " ".repeat(20)
        ),
        line("ci_mhcmixed_1790000002", "ami-2", "  0   0   2   0", "n"),
        line("ci_mhcold_1790000001", "ami-1", "  0   0   2   0", "y"),
    ];
    assert_eq!(world.stdout(&["listgroups"]), rows.concat());

    let header = format!(
        "{:<37} {:<21} min des max cnt type is_testing\n",
        "Name", "AMI"
    );
    assert_eq!(
        world.stdout(&["--debug", "listgroups"]),
        format!("{header}{}", rows.concat())
    );

    let other = world.stdout(&["--env=ci2", "listgroups"]);
    assert_eq!(
        other,
        format!(
            "{:<43} {IMAGE}   0   1   2   1 asg  n         \n",
            "ci2_mhcbanana_1790000004"
        )
    );
    let by_variable = world
        .tool_at(world.cloud.url(), &["listgroups"])
        .env("DEFAULT_ENV", "ci2");
    assert_eq!(by_variable.run().expect_status(0).stdout, other);
    assert_eq!(
        world.stdout(&["--en", "nowhere", "listgroups"]),
        "",
        "no VPC of that name is looked for"
    );
}

#[test]
fn groups_as_json() {
    let world = populated();
    let groups = world.json(&["listgroups", "--debug"]);
    let names: Vec<&str> = groups
        .as_array()
        .unwrap()
        .iter()
        .map(|group| group["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "ci_mhcapp_1790000003",
            "ci_mhcbanana_1790000000",
            "ci_mhcmixed_1790000002",
            "ci_mhcold_1790000001"
        ]
    );
    let mut banana = groups[1].clone();
    let instances = banana["instances"].take();
    assert!(
        instances[0]["id"].as_str().unwrap().starts_with("i-")
            && instances[0]["lifecycle_state"] == "InService"
    );
    let wanted = json!({
        "name": "ci_mhcbanana_1790000000", "type": "asg", "min_size": 0, "max_size": 2, "desired_capacity": 1,
        "launch_config_name": "ci_mhcbanana_17900000009", "image_id": IMAGE, "termination_policies": ["Default"],
        "vpc_zone_identifier": "", "load_balancers": [], "target_groups": [], "tags": {"is_testing": "0"},
        "instances": null, "count": 1, "is_testing": false,
    });
    assert_eq!(banana, wanted);
    assert_eq!(
        (&groups[0]["image_id"], &groups[0]["launch_config_name"]),
        (&json!(null), &json!("shared-base"))
    );
    assert_eq!(
        (&groups[3]["is_testing"], &groups[3]["image_id"]),
        (&json!(true), &json!("ami-1"))
    );
    assert_eq!(
        world.json(&["--env", "nowhere", "listgroups"]),
        json!([]),
        "nothing is an empty array"
    );
}

#[test]
fn launch_objects_of_both_sorts() {
    let world = World::new();
    assert_eq!(world.stdout(&["listconfigs"]), "");
    // More than a default page holds.
    let numbers = 100..117;
    for number in numbers.clone() {
        world.template(&format!("ci_mhcweb_{number}"), &format!("ami-{number}"));
    }
    world.configuration("ci_mhcolder_and_longer_200", "ami-200");
    world.configuration("ci_mhcold_200", "ami-201");
    world.template("ci_handmade", "ami-300");
    for foreign in ["ci2_mhcweb_1", "cimhcweb_1", "shared"] {
        world.template(foreign, IMAGE);
        world.configuration(foreign, IMAGE);
    }
    let mut wanted = String::from(
        "ci_handmade              ami-300\nci_mhcold_200            ami-201\nci_mhcolder_and_longer_200 ami-200\n",
    );
    for number in numbers {
        wanted.push_str(&format!(
            "{:<24} ami-{number}\n",
            format!("ci_mhcweb_{number}")
        ));
    }
    assert_eq!(world.stdout(&["listconfigs"]), wanted);

    let found = world.json(&["listconfigs"]);
    assert_eq!(found.as_array().unwrap().len(), 20);
    let mut template = found[0].clone();
    assert!(template["id"].take().as_str().unwrap().starts_with("lt-"));
    assert_eq!(
        template,
        json!({"name": "ci_handmade", "type": "template", "id": null, "image_id": "ami-300"})
    );
    assert_eq!(
        found[1],
        json!({"name": "ci_mhcold_200", "type": "configuration", "id": null, "image_id": "ami-201"})
    );
}

#[test]
fn images_of_many_groups() {
    // More templates than are read one by one; one is gone, and of one the default version is not the group's.
    let world = World::new();
    for number in 10..20 {
        let name = format!("ci_mhcweb_{number}");
        world.template(&name, &format!("ami-{number}"));
        world.group(
            &format!("ci_mhcweb_17900000{number}"),
            Launch::Template(&name),
            0,
            &[],
        );
    }
    let delete = world
        .cloud
        .client()
        .delete_launch_template()
        .launch_template_name("ci_mhcweb_13");
    world.cloud.wait(delete.send()).unwrap();
    let ec2 = world.cloud.client();
    let data = RequestLaunchTemplateData::builder().image_id("ami-next");
    let version = ec2
        .create_launch_template_version()
        .launch_template_name("ci_mhcweb_15")
        .launch_template_data(data.build());
    world.cloud.wait(version.send()).unwrap();
    let modify = ec2
        .modify_launch_template()
        .launch_template_name("ci_mhcweb_15")
        .default_version("2");
    world.cloud.wait(modify.send()).unwrap();
    assert!(
        world
            .stdout(&["listconfigs"])
            .contains("ci_mhcweb_15             ami-next\n")
    );
    let listed = world.stdout(&["listgroups"]);
    let images: Vec<&str> = listed.lines().map(|line| line[43..64].trim()).collect();
    assert_eq!(
        images,
        [
            "ami-10", "ami-11", "ami-12", "", "ami-14", "ami-15", "ami-16", "ami-17", "ami-18",
            "ami-19"
        ]
    );
}
