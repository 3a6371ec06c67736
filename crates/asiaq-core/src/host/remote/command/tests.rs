#![allow(clippy::unwrap_used, clippy::expect_used)]
use super::super::JumpHost;
use super::*;
use proptest::prelude::*;
use std::path::PathBuf;

fn settings(extra: &[&str], known_hosts: &str) -> SshSettings {
    SshSettings {
        extra: extra.iter().map(|word| (*word).to_owned()).collect(),
        known_hosts: PathBuf::from(known_hosts),
        verbose: false,
    }
}

fn jump() -> Route {
    let host = JumpHost {
        id: "i-jump".into(),
        address: "54.9.8.7".into(),
    };
    Route::Jump(host, "10.1.2.3".into())
}

fn direct() -> Route {
    Route::Direct("10.1.2.3".into())
}

#[test]
fn a_command_on_a_host_that_answers() {
    let words = argv(
        &settings(&[], "/s/known_hosts"),
        "i-1",
        Some("ops"),
        &direct(),
        Session::Command("uptime | wc -l"),
    );
    assert_eq!(
        words,
        [
            "ssh",
            "-T",
            "-oForwardAgent=no",
            "-oClearAllForwardings=yes",
            "-oRemoteCommand=none",
            "-oHostKeyAlias=i-1",
            "-oControlPath=none",
            "-oBatchMode=yes",
            "-lops",
            "-oConnectTimeout=10",
            "-oStrictHostKeyChecking=accept-new",
            "-oUserKnownHostsFile=\"/s/known_hosts\"",
            "-oServerAliveInterval=15",
            "-oServerAliveCountMax=3",
            "-oLogLevel=ERROR",
            "--",
            "10.1.2.3",
            "uptime | wc -l"
        ]
    );
}

#[test]
fn a_command_through_a_jump_host_has_options_and_host_keys_of_both() {
    let words = argv(
        &settings(&["-oConnectTimeout=3"], "/s/known_hosts"),
        "i-1",
        Some("ops"),
        &jump(),
        Session::Command("uptime"),
    );
    assert_eq!(
        words[8],
        "-oProxyCommand=ssh '-oHostKeyAlias=i-jump' '-oControlPath=none' '-oBatchMode=yes' -lops '-oConnectTimeout=3' \
         '-oConnectTimeout=10' '-oStrictHostKeyChecking=accept-new' '-oUserKnownHostsFile=\"/s/known_hosts\"' \
         '-oServerAliveInterval=15' '-oServerAliveCountMax=3' '-oLogLevel=ERROR' -W '[%h]:%p' -- 54.9.8.7"
    );
    assert_eq!(words[5], "-oHostKeyAlias=i-1");
    assert_eq!(words[words.len() - 2..], ["10.1.2.3", "uptime"]);
}

#[test]
fn the_operators_options_win_over_defaults_and_not_over_what_must_hold() {
    let extra = ["-oConnectTimeout=1", "-oBatchMode=no"];
    let words = argv(
        &settings(&extra, "/k"),
        "i-1",
        Some("ops"),
        &jump(),
        Session::Command("id"),
    );
    let place = |word: &str| words.iter().position(|w| w == word).unwrap();
    assert!(place("-oConnectTimeout=1") < place("-oConnectTimeout=10"));
    assert!(place("-oBatchMode=yes") < place("-oBatchMode=no"));
    assert!(place("-lops") < place("-oConnectTimeout=1"));
}

#[test]
fn a_terminal_forwards_the_agent_and_may_ask() {
    let words = argv(
        &settings(&[], "/k"),
        "i-1",
        None,
        &jump(),
        Session::Terminal,
    );
    assert_eq!(words[..2], ["ssh", "-At"]);
    assert!(words.contains(&"-oConnectTimeout=7".to_owned()));
    // Neither the way nor the session joins a connection that somebody has.
    assert_eq!(words.join(" ").matches("-oControlPath=none").count(), 2);
    assert!(
        !words
            .iter()
            .any(|word| word.contains("BatchMode") || word.contains("LogLevel"))
    );
    assert!(!words.iter().any(|word| word.starts_with("-l")));
    assert_eq!(words.last().unwrap(), "10.1.2.3");
}

#[test]
fn an_empty_command_is_no_argument_and_debugging_is_told() {
    let mut settings = settings(&[], "/k");
    settings.verbose = true;
    let words = argv(
        &settings,
        "i-1",
        Some("smoketest"),
        &jump(),
        Session::Command(""),
    );
    assert_eq!(words.last().unwrap(), "10.1.2.3");
    assert!(words.contains(&"-v".to_owned()));
    assert!(words[8].starts_with("-oProxyCommand=") && words[8].contains(" -v "));
    assert!(!words.iter().any(|word| word.contains("LogLevel")));
}

#[test]
fn what_looks_like_an_option_is_neither_user_nor_address() {
    for word in ["", "-", "-oProxyCommand=touch x", "--"] {
        let error = check_word("a user name", word).unwrap_err().to_string();
        assert_eq!(error, format!("`{word}` is not a user name"));
    }
    for word in ["root", "a-b", "10.1.2.3", "ann@x"] {
        check_word("a user name", word).unwrap();
    }
}

/// What ssh does with a `ProxyCommand` before it runs it: `%%`, `%h`, `%p`, then the shell's own quoting.
fn as_the_proxy_gets_it(command: &str) -> Vec<String> {
    let mut expanded = String::new();
    let mut rest = command.chars();
    while let Some(c) = rest.next() {
        match (c, c == '%') {
            (_, true) => match rest.next().unwrap() {
                '%' => expanded.push('%'),
                'h' => expanded.push_str("10.1.2.3"),
                'p' => expanded.push_str("22"),
                other => panic!("%{other} in {command}"),
            },
            (c, false) => expanded.push(c),
        }
    }
    shell_words::split(&expanded).unwrap()
}

proptest! {
    #[test]
    fn every_word_reaches_the_jump_hosts_ssh_as_it_is(
        extra in proptest::collection::vec("[ -~äß€]{1,12}", 0..4),
        user in "[a-z%'$ ]{1,8}",
        known in "/[ -~]{1,12}",
    ) {
        let extra: Vec<&str> = extra.iter().map(String::as_str).collect();
        let settings = settings(&extra, &known);
        let session = Session::Command("x");
        let words = argv(&settings, "i-1", Some(&user), &jump(), session);
        let proxy = words.iter().find_map(|word| word.strip_prefix("-oProxyCommand=")).unwrap();
        let direct = Route::Direct("54.9.8.7".into());
        let mut expected = argv(&settings, "i-jump", Some(&user), &direct, Session::Command(""));
        expected.drain(1..opening(Session::Command("")).len());
        let end = expected.len() - 2;
        expected.splice(end..end, ["-W".to_owned(), "[10.1.2.3]:22".to_owned()]);
        prop_assert_eq!(as_the_proxy_gets_it(proxy), expected);
    }
}
