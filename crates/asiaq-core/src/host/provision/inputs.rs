//! Everything that planning a pipeline needs to know, read once: three rounds of concurrent calls.

use super::Request;
use crate::aws::Aws;
use crate::config::{ConfigError, ConfigErrors, HostclassConfig, Location, StaticAddresses};
use crate::environment::{self, Network, Vpc, find_interfaces};
use crate::error::{Error, Result};
use crate::group::{self, GroupState};
use crate::image::{self, Image, Trusted, best};
use crate::names;
use crate::network::{MetaNetwork, resolve_address};
use crate::pipeline::Row;
use crate::storage::{self, Snapshot, TypeFacts};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

/// The facts.
#[derive(Debug)]
pub(super) struct Inputs {
    pub(super) vpc: Vpc,
    pub(super) network: Network,
    pub(super) groups: GroupState,
    pub(super) rows: Vec<ResolvedRow>,
    pub(super) trusted: Trusted,
    pub(super) snapshots: BTreeMap<String, Snapshot>,
    pub(super) facts: BTreeMap<String, TypeFacts>,
    /// Interfaces that exist, by address.
    pub(super) interfaces: BTreeMap<Ipv4Addr, String>,
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
    pub(super) instance_type: String,
    pub(super) addresses: Vec<Ipv4Addr>,
}

/// First static addresses of the hostclasses that every host is told about; empty if there are none.
#[derive(Debug, Clone, Default)]
pub(super) struct HelperAddresses {
    pub(super) proxy: String,
    pub(super) logger: String,
    pub(super) logforwarder: String,
}

/// Reads and resolves. Nothing is changed; every wrong row and hostclass is reported.
pub(super) async fn read(aws: &Aws, request: &Request<'_>) -> Result<Inputs> {
    let rows = rows_in_sequence(request)?;
    let project = request.config.project_name()?;
    let trusted = Trusted::new(&request.config.trusted_account_ids()?);
    let place = async {
        let vpc = environment::find(aws, request.env).await?;
        let network = environment::network_of(aws, &vpc).await?;
        Ok((vpc, network))
    };
    let ((vpc, network), images, groups) = tokio::try_join!(
        place,
        images_of_rows(aws, &trusted, &rows),
        group::observe(aws, request.env)
    )?;
    let stages = match request.stage {
        Some(text) => crate::network::lists::words(text)
            .into_iter()
            .map(str::to_owned)
            .collect(),
        None => request.vpc_config.ami_stages(&vpc.name, &vpc.env_type)?,
    };
    let rows = resolve(request, rows, &images, &stages, &network, &groups)?;
    let classes: Vec<String> = rows.iter().map(|row| row.hostclass.name.clone()).collect();
    let types: Vec<String> = rows.iter().map(|row| row.instance_type.clone()).collect();
    let addresses: Vec<Ipv4Addr> = rows.iter().flat_map(|row| row.addresses.clone()).collect();
    let (snapshots, facts, interfaces) = tokio::try_join!(
        storage::latest_snapshots(aws, request.env, &classes),
        storage::facts_of(aws, &types),
        find_interfaces(aws, &vpc.id, &addresses),
    )?;
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
        rows,
        trusted,
        snapshots,
        facts,
        interfaces,
        project,
        credential_buckets,
        helpers,
    })
}

