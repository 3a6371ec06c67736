//! Blue/green deployments that go well: what is there before and after, and in which order it came about.

use std::time::{Duration, Instant};

use super::bed::Bed;
use crate::disco_aws::name_of;
use crate::disco_ssm::stand_in::{Script, StandIn};
use crate::support::environment::changing_calls;
use crate::support::proxy::{Behaviour, Proxy};
use crate::support::zone::{records, zone};
use crate::support::{Asiaq, Output};
use asiaq_core::names::balancer_id;

/// A hostclass `mhcapp` that serves, a newer image of it, and whatever its deployment needs.
pub struct Scene {
    pub bed: Bed,
    pub ssm: StandIn,
    /// The image that serves.
    pub good: String,
    /// The untested one.
    pub new: String,
    zone: String,
    file: String,
}

/// Where a hostclass has a balancer.
pub const ELB: &str = "elb = yes";
/// No balancer.
pub const PLAIN: &str = "elb = no";

impl Scene {
    /// `row` holds the cells `deployable` and `integration_test` of the pipeline; `options` are more options of the hostclass;
    /// `ssm` says how commands on hosts end.
    pub fn new(options: &str, row: &str, ssm: Script) -> Self {
        let bed = Bed::new();
        let zone = zone(&bed.cloud, "example.com", false);
        let tests = "test_hostclass = mhctester\ntest_command = /opt/test\ntest_user = tester\n\
            ssm_doc_integration_tests = run-tests\nssm_doc_testing_mode = testing-mode";
        let section = format!("[mhcapp]\n{tests}\n{options}\n");
        bed.config.edit("disco_aws.ini", "[mhcapp]\n", &section);
        let file = bed.pipeline(&format!(
            "sequence,hostclass,desired_size,instance_type,deployable,integration_test\n1,mhcapp,1,t2.micro,{row}\n"
        ));
        let good = bed.image("mhcapp", 1_700_000_100, "tested");
        let new = bed.image("mhcapp", 1_700_000_200, "untested");
        Self {
            bed,
            ssm: StandIn::start(ssm),
            good,
            new,
            zone,
            file,
        }
    }

    /// With a group that serves, which is named too.
    pub fn serving(options: &str, row: &str, ssm: Script) -> (Self, String) {
        let scene = Self::new(options, row, ssm);
        let old = scene.bed.serving("mhcapp", &scene.good, 1, 2);
        (scene, old)
    }

    /// A host that integration tests run on.
    pub fn test_host(&self) -> String {
        let tags = [("hostclass", "mhctester"), ("smoketest", "100")];
        self.bed.instance(&self.good, &tags)
    }

    /// `disco_deploy test` and more words.
    pub fn tool(&self, url: &str, words: &[&str]) -> Asiaq {
        self.bed
            .tool_at(url, &["test", "--pipeline", &self.file])
            .args(words.iter().copied())
            .env("AWS_ENDPOINT_URL_SSM", &self.ssm.url())
    }

    /// Runs it through a proxy.
    pub fn through(&self, behaviour: Behaviour, words: &[&str]) -> (Output, Proxy) {
        let proxy = Proxy::start(self.bed.cloud.url(), behaviour);
        let output = self.tool(proxy.url(), words).run();
        (output, proxy)
    }

    /// Runs it.
    pub fn run(&self, words: &[&str]) -> Output {
        self.tool(self.bed.cloud.url(), words).run()
    }

    /// Names of the classic balancers with their instances.
    pub fn balancers(&self) -> Vec<(String, Vec<String>)> {
        let client = aws_sdk_elasticloadbalancing::Client::new(&self.bed.cloud.sdk());
        let found = self.bed.cloud.wait(client.describe_load_balancers().send());
        let found = found
            .unwrap()
            .load_balancer_descriptions
            .unwrap_or_default();
        let mut all: Vec<(String, Vec<String>)> = found
            .into_iter()
            .map(|own| {
                let ids = own.instances().iter().filter_map(|i| i.instance_id());
                let mut ids: Vec<String> = ids.map(str::to_owned).collect();
                ids.sort();
                (own.load_balancer_name.unwrap_or_default(), ids)
            })
            .collect();
        all.sort();
        all
    }

