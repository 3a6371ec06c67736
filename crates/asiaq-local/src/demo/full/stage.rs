//! The operator's terminal of the full story: numbered chapters, commands as they are typed, what tells in their output, and
//! times. Decides nothing of the story.

use super::agent::Agent;
use crate::cloud::{self, Status};
use crate::demo::Demo;
use crate::demo::shell::{seconds, telling};
use crate::error::LocalError;
use crate::settings::Settings;
use asiaq_core::plan::Interrupt;
use rustix::process::{Pid, Signal, kill_process};
use std::ffi::OsString;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// Beginnings of messages of bakes and deployments that tell what happens.
const TOPICS: [&str; 5] = [
    "+ bake ",
    "phase ",
    "running integration test",
    "testing ",
    "deployed ",
];
/// Stands in a line that says which step one of several bakes begins.
const STEP_OF_MANY: &str = " s] == ";
/// Last lines of a failed command's log that are shown.
const TAIL: usize = 15;
/// Pause between tries of a command that is repeated until it succeeds.
const AGAIN: Duration = Duration::from_secs(1);
/// Lists hosts.
const LISTER: &str = "disco_aws";
/// How long such a command may fail.
const LIMIT: Duration = Duration::from_secs(180);

/// Where a command is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Anywhere: it only speaks to AWS.
    Desk,
    /// Where hosts can be reached.
    Office,
}

/// A numbered part of the story.
#[derive(Debug)]
struct Chapter {
    title: &'static str,
    begun: Instant,
    took: Option<Duration>,
}

/// The chapters so far, for numbers and for the summary.
#[derive(Debug, Default)]
pub(super) struct Chapters(Vec<Chapter>);

impl Chapters {
    /// Ends the chapter before; gives the line to show.
    pub(super) fn begin(&mut self, title: &'static str) -> String {
        self.end();
        self.0.push(Chapter {
            title,
            begun: Instant::now(),
            took: None,
        });
        format!("{}. {title}", self.0.len())
    }

    /// Ends the last one.
    pub(super) fn end(&mut self) {
        if let Some(last) = self.0.last_mut() {
            last.took.get_or_insert_with(|| last.begun.elapsed());
        }
    }

    /// The one that goes on, for people.
    fn now(&self) -> String {
        let title = self.0.last().map_or("", |chapter| chapter.title);
        format!("step {} ({title})", self.0.len())
    }

    /// A line per chapter.
    pub(super) fn summary(&self) -> Vec<String> {
        let line = |(number, chapter): (usize, &Chapter)| {
            let took = chapter.took.unwrap_or_default();
            format!(
                "  {:>2}. {:>8}  {}",
                number + 1,
                seconds(took),
                chapter.title
            )
        };
        self.0.iter().enumerate().map(line).collect()
    }
}

/// A line of a command's output.
enum Line {
    /// Of stdout.
    Data(String),
    /// Of stderr.
    Log(String),
}

/// How a command went.
struct Ended {
    success: bool,
    data: Vec<String>,
    tail: Vec<String>,
}

/// The terminal.
pub(super) struct Stage<'a> {
    pub(super) demo: &'a Demo,
    pub(super) settings: &'a Settings,
    pub(super) status: &'a Status,
    /// The configuration directory of the story, in which all commands are typed.
    pub(super) config: PathBuf,
    /// What ssh remembers of hosts.
    pub(super) memory: PathBuf,
    pub(super) agent: Agent,
    pub(super) log: File,
    pub(super) say: &'a mut dyn FnMut(&str),
    pub(super) interrupt: &'a Interrupt,
    pub(super) chapters: Chapters,
}

