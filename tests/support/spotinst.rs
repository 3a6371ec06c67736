//! A stand-in for the Spotinst API on loopback: it keeps groups, their instances and rolls, refuses what the
//! real service refuses, records every request, and misbehaves on demand. `model` holds the rules, this file
//! the HTTP side.

mod model;

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::Duration;

use asiaq_core::spotinst::SpotinstSettings;
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::CONTENT_TYPE;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use model::{Model, Refusal};

/// The token that the stand-in accepts. Nothing but its `Authorization` header may ever show it.
pub const TOKEN: &str = "planted-token-4711";

/// What a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    /// `POST /aws/ec2/group`
    Create,
    /// `GET /aws/ec2/group`
    List,
    /// `PUT /aws/ec2/group/ID`
    Update,
    /// `DELETE /aws/ec2/group/ID`
    Delete,
    /// `GET /aws/ec2/group/ID/status`
    Status,
    /// `PUT /aws/ec2/group/ID/roll`
    Roll,
    /// `GET /aws/ec2/group/ID/roll`
    Rolls,
    /// `GET /aws/ec2/group/ID/roll/ROLL`
    RollStatus,
}

/// A request that arrived.
#[derive(Debug, Clone)]
pub struct Call {
    /// What it asks for; `None` for what the service does not know.
    pub operation: Option<Operation>,
    /// Method and path.
    pub line: String,
    /// The query, as it was sent.
    pub query: String,
    /// Headers with lower-case names.
    pub headers: HashMap<String, String>,
    /// The body; null if there was none.
    pub body: Value,
}

/// What happens to a request instead of the right answer.
#[derive(Debug, Clone)]
pub enum Fault {
    /// This answer; nothing is done.
    Answer(u16, &'static str),
    /// The connection is reset; nothing is done.
    Reset,
    /// It is done, but the answer comes too late.
    DoneLate(Duration),
    /// It is done, but the connection is reset.
    DoneReset,
}

/// HTTP 429 as the service sends it.
pub const TOO_MANY: Fault = Fault::Answer(
    429,
    r#"{"response":{"errors":[{"code":"TooManyRequests","message":"slow down"}]}}"#,
);
/// An error without status and request id.
pub const INTERNAL: Fault = Fault::Answer(
    500,
    r#"{"response":{"errors":[{"code":"Internal","message":"oops"}]}}"#,
);
/// The page of some gateway.
pub const HTML: Fault = Fault::Answer(502, "<html>\n<body>Bad gateway</body>\n</html>");
/// Success, with nothing in it.
pub const NOTHING: Fault = Fault::Answer(200, "");

/// Starts and ends the instances of groups; a group's document tells how many it wants, and their tags. It
/// must not ask the stand-in.
pub trait Fleet: Send {
    /// Starts instances; their ids.
    fn launch(&mut self, group: &Value, count: usize) -> Vec<String>;
    /// Ends instances.
    fn terminate(&mut self, ids: &[String]);
}

/// Instances that exist in name only.
pub struct Imaginary(pub usize);

impl Fleet for Imaginary {
    fn launch(&mut self, _: &Value, count: usize) -> Vec<String> {
        let first = self.0;
        self.0 += count;
        (first..self.0)
            .map(|number| format!("i-{number:017x}"))
            .collect()
    }

