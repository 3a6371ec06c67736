//! A VPC with two zones and a hosted zone, and the core on it. Asserts nothing.

use crate::support::cloud::Cloud;
use asiaq_core::aws::{Aws, Poll};
use asiaq_core::balancer::{self, BalancerSpec, PlannedBalancer};
use asiaq_core::config::{DiscoAws, Ini};
use asiaq_core::plan::{Silent, Yields};
use aws_sdk_ec2::config::retry::RetryConfig;
use aws_sdk_elasticloadbalancingv2::Client;
use aws_sdk_elasticloadbalancingv2::types as elb;
use aws_sdk_route53::types as dns;
use std::time::Duration;

pub const APPLICATION: &str = "elb=yes\nelb_type=application";
pub const NETWORK: &str = "elb=yes\nelb_type=network";

pub struct Bed {
    cloud: Cloud,
    vpc: String,
    subnets: Vec<String>,
    group: String,
    zone: String,
}

impl Bed {
    pub fn start() -> Self {
        let cloud = Cloud::start();
        let ec2 = cloud.client();
        let made = cloud.wait(ec2.create_vpc().cidr_block("10.0.0.0/16").send());
        let vpc = made
            .expect("vpc")
            .vpc
            .and_then(|own| own.vpc_id)
            .expect("id");
        let subnets =
            [("10.0.0.0/24", "us-west-2a"), ("10.0.1.0/24", "us-west-2b")].map(|(block, zone)| {
                let call = ec2
                    .create_subnet()
                    .vpc_id(&vpc)
                    .cidr_block(block)
                    .availability_zone(zone);
                let made = cloud.wait(call.send()).expect("subnet").subnet;
                made.and_then(|own| own.subnet_id).expect("id")
            });
        let call = ec2
            .create_security_group()
            .vpc_id(&vpc)
            .group_name("ci")
            .description("ci");
        let group = cloud
            .wait(call.send())
            .expect("group")
            .group_id
            .expect("id");
        let call = aws_sdk_route53::Client::new(&cloud.sdk())
            .create_hosted_zone()
            .name("example.com")
            .caller_reference("1");
        let zone = cloud
            .wait(call.send())
            .expect("zone")
            .hosted_zone
            .expect("zone")
            .id;
        Self {
            subnets: subnets.to_vec(),
            vpc,
            group,
            zone,
            cloud,
        }
    }

    pub fn url(&self) -> &str {
        self.cloud.url()
    }

    fn elb(&self) -> Client {
        Client::new(&self.cloud.sdk())
    }

    /// What the hostclass `mhcweb` of `ci` wants with these options.
    pub fn spec(&self, options: &str) -> BalancerSpec {
        let text = format!(
            "[disco_aws]\n[mhcweb]\nmeta_network=intranet\nssh_key_name=none\npublic_ip=no\nsmoketest_termination=no\n{options}\n"
        );
        let config = DiscoAws::from_ini(Ini::parse("a.ini", text.as_bytes()).expect("ini"));
        BalancerSpec {
            env: "ci".into(),
            hostclass: "mhcweb".into(),
            testing: false,
            options: config.hostclass("mhcweb", "ci").expect("options").balancer,
            domain: Some("example.com".into()),
            vpc_id: self.vpc.clone(),
            subnets: self.subnets.clone(),
            zones: vec!["us-west-2a".into(), "us-west-2b".into()],
            security_group: self.group.clone(),
            product_line: "web".into(),
            tags: [("team".to_owned(), "blue".to_owned())].into(),
        }
    }

    /// The core behind a URL; without retries a reset connection is an error.
    fn aws(&self, url: &str, retry: RetryConfig) -> Aws {
        let config = self
            .cloud
            .sdk()
            .into_builder()
            .endpoint_url(url)
            .retry_config(retry);
        let poll = Poll::new(Some(Duration::from_millis(20)));
        Aws::new(config.build(), "us-west-2".into(), poll)
    }

    fn patient(&self, url: &str) -> Aws {
        let retry = RetryConfig::standard().with_max_attempts(5);
        self.aws(url, retry.with_initial_backoff(Duration::from_millis(10)))
    }

    pub fn plan(&self, url: &str, spec: &BalancerSpec) -> Result<PlannedBalancer, String> {
        self.plan_with(&self.patient(url), spec)
    }

    fn plan_with(&self, aws: &Aws, spec: &BalancerSpec) -> Result<PlannedBalancer, String> {
        let read = balancer::observe(aws, std::slice::from_ref(spec));
        let state = self.cloud.wait(read).map_err(|error| error.to_string())?;
        balancer::plan(&state, spec).map_err(|error| error.to_string())
    }

