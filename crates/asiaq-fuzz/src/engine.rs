//! The loop: take an input, change it, run it, keep it if something new came out.

use crate::minimise::minimise;
use crate::mutate::mutate;
use crate::outcome::{self, Outcome};
use crate::{Rng, Signature, Target, corpus};
use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// At most this many inputs are alive in one job.
const LIVING: usize = 4096;
/// How often the watch looks at the jobs.
const WATCH: Duration = Duration::from_millis(250);
/// How often a line of progress is printed.
const PROGRESS: Duration = Duration::from_secs(10);
/// Exit code if an input never ends.
const HANGS: i32 = 3;

/// What a run is asked for.
#[derive(Debug, Clone)]
pub struct Options {
    /// Inputs to run, all jobs together.
    pub executions: u64,
    /// Decides everything.
    pub seed: u64,
    /// Threads.
    pub jobs: usize,
    /// Longest time for one input.
    pub limit: Duration,
    /// Where inputs that fail are written.
    pub failures: Option<PathBuf>,
    /// Where inputs with a new signature are written.
    pub keep: Option<PathBuf>,
    /// Print progress on stderr.
    pub progress: bool,
    /// From this execution of all jobs on, each input is written before it is run, into one file for each job: an input that
    /// ends the program is then the last one.
    pub trace: Option<u64>,
}

/// What came of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Inputs that were run.
    pub executions: u64,
    /// Signatures that were seen by the job that saw most.
    pub signatures: usize,
    /// At most one per job: a job ends with its first one.
    pub failures: Vec<Failure>,
}

/// An input for which something does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What does not hold.
    pub message: String,
    /// The input, made smaller.
    pub input: Vec<u8>,
    /// The file with it.
    pub file: Option<PathBuf>,
}

/// What a job is doing, for the watch.
#[derive(Debug, Default)]
struct Slot {
    since: Option<Instant>,
    input: Vec<u8>,
}

struct Shared<'a> {
    target: &'a Target,
    options: &'a Options,
    done: AtomicU64,
    /// A job failed or all are done.
    over: AtomicBool,
    slots: Vec<Mutex<Slot>>,
}

/// Runs the inputs of the corpus, then changed ones.
pub fn fuzz(target: &Target, inputs: &[Vec<u8>], options: &Options) -> Report {
    let jobs = options.jobs.max(1);
    let shared = Shared {
        target,
        options,
        done: AtomicU64::new(0),
        over: AtomicBool::new(false),
        slots: (0..jobs).map(|_| Mutex::default()).collect(),
    };
    let results: Vec<(usize, Option<Failure>)> = std::thread::scope(|scope| {
        let shared = &shared;
        let spawn = |index| scope.spawn(move || Job::new(shared, index).work(inputs));
        let threads: Vec<_> = (0..jobs).map(spawn).collect();
        let watch = scope.spawn(|| shared.watch());
        let joined = threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_default());
        let results = joined.collect();
        shared.over.store(true, Ordering::Relaxed);
        watch.thread().unpark();
        results
    });
    Report {
        executions: shared.done.load(Ordering::Relaxed),
        signatures: results.iter().map(|(seen, _)| *seen).max().unwrap_or(0),
        failures: results
            .into_iter()
            .filter_map(|(_, failure)| failure)
            .collect(),
    }
}

impl Shared<'_> {
    /// Prints progress, and ends the program if an input does not end.
    fn watch(&self) {
        let start = Instant::now();
        let mut told = start;
        while !self.over.load(Ordering::Relaxed) {
            std::thread::park_timeout(WATCH);
            for slot in &self.slots {
                let slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
                // An input that ends late is reported by its job; one that takes twice as long may never end.
                let late = slot
                    .since
                    .is_some_and(|since| since.elapsed() > self.options.limit * 2);
                if late {
                    let place = self.save(&slot.input);
                    eprintln!("{}: an input does not end: {place:?}", self.target.name);
                    std::process::exit(HANGS);
                }
            }
            if self.options.progress && told.elapsed() >= PROGRESS {
                told = Instant::now();
                let done = self.done.load(Ordering::Relaxed);
                let rate = done / start.elapsed().as_secs().max(1);
                eprintln!(
                    "{}: {done} executions, {rate} per second (seed {})",
                    self.target.name, self.options.seed
                );
            }
        }
    }

    /// Writes what a job is about to run, if that is wanted.
    fn trace(&self, job: usize, input: &[u8]) {
        let from = self.options.trace;
        if from.is_none_or(|from| self.done.load(Ordering::Relaxed) < from) {
            return;
        }
        let Some(directory) = &self.options.failures else {
            return;
        };
        let path = directory.join(format!("{}-last-{job}", self.target.name));
        let written =
            std::fs::create_dir_all(directory).and_then(|()| std::fs::write(&path, input));
        if let Err(error) = written {
            eprintln!("cannot write `{}`: {error}", path.display());
        }
    }

    fn save(&self, input: &[u8]) -> Option<PathBuf> {
        let directory = self.options.failures.as_ref()?;
        let prefix = format!("{}-", self.target.name);
        match corpus::write(directory, &prefix, input) {
            Ok(path) => Some(path),
            Err(error) => {
                eprintln!("cannot write to `{}`: {error}", directory.display());
                None
            }
        }
    }
}

