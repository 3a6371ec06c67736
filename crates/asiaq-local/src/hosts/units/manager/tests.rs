//! The manager with real processes: order, states, restarts, time limits, stopping.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::super::systemctl::{Answer, systemctl};
use super::*;
use std::fs;
use std::path::PathBuf;

/// A host's units in a temporary directory.
struct Bed {
    root: tempfile::TempDir,
    manager: Arc<Manager>,
}

impl Bed {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let at = |name: &str| root.path().join(name);
        let places = Places {
            units: vec![at("etc"), at("lib")],
            run: at("run"),
            logs: at("log"),
            environment: at("environment"),
        };
        for name in ["etc/multi-user.target.wants", "lib", "run", "log"] {
            fs::create_dir_all(at(name)).unwrap();
        }
        fs::write(at("environment"), "FROM_HOST=yes\n").unwrap();
        Self {
            manager: Arc::new(Manager::new(places)),
            root,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// A unit whose commands are shell scripts; `@` stands for the temporary directory.
    fn unit(&self, name: &str, text: &str) {
        let text = text.replace('@', self.root.path().to_str().unwrap());
        let install = "\n[Install]\nWantedBy=multi-user.target\n";
        fs::write(self.path(&format!("etc/{name}.service")), text + install).unwrap();
    }

    fn enabled(&self, name: &str, text: &str) {
        self.unit(name, text);
        self.manager
            .places
            .enable(&format!("{name}.service"))
            .unwrap();
    }

    async fn boot(&self) -> Vec<(String, String)> {
        self.manager.start(&self.manager.places.enabled()).await
    }

    fn active(&self, name: &str) -> (Phase, String) {
        let state = self.manager.state(&format!("{name}.service"));
        (state.active, state.detail)
    }

    async fn until(&self, name: &str, wanted: Phase) {
        let deadline = std::time::Instant::now() + Duration::from_secs(10);
        while self.active(name).0 != wanted {
            assert!(
                std::time::Instant::now() < deadline,
                "{name}: {:?}",
                self.active(name)
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    fn lines(&self, name: &str) -> Vec<String> {
        let text = fs::read_to_string(self.path(name)).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }
}

fn script(kind: &str, after: &str, start: &str, stop: &str) -> String {
    format!(
        "[Unit]\nAfter={after}\n[Service]\nType={kind}\nRemainAfterExit=yes\nTimeoutStopSec=5\n\
         ExecStart=/bin/sh -c '{start}'\nExecStop=/bin/sh -c '{stop}'\n"
    )
}

#[tokio::test]
async fn units_start_in_order_and_stop_in_reverse() {
    let bed = Bed::new();
    let one = |name: &str| {
        (
            format!("sleep 0.1; echo start {name} >>@/order"),
            format!("echo stop {name} >>@/order"),
        )
    };
    for (name, after) in [
        ("a", "b.service"),
        ("b", "c.service network-online.target"),
        ("c", ""),
    ] {
        let (start, stop) = one(name);
        bed.enabled(name, &script("oneshot", after, &start, &stop));
    }
    assert_eq!(bed.boot().await, []);
    assert_eq!(bed.lines("order"), ["start c", "start b", "start a"]);
    assert_eq!(bed.active("a"), (Phase::Active, "exited".to_owned()));
    bed.manager.shut_down().await;
    assert_eq!(bed.lines("order")[3..], ["stop a", "stop b", "stop c"]);
    assert_eq!(bed.active("a").0, Phase::Inactive);
}

#[tokio::test]
async fn independent_units_start_at_the_same_time() {
    let bed = Bed::new();
    for name in ["a", "b", "c", "d"] {
        bed.enabled(name, &script("oneshot", "", "sleep 0.5", "true"));
    }
    let start = std::time::Instant::now();
    bed.boot().await;
    assert!(
        start.elapsed() < Duration::from_millis(1500),
        "{:?}",
        start.elapsed()
    );
}

#[tokio::test]
async fn a_failure_is_told_and_holds_up_only_who_requires_it() {
    let bed = Bed::new();
    bed.enabled(
        "bad",
        &script("oneshot", "", "echo to the log; exit 3", "touch @/stopped"),
    );
    bed.enabled("after", &script("oneshot", "bad.service", "true", "true"));
    let needy = script("oneshot", "bad.service", "true", "true")
        .replace("[Unit]", "[Unit]\nRequires=bad.service");
    bed.enabled("needy", &needy);
    let failed = bed.boot().await;
    let names: Vec<&str> = failed.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["bad.service", "needy.service"]);
    assert!(failed[0].1.contains("exit status: 3"), "{failed:?}");
    assert_eq!(bed.active("after").0, Phase::Active);
    assert_eq!(bed.lines("log/bad.service.log"), ["to the log"]);
    bed.manager.shut_down().await;
    assert!(
        !bed.path("stopped").exists(),
        "what did not start is not stopped"
    );
}

#[tokio::test]
async fn a_service_runs_gets_its_variables_and_is_stopped_with_its_children() {
    let bed = Bed::new();
    let text = "[Service]\nType=exec\nEnvironment=OWN=1\nEnvironmentFile=-/absent\n\
        ExecStartPre=-/bin/false\nExecStart=/bin/sh -c 'echo $$FROM_HOST ${OWN} $$HOME >@/said; sleep 60 & echo $$! >@/child; wait'\n\
        ExecStop=/bin/sh -c 'echo ${MAINPID} >@/main'\n";
    bed.enabled("web", text);
    assert_eq!(bed.boot().await, []);
    let state = bed.manager.state("web.service");
    assert_eq!(
        (state.active, state.detail.as_str()),
        (Phase::Active, "running")
    );
    let deadline = std::time::Instant::now() + Duration::from_secs(10);
    while bed.lines("child").is_empty() && std::time::Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(bed.lines("said"), ["yes 1"]);
    bed.manager.stop("web.service").await;
    assert_eq!(bed.active("web").0, Phase::Inactive);
    assert_eq!(bed.lines("main"), [state.pid.unwrap().to_string()]);
    let child = format!("/proc/{}/stat", bed.lines("child")[0]);
    let gone = !fs::read_to_string(child).is_ok_and(|stat| !stat.contains(") Z "));
    assert!(gone, "the child of the service lives on");
}

#[tokio::test]
async fn a_service_that_ends_well_stays_active_if_its_unit_says_so() {
    let bed = Bed::new();
    bed.enabled(
        "booted",
        &script("exec", "", "sleep 0.2", "echo stop >@/stopped"),
    );
    bed.boot().await;
    assert_eq!(bed.active("booted").1, "running");
    let deadline = std::time::Instant::now() + Duration::from_secs(10);
    while bed.active("booted").1 != "exited" {
        assert!(
            std::time::Instant::now() < deadline,
            "{:?}",
            bed.active("booted")
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    bed.manager.shut_down().await;
    assert_eq!(bed.lines("stopped"), ["stop"]);
}

#[tokio::test]
async fn services_are_restarted_as_their_units_say() {
    let text = |restart: &str, exit: u8| {
        format!(
            "[Service]\nRestart={restart}\nRestartSec=10ms\nExecStart=/bin/sh -c 'echo x >>@/{restart}{exit}; exit {exit}'\n"
        )
    };
    let bed = Bed::new();
    for (name, restart, exit) in [
        ("a", "always", 0),
        ("b", "on-failure", 1),
        ("c", "on-failure", 0),
        ("d", "no", 1),
    ] {
        bed.unit(name, &text(restart, exit));
    }
    let all = ["a", "b", "c", "d"].map(|name| format!("{name}.service"));
    bed.manager.start(&all).await;
    for (name, state, file, runs) in [
        ("a", Phase::Failed, "always0", 6),
        ("b", Phase::Failed, "on-failure1", 6),
        ("c", Phase::Inactive, "on-failure0", 1),
        ("d", Phase::Failed, "no1", 1),
    ] {
        bed.until(name, state).await;
        assert_eq!(bed.lines(file).len(), runs, "{name}");
    }
    assert!(
        bed.active("a").1.contains("too often"),
        "{:?}",
        bed.active("a")
    );
}

#[tokio::test]
async fn time_limits_and_going_down_end_a_start() {
    let bed = Bed::new();
    let slow = script("oneshot", "", "sleep 60", "true");
    bed.unit(
        "limited",
        &slow.replace("[Service]", "[Service]\nTimeoutStartSec=200ms"),
    );
    bed.unit("slow", &slow);
    let start = std::time::Instant::now();
    let failed = bed.manager.start(&["limited.service".to_owned()]).await;
    assert_eq!(
        failed,
        [("limited.service".to_owned(), "timeout".to_owned())]
    );
    let manager = Arc::clone(&bed.manager);
    let starting = tokio::spawn(async move { manager.start(&["slow.service".to_owned()]).await });
    bed.until("slow", Phase::Activating).await;
    bed.manager.shut_down().await;
    assert_eq!(starting.await.unwrap().len(), 1);
    assert!(
        start.elapsed() < Duration::from_secs(10),
        "{:?}",
        start.elapsed()
    );
    let refused = bed.manager.start(&["limited.service".to_owned()]).await;
    assert_eq!(refused[0].1, "the host goes down");
}

#[tokio::test]
async fn conditions_skip_a_unit_without_failing() {
    let bed = Bed::new();
    for (name, condition) in [("yes", "/"), ("no", "/absent/at/all"), ("not", "!/")] {
        let text = script("oneshot", "", "true", "true");
        bed.enabled(
            name,
            &text.replace(
                "[Unit]",
                &format!("[Unit]\nConditionPathExists={condition}"),
            ),
        );
    }
    assert_eq!(bed.boot().await, []);
    for (name, state) in [
        ("yes", Phase::Active),
        ("no", Phase::Inactive),
        ("not", Phase::Inactive),
    ] {
        assert_eq!(bed.active(name).0, state, "{name}");
    }
}

#[tokio::test]
async fn a_forking_service_is_known_by_its_pid_file() {
    let bed = Bed::new();
    let start = "sleep 60 & echo $$! >@/pid";
    bed.unit("daemon", &format!("[Service]\nType=forking\nPIDFile=@/pid\nTimeoutStopSec=2\nExecStart=/bin/sh -c '{start}'\n"));
    assert_eq!(bed.manager.start(&["daemon.service".to_owned()]).await, []);
    let state = bed.manager.state("daemon.service");
    assert_eq!(
        state.pid.map(|pid| pid.to_string()),
        bed.lines("pid").first().cloned()
    );
    assert_eq!(state.active, Phase::Active);
    bed.manager.stop("daemon.service").await;
    assert_eq!(bed.active("daemon").0, Phase::Inactive);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn systemctl_does_what_scripts_ask_for() {
    let bed = Bed::new();
    bed.unit(
        "web",
        "[Unit]\nDescription=The web\n[Service]\nExecStart=/bin/sleep 60\n",
    );
    bed.unit("bad", "[Service]\nType=oneshot\nExecStart=/bin/false\n");
    let listener = UnixListener::bind(bed.manager.places.socket()).unwrap();
    let server = tokio::spawn(control::serve(listener, Arc::clone(&bed.manager)));
    let places = bed.manager.places.clone();
    let client = tokio::task::spawn_blocking(move || {
        let ctl = |line: &str| -> Answer {
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            systemctl(&places, &words)
        };
        for (line, code, out) in [
            ("is-active web", 3, &["inactive"][..]),
            ("is-enabled web", 1, &["disabled"]),
            ("enable web", 0, &[]),
            ("is-enabled web.service", 0, &["enabled"]),
            ("is-active web", 3, &["inactive"]),
            ("start web", 0, &[]),
            ("is-active web bad", 0, &["active", "inactive"]),
            ("is-active --quiet web", 0, &[]),
            ("restart web", 0, &[]),
            ("try-restart web bad", 0, &[]),
            ("daemon-reload", 0, &[]),
            ("start bad", 1, &[]),
            ("is-failed bad", 0, &["failed"]),
            ("disable --now web", 0, &[]),
            ("is-active web", 3, &["inactive"]),
            ("is-enabled web", 1, &["disabled"]),
            ("status gone", 4, &[]),
            ("start gone", 1, &[]),
            ("enable gone", 1, &[]),
            ("hibernate", 1, &[]),
        ] {
            let answer = ctl(line);
            assert_eq!(
                (answer.code, &answer.out[..]),
                (
                    code,
                    &out.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>()[..]
                ),
                "{line}: {answer:?}"
            );
            assert!(
                answer.code != 1 || line.starts_with("is-") || !answer.err.is_empty(),
                "{line} says nothing"
            );
        }
        assert_eq!(ctl("enable --now web").code, 0);
        let status = ctl("status web");
        assert_eq!(status.code, 0);
        assert!(
            status.out[0] == "web.service - The web" && status.out[1].contains("active (running)"),
            "{status:?}"
        );
        assert!(
            ctl("list-units")
                .out
                .iter()
                .any(|line| line.starts_with("web.service ") && line.ends_with("The web"))
        );
    });
    client.await.unwrap();
    server.abort();
    bed.manager.shut_down().await;
}

#[test]
fn without_a_manager_systemctl_says_so() {
    let bed = Bed::new();
    let answer = systemctl(&bed.manager.places, &["start".to_owned(), "web".to_owned()]);
    assert_eq!(answer.code, 1);
    assert!(
        answer.err[0].starts_with("cannot reach the units of this host"),
        "{answer:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_in_the_pause_before_a_restart_starts_one_process() {
    let bed = Bed::new();
    bed.unit(
        "web",
        "[Service]\nRestart=always\nRestartSec=500ms\n\
         ExecStart=/bin/sh -c 'echo x >>@/starts; test -e @/stay && exec sleep 60'\n",
    );
    let names = ["web.service".to_owned()];
    assert!(bed.manager.start(&names).await.is_empty());
    let pause = async {
        while bed.active("web").1 != "auto-restart" {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), pause)
        .await
        .unwrap();
    fs::write(bed.path("stay"), "").unwrap();
    assert!(bed.manager.start(&names).await.is_empty());
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(fs::read_to_string(bed.path("starts")).unwrap(), "x\nx\n");
    bed.manager.shut_down().await;
}
