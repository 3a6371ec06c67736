//! `asiaq local`: the local cloud, its hosts, and commands among them.

use asiaq_cli::{Failure, Outcome, Session};
use asiaq_local::hosts::units::{self, Answer, Places};
use asiaq_local::{Demo, LocalError, Settings, Status, Story};
use clap::Subcommand;
use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Exit code after Ctrl-C.
const INTERRUPTED: u8 = 130;

/// Subcommands of `asiaq local`.
#[derive(Debug, Subcommand)]
pub enum Local {
    /// Start the endpoint; installs it on first use
    Up {
        /// Put a real host behind every running instance (Linux, root)
        #[arg(long)]
        hosts: bool,
    },
    /// Stop it; everything in it is lost
    Down,
    /// Show endpoint, process id, uptime and hosts (JSON keys: endpoint port pid agent_pid hosts_pid hosts started log; of a
    /// host: instance_id private_ip public_ip state boots_itself problem)
    Status,
    /// Print shell lines that point AWS tools at it: eval "$(asiaq local env)"
    Env,
    /// Forget everything in it without a restart
    Reset,
    /// Run a command in the network of the hosts: from the office, which reaches private and public addresses
    Exec {
        /// From the internet, which reaches public addresses only
        #[arg(long)]
        from_internet: bool,
        /// The command and its arguments
        #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
        command: Vec<OsString>,
    },
    /// See an environment and a pipeline come up; start here
    Demo {
        /// A developer's sandbox instead
        #[arg(long)]
        sandbox: bool,
        /// From a vendor's image through bakes to a blue/green switch, on real hosts (Linux, root; some minutes)
        #[arg(long, conflicts_with = "sandbox")]
        full: bool,
        /// With --full: leave everything up at the end
        #[arg(long, requires = "full", conflicts_with = "sandbox")]
        keep: bool,
    },
    /// Play the hosts: what a machine image does at boot
    #[command(hide = true)]
    Agent,
    /// Keep a host for every instance
    #[command(hide = true)]
    Supervise {
        /// Gets the list of hosts and their logs
        dir: PathBuf,
    },
    /// Be the first process of a host
    #[command(hide = true)]
    Boot {
        /// What the host is to be
        file: PathBuf,
    },
    /// Run the units of a local host
    #[command(hide = true)]
    Units,
    /// The systemctl of local hosts
    #[command(hide = true, disable_help_flag = true)]
    Systemctl {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// The hostnamectl of local hosts
    #[command(hide = true, disable_help_flag = true)]
    Hostnamectl {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
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

/// This program, which hosts run too.
fn own_program() -> Result<PathBuf, LocalError> {
    std::env::current_exe().map_err(|source| LocalError::Spawn {
        program: "asiaq".to_owned(),
        source,
    })
}

/// Runs a subcommand of `asiaq local`.
pub async fn run(session: &Session, command: Local) -> Result<Outcome, Failure> {
    let failure = |error: LocalError| {
        let failure = Failure::new(error.to_string()).with_hint(error.hint());
        match error {
            LocalError::DemoInterrupted { .. } => failure.with_code(INTERRUPTED),
            _ => failure,
        }
    };
    // Hosts and their supervisor have no settings of a local cloud, nor a HOME to find them in.
    match command {
        Local::Supervise { dir } => {
            let endpoint = endpoint().map_err(failure)?;
            let supervised = asiaq_local::hosts::supervise(&endpoint, &dir);
            supervised.await.map_err(failure)?;
        }
        Local::Boot { file } => asiaq_local::hosts::boot(&file).map_err(failure)?,
        Local::Units => units::run(Places::of_host()).map_err(failure)?,
        Local::Systemctl { arguments } => {
            let said = units::systemctl(&Places::of_host(), &arguments);
            return Ok(answer(session, said));
        }
        Local::Hostnamectl { arguments } => {
            let said = units::hostnamectl(&arguments, Path::new("/etc"));
            return Ok(answer(session, said));
        }
        other => local(session, other).await.map_err(failure)?,
    }
    Ok(Outcome::Success)
}

async fn local(session: &Session, command: Local) -> Result<(), LocalError> {
    let mut settings = settings()?;
    let printer = &session.printer;
    match command {
        Local::Up { hosts } => {
            if hosts {
                settings.hosts = Some(own_program()?);
            }
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
        Local::Demo {
            sandbox,
            full,
            keep,
        } => {
            let story = match (sandbox, full) {
                (true, _) => Story::Sandbox,
                (false, true) => Story::Full { keep },
                (false, false) => Story::Pipeline,
            };
            if full {
                settings.hosts = Some(own_program()?);
            }
            let config = std::env::var_os("ASIAQ_CONFIG")
                .filter(|dir| !dir.is_empty())
                .map(PathBuf::from);
            Demo::find(config, story)?
                .run(&settings, session.interrupt(), &mut |line| {
                    printer.line(line)
                })
                .await?;
        }
        Local::Agent => {
            asiaq_local::play_hosts(&endpoint()?, &settings.state_dir).await;
        }
        Local::Exec {
            from_internet,
            command,
        } => {
            let mut parts = command.into_iter();
            let program = parts.next().unwrap_or_default();
            let mut command = asiaq_local::enter(&settings, &program, from_internet)?;
            // Only comes back when it cannot be started.
            let source = command.args(parts).exec();
            return Err(LocalError::Spawn {
                program: "nsenter".to_owned(),
                source,
            });
        }
        // Ran already: see `run`.
        Local::Supervise { .. }
        | Local::Boot { .. }
        | Local::Units
        | Local::Systemctl { .. }
        | Local::Hostnamectl { .. } => {}
    }
    Ok(())
}

/// Prints what a command of a host says.
fn answer(session: &Session, answer: Answer) -> Outcome {
    for line in answer.out {
        session.printer.line(line);
    }
    for line in answer.err {
        eprintln!("{line}");
    }
    Outcome::Exit(answer.code)
}

/// The endpoint that the parent names.
fn endpoint() -> Result<String, LocalError> {
    std::env::var("AWS_ENDPOINT_URL").map_err(|_| LocalError::NotRunning)
}

fn running(settings: &Settings) -> Result<Status, LocalError> {
    asiaq_local::status(settings)?.ok_or(LocalError::NotRunning)
}

fn show(session: &Session, status: &Status) {
    if status.hosts_ended {
        session.inform(
            "the hosts have ended; `hosts.log` beside the cloud's log says why, `asiaq local up --hosts` starts them again",
        );
    }
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
    for host in status.hosts.iter().flatten() {
        let address = |ip: &Option<String>| ip.clone().unwrap_or_else(|| "-".to_owned());
        let problem = host
            .problem
            .iter()
            .map(|text| format!("  {text}"))
            .collect::<String>();
        session.printer.line(format!(
            "{:<19}  {:<15}  {:<15}  {}{problem}",
            host.instance_id,
            address(&host.private_ip),
            address(&host.public_ip),
            host.state
        ));
    }
}

fn uptime(time: Duration) -> String {
    let seconds = time.as_secs();
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, s) => format!("{s} s"),
        (0, m, s) => format!("{m} min {s} s"),
        (h, m, _) => format!("{h} h {m} min"),
    }
}
