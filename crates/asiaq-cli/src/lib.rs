//! What all binaries share: common options, logging, output, progress, error report, exit codes, Ctrl-C.
//!
//! stdout carries data only; logs, warnings, progress and errors go to stderr. No AWS call is made here.

mod editor;
mod exec;
mod failure;
mod input;
mod logging;
mod manual;
mod memory;
mod options;
mod output;
mod progress;
mod prompt;
mod run;
mod session;

pub use editor::Edit;
pub use exec::become_program;
pub use failure::{Failure, Outcome};
pub use input::secret_value;
pub use manual::{MAN_VARIABLE, page_of_help, write_whole};
pub use options::{
    BucketOption, Common, DryRun, EnvOption, Format, environment_tag, key_and_value, key_value,
};
pub use output::{Column, Printer};
pub use progress::CliProgress;
pub use prompt::{ask_new_password, ask_password, ask_yes};
pub use run::{Tool, run};
pub use secrecy::{ExposeSecret, SecretSlice, SecretString};
pub use session::Session;
