//! The tag `version-asiaq`: what the configuration is a version of (spec 50, section 3.2).

use std::process::Stdio;
use tokio::process::Command;

/// `BRANCH-COMMIT` of the git repository in the working directory; without one, the version of this program.
pub async fn version() -> String {
    let own = || format!("asiaq-{}", env!("CARGO_PKG_VERSION"));
    let (branch, commit) = tokio::join!(git("--abbrev-ref"), git("--short"));
    match (branch, commit) {
        (Some(branch), Some(commit)) => format!("{branch}-{commit}"),
        _ => own(),
    }
}

async fn git(form: &str) -> Option<String> {
    let output = Command::new("git")
        .args(["rev-parse", form, "HEAD"])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (output.status.success() && !text.is_empty()).then_some(text)
}
