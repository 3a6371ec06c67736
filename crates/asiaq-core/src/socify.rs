//! Socify, the change-ticket service: validation before and an event after a deployment (spec 30, section
//! 16).
//!
//! What is deployed, and when to ask, is for the deployment to say. Nothing here fails a command: a
//! validation that cannot be had is a refusal, an event that cannot be sent is a warning.

mod event;

pub use event::{Event, Status, SubCommand};

use crate::aws::Poll;
use crate::config::{ConfigErrors, DiscoAws};
use crate::error::{Error, Result};
use event::Body;
use reqwest::Client;
use serde_json::Value;
use std::time::Duration;

/// Limit of one request.
const TIMEOUT: Duration = Duration::from_secs(60);
/// How often a connection that fails is tried again.
const RETRIES: u32 = 10;
/// Pause before a connection is tried again.
const PAUSE: Duration = Duration::from_secs(1);

/// The deployment that a ticket is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deployment<'a> {
    /// `--ticket`.
    pub ticket: Option<&'a str>,
    /// Environment.
    pub environment: &'a str,
    /// The command that runs.
    pub sub_command: SubCommand,
    /// `--dry-run`: nothing is asked or told.
    pub dry_run: bool,
}

/// The ticket of a deployment. Without a ticket or without the service it agrees to everything and tells
/// nobody.
#[derive(Debug)]
pub struct Socify {
    ticket: String,
    environment: String,
    sub_command: SubCommand,
    service: Option<Service>,
}

#[derive(Debug)]
struct Service {
    base: String,
    http: Client,
    poll: Poll,
    timeout: Duration,
}

impl Socify {
    /// The ticket of a deployment. Warns if there is a ticket but no service configured. Makes no request.
    ///
    /// # Errors
    /// `socify_baseurl` is wrong, or HTTPS cannot be set up; only if there is a ticket.
    pub fn new(config: &DiscoAws, deployment: &Deployment<'_>, poll: Poll) -> Result<Self> {
        let ticket = deployment.ticket.map(str::trim).unwrap_or_default();
        let base = if ticket.is_empty() {
            None
        } else {
            let base = config.socify_base_url().map_err(ConfigErrors::from)?;
            if base.is_none() {
                tracing::warn!(
                    "this deployment will not be logged to ticket {ticket}: set `socify_baseurl` in `[socify]` of \
                     disco_aws.ini"
                );
            }
            base
        };
        let service = base
            .filter(|_| !deployment.dry_run)
            .map(|base| Service::new(base, poll))
            .transpose()?;
        Ok(Self {
            ticket: ticket.to_owned(),
            environment: deployment.environment.to_owned(),
            sub_command: deployment.sub_command,
            service,
        })
    }

    /// Whether somebody is asked and told.
    pub fn is_active(&self) -> bool {
        self.service.is_some()
    }

    /// The ticket; empty without one.
    pub fn ticket(&self) -> &str {
        &self.ticket
    }

    /// Whether the service agrees to the deployment of this image. What keeps it from agreeing is logged. True
    /// without ticket or service.
    pub async fn validate(&self, ami: &str) -> bool {
        let Some(service) = &self.service else {
            return true;
        };
        let body = Body::validation(&self.ticket, &self.environment, self.sub_command, ami);
        match service.post("validate", &body).await.and_then(verdict) {
            Ok(None) => true,
            Ok(Some(problems)) => {
                tracing::error!("Socify refuses ticket {}: {problems}", self.ticket);
                false
            }
            Err(problem) => {
                tracing::warn!("Socify cannot validate ticket {}: {problem}", self.ticket);
                false
            }
        }
    }

    /// Tells how the deployment went. A failure is a warning. Does nothing without ticket or service.
    pub async fn event(&self, event: &Event) {
        let Some(service) = &self.service else {
            return;
        };
        let body = Body::event(&self.ticket, &self.environment, self.sub_command, event);
        match service.post("event", &body).await {
            Ok(answer) => tracing::debug!("Socify: {}", words(&answer["message"])),
            Err(problem) => {
                tracing::warn!(
                    "the event is not logged to ticket {}: {problem}",
                    self.ticket
                );
            }
        }
    }
}

impl Service {
    fn new(base: String, poll: Poll) -> Result<Self> {
        let http = Client::builder()
            .connect_timeout(TIMEOUT)
            .build()
            .map_err(|error| {
                Error::refused(format!("cannot set up HTTPS for Socify: {}", chain(&error)))
            })?;
        Ok(Self {
            base,
            http,
            poll,
            timeout: TIMEOUT,
        })
    }

    /// Posts a body; the answer, which has a `message`. Otherwise the text for a warning.
    async fn post(&self, path: &str, body: &Body<'_>) -> Result<Value, String> {
        let answer = self.connected(path, body).await?;
        let status = answer.status();
        let text = answer.text().await;
        let text = text.map_err(|error| format!("the answer broke off: {}", chain(&error)))?;
        let json = serde_json::from_str::<Value>(&text);
        if !status.is_success() {
            return Err(match json {
                Ok(Value::Object(error)) => error
                    .get("errorMessage")
                    .map_or_else(|| "Unknown".to_owned(), words),
                _ => format!("HTTP {status}"),
            });
        }
        json.ok()
            .filter(|json| json.get("message").is_some())
            .ok_or_else(|| "the answer is not JSON with a `message`".to_owned())
    }

    /// Sends a request, again while no connection can be made. Nothing else is repeated: it may have arrived.
    async fn connected(&self, path: &str, body: &Body<'_>) -> Result<reqwest::Response, String> {
        let url = format!("{}/{path}", self.base);
        let mut retries = 0;
        loop {
            let request = self.http.post(&url).timeout(self.timeout).json(body);
            match request.send().await {
                Err(error) if error.is_connect() && retries < RETRIES => {
                    tracing::debug!("Socify: {}", chain(&error));
                    self.poll.pause(PAUSE).await;
                    retries += 1;
                }
                Err(error) if error.is_connect() => {
                    let attempts = retries + 1;
                    return Err(format!(
                        "{}; gave up after {attempts} attempts",
                        chain(&error)
                    ));
                }
                other => return other.map_err(|error| chain(&error)),
            }
        }
    }
}

/// What a validation says: nothing if it agrees, the reasons if it refuses. Any status but `Failed` agrees.
fn verdict(answer: Value) -> Result<Option<String>, String> {
    match &answer["result"] {
        Value::Null => Err("the answer has no `result`".to_owned()),
        result if result["status"] == "Failed" => Ok(Some(words(&result["err_msgs"]))),
        _ => Ok(None),
    }
}

/// A value as text: a list by its elements.
fn words(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(list) => list.iter().map(words).collect::<Vec<_>>().join("; "),
        Value::Null => "Unknown".to_owned(),
        other => other.to_string(),
    }
}

/// An error with all its causes.
fn chain(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests;
