//! The model's part for notification topics.

use super::super::action::TopicAction;
use super::super::changes::topic_key;
use super::super::observed::Subscription;
use super::Model;

impl Model {
    pub(super) fn topic(&mut self, action: &TopicAction) {
        match action {
            TopicAction::Create { name } => {
                let arn = format!("arn:aws:sns:us-west-2:123456789012:{name}");
                self.learn(&topic_key(name), &arn);
                self.state.beside.topics.insert(&arn, Vec::new());
            }
            TopicAction::Subscribe { topic, endpoint } => {
                let arn = self.id(&topic_key(topic));
                let mut all = self
                    .state
                    .beside
                    .topics
                    .get(topic)
                    .unwrap()
                    .subscriptions
                    .clone();
                all.push(Subscription {
                    protocol: endpoint.protocol.as_str().to_owned(),
                    address: endpoint.address.clone(),
                    confirmed: false,
                });
                self.state.beside.topics.insert(&arn, all);
            }
        }
    }
}
