//! Reading a paginated listing to its end.

use super::{AwsError, Context};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use futures::Future;

/// Collects every item of a paginator's stream.
pub trait Pages<T> {
    /// All items of all pages; `operation` (such as `ec2:DescribeVpcs`) and `resource` name the call in errors.
    fn all(
        self,
        operation: &'static str,
        resource: &str,
    ) -> impl Future<Output = Result<Vec<T>, AwsError>>;
}

impl<T, E> Pages<T>
    for aws_smithy_async::future::pagination_stream::PaginationStream<
        Result<T, SdkError<E, HttpResponse>>,
    >
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    async fn all(self, operation: &'static str, resource: &str) -> Result<Vec<T>, AwsError> {
        self.collect::<Result<Vec<T>, _>>()
            .await
            .context(operation, resource)
    }
}
