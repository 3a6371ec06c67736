//! The scripts of `jenkins/`, with stand-ins for the tools and for curl: what they call, what they leave, how they exit.

use crate::support::Output;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

const KEY: &str = "AKIAEXAMPLE";
const SECRET: &str = "wJalrXUtnFEMIexample";
const TOKEN: &str = "s3cr\"et\\token";

fn scripts() -> PathBuf {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    repository.join("jenkins")
}

/// Writes down its arguments, one line per call, and what curl gets on its standard input.
const RECORD: &str = r#"#!/usr/bin/env bash
printf '%s' "$(basename "$0")" >>"$CALLS"
printf ' %q' "$@" >>"$CALLS"
printf '\n' >>"$CALLS"
"#;

/// Makes an image for each hostclass that is in no file `broken.N`, N the number of times it was tried. None at all if one of them is
/// in the file `refused`.
const BAKE: &str = r#"
[[ $2 == bake || $1 == bake ]] || exit 0
for word in "$@"; do
    if grep -qxe "$word" "$STATE/refused" 2>/dev/null; then
        echo "error: $word has no base image" >&2
        exit 1
    fi
done
status=0
echo 'a line for all' >&2
while (( $# )); do
    if [[ $1 == --hostclass ]]; then
        tries=$(grep -c . "$STATE/$2" 2>/dev/null)
        echo "2026-01-01 00:00:00,000 asiaq INFO $2 [0.1 s] == run the init script, try $tries" >&2
        echo try >>"$STATE/$2"
        if grep -qx "$2" "$STATE/broken.${tries:-0}" 2>/dev/null; then
            echo "$2 [10.2 s] it breaks" >&2
            status=1
        else
            echo "Created $2 1700000000 AMI ami-$2"
        fi
    fi
    shift
done
cp "${AWS_SHARED_CREDENTIALS_FILE:-/dev/null}" "$STATE/credentials" && cp "${AWS_CONFIG_FILE:-/dev/null}" "$STATE/config"
stat -c '%a' "${AWS_SHARED_CREDENTIALS_FILE:-/dev/null}" "$(dirname "${AWS_SHARED_CREDENTIALS_FILE:-/}")" >"$STATE/modes"
env >"$STATE/environment"
exit $status
"#;

/// A job: its working directory, stand-ins and what they wrote down.
struct Job {
    root: TempDir,
}

impl Job {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let job = Self { root };
        for directory in ["bin", "work", "state"] {
            fs::create_dir(job.path(directory)).unwrap();
        }
        job.stand_in("disco_bake.py", BAKE);
        job.stand_in("disco_aws.py", "");
        job.stand_in("curl", "cat >>\"$STATE/curl\"\n");
        job
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    fn stand_in(&self, name: &str, body: &str) {
        let path = self.path("bin").join(name);
        fs::write(&path, format!("{RECORD}{body}")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn write(&self, name: &str, text: &str) -> &Self {
        let path = self.path("work").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    /// These hostclasses fail at their first, second, … try.
    fn breaks(&self, tries: &[&str]) -> &Self {
        for (number, names) in tries.iter().enumerate() {
            let lines = names.replace(' ', "\n") + "\n";
            fs::write(self.path("state").join(format!("broken.{number}")), lines).unwrap();
        }
        self
    }

    fn command(&self, script: &Path, words: &str) -> Command {
        let path = std::env::var("PATH").unwrap();
        let mut command = Command::new(script);
        command
            .args(words.split_whitespace())
            .current_dir(self.path("work"))
            .env_clear()
            .env("PATH", format!("{}:{path}", self.path("bin").display()))
            .env("HOME", self.root.path())
            .env("TMPDIR", self.root.path())
            .env("STATE", self.path("state"))
            .env("CALLS", self.path("calls"));
        for name in ["PYENV_ROOT", "PYENV_VERSION"] {
            if let Ok(value) = std::env::var(name) {
                command.env(name, value);
            }
        }
        command
    }

    fn run_with(&self, script: &str, words: &str, variables: &[(&str, &str)]) -> Output {
        let mut command = self.command(&scripts().join(script), words);
        finish(command.envs(variables.iter().copied()))
    }

    fn run(&self, script: &str, words: &str) -> Output {
        self.run_with(script, words, &[])
    }

    fn calls(&self) -> String {
        fs::read_to_string(self.path("calls")).unwrap_or_default()
    }

    fn state(&self, name: &str) -> String {
        fs::read_to_string(self.path("state").join(name)).unwrap_or_default()
    }

    fn file(&self, name: &str) -> String {
        fs::read_to_string(self.path("work").join(name)).unwrap_or_default()
    }
}

fn finish(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    Output {
        status: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

#[test]
fn bake_hostclass_bakes_and_reports_without_showing_secrets() {
    let variables = [
        ("HOSTCLASS", "mhcx"),
        ("BAKE_TO_STAGE", "tested"),
        ("TOKEN", TOKEN),
        ("JENKINS_URL", "https://ci.example.com/j/"),
        ("AWS_ACCESS_KEY_ID", KEY),
        ("AWS_SECRET_ACCESS_KEY", SECRET),
        ("AWS_REGION", "eu-central-1"),
    ];
    let job = Job::new();
    let made = job.run_with("bake_hostclass.sh", "", &variables);
    let made = made.expect_status(0);
    assert_eq!(made.stdout, "Created mhcx 1700000000 AMI ami-mhcx\n");
    let calls = job.calls();
    let lines: Vec<&str> = calls.lines().collect();
    assert_eq!(
        lines[0],
        "disco_bake.py --debug bake --hostclass mhcx --use-local-ip --stage=tested"
    );
    assert!(
        lines[1].starts_with(
            "curl -ksS -X POST https://ci.example.com/j/job/bake-hostclass-STATUS/build -K - --data-urlencode "
        ),
        "{calls}"
    );
    assert!(calls.replace('\\', "").contains(
        r#"json={"parameter":[{"name":"HOSTCLASS","value":"mhcx"},{"name":"SUCCEEDED","value":"true"}]}"#
    ), "{calls}");
    for secret in [KEY, SECRET, TOKEN, "s3cr"] {
        assert!(!calls.contains(secret), "{calls}");
    }
    // curl reads a configuration file, where a backslash escapes.
    assert_eq!(job.state("curl"), "data = \"token=s3cr\\\"et\\\\token\"\n");
    assert_eq!(
        job.state("credentials"),
        format!("[default]\naws_access_key_id = {KEY}\naws_secret_access_key = {SECRET}\n")
    );
    assert_eq!(job.state("config"), "[default]\nregion = eu-central-1\n");
    assert_eq!(job.state("modes"), "600\n700\n");
    let environment = job.state("environment");
    assert!(
        environment.contains("SSH_AUTH_SOCK="),
        "an agent was started"
    );
    assert!(
        !environment.contains(SECRET),
        "the file has taken its place"
    );
    // Nothing stays: neither the files nor the agent.
    let value = |name: &str| {
        let found = environment.lines().find_map(|line| line.strip_prefix(name));
        found.unwrap().to_owned()
    };
    assert!(!Path::new(&value("AWS_SHARED_CREDENTIALS_FILE=")).exists());
    assert!(is_gone(&value("SSH_AGENT_PID=")));

    let job = Job::new();
    job.breaks(&["mhcx"]);
    let failed = job.run_with("bake_hostclass.sh", "", &variables);
    failed.expect_status(1);
    assert!(job.calls().contains("false"), "{}", job.calls());
    let job = Job::new();
    let nothing = job.run("bake_hostclass.sh", "").expect_status(1);
    assert!(
        nothing.stderr.contains("set HOSTCLASS"),
        "{}",
        nothing.stderr
    );
    assert_eq!(job.calls(), "");
}

/// A killed agent needs a moment.
fn is_gone(pid: &str) -> bool {
    let gone = || {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        stat.is_empty() || stat.contains(") Z ")
    };
    (0..200).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(10));
        gone()
    })
}

#[test]
fn all_hostclasses_are_one_command_and_failed_ones_are_tried_again() {
    let job = Job::new();
    for name in ["mhca", "mhcb", "mhcc", "mhcDISABLEDold", "other"] {
        job.write(&format!("init/{name}.sh"), "");
    }
    job.breaks(&["mhcb mhcc", "mhcb"]);
    let variables = [("TOKEN", "t"), ("LOG_DIR", "logs"), ("PARALLEL", "3")];
    let output = job.run_with("bake_all_phase2.sh", "", &variables);
    let output = output.expect_status(0);
    let calls = job.calls();
    let bakes: Vec<&str> = calls.lines().filter(|l| l.starts_with("disco")).collect();
    assert_eq!(
        bakes,
        [
            "disco_bake.py --debug bake --use-local-ip --parallel 3 --hostclass mhca --hostclass mhcb --hostclass mhcc",
            "disco_bake.py --debug bake --use-local-ip --parallel 3 --hostclass mhcb --hostclass mhcc",
        ]
    );
    let told: Vec<&str> = output.stdout.lines().collect();
    assert_eq!(
        told,
        [
            "mhca: baked",
            "mhcc: baked",
            "mhcb: failed",
            "mhcb 1: a line for all",
            "mhcb 1: 2026-01-01 00:00:00,000 asiaq INFO mhcb [0.1 s] == run the init script, try 1",
            "mhcb 1: mhcb [10.2 s] it breaks",
        ]
    );
    let posts = calls.lines().filter(|line| line.starts_with("curl"));
    let results: Vec<bool> = posts.map(|line| line.contains("true")).collect();
    assert_eq!(results, [true, true, false]);
    assert!(job.file("logs/mhca.0.log").contains("mhca [0.1 s]"));
    assert!(!job.file("logs/mhca.0.log").contains("mhcb"));
    assert!(job.file("logs/mhcc.1.log").contains("try 1"));
    assert_eq!(job.file("logs/mhca.1.log"), "");

    // Nothing to do, no token, the default directory of logs.
    let job = Job::new();
    let quiet = job.run_with("bake_all_phase2.sh", "", &[("BUILD_NUMBER", "7")]);
    assert_eq!(quiet.expect_status(0).stdout, "");
    assert!(job.path("work/bake_logs.7").is_dir());
    assert_eq!(job.calls(), "");
}

/// The tool launches nothing if one of several cannot be prepared.
#[test]
fn one_that_cannot_be_prepared_stops_no_other() {
    for (attempts, tries) in [("1", 1), ("2", 2)] {
        let job = Job::new();
        for name in ["mhca", "mhcb", "mhcc"] {
            job.write(&format!("init/{name}.sh"), "");
        }
        fs::write(job.path("state/refused"), "mhcb\n").unwrap();
        let variables = [
            ("MAX_ATTEMPTS", attempts),
            ("LOG_DIR", "logs"),
            ("PARALLEL", "1"),
        ];
        let output = job.run_with("bake_all_phase2.sh", "", &variables);
        let output = output.expect_status(0);
        let last = tries - 1;
        assert_eq!(
            output.stdout,
            format!(
                "mhca: baked\nmhcc: baked\nmhcb: failed\nmhcb {last}: error: mhcb has no base image\n"
            )
        );
        let calls = job.calls();
        let bake = "disco_bake.py --debug bake --use-local-ip --parallel 1";
        let one = |name: &str| format!("{bake} --hostclass {name}");
        let mut wanted = vec![
            format!("{bake} --hostclass mhca --hostclass mhcb --hostclass mhcc"),
            one("mhca"),
            one("mhcb"),
            one("mhcc"),
        ];
        wanted.extend((1..tries).map(|_| one("mhcb")));
        assert_eq!(calls.lines().collect::<Vec<_>>(), wanted);
        assert_eq!(
            job.file("logs/results.0"),
            "Created mhca 1700000000 AMI ami-mhca\nCreated mhcc 1700000000 AMI ami-mhcc\n"
        );
    }
}

/// All at once again, each with a command and a log of its own.
#[test]
fn those_that_are_baked_apart_run_at_the_same_time() {
    let job = Job::new();
    let names: Vec<String> = (0..4).map(|n| format!("mhc{n}")).collect();
    for name in &names {
        job.write(&format!("init/{name}.sh"), "");
    }
    // Refuses all of them together; one alone waits until two others have begun.
    job.stand_in(
        "disco_bake.py",
        r#"
hostclass=${!#}
if [[ $(grep -o -e '--hostclass' <<<"$*" | wc -l) -gt 1 ]]; then
    echo 'error: one of them is wrong' >&2
    exit 1
fi
touch "$STATE/here.$hostclass"
for _ in {1..400}; do
    if [[ $(ls "$STATE" | grep -c '^here') -ge 3 ]]; then
        echo "Created $hostclass 1700000000 AMI ami-$hostclass"
        exit 0
    fi
    sleep 0.05
done
exit 1
"#,
    );
    let variables = [("PARALLEL", "3"), ("MAX_ATTEMPTS", "1")];
    let output = job.run_with("bake_all_phase2.sh", "", &variables);
    let told = output.expect_status(0).stdout;
    assert_eq!(told, "mhc0: baked\nmhc1: baked\nmhc2: baked\nmhc3: baked\n");
}

#[test]
fn base_images_are_sections_with_phase_1() {
    let ini = "[bake]\nphase=1\n[al2023_phase1]\nphase = 1 ; base\nbake_ami=ami-1\n[mhcx]\nphase=2\n#phase=1\n\
               [deb_phase1]\nbake_ami: ami-2\r\nPhase: 1\r\n[mhcy]\nphases=1\nbake_ami=ami-3\n\
               [ubuntu_phase1]\nphase=1\n#bake_ami=ami-4\n[empty_phase1]\nphase=1\nbake_ami=\n";
    for file in ["disco_aws.ini", "config/disco_aws.ini"] {
        let job = Job::new();
        job.write(file, ini).breaks(&["deb_phase1"]);
        let output = job.run("bake_all_phase1.sh", "").expect_status(0);
        let calls = job.calls();
        let first = calls.lines().next().unwrap();
        assert_eq!(
            first,
            "disco_bake.py --debug bake --use-local-ip --parallel 4 --stage=tested --hostclass al2023_phase1 --hostclass deb_phase1"
        );
        assert_eq!(output.stdout, "al2023_phase1: baked\ndeb_phase1: baked\n");
        assert!(output.stderr.contains("TOKEN is not set"), "no report");
        for name in ["ubuntu_phase1", "empty_phase1"] {
            let told = format!("{name} is left out: it has no bake_ami\n");
            assert!(output.stderr.contains(&told), "{}", output.stderr);
        }
    }
    // A default for all of them.
    for (section, key) in [("bake", "bake_ami"), ("disco_aws", "default_bake_ami")] {
        let job = Job::new();
        let ini = format!("[{section}]\n{key}=ami-1\n[deb_phase1]\nphase=1\n");
        job.write("disco_aws.ini", &ini);
        let output = job.run("bake_all_phase1.sh", "").expect_status(0);
        assert_eq!(output.stdout, "deb_phase1: baked\n");
    }
}

#[test]
fn a_pipeline_is_baked_and_pinned_to_its_images() {
    let csv = "sequence,hostclass,min_size,smoke_test\r\n1,mhca,1,no\r\n2,mhcb,\"1@0 9 * * *:2@0 17 * * *\",no\r\n\
               # 3,mhczz,1,no\r\n3,mhca,2,no\r\n";
    let job = Job::new();
    job.write("ci.csv", csv).breaks(&["mhcb"]);
    let output = job.run("bake_pipeline.sh", "ci.csv").expect_status(1);
    let told: Vec<&str> = output.stdout.lines().collect();
    assert_eq!(told[0], "Created mhca 1700000000 AMI ami-mhca");
    assert_eq!(
        job.calls(),
        "disco_bake.py bake --parallel 4 --hostclass mhca --hostclass mhcb\n"
    );
    let name = told.last().unwrap();
    assert!(name.ends_with(".csv") && !name.contains('/'), "{name}");
    assert_eq!(
        job.file(name),
        "ami,sequence,hostclass,min_size,smoke_test\r\nami-mhca,1,mhca,1,no\r\n\
         ,2,mhcb,1@0 9 * * *:2@0 17 * * *,no\r\n,# 3,mhczz,1,no\r\nami-mhca,3,mhca,2,no\r\n"
    );
    // What was pinned stays pinned, and what is baked again gets its new image.
    fs::remove_file(job.path("state/broken.0")).unwrap();
    let pinned = job
        .file(name)
        .replace("ami-mhca", "ami-old")
        .replace(",# 3,mhczz,1,no\r\n", "");
    job.write("ami_first.csv", &pinned);
    let add = "--input ami_first.csv --output out.csv --map map";
    job.write("map", "mhcb ami-new\n");
    job.run("add_ami_to_pipeline_csv.py", add).expect_status(0);
    assert_eq!(
        job.file("out.csv"),
        "ami,sequence,hostclass,min_size,smoke_test\r\nami-old,1,mhca,1,no\r\n\
         ami-new,2,mhcb,1@0 9 * * *:2@0 17 * * *,no\r\nami-old,3,mhca,2,no\r\n"
    );

    for words in ["", "-h", "--help", "none.csv", "a b"] {
        let job = Job::new();
        let output = job.run("bake_pipeline.sh", words).expect_status(1);
        assert_eq!((output.stdout.as_str(), job.calls().as_str()), ("", ""));
        assert!(output.stderr.contains("FILE") || words == "none.csv");
    }
}

/// As the original is called: the dictionary is in a module beside the script.
#[test]
fn images_may_come_from_a_module() {
    let job = Job::new();
    let script = job.path("work/add_ami_to_pipeline_csv.py");
    fs::copy(scripts().join("add_ami_to_pipeline_csv.py"), &script).unwrap();
    job.write("in.csv", "sequence,hostclass\n1,mhca\n2,mhcb\n");
    let words = "--input in.csv --output out.csv";
    let missing = finish(&mut job.command(&script, words)).expect_status(1);
    assert!(missing.stderr.contains("ami_map"), "{}", missing.stderr);
    job.write("ami_map.py", "AMI_MAP = {'mhcb': 'ami-1'}\n");
    finish(&mut job.command(&script, words)).expect_status(0);
    assert_eq!(
        job.file("out.csv"),
        "ami,sequence,hostclass\r\n,1,mhca\r\nami-1,2,mhcb\r\n"
    );
}

#[test]
fn promotion_asks_the_tools() {
    let job = Job::new();
    job.run("disco_promote_ami.sh", "").expect_status(0);
    assert_eq!(
        job.calls(),
        "disco_aws.py --debug --env ci promoterunning --hours 2\n\
         disco_bake.py hostclasspromote --hostclass mhccustomerswan\n\
         disco_bake.py hostclasspromote --hostclass mhcdiscodeployenator\n"
    );
}

#[test]
fn the_status_job_remembers_the_last_build_of_each_hostclass() {
    let job = Job::new();
    for (words, status, number, failed) in [
        ("job mhca 3 true", 0, "3", ""),
        ("job mhca 5 false", 1, "5", "mhca"),
        ("job mhca 4 true", 1, "5", "mhca"),
        ("job mhcb 1 true", 1, "5", "mhca"),
        ("job mhca 010 true", 0, "10", ""),
        ("job mhca 9 false", 0, "10", ""),
        ("job ../mhca 11 false", 1, "10", ""),
        ("job mhca x false", 1, "10", ""),
        ("job mhca 11 maybe", 1, "10", ""),
        ("job mhca 11", 1, "10", ""),
    ] {
        let output = job.run("record_job_status.sh", words).expect_status(status);
        assert_eq!(job.file("mhca.number").trim(), number, "{words}");
        assert_eq!(job.path("work/mhca.failure").exists(), !failed.is_empty());
        assert_eq!(output.stdout.contains("failed: mhca"), !failed.is_empty());
    }
    let elsewhere = [("WORKSPACE", job.path("state").display().to_string())];
    let elsewhere = elsewhere
        .each_ref()
        .map(|(name, value)| (*name, value.as_str()));
    let there = job.run_with("record_job_status.sh", "job mhcc 1 false", &elsewhere);
    there.expect_status(1);
    assert!(job.state("mhcc.failure").starts_with("job 1"));
}
