//! The whole story on real hosts: from a vendor's image through two bakes to a blue/green switch behind a load balancer, chaos
//! and teardown. Every step is a command that an operator types, run by the real tools.

mod agent;
mod needs;
mod setting;
mod stage;

use super::Scene;
use super::shell::seconds;
use crate::cloud;
use crate::demo::Demo;
use crate::error::LocalError;
use crate::settings::Settings;
use agent::Agent;
use asiaq_core::plan::Interrupt;
use setting::{Places, Prepared};
use stage::Place::{Desk, Office};
use stage::{Chapters, Stage, typed};
use std::fs::File;
use std::time::Instant;

// What follows are names of the sample configuration.

/// Environment, its type, and its pipeline.
pub(super) const SCENE: Scene = Scene {
    env: "ci",
    env_type: "ci",
    pipeline: "pipelines/demo.csv",
};
/// Environment in which images are baked, and its type.
const BUILD: &str = "build";
/// Base image for local hosts.
const BASE: &str = "debian12_phase1";
/// The web service, and the host that tests it.
const WEB: &str = "mhchello";
const OTHER: &str = "mhcgenerictester";
/// The page that it serves.
const PAGE: &str = "discoroot/opt/hello/www/index.html~mhchello";
/// What is changed in the page.
const EDIT: &str = "s|Hello from|Good morning from|";
/// Shows the page on a host.
const SHOW_PAGE: &str = "curl -s http://127.0.0.1:8080/";
/// Who has sudo on local hosts.
const USER: &str = "admin";
/// What local hosts need of the configuration, and a load balancer for the service.
const EDITS: [&str; 2] = [
    "s|^phase1_ami_name=.*|phase1_ami_name=debian12_phase1|",
    r"/^\[mhchello\]/a elb=yes",
];

/// The tools that it calls.
pub(super) const TOOLS: [&str; 10] = [
    "acfg1",
    "asiaq",
    "disco_autoscale",
    "disco_aws",
    "disco_bake",
    "disco_chaos",
    "disco_deploy",
    "disco_elb",
    "disco_route53",
    "disco_vpc_ui",
];

/// Images by the order of their making.
#[derive(Debug, Default)]
struct Images {
    base: String,
    web: String,
    other: String,
    new_web: String,
}

/// Tells the story; `keep` leaves everything up at its end.
///
/// # Errors
/// This machine cannot run hosts; a command fails; Ctrl-C.
pub(super) async fn tell(
    demo: &Demo,
    settings: &Settings,
    interrupt: &Interrupt,
    keep: bool,
    say: &mut dyn FnMut(&str),
) -> Result<(), LocalError> {
    needs::check(settings)?;
    let begun = Instant::now();
    let _charge = interrupt.take_charge();
    // Signals are listened for from here on.
    tokio::task::yield_now().await;
    say("Asiaq demo: from a vendor's machine image to a blue/green switch, on real hosts.");
    say("Everything happens on this machine. No AWS account is used, nothing costs money.\n");
    let mut chapters = Chapters::default();
    say(&chapters.begin("Start the local cloud, with a real host behind every instance"));
    let status = cloud::up(settings, &mut |line| say(&format!("   {line}")))?;
    cloud::reset(settings)?;
    say(&format!("   {} is up and empty\n", status.endpoint));
    say(&chapters.begin("Prepare the account as a team has it, with an image of a vendor"));
    let prepared = setting::prepare(demo, settings, &status).await?;
    say(&format!(
        "   key pair `{}`, hosted zone {}, buckets {}",
        prepared.account.key_pair,
        prepared.domain,
        prepared.account.buckets.join(", ")
    ));
    say(&format!(
        "   {}: Debian 12 as its vendor publishes it. Nobody logs in as root there\n",
        prepared.vendor
    ));
    let places = Places::make(settings)?;
    let log = settings.state_dir.join("demo.log");
    let mut stage = Stage {
        demo,
        settings,
        status: &status,
        config: places.config,
        memory: places.memory,
        agent: Agent::start()?,
        log: File::create(&log).map_err(LocalError::file("cannot write", &log))?,
        say,
        interrupt,
        chapters,
    };
    let images = play(&mut stage, &prepared).await?;
    match keep {
        true => kept(&mut stage, &images),
        false => {
            stage.chapter("Take everything down");
            for (program, args) in teardown() {
                stage.run(Desk, program, &args).await?;
            }
        }
    }
    stage.chapters.end();
    let summary = stage.chapters.summary();
    let total = seconds(begun.elapsed());
    (stage.say)(&format!("Done in {total}. Full log: {}", log.display()));
    for line in summary {
        (stage.say)(&line);
    }
    Ok(())
}

