//! Whether an image is older than what it is made from, or made from another base image. Pure: times come from the caller, in unix
//! seconds.

use crate::image::Image;

/// Stage of images that failed their test.
const FAILED: &str = "failed";

/// A file of the configuration and when it changed last.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Changed {
    /// Path relative to the directory that a bake copies: `init/…` or `discoroot/…`.
    pub path: String,
    /// Unix seconds.
    pub at: i64,
}

/// An image and when it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Made<'a> {
    /// AMI id.
    pub id: &'a str,
    /// Name.
    pub name: &'a str,
    /// Unix seconds.
    pub at: i64,
    /// Id of the image that it was made from, if it says so.
    pub source: Option<&'a str>,
}

/// What is to become of a hostclass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Its image (the id) is newer than everything that it is made from.
    Keep(String),
    /// It needs a bake; the text says why.
    Bake(String),
}

impl Verdict {
    /// The line of a dry run.
    pub fn line(&self, hostclass: &str) -> String {
        match self {
            Self::Keep(id) => {
                format!("= {hostclass}: {id} is newer than everything it is made from")
            }
            Self::Bake(why) => format!("+ bake {hostclass}: {why}"),
        }
    }

    /// Whether a bake is needed.
    pub fn is_bake(&self) -> bool {
        matches!(self, Self::Bake(_))
    }
}

/// The image that counts: the newest available one that is not private, in any stage but `failed`.
///
/// Untested images count, or every run would bake again what waits for its test. Failed ones do not: what failed is to be baked
/// again until it passes, and an older image of another stage then decides alone. Every bake tags its image with a stage: one
/// without is of another account, whose tags nobody else sees, or not of a bake.
pub fn newest<'a>(images: &'a [Image], hostclass: &str) -> Option<&'a Image> {
    images
        .iter()
        .filter(|image| {
            image.hostclass() == hostclass
                && image.state == "available"
                && !image.is_private()
                && image.stage().is_some_and(|stage| stage != FAILED)
        })
        .max_by_key(|image| image.timestamp())
}

/// Whether the file goes into images of the hostclass. `path` is relative to the directory that a bake copies.
pub fn concerns(path: &str, hostclass: &str) -> bool {
    match path.split_once('/') {
        Some(("init", name)) => script_concerns(name, hostclass),
        Some(("discoroot", inner)) => file_concerns(inner, hostclass),
        _ => false,
    }
}

/// In `init/`: the script of the hostclass, and all that is of no single hostclass and not for base images only. So a file that
/// several scripts source counts for all of them.
fn script_concerns(name: &str, hostclass: &str) -> bool {
    if name.strip_suffix(".sh") == Some(hostclass) {
        return true;
    }
    let top = name
        .split_once('/')
        .map_or(name, |(directory, _)| directory);
    let is_template = top.starts_with("template");
    let is_document = top.ends_with(".md");
    let is_leftover = top.starts_with('.') || top.ends_with('~');
    let is_of_base_image = top.contains("phase1");
    !(top.starts_with("mhc") || is_template || is_document || is_leftover || is_of_base_image)
}

/// In `discoroot/`: files without `~suffix`, and those with the hostclass as suffix.
fn file_concerns(inner: &str, hostclass: &str) -> bool {
    let name = inner.rsplit_once('/').map_or(inner, |(_, name)| name);
    match name.split_once('~') {
        None => true,
        Some((_, suffix)) => suffix == hostclass,
    }
}

/// Judges a hostclass: its image, the base image that a bake would start from, and the files of the configuration.
///
/// A base image may be older than the image and reach its stage later, so its time counts only where the image does not
/// say what it was made from. A file that changed in the very second in which the bake began counts as in the image: it is
/// copied later than that.
pub fn judge(
    hostclass: &str,
    image: Option<Made<'_>>,
    base: Made<'_>,
    files: &[Changed],
) -> Verdict {
    let Some(image) = image else {
        return Verdict::Bake("there is no image".to_owned());
    };
    let (name, id) = (base.name, base.id);
    match image.source {
        Some(source) if source != id => {
            let why = format!("made from {source} and not from base image {name} ({id})");
            return Verdict::Bake(why);
        }
        None if image.at < base.at => {
            return Verdict::Bake(format!("base image {name} ({id}) is newer"));
        }
        _ => {}
    }
    let newer = || {
        files
            .iter()
            .filter(|file| image.at < file.at && concerns(&file.path, hostclass))
    };
    let Some(newest) = newer().max_by_key(|file| (file.at, std::cmp::Reverse(&file.path))) else {
        return Verdict::Keep(image.id.to_owned());
    };
    let path = &newest.path;
    Verdict::Bake(match newer().count() {
        1 => format!("{path} is newer"),
        count => format!("{path} is newer, and {} more", count - 1),
    })
}

#[cfg(test)]
mod tests;
