//! `destroy` and groups: Elastigroups of the environment go, groups of others that launch into its VPC are refused first.

use serde_json::json;

use super::super::{create, fixed, run};
use super::add_group;
use crate::support::asiaq;
use crate::support::cloud::Cloud;
use crate::support::environment::{in_vpc, inventory, vpc_ids};
use crate::support::spotinst::SpotinstServer;

#[test]
fn groups_of_others_are_refused_and_elastigroups_go() {
    let (cloud, config, spotinst) = (Cloud::start(), fixed(), SpotinstServer::start());
    create(&cloud, &config);
    let vpc = vpc_ids(&cloud, "ci")[0].clone();
    let subnets = cloud.wait(
        cloud
            .client()
            .describe_subnets()
            .filters(in_vpc(&vpc))
            .send(),
    );
    let subnet = subnets.unwrap().subnets()[0]
        .subnet_id()
        .unwrap()
        .to_owned();
    let put = |name: &str| {
        spotinst.put_group(json!({
            "name": name, "region": "us-west-2", "capacity": {"minimum": 0, "maximum": 1, "target": 1},
            "compute": {"availabilityZones": [{"name": "us-west-2a", "subnetIds": [subnet]}]},
        }))
    };
    put("ci_mhcspot_1790000000");
    let foreign = put("ci2_mhcspot_1790000001");
    add_group(&cloud, "ci2", &vpc);
    let full = inventory(&cloud);
    let destroy = || {
        let tool = asiaq("disco_vpc_ui")
            .endpoint(cloud.url())
            .config(config.path());
        let variables = spotinst.variables();
        let tool = variables
            .iter()
            .fold(tool, |tool, (name, value)| tool.env(name, value));
        tool.args(["destroy", "--name", "ci"]).run()
    };
    let output = destroy().expect_status(1);
    for part in [
        "Auto Scaling group ci2_mhcweb_1780000000",
        "Elastigroup ci2_mhcspot_1790000001",
        "nothing has been changed",
    ] {
        assert!(output.stderr.contains(part), "{}", output.stderr);
    }
    assert_eq!((inventory(&cloud), spotinst.groups().len()), (full, 2));

    // Without a token only AWS' groups are seen; they are refused as well.
    let blind = run(cloud.url(), &config, "destroy --name ci").expect_status(1);
    assert!(!blind.stderr.contains("Elastigroup") && blind.stderr.contains("ci2_mhcweb"));

    let delete = cloud
        .autoscaling()
        .delete_auto_scaling_group()
        .auto_scaling_group_name("ci2_mhcweb_1780000000")
        .force_delete(true);
    cloud.wait(delete.send()).unwrap();
    let change = json!({"group": {"compute": {"availabilityZones": null}}});
    put_document(&spotinst, &foreign, &change);
    let output = destroy().expect_status(0);
    assert!(
        output
            .stderr
            .contains("- group mhcspot ci_mhcspot_1790000000 (Elastigroup, with its instances)"),
        "{}",
        output.stderr
    );
    let left = spotinst.groups();
    assert_eq!(
        (left.len(), left[0]["name"].as_str()),
        (1, Some("ci2_mhcspot_1790000001"))
    );
    assert!(vpc_ids(&cloud, "ci").is_empty());
}

/// Changes a group as the service's own console would.
fn put_document(spotinst: &SpotinstServer, id: &str, change: &serde_json::Value) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let client = asiaq_core::spotinst::Spotinst::new(spotinst.settings(), None).unwrap();
    runtime.block_on(client.update_group(id, change)).unwrap();
}
