//! The `aws` command of hosts: the pinned `awscli` in a virtual environment of its own, which is mounted into hosts.
//!
//! The machine's own `aws` is not used: it may be too old to know `AWS_ENDPOINT_URL`, or be out of a host user's reach.

use super::inside::{LIBRARY, Mount};
use crate::error::LocalError;
use crate::install::{Package, ensure_package};
use crate::settings::Settings;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const AWSCLI: Package = Package {
    name: "awscli",
    version: "1.45.11",
    requirement: "awscli",
    takes: "about twenty seconds",
};
/// The system's interpreter: hosts have it in the same place.
const SYSTEM_PYTHON: &str = "/usr/bin/python3";
/// What an interpreter must have to make the environment.
const PROBE: &str = "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))";
/// What the wrapper must know of the environment.
const LAYOUT: &str = "import sys, sysconfig; \
    print(sys.base_prefix, sysconfig.get_path('purelib'), '%d.%d' % sys.version_info[:2], sep='\\n')";

/// An installed `aws` for hosts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AwsCli {
    /// Directories that hosts must see, read-only.
    pub mounts: Vec<Mount>,
    /// Content of `/usr/local/bin/aws` in hosts.
    pub wrapper: String,
}

impl AwsCli {
    /// Installs it if needed; `progress` gets a line per step, none if nothing is to do.
    ///
    /// # Errors
    /// As for [`crate::ensure_installed`].
    pub fn ensure(settings: &Settings, progress: &mut dyn FnMut(&str)) -> Result<Self, LocalError> {
        let python = ensure_package(settings, &AWSCLI, interpreter(), progress)?;
        let home = settings.cache_dir.join(Self::directory());
        Self::describe(&home, &layout(&python)?)
    }

    /// The one that was installed before. Installs nothing.
    ///
    /// # Errors
    /// It is not installed.
    pub fn installed(settings: &Settings) -> Result<Self, LocalError> {
        let home = settings.cache_dir.join(Self::directory());
        let python = home.join("bin/python");
        if !python.exists() {
            return Err(LocalError::Install {
                step: "looking for awscli".to_owned(),
                output: format!("`{}` is not there", python.display()),
            });
        }
        Self::describe(&home, &layout(&python)?)
    }

    /// Name of its directory in the cache.
    pub fn directory() -> String {
        format!("{}-{}", AWSCLI.name, AWSCLI.version)
    }

    /// How hosts reach the environment at `home`, from the lines of [`LAYOUT`].
    fn describe(home: &Path, layout: &str) -> Result<Self, LocalError> {
        let mut lines = layout.lines();
        let (Some(base), Some(packages), Some(version)) =
            (lines.next(), lines.next(), lines.next())
        else {
            return Err(LocalError::Install {
                step: "looking at awscli".to_owned(),
                output: layout.to_owned(),
            });
        };
        // The directory may be reached by a link; Python tells the path it was started by.
        let below = Path::new(packages)
            .components()
            .rev()
            .take(3)
            .collect::<Vec<_>>();
        let packages: PathBuf = below.into_iter().rev().collect();
        let mut mounts = vec![Mount::new(home, format!("{LIBRARY}/aws"))];
        let run = if Path::new(base).starts_with("/usr") {
            format!("exec {LIBRARY}/aws/bin/python -m awscli \"$@\"")
        } else {
            // A Python of the user's own is not where hosts can see it. It works at any place, told where its parts are.
            mounts.push(Mount::new(base, format!("{LIBRARY}/python")));
            format!(
                "export LD_LIBRARY_PATH={LIBRARY}/python/lib PYTHONPATH={LIBRARY}/aws/{}\n\
                 exec {LIBRARY}/python/bin/python{version} -s -m awscli \"$@\"",
                packages.display()
            )
        };
        Ok(Self {
            mounts,
            wrapper: format!("{HEAD}{run}\n"),
        })
    }
}

