//! The local cloud: an AWS endpoint on loopback for rehearsals and tests (overview, section 9).
//!
//! It runs the `moto` server, in a pinned version, from a virtual environment of its own in the user's cache directory.
//! [`up`], [`down`], [`status`], [`reset`] and [`env_lines`] are the machinery of `asiaq local`; [`Endpoint`] is a server
//! for one test process. Product code must not depend on this crate: it only ever sees `AWS_ENDPOINT_URL`.

mod account;
mod agent;
mod cloud;
mod demo;
mod endpoint;
mod error;
mod files;
pub mod hosts;
mod http;
mod install;
mod process;
mod server;
mod settings;

pub use account::{Account, prepare};
pub use agent::play_hosts;
pub use cloud::{REGION, Status, TEST_KEY, down, enter, env_lines, environment, reset, status, up};
pub use demo::{Demo, Story};
pub use endpoint::Endpoint;
pub use error::LocalError;
pub use install::{MOTO_VERSION, ensure_installed};
pub use settings::{DEFAULT_PORT, Settings};
