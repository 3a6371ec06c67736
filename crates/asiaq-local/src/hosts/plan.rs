//! What to do with hosts: instances as EC2 tells them against hosts as they are here. Pure.

use super::network::Addresses;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

/// What an instance wants of its host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Life {
    /// A host is to run.
    Running,
    /// Its files stay, nothing runs.
    Stopped,
    /// Nothing stays.
    Gone,
}

impl Life {
    /// Reads the name of an instance state. One that will be running counts as running: hosts take a moment to boot.
    pub(crate) fn of(state: &str) -> Self {
        match state {
            "pending" | "running" => Self::Running,
            "stopping" | "stopped" => Self::Stopped,
            _ => Self::Gone,
        }
    }
}

/// An instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Observed {
    pub(crate) id: String,
    pub(crate) life: Life,
    pub(crate) addresses: Addresses,
}

/// How a host stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// It runs.
    Up,
    /// Its files are there, nothing runs.
    Down,
    /// An action on it is under way.
    Busy,
    /// It could not be started; it waits for the instance to be stopped or removed.
    Failed,
    /// It was not started, because of its address.
    Refused,
}

/// A host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) phase: Phase,
    pub(crate) addresses: Addresses,
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Action {
    /// Boot it, for the first time or again.
    Start { id: String },
    /// End what runs in it.
    Stop { id: String },
    /// End it and forget its files.
    Remove { id: String },
    /// Give it other addresses while it runs.
    Readdress { id: String, addresses: Addresses },
    /// Say once that it cannot run, because `owner` has its address.
    Refuse {
        id: String,
        address: Ipv4Addr,
        owner: String,
    },
}

/// Plans. `observed` in order of launch: of two with one address, the earlier runs.
pub(crate) fn plan(observed: &[Observed], known: &BTreeMap<String, Known>) -> Vec<Action> {
    let mut actions = Vec::new();
    let mut owners = owners(known);
    for instance in observed {
        let host = known.get(&instance.id);
        let action = match (instance.life, host.map(|host| host.phase)) {
            (_, Some(Phase::Busy)) | (Life::Gone, None) | (Life::Stopped, None) => None,
            (Life::Gone, Some(_)) => Some(Action::Remove {
                id: instance.id.clone(),
            }),
            (Life::Stopped, Some(Phase::Up | Phase::Failed)) => Some(Action::Stop {
                id: instance.id.clone(),
            }),
            (Life::Stopped, Some(_)) | (Life::Running, Some(Phase::Failed)) => None,
            (Life::Running, Some(Phase::Up)) => readdress(instance, host, &mut owners),
            (Life::Running, None | Some(Phase::Down | Phase::Refused)) => {
                start(instance, host, &mut owners, observed)
            }
        };
        actions.extend(action);
    }
    let listed = |id: &String| observed.iter().any(|instance| instance.id == *id);
    let lost = known
        .iter()
        .filter(|(id, host)| host.phase != Phase::Busy && !listed(id));
    actions.extend(lost.map(|(id, _)| Action::Remove { id: id.clone() }));
    actions
}

/// Who has which address now.
fn owners(known: &BTreeMap<String, Known>) -> BTreeMap<Ipv4Addr, String> {
    let live = known
        .iter()
        .filter(|(_, host)| matches!(host.phase, Phase::Up | Phase::Busy));
    live.flat_map(|(id, host)| host.addresses.all().map(|ip| (*ip, id.clone())))
        .collect()
}

fn start(
    instance: &Observed,
    host: Option<&Known>,
    owners: &mut BTreeMap<Ipv4Addr, String>,
    observed: &[Observed],
) -> Option<Action> {
    // An instance gets its interface in the moment of its launch; without one it cannot be reached.
    instance.addresses.private.first()?;
    let taken = instance.addresses.all().find_map(|ip| {
        let owner = owners.get(ip).filter(|owner| **owner != instance.id)?;
        Some((*ip, owner.clone()))
    });
    let Some((address, owner)) = taken else {
        let own = instance
            .addresses
            .all()
            .map(|ip| (*ip, instance.id.clone()));
        owners.extend(own);
        return Some(Action::Start {
            id: instance.id.clone(),
        });
    };
    let stays = observed
        .iter()
        .any(|other| other.id == owner && other.life == Life::Running);
    let said = host.is_some_and(|host| host.phase == Phase::Refused);
    // An owner that is about to go makes room in a later round.
    (stays && !said).then(|| Action::Refuse {
        id: instance.id.clone(),
        address,
        owner,
    })
}

/// New addresses, without those that another host has.
fn readdress(
    instance: &Observed,
    host: Option<&Known>,
    owners: &mut BTreeMap<Ipv4Addr, String>,
) -> Option<Action> {
    let free = |list: &[Ipv4Addr]| -> Vec<Ipv4Addr> {
        let own = |ip: &&Ipv4Addr| owners.get(*ip).is_none_or(|owner| *owner == instance.id);
        list.iter().filter(own).copied().collect()
    };
    let addresses = Addresses {
        private: free(&instance.addresses.private),
        public: free(&instance.addresses.public),
    };
    if host.is_some_and(|host| host.addresses == addresses) {
        return None;
    }
    owners.extend(addresses.all().map(|ip| (*ip, instance.id.clone())));
    Some(Action::Readdress {
        id: instance.id.clone(),
        addresses,
    })
}

#[cfg(test)]
mod tests;
