//! Tables for records: reading, writing, checks, differences, names.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;
use proptest::prelude::*;

fn secret(text: &str) -> SecretSlice<u8> {
    text.as_bytes().to_vec().into()
}

fn read(text: &str) -> Record {
    Record::parse("ann", &secret(text)).unwrap()
}

fn text(record: &Record) -> String {
    String::from_utf8(record.content().expose_secret().to_vec()).unwrap()
}

#[test]
fn new_records_are_written_as_always() {
    let hash = SecretString::from("$6$rounds=656000$abcdefghijklmnop$xyz");
    assert_eq!(
        text(&Record::new_user(2000, &hash)),
        "[user]\npassword = $6$rounds=656000$abcdefghijklmnop$xyz\nssh_key_0 = Insert SSH key\nshell = /bin/bash\n\
         groups = users,disco_operators\nactive = yes\nid = 2000\n\n"
    );
    assert_eq!(text(&Record::new_group(2001)), "[group]\nid = 2001\n\n");
}

#[test]
fn unknown_keys_and_other_schemes_survive() {
    let stored = "[user]\nid = 7\npassword = $y$j9T$abc/.$def\nfavourite = blue = green\nrem= x\nlong = a\n\tb\n\n\
                  [notes]\nby = ann\n\n";
    let mut record = read(stored);
    assert_eq!(text(&record), stored);
    assert!(record.set_active("no"));
    assert!(!record.set_active("FALSE"), "it says no already");
    let wanted = stored.replace("\tb\n", "\tb\nactive = no\n");
    assert_eq!(text(&record), wanted);
    record.set_id(8);
    assert_eq!(text(&record), wanted.replace("id = 7", "id = 8"));
}

#[test]
fn options_of_a_user() {
    let record = read(
        "[DEFAULT]\nssh_key_z = ssh-rsa Z\n[user]\nid=2000\npassword=h\nssh_key_1 = ssh-rsa B b@x\nssh_key_0 = Insert SSH key\n\
         ssh_keys = ssh-rsa C\n  ssh-rsa D\nssh_key_2 =\nssh_key_3 = ssh-rsa C\nkey = ssh-rsa E\ngroups = users, wheel,,\n\
         shell=/bin/sh\nother = %(broken\n",
    );
    let keys = ["ssh-rsa Z", "ssh-rsa B b@x", "ssh-rsa C", "ssh-rsa D"];
    assert_eq!(record.ssh_keys().unwrap(), keys);
    assert_eq!(record.groups().unwrap().unwrap(), ["users", "wheel"]);
    assert_eq!(record.shell().unwrap().unwrap(), "/bin/sh");
    assert_eq!(record.home().unwrap(), None);
    assert_eq!(record.password().unwrap().unwrap().expose_secret(), "h");
    assert!(record.active().unwrap());
    assert_eq!(record.id().unwrap(), 2000);
    for (text, active) in [
        ("[user]\nactive = no\n", false),
        ("[user]\nactive =\n", false),
        ("[user]\nactive = YES\n", true),
    ] {
        assert_eq!(read(text).active().unwrap(), active, "{text}");
    }
}

#[test]
fn what_is_no_record_of_its_kind_is_refused() {
    let table = [
        (Kind::User, "[user]\nid = 1\n", None),
        (Kind::Group, "[group]\nid = 1\n", None),
        // The user comes first.
        (Kind::User, "[group]\nid = 1\n[user]\nid = 2\n", None),
        (
            Kind::Group,
            "[user]\nid = 1\n",
            Some("the record of group ann has no section `[group]`"),
        ),
        (
            Kind::User,
            "[other]\nid = 1\n",
            Some("Unknown account type."),
        ),
        (Kind::User, "", Some("Unknown account type.")),
        (
            Kind::User,
            "id = 1\n",
            Some("record of ann:1: no section headers"),
        ),
        (
            Kind::User,
            "[user]\nid\n",
            Some("record of ann:2: syntax error"),
        ),
        (Kind::User, "[user]\n", Some("No option 'id'")),
        (
            Kind::User,
            "[user]\nid = x\n",
            Some("`x` is no id of a user"),
        ),
        (Kind::User, "[user]\nid = -1\n", Some("`-1` is no id")),
        (Kind::User, "[user]\nid = 4294967295\n", Some("is no id")),
        (
            Kind::Group,
            "[group]\nid = 20 00\n",
            Some("is no id of a group"),
        ),
    ];
    for (kind, text, problem) in table {
        let found = Record::checked(kind, "ann", &secret(text));
        match problem {
            None => assert_eq!(found.unwrap().kind(), kind, "{text}"),
            Some(part) => {
                let found = found.unwrap_err().to_string();
                assert!(found.contains(part), "{text}: {found}");
            }
        }
    }
}

