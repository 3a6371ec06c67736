//! Backups of DynamoDB tables: their bucket, what is in it, and the pipelines that write and read it.

use super::changes::{self, Existing, Job, NewPipeline, PipelineAction};
use super::definition::{Definition, default_text};
use super::observed;
use super::record::{Pipeline, Selection};
use crate::aws::{Aws, Tags};
use crate::bucket::Bucket;
use crate::config::{ConfigDir, ConfigError, ConfigErrors, DiscoAws, Location};
use crate::environment;
use crate::error::{Error, Result};
use crate::names;
use crate::names::tag;
use crate::network::MetaNetwork;
use crate::plan::{Plan, Sign};
use serde::Serialize;

/// Kind of data in the bucket's name.
const KIND: &str = "dynamodb-backup";
/// Folder of the templates in the configuration directory.
const TEMPLATES: &str = "datapipeline_templates";
/// Template of backups.
const BACKUP: &str = "dynamodb_backup";
/// Template of restores.
const RESTORE: &str = "dynamodb_restore";
/// Tag with the template of a pipeline.
const TAG_TEMPLATE: &str = "template";
/// Tag with the table of a pipeline.
const TAG_TABLE: &str = "table_name";
/// Field of `Default` with the subnet of the machines.
const SUBNET: &str = "subnetId";
/// What the export writes last. One of them is enough: a backup may have been copied by hand.
const COMPLETE: [&str; 2] = ["manifest", "_SUCCESS"];

/// A backup in the bucket. The field names are the JSON keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Backup {
    /// Name of its directory.
    pub name: String,
    /// Environment.
    pub environment: String,
    /// Table as the configuration calls it.
    pub table: String,
    /// Where it is in S3.
    pub location: String,
}

/// Options that backing up and restoring share.
#[derive(Debug, Clone, Default)]
pub struct JobOptions {
    /// Put the template's definition in place of the one that the pipeline has.
    pub force_reload: bool,
    /// Metanetwork for the pipeline's machines.
    pub metanetwork: Option<MetaNetwork>,
}

/// A planned job.
#[derive(Debug)]
pub struct Planned {
    /// The plan.
    pub plan: Plan<PipelineAction>,
    /// What the operator should know.
    pub warnings: Vec<String>,
}

/// The backups of an environment.
#[derive(Debug)]
pub struct Backups<'a> {
    aws: &'a Aws,
    env: &'a str,
    bucket: Bucket<'a>,
}

/// What tells a backup from a restore.
struct Kind<'a> {
    template: &'static str,
    name: String,
    description: String,
    /// Parameter values beside region and table.
    values: Vec<(String, String)>,
    what: String,
    table: &'a str,
}

impl<'a> Backups<'a> {
    /// Finds out the bucket's name. Makes no call.
    ///
    /// # Errors
    /// `s3_bucket_base` is not configured.
    pub fn new(aws: &'a Aws, config: &DiscoAws, env: &'a str) -> Result<Self> {
        let option = |key: &str| -> Result<Option<String>, ConfigError> {
            let found = config.asiaq_option(None, key, env)?;
            let text = found.map(|found| found.value.trim().to_owned());
            Ok(text.filter(|text| !text.is_empty()))
        };
        let base = option("s3_bucket_base")?.ok_or_else(|| {
            let place = config.ini().location("disco_aws", Some("s3_bucket_base"));
            ConfigError::new("`s3_bucket_base` is not set, so there is no bucket for backups")
                .at(place)
                .with_hint("set `s3_bucket_base` in `[disco_aws]`: the bucket is BASE--dynamodb-backup[--SUFFIX]")
        })?;
        let suffix = option("s3_bucket_suffix")?;
        let name = names::data_bucket(&base, KIND, suffix.as_deref());
        let bucket = Bucket::new(aws, name);
        Ok(Self { aws, env, bucket })
    }

    /// Name of the bucket.
    pub fn bucket(&self) -> &str {
        self.bucket.name()
    }

    /// Plans to make the bucket; nothing if it is there.
    ///
    /// # Errors
    /// It belongs to somebody else, or S3 does not say.
    pub async fn plan_init(&self) -> Result<Plan<PipelineAction>> {
        let mut plan = Plan::default();
        if !self.bucket.is_there().await? {
            let name = self.bucket().to_owned();
            let line = format!("bucket {name} in {}", self.aws.region());
            let action = PipelineAction::CreateBucket { name };
            plan.push("bucket", [""; 0], Sign::Add, line, action);
        }
        Ok(plan)
    }

