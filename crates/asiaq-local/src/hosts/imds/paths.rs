//! What stands at which path of the metadata service. Pure: a tree of leaves, from which directory listings follow.

use super::identity::{Identity, Interface};
use crate::cloud::TEST_KEY;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

/// Versions of the service. All of them say the same here.
const VERSIONS: [&str; 7] = [
    "1.0",
    "2018-09-24",
    "2019-10-01",
    "2020-10-27",
    "2021-03-23",
    "2021-07-15",
    "latest",
];
/// How long the test credentials claim to be valid. They are the same for ever.
const EXPIRATION: &str = "2099-01-01T00:00:00Z";

/// The text at a path such as `/latest/meta-data/instance-id`, or the listing of a directory. `None`: 404.
pub fn answer(identity: &Identity, path: &str) -> Option<Vec<u8>> {
    let path = decoded(path)?;
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let Some((version, rest)) = parts.split_first() else {
        return Some(VERSIONS.join("\n").into_bytes());
    };
    if !VERSIONS.contains(version) {
        return None;
    }
    let leaves = leaves(identity);
    let wanted = rest.join("/");
    if let Some(body) = leaves.get(&wanted) {
        return Some(body.clone());
    }
    listing(&leaves, &wanted)
}

/// Names directly below a directory; those that are directories end with a slash.
fn listing(leaves: &BTreeMap<String, Vec<u8>>, directory: &str) -> Option<Vec<u8>> {
    let prefix = match directory {
        "" => String::new(),
        other => format!("{other}/"),
    };
    let mut names = BTreeSet::new();
    for path in leaves.keys() {
        if let Some(below) = path.strip_prefix(&prefix) {
            names.insert(match below.split_once('/') {
                Some((name, _)) => format!("{name}/"),
                None => below.to_owned(),
            });
        }
    }
    if names.is_empty() {
        return None;
    }
    // The one directory whose listing says more than names: number and name of the key pair.
    if directory == "meta-data/public-keys" {
        return leaves.get(KEY_LISTING).cloned();
    }
    let hidden = |name: &String| !name.starts_with('\0');
    let lines: Vec<String> = names.into_iter().filter(hidden).collect();
    Some(lines.join("\n").into_bytes())
}

/// Holds the listing of the key pairs; no request can name it, and listings leave it out.
const KEY_LISTING: &str = "meta-data/public-keys/\0";

fn leaves(identity: &Identity) -> BTreeMap<String, Vec<u8>> {
    let mut leaves = Leaves::default();
    leaves.host(identity);
    leaves.network(identity);
    leaves.access(identity);
    for (key, value) in &identity.tags {
        // As AWS has it: a tag whose key is not a path segment cannot be offered.
        if !key.contains(['/', ' ']) {
            leaves.add(&format!("meta-data/tags/instance/{key}"), value);
        }
    }
    if let Some(data) = &identity.user_data {
        leaves.0.insert("user-data".to_owned(), data.clone());
    }
    leaves.add("dynamic/instance-identity/document", &document(identity));
    leaves.0
}

#[derive(Default)]
struct Leaves(BTreeMap<String, Vec<u8>>);

impl Leaves {
    fn add(&mut self, path: &str, text: &str) {
        self.0.insert(path.to_owned(), text.as_bytes().to_vec());
    }

    fn host(&mut self, identity: &Identity) {
        for (name, value) in [
            ("ami-id", &identity.image_id),
            ("instance-id", &identity.instance_id),
            ("instance-type", &identity.instance_type),
            ("hostname", &identity.hostname),
            ("local-hostname", &identity.hostname),
            ("local-ipv4", &identity.private_ip),
            ("placement/availability-zone", &identity.availability_zone),
            ("placement/region", &identity.region),
        ] {
            self.add(&format!("meta-data/{name}"), value);
        }
        self.add("meta-data/services/domain", "amazonaws.com");
        self.add("meta-data/services/partition", "aws");
        let groups = identity.security_groups.join("\n");
        self.add("meta-data/security-groups", &groups);
        if let Some(address) = &identity.public_ip {
            self.add("meta-data/public-ipv4", address);
        }
    }

    fn network(&mut self, identity: &Identity) {
        if let Some(primary) = identity.primary() {
            self.add("meta-data/mac", &primary.mac);
        }
        for interface in &identity.interfaces {
            self.interface(interface);
        }
    }

    fn interface(&mut self, interface: &Interface) {
        let base = format!("meta-data/network/interfaces/macs/{}", interface.mac);
        let mut add = |name: &str, value: &str| self.add(&format!("{base}/{name}"), value);
        add("mac", &interface.mac);
        add("interface-id", &interface.id);
        add("device-number", &interface.device_number.to_string());
        add("local-ipv4s", &interface.addresses.join("\n"));
        if !interface.public.is_empty() {
            add("public-ipv4s", &interface.public.join("\n"));
        }
        if let Some(subnet) = &interface.subnet_id {
            add("subnet-id", subnet);
        }
        if let Some(vpc) = &interface.vpc_id {
            add("vpc-id", vpc);
        }
    }

    fn access(&mut self, identity: &Identity) {
        if let Some(key) = &identity.key {
            self.add("meta-data/public-keys/0/openssh-key", &key.openssh);
            self.add(KEY_LISTING, &format!("0={}", key.name));
        }
        if let Some(role) = &identity.role {
            let credentials = json!({
                "Code": "Success",
                "LastUpdated": identity.launched,
                "Type": "AWS-HMAC",
                "AccessKeyId": TEST_KEY,
                "SecretAccessKey": TEST_KEY,
                "Token": TEST_KEY,
                "Expiration": EXPIRATION,
            });
            let path = format!("meta-data/iam/security-credentials/{role}");
            self.add(&path, &format!("{credentials:#}"));
        }
    }
}

fn document(identity: &Identity) -> String {
    let document = json!({
        "accountId": identity.account_id,
        "architecture": identity.architecture,
        "availabilityZone": identity.availability_zone,
        "imageId": identity.image_id,
        "instanceId": identity.instance_id,
        "instanceType": identity.instance_type,
        "pendingTime": identity.launched,
        "privateIp": identity.private_ip,
        "region": identity.region,
        "version": "2017-09-30",
    });
    format!("{document:#}")
}

/// The path without its query, percent escapes resolved.
fn decoded(path: &str) -> Option<String> {
    let path = path.split('?').next().unwrap_or(path);
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        rest = tail;
        if *first == b'%' {
            let digits = std::str::from_utf8(tail.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = tail.get(2..)?;
        } else {
            bytes.push(*first);
        }
    }
    let text = String::from_utf8(bytes).ok()?;
    (!text.contains('\0')).then_some(text)
}

#[cfg(test)]
mod tests;
