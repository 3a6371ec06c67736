//! Error context of AWS calls: operation, resource, AWS code, message, request id, and advice for the codes that people meet.

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use std::error::Error as StdError;
use std::fmt;

/// A failed AWS call.
#[derive(Debug)]
pub struct AwsError {
    /// Service and operation, such as `ec2:CreateVpc`.
    pub operation: &'static str,
    /// What the call was about, such as `vpc ci`. Empty for listings of everything.
    pub resource: Box<str>,
    /// AWS error code; `None` if no answer came.
    pub code: Option<String>,
    /// AWS' message, or why no answer came.
    pub message: String,
    /// Request id for AWS support.
    pub request_id: Option<Box<str>>,
    failure: Failure,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// How a call failed, as far as advice depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Failure {
    Service,
    Unreachable,
    Credentials,
    Other,
}

impl fmt::Display for AwsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.operation)?;
        if !self.resource.is_empty() {
            write!(f, " of {}", self.resource)?;
        }
        match &self.code {
            Some(code) => write!(f, ": {code}: {}", self.message)?,
            None => write!(f, ": {}", self.message)?,
        }
        match &self.request_id {
            Some(id) => write!(f, " (request {id})"),
            None => Ok(()),
        }
    }
}

impl StdError for AwsError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source
            .as_deref()
            .map(|source| source as &(dyn StdError + 'static))
    }
}

impl AwsError {
    /// An answer of AWS that lacks what its documentation promises, such as the id of a created resource.
    pub fn incomplete(operation: &'static str, resource: impl fmt::Display, missing: &str) -> Self {
        Self {
            operation,
            resource: resource.to_string().into(),
            code: None,
            message: format!("the answer lacks `{missing}`"),
            request_id: None,
            failure: Failure::Other,
            source: None,
        }
    }

    /// The same failure for another one that waited for the call, without its cause.
    pub fn again(&self) -> Self {
        Self {
            operation: self.operation,
            resource: self.resource.clone(),
            code: self.code.clone(),
            message: self.message.clone(),
            request_id: self.request_id.clone(),
            failure: self.failure,
            source: None,
        }
    }

    /// True if AWS answered with this code.
    pub fn is(&self, code: &str) -> bool {
        self.code.as_deref() == Some(code)
    }

    /// True for the codes that say that the thing does not exist (any more).
    pub fn is_not_found(&self) -> bool {
        self.code.as_deref().is_some_and(|code| {
            ["NotFound", "NotFoundException", "NotFoundFault"]
                .iter()
                .any(|end| code.ends_with(end))
        })
    }

    /// What the operator can do.
    pub fn hint(&self) -> Option<String> {
        let text = match self.failure {
            Failure::Unreachable => {
                "check the network, the proxy variables and AWS_ENDPOINT_URL; for a local endpoint, `asiaq local status`"
            }
            Failure::Credentials => {
                "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run `aws sso login`; for a rehearsal, `eval \"$(asiaq local env)\"`"
            }
            Failure::Service => {
                let code = self.code.as_deref()?;
                advice_s3(self.operation, code).or_else(|| advice(code))?
            }
            Failure::Other => return None,
        };
        Some(text.to_owned())
    }
}

/// For deletions: "not found" means that the thing is gone, which is what was wanted.
pub fn gone<T>(result: Result<T, AwsError>) -> Result<(), AwsError> {
    match result {
        Err(error) if !error.is_not_found() => Err(error),
        _ => Ok(()),
    }
}

