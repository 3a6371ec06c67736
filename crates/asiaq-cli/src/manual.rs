//! Manual pages. A tool writes its own when the variable `ASIAQ_MAN` is set, as it writes its completions for `COMPLETE`:
//! `asiaq man` asks all tools so. Pages are complete or not there at all.

use clap::Command;
use clap_mangen::Man;
use std::collections::BTreeMap;
use std::fs::Permissions;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// The variable by which a tool is asked for its pages: one JSON object of file names and texts on stdout.
pub const MAN_VARIABLE: &str = "ASIAQ_MAN";
/// The section of the manual.
const SECTION: &str = "1";

/// Writes the pages of the tool and ends the program, if that is what was asked for.
pub(crate) fn answer(command: impl FnOnce() -> Command) {
    if std::env::var_os(MAN_VARIABLE).is_none_or(|value| value.is_empty()) {
        return;
    }
    let text = pages(command()).map(|pages| serde_json::json!(pages).to_string());
    let written = text.and_then(|text| io::stdout().write_all(text.as_bytes()));
    std::process::exit(match written {
        Ok(()) => 0,
        Err(error) => {
            eprintln!("error: cannot write the manual: {error}");
            1
        }
    });
}

/// The pages of a command and its visible subcommands, by file name.
fn pages(command: Command) -> io::Result<BTreeMap<String, String>> {
    let mut command = command.disable_help_subcommand(true);
    command.build();
    let mut found = BTreeMap::new();
    collect(&command, &mut found)?;
    Ok(found)
}

fn collect(command: &Command, found: &mut BTreeMap<String, String>) -> io::Result<()> {
    for below in command.get_subcommands().filter(|own| !own.is_hide_set()) {
        collect(below, found)?;
    }
    let page = Man::new(command.clone()).manual("Asiaq");
    let mut text = Vec::new();
    page.render(&mut text)?;
    let text = String::from_utf8_lossy(&text).into_owned();
    found.insert(page.get_filename(), text);
    Ok(())
}

/// The page of a tool that writes none itself, from its help text.
pub fn page_of_help(tool: &str, help: &str) -> (String, String) {
    let plain = |line: &str| {
        let text = line.trim_end().replace('\\', "\\e").replace('-', "\\-");
        if text.starts_with(['.', '\'']) {
            format!("\\&{text}")
        } else {
            text
        }
    };
    let about = help
        .lines()
        .find(|line| !line.trim().is_empty())
        .unwrap_or(tool);
    let lines: Vec<String> = help.lines().map(plain).collect();
    let text = format!(
        ".TH {tool} {SECTION} \"\" \"\" \"Asiaq\"\n.SH NAME\n{tool} \\- {}\n.SH DESCRIPTION\n.nf\n{}\n.fi\n",
        plain(about.trim()),
        lines.join("\n")
    );
    (format!("{tool}.{SECTION}"), text)
}

/// Writes a file that others may read at any time: it has its old content, or all of the new one.
///
/// # Errors
/// It cannot be written; what was there stays.
pub fn write_whole(path: &Path, text: &str, mode: u32) -> io::Result<()> {
    let folder = path.parent().filter(|own| !own.as_os_str().is_empty());
    let mut draft = tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))?;
    draft.write_all(text.as_bytes())?;
    draft
        .as_file()
        .set_permissions(Permissions::from_mode(mode))?;
    draft.persist(path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use clap::Arg;

    #[test]
    fn every_visible_subcommand_has_a_page() {
        let command = Command::new("tool")
            .about("Does things")
            .arg(Arg::new("env").long("env").global(true).help("Where"))
            .subcommand(
                Command::new("one")
                    .about("First")
                    .subcommand(Command::new("deep")),
            )
            .subcommand(Command::new("secret").hide(true));
        let pages = pages(command).unwrap();
        let names: Vec<&str> = pages.keys().map(String::as_str).collect();
        assert_eq!(names, ["tool-one-deep.1", "tool-one.1", "tool.1"]);
        assert!(
            pages["tool.1"].contains("Does things"),
            "{}",
            pages["tool.1"]
        );
        assert!(
            pages["tool-one-deep.1"].contains("\\-\\-env"),
            "{}",
            pages["tool-one-deep.1"]
        );
    }

    #[test]
    fn help_becomes_a_page_without_requests() {
        let (name, text) = page_of_help("acfg1", "Lays files\n\n.dot -x \\n\n'tick\n");
        assert_eq!(name, "acfg1.1");
        assert!(text.contains("\nacfg1 \\- Lays files\n"), "{text}");
        assert!(text.contains("\n\\&.dot \\-x \\en\n\\&'tick\n"), "{text}");
    }

    #[test]
    fn files_are_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.1");
        write_whole(&path, "one", 0o644).unwrap();
        write_whole(&path, "two", 0o644).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "two");
        assert_eq!(
            std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o644
        );
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
        assert!(write_whole(&dir.path().join("no/a.1"), "x", 0o644).is_err());
    }
}
