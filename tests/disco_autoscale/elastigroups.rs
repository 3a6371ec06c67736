//! Elastigroups beside Auto Scaling groups, against a stand-in for Spotinst: listing, deleting, and what goes wrong.

use serde_json::{Value, json};

use super::{World, reads_only};
use crate::support::Output;
use crate::support::proxy::{Behaviour, Proxy};
use crate::support::spotinst::{Fault, HTML, INTERNAL, Operation, SpotinstServer, TOKEN};

const ASG: &str = "ci_mhcweb_1790000000";
const SPOT: &str = "ci_mhcweb_1790000001";
const IDLE: &str = "ci_mhcapp_1790000002";
const FOREIGN: &str = "ci2_mhcweb_1790000003";

/// The document of a group in the tests' region.
fn document(name: &str) -> Value {
    json!({
        "name": name,
        "region": "us-west-2",
        "capacity": {"minimum": 0, "maximum": 3, "target": 2, "unit": "instance"},
        "compute": {
            "availabilityZones": [{"name": "us-west-2a", "subnetIds": ["subnet-1"]}],
            "instanceTypes": {"ondemand": "m5.large", "spot": ["m5.large"]},
            "launchSpecification": {
                "imageId": "ami-1",
                "tags": [{"tagKey": "is_testing", "tagValue": "1"}, {"tagKey": "hostclass", "tagValue": "mhcweb"}],
            },
        },
    })
}

/// An Auto Scaling group with an instance, an Elastigroup with an instance and a request, one with nothing, and one of
/// another environment.
struct Both {
    world: World,
    spotinst: SpotinstServer,
    spot: String,
    idle: String,
}

impl Both {
    fn new() -> Self {
        let (world, spotinst) = (World::new(), SpotinstServer::start());
        world.own_group(ASG, 1, &[]);
        let spot = spotinst.put_group(document(SPOT));
        spotinst.set_status(&spot, &[Some("i-00000000000000001"), None]);
        let idle = spotinst.put_group(document(IDLE));
        let foreign = spotinst.put_group(document(FOREIGN));
        spotinst.set_status(&foreign, &[]);
        Self {
            world,
            spotinst,
            spot,
            idle,
        }
    }

    fn run(&self, args: &[&str]) -> Output {
        self.run_at(self.world.cloud.url(), args)
    }

    fn run_at(&self, url: &str, args: &[&str]) -> Output {
        let variables = self.spotinst.variables();
        let tool = variables
            .iter()
            .fold(self.world.tool_at(url, args), |tool, (name, value)| {
                tool.env(name, value)
            });
        let output = tool.run();
        assert!(!format!("{}{}", output.stdout, output.stderr).contains(TOKEN));
        output
    }

    /// Names of the Elastigroups that are left, in order of creation.
    fn left(&self) -> Vec<String> {
        let groups = self.spotinst.groups().into_iter();
        groups
            .map(|group| group["name"].as_str().unwrap().to_owned())
            .collect()
    }
}

#[test]
fn both_kinds_are_listed() {
    let both = Both::new();
    both.spotinst.put_group({
        let mut elsewhere = document("ci_mhcfar_1790000000");
        elsewhere["compute"]["availabilityZones"] =
            json!([{"name": "eu-west-1a", "subnetIds": []}]);
        elsewhere
    });
    let line =
        |name: &str, image: &str, rest: &str| format!("{name:<42} {image:<21} {rest}         \n");
    let wanted = [
        line(IDLE, "ami-1", "  0   2   3   0 spot y"),
        line(ASG, super::IMAGE, "  0   1   2   1 asg  n"),
        line(SPOT, "ami-1", "  0   2   3   2 spot y"),
    ];
    let output = both.run(&["listgroups"]).expect_status(0);
    assert_eq!(output.stdout, wanted.concat());
    assert_eq!(both.spotinst.calls_of(Operation::List).len(), 1);
    assert_eq!(
        both.spotinst.calls_of(Operation::Status).len(),
        2,
        "only of the environment's groups"
    );

    let json = both
        .run(&["listgroups", "--output", "json"])
        .expect_status(0);
    let groups: Value = serde_json::from_str(&json.stdout).unwrap();
    let mut spot = groups[2].clone();
    let status = spot["instances"].take();
    assert_eq!(status[0]["id"], "i-00000000000000001");
    let wanted = json!({
        "name": SPOT, "type": "spot", "min_size": 0, "max_size": 3, "desired_capacity": 2, "launch_config_name": null,
        "image_id": "ami-1", "termination_policies": [], "vpc_zone_identifier": "subnet-1", "load_balancers": [],
        "target_groups": [], "tags": {"is_testing": "1", "hostclass": "mhcweb"}, "instances": null, "id": both.spot,
        "block_device_mappings": [], "scheduling": {"tasks": []}, "count": 2, "is_testing": true,
    });
    assert_eq!(spot, wanted);
    assert!(
        groups[1].get("id").is_none(),
        "an Auto Scaling group has none"
    );
    assert_eq!(
        both.world.stdout(&["listgroups"]).lines().count(),
        1,
        "without a token"
    );
}

#[test]
fn cleaning_keeps_what_has_instances_or_requests() {
    let both = Both::new();
    let output = both.run(&["cleangroups"]).expect_status(0);
    let kept = format!("{SPOT} cannot be deleted: it has 2 instances (force is False)");
    assert!(output.stderr.contains(&kept), "{}", output.stderr);
    let gone = format!("- group mhcapp {IDLE} (Elastigroup, 0 instances)");
    assert!(output.stderr.contains(&gone), "{}", output.stderr);
    assert_eq!(both.left(), [SPOT, FOREIGN]);
    assert_eq!(both.world.groups(), [ASG], "it has an instance too");
}

