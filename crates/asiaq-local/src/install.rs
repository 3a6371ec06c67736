//! Installs a pinned Python package (moto, or the `aws` of hosts) into a virtual environment of its own. Starts nothing, never
//! changes another Python environment.

use std::ffi::OsString;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::error::LocalError;
use crate::files::{last_lines, lock_file};
use crate::settings::Settings;

/// The version of moto that Asiaq is tested against.
pub const MOTO_VERSION: &str = "5.2.5";

/// Oldest Python that [`MOTO_VERSION`] runs on.
const OLDEST_PYTHON: (u32, u32) = (3, 10);

/// A package and the version of it that Asiaq is tested against.
pub(crate) struct Package {
    /// Name for people, and of the directory.
    pub(crate) name: &'static str,
    /// The version.
    pub(crate) version: &'static str,
    /// What pip is asked for, without the version.
    pub(crate) requirement: &'static str,
    /// How long an installation takes, for people.
    pub(crate) takes: &'static str,
}

const MOTO: Package = Package {
    name: "moto",
    version: MOTO_VERSION,
    requirement: "moto[server]",
    takes: "about half a minute",
};

/// How much of a failed step's output an error shows.
const TAIL_LINES: usize = 15;

/// Makes sure that the virtual environment `<cache>/moto-<version>` is there and complete, and gives its interpreter.
///
/// It is built in a sibling directory and renamed when complete, so an interrupted installation is never taken for a
/// finished one; a lock file keeps two installations apart. `progress` gets one line per step, none if nothing is to do.
///
/// # Errors
/// Python 3 or its venv module is missing or too old, pip fails, or the cache directory cannot be written.
pub fn ensure_installed(
    settings: &Settings,
    progress: &mut dyn FnMut(&str),
) -> Result<PathBuf, LocalError> {
    ensure_package(settings, &MOTO, OsString::from("python3"), progress)
}

/// The same for any package, with the interpreter to use.
pub(crate) fn ensure_package(
    settings: &Settings,
    package: &Package,
    python: OsString,
    progress: &mut dyn FnMut(&str),
) -> Result<PathBuf, LocalError> {
    Installer {
        cache_dir: &settings.cache_dir,
        package,
        python,
    }
    .ensure(progress)
}

/// The installation with the system's interpreter as a parameter, so that tests can pass a substitute.
struct Installer<'a> {
    cache_dir: &'a Path,
    package: &'a Package,
    python: OsString,
}

impl Installer<'_> {
    fn ensure(&self, progress: &mut dyn FnMut(&str)) -> Result<PathBuf, LocalError> {
        let name = format!("{}-{}", self.package.name, self.package.version);
        let home = self.cache_dir.join(&name);
        let python = home.join("bin/python");
        if python.exists() {
            return Ok(python);
        }
        fs::create_dir_all(self.cache_dir)
            .map_err(LocalError::file("cannot create", self.cache_dir))?;
        let _lock = self.lock(&name, progress)?;
        if python.exists() {
            return Ok(python);
        }
        self.check_python()?;
        let unfinished = self.cache_dir.join(format!("{name}.unfinished"));
        // Left over from an interrupted run, or an environment whose interpreter was removed from the system.
        remove_tree(&unfinished)?;
        remove_tree(&home)?;
        let result = self.build(&unfinished, progress).and_then(|()| {
            fs::rename(&unfinished, &home).map_err(LocalError::file("cannot rename to", &home))
        });
        if let Err(error) = result {
            // The first failure is the one to report; what remains is removed by the next run.
            let _ = remove_tree(&unfinished);
            return Err(error);
        }
        Ok(python)
    }

    fn lock(&self, name: &str, progress: &mut dyn FnMut(&str)) -> Result<File, LocalError> {
        let path = self.cache_dir.join(format!("{name}.lock"));
        let file = lock_file(&path)?;
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => progress(&format!(
                "waiting for another installation of {} to end",
                self.package.name
            )),
            Err(TryLockError::Error(source)) => {
                return Err(LocalError::file("cannot lock", path)(source));
            }
        }
        file.lock().map_err(LocalError::file("cannot lock", path))?;
        Ok(file)
    }

    fn check_python(&self) -> Result<(), LocalError> {
        let name = || self.python.to_string_lossy().into_owned();
        let missing = |source| LocalError::PythonMissing {
            python: name(),
            source,
        };
        let script = "import sys; print('%d.%d' % sys.version_info[:2])";
        let output = quiet(&self.python)
            .args(["-c", script])
            .output()
            .map_err(missing)?;
        let found = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        let version = found
            .split_once('.')
            .and_then(|(major, minor)| Some((major.parse().ok()?, minor.parse().ok()?)));
        match version {
            Some(version) if version >= OLDEST_PYTHON => Ok(()),
            Some(_) => Err(LocalError::PythonTooOld {
                python: name(),
                found,
            }),
            None => Err(missing(std::io::Error::other(tail(&output)))),
        }
    }

    fn build(&self, target: &Path, progress: &mut dyn FnMut(&str)) -> Result<(), LocalError> {
        let Package {
            name,
            version,
            requirement,
            takes,
        } = self.package;
        progress(&format!(
            "installing {name} {version} into `{}`, once; this takes {takes}",
            self.cache_dir.display()
        ));
        let output = run(quiet(&self.python).args(["-m", "venv"]).arg(target))?;
        if !output.status.success() {
            return Err(self.venv_error(&output));
        }
        progress("downloading and installing packages");
        let requirement = format!("{requirement}=={version}");
        let pip = [
            "-m",
            "pip",
            "install",
            "--disable-pip-version-check",
            "--no-input",
            "--quiet",
        ];
        let output = run(quiet(target.join("bin/python")).args(pip).arg(requirement))?;
        if output.status.success() {
            progress(&format!("{name} is installed"));
            return Ok(());
        }
        Err(LocalError::Install {
            step: format!("installing {name}"),
            output: tail(&output),
        })
    }

    fn venv_error(&self, output: &Output) -> LocalError {
        let text = tail(output);
        // Debian ships Python without `ensurepip`; others may leave out the module altogether.
        if text.contains("ensurepip") || text.contains("No module named venv") {
            return LocalError::VenvMissing {
                python: self.python.to_string_lossy().into_owned(),
                output: text,
            };
        }
        LocalError::Install {
            step: "making the virtual environment".to_owned(),
            output: text,
        }
    }
}

/// A command that reads no input and is not led astray by a Python environment of the caller.
fn quiet(program: impl Into<OsString>) -> Command {
    let mut command = Command::new(program.into());
    command
        .stdin(Stdio::null())
        .env_remove("PYTHONHOME")
        .env_remove("PYTHONPATH");
    command
}

fn run(command: &mut Command) -> Result<Output, LocalError> {
    command.output().map_err(|source| LocalError::Spawn {
        program: command.get_program().to_string_lossy().into_owned(),
        source,
    })
}

fn tail(output: &Output) -> String {
    let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.push_str(&String::from_utf8_lossy(&output.stderr));
    last_lines(&text, TAIL_LINES)
}

fn remove_tree(path: &Path) -> Result<(), LocalError> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(LocalError::file("cannot remove", path)(error))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
