//! Processes of this machine, looked at from outside.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

/// A process, told apart from later ones with its id.
#[derive(Debug)]
pub struct Process {
    pid: u32,
    birth: String,
    pub network: Option<PathBuf>,
}

impl Process {
    pub fn of(pid: u32) -> Option<Self> {
        let birth = stat(pid)?.1;
        let network = fs::read_link(format!("/proc/{pid}/ns/net")).ok();
        Some(Self {
            pid,
            birth,
            network,
        })
    }

    pub fn lives(&self) -> bool {
        stat(self.pid).is_some_and(|(_, birth)| birth == self.birth)
    }
}

/// Parent and start time of a process that is no zombie.
pub fn stat(pid: u32) -> Option<(u32, String)> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = text.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    (fields[0] != "Z").then(|| (fields[1].parse().unwrap(), fields[19].to_owned()))
}

/// All processes below one.
pub fn descendants(root: u32) -> Vec<Process> {
    let names = fs::read_dir("/proc").unwrap().flatten();
    let pids = names.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let parents: BTreeMap<u32, u32> = pids.filter_map(|pid| Some((pid, stat(pid)?.0))).collect();
    let below = |mut pid: u32| {
        while let Some(parent) = parents.get(&pid) {
            if *parent == root {
                return true;
            }
            pid = *parent;
        }
        false
    };
    let found = parents.keys().copied().filter(|pid| below(*pid));
    found.filter_map(Process::of).collect()
}

pub fn kill(pid: u32) {
    let pid = rustix::process::Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
}

/// Network namespaces of all processes.
pub fn everywhere_in_network() -> BTreeSet<PathBuf> {
    let names = fs::read_dir("/proc").unwrap().flatten();
    names
        .filter_map(|entry| fs::read_link(entry.path().join("ns/net")).ok())
        .collect()
}
