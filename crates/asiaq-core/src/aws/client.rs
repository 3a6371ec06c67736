//! One SDK configuration and lazy clients: a command pays only for the services it uses.

use super::http::bounded_client;
use super::{Context, Poll};
use crate::error::{Error, Result};
use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use std::sync::OnceLock;
use std::time::Duration;

/// What the environment says about talking to AWS (overview, sections 4 and 6).
#[derive(Debug, Clone)]
pub struct Settings {
    /// API calls under way at once; `ASIAQ_MAX_CONCURRENCY`, default 16.
    pub max_concurrency: usize,
    /// Attempts per call; `AWS_MAX_ATTEMPTS`, default 10.
    pub max_attempts: u32,
    /// Slow down as a whole when AWS throttles, instead of only backing off call by call; `AWS_RETRY_MODE=standard`
    /// switches it off.
    pub adaptive_retries: bool,
    /// Cap of every poll pause; `ASIAQ_POLL_INTERVAL` in seconds.
    pub poll_interval: Option<Duration>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_concurrency: 16,
            max_attempts: 10,
            adaptive_retries: true,
            poll_interval: None,
        }
    }
}

impl Settings {
    /// Reads the variables through `get`; a value that makes no sense is an error naming the variable.
    pub fn from_variables(get: impl Fn(&str) -> Option<String>) -> Result<Self> {
        let mut settings = Self::default();
        let present = |name: &str| get(name).filter(|value| !value.trim().is_empty());
        if let Some(text) = present("ASIAQ_MAX_CONCURRENCY") {
            settings.max_concurrency = text
                .trim()
                .parse()
                .ok()
                .filter(|n| (1..=1024).contains(n))
                .ok_or_else(|| bad("ASIAQ_MAX_CONCURRENCY", &text, "a number from 1 to 1024"))?;
        }
        if let Some(text) = present("AWS_MAX_ATTEMPTS") {
            settings.max_attempts = text
                .trim()
                .parse()
                .ok()
                .filter(|n| *n >= 1)
                .ok_or_else(|| bad("AWS_MAX_ATTEMPTS", &text, "a number of at least 1"))?;
        }
        if let Some(text) = present("AWS_RETRY_MODE") {
            settings.adaptive_retries = match text.trim() {
                "adaptive" => true,
                "standard" => false,
                _ => return Err(bad("AWS_RETRY_MODE", &text, "`adaptive` or `standard`")),
            };
        }
        if let Some(text) = present("ASIAQ_POLL_INTERVAL") {
            let seconds = text
                .trim()
                .parse()
                .ok()
                .and_then(|s| Duration::try_from_secs_f64(s).ok());
            settings.poll_interval = Some(
                seconds.ok_or_else(|| bad("ASIAQ_POLL_INTERVAL", &text, "a number of seconds"))?,
            );
        }
        Ok(settings)
    }
}

fn bad(name: &str, text: &str, wanted: &str) -> Error {
    Error::refused(format!("environment variable {name} is `{text}`"))
        .with_hint(format!("set it to {wanted}, or unset it"))
}

/// Access to AWS for one command.
#[derive(Debug)]
pub struct Aws {
    config: SdkConfig,
    region: String,
    /// Pauses between polls.
    pub poll: Poll,
    acm: OnceLock<aws_sdk_acm::Client>,
    datapipeline: OnceLock<aws_sdk_datapipeline::Client>,
    ec2: OnceLock<aws_sdk_ec2::Client>,
    autoscaling: OnceLock<aws_sdk_autoscaling::Client>,
    cloudwatch: OnceLock<aws_sdk_cloudwatch::Client>,
    cloudwatchlogs: OnceLock<aws_sdk_cloudwatchlogs::Client>,
    elasticache: OnceLock<aws_sdk_elasticache::Client>,
    elasticloadbalancing: OnceLock<aws_sdk_elasticloadbalancing::Client>,
    elasticloadbalancingv2: OnceLock<aws_sdk_elasticloadbalancingv2::Client>,
    iam: OnceLock<aws_sdk_iam::Client>,
    rds: OnceLock<aws_sdk_rds::Client>,
    route53: OnceLock<aws_sdk_route53::Client>,
    s3: OnceLock<aws_sdk_s3::Client>,
    sns: OnceLock<aws_sdk_sns::Client>,
    ssm: OnceLock<aws_sdk_ssm::Client>,
    sts: OnceLock<aws_sdk_sts::Client>,
}

