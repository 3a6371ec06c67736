#![allow(clippy::unwrap_used, clippy::expect_used)]
use super::super::record::tests::group;
use super::super::spot::record;
use super::super::spot::tests::document;
use super::super::{DeleteFilter, wait_gone};
use super::*;
use crate::plan::Silent;
use crate::spotinst::SpotinstSettings;
use serde_json::{Value, json};
use wiremock::matchers::{body_string_contains, method, path, path_regex};
use wiremock::{Mock, MockServer, ResponseTemplate};

/// Both services in one place; what is not mounted fails.
pub(in crate::group) struct Services {
    server: MockServer,
    aws: Aws,
    spotinst: Spotinst,
}

impl Services {
    pub(in crate::group) async fn start() -> Self {
        let server = MockServer::start().await;
        let settings = SpotinstSettings {
            token: "token".to_owned().into(),
            host: server.uri().parse().unwrap(),
            retry_wait: Duration::from_millis(1),
            timeout: Duration::from_secs(10),
        };
        let spotinst = Spotinst::new(settings, None).unwrap();
        let aws = Aws::for_tests(&server.uri());
        Self {
            server,
            aws,
            spotinst,
        }
    }

    pub(in crate::group) fn clouds(&self) -> Clouds<'_> {
        Clouds {
            aws: &self.aws,
            spotinst: Some(&self.spotinst),
        }
    }

    /// Answers an AWS action whose body has this part, so often.
    pub(in crate::group) async fn aws(
        &self,
        action: &str,
        part: &str,
        times: u64,
        status: u16,
        body: &str,
    ) {
        Mock::given(method("POST"))
            .and(path("/"))
            .and(body_string_contains(format!("Action={action}&")))
            .and(body_string_contains(part))
            .respond_with(ResponseTemplate::new(status).set_body_string(body))
            .up_to_n_times(times)
            .mount(&self.server)
            .await;
    }

    /// Answers requests to Spotinst, so often.
    pub(in crate::group) async fn spot(&self, verb: &str, below: &str, times: u64, items: Value) {
        let answer = json!({"response": {"status": {"code": 200}, "items": items}});
        Mock::given(method(verb))
            .and(path_regex(format!("^/aws/ec2/group{below}$")))
            .respond_with(ResponseTemplate::new(200).set_body_json(answer))
            .up_to_n_times(times)
            .mount(&self.server)
            .await;
    }

    /// Bodies of the requests of that method to Spotinst, or of that action to AWS, in order.
    pub(in crate::group) async fn bodies(&self, what: &str) -> Vec<String> {
        let action = format!("Action={what}&");
        let all = self.server.received_requests().await.unwrap().into_iter();
        all.filter_map(|request| {
            let body = String::from_utf8(request.body).unwrap();
            let spot = request.url.path() != "/" && request.method.as_str() == what;
            (spot || body.contains(&action)).then_some(body)
        })
        .collect()
    }
}

const REPLY: &str =
    "<Response><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></Response>";

fn asg_listing(name: &str, instance: &str) -> String {
    format!(
        "<DescribeAutoScalingGroupsResponse><DescribeAutoScalingGroupsResult><AutoScalingGroups><member>\
         <AutoScalingGroupName>{name}</AutoScalingGroupName><Instances><member><InstanceId>{instance}</InstanceId>\
         <LifecycleState>InService</LifecycleState></member></Instances></member></AutoScalingGroups>\
         </DescribeAutoScalingGroupsResult></DescribeAutoScalingGroupsResponse>"
    )
}

const NO_ASG: &str = "<DescribeAutoScalingGroupsResponse><DescribeAutoScalingGroupsResult><AutoScalingGroups/>\
                      </DescribeAutoScalingGroupsResult></DescribeAutoScalingGroupsResponse>";

fn instance_listing(instance: &str, state: &str, group: &str) -> String {
    format!(
        "<DescribeInstancesResponse><reservationSet><item><instancesSet><item><instanceId>{instance}</instanceId>\
         <instanceState><code>0</code><name>{state}</name></instanceState><tagSet><item><key>group_name</key>\
         <value>{group}</value></item></tagSet></item></instancesSet></item></reservationSet></DescribeInstancesResponse>"
    )
}

