//! The shell scripts of the suite: they are in this binary, and `asiaq link-names` writes them beside the links.

use asiaq_cli::{Failure, Session};
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Names and texts.
const SCRIPTS: [(&str, &str); 1] = [("disco_ssh.sh", include_str!("../disco_ssh.sh"))];
/// By this second line a script is ours and may be replaced.
const OURS: &str = "# Part of Asiaq: ";

/// Writes every script to the directory; one that is there already in this form stays.
///
/// # Errors
/// There is something else of that name, or it cannot be written.
pub fn install(session: &Session, dir: &Path) -> Result<(), Failure> {
    for (name, text) in SCRIPTS {
        let path = dir.join(name);
        let problem = |error| Failure::new(format!("cannot install `{}`: {error}", path.display()));
        match fs::read(&path) {
            Ok(old) if old == text.as_bytes() => {}
            Ok(old) if !is_ours(&old) => {
                return Err(
                    Failure::new(format!("`{}` exists and is not ours", path.display()))
                        .with_hint(Some("move it away first, if it is the old suite".into())),
                );
            }
            _ => write(&path, text).map_err(problem)?,
        }
        session.printer.line(path.display().to_string());
    }
    Ok(())
}

fn is_ours(text: &[u8]) -> bool {
    let text = String::from_utf8_lossy(text);
    text.lines()
        .nth(1)
        .is_some_and(|line| line.starts_with(OURS))
}

/// Complete or not at all: a job may start the script at any time.
fn write(path: &Path, text: &str) -> std::io::Result<()> {
    let draft = path.with_extension(format!("sh.{}", std::process::id()));
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o755)
        .open(&draft)?;
    let written = file
        .write_all(text.as_bytes())
        .and_then(|()| fs::rename(&draft, path));
    if written.is_err() {
        // What is reported is why it could not be written.
        let _ = fs::remove_file(&draft);
    }
    written
}
