//! The newcomer's first command: a prepared account, an environment and a running pipeline on the local cloud, made by the
//! real tools as child processes.

use crate::account::{self, Account, Contents};
use crate::cloud::{self, Status};
use crate::error::LocalError;
use crate::hosts::seed::accounts_of_hosts;
use crate::settings::Settings;
use asiaq_core::config::{ConfigDir, DiscoAws, DiscoVpc};
use asiaq_core::names;
use asiaq_core::pipeline::Pipeline;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Environment of the demo.
const ENV: &str = "ci";
/// Its pipeline, in the configuration directory.
const PIPELINE: &str = "pipelines/ci.csv";
/// Log lines of the tools that a newcomer wants to see.
const TELLING: [&str; 3] = ["Spun up ", "Smoke tested ", "Waited for "];

/// Where the demo finds things.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Demo {
    /// Configuration directory: the clone, or any other with `pipelines/ci.csv`.
    pub config: PathBuf,
    /// Folder of the tools.
    pub tools: PathBuf,
}

impl Demo {
    /// The configuration directory is `config` or the working directory, the tools stand beside this program.
    ///
    /// # Errors
    /// The pipeline or a tool is missing.
    pub fn find(config: Option<PathBuf>) -> Result<Self, LocalError> {
        let config = config.unwrap_or_else(|| PathBuf::from("."));
        if !config.join(PIPELINE).is_file() {
            return Err(LocalError::DemoFiles {
                path: config.join(PIPELINE),
            });
        }
        let own = std::env::current_exe()
            .map_err(LocalError::file("cannot find", Path::new("this program")))?;
        let tools = own.parent().map(Path::to_path_buf).unwrap_or_default();
        for tool in ["disco_vpc_ui", "disco_aws"] {
            if !tools.join(tool).is_file() {
                return Err(LocalError::DemoTool {
                    path: tools.join(tool),
                });
            }
        }
        Ok(Self { config, tools })
    }

    /// Runs it. `say` gets what the newcomer reads.
    ///
    /// # Errors
    /// Anything that fails, with the end of the failing tool's log.
    pub async fn run(
        &self,
        settings: &Settings,
        say: &mut dyn FnMut(&str),
    ) -> Result<(), LocalError> {
        let start = Instant::now();
        say(
            "Asiaq demo: an operator's configuration becomes an environment and a running pipeline of hosts.",
        );
        say("Everything happens on this machine. No AWS account is used, nothing costs money.\n");
        let status = self.start_cloud(settings, say)?;
        let account = self.prepare_account(settings, &status, say).await?;
        let log = settings.state_dir.join("demo.log");
        let mut shell = Shell {
            demo: self,
            status: &status,
            log: File::create(&log).map_err(LocalError::file("cannot write", &log))?,
            say,
        };
        shell.chapter("3. Create the environment: a VPC with four metanetworks in three zones, firewalls and routes");
        shell.run("disco_vpc_ui", &["create", "--name", ENV, "--type", ENV])?;
        shell.chapter("4. Spin up the pipeline: hosts of one sequence start together and must pass their smoke tests first");
        shell.run(
            "disco_aws",
            &["--env", ENV, "spinup", "--pipeline", PIPELINE],
        )?;
        shell.chapter("5. Spin it up again: what is as wanted is left alone");
        shell.run(
            "disco_aws",
            &["--env", ENV, "spinup", "--pipeline", PIPELINE, "--dry-run"],
        )?;
        shell.chapter(
            "6. What exists now: instance, hostclass, address, state, private address, zone",
        );
        shell.run(
            "disco_aws",
            &[
                "--env",
                ENV,
                "listhosts",
                "--state",
                "--private-ip",
                "--availability-zone",
            ],
        )?;
        say(&format!(
            "\nDone in {:.1} s: environment `{ENV}` runs {} hostclasses. Full log: {}",
            start.elapsed().as_secs_f64(),
            account.images.len(),
            log.display()
        ));
        self.next_steps(say);
        Ok(())
    }