    /// Everything that serves or could leak, for comparing: groups, templates, hosts, balancers, records, recurring actions.
    pub fn picture(&self) -> Vec<String> {
        let bed = &self.bed;
        let mut lines: Vec<String> = bed
            .groups()
            .iter()
            .map(|group| {
                let name = name_of(group);
                format!(
                    "group {name} {:?} {:?} hosts {:?} behind {:?} {:?} from {:?}",
                    bed.sizes(name),
                    bed.group_tags(name),
                    bed.hosts_of(name),
                    group.load_balancer_names(),
                    group.target_group_arns(),
                    group
                        .launch_template()
                        .map(|own| (own.launch_template_name(), own.version())),
                )
            })
            .collect();
        lines.push(format!("templates {:?}", bed.templates()));
        let hosts: Vec<_> = bed
            .instances()
            .into_iter()
            .map(|own| own.instance_id)
            .collect();
        lines.push(format!("hosts {hosts:?}"));
        lines.push(format!("balancers {:?}", self.balancers()));
        lines.extend(records(&bed.cloud, &self.zone));
        lines
    }

    /// One group serves with this image and nothing else is there; gives its name.
    #[track_caller]
    pub fn assert_serves_alone(&self, image: &str, balanced: bool, at: &str) -> String {
        let bed = &self.bed;
        let names = bed.group_names();
        let [name] = &names[..] else {
            panic!("{at}: groups {names:?}");
        };
        let tags = bed.group_tags(name);
        assert_eq!(
            tags.get("is_testing").map(String::as_str),
            Some("0"),
            "{at}"
        );
        assert_eq!(tags.get("deploy_replaces"), None, "{at}");
        assert_eq!(bed.templates().len(), 1, "{at}: {:?}", bed.templates());
        let hosts = bed.hosts_of(name);
        assert!(!hosts.is_empty(), "{at}: no hosts");
        for host in bed.instances().iter().filter(|own| {
            own.instance_id
                .as_ref()
                .is_some_and(|id| hosts.contains(id))
        }) {
            assert_eq!(host.image_id(), Some(image), "{at}");
            assert_eq!(
                crate::disco_aws::tag_of(host, "is_testing"),
                Some("0"),
                "{at}"
            );
        }
        let balancers = self.balancers();
        if balanced {
            assert_eq!(
                balancers,
                [(balancer_id("ci", "mhcapp", false), hosts)],
                "{at}"
            );
            assert_eq!(records(&bed.cloud, &self.zone).len(), 1, "{at}");
        } else {
            assert_eq!(balancers, [], "{at}");
        }
        name.clone()
    }
}

/// Where the first such call is, by operation and a value of its form.
#[track_caller]
fn at(proxy: &Proxy, operation: &str, value: &str) -> usize {
    let calls = proxy.calls();
    let found = calls.iter().position(|call| {
        call.operation == operation && call.form.iter().any(|(_, own)| own == value)
    });
    found.unwrap_or_else(|| panic!("no {operation} with {value}"))
}

#[test]
fn the_new_group_takes_the_place_of_the_old_one_when_it_is_in_service() {
    let (scene, old) = Scene::serving(ELB, "yes,app_test", Script::default());
    let tester = scene.test_host();
    let _healthy = scene.bed.healthy(&[]);
    let (output, proxy) = scene.through(Behaviour::new(), &[]);
    let output = output.expect_status(0);
    scene.bed.terminate(&[tester]);
    let new = scene.assert_serves_alone(&scene.new, true, "in the end");
    assert_ne!(new, old);
    assert_eq!(scene.bed.sizes(&new), (0, 1, 2), "those of the old group");
    assert_eq!(scene.bed.stage(&scene.new).as_deref(), Some("tested"));

    // The testing balancer comes first and is waited for; the old group goes when the normal one has the new hosts.
    let (normal, testing) = (
        balancer_id("ci", "mhcapp", false),
        balancer_id("ci", "mhcapp", true),
    );
    let order = [
        at(&proxy, "CreateLoadBalancer", &testing),
        at(&proxy, "CreateAutoScalingGroup", &new),
        at(&proxy, "DescribeInstanceHealth", &testing),
        at(&proxy, "AttachLoadBalancers", &normal),
        at(&proxy, "DescribeInstanceHealth", &normal),
        at(&proxy, "DeleteAutoScalingGroup", &old),
        at(&proxy, "DeleteLoadBalancer", &testing),
    ];
    assert!(order.is_sorted(), "{order:?}");
    let scaled = at(&proxy, "UpdateAutoScalingGroup", &old);
    assert!(
        order[4] < scaled && scaled < order[5],
        "{scaled} in {order:?}"
    );
    let sent = scene.ssm.calls("SendCommand");
    let documents: Vec<&str> = sent
        .iter()
        .filter_map(|call| call["DocumentName"].as_str())
        .collect();
    assert_eq!(documents, ["run-tests", "testing-mode"]);

    // Progress by state.
    for line in [
        "[1/10] ",
        "s: make a new group of mhcapp for tests",
        "[4/10] ",
        "s: run integration test app_test in environment ci",
        "[10/10] ",
        "s: remove what was for tests only",
    ] {
        assert!(output.stderr.contains(line), "{line} in\n{}", output.stderr);
    }
}

