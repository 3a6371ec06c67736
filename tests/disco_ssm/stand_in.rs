//! A stand-in for the part of SSM that runs commands, which moto does not have: commands that take a few looks to end, a
//! listing in pages, output as AWS lists it. Understands only what Asiaq sends.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::{Value, json};
use tokio::runtime::Runtime;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

/// How commands behave.
#[derive(Clone)]
pub struct Script {
    /// Looks at a command that find nothing, at first.
    pub in_vain: usize,
    /// Hosts that end per look after that.
    pub per_look: usize,
    /// The last host ends first.
    pub backwards: bool,
    /// Status of a host when it has ended.
    pub status: fn(&str) -> &'static str,
    /// Output of a host as the listing has it.
    pub output: fn(&str) -> String,
    /// Steps of the document.
    pub steps: &'static [&'static str],
    /// Invocations per page.
    pub page: usize,
    /// Refusals: operation, HTTP status, code, how often.
    pub refusals: Vec<(&'static str, u16, &'static str, usize)>,
    /// Refuse to send to a host of this id.
    pub unknown: Option<String>,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            in_vain: 0,
            per_look: 50,
            backwards: false,
            status: |_| "Success",
            output: |id| format!("hello from {id}\n"),
            steps: &["step"],
            page: 50,
            refusals: Vec::new(),
            unknown: None,
        }
    }
}

struct Command {
    sent: Value,
    looks: usize,
}

#[derive(Default)]
struct State {
    calls: Vec<(String, Value)>,
    commands: BTreeMap<String, Command>,
    refused: BTreeMap<&'static str, usize>,
}

#[derive(Clone)]
struct Ssm {
    script: Script,
    state: Arc<Mutex<State>>,
}

/// The running service.
pub struct StandIn {
    ssm: Ssm,
    server: MockServer,
    _runtime: Runtime,
}

impl StandIn {
    pub fn start(script: Script) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let ssm = Ssm {
            script,
            state: Arc::default(),
        };
        let server = runtime.block_on(async {
            let server = MockServer::start().await;
            Mock::given(any())
                .respond_with(ssm.clone())
                .mount(&server)
                .await;
            server
        });
        Self {
            ssm,
            server,
            _runtime: runtime,
        }
    }

    pub fn url(&self) -> String {
        self.server.uri()
    }

    /// The bodies of the calls of an operation.
    pub fn calls(&self, operation: &str) -> Vec<Value> {
        let calls = &self.ssm.lock().calls;
        calls
            .iter()
            .filter(|(name, _)| name == operation)
            .map(|(_, body)| body.clone())
            .collect()
    }
}

impl Respond for Ssm {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let target = request
            .headers
            .get("x-amz-target")
            .unwrap()
            .to_str()
            .unwrap();
        let operation = target.rsplit('.').next().unwrap().to_owned();
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        self.lock().calls.push((operation.clone(), body.clone()));
        match self.answer(&operation, &body) {
            Ok(answer) => ResponseTemplate::new(200).set_body_json(answer),
            Err((status, code)) => ResponseTemplate::new(status)
                .set_body_json(json!({"__type": code, "message": "the stand-in refuses"})),
        }
    }
}