    /// The backups of a table, in the order of S3.
    ///
    /// # Errors
    /// The bucket does not exist, or cannot be listed.
    pub async fn list(&self, table: &str) -> Result<Vec<Backup>> {
        let (there, found) = tokio::join!(self.check(), self.directories(table));
        there?;
        let backup = |name: String| Backup {
            location: self.url(&format!("{}/{table}/{name}/", self.env)),
            name,
            environment: self.env.to_owned(),
            table: table.to_owned(),
        };
        Ok(found?.into_iter().map(backup).collect())
    }

    /// Plans to back a table up, once or every `period`.
    ///
    /// # Errors
    /// The template or the environment is wrong, the bucket does not exist, or AWS refuses.
    pub async fn plan_backup(
        &self,
        dir: &ConfigDir,
        table: &str,
        period: Option<&str>,
        options: &JobOptions,
    ) -> Result<Planned> {
        let output = self.url(&format!("{}/{table}/", self.env));
        let every = period.map_or_else(String::new, |period| format!(", every {period}"));
        let mut values = vec![("myOutputS3Loc".to_owned(), output.clone())];
        values.extend(period.map(|period| ("myDDBSchedulePeriod".to_owned(), period.to_owned())));
        let kind = Kind {
            template: BACKUP,
            name: format!("{table} backup - {}", self.env),
            description: format!("Periodic backup for {table} table in {} env", self.env),
            values,
            what: format!("table {} to {output}{every}", self.real(table)),
            table,
        };
        let mut job = self.job(dir, kind, options)?;
        let (there, found, subnet) = tokio::join!(
            self.check(),
            self.find(&job.new.tags),
            self.subnet(options.metanetwork)
        );
        there?;
        let (found, subnet) = (found?, subnet?);
        place(&mut job, subnet)?;
        self.compare(job, found, options).await
    }

    /// Plans to restore a table from a backup, by default the last directory.
    ///
    /// # Errors
    /// As [`Backups::plan_backup`], and if there is no such backup.
    pub async fn plan_restore(
        &self,
        dir: &ConfigDir,
        table: &str,
        from: Option<&str>,
        options: &JobOptions,
    ) -> Result<Planned> {
        let kind = Kind {
            template: RESTORE,
            name: format!("{table} restore - {}", self.env),
            description: format!("DynamoDB backup restore pipeline for {}.", self.env),
            values: Vec::new(),
            what: String::new(),
            table,
        };
        let mut job = self.job(dir, kind, options)?;
        let (backups, found, subnet) = tokio::join!(
            self.list(table),
            self.find(&job.new.tags),
            self.subnet(options.metanetwork)
        );
        let backups = backups?;
        let backup = self.choose(table, &backups, from)?;
        let (found, subnet, input) = (found?, subnet?, &backup.location);
        let value = [("myInputS3Loc".to_owned(), input.clone())];
        job.definition.set_values(&value);
        job.values.extend(value);
        job.what = format!("{input} to table {}", self.real(table));
        place(&mut job, subnet)?;
        let (mut planned, warning) = tokio::try_join!(
            self.compare(job, found, options),
            self.incomplete(table, backup)
        )?;
        planned.warnings.extend(warning);
        Ok(planned)
    }

    /// A warning if the export into this directory has not ended well.
    async fn incomplete(&self, table: &str, backup: &Backup) -> Result<Option<String>> {
        let key = |name: &str| format!("{}/{table}/{}/{name}", self.env, backup.name);
        let [manifest, success] = COMPLETE.map(key);
        let found = tokio::try_join!(self.bucket.list(&manifest), self.bucket.list(&success))?;
        if !(found.0.is_empty() && found.1.is_empty()) {
            return Ok(None);
        }
        Ok(Some(format!(
            "{} has neither `{}`: that backup is still being made, or it failed; choose another one with --from",
            backup.location,
            COMPLETE.join("` nor `")
        )))
    }

    /// The job with the template's definition.
    fn job(&self, dir: &ConfigDir, kind: Kind<'_>, options: &JobOptions) -> Result<Job> {
        let (mut definition, file) = template(dir, kind.template)?;
        let mut values = vec![
            ("myDDBRegion".to_owned(), self.aws.region().to_owned()),
            ("myDDBTableName".to_owned(), self.real(kind.table)),
        ];
        values.extend(kind.values);
        definition.set_values(&values);
        definition.set_default(&file, "pipelineLogUri", &self.url("logs/"))?;
        let tags = [
            (tag::ENVIRONMENT, self.env),
            (TAG_TEMPLATE, kind.template),
            (TAG_TABLE, kind.table),
        ];
        let own = |(key, value): (&str, &str)| (key.to_owned(), value.to_owned());
        let new = NewPipeline {
            name: kind.name,
            description: kind.description,
            unique_id: format!("asiaq/{}/{}/{}", self.env, kind.template, kind.table),
            tags: tags.into_iter().map(own).collect(),
        };
        Ok(Job {
            new,
            definition,
            file,
            values,
            what: kind.what,
            force_reload: options.force_reload,
        })
    }