impl Stage<'_> {
    /// Begins a chapter.
    pub(super) fn chapter(&mut self, title: &'static str) {
        let line = self.chapters.begin(title);
        (self.say)(&line);
    }

    /// A line below a command or a chapter.
    pub(super) fn note(&mut self, text: &str) {
        (self.say)(&format!("   {text}"));
    }

    /// Runs a command and shows it; gives the lines of its stdout.
    pub(super) async fn run(
        &mut self,
        place: Place,
        program: &str,
        args: &[&str],
    ) -> Result<Vec<String>, LocalError> {
        let line = typed(place, program, args);
        self.note(&format!("$ {line}"));
        let start = Instant::now();
        let ended = self.attempt(place, program, args, true).await?;
        if !ended.success {
            return Err(failed(line, ended));
        }
        self.note(&format!("took {}\n", seconds(start.elapsed())));
        Ok(ended.data)
    }

    /// The same for a command that is repeated until it succeeds; only its last output is shown.
    pub(super) async fn until(
        &mut self,
        program: &str,
        args: &[&str],
    ) -> Result<Vec<String>, LocalError> {
        let line = typed(Place::Desk, program, args);
        self.note(&format!("$ until {line}; do sleep 1; done"));
        let start = Instant::now();
        loop {
            let ended = self.attempt(Place::Desk, program, args, false).await?;
            if ended.success {
                for line in &ended.data {
                    self.note(&format!("  {line}"));
                }
                self.note(&format!("took {}\n", seconds(start.elapsed())));
                return Ok(ended.data);
            }
            if start.elapsed() > LIMIT {
                return Err(failed(line, ended));
            }
            tokio::time::sleep(AGAIN).await;
        }
    }

    /// Ids of the hosts that a listing names, without showing it: what a person sees at a glance.
    pub(super) async fn hosts(&mut self, listing: &[&str]) -> Result<Vec<String>, LocalError> {
        let ended = self.attempt(Place::Desk, LISTER, listing, false).await?;
        if !ended.success {
            return Err(failed(typed(Place::Desk, LISTER, listing), ended));
        }
        let first = |line: &String| line.split_whitespace().next().map(str::to_owned);
        Ok(ended.data.iter().filter_map(first).collect())
    }

    /// The first host in a listing that was not there before.
    pub(super) async fn successor(
        &mut self,
        listing: &[&str],
        before: &[String],
    ) -> Result<String, LocalError> {
        let start = Instant::now();
        loop {
            let now = self.hosts(listing).await?;
            if let Some(id) = now.into_iter().find(|id| !before.contains(id)) {
                return Ok(id);
            }
            if start.elapsed() > LIMIT {
                let problem = format!("none after {}", seconds(LIMIT));
                return Err(LocalError::hosts("successor of a killed host", problem));
            }
            tokio::time::sleep(AGAIN).await;
        }
    }

    async fn attempt(
        &mut self,
        place: Place,
        program: &str,
        args: &[&str],
        loud: bool,
    ) -> Result<Ended, LocalError> {
        self.check()?;
        self.record(&format!("$ {}", typed(place, program, args)))?;
        let spawn = |source| LocalError::Spawn {
            program: program.to_owned(),
            source,
        };
        let mut command = self.command(place, program)?;
        let mut child = command.args(args).spawn().map_err(spawn)?;
        let (data, mut tail) = self.follow(&mut child, loud).await?;
        let status = child.wait().await.map_err(spawn)?;
        self.check()?;
        Ok(Ended {
            success: status.success(),
            data,
            tail: tail.split_off(tail.len().saturating_sub(TAIL)),
        })
    }

    /// Fails once somebody has pressed Ctrl-C.
    fn check(&self) -> Result<(), LocalError> {
        match self.interrupt.came() {
            true => Err(LocalError::DemoInterrupted {
                step: self.chapters.now(),
            }),
            false => Ok(()),
        }
    }

    /// A program in the operator's environment. It is in a group of its own, so that Ctrl-C reaches it once, through us.
    fn command(&self, place: Place, program: &str) -> Result<Command, LocalError> {
        let own = self.demo.tools.join(program);
        let found = if own.is_file() {
            own.into_os_string()
        } else {
            OsString::from(program)
        };
        let mut command = match place {
            Place::Desk => std::process::Command::new(found),
            Place::Office => cloud::enter(self.settings, &found, false)?,
        };
        for name in ["AWS_PROFILE", "AWS_SESSION_TOKEN", "DEFAULT_ENV"]
            .iter()
            .chain(&["ASIAQ_LOG", "ASIAQ_LOG_FORMAT", "SPOTINST_TOKEN"])
        {
            command.env_remove(name);
        }
        command
            .current_dir(&self.config)
            .envs(cloud::environment(&self.status.endpoint))
            .env("ASIAQ_CONFIG", ".")
            .env("ASIAQ_POLL_INTERVAL", "0.5")
            .env("SSH_AUTH_SOCK", &self.agent.socket)
            .env("XDG_STATE_HOME", &self.memory)
            // What people have in their own ssh configuration is not for hosts of the story.
            .env("ASIAQ_SSH_OPTIONS", "-F none -oIdentityFile=none")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut command = Command::from(command);
        command.process_group(0).kill_on_drop(true);
        Ok(command)
    }

    /// Reads a command's output to its end: all of it goes into the log, what tells is shown.
    async fn follow(
        &mut self,
        child: &mut Child,
        loud: bool,
    ) -> Result<(Vec<String>, Vec<String>), LocalError> {
        let mut lines = output(child);
        let (mut data, mut tail) = (Vec::new(), Vec::new());
        let mut told = false;
        loop {
            let line = tokio::select! {
                line = lines.recv() => line,
                () = signal(self.interrupt), if !told => {
                    told = true;
                    ask_to_end(child);
                    continue;
                }
            };
            match line {
                None => return Ok((data, tail)),
                Some(Line::Data(text)) => {
                    self.record(&text)?;
                    if loud {
                        self.note(&format!("  {text}"));
                    }
                    data.push(text);
                }
                Some(Line::Log(text)) => {
                    self.record(&text)?;
                    if let Some(shown) = told_by(&text).filter(|_| loud) {
                        self.note(&format!("  {shown}"));
                    }
                    tail.push(text);
                }
            }
        }
    }

    fn record(&mut self, line: &str) -> Result<(), LocalError> {
        writeln!(self.log, "{line}")
            .map_err(LocalError::file("cannot write", Path::new("demo.log")))
    }
}

