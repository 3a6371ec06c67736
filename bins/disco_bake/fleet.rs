//! `disco_bake bake` of several images: which ones, what to say of each, and how it ended.

use super::bake::BakeArgs;
use asiaq_cli::{Failure, Outcome, Session};
use asiaq_core::aws::Aws;
use asiaq_core::image::bake::fleet::{self, Candidate, Fate, Finished};
use asiaq_core::image::bake::{Bake, Bakery, Request, Voice};
use asiaq_core::names;
use asiaq_core::pipeline::Pipeline;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Exit code after Ctrl-C.
const INTERRUPTED: u8 = 130;

/// How a bake ended, as JSON.
#[derive(Debug, Serialize)]
struct Ended<'a> {
    hostclass: &'a str,
    image_name: &'a str,
    image_id: Option<&'a str>,
    error: Option<String>,
    seconds: u64,
}

/// What is intended for a hostclass, as JSON.
#[derive(Debug, Serialize)]
struct Intended<'a> {
    hostclass: &'a str,
    bake: bool,
    text: String,
    image_name: Option<&'a str>,
    source: &'a str,
    steps: Vec<String>,
}

/// Bakes several images. `request` holds the options that all of them share.
///
/// # Errors
/// An image cannot be planned, and nothing is launched; an image was not made.
pub async fn bake(
    session: &Session,
    args: &BakeArgs,
    bakery: &Bakery<'_>,
    aws: &Aws,
    request: Request<'_>,
    dry_run: bool,
) -> Result<Outcome, Failure> {
    let bakes = match &args.pipeline {
        Some(file) => {
            let pipeline = Pipeline::read(file)?;
            let hostclasses = fleet::hostclasses(&pipeline, bakery)?;
            let requests = requests(&hostclasses, request);
            let candidates = fleet::candidates(bakery, aws, &requests).await?;
            return of_pipeline(session, args, bakery, aws, file, &candidates, dry_run).await;
        }
        None => {
            let hostclasses = fleet::once(args.hostclass.iter().map(String::as_str));
            fleet::prepare(bakery, aws, &requests(&hostclasses, request)).await?
        }
    };
    if dry_run {
        let shown: Vec<Intended> = bakes.iter().map(intended).collect();
        show(session, &shown);
        return Ok(Outcome::Success);
    }
    let bakes: Vec<&Bake> = bakes.iter().collect();
    launch(session, args, bakery, aws, &bakes).await
}

/// One request per hostclass.
fn requests<'a>(hostclasses: &[&'a str], request: Request<'a>) -> Vec<Request<'a>> {
    let one = |hostclass: &&'a str| Request {
        hostclass: Some(hostclass),
        ..request
    };
    hostclasses.iter().map(one).collect()
}

