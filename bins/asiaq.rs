//! `asiaq`: the umbrella command: the local cloud, and links under the old names.

/// The parts, in the folder of this name.
mod asiaq {
    pub mod local;
    pub mod scripts;
}

use asiaq::local::Local;
use asiaq_cli::{Common, Failure, Outcome, Session, Tool, run};
use clap::{Parser, Subcommand};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The tools of this suite, beside which links under the old names are made.
const TOOLS: [&str; 12] = [
    "disco_autoscale",
    "disco_aws",
    "disco_chaos",
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
    /// Link every tool under the name that old scripts call (disco_aws.py and so on), and install the scripts (disco_ssh.sh)
    LinkNames {
        /// Directory for the links, usually one on the PATH
        dir: PathBuf,
    },
}

impl Tool for Cli {
    fn common(&self) -> &Common {
        &self.common
    }
}

fn main() -> ExitCode {
    run(async |cli: Cli, session: &Session| {
        match cli.command {
            Command::Local { command } => return asiaq::local::run(session, command).await,
            Command::LinkNames { dir } => link_names(session, &dir)?,
        }
        Ok(Outcome::Success)
    })
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
    asiaq::scripts::install(session, dir)
}

fn replace(target: &Path, link: &Path) -> std::io::Result<()> {
    std::fs::remove_file(link)?;
    std::os::unix::fs::symlink(target, link)
}
