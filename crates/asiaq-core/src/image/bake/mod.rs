//! Baking: from a source image to a new image, by a machine that is configured over ssh (spec 50, sections 5 and 6).
//!
//! `prepare` finds out what is going to be baked and from what, and changes nothing; [`Bake::run`] is a list of named steps, each
//! with its clean-up, which run in reverse when a later one fails or Ctrl-C comes. Nothing here writes to a terminal.

//!
//! `options`: configuration (no call). `facts`: what several bakes share. `prepare`: the plan, `lines`: the plan for people.
//! `steps`: the steps and their clean-ups. `machine`, `connect`, `upload`, `imaging`: what the steps do.

mod connect;
mod facts;
pub mod fleet;
mod imaging;
pub mod leftovers;
mod lines;
mod machine;
mod options;
mod prepare;
mod steps;
mod upload;
mod version;

pub use version::version;

use super::Image;
use crate::config::{ConfigDir, DiscoAws};
use crate::host::remote::SshSettings;
use options::Options;
use std::time::Duration;

/// What an operator asks for: one image.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// `--hostclass`; without it the base image of `[bake] phase1_ami_name`.
    pub hostclass: Option<&'a str>,
    /// `--source-ami`.
    pub source_ami: Option<&'a str>,
    /// `--stage`.
    pub stage: Option<&'a str>,
    /// `--tag`, in the order of the command line, keys once.
    pub tags: &'a [(String, String)],
    /// `--private`.
    pub private: bool,
    /// `--use-local-ip`.
    pub use_local_ip: bool,
    /// `--no-destroy`: a machine whose bake failed stays.
    pub keep_failed: bool,
}

/// What all bakes of a command share, read once: configuration, bakery, who bakes.
#[derive(Debug)]
pub struct Bakery<'a> {
    /// Configuration.
    pub config: &'a DiscoAws,
    /// Its directory.
    pub directory: &'a ConfigDir,
    /// Value of the tag `baker`.
    pub baker: &'a str,
    /// Value of the tag `version-asiaq`.
    pub version: &'a str,
    /// Options of ssh.
    pub ssh: &'a SshSettings,
    facts: facts::Facts,
}

/// Hears how a bake goes. `bake` is the name of the image.
pub trait Voice: Send + Sync {
    /// A step begins, so long after the bake began.
    fn step(&self, bake: &str, step: &str, elapsed: Duration);
    /// What a script on the machine writes, as it comes.
    fn output(&self, bake: &str, step: &str, elapsed: Duration, bytes: &[u8]);
}

/// A bake that has been planned. Nothing has been changed yet.
#[derive(Debug)]
pub struct Bake<'a> {
    request: Request<'a>,
    options: Options,
    /// Name of the image: `<base name> <unix seconds>`.
    pub image_name: String,
    /// Where it starts from.
    pub source: Image,
    /// Security group of the machine.
    group: String,
    /// Address of the repository host.
    repo: Option<String>,
}

/// An image that has been baked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Baked {
    /// Name.
    pub image_name: String,
    /// AMI id.
    pub image_id: String,
}

impl<'a> Bakery<'a> {
    /// Makes no call yet; what the bakes share is read by the first that needs it.
    pub fn new(
        config: &'a DiscoAws,
        directory: &'a ConfigDir,
        baker: &'a str,
        version: &'a str,
        ssh: &'a SshSettings,
    ) -> Self {
        Self {
            config,
            directory,
            baker,
            version,
            ssh,
            facts: facts::Facts::default(),
        }
    }
}
