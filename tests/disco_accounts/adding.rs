//! `adduser` and `addgroup`: records, ids, refusals, two people at once, kills.

use super::{ANN, BUCKET, Bed, fed, is_hash_of};
use crate::support::buckets;
use crate::support::environment::changing_calls;
use crate::support::proxy::{Behaviour, Proxy};
use crate::support::run_until_killed;

/// The value of an option in a record.
fn value<'a>(record: &'a str, key: &str) -> &'a str {
    let start = format!("{key} = ");
    let line = record.lines().find_map(|line| line.strip_prefix(&start));
    line.unwrap_or_else(|| panic!("no {key} in {record}"))
}

#[test]
fn a_user_comes_with_its_group() {
    let bed = Bed::new();
    bed.put("accounts/users/bob", "[user]\nid = 2000\n");
    bed.put("accounts/users/eve", "no ini");
    bed.put("accounts/users/zoe", "[user]\nid = x\n");
    bed.put("accounts/groups/", "");
    let output = fed(bed.tool("adduser --name ann"), "s3cret\ns3cret\n").expect_status(0);
    assert_eq!(output.stdout, "");
    let user = bed.user("ann");
    let hash = value(&user, "password").to_owned();
    assert!(is_hash_of(&hash, "s3cret"), "{user}");
    let wanted = format!(
        "[user]\npassword = {hash}\nssh_key_0 = Insert SSH key\nshell = /bin/bash\ngroups = users,disco_operators\n\
         active = yes\nid = 2001\n\n"
    );
    assert_eq!(user, wanted);
    assert_eq!(bed.group("ann"), "[group]\nid = 2000\n\n");
    assert!(!output.stderr.contains(&hash) && !output.stderr.contains("s3cret"));
    let object = buckets::get(&bed.cloud, BUCKET, "accounts/users/ann");
    assert_eq!(object.unwrap().1, "AES256");

    let again = bed
        .run("adduser --name ann --password other")
        .expect_status(1);
    assert!(
        again.stderr.contains("error: user ann exists\n"),
        "{}",
        again.stderr
    );
    assert!(
        again
            .stderr
            .contains("hint: change it with `disco_accounts edituser --name ann`")
    );
    assert_eq!(bed.user("ann"), user);
    let forced = bed.tool("adduser --name ann --password other --force");
    forced.env("EDITOR", "cat").run().expect_status(0);
    assert_ne!(bed.user("ann"), user);
    assert_eq!(bed.group("ann"), "[group]\nid = 2000\n\n");
}

#[test]
fn the_caller_is_added_by_default_and_the_editor_has_the_last_word() {
    let bed = Bed::new();
    bed.put("accounts/groups/caller", "[group]\nid = 77\nnote = x\n");
    let tool = bed.tool("adduser --password x").env("EDITOR", "cat");
    let output = tool.run().expect_status(0);
    assert_eq!(output.stdout, bed.user("caller"), "cat shows the record");
    assert!(output.stdout.contains("\nactive = yes\n"));
    // The group stays as it is.
    assert_eq!(bed.group("caller"), "[group]\nid = 77\nnote = x\n");
    let script = "sed -i -e 's/^id = .*/id = 5000/' -e 's/Insert SSH key/ssh-rsa AAA/' \"$1\"";
    let output = bed.edit("adduser --name ann --password x", script);
    output.expect_status(0);
    assert_eq!(value(&bed.user("ann"), "id"), "5000");
    assert_eq!(value(&bed.user("ann"), "ssh_key_0"), "ssh-rsa AAA");
    assert_eq!(bed.kept(), []);

    let script = "sed -i 's/^id = .*/id = 5000/' \"$1\"";
    let output = bed
        .edit("adduser --name bob --password x", script)
        .expect_status(1);
    assert!(
        output
            .stderr
            .contains("error: id 5000 belongs to user ann already\n"),
        "{}",
        output.stderr
    );
    assert_eq!(bed.get("accounts/users/bob"), None);
    assert_eq!(bed.get("accounts/groups/bob"), None);
    let [(path, text)] = &bed.kept()[..] else {
        panic!("one edit is kept")
    };
    assert!(text.contains("id = 5000") && output.stderr.contains(&*path.to_string_lossy()));
}

#[test]
fn what_cannot_be_added_is_refused_before_anything_is_asked() {
    let bed = Bed::new();
    bed.put("accounts/users/ann", "no ini");
    bed.put("accounts/groups/bob", "no ini");
    for (name, problem) in [
        ("ann", "error: user ann exists\n"),
        (
            "bob",
            "error: group bob exists, but its record cannot be used",
        ),
    ] {
        // There is no stdin to read a password from.
        let output = bed.run(&format!("adduser --name {name}")).expect_status(1);
        assert!(output.stderr.contains(problem), "{}", output.stderr);
        assert!(!output.stderr.contains("Password"));
    }
    let output = fed(bed.tool("adduser --name eve"), "a\nb\n").expect_status(2);
    assert_eq!(output.stdout, "!Password does not match!\n");
    assert_eq!(bed.get("accounts/groups/eve"), None);
}

