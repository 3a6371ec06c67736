//! From the service's answer to items or an error, in the order of spec 30, section 11.3. Pure.

use super::error::SpotinstError;
use super::json::{filled, items};
use serde_json::Value;

/// Codes that ask for a pause.
const THROTTLING: [&str; 2] = ["Throttling", "RequestLimitExceeded"];
/// Longest quotation of a body in an error.
const QUOTED: usize = 300;

/// The items of an answer.
///
/// # Errors
/// Everything that is not a success with a JSON body.
pub(super) fn read_items(
    operation: &str,
    status: u16,
    body: &[u8],
) -> Result<Vec<Value>, SpotinstError> {
    let json = serde_json::from_slice::<Value>(body);
    let details = json.as_ref().map(Details::of).unwrap_or_default();
    let problem = match (&json, status) {
        (_, 401) => format!("the token is not valid (HTTP 401){}", details.text()),
        (_, 429) => format!("too many requests (HTTP 429){}", details.text()),
        (Err(_), _) => format!(
            "the answer is not JSON (HTTP {status}): {}",
            quoted(&String::from_utf8_lossy(body))
        ),
        (Ok(json), 200) => return Ok(items(&json["response"]["items"]).cloned().collect()),
        (Ok(_), _) => format!("the service refused (HTTP {status}){}", details.text()),
    };
    let throttled =
        json.is_ok() && status != 401 && details.codes().any(|code| THROTTLING.contains(&code));
    Err(SpotinstError {
        operation: operation.to_owned(),
        problem,
        status: Some(status),
        codes: details.codes().map(str::to_owned).collect(),
        rate_exceeded: status == 429 || throttled,
    })
}

/// What an error body says; all of it may be absent.
#[derive(Default)]
struct Details {
    /// Code and message of each error.
    errors: Vec<(String, String)>,
    status: Option<String>,
    request: Option<String>,
}

impl Details {
    fn of(body: &Value) -> Self {
        let response = &body["response"];
        let part = |value: &Value| filled(value).unwrap_or_default();
        Self {
            errors: items(&response["errors"])
                .map(|error| (part(&error["code"]), part(&error["message"])))
                .filter(|(code, message)| !(code.is_empty() && message.is_empty()))
                .collect(),
            status: filled(&response["status"]["message"]),
            request: filled(&body["request"]["id"]),
        }
    }

    fn codes(&self) -> impl Iterator<Item = &str> {
        let codes = self.errors.iter().map(|(code, _)| code.as_str());
        codes.filter(|code| !code.is_empty())
    }

    /// The errors, else the status message, and the request id; begins with what separates it from the text
    /// before.
    fn text(&self) -> String {
        let errors: Vec<String> = self
            .errors
            .iter()
            .map(|(code, message)| match (code.as_str(), message.as_str()) {
                ("", text) | (text, "") => quoted(text),
                (code, message) => quoted(&format!("{code}: {message}")),
            })
            .collect();
        let said = match (errors.as_slice(), &self.status) {
            ([], Some(status)) => format!(": {}", quoted(status)),
            ([], None) => String::new(),
            (errors, _) => format!(": {}", errors.join("; ")),
        };
        let request = self.request.as_ref();
        let request = request.map(|id| format!(" (request {})", quoted(id)));
        said + &request.unwrap_or_default()
    }
}

/// One line of at most [`QUOTED`] characters.
pub(super) fn quoted(text: &str) -> String {
    let words: Vec<&str> = text
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
        .collect();
    let line = words.join(" ");
    match line.char_indices().nth(QUOTED) {
        _ if line.is_empty() => "(empty)".to_owned(),
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
        None => line,
    }
}

#[cfg(test)]
mod tests;
