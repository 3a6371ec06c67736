//! `disco_vpc_ui destroy` of an environment with services in it, killed at every call: a second run leaves nothing.

use aws_sdk_ec2::types::ResourceType;

use crate::support::cloud::Cloud;
use crate::support::environment::{changing_calls, inventory, vpc_ids};
use crate::support::furniture::{Lasting, furnish, tagged};
use crate::support::proxy::{Behaviour, Proxy};
use crate::support::{Asiaq, asiaq, run_until_killed};

/// A loop over all calls ends long before.
const MOST_CALLS: usize = 200;

fn destroy() -> Asiaq {
    asiaq("disco_vpc_ui").args(["destroy", "--name", "ci"])
}

/// A small VPC that is an environment, with one of everything in it. Gives the inventory that destroy must leave.
fn furnished(cloud: &Cloud) -> Vec<String> {
    let lasting = Lasting::make(cloud, "ci");
    let mut wanted = inventory(cloud);
    wanted.extend(
        [
            "record CNAME other-ci.example.com.",
            "snapshot ci-db-final-snapshot",
        ]
        .map(str::to_owned),
    );
    wanted.sort();
    let ec2 = cloud.client();
    let tags = tagged(ResourceType::Vpc, &[("Name", "ci"), ("type", "ci")]);
    let call = ec2.create_vpc().cidr_block("10.0.0.0/24");
    let made = cloud.wait(call.tag_specifications(tags).send()).unwrap();
    let vpc = made.vpc.and_then(|v| v.vpc_id).unwrap();
    for (block, zone) in [
        ("10.0.0.0/25", "us-west-2a"),
        ("10.0.0.128/25", "us-west-2b"),
    ] {
        let call = ec2.create_subnet().vpc_id(&vpc).cidr_block(block);
        cloud.wait(call.availability_zone(zone).send()).unwrap();
    }
    furnish(cloud, "ci", &vpc, &lasting);
    wanted
}

/// Kills at one call after the other, from the first changing one on: earlier ones leave everything as it is.
fn killed(step: usize, kill: impl Fn(usize) -> Behaviour) {
    let cloud = Cloud::start();
    furnished(&cloud);
    let plain = Proxy::start(cloud.url(), Behaviour::new());
    destroy().endpoint(plain.url()).run().expect_status(0);
    let changes = changing_calls(&plain);
    let calls = plain.calls();
    let first = calls.iter().find(|call| changes.contains(&call.operation));
    let first = first.expect("changes").index;
    assert!(changes.len() > 20, "{changes:?}");
    for index in (first..MOST_CALLS).step_by(step) {
        cloud.reset();
        let wanted = furnished(&cloud);
        let proxy = Proxy::start(cloud.url(), kill(index));
        let killed = run_until_killed(&proxy, destroy()).is_some();
        let gone = vpc_ids(&cloud, "ci").is_empty();
        let again = destroy().endpoint(cloud.url()).run();
        again.expect_status(if gone { 2 } else { 0 });
        let at = &proxy.calls()[index.min(proxy.calls().len()) - 1].operation;
        assert_eq!(inventory(&cloud), wanted, "killed at call {index}: {at}");
        if !killed {
            return;
        }
    }
    panic!("destroy makes more than {MOST_CALLS} calls");
}

#[test]
fn destroy_of_services_killed_after_every_call_leaves_nothing() {
    killed(1, |index| Behaviour::new().kill_at(index));
}

#[test]
fn destroy_of_services_killed_before_a_call_leaves_nothing() {
    killed(3, |index| Behaviour::new().kill_before(index));
}
