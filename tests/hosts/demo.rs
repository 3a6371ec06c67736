//! `asiaq local demo --full`, with assertions on what is on the hosts: it is run with `--keep`, looked at, and taken down by
//! the commands that it prints.

mod bed;

use super::needs::Needs;
use crate::support::binary;
use bed::{Bed, ROOT};
use libtest_mimic::Trial;
use rustix::process::{Pid, Signal, kill_process};
use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::symlink;
use std::path::Path;

/// Hostclasses of the story, and its pages.
const WEB: &str = "mhchello";
const OTHER: &str = "mhcgenerictester";
const BASE: &str = "debian12_phase1";
const PAGES: [&str; 2] = ["Hello from a host", "Good morning from a host"];
/// Who has sudo on local hosts.
const USER: &str = "admin";
/// The page in the image.
const PAGE: &str = "/opt/hello/www/index.html";

pub fn tests(needs: &Needs) -> Vec<Trial> {
    vec![
        needs.hosts("demo::what_is_missing_is_said_first", what_is_missing),
        needs.hosts("demo::from_a_vendors_image_to_a_switch", story),
    ]
}

fn what_is_missing() {
    let bed = Bed::new();
    // Every program of this machine but one.
    let programs = tempfile::tempdir().unwrap();
    let path = std::env::var_os("PATH").unwrap();
    for folder in std::env::split_paths(&path) {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let link = programs.path().join(entry.file_name());
            if entry.file_name() != "rsync" && fs::symlink_metadata(&link).is_err() {
                symlink(entry.path(), link).unwrap();
            }
        }
    }
    let (mut command, _home) = bed.tool("asiaq", &["local", "demo", "--full"]);
    let output = bed::finished(command.env("PATH", programs.path())).expect_status(1);
    assert_eq!(output.stdout, "", "nothing is begun");
    let text = "error: this machine cannot run the full demo: `rsync` is not installed (package rsync)\nhint: ";
    assert!(output.stderr.contains(text), "{}", output.stderr);
    bed.local(&["status"]).expect_status(1);

    bed.local(&["up"]).expect_status(0);
    let before = bed.local(&["status", "--output", "json"]).stdout;
    let output = bed.local(&["demo", "--full"]).expect_status(1);
    assert_eq!(output.stdout, "", "nothing is begun");
    let text =
        "error: the local cloud runs without hosts\nhint: start them with `asiaq local up --hosts`";
    assert!(output.stderr.contains(text), "{}", output.stderr);
    let after = bed.local(&["status", "--output", "json"]).stdout;
    assert_eq!(after, before, "the cloud is left alone");
    for args in [&["demo", "--keep"][..], &["demo", "--full", "--sandbox"]] {
        bed.local(args).expect_status(2);
    }
}

fn story() {
    let bed = Bed::new();
    interrupted(&bed);
    let begun = std::time::Instant::now();
    let told = bed.local(&["demo", "--full", "--keep"]).expect_status(0);
    eprintln!("the full demo took {:.0} s", begun.elapsed().as_secs_f64());
    let told = Told::read(&told.stdout);
    the_text(&told);
    in_service(&bed, &told);
    for hostclass in [WEB, OTHER] {
        for id in bed.running(hostclass) {
            on_the_host(&bed, hostclass, &id);
        }
    }
    taken_down(&bed, &told);
}

/// What the demo said.
struct Told {
    text: String,
    /// Image ids by hostclass, in the order of their bakes.
    images: BTreeMap<String, Vec<String>>,
    /// Groups of the web service, in the order of their names in the text.
    groups: Vec<String>,
}

impl Told {
    fn read(text: &str) -> Self {
        let mut images: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for line in text
            .lines()
            .filter_map(|l| l.trim().strip_prefix("Created "))
        {
            if let Some((name, id)) = line.split_once(" AMI ") {
                let hostclass = name.split_whitespace().next().unwrap().to_owned();
                images
                    .entry(hostclass)
                    .or_default()
                    .push(id.trim().to_owned());
            }
        }
        let mut groups = Vec::new();
        for line in text.lines() {
            let word = line.split_whitespace().next().unwrap_or_default();
            if word.starts_with(&format!("ci_{WEB}_")) && !groups.contains(&word.to_owned()) {
                groups.push(word.to_owned());
            }
        }
        Self {
            text: text.to_owned(),
            images,
            groups,
        }
    }

