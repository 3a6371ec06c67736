//! Every input of the repository, a short run of every target, and the harness against targets that are wrong.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use asiaq_fuzz::{Options, Signature, Target, corpus, fuzz, targets};
use std::collections::BTreeSet;
use std::time::Duration;

fn options(executions: u64, seed: u64) -> Options {
    Options {
        executions,
        seed,
        jobs: 1,
        limit: Duration::from_secs(20),
        failures: None,
        keep: None,
        progress: false,
        trace: None,
    }
}

/// The inputs of a target in the repository.
fn inputs(target: &Target) -> Vec<Vec<u8>> {
    let read = corpus::read(&corpus::directory().join(target.name)).unwrap();
    read.into_iter().map(|(_, input)| input).collect()
}

#[test]
fn every_input_of_the_repository_and_a_short_run_of_every_target() {
    for target in targets() {
        let inputs = inputs(&target);
        assert!(
            inputs.len() >= 5,
            "{} has {} inputs",
            target.name,
            inputs.len()
        );
        let report = fuzz(&target, &inputs, &options(2000, 1));
        let failed: Vec<String> = report
            .failures
            .iter()
            .map(|failure| {
                format!(
                    "{}: {:?}",
                    failure.message,
                    String::from_utf8_lossy(&failure.input)
                )
            })
            .collect();
        assert_eq!(failed, [""; 0], "{}", target.name);
        assert!(report.executions >= 2000, "{}", target.name);
        assert!(
            report.signatures >= 5,
            "{} sees {} shapes",
            target.name,
            report.signatures
        );
    }
}

#[test]
fn every_directory_of_inputs_belongs_to_a_target() {
    let names: BTreeSet<&str> = targets().iter().map(|target| target.name).collect();
    assert_eq!(names.len(), targets().len(), "names are distinct");
    for entry in std::fs::read_dir(corpus::directory()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(names.contains(name.as_str()), "{name}");
    }
}

fn text(input: &[u8]) -> String {
    String::from_utf8_lossy(input).into_owned()
}

/// Wrong for an input with these three words in order, each of which alone gives a new signature.
fn wrong(input: &[u8]) -> Signature {
    let text = text(input);
    let mut rest = text.as_str();
    let mut found = 0;
    for word in ["one", "two", "three"] {
        if let Some((_, after)) = rest.split_once(word) {
            found += 1;
            rest = after;
        } else {
            break;
        }
    }
    assert!(found < 3, "all {found} words in {} bytes", text.len());
    Signature::of(found)
}

const WRONG: Target = Target {
    name: "wrong",
    run: wrong,
    words: &["one", "two", "three", "four"],
    make: |rng| rng.many(10, |rng| rng.pick(&["a", "b", "c"]).to_owned()),
};

#[test]
fn what_is_wrong_is_found_made_small_and_written() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options {
        failures: Some(dir.path().join("f")),
        keep: Some(dir.path().join("k")),
        ..options(200_000, 7)
    };
    let report = fuzz(&WRONG, &[], &options);
    assert_eq!(report.failures.len(), 1);
    let failure = &report.failures[0];
    assert_eq!(text(&failure.input), "onetwothree");
    assert!(
        failure.message.contains("all 3 words"),
        "{}",
        failure.message
    );
    assert!(failure.message.contains("fuzz.rs"), "{}", failure.message);
    assert!(
        report.executions < 200_000,
        "a run ends with its first failure"
    );
    let file = failure.file.as_ref().unwrap();
    assert_eq!(std::fs::read(file).unwrap(), failure.input);
    // One input for each of the three signatures.
    let kept = corpus::read(&dir.path().join("k/wrong")).unwrap();
    assert_eq!(kept.len(), 3);
}

#[test]
fn the_last_input_of_a_job_can_be_written_before_it_is_run() {
    const FINE: Target = Target {
        name: "fine",
        run: |_| Signature::of(0),
        words: &[],
        make: |_| String::new(),
    };
    let last = |trace| {
        let dir = tempfile::tempdir().unwrap();
        let options = Options {
            failures: Some(dir.path().to_owned()),
            trace,
            ..options(0, 1)
        };
        fuzz(&FINE, &[b"one".to_vec(), b"two".to_vec()], &options);
        std::fs::read(dir.path().join("fine-last-0")).ok()
    };
    assert_eq!(last(Some(1)), Some(b"two".to_vec()));
    assert_eq!(last(Some(2)), None);
    assert_eq!(last(None), None);
}

#[test]
fn the_seed_decides_everything() {
    let run = |seed, jobs| {
        let options = Options {
            jobs,
            ..options(3000, seed)
        };
        fuzz(&targets()[0], &[], &options)
    };
    assert_eq!(run(3, 1), run(3, 1));
    assert_eq!(run(3, 2), run(3, 2));
    let found: BTreeSet<usize> = (0..8).map(|seed| run(seed, 1).signatures).collect();
    assert!(found.len() > 1, "seeds differ");
}

#[test]
fn an_input_that_takes_too_long_is_a_failure() {
    const SLOW: Target = Target {
        name: "slow",
        run: |input| {
            if input.starts_with(b"slow") {
                std::thread::sleep(Duration::from_millis(60));
            }
            Signature::of(0)
        },
        words: &[],
        make: |_| String::new(),
    };
    let options = Options {
        limit: Duration::from_millis(50),
        ..options(10, 1)
    };
    let report = fuzz(&SLOW, &[b"fine".to_vec(), b"slowly".to_vec()], &options);
    assert_eq!(report.failures.len(), 1);
    assert_eq!(report.failures[0].input, b"slowly");
    assert!(report.failures[0].message.starts_with("took "));
}

#[test]
fn signatures_forget_numbers_and_what_is_quoted() {
    let same = ["`a` is not 5 hosts", "`other` is not 77 hosts"].map(Signature::error);
    assert_eq!(same[0], same[1]);
    assert_ne!(same[0], Signature::error("`a` is no host"));
    let counts: Vec<u32> = [0, 1, 4, 5, 7, 8, 9, 1000].map(Signature::count).to_vec();
    assert_eq!(counts[0..3], [0, 1, 4]);
    assert_eq!(counts[3], counts[4]);
    assert_ne!(counts[4], counts[5]);
    assert!(counts.is_sorted());
}

#[test]
fn panics_that_are_no_inputs_are_told_as_ever() {
    let report = fuzz(&WRONG, &[b"one two three".to_vec()], &options(0, 1));
    assert_eq!(report.failures.len(), 1);
    let outside = std::panic::catch_unwind(|| panic!("outside"));
    let message = outside.unwrap_err();
    assert_eq!(message.downcast_ref::<&str>(), Some(&"outside"));
}
