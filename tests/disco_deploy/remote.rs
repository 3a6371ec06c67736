//! Integration tests and leaving testing mode during a deployment, by SSM and by ssh. SSM is a stand-in, because moto does not
//! run commands; ssh is a script on PATH, because hosts of moto have no sshd. Real ones: `hosts/deploy.rs`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::OnceLock;

use super::bed::Bed;
use crate::disco_ssm::stand_in::{Script, StandIn};
use crate::support::{Asiaq, Output};
use aws_sdk_ec2::types::{ResourceType, Tag, TagSpecification};
use serde_json::json;
use tempfile::TempDir;

const PIPELINE: &str = "\
hostclass,desired_size,deployable,integration_test,instance_type
mhcapp,2,yes,app all,t2.micro
";

/// A bed with an untested image, a host that runs tests, and others that do not.
struct Lab {
    bed: Bed,
    ami: String,
    tester: String,
    file: String,
}

impl Lab {
    fn new(config: &str) -> Self {
        let bed = Bed::new();
        let test = "[test]\nhostclass=mhctester\ncommand=/opt/run_tests.sh -v\nuser=tester\n";
        bed.configure(&format!("{test}{config}"));
        let ami = bed.image("mhcapp", 1_700_000_000, "untested");
        let file = bed.pipeline(PIPELINE);
        let other = bed.image("mhctester", 1_700_000_000, "tested");
        let passed = [("hostclass", "mhctester"), ("smoketest", "100")];
        let gone = bed.instance(&other, &passed);
        bed.terminate(&[gone]);
        bed.instance(&other, &[("hostclass", "mhctester2"), ("smoketest", "100")]);
        let tester = bed.instance(&other, &passed);
        Self {
            bed,
            ami,
            tester,
            file,
        }
    }

    fn tool(&self) -> Asiaq {
        let args = ["test", "--pipeline", &self.file];
        self.bed.tool_at(self.bed.cloud.url(), &args)
    }

    fn by_ssm(&self, ssm: &StandIn) -> Output {
        let _healthy = self.bed.healthy(&[&self.ami]);
        self.tool().env("AWS_ENDPOINT_URL_SSM", &ssm.url()).run()
    }

    /// Nothing is left of a deployment that failed.
    #[track_caller]
    fn assert_gone(&self, stage: &str) {
        assert_eq!(self.bed.group_names(), [""; 0]);
        assert_eq!(self.bed.templates(), [""; 0]);
        assert_eq!(self.bed.stage(&self.ami).as_deref(), Some(stage));
    }
}

const DOCUMENTS: &str = "ssm_doc_integration_tests=run-tests\nssm_doc_testing_mode=testing-mode\n";

#[test]
fn tests_and_testing_mode_by_ssm() {
    let lab = Lab::new(DOCUMENTS);
    let ssm = StandIn::start(Script {
        in_vain: 1,
        per_look: 1,
        ..Script::default()
    });
    let output = lab.by_ssm(&ssm).expect_status(0);
    assert_eq!(lab.bed.stage(&lab.ami).as_deref(), Some("tested"));
    let groups = lab.bed.group_names();
    assert_eq!(groups.len(), 1, "{groups:?}");
    let mut hosts = lab.bed.hosts_of(&groups[0]);
    hosts.sort();
    let sent = ssm.calls("SendCommand");
    let [test, mode] = &sent[..] else {
        panic!("{sent:?}");
    };
    assert_eq!(test["DocumentName"], "run-tests");
    assert_eq!(test["Comment"], "Asiaq Deploy is running integration tests");
    assert_eq!(test["InstanceIds"], json!([lab.tester]));
    assert_eq!(
        test["Parameters"],
        json!({"command": ["/opt/run_tests.sh -v"], "test": ["app all"], "user": ["tester"]})
    );
    assert_eq!(mode["DocumentName"], "testing-mode");
    assert_eq!(mode["Comment"], "Asiaq Deploy is toggling testing mode");
    assert_eq!(mode["Parameters"], json!({"mode": ["off"]}));
    let mut ids: Vec<String> = serde_json::from_value(mode["InstanceIds"].clone()).unwrap();
    ids.sort();
    assert_eq!(ids, hosts);
    let first = format!(
        "Output for instance: {0}\nPlugin: step\n\n\nSTDOUT:\nhello from {0}\n\n\nSTDERR:\n-\n\n\nExit Code: 0\n",
        lab.tester
    );
    assert!(output.stdout.starts_with(&first), "{}", output.stdout);
    assert_eq!(output.stdout.matches("Output for instance: ").count(), 3);
    assert!(
        output
            .stderr
            .contains("running integration test app all on mhctester")
    );
}

