//! Everything that planning a pipeline needs to know, read once: three rounds of concurrent calls.

use super::Request;
use crate::aws::Aws;
use crate::config::{ConfigError, ConfigErrors, HostclassConfig, Location, StaticAddresses};
use crate::environment::{self, Network, NetworkPlace, Vpc, find_interfaces};
use crate::error::{Error, Result};
use crate::group::{self, GroupState};
use crate::image::{self, Image, Trusted, best};
use crate::names;
use crate::network::{MetaNetwork, resolve_address};
use crate::pipeline::Row;
use crate::storage::{self, Snapshot, TypeFacts};
use std::collections::{BTreeMap, BTreeSet};
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
    /// Those of the addresses for which this row makes the interface: there is none, and no earlier row makes it.
    pub(super) new_interfaces: Vec<Ipv4Addr>,
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
    let groups = groups.without(request.leaving);
    let mut rows = resolve(request, rows, &images, &stages, &network, &groups)?;
    let classes: Vec<String> = rows.iter().map(|row| row.hostclass.name.clone()).collect();
    let types: Vec<String> = rows.iter().map(|row| row.instance_type.clone()).collect();
    let addresses: Vec<Ipv4Addr> = rows.iter().flat_map(|row| row.addresses.clone()).collect();
    let (snapshots, facts, interfaces) = tokio::try_join!(
        storage::latest_snapshots(aws, request.env, &classes),
        storage::facts_of(aws, &types),
        find_interfaces(aws, &vpc.id, &addresses),
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
        rows,
        trusted,
        snapshots,
        facts,
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
                new_interfaces: Vec::new(),
            }),
            Err(Error::Config(wrong)) => problems.extend(wrong.0),
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

/// Decides which row makes which interface.
fn claim_interfaces(rows: &mut [ResolvedRow], existing: &BTreeMap<Ipv4Addr, String>) {
    let mut claimed: BTreeSet<Ipv4Addr> = existing.keys().copied().collect();
    for row in rows {
        let free = row.addresses.iter().copied();
        row.new_interfaces = free.filter(|address| claimed.insert(*address)).collect();
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
    let blocks = metanetwork(request, network, hostclass)?.blocks();
    let Some(own) = request
        .config
        .static_addresses(&hostclass.name, request.env)?
    else {
        return Ok((instance_type, Vec::new()));
    };
    let (mut addresses, mut problems) = (Vec::new(), Vec::new());
    for text in &own.addresses {
        match resolve_address(own.meta_network, text, &blocks) {
            Ok(address) => addresses.push(address),
            Err(error) => problems.push(
                ConfigError::new(format!("ip_address of hostclass {}: {}", hostclass.name, error.0))
                    .at(own.location.clone())
                    .with_hint("offsets count from the first (`+N`) or the last (`-N`) address of the metanetwork"),
            ),
        }
    }
    if problems.is_empty() {
        Ok((instance_type, addresses))
    } else {
        Err(ConfigErrors(problems).into())
    }
}

/// The hostclass's metanetwork; an environment without it is reported where the hostclass asks for it.
fn metanetwork<'a>(
    request: &Request<'_>,
    network: &'a Network,
    hostclass: &HostclassConfig,
) -> Result<&'a NetworkPlace> {
    network.place(hostclass.meta_network).or_else(|missing| {
        let asked = request.config.required_hostclass_option(
            &hostclass.name,
            "meta_network",
            request.env,
        )?;
        let error = ConfigError::new(missing.to_string()).at(asked.location);
        Err(match missing.hint() {
            Some(hint) => error.with_hint(hint).into(),
            None => error.into(),
        })
    })
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
            hostclass: config.hostclass(hostclass, "ci").unwrap(),
            instance_type: "m5.large".into(),
            addresses: vec![],
            new_interfaces: vec![],
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

    #[test]
    fn an_image_by_id_needs_no_stage_and_one_by_hostclass_does() {
        let own = resolved("mhcx", "").image;
        let images = [own.clone()];
        let stages = ["tested".to_owned()];
        let row = |hostclass: Option<&str>, ami: Option<&str>| Row {
            hostclass: hostclass.map(str::to_owned),
            ami: ami.map(str::to_owned),
            ..Row::default()
        };
        let found = find_image(&row(Some("mhcy"), Some("ami-1")), &images, &stages, "ci");
        assert_eq!(found.unwrap(), &own);
        let found = find_image(&row(Some("mhcx"), None), &images, &[], "ci");
        assert_eq!(found.unwrap(), &own);
        let text = |row: &Row| {
            find_image(row, &images, &stages, "ci")
                .unwrap_err()
                .to_string()
        };
        assert_eq!(text(&row(None, Some("ami-2"))), "no image ami-2");
        let expected = "no image of hostclass mhcx in stage tested for environment `ci`";
        assert_eq!(text(&row(Some("mhcx"), None)), expected);
    }
}
