//! Processes by id: which one it is, whether it lives, ending it. Starts nothing and keeps no state.

use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitOptions, kill_process_group, waitpid};
use serde::{Deserialize, Serialize};

use crate::error::LocalError;

/// How long a process may take to end by itself before it is killed.
const GRACE: Duration = Duration::from_secs(5);
/// How long a killed process may take to vanish.
const KILL_WAIT: Duration = Duration::from_secs(2);
const POLL: Duration = Duration::from_millis(20);

/// A process that leads its own group, recognisable even after its id was given to another process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Identity {
    pub(crate) pid: u32,
    /// When it was born, in the words of the system; compared only for equality. It survives `exec`, unlike the
    /// command line, and differs for a process that got the same id later.
    birth: String,
}

impl Identity {
    /// The identity of a running process; `None` if it is gone or a zombie.
    pub(crate) fn of(pid: u32) -> Option<Self> {
        let birth = birth(pid)?;
        Some(Self { pid, birth })
    }

    /// Whether this very process still runs.
    pub(crate) fn is_alive(&self) -> bool {
        birth(self.pid).is_some_and(|birth| birth == self.birth)
    }

    /// Ends the process and its group: asked first, killed after five seconds. False if it was gone already.
    pub(crate) fn stop(&self) -> Result<bool, LocalError> {
        let Some(pid) = i32::try_from(self.pid).ok().and_then(Pid::from_raw) else {
            return Ok(false);
        };
        if !self.is_alive() {
            return Ok(false);
        }
        for (signal, patience) in [(Signal::TERM, GRACE), (Signal::KILL, KILL_WAIT)] {
            // It may have ended since the look above; the wait below tells.
            let _ = kill_process_group(pid, signal);
            if self.wait_for_end(patience) {
                // Only has an effect when the process is a child of this one.
                let _ = waitpid(Some(pid), WaitOptions::NOHANG);
                return Ok(true);
            }
        }
        Err(LocalError::WillNotStop { pid: self.pid })
    }

    fn wait_for_end(&self, patience: Duration) -> bool {
        let deadline = Instant::now() + patience;
        while self.is_alive() {
            if Instant::now() >= deadline {
                return false;
            }
            std::thread::sleep(POLL);
        }
        true
    }
}

/// When a process was born; `None` if there is none of that id or it is a zombie.
fn birth(pid: u32) -> Option<String> {
    match fs::read_to_string("/proc/sys/kernel/random/boot_id") {
        Ok(boot) => {
            let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
            Some(format!("{} {}", boot.trim(), parse_proc_stat(&stat)?))
        }
        Err(_) => {
            let output = Command::new("ps")
                .env("LC_ALL", "C")
                .args(["-o", "stat=", "-o", "lstart=", "-p", &pid.to_string()])
                .stdin(Stdio::null())
                .output()
                .ok()?;
            parse_ps(&String::from_utf8_lossy(&output.stdout))
        }
    }
}

/// The start time (clock ticks since boot) in `/proc/<pid>/stat`; `None` for a dead process.
fn parse_proc_stat(stat: &str) -> Option<&str> {
    // The second field is the program's name in brackets and may itself hold brackets and blanks.
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace();
    let state = fields.next()?;
    // The state is field 3, the start time field 22.
    let start = fields.nth(18)?;
    (!matches!(state, "Z" | "X" | "x")).then_some(start)
}

/// The start time in a line of `ps -o stat= -o lstart=`; `None` for a dead process.
fn parse_ps(line: &str) -> Option<String> {
    let (state, start) = line.trim().split_once(char::is_whitespace)?;
    (!state.starts_with('Z')).then(|| start.trim().to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use std::os::unix::process::CommandExt;
    use std::process::Child;

    fn sleeper(script: &str) -> Child {
        Command::new("sh")
            .args(["-c", script])
            .process_group(0)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap()
    }

    #[test]
    fn proc_stat_is_read_past_odd_program_names() {
        let tail = "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 777 20";
        assert_eq!(parse_proc_stat(&format!("12 (sh) S {tail}")), Some("777"));
        assert_eq!(
            parse_proc_stat(&format!("12 (a) Z b) S {tail}")),
            Some("777")
        );
        assert_eq!(parse_proc_stat(&format!("12 (sh) Z {tail}")), None);
        assert_eq!(parse_proc_stat("12 (sh) S 1 2"), None);
        assert_eq!(parse_proc_stat(""), None);
    }

    #[test]
    fn ps_lines_give_the_start_time() {
        assert_eq!(
            parse_ps("Ss   Sun Nov 22 12:00:00 2026\n").as_deref(),
            Some("Sun Nov 22 12:00:00 2026")
        );
        assert_eq!(parse_ps("Z+   Sun Nov 22 12:00:00 2026\n"), None);
        assert_eq!(parse_ps("\n"), None);
    }

    #[test]
    fn a_process_is_stopped_once() {
        let mut child = sleeper("exec sleep 60");
        let identity = Identity::of(child.id()).unwrap();
        assert!(identity.is_alive());
        assert!(identity.stop().unwrap());
        assert!(!identity.is_alive());
        assert!(!identity.stop().unwrap());
        // `stop` has collected it already, so there is nothing left to wait for.
        assert!(child.wait().is_err());
    }

    #[test]
    fn another_process_with_the_same_id_is_left_alone() {
        let mut child = sleeper("exec sleep 60");
        let mut identity = Identity::of(child.id()).unwrap();
        identity.birth.push('0');
        assert!(!identity.is_alive());
        assert!(!identity.stop().unwrap());
        assert!(
            child.try_wait().unwrap().is_none(),
            "the process must survive"
        );
        child.kill().unwrap();
        child.wait().unwrap();
    }

    #[test]
    fn a_zombie_counts_as_gone() {
        let mut child = sleeper("exec sleep 60");
        let identity = Identity::of(child.id()).unwrap();
        child.kill().unwrap();
        let deadline = Instant::now() + Duration::from_secs(5);
        while identity.is_alive() {
            assert!(Instant::now() < deadline, "still seen as alive");
            std::thread::sleep(POLL);
        }
        child.wait().unwrap();
    }

    #[test]
    fn the_children_of_a_stopped_process_end_too() {
        use std::io::BufRead;
        let mut child = sleeper("sleep 60 & echo $!; wait");
        let mut line = String::new();
        std::io::BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let grandchild = Identity::of(line.trim().parse().unwrap()).unwrap();
        assert!(Identity::of(child.id()).unwrap().stop().unwrap());
        assert!(grandchild.wait_for_end(Duration::from_secs(5)));
        assert!(child.wait().is_err());
    }

    #[test]
    fn id_zero_and_ids_out_of_range_are_never_signalled() {
        for pid in [0, u32::MAX] {
            let identity = Identity {
                pid,
                birth: String::new(),
            };
            assert!(!identity.stop().unwrap());
        }
    }
}
