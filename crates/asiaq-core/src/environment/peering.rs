//! Peerings between environments: listing, making and deleting them (spec 20, sections 1.1, 4.10 and 11).
//!
//! `side` is the view of one VPC, `connect`, `extra` and `delete` are the pure rules; create and update of an
//! environment use the same ones. Here is what reads for them.

mod connect;
mod delete;
mod extra;
mod side;
#[cfg(test)]
mod tests;

pub(super) use connect::Connecting;
pub(super) use extra::extras;
pub(super) use side::{Side, SideGroup, SideNet, SideTable, open_to, routes};

pub use super::action::{PeeringAction, PeeringParty};
pub use super::apply::{PeeringExecutor, peering_executor};

use super::create::only;
use super::observed::{self, Peering, PeeringSide};
use super::vpc::{self, Selector, Vpc};
use crate::aws::Aws;
use crate::config::DiscoVpc;
use crate::error::Result;
use crate::names::tag;
use crate::network::resolve_peerings;
use crate::plan::{Plan, Progress};
use delete::Deleting;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// A peering connection as the listing shows it. The field names are the JSON keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PeeringRecord {
    /// Connection id.
    pub id: String,
    /// Such as `active` or `pending-acceptance`.
    pub status: String,
    /// The side that accepted.
    pub accepter: PeeringVpc,
    /// The side that asked.
    pub requester: PeeringVpc,
}

/// One side of a listed connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PeeringVpc {
    /// VPC id.
    pub vpc_id: String,
    /// Its tag `Name`; `-` if untagged, empty if it is not in this account and region.
    pub name: String,
    /// Its primary block.
    pub cidr_block: String,
}

/// What is to be made, and what the operator should know.
#[derive(Debug)]
pub struct PeeringPlan {
    /// The changes.
    pub plan: Plan<PeeringAction>,
    /// Warnings.
    pub warnings: Vec<String>,
}

/// The connections of the region, or of the first VPC that matches, by the names of their accepters. `None` if nothing
/// matches.
pub async fn list(aws: &Aws, selector: Option<&Selector>) -> Result<Option<Vec<PeeringRecord>>> {
    let (vpcs, all) = match selector {
        None => tokio::try_join!(vpc::list(aws), observed::peerings(aws))?,
        Some(selector) => {
            let vpcs = vpc::list(aws).await?;
            let Some(own) = vpcs.iter().find(|vpc| selector.matches(vpc)) else {
                return Ok(None);
            };
            let own = observed::peerings_of(aws, &own.id).await?;
            (vpcs, own)
        }
    };
    Ok(Some(records(&vpcs, &all)))
}

/// The rows of the listing.
fn records(vpcs: &[Vpc], peerings: &[Peering]) -> Vec<PeeringRecord> {
    let side = |side: &PeeringSide| PeeringVpc {
        vpc_id: side.vpc_id.clone(),
        name: vpcs
            .iter()
            .find(|vpc| vpc.id == side.vpc_id)
            .map(|vpc| vpc.tags.get(tag::NAME).map_or("-", String::as_str))
            .unwrap_or_default()
            .to_owned(),
        cidr_block: side.cidr.map(|cidr| cidr.to_string()).unwrap_or_default(),
    };
    let shown = |peering: &&Peering| {
        matches!(
            peering.status.as_str(),
            "pending-acceptance" | "provisioning" | "active" | "failed"
        )
    };
    let mut records: Vec<PeeringRecord> = peerings
        .iter()
        .filter(shown)
        .map(|peering| PeeringRecord {
            id: peering.id.clone(),
            status: peering.status.clone(),
            accepter: side(&peering.accepter),
            requester: side(&peering.requester),
        })
        .collect();
    records.sort_by(|a, b| a.accepter.name.cmp(&b.accepter.name));
    records
}

