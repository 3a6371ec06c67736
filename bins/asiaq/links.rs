//! `link-names`: every tool under the name that old scripts call, and the scripts.

use super::scripts;
use asiaq_cli::{Failure, Outcome, Session};
use std::path::Path;

/// The tools of this suite, beside which links under the old names are made.
pub const TOOLS: [&str; 18] = [
    "acfg1",
    "disco_accounts",
    "disco_app_auth",
    "disco_autoscale",
    "disco_aws",
    "disco_bake",
    "disco_chaos",
    "disco_creds",
    "disco_deploy",
    "disco_eip",
    "disco_elb",
    "disco_metrics",
    "disco_purge_snapshots",
    "disco_route53",
    "disco_snapshot",
    "disco_ssh",
    "disco_ssm",
    "disco_vpc_ui",
];

/// Makes the links in a directory; those that are right stay.
///
/// # Errors
/// A tool is missing, or something that is no link has such a name.
pub fn link_names(session: &Session, dir: &Path) -> Result<Outcome, Failure> {
    let problem = |what: &Path, error: std::io::Error| {
        Failure::new(format!("cannot link `{}`: {error}", what.display()))
    };
    let own = std::env::current_exe().map_err(|error| problem(dir, error))?;
    let folder = own.parent().unwrap_or(Path::new("."));
    for tool in TOOLS {
        let (target, link) = (folder.join(tool), dir.join(format!("{tool}.py")));
        if !target.is_file() {
            return Err(
                Failure::new(format!("`{}` does not exist", target.display())).with_hint(Some(
                    "install the whole suite: `cargo install --path bins`".into(),
                )),
            );
        }
        match std::fs::read_link(&link) {
            Ok(old) if old == target => {}
            Ok(_) => replace(&target, &link).map_err(|error| problem(&link, error))?,
            Err(_) if link.exists() => {
                return Err(
                    Failure::new(format!("`{}` exists and is not a link", link.display()))
                        .with_hint(Some("move it away first, if it is the old suite".into())),
                );
            }
            Err(_) => {
                std::os::unix::fs::symlink(&target, &link).map_err(|error| problem(&link, error))?
            }
        }
        session
            .printer
            .line(format!("{} -> {}", link.display(), target.display()));
    }
    scripts::install(session, dir)?;
    Ok(Outcome::Success)
}

fn replace(target: &Path, link: &Path) -> std::io::Result<()> {
    std::fs::remove_file(link)?;
    std::os::unix::fs::symlink(target, link)
}
