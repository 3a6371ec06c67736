//! The Socify client against a stub: bodies byte for byte, every kind of answer, what is repeated, and when
//! nobody is asked.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;
use crate::config::ini::Ini;
use std::net::TcpListener;
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

fn config(text: &str) -> DiscoAws {
    DiscoAws::from_ini(Ini::parse("disco_aws.ini", text.as_bytes()).unwrap())
}

const OPS_7: Deployment<'static> = Deployment {
    ticket: Some("OPS-7"),
    environment: "staging",
    sub_command: SubCommand::Update,
    dry_run: false,
};

fn quick() -> Poll {
    Poll::new(Some(Duration::from_millis(1)))
}

fn socify(base: &str) -> Socify {
    let config = config(&format!("[socify]\nsocify_baseurl = {base}//\n"));
    Socify::new(&config, &OPS_7, quick()).unwrap()
}

/// A server that gives this answer to everything.
async fn answering(answer: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .respond_with(answer)
        .mount(&server)
        .await;
    server
}

fn text(status: u16, body: &str) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_string(body)
}

async fn bodies(server: &MockServer) -> Vec<(String, String)> {
    let requests = server.received_requests().await.unwrap().into_iter();
    requests
        .map(|request| {
            assert_eq!(request.headers["content-type"], "application/json");
            assert!(!request.headers.contains_key("authorization"));
            let body = String::from_utf8(request.body).unwrap();
            (request.url.path().to_owned(), body)
        })
        .collect()
}

