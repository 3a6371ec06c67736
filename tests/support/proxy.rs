//! A reverse proxy between a tool and the local cloud: counts, delays, throttles, resets, answers itself and kills.
//! Understands of AWS only what it needs to name a call.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::process::Child;
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap};
use hyper::{Request, Response, StatusCode, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

type Answer = Response<Full<Bytes>>;
type Forwarder = Client<HttpConnector, Full<Bytes>>;

/// One request that arrived.
#[derive(Debug, Clone)]
pub struct Call {
    /// Order of arrival, from 1.
    pub index: usize,
    /// From the signature's scope, e.g. `ec2`; empty if unsigned.
    pub service: String,
    /// `Action` of the form, else the last part of `X-Amz-Target`, else the name after `/operation/`, else method and path.
    pub operation: String,
    /// The decoded form; empty for other bodies.
    pub form: Vec<(String, String)>,
    /// Headers with lower-case names.
    pub headers: HashMap<String, String>,
    /// When it had arrived completely.
    pub started: Instant,
    /// When its answer was handed on, or its connection dropped; `None` while it is under way.
    pub finished: Option<Instant>,
}

impl Call {
    /// A parameter of the form.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.form
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }
}

/// When the registered tool is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kill {
    /// The call does not reach the cloud.
    Before(usize),
    /// The call is done in the cloud, but the tool never learns of it.
    After(usize),
}

/// What the proxy does to calls. Everything can be combined; the default hands all calls on unchanged.
#[derive(Debug, Clone, Default)]
pub struct Behaviour {
    delay: Duration,
    throttled: HashMap<String, usize>,
    answers: HashMap<String, (u16, String)>,
    first_answers: HashMap<String, Vec<(u16, String)>>,
    resets: Vec<usize>,
    kill: Option<Kill>,
    kill_nth: Option<(String, usize)>,
}

impl Behaviour {
    /// Hands all calls on unchanged.
    pub fn new() -> Self {
        Self::default()
    }

    /// Delays every call, whatever happens to it then.
    pub fn delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Refuses the first `count` calls of an operation as AWS does when calls come too fast.
    pub fn throttle(mut self, operation: &str, count: usize) -> Self {
        self.throttled.insert(operation.to_owned(), count);
        self
    }

    /// Answers every call of an operation itself.
    pub fn answer(mut self, operation: &str, status: u16, body: &str) -> Self {
        self.answers
            .insert(operation.to_owned(), (status, body.to_owned()));
        self
    }

    /// Answers one call of an operation itself: the first one; given several times, the first ones in this order. Later
    /// calls are handed on.
    pub fn answer_first(mut self, operation: &str, status: u16, body: &str) -> Self {
        let answers = self.first_answers.entry(operation.to_owned()).or_default();
        answers.push((status, body.to_owned()));
        self
    }

    /// Resets the connection when call `index` (from 1) arrives; the call does not reach the cloud.
    pub fn reset_at(mut self, index: usize) -> Self {
        self.resets.push(index);
        self
    }

    /// Kills the tool when call `index` (from 1) is done in the cloud and before the tool hears of it.
    pub fn kill_at(mut self, index: usize) -> Self {
        self.kill = Some(Kill::After(index));
        self
    }

    /// As [`Self::kill_at`], at the `n`-th (from 1) call of an operation.
    pub fn kill_at_nth(mut self, operation: &str, n: usize) -> Self {
        self.kill_nth = Some((operation.to_owned(), n));
        self
    }

    /// Kills the tool when call `index` (from 1) arrives; the call does not reach the cloud.
    pub fn kill_before(mut self, index: usize) -> Self {
        self.kill = Some(Kill::Before(index));
        self
    }
}

/// What the proxy's thread and its owner share.
struct Shared {
    upstream: String,
    behaviour: Behaviour,
    calls: Mutex<Vec<Call>>,
    throttled: Mutex<HashMap<String, usize>>,
    first_answers: Mutex<HashMap<String, Vec<(u16, String)>>>,
    victim: Mutex<Option<Arc<Mutex<Child>>>>,
    killed: Mutex<bool>,
}

