//! Changes to notification topics, as data.

use crate::config::Endpoint;

/// One change to notification topics. Nothing is ever deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TopicAction {
    /// Create a topic.
    Create {
        /// Its name.
        name: String,
    },
    /// Add a subscriber.
    Subscribe {
        /// Name of the topic.
        topic: String,
        /// Who is told.
        endpoint: Endpoint,
    },
}