#[test]
fn a_dry_run_asks_and_writes_nothing() {
    let bed = Bed::new();
    bed.put("accounts/users/ann", ANN);
    for (words, plan) in [
        (
            "adduser --dry-run --name bob",
            "+ group bob (id 2000)\n+ user bob (id 2001)\n",
        ),
        (
            "--dry-run adduser --name ann --force",
            "+ group ann (id 2000)\n~ user ann (id 2001)\n",
        ),
        ("addgroup --name ops --dry-run", "+ group ops (id 2000)\n"),
    ] {
        let proxy = Proxy::start(bed.cloud.url(), Behaviour::new());
        let tool = bed.tool_at(proxy.url(), words).env("EDITOR", "false");
        assert_eq!(tool.run().expect_status(0).stdout, plan);
        assert_eq!(changing_calls(&proxy), [""; 0]);
    }
    let json = bed
        .run("addgroup --name ops --dry-run --output json")
        .expect_status(0);
    assert!(
        json.stdout.contains("\"change\": \"group/ops\""),
        "{}",
        json.stdout
    );
    bed.run("adduser --dry-run --name ann").expect_status(1);
}

#[test]
fn groups() {
    let bed = Bed::new();
    bed.put("accounts/groups/eve", "no ini");
    bed.run("addgroup --name ops").expect_status(0);
    bed.run("addgroup --name dev").expect_status(0);
    assert_eq!(bed.group("ops"), "[group]\nid = 2000\n\n");
    assert_eq!(bed.group("dev"), "[group]\nid = 2001\n\n");
    let output = bed.run("addgroup --name ops").expect_status(1);
    assert!(
        output.stderr.contains("error: group ops exists\n"),
        "{}",
        output.stderr
    );
    bed.run("addgroup --name ops --force").expect_status(0);
    assert_eq!(bed.group("ops"), "[group]\nid = 2002\n\n");
}

/// Both have chosen their ids before either of them writes.
#[test]
fn two_people_who_add_at_once_get_different_ids() {
    let bed = Bed::new();
    let wait = |own: &str, other: &str| {
        let place = bed.place.path();
        format!(
            "touch {0}/{own}; while ! test -e {0}/{other}; do sleep 0.02; done; : {own}",
            place.display()
        )
    };
    let (ann, bob) = (
        bed.editor(&wait("here", "there-too")),
        bed.editor(&wait("there-too", "here")),
    );
    let ann = bed
        .tool("adduser --name ann --password x")
        .env("EDITOR", &ann);
    let bob = bed
        .tool("adduser --name bob --password x")
        .env("EDITOR", &bob);
    let (ann, bob) = (ann.spawn(), bob.spawn());
    let (ann, bob) = (ann.wait().expect_status(0), bob.wait().expect_status(0));
    for read in [Bed::user, Bed::group] {
        let (ann, bob) = (read(&bed, "ann"), read(&bed, "bob"));
        assert_ne!(value(&ann, "id"), value(&bob, "id"));
    }
    let said = format!("{}{}", ann.stderr, bob.stderr);
    assert!(
        said.contains("was added with id 2000 at the same time: "),
        "{said}"
    );
}

/// Somebody gives another user the id that was chosen, while the editor is open.
#[test]
fn an_id_that_an_edit_took_meanwhile_is_not_used() {
    let bed = Bed::new();
    bed.put("accounts/users/bob", "[user]\nid = 2000\n");
    let script = "test -n \"$INNER\" || INNER=1 EDITOR='sed -i s/2000/2001/' \"$TOOL\" --bucket accounts.test edituser --name bob";
    let tool = bed.tool("adduser --name ann --password x");
    let tool = tool.env("TOOL", crate::support::binary("disco_accounts"));
    let tool = tool.env("EDITOR", &bed.editor(script));
    tool.run().expect_status(0);
    assert_eq!(value(&bed.user("bob"), "id"), "2001");
    assert_eq!(value(&bed.user("ann"), "id"), "2002");
}

/// Somebody else adds the same user while the editor is open.
#[test]
fn the_same_user_twice_at_once_is_added_once() {
    let bed = Bed::new();
    let other = "test -n \"$INNER\" || { INNER=1 EDITOR=true \"$TOOL\" --bucket accounts.test adduser --name ann --password first; \
                 echo 'mine = 1' >>\"$1\"; }";
    let tool = bed.tool("adduser --name ann --password second");
    let tool = tool.env("TOOL", crate::support::binary("disco_accounts"));
    let output = tool
        .env("EDITOR", &bed.editor(other))
        .run()
        .expect_status(1);
    let part = "user ann exists: somebody else added it at ";
    assert!(output.stderr.contains(part), "{}", output.stderr);
    assert!(!bed.user("ann").contains("mine"));
    assert_eq!(bed.group("ann"), "[group]\nid = 2000\n\n");
    assert_eq!(bed.kept().len(), 1);
}

#[test]
fn a_killed_run_can_be_repeated() {
    let words = "adduser --name ann --password x";
    // After the group was written, and after the user was.
    for call in [3, 5] {
        let bed = Bed::new();
        let proxy = Proxy::start(bed.cloud.url(), Behaviour::new().kill_at(call));
        let killed = run_until_killed(&proxy, bed.tool_at(proxy.url(), words));
        assert!(killed.is_some(), "call {call}");
        assert!(bed.get("accounts/groups/ann").is_some());
        let there = bed.get("accounts/users/ann").is_some();
        assert_eq!(there, call == 5);
        bed.run(words).expect_status(i32::from(there));
        let id = value(&bed.user("ann"), "id").to_owned();
        assert_eq!(id, "2000", "after call {call}");
        assert_eq!(
            bed.group("ann"),
            "[group]\nid = 2000\n\n",
            "after call {call}"
        );
    }
}
