//! Hosts that end without being asked: those that somebody in them switched off become stopped or terminated instances, as
//! their shutdown behaviour says; others have failed.

use super::{Phase, Supervisor, observe};
use crate::hosts::machine::{End, Machine};
use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::InstanceAttributeName;

/// Shutdown behaviour of instances that do not stay.
const TERMINATE: &str = "terminate";

impl Supervisor {
    /// Takes note of them.
    pub(super) fn notice_ends(&mut self) {
        for (id, host) in &mut self.hosts {
            let ended = host.machine.as_mut().and_then(Machine::ended);
            let (Phase::Up, Some(end)) = (host.phase, ended) else {
                continue;
            };
            // Either way it is not started again before its instance was stopped.
            host.phase = Phase::Failed;
            match end {
                End::Off => {
                    tracing::info!("{id} switched itself off");
                    (host.state, host.off) = ("stopping", true);
                }
                End::Broken(problem) => {
                    tracing::warn!("{id}: {problem}");
                    host.state = "failed";
                    host.problem = Some(problem);
                }
            }
        }
    }

    /// Tells EC2 of those that are switched off. What it does not take now is tried again in the next round.
    pub(super) async fn tell_ends(&mut self) {
        let off = self.hosts.iter().filter(|(_, host)| host.off);
        let ids: Vec<String> = off.map(|(id, _)| id.clone()).collect();
        for id in ids {
            if let Err(problem) = observe::in_time(tell(&self.client, &id)).await {
                tracing::info!("{id} is off, and EC2 does not take it: {problem}");
                continue;
            }
            if let Some(host) = self.hosts.get_mut(&id) {
                host.off = false;
            }
            self.act(&id, "stopping", Some(Phase::Down), Machine::stop);
        }
    }
}

/// Stops the instance, or terminates it if that is its shutdown behaviour.
async fn tell(client: &Client, id: &str) -> Result<(), String> {
    let behaviour = client
        .describe_instance_attribute()
        .instance_id(id)
        .attribute(InstanceAttributeName::InstanceInitiatedShutdownBehavior)
        .send()
        .await
        .map_err(|error| error.into_service_error().to_string())?;
    let behaviour = behaviour.instance_initiated_shutdown_behavior();
    let stays = behaviour.and_then(|one| one.value()) != Some(TERMINATE);
    if stays {
        let stop = client.stop_instances().instance_ids(id).send().await;
        stop.map(drop)
            .map_err(|error| error.into_service_error().to_string())
    } else {
        let end = client.terminate_instances().instance_ids(id).send().await;
        end.map(drop)
            .map_err(|error| error.into_service_error().to_string())
    }
}
