//! Rolling deployments: the instance refreshes that the local cloud lacks are answered as AWS documents them.

use std::time::Duration;

use asiaq_core::deploy::rolling::deploy;
use asiaq_core::deploy::{Deployment, Strategy};
use asiaq_core::error::{Error, Result};
use aws_sdk_autoscaling::types::LaunchTemplateSpecification;
use serde_json::{Value, json};

use super::groups::{Bed, Launcher, Parts, block_on, make};
use crate::disco_aws::{changing, name_of};
use crate::support::proxy::{Behaviour, Call, Proxy};
use crate::support::spotinst::{Fleet, Operation};

const START: &str = "StartInstanceRefresh";
const LOOK: &str = "DescribeInstanceRefreshes";
const BACK: &str = "RollbackInstanceRefresh";

fn envelope(operation: &str, result: &str) -> String {
    format!(
        r#"<{operation}Response xmlns="http://autoscaling.amazonaws.com/doc/2011-01-01/"><{operation}Result>{result}</{operation}Result><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></{operation}Response>"#
    )
}

/// A listing with one refresh, with the template that it brings if there is one.
fn listing(id: &str, status: &str, percentage: u32, template: Option<&str>) -> String {
    let template = template.map(|id| {
        format!(
            "<DesiredConfiguration><LaunchTemplate><LaunchTemplateId>{id}</LaunchTemplateId><Version>1</Version></LaunchTemplate></DesiredConfiguration>"
        )
    });
    let template = template.unwrap_or_default();
    let reason = "<StatusReason>hosts are ill</StatusReason>";
    envelope(
        LOOK,
        &format!(
            "<InstanceRefreshes><member><InstanceRefreshId>{id}</InstanceRefreshId><AutoScalingGroupName>g</AutoScalingGroupName><Status>{status}</Status>{reason}<PercentageComplete>{percentage}</PercentageComplete>{template}</member></InstanceRefreshes>"
        ),
    )
}

/// AWS that starts and takes back refreshes, and tells of these states one after the other; the last one stays. Before a refresh
/// is started there are none.
fn aws(states: &[(&str, u32)]) -> Behaviour {
    let none = envelope(LOOK, "<InstanceRefreshes></InstanceRefreshes>");
    let id = "<InstanceRefreshId>r-1</InstanceRefreshId>";
    let mut behaviour = Behaviour::new()
        .answer(START, 200, &envelope(START, id))
        .answer(BACK, 200, &envelope(BACK, id))
        .answer_first(LOOK, 200, &none)
        .answer_first(LOOK, 200, &none);
    let (last, first) = states.split_last().unwrap();
    for (status, percentage) in first {
        behaviour = behaviour.answer_first(LOOK, 200, &listing("r-1", status, *percentage, None));
    }
    behaviour.answer(LOOK, 200, &listing("r-1", last.0, last.1, None))
}

fn rolling(bed: &Bed, parts: &Parts) -> Deployment {
    Deployment {
        strategy: Strategy::Rolling,
        ..bed.deployment(parts)
    }
}

fn run(bed: &Bed, proxy: &Proxy) -> (Result<()>, Vec<String>) {
    let parts = bed.parts(proxy.url());
    let deployment = rolling(bed, &parts);
    let outcome = bed.wait(deploy(&parts.site(), &deployment));
    (outcome, parts.notes.all())
}

fn started(proxy: &Proxy) -> Vec<Call> {
    let calls = proxy.calls().into_iter();
    calls.filter(|call| call.operation == START).collect()
}

fn template_of(bed: &Bed, group: &str) -> String {
    let own = bed.group(group);
    let template = own.launch_template().unwrap();
    template.launch_template_id().unwrap().to_owned()
}

/// The record of a deployment on a group.
fn mark_of(bed: &Bed, group: &str) -> Option<String> {
    let own = bed.group(group);
    let mut tags = own.tags().iter();
    let mark = tags.find(|tag| tag.key() == Some("deploy_rolls_from"))?;
    mark.value().map(str::to_owned)
}

