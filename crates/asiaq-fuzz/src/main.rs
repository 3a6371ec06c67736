//! `asiaq-fuzz`: runs targets for as long as one likes. See docs/fuzzing.md.

use asiaq_fuzz::{Options, Target, corpus, fuzz, targets};
use clap::Parser;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Feed everything that reads what people write with inputs that nobody wrote
#[derive(Debug, Parser)]
#[command(name = "asiaq-fuzz", version)]
struct Cli {
    /// Name of a target, or all
    target: String,
    /// Inputs to run for each target
    #[arg(long, default_value_t = 1_000_000)]
    executions: u64,
    /// Decides everything
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Threads
    #[arg(long, default_value_t = 1)]
    jobs: usize,
    /// Longest time for one input, in seconds
    #[arg(long, default_value_t = 10)]
    limit: u64,
    /// Where inputs that fail are written
    #[arg(long, default_value = "fuzz-failures")]
    failures: PathBuf,
    /// Directory for inputs with a new signature
    #[arg(long)]
    keep: Option<PathBuf>,
    /// From this execution on write each input before it is run: for one that ends the program
    #[arg(long, value_name = "EXECUTION")]
    trace: Option<u64>,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let chosen: Vec<Target> = targets()
        .into_iter()
        .filter(|target| cli.target == "all" || cli.target == target.name)
        .collect();
    if chosen.is_empty() {
        let names: Vec<&str> = targets().iter().map(|target| target.name).collect();
        eprintln!(
            "error: no target `{}`; there are: all {}",
            cli.target,
            names.join(" ")
        );
        return ExitCode::from(2);
    }
    let mut failed = false;
    for target in &chosen {
        match one(&cli, target) {
            Ok(fine) => failed |= !fine,
            Err(error) => {
                eprintln!("error: cannot read the corpus of {}: {error}", target.name);
                failed = true;
            }
        }
    }
    if failed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

/// Whether nothing failed.
fn one(cli: &Cli, target: &Target) -> std::io::Result<bool> {
    let inputs = corpus::read(&corpus::directory().join(target.name))?;
    let inputs: Vec<Vec<u8>> = inputs.into_iter().map(|(_, input)| input).collect();
    let options = Options {
        executions: cli.executions,
        seed: cli.seed,
        jobs: cli.jobs,
        limit: Duration::from_secs(cli.limit),
        failures: Some(cli.failures.clone()),
        keep: cli.keep.clone(),
        progress: true,
        trace: cli.trace,
    };
    let start = Instant::now();
    let report = fuzz(target, &inputs, &options);
    for failure in &report.failures {
        eprintln!("{}: FAILED: {}", target.name, failure.message);
        eprintln!("  input: {:?}", String::from_utf8_lossy(&failure.input));
        if let Some(file) = &failure.file {
            eprintln!("  file: {}", file.display());
        }
    }
    println!(
        "{}: {} executions, {} signatures, {} failures, {} s",
        target.name,
        report.executions,
        report.signatures,
        report.failures.len(),
        start.elapsed().as_secs()
    );
    Ok(report.failures.is_empty())
}