/// Plans the configured connections, all of them or those of one environment. `None` if nothing matches.
///
/// # Errors
/// Lines that are wrong; several environments match; networks that cannot be connected; AWS cannot be read.
pub async fn plan_connect(
    aws: &Aws,
    config: &DiscoVpc,
    selector: Option<&Selector>,
) -> Result<Option<PeeringPlan>> {
    let config = config.peerings()?;
    let Some((vpcs, own)) = choose(aws, selector).await? else {
        return Ok(None);
    };
    let mut connections = resolve_peerings(&config.lines, &observed::candidates(&vpcs));
    let mut warnings = Vec::new();
    if let Some(own) = &own {
        connections.retain(|connection| connection.other(&own.id).is_some());
        if !own.is_environment() {
            warnings.push(format!(
                "VPC {} lacks the tag `Name` or `type`: no peering line can mean it",
                own.id
            ));
        }
    }
    if connections.is_empty() {
        let plan = Plan::default();
        return Ok(Some(PeeringPlan { plan, warnings }));
    }
    let joined = connections
        .iter()
        .flat_map(|c| [c.requester.as_str(), c.accepter.as_str()]);
    let joined: BTreeSet<&str> = joined.collect();
    let (live, peers) = tokio::try_join!(
        existing(aws, own.as_ref().map(|vpc| vpc.id.as_str())),
        observed::peer_vpcs(aws, &vpcs, &joined),
    )?;
    let sides: BTreeMap<String, Side> = peers
        .iter()
        .map(|(id, peer)| (id.clone(), Side::of(id, peer)))
        .collect();
    let connecting = Connecting {
        connections: &connections,
        live: &live,
        sides: &sides,
        rules: config.update_security_groups,
    };
    warnings.extend(connecting.check()?);
    let plan = connecting.plan();
    Ok(Some(PeeringPlan { plan, warnings }))
}

/// Plans the deletion of all live connections of the region, or of the VPC that matches. `None` if nothing matches.
///
/// # Errors
/// Several environments match; AWS cannot be read.
pub async fn plan_delete_selected(
    aws: &Aws,
    selector: Option<&Selector>,
) -> Result<Option<Plan<PeeringAction>>> {
    if selector.is_none() {
        return plan_delete(aws, None).await.map(Some);
    }
    let Some((vpcs, own)) = choose(aws, selector).await? else {
        return Ok(None);
    };
    let live = existing(aws, own.as_ref().map(|vpc| vpc.id.as_str())).await?;
    deletion(aws, &vpcs, &live).await.map(Some)
}

/// Plans the deletion of all live connections of a VPC, or of the region, with their routes and rules on both sides.
pub async fn plan_delete(aws: &Aws, vpc_id: Option<&str>) -> Result<Plan<PeeringAction>> {
    let (vpcs, live) = tokio::try_join!(vpc::list(aws), existing(aws, vpc_id))?;
    deletion(aws, &vpcs, &live).await
}

/// Applies a plan of this module.
pub async fn apply(aws: &Aws, plan: &Plan<PeeringAction>, progress: &dyn Progress) -> Result<()> {
    plan.apply(&peering_executor(aws), progress).await?;
    Ok(())
}

/// All VPCs, and the one that the operator means, if any. `None` if nothing matches.
async fn choose(aws: &Aws, selector: Option<&Selector>) -> Result<Option<(Vec<Vpc>, Option<Vpc>)>> {
    let vpcs = vpc::list(aws).await?;
    let Some(selector) = selector else {
        return Ok(Some((vpcs, None)));
    };
    let matching = vpcs.iter().filter(|vpc| selector.matches(vpc)).cloned();
    let own = only(matching.collect(), selector)?;
    Ok(own.map(|own| (vpcs, Some(own))))
}

/// The live connections of the region or of one VPC.
async fn existing(aws: &Aws, vpc_id: Option<&str>) -> Result<Vec<Peering>> {
    let mut live = match vpc_id {
        Some(id) => observed::peerings_of(aws, id).await?,
        None => observed::peerings(aws).await?,
    };
    live.retain(Peering::is_live);
    Ok(live)
}

/// Requests of other accounts are theirs to withdraw, and AWS lets nobody else delete them: they are left out.
fn withdrawable(vpcs: &[Vpc], peering: &Peering) -> bool {
    let known = vpcs.iter().any(|vpc| vpc.id == peering.requester.vpc_id);
    if !known && peering.status != "active" {
        let (id, from) = (&peering.id, &peering.requester.vpc_id);
        tracing::warn!(
            "peering connection {id} is skipped: VPC {from} of another account or region asks for it"
        );
        return false;
    }
    true
}

async fn deletion(aws: &Aws, vpcs: &[Vpc], live: &[Peering]) -> Result<Plan<PeeringAction>> {
    let live: Vec<Peering> = live
        .iter()
        .filter(|peering| withdrawable(vpcs, peering))
        .cloned()
        .collect();
    if live.is_empty() {
        return Ok(Plan::default());
    }
    let ids: Vec<String> = live.iter().map(|peering| peering.id.clone()).collect();
    let joined = |vpc: &&Vpc| live.iter().any(|peering| peering.across(&vpc.id).is_some());
    let joined: Vec<&Vpc> = vpcs.iter().filter(joined).collect();
    let (tables, groups) = tokio::try_join!(
        observed::tables_through(aws, &ids),
        observed::all_groups_of(aws, &joined),
    )?;
    let deleting = Deleting {
        peerings: &live,
        tables: &tables,
        groups: &groups,
        vpcs,
    };
    Ok(deleting.plan())
}
