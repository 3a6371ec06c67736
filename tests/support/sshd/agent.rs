//! An ssh-agent of a test's own.

use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::processes::{until, with_parent};

/// An ssh-agent of a test's own.
pub struct Agent {
    child: Child,
    socket: PathBuf,
}

impl Agent {
    /// Starts one without keys; its socket is in `directory`.
    pub fn start(directory: &Path) -> Self {
        let socket = directory.join("agent");
        let child = with_parent("ssh-agent")
            .arg("-D")
            .arg("-a")
            .arg(&socket)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("start ssh-agent");
        let agent = Self { child, socket };
        until("the agent listens", || {
            UnixStream::connect(&agent.socket).is_ok()
        });
        agent
    }

    /// Where it listens.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// Gives it a key.
    pub fn add(&self, key: &Path) {
        self.ssh_add(&["-q", &key.to_string_lossy()]);
    }

    /// Takes all keys from it.
    pub fn forget(&self) {
        self.ssh_add(&["-q", "-D"]);
    }

    /// The public keys that it has, one per line.
    pub fn keys(&self) -> String {
        let output = self.command(&["-L"]).output().expect("ssh-add");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn ssh_add(&self, args: &[&str]) {
        let output = self.command(args).output().expect("ssh-add");
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "ssh-add {args:?}: {text}");
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new("ssh-add");
        command
            .args(args)
            .env("SSH_AUTH_SOCK", &self.socket)
            .stdin(Stdio::null());
        command
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
