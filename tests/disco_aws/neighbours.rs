//! Two environments with the same hostclasses: no command reaches into the other one.

use super::World;
use crate::support::{Output, asiaq};

/// Environments `ci` and `other`, one `mhcapp` in each, both hosts named alike.
fn two() -> (World, String, String) {
    let world = World::new();
    asiaq("disco_vpc_ui")
        .endpoint(world.cloud.url())
        .config(world.config.path())
        .args(["create", "--name", "other", "--type", "ci"])
        .run()
        .expect_status(0);
    let provision = "provision --hostclass mhcapp --desired-size 1 --no-smoke-test";
    for env in ["ci", "other"] {
        run(&world, env, provision).expect_status(0);
    }
    let all = world.cloud.client().describe_instances().send();
    let all = world.cloud.wait(all).unwrap();
    let of = |wanted_here: bool| {
        let hosts = all.reservations().iter().flat_map(|r| r.instances());
        let mut own = hosts.filter(|i| (i.vpc_id() == Some(&world.vpc_id)) == wanted_here);
        own.next().unwrap().instance_id().unwrap().to_owned()
    };
    let (here, there) = (of(true), of(false));
    world.tag(&[here.clone(), there.clone()], "hostname", "app1");
    (world, here, there)
}

fn run(world: &World, env: &str, words: &str) -> Output {
    let words: Vec<&str> = ["--env", env]
        .into_iter()
        .chain(words.split_whitespace())
        .collect();
    world.run(&words)
}

#[test]
fn listings_and_selectors_stay_in_their_environment() {
    let (world, here, there) = two();
    for (env, own, foreign) in [("ci", &here, &there), ("other", &there, &here)] {
        for words in [
            "listhosts",
            "listhosts --hostclass mhcapp",
            "listhosts --all",
        ] {
            let listed = run(&world, env, words).expect_status(0).stdout;
            assert!(listed.contains(own.as_str()), "{env} {words}: {listed}");
            assert!(
                !listed.contains(foreign.as_str()),
                "{env} {words}: {listed}"
            );
        }
    }
    let image = &world.images["mhcapp"];
    let by_instance = format!("stop --instance {there}");
    let by_image = format!("stop --ami {image}");
    let table = [
        ("stop --hostclass mhcapp", Some(&here)),
        ("stop --hostname app1", Some(&here)),
        (by_image.as_str(), Some(&here)),
        (by_instance.as_str(), None),
    ];
    for (words, expected) in table {
        let stopped = run(&world, "ci", words).expect_status(0).stdout;
        let expected = expected
            .map(|id| format!("Instance:{id}"))
            .unwrap_or_default();
        assert_eq!(stopped, format!("Stopped: {expected}\n"), "{words}");
    }
    let tag = format!("tag --instance {there} --key note --value x");
    assert_eq!(run(&world, "ci", &tag).expect_status(0).stdout, "");
    let terminated = run(&world, "ci", "terminate --hostclass mhcapp").expect_status(0);
    assert_eq!(terminated.stdout, format!("Terminated: Instance:{here}\n"));
    let left = run(&world, "other", "listhosts --state")
        .expect_status(0)
        .stdout;
    assert!(left.contains(&there) && left.contains("running"), "{left}");
    assert!(!world.group("mhcapp").instances().is_empty());
}
