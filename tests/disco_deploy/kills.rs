//! A blue/green deployment killed after each of its changes: somebody serves at any time, and the next run puts what is left in
//! order, even if it has nothing to deploy.

use super::drive::{ELB, Scene};
use crate::disco_ssm::stand_in::Script;
use crate::support::environment::changing_calls;
use crate::support::proxy::{Behaviour, Proxy};
use crate::support::run_until_killed;
use asiaq_core::names::balancer_id;

/// Some group that is not under test has hosts behind the normal balancer.
#[track_caller]
fn assert_somebody_serves(scene: &Scene, at: &str) {
    let normal = balancer_id("ci", "mhcapp", false);
    let (_, behind) = scene
        .balancers()
        .into_iter()
        .find(|(name, _)| *name == normal)
        .unwrap();
    let live: Vec<String> = scene
        .bed
        .instances()
        .into_iter()
        .filter_map(|own| own.instance_id)
        .collect();
    assert!(
        behind.iter().any(|id| live.contains(id)),
        "{at}: nobody serves: {:?}",
        scene.picture()
    );
}

/// An interrupted deployment has been put in order: one group of this image serves, and nothing is marked or attached otherwise.
/// A launch template that nothing was made from stays until the next deployment.
#[track_caller]
fn assert_in_order(scene: &Scene, image: &str, at: &str) {
    let bed = &scene.bed;
    let names = bed.group_names();
    let [name] = &names[..] else {
        panic!("{at}: groups {names:?}");
    };
    let tags = bed.group_tags(name);
    assert_eq!(
        tags.get("is_testing").map(String::as_str),
        Some("0"),
        "{at}"
    );
    assert_eq!(tags.get("deploy_replaces"), None, "{at}");
    let hosts = bed.hosts_of(name);
    assert!(!hosts.is_empty(), "{at}: no hosts");
    for host in bed.instances() {
        assert_eq!(host.image_id(), Some(image), "{at}");
        let marked = crate::disco_aws::tag_of(&host, "is_testing");
        assert_eq!(marked, Some("0"), "{at}: {:?}", host.instance_id);
    }
    let normal = balancer_id("ci", "mhcapp", false);
    assert_eq!(scene.balancers(), [(normal, hosts)], "{at}");
}

/// Kills the tool after every changing call of a deployment, `of` tests sharing them. Then the old or the new group serves, and a
/// run that has nothing to deploy puts everything in order.
fn killed_everywhere(part: usize, of: usize) {
    let (scene, _) = Scene::serving(ELB, "yes,", Script::default());
    let _healthy = scene.bed.healthy(&[]);
    let words = ["--ami", scene.new.as_str()];
    // From now on the image is tested, and each deployment is like the one before.
    scene.run(&words).expect_status(0);
    let (output, plain) = scene.through(Behaviour::new(), &words);
    output.expect_status(0);
    let changes = changing_calls(&plain);
    assert!(changes.len() > 12, "{changes:?}");
    let mut killed = Vec::new();
    for (n, operation) in changes.iter().enumerate() {
        if n % of != part {
            continue;
        }
        // How many calls there are before a changing one differs from run to run, because hosts are waited for.
        let nth = changes[..=n].iter().filter(|own| *own == operation).count();
        let at = format!("killed at {operation} {nth}");
        let behaviour = Behaviour::new().kill_at_nth(operation, nth);
        let proxy = Proxy::start(scene.bed.cloud.url(), behaviour);
        if run_until_killed(&proxy, scene.tool(proxy.url(), &words)).is_some() {
            killed.push(at.clone());
        }
        assert_somebody_serves(&scene, &at);
        let again = scene.run(&[]);
        assert_eq!(again.status, 0, "{at}: {}", again.stderr);
        let nothing = again.stderr.contains("No untested AMIs found.");
        assert!(nothing, "{at}: {}", again.stderr);
        assert_in_order(&scene, &scene.new, &at);
    }
    assert!(killed.len() > 3, "{killed:?} of {changes:?}");
    scene.run(&words).expect_status(0);
    scene.assert_serves_alone(&scene.new, true, "in the end");
}

#[test]
fn killed_at_one_third_of_the_changes() {
    killed_everywhere(0, 3);
}

#[test]
fn killed_at_another_third_of_the_changes() {
    killed_everywhere(1, 3);
}

#[test]
fn killed_at_the_last_third_of_the_changes() {
    killed_everywhere(2, 3);
}
