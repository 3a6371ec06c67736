//! Planning `create` and `update`: read, compute, compare. Makes no changing call.

use super::action::Action;
use super::apply::apply;
use super::changes;
use super::desired::{self, Surroundings};
use super::observed::{self, Observed};
use super::vpc::{self, Selector, Vpc};
use crate::aws::{Aws, Tags};
use crate::config::{
    ConfigError, DiscoAws, DiscoVpc, EnvironmentConfig, NtpConfig, StaticAddresses,
};
use crate::error::{Error, Result};
use crate::names;
use crate::plan::{Plan, Progress};
use chrono::Utc;
use ipnet::Ipv4Net;
use std::collections::BTreeMap;

/// The type of environments that developers make for themselves.
const SANDBOX: &str = "sandbox";

/// What `create` is asked for.
#[derive(Debug, Clone)]
pub struct Create<'a> {
    /// Environment.
    pub name: &'a str,
    /// Type, an `envtype:` section.
    pub env_type: &'a str,
    /// Tags of the VPC and what is in it.
    pub tags: Tags,
    /// Hostclass configuration whose addresses are reserved; `None` to skip them.
    pub hostclasses: Option<&'a DiscoAws>,
}

/// A planned creation or update.
#[derive(Debug)]
pub struct Planned {
    /// Environment.
    pub name: String,
    /// The changes.
    pub plan: Plan<Action>,
    /// What the operator should know.
    pub warnings: Vec<String>,
    ids: BTreeMap<String, String>,
}

impl Planned {
    /// Applies the plan; returns the VPC id.
    pub async fn apply(&self, aws: &Aws, progress: &dyn Progress) -> Result<String> {
        let ids = apply(aws, &self.name, &self.plan, self.ids.clone(), progress).await?;
        Ok(ids.get(changes::VPC).cloned().unwrap_or_default())
    }
}

/// Plans a new environment.
///
/// # Errors
/// One of that name exists; the name or the configuration is wrong; AWS cannot be read.
pub async fn plan_create(aws: &Aws, config: &DiscoVpc, request: &Create<'_>) -> Result<Planned> {
    let (vpcs, zones, gateways, dhcp_sets) = tokio::try_join!(
        vpc::list(aws),
        observed::zones(aws),
        observed::internet_gateways(aws, None, Some(request.name)),
        observed::dhcp_sets(aws, request.name),
    )?;
    if let Some(existing) = vpcs.iter().find(|vpc| {
        vpc.tags
            .get(names::tag::NAME)
            .is_some_and(|name| name == request.name)
    }) {
        return Err(Error::refused(format!(
            "VPC with same name already exists. (`{}` is {})",
            request.name, existing.id
        ))
        .with_hint(format!(
            "`disco_vpc_ui update --name {}` completes or updates it",
            request.name
        )));
    }
    check_name(request.name)?;
    let environment = config.environment(request.name, request.env_type)?;
    let addresses = request
        .hostclasses
        .map(|hc| static_addresses(hc, request.name))
        .transpose()?
        .unwrap_or_default();
    let ntp_servers = resolve_ntp(&environment).await?;
    // What an interrupted run may have left: things that are made beside the VPC.
    let leftovers = Observed {
        gateways,
        dhcp_sets,
        ..Observed::default()
    };
    let occupied: Vec<Ipv4Net> = vpcs.iter().flat_map(Vpc::blocks).collect();
    let around = Surroundings {
        zones: &zones,
        occupied: &occupied,
        addresses: &addresses,
        ntp_servers: &ntp_servers,
        extra_tags: &request.tags,
        create_date: &names::create_date(Utc::now()),
    };
    let desired = desired::desired(&environment, &around, &leftovers, &mut rand::rng())?;
    let plan = changes::plan(&desired, &leftovers);
    let warnings = [
        config.warnings(request.name, request.env_type),
        untagged_sandbox(request),
        desired.warnings,
    ]
    .concat();
    Ok(Planned {
        name: request.name.to_owned(),
        plan,
        warnings,
        ids: changes::known_ids(&leftovers),
    })
}

