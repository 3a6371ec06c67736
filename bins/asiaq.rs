//! `asiaq`: the umbrella command: the local cloud, and links under the old names.

use asiaq_cli::{Common, Failure, Outcome, Session, Tool, run};
use asiaq_local::{Demo, LocalError, Settings, Status};
use clap::{Parser, Subcommand};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

/// The tools of this suite, beside which links under the old names are made.
const TOOLS: [&str; 6] = [
    "disco_autoscale",
    "disco_aws",
    "disco_eip",
    "disco_elb",
    "disco_route53",
    "disco_vpc_ui",
];

/// Asiaq: environments and pipelines of hosts in AWS
#[derive(Debug, Parser)]
#[command(name = "asiaq", version, infer_long_args = true)]
struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Rehearse without an AWS account: a local endpoint on loopback
    Local {
        #[command(subcommand)]
        command: Local,
    },
    /// Link every tool under the name that old scripts call (disco_aws.py and so on)
    LinkNames {
        /// Directory for the links, usually one on the PATH
        dir: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
enum Local {
    /// Start the endpoint; installs it on first use
    Up,
    /// Stop it; everything in it is lost
    Down,
    /// Show endpoint, process id and uptime (JSON keys: endpoint port pid agent_pid started log)
    Status,
    /// Print shell lines that point AWS tools at it: eval "$(asiaq local env)"
    Env,
    /// Forget everything in it without a restart
    Reset,
    /// See an environment and a pipeline come up; start here
    Demo,
    /// Play the hosts: what a machine image does at boot
    #[command(hide = true)]
    Agent,
}

impl Tool for Cli {
    fn common(&self) -> &Common {
        &self.common
    }
}

fn main() -> ExitCode {
    run(async |cli: Cli, session: &Session| {
        match cli.command {
            Command::Local { command } => local(session, command).await.map_err(failure)?,
            Command::LinkNames { dir } => link_names(session, &dir)?,
        }
        Ok(Outcome::Success)
    })
}

fn failure(error: LocalError) -> Failure {
    Failure::new(error.to_string()).with_hint(error.hint())
}

/// Settings with ourselves as the agent that plays the hosts.
fn settings() -> Result<Settings, LocalError> {
    let mut settings = Settings::from_env()?;
    let own = std::env::current_exe().ok();
    settings.agent = own.map(|path| {
        vec![
            path.into_os_string(),
            OsString::from("local"),
            OsString::from("agent"),
        ]
    });
    Ok(settings)
}

async fn local(session: &Session, command: Local) -> Result<(), LocalError> {
    let settings = settings()?;
    let printer = &session.printer;
    match command {
        Local::Up => {
            let status = asiaq_local::up(&settings, &mut |line| session.inform(line))?;
            show(session, &status);
        }
        Local::Down => {
            let stopped = asiaq_local::down(&settings)?;
            session.inform(if stopped {
                "the local cloud has been stopped"
            } else {
                "the local cloud is not running"
            });
        }
        Local::Status => show(session, &running(&settings)?),
        Local::Env => {
            for line in asiaq_local::env_lines(&running(&settings)?) {
                printer.line(line);
            }
        }
        Local::Reset => {
            asiaq_local::reset(&settings)?;
            session.inform("the local cloud is empty");
        }
        Local::Demo => {
            let config = std::env::var_os("ASIAQ_CONFIG")
                .filter(|dir| !dir.is_empty())
                .map(PathBuf::from);
            Demo::find(config)?
                .run(&settings, &mut |line| printer.line(line))
                .await?;
        }
        Local::Agent => {
            let endpoint = std::env::var("AWS_ENDPOINT_URL").map_err(|_| LocalError::NotRunning)?;
            asiaq_local::play_hosts(&endpoint).await;
        }
    }
    Ok(())
}

fn running(settings: &Settings) -> Result<Status, LocalError> {
    asiaq_local::status(settings)?.ok_or(LocalError::NotRunning)
}

fn show(session: &Session, status: &Status) {
    if session.printer.is_json() {
        session.printer.json(status);
        return;
    }
    let Status {
        endpoint,
        port,
        pid,
        ..
    } = status;
    session.printer.line(format!(
        "{endpoint} (port {port}, pid {pid}, up {})",
        uptime(status.uptime())
    ));
}

fn uptime(time: Duration) -> String {
    let seconds = time.as_secs();
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, s) => format!("{s} s"),
        (0, m, s) => format!("{m} min {s} s"),
        (h, m, _) => format!("{h} h {m} min"),
    }
}

fn link_names(session: &Session, dir: &Path) -> Result<(), Failure> {
    let problem = |what: &Path, error: std::io::Error| {
        Failure::new(format!("cannot link `{}`: {error}", what.display()))
    };
    let own = std::env::current_exe().map_err(|error| problem(dir, error))?;
    let folder = own.parent().unwrap_or(Path::new("."));
    for tool in TOOLS {
        let (target, link) = (folder.join(tool), dir.join(format!("{tool}.py")));
        if !target.is_file() {
            return Err(
                Failure::new(format!("`{}` does not exist", target.display())).with_hint(Some(
                    "install the whole suite: `cargo install --path bins`".into(),
                )),
            );
        }
        match std::fs::read_link(&link) {
            Ok(old) if old == target => {}
            Ok(_) => replace(&target, &link).map_err(|error| problem(&link, error))?,
            Err(_) if link.exists() => {
                return Err(
                    Failure::new(format!("`{}` exists and is not a link", link.display()))
                        .with_hint(Some("move it away first, if it is the old suite".into())),
                );
            }
            Err(_) => {
                std::os::unix::fs::symlink(&target, &link).map_err(|error| problem(&link, error))?
            }
        }
        session
            .printer
            .line(format!("{} -> {}", link.display(), target.display()));
    }
    Ok(())
}

fn replace(target: &Path, link: &Path) -> std::io::Result<()> {
    std::fs::remove_file(link)?;
    std::os::unix::fs::symlink(target, link)
}
