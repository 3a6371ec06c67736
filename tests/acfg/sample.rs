//! The repository's own `discoroot/` over an empty tree, for every hostclass of the repository.

use super::{is_root, skipped, tree};
use crate::support::asiaq;
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}

/// Hostclasses by their init scripts.
fn hostclasses() -> BTreeSet<String> {
    let names = fs::read_dir(repository().join("init")).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names
        .filter_map(|name| name.strip_suffix(".sh").map(str::to_owned))
        .filter(|name| name.starts_with("mhc"))
        .collect()
}

#[test]
fn the_sample_tree_for_every_hostclass() {
    if !is_root() {
        return skipped("needs root: the files belong to it");
    }
    let source = repository().join("discoroot");
    let hostclasses = hostclasses();
    assert!(hostclasses.len() >= 10, "{hostclasses:?}");
    for hostclass in &hostclasses {
        let target = tempfile::tempdir().unwrap();
        let run = || {
            let trees = [source.as_path(), target.path()];
            let tool = asiaq("acfg1").args(trees).args(["--hostclass", hostclass]);
            tool.run().expect_status(0).stderr
        };
        let first = run();
        assert!(!first.contains(" ERROR "), "{first}");
        let found = tree(target.path());
        // Every file of the tree is there in one form, and none has a hostclass in its name.
        for path in found.keys() {
            assert!(!path.to_string_lossy().contains('~'), "{}", path.display());
        }
        for (path, mode) in [
            ("etc/sudoers.d/disco", 0o440),
            ("etc/ssh/sshd_config.d/10-disco.conf", 0o600),
            ("opt/wgen/bin/take_snapshot.sh", 0o755),
        ] {
            let found = fs::metadata(target.path().join(path)).unwrap();
            assert_eq!(found.permissions().mode() & 0o7777, mode, "{path}");
        }
        assert!(!target.path().join("acfg.metadata").exists());
        let own = target.path().join("etc/ipsec.d/customer.secrets");
        assert_eq!(own.exists(), hostclass == "mhcvpn", "{hostclass}");
        let second = run();
        assert!(second.contains("nothing to change"), "{second}");
        assert_eq!(tree(target.path()), found, "{hostclass}");
    }
}

#[test]
fn every_suffix_of_the_sample_is_a_hostclass_of_it() {
    let hostclasses = hostclasses();
    for path in tree(&repository().join("discoroot")).keys() {
        let name = path.file_name().unwrap_or_default().to_str().unwrap();
        if let Some((_, suffix)) = name.split_once('~') {
            assert!(hostclasses.contains(suffix), "{}", path.display());
        }
    }
}