    /// All lines that are still to do.
    pub fn pending(&self, spec: &BalancerSpec) -> Vec<String> {
        let planned = self.plan(self.url(), spec).expect("plan");
        [planned.plan.lines(), planned.leaving.lines()].concat()
    }

    pub fn apply(&self, url: &str, planned: &PlannedBalancer) -> Result<(), String> {
        self.apply_with(&self.patient(url), planned)
    }

    fn apply_with(&self, aws: &Aws, planned: &PlannedBalancer) -> Result<(), String> {
        let executor = balancer::executor(aws, &Silent, &Yields::default());
        for plan in [&planned.plan, &planned.leaving] {
            let applied = self.cloud.wait(plan.apply(&executor, &Silent));
            applied.map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    /// Reads, plans and applies.
    pub fn made(&self, url: &str, spec: &BalancerSpec) -> Result<PlannedBalancer, String> {
        let planned = self.plan(url, spec)?;
        self.apply(url, &planned)?;
        Ok(planned)
    }

    /// The same without any retry.
    pub fn made_once(&self, url: &str, spec: &BalancerSpec) -> Result<(), String> {
        let aws = self.aws(url, RetryConfig::disabled());
        let planned = self.plan_with(&aws, spec)?;
        self.apply_with(&aws, &planned)
    }

    /// A server certificate; gives its ARN.
    pub fn certificate(&self, name: &str) -> String {
        let call = aws_sdk_iam::Client::new(&self.cloud.sdk())
            .upload_server_certificate()
            .server_certificate_name(name)
            .certificate_body("body")
            .private_key("key");
        let made = self.cloud.wait(call.send()).expect("certificate");
        made.server_certificate_metadata.expect("metadata").arn
    }

    pub fn cname(&self, name: &str, value: &str) {
        let value = dns::ResourceRecord::builder()
            .value(value)
            .build()
            .expect("value");
        let set = dns::ResourceRecordSet::builder()
            .name(format!("{name}.example.com"))
            .r#type(dns::RrType::Cname)
            .ttl(5)
            .resource_records(value);
        let change = dns::Change::builder()
            .action(dns::ChangeAction::Upsert)
            .resource_record_set(set.build().expect("record"));
        let batch = dns::ChangeBatch::builder().changes(change.build().expect("change"));
        let call = aws_sdk_route53::Client::new(&self.cloud.sdk())
            .change_resource_record_sets()
            .hosted_zone_id(&self.zone)
            .change_batch(batch.build().expect("batch"));
        self.cloud.wait(call.send()).expect("record");
    }

    fn target_group(&self, name: &str) -> String {
        let call = self.elb().describe_target_groups().names(name);
        let found = self.cloud.wait(call.send()).expect("target groups");
        found.target_groups()[0]
            .target_group_arn()
            .expect("arn")
            .to_owned()
    }

    /// Registers a new instance; gives its id.
    pub fn register(&self, group: &str) -> String {
        let call = self
            .cloud
            .client()
            .run_instances()
            .image_id(self.cloud.register_image("host", &[]))
            .min_count(1)
            .max_count(1)
            .subnet_id(&self.subnets[0]);
        let made = self.cloud.wait(call.send()).expect("instance");
        let id = made.instances()[0].instance_id().expect("id").to_owned();
        let call = self
            .elb()
            .register_targets()
            .target_group_arn(self.target_group(group))
            .targets(elb::TargetDescription::builder().id(&id).build());
        self.cloud.wait(call.send()).expect("target");
        id
    }

    pub fn healthy(&self, group: &str, only: &[String]) -> Result<(), String> {
        let arns = [self.target_group(group)];
        let aws = self.patient(self.url());
        let wait = balancer::wait_healthy(&aws, &arns, only);
        self.cloud.wait(wait).map_err(|error| error.to_string())
    }

    /// What there is, one sorted line each.
    pub fn there(&self) -> Vec<String> {
        let mut all = self.cloud.wait(self.read());
        all.sort();
        all
    }

    async fn read(&self) -> Vec<String> {
        let elb = self.elb();
        let mut all = Vec::new();
        let groups = elb
            .describe_target_groups()
            .send()
            .await
            .expect("target groups");
        let name = |arn: &str| {
            let own = groups
                .target_groups()
                .iter()
                .find(|own| own.target_group_arn() == Some(arn));
            own.and_then(|own| own.target_group_name())
                .unwrap_or("nothing")
                .to_owned()
        };
        for own in groups.target_groups() {
            all.push(target_group(&elb, own).await);
        }
        let balancers = elb
            .describe_load_balancers()
            .send()
            .await
            .expect("balancers");
        for own in balancers.load_balancers() {
            all.push(self.balancer(&elb, own).await);
            let call = elb
                .describe_listeners()
                .load_balancer_arn(own.load_balancer_arn().expect("arn"));
            for own in call.send().await.expect("listeners").listeners() {
                let certificate = own
                    .certificates()
                    .first()
                    .and_then(|own| own.certificate_arn());
                let secret = certificate.is_some();
                let policy = own.ssl_policy().filter(|_| secret).unwrap_or("none");
                let to = own.default_actions()[0]
                    .target_group_arn()
                    .expect("target group");
                all.push(format!(
                    "listener {} {} certificate={} policy={policy} -> {}",
                    own.port().expect("port"),
                    own.protocol().expect("protocol").as_str(),
                    certificate.unwrap_or("none"),
                    name(to)
                ));
            }
        }
        all.extend(self.records().await);
        all
    }

    async fn balancer(&self, elb: &Client, own: &elb::LoadBalancer) -> String {
        let arn = own.load_balancer_arn().expect("arn");
        let call = elb
            .describe_load_balancer_attributes()
            .load_balancer_arn(arn);
        let attributes = call.send().await.expect("attributes");
        let idle = attributes
            .attributes()
            .iter()
            .find(|own| own.key() == Some("idle_timeout.timeout_seconds"));
        let tags = tags(elb, arn).await;
        format!(
            "balancer {} {} {} sg={} subnets={} idle={} hostclass={} is_testing={} productline={}",
            own.load_balancer_name().expect("name"),
            own.r#type().expect("type").as_str(),
            own.scheme().expect("scheme").as_str(),
            own.security_groups() == [self.group.clone()],
            own.availability_zones().len(),
            idle.and_then(|own| own.value()).unwrap_or("none"),
            tag(&tags, "hostclass"),
            tag(&tags, "is_testing"),
            tag(&tags, "productline"),
        )
    }

    async fn records(&self) -> Vec<String> {
        let route53 = aws_sdk_route53::Client::new(&self.cloud.sdk());
        let call = route53
            .list_resource_record_sets()
            .hosted_zone_id(&self.zone);
        let records = call.send().await.expect("records");
        let own = |record: &&dns::ResourceRecordSet| {
            !matches!(record.r#type(), dns::RrType::Ns | dns::RrType::Soa)
        };
        let line = |record: &dns::ResourceRecordSet| {
            let alias = record.alias_target().map(|own| own.dns_name());
            let value = record.resource_records().first().map(|own| own.value());
            let to = alias
                .or(value)
                .expect("target")
                .trim_end_matches('.')
                .to_owned();
            format!(
                "record {} {} -> {to}",
                record.r#type().as_str(),
                record.name()
            )
        };
        records
            .resource_record_sets()
            .iter()
            .filter(own)
            .map(line)
            .collect()
    }
}

async fn tags(elb: &Client, arn: &str) -> Vec<elb::Tag> {
    let answer = elb
        .describe_tags()
        .resource_arns(arn)
        .send()
        .await
        .expect("tags");
    answer.tag_descriptions()[0].tags().to_vec()
}

fn tag<'a>(tags: &'a [elb::Tag], key: &str) -> &'a str {
    let own = tags.iter().find(|own| own.key() == Some(key));
    own.and_then(|own| own.value()).unwrap_or("none")
}

async fn target_group(elb: &Client, own: &elb::TargetGroup) -> String {
    let arn = own.target_group_arn().expect("arn");
    let call = elb.describe_target_group_attributes().target_group_arn(arn);
    let attributes = call.send().await.expect("attributes");
    let attribute = |key: &str| {
        let own = attributes
            .attributes()
            .iter()
            .find(|own| own.key() == Some(key));
        own.and_then(|own| own.value()).unwrap_or("none").to_owned()
    };
    let tags = tags(elb, arn).await;
    format!(
        "target group {} {}/{} check {}:{}{} {} {} {} {} {} drain={} sticky={} balancer={} team={}",
        own.target_group_name().expect("name"),
        own.port().expect("port"),
        own.protocol().expect("protocol").as_str(),
        own.health_check_protocol().expect("protocol").as_str(),
        own.health_check_port().expect("port"),
        own.health_check_path().unwrap_or_default(),
        own.health_check_interval_seconds().expect("interval"),
        own.health_check_timeout_seconds().expect("timeout"),
        own.healthy_threshold_count().expect("threshold"),
        own.unhealthy_threshold_count().expect("threshold"),
        own.matcher()
            .and_then(|own| own.http_code())
            .unwrap_or("none"),
        attribute("deregistration_delay.timeout_seconds"),
        attribute("stickiness.enabled"),
        tag(&tags, "balancer"),
        tag(&tags, "team"),
    )
}