    /// Reads the definition that the pipeline has, if there is one, and plans.
    async fn compare(
        &self,
        mut job: Job,
        found: Option<Pipeline>,
        options: &JobOptions,
    ) -> Result<Planned> {
        let existing = match found {
            Some(pipeline) => Some(Existing {
                objects: observed::objects(self.aws, &pipeline).await?,
                pipeline,
            }),
            None => None,
        };
        let mut warnings = Vec::new();
        if let (Some(net), Some(existing)) = (options.metanetwork, &existing)
            && !changes::is_replaced(&job, existing)
        {
            let name = &job.new.name;
            warnings.push(format!(
                "pipeline {name} stays in its subnet: --metanetwork {net} needs --force-reload for a pipeline that exists"
            ));
        }
        if let Some(existing) = &existing {
            keep_subnet(&mut job, existing)?;
        }
        let plan = changes::plan(job, existing.as_ref());
        Ok(Planned { plan, warnings })
    }

    async fn find(&self, tags: &Tags) -> Result<Option<Pipeline>> {
        let selection = Selection {
            name: None,
            tags: tags.clone(),
        };
        changes::only(observed::read(self.aws, &selection).await?, tags)
    }

    /// A subnet of that metanetwork, always the same one: of the first zone.
    async fn subnet(&self, net: Option<MetaNetwork>) -> Result<Option<String>> {
        let Some(net) = net else { return Ok(None) };
        let vpc = environment::find(self.aws, self.env).await?;
        let network = environment::network_of(self.aws, &vpc).await?;
        let subnets = network.place(net)?.subnets.iter();
        Ok(subnets
            .min_by_key(|subnet| &subnet.zone)
            .map(|subnet| subnet.id.clone()))
    }

    async fn check(&self) -> Result<()> {
        if self.bucket.is_there().await? {
            return Ok(());
        }
        Err(Error::not_found(format!("Backup bucket {} does not exist", self.bucket()))
            .with_hint("make it with `asiaq ddb_backup init`, or correct `s3_bucket_base` and `s3_bucket_suffix`"))
    }

    async fn directories(&self, table: &str) -> Result<Vec<String>> {
        self.bucket
            .directories(&format!("{}/{table}/", self.env))
            .await
    }

    /// The backup to restore.
    fn choose<'b>(
        &self,
        table: &str,
        backups: &'b [Backup],
        from: Option<&str>,
    ) -> Result<&'b Backup> {
        let found = match from {
            Some(name) => backups.iter().find(|backup| backup.name == name),
            None => backups.iter().max_by_key(|backup| &backup.name),
        };
        found.ok_or_else(|| {
            let called = from.map_or_else(String::new, |name| format!(" `{name}`"));
            let place = self.url(&format!("{}/{table}/", self.env));
            Error::not_found(format!("no backup{called} found of table `{table}` in {place}")).with_hint(format!(
                "`asiaq ddb_backup list {table}` shows the backups; `asiaq ddb_backup backup {table}` makes one; check --env"
            ))
        })
    }

    fn url(&self, key: &str) -> String {
        format!("s3://{}/{key}", self.bucket())
    }

    /// Name of the table in DynamoDB.
    fn real(&self, table: &str) -> String {
        format!("{table}_{}", self.env)
    }
}

/// Puts the machines of a job into a subnet.
fn place(job: &mut Job, subnet: Option<String>) -> Result<()> {
    if let Some(subnet) = subnet {
        job.definition.set_default(&job.file, SUBNET, &subnet)?;
    }
    Ok(())
}

/// The machines stay in the subnet that an earlier run gave them, unless this one or the template names another.
fn keep_subnet(job: &mut Job, existing: &Existing) -> Result<()> {
    let own = default_text(&job.definition.objects, SUBNET);
    match default_text(&existing.objects, SUBNET) {
        Some(subnet) if own.is_none() => place(job, Some(subnet.to_owned())),
        _ => Ok(()),
    }
}

/// The definition of a template, and its file.
fn template(dir: &ConfigDir, name: &str) -> Result<(Definition, String), ConfigErrors> {
    let path = dir.locate(&format!("{TEMPLATES}/{name}.json"))?;
    let file = path.display().to_string();
    let text = std::fs::read(&path).map_err(|error| {
        ConfigError::new(format!("cannot read this file: {error}")).at(Location::file(&file))
    })?;
    Ok((Definition::parse(&file, &text)?, file))
}