impl Aws {
    /// Loads region and credentials provider from the SDK's default chain. Makes no AWS call.
    ///
    /// # Errors
    /// No region anywhere.
    pub async fn connect(settings: &Settings) -> Result<Self> {
        let config = Self::loader(settings).load().await;
        let region = config.region().map(ToString::to_string).ok_or_else(|| {
            Error::refused("no AWS region is configured").with_hint("set AWS_REGION, or `region` in the AWS profile that AWS_PROFILE names; for a rehearsal, `eval \"$(asiaq local env)\"`")
        })?;
        Ok(Self::new(config, region, Poll::new(settings.poll_interval)))
    }

    /// As [`Aws::connect`], in this region: the default chain is not asked for one.
    pub async fn connect_in(settings: &Settings, region: &str) -> Self {
        let own = aws_config::Region::new(region.to_owned());
        let config = Self::loader(settings).region(own).load().await;
        Self::new(config, region.to_owned(), Poll::new(settings.poll_interval))
    }

    fn loader(settings: &Settings) -> aws_config::ConfigLoader {
        let mode = if settings.adaptive_retries {
            RetryConfig::adaptive()
        } else {
            RetryConfig::standard()
        };
        aws_config::defaults(BehaviorVersion::latest())
            .retry_config(mode.with_max_attempts(settings.max_attempts))
            .http_client(bounded_client(settings.max_concurrency))
    }

    /// Access to an endpoint that needs no credentials and answers at once.
    #[cfg(test)]
    pub(crate) fn for_tests(endpoint: &str) -> Self {
        use aws_sdk_ec2::config::{Credentials, SharedCredentialsProvider};
        let keys = Credentials::new("test", "test", None, None, "tests");
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(aws_config::Region::new("us-west-2"))
            .endpoint_url(endpoint)
            .credentials_provider(SharedCredentialsProvider::new(keys))
            .retry_config(RetryConfig::disabled())
            .http_client(bounded_client(4))
            .build();
        let poll = Poll::new(Some(Duration::from_millis(1)));
        Self::new(config, "us-west-2".to_owned(), poll)
    }

    /// With an SDK configuration that is complete already, such as a test's.
    pub fn new(config: SdkConfig, region: String, poll: Poll) -> Self {
        Self {
            config,
            region,
            poll,
            acm: OnceLock::new(),
            datapipeline: OnceLock::new(),
            ec2: OnceLock::new(),
            autoscaling: OnceLock::new(),
            cloudwatch: OnceLock::new(),
            cloudwatchlogs: OnceLock::new(),
            elasticache: OnceLock::new(),
            elasticloadbalancing: OnceLock::new(),
            elasticloadbalancingv2: OnceLock::new(),
            iam: OnceLock::new(),
            rds: OnceLock::new(),
            route53: OnceLock::new(),
            s3: OnceLock::new(),
            sns: OnceLock::new(),
            ssm: OnceLock::new(),
            sts: OnceLock::new(),
        }
    }

    /// The region of all calls.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// Certificate Manager client.
    pub fn acm(&self) -> &aws_sdk_acm::Client {
        self.acm
            .get_or_init(|| aws_sdk_acm::Client::new(&self.config))
    }

    /// Data Pipeline client.
    pub fn datapipeline(&self) -> &aws_sdk_datapipeline::Client {
        self.datapipeline
            .get_or_init(|| aws_sdk_datapipeline::Client::new(&self.config))
    }

    /// EC2 client.
    pub fn ec2(&self) -> &aws_sdk_ec2::Client {
        self.ec2
            .get_or_init(|| aws_sdk_ec2::Client::new(&self.config))
    }

    /// Auto Scaling client.
    pub fn autoscaling(&self) -> &aws_sdk_autoscaling::Client {
        self.autoscaling
            .get_or_init(|| aws_sdk_autoscaling::Client::new(&self.config))
    }

    /// CloudWatch client.
    pub fn cloudwatch(&self) -> &aws_sdk_cloudwatch::Client {
        self.cloudwatch
            .get_or_init(|| aws_sdk_cloudwatch::Client::new(&self.config))
    }

    /// CloudWatch Logs client.
    pub fn cloudwatchlogs(&self) -> &aws_sdk_cloudwatchlogs::Client {
        self.cloudwatchlogs
            .get_or_init(|| aws_sdk_cloudwatchlogs::Client::new(&self.config))
    }

    /// ElastiCache client.
    pub fn elasticache(&self) -> &aws_sdk_elasticache::Client {
        self.elasticache
            .get_or_init(|| aws_sdk_elasticache::Client::new(&self.config))
    }