/// Returns when somebody has pressed Ctrl-C.
async fn signal(interrupt: &Interrupt) {
    let never = std::future::pending::<asiaq_core::Result<()>>();
    // Nothing else ends it.
    let _ = interrupt.guard(never).await;
}

/// What Ctrl-C does; the command cleans up and ends.
fn ask_to_end(child: &Child) {
    let pid = child.id().and_then(|pid| i32::try_from(pid).ok());
    if let Some(pid) = pid.and_then(Pid::from_raw) {
        // It may have ended since.
        let _ = kill_process(pid, Signal::INT);
    }
}

fn output(child: &mut Child) -> UnboundedReceiver<Line> {
    let (sender, lines) = unbounded_channel();
    if let Some(stream) = child.stdout.take() {
        tokio::spawn(read(stream, sender.clone(), Line::Data));
    }
    if let Some(stream) = child.stderr.take() {
        tokio::spawn(read(stream, sender, Line::Log));
    }
    lines
}

async fn read(
    stream: impl AsyncRead + Unpin,
    sender: UnboundedSender<Line>,
    line: fn(String) -> Line,
) {
    let mut stream = BufReader::new(stream);
    let mut bytes = Vec::new();
    while matches!(stream.read_until(b'\n', &mut bytes).await, Ok(count) if count > 0) {
        let text = String::from_utf8_lossy(&bytes).trim_end().to_owned();
        // Nobody listens when the story has ended.
        if sender.send(line(text)).is_err() {
            return;
        }
        bytes.clear();
    }
}

/// What of a log line is shown: what always tells, and what bakes and deployments are about.
fn told_by(line: &str) -> Option<String> {
    let about = |beginning: &&str| {
        let at = line.find(&format!(" INFO {beginning}"))?;
        line.get(at + " INFO ".len()..).map(str::to_owned)
    };
    telling(line)
        .or_else(|| TOPICS.iter().find_map(about))
        .or_else(|| {
            let (_, text) = line.split_once(" INFO ")?;
            text.contains(STEP_OF_MANY).then(|| text.to_owned())
        })
}

fn failed(command: String, ended: Ended) -> LocalError {
    LocalError::DemoStep {
        command,
        tail: ended.tail.join("\n"),
    }
}

/// A command as a person types it.
pub(super) fn typed(place: Place, program: &str, args: &[&str]) -> String {
    let office = match place {
        Place::Desk => "",
        Place::Office => "asiaq local exec -- ",
    };
    let words: Vec<String> = args.iter().map(|word| quoted(word)).collect();
    format!("{office}{program} {}", words.join(" "))
}

/// A word for a shell.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@,+%".contains(c);
    match !word.is_empty() && word.chars().all(plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn commands_are_shown_so_that_a_shell_runs_them() {
        let table: [(Place, &[&str], &str); 4] = [
            (Place::Desk, &["--env", "ci"], "x --env ci"),
            (Place::Office, &["a:b"], "asiaq local exec -- x a:b"),
            (Place::Desk, &["cat a; b", ""], "x 'cat a; b' ''"),
            (Place::Desk, &["it's"], r"x 'it'\''s'"),
        ];
        for (place, args, expected) in table {
            assert_eq!(typed(place, "x", args), expected);
        }
    }

    #[test]
    fn bakes_and_deployments_tell_more() {
        let head = "2026-11-23 10:00:00,000 asiaq.x INFO";
        for (line, shown) in [
            (
                format!("{head} + bake mhcx: no image"),
                Some("+ bake mhcx: no image"),
            ),
            (
                format!("{head} [1/9] 0.1 s: launch"),
                Some("[1/9] 0.1 s: launch"),
            ),
            (
                format!("{head} mhcx [0.1 s] == launch"),
                Some("mhcx [0.1 s] == launch"),
            ),
            (format!("{head} mhcx [0.1 s] script: + bake"), None),
            (format!("{head} anything"), None),
        ] {
            assert_eq!(told_by(&line).as_deref(), shown, "{line}");
        }
    }

    #[test]
    fn chapters_are_numbered_and_summed_up() {
        let mut chapters = Chapters::default();
        assert_eq!(chapters.begin("Begin"), "1. Begin");
        assert_eq!(chapters.begin("Go on"), "2. Go on");
        assert_eq!(chapters.now(), "step 2 (Go on)");
        chapters.end();
        assert_eq!(
            chapters.summary(),
            ["   1.    0.0 s  Begin", "   2.    0.0 s  Go on"]
        );
    }
}
