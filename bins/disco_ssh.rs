//! `disco_ssh`: log in to a host by name.

use asiaq_cli::{Common, DryRun, EnvOption, Failure, Outcome, Session, Tool, become_program, run};
use asiaq_core::credentials::credential_buckets;
use asiaq_core::environment;
use asiaq_core::host::login::{Login, Wanted, shown, to_address};
use asiaq_core::host::remote::{Remote, SshSettings};
use clap::Parser;
use clap::builder::NonEmptyStringValueParser;
use std::process::ExitCode;

/// Log in to a host by name
///
/// Finds the host, the best way to it (its public address, a private one, or through the jump host), loads the ssh keys of the
/// credential buckets into the agent, and becomes the system's ssh, with the agent forwarded. ASIAQ_SSH_OPTIONS holds
/// more arguments for ssh. With --dry-run, prints the command line of ssh (JSON: its words) and loads no keys.
#[derive(Debug, Parser)]
#[command(name = "disco_ssh", version, infer_long_args = true)]
struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    env: EnvOption,
    #[command(flatten)]
    dry_run: DryRun,
    /// Take the first of several matching hosts, if all are of one hostclass
    #[arg(long)]
    first: bool,
    /// User to log in as [default: what ssh decides]
    #[arg(short, long, value_parser = NonEmptyStringValueParser::new())]
    user: Option<String>,
    /// Part of a hostclass, host name or instance id; or an IPv4 address, which is used as it is
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    host: String,
}

impl Tool for Cli {
    fn common(&self) -> &Common {
        &self.common
    }
}

fn main() -> ExitCode {
    run(async |cli: Cli, session: &Session| {
        let settings = session.ssh_settings(cli.common.debug)?;
        let argv = match Wanted::parse(&cli.host)? {
            Wanted::Address(address) => to_address(&settings, cli.user.as_deref(), address),
            Wanted::Name(name) => to_name(&cli, session, &settings, &name).await?,
        };
        if cli.dry_run.dry_run && session.printer.is_json() {
            session.printer.json(&argv);
            return Ok(Outcome::Success);
        }
        if cli.dry_run.dry_run {
            session.printer.line(shown(&argv));
            return Ok(Outcome::Success);
        }
        settings.prepare()?;
        session.inform(&format!("Now ssh-ing: {}", shown(&argv)));
        Err(become_program(&argv, "the OpenSSH client"))
    })
}

async fn to_name(
    cli: &Cli,
    session: &Session,
    settings: &SshSettings,
    name: &str,
) -> Result<Vec<String>, Failure> {
    let (config, env) = session.environment(cli.env.env.as_deref())?;
    let aws = session.aws().await?;
    let vpc = environment::find(&aws, &env).await?;
    let buckets = if cli.dry_run.dry_run {
        Vec::new()
    } else {
        credential_buckets(&session.config_dir(), &config, &vpc, aws.region())?
    };
    let login = Login {
        aws: &aws,
        vpc: &vpc,
        env: &env,
        remote: &Remote::new(&aws, &vpc, &config, &env, settings.clone()),
        settings,
        user: cli.user.as_deref(),
        first: cli.first,
        buckets: &buckets,
    };
    Ok(login.to_name(name).await?)
}