async fn of_pipeline(
    session: &Session,
    args: &BakeArgs,
    bakery: &Bakery<'_>,
    aws: &Aws,
    file: &Path,
    candidates: &[Candidate<'_>],
    dry_run: bool,
) -> Result<Outcome, Failure> {
    let shown: Vec<Intended> = candidates.iter().map(judged).collect();
    if dry_run {
        show(session, &shown);
        return Ok(Outcome::Success);
    }
    for one in &shown {
        session.inform(&one.text);
    }
    let needed = candidates.iter().filter(|one| one.verdict.is_bake());
    let bakes: Vec<&Bake> = needed.map(|one| &one.bake).collect();
    if bakes.is_empty() {
        session.inform(&format!("{}: nothing to bake", file.display()));
    }
    launch(session, args, bakery, aws, &bakes).await
}

async fn launch(
    session: &Session,
    args: &BakeArgs,
    bakery: &Bakery<'_>,
    aws: &Aws,
    bakes: &[&Bake<'_>],
) -> Result<Outcome, Failure> {
    let voice = Lines {
        session,
        pending: Mutex::default(),
    };
    let parallel = usize::from(args.parallel);
    let told = |finished: &Finished| {
        voice.finish(&finished.image_name);
        tell(session, finished);
    };
    let interrupt = session.interrupt();
    let ended = fleet::run(bakery, aws, bakes, parallel, interrupt, &voice, told).await;
    if session.printer.is_json() {
        let records: Vec<Ended> = ended.iter().map(record).collect();
        session.printer.json(&records);
    }
    let Some(text) = fleet::failures(&ended) else {
        return Ok(Outcome::Success);
    };
    if fleet::is_interrupted(&ended) {
        let hint = "run the same command again for those that were not made".to_owned();
        let failure = Failure::new(format!("interrupted: {text}"));
        return Err(failure.with_hint(Some(hint)).with_code(INTERRUPTED));
    }
    Err(Failure::new(text).with_hint(fleet::hint(&ended)))
}

/// The line of an image that is made goes to stdout, unless JSON is to follow there. Everything else is for people.
fn tell(session: &Session, finished: &Finished) {
    let seconds = finished.took.as_secs();
    match &finished.fate {
        Fate::Made(baked) => {
            if !session.printer.is_json() {
                let (name, id) = (&baked.image_name, &baked.image_id);
                session.printer.line(format!("Created {name} AMI {id}"));
            }
            session.inform(&format!("{}: made in {seconds} s", finished.hostclass));
        }
        Fate::Failed(error) => {
            let text = format!("{}: failed after {seconds} s: {error}", finished.hostclass);
            session.warn(&[text]);
        }
        Fate::NotStarted => {}
    }
}

fn record(finished: &Finished) -> Ended<'_> {
    let (image_id, error) = match &finished.fate {
        Fate::Made(baked) => (Some(baked.image_id.as_str()), None),
        Fate::Failed(error) => (None, Some(error.to_string())),
        Fate::NotStarted => (None, Some("not started".to_owned())),
    };
    Ended {
        hostclass: &finished.hostclass,
        image_name: &finished.image_name,
        image_id,
        error,
        seconds: finished.took.as_secs(),
    }
}

/// For a hostclass that was asked for by name.
fn intended<'a>(bake: &'a Bake<'_>) -> Intended<'a> {
    let hostclass = names::hostclass_of_image(&bake.image_name);
    let (name, source) = (&bake.source.name, &bake.source.id);
    Intended {
        hostclass,
        bake: true,
        text: format!("+ bake {hostclass}: from {name} ({source})"),
        image_name: Some(&bake.image_name),
        source,
        steps: bake.lines(),
    }
}

/// For a hostclass of a pipeline.
fn judged<'a>(one: &'a Candidate<'_>) -> Intended<'a> {
    let is_bake = one.verdict.is_bake();
    Intended {
        hostclass: one.hostclass,
        bake: is_bake,
        text: one.verdict.line(one.hostclass),
        image_name: is_bake.then_some(one.bake.image_name.as_str()),
        source: &one.bake.source.id,
        steps: if is_bake {
            one.bake.lines()
        } else {
            Vec::new()
        },
    }
}

/// A line per hostclass, its steps below it.
fn show(session: &Session, intended: &[Intended<'_>]) {
    session.printer.listing(intended, |one| {
        let steps = one.steps.iter().map(|step| format!("\n    {step}"));
        one.text.clone() + &steps.collect::<String>()
    });
}

/// What bakes say, line by line, each with the hostclass in front: lines of several machines come at once. Longer texts without a
/// line end wait for it.
struct Lines<'a> {
    session: &'a Session,
    pending: Mutex<BTreeMap<String, Pending>>,
}

/// What has come of a line so far, and what goes in front of it.
#[derive(Debug, Default)]
struct Pending {
    prefix: String,
    bytes: Vec<u8>,
}

impl Lines<'_> {
    /// Writes what is left of the last line.
    fn finish(&self, bake: &str) {
        let left = self.lock().remove(bake);
        if let Some(left) = left.filter(|left| !left.bytes.is_empty()) {
            self.write(&left.prefix, &left.bytes);
        }
    }

    fn write(&self, prefix: &str, bytes: &[u8]) {
        let text = String::from_utf8_lossy(bytes);
        let line = format!("{prefix}{}", text.trim_end());
        self.session.progress().say(&line);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Pending>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Voice for Lines<'_> {
    fn step(&self, bake: &str, step: &str, elapsed: Duration) {
        self.finish(bake);
        self.write(&prefix(bake, elapsed), format!("== {step}").as_bytes());
    }

    fn output(&self, bake: &str, step: &str, elapsed: Duration, bytes: &[u8]) {
        let mut all = self.lock();
        let pending = all.entry(bake.to_owned()).or_default();
        pending.prefix = format!("{}{step}: ", prefix(bake, elapsed));
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            pending.bytes.extend_from_slice(piece);
            if piece.ends_with(b"\n") {
                self.write(&pending.prefix, &pending.bytes);
                pending.bytes.clear();
            }
        }
    }
}

fn prefix(bake: &str, elapsed: Duration) -> String {
    let hostclass = names::hostclass_of_image(bake);
    format!("{hostclass} [{:.1} s] ", elapsed.as_secs_f64())
}
