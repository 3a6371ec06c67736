//! The configuration files that creating and updating look at, read in one go so that problems of all of them show
//! before anything is changed (spec 20, section 2).

use crate::config::{ConfigDir, ConfigErrors, DiscoAlarms, DiscoRds, DiscoVpc};

/// The files of a configuration directory that describe environments.
#[derive(Debug, Clone)]
pub struct Sources {
    /// `disco_vpc.ini`.
    pub vpc: DiscoVpc,
    /// `disco_alarms.ini`; a missing file is an empty one.
    pub alarms: DiscoAlarms,
    /// `disco_rds.ini`; a missing file is an empty one.
    pub rds: DiscoRds,
}

impl Sources {
    /// Reads the files.
    ///
    /// # Errors
    /// `disco_vpc.ini` is missing; any of the files cannot be read.
    pub fn load(dir: &ConfigDir) -> Result<Self, ConfigErrors> {
        Ok(Self {
            vpc: DiscoVpc::load(dir)?,
            alarms: DiscoAlarms::load(dir)?,
            rds: DiscoRds::load(dir)?,
        })
    }
}
