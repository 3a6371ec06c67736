//! Who dies, and what becomes of the groups.

use super::{World, ids, victims};
use crate::support::environment::changing_calls;
use crate::support::proxy::Behaviour;
use std::collections::BTreeSet;

#[test]
fn the_plan_is_what_dies_and_groups_refill() {
    let world = World::new();
    world.group("mhcapp", 4, "us-west-2a", None);
    world.group("mhcweb", 2, "us-west-2b", Some("True"));
    world.group("mhcdb", 3, "us-west-2b", Some("False"));
    let other = world.environment("ci2", "10.2");
    world.group_in(
        &other["us-west-2a"],
        "ci2_mhcfar_1700000000",
        "mhcfar",
        3,
        None,
    );
    let alone = world.instance("us-west-2a", &[("hostclass", "mhcalone")]);
    let before = world.groups();
    let (app, web) = (world.running("mhcapp"), world.running("mhcweb"));
    let (db, far) = (world.running("mhcdb"), world.running("mhcfar"));
    assert_eq!((app.len(), web.len(), db.len(), far.len()), (4, 2, 3, 3));

    // T is 6; two of mhcapp and one of mhcweb may die, half of 6 is 3.
    let args = "--env ci --level 50 --retainage 50 --seed 7";
    let (plan, proxy) = world.watch(Behaviour::new(), &format!("{args} --dry-run"));
    assert_eq!(changing_calls(&proxy), [""; 0]);
    assert!(proxy.longest_chain() <= 2, "two rounds of reading");
    assert_eq!(proxy.calls().len(), 4, "nothing is read twice");
    assert_eq!(world.groups(), before);
    let classes: Vec<&str> = plan.iter().map(|(class, _)| class.as_str()).collect();
    assert_eq!(classes, ["mhcapp", "mhcapp", "mhcweb"]);

    let (dead, proxy) = world.watch(Behaviour::new(), args);
    assert_eq!(dead, plan, "the same seed, the same choice");
    assert_eq!(changing_calls(&proxy), ["TerminateInstances"]);
    assert!(proxy.longest_chain() <= 3);
    let dead = ids(&dead);
    let all: BTreeSet<String> = app.union(&web).cloned().collect();
    let left: BTreeSet<String> = all.difference(&dead).cloned().collect();
    let now: BTreeSet<String> = world
        .running("mhcapp")
        .union(&world.running("mhcweb"))
        .cloned()
        .collect();
    assert!(left.is_subset(&now) && dead.is_disjoint(&now));
    assert_eq!(now.len(), 6, "the groups have replaced them");
    assert_eq!((world.running("mhcdb"), world.running("mhcfar")), (db, far));
    assert!(world.running("mhcalone").contains(&alone));
    for (name, group) in world.groups() {
        assert_eq!(
            group.desired_capacity, before[&name].desired_capacity,
            "{name}"
        );
    }
}

#[test]
fn seeds_are_logged_and_repeat_a_choice() {
    let world = World::new();
    world.group("mhcapp", 20, "us-west-2a", None);
    let mut choices = BTreeSet::new();
    for _ in 0..6 {
        let first = world.run("--dry-run --level 10").expect_status(0);
        assert_eq!(victims(&first).len(), 2);
        let seed = first.stderr.split_once("--seed ").unwrap().1;
        let seed = seed.lines().next().unwrap().trim();
        let again = world
            .run(&format!("--dry-run --level 10 --seed {seed}"))
            .expect_status(0);
        assert_eq!(again.stdout, first.stdout);
        choices.insert(first.stdout);
    }
    assert!(choices.len() > 1, "a seed is drawn each time");
}

#[test]
fn at_least_one_dies_by_default() {
    let world = World::new();
    world.group("mhcapp", 3, "us-west-2a", None);
    let before = world.running("mhcapp");
    let output = world.run("").expect_status(0);
    let dead = ids(&victims(&output));
    assert_eq!(dead.len(), 1);
    assert!(dead.is_subset(&before) && dead.is_disjoint(&world.running("mhcapp")));
    let json = world
        .run("--dry-run --output json --seed 1")
        .expect_status(0);
    let listed: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    let only = listed.as_array().unwrap();
    assert_eq!(only.len(), 1);
    let keys: Vec<&String> = only[0].as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        ["hostclass", "instance_id", "group", "availability_zone"]
    );
    assert_eq!(only[0]["group"], "ci_mhcapp_1700000000");
    assert_eq!(only[0]["availability_zone"], "us-west-2a");
    assert!(
        world
            .running("mhcapp")
            .contains(only[0]["instance_id"].as_str().unwrap())
    );
}

