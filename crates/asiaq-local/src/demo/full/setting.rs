//! What is there before the full story begins: an account as a team has it, with a vendor's image in it, and the directories
//! of the story. Makes no image of Asiaq's own: that is the story.

use super::{BUILD, SCENE};
use crate::account::{self, Account};
use crate::cloud::{self, Status};
use crate::demo::Demo;
use crate::error::LocalError;
use crate::hosts::seed::{Vendor, accounts_of_hosts};
use crate::http;
use crate::settings::Settings;
use asiaq_core::config::{ConfigDir, DiscoAws, DiscoVpc};
use asiaq_core::names;
use std::path::{Path, PathBuf};

/// Parts of a configuration directory that bakes and deployments read, if they are there.
const PARTS: [&str; 6] = [
    ".nosync",
    "config",
    "discoroot",
    "init",
    "pipelines",
    "disco_aws.ini",
];

/// The account.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) account: Account,
    /// The vendor's image.
    pub(super) vendor: String,
    /// The hosted zone.
    pub(super) domain: String,
}

/// Prepares the empty account.
///
/// # Errors
/// The configuration is wrong, or the endpoint refuses.
pub(super) async fn prepare(
    demo: &Demo,
    settings: &Settings,
    status: &Status,
) -> Result<Prepared, LocalError> {
    let wrong = |problem: String| LocalError::DemoConfig { problem };
    let dir = ConfigDir::new(Some(demo.config.as_os_str()));
    let hostclasses = DiscoAws::load(&dir).map_err(|e| wrong(e.to_string()))?;
    let networks = DiscoVpc::load(&dir).map_err(|e| wrong(e.to_string()))?;
    let option = |key: &str| -> Result<String, LocalError> {
        let found = hostclasses.section_option("disco_aws", key, SCENE.env);
        let found = found.map_err(|e| wrong(e.to_string()))?;
        found.map(|found| found.value).ok_or_else(|| {
            wrong(format!(
                "`{key}` is not set in [disco_aws] of disco_aws.ini"
            ))
        })
    };
    let project = hostclasses
        .project_name()
        .map_err(|e| wrong(e.to_string()))?;
    let mut buckets = Vec::new();
    for (name, kind) in [(BUILD, BUILD), (SCENE.env, SCENE.env_type)] {
        let postfixes = networks.credential_postfixes(name, kind);
        for postfix in postfixes.map_err(|e| wrong(e.to_string()))? {
            buckets.push(names::credential_bucket(cloud::REGION, &project, &postfix));
        }
    }
    buckets.sort();
    buckets.dedup();
    let (key, domain) = (
        option("default_ssh_key_name")?,
        option("default_domain_name")?,
    );
    let account = account::prepare(&status.endpoint, &key, &[], &buckets, 0).await?;
    http::create_zone(&status.endpoint, &domain)?;
    let vendor = account::vendor_image(
        &status.endpoint,
        &Vendor {
            accounts: &accounts_of_hosts()?,
        },
        &settings.state_dir.join("images"),
    )
    .await?;
    Ok(Prepared {
        account,
        vendor,
        domain,
    })
}

/// The story's own directories.
#[derive(Debug)]
pub(super) struct Places {
    /// Gets the copy of the configuration directory.
    pub(super) config: PathBuf,
    /// For what ssh remembers of hosts.
    pub(super) memory: PathBuf,
}

impl Places {
    /// Makes them anew.
    ///
    /// # Errors
    /// A file cannot be removed or made.
    pub(super) fn make(settings: &Settings) -> Result<Self, LocalError> {
        let root = settings.state_dir.join(cloud::DEMO);
        cloud::remove_tree(&root)?;
        let places = Self {
            config: root.join("config"),
            memory: root.join("ssh"),
        };
        for place in [&places.config, &places.memory] {
            std::fs::create_dir_all(place).map_err(LocalError::file("cannot create", place))?;
        }
        Ok(places)
    }
}

/// The parts of a configuration directory that are copied.
pub(super) fn parts(config: &Path) -> Vec<String> {
    let there = PARTS.iter().map(|part| config.join(part));
    let there = there.filter(|path| path.exists());
    let whole = there.map(|path| std::path::absolute(&path).unwrap_or(path));
    whole.map(|path| path.display().to_string()).collect()
}
