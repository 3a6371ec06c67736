//! The scripts as files.

use super::bed::project;
use super::*;

/// All shell files that go into images.
fn shell_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            shell_files(&path, found);
        } else if std::fs::read(&path)
            .unwrap()
            .starts_with(b"#!/usr/bin/env bash")
        {
            found.push(path);
        }
    }
}

pub fn parse() {
    let mut found = Vec::new();
    for folder in ["init", "discoroot"] {
        shell_files(&project().join(folder), &mut found);
    }
    assert!(found.len() > 30, "{found:?}");
    for path in &found {
        let output = Command::new("bash").arg("-n").arg(path).output().unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let text = std::fs::read_to_string(path).unwrap();
        let strict =
            text.contains("\nset -euo pipefail\n") || text.contains("\nset -uo pipefail\n");
        assert!(
            strict || text.contains("ourced"),
            "{} is neither strict nor sourced",
            path.display()
        );
        let shell = |line: &str| {
            let into = line.split('|').skip(1);
            into.filter_map(|part| part.split_whitespace().next())
                .any(|program| program == "sh" || program == "bash")
        };
        assert!(
            !text.lines().any(shell),
            "{} runs what it downloads",
            path.display()
        );
    }
}

/// Init scripts of old wrap acfg1.py in `pip install -e` and `pip uninstall -y asiaq`, without a network here.
pub fn package() {
    let dir = tempfile::tempdir().unwrap();
    let tree = dir.path().join("asiaq");
    std::fs::create_dir(&tree).unwrap();
    for name in ["pyproject.toml", "asiaq_stub.py"] {
        let from = project().join("bins/asiaq-stub").join(name);
        std::fs::copy(from, tree.join(name)).unwrap();
    }
    let run = |program: &Path, words: &[&str]| {
        let output = Command::new(program)
            .args(words)
            .env_remove("PYTHONPATH")
            .output()
            .unwrap();
        assert!(output.status.success(), "{words:?}: {output:?}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let home = dir.path().join("python");
    run(
        Path::new("python3"),
        &["-m", "venv", &home.to_string_lossy()],
    );
    let pip = home.join("bin/pip");
    let list = ["list", "--disable-pip-version-check"];
    run(
        &pip,
        &["install", "-q", "--no-index", "-e", &tree.to_string_lossy()],
    );
    assert!(run(&pip, &list).contains("asiaq"));
    run(&pip, &["uninstall", "-q", "-y", "asiaq"]);
    assert!(!run(&pip, &list).contains("asiaq"));
}
