//! A stand-in for Data Pipeline that answers as a test says and remembers what it was asked.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use crate::aws::Aws;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

type Calls = Arc<Mutex<Vec<(String, Value)>>>;
/// Operation, body, and how many calls of that operation came before → status and answer.
pub(super) type Script = fn(&str, &Value, usize) -> (u16, Value);

struct Service {
    script: Script,
    calls: Calls,
}

impl Respond for Service {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let target = request
            .headers
            .get("x-amz-target")
            .unwrap()
            .to_str()
            .unwrap();
        let operation = target.rsplit('.').next().unwrap().to_owned();
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        let mut calls = self.calls.lock().unwrap();
        let before = calls.iter().filter(|(name, _)| *name == operation).count();
        let (status, answer) = (self.script)(&operation, &body, before);
        calls.push((operation, body));
        ResponseTemplate::new(status).set_body_raw(answer.to_string(), "application/x-amz-json-1.1")
    }
}

/// Runs an operation against the stand-in; gives its result and the calls.
pub(super) fn with<T>(
    script: Script,
    run: impl AsyncFnOnce(&Aws) -> T,
) -> (T, Vec<(String, Value)>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let calls = Calls::default();
    let result = runtime.block_on(async {
        let server = MockServer::start().await;
        let service = Service {
            script,
            calls: calls.clone(),
        };
        Mock::given(any())
            .respond_with(service)
            .mount(&server)
            .await;
        run(&Aws::for_tests(&server.uri())).await
    });
    let calls = calls.lock().unwrap().clone();
    (result, calls)
}

/// A refusal.
pub(super) fn refusal(code: &str) -> (u16, Value) {
    (
        400,
        json!({ "__type": code, "message": format!("{code} it is") }),
    )
}

/// A pipeline as DescribePipelines has it.
pub(super) fn described(id: &str, name: &str) -> Value {
    json!({
        "pipelineId": id, "name": name, "description": "",
        "fields": [
            {"key": "@pipelineState", "stringValue": "SCHEDULED"},
            {"key": "@creationTime", "stringValue": "2016-03-02T12:00:00"},
            {"key": "@healthStatus", "stringValue": ""},
            {"key": "name", "stringValue": name},
        ],
        "tags": [{"key": "environment", "value": "ci"}],
    })
}
