//! Help, usage errors, and environments that do not exist.

use super::World;
use crate::support::config::TestConfig;
use crate::support::{Output, asiaq};

fn run(words: &str) -> Output {
    let config = TestConfig::standard();
    // Nobody listens there.
    asiaq("disco_chaos")
        .endpoint("http://127.0.0.1:9")
        .config(config.path())
        .args(words.split_whitespace())
        .run()
}

#[test]
fn help_and_usage() {
    let help = run("--help").expect_status(0);
    assert_eq!(help.stderr, "");
    insta::assert_snapshot!("help", help.stdout);
    let wrong = [
        "kill",
        "--level",
        "--level -1",
        "--level=-1",
        "--level=-0.5",
        "--level many",
        "--level 1e1",
        "--level 5%",
        "--retainage -1",
        "--retainage=-1",
        "--retainage 100.1",
        "--retainage 101",
        "--retainage x",
        "--seed -1",
        "--seed x",
        "--zone",
        "--hostclass",
        "--output svg",
    ];
    for words in wrong {
        let output = run(words).expect_status(2);
        assert!(
            output.stdout.is_empty() && output.stderr.contains("Usage:"),
            "{words}: {}",
            output.stderr
        );
    }
    // What is right gets as far as AWS.
    for words in [
        "--level 0",
        "--level 100.5 --retainage=100",
        "--ret .5 --lev 5. --seed 18446744073709551615",
    ] {
        let output = run(words).expect_status(1);
        assert!(
            output.stderr.contains("cannot reach AWS"),
            "{words}: {}",
            output.stderr
        );
    }
}

#[test]
fn the_environment_must_exist() {
    let world = World::new();
    for args in ["--env nowhere", "--env none"] {
        let output = world.run(args).expect_status(1);
        assert_eq!(output.stdout, "");
        assert!(
            output.stderr.contains("cannot select environment"),
            "{}",
            output.stderr
        );
    }
    let output = world
        .tool_at(world.cloud.url(), "")
        .env("DEFAULT_ENV", "elsewhere")
        .run()
        .expect_status(1);
    assert!(output.stderr.contains("`elsewhere`"), "{}", output.stderr);
}
