//! The REST client: requests, repetitions, answers (spec 30, section 11). Decides nothing about groups.

use super::answer::read_items;
use super::elastigroup::Elastigroup;
use super::error::SpotinstError;
use super::json::filled;
use super::settings::SpotinstSettings;
use crate::error::{Error, Result as CoreResult};
use reqwest::{Client, Method, Url, redirect};
use secrecy::ExposeSecret;
use serde_json::Value;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Requests made in all before the last error surfaces.
const ATTEMPTS: u32 = 7;
/// Requests that are under way at the same time.
const CONCURRENT: usize = 8;
/// Where the groups are.
const GROUPS: [&str; 3] = ["aws", "ec2", "group"];

/// Access to the Elastigroups of one Spotinst account.
#[derive(Debug, Clone)]
pub struct Spotinst {
    settings: SpotinstSettings,
    account: Option<String>,
    http: Client,
    /// One for each request that is under way.
    permits: Arc<Semaphore>,
}

/// One instance, or request for one, of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusItem {
    /// Instance id; absent while it is only requested.
    pub instance_id: Option<String>,
    /// Status as the service words it.
    pub status: Option<String>,
}

/// A request, but for what is the same in all of them.
pub(super) struct Request<'a> {
    /// For errors and logs, such as `create group ci_mhcweb_1`.
    pub(super) operation: String,
    pub(super) method: Method,
    /// The path below that of the groups.
    pub(super) path: &'a [&'a str],
    pub(super) body: Option<&'a Value>,
}

impl Spotinst {
    /// A client for the account, or for the token's default account. Makes no request.
    ///
    /// # Errors
    /// HTTPS cannot be set up on this machine.
    pub fn new(settings: SpotinstSettings, account: Option<String>) -> CoreResult<Self> {
        // A redirection is answered like any other refusal: the token goes to no other host.
        let http = Client::builder()
            .redirect(redirect::Policy::none())
            .build()
            .map_err(|error| {
                Error::refused(format!(
                    "cannot set up HTTPS for Spotinst: {}",
                    reason(error)
                ))
            })?;
        Ok(Self {
            settings,
            account,
            http,
            permits: Arc::new(Semaphore::new(CONCURRENT)),
        })
    }

    /// All groups of the account. One without id or name cannot be addressed and is left out.
    pub async fn groups(&self) -> Result<Vec<Elastigroup>, SpotinstError> {
        let request = list_request();
        self.repeated(async |_| self.send(&request).await)
            .await
            .map(groups_of)
    }

    /// Creates a group. Before the request is repeated the groups are listed: one of that name, which an
    /// earlier request without an answer has created, is returned as it is.
    pub async fn create_group(
        &self,
        name: &str,
        document: &Value,
    ) -> Result<Elastigroup, SpotinstError> {
        let request = Request {
            operation: format!("create group {name}"),
            method: Method::POST,
            path: &[],
            body: Some(document),
        };
        let items = self
            .repeated(async |attempt| {
                if attempt > 1
                    && let Some(group) = self.find(name).await?
                {
                    return Ok(vec![group.raw]);
                }
                self.send(&request).await
            })
            .await?;
        let created = items.into_iter().find_map(Elastigroup::from_json);
        match created {
            Some(group) => Ok(group),
            // The answer does not name the group; the list does.
            None => {
                let groups = self.groups().await?;
                let group = groups.into_iter().find(|group| group.name == name);
                group.ok_or_else(|| {
                    request
                        .refused("the answer does not state the group, and no group has that name")
                })
            }
        }
    }

    /// The group of that name, by a single request.
    async fn find(&self, name: &str) -> Result<Option<Elastigroup>, SpotinstError> {
        let groups = groups_of(self.send(&list_request()).await?);
        Ok(groups.into_iter().find(|group| group.name == name))
    }

    /// Changes a group by a partial document `{"group": {…}}`.
    pub async fn update_group(&self, id: &str, document: &Value) -> Result<(), SpotinstError> {
        let request = Request {
            operation: format!("update group {id}"),
            method: Method::PUT,
            path: &[id],
            body: Some(document),
        };
        self.repeated(async |_| self.send(&request).await).await?;
        Ok(())
    }

    /// Deletes a group with its instances. One that is not there counts as deleted.
    pub async fn delete_group(&self, id: &str) -> Result<(), SpotinstError> {
        let request = Request {
            operation: format!("delete group {id}"),
            method: Method::DELETE,
            path: &[id],
            body: None,
        };
        match self.repeated(async |_| self.send(&request).await).await {
            Err(error) if !error.is_group_missing() => Err(error),
            _ => Ok(()),
        }
    }

