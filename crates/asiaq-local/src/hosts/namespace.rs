//! Network namespaces by name: making them, working in them, running `ip` in them. Knows no host.
//!
//! Names stand in `/run/netns`, which is a private directory of the supervisor. Nothing here touches the network of the
//! machine itself.

use crate::error::LocalError;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use std::fs::File;
use std::io::Write;
use std::net::SocketAddrV4;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The file that stands for a namespace.
pub(crate) fn path(name: &str) -> PathBuf {
    Path::new("/run/netns").join(name)
}

/// Runs `work` on a thread of its own inside the network namespace behind `path`. Sockets that it makes stay there, and
/// processes that it starts live there.
pub(crate) fn in_namespace<T: Send>(
    path: &Path,
    work: impl FnOnce() -> T + Send,
) -> Result<T, LocalError> {
    let file = File::open(path).map_err(LocalError::file("cannot open", path))?;
    let entered = std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network))?;
            Ok::<T, std::io::Error>(work())
        });
        thread.join()
    });
    match entered {
        Ok(result) => result.map_err(LocalError::file("cannot enter", path)),
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

/// A listening socket in a namespace, ready for tokio.
pub(crate) fn listen(
    name: &str,
    address: SocketAddrV4,
) -> Result<std::net::TcpListener, LocalError> {
    let bind = || {
        let listener = std::net::TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        Ok(listener)
    };
    in_namespace(&path(name), bind)?.map_err(|error: std::io::Error| {
        LocalError::hosts(format!("listen on {address} in `{name}`"), error)
    })
}

/// Runs lines of `ip -batch` in a namespace, in one process; the first line that fails ends it.
pub(crate) fn ip(name: &str, lines: &[String]) -> Result<(), LocalError> {
    in_namespace(&path(name), || ip_here(lines, &[]))?
}

/// As [`ip`], but goes on after a line that fails, and says nothing: for taking away what may not be there.
pub(crate) fn ip_away(name: &str, lines: &[String]) {
    let ended = in_namespace(&path(name), || ip_here(lines, &["-force"]));
    if let Ok(Err(problem)) | Err(problem) = ended {
        tracing::debug!("{problem}");
    }
}

/// As [`ip`], where this thread is.
pub(crate) fn ip_here(lines: &[String], options: &[&str]) -> Result<(), LocalError> {
    let failed = |problem: String| LocalError::hosts("network", problem);
    let mut child = Command::new("ip")
        .args(options)
        .args(["-batch", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| failed(format!("cannot start `ip`: {error}")))?;
    let text = lines.join("\n") + "\n";
    // A process that ends early says why on its other stream.
    let written = child
        .stdin
        .take()
        .map(|mut pipe| pipe.write_all(text.as_bytes()));
    let output = child
        .wait_with_output()
        .map_err(|error| failed(error.to_string()))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    let unwritten = written
        .and_then(Result::err)
        .map(|error| format!(" ({error})"));
    Err(failed(format!(
        "`ip` refused: {said}{}",
        unwritten.unwrap_or_default()
    )))
}

/// Switches IPv6 off where this thread is, also for interfaces to come: nothing here uses it.
pub(crate) fn without_ipv6() {
    for which in ["all", "default"] {
        // A machine without IPv6 has no such file, which is as good.
        let _ = std::fs::write(format!("/proc/sys/net/ipv6/conf/{which}/disable_ipv6"), "1");
    }
}
