#![allow(clippy::unwrap_used, clippy::expect_used)]
use super::super::action::GroupAction;
use super::super::apply::executor;
use super::super::clouds::Clouds;
use super::super::scale::tests::Services;
use super::super::spot::tests::document;
use super::*;
use crate::pipeline::{CreateSizes, Reserve};
use crate::plan::{Silent, Yields};
use crate::spotinst::Balancers;
use serde_json::{Value, json};

const REPLY: &str =
    "<Response><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></Response>";

fn new_group(name: &str) -> NewElastigroup {
    NewElastigroup {
        name: name.into(),
        sizes: CreateSizes {
            min: 0,
            max: 2,
            desired: Some(2),
        },
        reserve: Reserve::None,
        instance_types: vec!["m5.large".into()],
        subnets: vec![("subnet-1".into(), "us-west-2a".into())],
        balancers: Balancers {
            classic: vec!["elb".into()],
            target_groups: vec!["arn:old".into()],
        },
        security_groups: vec!["sg-1".into()],
        monitoring: false,
        ebs_optimized: false,
        image_id: "ami-1".into(),
        key_name: None,
        block_devices: vec![],
        public_ip: false,
        user_data: String::new(),
        instance_profile: None,
        tags: Default::default(),
    }
}

fn target(arn: Option<&str>) -> TargetGroup {
    TargetGroup {
        name: "new".into(),
        arn: arn.map(str::to_owned),
    }
}

fn created(name: &str) -> GroupAction {
    GroupAction::CreateElastigroup {
        group: Box::new(new_group(name)),
        new_target_groups: vec![target(None)],
    }
}

fn parsed(bodies: &[String]) -> Vec<Value> {
    bodies
        .iter()
        .map(|body| serde_json::from_str(body).unwrap())
        .collect()
}

#[tokio::test]
async fn a_group_that_the_plan_creates_is_found_by_its_name_afterwards() {
    let (services, yields) = (Services::start().await, Yields::default());
    services
        .spot("POST", "", 1, json!([document("g", json!({})).raw]))
        .await;
    services.spot("PUT", "/sig-g", 2, json!([])).await;
    let executor = executor(services.clouds(), &Silent, &yields);
    let schedule = GroupAction::UpdateElastigroup {
        group: SpotRef {
            name: "g".into(),
            id: None,
        },
        change: Box::new(GroupChange::to_zero()),
    };
    let early = executor.run(&schedule).await.unwrap_err().to_string();
    assert_eq!(early, "Elastigroup g has not been created");
    let early = executor.run(&created("g")).await.unwrap_err().to_string();
    assert_eq!(early, "target group `new` has not been created");
    yields.put(target(None).key(), "arn:new");
    executor.run(&created("g")).await.unwrap();
    executor.run(&schedule).await.unwrap();
    let attach = GroupAction::AttachElastigroup {
        group: SpotRef {
            name: "g".into(),
            id: Some("sig-g".into()),
        },
        load_balancers: vec!["a".into()],
        kept_target_groups: vec!["arn:old".into()],
        new_target_groups: vec![target(None)],
    };
    executor.run(&attach).await.unwrap();
    let targets = [
        json!({"arn": "arn:old", "type": "TARGET_GROUP"}),
        json!({"arn": "arn:new", "type": "TARGET_GROUP"}),
    ];
    let balancers = |name: &str| json!([{"name": name, "type": "CLASSIC"}, targets[0], targets[1]]);
    let config = |body: &Value| {
        body["group"]["compute"]["launchSpecification"]["loadBalancersConfig"]["loadBalancers"]
            .clone()
    };
    assert_eq!(
        config(&parsed(&services.bodies("POST").await)[0]),
        balancers("elb")
    );
    assert_eq!(
        config(&parsed(&services.bodies("PUT").await)[1]),
        balancers("a")
    );
}

#[tokio::test]
async fn nothing_is_done_without_spotinst() {
    let services = Services::start().await;
    let off = Clouds {
        spotinst: None,
        ..services.clouds()
    };
    let yields = Yields::default();
    yields.put(target(None).key(), "arn:new");
    let error = executor(off, &Silent, &yields)
        .run(&created("g"))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("SPOTINST_TOKEN") && error.hint().is_some());
}

#[tokio::test]
async fn attachments_go_in_calls_of_ten_and_may_be_gone_already() {
    let services = Services::start().await;
    services.aws("AttachLoadBalancers", "", 2, 200, REPLY).await;
    services
        .aws("AttachLoadBalancerTargetGroups", "arn%3Anew", 1, 200, REPLY)
        .await;
    let gone = "<ErrorResponse><Error><Type>Sender</Type><Code>ValidationError</Code><Message>Trying to remove Load \
                Balancers that are not part of the group</Message></Error><RequestId>r</RequestId></ErrorResponse>";
    services.aws("DetachLoadBalancers", "", 1, 400, gone).await;
    services
        .aws(
            "DetachLoadBalancerTargetGroups",
            "",
            1,
            400,
            &gone.replace("not part", "no part"),
        )
        .await;
    // What was detached has drained.
    let none = "<DescribeLoadBalancersResponse><DescribeLoadBalancersResult><LoadBalancers/></DescribeLoadBalancersResult>\
                <ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></DescribeLoadBalancersResponse>";
    services
        .aws("DescribeLoadBalancers", "", 1, 200, none)
        .await;
    let yields = Yields::default();
    let executor = executor(services.clouds(), &Silent, &yields);
    let attach = GroupAction::Attach {
        group: "g".into(),
        load_balancers: (0..11).map(|n| format!("elb{n}")).collect(),
        target_groups: vec![target(Some("arn:new"))],
    };
    executor.run(&attach).await.unwrap();
    let calls = services.bodies("AttachLoadBalancers").await;
    assert!(
        calls[0].contains("member.10=elb9") && calls[1].contains("member.1=elb10"),
        "{calls:?}"
    );
    let detach = |targets: &[&str]| GroupAction::Detach {
        group: "g".into(),
        load_balancers: vec!["elb".into()],
        target_groups: targets.iter().map(|arn| (*arn).to_owned()).collect(),
    };
    executor.run(&detach(&[])).await.unwrap();
    services.aws("DetachLoadBalancers", "", 1, 200, REPLY).await;
    assert!(
        executor.run(&detach(&["arn:x"])).await.is_err(),
        "any other refusal is one"
    );
}
