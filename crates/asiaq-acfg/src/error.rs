//! What can go wrong while a tree is laid over another one. Nothing here prints.

use std::fmt;
use std::path::{Path, PathBuf};

/// Something in the trees that forbids the whole run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file, with `:LINE` if the problem is in one line of it.
    pub place: String,
    /// What is wrong.
    pub text: String,
}

impl Problem {
    /// A problem with a file.
    pub fn new(place: impl fmt::Display, text: impl Into<String>) -> Self {
        Self {
            place: place.to_string(),
            text: text.into(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.text)
    }
}

/// Why a tree is not laid over another one.
#[derive(Debug, thiserror::Error)]
pub enum AcfgError {
    /// The trees cannot be laid over each other; nothing was changed.
    #[error("{}", listed(.0))]
    Refused(Vec<Problem>),
    /// The file that names the hostclass does not exist.
    #[error("Couldn't find hostclass file {}", .0.display())]
    NoHostclass(PathBuf),
    /// The file that names the hostclass names none.
    #[error("hostclass file `{}` names no hostclass in its first line", .0.display())]
    EmptyHostclass(PathBuf),
    /// The system refused something.
    #[error("cannot {action} `{}`: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// With which file.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// A program that knows or makes accounts failed.
    #[error("{what}")]
    Account {
        /// Which account, which program, and what it said.
        what: String,
    },
}

impl AcfgError {
    /// For `map_err`.
    pub fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::Io {
            action,
            path,
            source,
        }
    }

    /// What the operator can do.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Refused(_) => Some("nothing was changed; correct this and run again"),
            Self::NoHostclass(_) | Self::EmptyHostclass(_) => {
                Some("name the hostclass with `--hostclass`")
            }
            Self::Io { source, .. } if source.kind() == std::io::ErrorKind::PermissionDenied => {
                Some("run this as root")
            }
            Self::Io { .. } => Some("run again after the repair: it goes on from what exists"),
            Self::Account { .. } => Some("make the account yourself, or correct `acfg.metadata`"),
        }
    }
}

fn listed(problems: &[Problem]) -> String {
    if let [problem] = problems {
        return problem.to_string();
    }
    let lines: Vec<String> = problems.iter().map(|p| format!("\n  {p}")).collect();
    format!("{} problems:{}", problems.len(), lines.concat())
}
