//! `bins/acfg1-static.sh`: what it builds needs no library and no program of the machine.

use super::{Bed, is_root, skipped};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const PT_DYNAMIC: u64 = 2;
const PT_INTERP: u64 = 3;
const DT_NEEDED: u64 = 1;

/// Builds it; a second run of the tests finds everything built.
fn build() -> PathBuf {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("acfg1-static");
    let out = place.join("out");
    let mut command = Command::new(repository.join("bins/acfg1-static.sh"));
    // As a person would call it: cargo and its wrappers for tests are not inherited.
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_") && text != "CARGO_HOME" || text.starts_with("RUSTC_") {
            command.env_remove(&name);
        }
    }
    let output = command
        .arg("--dev")
        .arg(&out)
        .env("CARGO_TARGET_DIR", place.join("target"))
        .env("CARGO_NET_OFFLINE", "true")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
    assert_eq!(
        fs::read_link(out.join("acfg1.py")).unwrap(),
        Path::new("acfg1")
    );
    out.join("acfg1")
}

/// A number in a 64-bit little-endian file.
fn number(bytes: &[u8], at: u64, size: usize) -> u64 {
    let at = usize::try_from(at).unwrap();
    let mut all = [0; 8];
    all[..size].copy_from_slice(&bytes[at..at + size]);
    u64::from_le_bytes(all)
}

/// Whether a program names an interpreter, and how many libraries it needs.
fn needs(program: &Path) -> (bool, usize) {
    let bytes = fs::read(program).unwrap();
    assert_eq!(&bytes[..6], b"\x7fELF\x02\x01");
    let (table, size) = (number(&bytes, 32, 8), number(&bytes, 54, 2));
    let headers = (0..number(&bytes, 56, 2)).map(|index| table + index * size);
    let (mut interpreter, mut libraries) = (false, 0);
    for header in headers {
        let (offset, length) = (
            number(&bytes, header + 8, 8),
            number(&bytes, header + 32, 8),
        );
        match number(&bytes, header, 4) {
            PT_INTERP => interpreter = true,
            PT_DYNAMIC => {
                let tags = (0..length / 16).map(|index| number(&bytes, offset + index * 16, 8));
                libraries += tags.filter(|tag| *tag == DT_NEEDED).count();
            }
            _ => {}
        }
    }
    (interpreter, libraries)
}

#[test]
fn it_needs_nothing_of_the_machine() {
    let program = build();
    assert_eq!(needs(&program), (false, 0));
    // The check sees what an ordinary program needs.
    let ordinary = needs(Path::new(crate::support::binary("acfg1")));
    assert!(ordinary.0 && ordinary.1 > 0, "{ordinary:?}");

    let bed = Bed::new();
    bed.write("s/etc/a", "a");
    bed.write("s/etc/b~mhcx", "b");
    bed.write(
        "s/acfg.metadata",
        "/etc/a 0640 ann 77\n/etc/b 4755 0 staff\n",
    );
    // Nothing else is in this root: no library, no /proc, no getent. The hostclass comes from the machine's file.
    bed.write("etc/passwd", "root:x:0:0::/:/\nann:x:4242:1::/:/\n");
    bed.write("etc/group", "staff:x:55:\n");
    bed.write("opt/wgen/etc/hostclass", " mhcx \nmore\n");
    fs::copy(&program, bed.path("acfg1")).unwrap();
    let mut chroot = Command::new("chroot");
    chroot.arg(bed.dir.path()).args(["/acfg1", "/s", "/t"]);
    let possible = Command::new("chroot")
        .args(["/", "true"])
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !is_root() || !possible {
        return skipped("running it in an empty root needs root");
    }
    for last in [
        "setting permissions of /t/etc/b to 4755",
        "nothing to change",
    ] {
        let output = chroot.output().unwrap();
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{text}");
        assert!(text.contains(last), "{text}");
    }
    let owner = |path: &str| {
        let found = fs::metadata(bed.path(path)).unwrap();
        (found.uid(), found.gid(), found.mode() & 0o7777)
    };
    assert_eq!(owner("t/etc/a"), (4242, 77, 0o640));
    assert_eq!(owner("t/etc/b"), (0, 55, 0o4755));
    // An account that is missing cannot be made here, and the error says so.
    bed.write("s/acfg.metadata", "/etc/a 0640 bob 77\n");
    let output = chroot.output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    let want = "error: cannot make user `bob`: cannot start `/usr/sbin/adduser`";
    assert!(text.contains(want), "{text}");
}
