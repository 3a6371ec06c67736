//! The network picture: a router `cloud`, the places `office` and `internet` from which people come, and one namespace per
//! host, all linked point to point. Texts for `ip` are made here; running them is `namespace.rs`.
//!
//! No address and no link is ever made in the machine's own namespace.

use super::namespace::{self, in_namespace, ip, ip_away, ip_here};
use crate::error::LocalError;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::{Mutex, PoisonError};

/// The router.
pub(crate) const CLOUD: &str = "cloud";
/// Reaches private and public addresses, like people behind a VPN.
pub(crate) const OFFICE: &str = "office";
/// Reaches public addresses only.
pub(crate) const INTERNET: &str = "internet";
/// Where hosts find the AWS endpoint.
pub(crate) const ENDPOINT: Ipv4Addr = Ipv4Addr::new(169, 254, 169, 253);
/// Where hosts find their metadata.
const METADATA: Ipv4Addr = Ipv4Addr::new(169, 254, 169, 254);
/// The router as all its neighbours see it.
const GATEWAY: &str = "169.254.0.1";
/// The router's hardware address on every link to a host.
const GATEWAY_MAC: &str = "02:a5:1a:00:00:01";
/// Addresses of the places; networks for documentation, which no VPC has.
const PLACES: [(&str, &str); 2] = [(OFFICE, "192.0.2.10"), (INTERNET, "198.51.100.10")];

/// The host to which each public address leads from the internet. Held while routes there change: an address that moves
/// comes to its new host before or after it leaves the old one.
static OWNERS: Mutex<BTreeMap<Ipv4Addr, String>> = Mutex::new(BTreeMap::new());

/// All addresses of a host.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Addresses {
    /// The primary one first.
    pub(crate) private: Vec<Ipv4Addr>,
    /// Reached from everywhere.
    pub(crate) public: Vec<Ipv4Addr>,
}

impl Addresses {
    pub(crate) fn all(&self) -> impl Iterator<Item = &Ipv4Addr> {
        self.private.iter().chain(&self.public)
    }
}

/// The end of a host's link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Link {
    /// Namespace: the instance id.
    pub(crate) host: String,
    /// Name of the router's end.
    pub(crate) name: String,
    /// Hardware address of the host's end.
    pub(crate) mac: String,
}

/// Makes the router and the places.
pub(crate) fn make() -> Result<(), LocalError> {
    let names = [CLOUD, OFFICE, INTERNET];
    ip_here(&names.map(|name| format!("netns add {name}")), &[])?;
    in_namespace(&namespace::path(CLOUD), || {
        namespace::without_ipv6();
        let forward = "/proc/sys/net/ipv4/ip_forward";
        std::fs::write(forward, "1").map_err(LocalError::file("cannot write", forward))?;
        ip_here(&router(), &[])
    })??;
    for (name, address) in PLACES {
        in_namespace(&namespace::path(name), || {
            namespace::without_ipv6();
            ip_here(&place(name, address), &[])
        })??;
    }
    Ok(())
}

/// Makes a host's namespace with its link and addresses.
pub(crate) fn attach(link: &Link, addresses: &Addresses) -> Result<(), LocalError> {
    let mut lines = vec![
        format!("netns add {}", link.host),
        format!(
            "link add {} address {GATEWAY_MAC} type veth peer name eth0 address {} netns {}",
            link.name, link.mac, link.host
        ),
        format!("link set {} up", link.name),
    ];
    lines.extend(addresses.all().flat_map(|ip| towards(link, ip)));
    ip(CLOUD, &lines)?;
    in_namespace(&namespace::path(&link.host), || {
        namespace::without_ipv6();
        ip_here(&inside(addresses), &[])
    })??;
    lead(&link.host, &[], &addresses.public)
}

/// Changes a host's addresses from `old` to `new`; the primary one stays.
pub(crate) fn readdress(link: &Link, old: &Addresses, new: &Addresses) -> Result<(), LocalError> {
    let (here, away, router) = changes(link, old, new);
    ip(&link.host, &here)?;
    // Another host may have the address already, and with it the route.
    ip_away(CLOUD, &away);
    ip(CLOUD, &router)?;
    lead(&link.host, &old.public, &new.public)
}

/// Takes a host's namespace and link away. What is not there is no problem.
pub(crate) fn detach(link: &Link, addresses: &Addresses) {
    if let Err(problem) = lead(&link.host, &addresses.public, &[]) {
        tracing::debug!("{problem}");
    }
    let away = [
        format!("link del {}", link.name),
        format!("netns del {}", link.host),
    ];
    ip_away(CLOUD, &away);
}

