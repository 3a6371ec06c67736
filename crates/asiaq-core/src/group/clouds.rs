//! The two services that run groups.

use crate::aws::Aws;
use crate::spotinst::Spotinst;

/// AWS, and Spotinst if it is enabled.
#[derive(Debug, Clone, Copy)]
pub struct Clouds<'a> {
    /// AWS.
    pub aws: &'a Aws,
    /// Spotinst, for the account of the environment; `None` if it is disabled. Its groups are then invisible.
    pub spotinst: Option<&'a Spotinst>,
}
