//! What it means when AWS refuses: Data Pipeline is closed to new customers since July 2024, and newer regions never had it.

use crate::aws::AwsError;
use crate::error::Error;

/// What takes its place.
const INSTEAD: &str = "use DynamoDB point-in-time recovery, DynamoDB export to S3, or AWS Backup instead (docs/backups.md)";
/// Codes that say that the account does not have the service.
const NO_SERVICE: [&str; 2] = ["SubscriptionRequiredException", "OptInRequired"];
/// Codes that say that these credentials may not use it, or nobody of the account.
const DENIED: [&str; 4] = [
    "AccessDenied",
    "AccessDeniedException",
    "UnauthorizedOperation",
    "NotAuthorized",
];
/// Listing takes no argument that could be wrong.
const LISTING: &str = "datapipeline:ListPipelines";

/// The error with advice for accounts and regions without the service; other errors as they are.
pub(super) fn explain(error: AwsError, region: &str) -> Error {
    let is_any = |codes: &[&str]| codes.iter().any(|code| error.is(code));
    let message = error.message.to_lowercase();
    let hint = if message.contains("new customers")
        || is_any(&NO_SERVICE)
        || (error.operation == LISTING && error.is("InvalidRequestException"))
    {
        format!(
            "AWS Data Pipeline is closed to accounts that did not use it before July 2024: {INSTEAD}"
        )
    } else if is_any(&DENIED) {
        format!(
            "the credentials in use lack this permission, or the account does not have AWS Data Pipeline, which is closed to new customers since July 2024: {INSTEAD}"
        )
    } else if error.code.is_none() && message.contains("lookup address") {
        format!(
            "check the network; if other services answer, {region} is a region without AWS Data Pipeline: {INSTEAD}"
        )
    } else {
        return error.into();
    };
    Error::refused(format!(
        "Data Pipeline is not available in {region}: {error}"
    ))
    .with_hint(hint)
}

/// "Not found" and "deleted": the pipeline does not exist (any more).
pub(super) fn is_gone(error: &AwsError) -> bool {
    error.is_not_found() || is_deleted(error)
}

/// The pipeline existed once.
pub(super) fn is_deleted(error: &AwsError) -> bool {
    error.is("PipelineDeletedException")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use crate::aws::Context;
    use aws_sdk_datapipeline::operation::list_pipelines::ListPipelinesError;
    use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
    use aws_smithy_runtime_api::client::result::{ConnectorError, SdkError};

    fn answer(operation: &'static str, code: &str, message: &str) -> AwsError {
        let mut error = AwsError::incomplete(operation, "", "x");
        error.code = Some(code.to_owned());
        error.message = message.to_owned();
        error
    }

    #[test]
    fn refusals_for_lack_of_the_service_name_what_takes_its_place() {
        let create = "datapipeline:CreatePipeline";
        let table = [
            (LISTING, "AccessDeniedException", "not authorized", true),
            (LISTING, "InvalidRequestException", "no", true),
            (
                create,
                "InvalidRequestException",
                "Data Pipeline is not available to new customers",
                true,
            ),
            (create, "SubscriptionRequiredException", "no", true),
            (create, "InvalidRequestException", "name is too long", false),
            (create, "ThrottlingException", "Rate exceeded", false),
            (create, "InternalServiceError", "sorry", false),
        ];
        for (operation, code, message, closed) in table {
            let error = explain(answer(operation, code, message), "eu-north-1");
            let hint = error.hint().unwrap_or_default();
            let names = ["point-in-time recovery", "export to S3", "AWS Backup"];
            assert_eq!(
                names.iter().all(|name| hint.contains(name)),
                closed,
                "{code} {message}"
            );
            assert!(error.to_string().contains(message), "{error}");
        }
    }

    #[test]
    fn an_endpoint_that_does_not_resolve_may_be_a_region_without_the_service() {
        let text = "failed to lookup address information: Name or service not known";
        let connector = ConnectorError::io(std::io::Error::other(text).into());
        let failed: Result<(), SdkError<ListPipelinesError, HttpResponse>> =
            Err(SdkError::dispatch_failure(connector));
        let error = explain(failed.context(LISTING, "").unwrap_err(), "eu-north-1");
        assert!(error.to_string().contains("eu-north-1"), "{error}");
        assert!(error.hint().unwrap().contains("AWS Backup"));
    }

    #[test]
    fn deleted_is_a_kind_of_gone() {
        let gone = |code| is_gone(&answer(LISTING, code, ""));
        assert!(gone("PipelineNotFoundException") && gone("PipelineDeletedException"));
        assert!(!gone("InvalidRequestException"));
        assert!(!is_deleted(&answer(
            LISTING,
            "PipelineNotFoundException",
            ""
        )));
    }
}
