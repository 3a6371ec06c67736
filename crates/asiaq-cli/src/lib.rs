//! What all binaries share: common options, logging, output, progress, error report, exit codes, Ctrl-C.
//!
//! stdout carries data only; logs, warnings, progress and errors go to stderr. No AWS call is made here.

mod exec;
mod failure;
mod logging;
mod options;
mod output;
mod progress;
mod run;
mod session;

pub use exec::become_program;
pub use failure::{Failure, Outcome};
pub use options::{Common, DryRun, EnvOption, Format, key_value};
pub use output::{Column, Printer};
pub use progress::CliProgress;
pub use run::{Tool, run};
pub use session::Session;
