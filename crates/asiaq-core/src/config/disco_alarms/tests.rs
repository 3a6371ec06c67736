#![allow(clippy::unwrap_used, clippy::expect_used)]
use super::*;

fn file(text: &str) -> DiscoAlarms {
    DiscoAlarms::from_ini(Ini::parse("disco_alarms.ini", text.as_bytes()).unwrap())
}

fn section(options: &str) -> DiscoAlarms {
    file(&format!("[notifications]\n{options}\n"))
}

/// Topic, level and subscribers as `protocol address`.
fn shown(found: &[Notification]) -> Vec<String> {
    found
        .iter()
        .map(|own| {
            let ends: Vec<String> = own
                .endpoints
                .iter()
                .map(|e| format!("{} {}", e.protocol.as_str(), e.address))
                .collect();
            format!("{} {:?} [{}]", own.topic, own.level, ends.join(", "))
        })
        .collect()
}

#[test]
fn keys_say_environment_and_level() {
    let table = [
        ("qa_critical=a@x", "qa", "qa_critical Critical [email a@x]"),
        ("web_qa_info=a@x", "qa", "web_qa_info Info [email a@x]"),
        ("Web_QA_Info=a@x", "qa", "web_qa_info Info [email a@x]"),
        (
            "web_qa_more_words_info=",
            "qa",
            "web_qa_more_words_info Info []",
        ),
        ("web_qa-2_info=", "qa-2", "web_qa-2_info Info []"),
    ];
    for (text, env, wanted) in table {
        assert_eq!(
            shown(&section(text).notifications(env).unwrap()),
            [wanted],
            "{text}"
        );
    }
    for other in ["prod", "web", "QA", "info", "more"] {
        let text = "web_qa_more_info=a@x\nqa_critical=a@x";
        assert_eq!(section(text).notifications(other).unwrap(), [], "{other}");
    }
}

#[test]
fn endpoints_are_trimmed_typed_and_kept_once() {
    let text =
        "qa_info= a@x.com ,,https://p.example.com/hook/1, HTTP://u:p@h:1/x,\n  b@x.com,a@x.com ,";
    let found = section(text).notifications("qa").unwrap();
    let wanted = "qa_info Info [email a@x.com, https https://p.example.com/hook/1, http HTTP://u:p@h:1/x, email b@x.com]";
    assert_eq!(shown(&found), [wanted]);
}

#[test]
fn every_problem_is_told_with_its_place() {
    let text = "\
nothing=a@x
web_qa_loud=a@x
web_qa_info=a@x, nobody, ftp://u:secret@h/x
db_qa_critical=@x, a@, https://, https:///x, https://u@, a@x b@x
we.b_qa_info=a@x
web_prod_loud=nobody";
    let errors = section(text).notifications("qa").unwrap_err();
    let place = "disco_alarms.ini";
    let untyped = |line: usize, key: &str, text: &str| {
        format!(
            "{place}:{line}: [notifications] {key}: failed to determine endpoint type of `{text}`"
        )
    };
    let wanted = [
        format!(
            "{place}:2: [notifications] nothing: `nothing` is not the name of a notification: team, environment and \
             level are separated by `_`"
        ),
        format!("{place}:3: [notifications] web_qa_loud: unsupported notification level `loud`"),
        untyped(4, "web_qa_info", "nobody"),
        untyped(4, "web_qa_info", "ftp://...@h/x"),
        untyped(5, "db_qa_critical", "@x"),
        untyped(5, "db_qa_critical", "a@"),
        untyped(5, "db_qa_critical", "https://"),
        untyped(5, "db_qa_critical", "https:///x"),
        untyped(5, "db_qa_critical", "https://...@"),
        untyped(5, "db_qa_critical", "a@x b@x"),
        format!(
            "{place}:6: [notifications] we.b_qa_info: `we.b_qa_info` cannot be the name of a topic: AWS does not \
             allow `.`"
        ),
    ];
    let told: Vec<String> = errors.0.iter().map(ToString::to_string).collect();
    assert_eq!(told, wanted);
    assert!(errors.0.iter().all(|error| error.hint.is_some()));

    let everything = section(text).all_notifications().unwrap_err();
    assert_eq!(
        everything.0.len(),
        wanted.len() + 2,
        "level and endpoint of prod"
    );
    // A wrong name is a problem of every environment, the rest is not.
    assert_eq!(section(text).notifications("dev").unwrap_err().0.len(), 1);
}