/// Does what a refresh does: the group launches from the template, and its hosts are new and well.
fn refresh(bed: &Bed, group: &str, template: &str) {
    let (scaling, ec2) = (
        bed.own.world.cloud.autoscaling(),
        bed.own.world.cloud.client(),
    );
    block_on(replace(&scaling, &ec2, group, template));
}

async fn replace(
    scaling: &aws_sdk_autoscaling::Client,
    ec2: &aws_sdk_ec2::Client,
    group: &str,
    template: &str,
) {
    let launch = LaunchTemplateSpecification::builder()
        .launch_template_id(template)
        .version("1")
        .build();
    let call = scaling.update_auto_scaling_group();
    let call = call.auto_scaling_group_name(group).launch_template(launch);
    call.send().await.unwrap();
    let members = async || {
        let call = scaling.describe_auto_scaling_groups();
        let found = call.auto_scaling_group_names(group).send().await.unwrap();
        let all = found.auto_scaling_groups()[0].instances().iter();
        all.map(|own| own.instance_id().unwrap().to_owned())
            .collect::<Vec<String>>()
    };
    for id in members().await {
        let call = scaling.terminate_instance_in_auto_scaling_group();
        let call = call
            .instance_id(id)
            .should_decrement_desired_capacity(false);
        call.send().await.unwrap();
    }
    let tag = aws_sdk_ec2::types::Tag::builder()
        .key("smoketest")
        .value("100");
    let call = ec2.create_tags().set_resources(Some(members().await));
    call.tags(tag.build()).send().await.unwrap();
}

#[test]
fn hosts_are_replaced_by_a_refresh_and_the_old_template_goes() {
    let bed =
        Bed::new("elb = no\nrolling_min_healthy_percentage = 50\nrolling_instance_warmup = 30");
    let group = bed.serving();
    let before = template_of(&bed, &group);
    let states = [
        ("Pending", 0),
        ("InProgress", 0),
        ("InProgress", 50),
        ("Successful", 100),
    ];
    let proxy = Proxy::start(bed.own.world.cloud.url(), aws(&states));
    let parts = bed.parts(proxy.url());
    let deployment = rolling(&bed, &parts);
    let (scaling, ec2) = (
        bed.own.world.cloud.autoscaling(),
        bed.own.world.cloud.client(),
    );
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let template = loop {
                let call = started(&proxy).into_iter().next();
                if let Some(call) = call {
                    let id = call.parameter("DesiredConfiguration.LaunchTemplate.LaunchTemplateId");
                    break id.unwrap().to_owned();
                }
                std::thread::sleep(Duration::from_millis(20));
            };
            block_on(replace(&scaling, &ec2, &group, &template));
        });
        bed.wait(deploy(&parts.site(), &deployment)).unwrap();
    });
    let calls = started(&proxy);
    assert_eq!(calls.len(), 1);
    for (key, value) in [
        ("AutoScalingGroupName", group.as_str()),
        ("Strategy", "Rolling"),
        ("DesiredConfiguration.LaunchTemplate.Version", "1"),
        // Half of one host is none: a new one comes before the old one goes.
        ("Preferences.MinHealthyPercentage", "100"),
        ("Preferences.MaxHealthyPercentage", "200"),
        ("Preferences.StandbyInstances", "Ignore"),
        ("Preferences.ScaleInProtectedInstances", "Ignore"),
        ("Preferences.InstanceWarmup", "30"),
        ("Preferences.AutoRollback", "true"),
        ("Preferences.SkipMatching", "true"),
    ] {
        assert_eq!(calls[0].parameter(key), Some(value), "{key}");
    }
    let told: Vec<String> = parts.notes.all();
    for part in ["Pending (0%)", "InProgress (50%)", "Successful (100%)"] {
        let own = format!("instance refresh of group {group}: {part}");
        assert_eq!(
            told.iter().filter(|line| **line == own).count(),
            1,
            "{told:?}"
        );
    }
    assert_eq!(bed.names(), [group.as_str()]);
    assert_eq!(bed.templates(), 1);
    assert_ne!(template_of(&bed, &group), before);
    let marks = proxy.calls().into_iter();
    let marks: Vec<String> = marks
        .filter(|call| call.operation == "CreateOrUpdateTags")
        .filter_map(|call| call.parameter("Tags.member.1.Value").map(str::to_owned))
        .collect();
    let record = format!("{before}:1/{}:1", template_of(&bed, &group));
    assert_eq!(marks, [record]);
    assert_eq!(mark_of(&bed, &group), None, "it is removed at the end");
    assert_eq!(
        proxy.count("UpdateAutoScalingGroup"),
        0,
        "that is for AWS to do"
    );
}

