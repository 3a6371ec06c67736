//! Plans a bake: what the configuration says, the source image, and what is in the bakery. Changes nothing.

use super::options::{Options, Source};
use super::{Bake, Bakery, Request};
use crate::aws::{Aws, Context};
use crate::error::{Error, Result};
use crate::image::{Image, Trusted, best, of_hostclasses};
use chrono::Utc;

impl<'a> Bakery<'a> {
    /// Plans one image. Changes nothing.
    ///
    /// # Errors
    /// The configuration is wrong, the source image, the bakery or its security group does not exist.
    pub async fn prepare(&self, aws: &Aws, request: Request<'a>) -> Result<Bake<'a>> {
        let options = Options::read(self.config, self.directory, &request)?;
        self.warn_of_unknown_stage(&options)?;
        let (source, surroundings) =
            tokio::try_join!(self.source(aws, &options), self.surroundings(aws))?;
        let group = self.security_group(aws).await?.to_owned();
        let image_name = format!("{} {}", options.base_name, Utc::now().timestamp());
        Ok(Bake {
            request,
            image_name,
            source,
            group,
            repo: surroundings.repo.clone(),
            options,
        })
    }

    fn warn_of_unknown_stage(&self, options: &Options) -> Result<()> {
        let known = self.config.ami_stages()?;
        if !known.contains(&options.stage) {
            tracing::warn!(
                "stage `{}` is none of `ami_stages`: {}",
                options.stage,
                known.join(" ")
            );
        }
        Ok(())
    }

    async fn source(&self, aws: &Aws, options: &Options) -> Result<Image> {
        match &options.source {
            Source::Id(id) => {
                let read = async || Ok(vec![by_id(aws, id).await?]);
                let found = self.sources_once(id, read).await?;
                let missing = || Error::not_found(format!("cannot locate AMI {id}"));
                found.into_iter().next().ok_or_else(missing)
            }
            Source::Base { name, stage } => {
                let trusted = Trusted::new(&self.config.trusted_account_ids()?);
                let names = [name.clone()];
                let read = async || of_hostclasses(aws, &trusted, &names).await;
                let mut images = self.sources_once(name, read).await?;
                images.retain(|image| image.state == "available");
                let stages = [stage.clone()];
                best(&images, name, &stages, false).cloned().ok_or_else(|| {
                    Error::not_found(format!("Couldn't find phase 1 ami: no available image `{name}` of stage {stage}"))
                        .with_hint(format!("bake one with `disco_bake bake`, and `disco_bake promote --ami AMI --stage {stage}`, or pass `--source-ami`"))
                })
            }
        }
    }
}

/// An image of any owner: vendors' images belong to them.
async fn by_id(aws: &Aws, id: &str) -> Result<Image> {
    let missing = || {
        Error::not_found(format!("cannot locate AMI {id} in region {}", aws.region())).with_hint(
            "check `bake_ami` or `--source-ami`; ids of vendors' images differ by region",
        )
    };
    let call = aws.ec2().describe_images().image_ids(id);
    let answer = match call.send().await.context("ec2:DescribeImages", id) {
        Err(error)
            if error.is_not_found()
                || error.is("InvalidAMIID.Malformed")
                || error.is("InvalidAMIID.Unavailable") =>
        {
            return Err(missing());
        }
        other => other?,
    };
    let images = answer.images.unwrap_or_default();
    let found = images.into_iter().find_map(Image::from_sdk);
    found.ok_or_else(missing)
}
