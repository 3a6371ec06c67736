//! What a pipeline will become in an environment that does not exist yet: its rows, images and the options of its hostclasses are
//! checked before anything is made, against the metanetworks that are configured. Addresses and balancers that exist are not
//! looked at: they need the environment.

use super::Request;
use super::inputs::{ResolvedRow, images_of_rows, rows_in_sequence};
use super::resolve::Known;
use crate::aws::Tags;
use crate::config::EnvironmentConfig;
use crate::environment::{Network, NetworkPlace, Vpc};
use crate::error::Result;
use crate::group::{self, Clouds};
use crate::image::Trusted;
use crate::network::lists::words;
use crate::pipeline::{Row, Sizes};

/// A row that will become a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// Sequence number.
    pub sequence: i64,
    /// Hostclass, which is the image's.
    pub hostclass: String,
    /// What people read, without the sign.
    pub line: String,
}

/// Checks what can be checked of a pipeline for an environment of this type.
///
/// # Errors
/// Everything that is wrong with any row, image or hostclass; AWS cannot be read.
pub async fn look_ahead(
    clouds: Clouds<'_>,
    request: &Request<'_>,
    env_type: &str,
) -> Result<Vec<Expected>> {
    let rows = rows_in_sequence(request)?;
    let trusted = Trusted::new(&request.config.trusted_account_ids()?);
    let stages = match request.stage {
        Some(text) => words(text).into_iter().map(str::to_owned).collect(),
        None => request.vpc_config.ami_stages(request.env, env_type)?,
    };
    let configured = request.vpc_config.environment(request.env, env_type)?;
    let (images, groups) = tokio::try_join!(
        images_of_rows(clouds.aws, &trusted, &rows),
        group::observe(clouds, request.env)
    )?;
    let (vpc, network) = yet_to_be(&configured);
    let known = Known {
        request,
        images: &images,
        stages: &stages,
        vpc: &vpc,
        network: &network,
        groups: &groups.without(&request.leaving),
        spotinst: clouds.spotinst.is_some(),
    };
    Ok(known.rows(rows)?.iter().map(expected).collect())
}

/// An environment as it is configured: without ids, and with metanetworks that have no subnets.
fn yet_to_be(configured: &EnvironmentConfig) -> (Vpc, Network) {
    let vpc = Vpc {
        id: String::new(),
        name: configured.name.clone(),
        env_type: configured.env_type.clone(),
        cidr_block: String::new(),
        cidr_blocks: Vec::new(),
        is_default: false,
        tags: Tags::new(),
        dhcp_options_id: None,
    };
    let place = NetworkPlace {
        security_group_id: String::new(),
        subnets: Vec::new(),
    };
    let nets = configured.metanetworks.keys();
    let network = Network {
        environment: configured.name.clone(),
        places: nets.map(|net| (*net, place.clone())).collect(),
    };
    (vpc, network)
}

fn expected(own: &ResolvedRow) -> Expected {
    let hostclass = own.hostclass.name.clone();
    let line = format!(
        "group {hostclass} from {}{}",
        own.image.id,
        wishes(&own.row)
    );
    Expected {
        sequence: own.sequence,
        hostclass,
        line,
    }
}

/// What the row says about size and type.
fn wishes(row: &Row) -> String {
    let size =
        |name: &str, size: &Option<Sizes>| size.as_ref().map(|size| format!("{name} {size}"));
    let parts = [
        size("min", &row.min_size),
        size("desired", &row.desired_size),
        size("max", &row.max_size),
        row.instance_type.clone(),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if parts.is_empty() {
        String::new()
    } else {
        format!(": {}", parts.join(", "))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn a_row_is_told_as_it_is_written() {
        let table = [
            (Row::default(), ""),
            (
                Row {
                    min_size: Some("1@0 7 * * 1:2@0 9 * * 1".parse_sizes()),
                    max_size: Some("4".parse_sizes()),
                    ..Row::default()
                },
                ": min 1@0 7 * * 1:2@0 9 * * 1, max 4",
            ),
            (
                Row {
                    desired_size: Some("2".parse_sizes()),
                    instance_type: Some("t3.small".into()),
                    ..Row::default()
                },
                ": desired 2, t3.small",
            ),
        ];
        for (row, text) in table {
            assert_eq!(wishes(&row), text);
        }
    }

    trait ParseSizes {
        fn parse_sizes(&self) -> Sizes;
    }

    impl ParseSizes for str {
        fn parse_sizes(&self) -> Sizes {
            Sizes::parse(self).unwrap().unwrap()
        }
    }
}