    fn terminate(&mut self, _: &[String]) {}
}

struct Shared {
    model: Mutex<Model>,
    calls: Mutex<Vec<Call>>,
    faults: Mutex<HashMap<Operation, Vec<Fault>>>,
}

/// A running stand-in. It stops when dropped.
pub struct SpotinstServer {
    shared: Arc<Shared>,
    url: String,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl SpotinstServer {
    /// Starts one without groups. Groups get no instances unless told.
    pub fn start() -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("listener");
        listener.set_nonblocking(true).expect("listener");
        let url = format!("http://{}", listener.local_addr().expect("address"));
        let shared = Arc::new(Shared {
            model: Mutex::default(),
            calls: Mutex::default(),
            faults: Mutex::default(),
        });
        let (stop, stopped) = oneshot::channel();
        let for_thread = Arc::clone(&shared);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("runtime");
            runtime.block_on(async {
                tokio::select! {
                    () = serve(listener, for_thread) => {}
                    _ = stopped => {}
                }
            });
        });
        Self {
            shared,
            url,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// From now on every request must be for this account.
    pub fn require_account(&self, account: &str) {
        lock(&self.shared.model).account = Some(account.to_owned());
    }

    /// From now on groups have as many instances as they want.
    pub fn launch_with(&self, fleet: impl Fleet + 'static) {
        lock(&self.shared.model).fleet = Some(Box::new(fleet));
    }

    /// The variables of a tool that is to use this server.
    pub fn variables(&self) -> [(&'static str, String); 3] {
        [
            ("SPOTINST_TOKEN", TOKEN.to_owned()),
            ("SPOTINST_API_HOST", self.url.clone()),
            ("SPOTINST_RETRY_WAIT", "0.01".to_owned()),
        ]
    }

    /// The same as settings of the core's client.
    pub fn settings(&self) -> SpotinstSettings {
        let variables = HashMap::from(self.variables());
        SpotinstSettings::from_variables(|name| variables.get(name).cloned())
            .expect("settings")
            .expect("a token")
    }

    /// Puts a group in, by the document that would create it, without checks; the id.
    pub fn put_group(&self, group: Value) -> String {
        lock(&self.shared.model).put_group(group)
    }

    /// The groups as they are kept (numbers are numbers), in order of creation.
    pub fn groups(&self) -> Vec<Value> {
        let model = lock(&self.shared.model);
        model
            .groups
            .iter()
            .map(|group| group.document.clone())
            .collect()
    }

    /// What the status of a group says: instance ids, or requests that have none yet.
    pub fn set_status(&self, id: &str, instances: &[Option<&str>]) {
        let mut model = lock(&self.shared.model);
        let group = model.group_mut(id).expect("a group of that id");
        group.instances = instances.iter().map(|id| id.map(str::to_owned)).collect();
    }

    /// What a roll says when it is asked, one after the other; the last one stays.
    pub fn set_roll_statuses(&self, statuses: &[&'static str]) {
        lock(&self.shared.model).roll_statuses = statuses.to_vec();
    }

    /// The next requests of this kind fail so, one after the other.
    pub fn fail(&self, operation: Operation, faults: &[Fault]) {
        let mut all = lock(&self.shared.faults);
        all.entry(operation).or_default().extend_from_slice(faults);
    }

    /// All requests so far, in order of arrival.
    pub fn calls(&self) -> Vec<Call> {
        lock(&self.shared.calls).clone()
    }

    /// The requests of a kind.
    pub fn calls_of(&self, operation: Operation) -> Vec<Call> {
        let calls = self.calls().into_iter();
        calls
            .filter(|call| call.operation == Some(operation))
            .collect()
    }
}

impl Drop for SpotinstServer {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic of the server must fail the test, but not while the test is panicking already.
            let result = thread.join();
            assert!(
                result.is_ok() || std::thread::panicking(),
                "the Spotinst stand-in panicked"
            );
        }
    }
}

/// A test that panicked with a lock held must not hide its own message behind a poisoned one.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
}

