//! Measuring: reads `/proc/meminfo` and runs the programs, all at the same time, each with a time limit. What
//! fails is logged and skipped: a host without `iostat` still tells how full its disks are.

use super::parse::{self, Values};
use super::{MetricGroup, Unit};
use rustix::process::{Pid, Signal, kill_process_group};
use std::process::Stdio;
use std::time::Duration;
use tokio::process::Command;

/// A program that takes longer, such as `df` on a dead mount, is given up.
const LIMIT: Duration = Duration::from_secs(10);

/// Measures everything. Groups without a metric are left out.
pub async fn collect() -> Vec<MetricGroup> {
    let queues = ["sudo", "-n", "rabbitmqctl", "list_queues"];
    let (queues, cpu, disks) = tokio::join!(
        measured(&queues, LIMIT, parse::rabbitmq, Nothing::IsFine),
        measured(&["iostat", "-c"], LIMIT, parse::iostat, Nothing::IsOdd),
        measured(&["df", "-P", "-l"], LIMIT, parse::df, Nothing::IsFine),
    );
    let (memory, free) = memory();
    let free = free.map(|share| ("%MemFree".to_owned(), share));
    let group = |namespace, unit, metrics| MetricGroup {
        namespace,
        unit,
        metrics,
    };
    let mut groups = vec![
        group("RabbitMQ", Unit::Count, queues),
        group("EC2/Memory", Unit::Megabytes, memory),
        group("EC2/Memory", Unit::Percent, free.into_iter().collect()),
        group("EC2/CPU", Unit::Percent, cpu),
        group("EC2/Disk", Unit::Percent, disks),
    ];
    groups.retain(|group| !group.metrics.is_empty());
    groups
}

fn memory() -> (Values, Option<f64>) {
    match std::fs::read_to_string("/proc/meminfo") {
        Ok(text) => parse::meminfo(&text),
        Err(error) => {
            tracing::warn!("/proc/meminfo cannot be read: {error}; its metrics are skipped");
            (Vec::new(), None)
        }
    }
}

/// What it means if a program succeeds and says nothing that is a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Nothing {
    IsFine,
    IsOdd,
}

/// The values that a program prints. Its exit code counts only if there are none: `df` fails for one broken
/// mount among many.
async fn measured(
    argv: &[&str],
    limit: Duration,
    read: fn(&str) -> Values,
    nothing: Nothing,
) -> Values {
    let ran = tokio::time::timeout(limit, output(argv)).await;
    let problem = match ran {
        Ok(Ok((text, problem))) => {
            let values = read(&text);
            match problem {
                None if values.is_empty() && nothing == Nothing::IsOdd => {
                    "its output cannot be read".to_owned()
                }
                Some(problem) if values.is_empty() => problem,
                _ => return values,
            }
        }
        Ok(Err(error)) => error.to_string(),
        Err(_) => format!("no end after {} s", limit.as_secs()),
    };
    tracing::warn!("`{}`: {problem}; its metrics are skipped", argv.join(" "));
    Vec::new()
}

/// Kills a program with all that it started, whatever happens to us.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            // It fails only if nobody of the group is left.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

/// Runs a program to its end: what it printed, and how it failed if it did.
async fn output(argv: &[&str]) -> std::io::Result<(String, Option<String>)> {
    let (program, arguments) = argv.split_first().unwrap_or((&"", &[]));
    let child = Command::new(program)
        .args(arguments)
        // Numbers with a point, and column titles that we know.
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()?;
    let pid = child.id().and_then(|id| i32::try_from(id).ok());
    let mut group = Group(pid.and_then(Pid::from_raw));
    let done = child.wait_with_output().await?;
    // It has ended, so its number may be another's by now.
    group.0 = None;
    let problem = (!done.status.success()).then(|| {
        let told = String::from_utf8_lossy(&done.stderr);
        let last = told.lines().rev().find(|line| !line.trim().is_empty());
        match last {
            Some(line) => format!("{}: {}", done.status, line.trim()),
            None => done.status.to_string(),
        }
    });
    Ok((String::from_utf8_lossy(&done.stdout).into_owned(), problem))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    fn run<F: Future>(future: F) -> F::Output {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(future)
    }

    #[test]
    fn a_program_is_run_in_the_plain_locale() {
        let (text, problem) = run(output(&["sh", "-c", "echo $LC_ALL; cat"])).unwrap();
        assert_eq!((text.as_str(), problem), ("C\n", None));
        let (text, problem) =
            run(output(&["sh", "-c", "echo some; echo why >&2; exit 3"])).unwrap();
        assert_eq!(
            (text.as_str(), problem.as_deref()),
            ("some\n", Some("exit status: 3: why"))
        );
        assert!(run(output(&["no-such-program-anywhere"])).is_err());
    }

    #[test]
    fn what_is_printed_counts_even_if_the_program_fails() {
        let df = "echo '/dev/sda1 1 1 1 7% /'; echo 'df: /mnt: Input/output error' >&2; exit 1";
        let values = run(measured(
            &["sh", "-c", df],
            LIMIT,
            parse::df,
            Nothing::IsFine,
        ));
        assert_eq!(values, [("/dev/sda1".to_owned(), 7.0)]);
        let values = run(measured(
            &["sh", "-c", "exit 1"],
            LIMIT,
            parse::df,
            Nothing::IsFine,
        ));
        assert_eq!(values, []);
        let hangs = ["sh", "-c", "echo '/dev/sda1 1 1 1 7% /'; sleep 300"];
        let limit = Duration::from_millis(50);
        let start = std::time::Instant::now();
        let values = run(measured(&hangs, limit, parse::df, Nothing::IsFine));
        assert_eq!(values, []);
        assert!(start.elapsed() < Duration::from_secs(100));
    }

    #[test]
    fn memory_of_this_machine() {
        let (values, free) = memory();
        assert_eq!(values.len(), 4);
        assert!(free.is_some_and(|share| share > 0.0 && share <= 100.0));
    }

    /// A program that is given up is killed with its children.
    #[test]
    fn nothing_survives_the_time_limit() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("pid");
        let script = format!("sleep 300 & echo $! > {}; wait", file.display());
        let argv = ["sh", "-c", &script];
        run(async {
            let started = async {
                while std::fs::read_to_string(&file)
                    .unwrap_or_default()
                    .is_empty()
                {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            };
            tokio::select! {
                ended = output(&argv) => panic!("{ended:?}"),
                () = started => {}
            }
        });
        let pid = std::fs::read_to_string(&file).unwrap();
        let status =
            || std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
        for _ in 0..400 {
            let status = status();
            if status.is_empty() || status.contains(") Z") {
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        panic!("{}", status());
    }
}
