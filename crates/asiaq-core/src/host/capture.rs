//! Snapshots that hosts take of themselves: one after the other by ssh, until one fails (spec 40, section 12.7).

use super::Host;
use super::remote::Remote;
use crate::error::{Error, Result};
use crate::plan::{Apply, Change, Plan, Progress, Sign};

/// What hosts run, and as whom.
const USER: &str = "snapshot";
const COMMAND: &str = "sudo /opt/wgen/bin/take_snapshot.sh";
/// As much of a failed host's output is shown, from its end.
const SHOWN: usize = 8 * 1024;

/// Receives each host that has taken its snapshot.
pub type Captured<'a> = &'a dyn Fn(&Host);

/// Plans that each host takes a snapshot of its own disk, in this order.
pub fn plan_capture(hosts: &[Host]) -> Plan<Host> {
    let mut plan = Plan::default();
    let mut before = String::new();
    for host in hosts {
        let class = host.hostclass().unwrap_or("-");
        let line = format!("snapshot by {} {class} of its own disk", host.id);
        plan.push(&host.id, [before], Sign::Add, line, host.clone());
        before = host.id.clone();
    }
    plan
}

/// Lets the hosts take their snapshots. `captured` hears of each at once.
///
/// # Errors
/// A host that could not be reached or whose script failed, with its output. The hosts after it are not attempted.
pub async fn capture(
    remote: &Remote<'_>,
    plan: &Plan<Host>,
    progress: &dyn Progress,
    captured: Captured<'_>,
) -> Result<()> {
    plan.apply(&Executor { remote, captured }, progress).await?;
    Ok(())
}

struct Executor<'a> {
    remote: &'a Remote<'a>,
    captured: Captured<'a>,
}

impl Apply<Host> for Executor<'_> {
    async fn apply(&self, change: &Change<Host>) -> Result<(), Error> {
        let host = &change.action;
        let mut output = Vec::new();
        let run = self.remote.run(host, USER, COMMAND, true, &mut output);
        let finished = run.await?;
        if finished.status == 0 {
            (self.captured)(host);
            return Ok(());
        }
        Err(failure(&host.id, finished.status, &output))
    }
}

/// What the script's exit codes mean is told by its output, so that is shown.
fn failure(host: &str, status: i32, output: &[u8]) -> Error {
    let start = output.len().saturating_sub(SHOWN);
    let shown = String::from_utf8_lossy(output.get(start..).unwrap_or_default());
    let cut = if start > 0 { "[…] " } else { "" };
    let mut text = format!("`{COMMAND}` on {host} ended with status {status}");
    if !shown.trim().is_empty() {
        text.push_str(&format!(":\n{cut}{}", shown.trim_end()));
    }
    Error::refused(text)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::super::record::tests::host;
    use super::*;

    #[test]
    fn one_after_the_other() {
        let hosts = [
            host("i-2", "running", &[("hostclass", "mhcdb")]),
            host("i-4", "running", &[]),
        ];
        let plan = plan_capture(&hosts);
        assert_eq!(
            plan.lines(),
            [
                "+ snapshot by i-2 mhcdb of its own disk",
                "+ snapshot by i-4 - of its own disk"
            ]
        );
        assert_eq!(plan.changes()[1].needs, ["i-2"]);
    }

    #[test]
    fn failures_show_the_end_of_the_output() {
        let text = |output: &[u8]| failure("i-1", 2, output).to_string();
        let head = "`sudo /opt/wgen/bin/take_snapshot.sh` on i-1 ended with status 2";
        assert_eq!(text(b" \n"), head);
        assert_eq!(text(b"a\nb\xff\n"), format!("{head}:\na\nb\u{fffd}"));
        let long = text(&[vec![b'x'; 5_000_000], b"the reason\n".to_vec()].concat());
        assert!(long.starts_with(&format!("{head}:\n[…] xxx")) && long.ends_with("xthe reason"));
        assert!(long.len() < 9_000);
    }
}