#[tokio::test]
async fn the_worked_example_byte_for_byte() {
    let server = MockServer::start().await;
    for (at, answer) in [
        (
            "/api/validate",
            r#"{"message":"SUCCESS","result":{"status":"Passed"}}"#,
        ),
        ("/api/event", r#"{"message":"logged"}"#),
    ] {
        Mock::given(path(at))
            .respond_with(text(200, answer))
            .mount(&server)
            .await;
    }
    let socify = socify(&format!("{}/api", server.uri()));
    assert!(socify.validate("ami-2").await);
    socify
        .event(&Event::deployed("ami-2", "mhcweb", Some("ami-1")))
        .await;
    let wanted = [
        (
            "/api/validate",
            r#"{"ticketId":"OPS-7","cmd":"DeployEvent","data":{"amiId":"ami-2","environment":"staging","sub_cmd":"update"}}"#,
        ),
        (
            "/api/event",
            r#"{"ticketId":"OPS-7","cmd":"DeployEvent","data":{"amiId":"ami-2","environment":"staging","status":"100","sub_cmd":"update","hostclass":"mhcweb","previous_ami_id":"ami-1","message":""}}"#,
        ),
    ];
    assert_eq!(
        bodies(&server).await,
        wanted.map(|(path, body)| (path.to_owned(), body.to_owned()))
    );
}

#[test]
fn every_kind_of_event() {
    let table = [
        (
            Event::nothing_to_deploy(),
            r#"{"amiId":"","environment":"ci","status":"200","sub_cmd":"test","hostclass":"","previous_ami_id":"","message":"No untested AMIs found."}"#,
        ),
        (
            Event::failed("", "", "Specified AMI not found: ['ami-9']"),
            r#"{"amiId":"","environment":"ci","status":"300","sub_cmd":"test","hostclass":"","message":"Specified AMI not found: ['ami-9']"}"#,
        ),
        (
            Event::not_validated(
                "ami-2",
                "The SOC validation of ticket OPS-7 and AMI ami-2 failed.",
            ),
            r#"{"amiId":"ami-2","environment":"ci","status":"200","sub_cmd":"test","hostclass":"","message":"The SOC validation of ticket OPS-7 and AMI ami-2 failed."}"#,
        ),
        (
            Event::deployed("ami-2", "mhcweb", None),
            r#"{"amiId":"ami-2","environment":"ci","status":"100","sub_cmd":"test","hostclass":"mhcweb","previous_ami_id":"","message":""}"#,
        ),
        (
            Event::failed("ami-2", "mhcweb", "no \"host\" came up"),
            r#"{"amiId":"ami-2","environment":"ci","status":"300","sub_cmd":"test","hostclass":"mhcweb","message":"no \"host\" came up"}"#,
        ),
    ];
    for (event, data) in table {
        let body = Body::event("OPS-7", "ci", SubCommand::Test, &event);
        assert_eq!(
            serde_json::to_string(&body).unwrap(),
            format!(r#"{{"ticketId":"OPS-7","cmd":"DeployEvent","data":{data}}}"#)
        );
    }
}

#[tokio::test]
async fn every_answer_to_a_validation() {
    let agrees = |status: &str| {
        format!(r#"{{"message":"m","result":{{"status":"{status}","err_msgs":[]}}}}"#)
    };
    let refusal =
        r#"{"message":"m","result":{"status":"Failed","err_msgs":["no approval","freeze"]}}"#;
    type Row<'a> = (u16, &'a str, Result<Option<&'a str>, &'a str>);
    let table: [Row<'_>; 17] = [
        (200, &agrees("Passed"), Ok(None)),
        (201, &agrees("Whatever"), Ok(None)),
        (200, &agrees("failed"), Ok(None)),
        (200, refusal, Ok(Some("no approval; freeze"))),
        (
            200,
            r#"{"message":"m","result":{"status":"Failed"}}"#,
            Ok(Some("Unknown")),
        ),
        (200, r#"{"message":"m"}"#, Err("the answer has no `result`")),
        (
            200,
            r#"{"message":"m","result":null}"#,
            Err("the answer has no `result`"),
        ),
        (200, r#"{"message":"m","result":{}}"#, Ok(None)),
        (200, r#"{"message":"m","result":{"status":7}}"#, Ok(None)),
        (
            200,
            r#"{"result":{"status":"Passed"}}"#,
            Err("the answer is not JSON with a `message`"),
        ),
        (
            200,
            "<html>",
            Err("the answer is not JSON with a `message`"),
        ),
        (200, "", Err("the answer is not JSON with a `message`")),
        (200, "[]", Err("the answer is not JSON with a `message`")),
        (
            400,
            r#"{"errorMessage":"no such ticket"}"#,
            Err("no such ticket"),
        ),
        (400, r#"{"other":1}"#, Err("Unknown")),
        (503, "<html>", Err("HTTP 503 Service Unavailable")),
        (500, "[1]", Err("HTTP 500 Internal Server Error")),
    ];
    for (status, body, wanted) in table {
        let server = answering(text(status, body)).await;
        let socify = socify(&server.uri());
        let request = Body::validation("OPS-7", "staging", SubCommand::Update, "ami-2");
        let service = socify.service.as_ref().unwrap();
        let found = service.post("validate", &request).await.and_then(verdict);
        let wanted = wanted
            .map(|problems| problems.map(str::to_owned))
            .map_err(str::to_owned);
        assert_eq!(found, wanted, "{status} {body}");
        assert_eq!(
            socify.validate("ami-2").await,
            wanted == Ok(None),
            "{status} {body}"
        );
        assert_eq!(
            bodies(&server).await.len(),
            2,
            "nothing is repeated: {status} {body}"
        );
    }
}

#[tokio::test]
async fn every_answer_to_an_event() {
    let table = [
        (200, r#"{"message":"logged"}"#, Ok(())),
        (202, r#"{"message":null}"#, Ok(())),
        (
            200,
            r#"{"result":1}"#,
            Err("the answer is not JSON with a `message`"),
        ),
        (
            404,
            r#"{"errorMessage":"no such ticket"}"#,
            Err("no such ticket"),
        ),
        (404, "{}", Err("Unknown")),
        (502, "bad gateway", Err("HTTP 502 Bad Gateway")),
    ];
    for (status, body, wanted) in table {
        let server = answering(text(status, body)).await;
        let socify = socify(&server.uri());
        let event = Event::failed("ami-2", "mhcweb", "broken");
        let request = Body::event("OPS-7", "staging", SubCommand::Update, &event);
        let service = socify.service.as_ref().unwrap();
        let found = service.post("event", &request).await.map(|_| ());
        assert_eq!(found, wanted.map_err(str::to_owned), "{status} {body}");
        socify.event(&event).await;
        let posted = bodies(&server).await;
        assert_eq!(posted.len(), 2, "nothing is repeated: {status} {body}");
        assert!(posted.iter().all(|(path, _)| path == "/event"));
    }
}

#[tokio::test]
async fn connections_that_fail_are_tried_again_ten_times() {
    let address = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let socify = socify(&format!("http://{address}"));
    assert!(!socify.validate("ami-2").await);
    let service = socify.service.as_ref().unwrap();
    let request = Body::validation("OPS-7", "staging", SubCommand::Update, "ami-2");
    let problem = service.post("validate", &request).await.unwrap_err();
    assert!(
        problem.ends_with("; gave up after 11 attempts"),
        "{problem}"
    );
}

#[tokio::test]
async fn a_service_that_comes_up_late_is_reached() {
    let address = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let mut socify = socify(&format!("http://{address}"));
    socify.service.as_mut().unwrap().poll = Poll::new(Some(Duration::from_millis(500)));
    let late = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let listener = TcpListener::bind(address).unwrap();
        let server = MockServer::builder().listener(listener).start().await;
        let answer = text(200, r#"{"message":"m","result":{"status":"Passed"}}"#);
        Mock::given(method("POST"))
            .respond_with(answer)
            .mount(&server)
            .await;
        server
    };
    let (agreed, server) = tokio::join!(socify.validate("ami-2"), late);
    assert!(agreed);
    assert_eq!(bodies(&server).await.len(), 1);
}

#[tokio::test]
async fn a_late_answer_is_not_asked_for_again() {
    let answer = text(200, r#"{"message":"m","result":{"status":"Passed"}}"#);
    let server = answering(answer.set_delay(Duration::from_secs(5))).await;
    let mut socify = socify(&server.uri());
    socify.service.as_mut().unwrap().timeout = Duration::from_millis(200);
    assert!(!socify.validate("ami-2").await);
    assert_eq!(bodies(&server).await.len(), 1);
}

#[tokio::test]
async fn without_ticket_or_service_or_in_a_dry_run_nobody_is_asked() {
    let server = answering(text(500, "")).await;
    let configured = format!("[socify]\nsocify_baseurl={}\n", server.uri());
    let table = [
        (
            configured.as_str(),
            Deployment {
                ticket: None,
                ..OPS_7
            },
        ),
        (
            &configured,
            Deployment {
                ticket: Some(" "),
                ..OPS_7
            },
        ),
        (
            &configured,
            Deployment {
                dry_run: true,
                ..OPS_7
            },
        ),
        ("[socify]\nsocify_baseurl=\n", OPS_7),
        ("[socify]\n", OPS_7),
        ("[disco_aws]\n", OPS_7),
        (
            "[socify]\nsocify_baseurl=nonsense\n",
            Deployment {
                ticket: None,
                ..OPS_7
            },
        ),
    ];
    for (text, deployment) in table {
        let socify = Socify::new(&config(text), &deployment, quick()).unwrap();
        assert!(socify.validate("ami-2").await, "{text} {deployment:?}");
        socify.event(&Event::nothing_to_deploy()).await;
    }
    assert_eq!(bodies(&server).await, []);
}

#[test]
fn a_wrong_address_is_a_configuration_error() {
    let error = Socify::new(
        &config("[socify]\nsocify_baseurl=nonsense\n"),
        &OPS_7,
        quick(),
    )
    .unwrap_err();
    assert!(matches!(error, Error::Config(_)));
    assert_eq!(
        error.to_string(),
        "disco_aws.ini:2: [socify] socify_baseurl: `nonsense` is no http or https address"
    );
}
