//! Several bakes at once, and those that a pipeline needs.

use crate::support::Asiaq;
use crate::support::bakery::Bakery;
use crate::support::environment::changing_calls;
use crate::support::proxy::{Behaviour, Proxy};
use crate::support::snapshots::refusal;
use std::fs::File;
use std::process::Command;
use std::time::{Duration, SystemTime};

/// Runs on every machine in place of its init script. Breaks, hangs or waits for others if a file of the bed says so.
const SCRIPT: &str = r#"
hostclass=$(printf %s "${last##*/init/phase}" | tr -d "'\"" | awk '{ print $2 }')
echo "configuring $hostclass"
touch "$BED/here.$hostclass"
if [ -e "$BED/hang" ]; then
    exec sleep 600
fi
if [ -e "$BED/together" ]; then
    n=0
    while [ "$n" -lt 1200 ]; do
        [ "$(ls "$BED" | grep -c '^here\.')" -ge "$(cat "$BED/together")" ] && exit 0
        sleep 0.05
        n=$((n + 1))
    done
    echo "the others have not come"
    exit 9
fi
if [ -e "$BED/broken.$hostclass" ]; then
    printf 'it is broken'
    exit 3
fi
"#;

/// A bakery with init scripts of these hostclasses.
struct Bed(Bakery);

impl Bed {
    fn new(hostclasses: &[&str]) -> Self {
        let bed = Bakery::new();
        bed.set("script", SCRIPT);
        for name in hostclasses {
            bed.config.write(&format!("init/{name}.sh"), "#!/bin/sh\n");
        }
        Self(bed)
    }

    fn bake(&self, words: &str) -> Asiaq {
        self.0.tool(&words.split_whitespace().collect::<Vec<_>>())
    }

    /// How many machines are not gone.
    fn machines(&self) -> usize {
        self.0.machines().len()
    }

    /// How many images there are but the base image.
    fn images(&self) -> usize {
        self.0.images().len()
    }

    /// Adds sections to `disco_aws.ini`.
    fn configure(&self, text: &str) {
        let old = std::fs::read_to_string(self.0.config.path().join("disco_aws.ini")).unwrap();
        self.0.config.write("disco_aws.ini", &(old + text));
    }

    /// Whether the init script of the hostclass has begun.
    fn runs(&self, hostclass: &str) -> bool {
        self.0.path(&format!("here.{hostclass}")).exists()
    }
}

/// The lines, with the seconds of image names and AMI ids replaced.
fn shape(text: &str) -> Vec<String> {
    let word = |word: &str| {
        if word.starts_with("ami-") {
            "AMI-ID".to_owned()
        } else if word.len() == 10 && word.bytes().all(|b| b.is_ascii_digit()) {
            "TIME".to_owned()
        } else {
            word.to_owned()
        }
    };
    let line = |line: &str| line.split(' ').map(word).collect::<Vec<_>>().join(" ");
    text.lines().map(line).collect()
}

fn sorted(mut lines: Vec<String>) -> Vec<String> {
    lines.sort();
    lines
}

#[test]
fn one_that_breaks_stops_no_other() {
    let bed = Bed::new(&["mhca", "mhcb", "mhcc"]);
    bed.0.set("broken.mhcb", "");
    let words = "bake --hostclass mhca --hostclass mhcb --hostclass mhca --hostclass mhcc";
    let output = bed.bake(words).run().expect_status(1);
    assert_eq!(
        sorted(shape(&output.stdout)),
        [
            "Created mhca TIME AMI AMI-ID",
            "Created mhcc TIME AMI AMI-ID"
        ]
    );
    assert_eq!(bed.images(), 2);
    assert_eq!(bed.machines(), 0);
    // Every line of a machine says whose it is.
    for hostclass in ["mhca", "mhcb", "mhcc"] {
        let told = format!("configuring {hostclass}");
        let mut lines = output.stderr.lines().filter(|line| line.contains(&told));
        let start = format!(" {hostclass} [");
        assert!(lines.next().unwrap().contains(&start), "{}", output.stderr);
        assert_eq!(lines.next(), None, "baked once: {}", output.stderr);
    }
    let last = output.stderr.split("error: ").last().unwrap();
    assert!(
        last.starts_with("1 of 3 images not made:\n  mhcb: "),
        "{last}"
    );
}

