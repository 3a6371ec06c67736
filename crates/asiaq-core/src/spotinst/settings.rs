//! Where the service is, with which token, and how patient the client is; from environment variables.

use crate::error::{Error, Result};
use reqwest::Url;
use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use std::time::Duration;

/// The service if `SPOTINST_API_HOST` names no other.
const HOST: &str = "https://api.spotinst.io";
/// Limit of one request.
const TIMEOUT: Duration = Duration::from_secs(60);
/// Pause before a request is repeated: the service counts requests per minute.
const RETRY_WAIT: Duration = Duration::from_secs(60);

/// Where the service is, and how patient the client is.
#[derive(Debug, Clone)]
pub struct SpotinstSettings {
    /// `SPOTINST_TOKEN`.
    pub token: SecretString,
    /// `SPOTINST_API_HOST`, default `https://api.spotinst.io`.
    pub host: Url,
    /// `SPOTINST_RETRY_WAIT` in seconds, default 60.
    pub retry_wait: Duration,
    /// Limit of one request: 60 s. No variable changes it.
    pub timeout: Duration,
}

impl SpotinstSettings {
    /// Reads the variables through `get`; `None` without a token: Spotinst is then disabled.
    ///
    /// # Errors
    /// A value that makes no sense; the text names the variable, and never holds the token.
    pub fn from_variables(get: impl Fn(&str) -> Option<String>) -> Result<Option<Self>> {
        let present = |name: &str| get(name).filter(|value| !value.trim().is_empty());
        let Some(token) = present("SPOTINST_TOKEN").map(|token| token.trim().to_owned()) else {
            tracing::debug!("Spotinst is off: SPOTINST_TOKEN is not set");
            return Ok(None);
        };
        let token = SecretString::from(token);
        if HeaderValue::from_str(token.expose_secret()).is_err() {
            return Err(Error::refused(
                "environment variable SPOTINST_TOKEN holds line breaks or control characters",
            )
            .with_hint("set it to the API token alone, or unset it to work without Spotinst"));
        }
        let host = present("SPOTINST_API_HOST").unwrap_or_else(|| HOST.to_owned());
        let retry_wait = match present("SPOTINST_RETRY_WAIT") {
            None => RETRY_WAIT,
            Some(text) => seconds(&text)?,
        };
        Ok(Some(Self {
            token,
            host: web_address(&host)?,
            retry_wait,
            timeout: TIMEOUT,
        }))
    }
}

fn seconds(text: &str) -> Result<Duration> {
    let seconds = text.trim().parse().ok();
    seconds
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .ok_or_else(|| {
            Error::refused(format!(
                "environment variable SPOTINST_RETRY_WAIT is `{text}`"
            ))
            .with_hint("set it to a number of seconds, or unset it for 60")
        })
}

fn web_address(text: &str) -> Result<Url> {
    Url::parse(text.trim())
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
        .ok_or_else(|| {
            Error::refused(format!(
                "environment variable SPOTINST_API_HOST is `{text}`, which is no http or https address"
            ))
            .with_hint(format!("set it to an address like {HOST}, or unset it"))
        })
}

#[cfg(test)]
mod tests;
