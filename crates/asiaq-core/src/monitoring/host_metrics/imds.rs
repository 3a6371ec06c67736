//! The instance metadata service, version 2 with its session token, version 1 where that is refused. Short
//! time limits: a cron job must not hang on a machine without it. Never through a proxy: the service is on
//! the machine's own link.

use super::parse::region_of_zone;
use crate::error::{Error, Result};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use std::time::Duration;
use tokio::sync::OnceCell;

/// Connecting, and a whole request.
const LIMITS: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(2));
/// Attempts of a request, and the pause between them.
const ATTEMPTS: u32 = 3;
const PAUSE: Duration = Duration::from_millis(200);
/// Where the service is, by `AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE`.
const IPV4: &str = "http://169.254.169.254";
const IPV6: &str = "http://[fd00:ec2::254]";

/// Access to the instance metadata of this host.
#[derive(Debug)]
pub struct Imds {
    http: Client,
    endpoint: String,
    /// The session token; `None` inside if the service has version 1 only.
    token: OnceCell<Option<String>>,
}

impl Imds {
    /// Reads the SDK's variables through `get`: `AWS_EC2_METADATA_DISABLED`,
    /// `AWS_EC2_METADATA_SERVICE_ENDPOINT` and `AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE`. Makes no request.
    ///
    /// # Errors
    /// The service is switched off; the mode is unknown; HTTP cannot be set up.
    pub fn from_variables(get: impl Fn(&str) -> Option<String>) -> Result<Self> {
        let present = |name: &str| {
            let value = get(name).map(|value| value.trim().to_owned());
            value.filter(|value| !value.is_empty())
        };
        let off = present("AWS_EC2_METADATA_DISABLED");
        if off.is_some_and(|value| value.eq_ignore_ascii_case("true")) {
            let text = "the instance metadata are needed, but AWS_EC2_METADATA_DISABLED is set";
            return Err(
                Error::refused(text).with_hint("unset it, or try `disco_metrics --dummy upload`")
            );
        }
        let mode = present("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE");
        let default = match mode.as_deref().map(str::to_ascii_lowercase).as_deref() {
            None | Some("ipv4") => IPV4,
            Some("ipv6") => IPV6,
            Some(other) => {
                let text = format!(
                    "environment variable AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE is `{other}`"
                );
                return Err(Error::refused(text).with_hint("set it to IPv4 or IPv6, or unset it"));
            }
        };
        let endpoint = present("AWS_EC2_METADATA_SERVICE_ENDPOINT");
        Self::at(endpoint.as_deref().unwrap_or(default))
    }

    fn at(endpoint: &str) -> Result<Self> {
        let http = Client::builder()
            .no_proxy()
            .connect_timeout(LIMITS.0)
            .timeout(LIMITS.1)
            .build()
            .map_err(|error| Error::refused(format!("cannot set up HTTP: {error}")))?;
        Ok(Self {
            http,
            endpoint: endpoint.trim_end_matches('/').to_owned(),
            token: OnceCell::new(),
        })
    }

    /// The region of this host; of a service that does not tell it, that of its zone.
    ///
    /// # Errors
    /// No answer, or one that makes no sense.
    pub async fn region(&self) -> Result<String> {
        if let Some(region) = self.get("meta-data/placement/region").await? {
            return Ok(region.trim().to_owned());
        }
        let zone = self.get("meta-data/placement/availability-zone").await?;
        let zone = zone.unwrap_or_default();
        region_of_zone(&zone).ok_or_else(|| {
            let zone = zone.trim();
            self.failed(&format!(
                "tells neither a region nor a zone that has one, but `{zone}`"
            ))
        })
    }

    /// The user data; `None` if there are none.
    ///
    /// # Errors
    /// No answer.
    pub async fn user_data(&self) -> Result<Option<String>> {
        self.get("user-data").await
    }

    /// A text; `None` if there is none of that path.
    async fn get(&self, path: &str) -> Result<Option<String>> {
        let token = self.token.get_or_try_init(|| self.new_token()).await?;
        let answer = self
            .send(|| {
                let request = self.request(Method::GET, path);
                match token {
                    Some(token) => request.header("X-aws-ec2-metadata-token", token),
                    None => request,
                }
            })
            .await?;
        match answer.status() {
            StatusCode::NOT_FOUND => Ok(None),
            status if status.is_success() => match answer.text().await {
                Ok(text) => Ok(Some(text)),
                Err(error) => Err(self.failed(&reason(error))),
            },
            status => Err(self.failed(&format!("answers {status} for {path}"))),
        }
    }

    /// A session token; none from a service that has version 1 only.
    async fn new_token(&self) -> Result<Option<String>> {
        let lifetime = ("X-aws-ec2-metadata-token-ttl-seconds", "60");
        let answer = self
            .send(|| {
                self.request(Method::PUT, "api/token")
                    .header(lifetime.0, lifetime.1)
            })
            .await?;
        match answer.status() {
            StatusCode::FORBIDDEN | StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => {
                tracing::debug!("the instance metadata service gives no token, version 1 is used");
                Ok(None)
            }
            status if status.is_success() => match answer.text().await {
                Ok(token) => Ok(Some(token.trim().to_owned())),
                Err(error) => Err(self.failed(&reason(error))),
            },
            status => Err(self.failed(&format!("answers {status} for a session token"))),
        }
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http
            .request(method, format!("{}/latest/{path}", self.endpoint))
    }

    /// An answer that is no passing failure of the service.
    async fn send(&self, request: impl Fn() -> RequestBuilder) -> Result<Response> {
        let mut number = 1;
        loop {
            let problem = match request().send().await {
                Ok(answer) if !answer.status().is_server_error() => return Ok(answer),
                Ok(answer) => format!("answers {}", answer.status()),
                Err(error) => reason(error),
            };
            if number == ATTEMPTS {
                return Err(self.failed(&problem));
            }
            number += 1;
            tokio::time::sleep(PAUSE).await;
        }
    }

    fn failed(&self, problem: &str) -> Error {
        let text = format!("instance metadata service at {}: {problem}", self.endpoint);
        Error::not_found(text).with_hint(
            "this needs an EC2 instance with its metadata service switched on; elsewhere try `disco_metrics --dummy upload`",
        )
    }
}

/// Why no answer came: the innermost cause, the outer ones only name the request.
fn reason(error: reqwest::Error) -> String {
    if error.is_timeout() {
        return format!("no answer within {} s", LIMITS.1.as_secs());
    }
    let mut inner: &dyn std::error::Error = &error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    inner.to_string()
}

#[cfg(test)]
mod tests;
