//! Tables for the plan: records and a user database in, steps out.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;
use secrecy::SecretSlice;

const PASSWD: &str =
    "root:x:0:0:root:/root:/bin/bash\nann:x:2000:2000::/home/ann:/bin/bash\n+::::::\n";
const GROUP: &str = "root:x:0:\nusers:x:100:ann\nops:x:2005:ann\nann:x:2000:\n";
const SHADOW: &str = "root:*:1:0:99999:7:::\nann:$6$x$old:20000:0:99999:7:::\n";

/// What a user's home holds.
const KEY: &str = "ssh-rsa AAA ann@x";

fn record(text: &str) -> Record {
    let content: SecretSlice<u8> = text.as_bytes().to_vec().into();
    Record::parse("x", &content).unwrap()
}

fn records(all: &[(&str, &str)]) -> Vec<(String, Record)> {
    let of = |(name, text): &(&str, &str)| ((*name).to_owned(), record(text));
    all.iter().map(of).collect()
}

/// Lines, commands without secrets, failures.
fn planned(
    groups: &[(&str, &str)],
    users: &[(&str, &str)],
    found: Keys,
) -> (Vec<String>, Vec<String>, Vec<String>) {
    let system = System::parse(PASSWD, GROUP, SHADOW);
    let look = |_: &str, _: u32, _: u32| Ok(found.clone());
    let (plan, failures) = plan(&records(groups), &records(users), &system, look);
    let command = |change: &crate::plan::Change<Step>| match &change.action {
        Step::Run { program, args } => format!("{program} {}", args.join("|")),
        Step::Password { user, hash } => format!("password {user} {}", hash.expose_secret()),
        Step::Keys { user, keys } => format!("keys {user} {}", keys.join(",")),
    };
    let commands = plan.changes().iter().map(command).collect();
    let failures = failures.iter().map(ToString::to_string).collect();
    (plan.lines(), commands, failures)
}

fn right() -> Keys {
    Keys {
        home: true,
        right: true,
        lines: vec!["# by hand".to_owned(), KEY.to_owned()],
    }
}

const SAME: &str = "[user]\npassword = $6$x$old\nssh_key_0 = Insert SSH key\nssh_key_1 = ssh-rsa AAA ann@x\nshell = /bin/bash\n\
                    groups = ops,users\nactive = yes\nid = 2000\n";

#[test]
fn a_system_that_is_right_needs_nothing() {
    let (lines, _, failures) = planned(&[("ann", "[group]\nid=2000\n")], &[("ann", SAME)], right());
    assert_eq!((lines, failures), (vec![], vec![]));
}

#[test]
fn a_new_user_with_its_group() {
    let user = SAME
        .replace("2000", "2001")
        .replace("active", "home = /srv/bob\nactive");
    let (lines, commands, failures) = planned(
        &[("bob", "[group]\nid=2001\n")],
        &[("bob", &user)],
        Keys::default(),
    );
    assert_eq!(
        lines,
        [
            "+ group bob (gid 2001)",
            "+ user bob (uid 2001)",
            "+ password of user bob",
            "+ 1 authorized key of user bob"
        ]
    );
    assert_eq!(
        commands,
        [
            "groupadd -g2001|bob",
            "useradd -m|-d/srv/bob|-Gops,users|-u2001|-s/bin/bash|-e||-g2001|bob",
            "password bob $6$x$old",
            "keys bob ssh-rsa AAA ann@x"
        ]
    );
    assert_eq!(failures, [""; 0]);
    let bare = "[user]\nid = 2001\nactive = no\n";
    let (lines, commands, _) = planned(
        &[("bob", "[group]\nid=7\n")],
        &[("bob", bare)],
        Keys::default(),
    );
    assert_eq!(
        lines,
        ["+ group bob (gid 7)", "+ user bob (uid 2001, inactive)"]
    );
    assert_eq!(commands[1], "useradd -m|-u2001|-e1970-01-02|-g7|bob");
}

#[test]
fn each_difference_is_one_line_and_one_option() {
    let group = [("ann", "[group]\nid=2000\n")];
    for (from, to, line, command) in [
        (
            "id = 2000",
            "id = 2009",
            "~ user ann: uid 2000 -> 2009",
            "usermod -u2009|ann",
        ),
        (
            "/bin/bash",
            "/bin/sh",
            "~ user ann: shell /bin/bash -> /bin/sh",
            "usermod -s/bin/sh|ann",
        ),
        (
            "active = yes",
            "active = no",
            "~ user ann: is active -> inactive",
            "usermod -e1970-01-02|ann",
        ),
        (
            "id =",
            "home = /h\nid =",
            "~ user ann: home /home/ann -> /h",
            "usermod -d/h|ann",
        ),
        (
            "ops,users",
            "users, new",
            "~ user ann: groups ops,users -> new,users",
            "usermod -Gnew,users|ann",
        ),
        (
            "groups = ops,users",
            "groups =",
            "~ user ann: groups ops,users -> ",
            "usermod -G||ann",
        ),
        (
            "$6$x$old",
            "$y$new",
            "~ password of user ann",
            "password ann $y$new",
        ),
    ] {
        let user = SAME.replace(from, to);
        let (lines, commands, failures) = planned(&group, &[("ann", &user)], right());
        assert_eq!(
            (&*lines[0], &*commands[0], lines.len()),
            (line, command, 1),
            "{to}"
        );
        assert_eq!(failures, [""; 0]);
    }
    // `groupmod` changes the main group of its users too; a user with another one is moved.
    let (lines, commands, _) = planned(&[("ann", "[group]\nid=2007\n")], &[("ann", SAME)], right());
    assert_eq!(lines, ["~ group ann: gid 2000 -> 2007"]);
    assert_eq!(commands, ["groupmod -g2007|ann"]);
    let root = "[user]\nid = 0\n";
    let system = System::parse(&PASSWD.replace("root:x:0:0", "root:x:0:100"), GROUP, SHADOW);
    let (plan, _) = plan(&[], &records(&[("root", root)]), &system, |_, _, _| {
        Ok(right())
    });
    assert_eq!(plan.lines()[0], "~ user root: gid 100 -> 0");
}

