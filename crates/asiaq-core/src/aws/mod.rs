//! Access to AWS: one configuration, lazy clients per service, bounded concurrency, polling, tags, errors with context.
//!
//! Nothing here knows what an environment or a hostclass is.

mod client;
mod error;
mod http;
mod page;
mod poll;
mod tags;

pub use client::{Aws, Settings};
pub use error::{AwsError, Context, gone};
pub use page::Pages;
pub use poll::Poll;
pub use tags::{Tags, ec2_tags, tag_specification, tags_of};
