//! `acfg1`: lays a tree of files over another one. It runs on machines that are being baked, of any age, so it shares nothing
//! with the tools that talk to AWS.

use asiaq_acfg::{AcfgError, Disk, Level, LocalAccounts, Request, Source, hostclass_of};
use clap::builder::NonEmptyStringValueParser;
use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Where a machine says what it is.
const HOSTCLASS: &str = "/opt/wgen/etc/hostclass";

/// Lay a tree of files over another one, with the owners and modes of its acfg.metadata
///
/// Of NAME and NAME~HOSTCLASS the one for the hostclass is copied, as NAME. A second run changes nothing.
#[derive(Debug, Parser)]
#[command(name = "acfg1", version, infer_long_args = true)]
struct Cli {
    /// The tree, for instance discoroot
    source: PathBuf,
    /// Over which directory to lay it; / on a machine that is being baked
    destination: PathBuf,
    /// Only say what would be done
    #[arg(long, alias = "dry-run")]
    dry: bool,
    /// Hostclass, the most important one first; repeatable [default: first line of /opt/wgen/etc/hostclass]
    #[arg(long, value_name = "HC", value_parser = NonEmptyStringValueParser::new())]
    hostclass: Vec<String>,
    /// Say more
    #[arg(long)]
    debug: bool,
}

fn main() -> ExitCode {
    let cli = Cli::try_parse().unwrap_or_else(|error| usage(&error));
    let Err(error) = run(&cli) else {
        return ExitCode::SUCCESS;
    };
    let mut text = format!("error: {error}\n");
    if let (true, Some(cause)) = (cli.debug, std::error::Error::source(&error)) {
        text += &format!("  caused by: {cause}\n");
    }
    if let Some(hint) = error.hint() {
        text += &format!("hint: {hint}\n");
    }
    tell(&text);
    ExitCode::FAILURE
}

/// Ends the program: help and version exit 0, usage errors exit 2 and always show the usage.
fn usage(error: &clap::Error) -> ! {
    // Nothing can be done about a stream that cannot be written.
    let _ = error.print();
    let shown = matches!(
        error.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
    ) || error.to_string().contains("Usage:");
    if !shown {
        tell(&format!("\n{}\n", Cli::command().render_usage()));
    }
    std::process::exit(error.exit_code())
}

fn run(cli: &Cli) -> Result<(), AcfgError> {
    let hostclasses = if cli.hostclass.is_empty() {
        vec![hostclass_of(Path::new(HOSTCLASS))?]
    } else {
        cli.hostclass.clone()
    };
    let source = Source::observe(&cli.source)?;
    let target = Disk::observe(&cli.destination, &source)?;
    let request = Request {
        source: &source,
        shown: &cli.destination,
        hostclasses: &hostclasses,
    };
    let accounts = LocalAccounts::default();
    let plan = asiaq_acfg::plan(&request, &target, &accounts)?;
    let mut show = |level: Level, text: &str| log(cli.debug, level, text);
    if cli.dry {
        for item in &plan.items {
            show(item.level, &item.text);
        }
    } else {
        let root = asiaq_acfg::Target::root(&target);
        asiaq_acfg::apply(&plan, root, &accounts, &mut show)?;
    }
    if plan.is_empty() {
        show(Level::Info, "nothing to change");
    }
    Ok(())
}

/// A log line as in all tools of the suite.
fn log(debug: bool, level: Level, text: &str) {
    let level = match level {
        Level::Debug if !debug => return,
        Level::Debug => "DEBUG",
        Level::Info => "INFO",
        Level::Warning => "WARN",
    };
    let now = chrono::Local::now();
    let time = now.format("%Y-%m-%d %H:%M:%S,%3f");
    tell(&format!("{time} asiaq.acfg {level} {text}\n"));
}

/// To stderr; its reader may be gone.
fn tell(text: &str) {
    let _ = std::io::stderr().write_all(text.as_bytes());
}
