//! The load balancers of an environment, of all types (spec 70, section 7.1). Read only.

use super::{classic, v2};
use crate::aws::{Aws, Tags};
use crate::config::{BalancerType, is_truthy};
use crate::error::Result;
use crate::names::{self, tag};
use serde::Serialize;

/// One load balancer. The field names are the JSON keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ListedBalancer {
    /// Name that people read, see [`readable_name`].
    pub name: String,
    /// Availability zones.
    pub availability_zones: Vec<String>,
    /// Name in AWS.
    pub id: String,
    /// `classic`, `application` or `network`.
    #[serde(rename = "type")]
    pub kind: String,
    /// `internal` or `internet-facing`.
    pub scheme: String,
    /// Host name.
    pub dns_name: String,
}

impl ListedBalancer {
    /// The zones as the table shows them.
    pub fn zones(&self) -> String {
        self.availability_zones.join(",")
    }

    pub(super) fn new(kind: BalancerType, id: &str, tags: &Tags) -> Self {
        Self {
            name: readable_name(tags, id),
            availability_zones: Vec::new(),
            id: id.to_owned(),
            kind: kind.as_str().to_owned(),
            scheme: String::new(),
            dns_name: String::new(),
        }
    }
}

/// The name by its tags, else tag `elb_name`, else its name in AWS.
fn readable_name(tags: &Tags, id: &str) -> String {
    let (env, hostclass) = (tags.get(tag::ENVIRONMENT), tags.get(tag::HOSTCLASS));
    match (env, hostclass, tags.get(tag::IS_TESTING)) {
        (Some(env), Some(hostclass), Some(testing)) => {
            names::balancer(env, hostclass, is_truthy(testing))
        }
        _ => tags.get("elb_name").map_or(id, String::as_str).to_owned(),
    }
}

/// All load balancers of a VPC, by zones, id and name.
pub async fn list(aws: &Aws, vpc_id: &str) -> Result<Vec<ListedBalancer>> {
    let (classic, others) = tokio::try_join!(classic::list(aws, vpc_id), v2::list(aws, vpc_id))?;
    let mut all: Vec<ListedBalancer> = classic.into_iter().chain(others).collect();
    all.sort_by(|a, b| (a.zones(), &a.id, &a.name).cmp(&(b.zones(), &b.id, &b.name)));
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_from_the_tags_as_far_as_they_go() {
        let table: [(&[(&str, &str)], &str); 6] = [
            (
                &[
                    ("environment", "ci"),
                    ("hostclass", "mhc_web"),
                    ("is_testing", "0"),
                ],
                "ci-mhcweb",
            ),
            (
                &[
                    ("environment", "ci"),
                    ("hostclass", "mhcweb"),
                    ("is_testing", "1"),
                    ("elb_name", "x"),
                ],
                "ci-mhcweb-test",
            ),
            (&[("environment", "ci"), ("hostclass", "mhcweb")], "lb-1"),
            (&[("hostclass", "mhcweb"), ("elb_name", "mine")], "mine"),
            (&[("elb_name", "mine")], "mine"),
            (&[], "lb-1"),
        ];
        for (tags, wanted) in table {
            let tags = tags.iter().map(|(k, v)| ((*k).into(), (*v).into()));
            let listed = ListedBalancer::new(BalancerType::Classic, "lb-1", &tags.collect());
            assert_eq!((listed.name.as_str(), listed.id.as_str()), (wanted, "lb-1"));
        }
    }
}
