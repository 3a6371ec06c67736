//! What only root can do: owners, set-id bits, programs that are running, mounts, and accounts that are made.

use super::{Bed, is_root, skipped};
use crate::support::binary;
use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::Path;
use std::process::{Command, Stdio};

/// Numbers in this machine's own files.
fn number(file: &str, name: &str) -> Option<u32> {
    let text = fs::read_to_string(file).unwrap();
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(&format!("{name}:")))?;
    line.split(':').nth(1)?.parse().ok()
}

fn owner(path: &Path) -> (u32, u32, u32) {
    let found = fs::metadata(path).unwrap();
    (found.uid(), found.gid(), found.mode() & 0o7777)
}

#[test]
fn owners_and_set_id_bits() {
    let names = (
        number("/etc/passwd", "daemon"),
        number("/etc/group", "daemon"),
    );
    let (true, (Some(user), Some(group))) = (is_root(), names) else {
        return skipped("needs root, and a user `daemon`");
    };
    let bed = Bed::new();
    bed.write("s/etc/plain", "p");
    bed.write("s/etc/program", "p");
    bed.write("s/etc/kept", "new");
    bed.write("s/etc/number", "n");
    bed.write("t/etc/kept", "old");
    bed.write("t/else/there", "t");
    bed.mode("t/else/there", 0o644);
    chown(bed.path("t/etc/kept"), Some(user), Some(0)).unwrap();
    bed.write(
        "s/acfg.metadata",
        "etc/program 6755 daemon daemon\n/etc/number 0600 4242 4343\n/else/there 4711 daemon root\n\
         /else 1777 root daemon\n/etc 2775 daemon root\n/absent 0600 root root\n",
    );
    for mode in ["plain", "program", "kept", "number"] {
        bed.mode(&format!("s/etc/{mode}"), 0o640);
    }
    let want = [
        ("t/etc/plain", (0, 0, 0o640)),
        ("t/etc/program", (user, group, 0o6755)),
        ("t/etc/kept", (user, 0, 0o640)),
        ("t/etc/number", (4242, 4343, 0o600)),
        ("t/else/there", (user, 0, 0o4711)),
        ("t/else", (0, group, 0o1777)),
        ("t/etc", (user, 0, 0o2775)),
    ];
    let first = bed.run("--hostclass x").expect_status(0);
    assert!(
        first
            .stderr
            .contains("WARN skipping permissions (file not found): ")
    );
    for (path, ids) in want {
        assert_eq!(owner(&bed.path(path)), ids, "{path}");
    }
    let again = bed.run("--hostclass x").expect_status(0);
    assert!(
        again.stderr.contains("nothing to change"),
        "{}",
        again.stderr
    );
    // Only an owner is wrong: the set-id bits survive its correction.
    chown(bed.path("t/etc/program"), Some(0), Some(0)).unwrap();
    bed.mode("t/etc/program", 0o6755);
    bed.run("--hostclass x").expect_status(0);
    assert_eq!(owner(&bed.path("t/etc/program")), (user, group, 0o6755));
}

#[test]
fn a_program_that_is_running_is_replaced() {
    let bed = Bed::new();
    let program = bed.path("t/sleeper");
    fs::copy("/bin/sleep", &program).unwrap();
    if is_root() {
        chown(&program, Some(1), Some(1)).unwrap();
    }
    bed.mode("t/sleeper", 0o755);
    bed.write("s/sleeper", "new");
    bed.mode("s/sleeper", 0o755);
    let before = owner(&program);
    let mut child = Command::new(&program).arg("60").spawn().unwrap();
    let output = bed.run("--hostclass x");
    child.kill().unwrap();
    child.wait().unwrap();
    output.expect_status(0);
    assert_eq!(bed.read("t/sleeper"), "new");
    assert_eq!(owner(&program), before);
}

/// Runs `script` as root with mounts of its own; `None` where that is not possible.
fn with_own_mounts(script: &str, words: &[&Path]) -> Option<std::process::Output> {
    let possible = Command::new("unshare")
        .args(["--mount", "true"])
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !is_root() || !possible {
        return None;
    }
    let mut command = Command::new("unshare");
    command.args([
        "--mount",
        "--propagation",
        "private",
        "sh",
        "-ec",
        script,
        "sh",
    ]);
    Some(command.args(words).output().unwrap())
}

#[test]
fn a_file_that_is_a_mount_is_written_in_place() {
    let bed = Bed::new();
    bed.write("s/hosts", "new and longer");
    bed.mode("s/hosts", 0o640);
    bed.write("t/hosts", "hidden");
    let inner = bed.write("inner", "old");
    let script = r#"mount --bind "$1" "$3/hosts"; "$4" "$2" "$3" --hostclass x"#;
    let (source, target) = (bed.path("s"), bed.path("t"));
    let words = [&inner, &source, &target, Path::new(binary("acfg1"))];
    let Some(output) = with_own_mounts(script, &words) else {
        return skipped("needs root and mounts");
    };
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
    assert_eq!(bed.read("inner"), "new and longer");
    assert_eq!(owner(&inner).2, 0o640);
    assert_eq!(bed.read("t/hosts"), "hidden");
    assert!(!bed.path("t/.acfg1~").exists());
}

#[test]
fn missing_accounts_are_made_with_the_machines_own_programs() {
    let bed = Bed::new();
    bed.write("s/a", "a");
    bed.write("s/b", "b");
    bed.write(
        "s/acfg.metadata",
        "/a 0640 acfguser acfggroup\n/b 0640 root acfgother\n/none 0640 acfgnever acfgnever\n",
    );
    // The machine's own /etc is not touched: a copy lies over it.
    let script = r#"cp -a /etc "$1"; mount --bind "$1" /etc; "$4" "$2" "$3" --hostclass x --dry; ! grep acfg /etc/passwd /etc/group
        "$4" "$2" "$3" --hostclass x; "$4" "$2" "$3" --hostclass x"#;
    let (etc, source, target) = (bed.path("etc"), bed.path("s"), bed.path("t"));
    let words = [&etc, &source, &target, Path::new(binary("acfg1"))];
    let programs = ["/usr/sbin/groupadd", "/usr/sbin/adduser"];
    let there = programs.iter().all(|program| Path::new(program).exists());
    let Some(output) = with_own_mounts(script, &words).filter(|_| there) else {
        return skipped("needs root, mounts, groupadd and adduser");
    };
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
    for (line, count) in [
        ("INFO making group acfggroup\n", 2),
        ("INFO making user acfguser in group acfggroup\n", 2),
        ("INFO making group acfgother\n", 2),
        ("acfgnever", 0),
        ("INFO nothing to change\n", 1),
    ] {
        assert_eq!(text.matches(line).count(), count, "{line}: {text}");
    }
    let passwd = etc.join("passwd");
    let group = etc.join("group");
    let number = |file: &Path, name| number(file.to_str().unwrap(), name).unwrap();
    let ids = (
        number(&passwd, "acfguser"),
        number(&group, "acfggroup"),
        0o640,
    );
    assert_eq!(owner(&bed.path("t/a")), ids);
    let ids = (0, number(&group, "acfgother"), 0o640);
    assert_eq!(owner(&bed.path("t/b")), ids);
    let text = fs::read_to_string(passwd).unwrap();
    let user = text
        .lines()
        .find(|line| line.starts_with("acfguser:"))
        .unwrap();
    assert!(user.ends_with(":/sbin/nologin"), "{user}");
    assert!(
        !fs::read_to_string("/etc/passwd")
            .unwrap()
            .contains("acfguser")
    );
}
