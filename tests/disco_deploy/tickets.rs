//! What the change-ticket service is asked and told: every outcome.

use std::process::Command;
use std::time::Duration;

use super::bed::Bed;
use crate::support::environment::changing_calls;
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use wiremock::matchers::path;
use wiremock::{Mock, MockServer, ResponseTemplate};

/// A service that agrees, or not.
struct Service {
    server: MockServer,
    runtime: Runtime,
}

impl Service {
    fn start(agrees: bool, delay: Duration) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let status = if agrees { "Passed" } else { "Failed" };
        let verdict = json!({"message": "m", "result": {"status": status, "err_msgs": ["freeze"]}});
        let server = runtime.block_on(async {
            let server = MockServer::start().await;
            let answer = ResponseTemplate::new(200)
                .set_body_json(verdict)
                .set_delay(delay);
            let validate = Mock::given(path("/api/validate")).respond_with(answer);
            validate.mount(&server).await;
            let answer = ResponseTemplate::new(200).set_body_json(json!({"message": "logged"}));
            let event = Mock::given(path("/api/event")).respond_with(answer);
            event.mount(&server).await;
            server
        });
        Self { server, runtime }
    }

    /// Paths and the data of their bodies. Ticket and command are the same everywhere.
    fn requests(&self) -> Vec<(String, Value)> {
        let requests = self.runtime.block_on(self.server.received_requests());
        let requests = requests.unwrap().into_iter();
        let request = |request: wiremock::Request| {
            let mut body: Value = serde_json::from_slice(&request.body).unwrap();
            assert_eq!(
                (&body["ticketId"], &body["cmd"]),
                (&json!("OPS-7"), &json!("DeployEvent"))
            );
            (request.url.path().to_owned(), body["data"].take())
        };
        requests.map(request).collect()
    }

    /// A bed that knows the service.
    fn bed(&self) -> Bed {
        let bed = Bed::new();
        let url = self.server.uri();
        bed.configure(&format!("[socify]\nsocify_baseurl={url}/api/\n"));
        bed
    }
}

const NOW: Duration = Duration::ZERO;

fn asked(ami: &str, sub_cmd: &str) -> (String, Value) {
    let data = json!({"amiId": ami, "environment": "ci", "sub_cmd": sub_cmd});
    ("/api/validate".to_owned(), data)
}

fn told(data: Value) -> (String, Value) {
    ("/api/event".to_owned(), data)
}

#[test]
fn nothing_to_deploy() {
    let service = Service::start(true, NOW);
    let bed = service.bed();
    let file = bed.pipeline("hostclass\nmhcapp\n");
    bed.run(&["test", "--pipeline", &file, "--ticket", "OPS-7"])
        .expect_status(0);
    let event = json!({"amiId": "", "environment": "ci", "status": "200", "sub_cmd": "test",
        "hostclass": "", "previous_ami_id": "", "message": "No untested AMIs found."});
    assert_eq!(service.requests(), [told(event)]);
}

#[test]
fn an_image_that_does_not_exist() {
    let service = Service::start(true, NOW);
    let bed = service.bed();
    let file = bed.pipeline("hostclass\nmhcapp\n");
    let args = [
        "update",
        "--pipeline",
        &file,
        "--env",
        "ci",
        "--ami",
        "ami-0",
        "--ticket",
        "OPS-7",
    ];
    bed.run(&args).expect_status(1);
    let event = json!({"amiId": "", "environment": "ci", "status": "300", "sub_cmd": "update",
        "hostclass": "", "message": "Specified AMI not found: ['ami-0']"});
    assert_eq!(service.requests(), [told(event)]);
}