/// Advice for the error codes that operators meet (spec 20, section 18).
fn advice(code: &str) -> Option<&'static str> {
    Some(match code {
        "VpcLimitExceeded" => {
            "the account's limit of VPCs in this region is reached: destroy an environment or ask AWS for a higher quota"
        }
        "RulesPerSecurityGroupLimitExceeded" => {
            "the security group would hold more rules than the quota allows: merge rules or raise the quota"
        }
        "NatGatewayLimitExceeded" => {
            "the account's limit of NAT gateways in this zone (5 by default) is reached: delete one or raise the quota"
        }
        "Resource.AlreadyAssociated" => {
            "the elastic IP is in use: wait until its NAT gateway is gone, or list another address"
        }
        "AddressLimitExceeded" => {
            "the account's limit of elastic IPs is reached: release one or raise the quota"
        }
        "UnauthorizedOperation"
        | "AuthorizationError"
        | "AccessDenied"
        | "AccessDeniedException" => "the credentials in use lack this permission",
        "AuthFailure"
        | "InvalidClientTokenId"
        | "InvalidAccessKeyId"
        | "InvalidSignatureException"
        | "SignatureDoesNotMatch"
        | "UnrecognizedClientException" => {
            "AWS does not accept these credentials: check AWS_PROFILE and the access keys"
        }
        "ExpiredToken" | "ExpiredTokenException" | "RequestExpired" => {
            "the session has expired: log in again, for example with `aws sso login`"
        }
        "RequestLimitExceeded" | "Throttling" | "ThrottlingException" => {
            "AWS throttles this account: wait a little, or lower ASIAQ_MAX_CONCURRENCY"
        }
        "InvalidInstanceID.NotFound" | "InvalidInstanceID.Malformed" => {
            "see `disco_aws listhosts` for the instances of the environment"
        }
        "NoSuchBucket" => {
            "create the bucket, or correct its name (`--bucket`, or the configuration); AWS_PROFILE selects the account"
        }
        "PermanentRedirect" | "AuthorizationHeaderMalformed" => {
            "the bucket is in another region: check AWS_REGION and the bucket's name"
        }
        "InvalidInstanceId" => {
            "SSM does not know one of the instances: is it running, with the agent and an instance profile that allows it?"
        }
        "InvalidSnapshot.InUse" => {
            "an image is made of this snapshot: it goes when the image is deregistered"
        }
        "InvalidKeyPair.NotFound" => {
            "create the key pair, or change `ssh_key_name` (`none` for no key)"
        }
        _ => return None,
    })
}

/// Advice that depends on the operation as well.
fn advice_s3(operation: &str, code: &str) -> Option<&'static str> {
    Some(match (operation, code) {
        ("s3:GetObject" | "s3:HeadObject", "AccessDenied") => {
            "the credentials in use lack this permission; without s3:ListBucket, S3 says the same of an object that does not exist"
        }
        ("s3:PutObject", "EntityTooLarge") => "S3 takes at most 5 GB at once",
        (_, "InvalidBucketName") => {
            "names of buckets have 3 to 63 lower-case letters, digits, dots and dashes"
        }
        _ => return None,
    })
}

/// Whether AWS' message repeats the request, headers with the session token included.
fn repeats_the_request(code: &str) -> bool {
    matches!(code, "SignatureDoesNotMatch" | "InvalidSignatureException")
}

/// Adds operation and resource to the error of an AWS call.
pub trait Context<T> {
    /// `operation` such as `ec2:CreateVpc`; `resource` such as `vpc ci`.
    fn context(self, operation: &'static str, resource: impl fmt::Display) -> Result<T, AwsError>;
}

impl<T, E> Context<T> for Result<T, SdkError<E, HttpResponse>>
where
    E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
{
    fn context(self, operation: &'static str, resource: impl fmt::Display) -> Result<T, AwsError> {
        self.map_err(|error| describe(operation, resource.to_string(), error))
    }
}

fn describe<E>(
    operation: &'static str,
    resource: String,
    error: SdkError<E, HttpResponse>,
) -> AwsError
where
    E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
{
    let request_id = error
        .as_service_error()
        .and_then(|e| e.meta().extra("aws_request_id"))
        .map(Box::from);
    let (failure, code, message) = match &error {
        SdkError::ServiceError(context) => {
            let meta = context.err().meta();
            let code = meta
                .code()
                .map_or_else(|| format!("HTTP {}", context.raw().status()), str::to_owned);
            (
                Failure::Service,
                Some(code),
                meta.message().unwrap_or("no message").to_owned(),
            )
        }
        other => {
            let chain = chain(other);
            let failure = if chain.contains("redential") {
                Failure::Credentials
            } else if matches!(
                other,
                SdkError::DispatchFailure(_) | SdkError::TimeoutError(_)
            ) {
                Failure::Unreachable
            } else {
                Failure::Other
            };
            let message = match failure {
                Failure::Credentials => "no usable AWS credentials".to_owned(),
                Failure::Unreachable => format!("cannot reach AWS: {}", innermost(other)),
                _ => chain,
            };
            (failure, None, message)
        }
    };
    let (message, source): (_, Option<Box<dyn StdError + Send + Sync>>) = match &code {
        // What follows the first sentence is the request; the cause has it too.
        Some(code) if repeats_the_request(code) => {
            let sentence = message.split("The Canonical String").next();
            (sentence.unwrap_or_default().trim().to_owned(), None)
        }
        _ => (message, Some(Box::new(error))),
    };
    AwsError {
        operation,
        resource: resource.into(),
        code,
        message,
        request_id,
        failure,
        source,
    }
}

fn innermost(error: &dyn StdError) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

fn chain(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut error = error;
    while let Some(source) = error.source() {
        text.push_str(": ");
        text.push_str(&source.to_string());
        error = source;
    }
    text
}
