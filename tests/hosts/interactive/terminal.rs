//! A tool on a terminal of 33 lines and 99 columns, and a person at it.

use crate::support::sshd::{SshBed, until};
use crate::support::{Asiaq, binary};
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use tempfile::TempDir;

/// What runs there, and what the screen showed so far. Ends with this value.
pub struct Terminal {
    child: Child,
    keyboard: Option<ChildStdin>,
    screen: Arc<Mutex<Vec<u8>>>,
    reader: Option<JoinHandle<()>>,
    home: Option<TempDir>,
}

/// `disco_ssh` with these arguments.
pub fn login(bed: &SshBed, args: &[&str]) -> Terminal {
    Terminal::start(bed.tool("disco_ssh", args))
}

impl Terminal {
    /// Starts a tool.
    pub fn start(tool: Asiaq) -> Self {
        let (command, home) = tool.into_command();
        let words = std::iter::once(command.get_program()).chain(command.get_args());
        let words: Vec<String> = words.map(|w| quoted(&w.to_string_lossy())).collect();
        let mut script = Command::new("script");
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => script.env(name, value),
                None => script.env_remove(name),
            };
        }
        script.current_dir(command.get_current_dir().unwrap_or(Path::new("/")));
        let mut terminal = Self::run(script, &words.join(" "));
        terminal.home = Some(home);
        terminal
    }

    /// Starts a shell command; `script`, which gives it the terminal, has its variables.
    pub fn run(mut script: Command, line: &str) -> Self {
        let line = format!("stty rows 33 cols 99; exec {line}");
        let mut child = script
            .args(["-qefc", &line, "/dev/null"])
            .env("SHELL", "/bin/sh")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("start `script`");
        let keyboard = child.stdin.take();
        let mut output = child.stdout.take().expect("output");
        let screen = Arc::new(Mutex::new(Vec::new()));
        let shown = Arc::clone(&screen);
        let reader = std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = output.read(&mut bytes) {
                shown
                    .lock()
                    .expect("screen")
                    .extend_from_slice(&bytes[..count]);
            }
        });
        Self {
            child,
            keyboard,
            screen,
            reader: Some(reader),
            home: None,
        }
    }

    /// Presses keys.
    pub fn types(&mut self, keys: &str) {
        let keyboard = self.keyboard.as_mut().expect("keyboard");
        keyboard.write_all(keys.as_bytes()).expect("keys");
    }

    /// Waits until the screen has shown a text.
    #[track_caller]
    pub fn sees(&self, text: &str) {
        until(&format!("{text} in\n{}", self.text()), || {
            self.text().contains(text)
        });
    }

    /// Everything shown so far.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.screen.lock().expect("screen")).into_owned()
    }

    /// The process of `script`.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits for the end; exit status and everything shown.
    #[track_caller]
    pub fn end(mut self) -> (i32, String) {
        let mut status = None;
        until(&format!("the end of\n{}", self.text()), || {
            status = self.child.try_wait().expect("wait");
            status.is_some()
        });
        if let Some(reader) = self.reader.take() {
            reader.join().expect("reader");
        }
        (status.and_then(|s| s.code()).unwrap_or(-1), self.text())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        for pid in crate::support::sshd::descendants(self.child.id()) {
            crate::support::sshd::kill(pid);
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A word for a shell.
pub fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', "'\\''"))
}

/// Writes an executable shell script.
pub fn executable(path: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::write(path, format!("#!/bin/sh\n{text}\n")).expect("script");
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).expect("mode");
}

/// `PATH` with a directory before the usual ones.
pub fn path_with(first: &Path) -> String {
    let usual = std::env::var("PATH").expect("PATH");
    format!("{}:{usual}", first.display())
}

/// The directory with the built tools.
pub fn tools() -> &'static Path {
    Path::new(binary("disco_ssh")).parent().expect("directory")
}
