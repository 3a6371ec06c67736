//! `deleteami`.

use super::World;
use super::users::{group, template};
use crate::support::environment::changing_calls;
use crate::support::proxy::Behaviour;
use crate::support::snapshots::{refusal, snapshot_ids};

#[test]
fn an_image_goes_with_its_snapshot() {
    let world = World::start();
    let id = world.image("mhca 1700000000", "tested");
    let other = world.image("mhcb 1700000000", "tested");
    let before = snapshot_ids(&world.cloud);
    let words = format!("deleteami --ami {id}");
    let (dry, proxy) = world.through(Behaviour::new(), &format!("{words} --dry-run"));
    let dry = dry.expect_status(0).stdout;
    let lines: Vec<&str> = dry.lines().collect();
    let [image, snapshot] = lines[..] else {
        panic!("{dry}")
    };
    assert_eq!(image, format!("- image {id} (mhca 1700000000)"));
    assert!(
        snapshot.starts_with("- snapshot snap-") && snapshot.ends_with(&format!(" of {id}")),
        "{snapshot}"
    );
    assert_eq!(changing_calls(&proxy), [""; 0]);
    assert_eq!(
        proxy.longest_chain(),
        1,
        "everything is read at the same time"
    );

    let behaviour = Behaviour::new()
        .throttle("DeregisterImage", 1)
        .throttle("DeleteSnapshot", 1);
    let (output, _) = world.through(behaviour, &words);
    let output = output.expect_status(0);
    assert_eq!(output.stdout, "");
    assert!(
        output.stderr.contains(&format!("Deleting AMI {id}")),
        "{}",
        output.stderr
    );
    assert_eq!(world.names(), ["mhcb 1700000000"]);
    let after = snapshot_ids(&world.cloud);
    assert_eq!((before.len(), after.len()), (2, 1));
    // Gone, and never there: the error of EC2.
    world.run(&words).expect_status(1);
    let unknown = world.run("deleteami --ami ami-12345678").expect_status(1);
    assert!(
        unknown.stderr.contains("InvalidAMIID.NotFound"),
        "{}",
        unknown.stderr
    );
    assert_eq!(world.tag(&other, "stage").as_deref(), Some("tested"));
}

#[test]
fn one_in_use_goes_by_force_alone() {
    let world = World::start();
    let id = world.image("mhca 1700000000", "tested");
    template(&world.cloud, "ci_mhca_9", &[&id, "ami-0123456789abcdef0"]);
    group(&world.cloud, "ci_mhca_1700000000", "ci_mhca_9", "1");
    let instance = world.instance(&id, &[]);
    let told = format!(
        "image {id} (mhca 1700000000) is in use by launch template ci_mhca_9 of group ci_mhca_1700000000, instance {instance}"
    );
    for words in ["", " --dry-run"] {
        let words = format!("deleteami --ami {id}{words}");
        let (output, proxy) = world.through(Behaviour::new(), &words);
        let output = output.expect_status(1);
        assert!(
            output
                .stderr
                .contains(&format!("error: {told}\nhint: with `--force`")),
            "{}",
            output.stderr
        );
        assert_eq!(changing_calls(&proxy), [""; 0]);
    }
    let forced = world
        .run(&format!("deleteami --ami {id} --force"))
        .expect_status(0);
    assert!(forced.stderr.contains(&told), "{}", forced.stderr);
    assert_eq!(world.names(), [""; 0]);
}

#[test]
fn snapshots_of_other_images_stay_with_a_warning() {
    let world = World::start();
    let id = world.image("mhca 1700000000", "tested");
    let used = refusal(
        "InvalidSnapshot.InUse",
        "The snapshot is currently in use by ami-1",
    );
    let behaviour = Behaviour::new().answer("DeleteSnapshot", 400, &used);
    let (output, proxy) = world.through(behaviour, &format!("deleteami --ami {id}"));
    let output = output.expect_status(0);
    assert!(
        output
            .stderr
            .contains("stays: something else uses it: The snapshot is currently in use by ami-1"),
        "{}",
        output.stderr
    );
    assert!(proxy.count("DeleteSnapshot") > 1, "AWS may need a moment");
    assert_eq!(
        (world.names().len(), snapshot_ids(&world.cloud).len()),
        (0, 1)
    );
}

#[test]
fn what_needs_a_moment_or_is_gone_is_no_problem() {
    let world = World::start();
    let id = world.image("mhca 1700000000", "tested");
    let used = refusal("InvalidSnapshot.InUse", "in use");
    let behaviour = Behaviour::new()
        .answer_first("DeleteSnapshot", 400, &used)
        .answer_first("DeleteSnapshot", 400, &used);
    let (output, _) = world.through(behaviour, &format!("deleteami --ami {id}"));
    let output = output.expect_status(0);
    assert!(!output.stderr.contains("stays"), "{}", output.stderr);
    assert!(snapshot_ids(&world.cloud).is_empty());
    let id = world.image("mhca 1700000000", "tested");
    let behaviour = Behaviour::new()
        .answer(
            "DeregisterImage",
            400,
            &refusal("InvalidAMIID.Unavailable", "gone"),
        )
        .answer(
            "DeleteSnapshot",
            400,
            &refusal("InvalidSnapshot.NotFound", "gone"),
        );
    let (output, _) = world.through(behaviour, &format!("deleteami --ami {id}"));
    output.expect_status(0);
}

#[test]
fn a_protected_image_keeps_its_snapshot() {
    let world = World::start();
    let id = world.image("mhca 1700000000", "tested");
    let protected = refusal(
        "OperationNotPermitted",
        "The image is protected from deregistration",
    );
    let behaviour = Behaviour::new().answer("DeregisterImage", 400, &protected);
    let (output, proxy) = world.through(behaviour, &format!("deleteami --ami {id}"));
    let output = output.expect_status(1);
    assert!(
        output.stderr.contains("protected from deregistration")
            && output.stderr.contains("not started: - snapshot"),
        "{}",
        output.stderr
    );
    assert_eq!(proxy.count("DeleteSnapshot"), 0);
    assert_eq!(world.names().len(), 1);
}

#[test]
fn nothing_goes_when_users_cannot_be_read() {
    let world = World::start();
    let id = world.image("mhca 1700000000", "tested");
    let denied = refusal("UnauthorizedOperation", "You are not authorized.");
    for operation in ["DescribeInstances", "DescribeLaunchTemplateVersions"] {
        let behaviour = Behaviour::new().answer(operation, 403, &denied);
        let (output, proxy) = world.through(behaviour, &format!("deleteami --ami {id} --force"));
        let output = output.expect_status(1);
        assert!(output.stderr.contains(operation), "{}", output.stderr);
        assert_eq!(changing_calls(&proxy), [""; 0]);
    }
}
