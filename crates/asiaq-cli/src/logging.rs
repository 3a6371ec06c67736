//! Log lines on stderr: `YYYY-MM-DD HH:MM:SS,mmm LOGGER LEVEL MESSAGE`, or JSON with `ASIAQ_LOG_FORMAT=json`.

use crate::progress;
use chrono::Local;
use std::fmt;
use std::io::{self, Write};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::filter::{FilterExt, filter_fn};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, registry};

/// Crates whose messages are ours.
const OWN: [&str; 4] = ["asiaq", "asiaq_core", "asiaq_cli", "asiaq_local"];

/// Crates of others of whose trace events it is known that they hold no content, headers or keys.
const HARMLESS: [&str; 5] = ["hyper", "hyper_util", "mio", "tokio", "want"];

/// Starts logging. `filter` is `ASIAQ_LOG`; a filter that cannot be parsed is reported and the default used.
///
/// No filter shows what [`permitted`] holds back.
pub(crate) fn start(debug: bool, filter: Option<&str>, json: bool) {
    let level = if debug { "debug" } else { "info" };
    let default = OWN.map(|name| format!("{name}={level}")).join(",");
    let (filter, problem) = match filter.map(EnvFilter::try_new) {
        Some(Ok(filter)) => (filter, None),
        Some(Err(error)) => (EnvFilter::new(&default), Some(error.to_string())),
        None => (EnvFilter::new(&default), None),
    };
    // No colours: what reads the log would have to take them out of names and values.
    let lines = tracing_subscriber::fmt::layer()
        .with_ansi(false)
        .with_writer(|| StderrBesideBar);
    let filter = filter.and(filter_fn(permitted));
    // A second initialisation only happens in tests within one process; the first one stays.
    let _ = if json {
        registry().with(lines.json().with_filter(filter)).try_init()
    } else {
        let lines = lines.event_format(Line);
        registry().with(lines.with_filter(filter)).try_init()
    };
    if let Some(problem) = problem {
        tracing::warn!("ASIAQ_LOG is ignored: {problem}");
    }
}

/// Whether an event or span may be shown at all. At trace level the AWS SDK and others write down requests, answers,
/// headers and identities, and so the secrets in them: what they say there is shown only of crates that are known.
/// Their debug level tells what they do without that.
fn permitted(metadata: &Metadata<'_>) -> bool {
    let target = metadata.target();
    let name = target.split("::").next().unwrap_or(target);
    let own = ["asiaq", "disco_", "acfg"];
    *metadata.level() <= Level::DEBUG
        || own.iter().any(|start| name.starts_with(start))
        || HARMLESS.contains(&name)
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use std::sync::{Arc, Mutex};

    /// What a writer was given.
    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_others_say_at_trace_level_is_not_shown() {
        let kept = Kept::default();
        let writer = kept.clone();
        let lines = tracing_subscriber::fmt::layer()
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .event_format(Line);
        let filter = EnvFilter::new("trace").and(filter_fn(permitted));
        tracing::subscriber::with_default(registry().with(lines.with_filter(filter)), || {
            tracing::trace!(target: "aws_smithy_runtime::client::orchestrator", "planted 1");
            tracing::trace!(target: "aws_sigv4::http_request", "planted 2");
            tracing::trace!(target: "reqwest::connect", "planted 3");
            tracing::debug!(target: "aws_smithy_runtime::client", "shown 1");
            tracing::trace!(target: "hyper_util::client", "shown 2");
            tracing::trace!(target: "asiaq_core::bucket", "shown 3");
            tracing::trace!(target: "disco_creds", "shown 4");
            tracing::warn!(target: "h2", "shown 5");
        });
        let text = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
        assert!(!text.contains("planted"), "{text}");
        assert_eq!(text.matches("shown").count(), 5, "{text}");
        assert!(text.contains(" asiaq.bucket TRACE shown 3\n"), "{text}");
    }
}
