//! A target in memory that carries out plans as the disk does, and sources from a few words.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

/// Source files have these times; what is made in the target gets others.
const SOURCE_TIMES: Times = Times {
    accessed: (1, 1),
    modified: (2, 2),
};
const NOW: Times = Times {
    accessed: (9, 9),
    modified: (9, 9),
};

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node {
    Directory(Meta),
    File(Meta, String),
    Link(PathBuf),
    Special,
}

impl Node {
    pub(super) fn directory(uid: u32, gid: u32, mode: u32) -> Self {
        Self::Directory(Meta {
            uid,
            gid,
            mode,
            times: NOW,
        })
    }

    pub(super) fn file(uid: u32, gid: u32, mode: u32, text: &str) -> Self {
        Self::File(
            Meta {
                uid,
                gid,
                mode,
                times: NOW,
            },
            text.to_owned(),
        )
    }
}

/// Users and groups `root` 0 and `games` 5, and those that plans make.
#[derive(Debug)]
pub(super) struct Model {
    pub(super) root: PathBuf,
    pub(super) nodes: BTreeMap<PathBuf, Node>,
    made: BTreeMap<String, u32>,
    /// Contents of the source of the last plan, by path.
    contents: RefCell<BTreeMap<PathBuf, String>>,
}

impl Model {
    pub(super) fn new(root: &str) -> Self {
        let mut model = Self::missing(root);
        model.put("", Node::directory(0, 0, 0o755));
        model
    }

    pub(super) fn missing(root: &str) -> Self {
        Self {
            root: root.into(),
            nodes: BTreeMap::new(),
            made: BTreeMap::new(),
            contents: RefCell::default(),
        }
    }

    pub(super) fn put(&mut self, path: &str, node: Node) {
        self.nodes.insert(path.into(), node);
    }

    pub(super) fn file(&self, path: &str) -> Meta {
        match self.nodes.get(Path::new(path)) {
            Some(Node::Directory(meta) | Node::File(meta, _)) => *meta,
            other => panic!("{path}: {other:?}"),
        }
    }

    pub(super) fn disturb(&mut self, path: &str) {
        self.change(Path::new(path), |meta| meta.times = NOW);
    }

    /// Hostclasses are separated by spaces.
    pub(super) fn plan(&self, source: &Texts, hostclasses: &str) -> Result<Plan, AcfgError> {
        self.contents.replace(source.contents.clone());
        let hostclasses: Vec<String> = hostclasses.split(' ').map(str::to_owned).collect();
        let request = Request {
            source: &source.source,
            shown: Path::new("D"),
            hostclasses: &hostclasses,
        };
        super::super::plan(&request, self, self)
    }

    pub(super) fn problems(&self, source: &Texts) -> Vec<String> {
        match self.plan(source, "x") {
            Err(AcfgError::Refused(problems)) => problems.iter().map(Problem::to_string).collect(),
            other => panic!("{other:?}"),
        }
    }

    fn change(&mut self, path: &Path, change: impl FnOnce(&mut Meta)) {
        match self.nodes.get_mut(path) {
            Some(Node::Directory(meta) | Node::File(meta, _)) => change(meta),
            other => panic!("{}: {other:?}", path.display()),
        }
    }

    /// Whatever is made lies in a real directory: no link on the way is followed.
    fn make(&mut self, path: &Path, node: Node) {
        if let Some(parent) = path.parent() {
            for ancestor in parent.ancestors() {
                let found = self.nodes.get(ancestor);
                assert!(
                    matches!(found, Some(Node::Directory(_))),
                    "{}",
                    path.display()
                );
            }
            self.change(parent, |meta| meta.times = NOW);
        }
        self.nodes.insert(path.to_owned(), node);
    }

    fn ids(&self, owner: &Owner) -> (u32, u32) {
        let user = self.user(&owner.user).unwrap();
        let group = self.group(&owner.group).unwrap();
        let number = |text: &str| text.parse().expect("an account that exists");
        (
            user.unwrap_or_else(|| number(&owner.user)),
            group.unwrap_or_else(|| number(&owner.group)),
        )
    }

