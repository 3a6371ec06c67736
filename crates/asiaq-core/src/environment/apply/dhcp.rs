//! DHCP options sets.

use super::super::changes::{DHCP, VPC};
use super::Executor;
use crate::aws::{Context, Tags, ec2_tags, tag_specification, tags_of};
use crate::error::{Error, Result};
use crate::names::tag;
use aws_sdk_ec2::types::{NewDhcpConfiguration, ResourceType};

impl Executor<'_> {
    pub(super) async fn create_dhcp(
        &self,
        options: &[(String, Vec<String>)],
        tags: &Tags,
    ) -> Result<()> {
        let option = |(key, values): &(String, Vec<String>)| {
            NewDhcpConfiguration::builder()
                .key(key)
                .set_values(Some(values.clone()))
                .build()
        };
        let call = self
            .aws
            .ec2()
            .create_dhcp_options()
            .set_dhcp_configurations(Some(options.iter().map(option).collect()));
        let answer = call
            .tag_specifications(tag_specification(ResourceType::DhcpOptions, tags))
            .send()
            .await;
        let answer =
            answer.context("ec2:CreateDhcpOptions", format!("environment {}", self.env))?;
        let set = answer.dhcp_options();
        self.learn(
            DHCP,
            set.and_then(|s| s.dhcp_options_id()),
            "ec2:CreateDhcpOptions",
        )?;
        // Some compatible endpoints ignore tags in this call; an untagged set would never be found again.
        if set.is_some_and(|s| tags_of(s.tags()).contains_key(tag::NAME)) {
            return Ok(());
        }
        let call = self
            .aws
            .ec2()
            .create_tags()
            .resources(self.id(DHCP)?)
            .set_tags(Some(ec2_tags(tags)));
        call.send()
            .await
            .context("ec2:CreateTags", "the DHCP options")?;
        Ok(())
    }

    pub(super) async fn associate_dhcp(&self, existing: Option<&str>) -> Result<()> {
        let set = existing.map_or_else(|| self.id(DHCP), |id| Ok(id.to_owned()))?;
        let call = self
            .aws
            .ec2()
            .associate_dhcp_options()
            .dhcp_options_id(&set)
            .vpc_id(self.id(VPC)?);
        call.send()
            .await
            .context("ec2:AssociateDhcpOptions", &set)?;
        Ok(())
    }

    /// The new set is in force already, so failing to remove an old one is only worth a note.
    pub(super) async fn delete_dhcp(&self, id: &str) -> Result<()> {
        let call = self.aws.ec2().delete_dhcp_options().dhcp_options_id(id);
        if let Err(error) = call.send().await.context("ec2:DeleteDhcpOptions", id)
            && !error.is_not_found()
        {
            return Err(Error::Left(format!("the old DHCP options stay: {error}")));
        }
        Ok(())
    }
}
