//! The small view of an environment's network that other capabilities use: metanetworks with group and subnets.
//!
//! Loading never changes anything (spec 20, section 14).

use super::observed::{self, SecurityGroup, Subnet};
use super::vpc::Vpc;
use crate::aws::Aws;
use crate::error::{Error, Result};
use crate::network::MetaNetwork;
use ipnet::Ipv4Net;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

/// One metanetwork in AWS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkPlace {
    /// Its security group.
    pub security_group_id: String,
    /// Its subnets, in address order.
    pub subnets: Vec<Subnet>,
}

impl NetworkPlace {
    /// Blocks of the subnets, in the same order.
    pub fn blocks(&self) -> Vec<Ipv4Net> {
        self.subnets.iter().map(|subnet| subnet.cidr).collect()
    }

    /// The subnet that an address lies in.
    pub fn subnet_of(&self, address: Ipv4Addr) -> Option<&Subnet> {
        self.subnets
            .iter()
            .find(|subnet| subnet.cidr.contains(&address))
    }
}

/// The metanetworks of an environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network {
    /// Name of the environment, for messages.
    pub environment: String,
    /// Complete metanetworks only: those with a security group and at least one subnet.
    pub places: BTreeMap<MetaNetwork, NetworkPlace>,
}

impl Network {
    pub(super) fn assemble(
        environment: &str,
        groups: &[SecurityGroup],
        subnets: &[Subnet],
    ) -> Self {
        let mut places = BTreeMap::new();
        for net in MetaNetwork::ALL {
            let mut own: Vec<Subnet> = subnets
                .iter()
                .filter(|s| s.net == Some(net))
                .cloned()
                .collect();
            own.sort_by_key(|subnet| subnet.cidr);
            let group = groups.iter().find(|g| g.net == Some(net));
            if let (Some(group), false) = (group, own.is_empty()) {
                places.insert(
                    net,
                    NetworkPlace {
                        security_group_id: group.id.clone(),
                        subnets: own,
                    },
                );
            }
        }
        Self {
            environment: environment.to_owned(),
            places,
        }
    }

    /// The metanetwork's group and subnets.
    pub fn place(&self, net: MetaNetwork) -> Result<&NetworkPlace> {
        self.places.get(&net).ok_or_else(|| {
            let known: Vec<&str> = self.places.keys().map(|net| net.as_str()).collect();
            Error::not_found(format!("environment `{}` has no metanetwork {net} (it has: {})", self.environment, known.join(", "))).with_hint(format!(
                "configure {net}_cidr in disco_vpc.ini and run `disco_vpc_ui update --name {}`, or change `meta_network` of the hostclass",
                self.environment
            ))
        })
    }
}

/// Reads the metanetworks of an environment: two concurrent calls.
pub async fn network_of(aws: &Aws, vpc: &Vpc) -> Result<Network> {
    let (groups, subnets) = tokio::try_join!(
        observed::security_groups(aws, vpc),
        observed::subnets(aws, &vpc.id)
    )?;
    Ok(Network::assemble(&vpc.name, &groups, &subnets))
}

/// A metanetwork whose security group may not exist yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// Its security group, if there is one.
    pub security_group_id: Option<String>,
    /// Its subnets, in address order; at least one.
    pub subnets: Vec<Subnet>,
}

/// Reads a metanetwork of an environment: two concurrent calls.
///
/// # Errors
/// It has no subnets.
pub async fn site_of(aws: &Aws, vpc: &Vpc, net: MetaNetwork) -> Result<Site> {
    let (groups, subnets) = tokio::try_join!(
        observed::security_groups(aws, vpc),
        observed::subnets(aws, &vpc.id)
    )?;
    let own = subnets.into_iter().filter(|subnet| subnet.net == Some(net));
    let mut subnets: Vec<Subnet> = own.collect();
    subnets.sort_by_key(|subnet| subnet.cidr);
    if subnets.is_empty() {
        return Err(Error::not_found(format!(
            "environment `{}` has no metanetwork {net}",
            vpc.name
        ))
        .with_hint(format!(
            "configure {net}_cidr in disco_vpc.ini and run `disco_vpc_ui update --name {}`",
            vpc.name
        )));
    }
    let group = groups.into_iter().find(|group| group.net == Some(net));
    Ok(Site {
        security_group_id: group.map(|group| group.id),
        subnets,
    })
}
