//! Everything that planning a pipeline needs to know, read once: three rounds of concurrent calls.

use super::Request;
use super::resolve::Known;
use crate::aws::{Aws, Tags};
use crate::balancer::{self, BalancerSpec, BalancerState};
use crate::config::{ConfigErrors, HostclassConfig, StaticAddresses};
use crate::environment::{self, Network, Vpc, find_interfaces};
use crate::error::Result;
use crate::group::{self, Clouds, GroupState, Kind};
use crate::image::{self, Image, Trusted};
use crate::names;
use crate::network::{MetaNetwork, resolve_address};
use crate::pipeline::{Reserve, Row};
use crate::storage::{self, Snapshot, TypeFacts};
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

/// The facts.
#[derive(Debug)]
pub(super) struct Inputs {
    pub(super) vpc: Vpc,
    pub(super) network: Network,
    pub(super) groups: GroupState,
    pub(super) balancers: BalancerState,
    pub(super) rows: Vec<ResolvedRow>,
    pub(super) trusted: Trusted,
    pub(super) snapshots: BTreeMap<String, Snapshot>,
    pub(super) facts: BTreeMap<String, TypeFacts>,
    pub(super) project: String,
    pub(super) credential_buckets: Vec<String>,
    pub(super) helpers: HelperAddresses,
}

/// A row with its image, hostclass options and addresses. The hostclass is the image's.
#[derive(Debug, Clone)]
pub(super) struct ResolvedRow {
    pub(super) sequence: i64,
    pub(super) row: Row,
    pub(super) image: Image,
    pub(super) hostclass: HostclassConfig,
    /// The row or the hostclass asks for an Elastigroup.
    pub(super) want_spot: bool,
    /// The kind of group that it gets: an existing group keeps its kind.
    pub(super) kind: Kind,
    /// At least one; exactly one for an Auto Scaling group.
    pub(super) instance_types: Vec<String>,
    /// Facts of types that were not known when everything was read; see [`super::resolve::again`].
    pub(super) more_facts: BTreeMap<String, TypeFacts>,
    pub(super) reserve: Option<Reserve>,
    pub(super) addresses: Vec<Ipv4Addr>,
    /// Those of the addresses for which this row makes the interface: there is none, and no earlier row makes it.
    pub(super) new_interfaces: Vec<Ipv4Addr>,
    /// Tags of the group and of its hosts.
    pub(super) tags: Tags,
    /// The balancer that the hostclass wants, if any.
    pub(super) balancer: BalancerSpec,
}

/// First static addresses of the hostclasses that every host is told about; empty if there are none.
#[derive(Debug, Clone, Default)]
pub(super) struct HelperAddresses {
    pub(super) proxy: String,
    pub(super) logger: String,
    pub(super) logforwarder: String,
}

/// Reads and resolves. `found` is the environment's VPC if it is known. Nothing is changed; every wrong row and hostclass is reported.
pub(super) async fn read(
    clouds: Clouds<'_>,
    request: &Request<'_>,
    found: Option<&Vpc>,
) -> Result<Inputs> {
    let aws = clouds.aws;
    let rows = rows_in_sequence(request)?;
    let project = request.config.project_name()?;
    let trusted = Trusted::new(&request.config.trusted_account_ids()?);
    let place = async {
        let vpc = match found {
            Some(vpc) => vpc.clone(),
            None => environment::find(aws, request.env).await?,
        };
        let network = environment::network_of(aws, &vpc).await?;
        Ok((vpc, network))
    };
    let ((vpc, network), images, groups) = tokio::try_join!(
        place,
        images_of_rows(aws, &trusted, &rows),
        group::observe(clouds, request.env)
    )?;
    let stages = match request.stage {
        Some(text) => crate::network::lists::words(text)
            .into_iter()
            .map(str::to_owned)
            .collect(),
        None => request.vpc_config.ami_stages(&vpc.name, &vpc.env_type)?,
    };
    let groups = groups.without(&request.leaving);
    let known = Known {
        request,
        images: &images,
        stages: &stages,
        vpc: &vpc,
        network: &network,
        groups: &groups,
        spotinst: clouds.spotinst.is_some(),
    };
    let mut rows = known.rows(rows)?;
    let classes: Vec<String> = rows.iter().map(|row| row.hostclass.name.clone()).collect();
    let types: Vec<String> = rows
        .iter()
        .flat_map(|row| row.instance_types.clone())
        .collect();
    let addresses: Vec<Ipv4Addr> = rows.iter().flat_map(|row| row.addresses.clone()).collect();
    let specs = balancer_specs(&rows);
    let (snapshots, facts, interfaces, balancers) = tokio::try_join!(
        storage::latest_snapshots(aws, request.env, &classes),
        storage::facts_of(aws, &types),
        find_interfaces(aws, &vpc.id, &addresses),
        balancer::observe(aws, &specs),
    )?;
    claim_interfaces(&mut rows, &interfaces);
    let postfixes = request
        .vpc_config
        .credential_postfixes(&vpc.name, &vpc.env_type)?;
    let credential_buckets = postfixes
        .iter()
        .map(|p| names::credential_bucket(aws.region(), &project, p))
        .collect();
    let helpers = helper_addresses(request, &network)?;
    Ok(Inputs {
        vpc,
        network,
        groups,
        balancers,
        rows,
        trusted,
        snapshots,
        facts,
        project,
        credential_buckets,
        helpers,
    })
}