#[test]
fn what_is_not_deployable_is_tested_and_the_old_group_gets_the_image() {
    let (scene, old) = Scene::serving(ELB, "no,", Script::default());
    let hosts = scene.bed.hosts_of(&old);
    let _healthy = scene.bed.healthy(&[]);
    let output = scene.run(&[]).expect_status(0);
    assert!(
        output
            .stderr
            .contains("mhcapp is not deployable, destroying new autoscaling group"),
        "{}",
        output.stderr
    );
    assert_eq!(scene.bed.group_names(), [old.as_str()]);
    assert_eq!(scene.bed.hosts_of(&old), hosts, "its hosts stay");
    assert_eq!(
        scene.balancers(),
        [(balancer_id("ci", "mhcapp", false), hosts)]
    );
    assert_eq!(scene.bed.templates().len(), 1);
    assert_eq!(scene.bed.stage(&scene.new).as_deref(), Some("tested"));
    let groups = scene.bed.groups();
    let launch = groups[0].launch_template().unwrap();
    let call = scene.bed.cloud.client().describe_launch_template_versions();
    let call = call
        .launch_template_id(launch.launch_template_id().unwrap())
        .versions(launch.version().unwrap());
    let versions = scene.bed.cloud.wait(call.send()).unwrap();
    let data = versions.launch_template_versions()[0]
        .launch_template_data()
        .unwrap();
    assert_eq!(
        data.image_id(),
        Some(scene.new.as_str()),
        "for hosts to come"
    );
    assert_eq!(
        scene.ssm.calls("SendCommand").len(),
        0,
        "nothing leaves testing mode"
    );
}

#[test]
fn the_first_group_of_a_hostclass_stays() {
    let scene = Scene::new(PLAIN, "yes,", Script::default());
    let _healthy = scene.bed.healthy(&[]);
    scene.run(&[]).expect_status(0);
    let name = scene.assert_serves_alone(&scene.new, false, "first");
    assert_eq!(scene.bed.sizes(&name), (0, 1, 1));

    // The same image again, by its id: only hosts of the new group count (D-32).
    let words = ["--ami", scene.new.as_str()];
    scene.run(&words).expect_status(0);
    assert_ne!(scene.assert_serves_alone(&scene.new, false, "again"), name);
}

#[test]
fn a_dry_run_shows_the_way_and_changes_nothing() {
    let (scene, old) = Scene::serving(ELB, "yes,app_test", Script::default());
    let before = scene.picture();
    let (output, proxy) = scene.through(Behaviour::new(), &["--dry-run"]);
    let output = output.expect_status(0);
    assert_eq!(changing_calls(&proxy), [""; 0]);
    assert_eq!(scene.picture(), before);
    for line in [
        "wait until the new hosts pass their smoke tests\n".to_owned(),
        format!("scale down and delete the old group {old}\n"),
    ] {
        assert!(
            output.stdout.contains(&line),
            "{line} in\n{}",
            output.stdout
        );
    }
}

const DENIED: &str = "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>not you</Message></Error>\
    <RequestId>r</RequestId></ErrorResponse>";

