//! `spinup` of hostclasses on Elastigroups, against AWS and a stand-in for Spotinst: which service runs the group, what is sent,
//! and what happens if Spotinst fails.

use std::time::Duration;

use aws_sdk_ec2::types::{InstanceType, ResourceType, Tag, TagSpecification};
use serde_json::{Value, json};

use super::balancers::Balanced;
use super::{OWNER, World, changing};
use crate::support::proxy::{Behaviour, Proxy};
use crate::support::spotinst::{Fault, Fleet, HTML, INTERNAL, Operation, SpotinstServer, TOO_MANY};
use crate::support::{Asiaq, Output, asiaq};

const HEADER: &str = "sequence,hostclass,min_size,desired_size,max_size,instance_type,spotinst,spotinst_reserve,smoke_test";

/// The environment with a stand-in for Spotinst.
struct Spot {
    world: World,
    server: SpotinstServer,
}

impl Spot {
    fn new() -> Self {
        Self {
            world: World::new(),
            server: SpotinstServer::start(),
        }
    }

    fn with_token(&self, tool: Asiaq) -> Asiaq {
        let variables = self.server.variables();
        variables
            .iter()
            .fold(tool, |tool, (name, value)| tool.env(name, value))
    }

    fn row(&self, row: &str) -> String {
        self.world
            .pipeline("spot.csv", &format!("{HEADER}\n{row}\n"))
    }

    fn spinup_at(&self, url: &str, file: &str) -> Output {
        let tool = self.world.tool_at(url, &["spinup", "--pipeline", file]);
        self.with_token(tool).run()
    }

    fn spinup(&self, file: &str) -> Output {
        self.spinup_at(self.world.cloud.url(), file)
    }

    /// Groups of `mhcapp` that live: in AWS and at Spotinst.
    fn live(&self) -> (usize, usize) {
        let own = |name: &str| name.starts_with("ci_mhcapp_");
        let asg = self.world.groups();
        let asg = asg.iter().filter(|group| own(super::name_of(group)));
        let spot = self.server.groups();
        let spot = spot
            .iter()
            .filter(|group| own(group["name"].as_str().unwrap()));
        (asg.count(), spot.count())
    }
}

/// Starts real instances in the local cloud, tagged as Spotinst tags them. It has a client of its own: it is called on another
/// thread.
struct Launcher {
    client: aws_sdk_ec2::Client,
}

impl Fleet for Launcher {
    fn launch(&mut self, group: &Value, count: usize) -> Vec<String> {
        let launch = &group["compute"]["launchSpecification"];
        let tags = launch["tags"].as_array().unwrap().iter().map(|tag| {
            Tag::builder()
                .key(tag["tagKey"].as_str().unwrap())
                .value(tag["tagValue"].as_str().unwrap())
                .build()
        });
        // The host passes its smoke test at once.
        let passed = Tag::builder().key("smoketest").value("ok").build();
        let spec = TagSpecification::builder()
            .resource_type(ResourceType::Instance)
            .set_tags(Some(tags.chain([passed]).collect()))
            .build();
        let zone = &group["compute"]["availabilityZones"][0];
        let call = self
            .client
            .run_instances()
            .image_id(launch["imageId"].as_str().unwrap())
            .instance_type(InstanceType::T2Micro)
            .subnet_id(zone["subnetIds"][0].as_str().unwrap())
            .min_count(i32::try_from(count).unwrap())
            .max_count(i32::try_from(count).unwrap())
            .tag_specifications(spec);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let made = runtime.block_on(call.send()).unwrap();
        let ids = made.instances.unwrap_or_default().into_iter();
        ids.map(|instance| instance.instance_id.unwrap()).collect()
    }

    fn terminate(&mut self, _: &[String]) {}
}

