//! Files that a host gets at each boot: names, AWS variables, keys. Runs inside the host's file tree.

use super::Boot;
use crate::cloud;
use crate::error::LocalError;
use crate::hosts::boot_user::{USER_FILE, named, refusal, with_key};
use std::fs;
use std::net::Ipv4Addr;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::Path;
use std::process::{Command, Stdio};

/// Where programs are.
pub(crate) const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const HOST_KEY: &str = "/etc/ssh/ssh_host_ed25519_key";
/// Holds the id of the instance that booted last.
const MARKER: &str = "/var/lib/asiaq-local-instance";
/// Comes before all other settings, so that sessions have the variables too.
const SSHD: &str = "/etc/ssh/sshd_config.d/00-asiaq-local.conf";

pub(super) fn write(boot: &Boot) -> Result<(), LocalError> {
    let variables = variables(&boot.endpoint);
    let new = !booted_before(boot);
    let hostname = hostname(boot)?;
    rustix::system::sethostname(hostname.as_bytes())
        .map_err(|error| LocalError::hosts("host name", error))?;
    for (path, text) in [
        ("/etc/hosts", hosts(&hostname, boot.address)),
        ("/etc/environment", lines(&variables, "")),
        (
            "/etc/profile.d/asiaq-local.sh",
            lines(&variables, "export "),
        ),
        ("/etc/machine-id", machine_id(&boot.instance_id)),
        (SSHD, sshd(&variables)),
    ] {
        put(Path::new(path), &text, 0o644)?;
    }
    if let Some(key) = &boot.public_key {
        keys(key, new)?;
    }
    host_key()
}

/// Variables of everything that runs in a host.
pub(crate) fn variables(endpoint: &str) -> Vec<(&'static str, String)> {
    let mut all: Vec<_> = cloud::environment(endpoint).into();
    all.push(("AWS_DEFAULT_REGION", cloud::REGION.to_owned()));
    all
}

fn lines(variables: &[(&str, String)], before: &str) -> String {
    let line = |(name, value): &(&str, String)| format!("{before}{name}={value}\n");
    variables.iter().map(line).collect()
}

fn sshd(variables: &[(&str, String)]) -> String {
    let pairs: Vec<String> = variables.iter().map(|(n, v)| format!("{n}={v}")).collect();
    format!("SetEnv {}\n", pairs.join(" "))
}

/// Whether this is not the first boot of the instance.
fn booted_before(boot: &Boot) -> bool {
    fs::read_to_string(MARKER).is_ok_and(|id| id.trim() == boot.instance_id)
}

/// Lets the key in. On a vendor's image as cloud-init does: once per instance, and root's login only says who to be.
fn keys(key: &str, new: bool) -> Result<(), LocalError> {
    let text = fs::read_to_string(USER_FILE).unwrap_or_default();
    let Some(user) = named(&text) else {
        allow(Path::new("/root"), "", key)?;
        return allow(Path::new("/home/ec2-user"), "", key);
    };
    if !new {
        return Ok(());
    }
    allow(Path::new("/root"), &refusal(user), key)?;
    allow(&Path::new("/home").join(user), "", key)
}

/// The name that a former boot or a boot script gave it, else the one that AWS would.
fn hostname(boot: &Boot) -> Result<String, LocalError> {
    let (path, marker) = (Path::new("/etc/hostname"), Path::new(MARKER));
    let same = booted_before(boot);
    let found = fs::read_to_string(path)
        .unwrap_or_default()
        .trim()
        .to_owned();
    if same && !found.is_empty() {
        return Ok(found);
    }
    put(path, &format!("{}\n", boot.hostname), 0o644)?;
    put(marker, &format!("{}\n", boot.instance_id), 0o644)?;
    Ok(boot.hostname.clone())
}

fn hosts(hostname: &str, address: Ipv4Addr) -> String {
    format!("127.0.0.1 localhost\n{address} {hostname}\n")
}

/// 32 digits that belong to the instance.
fn machine_id(instance: &str) -> String {
    let digits: String = instance.chars().filter(char::is_ascii_hexdigit).collect();
    format!("{digits:0>32}\n")
}

/// Adds the key to a user's authorized keys, with options before it.
fn allow(home: &Path, options: &str, key: &str) -> Result<(), LocalError> {
    let Ok(owner) = fs::metadata(home) else {
        return Ok(());
    };
    let directory = home.join(".ssh");
    let path = directory.join("authorized_keys");
    fs::create_dir_all(&directory).map_err(LocalError::file("cannot make", &directory))?;
    let before = fs::read_to_string(&path).unwrap_or_default();
    put(&path, &with_key(&before, options, key), 0o600)?;
    for (one, mode) in [(&directory, 0o700), (&path, 0o600)] {
        chown(one, Some(owner.uid()), Some(owner.gid()))
            .and_then(|()| fs::set_permissions(one, fs::Permissions::from_mode(mode)))
            .map_err(LocalError::file("cannot change", one))?;
    }
    Ok(())
}

/// A host key of its own, once.
fn host_key() -> Result<(), LocalError> {
    if Path::new(HOST_KEY).exists() {
        return Ok(());
    }
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-C", "", "-f", HOST_KEY])
        .env("PATH", PATH)
        .stdin(Stdio::null())
        .output()
        .map_err(|source| LocalError::Spawn {
            program: "ssh-keygen".to_owned(),
            source,
        })?;
    if made.status.success() {
        return Ok(());
    }
    Err(LocalError::hosts(
        "host key",
        String::from_utf8_lossy(&made.stderr).trim(),
    ))
}

/// Writes a file anew, also where a link or something unwritable was.
fn put(path: &Path, text: &str, mode: u32) -> Result<(), LocalError> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(LocalError::file("cannot make", parent))?;
    }
    if path.is_symlink() {
        fs::remove_file(path).map_err(LocalError::file("cannot replace", path))?;
    }
    fs::write(path, text)
        .and_then(|()| fs::set_permissions(path, fs::Permissions::from_mode(mode)))
        .map_err(LocalError::file("cannot write", path))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn settings_as_text() {
        let variables = variables("http://169.254.169.253:5566");
        assert_eq!(
            lines(&variables, "export "),
            "export AWS_ENDPOINT_URL=http://169.254.169.253:5566\nexport AWS_ACCESS_KEY_ID=testing\n\
             export AWS_SECRET_ACCESS_KEY=testing\nexport AWS_REGION=us-west-2\nexport AWS_DEFAULT_REGION=us-west-2\n"
        );
        assert_eq!(
            sshd(&variables).lines().count(),
            1,
            "sshd takes only the first such line"
        );
        let id = machine_id("i-0123456789abcdef0");
        assert!(id.ends_with("00123456789abcdef0\n"), "{id}");
        assert_eq!(id.trim().len(), 32);
        assert_eq!(
            hosts("ip-10-0-0-5", Ipv4Addr::new(10, 0, 0, 5)),
            "127.0.0.1 localhost\n10.0.0.5 ip-10-0-0-5\n"
        );
    }
}