    /// The text of a chapter, found by words of its title.
    fn chapter(&self, title: &str) -> &str {
        let begin = self
            .text
            .find(title)
            .unwrap_or_else(|| panic!("no chapter `{title}` in\n{}", self.text));
        let rest = &self.text[begin..];
        let mut next = rest.match_indices('\n').map(|(at, _)| at);
        let is_title = |line: &str| {
            line.split_once(". ")
                .is_some_and(|(n, _)| n.parse::<u32>().is_ok())
        };
        let end = next.find(|at| is_title(rest[at + 1..].lines().next().unwrap_or_default()));
        &rest[..end.unwrap_or(rest.len())]
    }

    fn images_of(&self, hostclass: &str) -> &[String] {
        self.images.get(hostclass).map_or(&[], Vec::as_slice)
    }
}

/// Ctrl-C: the children end, the cloud stays, and the way out is said.
fn interrupted(bed: &Bed) {
    let (mut command, _home) = bed.tool("asiaq", &["local", "demo", "--full"]);
    let mut child = command
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let reached = lines.any(|line| line.unwrap().contains("$ disco_vpc_ui create --name build"));
    assert!(reached, "the demo ended before: {:?}", child.wait());
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    lines.for_each(drop);
    let mut said = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{said}");
    assert!(said.contains("error: interrupted in step "), "{said}");
    assert!(
        said.contains("hint: ") && said.contains("`asiaq local down` removes all of it"),
        "{said}"
    );
    bed.local(&["status"]).expect_status(0);
    let config = bed.config();
    let inside = |entry: &fs::DirEntry| {
        fs::read_link(entry.path().join("cwd")).is_ok_and(|directory| directory == config)
    };
    let left = fs::read_dir("/proc").unwrap().flatten().filter(inside);
    assert_eq!(left.count(), 0, "processes of the demo are left");
}

/// Each step said what it should.
fn the_text(told: &Told) {
    let text = &told.text;
    for (hostclass, times) in [(BASE, 1), (WEB, 2), (OTHER, 1)] {
        assert_eq!(
            told.images_of(hostclass).len(),
            times,
            "bakes of {hostclass} in\n{text}"
        );
    }
    assert_eq!(told.groups.len(), 2, "blue and green in\n{text}");
    let [blue, green] = [&told.groups[0], &told.groups[1]];
    let before = told.chapter("Look at what runs");
    let after = told.chapter("Look again");
    for (chapter, group, image, page) in [
        (before, blue, &told.images_of(WEB)[0], PAGES[0]),
        (after, green, &told.images_of(WEB)[1], PAGES[1]),
    ] {
        let other = PAGES.iter().find(|other| **other != page).unwrap();
        for word in [group.as_str(), image, page, WEB, OTHER] {
            assert!(chapter.contains(word), "`{word}` in\n{chapter}");
        }
        assert!(!chapter.contains(*other), "`{other}` in\n{chapter}");
    }
    assert!(!after.contains(blue.as_str()), "{after}");
    let tested = told.chapter("Test the new image");
    assert!(tested.contains(&told.images_of(WEB)[1]), "{tested}");
    let chaos = told.chapter("Chaos");
    assert!(
        chaos.contains(&format!("{WEB} ")) && chaos.contains("is ready"),
        "{chaos}"
    );
    let numbered = |line: &&str| {
        line.split_once(". ")
            .is_some_and(|(n, _)| n.trim().parse::<u32>().is_ok())
    };
    let (chapters, summary): (Vec<_>, Vec<_>) = text
        .lines()
        .filter(numbered)
        .partition(|line| !line.starts_with(' '));
    assert_eq!(chapters.len(), summary.len(), "{text}");
    for (number, line) in chapters.iter().enumerate() {
        assert!(line.starts_with(&format!("{}. ", number + 1)), "{line}");
    }
    assert!(text.contains("\nDone in "), "{text}");
}

/// One group of the new image behind the balancer, nothing of the old one.
fn in_service(bed: &Bed, told: &Told) {
    let groups = bed.groups();
    let of_web: Vec<_> = groups
        .iter()
        .filter(|group| group.name.contains(WEB))
        .collect();
    assert_eq!(of_web.len(), 1, "{groups:?}");
    let (group, new) = (of_web[0], &told.images_of(WEB)[1]);
    assert_eq!((&group.name, &group.image), (&told.groups[1], new));
    assert_eq!(groups.len(), 2, "{groups:?}");
    assert_eq!(bed.templates().len(), 2, "one per group");
    assert_eq!(bed.image_tag(new, "stage").as_deref(), Some("tested"));
    assert_eq!(
        bed.group_tag(&group.name, "is_testing").as_deref(),
        Some("0")
    );
    assert_eq!(bed.group_tag(&group.name, "deploy_replaces"), None);
    let mut serving = bed.running(WEB);
    serving.sort();
    assert!(serving.len() >= 2, "{serving:?}");
    let balancers = bed.balancers();
    assert_eq!(
        balancers.len(),
        1,
        "the one for tests is gone: {balancers:?}"
    );
    let mut behind = balancers[0].clone();
    // The emulator keeps a killed host in the list; AWS takes it out.
    behind.retain(|id| !bed.is_terminated(id));
    behind.sort();
    assert_eq!(
        behind, serving,
        "the balancer has the hosts of the new group"
    );
}