struct Job<'a> {
    shared: &'a Shared<'a>,
    index: usize,
    rng: Rng,
    seen: HashSet<Signature>,
    living: Vec<Vec<u8>>,
}

impl<'a> Job<'a> {
    fn new(shared: &'a Shared<'a>, index: usize) -> Self {
        let mut seeds = Rng::new(shared.options.seed);
        let seed = (0..=index)
            .map(|_| seeds.number())
            .last()
            .unwrap_or_default();
        Self {
            shared,
            index,
            rng: Rng::new(seed),
            seen: HashSet::new(),
            living: Vec::new(),
        }
    }

    /// How many signatures were seen, and what failed.
    fn work(mut self, inputs: &[Vec<u8>]) -> (usize, Option<Failure>) {
        let jobs = u64::try_from(self.shared.slots.len()).unwrap_or(1);
        let share = self.shared.options.executions / jobs;
        for input in inputs {
            if let Some(failure) = self.try_one(input.clone()) {
                return (self.seen.len(), Some(failure));
            }
        }
        for _ in 0..share {
            if self.shared.over.load(Ordering::Relaxed) {
                break;
            }
            let input = self.next_input();
            if let Some(failure) = self.try_one(input) {
                self.shared.over.store(true, Ordering::Relaxed);
                return (self.seen.len(), Some(failure));
            }
        }
        (self.seen.len(), None)
    }

    /// A new input, or a living one that is changed.
    fn next_input(&mut self) -> Vec<u8> {
        let target = self.shared.target;
        let mut input = if self.living.is_empty() || self.rng.once_in(8) {
            (target.make)(&mut self.rng).into_bytes()
        } else {
            self.one_of_the_living()
        };
        if !self.rng.once_in(16) {
            let other = self.one_of_the_living();
            mutate(&mut self.rng, &mut input, target.words, &other);
        }
        input
    }

    fn one_of_the_living(&mut self) -> Vec<u8> {
        let at = self.rng.below(self.living.len());
        self.living.get(at).cloned().unwrap_or_default()
    }

    fn try_one(&mut self, input: Vec<u8>) -> Option<Failure> {
        match self.run(&input) {
            Outcome::Fine(signature) => {
                if self.seen.insert(signature) {
                    self.keep(input);
                }
                None
            }
            Outcome::Panic(message) => {
                let panics = |input: &[u8]| match self.run(input) {
                    Outcome::Panic(message) => Some(message),
                    _ => None,
                };
                let small = minimise(&input, panics);
                let file = self.shared.save(&small);
                Some(Failure {
                    message,
                    input: small,
                    file,
                })
            }
            Outcome::Slow(took) => Some(Failure {
                message: format!("took {took:?}"),
                file: self.shared.save(&input),
                input,
            }),
        }
    }

    fn run(&self, input: &[u8]) -> Outcome {
        let shared = self.shared;
        shared.trace(self.index, input);
        let slot = shared.slots.get(self.index);
        let set = |since: Option<Instant>| {
            if let Some(slot) = slot {
                let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
                slot.since = since;
                slot.input.clear();
                slot.input.extend_from_slice(input);
            }
        };
        set(Some(Instant::now()));
        let outcome = outcome::run(shared.target, input, shared.options.limit);
        set(None);
        shared.done.fetch_add(1, Ordering::Relaxed);
        outcome
    }

    fn keep(&mut self, input: Vec<u8>) {
        if let Some(directory) = &self.shared.options.keep {
            let directory = directory.join(self.shared.target.name);
            if let Err(error) = corpus::write(&directory, "", &input) {
                eprintln!("cannot write to `{}`: {error}", directory.display());
            }
        }
        if self.living.len() < LIVING {
            self.living.push(input);
        } else {
            let at = self.rng.below(LIVING);
            if let Some(old) = self.living.get_mut(at) {
                *old = input;
            }
        }
    }
}
