//! The metadata service on a socket. The supervisor makes the socket in the host's network; nothing here knows of that.

use super::identity::Identity;
use super::rules::{Reply, Request, reply};
use super::token::Tokens;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderValue, SERVER};
use hyper::service::service_fn;
use hyper::{Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

/// How long a client may take to send the head of a request.
const HEAD_LIMIT: Duration = Duration::from_secs(10);
/// Pause after a failed accept (no file descriptors left).
const BREATH: Duration = Duration::from_millis(100);

/// Serves until the future is dropped. What `identity` holds at the moment of a request is what it gets.
pub async fn serve(listener: tokio::net::TcpListener, identity: Arc<RwLock<Identity>>) {
    let tokens = Arc::new(Mutex::new(Tokens::default()));
    let mut clients = tokio::task::JoinSet::new();
    loop {
        while clients.try_join_next().is_some() {}
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(BREATH).await;
            continue;
        };
        let (identity, tokens) = (Arc::clone(&identity), Arc::clone(&tokens));
        let service = service_fn(move |request: hyper::Request<Incoming>| {
            let answer = respond(&identity, &tokens, &request);
            async move { Ok::<_, Infallible>(answer) }
        });
        clients.spawn(async move {
            let connection = hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEAD_LIMIT)
                .serve_connection(TokioIo::new(stream), service);
            if let Err(problem) = connection.await {
                tracing::debug!("metadata service: {problem}");
            }
        });
    }
}

fn respond(
    identity: &RwLock<Identity>,
    tokens: &Mutex<Tokens>,
    request: &hyper::Request<Incoming>,
) -> Response<Full<Bytes>> {
    let header = |name: &str| text(request.headers(), name);
    let request = Request {
        method: request.method().as_str(),
        path: request.uri().path(),
        token: header("x-aws-ec2-metadata-token"),
        lifetime: header("x-aws-ec2-metadata-token-ttl-seconds"),
        forwarded: request.headers().contains_key("x-forwarded-for"),
    };
    // A panic elsewhere must not take the service away: the data is still whole.
    let identity = identity.read().unwrap_or_else(PoisonError::into_inner);
    let mut tokens = tokens.lock().unwrap_or_else(PoisonError::into_inner);
    response(reply(&identity, &mut tokens, Instant::now(), request))
}

/// A header's value; one that is no text counts as a wrong one, not as none.
fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).map(|value| value.to_str().unwrap_or(""))
}

fn response(reply: Reply) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(reply.body)));
    *response.status_mut() =
        StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    headers.insert(SERVER, HeaderValue::from_static("EC2ws"));
    if let Some(seconds) = reply.lifetime {
        headers.insert("x-aws-ec2-metadata-token-ttl-seconds", seconds.into());
    }
    response
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    /// Answer of a real request: status and body.
    fn ask(request: ureq::http::Request<()>) -> (u16, String) {
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .proxy(None)
            .http_status_as_error(false)
            .build()
            .into();
        let mut answer = agent.run(request).unwrap();
        (
            answer.status().as_u16(),
            answer.body_mut().read_to_string().unwrap(),
        )
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_client_gets_a_token_and_reads_live_data() {
        let identity = Arc::new(RwLock::new(Identity {
            instance_id: "i-1".into(),
            token_required: true,
            ..Identity::default()
        }));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = tokio::spawn(serve(listener, Arc::clone(&identity)));
        let name = Arc::clone(&identity);
        let client = tokio::task::spawn_blocking(move || {
            let request = |method: &str, path: &str| {
                ureq::http::Request::builder()
                    .method(method)
                    .uri(format!("{url}{path}"))
            };
            let refused = request("GET", "/latest/meta-data/instance-id")
                .body(())
                .unwrap();
            assert_eq!(ask(refused).0, 401);
            let put = request("PUT", "/latest/api/token")
                .header("X-aws-ec2-metadata-token-ttl-seconds", "60");
            let (status, token) = ask(put.body(()).unwrap());
            assert_eq!(status, 200);
            let read = |path: &str| {
                let get = request("GET", path).header("X-aws-ec2-metadata-token", &token);
                ask(get.body(()).unwrap())
            };
            assert_eq!(
                read("/latest/meta-data/instance-id"),
                (200, "i-1".to_owned())
            );
            assert_eq!(read("/latest/meta-data/tags/instance/Name").0, 404);
            name.write()
                .unwrap()
                .tags
                .insert("Name".into(), "new".into());
            assert_eq!(
                read("/latest/meta-data/tags/instance/Name"),
                (200, "new".to_owned())
            );
            let forwarded = request("PUT", "/latest/api/token")
                .header("X-aws-ec2-metadata-token-ttl-seconds", "60")
                .header("X-Forwarded-For", "10.0.0.1");
            assert_eq!(ask(forwarded.body(()).unwrap()).0, 403);
        });
        client.await.unwrap();
        server.abort();
    }
}
