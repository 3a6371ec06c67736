//! Where the local cloud keeps its files and which port it takes. Reads environment variables, touches no file.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::error::LocalError;

/// The port of `asiaq local up` when `ASIAQ_LOCAL_PORT` is not set.
pub const DEFAULT_PORT: u16 = 5566;

/// Where things are and what to start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Holds the virtual environment; shared by everything this user runs.
    pub cache_dir: PathBuf,
    /// Holds the state file and logs of one local cloud.
    pub state_dir: PathBuf,
    /// Port on 127.0.0.1; 0 = any free one.
    pub port: u16,
    /// Command line of a companion process that [`crate::up`] starts beside the server and [`crate::down`] ends.
    /// It finds the endpoint, test keys and region in its environment, as [`crate::env_lines`] lists them.
    pub agent: Option<Vec<OsString>>,
    /// The program `asiaq`, if real hosts are to stand behind the instances.
    pub hosts: Option<PathBuf>,
}

impl Settings {
    /// Settings from the environment: cache in `$ASIAQ_CACHE_DIR`, else `$XDG_CACHE_HOME/asiaq`, else
    /// `~/.cache/asiaq`; state in `local` under it; port from `ASIAQ_LOCAL_PORT`, else [`DEFAULT_PORT`]; no agent, no
    /// hosts.
    /// Empty variables count as unset.
    ///
    /// # Errors
    /// No cache directory can be named, or the port is not a number.
    pub fn from_env() -> Result<Self, LocalError> {
        Self::from_lookup(|name| std::env::var_os(name))
    }

    fn from_lookup(lookup: impl Fn(&str) -> Option<OsString>) -> Result<Self, LocalError> {
        let get = |name: &str| lookup(name).filter(|value| !value.is_empty());
        // The XDG rules say that a relative path there is to be ignored.
        let xdg = || {
            get("XDG_CACHE_HOME")
                .map(PathBuf::from)
                .filter(|path| path.is_absolute())
        };
        let cache = get("ASIAQ_CACHE_DIR")
            .map(PathBuf::from)
            .or_else(|| xdg().map(|path| path.join("asiaq")))
            .or_else(|| get("HOME").map(|home| Path::new(&home).join(".cache/asiaq")))
            .ok_or(LocalError::NoCacheDir)?;
        let cache_dir =
            std::path::absolute(&cache).map_err(LocalError::file("cannot resolve", &cache))?;
        let port = match get("ASIAQ_LOCAL_PORT") {
            None => DEFAULT_PORT,
            Some(text) => {
                let value = text.to_string_lossy().into_owned();
                value
                    .trim()
                    .parse()
                    .map_err(|_| LocalError::BadPort { value })?
            }
        };
        Ok(Self {
            state_dir: cache_dir.join("local"),
            cache_dir,
            port,
            agent: None,
            hosts: None,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    fn settings(vars: &[(&str, &str)]) -> Result<Settings, LocalError> {
        Settings::from_lookup(|name| {
            vars.iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| OsString::from(value))
        })
    }

    #[test]
    fn the_cache_directory_follows_its_order_of_variables() {
        let all = [
            ("ASIAQ_CACHE_DIR", "/a"),
            ("XDG_CACHE_HOME", "/x"),
            ("HOME", "/h"),
        ];
        for (vars, want) in [
            (&all[..], "/a"),
            (&all[1..], "/x/asiaq"),
            (&all[2..], "/h/.cache/asiaq"),
            (
                &[("ASIAQ_CACHE_DIR", ""), ("HOME", "/h")][..],
                "/h/.cache/asiaq",
            ),
            (
                &[("XDG_CACHE_HOME", "relative"), ("HOME", "/h")][..],
                "/h/.cache/asiaq",
            ),
        ] {
            let found = settings(vars).unwrap();
            assert_eq!(found.cache_dir, Path::new(want), "{vars:?}");
            assert_eq!(found.state_dir, Path::new(want).join("local"), "{vars:?}");
            assert_eq!((found.port, found.agent), (DEFAULT_PORT, None));
        }
        assert!(matches!(settings(&[]), Err(LocalError::NoCacheDir)));
    }

    #[test]
    fn a_relative_cache_directory_is_made_absolute() {
        let found = settings(&[("ASIAQ_CACHE_DIR", "some/where")]).unwrap();
        assert_eq!(
            found.cache_dir,
            std::env::current_dir().unwrap().join("some/where")
        );
    }

    #[test]
    fn the_port_is_a_number_or_an_error_that_shows_the_text() {
        let with = |port| settings(&[("HOME", "/h"), ("ASIAQ_LOCAL_PORT", port)]);
        assert_eq!(with("0").unwrap().port, 0);
        assert_eq!(with("7000").unwrap().port, 7000);
        assert_eq!(with("").unwrap().port, DEFAULT_PORT);
        for bad in ["65536", "-1", "http"] {
            let error = with(bad).unwrap_err();
            assert!(error.to_string().contains(bad), "{error}");
            assert!(error.hint().is_some());
        }
    }
}
