//! Progress on stderr: a bar on a terminal, one log line per step elsewhere. Remembers what was done for Ctrl-C.
//! Long commands number their steps.

use crate::session::variable;
use asiaq_core::Error;
use asiaq_core::plan::Progress;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

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
    title: String,
    steps: Option<Steps>,
}

/// The numbered steps of a long command.
#[derive(Debug)]
struct Steps {
    total: usize,
    begun: usize,
    start: Instant,
}

impl Steps {
    /// The line of the next step, `since` after the first one began.
    fn next(&mut self, title: &str, since: Duration) -> String {
        self.begun += 1;
        let (number, total) = (self.begun, self.total.max(self.begun));
        format!("[{number}/{total}] {:.1} s: {title}", since.as_secs_f64())
    }
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
    /// As if there were no terminal: what is left is log lines.
    pub(crate) fn silent() -> Self {
        Self {
            terminal: false,
            state: Mutex::default(),
        }
    }

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

    /// From now on every stage of the command is told as a numbered step with the time since this call.
    pub fn number_steps(&self, total: usize) {
        self.lock().steps = Some(Steps {
            total,
            begun: 0,
            start: Instant::now(),
        });
    }

    /// Time since [`Self::number_steps`].
    pub fn elapsed(&self) -> Duration {
        let state = self.lock();
        let steps = state.steps.as_ref();
        steps.map_or(Duration::ZERO, |steps| steps.start.elapsed())
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
    pub fn say(&self, line: &str) {
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
        let (all, title) = (state.total as u64, state.title.clone());
        let bar = state.bar.get_or_insert_with(|| {
            let style =
                ProgressStyle::with_template("{spinner} {bar:30} {pos}/{len} {wide_msg} {elapsed}");
            let bar = BARS.add(ProgressBar::new(all));
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar.enable_steady_tick(Duration::from_millis(120));
            bar.set_message(title);
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

    fn steps(&self, total: usize) {
        self.number_steps(total);
    }

    fn stage(&self, title: &str, kept: &[String]) {
        let mut state = self.lock();
        title.clone_into(&mut state.title);
        if let Some(bar) = &state.bar {
            bar.set_message(title.to_owned());
        }
        let Some(steps) = &mut state.steps else {
            return;
        };
        let line = steps.next(title, steps.start.elapsed());
        drop(state);
        let bold = self.terminal && variable("NO_COLOR").is_none();
        self.say(&if bold {
            format!("\x1b[1m{line}\x1b[0m")
        } else {
            line
        });
        for line in kept {
            self.say(line);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_numbered_and_may_be_more_than_expected() {
        let mut steps = Steps {
            total: 2,
            begun: 0,
            start: Instant::now(),
        };
        let mut next = |title: &str, millis| steps.next(title, Duration::from_millis(millis));
        assert_eq!(next("checks", 0), "[1/2] 0.0 s: checks");
        assert_eq!(next("environment x", 1260), "[2/2] 1.3 s: environment x");
        assert_eq!(next("sequence 1: a", 75_000), "[3/3] 75.0 s: sequence 1: a");
    }
}
