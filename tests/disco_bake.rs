//! End to end: `disco_bake`.

mod fleet;
mod images;
mod jenkins;
mod steps;

use crate::support::{Output, asiaq};
use std::fs;
use std::path::Path;

fn run(directory: &Path, words: &str) -> Output {
    asiaq("disco_bake")
        .config(directory)
        .args(words.split_whitespace())
        .run()
}

#[test]
fn help_and_usage() {
    let nowhere = Path::new("/no/such/dir");
    let help = run(nowhere, "--help").expect_status(0);
    let create = run(nowhere, "create --help").expect_status(0);
    assert_eq!(help.stderr + &create.stderr, "");
    insta::assert_snapshot!("help", help.stdout);
    insta::assert_snapshot!("help_create", create.stdout);
    for words in ["", "create", "create mhcx", "create --hostclass", "cook"] {
        let output = run(nowhere, words).expect_status(2);
        assert!(
            output.stdout.is_empty() && output.stderr.contains("Usage:"),
            "{words}"
        );
    }
}

/// The template of the repository, in a configuration directory without any ini file.
fn directory() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("init")).unwrap();
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    fs::copy(
        repository.join("init/template.sh"),
        dir.path().join("init/template.sh"),
    )
    .unwrap();
    dir
}

#[test]
fn create_makes_a_script_that_a_shell_understands() {
    let dir = directory();
    let path = dir.path().join("init/mhcpear.sh");
    let dry = run(dir.path(), "create --hostclass mhcpear --dry-run").expect_status(0);
    assert_eq!(
        dry.stdout,
        format!("+ {} from template.sh\n", path.display())
    );
    assert!(!path.exists());
    let json = run(dir.path(), "create --hostc mhcpear --dry-run --output json").expect_status(0);
    assert!(json.stdout.contains(r#""sign": "+""#), "{}", json.stdout);

    let made = run(dir.path(), "create --hostclass mhcpear").expect_status(0);
    assert_eq!((made.stdout.as_str(), made.stderr.as_str()), ("", ""));
    let text = fs::read_to_string(&path).unwrap();
    assert!(
        text.contains("# mhcpear: say here") && !text.contains("TEMPLATED"),
        "{text}"
    );
    let status = std::process::Command::new("bash")
        .arg("-n")
        .arg(&path)
        .status();
    assert!(status.unwrap().success());

    let again = run(dir.path(), "create --hostclass mhcpear").expect_status(1);
    let told = format!(
        "error: `{}` exists already\nhint: `--force`",
        path.display()
    );
    assert!(again.stderr.starts_with(&told), "{}", again.stderr);
    fs::write(&path, "mine").unwrap();
    run(dir.path(), "create --force --hostclass mhcpear").expect_status(0);
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
    let nothing = run(dir.path(), "create --force --hostclass mhcpear --dry-run").expect_status(0);
    assert_eq!(nothing.stdout, "no changes\n");
}

#[test]
fn names_that_are_none_make_nothing() {
    let dir = directory();
    for (name, told) in [
        ("pear", "error: hostclass must start with mhc.\n"),
        (
            "mhc",
            "error: hostclass must have a name of its own after `mhc`\n",
        ),
        ("mhc/../x", "error: `mhc/../x` is no name of a hostclass"),
    ] {
        let output = run(dir.path(), &format!("create --hostclass {name}")).expect_status(1);
        assert!(output.stderr.starts_with(told), "{}", output.stderr);
    }
    assert_eq!(fs::read_dir(dir.path().join("init")).unwrap().count(), 1);
    let none = tempfile::tempdir().unwrap();
    let output = run(none.path(), "create --hostclass mhcpear").expect_status(1);
    let told = format!(
        "error: Config path not found: {}",
        none.path().join("init/template.sh").display()
    );
    assert!(output.stderr.starts_with(&told), "{}", output.stderr);
}
