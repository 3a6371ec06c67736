//! Keys in a scratch tree. As the owner of everything is whoever runs this, the uid is that of the test.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

struct Tree {
    directory: tempfile::TempDir,
    uid: u32,
    gid: u32,
}

impl Tree {
    /// A tree with a home `/home/ann`.
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir_all(directory.path().join("home/ann")).unwrap();
        let stat = fs::metadata(directory.path()).unwrap();
        Self {
            uid: stat.uid(),
            gid: stat.gid(),
            directory,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn look(&self) -> Result<Keys, String> {
        Root::new(Some(self.directory.path()))?.look("/home/ann", self.uid, self.gid)
    }

    fn add(&self, keys: &[&str]) -> Result<(), String> {
        let keys: Vec<String> = keys.iter().map(|key| (*key).to_owned()).collect();
        Root::new(Some(self.directory.path()))?.add("/home/ann", self.uid, self.gid, &keys)
    }

    fn text(&self) -> String {
        fs::read_to_string(self.path("home/ann/.ssh/authorized_keys")).unwrap()
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o7777
}

#[test]
fn keys_are_appended_once_and_foreign_lines_stay() {
    let tree = Tree::new();
    let home = Keys {
        home: true,
        ..Keys::default()
    };
    assert_eq!(tree.look().unwrap(), home);
    tree.add(&["one", "two"]).unwrap();
    assert_eq!(tree.text(), "one\ntwo\n");
    let ssh = tree.path("home/ann/.ssh");
    assert_eq!(
        (mode(&ssh), mode(&ssh.join("authorized_keys"))),
        (0o700, 0o700)
    );
    let found = tree.look().unwrap();
    assert!(found.right);
    assert_eq!(found.lines, ["one", "two"]);
    fs::write(ssh.join("authorized_keys"), "# mine\n two \nforeign").unwrap();
    tree.add(&["one", "two"]).unwrap();
    assert_eq!(tree.text(), "# mine\n two \nforeign\none\n");
    tree.add(&["one", "two"]).unwrap();
    assert_eq!(tree.text(), "# mine\n two \nforeign\none\n");
    fs::set_permissions(&ssh, fs::Permissions::from_mode(0o755)).unwrap();
    assert!(!tree.look().unwrap().right);
    tree.add(&["one"]).unwrap();
    assert!(tree.look().unwrap().right);
}

#[test]
fn a_missing_home_is_made_and_looked_at_without_harm() {
    let tree = Tree::new();
    fs::remove_dir_all(tree.path("home")).unwrap();
    assert_eq!(tree.look().unwrap(), Keys::default());
    assert!(!tree.path("home").exists());
    tree.add(&["one"]).unwrap();
    assert_eq!(mode(&tree.path("home/ann")), 0o700);
    assert_eq!(tree.text(), "one\n");
}

/// Every trick leads to a refusal, and what it aims at stays as it is.
#[test]
fn nothing_is_written_through_what_a_user_could_have_bent() {
    type Trick = fn(&Tree);
    let table: [(&str, Trick); 8] = [
        (".ssh is a link", |tree| {
            symlink(tree.path("etc"), tree.path("home/ann/.ssh")).unwrap();
        }),
        (".ssh is a link", |tree| {
            symlink("../../nowhere", tree.path("home/ann/.ssh")).unwrap();
        }),
        (".ssh is a link", |tree| {
            fs::write(tree.path("home/ann/.ssh"), "").unwrap();
        }),
        ("authorized_keys is a link", |tree| {
            fs::create_dir(tree.path("home/ann/.ssh")).unwrap();
            symlink(
                tree.path("etc/target"),
                tree.path("home/ann/.ssh/authorized_keys"),
            )
            .unwrap();
        }),
        ("authorized_keys is a link", |tree| {
            fs::create_dir(tree.path("home/ann/.ssh")).unwrap();
            symlink(
                tree.path("etc/new"),
                tree.path("home/ann/.ssh/authorized_keys"),
            )
            .unwrap();
        }),
        ("authorized_keys has a second name", |tree| {
            fs::create_dir(tree.path("home/ann/.ssh")).unwrap();
            fs::hard_link(
                tree.path("etc/target"),
                tree.path("home/ann/.ssh/authorized_keys"),
            )
            .unwrap();
        }),
        ("authorized_keys is a link or no plain file", |tree| {
            fs::create_dir_all(tree.path("home/ann/.ssh/authorized_keys")).unwrap();
        }),
        ("home directory /home/ann is reached by a link", |tree| {
            fs::remove_dir(tree.path("home/ann")).unwrap();
            symlink(tree.path("etc"), tree.path("home/ann")).unwrap();
        }),
    ];
    for (problem, trick) in table {
        let tree = Tree::new();
        fs::create_dir(tree.path("etc")).unwrap();
        fs::write(tree.path("etc/target"), "as it was").unwrap();
        trick(&tree);
        for refused in [tree.look().map(drop), tree.add(&["one"])] {
            // A link to nothing is only met when the file would be made; then it is met without being followed.
            let text = refused.expect_err(problem);
            assert!(text.starts_with(problem), "{problem}: {text}");
        }
        assert_eq!(
            fs::read_to_string(tree.path("etc/target")).unwrap(),
            "as it was"
        );
        assert_eq!(
            fs::read_dir(tree.path("etc")).unwrap().count(),
            1,
            "{problem}"
        );
    }
}

#[test]
fn what_belongs_to_others_is_refused() {
    let tree = Tree::new();
    let other = tree.uid + 1;
    fs::create_dir(tree.path("home/ann/.ssh")).unwrap();
    fs::write(tree.path("home/ann/.ssh/authorized_keys"), "old\n").unwrap();
    let root = Root::new(Some(tree.directory.path())).unwrap();
    let refused = root.look("/home/ann", other, tree.gid).unwrap_err();
    assert!(
        refused.contains(&format!("belongs to uid {}, not to {other}", tree.uid)),
        "{refused}"
    );
    root.add("/home/ann", other, tree.gid, &["new".to_owned()])
        .unwrap_err();
    assert_eq!(tree.text(), "old\n");
}

#[test]
fn homes_are_paths_inside_the_tree() {
    let tree = Tree::new();
    let root = Root::new(Some(tree.directory.path())).unwrap();
    for home in ["home/ann", "", "/home/../ann", ".."] {
        let refused = root.look(home, tree.uid, tree.gid).unwrap_err();
        assert!(refused.starts_with("home directory `"), "{home}: {refused}");
    }
}

#[test]
fn a_tree_is_an_absolute_path_and_not_this_host() {
    let directory = tempfile::tempdir().unwrap();
    let link = directory.path().join("link");
    symlink("/", &link).unwrap();
    for host in [None, Some(Path::new("/")), Some(&*link)] {
        assert!(Root::new(host).unwrap().is_host(), "{host:?}");
    }
    let relative = Root::new(Some(Path::new("."))).unwrap();
    assert!(relative.tree().unwrap().is_absolute());
    let missing = Root::new(Some(directory.path().join("none").as_path())).unwrap_err();
    assert!(missing.starts_with("cannot install into "), "{missing}");
}

/// Where others can write, a link to a home on this host is not followed, and a home of somebody else is not given away.
#[test]
fn nobody_bends_the_way_to_a_home() {
    let tree = Tree::new();
    fs::set_permissions(tree.path("home"), fs::Permissions::from_mode(0o777)).unwrap();
    symlink("ann", tree.path("home/link")).unwrap();
    let home = fs::canonicalize(tree.path("home")).unwrap();
    let host = Root::new(None).unwrap();
    let look = |name: &str, uid: u32| {
        let home = home.join(name);
        host.look(home.to_str().unwrap(), uid, tree.gid)
    };
    assert!(look("ann", tree.uid).unwrap().home);
    let refused = look("link", tree.uid).unwrap_err();
    assert!(refused.contains("is reached by a link"), "{refused}");
    let refused = look("ann", tree.uid + 1).unwrap_err();
    assert!(refused.contains("belongs to uid"), "{refused}");
}