/// The chapters between preparation and teardown.
async fn play(stage: &mut Stage<'_>, prepared: &Prepared) -> Result<Images, LocalError> {
    configure(stage).await?;
    let mut images = Images {
        base: bake_base(stage, prepared).await?,
        ..Images::default()
    };
    bake_hostclasses(stage, &mut images).await?;
    spin_up(stage).await?;
    look(stage, "Look at what runs").await?;
    let zone = prepared.domain.as_str();
    stage
        .run(Desk, "disco_route53", &["list-records", "--zone", zone])
        .await?;
    change(stage, &mut images).await?;
    deploy(stage).await?;
    look(
        stage,
        "Look again: another group, another image, the new page",
    )
    .await?;
    chaos(stage).await?;
    Ok(images)
}

/// A copy of the configuration, made fit for local hosts.
async fn configure(stage: &mut Stage<'_>) -> Result<(), LocalError> {
    stage.chapter("Copy the configuration, and set what local hosts need");
    let (target, parts) = (
        stage.config.display().to_string(),
        setting::parts(&stage.demo.config),
    );
    let mut args = vec!["-a"];
    args.extend(parts.iter().map(String::as_str));
    args.push(&target);
    stage.run(Desk, "cp", &args).await?;
    stage.note(&format!("$ cd {target}"));
    let mut args = vec!["-i"];
    for edit in &EDITS {
        args.extend(["-e", edit]);
    }
    args.push("config/disco_aws.ini");
    stage.run(Desk, "sed", &args).await?;
    // Local hosts share the programs of this machine, so the acfg1 that is here runs there.
    let own = stage.demo.tools.join("acfg1").display().to_string();
    let args = ["-D", &own, "dist/asiaq/bin/acfg1.py"];
    stage.run(Desk, "install", &args).await?;
    stage.note(
        "$ eval \"$(ssh-agent)\"     # bakes load the keys of the credential bucket into it\n",
    );
    Ok(())
}

async fn bake_base(stage: &mut Stage<'_>, prepared: &Prepared) -> Result<String, LocalError> {
    stage.chapter("Create the environment in which images are baked");
    let args = ["create", "--name", BUILD, "--type", BUILD];
    stage.run(Desk, "disco_vpc_ui", &args).await?;
    stage.chapter("Bake, phase 1: a base image from the vendor's");
    let vendor = prepared.vendor.as_str();
    let args = ["bake", "--use-local-ip", "--source-ami", vendor];
    let said = stage.run(Office, "disco_bake", &args).await?;
    let base = image_of(&said, BASE)?;
    promote(stage, &base).await?;
    Ok(base)
}

/// Two hostclasses at the same time.
async fn bake_hostclasses(stage: &mut Stage<'_>, images: &mut Images) -> Result<(), LocalError> {
    stage.chapter("Bake, phase 2: the images of two hostclasses, at the same time");
    let args = [
        "bake",
        "--use-local-ip",
        "--hostclass",
        WEB,
        "--hostclass",
        OTHER,
        "--parallel",
        "2",
    ];
    let said = stage.run(Office, "disco_bake", &args).await?;
    images.web = image_of(&said, WEB)?;
    images.other = image_of(&said, OTHER)?;
    promote(stage, &images.web).await?;
    promote(stage, &images.other).await?;
    stage.run(Desk, "disco_bake", &["listamis"]).await.map(drop)
}

async fn promote(stage: &mut Stage<'_>, image: &str) -> Result<(), LocalError> {
    let args = ["promote", "--ami", image, "--stage", "tested"];
    stage.run(Desk, "disco_bake", &args).await.map(drop)
}

async fn spin_up(stage: &mut Stage<'_>) -> Result<(), LocalError> {
    stage.chapter("Create the environment of the service");
    let args = ["create", "--name", SCENE.env, "--type", SCENE.env_type];
    stage.run(Desk, "disco_vpc_ui", &args).await?;
    stage.chapter("Spin up its pipeline: hosts boot, and must pass their smoke tests");
    let args = ["--env", SCENE.env, "spinup", "--pipeline", SCENE.pipeline];
    stage.run(Desk, "disco_aws", &args).await.map(drop)
}

/// Hosts, groups, balancers, and the page as the hosts serve it.
async fn look(stage: &mut Stage<'_>, title: &'static str) -> Result<(), LocalError> {
    stage.chapter(title);
    let args = [
        "--env",
        SCENE.env,
        "listhosts",
        "--state",
        "--private-ip",
        "--ami",
    ];
    stage.run(Desk, "disco_aws", &args).await?;
    let args = ["--env", SCENE.env, "listgroups"];
    stage.run(Desk, "disco_autoscale", &args).await?;
    stage
        .run(Desk, "disco_elb", &["--env", SCENE.env, "list"])
        .await?;
    let show = format!("echo $(hostname) is $(cat /opt/wgen/etc/hostclass): $({SHOW_PAGE})");
    let args = [
        "--env",
        SCENE.env,
        "exec",
        "--hostclass",
        WEB,
        "--user",
        USER,
        "--command",
        &show,
    ];
    stage.run(Office, "disco_aws", &args).await.map(drop)
}

