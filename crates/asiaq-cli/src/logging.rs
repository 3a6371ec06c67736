//! Log lines on stderr: `YYYY-MM-DD HH:MM:SS,mmm LOGGER LEVEL MESSAGE`, or JSON with `ASIAQ_LOG_FORMAT=json`.

use crate::progress;
use chrono::Local;
use std::fmt;
use std::io::{self, Write};
use tracing::{Event, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// Crates whose messages are ours.
const OWN: [&str; 4] = ["asiaq", "asiaq_core", "asiaq_cli", "asiaq_local"];

/// Starts logging. `filter` is `ASIAQ_LOG`; a filter that cannot be parsed is reported and the default used.
pub(crate) fn start(debug: bool, filter: Option<&str>, json: bool) {
    let level = if debug { "debug" } else { "info" };
    let default = OWN.map(|name| format!("{name}={level}")).join(",");
    let (filter, problem) = match filter.map(EnvFilter::try_new) {
        Some(Ok(filter)) => (filter, None),
        Some(Err(error)) => (EnvFilter::new(&default), Some(error.to_string())),
        None => (EnvFilter::new(&default), None),
    };
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(|| StderrBesideBar);
    // A second initialisation only happens in tests within one process; the first one stays.
    let _ = if json {
        builder.json().try_init()
    } else {
        builder.event_format(Line).try_init()
    };
    if let Some(problem) = problem {
        tracing::warn!("ASIAQ_LOG is ignored: {problem}");
    }
}

/// Writes log lines above a progress bar, if there is one.
struct StderrBesideBar;

impl Write for StderrBesideBar {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        progress::beside_bars(|| io::stderr().write_all(bytes))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

struct Line;

impl<S, N> FormatEvent<S, N> for Line
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let now = Local::now();
        let logger = event
            .metadata()
            .target()
            .replacen("asiaq_core", "asiaq", 1)
            .replace("::", ".");
        write!(
            writer,
            "{},{:03} {logger} {} ",
            now.format("%Y-%m-%d %H:%M:%S"),
            now.timestamp_subsec_millis(),
            event.metadata().level()
        )?;
        context
            .field_format()
            .format_fields(writer.by_ref(), event)?;
        writeln!(writer)
    }
}