    fn start_cloud(
        &self,
        settings: &Settings,
        say: &mut dyn FnMut(&str),
    ) -> Result<Status, LocalError> {
        say(
            "1. Start the local cloud (a moto server: real software that speaks the AWS protocols)",
        );
        let start = Instant::now();
        let status = cloud::up(settings, &mut |line| say(&format!("   {line}")))?;
        // The demo always starts from an empty account, so that it runs the same every time.
        cloud::reset(settings)?;
        say(&format!(
            "   {} is up and empty, after {}\n",
            status.endpoint,
            seconds(start.elapsed())
        ));
        Ok(status)
    }

    async fn prepare_account(
        &self,
        settings: &Settings,
        status: &Status,
        say: &mut dyn FnMut(&str),
    ) -> Result<Account, LocalError> {
        say(
            "2. Prepare the account as a team would have it: key pair, baked images, credential buckets",
        );
        let start = Instant::now();
        let wrong = |problem: String| LocalError::DemoConfig { problem };
        let dir = ConfigDir::new(Some(self.config.as_os_str()));
        let hostclass_config = DiscoAws::load(&dir).map_err(|e| wrong(e.to_string()))?;
        let vpc_config = DiscoVpc::load(&dir).map_err(|e| wrong(e.to_string()))?;
        let pipeline =
            Pipeline::read(&self.config.join(PIPELINE)).map_err(|e| wrong(e.to_string()))?;
        let mut hostclasses: Vec<String> = pipeline
            .rows
            .iter()
            .filter_map(|row| row.hostclass.clone())
            .collect();
        hostclasses.sort();
        hostclasses.dedup();
        let key = hostclass_config
            .section_option("disco_aws", "default_ssh_key_name", ENV)
            .map_err(|e| wrong(e.to_string()))?;
        let project = hostclass_config
            .project_name()
            .map_err(|e| wrong(e.to_string()))?;
        let postfixes = vpc_config
            .credential_postfixes(ENV, ENV)
            .map_err(|e| wrong(e.to_string()))?;
        let buckets: Vec<String> = postfixes
            .iter()
            .map(|postfix| names::credential_bucket(cloud::REGION, &project, postfix))
            .collect();
        let key = key.map_or_else(|| "asiaq".to_owned(), |found| found.value);
        let images = settings.state_dir.join("images");
        let accounts = match status.hosts_pid {
            Some(_) => Some(accounts_of_hosts()?),
            None => None,
        };
        let contents = accounts.as_ref().map(|accounts| Contents {
            config: &self.config,
            images: &images,
            accounts,
        });
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_secs());
        let account = account::prepare_with(
            &status.endpoint,
            &key,
            &hostclasses,
            &buckets,
            now,
            contents.as_ref(),
        )
        .await?;
        say(&format!(
            "   key pair `{}`, {} images of stage `tested`, bucket {}",
            account.key_pair,
            account.images.len(),
            account.buckets.join(", ")
        ));
        say(&format!("   took {}\n", seconds(start.elapsed())));
        Ok(account)
    }

    fn next_steps(&self, say: &mut dyn FnMut(&str)) {
        say("\nTry next, in this directory:");
        say(
            "  eval \"$(asiaq local env)\"                                      # point every AWS tool at the local cloud",
        );
        say(&format!(
            "  disco_aws --env {ENV} listhosts --all                             # everything about the hosts"
        ));
        say(&format!(
            "  disco_autoscale --env {ENV} listgroups                            # groups, images, sizes"
        ));
        say(
            "  $EDITOR pipelines/ci.csv                                       # change a size or a type, then:",
        );
        say(&format!(
            "  disco_aws --env {ENV} spinup --pipeline {PIPELINE} --dry-run   # see what would change"
        ));
        say(
            "  $EDITOR config/disco_vpc.ini                                   # change a rule or a route, then:",
        );
        say(&format!(
            "  disco_vpc_ui update --name {ENV} --dry-run                        # see what would change"
        ));
        say(&format!(
            "  disco_vpc_ui destroy --name {ENV} --dry-run                       # what taking it all down means"
        ));
        say(
            "  asiaq local down                                               # stop the local cloud",
        );
    }
}