#[test]
fn long_names_and_bad_values_are_refused() {
    let long = format!("{}_qa_info=a@x", "a".repeat(300));
    let error = section(&long)
        .notifications("qa")
        .unwrap_err()
        .0
        .remove(0)
        .problem;
    assert_eq!(
        error,
        "the name of the topic has 308 characters: AWS allows 256"
    );
    let broken = section("qa_info=%(nobody)s");
    assert_eq!(
        broken.notifications("qa").unwrap_err().0[0].location.line,
        Some(2)
    );
    assert!(broken.notifications("prod").unwrap().is_empty());
}

#[test]
fn a_missing_file_or_section_is_no_notification() {
    let dir = tempfile::tempdir().unwrap();
    let config = ConfigDir::new(Some(dir.path().as_os_str()));
    let missing = DiscoAlarms::load(&config).unwrap();
    for none in [
        missing,
        file("[defaults]\nlevel=info\n"),
        file("[DEFAULT]\nqa_info=a@x\n"),
    ] {
        assert!(!none.has_notifications());
        assert_eq!(none.notifications("qa").unwrap(), []);
    }
    let inherited = file("[DEFAULT]\nqa_info=a@x\n[notifications]\n");
    assert!(inherited.has_notifications());
    assert_eq!(
        shown(&inherited.notifications("qa").unwrap()),
        ["qa_info Info [email a@x]"]
    );
}

#[test]
fn secrets_of_urls_are_not_shown() {
    let table = [
        ("a@x.com", "a@x.com"),
        ("https://h/x", "https://h/x"),
        ("https://u:p@h:8/x?token=1", "https://...@h:8/x?..."),
        ("https://h?token=a@b", "https://h?..."),
        ("https://h/x@y", "https://h/x@y"),
    ];
    for (address, wanted) in table {
        let endpoint = parse_endpoint(address).unwrap();
        assert_eq!(endpoint.to_string(), wanted);
        assert_eq!(endpoint.address, address);
    }
}

#[test]
fn what_may_be_a_secret_in_a_url_is_not_shown() {
    let table = [
        ("https://example.com/hook", "https://example.com/hook"),
        (
            "https://example.com:8443/a?token=x#y",
            "https://example.com:8443/a?...",
        ),
        ("https://example.com/a#token", "https://example.com/a#..."),
        (
            "https://user:secret@example.com/a",
            "https://...@example.com/a",
        ),
        ("https://[2001:db8::1]:443/a", "https://[2001:db8::1]:443/a"),
        ("https://user:sec/ret@example.com/a", "https://..."),
        ("https://user:sec?ret@example.com", "https://..."),
        ("ops@example.com", "ops@example.com"),
    ];
    for (address, shown) in table {
        assert_eq!(without_secrets(address), shown, "{address}");
    }
}

#[test]
fn a_url_with_a_password_is_known_by_what_aws_lists() {
    let endpoint = |text: &str| parse_endpoint(text).unwrap();
    let own = endpoint("https://user:secret@example.com/a?b");
    assert!(own.is_listed_as("https://user:****@example.com/a?b"));
    assert!(own.is_listed_as("https://user:secret@example.com/a?b"));
    assert!(!own.is_listed_as("https://other:****@example.com/a?b"));
    assert!(!endpoint("https://example.com/a").is_listed_as("https://example.com/b"));
    for wrong in [
        "https://user:sec/ret@example.com",
        "https://",
        "https://u:p",
    ] {
        assert!(parse_endpoint(wrong).is_err(), "{wrong}");
    }
}
