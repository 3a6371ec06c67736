//! Hosts on systems that cannot have them: says so.

use crate::error::LocalError;
use std::path::Path;

const MISSING: &str = "it needs Linux";

/// Whether hosts can run here.
///
/// # Errors
/// Always.
pub fn requirements() -> Result<(), String> {
    Err(MISSING.to_owned())
}

/// Keeps a host for every instance.
///
/// # Errors
/// Always.
pub async fn supervise(_endpoint: &str, _dir: &Path) -> Result<(), LocalError> {
    Err(missing())
}

/// Boots a host.
///
/// # Errors
/// Always.
pub fn boot(_file: &Path) -> Result<(), LocalError> {
    Err(missing())
}

fn missing() -> LocalError {
    LocalError::HostsMissing {
        missing: MISSING.to_owned(),
    }
}
