//! What can go wrong with the local cloud, and what to do about it. Holds no logic beyond texts.

use std::path::PathBuf;

/// A failure of the local cloud. `Display` says what happened; [`LocalError::hint`] what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    /// The local account could not be prepared.
    #[error("cannot prepare the local account: {what}: {problem}")]
    Account {
        /// What was to be made.
        what: String,
        /// Why not.
        problem: String,
    },
    /// The demo finds no pipeline.
    #[error("the demo needs `{}`", path.display())]
    DemoFiles {
        /// The missing file.
        path: PathBuf,
    },
    /// The demo finds no tool beside `asiaq`.
    #[error("the demo needs the tool `{}`", path.display())]
    DemoTool {
        /// The missing program.
        path: PathBuf,
    },
    /// The configuration that the demo runs on is wrong.
    #[error("the demo cannot use this configuration: {problem}")]
    DemoConfig {
        /// What is wrong.
        problem: String,
    },
    /// A tool failed in the demo.
    #[error("`{command}` failed:\n{tail}")]
    DemoStep {
        /// The command.
        command: String,
        /// End of its log.
        tail: String,
    },
    /// This machine cannot run the full demo.
    #[error("this machine cannot run the full demo: {missing}")]
    DemoMachine {
        /// The first thing that is missing.
        missing: String,
    },
    /// Ctrl-C in the demo.
    #[error("interrupted in {step}")]
    DemoInterrupted {
        /// Where it was.
        step: String,
    },
    /// Neither `ASIAQ_CACHE_DIR`, `XDG_CACHE_HOME` nor `HOME` says where the cache is.
    #[error("no cache directory: `HOME` is not set")]
    NoCacheDir,
    /// `ASIAQ_LOCAL_PORT` is not a port number.
    #[error("`ASIAQ_LOCAL_PORT` is `{value}`, which is not a port number")]
    BadPort {
        /// The text found.
        value: String,
    },
    /// No Python 3 interpreter can be started.
    #[error("`{python}` cannot be started: {source}")]
    PythonMissing {
        /// The command that was tried.
        python: String,
        /// Why it failed.
        source: std::io::Error,
    },
    /// The interpreter is older than moto needs.
    #[error("`{python}` is Python {found}, the local cloud needs 3.10 or newer")]
    PythonTooOld {
        /// The command that was tried.
        python: String,
        /// Its version, `major.minor`.
        found: String,
    },
    /// The interpreter has no working `venv` module.
    #[error("`{python}` cannot make virtual environments: {output}")]
    VenvMissing {
        /// The command that was tried.
        python: String,
        /// The last lines it printed.
        output: String,
    },
    /// Making the virtual environment or installing a package into it failed.
    #[error("{step} failed:\n{output}")]
    Install {
        /// The step, e.g. `installing moto`.
        step: String,
        /// The last lines of its output.
        output: String,
    },
    /// A file or directory could not be used.
    #[error("{action} `{}`: {source}", path.display())]
    File {
        /// What was tried, e.g. `cannot write`.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// Why it failed.
        source: std::io::Error,
    },
    /// A child process could not be started.
    #[error("cannot start `{program}`: {source}")]
    Spawn {
        /// The program.
        program: String,
        /// Why it failed.
        source: std::io::Error,
    },
    /// The port is taken by something that is not our server.
    #[error("port {port} on 127.0.0.1 is in use by another program")]
    PortInUse {
        /// The port.
        port: u16,
    },
    /// The server ended or did not answer in time.
    #[error("the local cloud did not start ({problem}); last lines of its log:\n{tail}")]
    NotHealthy {
        /// What was seen, e.g. `no answer within 30 s`.
        problem: String,
        /// The last lines of the log file.
        tail: String,
    },
    /// A request to the running server failed.
    #[error("the local cloud at {endpoint} does not answer: {problem}")]
    Request {
        /// The server's URL.
        endpoint: String,
        /// The transport's message, or the HTTP status.
        problem: String,
    },
    /// A command that needs a running server found none.
    #[error("the local cloud is not running")]
    NotRunning,
    /// This machine cannot run hosts.
    #[error("this machine cannot run hosts of the local cloud: {missing}")]
    HostsMissing {
        /// The first thing that is missing.
        missing: String,
    },
    /// Something about hosts failed.
    #[error("hosts of the local cloud: {what}: {problem}")]
    Hosts {
        /// What was tried.
        what: String,
        /// Why it failed.
        problem: String,
    },
    /// A command that needs hosts found none.
    #[error("the local cloud runs without hosts")]
    NoHosts,
    /// A process would not end.
    #[error("process {pid} of the local cloud does not end")]
    WillNotStop {
        /// Its process id.
        pid: u32,
    },
}