/// Rows with their sequence numbers, ascending, file order inside a sequence.
fn rows_in_sequence(request: &Request<'_>) -> Result<Vec<(i64, Row)>, ConfigErrors> {
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
async fn images_of_rows(aws: &Aws, trusted: &Trusted, rows: &[(i64, Row)]) -> Result<Vec<Image>> {
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

fn resolve(
    request: &Request<'_>,
    rows: Vec<(i64, Row)>,
    images: &[Image],
    stages: &[String],
    network: &Network,
    groups: &GroupState,
) -> Result<Vec<ResolvedRow>> {
    let (mut resolved, mut problems, mut errors) = (Vec::new(), Vec::new(), Vec::new());
    for (sequence, row) in rows {
        let at = |key: &str| Location {
            file: request.pipeline.file.clone(),
            line: Some(row.line),
            section: None,
            key: Some(key.to_owned()),
        };
        let image = match find_image(&row, images, stages, request.env) {
            Ok(image) => image.clone(),
            Err(error) => {
                problems.push(error.at(at(if row.ami.is_some() {
                    "ami"
                } else {
                    "hostclass"
                })));
                continue;
            }
        };
        let hostclass = match request.config.hostclass(image.hostclass(), request.env) {
            Ok(hostclass) => hostclass,
            Err(wrong) => {
                problems.extend(wrong.0);
                continue;
            }
        };
        if row.spotinst == Some(true) || hostclass.spotinst {
            let text = format!(
                "hostclass {} asks for a Spotinst Elastigroup, which this version cannot manage",
                hostclass.name
            );
            problems.push(ConfigError::new(text).at(at("spotinst")).with_hint(
                "remove `spotinst` from the row and the hostclass to use an Auto Scaling group",
            ));
        }
        match place(request, network, groups, &row, &hostclass) {
            Ok((instance_type, addresses)) => resolved.push(ResolvedRow {
                sequence,
                row,
                image,
                hostclass,
                instance_type,
                addresses,
            }),
            Err(error) => errors.push(error),
        }
    }
    if !problems.is_empty() {
        errors.insert(0, ConfigErrors(problems).into());
    }
    match Error::from_list(errors) {
        Some(error) => Err(error),
        None => Ok(resolved),
    }
}

/// By id if the row has one; else the best of the hostclass (spec 40, section 4.2).
fn find_image<'a>(
    row: &Row,
    images: &'a [Image],
    stages: &[String],
    env: &str,
) -> Result<&'a Image, ConfigError> {
    if let Some(id) = &row.ami {
        let hint = "only images of this account and of `trusted_account_ids` in [bake] are used; check the id and the region";
        return images
            .iter()
            .find(|image| image.id == *id)
            .ok_or_else(|| ConfigError::new(format!("no image {id}")).with_hint(hint));
    }
    let hostclass = row.hostclass.as_deref().unwrap_or_default();
    best(images, hostclass, stages, false).ok_or_else(|| {
        let stage = if stages.is_empty() {
            "any stage".to_owned()
        } else {
            format!("stage {}", stages.join(" or "))
        };
        ConfigError::new(format!(
            "no image of hostclass {hostclass} in {stage} for environment `{env}`"
        ))
        .with_hint(
            "bake one (`disco_bake bake --hostclass`), promote one, or choose another --stage",
        )
    })
}

/// Instance type and static addresses of a row.
fn place(
    request: &Request<'_>,
    network: &Network,
    groups: &GroupState,
    row: &Row,
    hostclass: &HostclassConfig,
) -> Result<(String, Vec<Ipv4Addr>)> {
    let existing = groups
        .existing(&hostclass.name)?
        .and_then(|group| groups.launch_of(group));
    let instance_type = match row.first_instance_type() {
        Some(own) => own.to_owned(),
        None => existing
            .map(|launch| Ok(launch.instance_type.clone()))
            .unwrap_or_else(|| request.config.default_instance_type(request.env))?,
    };
    let blocks = network.place(hostclass.meta_network)?.blocks();
    let resolve = |text: &String| {
        resolve_address(hostclass.meta_network, text, &blocks)
            .map_err(|e| not_in_range(&hostclass.name, &e.0))
    };
    let addresses = hostclass
        .ip_addresses
        .iter()
        .map(resolve)
        .collect::<Result<Vec<_>, _>>()?;
    Ok((instance_type, addresses))
}

fn not_in_range(hostclass: &str, problem: &str) -> ConfigError {
    ConfigError::new(format!("ip_address of hostclass {hostclass}: {problem}")).with_hint(
        "offsets count from the first (`+N`) or the last (`-N`) address of the metanetwork",
    )
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