#[test]
fn by_hostclass_with_force_both_kinds_go() {
    let both = Both::new();
    let args = ["deletegroup", "--hostclass", "mhcweb"];
    both.run(&args).expect_status(0);
    assert_eq!((both.left().len(), both.world.groups().len()), (3, 1));
    let asked = both.spotinst.calls_of(Operation::Status);
    assert_eq!(asked.len(), 1, "only of groups that match: {asked:?}");

    let force = ["deletegroup", "--hostclass", "mhcweb", "--force"];
    let dry: Vec<&str> = ["--dry-run"].into_iter().chain(force).collect();
    let plan = both.run(&dry).expect_status(0).stdout;
    assert!(
        plan.contains(&format!(
            "- group mhcweb {SPOT} (Elastigroup, with its instances)"
        )),
        "{plan}"
    );
    assert_eq!(both.left().len(), 3);

    both.run(&force).expect_status(0);
    assert_eq!(both.left(), [IDLE, FOREIGN]);
    assert!(both.world.groups().is_empty());
    assert_eq!(
        both.spotinst.calls_of(Operation::Status).len(),
        1,
        "forced, nobody asks"
    );
    both.run(&force).expect_status(0);
    assert_eq!(both.spotinst.calls_of(Operation::Delete).len(), 1);
}

#[test]
fn by_name_only_groups_of_the_environment_go() {
    let both = Both::new();
    for name in [FOREIGN, "ci_mhcweb", "ci_mhcnone_1"] {
        both.run(&["deletegroup", "--force", "--name", name])
            .expect_status(0);
        assert_eq!(both.left().len(), 3, "{name}");
    }
    both.run(&["deletegroup", "--force", "--name", SPOT])
        .expect_status(0);
    assert_eq!(both.left(), [IDLE, FOREIGN]);
    both.run(&["--env", "ci2", "deletegroup", "--name", FOREIGN])
        .expect_status(0);
    assert_eq!(both.left(), [IDLE]);
    assert_eq!(both.world.groups(), [ASG]);
}

#[test]
fn one_refusal_does_not_keep_the_others() {
    let both = Both::new();
    both.spotinst.fail(Operation::Delete, &[INTERNAL]);
    let output = both
        .run(&[
            "--output",
            "text",
            "deletegroup",
            "--hostclass",
            "mhcweb",
            "--force",
        ])
        .expect_status(1);
    assert!(output.stderr.contains("oops"), "{}", output.stderr);
    assert!(
        both.world.groups().is_empty(),
        "the Auto Scaling group is gone"
    );
    assert_eq!(both.left(), [SPOT, IDLE, FOREIGN]);

    // One status cannot be read: that group stays, the other empty one goes.
    let second = both.spotinst.put_group(document("ci_mhcapp_1790000009"));
    assert_ne!(second, both.idle);
    both.spotinst.fail(Operation::Status, &[INTERNAL]);
    let output = both
        .run(&["deletegroup", "--hostclass", "mhcapp"])
        .expect_status(1);
    assert!(
        output
            .stderr
            .contains("nobody knows whether it has instances"),
        "{}",
        output.stderr
    );
    assert_eq!(both.left().len(), 3, "{:?}", both.left());
}

#[test]
fn errors_of_the_service_are_one_line() {
    let both = Both::new();
    let table = [
        (Fault::Answer(401, "{}"), "token"),
        (INTERNAL, "oops"),
        (HTML, "Bad gateway"),
    ];
    for (fault, part) in table {
        for args in [
            &["listgroups"][..],
            &["cleangroups"],
            &["deletegroup", "--hostclass", "mhcweb", "--force"],
        ] {
            both.spotinst
                .fail(Operation::List, std::slice::from_ref(&fault));
            let output = both.run(args).expect_status(1);
            assert_eq!(output.stdout, "");
            let errors: Vec<&str> = output
                .stderr
                .lines()
                .filter(|line| line.contains("error"))
                .collect();
            assert!(
                matches!(errors[..], [only] if only.contains(part)),
                "{args:?} {}",
                output.stderr
            );
        }
    }
    assert_eq!(
        (both.left().len(), both.world.groups().len()),
        (3, 1),
        "nothing has been changed"
    );
}

#[test]
fn elastigroups_have_no_policies() {
    let both = Both::new();
    let proxy = Proxy::start(both.world.cloud.url(), Behaviour::new());
    let create = [
        "createpolicy",
        "--group-name",
        SPOT,
        "--policy-name",
        "p",
        "--policy-type",
        "SimpleScaling",
        "--adjustment-type",
        "ChangeInCapacity",
        "--scaling-adjustment",
        "1",
    ];
    let delete = [
        "deletepolicy",
        "--group-name",
        FOREIGN,
        "--policy-name",
        "p",
    ];
    for args in [&create[..], &delete] {
        let output = both.run_at(proxy.url(), args).expect_status(1);
        assert!(
            output
                .stderr
                .contains("scaling policies are not implemented for Elastigroups"),
            "{}",
            output.stderr
        );
    }
    let calls: Vec<String> = proxy
        .calls()
        .into_iter()
        .map(|call| call.operation)
        .collect();
    assert!(reads_only(&calls), "{calls:?}");
    let create: Vec<&str> = create
        .map(|word| if word == SPOT { ASG } else { word })
        .to_vec();
    both.run(&create).expect_status(0);
    assert_eq!(both.world.policies().len(), 1);
}
