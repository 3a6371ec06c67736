//! Planning notification topics: what is missing is made, what nobody asks for stays (spec 60, section 4).

use super::super::action::{Action, TopicAction};
use super::super::desired::Desired;
use super::super::observed::Observed;
use super::VPC;
use crate::plan::{Plan, Sign};

/// Logical name of a topic.
pub(in crate::environment) fn topic_key(name: &str) -> String {
    format!("topic/{name}")
}

/// ARNs of the topics that exist, by logical name.
pub(super) fn known_ids(observed: &Observed) -> impl Iterator<Item = (String, String)> {
    let topics = observed.beside.topics.iter();
    topics.map(|(name, topic)| (topic_key(name), topic.arn.clone()))
}

/// Missing topics and subscriptions. They wait for the VPC only so that nobody gets mail about one that cannot be made.
pub(super) fn topic(plan: &mut Plan<Action>, desired: &Desired, observed: &Observed) {
    for own in &desired.services.notifications {
        let key = topic_key(&own.topic);
        let existing = observed.beside.topics.get(&own.topic);
        if existing.is_none() {
            let action = TopicAction::Create {
                name: own.topic.clone(),
            };
            let line = format!("topic {}", own.topic);
            plan.push(&key, [VPC], Sign::Add, line, Action::Topic(action));
        }
        for (number, endpoint) in own.endpoints.iter().enumerate() {
            let subscribed = existing.is_some_and(|topic| {
                let mut all = topic.subscriptions.iter();
                all.any(|s| {
                    endpoint.is_listed_as(&s.address) && s.protocol == endpoint.protocol.as_str()
                })
            });
            if subscribed {
                continue;
            }
            let action = TopicAction::Subscribe {
                topic: own.topic.clone(),
                endpoint: endpoint.clone(),
            };
            let id = format!("subscription/{}/{}", own.topic, number + 1);
            let line = format!("subscription {} {endpoint}", own.topic);
            plan.push(id, [VPC, &key], Sign::Add, line, Action::Topic(action));
        }
    }
}

#[cfg(test)]
mod tests;
