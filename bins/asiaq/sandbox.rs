//! `asiaq sandbox`, which is also `asiaq_sandbox`.

use asiaq_cli::{Failure, Outcome, Session, environment_tag};
use asiaq_core::config::DiscoAws;
use asiaq_core::environment::Sources;
use asiaq_core::group::Clouds;
use asiaq_core::plan::Progress;
use asiaq_core::sandbox::{self, Place, PlanLine, Planned, Sandbox, Wishes};
use clap::Args;

/// Options of a sandbox.
#[derive(Debug, Args)]
pub struct SandboxArgs {
    /// Name of the sandbox and of its environment; must not contain `_`
    name: String,
    /// Directory in sandboxes/ with pipeline and configuration files [default: NAME]
    #[arg(
        long,
        alias = "config_dir",
        value_name = "DIR",
        conflicts_with = "destroy"
    )]
    config_dir: Option<String>,
    /// Tag of the environment (repeatable); of one that exists, only the VPC gets it
    #[arg(long = "tag", value_name = "KEY:VALUE", value_parser = environment_tag, conflicts_with = "destroy")]
    tags: Vec<(String, String)>,
    /// Destroy the sandbox with all hosts in it and its configuration files in the bucket
    #[arg(long)]
    destroy: bool,
}

/// Creates, updates or destroys it.
pub async fn run(
    session: &Session,
    args: SandboxArgs,
    env: Option<&str>,
    dry_run: bool,
) -> Result<Outcome, Failure> {
    let (config, env) = session.environment(env)?;
    if args.destroy {
        destroy(session, &config, &env, &args.name, dry_run).await?;
    } else {
        bring_up(session, &config, &env, args, dry_run).await?;
    }
    Ok(Outcome::Success)
}

async fn bring_up(
    session: &Session,
    config: &DiscoAws,
    env: &str,
    args: SandboxArgs,
    dry_run: bool,
) -> Result<(), Failure> {
    let (dir, progress) = (session.config_dir(), session.progress());
    let sources = Sources::load(&dir)?;
    let place = Place {
        dir: &dir,
        config,
        sources: &sources,
        env,
    };
    let sandbox = Sandbox::load(&place, &args.name, args.config_dir.as_deref())?;
    let by_ssh = config.any_smoke_test_by_ssh(&sandbox.name)?;
    let owner = session.user();
    let wishes = Wishes {
        config,
        sources: &sources,
        tags: args.tags.into_iter().collect(),
        owner: &owner,
        ssh: by_ssh.then(|| session.ssh_settings(false)).transpose()?,
    };
    let spotinst = session.spotinst()?.client(&sandbox.name)?;
    let aws = session.aws().await?;
    let clouds = Clouds {
        aws: &aws,
        spotinst: spotinst.as_ref(),
    };
    if !dry_run {
        progress.number_steps(1 + Planned::stages(&sandbox));
        progress.stage(&format!("checks of sandbox {}", sandbox.name), &[]);
    }
    let planned = sandbox::plan(clouds, &sandbox, &wishes).await?;
    session.warn(&planned.warnings());
    if dry_run {
        show(session, &planned.lines(), planned.text());
        return Ok(());
    }
    planned.run(clouds, progress).await?;
    let name = &sandbox.name;
    for line in [
        format!(
            "sandbox {name} is up after {:.1} s",
            progress.elapsed().as_secs_f64()
        ),
        format!("  its hosts:  disco_aws --env {name} listhosts"),
        format!("  log in:     disco_ssh --env {name} HOST"),
        format!("  destroy it: asiaq sandbox {name} --destroy"),
    ] {
        progress.say(&line);
    }
    Ok(())
}

async fn destroy(
    session: &Session,
    config: &DiscoAws,
    env: &str,
    name: &str,
    dry_run: bool,
) -> Result<(), Failure> {
    let (aws, progress) = (session.aws().await?, session.progress());
    let destruction =
        sandbox::plan_destroy(&aws, &session.spotinst()?, (config, env), name).await?;
    session.warn(destruction.warnings());
    if dry_run {
        show(session, &destruction.lines(), destruction.text());
    } else if destruction.is_empty() {
        session.inform(&format!("nothing to destroy: there is no sandbox {name}"));
    } else {
        progress.number_steps(destruction.stages());
        destruction.run(&aws, progress).await?;
        let seconds = progress.elapsed().as_secs_f64();
        progress.say(&format!("sandbox {name} is gone after {seconds:.1} s"));
    }
    Ok(())
}

/// A plan, for `--dry-run`.
fn show(session: &Session, lines: &[PlanLine], text: Vec<String>) {
    let printer = &session.printer;
    if printer.is_json() {
        printer.json(lines);
    } else if text.is_empty() {
        printer.line("no changes");
    } else {
        printer.line(text.join("\n"));
    }
}
