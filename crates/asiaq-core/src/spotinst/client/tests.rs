//! What every request carries, and that the token shows nowhere. Faults are in the end-to-end tests, against
//! a stand-in with state.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;
use serde_json::json;
use std::fmt::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tracing::field::{Field, Visit};
use tracing::span;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

const TOKEN: &str = "planted-token-4711";

fn client(host: &str, account: Option<&str>) -> Spotinst {
    let settings = SpotinstSettings {
        token: TOKEN.to_owned().into(),
        host: Url::parse(host).unwrap(),
        retry_wait: Duration::from_millis(1),
        timeout: Duration::from_secs(10),
    };
    Spotinst::new(settings, account.map(str::to_owned)).unwrap()
}

async fn answering(status: u16, body: &str) -> MockServer {
    let server = MockServer::start().await;
    let answer = ResponseTemplate::new(status).set_body_string(body);
    Mock::given(any()).respond_with(answer).mount(&server).await;
    server
}

#[tokio::test]
async fn requests_are_as_the_service_wants_them() {
    let server = answering(200, r#"{"response":{"items":[{"id":"sig-1","name":"g"}]}}"#).await;
    let spotinst = client(&format!("{}/base/", server.uri()), Some("act 1&2"));
    spotinst.groups().await.unwrap();
    spotinst
        .create_group("g", &json!({"group": 1}))
        .await
        .unwrap();
    spotinst
        .update_group("sig-1", &json!({"group": 2}))
        .await
        .unwrap();
    spotinst.delete_group("sig/../1").await.unwrap();
    spotinst.status("sig-1").await.unwrap();
    let requests = server.received_requests().await.unwrap();
    let found: Vec<(String, String)> = requests
        .iter()
        .map(|request| {
            assert_eq!(request.headers["authorization"], format!("Bearer {TOKEN}"));
            assert_eq!(request.headers["content-type"], "application/json");
            assert_eq!(request.headers.get_all("content-type").iter().count(), 1);
            assert_eq!(request.url.query(), Some("accountId=act+1%262"));
            let body = String::from_utf8(request.body.clone()).unwrap();
            (format!("{} {}", request.method, request.url.path()), body)
        })
        .collect();
    let wanted = [
        ("GET /base/aws/ec2/group", ""),
        ("POST /base/aws/ec2/group", r#"{"group":1}"#),
        ("PUT /base/aws/ec2/group/sig-1", r#"{"group":2}"#),
        ("DELETE /base/aws/ec2/group/sig%2F..%2F1", ""),
        ("GET /base/aws/ec2/group/sig-1/status", ""),
    ];
    assert_eq!(
        found,
        wanted.map(|(line, body)| (line.to_owned(), body.to_owned()))
    );
}

#[tokio::test]
async fn without_an_account_there_is_no_query() {
    let server = answering(200, "{}").await;
    client(&server.uri(), None).groups().await.unwrap();
    let requests = server.received_requests().await.unwrap();
    assert_eq!((requests.len(), requests[0].url.query()), (1, None));
}

#[tokio::test]
async fn redirections_are_not_followed() {
    let server = MockServer::start().await;
    let answer = ResponseTemplate::new(307).insert_header("location", "/elsewhere");
    Mock::given(any()).respond_with(answer).mount(&server).await;
    let error = client(&server.uri(), None).groups().await.unwrap_err();
    assert_eq!(error.status, Some(307));
    assert_eq!(server.received_requests().await.unwrap().len(), 1);
}

/// Collects everything that is logged, of all crates and levels.
#[derive(Clone, Default)]
struct Everything(Arc<Mutex<String>>);

impl Visit for Everything {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let mut text = self.0.lock().unwrap();
        writeln!(text, "{field}={value:?}").unwrap();
    }
}

impl tracing::Subscriber for Everything {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &span::Attributes<'_>) -> span::Id {
        span.record(&mut self.clone());
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, values: &span::Record<'_>) {
        values.record(&mut self.clone());
    }

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        event.record(&mut self.clone());
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

#[tokio::test]
async fn the_token_shows_nowhere() {
    let everything = Everything::default();
    let guard = tracing::subscriber::set_default(everything.clone());
    let mut shown = String::new();
    let echo = format!(
        r#"{{"request":{{"id":"{TOKEN}"}},"response":{{"errors":[{{"code":"Throttling","message":"Bearer {TOKEN}"}}]}}}}"#
    );
    for (status, body) in [
        (400, echo.as_str()),
        (401, &echo),
        (429, &echo),
        (500, TOKEN),
    ] {
        let server = answering(status, body).await;
        let spotinst = client(&server.uri(), None);
        let error = spotinst.groups().await.unwrap_err();
        assert!(error.problem.contains("***"), "{error}");
        write!(shown, "{spotinst:?} {error} {error:?} {:?}", error.hint()).unwrap();
    }
    // Nobody listens there.
    let error = client("http://127.0.0.1:9", None)
        .groups()
        .await
        .unwrap_err();
    write!(shown, "{error} {error:?}").unwrap();
    drop(guard);
    let logged = everything.0.lock().unwrap().clone();
    assert!(
        logged.contains("trying again in 0.001s (6 of 7 attempts made)"),
        "{logged}"
    );
    assert!(!shown.contains(TOKEN), "{shown}");
    assert!(!logged.contains(TOKEN), "{logged}");
}

#[tokio::test]
async fn requests_under_way_are_bounded() {
    let server = answering(200, "{}").await;
    let spotinst = client(&server.uri(), None);
    let held = spotinst.permits.clone();
    let all = u32::try_from(CONCURRENT).unwrap();
    let taken = held.acquire_many(all).await.unwrap();
    let waiting = tokio::time::timeout(Duration::from_millis(50), spotinst.groups()).await;
    assert!(waiting.is_err(), "a request goes out beyond the limit");
    drop(taken);
    spotinst.groups().await.unwrap();
    assert_eq!(server.received_requests().await.unwrap().len(), 1);
    assert_eq!(held.available_permits(), CONCURRENT);
}
