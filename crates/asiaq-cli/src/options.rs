//! Options that many tools share. All of them are accepted before and after the subcommand.

use asiaq_core::names::tag;
use clap::builder::NonEmptyStringValueParser;
use clap::{Args, ValueEnum};

/// Options of every tool.
#[derive(Debug, Clone, Args)]
pub struct Common {
    /// Log debug messages of Asiaq (ASIAQ_LOG takes a filter for everything)
    #[arg(long, global = true)]
    pub debug: bool,
    /// Form of listings and plans
    #[arg(long, global = true, value_enum, default_value_t = Format::Text, value_name = "FORMAT")]
    pub output: Format,
}

/// `--env`.
#[derive(Debug, Clone, Args)]
pub struct EnvOption {
    /// Environment (VPC) to work on [default: $DEFAULT_ENV, else default_environment of disco_aws.ini]
    #[arg(long, global = true, value_name = "ENV")]
    pub env: Option<String>,
}

/// `--bucket` or `--env`: the bucket to work on.
#[derive(Debug, Clone, Args)]
pub struct BucketOption {
    /// Credential bucket; nothing is looked up then
    #[arg(long, global = true, value_name = "BUCKET", conflicts_with = "env", value_parser = NonEmptyStringValueParser::new())]
    pub bucket: Option<String>,
    /// Environment whose first credential bucket to use [default: $DEFAULT_ENV, else default_environment of disco_aws.ini]
    #[arg(long, global = true, value_name = "ENV")]
    pub env: Option<String>,
}

impl BucketOption {
    /// What is wrong if both are given: clap sees that only where they are on the same side of the subcommand.
    pub fn conflict(&self) -> Option<String> {
        let both = self.bucket.is_some() && self.env.is_some();
        both.then(|| {
            "the argument '--bucket <BUCKET>' cannot be used with '--env <ENV>'".to_owned()
        })
    }
}

/// `--dry-run`.
#[derive(Debug, Clone, Args)]
pub struct DryRun {
    /// Print what would change, change nothing
    #[arg(long, global = true, aliases = ["dryrun", "dry_run"])]
    pub dry_run: bool,
}

/// Form of the data on stdout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Columns, as scripts expect them
    Text,
    /// An array of objects with all columns
    Json,
    /// A picture; few subcommands have one and say so
    #[value(hide = true)]
    Svg,
    /// A graph in the language of Graphviz; few subcommands have one and say so
    #[value(hide = true)]
    Dot,
}

impl Format {
    /// What every subcommand takes.
    pub const USUAL: &[Self] = &[Self::Text, Self::Json];
    /// Those and pictures.
    pub const ALL: &[Self] = &[Self::Text, Self::Json, Self::Svg, Self::Dot];
}

/// Parses `KEY:VALUE`, split at the first `:`; the value may be empty or contain `:`.
pub fn key_value(text: &str) -> Result<(String, String), String> {
    match text.split_once(':') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("expected KEY:VALUE".to_owned()),
    }
}

/// Parses a `--tag` of an environment; the identity of an environment is not for overriding.
pub fn environment_tag(text: &str) -> Result<(String, String), String> {
    let (key, value) = key_value(text)?;
    if key == tag::NAME || key == tag::TYPE {
        return Err(format!(
            "the tag `{key}` identifies the environment and cannot be set"
        ));
    }
    Ok((key, value))
}

/// Parses `KEY=VALUE`, split at the first `=`; the value may be empty or contain `=`.
pub fn key_and_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("expected KEY=VALUE".to_owned()),
    }
}
