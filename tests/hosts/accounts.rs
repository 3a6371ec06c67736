//! `disco_accounts install`: into a scratch tree, and on a system of its own. What it does to the user database is read from
//! the files, and with the programs of the system.

use super::needs::Needs;
use crate::support::buckets;
use crate::support::cloud::Cloud;
use crate::support::secrets::{self, Left};
use crate::support::{Asiaq, Output, asiaq, binary};
use libtest_mimic::Trial;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

pub fn tests(needs: &Needs) -> Vec<Trial> {
    vec![
        needs.ssh("accounts::a_tree_gets_all_accounts_once", once),
        needs.ssh("accounts::differences_are_made_good", differences),
        needs.ssh("accounts::failures_are_collected", failures),
        needs.ssh("accounts::no_user_redirects_what_root_writes", redirects),
        needs.ssh("accounts::no_link_leads_out_of_the_tree", outside),
        needs.ssh("accounts::a_system_of_its_own", system),
        needs.ssh("accounts::hashes_are_in_no_argument_list", arguments),
    ]
}

const BUCKET: &str = "accounts.test";
/// crypt(3) of `correct horse`.
const HASH: &str = "$6$rounds=656000$abcdefghijklmnop$GMsFcq39Qki4gyijtB4zSRILscNi/107iIjN/PonI7lhUlmIu4BgdmtFwuVH8dZOolJRmbXjYdOJeDdMc1kN90";
const KEY: &str = "ssh-rsa AAAAB3 ann@x";

/// A bucket with accounts, and a tree with a small user database.
struct Bed {
    cloud: Cloud,
    tree: TempDir,
}

impl Bed {
    fn new() -> Self {
        let bed = Self {
            cloud: Cloud::start(),
            tree: tempfile::tempdir().unwrap(),
        };
        buckets::create(&bed.cloud, BUCKET);
        let root = bed.tree.path();
        fs::create_dir_all(root.join("etc")).unwrap();
        fs::create_dir_all(root.join("home")).unwrap();
        for (name, text, mode) in [
            ("passwd", "root:x:0:0:root:/root:/bin/bash\n", 0o644),
            ("group", "root:x:0:\nusers:x:100:\n", 0o644),
            ("shadow", "root:*:19000:0:99999:7:::\n", 0o640),
            ("gshadow", "root:*::\nusers:*::\n", 0o640),
        ] {
            let path = root.join("etc").join(name);
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        }
        bed
    }

    /// A bed with the accounts of ann, bob (inactive) and the group ops, and records that cannot be used.
    fn with_accounts() -> Self {
        let bed = Self::new();
        let ann = format!(
            "[user]\npassword = {HASH}\nssh_key_0 = Insert SSH key\nssh_key_1 = {KEY}\nshell = /bin/bash\n\
             groups = users,ops\nactive = yes\nid = 2000\n"
        );
        for (key, text) in [
            ("groups/ops", "[group]\nid = 2500\n"),
            ("groups/ann", "[group]\nid = 2000\n"),
            ("groups/bob", "[group]\nid = 2001\n"),
            ("groups/odd", "[group]\nid = many\n"),
            ("users/", ""),
            ("users/ann", &ann),
            (
                "users/bob",
                "[user]\nhome = /srv/bob\nactive = no\nid = 2001\nssh_key_0 = Insert SSH key\n",
            ),
            ("users/eve", "no ini"),
        ] {
            bed.put(key, text);
        }
        bed
    }

    fn put(&self, key: &str, text: &str) {
        let key = format!("accounts/{key}");
        buckets::put(&self.cloud, BUCKET, &key, text.as_bytes());
    }

    fn tool(&self, more: &[&str]) -> Asiaq {
        asiaq("disco_accounts")
            .endpoint(self.cloud.url())
            .args(["--bucket", BUCKET, "install", "--root"])
            .args([self.tree.path().as_os_str()])
            .args(more.iter().copied())
    }

    fn install(&self) -> Output {
        self.tool(&[]).run()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.tree.path().join(name)
    }