/// For an instance without an interface.
pub(crate) fn default_mac(number: u32) -> String {
    let [_, a, b, c] = number.to_be_bytes();
    format!("02:a5:1b:{a:02x}:{b:02x}:{c:02x}")
}

fn router() -> Vec<String> {
    let mut lines = vec![
        "link set lo up".to_owned(),
        format!("addr add {GATEWAY}/32 dev lo"),
        format!("addr add {ENDPOINT}/32 dev lo"),
    ];
    for (name, address) in PLACES {
        lines.push(format!(
            "link add {name} type veth peer name eth0 netns {name}"
        ));
        lines.push(format!("link set {name} up"));
        lines.push(format!("route add {address}/32 dev {name}"));
    }
    lines
}

fn place(name: &str, address: &str) -> Vec<String> {
    let mut lines = vec![
        "link set lo up".to_owned(),
        format!("addr add {address}/32 dev eth0"),
        "link set eth0 up".to_owned(),
    ];
    // The internet gets a route per public address, so that private ones fail at once.
    if name == OFFICE {
        lines.push(format!("route add default via {GATEWAY} dev eth0 onlink"));
    }
    lines
}

fn inside(addresses: &Addresses) -> Vec<String> {
    let mut lines = vec![
        "link set lo up".to_owned(),
        format!("addr add {METADATA}/32 dev lo"),
        "link set eth0 up".to_owned(),
        format!("neigh replace {GATEWAY} lladdr {GATEWAY_MAC} dev eth0 nud permanent"),
    ];
    lines.extend(
        addresses
            .all()
            .map(|ip| format!("addr add {ip}/32 dev eth0")),
    );
    let source = addresses.private.first().map(|ip| format!(" src {ip}"));
    lines.push(format!(
        "route add default via {GATEWAY} dev eth0 onlink{}",
        source.unwrap_or_default()
    ));
    lines
}

/// The router's way to an address of a host. Neighbours are fixed: no ARP, and no limit on their number.
fn towards(link: &Link, ip: &Ipv4Addr) -> [String; 2] {
    [
        format!(
            "neigh replace {ip} lladdr {} dev {} nud permanent",
            link.mac, link.name
        ),
        format!("route replace {ip}/32 dev {}", link.name),
    ]
}

fn from_internet(verb: &str, ip: &Ipv4Addr) -> String {
    format!("route {verb} {ip}/32 via {GATEWAY} dev eth0 onlink")
}

/// Changes the ways from the internet to a host.
fn lead(host: &str, old: &[Ipv4Addr], new: &[Ipv4Addr]) -> Result<(), LocalError> {
    let mut owners = OWNERS.lock().unwrap_or_else(PoisonError::into_inner);
    let (gone, come) = routes(&mut owners, host, old, new);
    if !gone.is_empty() {
        ip_away(INTERNET, &gone);
    }
    if come.is_empty() {
        return Ok(());
    }
    ip(INTERNET, &come)
}

/// Lines for the internet, away first. A route that is another host's by now stays.
fn routes(
    owners: &mut BTreeMap<Ipv4Addr, String>,
    host: &str,
    old: &[Ipv4Addr],
    new: &[Ipv4Addr],
) -> (Vec<String>, Vec<String>) {
    let (mut gone, mut come) = (Vec::new(), Vec::new());
    for ip in old.iter().filter(|ip| !new.contains(ip)) {
        if owners.get(ip).is_some_and(|owner| owner == host) {
            owners.remove(ip);
            gone.push(from_internet("del", ip));
        }
    }
    for ip in new.iter().filter(|ip| !old.contains(ip)) {
        owners.insert(*ip, host.to_owned());
        come.push(from_internet("replace", ip));
    }
    (gone, come)
}

/// Lines for the host, and for the router: what goes, what comes.
fn changes(
    link: &Link,
    old: &Addresses,
    new: &Addresses,
) -> (Vec<String>, Vec<String>, Vec<String>) {
    let (mut here, mut away, mut router) = (Vec::new(), Vec::new(), Vec::new());
    for ip in old.all().filter(|ip| !new.all().any(|other| other == *ip)) {
        here.push(format!("addr del {ip}/32 dev eth0"));
        away.push(format!("route del {ip}/32 dev {}", link.name));
        away.push(format!("neigh del {ip} dev {}", link.name));
    }
    for ip in new.all().filter(|ip| !old.all().any(|other| other == *ip)) {
        here.push(format!("addr add {ip}/32 dev eth0"));
        router.extend(towards(link, ip));
    }
    (here, away, router)
}

#[cfg(test)]
mod tests;
