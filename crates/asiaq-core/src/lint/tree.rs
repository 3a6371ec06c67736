//! Reading the tree: the only file of this room that touches the disk. What cannot be read is a problem with its path;
//! nothing is judged here. Files of `app_auth` hold secrets: only their names are read.

use crate::config::check::Problems;
use crate::config::{
    ConfigDir, ConfigError, ConfigErrors, DiscoAlarms, DiscoAws, DiscoRds, DiscoVpc, Ini, Location,
};
use asiaq_acfg::select::METADATA;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path, PathBuf};
use walkdir::WalkDir;

/// Larger files are not read: configuration is written by hand.
const LARGEST: u64 = 4 << 20;
/// Deeper folders are not looked into.
const DEEPEST: usize = 24;
/// More files of one folder are not looked at: a link may lead anywhere.
const MOST: usize = 100_000;
/// The files that hosts get.
const OVERLAY: &str = "discoroot";

/// What becomes of symbolic links below a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Links {
    /// They are content.
    Kept,
    /// They are followed anywhere: only names are looked at.
    Followed,
    /// They are followed within the configuration directory: files are read.
    Inside,
}

/// What was found below a folder; no directory.
#[derive(Debug)]
struct Seen {
    path: PathBuf,
    /// Its path in the folder.
    name: String,
    /// Whether it is an ordinary file, and no link where links are content.
    regular: bool,
    /// Whether it is a symbolic link itself.
    link: bool,
}

/// A file that was read.
#[derive(Debug, Clone)]
pub(super) struct File {
    /// Its path, for messages.
    pub(super) path: String,
    /// Its path in the folder that it was looked for in.
    pub(super) name: String,
    /// What is in it.
    pub(super) text: Vec<u8>,
}

/// A file whose content does not matter.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    /// Its path, for messages.
    pub(super) path: String,
    /// Its path in the folder that it was looked for in.
    pub(super) name: String,
    /// Whether it may be run.
    pub(super) executable: bool,
    /// Where it is.
    from: PathBuf,
    /// Whether it is an ordinary file, and no link where links are content.
    regular: bool,
}

/// A folder of `sandboxes`.
#[derive(Debug, Clone)]
pub(super) struct Sandbox {
    /// Path of the folder.
    pub(super) path: String,
    /// Name of the folder.
    pub(super) name: String,
    /// Its pipeline.
    pub(super) pipeline: Option<File>,
    /// Names of all its files.
    pub(super) files: Vec<String>,
}

/// Everything that is checked. A folder that is not there is `None` where that makes a difference.
#[derive(Debug, Clone, Default)]
pub(super) struct Tree {
    pub(super) aws: Option<DiscoAws>,
    pub(super) vpc: Option<DiscoVpc>,
    pub(super) alarms: Option<DiscoAlarms>,
    pub(super) rds: Option<DiscoRds>,
    pub(super) caches: Option<Ini>,
    pub(super) searches: Option<Ini>,
    pub(super) log_metrics: Option<Ini>,
    /// `rds/engine_specific`: database and file.
    pub(super) engines: Vec<(String, Ini)>,
    pub(super) pipelines: Vec<File>,
    pub(super) sandboxes: Vec<Sandbox>,
    pub(super) iam: Option<Vec<File>>,
    pub(super) documents: Option<Vec<File>>,
    /// `dynamodb`.
    pub(super) tables: Vec<File>,
    /// `datapipeline_templates`.
    pub(super) templates: Vec<File>,
    pub(super) init: Option<Vec<Entry>>,
    pub(super) app_auth: Vec<Entry>,
    /// Files of `discoroot`.
    pub(super) overlay: Vec<Entry>,
    /// `discoroot/acfg.metadata`.
    pub(super) metadata: Option<File>,
    /// Every `config.ini` of `discoroot`.
    pub(super) settings: Vec<File>,
    /// How many files were read or seen.
    files: usize,
}