#[test]
fn a_refusal_ends_it() {
    let service = Service::start(false, NOW);
    let bed = service.bed();
    let ami = bed.image("mhcapp", 1_700_000_000, "untested");
    let file = bed.pipeline("hostclass\nmhcapp\n");
    let (output, proxy) = bed.watch(&["test", "--pipeline", &file, "--ticket", "OPS-7"]);
    let stderr = output.expect_status(1).stderr;
    assert!(
        stderr.contains("Socify refuses ticket OPS-7: freeze"),
        "{stderr}"
    );
    let message = format!("The SOC validation of ticket OPS-7 and AMI {ami} failed.");
    assert!(stderr.contains(&message), "{stderr}");
    assert_eq!(changing_calls(&proxy), [""; 0]);
    let event = json!({"amiId": ami, "environment": "ci", "status": "200", "sub_cmd": "test",
        "hostclass": "", "message": message});
    assert_eq!(service.requests(), [asked(&ami, "test"), told(event)]);
}

#[test]
fn a_deployment_that_fails() {
    let service = Service::start(true, NOW);
    let bed = service.bed();
    let ami = bed.image("mhcapp", 1_700_000_000, "untested");
    let file = bed.pipeline("hostclass\nmhcapp\n");
    let args = [
        "test",
        "--pipeline",
        &file,
        "--strategy",
        "canary",
        "--ticket",
        "OPS-7",
    ];
    bed.run(&args).expect_status(1);
    let event = json!({"amiId": ami, "environment": "ci", "status": "300", "sub_cmd": "test",
        "hostclass": "mhcapp", "message": "Unsupported deployment strategy: canary"});
    assert_eq!(service.requests(), [asked(&ami, "test"), told(event)]);
}

#[test]
fn a_deployment() {
    let service = Service::start(true, NOW);
    let bed = service.bed();
    bed.configure("[test]\nuser=tester\n");
    let old = bed.image("mhcapp", 1_700_000_000, "tested");
    let ami = bed.image("mhcapp", 1_700_000_100, "untested");
    let _healthy = bed.healthy(&[]);
    bed.instance(&old, &[]);
    // Not deployable: testing mode stays, and no ssh is needed.
    let file = bed.pipeline("hostclass,instance_type\nmhcapp,t2.micro\n");
    bed.run(&["test", "--pipeline", &file, "--ticket", "OPS-7"])
        .expect_status(0);
    let event = json!({"amiId": ami, "environment": "ci", "status": "100", "sub_cmd": "test",
        "hostclass": "mhcapp", "previous_ami_id": old, "message": ""});
    assert_eq!(service.requests(), [asked(&ami, "test"), told(event)]);
    assert_eq!(bed.stage(&ami).as_deref(), Some("tested"));
}

#[test]
fn ctrl_c_is_told_too() {
    let service = Service::start(true, Duration::from_secs(60));
    let bed = service.bed();
    let ami = bed.image("mhcapp", 1_700_000_000, "untested");
    let file = bed.pipeline("hostclass\nmhcapp\n");
    let args = ["test", "--pipeline", &file, "--ticket", "OPS-7"];
    let running = bed.tool_at(bed.cloud.url(), &args).spawn();
    while service.requests().is_empty() {
        std::thread::sleep(Duration::from_millis(20));
    }
    let id = running.child().lock().unwrap().id().to_string();
    let kill = Command::new("kill").args(["-INT", &id]).status().unwrap();
    assert!(kill.success());
    running.wait().expect_status(130);
    let event = json!({"amiId": ami, "environment": "ci", "status": "300", "sub_cmd": "test",
        "hostclass": "", "message": "interrupted"});
    assert_eq!(service.requests(), [asked(&ami, "test"), told(event)]);
}

#[test]
fn nobody_is_asked_in_a_dry_run_or_without_the_service() {
    let service = Service::start(false, NOW);
    let bed = service.bed();
    bed.image("mhcapp", 1_700_000_000, "untested");
    let file = bed.pipeline("hostclass\nmhcapp\n");
    let args = [
        "test",
        "--pipeline",
        &file,
        "--ticket",
        "OPS-7",
        "--dry-run",
    ];
    bed.run(&args).expect_status(0);
    assert_eq!(service.requests(), []);
    let url = service.server.uri();
    let line = format!("socify_baseurl={url}/api/\n");
    bed.config.edit("disco_aws.ini", &line, "");
    let stderr = bed.run(&args).expect_status(0).stderr;
    assert!(
        stderr.contains("will not be logged to ticket OPS-7"),
        "{stderr}"
    );
}