    /// The instances and requests of a group.
    pub async fn status(&self, id: &str) -> Result<Vec<StatusItem>, SpotinstError> {
        let request = Request {
            operation: format!("status of group {id}"),
            method: Method::GET,
            path: &[id, "status"],
            body: None,
        };
        let items = self.repeated(async |_| self.send(&request).await).await?;
        let item = |item: &Value| StatusItem {
            instance_id: filled(&item["instanceId"]),
            status: filled(&item["status"]),
        };
        Ok(items.iter().map(item).collect())
    }

    /// Makes attempts, numbered from 1, until one does not ask to wait.
    pub(super) async fn repeated<T>(
        &self,
        mut attempt: impl AsyncFnMut(u32) -> Result<T, SpotinstError>,
    ) -> Result<T, SpotinstError> {
        let wait = self.settings.retry_wait;
        let mut number = 1;
        loop {
            match attempt(number).await {
                Err(error) if error.rate_exceeded && number < ATTEMPTS => {
                    tracing::warn!(
                        "{error}; trying again in {}s ({} of {ATTEMPTS} attempts made)",
                        wait.as_secs_f64(),
                        number
                    );
                    tokio::time::sleep(wait).await;
                    number += 1;
                }
                Err(mut error) if error.rate_exceeded => {
                    error.problem += &format!("; gave up after {ATTEMPTS} attempts");
                    return Err(error);
                }
                other => return other,
            }
        }
    }

    /// Makes a request once; the items of the answer.
    pub(super) async fn send(&self, request: &Request<'_>) -> Result<Vec<Value>, SpotinstError> {
        let answer = {
            // Fails only if the semaphore is closed, which nobody does. Not held while a repetition is waited for.
            let _permit = self.permits.acquire().await;
            self.exchange(request).await
        };
        let result = match answer {
            Ok((status, body)) => read_items(&request.operation, status, &body),
            Err(error) => Err(SpotinstError {
                rate_exceeded: !error.is_builder(),
                ..request.refused(&format!("no answer from the service: {}", reason(error)))
            }),
        };
        // A service that repeats the request in its answer must not bring the token into a log.
        result.map_err(|error| SpotinstError {
            problem: error
                .problem
                .replace(self.settings.token.expose_secret(), "***"),
            ..error
        })
    }

    async fn exchange(&self, request: &Request<'_>) -> reqwest::Result<(u16, Vec<u8>)> {
        let mut call = self
            .http
            .request(request.method.clone(), self.url(request.path))
            .timeout(self.settings.timeout)
            .bearer_auth(self.settings.token.expose_secret())
            .header("Content-Type", "application/json");
        if let Some(account) = &self.account {
            call = call.query(&[("accountId", account)]);
        }
        if let Some(body) = request.body {
            call = call.json(body);
        }
        let answer = call.send().await?;
        Ok((answer.status().as_u16(), answer.bytes().await?.to_vec()))
    }

    fn url(&self, path: &[&str]) -> Url {
        let mut url = self.settings.host.clone();
        // Only addresses like `mailto:x` have no path, and they are not http.
        if let Ok(mut parts) = url.path_segments_mut() {
            parts.pop_if_empty().extend(GROUPS).extend(path);
        }
        url
    }
}

impl Request<'_> {
    /// The error that this request failed without an answer of the service that would say why.
    pub(super) fn refused(&self, problem: &str) -> SpotinstError {
        SpotinstError {
            operation: self.operation.clone(),
            problem: problem.to_owned(),
            status: None,
            codes: Vec::new(),
            rate_exceeded: false,
        }
    }
}

fn list_request() -> Request<'static> {
    Request {
        operation: "list groups".to_owned(),
        method: Method::GET,
        path: &[],
        body: None,
    }
}

fn groups_of(items: Vec<Value>) -> Vec<Elastigroup> {
    items
        .into_iter()
        .filter_map(|item| {
            let id = filled(&item["id"]).unwrap_or_default();
            let group = Elastigroup::from_json(item);
            if group.is_none() {
                tracing::warn!(
                    "Spotinst list groups: a group without id or name is ignored: `{id}`"
                );
            }
            group
        })
        .collect()
}

/// Why a request failed, with all causes, on one line.
fn reason(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    super::answer::quoted(&text)
}

#[cfg(test)]
mod tests;
