//! Deploying: which image comes next, and bringing it into service beside or inside the group that serves (spec 50, sections
//! 11 to 16).
//!
//! `frame` is the whole of one run. `choose` picks the image (pure) from what `running` reads, `parameters` says what its
//! deployment is and `limits` how long it waits (pure), `listing` lists images; `machine` is the transition table of blue/green
//! (pure), `drive` executes it and `waits` waits for hosts; `groups` makes, admits, retires and removes groups; `rolling` replaces the hosts inside the
//! group; `remote` runs integration tests and leaves testing mode; `recovery` finds what interrupted deployments have left.

pub mod choose;
pub mod drive;
mod frame;
pub mod groups;
mod limits;
pub mod listing;
pub mod machine;
pub mod parameters;
pub mod recovery;
pub mod remote;
pub mod rolling;
mod running;
mod waits;

pub use frame::{Ending, Options, Place, run};
pub use limits::Limits;
pub use parameters::{Deployment, Strategy};

use crate::config::{ConfigDir, DiscoAws, DiscoVpc};
use crate::environment::Vpc;
use crate::group::Clouds;
use crate::host::remote::SshSettings;
use crate::plan::{Interrupt, Progress};

/// Takes what tests and commands on hosts print, as it comes.
pub type Output<'a> = &'a (dyn Fn(&[u8]) + Send + Sync);

/// Where a deployment takes place, and with what.
#[derive(Clone)]
pub struct Site<'a> {
    /// AWS and Spotinst.
    pub clouds: Clouds<'a>,
    /// Hostclass configuration.
    pub config: &'a DiscoAws,
    /// Environment configuration.
    pub vpc_config: &'a DiscoVpc,
    /// Configuration directory.
    pub directory: &'a ConfigDir,
    /// Environment.
    pub env: &'a str,
    /// Its VPC.
    pub vpc: &'a Vpc,
    /// Who deploys, for tags.
    pub owner: &'a str,
    /// Options of ssh.
    pub ssh: &'a SshSettings,
    /// What the operator sees.
    pub progress: &'a dyn Progress,
    /// Gets what integration tests print.
    pub output: Output<'a>,
    /// Ctrl-C.
    pub interrupt: &'a Interrupt,
}
