//! Several bakes at once, and which hostclasses of a pipeline need one. The bakes themselves are [`Bakery`]'s; the rule of what is
//! stale is [`stale`]'s. All bakes are prepared before the first one is launched, and none stops another.

mod inputs;
pub mod stale;

use self::stale::{Made, Verdict};
use super::{Bake, Baked, Bakery, Request, Voice};
use crate::aws::Aws;
use crate::config::diagnostic::Problems;
use crate::config::{ConfigError, ConfigErrors, Location};
use crate::error::{Error, Result};
use crate::image::{self, Image, Trusted};
use crate::names::{self, tag};
use crate::pipeline::Pipeline;
use crate::plan::Interrupt;
use chrono::{DateTime, Utc};
use futures::StreamExt;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// How a bake of several ended.
#[derive(Debug)]
pub enum Fate {
    /// The image is made.
    Made(Baked),
    /// It failed, or Ctrl-C stopped it.
    Failed(Error),
    /// Ctrl-C came before its turn.
    NotStarted,
}

/// A bake of several that has ended.
#[derive(Debug)]
pub struct Finished {
    /// Hostclass.
    pub hostclass: String,
    /// Name of the image, whether it was made or not.
    pub image_name: String,
    /// How long it took.
    pub took: Duration,
    /// How it ended.
    pub fate: Fate,
}

/// A hostclass of a pipeline: what a bake would do, and whether one is needed.
#[derive(Debug)]
pub struct Candidate<'a> {
    /// Hostclass.
    pub hostclass: &'a str,
    /// The bake.
    pub bake: Bake<'a>,
    /// Whether it is needed, and why.
    pub verdict: Verdict,
}

/// Each name once, in the order of its first appearance.
pub fn once<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let mut seen = Vec::new();
    for name in names {
        if !seen.contains(&name) {
            seen.push(name);
        }
    }
    seen
}

/// Plans all of the images, concurrently. Changes nothing.
///
/// # Errors
/// Those of every image that cannot be planned; what is wrong for all of them is told once.
pub async fn prepare<'a>(
    bakery: &Bakery<'a>,
    aws: &Aws,
    requests: &[Request<'a>],
) -> Result<Vec<Bake<'a>>> {
    let planned = requests.iter().map(|request| bakery.prepare(aws, *request));
    let (mut bakes, mut errors) = (Vec::new(), Vec::<Error>::new());
    for result in futures::future::join_all(planned).await {
        match result {
            Ok(bake) => bakes.push(bake),
            Err(error) if errors.iter().any(|e| e.to_string() == error.to_string()) => {}
            Err(error) => errors.push(error),
        }
    }
    match Error::from_list(errors) {
        Some(error) => Err(error),
        None => Ok(bakes),
    }
}

