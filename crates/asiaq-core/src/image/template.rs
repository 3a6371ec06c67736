//! Init scripts of new hostclasses, made from templates (spec 10, section 12). Needs no AWS.
//!
//! Never writes outside the folder of the template, and never over a script unless that is asked for.

use crate::config::ConfigDir;
use crate::error::{Error, Result};
use crate::plan::{Plan, Sign};
use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// The templates, in the configuration directory.
const TEMPLATES: [&str; 1] = ["init/template.sh"];
/// What becomes the hostclass in the name of a template.
const PLACEHOLDER: &str = "template";
/// What the names of hostclasses begin with.
const PREFIX: &str = "mhc";
/// Permission bits, with set-id and sticky bits.
const PERMISSIONS: u32 = 0o7777;

/// A script to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    path: PathBuf,
    text: Vec<u8>,
    mode: u32,
    replaces: bool,
}

/// Checks the name of a hostclass: it becomes part of file names, tags and names of images.
///
/// # Errors
/// It does not begin with `mhc`, has nothing behind that, or has characters that such names cannot have.
pub fn check_hostclass(name: &str) -> Result<()> {
    let Some(rest) = name.strip_prefix(PREFIX) else {
        return Err(Error::refused("hostclass must start with mhc."));
    };
    if rest.is_empty() {
        return Err(Error::refused(
            "hostclass must have a name of its own after `mhc`",
        ));
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    if rest.chars().all(plain) {
        return Ok(());
    }
    Err(Error::refused(format!(
        "`{}` is no name of a hostclass: only letters, digits, `_`, `-` and `.` may follow `mhc`",
        name.escape_default()
    )))
}

/// Replaces what stands for the hostclass and for its name without `mhc` in the text of a template; `$$` becomes `$`. All
/// other text that begins with `$` stays.
pub fn substitute(text: &[u8], hostclass: &str) -> Vec<u8> {
    let name = hostclass.strip_prefix(PREFIX).unwrap_or(hostclass);
    let mut made = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        let (value, length) = match first {
            b'$' => reference(after, hostclass, name),
            _ => (None, 0),
        };
        made.extend_from_slice(value.map_or(std::slice::from_ref(first), str::as_bytes));
        rest = after.get(length..).unwrap_or_default();
    }
    made
}

/// The value of what follows a `$`, and how long it is; nothing if the `$` stands for itself.
fn reference<'a>(after: &[u8], hostclass: &'a str, name: &'a str) -> (Option<&'a str>, usize) {
    if after.starts_with(b"$") {
        return (Some("$"), 1);
    }
    let braces = usize::from(after.starts_with(b"{"));
    let body = after.get(braces..).unwrap_or_default();
    let inner = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let length = body.iter().take_while(|byte| inner(byte)).count();
    let (identifier, behind) = body.split_at(length);
    if braces > 0 && !behind.starts_with(b"}") {
        return (None, 0);
    }
    let value = match identifier {
        b"TEMPLATED_HOSTCLASS" => hostclass,
        b"TEMPLATED_NAME" => name,
        _ => return (None, 0),
    };
    (Some(value), length + 2 * braces)
}

/// Plans the scripts of a new hostclass. With `force` also over those that are there.
///
/// # Errors
/// The name is no name of a hostclass, a template is missing, or a script is there already.
pub fn plan_scripts(dir: &ConfigDir, hostclass: &str, force: bool) -> Result<Plan<Script>> {
    check_hostclass(hostclass)?;
    let mut plan = Plan::default();
    for relative in TEMPLATES {
        let template = dir.locate(relative)?;
        let file_name = template.file_name().and_then(OsStr::to_str);
        let file_name = file_name.unwrap_or(PLACEHOLDER);
        let path = template.with_file_name(file_name.replace(PLACEHOLDER, hostclass));
        let script = Script {
            text: substitute(&read(&template)?, hostclass),
            mode: mode(&template)?,
            replaces: path.symlink_metadata().is_ok(),
            path,
        };
        let shown = script.path.display().to_string();
        if script.replaces && !force {
            return Err(Error::refused(format!("`{shown}` exists already"))
                .with_hint("`--force` replaces it by a new one from the template"));
        }
        if script.replaces && script.is_there()? {
            continue;
        }
        let (sign, line) = if script.replaces {
            (Sign::Modify, format!("{shown}: replaced from {file_name}"))
        } else {
            (Sign::Add, format!("{shown} from {file_name}"))
        };
        plan.push(relative, [""; 0], sign, line, script);
    }
    Ok(plan)
}

/// Writes the scripts. Each is there whole or not at all.
///
/// # Errors
/// One cannot be written, or has come into being since it was planned.
pub fn write_scripts(plan: &Plan<Script>) -> Result<()> {
    for change in plan.changes() {
        change.action.write()?;
    }
    Ok(())
}

impl Script {
    /// Whether the file is as it would be written.
    fn is_there(&self) -> Result<bool> {
        let link = self.path.is_symlink();
        Ok(!link && read(&self.path)? == self.text && mode(&self.path)? == self.mode)
    }

    fn write(&self) -> Result<()> {
        let folder = self.path.parent().unwrap_or(Path::new("."));
        let mut draft =
            tempfile::NamedTempFile::new_in(folder).map_err(problem("write", folder))?;
        draft
            .write_all(&self.text)
            .and_then(|()| {
                draft
                    .as_file()
                    .set_permissions(Permissions::from_mode(self.mode))
            })
            .map_err(problem("write", &self.path))?;
        let written = if self.replaces {
            draft.persist(&self.path)
        } else {
            draft.persist_noclobber(&self.path)
        };
        match written {
            Ok(_) => Ok(()),
            Err(error) if error.error.kind() == ErrorKind::AlreadyExists => {
                let shown = self.path.display();
                Err(Error::refused(format!("`{shown}` exists already")))
            }
            Err(error) => Err(problem("write", &self.path)(error.error)),
        }
    }
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(problem("read", path))
}

fn mode(path: &Path) -> Result<u32> {
    let found = fs::metadata(path).map_err(problem("read", path))?;
    Ok(found.permissions().mode() & PERMISSIONS)
}

fn problem(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Error + use<> {
    let shown = path.display().to_string();
    move |error| Error::refused(format!("cannot {action} `{shown}`: {error}"))
}

#[cfg(test)]
mod tests;