#[test]
fn nothing_to_kill_is_no_failure_and_says_why() {
    let world = World::new();
    let check = |args: &str, why: &str| {
        let (dead, proxy) = world.watch(Behaviour::new(), args);
        assert_eq!(dead, [], "{args}");
        assert_eq!(changing_calls(&proxy), [""; 0], "{args}");
        let output = world.run(args).expect_status(0);
        assert!(output.stderr.contains(why), "{args}: {}", output.stderr);
        let json = world.run(&format!("{args} --output json")).expect_status(0);
        assert_eq!(json.stdout, "[]\n");
    };
    check("", "no group with chaos enabled");
    world.group("mhcdb", 3, "us-west-2b", Some("False"));
    check("--level 100", "no group with chaos enabled");
    world.group("mhcempty", 0, "us-west-2b", None);
    check("--level 100", "have no instance");
    world.group("mhcapp", 1, "us-west-2a", None);
    check("--level 0", "the level is 0");
    check(
        "--level 100 --retainage 0.5",
        "retainage keeps every instance",
    );
    assert_eq!(
        (world.running("mhcdb").len(), world.running("mhcapp").len()),
        (3, 1)
    );
}

/// A group that has fewer than it wants keeps what retainage says of what it wants.
#[test]
fn retainage_is_of_the_wanted_size() {
    let world = World::new();
    world.group("mhcapp", 4, "us-west-2a", None);
    // Two of the four are already going.
    let name = "ci_mhcapp_1700000000";
    let body = |states: [&str; 4]| {
        let members: String = world
            .running("mhcapp")
            .iter()
            .zip(states)
            .map(|(id, state)| format!("<member><InstanceId>{id}</InstanceId><LifecycleState>{state}</LifecycleState></member>"))
            .collect();
        format!(
            "<DescribeAutoScalingGroupsResponse xmlns=\"http://autoscaling.amazonaws.com/doc/2011-01-01/\"><DescribeAutoScalingGroupsResult>\
             <AutoScalingGroups><member><AutoScalingGroupName>{name}</AutoScalingGroupName><DesiredCapacity>4</DesiredCapacity>\
             <Instances>{members}</Instances></member></AutoScalingGroups></DescribeAutoScalingGroupsResult></DescribeAutoScalingGroupsResponse>"
        )
    };
    let half = body(["InService", "Terminating", "Terminating:Wait", "InService"]);
    let table = [
        (&half, "50", 0),
        (&half, "25", 1),
        (&half, "0", 2),
        (&body(["InService"; 4]), "50", 2),
    ];
    for (answer, retainage, count) in table {
        let behaviour = Behaviour::new().answer("DescribeAutoScalingGroups", 200, answer);
        let args = format!("--dry-run --level 100 --retainage {retainage}");
        let (dead, _) = world.watch(behaviour, &args);
        assert_eq!(dead.len(), count, "{retainage} {answer}");
    }
}

#[test]
fn routes_to_victims_go_before_them() {
    let world = World::new();
    world.group("mhcapp", 1, "us-west-2a", None);
    let victim = world.running("mhcapp").into_iter().next().unwrap();
    // The local cloud does not tell the instance of a route.
    let route = |cidr: &str, id: &str| {
        format!(
            "<item><destinationCidrBlock>{cidr}</destinationCidrBlock><instanceId>{id}</instanceId></item>"
        )
    };
    let answer = format!(
        "<DescribeRouteTablesResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><routeTableSet><item>\
         <routeTableId>rtb-1</routeTableId><routeSet>{}{}</routeSet></item></routeTableSet></DescribeRouteTablesResponse>",
        route("10.9.0.0/16", &victim),
        route("10.8.0.0/16", "i-other")
    );
    let deleted = "<DeleteRouteResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><return>true</return></DeleteRouteResponse>";
    let behaviour = Behaviour::new()
        .answer("DescribeRouteTables", 200, &answer)
        .answer("DeleteRoute", 200, deleted);
    let (plan, proxy) = world.watch(behaviour.clone(), "--dry-run");
    assert_eq!(changing_calls(&proxy), [""; 0]);
    let (dead, proxy) = world.watch(behaviour, "");
    assert_eq!((&plan, ids(&dead)), (&dead, BTreeSet::from([victim])));
    assert_eq!(
        changing_calls(&proxy),
        ["DeleteRoute", "TerminateInstances"]
    );
    let calls = proxy.calls();
    let route = calls
        .iter()
        .find(|call| call.operation == "DeleteRoute")
        .unwrap();
    assert_eq!(route.parameter("DestinationCidrBlock"), Some("10.9.0.0/16"));
}