#[test]
fn a_group_may_be_given_by_its_number() {
    let groups = [("ann", "[group]\nid=2000\n"), ("dev", "[group]\nid=2300\n")];
    for (value, command) in [
        ("ops,100", None),
        ("100,users,2005", None),
        ("2300", Some("usermod -Gdev|ann")),
        ("ops,4711", Some("usermod -G4711,ops|ann")),
    ] {
        let user = SAME.replace("ops,users", value);
        let (_, commands, failures) = planned(&groups, &[("ann", &user)], right());
        assert_eq!(commands[0], "groupadd -g2300|dev");
        assert_eq!(commands.get(1).map(String::as_str), command, "{value}");
        assert_eq!(failures, [""; 0]);
    }
}

#[test]
fn what_a_record_does_not_say_stays() {
    let (lines, _, failures) = planned(
        &[],
        &[("ann", "[user]\nid = 2000\npassword =\n")],
        Keys::default(),
    );
    assert_eq!((lines, failures), (vec![], vec![]));
}

#[test]
fn an_inactive_user_stays_inactive_and_comes_back() {
    let shadow = |expires: &str| SHADOW.replace("7:::\n", "7::E:\n").replace('E', expires);
    let user = |active: &str| records(&[("ann", &SAME.replace("active = yes", active))]);
    for (expires, active, line) in [
        ("0", "active = no", None),
        ("1", "active = no", None),
        (
            "20000",
            "active = no",
            Some("~ user ann: is active -> inactive"),
        ),
        (
            "1",
            "active = yes",
            Some("~ user ann: is inactive -> active"),
        ),
        ("", "active = yes", None),
    ] {
        let system = System::parse(PASSWD, GROUP, &shadow(expires));
        let (plan, _) = plan(&[], &user(active), &system, |_, _, _| Ok(right()));
        assert_eq!(
            plan.lines().first().map(String::as_str),
            line,
            "{expires} {active}"
        );
    }
}

#[test]
fn keys_are_added_once() {
    let group = [("ann", "[group]\nid=2000\n")];
    let wrong = Keys {
        right: false,
        ..right()
    };
    let none = Keys {
        home: true,
        ..Keys::default()
    };
    for (found, line) in [
        (right(), None),
        (
            wrong,
            Some("~ owner and mode of the authorized keys of user ann"),
        ),
        (none, Some("+ 1 authorized key of user ann")),
        (
            Keys::default(),
            Some("+ 1 authorized key and home directory of user ann"),
        ),
    ] {
        let (lines, _, _) = planned(&group, &[("ann", SAME)], found);
        assert_eq!(lines.first().map(String::as_str), line);
    }
    let placeholder = SAME.replace("ssh_key_1 = ssh-rsa AAA ann@x\n", "");
    let (lines, _, _) = planned(&group, &[("ann", &placeholder)], Keys::default());
    assert_eq!(lines, [""; 0]);
}

#[test]
fn failures_stop_nobody_else() {
    let (lines, _, failures) = planned(
        &[("-rf", "[group]\nid=1\n"), ("bob", "[group]\nid=2001\n")],
        &[
            ("eve", "[user]\nid = 5\n"),
            ("a\nroot", "[user]\nid = 6\n"),
            ("ann", "[user]\nid = 2000\npassword = x:y\n"),
            ("bob", "[user]\nid = 2001\nhome = relative\n"),
            ("root", "[user]\nid = 0\nshell = /bin/ba:sh\n"),
            ("users", "[user]\nid = 100\n"),
            ("users", "[user]\nid = 101\n"),
        ],
        Keys::default(),
    );
    let wanted = [
        "group -rf: `-rf` is no name of an account",
        "user eve: No group for eve.",
        "user a\\nroot: `a\\nroot` is no name",
        "user ann: its password is no hash",
        "user bob: home directory `relative` is no absolute path",
        "user root: `/bin/ba:sh` is not for the user database",
    ];
    assert_eq!(failures.len(), wanted.len(), "{failures:?}");
    for (failure, part) in failures.iter().zip(wanted) {
        assert!(failure.starts_with(part), "{failure}");
    }
    assert_eq!(lines, ["+ group bob (gid 2001)", "+ user users (uid 100)"]);
}

#[test]
fn a_hash_cannot_bring_another_line() {
    for hash in ["x\n\troot:y", "a b", "h\u{e9}"] {
        let user = format!("[user]\nid = 2000\npassword = {hash}\n");
        let (lines, _, failures) = planned(&[], &[("ann", &user)], Keys::default());
        assert_eq!(lines, [""; 0]);
        assert_eq!(failures, ["user ann: its password is no hash"]);
    }
}

#[test]
fn a_home_that_cannot_be_trusted_fails_only_the_keys() {
    let system = System::parse(PASSWD, GROUP, SHADOW);
    let users = records(&[("ann", &SAME.replace("old", "new"))]);
    let (plan, failures) = plan(&[], &users, &system, |home, uid, gid| {
        Err(format!("{home} {uid} {gid} is a link"))
    });
    assert_eq!(plan.lines(), ["~ password of user ann"]);
    assert_eq!(
        failures[0].to_string(),
        "user ann: /home/ann 2000 2000 is a link"
    );
}
