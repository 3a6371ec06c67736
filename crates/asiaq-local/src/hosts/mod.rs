//! Real hosts behind the instances of the local cloud: each has its own network, root file system, sshd and metadata service.
//! All of it lives in namespaces that end with the supervisor, so nothing is left behind after a crash.

pub mod aws_cli;
pub(crate) mod board;
mod boot_user;
pub mod imds;
pub mod inside;
pub(crate) mod outside;
pub mod seed;
pub mod units;
mod vendor;

#[cfg(target_os = "linux")]
mod accounts;
#[cfg(target_os = "linux")]
mod base;
#[cfg(target_os = "linux")]
mod boot;
#[cfg(target_os = "linux")]
mod forward;
#[cfg(target_os = "linux")]
mod images;
#[cfg(target_os = "linux")]
mod machine;
#[cfg(target_os = "linux")]
mod namespace;
#[cfg(target_os = "linux")]
mod network;
#[cfg(target_os = "linux")]
mod observe;
#[cfg(target_os = "linux")]
mod place;
#[cfg(target_os = "linux")]
mod plan;
#[cfg(target_os = "linux")]
mod requirements;
#[cfg(target_os = "linux")]
mod supervisor;

#[cfg(not(target_os = "linux"))]
mod elsewhere;
#[cfg(not(target_os = "linux"))]
pub use elsewhere::{boot, requirements, supervise};

pub use board::HostStatus;
#[cfg(target_os = "linux")]
pub use boot::boot;
pub use outside::Hosts;
#[cfg(target_os = "linux")]
pub use requirements::requirements;
#[cfg(target_os = "linux")]
pub use supervisor::supervise;
