//! Progress on stderr: a bar on a terminal, one log line per step elsewhere. Remembers what was done for Ctrl-C.

use asiaq_core::Error;
use asiaq_core::plan::Progress;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Duration;

static BARS: LazyLock<MultiProgress> = LazyLock::new(MultiProgress::new);

/// Runs `print` with the bars taken off the terminal.
pub(crate) fn beside_bars<R>(print: impl FnOnce() -> R) -> R {
    BARS.suspend(print)
}

/// The progress of one command.
#[derive(Debug)]
pub struct CliProgress {
    terminal: bool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    bar: Option<ProgressBar>,
    total: usize,
    done: Vec<String>,
    on_interrupt: Vec<String>,
}

impl Default for CliProgress {
    fn default() -> Self {
        Self {
            terminal: std::io::stderr().is_terminal(),
            state: Mutex::default(),
        }
    }
}

impl CliProgress {
    /// Lines of the changes made so far, and how many were planned.
    pub fn made(&self) -> (Vec<String>, usize) {
        let state = self.lock();
        (state.done.clone(), state.total)
    }

    /// Adds a hint for the case of Ctrl-C, in place of the usual one that running the command again goes on.
    pub fn on_interrupt(&self, hint: impl Into<String>) {
        self.lock().on_interrupt.push(hint.into());
    }

    /// The hints for the case of Ctrl-C.
    pub fn interrupt_hints(&self) -> Vec<String> {
        self.lock().on_interrupt.clone()
    }

    /// Removes the bar.
    pub fn finish(&self) {
        if let Some(bar) = self.lock().bar.take() {
            bar.finish_and_clear();
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One line: above the bar on a terminal, a log line elsewhere.
    fn say(&self, line: &str) {
        if self.terminal {
            beside_bars(|| eprintln!("{line}"));
        } else {
            tracing::info!("{line}");
        }
    }
}

impl Progress for CliProgress {
    fn begin(&self, total: usize) {
        let mut state = self.lock();
        state.total += total;
        if !self.terminal || state.total == 0 {
            return;
        }
        let all = state.total as u64;
        let bar = state.bar.get_or_insert_with(|| {
            let style =
                ProgressStyle::with_template("{spinner} {bar:30} {pos}/{len} {wide_msg} {elapsed}");
            let bar = BARS.add(ProgressBar::new(all));
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        bar.set_length(all);
    }

    fn done(&self, lines: &[String]) {
        for line in lines {
            self.say(line);
        }
        let mut state = self.lock();
        state.done.extend_from_slice(lines);
        if let Some(bar) = &state.bar {
            bar.inc(1);
        }
    }

    fn left(&self, why: &str) {
        tracing::warn!("{why}");
    }

    fn failed(&self, line: &str, error: &Error) {
        tracing::error!("failed: {line}: {error}");
    }

    fn note(&self, text: &str) {
        match &self.lock().bar {
            Some(bar) => bar.set_message(text.to_owned()),
            None => tracing::info!("{text}"),
        }
    }
}
