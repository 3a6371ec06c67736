//! Sends a command in chunks and follows each to its end.

use super::Command;
use super::order::{Line, Order};
use super::output::InstanceOutput;
use super::read::{self, SUCCESS, UNKNOWN};
use super::steps::Steps;
use crate::aws::{Aws, AwsError, Context};
use crate::error::{Error, Result};
use aws_config::retry::RetryConfig;
use aws_sdk_ssm::types::CommandInvocation;
use futures::future::join_all;
use futures::stream::{FuturesUnordered, StreamExt};
use std::collections::{BTreeMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;

/// Instances that AWS takes in one call.
const CHUNK: usize = 50;
/// Chunks that are sent at once. All that were sent are followed.
const SENT_AT_ONCE: usize = 20;
/// Pause between looks at a command.
const PAUSE: Duration = Duration::from_secs(5);
/// How often a command that was sent may be missing from the listing: for five minutes.
const LOOKS_IN_VAIN: u32 = 60;
/// How often the hosts of a command that has ended are looked at again if the listing lags behind.
const LOOKS_AFTER_THE_END: u32 = 3;
/// States of commands and hosts that pass.
const WAITING: [&str; 4] = ["Pending", "InProgress", "Cancelling", "Delayed"];
const DENIED: [&str; 2] = ["AccessDeniedException", "AccessDenied"];
/// Pause and limit while AWS refuses to take a command because calls come too fast.
const THROTTLED: (Duration, Duration) = (Duration::from_secs(3), Duration::from_secs(600));
const THROTTLING: [&str; 5] = [
    "Throttling",
    "ThrottlingException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "TooManyRequestsException",
];
/// Answers that leave open whether AWS took the command.
const UNCLEAR: [&str; 4] = ["Internal", "ServiceUnavailable", "RequestTimeout", "HTTP 5"];

/// What happens while a command runs.
#[derive(Debug)]
pub enum Event {
    /// AWS has taken a chunk. It runs from now on, whatever becomes of this process.
    Sent {
        /// Id of the command in AWS.
        command_id: String,
        /// How many hosts.
        instances: usize,
    },
    /// A host is done.
    Output(InstanceOutput),
}

/// A host on which a command did not succeed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    /// Instance id.
    pub instance_id: String,
    /// Status in detail.
    pub status: String,
}

/// A command that ended without success: that of one chunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// Id of the command in AWS.
    pub command_id: String,
    /// Its status.
    pub status: String,
}

/// How it ended. AWS says that every chunk succeeded if `unsuccessful` and `errors` are empty.
#[derive(Debug, Default)]
pub struct Report {
    /// The commands that ended without success, in the order as sent.
    pub unsuccessful: Vec<Ended>,
    /// The hosts that did not succeed, in the order as sent.
    pub failed: Vec<Failed>,
    /// Chunks that could not be sent or followed.
    pub errors: Vec<Error>,
}

/// Runs a document on instances. Output comes through `sink` in the wanted order.
pub async fn run(
    aws: &Aws,
    command: &Command,
    ids: &[String],
    order: Order,
    sink: &mut dyn FnMut(Event),
) -> Report {
    let run = Run {
        aws,
        command,
        shared: Mutex::new(Shared {
            sink,
            line: Line::new(order, ids.len()),
            failed: BTreeMap::new(),
        }),
        sending: Semaphore::new(SENT_AT_ONCE),
        steps: Steps::new(aws, &command.document),
    };
    let chunks = ids.chunks(CHUNK).enumerate();
    let chunks = chunks.map(|(n, ids)| run.chunk(n * CHUNK, ids));
    let mut report = Report::default();
    for end in join_all(chunks).await {
        match end {
            Ok(ended) if ended.status == SUCCESS => {}
            Ok(ended) => report.unsuccessful.push(ended),
            Err(error) => report.errors.push(error),
        }
    }
    report.failed = std::mem::take(&mut run.shared().failed)
        .into_values()
        .collect();
    report
}

struct Run<'a> {
    aws: &'a Aws,
    command: &'a Command,
    shared: Mutex<Shared<'a>>,
    /// A place for each chunk that is being sent.
    sending: Semaphore,
    steps: Steps<'a>,
}