#[test]
fn json_has_an_object_per_hostclass() {
    let bed = Bed::new(&["mhca", "mhcb"]);
    bed.0.set("broken.mhca", "");
    let words = "bake --hostclass mhcb --hostclass mhca --parallel 1 --output json";
    let output = bed.bake(words).run().expect_status(1);
    let items: Vec<serde_json::Value> = serde_json::from_str(&output.stdout).unwrap();
    let texts = |key: &str| -> Vec<String> {
        let text = |item: &serde_json::Value| item[key].as_str().unwrap_or("-").to_owned();
        items.iter().map(text).collect()
    };
    assert_eq!(texts("hostclass"), ["mhcb", "mhca"]);
    assert!(texts("image_name")[0].starts_with("mhcb 1"));
    assert!(texts("image_id")[0].starts_with("ami-"));
    assert_eq!(
        (texts("image_id")[1].as_str(), texts("error")[0].as_str()),
        ("-", "-")
    );
    assert_ne!(texts("error")[1], "-");
    assert!(items.iter().all(|item| item["seconds"].is_u64()));
}

#[test]
fn nothing_is_launched_unless_all_can_be() {
    let bed = Bed::new(&["mhca", "mhcb", "mhcc"]);
    bed.configure("\n[mhcb]\nphase1_ami_name = baseb\n[mhcc]\nphase1_ami_name = basec\n");
    let proxy = Proxy::start(bed.0.cloud.url(), Behaviour::new());
    let words = "bake --hostclass mhca --hostclass mhcb --hostclass mhcc";
    let output = bed.bake(words).endpoint(proxy.url()).run().expect_status(1);
    assert!(
        output.stderr.contains("baseb") && output.stderr.contains("basec"),
        "both are reported: {}",
        output.stderr
    );
    assert_eq!(changing_calls(&proxy), [""; 0]);
    let dry = "bake --hostclass mhca --hostclass mhcd --dry-run";
    bed.0.config.write("init/mhcd.sh", "#!/bin/sh\n");
    let dry = bed.bake(dry).endpoint(proxy.url()).run().expect_status(0);
    let shown = shape(&dry.stdout);
    let heads: Vec<&String> = shown.iter().filter(|line| line.starts_with('+')).collect();
    let head = |hostclass: &str| format!("+ bake {hostclass}: from base TIME ({})", bed.0.base);
    assert_eq!(heads, [&head("mhca"), &head("mhcd")]);
    assert_eq!(changing_calls(&proxy), [""; 0]);
}