/// A running proxy. It stops when dropped.
pub struct Proxy {
    shared: Arc<Shared>,
    url: String,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Proxy {
    /// Starts a proxy in front of `upstream`, on a free port and a thread of its own.
    pub fn start(upstream: &str, behaviour: Behaviour) -> Self {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("free port");
        listener.set_nonblocking(true).expect("listener");
        let address: SocketAddr = listener.local_addr().expect("address");
        let shared = Arc::new(Shared {
            upstream: upstream.trim_end_matches('/').to_owned(),
            throttled: Mutex::new(behaviour.throttled.clone()),
            first_answers: Mutex::new(behaviour.first_answers.clone()),
            behaviour,
            calls: Mutex::default(),
            victim: Mutex::default(),
            killed: Mutex::default(),
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
            url: format!("http://{address}"),
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// The URL for `AWS_ENDPOINT_URL`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Starts the process that is to be killed. No kill happens before it is registered, so the first call is safe.
    pub fn register<T>(&self, start: impl FnOnce() -> (T, Arc<Mutex<Child>>)) -> T {
        let mut victim = lock(&self.shared.victim);
        let (result, child) = start();
        *victim = Some(child);
        result
    }

    /// Whether the call at which the tool was to die has come.
    pub fn has_killed(&self) -> bool {
        *lock(&self.shared.killed)
    }

    /// All calls so far, in order of arrival.
    pub fn calls(&self) -> Vec<Call> {
        lock(&self.shared.calls).clone()
    }

    /// How many calls of an operation came.
    pub fn count(&self, operation: &str) -> usize {
        lock(&self.shared.calls)
            .iter()
            .filter(|call| call.operation == operation)
            .count()
    }

    /// The largest number of calls of which each began after the one before it was answered. With a delay per call
    /// this is what the tool's run time is made of.
    pub fn longest_chain(&self) -> usize {
        let spans = lock(&self.shared.calls)
            .iter()
            .filter_map(|call| Some((call.started, call.finished?)))
            .collect();
        longest_chain(spans)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic of the proxy must fail the test, but not while the test is panicking already.
            let result = thread.join();
            assert!(
                result.is_ok() || std::thread::panicking(),
                "the proxy panicked"
            );
        }
    }
}

/// The most disjoint spans: always take the one that ends first among those that begin after the last taken.
fn longest_chain(mut spans: Vec<(Instant, Instant)>) -> usize {
    spans.sort_by_key(|(_, finished)| *finished);
    let mut last: Option<Instant> = None;
    let mut count = 0;
    for (started, finished) in spans {
        if last.is_none_or(|last| last <= started) {
            last = Some(finished);
            count += 1;
        }
    }
    count
}

/// A test that panicked with a lock held must not hide its own message behind a poisoned one.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
}

async fn serve(listener: std::net::TcpListener, shared: Arc<Shared>) {
    let listener = TcpListener::from_std(listener).expect("listener");
    let forwarder: Forwarder = Client::builder(TokioExecutor::new()).build_http();
    loop {
        let (stream, _) = listener.accept().await.expect("accept");
        let (shared, forwarder) = (Arc::clone(&shared), forwarder.clone());
        tokio::spawn(async move {
            // The second handle is for a reset; the first belongs to the HTTP server.
            let (stream, handle) = twice(stream).expect("connection");
            let handle = Arc::new(handle);
            let service = hyper::service::service_fn(move |request| {
                let (shared, forwarder, handle) =
                    (Arc::clone(&shared), forwarder.clone(), Arc::clone(&handle));
                async move { handle_request(&shared, &forwarder, &handle, request).await }
            });
            // An error here is a dropped connection: ours on purpose, or the tool's end.
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

fn twice(stream: TcpStream) -> io::Result<(TcpStream, TcpStream)> {
    let stream = stream.into_std()?;
    let other = stream.try_clone()?;
    Ok((TcpStream::from_std(stream)?, TcpStream::from_std(other)?))
}

/// Records a call and deals with it. An error makes the HTTP server drop the connection without an answer.
async fn handle_request(
    shared: &Shared,
    forwarder: &Forwarder,
    connection: &TcpStream,
    request: Request<Incoming>,
) -> io::Result<Answer> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let call = record(shared, &parts, &body);
    tokio::time::sleep(shared.behaviour.delay).await;
    let result = act(shared, forwarder, connection, &call, parts, body).await;
    let mut calls = lock(&shared.calls);
    if let Some(entry) = calls.get_mut(call.index - 1) {
        entry.finished = Some(Instant::now());
    }
    result
}

async fn act(
    shared: &Shared,
    forwarder: &Forwarder,
    connection: &TcpStream,
    call: &Call,
    parts: hyper::http::request::Parts,
    body: Bytes,
) -> io::Result<Answer> {
    let behaviour = &shared.behaviour;
    if behaviour.kill == Some(Kill::Before(call.index)) {
        return Err(kill(shared));
    }
    if behaviour.resets.contains(&call.index) {
        connection.set_zero_linger()?;
        return Err(io::ErrorKind::ConnectionReset.into());
    }
    let answer = if take_throttle(shared, &call.operation) {
        throttled(&call.service, &parts.headers)
    } else if let Some((status, body)) = take_first(shared, &call.operation) {
        respond(status, body)
    } else if let Some((status, body)) = behaviour.answers.get(&call.operation) {
        respond(*status, body.clone())
    } else {
        forward(shared, forwarder, parts, body).await?
    };
    if behaviour.kill == Some(Kill::After(call.index)) || is_nth(shared, call) {
        return Err(kill(shared));
    }
    Ok(answer)
}

/// True for the call that [`Behaviour::kill_at_nth`] names.
fn is_nth(shared: &Shared, call: &Call) -> bool {
    let Some((operation, n)) = &shared.behaviour.kill_nth else {
        return false;
    };
    let calls = lock(&shared.calls);
    let before = calls.iter().filter(|own| own.index <= call.index);
    call.operation == *operation && before.filter(|own| own.operation == *operation).count() == *n
}

/// Kills the registered process and waits until it is dead, so that it cannot notice the dropped connection.
fn kill(shared: &Shared) -> io::Error {
    let victim = lock(&shared.victim);
    let child = victim
        .as_ref()
        .expect("a process to kill: start it with `run_until_killed`");
    let mut child = lock(child);
    // It fails only if the process has ended, and then there is nothing to kill.
    let _ = child.kill();
    let _ = child.wait();
    *lock(&shared.killed) = true;
    io::ErrorKind::ConnectionAborted.into()
}

fn record(shared: &Shared, parts: &hyper::http::request::Parts, body: &Bytes) -> Call {
    let form = decode_form(&parts.headers, body);
    let target = header(&parts.headers, "x-amz-target")
        .rsplit('.')
        .next()
        .unwrap_or_default();
    let action = form
        .iter()
        .find(|(key, _)| key == "Action")
        .map(|(_, value)| value.clone());
    let operation = action
        .or_else(|| (!target.is_empty()).then(|| target.to_owned()))
        .or_else(|| {
            let path = parts.uri.path();
            path.rsplit_once("/operation/")
                .map(|(_, name)| name.to_owned())
        })
        .unwrap_or_else(|| format!("{} {}", parts.method, parts.uri.path()));
    let mut calls = lock(&shared.calls);
    let call = Call {
        index: calls.len() + 1,
        service: service(header(&parts.headers, AUTHORIZATION.as_str())),
        operation,
        form,
        headers: named(&parts.headers),
        started: Instant::now(),
        finished: None,
    };
    calls.push(call.clone());
    call
}

fn named(headers: &HeaderMap) -> HashMap<String, String> {
    let text =
        |value: &hyper::header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let pairs = headers.iter();
    pairs
        .map(|(name, value)| (name.as_str().to_owned(), text(value)))
        .collect()
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
}

/// The service in `... Credential=KEY/DATE/REGION/SERVICE/aws4_request, ...`.
fn service(authorization: &str) -> String {
    let scope = authorization
        .split_once("Credential=")
        .map_or("", |(_, scope)| scope);
    scope.split('/').nth(3).unwrap_or_default().to_owned()
}

fn decode_form(headers: &HeaderMap, body: &Bytes) -> Vec<(String, String)> {
    if !header(headers, CONTENT_TYPE.as_str()).starts_with("application/x-www-form-urlencoded") {
        return Vec::new();
    }
    let text = String::from_utf8_lossy(body);
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(key), decode(value))
        })
        .collect()
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        match first {
            b'+' => bytes.push(b' '),
            b'%' => match hex_pair(after) {
                Some(byte) => {
                    bytes.push(byte);
                    rest = &after[2..];
                }
                None => bytes.push(b'%'),
            },
            other => bytes.push(*other),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn hex_pair(bytes: &[u8]) -> Option<u8> {
    let digits = std::str::from_utf8(bytes.get(..2)?).ok()?;
    u8::from_str_radix(digits, 16).ok()
}

/// Takes one from the operation's account of refusals, if any is left.
fn take_throttle(shared: &Shared, operation: &str) -> bool {
    let mut throttled = lock(&shared.throttled);
    match throttled.get_mut(operation) {
        Some(left) if *left > 0 => {
            *left -= 1;
            true
        }
        _ => false,
    }
}

/// The next of the operation's first answers, if any is left.
fn take_first(shared: &Shared, operation: &str) -> Option<(u16, String)> {
    let mut answers = lock(&shared.first_answers);
    let left = answers.get_mut(operation).filter(|left| !left.is_empty())?;
    Some(left.remove(0))
}

/// The refusal in the words of the service: EC2, the JSON services, or the other query services.
fn throttled(service: &str, headers: &HeaderMap) -> Answer {
    if service == "ec2" {
        let body = "<Response><Errors><Error><Code>RequestLimitExceeded</Code><Message>Request limit exceeded.\
                    </Message></Error></Errors><RequestID>proxy</RequestID></Response>";
        return respond(503, body.to_owned());
    }
    if headers.contains_key("x-amz-target") {
        return respond(
            400,
            r#"{"__type":"ThrottlingException","message":"Rate exceeded"}"#.to_owned(),
        );
    }
    let body = "<ErrorResponse><Error><Type>Sender</Type><Code>Throttling</Code><Message>Rate exceeded</Message>\
                </Error><RequestId>proxy</RequestId></ErrorResponse>";
    respond(400, body.to_owned())
}

fn respond(status: u16, body: String) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::from(body)));
    *answer.status_mut() = StatusCode::from_u16(status).expect("HTTP status");
    answer
}

async fn forward(
    shared: &Shared,
    forwarder: &Forwarder,
    parts: hyper::http::request::Parts,
    body: Bytes,
) -> io::Result<Answer> {
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let uri: Uri = format!("{}{path}", shared.upstream)
        .parse()
        .map_err(io::Error::other)?;
    let mut request = Request::new(Full::new(body));
    *request.method_mut() = parts.method;
    *request.headers_mut() = parts.headers;
    *request.uri_mut() = uri;
    let answer = forwarder.request(request).await.map_err(io::Error::other)?;
    let (parts, body) = answer.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    Ok(Response::from_parts(parts, Full::new(body)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_chain_counts_calls_that_waited_for_each_other() {
        let start = Instant::now();
        let chain = |spans: &[(u64, u64)]| {
            let at = |ms| start + Duration::from_millis(ms);
            longest_chain(
                spans
                    .iter()
                    .map(|(from, to)| (at(*from), at(*to)))
                    .collect(),
            )
        };
        assert_eq!(chain(&[]), 0);
        assert_eq!(chain(&[(0, 10)]), 1);
        assert_eq!(chain(&[(0, 10), (1, 11), (2, 12)]), 1, "all at once");
        assert_eq!(
            chain(&[(0, 10), (10, 20), (20, 30)]),
            3,
            "one after another"
        );
        assert_eq!(
            chain(&[(0, 10), (1, 30), (12, 20), (22, 28), (31, 40)]),
            4,
            "beside a long one"
        );
    }

    #[test]
    fn forms_are_decoded() {
        for (text, want) in [
            ("a+b%20c", "a b c"),
            ("%7Bx%7D", "{x}"),
            ("100%", "100%"),
            ("%zz", "%zz"),
            ("%C3%A4", "ä"),
        ] {
            assert_eq!(decode(text), want);
        }
    }

    #[test]
    fn the_service_is_in_the_scope_of_the_signature() {
        let value = "AWS4-HMAC-SHA256 Credential=testing/20260101/us-west-2/autoscaling/aws4_request, SignedHeaders=host";
        assert_eq!(service(value), "autoscaling");
        assert_eq!(service(""), "");
    }
}