/// Programs that sshd or sudo start do not all have the variables of `/etc/environment`.
const HEAD: &str = "#!/bin/sh\n\
    # The aws command of a host in Asiaq's local cloud.\n\
    [ -n \"${AWS_ENDPOINT_URL:-}\" ] || { set -a; . /etc/environment; set +a; }\n\
    # The cloud is reached directly, also by hosts that use a proxy.\n\
    endpoint=${AWS_ENDPOINT_URL#*://}\n\
    export no_proxy=\"${no_proxy:+$no_proxy,}${endpoint%%[:/]*}\"\n\
    export NO_PROXY=\"$no_proxy\"\n";

fn interpreter() -> OsString {
    let works = Command::new(SYSTEM_PYTHON)
        .args(["-c", PROBE])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    let works = works.is_ok_and(|status| status.success());
    OsString::from(if works { SYSTEM_PYTHON } else { "python3" })
}

fn layout(python: &Path) -> Result<String, LocalError> {
    let output = Command::new(python)
        .args(["-c", LAYOUT])
        .env_remove("PYTHONHOME")
        .env_remove("PYTHONPATH")
        .stdin(Stdio::null())
        .output()
        .map_err(|source| LocalError::Spawn {
            program: python.display().to_string(),
            source,
        })?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn the_systems_python_needs_no_mount() {
        let layout = "/usr\n/c/awscli-1/lib/python3.11/site-packages\n3.11\n";
        let cli = AwsCli::describe(Path::new("/c/awscli-1"), layout).unwrap();
        assert_eq!(
            cli.mounts,
            [Mount::new("/c/awscli-1", "/usr/lib/asiaq-local/aws")]
        );
        assert!(
            cli.wrapper
                .ends_with("exec /usr/lib/asiaq-local/aws/bin/python -m awscli \"$@\"\n")
        );
    }

    #[test]
    fn another_python_comes_along() {
        let layout = "/root/.pyenv/versions/3.12.1\n/link/lib/python3.12/site-packages\n3.12\n";
        let cli = AwsCli::describe(Path::new("/c/awscli-1"), layout).unwrap();
        let python = Mount::new(
            "/root/.pyenv/versions/3.12.1",
            "/usr/lib/asiaq-local/python",
        );
        assert_eq!(cli.mounts.last(), Some(&python));
        assert!(
            cli.wrapper
                .contains("PYTHONPATH=/usr/lib/asiaq-local/aws/lib/python3.12/site-packages\n"),
            "{}",
            cli.wrapper
        );
        assert!(
            cli.wrapper
                .contains("exec /usr/lib/asiaq-local/python/bin/python3.12 -s -m awscli")
        );
        assert!(AwsCli::describe(Path::new("/c"), "Traceback").is_err());
    }

    #[test]
    fn looking_for_it_installs_nothing() {
        let cache = tempfile::tempdir().unwrap();
        let settings = Settings {
            cache_dir: cache.path().to_path_buf(),
            ..Settings::from_env().unwrap()
        };
        assert!(AwsCli::installed(&settings).is_err());
        assert_eq!(std::fs::read_dir(cache.path()).unwrap().count(), 0);
    }

    #[test]
    fn an_installed_aws_runs_from_another_place() {
        let settings = Settings::from_env().unwrap();
        let cli = AwsCli::ensure(&settings, &mut |_| {}).unwrap();
        // What the mounts do in a host, links do here.
        let root = tempfile::tempdir().unwrap();
        for mount in &cli.mounts {
            let name = mount.target.file_name().unwrap();
            std::os::unix::fs::symlink(&mount.source, root.path().join(name)).unwrap();
        }
        let script = cli.wrapper.replace(LIBRARY, root.path().to_str().unwrap());
        let output = Command::new("/bin/sh")
            .args(["-c", &script, "aws", "--version"])
            .env_clear()
            .env("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            text.starts_with("aws-cli/1.45.11 "),
            "{text}{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}
