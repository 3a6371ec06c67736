//! `systemctl` and `hostnamectl` of a host: the commands that images and their scripts use.

use super::control::{self, Verb};
use super::load::{Places, is_service};
use super::state::{self, Phase};
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// The address of a host's own name on the host.
const OWN_ADDRESS: &str = "127.0.1.1";

/// What a command prints, and its exit code.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Answer {
    /// Lines for standard output.
    pub out: Vec<String>,
    /// Lines for standard error.
    pub err: Vec<String>,
    /// Exit code.
    pub code: u8,
}

impl Answer {
    fn failed(message: String) -> Self {
        Self {
            err: vec![message],
            code: 1,
            ..Self::default()
        }
    }
}

/// `systemctl` with these arguments.
pub fn systemctl(places: &Places, arguments: &[String]) -> Answer {
    let (options, words): (Vec<&String>, Vec<&String>) = arguments
        .iter()
        .partition(|argument| argument.starts_with('-'));
    let has = |long: &str, short: &str| {
        options
            .iter()
            .any(|option| *option == long || *option == short)
    };
    let (quiet, now) = (has("--quiet", "-q"), has("--now", "--now"));
    let Some((verb, units)) = words.split_first() else {
        return list(places);
    };
    let units: Vec<String> = units.iter().map(|unit| full_name(unit)).collect();
    match verb.as_str() {
        "start" => manage(places, Verb::Start, &units),
        "stop" => manage(places, Verb::Stop, &units),
        "restart" | "reload-or-restart" => manage(places, Verb::Restart, &units),
        "try-restart" => {
            let active = |unit: &String| state::read(places, unit).active == Phase::Active;
            let units: Vec<String> = units.into_iter().filter(active).collect();
            manage(places, Verb::Restart, &units)
        }
        "is-active" => quietly(quiet, is_active(places, &units)),
        "is-failed" => quietly(quiet, is_failed(places, &units)),
        "is-enabled" => quietly(quiet, is_enabled(places, &units)),
        "enable" => link(places, &units, now, Verb::Start),
        "disable" => link(places, &units, now, Verb::Stop),
        "status" => status(places, &units),
        "daemon-reload" | "reset-failed" => Answer::default(),
        "list-units" => list(places),
        "poweroff" | "halt" => power_off(),
        other => Answer::failed(format!("systemctl of a local host does not know `{other}`")),
    }
}

/// `web` means `web.service`.
fn full_name(name: &str) -> String {
    if is_service(name) || name.ends_with(".target") || name.ends_with(".socket") {
        name.to_owned()
    } else {
        format!("{name}.service")
    }
}

fn quietly(quiet: bool, answer: Answer) -> Answer {
    if quiet {
        Answer {
            code: answer.code,
            ..Answer::default()
        }
    } else {
        answer
    }
}

fn manage(places: &Places, verb: Verb, units: &[String]) -> Answer {
    match control::ask(places, verb, units) {
        Err(problem) => Answer::failed(format!("cannot reach the units of this host: {problem}")),
        Ok(failed) => Answer {
            code: u8::from(!failed.is_empty()),
            err: failed
                .iter()
                .map(|(unit, problem)| {
                    format!(
                        "{unit} failed: {problem}; see {}/{unit}.log",
                        places.logs.display()
                    )
                })
                .collect(),
            ..Answer::default()
        },
    }
}

/// Exit code 0 if one of them is active, 3 if none.
fn is_active(places: &Places, units: &[String]) -> Answer {
    words_of(places, units, |active| active == Phase::Active, 3)
}

/// Exit code 0 if one of them failed, 1 if none.
fn is_failed(places: &Places, units: &[String]) -> Answer {
    words_of(places, units, |active| active == Phase::Failed, 1)
}

fn words_of(places: &Places, units: &[String], wanted: fn(Phase) -> bool, none: u8) -> Answer {
    let states: Vec<Phase> = units
        .iter()
        .map(|unit| state::read(places, unit).active)
        .collect();
    Answer {
        out: states
            .iter()
            .map(|active| active.word().to_owned())
            .collect(),
        code: if states.iter().any(|active| wanted(*active)) {
            0
        } else {
            none
        },
        ..Answer::default()
    }
}

/// Exit code 0 if one of them is enabled, else 1.
fn is_enabled(places: &Places, units: &[String]) -> Answer {
    let enabled = places.enabled();
    let mut answer = Answer {
        code: 1,
        ..Answer::default()
    };
    for unit in units {
        match places.load(unit) {
            _ if enabled.contains(unit) => {
                answer.out.push("enabled".to_owned());
                answer.code = 0;
            }
            None => answer.err.push(format!("there is no unit {unit}")),
            Some(found) if found.wanted_by.is_empty() => {
                answer.out.push("static".to_owned());
                answer.code = 0;
            }
            Some(_) => answer.out.push("disabled".to_owned()),
        }
    }
    answer
}

/// Enables units for [`Verb::Start`], else disables them; with `now` starts or stops them too.
fn link(places: &Places, units: &[String], now: bool, verb: Verb) -> Answer {
    for unit in units {
        let changed = match verb {
            Verb::Start => places.enable(unit),
            _ => places.disable(unit),
        };
        if let Err(problem) = changed {
            return Answer::failed(format!("{unit}: {problem}"));
        }
    }
    if now {
        manage(places, verb, units)
    } else {
        Answer::default()
    }
}

/// Switches the host off: units stop in their order, and its instance becomes a stopped one.
fn power_off() -> Answer {
    if !is_host() {
        return Answer::failed("this is no host of the local cloud".to_owned());
    }
    match kill_process(Pid::INIT, Signal::USR2) {
        Ok(()) => Answer::default(),
        Err(problem) => Answer::failed(format!("cannot switch this host off: {problem}")),
    }
}

