//! Finding and reading configuration files (spec 10, section 2; overview, section 5).
//!
//! The only file of this room that touches the disk, and only by reading. It knows no ini section or option.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::diagnostic::{ConfigError, ConfigErrors, Location};
use super::ini::Ini;

/// Subfolder of the configuration directory that may hold the ini files.
const INI_FOLDER: &str = "config";

/// The configuration directory: the value of `ASIAQ_CONFIG`, else the working directory.
#[derive(Debug, Clone)]
pub struct ConfigDir {
    root: PathBuf,
}

impl ConfigDir {
    /// Takes the value of `ASIAQ_CONFIG` as given. Unset means `.`; empty means the same, but paths are then
    /// shown without `./`.
    pub fn new(asiaq_config: Option<&OsStr>) -> Self {
        ConfigDir {
            root: PathBuf::from(asiaq_config.unwrap_or(OsStr::new("."))),
        }
    }

    /// The directory itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The path of a file or directory of the configuration. An absolute path stands for itself. Files
    /// ending in `.ini` are also looked for in the subfolder `config`.
    ///
    /// # Errors
    /// `Config path not found: <path>`, or a path that cannot be looked at.
    pub fn locate(&self, relative: &str) -> Result<PathBuf, ConfigError> {
        self.search(relative)?
            .ok_or_else(|| self.not_found(relative))
    }

    /// As [`ConfigDir::locate`], and if it is not there, in the working directory (spec 10, section 2).
    ///
    /// # Errors
    /// It is in neither, or a path cannot be looked at.
    pub fn locate_or_here(&self, relative: &str) -> Result<PathBuf, ConfigError> {
        if let Some(found) = self.search(relative)? {
            return Ok(found);
        }
        let here = ConfigDir::new(None).search(relative)?;
        here.ok_or_else(|| self.not_found(relative))
    }

    /// Reads an ini file.
    ///
    /// # Errors
    /// A file that is missing or cannot be read, or all its syntax errors.
    pub fn ini(&self, name: &str) -> Result<Ini, ConfigErrors> {
        let found = self.ini_if_present(name)?;
        found.ok_or_else(|| self.not_found(name).into())
    }

    /// Reads an ini file whose absence is normal.
    ///
    /// # Errors
    /// A file that exists but cannot be read, or all its syntax errors.
    pub fn ini_if_present(&self, name: &str) -> Result<Option<Ini>, ConfigErrors> {
        let Some(path) = self.search(name)? else {
            return Ok(None);
        };
        let shown = path.display().to_string();
        let text = std::fs::read(&path).map_err(|error| unreadable(&shown, &error))?;
        Ini::parse(&shown, &text).map(Some)
    }

    fn search(&self, relative: &str) -> Result<Option<PathBuf>, ConfigError> {
        for path in self.candidates(relative) {
            match path.try_exists() {
                Ok(true) => return Ok(Some(path)),
                Ok(false) => {}
                Err(error) => return Err(unreadable(&path.display().to_string(), &error)),
            }
        }
        Ok(None)
    }

    fn candidates(&self, relative: &str) -> Vec<PathBuf> {
        let mut paths = vec![self.root.join(relative)];
        if relative.ends_with(".ini") {
            paths.push(self.root.join(INI_FOLDER).join(relative));
        }
        paths.dedup();
        paths
    }

    fn not_found(&self, relative: &str) -> ConfigError {
        let path = self.root.join(relative);
        let folder = if relative.ends_with(".ini") {
            format!(", or put the file into its subfolder `{INI_FOLDER}`")
        } else {
            String::new()
        };
        ConfigError::new(format!("Config path not found: {}", path.display())).with_hint(format!(
            "set `ASIAQ_CONFIG` to the configuration directory (default: the working directory){folder}"
        ))
    }
}

