//! What a request to the metadata service gets: the rules of IMDSv2, without the network.

use super::identity::Identity;
use super::paths::answer;
use super::token::{Tokens, lifetime};
use std::time::Instant;

/// The parts of a request that the rules look at.
#[derive(Debug, Clone, Copy, Default)]
pub struct Request<'a> {
    /// HTTP method.
    pub method: &'a str,
    /// Path with query.
    pub path: &'a str,
    /// Header `X-aws-ec2-metadata-token`.
    pub token: Option<&'a str>,
    /// Header `X-aws-ec2-metadata-token-ttl-seconds`.
    pub lifetime: Option<&'a str>,
    /// Whether there is a header `X-Forwarded-For`: somebody's open proxy sent this.
    pub forwarded: bool,
}

/// What it gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// Body.
    pub body: Vec<u8>,
    /// Seconds that the token in the body lives.
    pub lifetime: Option<u64>,
}

impl Reply {
    fn refused(status: u16) -> Self {
        Self {
            status,
            body: Vec::new(),
            lifetime: None,
        }
    }
}

/// Answers a request.
pub fn reply(identity: &Identity, tokens: &mut Tokens, now: Instant, request: Request) -> Reply {
    if identity.disabled {
        return Reply::refused(403);
    }
    match request.method {
        "PUT" => put(tokens, now, request),
        "GET" | "HEAD" => get(identity, tokens, now, request),
        _ => Reply::refused(405),
    }
}

fn put(tokens: &mut Tokens, now: Instant, request: Request) -> Reply {
    let path = request.path.split('?').next().unwrap_or_default();
    if path.trim_end_matches('/') != "/latest/api/token" {
        return Reply::refused(404);
    }
    if request.forwarded {
        return Reply::refused(403);
    }
    match request.lifetime.and_then(lifetime) {
        None => Reply::refused(400),
        Some(life) => Reply {
            status: 200,
            body: tokens.issue(now, life).into_bytes(),
            lifetime: Some(life.as_secs()),
        },
    }
}

fn get(identity: &Identity, tokens: &Tokens, now: Instant, request: Request) -> Reply {
    let allowed = match request.token {
        Some(token) => tokens.is_valid(now, token),
        None => !identity.token_required,
    };
    if !allowed {
        return Reply::refused(401);
    }
    match answer(identity, request.path) {
        None => Reply::refused(404),
        Some(body) => Reply {
            status: 200,
            body,
            lifetime: None,
        },
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use std::time::Duration;

    const PATH: &str = "/latest/meta-data/instance-id";

    fn identity(token_required: bool) -> Identity {
        Identity {
            instance_id: "i-1".into(),
            token_required,
            ..Identity::default()
        }
    }

    #[test]
    fn tokens_are_given_out_by_the_rules() {
        let put = Request {
            method: "PUT",
            path: "/latest/api/token",
            lifetime: Some("60"),
            ..Request::default()
        };
        for (request, want) in [
            (put, 200),
            (
                Request {
                    lifetime: None,
                    ..put
                },
                400,
            ),
            (
                Request {
                    lifetime: Some("0"),
                    ..put
                },
                400,
            ),
            (
                Request {
                    lifetime: Some("21601"),
                    ..put
                },
                400,
            ),
            (
                Request {
                    forwarded: true,
                    ..put
                },
                403,
            ),
            (Request { path: PATH, ..put }, 404),
            (
                Request {
                    method: "POST",
                    ..put
                },
                405,
            ),
            (
                Request {
                    method: "DELETE",
                    ..put
                },
                405,
            ),
        ] {
            let mut tokens = Tokens::default();
            let reply = reply(&identity(true), &mut tokens, Instant::now(), request);
            assert_eq!(reply.status, want, "{request:?}");
            assert_eq!(reply.lifetime, (want == 200).then_some(60));
        }
    }

    #[test]
    fn a_service_that_is_switched_off_refuses_everything() {
        let identity = Identity {
            disabled: true,
            ..identity(false)
        };
        let mut tokens = Tokens::default();
        for (method, path) in [("PUT", "/latest/api/token"), ("GET", PATH), ("POST", PATH)] {
            let request = Request {
                method,
                path,
                lifetime: Some("60"),
                ..Request::default()
            };
            let reply = reply(&identity, &mut tokens, Instant::now(), request);
            assert_eq!((reply.status, reply.body), (403, Vec::new()), "{method}");
        }
    }

    #[test]
    fn reading_needs_a_valid_token_unless_tokens_are_optional() {
        let (mut tokens, start) = (Tokens::default(), Instant::now());
        let token = tokens.issue(start, Duration::from_secs(60));
        for (required, token, after, want) in [
            (true, None, 0, 401),
            (true, Some(&*token), 0, 200),
            (true, Some(&*token), 60, 401),
            (true, Some("made up"), 0, 401),
            (false, None, 0, 200),
            (false, Some(&*token), 0, 200),
            (false, Some("made up"), 0, 401),
            (false, Some(&*token), 60, 401),
        ] {
            let request = Request {
                method: "GET",
                path: PATH,
                token,
                ..Request::default()
            };
            let now = start + Duration::from_secs(after);
            let reply = reply(&identity(required), &mut tokens, now, request);
            assert_eq!(reply.status, want, "{required} {token:?} {after}");
            assert_eq!(reply.body == b"i-1", want == 200);
        }
    }

    #[test]
    fn an_unknown_path_is_told_only_to_those_with_a_token() {
        let (mut tokens, now) = (Tokens::default(), Instant::now());
        let token = tokens.issue(now, Duration::from_secs(60));
        for (token, want) in [(Some(&*token), 404), (None, 401)] {
            let request = Request {
                method: "GET",
                path: "/latest/none",
                token,
                ..Request::default()
            };
            assert_eq!(
                reply(&identity(true), &mut tokens, now, request).status,
                want
            );
        }
    }
}