#[test]
fn a_refresh_that_aws_takes_back_leaves_the_stage_and_says_what_serves() {
    let bed = Bed::new("elb = no");
    let group = bed.serving();
    let (before, serving) = (
        template_of(&bed, &group),
        bed.own.world.images["mhcapp"].clone(),
    );
    let states = [
        ("InProgress", 50),
        ("RollbackInProgress", 50),
        ("RollbackSuccessful", 0),
    ];
    let proxy = Proxy::start(bed.own.world.cloud.url(), aws(&states));
    let (outcome, _) = run(&bed, &proxy);
    let error = outcome.unwrap_err().to_string();
    assert_eq!(
        error,
        format!(
            "the instance refresh of group {group} ended as RollbackSuccessful: hosts are ill; group {group} serves image {serving} again"
        )
    );
    assert_eq!((started(&proxy).len(), proxy.count(BACK)), (1, 0));
    assert_eq!((bed.templates(), template_of(&bed, &group)), (1, before));
    assert_eq!(mark_of(&bed, &group), None);
    // AWS' word is not the image's fault.
    let call = bed.own.world.cloud.client().describe_images();
    let found = bed.wait(call.image_ids(&bed.image).send()).unwrap();
    let tags = found.images()[0].tags();
    let stage = tags.iter().find(|tag| tag.key() == Some("stage")).unwrap();
    assert_eq!(stage.value(), Some("untested"));
}

#[test]
fn a_refresh_that_somebody_else_started_is_not_taken_for_ours() {
    let bed = Bed::new("elb = no");
    let group = bed.serving();
    let before = template_of(&bed, &group);
    let none = envelope(LOOK, "<InstanceRefreshes></InstanceRefreshes>");
    let refusal = r#"<ErrorResponse xmlns="http://autoscaling.amazonaws.com/doc/2011-01-01/"><Error><Type>Sender</Type><Code>InstanceRefreshInProgress</Code><Message>An Instance Refresh is already in progress</Message></Error><RequestId>1</RequestId></ErrorResponse>"#;
    let behaviour = Behaviour::new()
        .answer(START, 400, refusal)
        .answer_first(LOOK, 200, &none)
        .answer_first(LOOK, 200, &none)
        .answer(LOOK, 200, &listing("r-9", "InProgress", 10, Some("lt-9")));
    let proxy = Proxy::start(bed.own.world.cloud.url(), behaviour);
    let error = run(&bed, &proxy).0.unwrap_err().to_string();
    assert!(
        error.contains("has not been changed by this deployment"),
        "{error}"
    );
    assert_eq!(proxy.count(BACK), 0);
    assert_eq!((bed.templates(), template_of(&bed, &group)), (1, before));
}

#[test]
fn a_refresh_that_stays_failed_is_followed_by_one_to_the_old_template() {
    let bed = Bed::new("elb = no");
    let group = bed.serving();
    let before = template_of(&bed, &group);
    let failed = listing("r-1", "Failed", 50, None);
    // The last state is told by each of two looks, then there is another refresh.
    let behaviour = aws(&[("InProgress", 50), ("Failed", 50)])
        .answer_first(LOOK, 200, &failed)
        .answer_first(LOOK, 200, &failed)
        .answer(LOOK, 200, &listing("r-2", "Successful", 100, None));
    let proxy = Proxy::start(bed.own.world.cloud.url(), behaviour);
    let error = run(&bed, &proxy).0.unwrap_err().to_string();
    assert!(
        error.contains("ended as Failed") && error.contains("serves image"),
        "{error}"
    );
    let calls = started(&proxy);
    assert_eq!(calls.len(), 2);
    let id = "DesiredConfiguration.LaunchTemplate.LaunchTemplateId";
    assert_ne!(calls[0].parameter(id), Some(before.as_str()));
    assert_eq!(calls[1].parameter(id), Some(before.as_str()));
    assert_eq!((proxy.count(BACK), bed.templates()), (0, 1));
}

