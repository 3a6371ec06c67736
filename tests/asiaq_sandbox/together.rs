//! Developers who make their sandboxes at the same time.

use std::collections::BTreeSet;

use super::World;
use crate::support::environment::vpc_ids;

/// Three out of a space for four: they choose the same range sooner or later, and none of them may keep it.
#[test]
fn sandboxes_made_at_once_do_not_get_in_each_others_way() {
    let world = World::new();
    world.config.edit(
        "disco_vpc.ini",
        "vpc_cidr = 10.0.0.0/24\nintranet_cidr = 10.0.0.0/25\ndmz_cidr = 10.0.0.128/25\n",
        "ip_space = 10.0.0.0/22\nvpc_cidr_size = 24\nintranet_cidr = auto\ndmz_cidr = auto\n",
    );
    // A quarter of /24 is cut into subnets of sixteen addresses.
    world
        .config
        .edit("disco_aws.ini", "ip_address = +20", "ip_address = +10");
    let names = ["ann", "bob", "cleo"];
    let running: Vec<_> = names
        .iter()
        .map(|name| {
            let words = format!("{name} --config-dir base --tag productline:{name}");
            world.tool(&words).endpoint(world.cloud.url()).spawn()
        })
        .collect();
    for tool in running {
        tool.wait().expect_status(0);
    }
    let mut blocks = BTreeSet::new();
    for name in names {
        let ids = vpc_ids(&world.cloud, name);
        assert_eq!(ids.len(), 1, "{name}");
        let call = world.cloud.client().describe_vpcs().vpc_ids(&ids[0]).send();
        let answer = world.cloud.wait(call).unwrap();
        blocks.insert(answer.vpcs()[0].cidr_block().unwrap().to_owned());
    }
    assert_eq!(blocks.len(), 3, "{blocks:?}");
    let groups: Vec<String> = world.sizes().into_iter().map(|(name, ..)| name).collect();
    let expected = names
        .iter()
        .flat_map(|n| [format!("{n}_mhcapp"), format!("{n}_mhcproxy")]);
    assert_eq!(groups, expected.collect::<Vec<_>>());
    let keys = names.map(|n| format!("fw/{n}")).into_iter();
    let keys = keys.chain(names.map(|n| format!("zk/black/{n}")));
    assert_eq!(world.keys(), keys.collect::<Vec<_>>());
}
