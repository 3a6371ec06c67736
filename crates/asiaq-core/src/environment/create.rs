//! Planning `create` and `update`: read, compute, compare. Makes no changing call.

use super::action::Action;
use super::apply::apply;
use super::changes;
use super::desired::{self, Surroundings};
use super::observed::{self, Beside, Observed, PeerScope};
use super::range;
use super::services::{self, Services};
use super::sources::Sources;
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
    /// Text of the error with which applying ends after everything is done: peerings that are not configured.
    pub extra_peerings: Option<String>,
    ids: BTreeMap<String, String>,
}

impl Planned {
    fn with_warnings(mut self, more: Vec<String>) -> Self {
        self.warnings.extend(more);
        self
    }

    /// True if subnets or security groups are still to be made: hosts have no place before.
    pub fn makes_places(&self) -> bool {
        let makes = |action: &Action| {
            matches!(
                action,
                Action::CreateSubnet { .. } | Action::CreateSecurityGroup { .. }
            )
        };
        let mut changes = self.plan.changes().iter();
        changes.any(|change| makes(&change.action))
    }

    /// Applies the plan; returns the VPC id.
    pub async fn apply(&self, aws: &Aws, progress: &dyn Progress) -> Result<String> {
        let ids = apply(aws, &self.name, &self.plan, self.ids.clone(), progress).await?;
        if let Some(text) = &self.extra_peerings {
            return Err(Error::refused(text).with_hint(
                "add their lines to [peerings] of disco_vpc.ini, or `disco_vpc_ui peerings --delete` and `--create` with --name",
            ));
        }
        Ok(ids.get(changes::VPC).cloned().unwrap_or_default())
    }
}

/// Plans a new environment.
///
/// # Errors
/// One of that name exists; the name or the configuration is wrong; AWS cannot be read.
pub async fn plan_create(aws: &Aws, sources: &Sources, request: &Create<'_>) -> Result<Planned> {
    let config = &sources.vpc;
    let environment = check_name(request.name)
        .and_then(|()| Ok(config.environment(request.name, request.env_type)?));
    let beside = async {
        match &environment {
            Ok(environment) => observed::beside(aws, environment, sources).await,
            // The error comes after the more important one, that the environment exists.
            Err(_) => Ok(Beside::default()),
        }
    };
    let (vpcs, zones, gateways, dhcp_sets, beside) = tokio::try_join!(
        vpc::list(aws),
        observed::zones(aws),
        observed::internet_gateways(aws, None, Some(request.name)),
        observed::dhcp_sets(aws, request.name),
        beside,
    )?;
    refuse_existing(&vpcs, request.name)?;
    let own = environment.as_ref().ok();
    let services = Services::for_create(sources, request.name, own, &vpcs);
    let (environment, services) = services::joined(sources, environment, services)?;
    let addresses = request
        .hostclasses
        .map(|hc| static_addresses(hc, request.name))
        .transpose()?
        .unwrap_or_default();
    let scope = PeerScope {
        config: &environment,
        vpc: None,
        vpcs: &vpcs,
        sources,
    };
    let (ntp_servers, peers) =
        tokio::try_join!(resolve_ntp(&environment), observed::peers(aws, &scope))?;
    // What an interrupted run may have left: things that are made beside the VPC.
    let leftovers = Observed {
        gateways,
        dhcp_sets,
        beside,
        peers,
        vpc_names: vpc::names(&vpcs),
        ..Observed::default()
    };
    let occupied: Vec<Ipv4Net> = vpcs.iter().flat_map(Vpc::blocks).collect();
    let around = Surroundings {
        zones: &zones,
        occupied: &occupied,
        addresses: &addresses,
        ntp_servers: &ntp_servers,
        extra_tags: &request.tags,
        services: &services,
        create_date: &names::create_date(Utc::now()),
        region: aws.region(),
    };
    let planned = compare(config, &environment, &around, &leftovers)?;
    Ok(planned.with_warnings(untagged_sandbox(request)))
}