impl Tree {
    /// Reads what is there.
    pub(super) fn read(dir: &ConfigDir, problems: &mut Problems) -> Self {
        let mut reader = Reader {
            dir,
            problems,
            files: 0,
        };
        let aws = reader.required("disco_aws.ini").map(DiscoAws::from_ini);
        let overlay = reader.overlay(aws.as_ref());
        let mut tree = Tree {
            aws,
            vpc: reader.required("disco_vpc.ini").map(DiscoVpc::from_ini),
            alarms: reader.ini("disco_alarms.ini").map(DiscoAlarms::from_ini),
            rds: reader.ini("disco_rds.ini").map(DiscoRds::from_ini),
            caches: reader.ini("disco_elasticache.ini"),
            searches: reader.ini("disco_elasticsearch.ini"),
            log_metrics: reader.ini("disco_log_metrics.ini"),
            engines: reader.engines(),
            pipelines: reader
                .locate("pipelines")
                .map(|top| reader.texts(&top, |name| name.ends_with(".csv")))
                .unwrap_or_default(),
            sandboxes: reader.sandboxes(),
            iam: reader
                .locate("iam")
                .map(|top| reader.texts(&top, |name| !is_prose(name))),
            documents: reader
                .locate("ssm/documents")
                .map(|top| reader.texts(&top, |name| name.ends_with(".ssm"))),
            tables: reader.folder("dynamodb", ".json"),
            templates: reader.folder("datapipeline_templates", ".json"),
            init: reader.entries("init"),
            app_auth: reader.entries("app_auth").unwrap_or_default(),
            overlay: overlay
                .as_deref()
                .map(|top| reader.entries_at(top, Links::Kept))
                .unwrap_or_default(),
            ..Tree::default()
        };
        let metadata = overlay.map(|top| top.join(METADATA));
        if let Some(path) = metadata.filter(|path| fs::symlink_metadata(path).is_ok()) {
            tree.metadata = reader.file(&path, METADATA);
        }
        for entry in &tree.overlay {
            // Links are not opened: what they lead to is on the hosts, not here.
            if entry.regular && entry.name.rsplit('/').next() == Some("config.ini") {
                tree.settings.extend(reader.file(&entry.from, &entry.name));
            }
        }
        tree.files = reader.files;
        tree
    }

    /// All pipelines: those of environments and those of sandboxes.
    pub(super) fn all_pipelines(&self) -> impl Iterator<Item = &File> {
        let own = self
            .sandboxes
            .iter()
            .filter_map(|own| own.pipeline.as_ref());
        self.pipelines.iter().chain(own)
    }

    /// What was looked at, in one line.
    pub(super) fn summary(&self) -> String {
        let number =
            |n: usize, one: &str, many: &str| format!("{n} {}", if n == 1 { one } else { many });
        let hostclasses = self.aws.as_ref().map_or(0, |aws| aws.hostclasses().len());
        let environments = self
            .vpc
            .as_ref()
            .map_or(0, |vpc| vpc.types().len() + vpc.environments().count());
        let documents = self.documents.as_ref().map_or(0, Vec::len);
        format!(
            "no problems: {}, with {}, {}, {}, {} and {}",
            number(self.files, "file", "files"),
            number(
                environments,
                "environment or type",
                "environments and types"
            ),
            number(hostclasses, "hostclass", "hostclasses"),
            number(self.all_pipelines().count(), "pipeline", "pipelines"),
            number(
                self.iam.as_ref().map_or(0, Vec::len),
                "file of IAM",
                "files of IAM"
            ),
            number(documents, "document", "documents"),
        )
    }
}

struct Reader<'a> {
    dir: &'a ConfigDir,
    problems: &'a mut Problems,
    files: usize,
}

