//! From the command line to the exit code: parsing, logging, runtime, Ctrl-C, error report.

use crate::session::variable;
use crate::{CliProgress, Common, Failure, Format, Outcome, Session, logging};
use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, ValueEnum};
use clap_complete::CompleteEnv;
use std::io::IsTerminal;
use std::process::ExitCode;
use std::sync::Arc;

/// Exit code after Ctrl-C.
const INTERRUPTED: u8 = 130;

/// A tool's command line, as far as running it needs to know.
pub trait Tool: Parser + CommandFactory {
    /// The common options.
    fn common(&self) -> &Common;

    /// The forms of output that the given subcommand takes.
    fn formats(&self) -> &[Format] {
        Format::USUAL
    }
}

/// Runs a tool: completion requests, parsing (usage errors exit 2), logging, then `body`; reports its failure.
pub fn run<T: Tool>(body: impl AsyncFnOnce(T, &Session) -> Result<Outcome, Failure>) -> ExitCode {
    CompleteEnv::with_factory(T::command).complete();
    let tool = parse::<T>();
    let debug = tool.common().debug;
    let json =
        variable("ASIAQ_LOG_FORMAT").is_some_and(|format| format.eq_ignore_ascii_case("json"));
    logging::start(debug, variable("ASIAQ_LOG").as_deref(), json);
    let progress = Arc::new(CliProgress::default());
    let runtime = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return report(&Failure::new(format!("cannot start: {error}")), debug),
    };
    let result = runtime.block_on(async {
        let session = Session::new(tool.common().output, progress.clone())?;
        tokio::select! {
            result = body(tool, &session) => result.map(Some),
            () = interrupted() => Ok(None),
        }
    });
    // Calls that were under way are not waited for.
    runtime.shutdown_background();
    progress.finish();
    match result {
        Ok(Some(Outcome::Success)) => ExitCode::SUCCESS,
        Ok(Some(Outcome::Exit(code))) => ExitCode::from(code),
        Ok(None) => report_interrupt(&progress),
        Err(failure) => report(&failure, debug),
    }
}

/// Parses the command line, or ends the program: help and version exit 0, usage errors exit 2 and always show the usage,
/// which clap leaves out for bad values.
fn parse<T: Tool>() -> T {
    T::try_parse().and_then(checked).unwrap_or_else(|error| {
        // Nothing can be done about a stream that cannot be written.
        let _ = error.print();
        if error.use_stderr() && !error.to_string().contains("Usage:") {
            eprintln!("\n{}", T::command().render_usage());
        }
        std::process::exit(error.exit_code())
    })
}

/// The tool, unless its subcommand does not have the form of output that is asked for.
fn checked<T: Tool>(tool: T) -> Result<T, clap::Error> {
    let wanted = tool.common().output;
    if tool.formats().contains(&wanted) {
        return Ok(tool);
    }
    let name = |format: &Format| format.to_possible_value().map(|v| v.get_name().to_owned());
    let known: Vec<String> = tool.formats().iter().filter_map(name).collect();
    let text = format!(
        "invalid value '{}' for '--output <FORMAT>'\n  [possible values: {}]",
        name(&wanted).unwrap_or_default(),
        known.join(", ")
    );
    Err(T::command().error(ErrorKind::InvalidValue, text))
}

/// Returns on Ctrl-C or SIGTERM.
async fn interrupted() {
    use tokio::signal::unix::{SignalKind, signal};
    let mut signals = match (
        signal(SignalKind::interrupt()),
        signal(SignalKind::terminate()),
    ) {
        (Ok(interrupt), Ok(terminate)) => (interrupt, terminate),
        // Without handlers the signals simply end the process.
        _ => return std::future::pending().await,
    };
    tokio::select! {
        _ = signals.0.recv() => {}
        _ = signals.1.recv() => {}
    }
}

fn report_interrupt(progress: &CliProgress) -> ExitCode {
    let (done, total) = progress.made();
    eprintln!("{} interrupted", label("error:"));
    if total > 0 {
        eprintln!(
            "  {} of {total} planned changes were made; one that was under way may have been made too",
            done.len()
        );
        for line in &done {
            eprintln!("  {line}");
        }
    }
    eprintln!(
        "{} run the same command again: it goes on from what exists",
        label("hint:")
    );
    ExitCode::from(INTERRUPTED)
}

fn report(failure: &Failure, debug: bool) -> ExitCode {
    eprintln!("{} {failure}", label("error:"));
    if debug {
        for cause in failure.causes() {
            eprintln!("  caused by: {cause}");
        }
    }
    if let Some(hint) = failure.hint() {
        eprintln!("{} {hint}", label("hint:"));
    }
    ExitCode::from(failure.code())
}

/// A label, bold on a terminal unless `NO_COLOR` is set.
fn label(text: &str) -> String {
    let colour = std::io::stderr().is_terminal() && variable("NO_COLOR").is_none();
    match (colour, text.starts_with('e')) {
        (true, true) => format!("\x1b[1;31m{text}\x1b[0m"),
        (true, false) => format!("\x1b[1;36m{text}\x1b[0m"),
        (false, _) => text.to_owned(),
    }
}
