//! Hosts of Elastigroups, against a stand-in for Spotinst.

use serde_json::{Value, json};

use super::{World, ids, victims};
use crate::support::environment::changing_calls;
use crate::support::proxy::{Behaviour, Proxy};
use crate::support::spotinst::{HTML, Operation, SpotinstServer, TOKEN};
use crate::support::{Asiaq, Output};

fn document(name: &str, hostclass: &str, chaos: &str, target: u32) -> Value {
    json!({
        "name": name,
        "region": "us-west-2",
        "capacity": {"minimum": 0, "maximum": 9, "target": target, "unit": "instance"},
        "compute": {
            "availabilityZones": [{"name": "us-west-2a", "subnetIds": ["subnet-1"]}],
            "instanceTypes": {"ondemand": "m5.large", "spot": ["m5.large"]},
            "launchSpecification": {
                "imageId": "ami-1",
                "tags": [{"tagKey": "chaos", "tagValue": chaos}, {"tagKey": "hostclass", "tagValue": hostclass}],
            },
        },
    })
}

/// An Auto Scaling group, an Elastigroup with chaos and one without, each with two hosts.
struct Both {
    world: World,
    server: SpotinstServer,
    spot: Vec<String>,
    off: Vec<String>,
}

impl Both {
    fn new() -> Self {
        let (world, server) = (World::new(), SpotinstServer::start());
        world.group("mhcapp", 2, "us-west-2a", None);
        let group = |hostclass: &str, chaos: &str| -> Vec<String> {
            let name = format!("ci_{hostclass}_1700000000");
            server.put_group(document(&name, hostclass, chaos, 2));
            let tags = [
                ("spotinst", "True"),
                ("environment", "ci"),
                ("group_name", &name),
                ("hostclass", hostclass),
            ];
            (0..2)
                .map(|_| world.instance("us-west-2b", &tags))
                .collect()
        };
        let (spot, off) = (group("mhcspot", "True"), group("mhcoff", "False"));
        Self {
            world,
            server,
            spot,
            off,
        }
    }

    fn with_token(&self, tool: Asiaq) -> Output {
        let variables = self.server.variables();
        let tool = variables
            .iter()
            .fold(tool, |tool, (name, value)| tool.env(name, value));
        let output = tool.run();
        assert!(!format!("{}{}", output.stdout, output.stderr).contains(TOKEN));
        output
    }
}

#[test]
fn they_die_through_ec2_like_others() {
    let both = Both::new();
    let proxy = Proxy::start(both.world.cloud.url(), Behaviour::new());
    let tool = both
        .world
        .tool_at(proxy.url(), "--level 100 --retainage 50");
    let dead = victims(&both.with_token(tool).expect_status(0));
    let classes: Vec<&str> = dead.iter().map(|(class, _)| class.as_str()).collect();
    assert_eq!(
        classes,
        ["mhcapp", "mhcspot"],
        "half of each, none of the third"
    );
    assert!(both.spot.contains(&dead[1].1));
    assert_eq!(
        changing_calls(&proxy),
        ["TerminateInstances"],
        "one call for all"
    );
    let asked: Vec<Option<Operation>> = both
        .server
        .calls()
        .iter()
        .map(|call| call.operation)
        .collect();
    assert_eq!(
        asked,
        [Some(Operation::List)],
        "nothing of the group is changed"
    );
    assert!(both.world.running("mhcspot").is_disjoint(&ids(&dead)));
    assert_eq!(both.world.running("mhcoff").len(), 2);

    let tool = both.world.tool_at(
        both.world.cloud.url(),
        "--dry-run --hostclass mhcspot --level 100",
    );
    let left = ids(&victims(&both.with_token(tool).expect_status(0)));
    assert_eq!(left.len(), 1, "one has gone: {left:?}");
}

#[test]
fn without_the_token_they_are_left_alone_with_a_warning() {
    let both = Both::new();
    let output = both.world.run("--level 100").expect_status(0);
    let classes: Vec<String> = victims(&output)
        .into_iter()
        .map(|(class, _)| class)
        .collect();
    assert_eq!(classes, ["mhcapp", "mhcapp"]);
    let unseen = "left alone: ci_mhcoff_1700000000, ci_mhcspot_1700000000";
    assert!(output.stderr.contains(unseen), "{}", output.stderr);
    let spot = both.world.running("mhcspot");
    assert!(both.spot.iter().all(|id| spot.contains(id)));
    assert!(
        both.off
            .iter()
            .all(|id| both.world.running("mhcoff").contains(id))
    );
}

#[test]
fn nobody_dies_if_spotinst_cannot_be_read() {
    let both = Both::new();
    both.server.fail(Operation::List, &[HTML]);
    let proxy = Proxy::start(both.world.cloud.url(), Behaviour::new());
    let tool = both.world.tool_at(proxy.url(), "--level 100");
    let output = both.with_token(tool).expect_status(1);
    assert_eq!(
        (output.stdout.as_str(), changing_calls(&proxy)),
        ("", vec![])
    );
}