#[test]
fn a_test_that_fails_by_ssm() {
    let lab = Lab::new(DOCUMENTS);
    let ssm = StandIn::start(Script {
        status: |_| "Failed",
        ..Script::default()
    });
    let output = lab.by_ssm(&ssm).expect_status(1);
    assert!(
        output.stderr.contains("AMI integration test failed."),
        "{}",
        output.stderr
    );
    assert_eq!(ssm.calls("SendCommand").len(), 1);
    lab.assert_gone("failed");
}

/// Output that cannot be had is no failure.
#[test]
fn only_the_status_counts() {
    let lab = Lab::new(DOCUMENTS);
    let denied = |operation| (operation, 400, "AccessDeniedException", usize::MAX);
    let ssm = StandIn::start(Script {
        refusals: vec![
            denied("ListCommandInvocations"),
            denied("GetCommandInvocation"),
        ],
        ..Script::default()
    });
    lab.by_ssm(&ssm).expect_status(0);
    assert_eq!(lab.bed.stage(&lab.ami).as_deref(), Some("tested"));
}

static TESTER: OnceLock<String> = OnceLock::new();

#[test]
fn hosts_that_do_not_leave_testing_mode() {
    let lab = Lab::new(DOCUMENTS);
    TESTER.set(lab.tester.clone()).unwrap();
    let ssm = StandIn::start(Script {
        status: |id| match TESTER.get() {
            Some(tester) if tester == id => "Success",
            _ => "Failed",
        },
        ..Script::default()
    });
    let stderr = lab.by_ssm(&ssm).expect_status(1).stderr;
    assert!(
        stderr.contains("Unable to exit testing mode for group ci_mhcapp_"),
        "{stderr}"
    );
    lab.assert_gone("tested");
}

#[test]
fn without_a_test_host_the_stage_stays() {
    let lab = Lab::new(DOCUMENTS);
    let stopped = lab
        .bed
        .cloud
        .client()
        .stop_instances()
        .instance_ids(&lab.tester);
    lab.bed.cloud.wait(stopped.send()).unwrap();
    let ssm = StandIn::start(Script::default());
    let stderr = lab.by_ssm(&ssm).expect_status(1).stderr;
    assert!(stderr.contains("Unable to find test host"), "{stderr}");
    assert!(stderr.contains("AMI integration test failed."), "{stderr}");
    assert!(ssm.calls("SendCommand").is_empty());
    lab.assert_gone("untested");
}

#[test]
fn test_hosts_of_another_environment() {
    let lab = Lab::new(&format!("env=lab\n{DOCUMENTS}"));
    let ec2 = lab.bed.cloud.client();
    let tags = |kind, pairs: &[(&str, &str)]| {
        let tag = |(key, value): &(&str, &str)| Tag::builder().key(*key).value(*value).build();
        TagSpecification::builder()
            .resource_type(kind)
            .set_tags(Some(pairs.iter().map(tag).collect()))
            .build()
    };
    let call = ec2.create_vpc().cidr_block("10.99.0.0/16");
    let call = call.tag_specifications(tags(ResourceType::Vpc, &[("Name", "lab")]));
    let vpc = lab.bed.cloud.wait(call.send()).unwrap().vpc.unwrap();
    let call = ec2.create_subnet().cidr_block("10.99.0.0/24");
    let subnet = lab.bed.cloud.wait(call.vpc_id(vpc.vpc_id.unwrap()).send());
    let subnet = subnet.unwrap().subnet.unwrap().subnet_id.unwrap();
    let pairs = [("hostclass", "mhctester"), ("smoketest", "100")];
    let call = ec2.run_instances().image_id(&lab.ami).subnet_id(subnet);
    let call = call.min_count(1).max_count(1);
    let call = call.tag_specifications(tags(ResourceType::Instance, &pairs));
    let made = lab.bed.cloud.wait(call.send()).unwrap();
    let elsewhere = made.instances()[0].instance_id().unwrap();
    let ssm = StandIn::start(Script::default());
    lab.by_ssm(&ssm).expect_status(0);
    assert_eq!(
        ssm.calls("SendCommand")[0]["InstanceIds"],
        json!([elsewhere])
    );
}

/// A program `ssh` that logs what it is called with, prints the remote command, and exits as files say.
struct Ssh {
    directory: TempDir,
}

