//! Executes changes to notification topics. Both calls may be repeated: AWS answers with what exists.

use super::super::action::TopicAction;
use super::super::changes::topic_key;
use super::Executor;
use crate::aws::Context;
use crate::config::Endpoint;
use crate::error::Result;

impl Executor<'_> {
    pub(super) async fn topic(&self, action: &TopicAction) -> Result<()> {
        match action {
            TopicAction::Create { name } => self.create_topic(name).await,
            TopicAction::Subscribe { topic, endpoint } => self.subscribe(topic, endpoint).await,
        }
    }

    async fn create_topic(&self, name: &str) -> Result<()> {
        let operation = "sns:CreateTopic";
        let answer = self.aws.sns().create_topic().name(name).send().await;
        let answer = answer.context(operation, format!("topic {name}"))?;
        self.learn(topic_key(name), answer.topic_arn(), operation)
    }

    /// AWS asks the subscriber to agree; that may take days and is not waited for.
    async fn subscribe(&self, topic: &str, endpoint: &Endpoint) -> Result<()> {
        let call = self
            .aws
            .sns()
            .subscribe()
            .topic_arn(self.id(&topic_key(topic))?)
            .protocol(endpoint.protocol.as_str())
            .endpoint(&endpoint.address);
        let what = format!("topic {topic} by {endpoint}");
        call.send().await.context("sns:Subscribe", what)?;
        Ok(())
    }
}
