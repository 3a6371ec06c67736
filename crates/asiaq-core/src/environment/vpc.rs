//! The VPC record: listing environments and finding one by name or id.

use crate::aws::{Aws, Pages, Tags, tags_of};
use crate::error::{Error, Result};
use crate::names::{DEFAULT_ENVIRONMENT_CLASS, tag};
use aws_sdk_ec2::types::Filter;
use ipnet::Ipv4Net;
use serde::Serialize;
use std::collections::BTreeMap;

/// A VPC as the listing shows it. The field names are the JSON keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Vpc {
    /// VPC id.
    pub id: String,
    /// Tag `Name`, the environment; `-` if untagged.
    pub name: String,
    /// Tag `type`; `-` if untagged.
    #[serde(rename = "type")]
    pub env_type: String,
    /// Primary IPv4 block.
    pub cidr_block: String,
    /// All associated IPv4 blocks.
    pub cidr_blocks: Vec<String>,
    /// The account's default VPC of the region.
    pub is_default: bool,
    /// All tags.
    pub tags: Tags,
    /// Id of its DHCP options set.
    #[serde(skip)]
    pub dhcp_options_id: Option<String>,
}

impl Vpc {
    fn from_sdk(vpc: aws_sdk_ec2::types::Vpc) -> Option<Self> {
        let tags = tags_of(vpc.tags());
        let tagged = |key: &str| tags.get(key).cloned().unwrap_or_else(|| "-".to_owned());
        let live = |state: Option<&aws_sdk_ec2::types::VpcCidrBlockState>| {
            let state = state.and_then(|s| s.state()).map(|s| s.as_str());
            !matches!(state, Some("disassociated" | "disassociating" | "failed"))
        };
        let blocks = vpc
            .cidr_block_association_set()
            .iter()
            .filter(|a| live(a.cidr_block_state()));
        let mut cidr_blocks: Vec<String> = blocks
            .filter_map(|a| a.cidr_block().map(str::to_owned))
            .collect();
        let cidr_block = vpc.cidr_block().unwrap_or_default().to_owned();
        if cidr_blocks.is_empty() && !cidr_block.is_empty() {
            cidr_blocks.push(cidr_block.clone());
        }
        Some(Self {
            id: vpc.vpc_id()?.to_owned(),
            name: tagged(tag::NAME),
            env_type: tagged(tag::TYPE),
            cidr_block,
            cidr_blocks,
            is_default: vpc.is_default().unwrap_or(false),
            dhcp_options_id: vpc
                .dhcp_options_id()
                .filter(|id| *id != "default")
                .map(str::to_owned),
            tags,
        })
    }

    /// True if the VPC carries the tags that make it an environment.
    pub fn is_environment(&self) -> bool {
        self.tags.contains_key(tag::NAME) && self.tags.contains_key(tag::TYPE)
    }

    /// Tag `environment_class`, default `development`.
    pub fn environment_class(&self) -> &str {
        self.tags
            .get(tag::ENVIRONMENT_CLASS)
            .map_or(DEFAULT_ENVIRONMENT_CLASS, String::as_str)
    }

    /// All associated blocks, for overlap checks.
    pub fn blocks(&self) -> impl Iterator<Item = Ipv4Net> + '_ {
        self.cidr_blocks.iter().filter_map(|text| text.parse().ok())
    }
}

/// Tag `Name` of every VPC that has one, by id.
pub(super) fn names(vpcs: &[Vpc]) -> BTreeMap<String, String> {
    let named = |vpc: &Vpc| Some((vpc.id.clone(), vpc.tags.get(tag::NAME)?.clone()));
    vpcs.iter().filter_map(named).collect()
}

/// How an operator names a VPC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selector {
    /// Tag `Name`.
    Name(String),
    /// VPC id; works on any VPC.
    Id(String),
}

impl Selector {
    /// True if this is the VPC, or one of the VPCs, that the operator means.
    pub fn matches(&self, vpc: &Vpc) -> bool {
        match self {
            Self::Name(name) => vpc.tags.get(tag::NAME) == Some(name),
            Self::Id(id) => vpc.id == *id,
        }
    }
}

impl std::fmt::Display for Selector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Name(name) => write!(f, "environment `{name}`"),
            Self::Id(id) => write!(f, "VPC {id}"),
        }
    }
}

/// All VPCs of the region, in API order.
pub async fn list(aws: &Aws) -> Result<Vec<Vpc>> {
    let vpcs = aws
        .ec2()
        .describe_vpcs()
        .into_paginator()
        .items()
        .send()
        .all("ec2:DescribeVpcs", "")
        .await?;
    Ok(vpcs.into_iter().filter_map(Vpc::from_sdk).collect())
}

/// The VPCs that match; none is not an error.
pub async fn select(aws: &Aws, selector: &Selector) -> Result<Vec<Vpc>> {
    let (name, value) = match selector {
        Selector::Name(name) => ("tag:Name", name),
        Selector::Id(id) => ("vpc-id", id),
    };
    let filter = Filter::builder().name(name).values(value).build();
    let call = aws
        .ec2()
        .describe_vpcs()
        .filters(filter)
        .into_paginator()
        .items()
        .send();
    let vpcs = call.all("ec2:DescribeVpcs", &selector.to_string()).await?;
    Ok(vpcs
        .into_iter()
        .filter_map(Vpc::from_sdk)
        .filter(|vpc| selector.matches(vpc))
        .collect())
}

/// The environment of that name; the first in API order if there are several.
///
/// # Errors
/// "cannot select environment NAME" if there is none, or if the name is one of the words that mean none (spec 40, section 1.2).
pub async fn find(aws: &Aws, name: &str) -> Result<Vpc> {
    let missing = || {
        Error::not_found(format!("cannot select environment `{name}`: no VPC of that name in {}", aws.region()))
            .with_hint("`disco_vpc_ui list` shows the environments; `disco_vpc_ui create` makes one; check --env, DEFAULT_ENV and AWS_REGION")
    };
    if matches!(name, "" | "-" | "none" | "None") {
        return Err(missing());
    }
    select(aws, &Selector::Name(name.to_owned()))
        .await?
        .into_iter()
        .next()
        .ok_or_else(missing)
}
