//! `--zone` and `--hostclass`.

use super::{World, ids, victims};

/// Six of `mhcapp` in zone a and two in zone b, two of `mhcweb` in zone b, and those of `mhcdb` that nobody
/// may kill.
fn world() -> World {
    let world = World::new();
    world.group("mhcapp", 6, "us-west-2a", None);
    world.attach("mhcapp", "us-west-2b");
    world.attach("mhcapp", "us-west-2b");
    world.group("mhcweb", 2, "us-west-2b", Some("yes"));
    world.group("mhcdb", 2, "us-west-2b", Some("no"));
    world
}

/// How many of `mhcapp` and of `mhcweb` would die.
#[track_caller]
fn plan(world: &World, args: &str) -> (usize, usize) {
    let output = world.run(&format!("--dry-run {args}")).expect_status(0);
    let dead = victims(&output);
    let count = |class: &str| dead.iter().filter(|(own, _)| own == class).count();
    assert_eq!(count("mhcapp") + count("mhcweb"), dead.len());
    (count("mhcapp"), count("mhcweb"))
}

#[test]
fn zones_and_hostclasses() {
    let world = world();
    let table = [
        ("--zone us-west-2b", (2, 2)),
        ("--zone us-west-2a", (6, 0)),
        ("--zone us-west-2b --level 100 --retainage 50", (2, 1)),
        ("--zone us-west-2b --retainage 75.1", (1, 0)),
        ("--zone us-west-2b --retainage 100", (0, 0)),
        ("--zone us-west-2b --level 0", (0, 0)),
        ("--hostclass mhcapp --level 50", (4, 0)),
        ("--hostclass mhcapp --level 50 --retainage 62.5", (3, 0)),
        ("--hostclass mhcweb", (0, 1)),
        ("--hostclass mhcweb --hostclass mhcapp --level 100", (8, 2)),
        ("--hostclass mhcweb --zone us-west-2b", (0, 2)),
        ("--hostclass mhcapp --zone us-west-2b --level 50", (1, 0)),
    ];
    for (args, wanted) in table {
        assert_eq!(plan(&world, args), wanted, "{args}");
    }
    // In the whole zone some share of the four dies.
    let (app, web) = plan(&world, "--zone us-west-2b --level 50");
    assert_eq!(app + web, 2);
}

#[test]
fn a_lost_zone_is_lost() {
    let world = world();
    let (app, web, db) = (
        world.running("mhcapp"),
        world.running("mhcweb"),
        world.running("mhcdb"),
    );
    let output = world.run("--zone us-west-2b").expect_status(0);
    let dead = ids(&victims(&output));
    assert!(web.is_subset(&dead) && db.is_disjoint(&dead));
    assert_eq!(app.intersection(&dead).count(), 2);
    assert!(
        world.running("mhcapp").is_disjoint(&dead) && world.running("mhcweb").is_disjoint(&dead)
    );
    assert_eq!(world.running("mhcdb"), db);
}

#[test]
fn what_does_not_exist_is_named_with_what_does() {
    let world = world();
    let table = [
        (
            "--zone us-west-2c",
            "zone us-west-2c",
            "us-west-2a, us-west-2b",
        ),
        (
            "--zone us-west-2a --hostclass mhcweb",
            "zone us-west-2a",
            "us-west-2b",
        ),
        ("--hostclass mhcdb", "hostclass mhcdb", "mhcapp, mhcweb"),
        (
            "--hostclass mhcapp --hostclass mhcnone",
            "hostclass mhcnone",
            "mhcapp, mhcweb",
        ),
    ];
    for (args, missing, known) in table {
        let output = world.run(args).expect_status(1);
        assert_eq!(output.stdout, "");
        let error = output
            .stderr
            .lines()
            .find(|line| line.starts_with("error:"))
            .unwrap();
        assert!(error.ends_with(missing), "{error}");
        let hint = output
            .stderr
            .lines()
            .find(|line| line.starts_with("hint:"))
            .unwrap();
        assert!(hint.ends_with(&format!(": {known}")), "{hint}");
    }
    assert_eq!(world.running("mhcapp").len(), 8, "nobody died");
}