#[tokio::test]
async fn both_kinds_are_scaled_down_and_only_their_own_instances_waited_for() {
    let services = Services::start().await;
    let (asg, spot) = ("ci_mhcweb_1", "ci_mhcweb_2");
    services
        .aws(
            "DescribeAutoScalingGroups",
            "",
            2,
            200,
            &asg_listing(asg, "i-1"),
        )
        .await;
    services
        .aws("UpdateAutoScalingGroup", asg, 1, 200, REPLY)
        .await;
    let others = [
        document(spot, json!({})).raw,
        document("ci_mhcapp_1", json!({})).raw,
        document("ci2_mhcweb_1", json!({})).raw,
    ];
    services.spot("GET", "", 1, json!(others)).await;
    services.spot("PUT", "/sig-ci_mhcweb_2", 1, json!([])).await;
    services
        .aws(
            "DescribeInstances",
            "group_name",
            1,
            200,
            &instance_listing("i-2", "running", spot),
        )
        .await;
    services
        .aws(
            "DescribeInstances",
            "i-1",
            1,
            200,
            &instance_listing("i-1", "shutting-down", asg),
        )
        .await;
    services
        .aws(
            "DescribeInstances",
            "i-1",
            1,
            200,
            &instance_listing("i-1", "terminated", asg),
        )
        .await;
    services
        .aws(
            "DescribeInstances",
            "i-2",
            1,
            200,
            &instance_listing("i-2", "terminated", spot),
        )
        .await;
    let filter = DeleteFilter::Hostclass("mhcweb");
    let done = scale_down(services.clouds(), "ci", filter, true, false, &Silent).await;
    assert!(done.unwrap());
    let zero = services.bodies("UpdateAutoScalingGroup").await;
    for part in ["MinSize=0", "MaxSize=0", "DesiredCapacity=0"] {
        assert!(zero[0].contains(part), "{zero:?}");
    }
    let put: Vec<Value> = services
        .bodies("PUT")
        .await
        .iter()
        .map(|body| serde_json::from_str(body).unwrap())
        .collect();
    assert_eq!(
        put,
        [json!({"group": {"capacity": {"minimum": 0, "maximum": 0, "target": 0}}})]
    );
    let looks = services.bodies("DescribeInstances").await;
    assert_eq!(looks.len(), 4, "{looks:?}");
}

#[tokio::test]
async fn without_wait_nobody_looks_at_instances() {
    let services = Services::start().await;
    services
        .aws("DescribeAutoScalingGroups", "", 1, 200, NO_ASG)
        .await;
    services
        .spot(
            "GET",
            "",
            1,
            json!([document("ci_mhcweb_2", json!({})).raw]),
        )
        .await;
    services.spot("PUT", "/sig-ci_mhcweb_2", 1, json!([])).await;
    let filter = DeleteFilter::Name("ci_mhcweb_2");
    assert!(
        scale_down(services.clouds(), "ci", filter, false, false, &Silent)
            .await
            .unwrap()
    );
    assert!(
        scale_down(
            services.clouds(),
            "ci",
            DeleteFilter::Hostclass(""),
            false,
            false,
            &Silent
        )
        .await
        .is_err()
    );
}

#[tokio::test]
async fn one_instance_of_an_elastigroup_with_and_without_decrement() {
    // Target, minimum, decrement; the target that is sent.
    let table = [
        (2, 1, true, Some(1)),
        (1, 1, true, None),
        (2, 1, false, None),
        (0, 0, true, None),
    ];
    for (target, minimum, decrement, sent) in table {
        let services = Services::start().await;
        services.spot("PUT", "/sig-g", 1, json!([])).await;
        services
            .aws(
                "TerminateInstances",
                "InstanceId.1=i-1",
                1,
                200,
                "<TerminateInstancesResponse/>",
            )
            .await;
        let capacity = json!({"capacity": {"target": target, "minimum": minimum}});
        let own = record(document("g", capacity));
        terminate_instance(services.clouds(), &own, "i-1", decrement)
            .await
            .unwrap();
        let put = services.bodies("PUT").await;
        let wanted = sent.map(|target: u32| json!({"group": {"capacity": {"target": target}}}));
        let put = put
            .first()
            .map(|body| serde_json::from_str::<Value>(body).unwrap());
        assert_eq!(put, wanted, "{target} {minimum} {decrement}");
        assert_eq!(services.bodies("TerminateInstances").await.len(), 1);
    }
}

#[tokio::test]
async fn one_instance_of_an_auto_scaling_group() {
    let services = Services::start().await;
    services
        .aws(
            "TerminateInstanceInAutoScalingGroup",
            "InstanceId=i-1",
            1,
            200,
            "<TerminateInstanceInAutoScalingGroupResponse><TerminateInstanceInAutoScalingGroupResult/>\
                 </TerminateInstanceInAutoScalingGroupResponse>",
        )
        .await;
    terminate_instance(services.clouds(), &group("g"), "i-1", true)
        .await
        .unwrap();
    let bodies = services.bodies("TerminateInstanceInAutoScalingGroup").await;
    assert!(
        bodies[0].contains("ShouldDecrementDesiredCapacity=true"),
        "{bodies:?}"
    );
}

#[tokio::test]
async fn groups_of_both_kinds_are_waited_for() {
    let services = Services::start().await;
    let names = ["ci_mhcweb_1".to_owned(), "ci_mhcweb_2".to_owned()];
    services
        .aws(
            "DescribeAutoScalingGroups",
            "",
            1,
            200,
            &asg_listing("ci_mhcweb_1", "i-1"),
        )
        .await;
    services
        .aws("DescribeAutoScalingGroups", "", 2, 200, NO_ASG)
        .await;
    let going = document("ci_mhcweb_2", json!({})).raw;
    services
        .spot(
            "GET",
            "",
            2,
            json!([going, document("ci_mhcapp_1", json!({})).raw]),
        )
        .await;
    services
        .spot(
            "GET",
            "",
            1,
            json!([document("ci_mhcapp_1", json!({})).raw]),
        )
        .await;
    wait_gone(services.clouds(), "ci", &names).await.unwrap();
    assert_eq!(services.bodies("GET").await.len(), 3);
}
