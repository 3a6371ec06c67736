//! Accounts: passwords, hashes and edits. Installing on a host is looked at in target `hosts`.

use crate::support::buckets;
use crate::support::cloud::Cloud;
use crate::support::secrets::{Bed, Left};
use std::path::PathBuf;

const BUCKET: &str = "accounts.test";
const PASSWORD: &str = "pl\"nted p/ssw+rd";
const HASH: &str = "$6$rounds=656000$plantedSALT01234$planted/HASH.of+nothing";
const TOKEN: &str = "planted-token-of-a-key-we-do-not-know";

fn cloud() -> Cloud {
    let cloud = Cloud::start();
    buckets::create(&cloud, BUCKET);
    let text = format!("[user]\npassword = {HASH}\nid = 2000\napi = {TOKEN}\n");
    buckets::put(&cloud, BUCKET, "accounts/users/ann", text.as_bytes());
    cloud
}

#[test]
fn commands_that_read_and_write_records() {
    let cloud = cloud();
    for (words, editor, status) in [
        ("adduser --name bob", "true", 0),
        ("adduser --name eve --dry-run", "false", 0),
        ("adduser --name ann", "true", 1),
        ("adduser --name ann --force --dry-run", "true", 0),
        ("edituser --name ann", "sed -i s/2000/2005/", 0),
        ("edituser --name ann --active no", "false", 0),
        ("edituser --name ann", "false", 1),
        ("listusers", "true", 0),
        ("listusers --output json", "true", 0),
        ("hashpassword", "true", 2),
    ] {
        for json in [false, true] {
            if json && status == 0 && !words.starts_with("list") {
                continue;
            }
            let mut bed = Bed::new(&[PASSWORD, HASH, TOKEN]);
            let tool = bed.tool("disco_accounts").endpoint(cloud.url());
            let tool = if json { tool.json() } else { tool };
            let second = if status == 2 { "another" } else { PASSWORD };
            let bucket = if status == 2 {
                vec![]
            } else {
                vec!["--bucket", BUCKET]
            };
            let left = tool
                .args(bucket)
                .args(words.split_whitespace())
                .env("EDITOR", editor)
                .stdin(format!("{PASSWORD}\n{second}\n"))
                .run()
                .expect_status(status);
            if words == "adduser --name bob" {
                bed.plant(&hash_of(&cloud, "bob"));
            }
            if words != "hashpassword" {
                expect_loud(&left, json);
            }
            bed.expect_clean(&left);
        }
    }
}

/// The hash that the tool made.
fn hash_of(cloud: &Cloud, name: &str) -> String {
    let record = buckets::text(cloud, BUCKET, &format!("accounts/users/{name}")).unwrap();
    let hash = record
        .lines()
        .find_map(|line| line.strip_prefix("password = "));
    let hash = hash.unwrap();
    assert!(hash.starts_with("$6$rounds=656000$"), "{hash}");
    hash.to_owned()
}

/// Not clean because it was quiet.
fn expect_loud(left: &Left, json: bool) {
    let log = left.log();
    let parts = match json {
        false => [" DEBUG ", "aws_smithy_runtime.", ".pool TRACE "],
        true => ["\"DEBUG\"", "aws_smithy_runtime::", "\"TRACE\""],
    };
    for part in parts {
        assert!(log.contains(part), "{part} in {log}");
    }
}

/// The kept edit holds secrets, and is readable by its owner only.
#[test]
fn an_edit_that_is_kept() {
    let cloud = cloud();
    let bed = Bed::new(&[HASH, TOKEN]);
    let edit = |words: &[&str], editor: &str| {
        let tool = bed.tool("disco_accounts").endpoint(cloud.url());
        let tool = tool.args(["--bucket", BUCKET, "edituser", "--name", "ann"]);
        let words = words.iter().map(|word| (*word).to_owned());
        tool.args(words).env("EDITOR", editor).run()
    };
    let dry = edit(&["--dry-run"], "sed -i s/^api/apis/").expect_status(0);
    let left = edit(&[], "sed -i s/2000/many/").expect_status(1);
    let directory = bed.root().join("xdg/state/asiaq/edits");
    let files = std::fs::read_dir(directory).unwrap();
    let files: Vec<PathBuf> = files.map(|entry| entry.unwrap().path()).collect();
    assert_eq!(files.len(), 2);
    bed.expect_clean_but_files(&dry, &files);
    bed.expect_clean_but_files(&left, &files);
}

#[test]
fn a_broken_record_is_not_quoted() {
    let cloud = cloud();
    let text = format!("[user]\nid = 1\n{HASH}\n{TOKEN}\n");
    buckets::put(&cloud, BUCKET, "accounts/users/ann", text.as_bytes());
    for words in [
        "listusers --output json",
        "edituser --name ann --active no",
        "edituser --name ann",
    ] {
        let bed = Bed::new(&[HASH, TOKEN]);
        let tool = bed.tool("disco_accounts").endpoint(cloud.url());
        let tool = tool
            .args(["--bucket", BUCKET])
            .args(words.split_whitespace());
        let left = tool.env("EDITOR", "true").run();
        assert_eq!(
            left.status,
            i32::from(words.starts_with("edit")),
            "{}",
            left.log()
        );
        bed.expect_clean(&left);
    }
}
