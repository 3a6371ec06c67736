//! Records of accounts: written by many programs and people, read by all hosts.

use super::must;
use crate::{Signature, Target};
use asiaq_core::config::Ini;
use asiaq_core::credentials::account::{Kind, Record, check_name};
use secrecy::{ExposeSecret, SecretSlice};

/// One record.
pub(super) const ACCOUNT: Target = Target {
    name: "account",
    run: account,
    words: &[
        "[user]",
        "[group]",
        "[DEFAULT]",
        "\n",
        "=",
        "password",
        "ssh_key_0",
        "ssh_key",
        "shell",
        "home",
        "groups",
        "active",
        "id",
        "20001",
        "4294967295",
        "yes",
        "no",
        "users,disco_operators",
        ",",
        "Insert SSH key",
        "$6$a$b",
        "%(id)s",
        "\n\t",
        "%",
    ],
    make: |rng| {
        let section = rng.pick(&[
            "[user]\n",
            "[group]\n",
            "[other]\n",
            "[DEFAULT]\nid = 5\n[user]\n",
        ]);
        let options = rng.many(7, |rng| {
            let key = rng.pick(&[
                "password",
                "ssh_key_0",
                "ssh_key_1",
                "shell",
                "home",
                "groups",
                "active",
                "id",
                "extra",
            ]);
            let value = rng.pick(&[
                "20001",
                "yes",
                "no",
                "$6$a$b",
                "ssh-rsa AAAA a@b",
                "a,b , c",
                "",
                "Insert SSH key",
                "%(id)s",
                "100%",
            ]);
            let more = rng.pick(&["", "", "\tmore\n", "\tInsert SSH key\n"]);
            format!("{key} = {value}\n{more}")
        });
        format!("{section}{options}")
    },
};

/// What a host would do with it, or why not.
type Seen = Result<
    (
        Option<String>,
        Option<String>,
        Option<Vec<String>>,
        Vec<String>,
        bool,
    ),
    String,
>;

fn seen(record: &Record) -> Seen {
    let read = || {
        Ok::<_, asiaq_core::Error>((
            record.shell()?,
            record.home()?,
            record.groups()?,
            record.ssh_keys()?,
            record.active()?,
        ))
    };
    read().map_err(|error| error.to_string())
}

/// Names of the sections and options of a record.
fn names(stored: &SecretSlice<u8>) -> impl Iterator<Item = String> {
    let ini = must(Ini::parse("record", stored.expose_secret()), "no ini file");
    let sections: Vec<String> = ini.sections().map(str::to_owned).collect();
    let of_default = std::iter::once("DEFAULT".to_owned());
    of_default.chain(sections).flat_map(move |section| {
        let options: Vec<String> = ini.options(&section).map(str::to_owned).collect();
        std::iter::once(section).chain(options)
    })
}

fn account(input: &[u8]) -> Signature {
    let content: SecretSlice<u8> = input.to_vec().into();
    let parsed = match Record::parse("ann", &content) {
        Ok(parsed) => parsed,
        Err(error) => return Signature::error(&error.to_string()),
    };
    let stored = parsed.content();
    let again = must(
        Record::parse("ann", &stored),
        "what is stored cannot be read",
    );
    assert_eq!(
        again.content().expose_secret(),
        stored.expose_secret(),
        "stored twice, it differs"
    );
    assert_eq!(again.kind(), parsed.kind());
    assert_eq!(again.changes(&parsed), [""; 0], "nothing was changed");
    let text = |record: &Record| record.id().map_err(|_| ());
    assert_eq!(text(&again), text(&parsed), "id");
    let host = seen(&parsed);
    match (&host, seen(&again)) {
        (Ok(before), Ok(after)) => assert_eq!(before, &after),
        (before, after) => assert_eq!(before.is_ok(), after.is_ok(), "{before:?} {after:?}"),
    }
    let id = parsed.id().ok();
    for kind in [Kind::User, Kind::Group] {
        let fits = Record::checked(kind, "ann", &content).is_ok();
        assert_eq!(fits, parsed.kind() == kind && id.is_some(), "{kind}");
    }
    // Values stay out of what is shown for debugging; names of sections and options are there.
    if !names(&stored).any(|name| name.contains("$6$")) {
        assert!(!format!("{parsed:?}").contains("$6$"), "a hash shows");
    }
    let switched = switch(&parsed, input);
    let keys = host
        .as_ref()
        .map(|host| Signature::count(host.3.len()))
        .ok();
    if let Ok((_, _, groups, keys, _)) = &host {
        assert!(
            keys.iter()
                .all(|key| !key.is_empty() && !key.contains('\n') && key != "Insert SSH key")
        );
        assert!(
            groups
                .iter()
                .flatten()
                .all(|group| !group.is_empty() && group.trim() == group)
        );
    }
    let name = String::from_utf8_lossy(input);
    let name = check_name(&name).is_ok();
    Signature::of((
        parsed.kind() == Kind::User,
        id.is_some(),
        host.is_ok(),
        keys,
        switched,
        name,
    ))
}

/// Locking and unlocking changes that option and no other.
fn switch(record: &Record, input: &[u8]) -> (bool, usize) {
    let mut changed = must(Record::parse("ann", &input.to_vec().into()), "read again");
    let was = record.active().ok();
    let first = changed.set_active("no");
    assert_eq!(changed.active().ok(), Some(false), "it is locked");
    assert!(!changed.set_active("no"), "locked already");
    let lines = changed.changes(record);
    assert!(
        lines.len() <= 1 && lines.iter().all(|line| line.starts_with("active")),
        "{lines:?}"
    );
    assert_eq!(first, !lines.is_empty() || was != Some(false), "{lines:?}");
    (first, lines.len())
}
