//! All targets. Each file holds those of one area; nothing here opens a file or talks to anybody.

mod accounts;
mod config;
mod hosts;
mod network;
mod peering;
mod pipeline;

use crate::{Signature, Target};
use asiaq_core::config::{ConfigError, ConfigErrors};
use std::fmt::Debug;

/// All of them.
pub fn targets() -> Vec<Target> {
    vec![
        config::INI,
        config::TAGS,
        pipeline::PIPELINE,
        pipeline::SIZES,
        pipeline::CRON,
        network::CIDR,
        network::RULES,
        network::ROUTES,
        network::NAT,
        network::ADDRESS,
        network::LISTENERS,
        peering::PEERING,
        accounts::ACCOUNT,
        hosts::METADATA,
        hosts::SELECT,
        hosts::TEMPLATE,
    ]
}

/// The name of the file in all messages.
const FILE: &str = "f";

/// Input as text; bytes that are none become a mark, as nothing here but whole files takes bytes.
fn text(input: &[u8]) -> String {
    String::from_utf8_lossy(input).into_owned()
}

/// The value of something that must be there.
#[track_caller]
fn must<T, E: Debug>(result: Result<T, E>, what: &str) -> T {
    match result {
        Ok(value) => value,
        Err(error) => panic!("{what}: {error:?}"),
    }
}

/// Every error is in the file, at a line of it.
fn errors(errors: &ConfigErrors, input: &[u8]) -> Signature {
    assert!(!errors.0.is_empty(), "an error without a problem");
    let shape = Signature::of("errors").and(Signature::count(errors.0.len()));
    errors.0.iter().take(4).fold(shape, |shape, error| {
        located(error, input);
        shape.and(Signature::error(&error.problem))
    })
}

fn located(error: &ConfigError, input: &[u8]) {
    assert!(!error.problem.is_empty(), "an empty problem");
    assert!(
        error.location.file == FILE || error.problem.contains(FILE),
        "{error} names no file"
    );
    if let Some(line) = error.location.line {
        assert!(
            (1..=lines(input)).contains(&line),
            "{error}: there is no such line"
        );
    }
}

/// Number of lines of a file.
fn lines(input: &[u8]) -> usize {
    1 + input.iter().filter(|byte| **byte == b'\n').count()
}