fn unreadable(path: &str, error: &std::io::Error) -> ConfigError {
    ConfigError::new(format!("cannot read this file: {error}")).at(Location::file(path))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use std::fs;

    use super::*;

    fn tree(files: &[&str]) -> (tempfile::TempDir, ConfigDir) {
        let root = tempfile::tempdir().unwrap();
        for name in files {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, format!("[s]\nname={name}\n")).unwrap();
        }
        let dir = ConfigDir::new(Some(root.path().as_os_str()));
        (root, dir)
    }

    #[test]
    fn the_directory_comes_before_its_config_folder() {
        let (root, dir) = tree(&[
            "a.ini",
            "config/a.ini",
            "config/b.ini",
            "config/rds/c.ini",
            "init/x.sh",
        ]);
        for (name, found) in [
            ("a.ini", "a.ini"),
            ("b.ini", "config/b.ini"),
            ("rds/c.ini", "config/rds/c.ini"),
            ("init/x.sh", "init/x.sh"),
            ("init", "init"),
        ] {
            assert_eq!(dir.locate(name).unwrap(), root.path().join(found), "{name}");
        }
        assert_eq!(
            dir.ini("b.ini").unwrap().get("s", "name").unwrap().value,
            "config/b.ini"
        );
        assert_eq!(
            dir.ini("b.ini").unwrap().file(),
            root.path().join("config/b.ini").to_str().unwrap()
        );
    }

    #[test]
    fn only_ini_files_are_looked_for_in_the_config_folder() {
        let (_root, dir) = tree(&["config/x.sh"]);
        assert!(dir.locate("x.sh").is_err());
        assert!(
            !dir.locate("x.sh")
                .unwrap_err()
                .hint
                .unwrap()
                .contains("subfolder")
        );
    }

    #[test]
    fn missing_paths_are_named_as_joined() {
        let missing = "no_such_file.ini";
        for (given, shown) in [
            (None, format!("./{missing}")),
            (Some(""), missing.to_owned()),
            (Some("/no/such/dir"), format!("/no/such/dir/{missing}")),
            (Some("/no/such/dir/"), format!("/no/such/dir/{missing}")),
        ] {
            let dir = ConfigDir::new(given.map(OsStr::new));
            let error = dir.locate(missing).unwrap_err();
            assert_eq!(error.to_string(), format!("Config path not found: {shown}"));
            let hint = error.hint.unwrap();
            assert!(
                hint.contains("ASIAQ_CONFIG") && hint.contains("`config`"),
                "{hint}"
            );
            assert_eq!(
                dir.ini(missing).unwrap_err().to_string(),
                format!("Config path not found: {shown}")
            );
            assert!(dir.ini_if_present(missing).unwrap().is_none());
        }
    }

    #[test]
    fn an_absolute_path_replaces_the_directory() {
        let (root, _) = tree(&["a.ini"]);
        let dir = ConfigDir::new(Some(OsStr::new("/no/such/dir")));
        let path = root.path().join("a.ini");
        assert_eq!(dir.locate(path.to_str().unwrap()).unwrap(), path);
        assert_eq!(
            dir.locate("/no/such/file").unwrap_err().problem,
            "Config path not found: /no/such/file"
        );
    }

    #[test]
    fn the_working_directory_comes_second() {
        let (root, dir) = tree(&["src/x"]);
        let found = |name: &str| dir.locate_or_here(name).unwrap();
        assert_eq!(found("src"), root.path().join("src"));
        assert_eq!(found("src/lib.rs"), Path::new("./src/lib.rs"));
        let error = dir.locate_or_here("no/such").unwrap_err();
        let first = root.path().join("no/such");
        assert_eq!(
            error.problem,
            format!("Config path not found: {}", first.display())
        );
    }

    #[test]
    fn what_cannot_be_read_is_an_error_not_an_empty_file() {
        let (root, dir) = tree(&["folder.ini/x"]);
        let error = dir.ini_if_present("folder.ini").unwrap_err().to_string();
        let path = root.path().join("folder.ini");
        assert!(
            error.starts_with(&format!("{}: cannot read this file: ", path.display())),
            "{error}"
        );
    }

    #[test]
    fn syntax_errors_name_file_and_line() {
        let (root, dir) = tree(&[]);
        fs::write(root.path().join("a.ini"), "[s]\nk=1\nwrong\n").unwrap();
        let error = dir.ini("a.ini").unwrap_err().to_string();
        let path = root.path().join("a.ini");
        assert!(
            error.starts_with(&format!("{}:3: syntax error", path.display())),
            "{error}"
        );
        assert!(Path::new(&path).exists());
    }
}