/// Policies come after the group.
#[test]
fn a_group_that_is_made_in_part_goes() {
    let (scene, old) = Scene::serving(ELB, "yes,", Script::default());
    let before = scene.picture();
    let behaviour = Behaviour::new().answer("PutScalingPolicy", 403, DENIED);
    let (output, proxy) = scene.through(behaviour, &[]);
    let output = output.expect_status(1);
    assert_eq!(proxy.count("CreateAutoScalingGroup"), 1);
    assert_eq!(scene.picture(), before);
    for text in [
        "Spinning up a new autoscaling group failed".to_owned(),
        format!("is removed; group {old} serves as before"),
    ] {
        assert!(
            output.stderr.contains(&text),
            "{text} in\n{}",
            output.stderr
        );
    }
}

/// Leaving testing mode takes elastic and floating addresses.
#[test]
fn hosts_of_the_old_group_take_their_addresses_back_when_the_new_group_goes() {
    let (scene, old) = Scene::serving(ELB, "yes,", Script::default());
    let hosts = scene.bed.hosts_of(&old);
    let _healthy = scene.bed.healthy(&[]);
    let behaviour = Behaviour::new().answer("AttachLoadBalancers", 403, DENIED);
    let (output, _) = scene.through(behaviour, &[]);
    let output = output.expect_status(1);
    let sent = scene.ssm.calls("SendCommand");
    assert_eq!(sent.len(), 2, "{sent:?}");
    for call in &sent {
        assert_eq!(call["DocumentName"], "testing-mode");
    }
    assert_ne!(sent[0]["InstanceIds"], serde_json::json!(hosts));
    assert_eq!(sent[1]["InstanceIds"], serde_json::json!(hosts));
    let how = format!("`disco_deploy test --ami {}`", scene.new);
    assert!(output.stderr.contains(&how), "{how} in\n{}", output.stderr);
}

/// The old group is scaled up while the new one is tested: it gets as many hosts, and the late one leaves testing mode too.
#[test]
fn hosts_that_come_with_the_admission_leave_testing_mode_too() {
    let (scene, old) = Scene::serving(PLAIN, "yes,", Script::default());
    let running = scene.tool(scene.bed.cloud.url(), &[]).spawn();
    let deadline = Instant::now() + Duration::from_secs(60);
    let new = loop {
        let names = scene.bed.group_names();
        let new = names.into_iter().find(|name| *name != old);
        if let Some(new) = new.filter(|name| !scene.bed.hosts_of(name).is_empty()) {
            break new;
        }
        assert!(Instant::now() < deadline, "no new group");
        std::thread::sleep(Duration::from_millis(20));
    };
    let first = scene.bed.hosts_of(&new);
    let call = scene.bed.cloud.autoscaling().update_auto_scaling_group();
    let call = call.auto_scaling_group_name(&old).desired_capacity(2);
    scene.bed.cloud.wait(call.send()).unwrap();
    let _healthy = scene.bed.healthy(&[]);
    running.wait().expect_status(0);
    assert_eq!(scene.bed.group_names(), [new.as_str()]);
    assert_eq!(scene.bed.sizes(&new), (0, 2, 2));
    let late = scene.bed.hosts_of(&new).into_iter();
    let late: Vec<String> = late.filter(|id| !first.contains(id)).collect();
    assert_eq!(late.len(), 1);
    let sent = scene.ssm.calls("SendCommand");
    assert_eq!(sent.len(), 2, "{sent:?}");
    assert_eq!(sent[0]["InstanceIds"], serde_json::json!(first));
    assert_eq!(sent[1]["InstanceIds"], serde_json::json!(late));
}

/// What a deployment behind a load balancer costs beside its waits: docs/architecture.md names the figures.
#[test]
fn a_deployment_needs_few_round_trips() {
    let (scene, _) = Scene::serving(ELB, "yes,app", Script::default());
    let tester = scene.test_host();
    let _healthy = scene.bed.healthy(&[]);
    let delay = Behaviour::new().delay(Duration::from_millis(50));
    let (output, proxy) = scene.through(delay, &[]);
    output.expect_status(0);
    let (calls, chain) = (proxy.calls().len(), proxy.longest_chain());
    assert!(
        calls <= 150 && chain <= 70,
        "{calls} calls, {chain} deep: {:?}",
        proxy.calls()
    );
    println!("{calls} calls, longest chain {chain}");
    scene.bed.terminate(&[tester]);
    scene.assert_serves_alone(&scene.new, true, "after the deployment");
}
