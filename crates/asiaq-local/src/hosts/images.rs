//! What images hold: the files of the hosts from which they were made, as layers. An image of CreateImage has a copy of the
//! host's own files over the layers of the host's image; a copied image has the layers of its source.

use crate::error::LocalError;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Failed readings of an image's content, one per round, after which it counts as lost.
const ATTEMPTS: u32 = 10;

/// An image as EC2 lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Image {
    pub(crate) id: String,
    /// The instance that CreateImage was called for.
    pub(crate) instance: Option<String>,
    /// The image that it is a copy of.
    pub(crate) copy_of: Option<String>,
}

/// What an image of an instance is made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Source {
    /// The files that the host wrote, if it ever ran.
    pub(crate) files: Option<PathBuf>,
    pub(crate) below: Below,
}

/// What lies below the files of a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Below {
    /// These layers.
    Layers(Vec<PathBuf>),
    /// Those of this image.
    Image(String),
}

/// The layers of all images that have any.
#[derive(Debug, Default)]
pub(crate) struct Images {
    /// Holds the layers, in a directory each.
    root: PathBuf,
    /// Holds layers that others made, in a directory per image id.
    seeds: PathBuf,
    known: BTreeMap<String, Vec<PathBuf>>,
    /// Images whose content could not be read.
    gaps: BTreeMap<String, Gap>,
    /// Why layers could not be removed, as it was last said.
    stuck: Option<String>,
}

/// Content that is not there.
#[derive(Debug)]
struct Gap {
    /// How often it was tried to read it.
    attempts: u32,
    /// Why it failed.
    problem: String,
}

impl Images {
    pub(crate) fn new(root: PathBuf, seeds: PathBuf) -> Self {
        Self {
            root,
            seeds,
            known: BTreeMap::new(),
            gaps: BTreeMap::new(),
            stuck: None,
        }
    }

    /// The layers of an image, topmost first. An image that was registered without content has none; one whose content
    /// could not be read is an error, for a host without it would be another host.
    pub(crate) fn layers(&mut self, image: &str) -> Result<Vec<PathBuf>, LocalError> {
        if let Some(layers) = self.known.get(image) {
            return Ok(layers.clone());
        }
        let seed = self.seeds.join(image);
        if image.is_empty() || !seed.is_dir() {
            return match self.gaps.get(image) {
                Some(gap) => Err(LocalError::hosts(
                    format!("content of image {image}"),
                    &gap.problem,
                )),
                None => Ok(Vec::new()),
            };
        }
        let copied = self.root.join(image);
        // Still there for a host, though its image is not listed.
        let layer = if copied.is_dir() {
            copied
        } else {
            self.copy(&seed, image)?
        };
        let layers = vec![layer];
        self.known.insert(image.to_owned(), layers.clone());
        Ok(layers)
    }

