//! `disco_vpc_ui`: the subcommand that shows an environment.

use crate::no_match;
use asiaq_cli::{Failure, Format, Outcome, Session};
use asiaq_core::environment::Selector;
use asiaq_core::overview;

/// What `show --help` says beside the options.
pub const HELP: &str = "\
Forms of --output: `text`, `json` (one object), `svg` (a picture: redirect it to a file and open it in a browser), \
`dot` (for Graphviz). Reads only: nothing is changed, and no configuration file is needed.

JSON keys (docs/show.md explains them):
  name type id region cidr_block cidr_blocks[] is_default tags{} and
  metanetworks[]: name cidr_block security_group{id name ingress[]} subnets[]
    subnets[]: id zone cidr_block route_table_id and
      routes[]: destination target target_id target_name state propagated
      nat_gateways[]: id state public_ip
      interfaces[]: id private_ip public_ip hostclass instance_id
      hosts[]: instance_id hostclass private_ip public_ip state instance_type availability_zone group_name
  unplaced_hosts[]: as hosts[]
  internet_gateways[]: id
  vpn_gateways[]: id state
  endpoints[]: id service type
  dhcp_options: id options{}
  peerings[]: id status status_message and requester, accepter, peer: vpc_id name type cidr_block
  groups[]: hostclass name type min_size desired_capacity max_size metanetworks[] deleting";

/// Shows the environment in the form that `--output` asks for.
pub async fn show(
    session: &Session,
    selector: &Selector,
    format: Format,
) -> Result<Outcome, Failure> {
    let aws = session.aws().await?;
    let found = overview::read(&aws, &session.spotinst()?, selector).await?;
    let environment = found.ok_or_else(no_match)?;
    match format {
        Format::Text => session.printer.line(overview::text(&environment)),
        Format::Json => session.printer.json(&environment),
        Format::Svg => session.printer.line(overview::svg(&environment)),
        Format::Dot => session.printer.line(overview::dot(&environment)),
    }
    Ok(Outcome::Success)
}