/// Runs tools and shows them as a newcomer would type them.
struct Shell<'a> {
    demo: &'a Demo,
    status: &'a Status,
    log: File,
    say: &'a mut dyn FnMut(&str),
}

impl Shell<'_> {
    fn chapter(&mut self, title: &str) {
        (self.say)(title);
    }

    /// Runs a tool: its data is shown, of its log only the telling lines; all of it goes into the log file.
    fn run(&mut self, tool: &str, args: &[&str]) -> Result<(), LocalError> {
        (self.say)(&format!("   $ {tool} {}", args.join(" ")));
        let start = Instant::now();
        let path = self.demo.tools.join(tool);
        let mut command = Command::new(&path);
        command
            .args(args)
            .current_dir(&self.demo.config)
            .env("ASIAQ_CONFIG", ".")
            .env("ASIAQ_POLL_INTERVAL", "1");
        command
            .envs(cloud::environment(&self.status.endpoint))
            .env_remove("AWS_PROFILE")
            .env_remove("AWS_SESSION_TOKEN");
        command
            .env_remove("ASIAQ_LOG_FORMAT")
            .env_remove("ASIAQ_LOG")
            .env_remove("DEFAULT_ENV");
        let problem = LocalError::file("cannot run", &path);
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(problem)?;
        let data = child.stdout.take();
        let reader = std::thread::spawn(move || data.map(lines_of).unwrap_or_default());
        let mut tail = Vec::new();
        for line in child
            .stderr
            .take()
            .map(BufReader::new)
            .into_iter()
            .flat_map(|r| r.lines().map_while(Result::ok))
        {
            let written = writeln!(self.log, "{line}");
            written.map_err(LocalError::file("cannot write", Path::new("demo.log")))?;
            if let Some(text) = telling(&line) {
                (self.say)(&format!("     {text}"));
            }
            tail.push(line);
        }
        let shown = reader.join().unwrap_or_default();
        let status = child
            .wait()
            .map_err(LocalError::file("cannot run", &path))?;
        for line in shown {
            (self.say)(&format!("     {line}"));
        }
        if !status.success() {
            let last = tail.split_off(tail.len().saturating_sub(15)).join("\n");
            return Err(LocalError::DemoStep {
                command: format!("{tool} {}", args.join(" ")),
                tail: last,
            });
        }
        (self.say)(&format!("   took {}\n", seconds(start.elapsed())));
        Ok(())
    }
}

fn lines_of(stream: impl std::io::Read) -> Vec<String> {
    BufReader::new(stream)
        .lines()
        .map_while(Result::ok)
        .collect()
}

/// The message of a log line that is worth showing: milestones, warnings and errors.
fn telling(line: &str) -> Option<String> {
    let milestone = TELLING.iter().find_map(|start| line.find(start));
    let trouble = [" WARN ", " ERROR "]
        .iter()
        .find_map(|level| line.find(level))
        .map(|at| at + 1);
    milestone
        .or(trouble)
        .and_then(|at| line.get(at..))
        .map(str::to_owned)
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_telling_lines_are_shown() {
        let head = "2026-11-22 10:00:00,000 asiaq.host.provision.run";
        assert_eq!(
            telling(&format!("{head} INFO Spun up 1 instances of mhcx")).as_deref(),
            Some("Spun up 1 instances of mhcx")
        );
        assert_eq!(
            telling(&format!("{head} WARN take care")).as_deref(),
            Some("WARN take care")
        );
        assert_eq!(telling(&format!("{head} INFO + subnet intranet")), None);
    }
}
