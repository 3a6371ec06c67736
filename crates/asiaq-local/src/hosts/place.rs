//! Where the hosts are: private mounts of the supervisor, the router, the base layer, the ways to the AWS endpoint.

use super::aws_cli::AwsCli;
use super::boot::Boot;
use super::forward::forward;
use super::inside::{self, Mount};
use super::machine::Machine;
use super::network::{CLOUD, ENDPOINT, INTERNET, Link, OFFICE};
use super::{base, namespace, network};
use crate::error::LocalError;
use crate::process::Identity;
use crate::settings::Settings;
use rustix::mount::{MountFlags, mount};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::fs;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::path::{Path, PathBuf};
use tokio::task::JoinSet;

/// The supervisor's own directory; on its private `/run`, so in memory, and gone with it.
const WORK: &str = "/run/asiaq-local";

/// Open files that are enough for any number of hosts. Hosts inherit the limit, and some programs go through all of it.
const FILES: u64 = 65_536;

/// The place.
#[derive(Debug)]
pub(crate) struct Place {
    /// The supervisor as seen from outside.
    pub(crate) supervisor: Identity,
    /// Our own program, which is also the first process of each host.
    pub(crate) program: PathBuf,
    /// What all hosts see of the machine besides its base layer.
    mounts: Vec<Mount>,
    /// Port of the AWS endpoint.
    port: u16,
    /// Holds what the hosts say.
    consoles: PathBuf,
}

impl Place {
    /// Makes it. The process must be alone in its mount namespace.
    pub(crate) fn make(endpoint: &str, dir: &Path) -> Result<Self, LocalError> {
        // Still the old /proc, which counts processes as those outside do.
        let pid = fs::read_link("/proc/self")
            .ok()
            .and_then(|link| link.to_str()?.parse().ok());
        let supervisor = pid.and_then(Identity::of);
        let supervisor = supervisor.ok_or_else(|| LocalError::hosts("supervisor", "no /proc"))?;
        let program = std::env::current_exe().map_err(LocalError::file("cannot find", "asiaq"))?;
        let port = port(endpoint).ok_or_else(|| LocalError::hosts("endpoint", endpoint))?;
        let consoles = dir.join("console");
        let _ = fs::remove_dir_all(&consoles);
        fs::create_dir_all(&consoles).map_err(LocalError::file("cannot make", &consoles))?;
        fresh("tmpfs", "/run")?;
        fresh("proc", "/proc")?;
        for name in ["base", "hosts", "images"] {
            let path = Path::new(WORK).join(name);
            fs::create_dir_all(&path).map_err(LocalError::file("cannot make", path))?;
        }
        let (base, aws) = (Path::new(WORK).join("base"), aws());
        base::make(&base, Path::new("/"))?;
        let mounts = inside::mounts(&program, aws.as_ref());
        inside::write(&base, &mounts, aws.as_ref())?;
        network::make()?;
        Ok(Self {
            supervisor,
            program,
            mounts,
            port,
            consoles,
        })
    }

    /// Layers of images.
    pub(crate) fn images(&self) -> PathBuf {
        Path::new(WORK).join("images")
    }

    /// Makes the AWS endpoint reachable: at the same URL for people, at one address for all hosts.
    pub(crate) fn forward(&self) -> Result<JoinSet<()>, LocalError> {
        let target = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        let mut tasks = JoinSet::new();
        for (name, address) in [
            (OFFICE, Ipv4Addr::LOCALHOST),
            (INTERNET, Ipv4Addr::LOCALHOST),
            (CLOUD, ENDPOINT),
        ] {
            let listener = namespace::listen(name, SocketAddrV4::new(address, self.port))?;
            let listener = tokio::net::TcpListener::from_std(listener)
                .map_err(|error| LocalError::hosts("endpoint", error))?;
            tasks.spawn(forward(listener, target));
        }
        Ok(tasks)
    }

    /// A host that does not run yet.
    pub(crate) fn machine(&self, link: Link) -> Machine {
        let dir = Path::new(WORK).join("hosts").join(&link.host);
        let console = self.consoles.join(format!("{}.log", link.host));
        Machine::new(link, dir, console)
    }

    /// What a host is told at boot.
    pub(crate) fn boot(
        &self,
        id: &str,
        address: Ipv4Addr,
        public_key: Option<String>,
        layers: &[PathBuf],
    ) -> Boot {
        let below = [Path::new(WORK).join("base"), PathBuf::from("/")];
        Boot {
            instance_id: id.to_owned(),
            address,
            hostname: format!("ip-{}", address.to_string().replace('.', "-")),
            endpoint: format!("http://{ENDPOINT}:{}", self.port),
            public_key,
            layers: layers.iter().cloned().chain(below).collect(),
            dir: Path::new(WORK).join("hosts").join(id),
            shown: self.mounts.clone(),
        }
    }
}

/// The `aws` of hosts. It was installed before, where people see how long it takes; hosts can do without.
fn aws() -> Option<AwsCli> {
    let found = Settings::from_env().and_then(|settings| AwsCli::installed(&settings));
    let warn = |problem: &LocalError| tracing::warn!("hosts have no `aws` command: {problem}");
    found.inspect_err(warn).ok()
}

/// Every host takes some open files of this process. Hosts that get none fail, so a refusal is only said.
pub(crate) fn raise_file_limit() {
    let limit = getrlimit(Resource::Nofile);
    let most = limit.maximum.map_or(FILES, |most| most.min(FILES));
    if limit.current.is_none_or(|current| current >= most) {
        return;
    }
    let raised = Rlimit {
        current: Some(most),
        maximum: limit.maximum,
    };
    if let Err(problem) = setrlimit(Resource::Nofile, raised) {
        tracing::info!("the limit of open files stays: {problem}");
    }
}

fn fresh(kind: &str, target: &str) -> Result<(), LocalError> {
    mount(kind, target, kind, MountFlags::NOSUID, None)
        .map_err(|error| LocalError::file("cannot mount", target)(error.into()))
}

/// The port of an endpoint on loopback.
fn port(endpoint: &str) -> Option<u16> {
    let (_, port) = endpoint.trim_end_matches('/').rsplit_once(':')?;
    port.parse().ok()
}