#[test]
fn errors_show_no_values() {
    let text = "[user]\npassword = planted\nplanted\nid = 1\n";
    let error = Record::parse("ann", &secret(text)).unwrap_err();
    assert!(!format!("{error} {error:?}").contains("planted"));
    let record = read("[user]\npassword = planted%(x\nid = 1\n");
    let error = record.password().unwrap_err();
    assert!(!format!("{error} {error:?} {record:?}").contains("planted"));
}

#[test]
fn an_edit_sets_no_option_twice() {
    let table = [
        (
            "[user]\nid = 1\nssh_key_0 = a\nSSH_key_0: b\n",
            Some("lines 3 and 4 both set `ssh_key_0`"),
        ),
        (
            "[user]\nid = 1\n[x]\nid = 1\n[user]\n# id = 2\nrem x = 1\n",
            None,
        ),
        (
            "[user]\nid = 1\n[x]\na = 1\n[user]\n\nid = 1\n",
            Some("lines 2 and 7 both set `id`"),
        ),
        (
            "[DEFAULT]\nid = 1\n[user]\nid = 1\nlong = a\n id = 2\n\tid = 3\n",
            None,
        ),
        (
            "[DEFAULT]\na = 1\na = 1\n[user]\nid = 1\n",
            Some("lines 2 and 3 both set `a`"),
        ),
        ("[user]\nid\n", Some("syntax error")),
    ];
    for (text, problem) in table {
        let found = Record::edited(Kind::User, "ann", &secret(text));
        match problem {
            None => assert_eq!(found.unwrap().id().unwrap(), 1, "{text}"),
            Some(part) => {
                let found = found.unwrap_err().to_string();
                assert!(found.contains(part), "{text}: {found}");
            }
        }
    }
    // Records of others are taken as they are.
    Record::checked(Kind::User, "ann", &secret("[user]\nid = 1\nid = 2\n")).unwrap();
}

#[test]
fn control_characters_do_not_reach_the_terminal() {
    let old = read("[user]\nid = 1\nshell = a\\nb\nx\x1b[2J = 1\n");
    let new = read("[user]\nid = 1\nshell = a\n b\nhome = \x1b]0;x\x07\n");
    let wanted = [
        "shell: a\\nb -> a\\nb",
        "home: added, \\u{1b}]0;x\\u{7}",
        "x\\u{1b}[2j: removed",
    ];
    assert_eq!(new.changes(&old), wanted);
    let bad = Record::checked(Kind::User, "ann", &secret("[user]\nid = \x1bc\n"));
    assert!(bad.unwrap_err().to_string().contains("`\\u{1b}c`"));
}

#[test]
fn differences_show_only_what_is_no_secret() {
    let old = read("[user]\npassword = one\nid = 1\nshell = /bin/sh\ntoken = x\n[a]\nid = 1\n");
    let new = read(
        "[user]\npassword = two\nid = 2\nactive = no\ntoken = x\nssh_key_1 = s\n[a]\nid = 2\n",
    );
    let wanted = [
        "password: changed",
        "id: 1 -> 2",
        "active: added, no",
        "ssh_key_1: added",
        "[a] id: changed",
        "shell: removed",
    ];
    assert_eq!(new.changes(&old), wanted);
    assert!(new.changes(&new).is_empty());
}

#[test]
fn words_for_yes_and_no() {
    for (words, meaning) in [
        ("yes YES y true t aye 1", Some(true)),
        ("no No n false f nay 0", Some(false)),
        ("on off maybe 2 -", None),
    ] {
        for word in words.split(' ') {
            assert_eq!(yes_or_no(word), meaning, "{word}");
        }
    }
    assert_eq!(yes_or_no(""), None);
}

#[test]
fn names_of_accounts() {
    let long = "a".repeat(32);
    for name in ["ann", "_svc", "Ann.B-c_1", "host$", &long] {
        assert_eq!(check_name(name), Ok(()), "{name}");
    }
    let longer = "a".repeat(33);
    for name in [
        "", "-r", "1ann", "2000", ".", "..", "a/b", "a b", "a:b", "a,b", "a\nroot", "$", "a$b",
        "\u{e4}nn", &longer,
    ] {
        let problem = check_name(name).unwrap_err();
        assert!(problem.contains("is no name of an account") && !problem.contains('\n'));
    }
}

proptest! {
    #[test]
    fn what_was_read_is_written_so_that_it_reads_the_same(lines in proptest::collection::vec("[ \t]?[a-z%;#=: ]{0,12}", 0..12)) {
        let stored = format!("[user]\nid = 1\n{}\n", lines.join("\n"));
        if let Ok(record) = Record::parse("ann", &secret(&stored)) {
            let again = Record::parse("ann", &record.content()).unwrap();
            prop_assert!(again.changes(&record).is_empty());
            prop_assert_eq!(text(&again), text(&record));
        }
    }

    #[test]
    fn no_name_reaches_a_command_line_as_an_option_or_path(name in "\\PC{0,40}") {
        if check_name(&name).is_ok() {
            prop_assert!(!name.starts_with('-') && !name.contains(['/', ':', ',', ' ', '\n']));
        }
    }
}
