//! The output of a command on one host, and its layout. Pure.

use serde::Serialize;

/// What stands for no output.
const NOTHING: &str = "-";
/// What AWS puts between the standard output and the errors of a step.
const SEPARATOR: &str = "----------ERROR-------";
/// AWS cuts the output of a step in a listing at this length.
const CUT_AT: usize = 2500;
/// How the agent on the host marks what it cut.
const CUT_MARKS: [&str; 3] = [
    "---Output truncated---",
    "---Error truncated----",
    "--output truncated--",
];

/// The output of one step of a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PluginOutput {
    /// Name of the step or plugin.
    pub name: String,
    /// Standard output, `-` if there is none.
    pub stdout: String,
    /// Standard error, `-` if there is none.
    pub stderr: String,
    /// Exit code.
    pub exit_code: i32,
}

/// The output of a command on one host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InstanceOutput {
    /// Instance id.
    pub instance_id: String,
    /// `Success`, `Failed`, `TimedOut` and so on; `Unknown` if AWS did not tell.
    pub status: String,
    /// The status in more detail, such as `Undeliverable`.
    pub status_details: String,
    /// One per step.
    pub plugins: Vec<PluginOutput>,
}

impl InstanceOutput {
    /// The layout of spec 40, section 10.7, without the last newline.
    pub fn text(&self) -> String {
        let mut text = format!("Output for instance: {}", self.instance_id);
        for plugin in &self.plugins {
            text.push_str(&format!(
                "\nPlugin: {}\n\n\nSTDOUT:\n{}\n\n\nSTDERR:\n{}\n\n\nExit Code: {}",
                plugin.name, plugin.stdout, plugin.stderr, plugin.exit_code
            ));
        }
        text
    }
}

/// Trimmed, or `-`.
pub(super) fn shown(text: &str) -> String {
    let text = text.trim();
    if text.is_empty() { NOTHING } else { text }.to_owned()
}

/// Standard output and standard error of a step, as AWS lists them in one text.
pub(super) fn split(output: &str) -> (String, String) {
    let parts: Vec<&str> = output.split(SEPARATOR).collect();
    let stderr = match parts[..] {
        [_, stderr] => stderr,
        _ => "",
    };
    (
        shown(parts.first().copied().unwrap_or_default()),
        shown(stderr),
    )
}

/// Whether AWS has more than this text. Bytes are counted: that is never too few.
pub(super) fn is_cut(output: &str) -> bool {
    output.len() >= CUT_AT || CUT_MARKS.iter().any(|mark| output.contains(mark))
}
