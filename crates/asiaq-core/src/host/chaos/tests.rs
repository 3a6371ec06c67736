#![allow(clippy::unwrap_used, clippy::expect_used)]
use super::*;
use crate::group::{LaunchRef, Member};
use crate::host::record::tests::host;

fn group(name: &str, kind: Kind, tags: &[(&str, &str)], members: &[(&str, &str)]) -> Group {
    let member = |(id, state): &(&str, &str)| Member {
        id: (*id).to_owned(),
        lifecycle_state: (*state).to_owned(),
    };
    Group {
        name: name.to_owned(),
        kind,
        min_size: 0,
        max_size: 9,
        desired_capacity: 2,
        launch: LaunchRef::None,
        mixed_instances: false,
        launch_config_name: None,
        image_id: None,
        termination_policies: Vec::new(),
        vpc_zone_identifier: String::new(),
        load_balancers: Vec::new(),
        target_groups: Vec::new(),
        tags: tags
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect(),
        instances: members.iter().map(member).collect(),
        deleting: false,
        spot: None,
    }
}

#[test]
fn the_tag_chaos_switches_a_group_off() {
    let table = [
        (&[][..], true),
        (&[("chaos", "True")], true),
        (&[("chaos", "yes")], true),
        (&[("chaos", "False")], false),
        (&[("chaos", "no")], false),
        (&[("chaos", "")], false),
        (&[("chaos", "perhaps")], false),
    ];
    for (tags, enabled) in table {
        let groups = [group("ci_mhca_1", Kind::Asg, tags, &[])];
        assert_eq!(fleet("ci", &groups, &[])[0].enabled, enabled, "{tags:?}");
    }
}

#[test]
fn members_of_both_kinds_as_ec2_knows_them() {
    let asg = |id: &str| {
        host(
            id,
            "running",
            &[
                ("aws:autoscaling:groupName", "ci_mhca_1"),
                ("hostclass", "mhca"),
            ],
        )
    };
    let spot = |id: &str, group: &str| {
        host(
            id,
            "running",
            &[("spotinst", "True"), ("group_name", group)],
        )
    };
    let hosts = [
        asg("i-1"),
        asg("i-2"),
        asg("i-not-listed"),
        spot("i-3", "ci_mhcb_1"),
        spot("i-4", "ci_mhcother_1"),
        host("i-5", "running", &[("group_name", "ci_mhcb_1")]),
        host(
            "i-6",
            "terminated",
            &[("spotinst", "True"), ("group_name", "ci_mhcgone_1")],
        ),
    ];
    let deleting = Group {
        deleting: true,
        ..group("ci_mhcd_1", Kind::Asg, &[], &[])
    };
    let groups = [
        group(
            "ci_mhca_1",
            Kind::Asg,
            &[],
            &[
                ("i-2", "Terminating"),
                ("i-1", "InService"),
                ("i-elsewhere", "InService"),
            ],
        ),
        group("ci_mhcb_1", Kind::Spot, &[("hostclass", "mhcspot")], &[]),
        deleting,
    ];
    let found = fleet("ci", &groups, &hosts);
    let members = |group: &ChaosGroup| -> Vec<String> {
        let members = group.members.iter();
        members
            .map(|m| format!("{} {}", m.id, m.lifecycle))
            .collect()
    };
    let names: Vec<(&str, &str, u64)> = found
        .iter()
        .map(|g| (g.name.as_str(), g.hostclass.as_str(), g.desired))
        .collect();
    assert_eq!(
        names,
        [("ci_mhca_1", "mhca", 2), ("ci_mhcb_1", "mhcspot", 2)]
    );
    assert_eq!(members(&found[0]), ["i-2 Terminating", "i-1 InService"]);
    assert_eq!(members(&found[1]), ["i-3 "]);
    assert_eq!(found[0].members[0].hostclass.as_deref(), Some("mhca"));
    assert_eq!(
        unseen(&groups, &hosts).unwrap(),
        "instances of Elastigroups that cannot be seen are left alone: ci_mhcother_1; set SPOTINST_TOKEN to include them"
    );
    assert_eq!(unseen(&groups, &hosts[..4]), None);
}
