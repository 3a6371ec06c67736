//! Tables of sizes and rows.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;
use crate::aws::Tags;
use crate::deploy::Strategy;
use crate::group::LaunchRef;
use crate::image::Image;
use crate::pipeline::recurring_actions;

/// A group of that name with these sizes and tags.
pub(in crate::deploy) fn group(
    name: &str,
    (min, desired, max): (i32, i32, i32),
    tags: &[(&str, &str)],
) -> Group {
    let pair = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
    Group {
        name: name.to_owned(),
        kind: Kind::Asg,
        min_size: min,
        max_size: max,
        desired_capacity: desired,
        launch: LaunchRef::None,
        mixed_instances: false,
        launch_config_name: None,
        image_id: None,
        termination_policies: Vec::new(),
        vpc_zone_identifier: String::new(),
        load_balancers: Vec::new(),
        target_groups: Vec::new(),
        tags: tags.iter().map(pair).collect::<Tags>(),
        instances: Vec::new(),
        deleting: false,
        spot: None,
    }
}

pub(in crate::deploy) fn deployment(old: Option<Group>, row: &str) -> Deployment {
    let text = format!("sequence,hostclass,desired_size,min_size,max_size\n7,mhcweb,{row}\n");
    Deployment {
        hostclass: "mhcweb".into(),
        image: Image {
            id: "ami-2".into(),
            name: "mhcweb 2".into(),
            state: "available".into(),
            tags: Tags::new(),
            root_device: None,
            devices: Vec::new(),
            creation_date: None,
        },
        row: Pipeline::parse("p.csv", text.as_bytes())
            .unwrap()
            .rows
            .remove(0),
        pipeline_file: "p.csv".into(),
        old,
        kind: Kind::Asg,
        deployable: true,
        integration_test: None,
        uses_elb: false,
        strategy: Strategy::BlueGreen,
        desired: 1,
        min: 0,
        max: 1,
        test_env: "ci".into(),
        limits: crate::deploy::Limits::default(),
    }
}

#[test]
fn the_sizes_of_the_old_group_come_back_after_the_test() {
    let sizes = |old: Option<(i32, i32, i32)>| {
        let old = old.map(|sizes| group("ci_mhcweb_1", sizes, &[]));
        let sizes = real_sizes(&deployment(old, "9,,"));
        (sizes.min, sizes.desired.unwrap(), sizes.max)
    };
    assert_eq!(sizes(Some((1, 4, 8))), (1, 4, 8));
    assert_eq!(sizes(Some((0, 0, 0))), (0, 0, 0));
    assert_eq!(sizes(None), (0, 1, 1), "those of the deployment");
}

#[test]
fn the_row_of_a_deployment_keeps_what_the_pipeline_says_but_for_image_and_sequence() {
    let own = row(&deployment(None, "1@45 19 * * *:3@33 19 * * *,,5"));
    assert_eq!(own.sequence.as_deref(), Some("1"));
    assert_eq!(own.ami.as_deref(), Some("ami-2"));
    assert!(!own.smoke_test);
    // The worked example of section 13.4.
    let actions = recurring_actions(
        own.min_size.as_ref(),
        own.desired_size.as_ref(),
        own.max_size.as_ref(),
    );
    let told: Vec<_> = actions
        .iter()
        .map(|own| {
            (
                own.name("qa_mhcw_1700000000"),
                own.min,
                own.desired,
                own.max,
            )
        })
        .collect();
    let name = |time: &str| format!("qa_mhcw_1700000000_{time}_19_star_star_star");
    let wanted = [
        (name("33"), None, Some(3), None),
        (name("45"), None, Some(1), None),
    ];
    assert_eq!(told, wanted);
}
