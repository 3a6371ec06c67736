//! A moto server for one test process: on a free port, gone with its owner. Writes no state file.

use std::path::PathBuf;
use std::process::Child;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::error::LocalError;
use crate::install::ensure_installed;
use crate::server::{self, Life};
use crate::settings::Settings;

/// Numbers the log files of one process.
static COUNT: AtomicU32 = AtomicU32::new(0);

/// A running server. Dropping it ends the server; so does the end of this process, even by SIGKILL.
#[derive(Debug)]
pub struct Endpoint {
    child: Child,
    url: String,
    log: PathBuf,
}

impl Endpoint {
    /// Starts a server on a free port (the port in `settings` is not looked at) and waits until it answers. Installs
    /// moto first if needed. The log lies in the state directory and is removed at the end.
    ///
    /// # Errors
    /// As for [`ensure_installed`], or the server does not start.
    pub fn start(settings: &Settings) -> Result<Self, LocalError> {
        let python = ensure_installed(settings, &mut |_| {})?;
        let directory = &settings.state_dir;
        std::fs::create_dir_all(directory).map_err(LocalError::file("cannot create", directory))?;
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let log = directory.join(format!("endpoint-{}-{number}.log", std::process::id()));
        match server::start(&python, 0, &log, Life::WithParent) {
            Ok(started) => Ok(Self {
                child: started.child,
                url: server::endpoint(started.port),
                log,
            }),
            Err(error) => {
                // Its last lines are in the error.
                let _ = std::fs::remove_file(&log);
                Err(error)
            }
        }
    }

    /// The URL, without a slash at its end.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The process id of the server.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Empties all accounts, so that one server can serve several cases in a row.
    ///
    /// # Errors
    /// The server does not answer.
    pub fn reset(&self) -> Result<(), LocalError> {
        crate::http::reset(&self.url)
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        // Nobody is left to report a failure to; the server also ends by itself with this process.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_file(&self.log);
    }
}
