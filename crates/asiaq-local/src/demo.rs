//! The newcomer's first command: a prepared account, an environment and a running pipeline on the local cloud, made by the
//! real tools as child processes.

mod full;
mod sandbox;
mod shell;

use crate::account::{self, Account, Contents};
use crate::cloud::{self, Status};
use crate::error::LocalError;
use crate::hosts::seed::accounts_of_hosts;
use crate::settings::Settings;
use asiaq_core::config::{ConfigDir, DiscoAws, DiscoVpc};
use asiaq_core::names;
use asiaq_core::pipeline::Pipeline;
use asiaq_core::plan::Interrupt;
use shell::{Shell, seconds};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Environment of the demo.
const ENV: &str = "ci";
/// Its pipeline, in the configuration directory.
const PIPELINE: &str = "pipelines/ci.csv";

/// An environment with its pipeline, for which an account is prepared.
struct Scene {
    env: &'static str,
    env_type: &'static str,
    pipeline: &'static str,
}

const CI: Scene = Scene {
    env: ENV,
    env_type: ENV,
    pipeline: PIPELINE,
};

/// What a demo shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Story {
    /// An environment and its pipeline, command by command.
    Pipeline,
    /// A developer's sandbox.
    Sandbox,
    /// From a vendor's image to a blue/green switch, on real hosts.
    Full {
        /// Leave everything up at the end.
        keep: bool,
    },
}

impl Story {
    fn scene(self) -> &'static Scene {
        match self {
            Self::Pipeline => &CI,
            Self::Sandbox => &sandbox::SCENE,
            Self::Full { .. } => &full::SCENE,
        }
    }

    /// The tools that it calls.
    fn tools(self) -> &'static [&'static str] {
        match self {
            Self::Pipeline => &["disco_vpc_ui", "disco_aws"],
            Self::Sandbox => &["asiaq", "disco_aws"],
            Self::Full { .. } => &full::TOOLS,
        }
    }
}

/// Where the demo finds things.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Demo {
    /// Configuration directory: the clone, or any other with `pipelines/ci.csv`.
    pub config: PathBuf,
    /// Folder of the tools.
    pub tools: PathBuf,
    /// What it shows.
    pub story: Story,
}

impl Demo {
    /// The configuration directory is `config` or the working directory, the tools stand beside this program.
    ///
    /// # Errors
    /// The pipeline or a tool is missing.
    pub fn find(config: Option<PathBuf>, story: Story) -> Result<Self, LocalError> {
        let config = config.unwrap_or_else(|| PathBuf::from("."));
        let pipeline = config.join(story.scene().pipeline);
        if !pipeline.is_file() {
            return Err(LocalError::DemoFiles { path: pipeline });
        }
        let own = std::env::current_exe()
            .map_err(LocalError::file("cannot find", Path::new("this program")))?;
        let tools = own.parent().map(Path::to_path_buf).unwrap_or_default();
        for tool in story.tools() {
            if !tools.join(tool).is_file() {
                return Err(LocalError::DemoTool {
                    path: tools.join(tool),
                });
            }
        }
        Ok(Self {
            config,
            tools,
            story,
        })
    }

    /// Runs it. `say` gets what the newcomer reads.
    ///
    /// # Errors
    /// Anything that fails, with the end of the failing tool's log.
    pub async fn run(
        &self,
        settings: &Settings,
        interrupt: &Interrupt,
        say: &mut dyn FnMut(&str),
    ) -> Result<(), LocalError> {
        if let Story::Full { keep } = self.story {
            return full::tell(self, settings, interrupt, keep, say).await;
        }
        let start = Instant::now();
        let sandbox = self.story == Story::Sandbox;
        say(if sandbox {
            "Asiaq demo: a developer gets a sandbox, an environment of one's own."
        } else {
            "Asiaq demo: an operator's configuration becomes an environment and a running pipeline of hosts."
        });
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
        if sandbox {
            sandbox::play(&mut shell)?;
        } else {
            pipeline(&mut shell)?;
        }
        say(&format!(
            "\nDone in {:.1} s: environment `{}` runs {} hostclasses. Full log: {}",
            start.elapsed().as_secs_f64(),
            self.story.scene().env,
            account.images.len(),
            log.display()
        ));
        if sandbox {
            sandbox::next_steps(say);
        } else {
            next_steps(say);
        }
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
        let scene = self.story.scene();
        let dir = ConfigDir::new(Some(self.config.as_os_str()));
        let hostclass_config = DiscoAws::load(&dir).map_err(|e| wrong(e.to_string()))?;
        let vpc_config = DiscoVpc::load(&dir).map_err(|e| wrong(e.to_string()))?;
        let pipeline =
            Pipeline::read(&self.config.join(scene.pipeline)).map_err(|e| wrong(e.to_string()))?;
        let mut hostclasses: Vec<String> = pipeline
            .rows
            .iter()
            .filter_map(|row| row.hostclass.clone())
            .collect();
        hostclasses.sort();
        hostclasses.dedup();
        let key = hostclass_config
            .section_option("disco_aws", "default_ssh_key_name", scene.env)
            .map_err(|e| wrong(e.to_string()))?;
        let project = hostclass_config
            .project_name()
            .map_err(|e| wrong(e.to_string()))?;
        let postfixes = vpc_config
            .credential_postfixes(scene.env, scene.env_type)
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
        let mut shown = account.buckets.clone();
        if self.story == Story::Sandbox {
            let bucket = sandbox::bucket(&hostclass_config)?;
            crate::http::create_bucket(&status.endpoint, &bucket)?;
            shown.push(bucket);
        }
        say(&format!(
            "   key pair `{}`, {} images of stage `tested`, bucket {}",
            account.key_pair,
            account.images.len(),
            shown.join(", ")
        ));
        say(&format!("   took {}\n", seconds(start.elapsed())));
        Ok(account)
    }
}

/// The chapters of the pipeline.
fn pipeline(shell: &mut Shell<'_>) -> Result<(), LocalError> {
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
    shell.chapter("6. What exists now: instance, hostclass, address, state, private address, zone");
    list_hosts(shell, ENV)
}

fn list_hosts(shell: &mut Shell<'_>, env: &str) -> Result<(), LocalError> {
    shell.run(
        "disco_aws",
        &[
            "--env",
            env,
            "listhosts",
            "--state",
            "--private-ip",
            "--availability-zone",
        ],
    )
}

fn next_steps(say: &mut dyn FnMut(&str)) {
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
    say("  asiaq local down                                               # stop the local cloud");
}
