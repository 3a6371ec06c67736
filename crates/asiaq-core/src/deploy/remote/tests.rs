//! Which options a deployment needs for its commands, and the words of a test. Running them is shown end to end.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;
use crate::config::ini::Ini;
use crate::ssm::command::{Ended, Failed};

fn config(text: &str) -> DiscoAws {
    DiscoAws::from_ini(Ini::parse("disco_aws.ini", text.as_bytes()).unwrap())
}

#[test]
fn options_are_needed_for_what_is_going_to_run() {
    let table: [(&str, bool, bool, &[&str]); 8] = [
        ("", false, false, &[]),
        ("", false, true, &["test_user"]),
        ("[test]\nssm_doc_testing_mode=x\n", false, true, &[]),
        ("[test]\nuser=u\n", false, true, &[]),
        (
            "",
            true,
            false,
            &["test_hostclass", "test_command", "test_user"],
        ),
        ("[test]\nhostclass=h\ncommand=c\nuser=u\n", true, true, &[]),
        (
            "[test]\nhostclass=h\ntest_command=c\n[mhcapp]\ntest_user=\n",
            true,
            true,
            &["test_user"],
        ),
        (
            "[disco_aws]\ndefault_test_user=u\n",
            true,
            true,
            &["test_hostclass", "test_command"],
        ),
    ];
    for (text, tests, leaves, missing) in table {
        let read = TestOptions::read(&config(text), "mhcapp", tests, leaves);
        let told: Vec<String> = match read {
            Ok(_) => Vec::new(),
            Err(Error::Config(errors)) => errors.0.iter().map(ToString::to_string).collect(),
            Err(other) => panic!("{other}"),
        };
        assert_eq!(told.len(), missing.len(), "{text}: {told:?}");
        for (told, key) in told.iter().zip(missing) {
            assert!(told.contains(&format!("no option `{key}`")), "{told}");
        }
    }
}

#[test]
fn words_of_a_test_are_quoted() {
    let table = [
        ("/opt/run_tests.sh", "all", "/opt/run_tests.sh all"),
        (
            "/opt/run.sh --verbose 'two words'",
            "x",
            "/opt/run.sh --verbose 'two words' x",
        ),
        ("run", "x; reboot", "run 'x; reboot'"),
        ("run", "$(id) `id`", "run '$(id) `id`'"),
    ];
    for (command, test, wanted) in table {
        let text = format!("[test]\nhostclass=h\ncommand={command}\nuser=u\n");
        let options = TestOptions::read(&config(&text), "mhcapp", true, false).unwrap();
        assert_eq!(options.command_line(test), wanted);
        assert_eq!(options.command_text, command);
    }
    let open = "[test]\nhostclass=h\ncommand=run 'x\nuser=u\n";
    let error = TestOptions::read(&config(open), "mhcapp", true, false).unwrap_err();
    assert!(
        error.to_string().contains("a quote that is not closed"),
        "{error}"
    );
}

#[test]
fn what_ssh_and_time_limits_say_is_no_answer_about_the_image() {
    assert!(judged_status("run", "i-1", 0).unwrap());
    for status in [1, 3, 142, 254] {
        assert!(!judged_status("run", "i-1", status).unwrap(), "{status}");
    }
    let error = judged_status("run", "i-1", 255).unwrap_err();
    assert!(matches!(error, Error::Refused { .. }), "{error:?}");
    assert!(error.to_string().contains("i-1 ended with 255"), "{error}");

    let late = Error::Timeout {
        what: "waiting for AWS to list command c".to_owned(),
        after: std::time::Duration::from_secs(300),
    };
    let error = no_verdict(late);
    assert!(matches!(error, Error::Refused { .. }), "{error:?}");
    let text = "waiting for AWS to list command c (gave up after 300s)";
    assert_eq!(error.to_string(), text);
    assert!(matches!(no_verdict(Error::Interrupted), Error::Interrupted));
}

#[test]
fn a_command_is_judged_by_its_status_alone() {
    let ended = Ended {
        command_id: "c".to_owned(),
        status: "Failed".to_owned(),
    };
    let failed = Failed {
        instance_id: "i-1".to_owned(),
        status: "Unknown".to_owned(),
    };
    let report = |unsuccessful, failed, errors| Report {
        unsuccessful,
        failed,
        errors,
    };
    assert!(judged(report(vec![], vec![], vec![])).unwrap());
    assert!(judged(report(vec![], vec![failed.clone()], vec![])).unwrap());
    assert!(!judged(report(vec![ended.clone()], vec![failed], vec![])).unwrap());
    assert!(judged(report(vec![ended], vec![], vec![Error::refused("no")])).is_err());
}
