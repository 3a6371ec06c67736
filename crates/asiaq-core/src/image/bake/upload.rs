//! Trees of files to the machine of a bake, by rsync over the same ssh (spec 50, section 6.3).

use super::connect::{Shell, failure};
use crate::error::Result;
use crate::host::remote::{SshSettings, run_program};

/// Every directory's `.nosync` holds rules for what stays at home.
const FILTER: &str = "--filter=:e /.nosync";
/// rsync did not understand what it was told: the filter.
const SYNTAX: i32 = 1;

/// Copies `source` to `destination` there, and deletes what is not in the source.
///
/// # Errors
/// rsync fails, with its output.
pub(super) async fn upload(
    shell: &Shell,
    settings: &SshSettings,
    id: &str,
    source: &str,
    destination: &str,
) -> Result<()> {
    let words = words(shell, settings, source, destination);
    let with_filter = [&words[..], &[FILTER.to_owned()]].concat();
    let mut output = Vec::new();
    let mut finished = run_program(&with_filter, &mut output).await?;
    if finished.status == SYNTAX {
        tracing::info!("rsync does not know the filter for .nosync files: copying without it");
        output.clear();
        finished = run_program(&words, &mut output).await?;
    }
    tracing::debug!("{}", String::from_utf8_lossy(&output));
    if finished.status == 0 {
        return Ok(());
    }
    let what = format!("rsync of {source} to {destination}");
    Err(failure(&what, id, finished.status, &output))
}

fn words(shell: &Shell, settings: &SshSettings, source: &str, destination: &str) -> Vec<String> {
    let transport = shell.login(settings).transport();
    let mut words: Vec<String> = ["rsync", "-a", "-v", "-z", "--delete", "-e"]
        .map(str::to_owned)
        .to_vec();
    words.push(transport);
    if shell.user() != "root" {
        words.push("--rsync-path=sudo -n rsync".to_owned());
    }
    words.push(source.to_owned());
    words.push(format!("{}:{destination}", shell.target()));
    words
}