/// No lock of ours and no call per bake where one would do: each init script waits until all of them run.
#[test]
fn all_run_at_once_and_what_they_share_is_read_once() {
    let names: Vec<String> = (0..8).map(|n| format!("mhcx{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let bed = Bed::new(&names);
    bed.0.set("together", "8");
    let words = names.iter().map(|name| format!("--hostclass {name}"));
    let words = words.collect::<Vec<_>>().join(" ");
    let proxy = Proxy::start(bed.0.cloud.url(), Behaviour::new());
    let all = bed
        .bake(&format!("bake {words} --parallel 8"))
        .endpoint(proxy.url());
    assert_eq!(all.run().expect_status(0).stdout.lines().count(), 8);
    assert_eq!(bed.machines(), 0);
    let of_all = reads(&proxy);
    let bed = Bed::new(&names);
    let proxy = Proxy::start(bed.0.cloud.url(), Behaviour::new());
    let one = bed.bake("bake --hostclass mhcx0").endpoint(proxy.url());
    one.run().expect_status(0);
    assert_eq!(reads(&proxy), of_all);
    assert_eq!(of_all.last(), Some(&("base images", 1)));
}

/// How often things were read that do not depend on the hostclass.
fn reads(proxy: &Proxy) -> Vec<(&'static str, usize)> {
    let calls = proxy.calls();
    let count = |name: &'static str| {
        let own = calls.iter().filter(|call| call.operation == name);
        (name, own.count())
    };
    let mut reads = ["DescribeVpcs", "DescribeSubnets", "DescribeSecurityGroups"]
        .map(count)
        .to_vec();
    let bases = calls.iter().filter(|call| {
        call.operation == "DescribeImages" && call.form.iter().any(|(_, value)| value == "base *")
    });
    reads.push(("base images", bases.count()));
    reads
}

#[test]
fn after_ctrl_c_machines_are_gone_and_the_rest_is_named() {
    let bed = Bed::new(&["mhca", "mhcb", "mhcc"]);
    bed.0.set("hang", "");
    let words = "bake --hostclass mhca --hostclass mhcb --hostclass mhcc --parallel 2";
    let running = bed.bake(words).spawn();
    let both = || bed.runs("mhca") && bed.runs("mhcb");
    let came = (0..6_000).any(|_| {
        std::thread::sleep(Duration::from_millis(10));
        both()
    });
    assert!(came, "both init scripts run");
    let id = running.child().lock().unwrap().id().to_string();
    let sent = Command::new("kill").args(["-INT", &id]).status().unwrap();
    assert!(sent.success());
    let output = running.wait().expect_status(130);
    assert_eq!(output.stdout, "");
    let list = "3 of 3 images not made:\n  mhca: stopped\n  mhcb: stopped\n  mhcc: not started\n";
    assert!(output.stderr.contains(list), "{}", output.stderr);
    assert_eq!(bed.machines(), 0);
    assert_eq!(bed.images(), 0);
}

/// Sets the time of a file of the configuration, seconds from now.
fn date(bed: &Bed, name: &str, seconds: i64) {
    let distance = Duration::from_secs(seconds.unsigned_abs());
    let now = SystemTime::now();
    let time = if seconds < 0 {
        now - distance
    } else {
        now + distance
    };
    let file = File::options()
        .write(true)
        .open(bed.0.config.path().join(name));
    file.unwrap().set_modified(time).unwrap();
}

#[test]
fn a_pipeline_bakes_what_is_older_than_its_parts() {
    let bed = Bed::new(&["mhca", "mhcb"]);
    bed.0.config.write("discoroot/etc/motd~mhcb", "hello\n").write(
        "ci.csv",
        "sequence,hostclass,ami,smoke_test\n1,mhca,,no\n1,mhcpinned,ami-1,no\n2,mhcb,,no\n3,mhca,,no\n",
    );
    let files = [
        "init/phase1.sh",
        "init/phase2.sh",
        "init/mhca.sh",
        "init/mhcb.sh",
        "discoroot/etc/x",
        "discoroot/etc/motd~mhcb",
    ];
    for name in files {
        date(&bed, name, -600);
    }
    let file = bed.0.config.path().join("ci.csv");
    let words = format!("bake --pipeline {}", file.display());
    let plan = || {
        let tool = bed.bake(&format!("{words} --dry-run"));
        let lines = shape(&tool.run().expect_status(0).stdout);
        let heads = lines.into_iter().filter(|line| !line.starts_with(' '));
        heads.collect::<Vec<_>>()
    };
    let none = [
        "+ bake mhca: there is no image",
        "+ bake mhcb: there is no image",
    ];
    assert_eq!(plan(), none);
    let first = bed.bake(&words).run().expect_status(0);
    assert_eq!(first.stdout.lines().count(), 2);
    let fresh =
        |hostclass: &str| format!("= {hostclass}: AMI-ID is newer than everything it is made from");
    assert_eq!(plan(), [fresh("mhca"), fresh("mhcb")]);
    let second = bed.bake(&words).run().expect_status(0);
    assert_eq!(second.stdout, "");
    assert_eq!(bed.images(), 2, "a second run bakes nothing");

    date(&bed, "discoroot/etc/motd~mhcb", 600);
    date(&bed, "init/phase1.sh", 600);
    let changed = "+ bake mhcb: discoroot/etc/motd~mhcb is newer".to_owned();
    assert_eq!(plan(), [fresh("mhca"), changed]);
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap();
    let name = format!("base {}", now.as_secs() - 900);
    bed.0.cloud.register_image(&name, &[("stage", "tested")]);
    let other = |hostclass: &str| {
        format!("+ bake {hostclass}: made from AMI-ID and not from base image base TIME (ID)")
    };
    // Promoted after the bakes, though older than their images.
    let shown: Vec<String> = plan()
        .iter()
        .map(|line| match line.split_once('(') {
            Some((start, rest)) => format!("{start}(ID{}", &rest[rest.find(')').unwrap()..]),
            None => line.clone(),
        })
        .collect();
    assert_eq!(shown, [other("mhca"), other("mhcb")]);
    let json = bed.bake(&format!("{words} --dry-run --output json"));
    let items: serde_json::Value =
        serde_json::from_str(&json.run().expect_status(0).stdout).unwrap();
    assert_eq!(items[1]["hostclass"], "mhcb");
    assert_eq!(items[1]["bake"], true);
}

/// Two images at once: the hostclass is made from the old base image, whatever its name says of the time.
#[test]
fn a_base_image_that_is_baked_at_the_same_time_counts_afterwards() {
    let bed = Bed::new(&["mhca"]);
    bed.0.config.write("ci.csv", "sequence,hostclass\n1,mhca\n");
    bed.bake("bake --hostclass mhca").run().expect_status(0);
    let name = bed.0.images()[0].name().unwrap().to_owned();
    let time = name.split(' ').nth(1).unwrap();
    let tags = [("stage", "tested")];
    bed.0.cloud.register_image(&format!("base {time}"), &tags);
    let file = bed.0.config.path().join("ci.csv");
    let words = format!("bake --pipeline {} --dry-run", file.display());
    let shown = bed.bake(&words).run().expect_status(0).stdout;
    let old = format!("+ bake mhca: made from {} and not from ", bed.0.base);
    assert!(shown.starts_with(&old), "{shown}");
}

#[test]
fn snapshots_of_failed_images_may_need_a_moment() {
    let bed = Bed::new(&["mhca"]);
    bed.bake("bake --hostclass mhca").run().expect_status(0);
    let image = bed.0.images()[0].image_id().unwrap().to_owned();
    let failed = format!(
        "<DescribeImagesResponse><imagesSet><item><imageId>{image}</imageId><name>mhca 1700000000</name>\
         <imageState>failed</imageState><tagSet><item><key>version-asiaq</key><value>x</value></item></tagSet>\
         <blockDeviceMapping><item><deviceName>/dev/xvda</deviceName><ebs><snapshotId>snap-gone</snapshotId></ebs>\
         </item></blockDeviceMapping></item></imagesSet></DescribeImagesResponse>"
    );
    let used = refusal("InvalidSnapshot.InUse", "in use");
    let gone = refusal("InvalidSnapshot.NotFound", "no such snapshot");
    let behaviour = Behaviour::new()
        .answer("DescribeImages", 200, &failed)
        .answer_first("DeleteSnapshot", 400, &used)
        .answer_first("DeleteSnapshot", 400, &used)
        .answer_first("DeleteSnapshot", 400, &gone);
    let proxy = Proxy::start(bed.0.cloud.url(), behaviour);
    let cleanup = bed.bake("cleanup --older-than 0 --hostclass mhca");
    let output = cleanup.endpoint(proxy.url()).run().expect_status(0);
    assert!(!output.stderr.contains("stays"), "{}", output.stderr);
    assert_eq!(proxy.count("DeleteSnapshot"), 3);
    assert_eq!(bed.images(), 0);
}

#[test]
fn a_pipeline_is_wrong_in_all_its_rows_at_once() {
    let bed = Bed::new(&["mhca"]);
    bed.configure("\n[mhcbase]\nphase = 1\n");
    bed.0.config.write(
        "ci.csv",
        "sequence,hostclass\n1,mhca\n1,mhcnone\n2,mhcbase\n3,\n4,mhcnone\n",
    );
    let file = bed.0.config.path().join("ci.csv");
    let file = file.to_str().unwrap();
    let proxy = Proxy::start(bed.0.cloud.url(), Behaviour::new());
    let tool = bed
        .bake(&format!("bake --pipeline {file}"))
        .endpoint(proxy.url());
    let output = tool.run().expect_status(1);
    for line in [
        format!("{file}:3: hostclass: hostclass `mhcnone` has no script init/mhcnone.sh"),
        format!("{file}:4: hostclass: `mhcbase` is a base image (phase 1)"),
        format!("{file}:5: hostclass: the row has neither a hostclass nor an ami"),
    ] {
        assert!(output.stderr.contains(&line), "{line}: {}", output.stderr);
    }
    assert_eq!(
        output.stderr.matches("mhcnone").count(),
        3,
        "{}",
        output.stderr
    );
    assert_eq!(proxy.calls().len(), 0);
    let both = bed
        .bake("bake --pipeline x --hostclass mhca")
        .endpoint(proxy.url())
        .run();
    both.expect_status(2);
}

/// What a bake costs beside its init script. docs/baking.md compares these figures with the steps of another tool.
#[test]
fn a_bake_needs_few_round_trips() {
    let bed = Bed::new(&["mhca", "mhcb", "mhcc"]);
    let cost = |words: &str| {
        let proxy = Proxy::start(bed.0.cloud.url(), Behaviour::new());
        let tool = bed.bake(words).env("ASIAQ_POLL_INTERVAL", "3");
        tool.endpoint(proxy.url()).run().expect_status(0);
        let calls = proxy.calls().len();
        (calls, proxy.longest_chain())
    };
    let (calls, chain) = cost("bake --hostclass mhca");
    assert!(
        calls <= 18 && chain <= 12,
        "one: {calls} calls, {chain} deep"
    );
    let words = "bake --hostclass mhca --hostclass mhcb --hostclass mhcc";
    let (more, _) = cost(words);
    assert!(
        more + 8 <= calls * 3,
        "three: {more} calls; one: {calls}: each reads for itself what they share"
    );
}
