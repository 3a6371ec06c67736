//! An environment with everything that one can have, killed at every call of `create`, `update` and `destroy`: running again
//! completes the work, and no address, gateway or connection is lost on the way.

use crate::support::cloud::Cloud;
use crate::support::complete::gateways;
use crate::support::config::TestConfig;
use crate::support::environment::{changing_calls, describe, inventory, vpc_ids};
use crate::support::proxy::{Behaviour, Proxy};
use crate::support::{Asiaq, asiaq, run_until_killed};

use super::environment::ONE_ZONE;

/// The environment that it is connected with.
const BUILD: &str = "\
[envtype:build]
vpc_cidr = 10.1.0.0/24
intranet_cidr = 10.1.0.0/25
";

/// Two metanetworks with gateway routes and nothing more.
const BARE: &str = "
[envtype:ci]
vpc_cidr = 10.0.0.0/24
intranet_cidr = 10.0.0.0/25
dmz_cidr = 10.0.0.128/25
intranet_sg_rules = tcp dmz 80
dmz_igw_routes = 0.0.0.0/0
domain_name = ci.example.com
";

/// What the complete environment has beyond that. NAT in the dmz for the intranet.
const MORE: &str = "\
dmz_nat_gateways = auto
nat_gateway_routes = intranet/dmz
intranet_vgw_routes = 10.200.0.0/16

[peerings]
connection_1 = ci/intranet build/intranet
";

const ALARMS: &str = "\
[notifications]
ops_ci_critical = ops@example.com
ops_ci_info = https://example.com/hook
";

const CREATE: &str = "create --name ci --type ci --skip-enis";
const UPDATE: &str = "update --name ci";
const DESTROY: &str = "destroy --name ci";
/// A loop over all calls ends long before.
const MOST_CALLS: usize = 200;

struct World {
    cloud: Cloud,
    config: TestConfig,
}

impl World {
    fn new() -> Self {
        let config = TestConfig::standard();
        config.write("disco_alarms.ini", ALARMS);
        let world = Self {
            cloud: Cloud::start(),
            config,
        };
        world.complete();
        world
    }

    fn bare(&self) {
        self.config
            .write("disco_vpc.ini", &format!("{BUILD}{BARE}"));
    }

    fn complete(&self) {
        self.config
            .write("disco_vpc.ini", &format!("{BUILD}{BARE}{MORE}"));
    }

    /// An account with environment `build` and a VPN gateway for `ci`, and nothing else.
    fn reset(&self) {
        use aws_sdk_ec2::types::{GatewayType, ResourceType, Tag, TagSpecification};
        self.cloud.reset();
        self.run("create --name build --type build --skip-enis");
        let tag = Tag::builder().key("Name").value("ci").build();
        let tags = TagSpecification::builder()
            .resource_type(ResourceType::VpnGateway)
            .tags(tag);
        let ec2 = self.cloud.client();
        let call = ec2.create_vpn_gateway().r#type(GatewayType::Ipsec1);
        self.cloud
            .wait(call.tag_specifications(tags.build()).send())
            .expect("VPN gateway");
    }

    fn tool(&self, words: &str) -> Asiaq {
        asiaq("disco_vpc_ui")
            .config(self.config.path())
            .args(words.split_whitespace())
    }

    /// Runs a command through a proxy of one zone; it must succeed.
    fn run(&self, words: &str) {
        let proxy = Proxy::start(self.cloud.url(), behaviour());
        self.tool(words)
            .endpoint(proxy.url())
            .run()
            .expect_status(0);
    }

    /// Everything that `update` is responsible for, on both sides of the peering.
    fn state(&self) -> Vec<String> {
        let mut lines = gateways(&self.cloud);
        for name in ["ci", "build"] {
            lines.extend(describe(&self.cloud, name, false));
        }
        lines
    }

    /// Nothing is left to do, so what a run found and what it planned agree.
    fn is_settled(&self, at: &str) {
        let proxy = Proxy::start(self.cloud.url(), behaviour());
        let rest = self
            .tool("update --name ci --dry-run")
            .endpoint(proxy.url());
        assert_eq!(rest.run().expect_status(0).stdout, "no changes\n", "{at}");
    }

    /// Runs `words` and kills it at one call after the other, each time from a fresh start made by `prepare`; `check` then
    /// runs it again and looks.
    fn killed_everywhere(&self, words: &str, prepare: impl Fn(), check: impl Fn(&str)) {
        for index in 1..MOST_CALLS {
            prepare();
            let proxy = Proxy::start(self.cloud.url(), behaviour().kill_at(index));
            if run_until_killed(&proxy, self.tool(words)).is_none() {
                assert!(index > 25, "`{words}` makes only {index} calls");
                check("not killed");
                return;
            }
            let call = &proxy.calls()[index - 1].operation;
            check(&format!("`{words}` killed at call {index}: {call}"));
        }
        panic!("`{words}` makes more than {MOST_CALLS} calls");
    }
}