#[test]
fn a_row_with_spotinst_creates_the_document_of_the_spec() {
    let spot = Spot::new();
    let file = spot.row("1,mhcapp,1,2,4, m4.large : c4.large:,yes,25%,no");
    spot.spinup(&file).expect_status(0);
    assert_eq!(spot.live(), (0, 1));
    assert_eq!(spot.world.templates(), []);
    let calls = spot.server.calls_of(Operation::Create);
    assert_eq!(calls.len(), 1);
    let group = &calls[0].body["group"];
    let name = group["name"].as_str().unwrap();
    assert_eq!(
        group["description"],
        json!(format!("Spotinst elastigroup: {name}"))
    );
    let windows: Vec<String> = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
        .iter()
        .map(|day| format!("{day}:10:00-{day}:11:00"))
        .collect();
    assert_eq!(
        group["strategy"],
        json!({
            "availabilityVsCost": "equalAzDistribution",
            "utilizeReservedInstances": true,
            "fallbackToOd": true,
            "revertToSpot": {"performAt": "timeWindow", "timeWindows": windows},
            "risk": 75,
            "onDemandCount": null,
        })
    );
    assert_eq!(
        group["capacity"],
        json!({"minimum": 1, "maximum": 4, "target": 2, "unit": "instance"})
    );
    let compute = &group["compute"];
    assert_eq!(compute["product"], json!("Linux/UNIX"));
    assert_eq!(
        compute["instanceTypes"],
        json!({"ondemand": "m4.large", "spot": ["m4.large", "c4.large"]})
    );
    let zones = compute["availabilityZones"].as_array().unwrap();
    let mut subnets: Vec<&str> = zones
        .iter()
        .flat_map(|zone| zone["subnetIds"].as_array().unwrap())
        .map(|id| id.as_str().unwrap())
        .collect();
    subnets.sort_unstable();
    let wanted = spot.world.subnets("intranet");
    assert_eq!(
        subnets,
        wanted.keys().map(String::as_str).collect::<Vec<_>>()
    );
    let launch = &compute["launchSpecification"];
    assert_eq!(launch["imageId"], json!(spot.world.images["mhcapp"]));
    assert_eq!(
        launch["securityGroupIds"],
        json!([spot.world.security_group("intranet")])
    );
    assert_eq!(launch["ebsOptimized"], json!(true), "both types are");
    for absent in [
        "loadBalancersConfig",
        "keyPair",
        "networkInterfaces",
        "blockDeviceMappings",
        "iamRole",
    ] {
        assert_eq!(
            launch.get(absent),
            Some(&Value::Null),
            "{absent} is sent as null"
        );
    }
    let tags = launch["tags"].as_array().unwrap();
    let tag = |key: &str| {
        let own = tags.iter().find(|tag| tag["tagKey"] == json!(key));
        own.map(|tag| tag["tagValue"].as_str().unwrap())
    };
    for (key, value) in [
        ("hostclass", "mhcapp"),
        ("environment", "ci"),
        ("owner", OWNER),
        ("is_testing", "0"),
        ("group_name", name),
        ("spotinst", "True"),
    ] {
        assert_eq!(tag(key), Some(value), "{key}");
    }
    let data = super::decode_base64(launch["userData"].as_str().unwrap());
    assert!(data.ends_with("is_spotinst=\"1\""), "{data}");
}

#[test]
fn an_update_puts_what_differs_and_a_second_run_nothing() {
    let spot = Spot::new();
    spot.spinup(&spot.row("1,mhcapp,1,2,4,m4.large:c4.large,yes,25%,no"))
        .expect_status(0);
    let puts = || spot.server.calls_of(Operation::Update);
    let again = |row: &str| {
        let before = puts().len();
        let proxy = Proxy::start(spot.world.cloud.url(), Behaviour::new());
        spot.spinup_at(proxy.url(), &spot.row(row)).expect_status(0);
        assert_eq!(changing(&proxy), [""; 0], "{row}");
        let new: Vec<Value> = puts()
            .split_off(before)
            .into_iter()
            .map(|call| call.body)
            .collect();
        new
    };
    assert_eq!(
        again("1,mhcapp,1,2,4,m4.large:c4.large,yes,25%,no"),
        [Value::Null; 0]
    );
    assert_eq!(
        again("1,mhcapp,,,,,yes,25%,no"),
        [Value::Null; 0],
        "without types it keeps its own"
    );
    assert_eq!(
        again("1,mhcapp,,3,,,yes,25%,no"),
        [json!({"group": {"capacity": {"target": 3}}})]
    );
    assert_eq!(
        again("1,mhcapp,,3,,,yes,2,no"),
        [json!({"group": {"strategy": {"risk": null, "onDemandCount": 2}}})]
    );
    assert_eq!(
        again("1,mhcapp,,3,,,yes,,no"),
        [json!({"group": {"strategy": {"risk": 100, "onDemandCount": null}}})],
        "a blank reserve is one too"
    );
    assert_eq!(
        again("1,mhcapp,,3,,m4.large,yes,,no"),
        [
            json!({"group": {"compute": {"instanceTypes": {"ondemand": "m4.large", "spot": ["m4.large"]}}}})
        ]
    );
    assert_eq!(spot.live(), (0, 1));
}