type Refusal = (u16, &'static str);

impl Ssm {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    fn answer(&self, operation: &str, body: &Value) -> Result<Value, Refusal> {
        if let Some((name, status, code, _)) = self.refusal(operation) {
            *self.lock().refused.entry(name).or_default() += 1;
            return Err((status, code));
        }
        match operation {
            "SendCommand" => self.send(body),
            "ListCommands" => Ok(self.look(body)),
            "ListCommandInvocations" => Ok(self.list(body)),
            "GetCommandInvocation" => self.get(body),
            "GetDocument" => Ok(self.document(body)),
            _ => Err((400, "UnknownOperationException")),
        }
    }

    fn refusal(&self, operation: &str) -> Option<(&'static str, u16, &'static str, usize)> {
        let refused = self.lock();
        let left = |refusal: &&(&'static str, u16, &'static str, usize)| {
            refusal.0 == operation
                && refused.refused.get(refusal.0).copied().unwrap_or(0) < refusal.3
        };
        self.script.refusals.iter().find(left).copied()
    }

    fn send(&self, body: &Value) -> Result<Value, Refusal> {
        let ids = ids(body);
        if ids.len() > 50 {
            return Err((400, "ValidationException"));
        }
        if self
            .script
            .unknown
            .as_ref()
            .is_some_and(|unknown| ids.contains(unknown))
        {
            return Err((400, "InvalidInstanceId"));
        }
        // Commands are named after their first host: chunks may arrive in any order.
        let id = format!("cmd-{}", ids[0]);
        self.lock().commands.insert(
            id.clone(),
            Command {
                sent: body.clone(),
                looks: 0,
            },
        );
        Ok(json!({"Command": {"CommandId": id, "Status": "Pending"}}))
    }

    /// The hosts of a command in the order in which they end, and how many have ended.
    fn ended(&self, command: &Command) -> (Vec<String>, usize) {
        let mut ids = ids(&command.sent);
        if self.script.backwards {
            ids.reverse();
        }
        let looks = command.looks.saturating_sub(self.script.in_vain);
        let ended = ids.len().min(looks * self.script.per_look);
        (ids, ended)
    }

    fn look(&self, body: &Value) -> Value {
        let mut state = self.lock();
        let id = text(body, "CommandId");
        let command = state.commands.get_mut(&id).unwrap();
        command.looks += 1;
        if command.looks <= self.script.in_vain {
            return json!({"Commands": []});
        }
        let (ids, ended) = self.ended(command);
        let good = ids.iter().all(|id| (self.script.status)(id) == "Success");
        let status = match (ended == ids.len(), good) {
            (false, _) => "InProgress",
            (true, true) => "Success",
            (true, false) => "Failed",
        };
        json!({"Commands": [{"CommandId": id, "Status": status, "CompletedCount": ended, "TargetCount": ids.len()}]})
    }

    fn list(&self, body: &Value) -> Value {
        assert_eq!(body["Details"], true);
        let state = self.lock();
        let command_id = text(body, "CommandId");
        let command = &state.commands[&command_id];
        let (ids, ended) = self.ended(command);
        let from: usize = text(body, "NextToken").parse().unwrap_or(0);
        let page = ids.iter().enumerate().skip(from).take(self.script.page);
        let bucket = text(&command.sent, "OutputS3BucketName");
        let page: Vec<Value> = page
            .map(|(n, id)| {
                let status = if n < ended {
                    (self.script.status)(id)
                } else {
                    "InProgress"
                };
                let step = |name: &&str| {
                    let output = (self.script.output)(id);
                    let mut step = json!({"Name": name, "Status": status, "Output": output});
                    step["ResponseCode"] = json!(if status == "Success" { 0 } else { 3 });
                    if !bucket.is_empty() {
                        // The prefix names the action, which all steps share.
                        step["OutputS3BucketName"] = json!(bucket);
                        step["OutputS3KeyPrefix"] = json!(format!("{command_id}/{id}/step"));
                    }
                    step
                };
                let steps: Vec<Value> = self.script.steps.iter().map(step).collect();
                json!({"CommandId": command_id, "InstanceId": id, "Status": status,
                       "StatusDetails": status, "CommandPlugins": steps})
            })
            .collect();
        let next = from + page.len();
        let mut answer = json!({"CommandInvocations": page});
        if next < ids.len() {
            answer["NextToken"] = json!(next.to_string());
        }
        answer
    }

    /// The output of one step; without its name only if there is no other.
    fn get(&self, body: &Value) -> Result<Value, Refusal> {
        let id = text(body, "InstanceId");
        let status = (self.script.status)(&id);
        let asked = text(body, "PluginName");
        let step = match self.script.steps {
            [only] if asked.is_empty() => *only,
            steps => {
                let found = steps.iter().find(|step| **step == asked);
                found.copied().ok_or((400, "InvalidPluginName"))?
            }
        };
        Ok(
            json!({"InstanceId": id, "PluginName": step, "Status": status, "StatusDetails": status, "ResponseCode": 0,
               "StandardOutputContent": format!("{}end of {id}\n", "x".repeat(3000)), "StandardErrorContent": ""}),
        )
    }

    fn document(&self, body: &Value) -> Value {
        let step = |name: &&str| json!({"name": name, "action": "aws:runShellScript"});
        let steps: Vec<Value> = self.script.steps.iter().map(step).collect();
        let content = json!({"schemaVersion": "2.2", "mainSteps": steps}).to_string();
        json!({"Name": body["Name"], "DocumentVersion": "1", "Status": "Active", "Content": content})
    }
}

fn text(body: &Value, key: &str) -> String {
    body[key].as_str().unwrap_or_default().to_owned()
}

fn ids(body: &Value) -> Vec<String> {
    let ids = body["InstanceIds"].as_array().unwrap();
    ids.iter()
        .map(|id| id.as_str().unwrap().to_owned())
        .collect()
}