    /// Classic load balancer client.
    pub fn elasticloadbalancing(&self) -> &aws_sdk_elasticloadbalancing::Client {
        self.elasticloadbalancing
            .get_or_init(|| aws_sdk_elasticloadbalancing::Client::new(&self.config))
    }

    /// Application and network load balancer client.
    pub fn elasticloadbalancingv2(&self) -> &aws_sdk_elasticloadbalancingv2::Client {
        self.elasticloadbalancingv2
            .get_or_init(|| aws_sdk_elasticloadbalancingv2::Client::new(&self.config))
    }

    /// IAM client.
    pub fn iam(&self) -> &aws_sdk_iam::Client {
        self.iam
            .get_or_init(|| aws_sdk_iam::Client::new(&self.config))
    }

    /// RDS client.
    pub fn rds(&self) -> &aws_sdk_rds::Client {
        self.rds
            .get_or_init(|| aws_sdk_rds::Client::new(&self.config))
    }

    /// Route 53 client.
    pub fn route53(&self) -> &aws_sdk_route53::Client {
        self.route53
            .get_or_init(|| aws_sdk_route53::Client::new(&self.config))
    }

    /// S3 client. Buckets are addressed by path: their names have dots, which no wildcard certificate covers.
    pub fn s3(&self) -> &aws_sdk_s3::Client {
        self.s3
            .get_or_init(|| aws_sdk_s3::Client::from_conf(self.s3_config().build()))
    }

    /// S3 client for a bucket of another region.
    pub fn s3_in(&self, region: &str) -> aws_sdk_s3::Client {
        let region = aws_config::Region::new(region.to_owned());
        aws_sdk_s3::Client::from_conf(self.s3_config().region(region).build())
    }

    fn s3_config(&self) -> aws_sdk_s3::config::Builder {
        aws_sdk_s3::config::Builder::from(&self.config).force_path_style(true)
    }

    /// SNS client.
    pub fn sns(&self) -> &aws_sdk_sns::Client {
        self.sns
            .get_or_init(|| aws_sdk_sns::Client::new(&self.config))
    }

    /// Systems Manager client.
    pub fn ssm(&self) -> &aws_sdk_ssm::Client {
        self.ssm
            .get_or_init(|| aws_sdk_ssm::Client::new(&self.config))
    }

    /// STS client.
    pub fn sts(&self) -> &aws_sdk_sts::Client {
        self.sts
            .get_or_init(|| aws_sdk_sts::Client::new(&self.config))
    }

    /// The account that the credentials belong to.
    pub async fn account_id(&self) -> Result<String> {
        let identity = self
            .sts()
            .get_caller_identity()
            .send()
            .await
            .context("sts:GetCallerIdentity", "the caller")?;
        identity.account().map(str::to_owned).ok_or_else(|| {
            super::AwsError::incomplete("sts:GetCallerIdentity", "the caller", "Account").into()
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Settings> {
        let find = |name: &str| pairs.iter().find(|(key, _)| *key == name);
        Settings::from_variables(|name| find(name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn defaults_and_variables() {
        let default = read(&[("ASIAQ_MAX_CONCURRENCY", " ")]).unwrap();
        assert_eq!((default.max_concurrency, default.max_attempts), (16, 10));
        assert!(default.adaptive_retries && default.poll_interval.is_none());
        let set = read(&[
            ("ASIAQ_MAX_CONCURRENCY", "4"),
            ("AWS_MAX_ATTEMPTS", "2"),
            ("AWS_RETRY_MODE", "standard"),
            ("ASIAQ_POLL_INTERVAL", "0.5"),
        ])
        .unwrap();
        assert_eq!((set.max_concurrency, set.max_attempts), (4, 2));
        assert_eq!(set.poll_interval, Some(Duration::from_millis(500)));
        assert!(!set.adaptive_retries);
    }

    #[test]
    fn nonsense_names_the_variable() {
        let table = [
            ("ASIAQ_MAX_CONCURRENCY", "0"),
            ("ASIAQ_MAX_CONCURRENCY", "many"),
            ("AWS_MAX_ATTEMPTS", "0"),
            ("AWS_RETRY_MODE", "legacy"),
            ("ASIAQ_POLL_INTERVAL", "-1"),
        ];
        for (name, value) in table {
            let error = read(&[(name, value)]).unwrap_err();
            assert!(
                error.to_string().contains(&format!("{name} is `{value}`")),
                "{error}"
            );
            assert!(error.hint().unwrap().starts_with("set it to "));
        }
    }
}