/// Bakes them, at most `parallel` at once, in this order. `told` hears of each as it ends; the result is in the given order.
/// Bakes that run when Ctrl-C comes clean up, the others do not begin.
pub async fn run(
    bakery: &Bakery<'_>,
    aws: &Aws,
    bakes: &[&Bake<'_>],
    parallel: usize,
    interrupt: &Interrupt,
    voice: &dyn Voice,
    told: impl FnMut(&Finished),
) -> Vec<Finished> {
    let names: Vec<&str> = bakes.iter().map(|bake| bake.image_name.as_str()).collect();
    let work = async |index: usize| match bakes.get(index) {
        Some(bake) => bakery.run(aws, bake, interrupt, voice).await,
        None => Err(Error::refused("there is no such bake")),
    };
    drive(&names, parallel, interrupt, work, told).await
}

/// As [`run`], whatever a bake is: `work` gets the index of an image name.
async fn drive(
    names: &[&str],
    parallel: usize,
    interrupt: &Interrupt,
    work: impl AsyncFn(usize) -> Result<Baked>,
    mut told: impl FnMut(&Finished),
) -> Vec<Finished> {
    let _charge = interrupt.take_charge();
    let work = &work;
    let one = |(index, name): (usize, &&str)| {
        let image_name = (*name).to_owned();
        async move {
            let start = Instant::now();
            let fate = if interrupt.came() {
                Fate::NotStarted
            } else {
                match work(index).await {
                    Ok(baked) => Fate::Made(baked),
                    Err(error) => Fate::Failed(error),
                }
            };
            let finished = Finished {
                hostclass: names::hostclass_of_image(&image_name).to_owned(),
                image_name,
                took: start.elapsed(),
                fate,
            };
            (index, finished)
        }
    };
    let all: Vec<_> = names.iter().enumerate().map(one).collect();
    let mut running = futures::stream::iter(all).buffer_unordered(parallel.max(1));
    let mut ended = BTreeMap::new();
    while let Some((index, finished)) = running.next().await {
        told(&finished);
        ended.insert(index, finished);
    }
    ended.into_values().collect()
}

/// What to report after the last bake: `None` if all images are made. Failures come with their errors.
pub fn failures(ended: &[Finished]) -> Option<String> {
    let failed: Vec<String> = ended
        .iter()
        .filter_map(|finished| match &finished.fate {
            Fate::Failed(Error::Interrupted) => Some(format!("{}: stopped", finished.hostclass)),
            Fate::Failed(error) => Some(format!("{}: {error}", finished.hostclass)),
            Fate::NotStarted => Some(format!("{}: not started", finished.hostclass)),
            Fate::Made(_) => None,
        })
        .map(|line| format!("  {}", line.replace('\n', "\n    ")))
        .collect();
    (!failed.is_empty()).then(|| {
        let (count, of) = (failed.len(), ended.len());
        format!("{count} of {of} images not made:\n{}", failed.join("\n"))
    })
}

/// Whether Ctrl-C stopped a bake, or kept one from beginning.
pub fn is_interrupted(ended: &[Finished]) -> bool {
    let stopped = |fate: &Fate| matches!(fate, Fate::NotStarted | Fate::Failed(Error::Interrupted));
    ended.iter().any(|finished| stopped(&finished.fate))
}

/// The first remedy that an error of these names.
pub fn hint(ended: &[Finished]) -> Option<String> {
    ended.iter().find_map(|finished| match &finished.fate {
        Fate::Failed(error) => error.hint(),
        _ => None,
    })
}

/// The hostclasses of a pipeline in file order, each once. Rows that name their image by `ami` need none and are left out.
///
/// # Errors
/// Every row without a hostclass and an ami, every hostclass without an init script, every one that is a base image.
pub fn hostclasses<'a>(
    pipeline: &'a Pipeline,
    bakery: &Bakery<'_>,
) -> Result<Vec<&'a str>, ConfigErrors> {
    let tree = tree(bakery)?;
    let mut problems = Problems::default();
    let mut found = Vec::new();
    for row in pipeline.rows.iter().filter(|row| row.ami.is_none()) {
        problems.keep(row.check_identity(&pipeline.file));
        let Some(hostclass) = row.hostclass.as_deref().filter(|hc| !found.contains(hc)) else {
            continue;
        };
        found.push(hostclass);
        let place = Location {
            key: Some("hostclass".to_owned()),
            ..Location::line(&pipeline.file, row.line)
        };
        let phase = bakery.config.bake_option(Some(hostclass), "phase");
        let phase = problems.keep(phase).flatten();
        if phase.is_some_and(|phase| phase.value.trim() == "1") {
            let problem = format!("`{hostclass}` is a base image (phase 1)");
            let hint = format!("bake it with `disco_bake bake --hostclass {hostclass}`");
            problems.push(ConfigError::new(problem).at(place).with_hint(hint));
        } else if !tree.join("init").join(format!("{hostclass}.sh")).is_file() {
            let problem = format!("hostclass `{hostclass}` has no script init/{hostclass}.sh");
            let hint = format!("make one with `disco_bake create --hostclass {hostclass}`");
            problems.push(ConfigError::new(problem).at(place).with_hint(hint));
        }
    }
    problems.finish(Some(found))
}

/// Finds out which of the hostclasses need a bake. Changes nothing. The requests are for one hostclass each.
///
/// # Errors
/// As [`prepare`]; AWS refuses; a file cannot be read.
pub async fn candidates<'a>(
    bakery: &Bakery<'a>,
    aws: &Aws,
    requests: &[Request<'a>],
) -> Result<Vec<Candidate<'a>>> {
    let tree = tree(bakery)?;
    let trusted = Trusted::new(&bakery.config.trusted_account_ids()?);
    let hostclasses: Vec<&str> = requests.iter().filter_map(|r| r.hostclass).collect();
    let owned: Vec<String> = hostclasses.iter().map(|hc| (*hc).to_owned()).collect();
    let (bakes, images, files) = tokio::join!(
        prepare(bakery, aws, requests),
        image::of_hostclasses(aws, &trusted, &owned),
        inputs::read(&tree),
    );
    let (bakes, images, files) = (bakes?, images?, files?);
    let mut counted: Vec<Image> = bakes.iter().map(|bake| bake.source.clone()).collect();
    let newest = hostclasses.iter().map(|hc| stale::newest(&images, hc));
    let newest: Vec<Option<&Image>> = newest.collect();
    counted.extend(newest.iter().flatten().map(|image| (*image).clone()));
    let times = image::creation_times(aws, &counted).await?;
    let judged = hostclasses.into_iter().zip(bakes).zip(newest);
    let judged = judged.map(|((hostclass, bake), newest)| {
        let own = newest.map(|image| made(image, &times));
        let verdict = stale::judge(hostclass, own, made(&bake.source, &times), &files);
        Candidate {
            hostclass,
            bake,
            verdict,
        }
    });
    Ok(judged.collect())
}

fn made<'a>(image: &'a Image, times: &BTreeMap<String, DateTime<Utc>>) -> Made<'a> {
    Made {
        id: &image.id,
        name: &image.name,
        at: times
            .get(&image.id)
            .map(DateTime::timestamp)
            .unwrap_or_default(),
        source: image.tags.get(tag::SOURCE_AMI).map(String::as_str),
    }
}

/// The directory that a bake copies to the machine: `[bake] config_data_source`.
fn tree(bakery: &Bakery<'_>) -> Result<PathBuf, ConfigError> {
    let key = "config_data_source";
    let found = bakery.config.bake_option(None, key)?.ok_or_else(|| {
        ConfigError::new(format!("`{key}` is not set"))
            .at(bakery.config.ini().location("bake", Some(key)))
            .with_hint(format!(
                "set `{key}` in `[bake]` to the directory that holds init/ and discoroot/"
            ))
    })?;
    bakery.directory.locate(&found.value)
}

#[cfg(test)]
mod tests;
