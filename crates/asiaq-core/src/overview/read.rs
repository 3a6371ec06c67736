//! Reads an environment: the VPCs of the region, then everything else in one round. Makes reading calls only.

use super::assemble::{Sources, assemble};
use super::model::Environment;
use crate::aws::Aws;
use crate::environment::contents::contents;
use crate::environment::{Selector, list, only, peerings};
use crate::error::Result;
use crate::group::Clouds;
use crate::names::tag;
use crate::spotinst::Access;
use crate::{group, host};

/// The environment or VPC that the selector means; `None` if there is none.
///
/// # Errors
/// Several environments of that name; AWS cannot be read.
pub async fn read(aws: &Aws, access: &Access, selector: &Selector) -> Result<Option<Environment>> {
    // All of them: peers are to be called by their names.
    let vpcs = list(aws).await?;
    let matching = vpcs.iter().filter(|vpc| selector.matches(vpc)).cloned();
    let Some(vpc) = only(matching.collect(), selector)? else {
        return Ok(None);
    };
    let groups = async {
        // Groups are found by the environment's name.
        match vpc.tags.get(tag::NAME).filter(|name| !name.is_empty()) {
            Some(name) => {
                let spotinst = access.client(name)?;
                let clouds = Clouds {
                    aws,
                    spotinst: spotinst.as_ref(),
                };
                group::groups(clouds, name).await
            }
            None => Ok(Vec::new()),
        }
    };
    let (contents, peerings, groups, hosts) = tokio::try_join!(
        contents(aws, &vpc),
        peerings(aws),
        groups,
        host::hosts_of(aws, &vpc.id, &[]),
    )?;
    Ok(Some(assemble(&Sources {
        region: aws.region(),
        vpc: &vpc,
        vpcs: &vpcs,
        contents: &contents,
        peerings: &peerings,
        groups: &groups,
        hosts: &hosts,
    })))
}
