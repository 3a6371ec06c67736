//! `disco_chaos`: kill some hosts at random, to see that their groups replace them.

use asiaq_cli::{Common, DryRun, EnvOption, Failure, Outcome, Session, Tool, run};
use asiaq_core::group::Clouds;
use asiaq_core::host;
use asiaq_core::host::chaos::{ChaosOptions, Percent, Victim, plan_chaos};
use clap::Parser;
use std::process::ExitCode;

/// Kill some hosts at random, to see that their groups replace them. Prints hostclass and id of each (JSON
/// keys: hostclass instance_id group availability_zone). Groups opt out by the hostclass option `chaos=no`
#[derive(Debug, Parser)]
#[command(name = "disco_chaos", version, infer_long_args = true)]
struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    env: EnvOption,
    #[command(flatten)]
    dry_run: DryRun,
    /// Share of all instances to kill, at least one unless 0 [default: 1.0, with --zone 100]
    #[arg(long, value_name = "PCT")]
    level: Option<Percent>,
    /// Share of each group's desired capacity that stays, rounded up
    #[arg(long, value_name = "PCT", default_value = "0.0", value_parser = at_most_all)]
    retainage: Percent,
    /// Kill only in this availability zone, by default all of it
    #[arg(long, value_name = "AZ")]
    zone: Option<String>,
    /// Kill only hosts of this hostclass (repeatable)
    #[arg(long = "hostclass", value_name = "HC")]
    hostclasses: Vec<String>,
    /// Repeat the choice of an earlier run, which logged its seed
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
}

impl Tool for Cli {
    fn common(&self) -> &Common {
        &self.common
    }
}

fn at_most_all(text: &str) -> Result<Percent, String> {
    match text.parse::<Percent>()? {
        percent if percent.exceeds_all() => Err("expected 0 to 100".to_owned()),
        percent => Ok(percent),
    }
}

fn main() -> ExitCode {
    run(async |cli: Cli, session: &Session| {
        let (_, env) = session.environment(cli.env.env.as_deref())?;
        let aws = session.aws().await?;
        let spotinst = session.spotinst()?.client(&env)?;
        let clouds = Clouds {
            aws: &aws,
            spotinst: spotinst.as_ref(),
        };
        kill(cli, session, clouds, &env).await?;
        Ok(Outcome::Success)
    })
}

async fn kill(cli: Cli, session: &Session, clouds: Clouds<'_>, env: &str) -> Result<(), Failure> {
    let options = ChaosOptions {
        level: cli.level,
        retainage: cli.retainage,
        zone: cli.zone,
        hostclasses: cli.hostclasses,
    };
    let seed = cli.seed.unwrap_or_else(host::chaos::random_seed);
    session.inform(&format!(
        "seed {seed}: the same choice again with --seed {seed}"
    ));
    let chaos = plan_chaos(clouds, env, &options, seed).await?;
    session.warn(&chaos.warnings);
    session.inform(&chaos.choice.summary());
    session.printer.listing(&chaos.choice.victims, Victim::line);
    if !cli.dry_run.dry_run {
        host::apply(clouds.aws, &chaos.plan, session.progress()).await?;
    }
    Ok(())
}