#[test]
fn a_second_row_of_a_hostclass_leaves_the_elastigroup_what_the_first_made_it() {
    let spot = Spot::new();
    let file = spot.row("1,mhcapp,0,0,1,m4.large:c4.large,yes,,no\n2,mhcapp,,,3,,,,no");
    spot.spinup(&file).expect_status(0);
    assert_eq!(spot.live(), (0, 1));
    let updates = spot.server.calls_of(Operation::Update);
    let updates: Vec<Value> = updates.into_iter().map(|call| call.body).collect();
    assert_eq!(updates, [json!({"group": {"capacity": {"maximum": 3}}})]);
}

#[test]
fn a_balancer_is_part_of_the_new_document() {
    let own = Balanced::new("elb = yes\nelb_health_check_url = /ok\nspotinst = yes");
    let server = SpotinstServer::start();
    let run = |args: &[&str]| {
        let tool = own.world.tool_at(own.world.cloud.url(), args);
        let variables = server.variables();
        let tool = variables
            .iter()
            .fold(tool, |tool, (name, value)| tool.env(name, value));
        tool.run().expect_status(0)
    };
    run(&["spinup", "--pipeline", &own.file]);
    let found = own.classic();
    let name = found[0].load_balancer_name().unwrap();
    let attached = || {
        let group = &server.groups()[0];
        group["compute"]["launchSpecification"]["loadBalancersConfig"]["loadBalancers"].clone()
    };
    assert_eq!(attached(), json!([{"name": name, "type": "CLASSIC"}]));
    let puts = server.calls_of(Operation::Update).len();
    run(&["spinup", "--pipeline", &own.file]);
    assert_eq!(server.calls_of(Operation::Update).len(), puts);
    own.configure("spotinst = yes");
    run(&["spinup", "--pipeline", &own.file]);
    assert_eq!(own.classic(), []);
    assert!(
        attached().as_array().is_none_or(Vec::is_empty),
        "{}",
        attached()
    );
}

#[test]
fn provisioning_never_migrates_and_deleting_first_does() {
    let spot = Spot::new();
    let (asg, elastic) = (
        "1,mhcapp,,1,,t2.micro,,,no",
        "1,mhcapp,,1,,t2.micro,yes,,no",
    );
    let delete = || {
        let tool = asiaq("disco_autoscale")
            .endpoint(spot.world.cloud.url())
            .config(spot.world.config.path())
            .args(["deletegroup", "--hostclass", "mhcapp", "--force"]);
        spot.with_token(tool).run().expect_status(0);
        assert_eq!(spot.live(), (0, 0));
    };
    spot.spinup(&spot.row(asg)).expect_status(0);
    assert_eq!(spot.live(), (1, 0));
    spot.spinup(&spot.row(elastic)).expect_status(0);
    assert_eq!(spot.live(), (1, 0), "the group stays what it is");
    let data = spot.world.user_data("mhcapp");
    assert!(
        data.contains(&"is_spotinst=\"0\"".to_owned()),
        "the kind that is used: {data:?}"
    );
    delete();
    spot.spinup(&spot.row(elastic)).expect_status(0);
    assert_eq!(spot.live(), (0, 1));
    spot.spinup(&spot.row(asg)).expect_status(0);
    assert_eq!(spot.live(), (0, 1), "the group stays what it is");
    delete();
    spot.spinup(&spot.row(asg)).expect_status(0);
    assert_eq!(spot.live(), (1, 0));
}

