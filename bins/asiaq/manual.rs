//! `asiaq completions` and `asiaq man`: what shells and readers of manuals need, for all tools of the suite. The tools beside
//! this one are asked for it.

use super::links::TOOLS;
use asiaq_cli::{Failure, MAN_VARIABLE, Outcome, Session, page_of_help, write_whole};
use clap::builder::PossibleValuesParser;
use clap::{Args, ValueEnum};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Tools without a link under an old name.
const MORE: [&str; 2] = ["asiaq", "asiaq_sandbox"];
/// This one stands alone: it completes nothing and writes no pages, but has a help text.
const ALONE: &str = "acfg1";
const COMPLETE: &str = "COMPLETE";

/// Shells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    /// source <(asiaq completions bash)
    Bash,
    /// source <(asiaq completions zsh)
    Zsh,
    /// asiaq completions fish | source
    Fish,
    /// eval (asiaq completions elvish | slurp)
    Elvish,
}

/// Options of `completions`.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// Shell that will read it
    #[arg(value_enum)]
    shell: Shell,
    /// Only for this tool
    #[arg(long, value_name = "TOOL", value_parser = PossibleValuesParser::new(completing()))]
    tool: Option<String>,
}

/// Options of `man`.
#[derive(Debug, Args)]
pub struct ManArgs {
    /// Directory for the pages, usually share/man/man1 below one of the MANPATH; made if missing
    dir: PathBuf,
}

fn all() -> impl Iterator<Item = &'static str> {
    TOOLS.into_iter().chain(MORE)
}

fn completing() -> Vec<&'static str> {
    all().filter(|tool| *tool != ALONE).collect()
}

/// Prints the lines for a shell.
///
/// # Errors
/// A tool is missing or gives no such lines.
pub fn completions(session: &Session, args: &CompletionsArgs) -> Result<Outcome, Failure> {
    let wanted = |tool: &&str| args.tool.as_deref().is_none_or(|own| own == *tool);
    let mut texts = Vec::new();
    for tool in completing().into_iter().filter(wanted) {
        let text = ask(tool, COMPLETE, args.shell.word())?;
        if !text.contains("_CLAP_") && !text.contains(COMPLETE) {
            return Err(Failure::new(format!("`{tool}` gives no completions")));
        }
        texts.push(args.shell.with_old_name(tool, &text));
    }
    session.printer.line(texts.join("\n"));
    Ok(Outcome::Success)
}

impl Shell {
    fn word(self) -> &'static str {
        match self {
            Shell::Bash => "bash",
            Shell::Zsh => "zsh",
            Shell::Fish => "fish",
            Shell::Elvish => "elvish",
        }
    }

    /// The lines also for the name that old scripts call.
    fn with_old_name(self, tool: &str, text: &str) -> String {
        if MORE.contains(&tool) {
            return text.to_owned();
        }
        let old = format!("{tool}.py");
        let line = |line: &str| match self {
            Shell::Bash | Shell::Zsh if line.ends_with(&format!("_{tool} {tool}")) => {
                format!("{line} {old}")
            }
            Shell::Fish => line.replace(
                &format!("--command {tool} "),
                &format!("--command {tool} --command {old} "),
            ),
            _ => line.to_owned(),
        };
        let mut lines: Vec<String> = text.lines().map(line).collect();
        if self == Shell::Elvish {
            let place = "set edit:completion:arg-completer";
            lines.push(format!(
                "{place}[{old}] = $edit:completion:arg-completer[{tool}]"
            ));
        }
        lines.join("\n")
    }
}

/// Writes the pages.
///
/// # Errors
/// A tool is missing or has no help, or a page cannot be written.
pub fn man(session: &Session, args: &ManArgs) -> Result<Outcome, Failure> {
    let mut pages = BTreeMap::new();
    for tool in all() {
        let text = ask(tool, MAN_VARIABLE, "1")?;
        match serde_json::from_str::<BTreeMap<String, String>>(&text) {
            Ok(own) => pages.extend(own),
            Err(_) if tool == ALONE => pages.extend([page_of_help(tool, &text)]),
            Err(_) => return Err(Failure::new(format!("`{tool}` writes no pages"))),
        }
    }
    let problem =
        |path: &Path, error| Failure::new(format!("cannot write `{}`: {error}", path.display()));
    std::fs::create_dir_all(&args.dir).map_err(|error| problem(&args.dir, error))?;
    for (name, text) in pages {
        let path = args.dir.join(name);
        write_whole(&path, &text, 0o644).map_err(|error| problem(&path, error))?;
        session.printer.line(path.display().to_string());
    }
    Ok(Outcome::Success)
}

/// What a tool beside this one prints when asked by a variable. One that does not know the variable shows its help.
fn ask(tool: &str, variable: &str, value: &str) -> Result<String, Failure> {
    let own = std::env::current_exe();
    let folder = own
        .ok()
        .and_then(|own| own.parent().map(Path::to_path_buf))
        .unwrap_or_default();
    let path = folder.join(tool);
    let problem = |what: String| {
        let hint = "install the whole suite: `cargo install --path bins`";
        Failure::new(format!("`{}`: {what}", path.display())).with_hint(Some(hint.to_owned()))
    };
    let output = Command::new(&path)
        .arg("--help")
        .env_remove(COMPLETE)
        .env_remove(MAN_VARIABLE)
        .env(variable, value)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| problem(error.to_string()))?;
    if !output.status.success() || output.stdout.is_empty() {
        return Err(problem(format!("it has no help ({})", output.status)));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
