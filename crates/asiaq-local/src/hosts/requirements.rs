//! What a machine must have for hosts, found by trying it. Leaves nothing behind.

use std::path::Path;
use std::process::{Command, Stdio};

/// Programs, and the packages that people know them by.
const PROGRAMS: [(&str, &str); 7] = [
    ("ip", "iproute2"),
    ("unshare", "util-linux"),
    ("nsenter", "util-linux"),
    ("mount", "mount"),
    ("cp", "coreutils"),
    ("ssh-keygen", "openssh-client"),
    ("/usr/sbin/sshd", "openssh-server"),
];

/// Tries the mounts and networks that hosts need, in namespaces that end with the shell.
const TRIAL: &str = "\
mount -t tmpfs tmpfs /run 2>&1 || { echo 'no tmpfs mounts'; exit 1; }
mount -t proc proc /proc 2>&1 || { echo 'no proc mounts'; exit 1; }
mkdir /run/base /run/upper /run/work /run/root
mknod /run/base/home c 0 0 2>&1 || { echo 'no whiteouts'; exit 1; }
mount -t overlay overlay -o redirect_dir=off,metacopy=off,index=off,lowerdir=/run/base:/,upperdir=/run/upper,workdir=/run/work /run/root 2>&1 \
  || { echo 'no overlay mounts over /'; exit 1; }
touch /run/root/usr/asiaq-trial 2>&1 || { echo 'no writing to overlay mounts'; exit 1; }
ip netns add trial 2>&1 || { echo 'no network namespaces'; exit 1; }
ip -n trial link add h1 type veth peer name h2 2>&1 || { echo 'no veth links'; exit 1; }
";

/// Whether hosts can run here.
///
/// # Errors
/// The first thing that is missing, in one line.
pub fn requirements() -> Result<(), String> {
    if !rustix::process::geteuid().is_root() {
        return Err("it needs root".to_owned());
    }
    for (program, package) in PROGRAMS {
        if !exists(program) {
            return Err(format!("`{program}` is not installed (package {package})"));
        }
    }
    let output = Command::new("unshare")
        .args([
            "--mount",
            "--propagation",
            "private",
            "--pid",
            "--fork",
            "--kill-child=SIGKILL",
        ])
        .args(["sh", "-c", TRIAL])
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .output()
        .map_err(|error| format!("`unshare` cannot be started: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    let mut lines: Vec<&str> = said
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    // The summary comes last and is said first.
    let last = lines.pop().unwrap_or("namespaces are refused");
    let detail = lines
        .last()
        .map(|line| format!(" ({line})"))
        .unwrap_or_default();
    Err(format!("{last}{detail}"))
}

fn exists(program: &str) -> bool {
    if program.starts_with('/') {
        return Path::new(program).exists();
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|directory| directory.join(program).is_file())
}