fn behaviour() -> Behaviour {
    Behaviour::new().answer("DescribeAvailabilityZones", 200, ONE_ZONE)
}

#[test]
fn create_killed_at_every_call_converges() {
    let world = World::new();
    world.reset();
    world.run(CREATE);
    let wanted = world.state();
    world.killed_everywhere(
        CREATE,
        || world.reset(),
        |at| {
            let exists = !vpc_ids(&world.cloud, "ci").is_empty();
            world.run(if exists { UPDATE } else { CREATE });
            assert_eq!(world.state(), wanted, "{at}");
            world.is_settled(at);
        },
    );
}

#[test]
fn update_killed_at_every_call_converges() {
    let world = World::new();
    world.reset();
    world.run(CREATE);
    let wanted = world.state();
    world.killed_everywhere(
        UPDATE,
        || {
            world.reset();
            world.bare();
            world.run(CREATE);
            world.complete();
        },
        |at| {
            world.run(UPDATE);
            assert_eq!(world.state(), wanted, "{at}");
            world.is_settled(at);
        },
    );
}

/// What stays when the environment is gone: the VPN gateway, the topics, the other environment.
#[test]
fn destroy_killed_at_every_call_leaves_nothing() {
    let world = World::new();
    world.reset();
    let (before, empty) = (
        describe(&world.cloud, "build", false),
        inventory(&world.cloud).len(),
    );
    world.killed_everywhere(
        DESTROY,
        || {
            world.reset();
            world.run(CREATE);
        },
        |at| {
            if !vpc_ids(&world.cloud, "ci").is_empty() {
                world.run(DESTROY);
            }
            let left = inventory(&world.cloud);
            let own =
                |line: &&String| !line.starts_with("topic ") && !line.starts_with("subscription ");
            assert_eq!(left.iter().filter(own).count(), empty, "{at}: {left:#?}");
            assert_eq!(describe(&world.cloud, "build", false), before, "{at}");
            let kept: Vec<String> = gateways(&world.cloud)
                .into_iter()
                .filter(|line| !line.starts_with("topic ") && !line.starts_with("subscription "))
                .collect();
            assert_eq!(
                kept.len(),
                2,
                "the VPN gateway and the endpoint of build: {at}: {kept:#?}"
            );
            assert!(
                kept.contains(&"vpn gateway ci []".to_owned()),
                "{at}: {kept:#?}"
            );
        },
    );
}

/// What the dry run of a command prints and what the command then logs, both sorted. The dry run changes nothing.
fn planned_and_done(world: &World, words: &str) -> (Vec<String>, Vec<String>) {
    let proxy = Proxy::start(world.cloud.url(), behaviour());
    let dry = world.tool(&format!("{words} --dry-run"));
    let dry = dry.endpoint(proxy.url()).run().expect_status(0);
    assert_eq!(changing_calls(&proxy), [""; 0], "{words}");
    let real = world.tool(words).endpoint(proxy.url()).run();
    let real = real.expect_status(0);
    assert!(!changing_calls(&proxy).is_empty(), "{words}");
    let message = |line: &str| line.split_once(" INFO ").map(|(_, text)| text.to_owned());
    let mut done: Vec<String> = real.stderr.lines().filter_map(message).collect();
    done.retain(|line| ["+ ", "- ", "~ "].iter().any(|sign| line.starts_with(sign)));
    let mut planned: Vec<String> = dry.stdout.lines().map(str::to_owned).collect();
    planned.sort();
    done.sort();
    (planned, done)
}

#[test]
fn dry_runs_print_what_is_then_done_and_change_nothing() {
    let world = World::new();
    world.reset();
    let (planned, done) = planned_and_done(&world, CREATE);
    assert_eq!(planned, done);
    for kind in [
        "NAT gateway",
        "VPN gateway",
        "S3 endpoint",
        "peering",
        "topic",
    ] {
        assert!(
            planned.iter().any(|line| line.contains(kind)),
            "{kind}: {planned:#?}"
        );
    }
    // Back to the bare environment: NAT and its routes go, routes to the VPN gateway too.
    world.bare();
    let removed = world
        .tool("peerings --delete --name ci")
        .endpoint(world.cloud.url());
    removed.run().expect_status(0);
    let (planned, done) = planned_and_done(&world, UPDATE);
    assert_eq!(planned, done);
    assert!(
        planned
            .iter()
            .any(|line| line.starts_with("- NAT gateway dmz us-west-2a")),
        "{planned:#?}"
    );
    world.complete();
    let (planned, done) = planned_and_done(&world, UPDATE);
    assert_eq!(planned, done);
    let (planned, done) = planned_and_done(&world, DESTROY);
    assert_eq!(planned, done);
}
