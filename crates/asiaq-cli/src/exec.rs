//! Becoming another program: its terminal, signals and exit status are then its own.

use crate::Failure;
use std::io::ErrorKind;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// Replaces this process by the program `argv` names, found on the `PATH`. Handlers of signals are gone in it, and nothing has
/// touched stdin. Returns only if that fails; `package` says where the program comes from.
pub fn become_program(argv: &[String], package: &str) -> Failure {
    let [program, arguments @ ..] = argv else {
        return Failure::new("there is no program to start");
    };
    let error = Command::new(program).args(arguments).exec();
    match error.kind() {
        ErrorKind::NotFound => Failure::new(format!("`{program}` is not installed"))
            .with_hint(Some(format!("install {package}"))),
        _ => Failure::new(format!("cannot start `{program}`: {error}")),
    }
}