/// Plans an update, which also completes an environment that was left half-made. Interfaces are not touched (spec 20,
/// section 6): provisioning creates those that its hosts need. `None` if nothing matches.
///
/// # Errors
/// Several environments of that name; a VPC without the tags `Name` and `type`; wrong configuration; AWS cannot be read.
pub async fn plan_update(
    aws: &Aws,
    sources: &Sources,
    selector: &Selector,
) -> Result<Option<Planned>> {
    let vpcs = vpc::list(aws).await?;
    let matching = vpcs.iter().filter(|vpc| selector.matches(vpc)).cloned();
    let Some(vpc) = only(matching.collect(), selector)? else {
        return Ok(None);
    };
    let planned = plan_update_of(aws, sources, (&vpc, &vpcs), None).await?;
    Ok(Some(planned))
}

/// As [`plan_update`], for a VPC out of all of the region. With `hostclasses`, the configuration of the hostclasses, their addresses
/// are reserved as [`plan_create`] does, those that no interface has yet.
///
/// # Errors
/// Those of [`plan_update`].
pub async fn plan_update_of(
    aws: &Aws,
    sources: &Sources,
    (vpc, vpcs): (&Vpc, &[Vpc]),
    hostclasses: Option<&DiscoAws>,
) -> Result<Planned> {
    let config = &sources.vpc;
    if !vpc.is_environment() {
        return Err(Error::refused(format!(
            "VPC {} is not an environment: it lacks the tag `Name` or `type`",
            vpc.id
        ))
        .with_hint("tag it, if it really is one"));
    }
    let (environment, services) = services::joined(
        sources,
        config
            .environment(&vpc.name, &vpc.env_type)
            .map_err(Into::into),
        Services::for_update(sources, &vpc.name),
    )?;
    let addresses = hostclasses
        .map(|hc| static_addresses(hc, &vpc.name))
        .transpose()?
        .unwrap_or_default();
    let scope = PeerScope {
        config: &environment,
        vpc: Some(vpc),
        vpcs,
        sources,
    };
    let taken = async {
        if addresses.is_empty() {
            return Ok(Vec::new());
        }
        observed::interfaces(aws, &vpc.id).await
    };
    let (zones, ntp_servers, mut observed, taken) = tokio::try_join!(
        observed::zones(aws),
        resolve_ntp(&environment),
        observed::observe(aws, vpc, &scope),
        taken,
    )?;
    let taken = taken.iter().filter_map(|own| own.address.parse().ok());
    observed.taken = taken.collect();
    let around = Surroundings {
        zones: &zones,
        occupied: &[],
        addresses: &addresses,
        ntp_servers: &ntp_servers,
        extra_tags: &vpc.tags,
        services: &services,
        create_date: &names::create_date(Utc::now()),
        region: aws.region(),
    };
    let planned = compare(config, &environment, &around, &observed)?;
    let overlaps = range::overlap_warnings(vpc, vpcs);
    Ok(planned.with_warnings(overlaps))
}

/// The plan that turns what there is into what is configured. Talks to nobody; only the choice of random blocks differs
/// from call to call.
fn compare(
    config: &DiscoVpc,
    environment: &EnvironmentConfig,
    around: &Surroundings<'_>,
    observed: &Observed,
) -> Result<Planned> {
    let (name, env_type) = (&environment.name, &environment.env_type);
    let desired = desired::desired(environment, around, observed, &mut rand::rng())
        .map_err(|errors| config.locate(name, env_type, errors))?;
    let peerings = changes::peering_notes(&desired, observed)?;
    let plan = changes::plan(&desired, observed);
    let warnings = [
        config.warnings(name, env_type),
        changes::warnings(&desired, observed),
        desired.warnings,
        peerings.warnings,
    ];
    Ok(Planned {
        name: name.clone(),
        plan,
        warnings: warnings.concat(),
        extra_peerings: peerings.extra,
        ids: changes::known_ids(observed),
    })
}

fn refuse_existing(vpcs: &[Vpc], name: &str) -> Result<()> {
    let selector = Selector::Name(name.to_owned());
    let Some(existing) = vpcs.iter().find(|vpc| selector.matches(vpc)) else {
        return Ok(());
    };
    Err(Error::refused(format!(
        "VPC with same name already exists. (`{name}` is {})",
        existing.id
    ))
    .with_hint(format!(
        "`disco_vpc_ui update --name {name}` completes or updates it"
    )))
}

/// The one VPC of a selection; several of one name are refused (spec 20, section 1.1).
///
/// # Errors
/// Several VPCs.
pub fn only(mut vpcs: Vec<Vpc>, selector: &Selector) -> Result<Option<Vpc>> {
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
