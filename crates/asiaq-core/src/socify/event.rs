//! What is told to the change-ticket service: the bodies of requests, and the events of a deployment (spec
//! 30, sections 16.2 and 16.4). Pure.

use serde::Serialize;

/// The command of `disco_deploy` that runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SubCommand {
    /// Tests an untested image.
    Test,
    /// Deploys a tested image.
    Update,
}

/// How a deployment went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Status {
    /// Deployed.
    #[serde(rename = "100")]
    Deployed,
    /// Nothing to deploy, or not validated.
    #[serde(rename = "200")]
    BadData,
    /// It failed.
    #[serde(rename = "300")]
    Failed,
}

/// The one event of a deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    status: Status,
    ami: String,
    hostclass: String,
    /// Only in events that are no failures.
    previous_ami: Option<String>,
    message: String,
}

impl Event {
    fn new(status: Status, ami: &str, hostclass: &str, message: String) -> Self {
        Self {
            status,
            ami: ami.to_owned(),
            hostclass: hostclass.to_owned(),
            previous_ami: None,
            message,
        }
    }

    /// No image was asked for, and there is none to deploy.
    pub fn nothing_to_deploy() -> Self {
        Self {
            previous_ami: Some(String::new()),
            ..Self::new(
                Status::BadData,
                "",
                "",
                "No untested AMIs found.".to_owned(),
            )
        }
    }

    /// The service did not agree; `error` says so.
    pub fn not_validated(ami: &str, error: &str) -> Self {
        Self::new(Status::BadData, ami, "", error.to_owned())
    }

    /// The image was deployed; `previous` is the newest one that ran before.
    pub fn deployed(ami: &str, hostclass: &str, previous: Option<&str>) -> Self {
        Self {
            previous_ami: Some(previous.unwrap_or_default().to_owned()),
            ..Self::new(Status::Deployed, ami, hostclass, String::new())
        }
    }

    /// The deployment failed; image and hostclass are empty if none was chosen.
    pub fn failed(ami: &str, hostclass: &str, error: &str) -> Self {
        Self::new(Status::Failed, ami, hostclass, error.to_owned())
    }
}

/// The body of a request.
#[derive(Debug, Serialize)]
pub(super) struct Body<'a> {
    #[serde(rename = "ticketId")]
    ticket: &'a str,
    cmd: &'static str,
    data: Data<'a>,
}

/// Its data; the order of the members is that of the service's own examples.
#[derive(Debug, Serialize)]
struct Data<'a> {
    #[serde(rename = "amiId")]
    ami: &'a str,
    environment: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<Status>,
    sub_cmd: SubCommand,
    #[serde(skip_serializing_if = "Option::is_none")]
    hostclass: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    previous_ami_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
}

impl<'a> Body<'a> {
    /// Asks whether an image may be deployed.
    pub(super) fn validation(
        ticket: &'a str,
        environment: &'a str,
        sub_cmd: SubCommand,
        ami: &'a str,
    ) -> Self {
        let data = Data {
            ami,
            environment,
            status: None,
            sub_cmd,
            hostclass: None,
            previous_ami_id: None,
            message: None,
        };
        Self::about(ticket, data)
    }

    /// Tells an event.
    pub(super) fn event(
        ticket: &'a str,
        environment: &'a str,
        sub_cmd: SubCommand,
        event: &'a Event,
    ) -> Self {
        let data = Data {
            ami: &event.ami,
            environment,
            status: Some(event.status),
            sub_cmd,
            hostclass: Some(&event.hostclass),
            previous_ami_id: event.previous_ami.as_deref(),
            message: Some(&event.message),
        };
        Self::about(ticket, data)
    }

    fn about(ticket: &'a str, data: Data<'a>) -> Self {
        Self {
            ticket,
            cmd: "DeployEvent",
            data,
        }
    }
}
