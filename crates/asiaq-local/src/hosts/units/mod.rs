//! A small init for hosts: runs the units that an image enabled in `multi-user.target.wants`, and is their `systemctl`.
//!
//! It knows services and of those what boot services need (`docs/local-hosts.md` lists it). It is no systemd: other directives
//! are ignored, with a debug line in its log.

mod control;
mod load;
mod manager;
mod order;
mod parse;
mod process;
mod service;
mod state;
mod systemctl;
mod words;

pub use load::Places;
pub use manager::run;
pub use systemctl::{Answer, hostnamectl, systemctl};