impl Reader<'_> {
    fn wrong(&mut self, path: &Path, problem: String) {
        let place = Location::file(shown(path));
        self.problems.error(ConfigError::new(problem).at(place));
    }

    /// The place of a file or folder; `None` if it is not there.
    fn locate(&mut self, name: &str) -> Option<PathBuf> {
        // The tools look for these in the working directory too.
        let found = if matches!(name, "iam" | "ssm/documents" | "sandboxes") {
            self.dir.locate_or_here(name)
        } else {
            self.dir.locate(name)
        };
        match found {
            Ok(path) => Some(path),
            Err(error) if error.location.file.is_empty() => None,
            Err(error) => {
                self.problems.error(error);
                None
            }
        }
    }

    fn file(&mut self, path: &Path, name: &str) -> Option<File> {
        self.files += 1;
        match read(path) {
            Ok(text) => Some(File {
                path: shown(path),
                name: name.to_owned(),
                text,
            }),
            Err(problem) => {
                self.wrong(path, problem);
                None
            }
        }
    }

    /// The overlay, where bake looks for it: in `config_data_source`.
    fn overlay(&mut self, aws: Option<&DiscoAws>) -> Option<PathBuf> {
        let source = aws.and_then(|aws| aws.bake_option(None, "config_data_source").ok()?);
        let Some(source) = source else {
            return self.locate(OVERLAY);
        };
        let given = Path::new(source.value.trim()).join(OVERLAY);
        let parts = given.components();
        let name: PathBuf = parts.filter(|part| *part != Component::CurDir).collect();
        match self.dir.locate(&shown(&name)) {
            Ok(path) => return Some(path),
            Err(error) if !error.location.file.is_empty() => self.problems.error(error),
            // An absolute path may be one of the machine that bakes.
            Err(_) if name.is_absolute() => {}
            Err(_) => {
                let text = format!(
                    "there is no {}, without which nothing is baked",
                    shown(&name)
                );
                let error = ConfigError::new(text).at(source.location);
                self.problems.error(error);
            }
        }
        None
    }

    fn ini(&mut self, name: &str) -> Option<Ini> {
        let path = self.locate(name)?;
        self.ini_at(&path)
    }

    fn ini_at(&mut self, path: &Path) -> Option<Ini> {
        let file = self.file(path, "")?;
        match Ini::parse(&file.path, &file.text) {
            Ok(ini) => Some(ini),
            Err(errors) => {
                self.problems.errors(Some(errors));
                None
            }
        }
    }

    /// A file without which hardly any tool works.
    fn required(&mut self, name: &str) -> Option<Ini> {
        match self.dir.locate(name) {
            Err(error) if error.location.file.is_empty() => {
                let place = Location::file(shown(&self.dir.root().join(name)));
                self.problems.error(error.at(place));
                None
            }
            _ => self.ini(name),
        }
    }

    /// All files below a folder.
    fn walk(&mut self, top: &Path, links: Links) -> Vec<Seen> {
        let mut found = Vec::new();
        let walk = WalkDir::new(top)
            .follow_links(links != Links::Kept)
            .max_depth(DEEPEST);
        let mut walk = walk.sort_by_file_name().into_iter();
        while let Some(entry) = walk.next() {
            match entry {
                Ok(entry) if entry.depth() == 0 => {
                    // The top itself may be a link.
                    if !entry.path().is_dir() {
                        self.wrong(top, "a file stands where a directory should be".to_owned());
                        return Vec::new();
                    }
                }
                Ok(entry) if entry.file_type().is_dir() => {
                    let inside = links == Links::Inside && entry.path_is_symlink();
                    if inside && self.leaves(top, entry.path()) {
                        walk.skip_current_dir();
                    }
                }
                Ok(entry) if found.len() < MOST => {
                    let name = entry.path().strip_prefix(top).unwrap_or(entry.path());
                    found.push(Seen {
                        path: entry.path().to_path_buf(),
                        name: shown(name),
                        regular: entry.file_type().is_file(),
                        link: entry.path_is_symlink(),
                    });
                }
                Ok(_) => {
                    self.suspicious(
                        top,
                        format!("more than {MOST} files: the rest is not checked"),
                    );
                    break;
                }
                Err(error) => self.unreadable(top, links, &error),
            }
        }
        found
    }

    /// What a walk could not look at. Locks of editors are links that lead nowhere.
    fn unreadable(&mut self, top: &Path, links: Links, error: &walkdir::Error) {
        let path = error.path().unwrap_or(top).to_path_buf();
        let own = path.file_name().map(|name| name.to_string_lossy());
        if links != Links::Kept && own.is_some_and(|own| is_left_over(&own)) {
            return;
        }
        let problem = match (error.loop_ancestor(), error.io_error()) {
            (Some(back), _) => format!("this symbolic link leads back to {}", back.display()),
            (None, Some(error)) => format!("cannot read this: {error}"),
            (None, None) => "cannot read this".to_owned(),
        };
        self.wrong(&path, problem);
    }

    fn suspicious(&mut self, path: &Path, problem: String) {
        let place = Location::file(shown(path));
        self.problems.warning(ConfigError::new(problem).at(place));
    }

    /// Whether a link leads out of the configuration directory and of the folder that is walked. This is told.
    fn leaves(&mut self, top: &Path, path: &Path) -> bool {
        let Ok(target) = fs::canonicalize(path) else {
            return false;
        };
        let within = |folder: &Path| {
            // An empty path is the working directory.
            let folder = fs::canonicalize(Path::new(".").join(folder));
            folder.is_ok_and(|folder| target.starts_with(folder))
        };
        if within(self.dir.root()) || within(top) {
            return false;
        }
        let text = "this symbolic link leads out of the configuration directory: not checked";
        self.suspicious(path, text.to_owned());
        true
    }

    /// The files below a folder whose names are wanted, without what editors leave behind.
    fn texts(&mut self, top: &Path, wanted: impl Fn(&str) -> bool) -> Vec<File> {
        let mut files = self.walk(top, Links::Inside);
        files.retain(|seen| wanted(&seen.name) && !seen.name.split('/').any(is_left_over));
        files.retain(|seen| !seen.link || !self.leaves(top, &seen.path));
        files
            .iter()
            .filter_map(|seen| self.file(&seen.path, &seen.name))
            .collect()
    }

    /// The files of a folder itself whose names end so.
    fn folder(&mut self, name: &str, end: &str) -> Vec<File> {
        let Some(top) = self.locate(name) else {
            return Vec::new();
        };
        self.texts(&top, |name| name.ends_with(end) && !name.contains('/'))
    }

    fn entries(&mut self, name: &str) -> Option<Vec<Entry>> {
        let top = self.locate(name)?;
        Some(self.entries_at(&top, Links::Followed))
    }

    fn entries_at(&mut self, top: &Path, links: Links) -> Vec<Entry> {
        let files = self.walk(top, links);
        self.files += files.len();
        let entry = |seen: Seen| Entry {
            path: shown(&seen.path),
            name: seen.name,
            executable: fs::metadata(&seen.path)
                .is_ok_and(|meta| meta.permissions().mode() & 0o111 != 0),
            from: seen.path,
            regular: seen.regular,
        };
        files.into_iter().map(entry).collect()
    }

    /// Files of database parameters, in either place for ini files; the first place wins as everywhere.
    fn engines(&mut self) -> Vec<(String, Ini)> {
        let mut found: Vec<(String, Ini)> = Vec::new();
        for folder in ["rds/engine_specific", "config/rds/engine_specific"] {
            let Some(top) = self.locate(folder) else {
                continue;
            };
            for seen in self.walk(&top, Links::Inside) {
                let database = seen.name.strip_suffix(".ini");
                let Some(database) =
                    database.filter(|name| !name.contains('/') && !is_left_over(name))
                else {
                    continue;
                };
                if seen.link && self.leaves(&top, &seen.path) {
                    continue;
                }
                if found.iter().all(|(known, _)| known != database) {
                    let ini = self.ini_at(&seen.path);
                    found.extend(ini.map(|ini| (database.to_owned(), ini)));
                }
            }
        }
        found
    }

    fn sandboxes(&mut self) -> Vec<Sandbox> {
        let Some(top) = self.locate("sandboxes") else {
            return Vec::new();
        };
        let mut found: Vec<Sandbox> = Vec::new();
        for seen in self.walk(&top, Links::Inside) {
            let parts = seen.name.split_once('/');
            let Some((folder, rest)) = parts.filter(|(folder, _)| !is_left_over(folder)) else {
                continue;
            };
            if found.last().is_none_or(|last| last.name != folder) {
                found.push(Sandbox {
                    path: shown(&top.join(folder)),
                    name: folder.to_owned(),
                    pipeline: None,
                    files: Vec::new(),
                });
            }
            let own = rest == "pipeline.csv";
            let pipeline = (own && !(seen.link && self.leaves(&top, &seen.path)))
                .then(|| self.file(&seen.path, &seen.name))
                .flatten();
            if let Some(own) = found.last_mut() {
                own.pipeline = own.pipeline.take().or(pipeline);
                own.files.push(rest.to_owned());
            }
        }
        found
    }
}

