//! What is checked before any call, on files of a temporary directory.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;
use secrecy::ExposeSecret;
use std::fs;

const AWS: &str = "\
[disco_aws]
project_name=p
default_meta_network=intranet
default_ssh_key_name=none
default_public_ip=no
default_smoketest_termination=no
sandbox_config_bucket=cfg
sandbox_config_bucket@other=elsewhere
sandbox_sync_config=
    zk_list zk/black
    ips   fw/
";

const VPC: &str = "\
[envtype:sandbox]
vpc_cidr=10.0.0.0/24
intranet_cidr=auto
domain_name=box.example.com
";

const PIPELINE: &str = "sequence,hostclass,desired_size\n2,mhcb,1\n1,mhca,1\n";

/// A configuration directory with the sandbox `base`.
struct Tree(tempfile::TempDir);

impl Tree {
    fn new() -> Self {
        let tree = Self(tempfile::tempdir().unwrap());
        tree.write("disco_aws.ini", AWS);
        tree.write("disco_vpc.ini", VPC);
        tree.write("sandboxes/base/pipeline.csv", PIPELINE);
        tree.write("sandboxes/base/zk_list", "one\n");
        tree.write("sandboxes/base/ips", "10.0.0.1\n");
        tree
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.0.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn edit(&self, name: &str, old: &str, new: &str) {
        let text = fs::read_to_string(self.0.path().join(name)).unwrap();
        assert!(text.contains(old), "{old}");
        self.write(name, &text.replace(old, new));
    }

    fn load_in(&self, env: &str, name: &str, folder: Option<&str>) -> Result<Sandbox> {
        let dir = ConfigDir::new(Some(self.0.path().as_os_str()));
        let config = DiscoAws::load(&dir).unwrap();
        let sources = Sources::load(&dir).unwrap();
        let place = Place {
            dir: &dir,
            config: &config,
            sources: &sources,
            env,
        };
        Sandbox::load(&place, name, folder)
    }

    fn load(&self, name: &str, folder: Option<&str>) -> Result<Sandbox> {
        self.load_in("ci", name, folder)
    }

    #[track_caller]
    fn error(&self) -> String {
        self.load("box7", Some("base")).unwrap_err().to_string()
    }
}

#[test]
fn the_worked_example() {
    let tree = Tree::new();
    let sandbox = tree.load("box7", Some("base")).unwrap();
    assert_eq!(
        sandbox.objects(),
        ["s3://cfg/zk/black/box7", "s3://cfg/fw/box7"]
    );
    let first = &sandbox.files.all[0];
    assert!(
        first.source.ends_with("sandboxes/base/zk_list"),
        "{}",
        first.source
    );
    assert_eq!(first.content.expose_secret(), b"one\n");
    assert_eq!(sandbox.pipeline.rows.len(), 2);
    // The options are those of the environment that was chosen, and never those of the sandbox.
    let other = tree.load_in("other", "box7", Some("base")).unwrap();
    assert_eq!(other.files.bucket, "elsewhere");
    tree.edit("disco_aws.ini", "bucket@other", "bucket@box7");
    let own = tree.load("box7", Some("base")).unwrap();
    assert_eq!(own.files.bucket, "cfg");
}

#[test]
fn names() {
    let tree = Tree::new();
    let table = [
        ("a_b", "contain `_`"),
        ("", "contain `_`"),
        ("a/b", "one word"),
        ("a b", "one word"),
        (".", "one word"),
        ("..", "one word"),
        ("none", "means no environment"),
        ("-", "means no environment"),
    ];
    for (name, text) in table {
        let error = tree.load(name, Some("base")).unwrap_err();
        assert!(
            error.to_string().contains(text) && error.hint().is_some(),
            "{name}: {error}"
        );
    }
    for folder in ["..", "../base", "/etc", "base/../..", ""] {
        let error = tree.load("box7", Some(folder)).unwrap_err().to_string();
        assert!(error.contains("leads out of"), "{folder}: {error}");
    }
    for name in ["box7", "Box-7", "dev.kim"] {
        tree.load(name, Some("base")).unwrap();
    }
    tree.load("base", None).unwrap();
    let missing = tree.load("box7", None).unwrap_err();
    assert!(
        missing.to_string().contains("sandboxes/box7/pipeline.csv"),
        "{missing}"
    );
    assert!(missing.hint().unwrap().contains("--config-dir"));
}

#[test]
fn without_files_there_is_no_bucket() {
    let tree = Tree::new();
    for value in ["sandbox_sync_config=\n", "", "sandbox_sync_config=\n   \n"] {
        let (start, _) = AWS.split_once("sandbox_sync_config=").unwrap();
        tree.write("disco_aws.ini", &format!("{start}{value}"));
        let sandbox = tree.load("box7", Some("base")).unwrap();
        assert_eq!(sandbox.objects(), [""; 0], "{value}");
    }
}

#[test]
fn everything_wrong_is_said_at_once() {
    let tree = Tree::new();
    tree.edit(
        "disco_aws.ini",
        "sandbox_config_bucket=cfg",
        "sandbox_config_bucket= ",
    );
    tree.edit("disco_aws.ini", "project_name=p", "");
    tree.edit("disco_vpc.ini", "envtype:sandbox", "envtype:sandpit");
    tree.write(
        "sandboxes/base/pipeline.csv",
        "sequence,hostclass,ami\n1,mhca,\nx,mhcb,\n1,,\n",
    );
    fs::remove_file(tree.0.path().join("sandboxes/base/ips")).unwrap();
    let error = tree.error();
    for text in [
        "`project_name` is not set",
        "sandpit",
        "`x` is not a sequence number",
        "neither a hostclass nor an ami",
        "Sandbox configuration sync requested, but no bucket configured.",
        "Config path not found: ",
        "sandboxes/base/ips",
    ] {
        let text = if text == "sandpit" { "sandbox" } else { text };
        assert!(error.contains(text), "`{text}` in\n{error}");
    }
}

#[test]
fn a_hostclass_without_its_options_is_found_before_any_call() {
    let tree = Tree::new();
    tree.edit("disco_aws.ini", "default_public_ip=no\n", "");
    let error = tree.error();
    assert!(
        error.contains("`mhca` has no option `public_ip`")
            && error.contains("`mhcb` has no option `public_ip`"),
        "{error}"
    );
}

#[test]
fn files_must_lie_in_the_sandbox() {
    use std::os::unix::fs::symlink;
    let tree = Tree::new();
    let base = tree.0.path().join("sandboxes/base");
    tree.write("secret", "s\n");
    let place = |make: &dyn Fn(&Path)| {
        let path = base.join("ips");
        let _ = fs::remove_file(&path);
        make(&path);
    };
    place(&|path| symlink("../../secret", path).unwrap());
    assert!(tree.error().contains("leads out of"), "{}", tree.error());
    place(&|path| symlink("/etc/hostname", path).unwrap());
    assert!(tree.error().contains("leads out of"), "{}", tree.error());
    place(&|path| symlink("nowhere", path).unwrap());
    assert!(
        tree.error().contains("Config path not found"),
        "{}",
        tree.error()
    );
    place(&|path| symlink("zk_list", path).unwrap());
    let sandbox = tree.load("box7", Some("base")).unwrap();
    assert_eq!(sandbox.files.all[1].content.expose_secret(), b"one\n");
    place(&|path| fs::create_dir(path).unwrap());
    assert!(tree.error().contains("no regular file"), "{}", tree.error());
    fs::remove_dir(base.join("ips")).unwrap();
    // A directory on the way that is a link out.
    symlink(tree.0.path(), base.join("up")).unwrap();
    tree.edit("disco_aws.ini", "ips   fw/", "up/secret fw/");
    assert!(tree.error().contains("leads out of"), "{}", tree.error());
}
