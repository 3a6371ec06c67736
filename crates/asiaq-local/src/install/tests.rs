//! Installation against a stand-in for `python3`: a shell script that makes environments out of copies of itself.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::os::unix::fs::PermissionsExt;
use std::sync::Barrier;

use super::*;

/// A cache directory and a fake interpreter. The script's cases are the calls the installer makes.
struct Fixture {
    root: tempfile::TempDir,
}

const VENV_OK: &str = r#"mkdir -p "$3/bin" && cp "$0" "$3/bin/python""#;

impl Fixture {
    fn new(version: &str, venv: &str, pip: &str) -> Self {
        let root = tempfile::tempdir().unwrap();
        let log = root.path().join("calls");
        let script = format!(
            "#!/bin/sh\necho \"$1 $2\" >>'{}'\ncase \"$1 $2\" in\n'-c '*) {version} ;;\n'-m venv') {venv} ;;\n'-m pip') {pip} ;;\nesac\n",
            log.display()
        );
        let fixture = Self { root };
        fs::write(fixture.python(), script).unwrap();
        fs::set_permissions(fixture.python(), fs::Permissions::from_mode(0o755)).unwrap();
        fixture
    }

    fn good() -> Self {
        Self::new("echo 3.11", VENV_OK, "sleep 0.2")
    }

    fn python(&self) -> PathBuf {
        self.root.path().join("python3")
    }

    fn cache(&self) -> PathBuf {
        self.root.path().join("cache")
    }

    fn home(&self) -> PathBuf {
        self.cache().join("moto-5.2.5")
    }

    fn install(&self) -> Result<PathBuf, LocalError> {
        self.install_with(self.python(), &mut |_| {})
    }

    fn install_with(
        &self,
        python: PathBuf,
        progress: &mut dyn FnMut(&str),
    ) -> Result<PathBuf, LocalError> {
        Installer {
            cache_dir: &self.cache(),
            package: &MOTO,
            python: python.into(),
        }
        .ensure(progress)
    }

    fn calls(&self, kind: &str) -> usize {
        let text = fs::read_to_string(self.root.path().join("calls")).unwrap_or_default();
        text.lines().filter(|line| *line == kind).count()
    }
}

#[test]
fn it_installs_once_and_says_so_once() {
    let fixture = Fixture::good();
    let mut lines = Vec::new();
    let python = fixture
        .install_with(fixture.python(), &mut |line| lines.push(line.to_owned()))
        .unwrap();
    assert_eq!(python, fixture.home().join("bin/python"));
    assert!(python.exists());
    assert!(
        lines
            .first()
            .unwrap()
            .starts_with("installing moto 5.2.5 into"),
        "{lines:?}"
    );
    lines.clear();
    fixture
        .install_with(fixture.python(), &mut |line| lines.push(line.to_owned()))
        .unwrap();
    assert!(lines.is_empty(), "{lines:?}");
    assert_eq!(fixture.calls("-m pip"), 1);
}

#[test]
fn two_at_once_install_once() {
    let fixture = Fixture::good();
    let barrier = Barrier::new(4);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                barrier.wait();
                assert!(fixture.install().unwrap().exists());
            });
        }
    });
    assert_eq!(fixture.calls("-m venv"), 1);
    assert_eq!(fixture.calls("-m pip"), 1);
}

#[test]
fn an_interrupted_installation_is_begun_again() {
    let fixture = Fixture::good();
    let unfinished = fixture.cache().join("moto-5.2.5.unfinished");
    fs::create_dir_all(unfinished.join("bin")).unwrap();
    fs::write(unfinished.join("bin/python"), "half").unwrap();
    fs::write(unfinished.join("leftover"), "").unwrap();
    fixture.install().unwrap();
    assert!(!unfinished.exists());
    assert!(!fixture.home().join("leftover").exists());
    assert_eq!(fixture.calls("-m pip"), 1);
}

#[test]
fn an_environment_without_interpreter_is_replaced() {
    let fixture = Fixture::good();
    fs::create_dir_all(fixture.home().join("bin")).unwrap();
    std::os::unix::fs::symlink("/nowhere/python3", fixture.home().join("bin/python")).unwrap();
    assert!(fixture.install().unwrap().exists());
}

#[test]
fn a_failed_pip_shows_the_end_of_its_output_and_leaves_nothing() {
    let pip = "seq 1 40; echo 'ERROR: no matching distribution' >&2; exit 1";
    let fixture = Fixture::new("echo 3.11", VENV_OK, pip);
    let error = fixture.install().unwrap_err();
    let text = error.to_string();
    assert!(text.starts_with("installing moto failed:\n27\n"), "{text}");
    assert!(
        text.ends_with("40\nERROR: no matching distribution"),
        "{text}"
    );
    assert!(error.hint().is_some());
    let left: Vec<_> = fs::read_dir(fixture.cache())
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    assert_eq!(left, ["moto-5.2.5.lock"]);
}

#[test]
fn a_missing_venv_module_is_named() {
    for message in ["No module named venv", "ensurepip is not available"] {
        let fixture = Fixture::new(
            "echo 3.11",
            &format!("echo '{message}' >&2; exit 1"),
            "true",
        );
        let error = fixture.install().unwrap_err();
        assert!(matches!(error, LocalError::VenvMissing { .. }), "{error}");
        assert!(error.hint().unwrap().contains("python3-venv"));
    }
    let fixture = Fixture::new("echo 3.11", "echo 'disk full' >&2; exit 1", "true");
    let text = fixture.install().unwrap_err().to_string();
    assert_eq!(text, "making the virtual environment failed:\ndisk full");
}

#[test]
fn a_missing_python_is_named() {
    let fixture = Fixture::good();
    let error = fixture
        .install_with(fixture.root.path().join("absent"), &mut |_| {})
        .unwrap_err();
    assert!(matches!(error, LocalError::PythonMissing { .. }), "{error}");
    assert!(error.hint().unwrap().contains("install Python 3.10"));
    // A version manager's shim that has no version behind it starts, prints, and fails.
    let fixture = Fixture::new("echo 'no version set' >&2; exit 127", VENV_OK, "true");
    let error = fixture.install().unwrap_err();
    assert!(matches!(error, LocalError::PythonMissing { .. }), "{error}");
    assert!(error.to_string().contains("no version set"), "{error}");
}

#[test]
fn an_old_python_is_refused_by_number_not_by_text() {
    for (version, accepted) in [
        ("3.9", false),
        ("3.10", true),
        ("3.14", true),
        ("2.7", false),
        ("4.0", true),
    ] {
        let fixture = Fixture::new(&format!("echo {version}"), VENV_OK, "true");
        let result = fixture.install();
        assert_eq!(result.is_ok(), accepted, "{version}");
        if !accepted {
            assert!(
                matches!(result, Err(LocalError::PythonTooOld { found, .. }) if found == version)
            );
        }
    }
}