/// What the chunks share.
struct Shared<'a> {
    sink: &'a mut dyn FnMut(Event),
    line: Line<InstanceOutput>,
    failed: BTreeMap<usize, Failed>,
}

/// A command in AWS, as far as one look tells.
struct Look {
    status: String,
    completed: usize,
}

/// The hosts of one chunk while it runs.
struct Chunk<'a> {
    command_id: String,
    /// Place of the first one in the whole.
    offset: usize,
    ids: &'a [String],
    done: HashSet<String>,
    /// The listing is not allowed.
    denied: bool,
}

impl<'a> Run<'a> {
    fn shared(&self) -> MutexGuard<'_, Shared<'a>> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, event: Event) {
        (self.shared().sink)(event);
    }

    /// Fills a place in the line, and hands on what is ready. An instance without output only gives up its place.
    fn put(&self, index: usize, output: Option<InstanceOutput>) {
        let mut shared = self.shared();
        if let Some(output) = &output
            && ![SUCCESS, UNKNOWN].contains(&output.status.as_str())
        {
            let failed = Failed {
                instance_id: output.instance_id.clone(),
                status: output.status_details.clone(),
            };
            shared.failed.insert(index, failed);
        }
        for ready in shared.line.put(index, output) {
            (shared.sink)(Event::Output(ready));
        }
    }

    /// Sends to one chunk and follows it to its end.
    async fn chunk(&self, offset: usize, ids: &[String]) -> Result<Ended> {
        let result = self.send_and_follow(offset, ids).await;
        for index in offset..offset + ids.len() {
            self.put(index, None);
        }
        result
    }

    async fn send_and_follow(&self, offset: usize, ids: &[String]) -> Result<Ended> {
        let command_id = {
            let _place = self.sending.acquire().await;
            self.send(ids).await?
        };
        self.tell(Event::Sent {
            command_id: command_id.clone(),
            instances: ids.len(),
        });
        let mut chunk = Chunk {
            command_id,
            offset,
            ids,
            done: HashSet::new(),
            denied: false,
        };
        let status = self.follow(&mut chunk).await?;
        Ok(Ended {
            command_id: chunk.command_id,
            status,
        })
    }

    /// Sends, and gives the id. AWS has no token that would make the call repeatable, and a command must not run twice: so it
    /// is repeated only if AWS says that it did not take it.
    async fn send(&self, ids: &[String]) -> Result<String> {
        let command = self.command;
        let resource = format!("document {} on {} instances", command.document, ids.len());
        let parameters = command
            .parameters
            .iter()
            .map(|(key, value)| (key.clone(), vec![value.clone()]));
        let parameters = Some(parameters.collect())
            .filter(|all: &std::collections::HashMap<_, _>| !all.is_empty());
        let call = self
            .aws
            .ssm()
            .send_command()
            .document_name(&command.document)
            .set_instance_ids(Some(ids.to_vec()))
            .set_parameters(parameters)
            .set_comment(command.comment.clone())
            .set_output_s3_bucket_name(command.bucket.clone());
        let once = aws_sdk_ssm::config::Builder::new().retry_config(RetryConfig::disabled());
        let too_fast = |error: &AwsError| THROTTLING.iter().any(|code| error.is(code));
        let send = async || {
            let call = call.clone().customize().config_override(once.clone());
            call.send().await.context("ssm:SendCommand", &resource)
        };
        let answer = self
            .aws
            .poll
            .retry(THROTTLED.0, THROTTLED.1, too_fast, send)
            .await
            .map_err(not_sent)?;
        let id = answer.command().and_then(|command| command.command_id());
        let missing = || {
            not_sent(AwsError::incomplete(
                "ssm:SendCommand",
                &resource,
                "CommandId",
            ))
        };
        Ok(id.ok_or_else(missing)?.to_owned())
    }

    /// Waits for the end, handing on the output of hosts that are done. Gives the status.
    async fn follow(&self, chunk: &mut Chunk<'_>) -> Result<String> {
        let (mut in_vain, mut after) = (0, 0);
        loop {
            match self.look(&chunk.command_id).await? {
                None => {
                    in_vain += 1;
                    self.check_patience(in_vain, &chunk.command_id)?;
                }
                Some(look) => {
                    let ended = !WAITING.contains(&look.status.as_str());
                    if !chunk.denied && (ended || look.completed > chunk.done.len()) {
                        self.collect(chunk).await;
                    }
                    let all = chunk.done.len() >= chunk.ids.len();
                    if ended && (all || chunk.denied || after >= LOOKS_AFTER_THE_END) {
                        self.collect_unlisted(chunk).await;
                        return Ok(look.status);
                    }
                    after += u32::from(ended);
                }
            }
            self.aws.poll.pause(PAUSE).await;
        }
    }

    fn check_patience(&self, in_vain: u32, command_id: &str) -> Result<()> {
        if in_vain == 1 {
            tracing::warn!("AWS does not list command {command_id} yet");
        }
        if in_vain < LOOKS_IN_VAIN {
            return Ok(());
        }
        Err(Error::Timeout {
            what: format!("waiting for AWS to list command {command_id}, which it has taken"),
            after: PAUSE * LOOKS_IN_VAIN,
        })
    }

    /// One look at a command; `None` if AWS does not know it yet.
    async fn look(&self, command_id: &str) -> Result<Option<Look>> {
        let call = self.aws.ssm().list_commands().command_id(command_id);
        let answer = call.send().await;
        let answer = answer.context("ssm:ListCommands", format!("command {command_id}"));
        let listed = match answer {
            Err(error) if error.is("InvalidCommandId") => None,
            other => other?.commands.unwrap_or_default().into_iter().next(),
        };
        let look = listed.and_then(|command| {
            Some(Look {
                status: command.status()?.as_str().to_owned(),
                completed: usize::try_from(command.completed_count()).unwrap_or(0),
            })
        });
        Ok(look)
    }

    /// Hands on the output of all hosts that have become done.
    async fn collect(&self, chunk: &mut Chunk<'_>) {
        let listed = match read::invocations(self.aws, &chunk.command_id).await {
            Ok(listed) => listed,
            Err(error) => {
                chunk.denied = error.aws_code().is_some_and(|code| DENIED.contains(&code));
                if chunk.denied {
                    tracing::warn!("output is read host by host at the end, because of {error}");
                } else {
                    tracing::warn!("the output is looked for again, because of {error}");
                }
                return;
            }
        };
        let is_new = |invocation: &&CommandInvocation| {
            let id = invocation.instance_id().unwrap_or_default();
            let is_over = !WAITING.contains(&read::status(invocation));
            is_over && chunk.ids.iter().any(|own| own == id) && !chunk.done.contains(id)
        };
        let mut reads: FuturesUnordered<_> = listed
            .iter()
            .filter(is_new)
            .map(|invocation| read::listed(self.aws, &chunk.command_id, invocation))
            .collect();
        let mut done = Vec::new();
        while let Some(output) = reads.next().await {
            done.push(output.instance_id.clone());
            self.put_in(chunk, output);
        }
        drop(reads);
        chunk.done.extend(done);
    }

    /// Hands on what can be learned of the hosts that the listing does not tell about.
    async fn collect_unlisted(&self, chunk: &Chunk<'_>) {
        let left = chunk.ids.iter().filter(|id| !chunk.done.contains(*id));
        let mut reads: FuturesUnordered<_> = left
            .map(|id| read::unlisted(self.aws, &chunk.command_id, id, &self.steps))
            .collect();
        while let Some(output) = reads.next().await {
            self.put_in(chunk, output);
        }
    }

    fn put_in(&self, chunk: &Chunk<'_>, output: InstanceOutput) {
        let place = chunk.ids.iter().position(|id| *id == output.instance_id);
        if let Some(place) = place {
            self.put(chunk.offset + place, Some(output));
        }
    }
}

/// The error of sending. If it leaves open whether AWS took the command, it says so.
fn not_sent(error: AwsError) -> Error {
    let is_unclear = match error.code.as_deref() {
        Some(code) => UNCLEAR.iter().any(|start| code.starts_with(*start)),
        None => !error.message.starts_with("no usable AWS credentials"),
    };
    if !is_unclear {
        return error.into();
    }
    Error::refused(format!(
        "{error}; AWS may have taken the command, and then it runs"
    ))
    .with_hint("see `aws ssm list-commands` before you repeat it")
}