/// What editors leave behind, and hidden files.
fn is_left_over(name: &str) -> bool {
    let saved = name.starts_with('#') && name.ends_with('#');
    saved || name.starts_with('.') || name.ends_with('~') || name.ends_with(".swp")
}

/// Texts for people.
fn is_prose(name: &str) -> bool {
    let own = name.rsplit('/').next().unwrap_or(name);
    let ends = [".md", ".rst", ".txt"];
    own.starts_with("README") || ends.iter().any(|end| own.ends_with(end))
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// The bytes of an ordinary file. Others are not opened: a pipe would never end.
fn read(path: &Path) -> Result<Vec<u8>, String> {
    let unreadable = |error: std::io::Error| format!("cannot read this file: {error}");
    let meta = fs::metadata(path).map_err(unreadable)?;
    if meta.is_dir() {
        return Err("a directory stands where a file should be".to_owned());
    }
    if !meta.is_file() {
        return Err("this is no ordinary file".to_owned());
    }
    if meta.len() > LARGEST {
        let size = meta.len();
        return Err(format!(
            "{size} bytes are too many: files of up to {LARGEST} are read"
        ));
    }
    fs::read(path).map_err(unreadable)
}

/// All problems of several checks of one thing.
pub(super) fn errors_of(result: Result<impl Sized, ConfigErrors>) -> Vec<ConfigError> {
    result.err().map(|errors| errors.0).unwrap_or_default()
}