    /// Those that have to be read from their source now, in the given order.
    pub(crate) fn missing<'a>(&self, images: &'a [Image]) -> Vec<&'a Image> {
        let has_source = |image: &&Image| image.instance.is_some() || image.copy_of.is_some();
        let unknown = |image: &&Image| !self.known.contains_key(&image.id);
        let open = |image: &&Image| !self.is_lost(&image.id);
        let missing = images.iter().filter(has_source).filter(unknown);
        missing.filter(open).collect()
    }

    /// Whether an image's content will not come any more.
    pub(crate) fn is_lost(&self, image: &str) -> bool {
        let gap = self.gaps.get(image);
        gap.is_some_and(|gap| gap.attempts >= ATTEMPTS)
    }

    /// Gives up those of the images that were made from instances: their hosts were never here.
    pub(crate) fn lose(&mut self, images: &[Image]) {
        for image in images {
            if self.seeds.join(&image.id).is_dir() {
                // Laid out by somebody; what cannot be copied now is tried again when it is used.
                let _ = self.layers(&image.id);
                continue;
            }
            let gone = image.instance.is_some();
            let copied = image.copy_of.as_ref();
            if gone || copied.is_some_and(|of| self.gaps.contains_key(of)) {
                let problem = "it was made before these hosts were started, and is lost".to_owned();
                let gap = Gap {
                    attempts: ATTEMPTS,
                    problem,
                };
                self.gaps.insert(image.id.clone(), gap);
            }
        }
    }

    /// Follows the list of images: reads new ones from their `sources` (by instance id), forgets old ones, and removes layers
    /// that neither an image nor a host (`used`) needs. What fails is said, and tried again in the next round.
    pub(crate) fn follow(
        &mut self,
        images: &[Image],
        sources: &BTreeMap<String, Source>,
        used: &BTreeSet<PathBuf>,
    ) {
        let missing: Vec<Image> = self.missing(images).into_iter().cloned().collect();
        for image in missing {
            let source = image.instance.as_ref().and_then(|id| sources.get(id));
            let result = match (source, &image.copy_of) {
                (Some(source), _) => self.capture(&image.id, source),
                (None, Some(of)) => self.inherit(&image.id, of),
                (None, None) => Err(LocalError::hosts(
                    format!("image {}", image.id),
                    "the instance that it was made from is gone",
                )),
            };
            match result {
                Ok(()) => drop(self.gaps.remove(&image.id)),
                Err(problem) => self.note_gap(&image.id, problem.to_string()),
            }
        }
        let stuck = self.forget(images, used).err();
        let stuck = stuck.map(|problem| problem.to_string());
        if let Some(problem) = stuck.as_ref().filter(|_| stuck != self.stuck) {
            tracing::warn!("{problem}");
        }
        self.stuck = stuck;
    }

    fn note_gap(&mut self, image: &str, problem: String) {
        let gap = self.gaps.entry(image.to_owned()).or_insert(Gap {
            attempts: 0,
            problem: String::new(),
        });
        gap.attempts += 1;
        // The same again need not be said.
        if gap.problem != problem {
            tracing::warn!("image {image}: {problem}");
            gap.problem = problem;
        }
        if gap.attempts == ATTEMPTS {
            tracing::warn!("image {image}: its content is given up");
        }
    }

    /// Keeps what an instance's host holds now as the content of an image.
    fn capture(&mut self, image: &str, source: &Source) -> Result<(), LocalError> {
        let mut layers = match &source.below {
            Below::Layers(layers) => layers.clone(),
            Below::Image(image) => self.layers(image)?,
        };
        if let Some(files) = &source.files {
            let copy = self.copy(files, image)?;
            forget_host_keys(&copy)?;
            layers.insert(0, copy);
        }
        self.known.insert(image.to_owned(), layers);
        Ok(())
    }

    /// A copied image holds what its source does.
    fn inherit(&mut self, image: &str, source: &str) -> Result<(), LocalError> {
        let layers = self.layers(source)?;
        self.known.insert(image.to_owned(), layers);
        Ok(())
    }

    /// Forgets images that are gone, and removes layers that nothing needs.
    fn forget(&mut self, images: &[Image], used: &BTreeSet<PathBuf>) -> Result<(), LocalError> {
        let listed = |id: &String| images.iter().any(|image| image.id == *id);
        self.known.retain(|id, _| listed(id));
        self.gaps.retain(|id, _| listed(id));
        let kept: BTreeSet<&PathBuf> = self.known.values().flatten().chain(used).collect();
        let problem = || LocalError::file("cannot read", &self.root);
        for entry in fs::read_dir(&self.root).map_err(problem())? {
            let layer = entry.map_err(problem())?.path();
            if !kept.contains(&layer) {
                fs::remove_dir_all(&layer).map_err(LocalError::file("cannot remove", layer))?;
            }
        }
        Ok(())
    }

    /// Copies a tree with everything that overlayfs keeps in it. Files that go away meanwhile are left out: the host lives.
    fn copy(&self, from: &Path, image: &str) -> Result<PathBuf, LocalError> {
        let to = self.root.join(image);
        let output = Command::new("cp")
            .env("LC_ALL", "C")
            .arg("-a")
            .arg("--")
            .args([from, &to])
            .output()
            .map_err(|source| LocalError::Spawn {
                program: "cp".to_owned(),
                source,
            })?;
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        let went = |line: &str| line.ends_with("No such file or directory");
        let complete = to.is_dir() && !said.is_empty() && said.lines().all(went);
        if output.status.success() || complete {
            return Ok(to);
        }
        // Half a copy must not count as one.
        let _ = fs::remove_dir_all(&to);
        Err(LocalError::hosts(format!("files of image {image}"), said))
    }
}

/// Each host makes its own; an image that carried them would give all its hosts the same.
fn forget_host_keys(layer: &Path) -> Result<(), LocalError> {
    let Ok(entries) = fs::read_dir(layer.join("etc/ssh")) else {
        return Ok(());
    };
    for entry in entries.flatten() {
        if entry
            .file_name()
            .as_encoded_bytes()
            .starts_with(b"ssh_host_")
        {
            let path = entry.path();
            fs::remove_file(&path).map_err(LocalError::file("cannot remove", path))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
