#![allow(clippy::unwrap_used, clippy::expect_used)]
use super::*;
use std::time::Instant;
use tokio::sync::Semaphore;

fn shell(script: &str) -> Vec<String> {
    ["/bin/sh", "-c", script].map(str::to_owned).to_vec()
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

fn output_of(script: &str) -> (Finished, Vec<u8>) {
    let mut output = Vec::new();
    let finished = runtime()
        .block_on(run(&shell(script), None, None, &mut output))
        .unwrap();
    (finished, output)
}

fn exists(pid: &str) -> bool {
    let state = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // A zombie is dead; nobody in a test waits for orphans.
    !state.is_empty() && !state.contains(") Z ")
}

fn gone_soon(pid: &str) {
    let start = Instant::now();
    while exists(pid) {
        assert!(start.elapsed() < Duration::from_secs(5), "{pid} still runs");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn both_streams_come_in_the_order_in_which_they_were_written() {
    let script = "for n in 1 2 3 4 5 6 7 8 9; do echo o$n; echo e$n >&2; done; exit 7";
    let (finished, output) = output_of(script);
    let expected: String = (1..10).map(|n| format!("o{n}\ne{n}\n")).collect();
    assert_eq!(String::from_utf8(output).unwrap(), expected);
    assert_eq!(finished.status, 7);
}

#[test]
fn stdin_is_empty_and_a_signal_is_a_failure_of_ssh() {
    assert_eq!(output_of("cat").1, b"");
    assert_eq!(output_of("kill -9 $$").0.status, 255);
}

#[test]
fn much_output_on_both_streams_is_complete() {
    let (finished, output) =
        output_of("head -c 3000000 /dev/zero & head -c 3000000 /dev/zero >&2; wait; exit 0");
    assert_eq!((finished.status, output.len()), (0, 6_000_000));
}

#[test]
fn a_child_that_keeps_the_pipe_is_not_waited_for_and_does_not_stay() {
    let start = Instant::now();
    let (finished, output) = output_of("sleep 60 & echo $!; exit 3");
    assert_eq!(finished.status, 3);
    assert!(start.elapsed() < Duration::from_secs(20));
    gone_soon(String::from_utf8(output).unwrap().trim());
}

#[test]
fn a_child_that_keeps_writing_does_not_put_off_the_end() {
    let start = Instant::now();
    let (finished, output) = output_of("while :; do echo y; sleep 0.1; done & echo $!; exit 3");
    assert_eq!(finished.status, 3);
    assert!(start.elapsed() < Duration::from_secs(20));
    gone_soon(
        String::from_utf8(output)
            .unwrap()
            .lines()
            .find(|line| *line != "y")
            .unwrap(),
    );
}

/// How long a script holds the only place of those that connect, and whether it still ran then.
fn held_by(script: &str, until_output: bool) -> (Duration, bool) {
    runtime().block_on(async {
        let places = Semaphore::new(1);
        let place = places.acquire().await.unwrap();
        let connecting = Connecting {
            place,
            until_output,
        };
        let (words, mut output, start) = (shell(script), Vec::<u8>::new(), Instant::now());
        tokio::select! {
            biased;
            _ = run(&words, None, Some(connecting), &mut output) => {
                // It is free when the process has ended.
                assert_eq!(places.available_permits(), 1);
                (start.elapsed(), false)
            }
            _ = places.acquire() => (start.elapsed(), true),
        }
    })
}

#[test]
fn a_place_is_held_until_output_or_the_end_or_for_a_while() {
    let table = [
        ("echo x; sleep 60", true, false, true),
        ("echo x; sleep 60", false, true, true),
        ("sleep 60", true, true, true),
        ("exit 255", true, false, false),
    ];
    for (script, until_output, whole, still_runs) in table {
        let (held, runs) = held_by(script, until_output);
        assert_eq!(
            (held >= CONNECTING, runs),
            (whole, still_runs),
            "{script}: {held:?}"
        );
    }
}

#[test]
fn the_time_limit_ends_the_process_and_its_children() {
    let mut output = Vec::new();
    let limit = Some(Duration::from_millis(500));
    let script = "sleep 60 & echo $! $$; wait";
    let error = runtime()
        .block_on(run(&shell(script), limit, None, &mut output))
        .unwrap_err();
    assert!(matches!(error, Error::Timeout { .. }), "{error}");
    let output = String::from_utf8(output).unwrap();
    assert_eq!(output.split_whitespace().count(), 2, "{output}");
    output.split_whitespace().for_each(gone_soon);
}

#[test]
fn dropping_the_future_kills_what_it_started() {
    let mut output = Vec::new();
    runtime().block_on(async {
        let words = shell("sleep 60 & echo $! $$; wait");
        let running = run(&words, None, None, &mut output);
        let _ = timeout(Duration::from_millis(500), running).await;
    });
    let output = String::from_utf8(output).unwrap();
    assert_eq!(output.split_whitespace().count(), 2, "{output}");
    output.split_whitespace().for_each(gone_soon);
}

#[test]
fn what_cannot_be_started_is_named() {
    let words = ["/no/such/ssh".to_owned()];
    let error = runtime()
        .block_on(run(&words, None, None, &mut Vec::new()))
        .unwrap_err();
    assert!(error.to_string().contains("cannot start `/no/such/ssh`"));
    assert!(error.hint().is_some());
}