/// Plans an update, which also completes an environment that was left half-made. Interfaces are not touched (spec 20,
/// section 6): provisioning creates those that its hosts need. `None` if nothing matches.
///
/// # Errors
/// Several environments of that name; a VPC without the tags `Name` and `type`; wrong configuration; AWS cannot be read.
pub async fn plan_update(
    aws: &Aws,
    config: &DiscoVpc,
    selector: &Selector,
) -> Result<Option<Planned>> {
    let (vpcs, zones) = tokio::try_join!(vpc::select(aws, selector), observed::zones(aws))?;
    let Some(vpc) = only(vpcs, selector)? else {
        return Ok(None);
    };
    if !vpc.is_environment() {
        return Err(Error::refused(format!(
            "VPC {} is not an environment: it lacks the tag `Name` or `type`",
            vpc.id
        ))
        .with_hint("tag it, if it really is one"));
    }
    let environment = config.environment(&vpc.name, &vpc.env_type)?;
    let (ntp_servers, observed) =
        tokio::try_join!(resolve_ntp(&environment), observed::observe(aws, &vpc))?;
    let around = Surroundings {
        zones: &zones,
        occupied: &[],
        addresses: &[],
        ntp_servers: &ntp_servers,
        extra_tags: &vpc.tags,
        create_date: &names::create_date(Utc::now()),
    };
    let desired = desired::desired(&environment, &around, &observed, &mut rand::rng())?;
    let plan = changes::plan(&desired, &observed);
    let warnings = [config.warnings(&vpc.name, &vpc.env_type), desired.warnings].concat();
    Ok(Some(Planned {
        plan,
        warnings,
        ids: changes::known_ids(&observed),
        name: vpc.name,
    }))
}

/// The one VPC of a selection; several of one name are refused (spec 20, section 1.1).
pub(super) fn only(mut vpcs: Vec<Vpc>, selector: &Selector) -> Result<Option<Vpc>> {
    if vpcs.len() > 1 {
        let ids: Vec<&str> = vpcs.iter().map(|vpc| vpc.id.as_str()).collect();
        return Err(
            Error::refused(format!("several VPCs match {selector}: {}", ids.join(", ")))
                .with_hint("choose one with --vpc-id"),
        );
    }
    Ok(vpcs.pop())
}

/// Sandboxes are billed to a product line, so they should say which (spec 20, section 1.1).
fn untagged_sandbox(request: &Create<'_>) -> Vec<String> {
    if request.env_type != SANDBOX || request.tags.contains_key(names::tag::PRODUCT_LINE) {
        return Vec::new();
    }
    let key = names::tag::PRODUCT_LINE;
    vec![format!(
        "sandbox `{}` gets no tag `{key}`: give it one with --tag {key}:VALUE",
        request.name
    )]
}

fn check_name(name: &str) -> Result<()> {
    if names::is_valid_environment(name) {
        return Ok(());
    }
    let text = format!("VPC name `{name}` must not be empty or contain `_`");
    Err(Error::refused(text).with_hint("`_` separates environment, hostclass and metanetwork in the names of groups, subnets and alarms; use `-`"))
}

/// The addresses of all hostclasses. Sections that are wrong are all reported.
fn static_addresses(config: &DiscoAws, env: &str) -> Result<Vec<StaticAddresses>> {
    let (mut found, mut problems) = (Vec::new(), Vec::new());
    for hostclass in config.hostclasses() {
        match config.static_addresses(&hostclass, env) {
            Ok(addresses) => found.extend(addresses),
            Err(errors) => problems.extend(errors.0),
        }
    }
    if problems.is_empty() {
        Ok(found)
    } else {
        Err(crate::config::ConfigErrors(problems).into())
    }
}

/// The addresses of `ntp_server`: an IP as it is, a name as its first IPv4 address.
async fn resolve_ntp(config: &EnvironmentConfig) -> Result<Vec<String>> {
    let NtpConfig::Servers(words) = &config.dhcp.ntp else {
        return Ok(Vec::new());
    };
    let mut addresses = Vec::new();
    for word in words {
        if word.parse::<std::net::Ipv4Addr>().is_ok() {
            addresses.push(word.clone());
            continue;
        }
        let found = tokio::net::lookup_host((word.as_str(), 123))
            .await
            .ok()
            .and_then(|mut all| all.find(|a| a.is_ipv4()));
        let address = found.ok_or_else(|| {
            ConfigError::new(format!(
                "ntp_server: cannot resolve `{word}` to an IPv4 address"
            ))
            .with_hint("use an address such as 169.254.169.123, the time service of AWS")
        })?;
        addresses.push(address.ip().to_string());
    }
    Ok(addresses)
}
