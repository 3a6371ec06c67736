//! Provisioning: pipeline rows become groups of hosts (spec 40, section 4).
//!
//! `ahead` checks what it can while the environment does not exist yet. `inputs` reads everything once and concurrently,
//! `resolve` finds out what each row means and `rows` turns it into the changes of balancer and group that it wants (both
//! pure), `run` shows or applies the plan sequence by sequence and waits for capacity and smoke tests in between.

mod ahead;
mod inputs;
mod purpose;
mod resolve;
mod rows;
mod run;
mod user_data;

pub use ahead::{Expected, look_ahead};
pub use purpose::Purpose;
pub use rows::Action;
pub use run::{Provision, RowPlan, SequencePlan, prepare, prepare_in};

use crate::config::{DiscoAws, DiscoVpc};
use crate::host::remote::SshSettings;
use crate::pipeline::Pipeline;

/// What an operator asks for.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// Hostclass configuration.
    pub config: &'a DiscoAws,
    /// Environment configuration, for stages and credential buckets.
    pub vpc_config: &'a DiscoVpc,
    /// Environment.
    pub env: &'a str,
    /// The rows.
    pub pipeline: &'a Pipeline,
    /// `--stage`: overrides the environment's `ami_stage`.
    pub stage: Option<&'a str>,
    /// Groups are marked as under test.
    pub testing: bool,
    /// Rows that ask for a smoke test are waited for.
    pub smoke_tests: bool,
    /// `--no-destroy`: failing hosts are not terminated by their own health check.
    pub keep_failing_hosts: bool,
    /// Groups that will be gone when the plan is applied: they are planned as if they were.
    pub leaving: Vec<String>,
    /// Which groups are meant, and what for.
    pub purpose: Purpose<'a>,
    /// Who runs the command.
    pub owner: &'a str,
    /// Options of ssh, where hosts are smoke tested by it.
    pub ssh: Option<SshSettings>,
}