#[test]
fn a_refresh_that_takes_too_long_and_one_that_is_interrupted_are_taken_back() {
    for interrupted in [false, true] {
        let bed = Bed::new(if interrupted {
            "elb = no"
        } else {
            "elb = no\nrolling_timeout = 1"
        });
        let group = bed.serving();
        let before = template_of(&bed, &group);
        let mut states = vec![("InProgress", 10); 100];
        states.push(("RollbackSuccessful", 0));
        let proxy = Proxy::start(bed.own.world.cloud.url(), aws(&states));
        let parts = bed.parts(proxy.url());
        let deployment = rolling(&bed, &parts);
        let outcome = std::thread::scope(|scope| {
            let interrupt = parts.interrupt.clone();
            let seen = &proxy;
            scope.spawn(move || {
                while interrupted && seen.count(LOOK) < 5 {
                    std::thread::sleep(Duration::from_millis(10));
                }
                if interrupted {
                    interrupt.tell();
                }
            });
            bed.wait(deploy(&parts.site(), &deployment))
        });
        assert_eq!((started(&proxy).len(), proxy.count(BACK)), (1, 1));
        assert_eq!((bed.templates(), template_of(&bed, &group)), (1, before));
        let error = outcome.unwrap_err();
        if interrupted {
            assert!(matches!(error, Error::Interrupted), "{error}");
            let told = parts.notes.all();
            assert!(
                told.iter().any(|line| line.contains("serves image ami-")),
                "{told:?}"
            );
        } else {
            let text = error.to_string();
            assert!(
                text.contains("gave up after 1s") && text.contains("serves image"),
                "{text}"
            );
        }
    }
}

#[test]
fn a_refresh_of_an_interrupted_run_is_followed_and_finished() {
    let bed = Bed::new("elb = no");
    let group = bed.serving();
    let data = aws_sdk_ec2::types::RequestLaunchTemplateData::builder()
        .image_id(&bed.image)
        .instance_type(aws_sdk_ec2::types::InstanceType::T2Micro);
    let call = bed.own.world.cloud.client().create_launch_template();
    let call = call
        .launch_template_name("ci_mhcapp_7")
        .launch_template_data(data.build());
    let made = bed.wait(call.send()).unwrap();
    let template = made
        .launch_template()
        .unwrap()
        .launch_template_id()
        .unwrap()
        .to_owned();
    refresh(&bed, &group, &template);
    let behaviour = Behaviour::new()
        .answer_first(
            LOOK,
            200,
            &listing("r-0", "InProgress", 90, Some(&template)),
        )
        .answer(
            LOOK,
            200,
            &listing("r-0", "Successful", 100, Some(&template)),
        );
    let proxy = Proxy::start(bed.own.world.cloud.url(), behaviour);
    let (outcome, told) = run(&bed, &proxy);
    outcome.unwrap();
    assert_eq!(started(&proxy).len(), 0);
    assert_eq!(bed.templates(), 1, "that of before is gone");
    let line = format!(
        "an instance refresh of this image is under way in group {group}: it is followed to its end first"
    );
    assert!(told.contains(&line), "{told:?}");
}