    pub(super) fn apply(&mut self, plan: &Plan) {
        for step in plan.steps() {
            match step {
                Step::Group(name) => drop(self.made.insert(format!("g {name}"), 100)),
                Step::User(owner) => {
                    let group = self.group(&owner.group).unwrap();
                    assert!(group.is_some() || owner.group.parse::<u32>().is_ok());
                    self.made.insert(format!("u {}", owner.user), 101);
                }
                Step::Directory(path) => self.make(path, Node::directory(0, 0, 0o700)),
                Step::Copy {
                    from,
                    to,
                    owner,
                    mode,
                } => {
                    let ids = owner.as_ref().map(|owner| self.ids(owner));
                    let old = match self.nodes.get(to) {
                        Some(Node::File(meta, _)) => (meta.uid, meta.gid),
                        None => (0, 0),
                        other => panic!("{}: {other:?}", to.display()),
                    };
                    let (uid, gid) = ids.unwrap_or(old);
                    let text = self.contents.borrow()[from].clone();
                    self.make(to, Node::file(uid, gid, *mode, &text));
                }
                Step::Link { at, to } => {
                    let old = self.nodes.get(at);
                    assert!(!matches!(old, Some(Node::Directory(_) | Node::Special)));
                    self.make(at, Node::Link(to.clone()));
                }
                Step::Own { path, owner, mode } => {
                    let (uid, gid) = self.ids(owner);
                    self.change(path, |meta| {
                        (meta.uid, meta.gid, meta.mode) = (uid, gid, *mode);
                    });
                }
                Step::Mode { path, mode } => self.change(path, |meta| meta.mode = *mode),
                Step::Times { path, times } => self.change(path, |meta| meta.times = *times),
            }
        }
    }
}

impl Target for Model {
    fn root(&self) -> &Path {
        &self.root
    }

    fn look(&self, path: &Path) -> Result<Found, AcfgError> {
        Ok(match self.nodes.get(path) {
            None => Found::Missing,
            Some(Node::Directory(meta)) => Found::Directory(*meta),
            Some(Node::File(meta, _)) => Found::File(*meta),
            Some(Node::Link(to)) => Found::Link(to.clone()),
            Some(Node::Special) => Found::Special,
        })
    }

    fn same(&self, from: &Path, path: &Path) -> Result<bool, AcfgError> {
        match self.nodes.get(path) {
            Some(Node::File(_, text)) => Ok(self.contents.borrow()[from] == *text),
            other => panic!("{}: {other:?}", path.display()),
        }
    }
}

impl Accounts for Model {
    fn user(&self, name: &str) -> Result<Option<u32>, AcfgError> {
        self.number("u", name)
    }

    fn group(&self, name: &str) -> Result<Option<u32>, AcfgError> {
        self.number("g", name)
    }
}

impl Model {
    fn number(&self, kind: &str, name: &str) -> Result<Option<u32>, AcfgError> {
        Ok(match name {
            "root" => Some(0),
            "games" => Some(5),
            _ => self.made.get(&format!("{kind} {name}")).copied(),
        })
    }
}

/// A source and the contents of its files.
#[derive(Debug)]
pub(super) struct Texts {
    pub(super) source: Source,
    contents: BTreeMap<PathBuf, String>,
}

/// Directories as `PATH MODE`; files as `PATH MODE TEXT`, links as `PATH -> TO`.
pub(super) fn source(folders: &[&str], files: &[&str], metadata: Option<&str>) -> Texts {
    let octal = |text: &str| u32::from_str_radix(text, 8).unwrap();
    let mut all: BTreeMap<PathBuf, Folder> = BTreeMap::new();
    let mut contents = BTreeMap::new();
    let root = Folder {
        mode: 0o755,
        times: SOURCE_TIMES,
        ..Folder::default()
    };
    all.insert(PathBuf::new(), root);
    for folder in folders {
        let (path, mode) = folder.split_once(' ').unwrap();
        let path = PathBuf::from(path);
        let parent = all.get_mut(path.parent().unwrap()).unwrap();
        parent
            .directories
            .insert(path.file_name().unwrap().to_owned());
        let (mode, times) = (octal(mode), SOURCE_TIMES);
        let folder = Folder {
            path: path.clone(),
            mode,
            times,
            ..Folder::default()
        };
        all.insert(path, folder);
    }
    for file in files {
        let mut words = file.splitn(3, ' ');
        let path = PathBuf::from(words.next().unwrap());
        let (mode, text) = (words.next().unwrap(), words.next().unwrap());
        let entry = if mode == "->" {
            Entry::Link(text.into())
        } else {
            Entry::File(octal(mode))
        };
        let parent = all.get_mut(path.parent().unwrap()).unwrap();
        parent
            .files
            .insert(path.file_name().unwrap().to_owned(), entry);
        contents.insert(Path::new("S").join(path), text.to_owned());
    }
    let source = Source {
        root: "S".into(),
        folders: all.into_values().collect(),
        metadata: metadata.map(|text| text.as_bytes().to_vec()),
    };
    Texts { source, contents }
}

/// The lines at level Info (and `W ` Warning).
pub(super) fn lines(plan: &Plan) -> Vec<String> {
    let told = plan.items.iter().filter(|item| item.level != Level::Debug);
    told.map(|item| match item.level {
        Level::Warning => format!("W {}", item.text),
        _ => item.text.clone(),
    })
    .collect()
}

/// All names used by a source, for tests that make trees at random.
pub(super) fn names(source: &Source) -> BTreeSet<PathBuf> {
    let folders = source.folders.iter();
    folders.map(|folder| folder.path.clone()).collect()
}
