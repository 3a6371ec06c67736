//! Changes to the S3 endpoint, as data.

use crate::aws::Tags;

/// One change to the S3 endpoint. It belongs to all route tables of the VPC. The main one is not known before the VPC is
/// made, so the executor reads which there are; `new_tables` are those made just before, which AWS may not list yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EndpointAction {
    /// Create it for all route tables.
    Create {
        /// Such as `com.amazonaws.us-west-2.s3`.
        service: String,
        /// JSON document.
        policy: String,
        /// Tables by logical name.
        new_tables: Vec<String>,
        /// Tags.
        tags: Tags,
    },
    /// Add the route tables that it lacks, and replace its policy if given.
    Modify {
        /// Endpoint.
        id: String,
        /// JSON document.
        policy: Option<String>,
        /// Tables by logical name.
        new_tables: Vec<String>,
    },
    /// Delete a second one and wait: two endpoints of a service cannot share a table.
    Delete {
        /// Endpoint.
        id: String,
    },
}
