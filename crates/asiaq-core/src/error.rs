//! The error that every capability returns: what happened, to which resource, and what to do about it.
//!
//! Errors live near their unit (`AwsError`, `ConfigErrors`, `ApplyError`); this enum only gathers them.
//! Nothing here prints.

use crate::aws::AwsError;
use crate::config::{ConfigError, ConfigErrors};
use crate::plan::ApplyError;
use crate::spotinst::SpotinstError;
use std::time::Duration;

/// Result of a capability's operation.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Any failure of an operation. `Display` is the text after `error:`; [`Error::hint`] is the remedy.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The configuration is wrong; nothing has been changed.
    #[error(transparent)]
    Config(#[from] ConfigErrors),
    /// AWS refused, or could not be reached.
    #[error(transparent)]
    Aws(#[from] Box<AwsError>),
    /// Spotinst refused, or could not be reached.
    #[error(transparent)]
    Spotinst(#[from] Box<SpotinstError>),
    /// A plan was applied in part.
    #[error(transparent)]
    Apply(#[from] Box<ApplyError>),
    /// Something that the command needs does not exist.
    #[error("{what}")]
    NotFound {
        /// What was looked for and where.
        what: String,
        /// What to do.
        hint: Option<String>,
    },
    /// The operation makes no sense in the present state.
    #[error("{what}")]
    Refused {
        /// What was refused and why.
        what: String,
        /// What to do.
        hint: Option<String>,
    },
    /// A change that AWS refused and that the command can do without; the text says what stays and why. Only executors
    /// of plans return it, and the plan goes on.
    #[error("{0}")]
    Left(String),
    /// The range chosen for a new VPC was taken by others at the same time. The VPC is deleted again, so that another range
    /// can be tried.
    #[error("{0}")]
    RangeTaken(String),
    /// A state was not reached in time.
    #[error("{what} (gave up after {}s)", after.as_secs())]
    Timeout {
        /// What was waited for.
        what: String,
        /// How long.
        after: Duration,
    },
    /// A signal came while work was under way that cleans up after itself. What is left is told by whoever cleaned up.
    #[error("interrupted")]
    Interrupted,
    /// Several independent operations failed; each is reported.
    #[error("{}", several(.0))]
    Several(Vec<Error>),
}

impl Error {
    /// Something needed does not exist.
    pub fn not_found(what: impl Into<String>) -> Self {
        Self::NotFound {
            what: what.into(),
            hint: None,
        }
    }

    /// The request is refused.
    pub fn refused(what: impl Into<String>) -> Self {
        Self::Refused {
            what: what.into(),
            hint: None,
        }
    }

    /// Adds the remedy to an error that carries one.
    #[must_use]
    pub fn with_hint(mut self, text: impl Into<String>) -> Self {
        if let Self::NotFound { hint, .. } | Self::Refused { hint, .. } = &mut self {
            *hint = Some(text.into());
        }
        self
    }

    /// The one error of a list, or all of them as [`Error::Several`]. `None` for an empty list.
    pub fn from_list(mut errors: Vec<Error>) -> Option<Error> {
        if errors.len() > 1 {
            Some(Self::Several(errors))
        } else {
            errors.pop()
        }
    }

    /// What the operator can do, if we know.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Config(errors) => errors.0.iter().find_map(|error| error.hint.clone()),
            Self::Aws(error) => error.hint(),
            Self::Spotinst(error) => error.hint(),
            Self::Apply(error) => error.hint(),
            Self::NotFound { hint, .. } | Self::Refused { hint, .. } => hint.clone(),
            Self::Interrupted => {
                Some("run the same command again: it goes on from what exists".to_owned())
            }
            Self::Timeout { .. } => {
                Some("run the same command again: it goes on where this run stopped".into())
            }
            Self::RangeTaken(_) => {
                Some("run the same command again: it chooses another range".into())
            }
            Self::Left(_) => None,
            Self::Several(errors) => errors.iter().find_map(Error::hint),
        }
    }

    /// The AWS error code, if AWS answered with one.
    pub fn aws_code(&self) -> Option<&str> {
        match self {
            Self::Aws(error) => error.code.as_deref(),
            _ => None,
        }
    }
}

impl From<ConfigError> for Error {
    fn from(error: ConfigError) -> Self {
        Self::Config(error.into())
    }
}

impl From<AwsError> for Error {
    fn from(error: AwsError) -> Self {
        Self::Aws(Box::new(error))
    }
}

impl From<SpotinstError> for Error {
    fn from(error: SpotinstError) -> Self {
        Self::Spotinst(Box::new(error))
    }
}

impl From<ApplyError> for Error {
    fn from(error: ApplyError) -> Self {
        Self::Apply(Box::new(error))
    }
}

fn several(errors: &[Error]) -> String {
    let lines: Vec<String> = errors
        .iter()
        .map(|error| format!("  {error}").replace('\n', "\n  "))
        .collect();
    format!("{} operations failed:\n{}", errors.len(), lines.join("\n"))
}
