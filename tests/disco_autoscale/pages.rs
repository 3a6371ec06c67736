//! Listings of several pages, which moto does not make: Auto Scaling is a stub here.

use tokio::runtime::Runtime;
use wiremock::matchers::body_string_contains;
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::cloud::Cloud;
use crate::support::config::TestConfig;
use crate::support::{Asiaq, asiaq};

const OLD: &str = "ci_mhcdb_1790000000";
const WEB: &str = "ci_mhcapp_1790000001";

/// An Auto Scaling service whose three listings have two pages each.
struct Stub {
    runtime: Runtime,
    server: MockServer,
}

impl Stub {
    fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let server = runtime.block_on(MockServer::start());
        let stub = Self { runtime, server };
        stub.pages(
            "DescribeAutoScalingGroups",
            "AutoScalingGroups",
            [group(OLD), group(WEB)],
        );
        stub.pages(
            "DescribePolicies",
            "ScalingPolicies",
            [policy("up", 10), policy("down", -10)],
        );
        let actions = [action("30 1 * * *"), action("45 2 * * *")];
        stub.pages(
            "DescribeScheduledActions",
            "ScheduledUpdateGroupActions",
            actions,
        );
        stub
    }

    fn pages(&self, operation: &str, list: &str, [first, second]: [String; 2]) {
        let answer = |members: String, token: &str| {
            ResponseTemplate::new(200).set_body_string(format!(
                "<{operation}Response xmlns=\"http://autoscaling.amazonaws.com/doc/2011-01-01/\"><{operation}Result>\
                 <{list}><member>{members}</member></{list}>{token}</{operation}Result></{operation}Response>"
            ))
        };
        let mount = |priority, token: &str, answer| {
            let mock = Mock::given(body_string_contains(format!("Action={operation}&")))
                .and(body_string_contains(token.to_owned()))
                .respond_with(answer)
                .with_priority(priority)
                .expect(1..);
            self.runtime.block_on(mock.mount(&self.server));
        };
        mount(1, "NextToken=second", answer(second, ""));
        mount(2, "", answer(first, "<NextToken>second</NextToken>"));
    }

    fn tool(&self, tool: &str, config: &TestConfig) -> Asiaq {
        asiaq(tool)
            .endpoint(&self.server.uri())
            .config(config.path())
    }
}

fn group(name: &str) -> String {
    format!(
        "<AutoScalingGroupName>{name}</AutoScalingGroupName><MinSize>0</MinSize><MaxSize>2</MaxSize>\
         <DesiredCapacity>1</DesiredCapacity>"
    )
}

fn policy(name: &str, adjustment: i32) -> String {
    format!(
        "<AutoScalingGroupName>{WEB}</AutoScalingGroupName><PolicyName>{name}</PolicyName>\
         <PolicyType>SimpleScaling</PolicyType><AdjustmentType>PercentChangeInCapacity</AdjustmentType>\
         <ScalingAdjustment>{adjustment}</ScalingAdjustment><Cooldown>600</Cooldown>\
         <MinAdjustmentMagnitude>1</MinAdjustmentMagnitude>"
    )
}

fn action(cron: &str) -> String {
    format!(
        "<AutoScalingGroupName>{WEB}</AutoScalingGroupName><ScheduledActionName>{cron}</ScheduledActionName>\
         <Recurrence>{cron}</Recurrence><DesiredCapacity>1</DesiredCapacity>"
    )
}

#[test]
fn every_page_counts() {
    let stub = Stub::start();
    let config = TestConfig::standard();
    let run = |args: &[&str]| {
        let tool = stub.tool("disco_autoscale", &config);
        tool.args(args.iter().copied())
            .run()
            .expect_status(0)
            .stdout
    };
    let first_words = |text: &str, word: usize| -> Vec<String> {
        let word = |line: &str| line.split_whitespace().nth(word).unwrap().to_owned();
        text.lines().map(word).collect()
    };
    assert_eq!(first_words(&run(&["listgroups"]), 0), [WEB, OLD]);
    assert_eq!(first_words(&run(&["listpolicies"]), 1), ["up", "down"]);

    // Planning compares what exists: policies of both pages are as wanted, recurring actions of both pages are not.
    let cloud = Cloud::start();
    let made = asiaq("disco_vpc_ui")
        .endpoint(cloud.url())
        .config(config.path());
    made.args(["create", "--name", "ci", "--type", "ci"])
        .run()
        .expect_status(0);
    cloud.register_image("mhcapp 1700000000", &[("stage", "tested")]);
    let planned = asiaq("disco_aws")
        .endpoint(cloud.url())
        .env("AWS_ENDPOINT_URL_AUTO_SCALING", &stub.server.uri())
        .config(config.path())
        .args(["provision", "--hostclass", "mhcapp", "--dry-run"])
        .run()
        .expect_status(0)
        .stdout;
    for cron in ["30 1 * * *", "45 2 * * *"] {
        let line = format!("- schedule {cron} of {WEB}\n");
        assert!(planned.contains(&line), "{planned}");
    }
    assert!(
        planned.contains(&format!("~ group mhcapp {WEB}: ")) && !planned.contains("policy"),
        "{planned}"
    );
}