impl Ssh {
    fn new(test: u8, mode: u8) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("ssh");
        let here = directory.path().display();
        let script = format!(
            "#!/bin/sh\n\
             for last; do :; done\n\
             echo \"$*\" >>'{here}/log'\n\
             echo \"ran: $last\"\n\
             case \"$last\" in *testing_mode*) exit {mode};; *) exit {test};; esac\n"
        );
        fs::write(&path, script).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        Self { directory }
    }

    fn log(&self) -> Vec<String> {
        let text = fs::read_to_string(self.directory.path().join("log")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// Deploys with this ssh. Where nothing answers at the addresses of hosts, it goes through a jump host.
    fn run(&self, lab: &Lab) -> Output {
        let bed = &lab.bed;
        bed.config.edit(
            "disco_aws.ini",
            "[disco_aws]\n",
            "[disco_aws]\njump_box_hostclasses = mhcjump\n",
        );
        let jump = bed.instance(&lab.ami, &[("hostclass", "mhcjump")]);
        bed.tag(&[jump], "smoketest", "100");
        let path = std::env::var("PATH").unwrap();
        let path = format!("{}:{path}", self.directory.path().display());
        let _healthy = bed.healthy(&[]);
        lab.tool().env("PATH", &path).run()
    }
}

#[test]
fn tests_and_testing_mode_by_ssh() {
    let lab = Lab::new("");
    let ssh = Ssh::new(0, 0);
    let output = ssh.run(&lab).expect_status(0);
    let off = "ran: sudo /etc/asiaq/bin/testing_mode.sh off\n";
    let wanted = format!("ran: /opt/run_tests.sh -v 'app all'\n{off}{off}");
    assert_eq!(output.stdout, wanted);
    assert_eq!(lab.bed.stage(&lab.ami).as_deref(), Some("tested"));
    let log = ssh.log();
    assert_eq!(log.len(), 3);
    let group = &lab.bed.group_names()[0];
    let hosts = lab.bed.hosts_of(group);
    for line in &log {
        assert!(line.contains("-ltester"), "{line}");
        assert!(line.contains("StrictHostKeyChecking=accept-new"), "{line}");
    }
    assert!(
        log[0].contains(&format!("HostKeyAlias={}", lab.tester)),
        "{}",
        log[0]
    );
    for host in hosts {
        let alias = format!("HostKeyAlias={host}");
        assert_eq!(
            log.iter().filter(|line| line.contains(&alias)).count(),
            1,
            "{host}"
        );
    }
}

#[test]
fn a_test_that_fails_by_ssh() {
    let lab = Lab::new("");
    let ssh = Ssh::new(3, 0);
    let output = ssh.run(&lab).expect_status(1);
    assert!(output.stderr.contains("ended with 3"), "{}", output.stderr);
    assert!(
        output.stderr.contains("AMI integration test failed."),
        "{}",
        output.stderr
    );
    lab.assert_gone("failed");
}

/// ssh ends with 255 when it loses the host: that says nothing about the image.
#[test]
fn an_ssh_that_fails_is_no_verdict() {
    let lab = Lab::new("");
    let ssh = Ssh::new(255, 0);
    let output = ssh.run(&lab).expect_status(1);
    let told = format!("on {} ended with 255", lab.tester);
    assert!(output.stderr.contains(&told), "{}", output.stderr);
    let blamed = output.stderr.contains("AMI integration test failed.");
    assert!(!blamed, "{}", output.stderr);
    lab.assert_gone("untested");
}

#[test]
fn every_host_is_told_to_leave_testing_mode() {
    let lab = Lab::new("");
    let ssh = Ssh::new(0, 7);
    let output = ssh.run(&lab).expect_status(1);
    let tried = output.stdout.matches("testing_mode.sh off").count();
    assert_eq!(tried, 2, "{}", output.stdout);
    assert!(
        output.stderr.contains("Unable to exit testing mode"),
        "{}",
        output.stderr
    );
    lab.assert_gone("tested");
}

/// An ssh that does not exist is no verdict on the image.
#[test]
fn without_ssh_the_stage_stays() {
    let lab = Lab::new("");
    let ssh = Ssh::new(0, 0);
    fs::remove_file(PathBuf::from(ssh.directory.path()).join("ssh")).unwrap();
    let _healthy = lab.bed.healthy(&[&lab.ami]);
    let path = ssh.directory.path().display().to_string();
    // Where nothing answers at the address of the test host, that is what is said.
    let output = lab.tool().env("PATH", &path).run().expect_status(1);
    let unreachable = format!("instance {} is not reachable", lab.tester);
    let said = [unreachable.as_str(), "cannot start `ssh`"];
    assert!(
        said.iter().any(|text| output.stderr.contains(text)),
        "{}",
        output.stderr
    );
    lab.assert_gone("untested");
}
