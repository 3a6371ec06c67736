//! From the command line to the exit code: parsing, logging, runtime, Ctrl-C, error report.

use crate::editor::editor_runs;
use crate::failure::INTERRUPTED;
use crate::session::variable;
use crate::{CliProgress, Common, Failure, Format, Outcome, Session, logging, manual, memory};
use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, ValueEnum};
use clap_complete::CompleteEnv;
use std::future::poll_fn;
use std::io::{IsTerminal, Write};
use std::pin::pin;
use std::process::ExitCode;
use std::sync::Arc;
use std::task::Poll;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// A tool's command line, as far as running it needs to know.
pub trait Tool: Parser + CommandFactory {
    /// The common options.
    fn common(&self) -> &Common;

    /// The forms of output that the given subcommand takes.
    fn formats(&self) -> &[Format] {
        Format::USUAL
    }

    /// Whether nothing is to be logged, not even errors; usage errors are shown all the same.
    fn is_silent(&self) -> bool {
        false
    }

    /// What is wrong with options that clap takes for right, for example because they are on two sides of the subcommand.
    fn conflict(&self) -> Option<String> {
        None
    }
}

/// Runs a tool: requests for completions and manual pages, parsing (usage errors exit 2), logging, then `body`; reports its failure.
pub fn run<T: Tool>(body: impl AsyncFnOnce(T, &Session) -> Result<Outcome, Failure>) -> ExitCode {
    memory::forbid_dumps();
    CompleteEnv::with_factory(T::command).complete();
    manual::answer(T::command);
    let tool = parse::<T>();
    let (debug, silent) = (tool.common().debug, tool.is_silent());
    let json =
        variable("ASIAQ_LOG_FORMAT").is_some_and(|format| format.eq_ignore_ascii_case("json"));
    if !silent {
        logging::start(debug, variable("ASIAQ_LOG").as_deref(), json);
    }
    let progress = Arc::new(match silent {
        true => CliProgress::silent(),
        false => CliProgress::default(),
    });
    let runtime = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return report(&Failure::new(format!("cannot start: {error}")), debug),
    };
    let result = runtime.block_on(async {
        let session = Session::new(tool.common().output, progress.clone())?;
        let mut work = pin!(body(tool, &session));
        tokio::select! {
            result = &mut work => return result.map(Some),
            () = interrupted() => {}
        }
        let interrupt = session.interrupt();
        if !interrupt.is_in_charge() {
            return Ok(None);
        }
        interrupt.tell();
        tracing::warn!("interrupted: cleaning up; once more to stop at once");
        tokio::select! {
            result = work => result.map(Some),
            () = interrupted() => Ok(None),
        }
    });
    // Calls that were under way are not waited for.
    runtime.shutdown_background();
    progress.finish();
    match result {
        Ok(Some(Outcome::Success)) => ExitCode::SUCCESS,
        Ok(Some(Outcome::Exit(code))) => ExitCode::from(code),
        Ok(None) if silent => ExitCode::from(INTERRUPTED),
        Ok(None) => report_interrupt(&progress),
        Err(failure) if silent => ExitCode::from(failure.code()),
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

/// The tool, unless options contradict each other, or its subcommand does not have the form of output that is asked for.
fn checked<T: Tool>(tool: T) -> Result<T, clap::Error> {
    if let Some(conflict) = tool.conflict() {
        return Err(T::command().error(ErrorKind::ArgumentConflict, conflict));
    }
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

/// Returns on Ctrl-C, SIGTERM and SIGQUIT, and when the terminal goes away. A handler would undo `nohup`, so a signal beyond the
/// first two is left alone where it is ignored, or where nothing says whether it is. What the keyboard sends while an editor
/// has the terminal is for the editor.
async fn interrupted() {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mut kinds = vec![SignalKind::interrupt(), SignalKind::terminate()];
    for kind in [SignalKind::hangup(), SignalKind::quit()] {
        if ignored(&status, kind.as_raw_value()) == Some(false) {
            kinds.push(kind);
        }
    }
    // A signal without a handler simply ends the process.
    let handled = kinds
        .into_iter()
        .filter_map(|kind| Some((kind, signal(kind).ok()?)));
    let mut signals: Vec<(SignalKind, Signal)> = handled.collect();
    poll_fn(|context| {
        let mut came = false;
        for (kind, signal) in &mut signals {
            // Until nothing is left, so that the next one wakes this up again.
            while !came && signal.poll_recv(context).is_ready() {
                let key = [SignalKind::interrupt(), SignalKind::quit()].contains(kind);
                came = !(key && editor_runs());
            }
        }
        if came { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

/// Whether a process with this `/proc/PID/status` ignores a signal.
fn ignored(status: &str, signal: i32) -> Option<bool> {
    let mask = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))?;
    let mask = u64::from_str_radix(mask.trim(), 16).ok()?;
    let bit = u32::try_from(signal).ok()?.checked_sub(1)?;
    Some(mask.checked_shr(bit)? & 1 == 1)
}

fn report_interrupt(progress: &CliProgress) -> ExitCode {
    let (done, total) = progress.made();
    let mut text = format!("{} interrupted\n", label("error:"));
    if total > 0 {
        text += &format!(
            "  {} of {total} planned changes were made; one that was under way may have been made too\n",
            done.len()
        );
        for line in &done {
            text += &format!("  {line}\n");
        }
    }
    let mut hints = progress.interrupt_hints();
    if hints.is_empty() {
        hints.push("run the same command again: it goes on from what exists".to_owned());
    }
    for hint in hints {
        text += &format!("{} {hint}\n", label("hint:"));
    }
    // The terminal may be gone.
    let _ = std::io::stderr().write_all(text.as_bytes());
    ExitCode::from(INTERRUPTED)
}

fn report(failure: &Failure, debug: bool) -> ExitCode {
    let mut text = format!("{} {failure}\n", label("error:"));
    if debug {
        for cause in failure.causes() {
            text += &format!("  caused by: {cause}\n");
        }
    }
    if let Some(hint) = failure.hint() {
        text += &format!("{} {hint}\n", label("hint:"));
    }
    // The terminal may be gone.
    let _ = std::io::stderr().write_all(text.as_bytes());
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_that_is_ignored_is_seen_in_the_status() {
        let status = |mask: &str| format!("Name:\tx\nSigBlk:\tffffffffffffffff\nSigIgn:\t{mask}\n");
        let table = [
            (status("0000000000000000"), 1, Some(false)),
            (status("0000000000000001"), 1, Some(true)),
            (status("0000000000000001"), 3, Some(false)),
            (status("0000000000001004"), 3, Some(true)),
            (status("ffffffffffffffff"), 65, None),
            (status("?"), 1, None),
            (status("0000000000000001"), 0, None),
            (String::new(), 1, None),
        ];
        for (status, signal, expected) in table {
            assert_eq!(ignored(&status, signal), expected, "{signal} {status}");
        }
    }
}
