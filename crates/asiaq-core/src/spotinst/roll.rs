//! Replacement of all instances of an Elastigroup (spec 30, section 13.9).

use super::client::{Request, Spotinst};
use super::error::SpotinstError;
use super::json::filled;
use crate::aws::Poll;
use crate::error::{Error, Result};
use reqwest::Method;
use serde_json::{Value, json};
use std::fmt;
use std::time::Duration;

/// Pause before the first look at a roll, and between looks.
const PAUSE: Duration = Duration::from_secs(10);
/// What a roll may take beyond its grace period.
const SLACK: Duration = Duration::from_secs(300);

/// How the service tells that a new instance is healthy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HealthCheck {
    /// By its classic load balancer.
    Elb,
    /// By its target group.
    TargetGroup,
    /// By a balancer of the service.
    Mlb,
    /// By the health checks of the service.
    Hcs,
    /// By EC2.
    Ec2,
    /// Not at all.
    None,
}

impl fmt::Display for HealthCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Elb => "ELB",
            Self::TargetGroup => "TARGET_GROUP",
            Self::Mlb => "MLB",
            Self::Hcs => "HCS",
            Self::Ec2 => "EC2",
            Self::None => "NONE",
        })
    }
}

/// How all instances are to be replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Roll {
    /// Share of the instances replaced at once, in percent.
    pub batch_percent: u32,
    /// How long new instances may take to become healthy.
    pub grace_period: Duration,
    /// How their health is told.
    pub health_check: HealthCheck,
}

impl Default for Roll {
    fn default() -> Self {
        Self {
            batch_percent: 100,
            grace_period: Duration::from_secs(1200),
            health_check: HealthCheck::Ec2,
        }
    }
}

/// State of a replacement of all instances.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RollStatus {
    /// Its id.
    pub id: String,
    /// `starting`, `in_progress`, `finished`, `stopped` or `failed`.
    pub status: String,
    /// When it began, as the service writes it.
    pub created_at: String,
}

impl RollStatus {
    fn from_json(item: &Value) -> Option<Self> {
        Some(Self {
            id: filled(&item["id"])?,
            status: filled(&item["status"]).unwrap_or_default(),
            created_at: filled(&item["createdAt"]).unwrap_or_default(),
        })
    }

    fn is_under_way(&self) -> bool {
        matches!(self.status.as_str(), "in_progress" | "starting")
    }
}

impl Spotinst {
    /// Starts the replacement of all instances. Before the request is repeated the rolls are listed: one that
    /// is under way was started by the request that got no answer.
    pub async fn roll(&self, id: &str, roll: &Roll) -> Result<(), SpotinstError> {
        let body = json!({
            "batchSizePercentage": roll.batch_percent,
            "gracePeriod": roll.grace_period.as_secs(),
            "healthCheckType": roll.health_check.to_string(),
            "strategy": {"action": "REPLACE_SERVER"},
        });
        let request = Request {
            operation: format!("roll group {id}"),
            method: Method::PUT,
            path: &[id, "roll"],
            body: Some(&body),
        };
        self.repeated(async |attempt| {
            if attempt > 1 {
                let rolls = sorted(&self.send(&rolls_request(id, &[id, "roll"])).await?);
                if rolls.iter().any(RollStatus::is_under_way) {
                    return Ok(());
                }
            }
            self.send(&request).await.map(|_| ())
        })
        .await
    }

    /// The rolls of a group, oldest first.
    pub async fn rolls(&self, id: &str) -> Result<Vec<RollStatus>, SpotinstError> {
        let path = [id, "roll"];
        let request = rolls_request(id, &path);
        let items = self.repeated(async |_| self.send(&request).await).await?;
        Ok(sorted(&items))
    }

    /// Whether a replacement of the instances of a group is under way.
    pub async fn is_rolling(&self, id: &str) -> Result<bool, SpotinstError> {
        Ok(self.rolls(id).await?.iter().any(RollStatus::is_under_way))
    }

    /// The state of one roll.
    pub async fn roll_status(&self, id: &str, roll: &str) -> Result<RollStatus, SpotinstError> {
        let request = Request {
            operation: format!("status of roll {roll} of group {id}"),
            method: Method::GET,
            path: &[id, "roll", roll],
            body: None,
        };
        let items = self.repeated(async |_| self.send(&request).await).await?;
        let status = items.iter().find_map(RollStatus::from_json);
        status.ok_or_else(|| request.refused("the answer does not state the roll"))
    }

    /// Replaces all instances and waits until that is done.
    ///
    /// # Errors
    /// No roll is listed, it ended other than `finished`, or it takes longer than its grace period and 300 s.
    pub async fn roll_and_wait(&self, id: &str, roll: &Roll, poll: &Poll) -> Result<()> {
        let limit = roll.grace_period.saturating_add(SLACK);
        self.roll_and_wait_for(id, roll, limit, poll).await
    }

    /// As [`Spotinst::roll_and_wait`], with a time limit of its own.
    ///
    /// # Errors
    /// Those of [`Spotinst::roll_and_wait`].
    pub async fn roll_and_wait_for(
        &self,
        id: &str,
        roll: &Roll,
        limit: Duration,
        poll: &Poll,
    ) -> Result<()> {
        self.roll(id, roll).await?;
        poll.pause(PAUSE).await;
        let newest = self.rolls(id).await?.pop();
        let newest = newest.ok_or_else(|| {
            Error::not_found(format!(
                "Spotinst lists no roll of group {id}, though one was started"
            ))
        })?;
        let what = format!(
            "waiting for roll {} of Elastigroup {id} to finish",
            newest.id
        );
        let ended = poll
            .until(&what, PAUSE, limit, async || {
                let status = self.roll_status(id, &newest.id).await?;
                Ok(Some(status).filter(|status| !status.is_under_way()))
            })
            .await?;
        if ended.status == "finished" {
            return Ok(());
        }
        let text = format!(
            "roll {} of Elastigroup {id} ended as `{}`",
            ended.id, ended.status
        );
        tracing::error!("{text}");
        Err(Error::refused(text).with_hint("the instances that it did not replace still run; look at the group in the Spotinst console"))
    }
}

fn rolls_request<'a>(id: &str, path: &'a [&'a str]) -> Request<'a> {
    Request {
        operation: format!("list rolls of group {id}"),
        method: Method::GET,
        path,
        body: None,
    }
}

fn sorted(items: &[Value]) -> Vec<RollStatus> {
    let mut rolls: Vec<RollStatus> = items.iter().filter_map(RollStatus::from_json).collect();
    rolls.sort_by(|one, other| one.created_at.cmp(&other.created_at));
    rolls
}