async fn serve(listener: std::net::TcpListener, shared: Arc<Shared>) {
    let listener = TcpListener::from_std(listener).expect("listener");
    loop {
        let (stream, _) = listener.accept().await.expect("accept");
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            // The second handle is for a reset; the first belongs to the HTTP server.
            let stream = stream.into_std().expect("connection");
            let handle = stream.try_clone().expect("connection");
            let handle = Arc::new(TcpStream::from_std(handle).expect("connection"));
            let stream = TcpStream::from_std(stream).expect("connection");
            let service = hyper::service::service_fn(move |request| {
                let (shared, handle) = (Arc::clone(&shared), Arc::clone(&handle));
                async move { handle_request(&shared, &handle, request).await }
            });
            // An error here is a dropped connection: ours on purpose, or the client's end.
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

type Answer = Response<Full<Bytes>>;

/// Records a request and deals with it. An error makes the HTTP server drop the connection without an answer.
async fn handle_request(
    shared: &Shared,
    connection: &TcpStream,
    request: Request<Incoming>,
) -> io::Result<Answer> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let path: Vec<String> = parts
        .uri
        .path()
        .trim_start_matches('/')
        .split('/')
        .map(str::to_owned)
        .collect();
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    let operation = operation_of(parts.method.as_str(), &path);
    let call = Call {
        operation,
        line: format!("{} {}", parts.method, parts.uri.path()),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: parts
            .headers
            .iter()
            .map(|(name, value)| {
                let value = String::from_utf8_lossy(value.as_bytes());
                (name.to_string(), value.into_owned())
            })
            .collect(),
        body: serde_json::from_slice(&body).unwrap_or_default(),
    };
    lock(&shared.calls).push(call.clone());
    let fault = operation.and_then(|operation| {
        let mut faults = lock(&shared.faults);
        let left = faults.get_mut(&operation).filter(|left| !left.is_empty())?;
        Some(left.remove(0))
    });
    let reset = || -> io::Result<Answer> {
        connection.set_zero_linger()?;
        Err(io::ErrorKind::ConnectionReset.into())
    };
    match fault {
        Some(Fault::Answer(status, body)) => return Ok(respond(status, body.to_owned())),
        Some(Fault::Reset) => return reset(),
        _ => {}
    }
    let answer = act(shared, &call, &path);
    match fault {
        Some(Fault::DoneLate(after)) => tokio::time::sleep(after).await,
        Some(Fault::DoneReset) => return reset(),
        _ => {}
    }
    Ok(answer)
}

fn operation_of(method: &str, path: &[&str]) -> Option<Operation> {
    let ["aws", "ec2", "group", rest @ ..] = path else {
        return None;
    };
    match (method, rest) {
        ("POST", []) => Some(Operation::Create),
        ("GET", []) => Some(Operation::List),
        ("PUT", [_]) => Some(Operation::Update),
        ("DELETE", [_]) => Some(Operation::Delete),
        ("GET", [_, "status"]) => Some(Operation::Status),
        ("PUT", [_, "roll"]) => Some(Operation::Roll),
        ("GET", [_, "roll"]) => Some(Operation::Rolls),
        ("GET", [_, "roll", _]) => Some(Operation::RollStatus),
        _ => None,
    }
}

fn act(shared: &Shared, call: &Call, path: &[&str]) -> Answer {
    let mut model = lock(&shared.model);
    let id = path.get(3).copied().unwrap_or_default();
    let result = model.admit(call).and_then(|()| match call.operation {
        None => Err(Refusal::new(404, "NOT_FOUND", "no such resource")),
        Some(Operation::Create) => model.create(&call.body),
        Some(Operation::List) => Ok(model.list()),
        Some(Operation::Update) => model.update(id, &call.body),
        Some(Operation::Delete) => model.delete(id),
        Some(Operation::Status) => model.status(id),
        Some(Operation::Roll) => model.roll(id, &call.body),
        Some(Operation::Rolls) => model.rolls(id),
        Some(Operation::RollStatus) => model.roll_status(id, path.last().unwrap_or(&"")),
    });
    let request = json!({"id": "0a1b2c3d-request", "url": call.line, "timestamp": "2026-01-01T00:00:00.000Z"});
    let (status, response) = match result {
        Ok(items) => {
            let count = items.len();
            let status = json!({"code": 200, "message": "OK"});
            (
                200,
                json!({"status": status, "kind": "spotinst:aws:ec2:group", "items": items, "count": count}),
            )
        }
        Err(refusal) => {
            let status = json!({"code": refusal.status, "message": "Refused"});
            let errors: Vec<Value> = refusal
                .errors
                .iter()
                .map(|(code, message)| json!({"code": code, "message": message}))
                .collect();
            (refusal.status, json!({"status": status, "errors": errors}))
        }
    };
    respond(
        status,
        json!({"request": request, "response": response}).to_string(),
    )
}

fn respond(status: u16, body: String) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::from(body)));
    *answer.status_mut() = StatusCode::from_u16(status).expect("HTTP status");
    let kind = hyper::header::HeaderValue::from_static("application/json");
    answer.headers_mut().insert(CONTENT_TYPE, kind);
    answer
}