/// Files, owners, modes and marks of a host.
fn on_the_host(bed: &Bed, hostclass: &str, id: &str) {
    let said = bed.exec(id, "cat /opt/wgen/etc/hostclass");
    assert_eq!(said.trim(), hostclass);
    let expected = metadata(&bed.config(), hostclass);
    assert!(expected.len() >= 8, "{expected:?}");
    let paths: Vec<&str> = expected.keys().map(String::as_str).collect();
    let stat = format!("sudo stat -Lc '%n %a %U %G' {}", paths.join(" "));
    let said = bed.exec(id, &stat);
    let found: BTreeMap<String, String> = said
        .lines()
        .filter_map(|line| line.split_once(' '))
        .map(|(path, rest)| (path.to_owned(), rest.to_owned()))
        .collect();
    assert_eq!(found, expected, "{hostclass} {id}");
    let marker = bed.exec(id, "cat /opt/wgen/etc/bake");
    for line in [
        "phase=2",
        &format!("image={hostclass} "),
        &format!("base_image={BASE} "),
    ] {
        let found = marker.lines().any(|found| found.starts_with(line));
        assert!(found, "`{line}` in\n{marker}");
    }
    if hostclass == WEB {
        let page = bed.exec(id, &format!("sudo cat {PAGE}"));
        assert!(
            page.contains(PAGES[1]) && !page.contains(PAGES[0]),
            "{page}"
        );
    }
}

/// `MODE OWNER GROUP` by path, as `acfg.metadata` wants them for a hostclass, of what `discoroot/` has for it.
fn metadata(config: &Path, hostclass: &str) -> BTreeMap<String, String> {
    let root = config.join("discoroot");
    let text = fs::read_to_string(root.join("acfg.metadata")).unwrap();
    let mut found: BTreeMap<String, (bool, String)> = BTreeMap::new();
    for line in text.lines().filter_map(|line| line.split('#').next()) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [path, mode, owner, group] = words[..] else {
            continue;
        };
        let (path, special) = match path.split_once('~') {
            Some((path, of)) if of == hostclass => (path, true),
            Some(_) => continue,
            None => (path, false),
        };
        let below = path.trim_start_matches('/');
        let there = root.join(below).exists() || root.join(format!("{below}~{hostclass}")).exists();
        if !there
            || found
                .get(path)
                .is_some_and(|(before, _)| *before || !special)
        {
            continue;
        }
        let mode = mode.trim_start_matches('0');
        found.insert(
            format!("/{below}"),
            (special, format!("{mode} {owner} {group}")),
        );
    }
    found
        .into_iter()
        .map(|(path, (_, rest))| (path, rest))
        .collect()
}

/// The printed commands leave nothing but the account itself.
fn taken_down(bed: &Bed, told: &Told) {
    let (_, after) = told.text.split_once("Take it down:").expect("the way out");
    let commands = after.lines().map_while(|line| {
        line.trim()
            .strip_prefix("$ ")
            .or(line.is_empty().then_some(""))
    });
    let commands: Vec<&str> = commands.filter(|line| !line.is_empty()).collect();
    assert!(commands.len() >= 4, "{after}");
    assert_eq!(commands.last(), Some(&"asiaq local down"));
    for line in &commands[..commands.len() - 1] {
        let (mut command, _home) = bed.tool("sh", &["-c", line]);
        bed::finished(command.current_dir(bed.config())).expect_status(0);
    }
    assert_eq!(bed.running(WEB), Vec::<String>::new());
    assert_eq!(bed.running(OTHER), Vec::<String>::new());
    assert!(bed.groups().is_empty() && bed.templates().is_empty());
    assert!(bed.balancers().is_empty());
    assert_eq!(bed.vpcs(), 1, "only the default one");
    assert_eq!(
        bed.images(),
        ["debian-12-amd64-20260413-2447"],
        "only the vendor's"
    );
    assert_eq!(bed.snapshots(), 0);
    bed.until_no_host();
    let (mut command, _home) = bed.tool("sh", &["-c", commands[commands.len() - 1]]);
    bed::finished(&mut command).expect_status(0);
    assert!(!bed.config().exists(), "the demo's files go with the cloud");
    assert!(Path::new(ROOT).join("config").is_dir() && !binary("asiaq").is_empty());
}
