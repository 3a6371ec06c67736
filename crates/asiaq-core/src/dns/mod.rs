//! Route 53. So far only what deletions need: the CNAMEs that lead to something are found in all zones and deleted.

use crate::aws::{Aws, AwsError, Context, Pages, gone};
use crate::error::Result;
use aws_sdk_route53::types::{Change, ChangeAction, ChangeBatch, ResourceRecordSet, RrType};

/// A CNAME record, complete as AWS wants it back for a deletion.
#[derive(Debug, Clone, PartialEq)]
pub struct Cname {
    zone_id: String,
    record: ResourceRecordSet,
}

impl Cname {
    /// Its name without the trailing dot.
    pub fn name(&self) -> &str {
        self.record.name().trim_end_matches('.')
    }

    /// True if it leads to this host name.
    pub fn leads_to(&self, host: &str) -> bool {
        self.record
            .resource_records()
            .iter()
            .any(|value| same_host(value.value(), host))
    }

    /// What people read.
    pub fn describe(&self) -> String {
        format!("record {} CNAME", self.name())
    }
}

/// Host names differ in case and trailing dot only by chance.
fn same_host(a: &str, b: &str) -> bool {
    a.trim_end_matches('.')
        .eq_ignore_ascii_case(b.trim_end_matches('.'))
}

/// The CNAMEs of all zones that lead to one of the host names. Without host names no call is made.
pub async fn cnames_of(aws: &Aws, hosts: &[String]) -> Result<Vec<Cname>> {
    if hosts.is_empty() {
        return Ok(Vec::new());
    }
    let call = aws
        .route53()
        .list_hosted_zones()
        .into_paginator()
        .items()
        .send();
    let zones = call.all("route53:ListHostedZones", "").await?;
    let records = zones.iter().map(|zone| cnames(aws, zone.id()));
    let all = futures::future::try_join_all(records).await?;
    Ok(all
        .into_iter()
        .flatten()
        .filter(|cname| hosts.iter().any(|host| cname.leads_to(host)))
        .collect())
}

/// All CNAMEs of a zone. The SDK has no paginator for this call.
async fn cnames(aws: &Aws, zone_id: &str) -> Result<Vec<Cname>, AwsError> {
    let mut found = Vec::new();
    let mut call = aws
        .route53()
        .list_resource_record_sets()
        .hosted_zone_id(zone_id);
    loop {
        let answer = call.clone().send().await;
        let answer = answer.context("route53:ListResourceRecordSets", zone_id)?;
        found.extend(
            answer
                .resource_record_sets()
                .iter()
                .filter(|record| *record.r#type() == RrType::Cname)
                .map(|record| Cname {
                    zone_id: zone_id.to_owned(),
                    record: record.clone(),
                }),
        );
        if !answer.is_truncated() {
            return Ok(found);
        }
        call = call
            .set_start_record_name(answer.next_record_name)
            .set_start_record_type(answer.next_record_type)
            .set_start_record_identifier(answer.next_record_identifier);
    }
}

/// Deletes a record; one that is gone or was changed meanwhile is not an error.
pub async fn delete(aws: &Aws, cname: &Cname) -> Result<(), AwsError> {
    let what = cname.describe();
    let incomplete =
        |_| AwsError::incomplete("route53:ChangeResourceRecordSets", &what, "record set");
    let change = Change::builder()
        .action(ChangeAction::Delete)
        .resource_record_set(cname.record.clone())
        .build()
        .map_err(incomplete)?;
    let batch = ChangeBatch::builder()
        .changes(change)
        .build()
        .map_err(incomplete)?;
    let call = aws
        .route53()
        .change_resource_record_sets()
        .hosted_zone_id(&cname.zone_id)
        .change_batch(batch);
    match call
        .send()
        .await
        .context("route53:ChangeResourceRecordSets", &what)
    {
        Err(error) if error.is("NoSuchHostedZone") => Ok(()),
        // AWS has no code of its own for a record that is not there.
        Err(error) if error.is("InvalidChangeBatch") && is_no_longer_so(&error.message) => Ok(()),
        other => gone(other),
    }
}

/// AWS' two ways to say that the record is not there, or not as it was.
fn is_no_longer_so(message: &str) -> bool {
    message.contains("not found") || message.contains("do not match the current values")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use aws_sdk_route53::types::ResourceRecord;

    #[test]
    fn a_record_leads_to_a_host_whatever_the_case_and_the_dot() {
        let value = ResourceRecord::builder().value("LB-1.elb.amazonaws.com.");
        let record = ResourceRecordSet::builder()
            .name("web-ci.example.com.")
            .r#type(RrType::Cname)
            .resource_records(value.build().unwrap());
        let cname = Cname {
            zone_id: "Z1".into(),
            record: record.build().unwrap(),
        };
        assert_eq!(cname.describe(), "record web-ci.example.com CNAME");
        assert!(cname.leads_to("lb-1.elb.amazonaws.com"));
        assert!(!cname.leads_to("lb-11.elb.amazonaws.com"));
    }
}
