//! A newcomer's terminal: runs the real tools as child processes and shows what they print, and of their logs what tells.

use super::Demo;
use crate::cloud::{self, Status};
use crate::error::LocalError;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Log lines of the tools that a newcomer wants to see.
const TELLING: [&str; 3] = ["Spun up ", "Smoke tested ", "Waited for "];
/// What precedes the message of an ordinary log line.
const INFO: &str = " INFO ";
/// Beginnings of messages that are steps of a long command, their end, or what is as wanted.
const STEPS: [&str; 3] = [" INFO [", " INFO sandbox ", " INFO = "];

/// Runs tools and shows them as a newcomer would type them.
pub(super) struct Shell<'a> {
    pub(super) demo: &'a Demo,
    pub(super) status: &'a Status,
    pub(super) log: File,
    pub(super) say: &'a mut dyn FnMut(&str),
}

impl Shell<'_> {
    pub(super) fn chapter(&mut self, title: &str) {
        (self.say)(title);
    }

    /// Runs a tool: its data is shown, of its log only the telling lines; all of it goes into the log file.
    pub(super) fn run(&mut self, tool: &str, args: &[&str]) -> Result<(), LocalError> {
        (self.say)(&format!("   $ {tool} {}", args.join(" ")));
        let start = Instant::now();
        let path = self.demo.tools.join(tool);
        let mut command = Command::new(&path);
        command
            .args(args)
            .current_dir(&self.demo.config)
            .env("ASIAQ_CONFIG", ".")
            .env("ASIAQ_POLL_INTERVAL", "1");
        command
            .envs(cloud::environment(&self.status.endpoint))
            .env_remove("AWS_PROFILE")
            .env_remove("AWS_SESSION_TOKEN");
        command
            .env_remove("ASIAQ_LOG_FORMAT")
            .env_remove("ASIAQ_LOG")
            .env_remove("DEFAULT_ENV");
        let problem = LocalError::file("cannot run", &path);
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(problem)?;
        let data = child.stdout.take();
        let reader = std::thread::spawn(move || data.map(lines_of).unwrap_or_default());
        let mut tail = Vec::new();
        for line in child
            .stderr
            .take()
            .map(BufReader::new)
            .into_iter()
            .flat_map(|r| r.lines().map_while(Result::ok))
        {
            let written = writeln!(self.log, "{line}");
            written.map_err(LocalError::file("cannot write", Path::new("demo.log")))?;
            if let Some(text) = telling(&line) {
                (self.say)(&format!("     {text}"));
            }
            tail.push(line);
        }
        let shown = reader.join().unwrap_or_default();
        let status = child
            .wait()
            .map_err(LocalError::file("cannot run", &path))?;
        for line in shown {
            (self.say)(&format!("     {line}"));
        }
        if !status.success() {
            let last = tail.split_off(tail.len().saturating_sub(15)).join("\n");
            return Err(LocalError::DemoStep {
                command: format!("{tool} {}", args.join(" ")),
                tail: last,
            });
        }
        (self.say)(&format!("   took {}\n", seconds(start.elapsed())));
        Ok(())
    }
}

fn lines_of(stream: impl std::io::Read) -> Vec<String> {
    BufReader::new(stream)
        .lines()
        .map_while(Result::ok)
        .collect()
}

/// The message of a log line that is worth showing: milestones, steps, what is as wanted, warnings and errors.
pub(super) fn telling(line: &str) -> Option<String> {
    let milestone = TELLING.iter().find_map(|start| line.find(start));
    let after_level = |level: &&str| line.find(*level).map(|at| at + INFO.len());
    let step = STEPS.iter().find_map(after_level);
    let trouble = [" WARN ", " ERROR "]
        .iter()
        .find_map(|level| line.find(level))
        .map(|at| at + 1);
    milestone
        .or(step)
        .or(trouble)
        .and_then(|at| line.get(at..))
        .map(str::to_owned)
}

pub(super) fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_telling_lines_are_shown() {
        let head = "2026-11-22 10:00:00,000 asiaq.host.provision.run";
        assert_eq!(
            telling(&format!("{head} INFO Spun up 1 instances of mhcx")).as_deref(),
            Some("Spun up 1 instances of mhcx")
        );
        assert_eq!(
            telling(&format!("{head} WARN take care")).as_deref(),
            Some("WARN take care")
        );
        assert_eq!(
            telling(&format!("{head} INFO [2/3] 0.4 s: environment x")).as_deref(),
            Some("[2/3] 0.4 s: environment x")
        );
        assert_eq!(
            telling(&format!("{head} INFO = group mhcx is as wanted")).as_deref(),
            Some("= group mhcx is as wanted")
        );
        assert_eq!(telling(&format!("{head} INFO + subnet intranet")), None);
    }
}