/// An edit, and a bake of what it concerns.
async fn change(stage: &mut Stage<'_>, images: &mut Images) -> Result<(), LocalError> {
    stage.chapter("Change the page, and bake what that concerns");
    stage.run(Desk, "sed", &["-i", EDIT, PAGE]).await?;
    let args = ["bake", "--use-local-ip", "--pipeline", SCENE.pipeline];
    let said = stage.run(Office, "disco_bake", &args).await?;
    images.new_web = image_of(&said, WEB)?;
    Ok(())
}

/// The image is tested beside the running group, then takes its place.
async fn deploy(stage: &mut Stage<'_>) -> Result<(), LocalError> {
    let there = ["--pipeline", SCENE.pipeline, "--environment", SCENE.env];
    stage.chapter("Test the new image beside the running group; production keeps its hosts");
    let args = [&["list", "--testable"], &there[..]].concat();
    stage.run(Desk, "disco_deploy", &args).await?;
    let args = [
        &["test"],
        &there[..],
        &["--hostclass", WEB, "--deployable", "no"],
    ]
    .concat();
    stage.run(Office, "disco_deploy", &args).await?;
    stage.chapter(
        "Deploy it, blue/green: a new group takes over the load balancer, the old one goes",
    );
    let args = [&["update"], &there[..], &["--hostclass", WEB]].concat();
    let dry = [&args[..], &["--dry-run"]].concat();
    stage.run(Office, "disco_deploy", &dry).await?;
    stage.run(Office, "disco_deploy", &args).await.map(drop)
}

/// Half of the hosts are killed; their group replaces them.
async fn chaos(stage: &mut Stage<'_>) -> Result<(), LocalError> {
    stage.chapter("Chaos: hosts are killed at random, their group replaces them");
    let list = ["--env", SCENE.env, "listhosts", "--hostclass", WEB];
    let before = stage.hosts(&list).await?;
    let args = [
        "--env",
        SCENE.env,
        "--level",
        "100",
        "--retainage",
        "50",
        "--hostclass",
        WEB,
    ];
    stage.run(Desk, "disco_chaos", &args).await?;
    let successor = stage.successor(&list, &before).await?;
    let args = ["--env", SCENE.env, "isready", "--instance", &successor];
    stage.until("disco_aws", &args).await.map(drop)
}

/// What removes everything that the story made: hosts with groups and balancers, images, environments.
fn teardown() -> Vec<(&'static str, Vec<&'static str>)> {
    vec![
        (
            "disco_aws",
            vec!["--env", SCENE.env, "spindown", "--pipeline", SCENE.pipeline],
        ),
        (
            "disco_bake",
            vec![
                "cleanupamis",
                "--stage",
                "tested",
                "--keep",
                "0",
                "--age",
                "0",
            ],
        ),
        ("disco_vpc_ui", vec!["destroy", "--name", SCENE.env]),
        ("disco_vpc_ui", vec!["destroy", "--name", BUILD]),
    ]
}

/// What to do with what was kept.
fn kept(stage: &mut Stage<'_>, images: &Images) {
    stage.chapter("Everything stays up: look around");
    let Images {
        base,
        web,
        other,
        new_web,
    } = images;
    stage.note(&format!(
        "images: base {base}, {OTHER} {other}, {WEB} {web} and, in service, {new_web}"
    ));
    stage.note(&format!("$ cd {}", stage.config.display()));
    stage.note("$ eval \"$(asiaq local env)\"; eval \"$(ssh-agent)\"; export ASIAQ_CONFIG=.");
    stage.note(&format!(
        "$ {}",
        typed(
            Office,
            "disco_ssh",
            &["--env", SCENE.env, "--first", "-u", USER, WEB]
        )
    ));
    stage.note("Take it down:");
    for (program, args) in teardown() {
        stage.note(&format!("$ {}", typed(Desk, program, &args)));
    }
    stage.note("$ asiaq local down\n");
}

/// The image that a bake says it has made of a hostclass.
fn image_of(lines: &[String], hostclass: &str) -> Result<String, LocalError> {
    let found = lines.iter().find_map(|line| {
        let rest = line.trim().strip_prefix("Created ")?;
        let (name, id) = rest.split_once(" AMI ")?;
        let ours = name.split_whitespace().next() == Some(hostclass);
        ours.then(|| id.trim().to_owned())
    });
    found.ok_or_else(|| LocalError::DemoConfig {
        problem: format!("no image of {hostclass} was baked"),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn images_are_read_from_what_bakes_say() {
        let lines = [
            "Created mhcx 1700000000 AMI ami-1",
            "Created mhchello 1700000001 AMI ami-2",
        ];
        let lines = lines.map(str::to_owned);
        assert_eq!(image_of(&lines, "mhchello").unwrap(), "ami-2");
        assert_eq!(image_of(&lines, "mhcx").unwrap(), "ami-1");
        let missing = image_of(&lines, "mhc").unwrap_err().to_string();
        assert!(missing.ends_with("no image of mhc was baked"), "{missing}");
    }
}