    fn file(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// Line of an account in a file of the user database.
    fn line(&self, file: &str, name: &str) -> String {
        let text = self.file(&format!("etc/{file}"));
        let start = format!("{name}:");
        let line = text.lines().find(|line| line.starts_with(&start));
        line.unwrap_or_else(|| panic!("no {name} in {text}"))
            .to_owned()
    }

    /// Everything in the tree: path, mode, owner, content.
    fn everything(&self) -> Vec<(PathBuf, u32, u32, u32, Vec<u8>)> {
        let mut found = Vec::new();
        let mut open = vec![self.tree.path().to_owned()];
        while let Some(path) = open.pop() {
            let meta = fs::symlink_metadata(&path).unwrap();
            let mut content = Vec::new();
            if meta.is_dir() {
                open.extend(
                    fs::read_dir(&path)
                        .unwrap()
                        .map(|entry| entry.unwrap().path()),
                );
            } else if meta.is_file() {
                content = fs::read(&path).unwrap();
            }
            found.push((path, meta.mode(), meta.uid(), meta.gid(), content));
        }
        found.sort();
        found
    }
}

/// Uid, gid and mode.
fn owner(path: &Path) -> (u32, u32, u32) {
    let meta = fs::symlink_metadata(path).unwrap();
    (meta.uid(), meta.gid(), meta.mode() & 0o7777)
}

fn once() {
    let bed = Bed::with_accounts();
    let before = bed.everything();
    let plan = "+ group ann (gid 2000)\n+ group bob (gid 2001)\n+ group ops (gid 2500)\n+ user ann (uid 2000)\n\
                + password of user ann\n+ 1 authorized key of user ann\n+ user bob (uid 2001, inactive)\n";
    let dry = bed.tool(&["--dry-run"]).run().expect_status(0);
    assert_eq!(dry.stdout, plan);
    assert!(bed.everything() == before, "a dry run changed something");

    let output = bed.install().expect_status(0);
    assert_eq!(output.stdout, "");
    for part in [
        "User info unavailable for odd: ",
        "User info unavailable for eve: record of eve:1: no section headers",
    ] {
        assert!(output.stderr.contains(part), "{}", output.stderr);
    }
    assert_eq!(
        bed.line("passwd", "ann"),
        "ann:x:2000:2000::/home/ann:/bin/bash"
    );
    assert!(
        bed.line("passwd", "bob")
            .starts_with("bob:x:2001:2001::/srv/bob:")
    );
    assert_eq!(bed.line("group", "users"), "users:x:100:ann");
    assert_eq!(bed.line("group", "ops"), "ops:x:2500:ann");
    let shadow = bed.line("shadow", "ann");
    let fields: Vec<&str> = shadow.split(':').collect();
    assert_eq!((fields[1], fields[7]), (HASH, ""), "{shadow}");
    let shadow = bed.line("shadow", "bob");
    let fields: Vec<&str> = shadow.split(':').collect();
    assert_eq!((fields[1], fields[7]), ("!", "1"), "{shadow}");
    assert_eq!(owner(&bed.path("etc/shadow")).2, 0o640);
    assert_eq!(
        bed.file("home/ann/.ssh/authorized_keys"),
        format!("{KEY}\n")
    );
    assert_eq!(owner(&bed.path("home/ann/.ssh")), (2000, 2000, 0o700));
    assert_eq!(
        owner(&bed.path("home/ann/.ssh/authorized_keys")),
        (2000, 2000, 0o700)
    );
    assert_eq!(owner(&bed.path("home/ann")).0, 2000);
    assert!(
        !bed.path("srv/bob/.ssh").exists(),
        "a placeholder is no key"
    );

    let after = bed.everything();
    let again = bed.install().expect_status(0);
    assert!(
        again
            .stderr
            .contains("all accounts are installed: nothing was changed"),
        "{}",
        again.stderr
    );
    assert!(bed.everything() == after, "a second run changed something");
    assert_eq!(
        bed.tool(&["--dry-run"]).run().expect_status(0).stdout,
        "no changes\n"
    );
}

fn differences() {
    let bed = Bed::with_accounts();
    bed.install().expect_status(0);
    let keys = bed.path("home/ann/.ssh/authorized_keys");
    fs::write(&keys, format!("ssh-rsa BBB by-hand\n{KEY}")).unwrap();
    fs::set_permissions(&keys, fs::Permissions::from_mode(0o644)).unwrap();
    let ann = format!(
        "[user]\npassword = $6$other$hash\nssh_key_1 = {KEY}\nssh_key_2 = ssh-rsa CCC\nshell = /bin/sh\ngroups = ops\n\
         active = no\nid = 2010\n"
    );
    bed.put("users/ann", &ann);
    bed.put("groups/ann", "[group]\nid = 2011\n");
    let output = bed.install().expect_status(0);
    assert_eq!(
        bed.line("passwd", "ann"),
        "ann:x:2010:2011::/home/ann:/bin/sh",
        "{}",
        output.stderr
    );
    assert_eq!(bed.line("group", "users"), "users:x:100:");
    let shadow = bed.line("shadow", "ann");
    let fields: Vec<&str> = shadow.split(':').collect();
    assert_eq!((fields[1], fields[7]), ("$6$other$hash", "1"), "{shadow}");
    let text = format!("ssh-rsa BBB by-hand\n{KEY}\nssh-rsa CCC\n");
    assert_eq!(bed.file("home/ann/.ssh/authorized_keys"), text);
    assert_eq!(owner(&keys), (2010, 2011, 0o700));
    assert_eq!(owner(&bed.path("home/ann")).0, 2010);
    bed.put("users/ann", &ann.replace("active = no", "active = yes"));
    let output = bed.tool(&["--dry-run"]).run().expect_status(0);
    assert_eq!(output.stdout, "~ user ann: is inactive -> active\n");
    bed.install().expect_status(0);
    let shadow = bed.line("shadow", "ann");
    assert_eq!(shadow.split(':').nth(7), Some(""), "{shadow}");
    let again = bed.install().expect_status(0);
    assert!(
        again.stderr.contains("nothing was changed"),
        "{}",
        again.stderr
    );
}

fn failures() {
    let bed = Bed::with_accounts();
    bed.put("users/zoe", "[user]\nid = 2003\n");
    bed.put("users/-rf", "[user]\nid = 2004\n");
    bed.put("groups/-rf", "[group]\nid = 2004\n");
    bed.put("users/tim", "[user]\nid = 2005\ngroups = nowhere\n");
    bed.put("groups/tim", "[group]\nid = 2005\n");
    bed.put("users/sue", "[user]\nid = 2006\npassword = x\n\troot:y\n");
    bed.put("groups/sue", "[group]\nid = 2006\n");
    let output = bed.install().expect_status(1);
    for part in [
        "user zoe: No group for zoe.",
        "user -rf: `-rf` is no name of an account",
        "+ user tim (uid 2005): `useradd` failed (exit status: 6): useradd: group 'nowhere' does not exist",
        "user sue: its password is no hash",
    ] {
        assert!(output.stderr.contains(part), "{part} in {}", output.stderr);
    }
    // All others are there.
    assert_eq!(
        bed.file("home/ann/.ssh/authorized_keys"),
        format!("{KEY}\n")
    );
    for name in ["bob", "sue"] {
        bed.line("passwd", name);
    }
    assert!(bed.line("shadow", "root").starts_with("root:*:"));
    let dry = bed.tool(&["--dry-run"]).run().expect_status(1);
    assert_eq!(dry.stdout, "+ user tim (uid 2005)\n");

    let empty = tempfile::tempdir().unwrap();
    let tool = asiaq("disco_accounts").endpoint(bed.cloud.url());
    let tool = tool
        .args(["--bucket", BUCKET, "install", "--root"])
        .args([empty.path()]);
    let output = tool.run().expect_status(1);
    assert!(
        output.stderr.contains("etc/passwd: No such file"),
        "{}",
        output.stderr
    );
    assert_eq!(fs::read_dir(empty.path()).unwrap().count(), 0);
}

fn redirects() {
    for trick in ["directory", "file", "owner", "moved", "writable"] {
        let bed = Bed::with_accounts();
        bed.put("users/ann", "[user]\nid = 2000\n");
        bed.install().expect_status(0);
        fs::write(bed.path("etc/target"), "as it was").unwrap();
        let ssh = bed.path("home/ann/.ssh");
        match trick {
            "directory" => symlink(bed.path("etc"), &ssh).unwrap(),
            "file" => {
                fs::create_dir(&ssh).unwrap();
                std::os::unix::fs::chown(&ssh, Some(2000), Some(2000)).unwrap();
                symlink(bed.path("etc/target"), ssh.join("authorized_keys")).unwrap();
            }
            // A file of root that the user found in a directory of its own.
            "moved" => {
                fs::create_dir(&ssh).unwrap();
                std::os::unix::fs::chown(&ssh, Some(2000), Some(2000)).unwrap();
                fs::write(ssh.join("authorized_keys"), "of root").unwrap();
            }
            // A home of root that the user may have put there.
            "writable" => {
                std::os::unix::fs::chown(bed.path("home/ann"), Some(0), Some(0)).unwrap();
                let all = fs::Permissions::from_mode(0o777);
                fs::set_permissions(bed.path("home"), all).unwrap();
            }
            _ => {
                fs::create_dir(&ssh).unwrap();
                std::os::unix::fs::chown(&ssh, Some(2001), Some(2001)).unwrap();
            }
        }
        bed.put(
            "users/ann",
            &format!("[user]\nid = 2000\nshell = /bin/sh\nssh_key_1 = {KEY}\n"),
        );
        let output = bed.install().expect_status(1);
        assert!(
            output.stderr.contains("error: user ann: "),
            "{trick}: {}",
            output.stderr
        );
        assert_eq!(bed.file("etc/target"), "as it was", "{trick}");
        assert!(!bed.path("etc/authorized_keys").exists(), "{trick}");
        match trick {
            "moved" => assert_eq!(owner(&ssh.join("authorized_keys")).0, 0),
            "writable" => {
                assert_eq!(owner(&bed.path("home/ann")).0, 0);
                assert!(!ssh.exists());
            }
            _ => {}
        }
        // The rest of the account is as its record says.
        assert!(bed.line("passwd", "ann").ends_with(":/bin/sh"), "{trick}");
    }
}

/// A link in the tree leads to no user database outside.
fn outside() {
    for bent in ["etc", "etc/shadow"] {
        let bed = Bed::with_accounts();
        let host = tempfile::tempdir().unwrap();
        let target = host.path().join("target");
        fs::rename(bed.path(bent), &target).unwrap();
        symlink(&target, bed.path(bent)).unwrap();
        let before = bed.everything();
        let output = bed.install().expect_status(1);
        assert!(
            output.stderr.contains("is reached by a link"),
            "{bent}: {}",
            output.stderr
        );
        assert!(bed.everything() == before, "{bent}");
        let shadow = match bent {
            "etc" => target.join("shadow"),
            _ => target,
        };
        let text = fs::read_to_string(shadow).unwrap();
        assert_eq!(text, "root:*:19000:0:99999:7:::\n", "{bent}");
    }
}

/// Installs without `--root`: in a mount namespace with an `/etc` and homes of its own, where `chpasswd` takes the hashes.
fn system() {
    let bed = Bed::with_accounts();
    let place = tempfile::tempdir().unwrap();
    let etc = place.path().join("etc");
    let copy = Command::new("cp").args(["-a", "/etc"]).arg(&etc).status();
    assert!(copy.unwrap().success());
    fs::create_dir(place.path().join("home")).unwrap();
    let install = || {
        let script = format!(
            "mount --make-rprivate / && mount --bind {0}/etc /etc && mount --bind {0}/home /home && mount -t tmpfs none /srv && \
             exec {1} --bucket {BUCKET} install",
            place.path().display(),
            binary("disco_accounts")
        );
        let (tool, home) = asiaq("disco_accounts")
            .endpoint(bed.cloud.url())
            .into_command();
        let mut unshare = Command::new("unshare");
        unshare
            .args(["-m", "sh", "-c", &script])
            .current_dir(home.path());
        for (name, value) in tool.get_envs() {
            match value {
                Some(value) => unshare.env(name, value),
                None => unshare.env_remove(name),
            };
        }
        let output = unshare.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{said}");
        said
    };
    install();
    let shadow = fs::read_to_string(etc.join("shadow")).unwrap();
    assert!(
        shadow.contains(&format!("\nann:{HASH}:")),
        "the hash is there as it is"
    );
    let passwd = fs::read_to_string(etc.join("passwd")).unwrap();
    assert!(
        passwd.contains("\nann:x:2000:2000::/home/ann:/bin/bash\n"),
        "{passwd}"
    );
    let keys = place.path().join("home/ann/.ssh/authorized_keys");
    assert_eq!(fs::read_to_string(&keys).unwrap(), format!("{KEY}\n"));
    assert_eq!(owner(&keys), (2000, 2000, 0o700));
    let host = fs::read_to_string("/etc/passwd").unwrap();
    assert!(!host.contains("\nann:x:2000:"), "this machine is as it was");
    let again = install();
    assert!(again.contains("nothing was changed"), "{again}");
}

fn arguments() {
    let bed = Bed::with_accounts();
    let secrets = secrets::Bed::new(&[HASH]);
    let tree = secrets.root().join("home/tree");
    let copy = Command::new("cp")
        .arg("-a")
        .arg(bed.tree.path())
        .arg(&tree)
        .status();
    assert!(copy.unwrap().success());
    let run = |more: &[&str]| -> Left {
        let tool = secrets.tool("disco_accounts").endpoint(bed.cloud.url());
        let tool = tool
            .args(["--bucket", BUCKET, "install", "--root"])
            .args([&tree]);
        tool.args(more.iter().copied()).run().expect_status(0)
    };
    secrets.expect_clean(&run(&["--dry-run"]));
    let left = run(&[]);
    // It must be there, and readable by nobody else.
    let shadow = tree.join("etc/shadow");
    assert_eq!(owner(&shadow).2, 0o640);
    fs::set_permissions(&shadow, fs::Permissions::from_mode(0o600)).unwrap();
    assert!(fs::read_to_string(&shadow).unwrap().contains(HASH));
    secrets.expect_clean_but_files(&left, &[shadow]);
}
