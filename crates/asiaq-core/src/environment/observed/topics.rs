//! Notification topics and subscriptions as AWS has them.

use crate::aws::{Aws, Pages};
use crate::error::Result;
use std::collections::BTreeMap;

/// What AWS gives as the id of a subscription that nobody has confirmed yet.
const PENDING: &str = "PendingConfirmation";
/// What AWS gives as the id of a subscription that is gone but still listed.
const DELETED: &str = "Deleted";

/// The topics of the region by name. Empty if they were not read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::environment) struct Topics(BTreeMap<String, Topic>);

/// One topic.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::environment) struct Topic {
    pub(in crate::environment) arn: String,
    pub(in crate::environment) subscriptions: Vec<Subscription>,
}

/// One subscriber of a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::environment) struct Subscription {
    pub(in crate::environment) protocol: String,
    /// May hold a secret: see [`Subscription::shown`].
    pub(in crate::environment) address: String,
    /// False until the subscriber agrees.
    pub(in crate::environment) confirmed: bool,
}

impl Subscription {
    /// The address without what may be secret.
    pub(in crate::environment) fn shown(&self) -> String {
        crate::config::disco_alarms::without_secrets(&self.address)
    }
}

impl Topics {
    pub(in crate::environment) fn get(&self, name: &str) -> Option<&Topic> {
        self.0.get(name)
    }

    pub(in crate::environment) fn iter(&self) -> impl Iterator<Item = (&String, &Topic)> {
        self.0.iter()
    }

    /// Topics from pairs of ARN and subscriptions of pairs of topic ARN and subscriber. A subscription of a topic that is
    /// not listed belongs to another account or region.
    fn new(arns: Vec<String>, subscriptions: Vec<(String, Subscription)>) -> Self {
        let mut topics = Self::default();
        let mut of_topic: BTreeMap<String, Vec<Subscription>> = BTreeMap::new();
        for (arn, subscription) in subscriptions {
            of_topic.entry(arn).or_default().push(subscription);
        }
        for arn in arns {
            let subscriptions = of_topic.remove(&arn).unwrap_or_default();
            topics.insert(&arn, subscriptions);
        }
        topics
    }

    /// Adds a topic; its name is the last part of the ARN.
    pub(in crate::environment) fn insert(&mut self, arn: &str, subscriptions: Vec<Subscription>) {
        let name = arn.rsplit(':').next().unwrap_or(arn).to_owned();
        let arn = arn.to_owned();
        self.0.insert(name, Topic { arn, subscriptions });
    }
}

/// All topics and subscriptions of the region, all pages, both listings concurrent.
pub(in crate::environment) async fn topics(aws: &Aws) -> Result<Topics> {
    let (topics, subscriptions) = (aws.sns().list_topics(), aws.sns().list_subscriptions());
    let topics = topics.into_paginator().items().send();
    let subscriptions = subscriptions.into_paginator().items().send();
    let (topics, subscriptions) = tokio::try_join!(
        topics.all("sns:ListTopics", aws.region()),
        subscriptions.all("sns:ListSubscriptions", aws.region()),
    )?;
    let arns = topics.into_iter().filter_map(|topic| topic.topic_arn);
    Ok(Topics::new(
        arns.collect(),
        subscriptions.into_iter().filter_map(convert).collect(),
    ))
}

fn convert(found: aws_sdk_sns::types::Subscription) -> Option<(String, Subscription)> {
    let own = found.subscription_arn?;
    let subscription = Subscription {
        protocol: found.protocol?,
        address: found.endpoint?,
        confirmed: own != PENDING,
    };
    (own != DELETED).then_some((found.topic_arn?, subscription))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    fn listed(own: &str, topic: &str, address: &str) -> Option<(String, Subscription)> {
        let found = aws_sdk_sns::types::Subscription::builder()
            .subscription_arn(own)
            .topic_arn(format!("arn:aws:sns:us-west-2:1:{topic}"))
            .protocol("email")
            .endpoint(address);
        convert(found.build())
    }

    #[test]
    fn subscriptions_are_grouped_by_topic_in_whatever_order_they_come() {
        let found = [
            listed("arn:1", "a", "1@x"),
            listed(PENDING, "b", "2@x"),
            listed("arn:3", "a", "3@x"),
            listed(DELETED, "a", "4@x"),
            listed("arn:5", "elsewhere", "5@x"),
        ];
        let arns = ["b", "a"].map(|name| format!("arn:aws:sns:us-west-2:1:{name}"));
        let topics = Topics::new(arns.to_vec(), found.into_iter().flatten().collect());
        let shown: Vec<String> = topics
            .iter()
            .map(|(name, topic)| {
                let own = |s: &Subscription| format!("{} {}", s.address, s.confirmed);
                let own: Vec<String> = topic.subscriptions.iter().map(own).collect();
                format!("{name} {} {}", topic.arn, own.join(", "))
            })
            .collect();
        let wanted = [
            "a arn:aws:sns:us-west-2:1:a 1@x true, 3@x true",
            "b arn:aws:sns:us-west-2:1:b 2@x false",
        ];
        assert_eq!(shown, wanted);
    }
}
