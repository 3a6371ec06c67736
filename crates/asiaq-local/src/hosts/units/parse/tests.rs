//! Unit files by example, and every unit that the project ships.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;

fn unit(text: &str) -> Unit {
    parse("x.service", &[text.to_owned()])
}

#[test]
fn a_unit_is_read_with_its_lists_and_times() {
    let text = "\
# a comment
[Unit]
Description=The service
After=a.service b.service
After=c.service
Wants=network-online.target
Requires=db.service
ConditionPathExists=!/etc/skip
ConditionPathExists=/etc/have

[Service]
Type=exec
ExecStartPre=-/bin/false
ExecStart=/bin/serve --one \\
    ; a comment in between
    --two
ExecStop=/bin/stop
Environment=A=1 \"B=2 3\"
EnvironmentFile=-/etc/default/x
RemainAfterExit=yes
Restart=on-failure
RestartSec=1min 30s
TimeoutStopSec=5
User=nginx
X-Odd=ignored

[Install]
WantedBy=multi-user.target
";
    let unit = unit(text);
    assert_eq!(unit.description, "The service");
    assert_eq!(unit.after, ["a.service", "b.service", "c.service"]);
    assert_eq!(unit.requires, ["db.service"]);
    assert_eq!(unit.start[0].line, "/bin/serve --one --two");
    assert!(unit.start_pre[0].may_fail && !unit.start[0].may_fail);
    assert_eq!(unit.start_pre[0].line, "/bin/false");
    let condition = |path: &str, negated| Condition {
        path: path.into(),
        negated,
    };
    assert_eq!(
        unit.conditions,
        [condition("/etc/skip", true), condition("/etc/have", false)]
    );
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(unit.environment, [pair("A", "1"), pair("B", "2 3")]);
    assert_eq!((unit.kind, unit.restart), (Kind::Exec, Restart::OnFailure));
    assert_eq!(unit.restart_pause, Duration::from_secs(90));
    assert_eq!(unit.stop_limit, Some(Duration::from_secs(5)));
    assert_eq!(unit.start_limit, Some(Duration::from_secs(90)));
    assert_eq!(unit.user.as_deref(), Some("nginx"));
    assert_eq!(unit.wanted_by, ["multi-user.target"]);
    assert!(unit.remain_after_exit);
}

#[test]
fn drop_ins_add_and_reset() {
    let main =
        "[Unit]\nAfter=a.service\n[Service]\nExecStart=/bin/one\nEnvironment=A=1\n".to_owned();
    let drop_in =
        "[Unit]\nAfter=b.service\n[Service]\nExecStart=\nExecStart=/bin/two\nEnvironment=A=2\n"
            .to_owned();
    let unit = parse("x.service", &[main, drop_in]);
    assert_eq!(unit.after, ["a.service", "b.service"]);
    assert_eq!(unit.start.len(), 1);
    assert_eq!(unit.start[0].line, "/bin/two");
    assert_eq!(unit.environment.last().unwrap().1, "2");
}

#[test]
fn kinds_and_their_time_limits() {
    let limit = Some(Duration::from_secs(90));
    for (text, kind, want) in [
        ("[Service]\nExecStart=/bin/a\n", Kind::Exec, limit),
        (
            "[Service]\nType=simple\nExecStart=/bin/a\n",
            Kind::Exec,
            limit,
        ),
        (
            "[Service]\nType=notify\nExecStart=/bin/a\n",
            Kind::Exec,
            limit,
        ),
        (
            "[Service]\nType=forking\nExecStart=/bin/a\n",
            Kind::Forking,
            limit,
        ),
        (
            "[Service]\nType=oneshot\nExecStart=/bin/a\n",
            Kind::Oneshot,
            None,
        ),
        ("[Service]\nExecStop=/bin/a\n", Kind::Oneshot, None),
        (
            "[Service]\nType=oneshot\nTimeoutStartSec=300\n",
            Kind::Oneshot,
            Some(Duration::from_secs(300)),
        ),
        (
            "[Service]\nTimeoutStartSec=infinity\nExecStart=/bin/a\n",
            Kind::Exec,
            None,
        ),
    ] {
        let unit = unit(text);
        assert_eq!((unit.kind, unit.start_limit), (kind, want), "{text}");
    }
}

#[test]
fn time_spans() {
    for (text, want) in [
        ("90", Some(90_000)),
        ("5s", Some(5_000)),
        ("1min 30s", Some(90_000)),
        ("1.5", Some(1_500)),
        ("200ms", Some(200)),
        ("2h", Some(7_200_000)),
        ("infinity", None),
        ("0", None),
        ("5 parsecs", None),
        ("", None),
    ] {
        assert_eq!(time_span(text), want.map(Duration::from_millis), "{text}");
    }
}

#[test]
fn every_shipped_unit_is_understood() {
    let folder = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../discoroot/etc/systemd/system"
    );
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|suffix| suffix == "service") {
            let unit = unit(&std::fs::read_to_string(&path).unwrap());
            let name = path.display();
            assert!(
                !unit.start.is_empty() && unit.start[0].line.starts_with('/'),
                "{name}"
            );
            assert_eq!(unit.wanted_by, ["multi-user.target"], "{name}");
            assert!(unit.description.starts_with("Asiaq: "), "{name}");
            assert!(unit.remain_after_exit, "{name}");
            seen += 1;
        }
    }
    assert!(seen > 10, "{seen}");
}