/// Whether the first process is this program. The machine's own init must not get such signals.
fn is_host() -> bool {
    let file = |process: &str| {
        let found = fs::metadata(format!("/proc/{process}/exe")).ok()?;
        Some((found.dev(), found.ino()))
    };
    let own = file("self");
    own.is_some() && file("1") == own
}

/// Exit code 0 if all are active, 4 if one does not exist, else 3.
fn status(places: &Places, units: &[String]) -> Answer {
    let mut answer = Answer::default();
    for name in units {
        let Some(unit) = places.load(name) else {
            answer.err.push(format!("there is no unit {name}"));
            answer.code = 4;
            continue;
        };
        let state = state::read(places, name);
        answer.out.push(format!("{name} - {}", unit.description));
        answer.out.push(format!(
            "     Active: {} ({})",
            state.active.word(),
            state.detail
        ));
        if let Some(pid) = state.pid {
            answer.out.push(format!("   Main PID: {pid}"));
        }
        answer
            .out
            .push(format!("        Log: {}/{name}.log", places.logs.display()));
        if state.active != Phase::Active && answer.code == 0 {
            answer.code = 3;
        }
    }
    answer
}

fn list(places: &Places) -> Answer {
    let mut names = places.enabled();
    let started = fs::read_dir(&places.run).into_iter().flatten();
    names.extend(started.filter_map(|entry| {
        Some(
            entry
                .ok()?
                .file_name()
                .to_str()?
                .strip_suffix(".json")?
                .to_owned(),
        )
    }));
    names.sort();
    names.dedup();
    let line = |name: &String| {
        let state = state::read(places, name);
        let description = places
            .load(name)
            .map(|unit| unit.description)
            .unwrap_or_default();
        format!(
            "{name:<36} {:<12} {:<12} {description}",
            state.active.word(),
            state.detail
        )
    };
    Answer {
        out: names.iter().map(line).collect(),
        ..Answer::default()
    }
}

/// `hostnamectl [set-hostname|hostname NAME]`. The name goes to the kernel and to the files `hostname` and `hosts` in `etc`.
pub fn hostnamectl(arguments: &[String], etc: &Path) -> Answer {
    let words: Vec<&str> = arguments
        .iter()
        .map(String::as_str)
        .filter(|word| !word.starts_with('-'))
        .collect();
    match words.as_slice() {
        [] | ["status" | "hostname"] => {
            let name = rustix::system::uname()
                .nodename()
                .to_string_lossy()
                .into_owned();
            Answer {
                out: vec![name],
                ..Answer::default()
            }
        }
        ["set-hostname" | "hostname", name] if is_host_name(name) => {
            let set = rustix::system::sethostname(name.as_bytes())
                .map_err(std::io::Error::from)
                .and_then(|()| fs::write(etc.join("hostname"), format!("{name}\n")))
                .and_then(|()| {
                    let hosts = etc.join("hosts");
                    let text = fs::read_to_string(&hosts).unwrap_or_default();
                    fs::write(&hosts, with_own_name(&text, name))
                });
            match set {
                Ok(()) => Answer::default(),
                Err(problem) => Answer::failed(format!("cannot set the host name: {problem}")),
            }
        }
        ["set-hostname" | "hostname", name] => Answer::failed(format!("`{name}` is no host name")),
        other => Answer::failed(format!(
            "hostnamectl of a local host does not know `{}`",
            other.join(" ")
        )),
    }
}

/// `/etc/hosts` in which the host finds itself by its name, as the name service of systemd would have it.
fn with_own_name(hosts: &str, name: &str) -> String {
    let others = hosts.lines().filter(|line| !line.starts_with(OWN_ADDRESS));
    let kept: String = others.map(|line| format!("{line}\n")).collect();
    format!("{kept}{OWN_ADDRESS} {name}\n")
}

fn is_host_name(name: &str) -> bool {
    let part = |part: &str| {
        !part.is_empty()
            && !part.starts_with('-')
            && part
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
    };
    name.len() <= 64 && name.split('.').all(part)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn only_host_names_are_set() {
        for (name, good) in [
            ("web-1", true),
            ("web.example.com", true),
            ("", false),
            ("-web", false),
            ("a b", false),
            ("a..b", false),
            ("$(id)", false),
        ] {
            assert_eq!(is_host_name(name), good, "{name}");
        }
        let refused = hostnamectl(
            &["set-hostname".into(), "a b".into()],
            Path::new("/nowhere"),
        );
        assert_eq!(refused.code, 1);
        let own = hostnamectl(&[], Path::new("/nowhere"));
        assert_eq!((own.code, own.out.len()), (0, 1));
    }

    #[test]
    fn a_host_finds_itself_by_its_name() {
        let hosts = with_own_name("127.0.0.1 localhost\n10.0.0.5 ip-10-0-0-5", "web-1");
        assert_eq!(
            hosts,
            "127.0.0.1 localhost\n10.0.0.5 ip-10-0-0-5\n127.0.1.1 web-1\n"
        );
        assert_eq!(
            with_own_name(&hosts, "web-2"),
            hosts.replace("web-1", "web-2")
        );
    }

    #[test]
    fn only_a_host_is_switched_off() {
        let answer = power_off();
        assert_eq!(answer.code, 1, "{answer:?}");
        assert!(answer.err[0].contains("no host of the local cloud"));
    }

    #[test]
    fn names_get_their_suffix() {
        for (name, want) in [
            ("web", "web.service"),
            ("web.service", "web.service"),
            ("a.target", "a.target"),
            ("a.b", "a.b.service"),
        ] {
            assert_eq!(full_name(name), want);
        }
    }
}
