//! Credential buckets of environments, and what lies in them: accounts of operators, and tokens of applications.
//!
//! Secrets are kept in redacting types; they reach no log, argument list or error text.

pub mod account;
pub mod app_auth;
pub mod object;

#[cfg(test)]
mod tests;

use crate::aws::Aws;
use crate::config::{ConfigDir, DiscoAws, DiscoVpc};
use crate::environment::{self, Vpc};
use crate::error::{Error, Result};
use crate::names;

/// Names of the credential buckets of an environment, as `credential_buckets` of its section in `disco_vpc.ini` says. Without
/// that file there are none.
///
/// # Errors
/// The file cannot be read; there are buckets, and no `project_name` to name them with.
pub fn credential_buckets(
    directory: &ConfigDir,
    config: &DiscoAws,
    vpc: &Vpc,
    region: &str,
) -> Result<Vec<String>> {
    let Some(vpc_config) = DiscoVpc::load_if_present(directory)? else {
        return Ok(Vec::new());
    };
    let postfixes = vpc_config.credential_postfixes(&vpc.name, &vpc.env_type)?;
    if postfixes.is_empty() {
        return Ok(Vec::new());
    }
    let project = config.project_name()?;
    let name = |postfix: &String| names::credential_bucket(region, &project, postfix);
    Ok(postfixes.iter().map(name).collect())
}

/// Name of the first credential bucket of an environment (spec 10, section 7.4).
///
/// # Errors
/// There is no such environment, or `credential_buckets` of its section is empty; a file cannot be read.
pub async fn first_bucket(
    aws: &Aws,
    directory: &ConfigDir,
    config: &DiscoAws,
    env: &str,
) -> Result<String> {
    // Before any call: what is wrong with the file is told first.
    let vpc_config = DiscoVpc::load(directory)?;
    let vpc = environment::find(aws, env).await.map_err(no_environment)?;
    let postfixes = vpc_config.credential_postfixes(&vpc.name, &vpc.env_type)?;
    let Some(first) = postfixes.first() else {
        let hint = format!(
            "set `credential_buckets` in section [envtype:{}] of disco_vpc.ini, or name the bucket with `--bucket`",
            vpc.env_type
        );
        return Err(Error::not_found(format!(
            "No credential_buckets configured for environment {env}"
        ))
        .with_hint(hint));
    };
    let project = config.project_name()?;
    Ok(names::credential_bucket(aws.region(), &project, first))
}

/// Says why the environment is looked for at all.
fn no_environment(error: Error) -> Error {
    match error {
        Error::NotFound { what, hint } => Error::NotFound {
            what: format!(
                "Can not determine credentials from environment name unless vpc exists: {what}"
            ),
            hint: hint.map(|hint| format!("{hint}, or name the bucket with `--bucket`")),
        },
        other => other,
    }
}
