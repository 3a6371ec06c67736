//! End to end: `asiaq completions` and `asiaq man`.

use crate::support::{asiaq, binary};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

/// The suite but for the tool that stands alone.
const TOOLS: [&str; 18] = [
    "asiaq",
    "asiaq_sandbox",
    "disco_accounts",
    "disco_app_auth",
    "disco_autoscale",
    "disco_aws",
    "disco_bake",
    "disco_chaos",
    "disco_creds",
    "disco_eip",
    "disco_elb",
    "disco_metrics",
    "disco_purge_snapshots",
    "disco_route53",
    "disco_snapshot",
    "disco_ssh",
    "disco_ssm",
    "disco_vpc_ui",
];

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn there(program: &str) -> bool {
    let mut command = Command::new(program);
    command
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.status().is_ok()
}

#[test]
fn every_tool_and_subcommand_has_a_page() {
    let dir = tempfile::tempdir().unwrap();
    let pages = dir.path().join("man/man1");
    let write = || {
        asiaq("asiaq")
            .args(["man", pages.to_str().unwrap()])
            .run()
            .expect_status(0)
    };
    let output = write();
    assert_eq!(output.stderr, "");
    let found = names(&pages);
    let listed: Vec<String> = output.stdout.lines().map(str::to_owned).collect();
    let wanted: Vec<String> = found
        .iter()
        .map(|name| pages.join(name).display().to_string())
        .collect();
    assert_eq!(listed, wanted);
    for tool in TOOLS.into_iter().chain(["acfg1"]) {
        let text = fs::read_to_string(pages.join(format!("{tool}.1"))).unwrap_or_default();
        assert!(
            text.contains(".SH NAME\n") && text.contains(tool),
            "{tool}: {text}"
        );
    }
    for name in [
        "asiaq-config-check.1",
        "asiaq-local-up.1",
        "disco_aws-spinup.1",
        "disco_vpc_ui-create.1",
    ] {
        assert!(found.iter().any(|own| own == name), "{name} in {found:?}");
    }
    let check = fs::read_to_string(pages.join("asiaq-config-check.1")).unwrap();
    assert!(
        check.contains("allow\\-warnings") && check.contains("\\-\\-output"),
        "{check}"
    );
    // A second run writes the same, and drafts are gone.
    assert_eq!(write().stdout, output.stdout);
    assert_eq!(names(&pages), found);
    renders(&pages, &found);
}

/// All pages pass the formatter without a warning.
fn renders(pages: &Path, names: &[String]) {
    if !there("groff") {
        eprintln!("SKIPPED: there is no groff to render the pages with");
        return;
    }
    let mut command = Command::new("groff");
    command.args(["-man", "-Tutf8", "-ww", "-z", "-rLL=100n"]);
    command.args(names.iter().map(|name| pages.join(name)));
    let output = command.output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && told.is_empty(), "{told}");
}

#[test]
fn pages_that_cannot_be_written_are_a_failure() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    let output = asiaq("asiaq")
        .args(["man", file.to_str().unwrap()])
        .run()
        .expect_status(1);
    assert!(
        output.stderr.starts_with("error: cannot write `"),
        "{}",
        output.stderr
    );
    asiaq("asiaq").args(["man"]).run().expect_status(2);
}

#[test]
fn every_shell_gets_lines_for_every_tool_and_its_old_name() {
    for (shell, line, old) in [
        (
            "bash",
            "-F _clap_complete_TOOL TOOL",
            "-F _clap_complete_TOOL TOOL TOOL.py",
        ),
        (
            "zsh",
            "compdef _clap_dynamic_completer_TOOL TOOL",
            "compdef _clap_dynamic_completer_TOOL TOOL TOOL.py",
        ),
        (
            "fish",
            "--command TOOL ",
            "--command TOOL --command TOOL.py ",
        ),
        (
            "elvish",
            "arg-completer[TOOL]",
            "arg-completer[TOOL.py] = $edit:completion:arg-completer[TOOL]",
        ),
    ] {
        let text = asiaq("asiaq")
            .args(["completions", shell])
            .run()
            .expect_status(0)
            .stdout;
        for tool in TOOLS {
            let form = if tool.starts_with("asiaq") { line } else { old };
            assert!(text.contains(&form.replace("TOOL", tool)), "{shell} {tool}");
        }
        assert!(!text.contains("acfg1"), "{shell}");
        assert!(!text.contains("asiaq.py"), "{shell}");
        let one = asiaq("asiaq")
            .args(["completions", shell, "--tool", "disco_aws"])
            .run()
            .expect_status(0)
            .stdout;
        assert!(
            one.contains(&line.replace("TOOL", "disco_aws")) && !one.contains("disco_eip"),
            "{one}"
        );
    }
    asiaq("asiaq")
        .args(["completions", "tcsh"])
        .run()
        .expect_status(2);
    asiaq("asiaq")
        .args(["completions", "bash", "--tool", "acfg1"])
        .run()
        .expect_status(2);
}

/// A real shell with the lines sourced completes `--e` to `--env`, for both names of a tool.
#[test]
fn bash_completes_options() {
    let dir = tempfile::tempdir().unwrap();
    let lines = dir.path().join("lines");
    fs::write(
        &lines,
        asiaq("asiaq")
            .args(["completions", "bash"])
            .run()
            .expect_status(0)
            .stdout,
    )
    .unwrap();
    let mut completed = 0;
    for tool in TOOLS {
        let help = asiaq(tool).args(["--help"]).run().stdout;
        if !help.contains("--env ") {
            continue;
        }
        completed += 1;
        for name in [tool.to_owned(), format!("{tool}.py")] {
            if name == "asiaq.py" || name == "asiaq_sandbox.py" {
                continue;
            }
            let script = format!(
                "source '{}'; complete -p {name} >/dev/null || exit 3; COMP_WORDS=({name} --e); COMP_CWORD=1; COMP_TYPE=9; \
                 _clap_complete_{tool} {name} --e {name}; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
                lines.display()
            );
            let output = Command::new("bash")
                .args(["--norc", "-c", &script])
                .output()
                .expect("bash");
            let told = String::from_utf8_lossy(&output.stdout).into_owned();
            let fits = |line: &str| matches!(line.trim(), "--env" | "--env=");
            assert!(
                told.lines().any(fits),
                "{name}: {told}{}",
                String::from_utf8_lossy(&output.stderr)
            );
        }
    }
    assert!(completed >= 8, "{completed} tools with --env");
}

#[test]
fn a_tool_that_is_missing_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let alone = dir.path().join("asiaq");
    fs::copy(binary("asiaq"), &alone).unwrap();
    for words in [["completions", "bash"], ["man", "pages"]] {
        let output = Command::new(&alone)
            .args(words)
            .current_dir(dir.path())
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{told}");
        assert!(told.contains("install the whole suite"), "{told}");
        assert!(!dir.path().join("pages").exists());
    }
}