/// The balancers of the rows, each hostclass once.
pub(super) fn balancer_specs<'a>(
    rows: impl IntoIterator<Item = &'a ResolvedRow>,
) -> Vec<BalancerSpec> {
    let mut specs: Vec<BalancerSpec> = Vec::new();
    for row in rows {
        if specs
            .iter()
            .all(|spec| spec.hostclass != row.balancer.hostclass)
        {
            specs.push(row.balancer.clone());
        }
    }
    specs
}

/// Rows with their sequence numbers, ascending, file order inside a sequence.
pub(super) fn rows_in_sequence(request: &Request<'_>) -> Result<Vec<(i64, Row)>, ConfigErrors> {
    let mut problems = Vec::new();
    for row in &request.pipeline.rows {
        problems.extend(row.check_identity(&request.pipeline.file).err());
    }
    let sequences = match request.pipeline.sequences() {
        Ok(sequences) if problems.is_empty() => sequences,
        Ok(_) => return Err(ConfigErrors(problems)),
        Err(errors) => {
            problems.extend(errors.0);
            return Err(ConfigErrors(problems));
        }
    };
    Ok(sequences
        .into_iter()
        .flat_map(|(number, rows)| rows.into_iter().map(move |row| (number, row.clone())))
        .collect())
}

/// The images that rows may mean: two concurrent calls at most.
pub(super) async fn images_of_rows(
    aws: &Aws,
    trusted: &Trusted,
    rows: &[(i64, Row)],
) -> Result<Vec<Image>> {
    let ids: Vec<String> = rows.iter().filter_map(|(_, row)| row.ami.clone()).collect();
    let classes: Vec<String> = rows
        .iter()
        .filter(|(_, row)| row.ami.is_none())
        .filter_map(|(_, row)| row.hostclass.clone())
        .collect();
    let (by_id, by_class) = tokio::try_join!(
        image::by_ids(aws, trusted, &ids),
        image::of_hostclasses(aws, trusted, &classes)
    )?;
    Ok(by_id.into_iter().chain(by_class).collect())
}

/// Decides which row makes which interface.
fn claim_interfaces(rows: &mut [ResolvedRow], existing: &BTreeMap<Ipv4Addr, String>) {
    let mut claimed: BTreeSet<Ipv4Addr> = existing.keys().copied().collect();
    for row in rows {
        let free = row.addresses.iter().copied();
        row.new_interfaces = free.filter(|address| claimed.insert(*address)).collect();
    }
}

/// Addresses of the proxy, logger and log forwarder; a hostclass without one in this environment has none.
fn helper_addresses(request: &Request<'_>, network: &Network) -> Result<HelperAddresses> {
    let first = |key: &str| -> Result<String> {
        let Some(found) = request
            .config
            .section_option("disco_aws", key, request.env)?
        else {
            return Ok(String::new());
        };
        let addresses = request
            .config
            .static_addresses(found.value.trim(), request.env)?;
        Ok(addresses
            .and_then(|own| first_address(&own, network))
            .map(|address| address.to_string())
            .unwrap_or_default())
    };
    Ok(HelperAddresses {
        proxy: first("http_proxy_hostclass")?,
        logger: first("logger_hostclass")?,
        logforwarder: first("logforwarder_hostclass")?,
    })
}

fn first_address(own: &StaticAddresses, network: &Network) -> Option<Ipv4Addr> {
    let net: MetaNetwork = own.meta_network;
    let blocks = network.places.get(&net)?.blocks();
    resolve_address(net, own.addresses.first()?, &blocks).ok()
}

#[cfg(test)]
pub(super) mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use crate::config::{DiscoAws, Ini};

    const CONFIG: &str = "\
[disco_aws]
default_meta_network=intranet
default_ssh_key_name=none
default_public_ip=no
default_smoketest_termination=no
";

    /// A row of the hostclass with an image of its own.
    pub(in crate::host::provision) fn resolved(hostclass: &str, options: &str) -> ResolvedRow {
        let text = format!("{CONFIG}[{hostclass}]\n{options}\n");
        let config = DiscoAws::from_ini(Ini::parse("a.ini", text.as_bytes()).unwrap());
        let own = config.hostclass(hostclass, "ci").unwrap();
        ResolvedRow {
            sequence: 1,
            row: Row::default(),
            image: Image {
                id: "ami-1".into(),
                name: format!("{hostclass} 1700000000"),
                state: "available".into(),
                tags: Default::default(),
                root_device: None,
                devices: vec![],
                creation_date: None,
            },
            want_spot: false,
            kind: Kind::Asg,
            instance_types: vec!["m5.large".into()],
            more_facts: BTreeMap::new(),
            reserve: None,
            addresses: vec![],
            new_interfaces: vec![],
            tags: Tags::new(),
            balancer: BalancerSpec {
                options: own.balancer.clone(),
                domain: own.domain_name.clone(),
                ..BalancerSpec::none("ci", hostclass, "vpc-1")
            },
            hostclass: own,
        }
    }

    #[test]
    fn each_missing_interface_is_made_by_one_row() {
        let address = |last: u8| Ipv4Addr::new(10, 0, 0, last);
        let row = |addresses: &[u8]| ResolvedRow {
            addresses: addresses.iter().copied().map(address).collect(),
            ..resolved("mhcx", "")
        };
        let mut rows = [row(&[1, 2]), row(&[2, 3]), row(&[]), row(&[1, 3])];
        claim_interfaces(
            &mut rows,
            &BTreeMap::from([(address(1), "eni-1".to_owned())]),
        );
        let made: Vec<Vec<u8>> = rows
            .iter()
            .map(|row| row.new_interfaces.iter().map(|a| a.octets()[3]).collect())
            .collect();
        assert_eq!(made, [vec![2], vec![3], vec![], vec![]]);
    }
}
