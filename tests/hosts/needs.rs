//! What this machine can do: sshd for servers on loopback, and privileges for real hosts.

use libtest_mimic::{Failed, Trial};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

/// What tests may need, and why it is not there.
#[derive(Debug, Clone)]
pub struct Needs {
    ssh: Option<String>,
    hosts: Option<String>,
}

impl Needs {
    /// Looks once.
    pub fn of_this_machine() -> Self {
        let ssh = missing_for_ssh();
        let hosts = ssh.clone().or_else(missing_for_hosts);
        Self { ssh, hosts }
    }

    /// The first thing that is missing, for people.
    pub fn missing(&self) -> Option<&str> {
        self.ssh.as_deref().or(self.hosts.as_deref())
    }

    /// A test that needs sshd on loopback addresses, port 22.
    pub fn ssh(&self, name: &str, test: fn()) -> Trial {
        trial(name, test, self.ssh.is_some())
    }

    /// A test that needs nothing of this, and stands beside others that do.
    pub fn anywhere(&self, name: &str, test: fn()) -> Trial {
        trial(name, test, false)
    }

    /// A test that needs real hosts and what a bake runs on them.
    pub fn vendor(&self, name: &str, test: fn()) -> Trial {
        let lacks = self.hosts.is_some() || asiaq_local::hosts::seed::Vendor::missing().is_some();
        trial(name, test, lacks)
    }

    /// A test that needs real hosts of the local cloud.
    pub fn hosts(&self, name: &str, test: fn()) -> Trial {
        trial(name, test, self.hosts.is_some())
    }
}

/// Tests are written with assertions, as elsewhere; a panic is a failed test.
fn trial(name: &str, test: fn(), ignored: bool) -> Trial {
    let run = move || {
        catch_unwind(AssertUnwindSafe(test)).map_err(|panic| {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|s| (*s).to_owned()));
            Failed::from(text.unwrap_or_else(|| "panicked".to_owned()))
        })
    };
    Trial::test(name, run).with_ignored_flag(ignored)
}

fn missing_for_ssh() -> Option<String> {
    if !rustix::process::geteuid().is_root() {
        return Some("sshd on port 22 of loopback addresses needs root".to_owned());
    }
    let tools = [
        "/usr/sbin/sshd",
        "/usr/bin/ssh",
        "/usr/bin/ssh-agent",
        "/usr/bin/ssh-keygen",
    ];
    let absent = tools.iter().find(|tool| !Path::new(tool).exists())?;
    Some(format!(
        "{absent} is not installed (package openssh-server or openssh-client)"
    ))
}

fn missing_for_hosts() -> Option<String> {
    asiaq_local::hosts::requirements().err()
}