#[test]
fn what_is_wrong_is_told_before_any_change() {
    let bed = Bed::new("elb = no\nrolling_timeout = soon");
    bed.serving();
    let proxy = Proxy::start(bed.own.world.cloud.url(), aws(&[("Successful", 100)]));
    let error = run(&bed, &proxy).0.unwrap_err().to_string();
    assert!(
        error.contains("[mhcapp] rolling_timeout: `soon` is no integer from 1 to 604800"),
        "{error}"
    );
    assert_eq!(changing(&proxy), [""; 0]);

    // Nor can a group be rolled that AWS could not roll back.
    bed.own.configure("elb = no");
    let group = name_of(&bed.own.world.group("mhcapp")).to_owned();
    let launch = LaunchTemplateSpecification::builder()
        .launch_template_id(template_of(&bed, &group))
        .version("$Latest");
    let call = bed
        .own
        .world
        .cloud
        .autoscaling()
        .update_auto_scaling_group();
    let call = call.auto_scaling_group_name(&group);
    bed.wait(call.launch_template(launch.build()).send())
        .unwrap();
    let error = run(&bed, &proxy).0.unwrap_err().to_string();
    assert!(error.contains("states no number as version"), "{error}");
    assert_eq!(changing(&proxy), [""; 0]);
}

/// An Elastigroup that serves: its name, and the image of its document.
fn elastigroup(bed: &Bed) -> (String, Value) {
    bed.row("1,mhcapp,,,,t2.micro,yes,yes,");
    let parts = bed.parts(bed.own.world.cloud.url());
    let mut deployment = bed.deployment(&parts);
    deployment.image.id = bed.own.world.images["mhcapp"].clone();
    let work = async {
        let site = parts.site();
        use asiaq_core::deploy::groups::{admit, finish};
        let name = make(&site, &deployment).await?;
        admit(&site, &deployment, &name).await?;
        finish(&site, &deployment, &name).await?;
        Ok::<_, Error>(name)
    };
    let name = bed.wait(work).unwrap();
    (name, json!(bed.own.world.images["mhcapp"]))
}

fn image_of(document: &Value) -> &Value {
    &document["compute"]["launchSpecification"]["imageId"]
}

#[test]
fn an_elastigroup_is_rolled() {
    let bed = Bed::with_spot("elb = no\nrolling_min_healthy_percentage = 75");
    let (name, old) = elastigroup(&bed);
    let server = bed.spot.as_ref().unwrap();
    assert_eq!(image_of(&server.groups()[0]), &old);
    // Spotinst replaces the instance.
    let mut fleet = Launcher(bed.own.world.cloud.client());
    let call = bed.own.world.cloud.client().describe_instances();
    let call = call.filters(crate::disco_aws::filter("tag:group_name", &name));
    let found = bed.wait(call.send()).unwrap();
    let all = found.reservations().iter().flat_map(|r| r.instances());
    let ids: Vec<String> = all.filter_map(|own| own.instance_id.clone()).collect();
    fleet.terminate(&ids);
    let mut document = server.groups()[0].clone();
    document["compute"]["launchSpecification"]["imageId"] = json!(bed.image);
    fleet.launch(&document, 1);

    server.set_roll_statuses(&["starting", "in_progress", "finished"]);
    let proxy = Proxy::start(bed.own.world.cloud.url(), Behaviour::new());
    run(&bed, &proxy).0.unwrap();
    assert_eq!(image_of(&server.groups()[0]), &json!(bed.image));
    let rolls = server.calls_of(Operation::Roll);
    assert_eq!(rolls.len(), 1);
    assert_eq!(rolls[0].body["batchSizePercentage"], json!(25));
    assert_eq!(rolls[0].body["healthCheckType"], json!("EC2"));
    assert_eq!(server.groups().len(), 1);
}

#[test]
fn an_elastigroup_whose_roll_fails_gets_its_image_back() {
    let bed = Bed::with_spot("elb = no");
    let (name, old) = elastigroup(&bed);
    let server = bed.spot.as_ref().unwrap();
    server.set_roll_statuses(&["in_progress", "failed", "finished"]);
    let proxy = Proxy::start(bed.own.world.cloud.url(), Behaviour::new());
    let error = run(&bed, &proxy).0.unwrap_err().to_string();
    let serves = format!(
        "Elastigroup {name} serves image {} again",
        old.as_str().unwrap()
    );
    assert!(
        error.contains("ended as `failed`") && error.ends_with(&serves),
        "{error}"
    );
    assert_eq!(image_of(&server.groups()[0]), &old);
    assert_eq!(server.calls_of(Operation::Roll).len(), 2);
}
