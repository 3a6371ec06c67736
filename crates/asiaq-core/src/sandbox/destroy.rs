//! Taking a sandbox down: the environment with its groups and all else in it, then its configuration files.
//!
//! The files come last, because hosts may read them while they live. They are found by the sandbox's name and known by their mark, so
//! another run finds them after the environment is gone, and leaves those of a sandbox of that name elsewhere.

use super::find;
use super::input::{check_name, configured};
use super::lines::{self, Part, PlanLine};
use super::objects::{self, ObjectPlan};
use crate::aws::Aws;
use crate::config::DiscoAws;
use crate::environment::{self, Selector};
use crate::error::Result;
use crate::plan::Progress;
use crate::spotinst::Access;

/// A planned destruction.
#[derive(Debug)]
pub struct Destruction {
    name: String,
    environment: Option<environment::Destruction>,
    files: ObjectPlan,
    warnings: Vec<String>,
}

/// Plans it. `env` is the environment whose options of `config` hold, as in [`super::Place`]. Makes no changing call.
///
/// # Errors
/// The environment of that name is no sandbox; what [`environment::plan_destroy`] refuses; the bucket cannot be read.
pub async fn plan_destroy(
    aws: &Aws,
    access: &Access,
    (config, env): (&DiscoAws, &str),
    name: &str,
) -> Result<Destruction> {
    check_name(name)?;
    let configured = configured(config, env, name)?;
    let (vpc, found) = tokio::try_join!(find(aws, name), objects::marks(aws, configured.as_ref()))?;
    let environment = match vpc {
        Some(vpc) => {
            let selector = Selector::Name(name.to_owned());
            Some(environment::plan_destroy_of(aws, access, vpc, &selector).await?)
        }
        None => None,
    };
    let bucket = configured.as_ref().map_or("", |own| own.bucket.as_str());
    let files = objects::plan_delete(aws, (bucket, name), &found, environment.is_some());
    let warnings = environment.iter().flat_map(|own| &own.warnings);
    let warnings = warnings.chain(&files.warnings).cloned().collect();
    Ok(Destruction {
        name: name.to_owned(),
        environment,
        files,
        warnings,
    })
}

impl Destruction {
    /// True if there is nothing to destroy.
    pub fn is_empty(&self) -> bool {
        self.environment.is_none() && self.files.plan.is_empty()
    }

    /// What the operator should know before.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The plan, line by line.
    pub fn lines(&self) -> Vec<PlanLine> {
        let environment = self.environment.iter();
        let mut all: Vec<PlanLine> = environment
            .flat_map(|own| lines::of_plan(Part::Environment, &own.plan))
            .collect();
        all.extend(lines::of_objects(&self.files));
        all
    }

    /// The plan as text.
    pub fn text(&self) -> Vec<String> {
        lines::text(&self.lines())
    }

    /// The stages that [`Self::run`] tells its progress about.
    pub fn stages(&self) -> usize {
        usize::from(self.environment.is_some()) + usize::from(!self.files.plan.is_empty())
    }

    /// Destroys environment and files.
    ///
    /// # Errors
    /// The first of them that fails; running the command again goes on from there.
    pub async fn run(&self, aws: &Aws, progress: &dyn Progress) -> Result<()> {
        if let Some(environment) = &self.environment {
            progress.stage(&format!("environment {} with all in it", self.name), &[]);
            environment.run(aws, progress).await?;
        }
        if !self.files.plan.is_empty() {
            let bucket = &self.files.bucket;
            progress.stage(&format!("configuration files in bucket {bucket}"), &[]);
            let executor = objects::Executor::new(aws, bucket, &self.name);
            self.files.plan.apply(&executor, progress).await?;
        }
        Ok(())
    }
}