#[test]
fn without_token_every_row_is_reported_and_nothing_is_changed() {
    let world = World::new();
    let file = world.pipeline(
        "spot.csv",
        "sequence,hostclass,spotinst\n1,mhcapp,yes\n1,mhcproxy,\n2,mhcdb,yes\n",
    );
    let (output, proxy) = world.watch(&["spinup", "--pipeline", &file]);
    let stderr = output.expect_status(1).stderr;
    for text in [
        "spot.csv:2: spotinst: ",
        "spot.csv:4: spotinst: ",
        "SPOTINST_TOKEN",
    ] {
        assert!(stderr.contains(text), "`{text}` in\n{stderr}");
    }
    assert_eq!(changing(&proxy), [""; 0]);
    world.assert_nothing_provisioned();
}

#[test]
fn whatever_spotinst_answers_there_is_one_group_in_the_end() {
    let refused = Fault::Answer(
        401,
        r#"{"response":{"errors":[{"code":"Unauthorized","message":"no"}]}}"#,
    );
    let table: [(&str, Vec<Fault>, i32); 6] = [
        ("too many requests", vec![TOO_MANY], 0),
        ("reset", vec![Fault::Reset], 0),
        ("done, and reset", vec![Fault::DoneReset], 0),
        ("internal", vec![INTERNAL], 1),
        ("html", vec![HTML], 1),
        ("not authorised", vec![refused], 1),
    ];
    for (what, faults, status) in table {
        let spot = Spot::new();
        let file = spot.row("1,mhcapp,,1,,t2.micro,yes,,no");
        spot.server.fail(Operation::Create, &faults);
        let first = spot.spinup(&file);
        assert_eq!(first.status, status, "{what}: {}", first.stderr);
        if status != 0 {
            assert!(
                first.stderr.contains("error: ") && first.stderr.contains("mhcapp"),
                "{what}: {}",
                first.stderr
            );
            assert_eq!(spot.live(), (0, 0), "{what}");
        }
        spot.spinup(&file).expect_status(0);
        assert_eq!(spot.live(), (0, 1), "{what}");
    }
}

#[test]
fn a_listing_that_spotinst_refuses_stops_the_spinup_before_any_change() {
    let spot = Spot::new();
    let file = spot.row("1,mhcapp,,1,,t2.micro,yes,,no");
    spot.server.fail(Operation::List, &[INTERNAL]);
    let proxy = Proxy::start(spot.world.cloud.url(), Behaviour::new());
    let stderr = spot.spinup_at(proxy.url(), &file).expect_status(1).stderr;
    assert!(
        stderr.contains("error: ") && stderr.contains("500"),
        "{stderr}"
    );
    assert_eq!(changing(&proxy), [""; 0]);
    assert_eq!(spot.live(), (0, 0));
}

#[test]
fn hosts_of_an_elastigroup_are_waited_for_tested_and_selected() {
    let spot = Spot::new();
    spot.server.launch_with(Launcher {
        client: spot.world.cloud.client(),
    });
    let file = spot.row("1,mhcapp,1,2,2,t2.micro,yes,,yes");
    let output = spot.spinup(&file).expect_status(0);
    assert!(
        output.stderr.contains("Smoke tested 2 host[s] in "),
        "{}",
        output.stderr
    );
    let group = spot.server.groups()[0]["name"].as_str().unwrap().to_owned();
    let stopped = spot
        .world
        .run(&["stop", "--asg", &group])
        .expect_status(0)
        .stdout;
    assert_eq!(stopped.matches("Instance:").count(), 2, "{stopped}");
    let none = spot
        .world
        .run(&["stop", "--asg", "ci_mhcapp_1"])
        .expect_status(0)
        .stdout;
    assert_eq!(none.matches("Instance:").count(), 0, "{none}");
}

#[test]
fn a_late_answer_makes_no_second_group() {
    let spot = Spot::new();
    let file = spot.row("1,mhcapp,,1,,t2.micro,yes,,no");
    spot.server.fail(
        Operation::Create,
        &[Fault::DoneLate(Duration::from_millis(300))],
    );
    spot.spinup(&file).expect_status(0);
    assert_eq!(spot.live(), (0, 1));
}