impl LocalError {
    /// What the user can do about it, without the `hint:` prefix. `None` when the message says it all.
    pub fn hint(&self) -> Option<String> {
        let text = match self {
            Self::NoCacheDir => "set `ASIAQ_CACHE_DIR` to a directory you can write to".to_owned(),
            Self::BadPort { .. } => "use a number from 0 to 65535; 0 takes any free port".to_owned(),
            Self::PythonMissing { .. } | Self::PythonTooOld { .. } => {
                "install Python 3.10 or newer so that `python3` is on the PATH, e.g. `sudo apt-get install python3 \
                 python3-venv`, `sudo dnf install python3` or `brew install python`"
                    .to_owned()
            }
            Self::VenvMissing { .. } => {
                "install the venv module, e.g. `sudo apt-get install python3-venv`".to_owned()
            }
            Self::Install { .. } => {
                "this needs pip and a package index it can reach; run it again once the cause is removed"
                    .to_owned()
            }
            Self::PortInUse { .. } => {
                "choose another port with `ASIAQ_LOCAL_PORT`, or 0 for any free one".to_owned()
            }
            Self::DemoFiles { .. } => {
                "run the demo in the clone of the project, or set `ASIAQ_CONFIG` to it".to_owned()
            }
            Self::DemoTool { .. } => {
                "build or install the whole suite: `cargo build` or `cargo install --path bins`".to_owned()
            }
            Self::Account { .. } | Self::Request { .. } => "`asiaq local down` and `asiaq local up` start it afresh".to_owned(),
            Self::NotRunning => "start it with `asiaq local up`".to_owned(),
            Self::NoHosts => "start them with `asiaq local up --hosts`".to_owned(),
            Self::DemoStep { .. } => {
                "what was made so far is still there to look at; `asiaq local down` removes it".to_owned()
            }
            Self::HostsMissing { .. } => {
                "hosts need Linux, root, OpenSSH, iproute2 and util-linux; without `--hosts` the local cloud runs anywhere"
                    .to_owned()
            }
            Self::DemoMachine { .. } => {
                "it needs Linux, root, OpenSSH's server and client, iproute2, rsync and sudo; `asiaq local demo` without \
                 `--full` runs anywhere"
                    .to_owned()
            }
            Self::DemoInterrupted { .. } => {
                "the local cloud keeps what was made so far; `asiaq local down` removes all of it, and the demo starts from an \
                 empty account when it is run again"
                    .to_owned()
            }
            Self::WillNotStop { pid } => format!("end it yourself: `kill -9 {pid}`"),
            Self::DemoConfig { .. } | Self::Hosts { .. } => return None,
            Self::File { .. } | Self::Spawn { .. } | Self::NotHealthy { .. } => return None,
        };
        Some(text)
    }

    /// Something about hosts failed.
    pub(crate) fn hosts(what: impl Into<String>, problem: impl std::fmt::Display) -> Self {
        Self::Hosts {
            what: what.into(),
            problem: problem.to_string(),
        }
    }

    /// Maps an I/O error to [`LocalError::File`]; for `map_err`.
    pub(crate) fn file(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::File {
            action,
            path,
            source,
        }
    }
}
