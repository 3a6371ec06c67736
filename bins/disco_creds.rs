//! `disco_creds`: secrets in credential buckets.

use asiaq_cli::{
    BucketOption, Common, DryRun, Failure, Format, Outcome, Session, Tool, run, secret_value,
};
use asiaq_core::aws::Aws;
use asiaq_core::bucket::{Bucket, Listed};
use asiaq_core::credentials::object;
use clap::builder::NonEmptyStringValueParser;
use clap::{ArgGroup, Parser, Subcommand};
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

/// Keep secrets in credential buckets
#[derive(Parser)]
#[command(name = "disco_creds", version, infer_long_args = true)]
struct Cli {
    #[command(flatten)]
    common: Common,
    /// Log nothing, not even errors; the exit code tells
    #[arg(long, global = true, conflicts_with = "debug")]
    silent: bool,
    #[command(flatten)]
    bucket: BucketOption,
    #[command(flatten)]
    dry_run: DryRun,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// List keys, one per line (JSON keys: key size last_modified)
    List {
        /// Only keys that begin so
        #[arg(long, value_name = "PREFIX", default_value = "")]
        prefix: String,
    },
    /// Print the content of a key, and a line end
    Get {
        #[command(flatten)]
        key: Key,
    },
    /// Set the content of a key, whatever was there
    #[command(group(ArgGroup::new("content").required(true)))]
    Set {
        #[command(flatten)]
        key: Key,
        /// The content; `-` takes all of stdin as it is. Other users can see arguments: better use `-` or --password
        #[arg(
            long,
            value_name = "VALUE",
            group = "content",
            allow_hyphen_values = true
        )]
        value: Option<OsString>,
        /// Ask for the content, without echo
        #[arg(long, group = "content")]
        password: bool,
    },
    /// Delete a key; that there is none is fine
    Delete {
        #[command(flatten)]
        key: Key,
        /// Delete all older versions too: the remedy when a secret leaked
        #[arg(long)]
        all_versions: bool,
    },
    /// Write the content of a key to a local file that others cannot read
    Setfile {
        #[command(flatten)]
        key: Key,
        /// The file; its time will be that of the last change in the bucket
        #[arg(long, value_name = "FILE")]
        filename: PathBuf,
    },
}

#[derive(clap::Args)]
struct Key {
    /// Key in the bucket
    #[arg(long, value_name = "KEY", value_parser = NonEmptyStringValueParser::new())]
    key: String,
}

impl Tool for Cli {
    fn common(&self) -> &Common {
        &self.common
    }

    fn formats(&self) -> &[Format] {
        match self.command {
            Command::Get { .. } => &[Format::Text],
            _ => Format::USUAL,
        }
    }

    fn is_silent(&self) -> bool {
        self.silent
    }

    fn conflict(&self) -> Option<String> {
        let both = self.silent && self.common.debug;
        let both = both.then(|| "the argument '--silent' cannot be used with '--debug'".to_owned());
        both.or_else(|| self.bucket.conflict())
    }
}

fn main() -> ExitCode {
    run(async |cli: Cli, session: &Session| {
        let aws = session.aws().await?;
        let call = Call {
            session,
            aws: &aws,
            option: &cli.bucket,
            dry_run: cli.dry_run.dry_run,
        };
        match cli.command {
            Command::List { prefix } => call.list(&prefix).await,
            Command::Get { key } => call.get(&key.key).await,
            Command::Set { key, value, .. } => call.set(&key.key, value).await,
            Command::Delete { key, all_versions } => call.delete(&key.key, all_versions).await,
            Command::Setfile { key, filename } => call.save(&key.key, filename).await,
        }
    })
}

/// What every command works with.
struct Call<'a> {
    session: &'a Session,
    aws: &'a Aws,
    option: &'a BucketOption,
    dry_run: bool,
}

impl Call<'_> {
    async fn bucket(&self) -> Result<Bucket<'_>, Failure> {
        let name = self.session.credential_bucket(self.aws, self.option);
        Ok(Bucket::new(self.aws, name.await?))
    }

    async fn list(&self, prefix: &str) -> Result<Outcome, Failure> {
        let objects = self.bucket().await?.objects(prefix).await?;
        let printer = &self.session.printer;
        if objects.is_empty() && !printer.is_json() {
            printer.line("");
        }
        printer.listing(&objects, |object: &Listed| object.key.clone());
        Ok(Outcome::Success)
    }

    async fn get(&self, key: &str) -> Result<Outcome, Failure> {
        let object = self.bucket().await?.get(key).await?;
        self.session.printer.secret(&object.content);
        Ok(Outcome::Success)
    }

    async fn set(&self, key: &str, value: Option<OsString>) -> Result<Outcome, Failure> {
        let bucket = self.bucket().await?;
        if self.dry_run {
            let plan = object::plan_set(&bucket, key).await?;
            self.session.printer.plan(&plan);
        } else {
            let content = secret_value(value).await?;
            object::set(&bucket, key, &content).await?;
        }
        Ok(Outcome::Success)
    }

    async fn delete(&self, key: &str, all_versions: bool) -> Result<Outcome, Failure> {
        let (bucket, printer) = (self.bucket().await?, &self.session.printer);
        if all_versions {
            let plan = object::plan_delete_versions(&bucket, key).await?;
            if self.dry_run {
                printer.plan(&plan);
            } else {
                let progress = self.session.progress();
                object::delete_versions(&bucket, key, &plan, progress).await?;
            }
        } else if self.dry_run {
            printer.plan(&object::plan_delete(&bucket, key).await?);
        } else {
            object::delete(&bucket, key).await?;
        }
        Ok(Outcome::Success)
    }

    async fn save(&self, key: &str, file: PathBuf) -> Result<Outcome, Failure> {
        let plan = object::plan_save(&self.bucket().await?, key, &file).await?;
        if self.dry_run {
            self.session.printer.plan(&plan);
        } else {
            object::save(&plan, &file)?;
        }
        Ok(Outcome::Success)
    }
}
