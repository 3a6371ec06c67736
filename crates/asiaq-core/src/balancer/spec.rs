//! What one hostclass wants of its load balancer. Pure.

use crate::aws::Tags;
use crate::certificate;
use crate::config::{BalancerOptions, BalancerType};
use crate::names::{self, tag};

/// The wanted load balancer and target group of one hostclass; neither may be wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BalancerSpec {
    /// Environment.
    pub env: String,
    /// Hostclass.
    pub hostclass: String,
    /// Whether it is the one of a deployment under test.
    pub testing: bool,
    /// The `elb…` options.
    pub options: BalancerOptions,
    /// `domain_name`: hosted zone of the host names.
    pub domain: Option<String>,
    /// VPC.
    pub vpc_id: String,
    /// Subnets of the balancer.
    pub subnets: Vec<String>,
    /// Availability zones of the subnets.
    pub zones: Vec<String>,
    /// Security group of the balancer.
    pub security_group: String,
    /// Tag `productline`.
    pub product_line: String,
    /// More tags for target groups; what provisioning tags its groups with.
    pub tags: Tags,
}

impl BalancerSpec {
    /// A hostclass that wants no balancer (any more), and no target group.
    pub fn none(env: &str, hostclass: &str, vpc_id: &str) -> Self {
        Self {
            env: env.to_owned(),
            hostclass: hostclass.to_owned(),
            testing: false,
            options: BalancerOptions::off(),
            domain: None,
            vpc_id: vpc_id.to_owned(),
            subnets: Vec::new(),
            zones: Vec::new(),
            security_group: String::new(),
            product_line: String::new(),
            tags: Tags::new(),
        }
    }

    /// What people read in plans: the hostclass, and that it is the balancer of a deployment under test.
    pub fn label(&self) -> String {
        let testing = if self.testing { " (under test)" } else { "" };
        format!("{}{testing}", self.hostclass)
    }

    /// The name that the balancer has in AWS, of whatever type it is.
    pub fn id(&self) -> String {
        names::balancer_id(&self.env, &self.hostclass, self.testing)
    }

    /// The name that people read, and that balancers of old have in AWS.
    pub fn name(&self) -> String {
        names::balancer(&self.env, &self.hostclass, self.testing)
    }

    /// Host names: the standard one, then the alias. None without a domain.
    pub fn hosts(&self) -> Vec<String> {
        let Some(domain) = &self.domain else {
            return Vec::new();
        };
        let standard = names::balancer_host(&self.env, &self.hostclass, self.testing, domain);
        let alias = self.options.dns_alias.as_ref().filter(|_| !self.testing);
        let alias = alias
            .map(|alias| format!("{alias}.{domain}"))
            .filter(|alias| *alias != standard);
        [standard].into_iter().chain(alias).collect()
    }

    /// The certificate, if a port needs one: `elb_cert_name`, else the alias, else the standard host name.
    pub fn certificate(&self) -> Option<certificate::Wanted> {
        let needed = self.options.enabled
            && self
                .options
                .mappings
                .iter()
                .any(|mapping| mapping.external.needs_certificate());
        let name = match &self.options.cert_name {
            Some(name) => name.clone(),
            None => self.hosts().pop()?,
        };
        needed.then(|| certificate::Wanted {
            name,
            classic: self.options.kind == BalancerType::Classic,
        })
    }

    /// Tags of the balancer.
    pub fn balancer_tags(&self) -> Tags {
        let testing = if self.testing { "1" } else { "0" };
        [
            (tag::HOSTCLASS, self.hostclass.as_str()),
            (tag::IS_TESTING, testing),
            (tag::ENVIRONMENT, &self.env),
            (tag::PRODUCT_LINE, &self.product_line),
        ]
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
    }
}

/// Whether the tags say that a balancer or target group is another hostclass's: ids leave some characters out, so that
/// two hostclasses can have the same.
pub(super) fn is_of_other(spec: &BalancerSpec, tags: &Tags) -> bool {
    tags.get(tag::HOSTCLASS)
        .is_some_and(|own| *own != spec.hostclass)
}

/// Why a balancer with these tags does not leave, if it is another hostclass's.
pub(super) fn of_other(spec: &BalancerSpec, tags: &Tags) -> Option<String> {
    let other = tags.get(tag::HOSTCLASS)?;
    is_of_other(spec, tags).then(|| {
        format!(
            "the load balancer under the name of hostclass {} is left alone: it is hostclass {other}'s",
            spec.hostclass
        )
    })
}
