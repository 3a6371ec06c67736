#![allow(clippy::unwrap_used, clippy::expect_used)]
use super::*;
use aws_sdk_ec2::types::{IpRange, Ipv6Range, PrefixListId, SecurityGroup as Raw, UserIdGroupPair};

fn raw(id: &str, name: &str, tag: Option<&str>) -> Raw {
    let tags = tag.map(|net| {
        vec![
            aws_sdk_ec2::types::Tag::builder()
                .key("meta_network")
                .value(net)
                .build(),
        ]
    });
    Raw::builder()
        .group_id(id)
        .group_name(name)
        .set_tags(tags)
        .build()
}

fn permission(
    protocol: &str,
    ports: Option<(i32, i32)>,
) -> aws_sdk_ec2::types::builders::IpPermissionBuilder {
    IpPermission::builder()
        .ip_protocol(protocol)
        .set_from_port(ports.map(|p| p.0))
        .set_to_port(ports.map(|p| p.1))
}

fn range(cidr: &str, description: Option<&str>) -> IpRange {
    IpRange::builder()
        .cidr_ip(cidr)
        .set_description(description.map(str::to_owned))
        .build()
}

fn pair(id: &str) -> UserIdGroupPair {
    UserIdGroupPair::builder().group_id(id).build()
}

fn shown(grants: &BTreeSet<Grant<GroupRef>>) -> Vec<String> {
    grants.iter().map(ToString::to_string).collect()
}

#[test]
fn a_group_is_known_by_its_tag_and_without_tags_by_its_name() {
    let groups = [
        raw("sg-0", "default", None),
        raw("sg-1", "ci_dmz", None),
        raw("sg-2", "renamed", Some("intranet")),
        raw("sg-3", "ci_intranet", None),
        raw("sg-4", "ci_tunnel", Some("nonsense")),
        raw("sg-5", "other_maintenance", None),
    ];
    let nets: Vec<(String, Option<MetaNetwork>)> = convert(&groups, "ci")
        .into_iter()
        .map(|g| (g.id, g.net))
        .collect();
    let wanted = [
        ("sg-0", None),
        ("sg-1", Some(MetaNetwork::Dmz)),
        ("sg-2", Some(MetaNetwork::Intranet)),
        ("sg-3", None),
        ("sg-4", Some(MetaNetwork::Tunnel)),
        ("sg-5", None),
    ];
    assert_eq!(nets, wanted.map(|(id, net)| (id.to_owned(), net)));
}

#[test]
fn permissions_are_split_into_single_grants() {
    let mut own = raw("sg-1", "ci_dmz", Some("dmz"));
    own.ip_permissions = Some(vec![
        permission("tcp", Some((80, 443)))
            .ip_ranges(range("10.0.0.9/8", None))
            .ip_ranges(range("192.0.2.0/24", Some("by hand")))
            .user_id_group_pairs(pair("sg-2"))
            .user_id_group_pairs(pair("sg-9"))
            .build(),
        permission("17", None)
            .user_id_group_pairs(pair("sg-1"))
            .build(),
        permission("50", Some((7, 8)))
            .ip_ranges(range("0.0.0.0/0", None))
            .build(),
        permission("-1", None)
            .ip_ranges(range("10.9.0.0/16", Some("asiaq-peering:build/intranet")))
            .ipv6_ranges(Ipv6Range::builder().cidr_ipv6("2001:db8::/32").build())
            .prefix_list_ids(PrefixListId::builder().prefix_list_id("pl-1").build())
            .build(),
        permission("carrier-pigeon", None)
            .ip_ranges(range("0.0.0.0/0", None))
            .build(),
    ]);
    let groups = convert(&[own, raw("sg-2", "ci_intranet", None)], "ci");
    assert_eq!(
        shown(&groups[0].grants),
        [
            "tcp 80-443 from intranet",
            "tcp 80-443 from sg-9",
            "tcp 80-443 from 10.0.0.0/8",
            "tcp 80-443 from 192.0.2.0/24",
            "udp 0-65535 from dmz",
            "protocol 50 from 0.0.0.0/0",
        ]
    );
    assert_eq!(
        shown(&groups[0].kept_grants),
        ["all from 10.9.0.0/16", "all from 2001:db8::/32"]
    );
    assert_eq!(groups[0].raw_ingress.len(), 5);
}
