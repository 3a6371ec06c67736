//! Hosted zones with records, and reading them back.

use super::cloud::Cloud;
use super::proxy::Proxy;
use aws_sdk_route53::types::{
    Change, ChangeAction, ChangeBatch, HostedZoneConfig, ResourceRecord, ResourceRecordSet, RrType,
    Vpc, VpcRegion,
};

/// Makes a zone; gives its id.
pub fn zone(cloud: &Cloud, name: &str, private: bool) -> String {
    let mut call = aws_sdk_route53::Client::new(&cloud.sdk())
        .create_hosted_zone()
        .name(name)
        .caller_reference(format!("{name} {private}"));
    if private {
        let vpc = Vpc::builder().vpc_region(VpcRegion::UsWest2);
        call = call
            .vpc(vpc.vpc_id("vpc-1").build())
            .hosted_zone_config(HostedZoneConfig::builder().private_zone(true).build());
    }
    let made = cloud.wait(call.send()).expect("zone").hosted_zone;
    let id = made.expect("zone").id;
    id.trim_start_matches("/hostedzone/").to_owned()
}

/// Writes a record with values.
pub fn record(cloud: &Cloud, zone: &str, name: &str, kind: &str, ttl: i64, values: &[&str]) {
    let values = values.iter().map(|value| {
        let value = ResourceRecord::builder().value(*value);
        value.build().expect("value")
    });
    let set = ResourceRecordSet::builder()
        .name(name)
        .r#type(RrType::from(kind))
        .ttl(ttl)
        .set_resource_records(Some(values.collect()));
    write(cloud, zone, set.build().expect("record"));
}

/// Writes a record set.
pub fn write(cloud: &Cloud, zone: &str, set: ResourceRecordSet) {
    let change = Change::builder()
        .action(ChangeAction::Upsert)
        .resource_record_set(set);
    let batch = ChangeBatch::builder().changes(change.build().expect("change"));
    let call = aws_sdk_route53::Client::new(&cloud.sdk())
        .change_resource_record_sets()
        .hosted_zone_id(zone)
        .change_batch(batch.build().expect("batch"));
    cloud.wait(call.send()).expect("record");
}

/// The first page of a zone's records besides those that every zone has: name, type, TTL, and values or
/// alias.
pub fn records(cloud: &Cloud, zone: &str) -> Vec<String> {
    let call = aws_sdk_route53::Client::new(&cloud.sdk())
        .list_resource_record_sets()
        .hosted_zone_id(zone);
    let answer = cloud.wait(call.send()).expect("records");
    let own = answer.resource_record_sets.iter();
    own.filter(|set| ![RrType::Ns, RrType::Soa].contains(set.r#type()))
        .map(|set| {
            let values = set.resource_records().iter().map(|value| value.value());
            let content: Vec<&str> = match set.alias_target() {
                Some(alias) => vec!["alias", alias.dns_name()],
                None => values.collect(),
            };
            let ttl = set
                .ttl()
                .map_or_else(|| "-".to_owned(), |ttl| ttl.to_string());
            format!(
                "{} {} {ttl} {}",
                set.name(),
                set.r#type(),
                content.join(" ")
            )
        })
        .collect()
}

/// How the proxy calls the changing of a zone's records.
pub fn change(zone: &str) -> String {
    format!("POST /2013-04-01/hostedzone/{zone}/rrset")
}

/// How the proxy calls the listing of a zone's records.
pub fn list(zone: &str) -> String {
    format!("GET /2013-04-01/hostedzone/{zone}/rrset")
}

/// How the proxy calls the listing of zones.
pub const LIST_ZONES: &str = "GET /2013-04-01/hostedzone";

/// A refusal of the service, in the usual form.
pub fn refusal(code: &str, message: &str) -> String {
    format!(
        "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>\
         <RequestId>r-1</RequestId></ErrorResponse>"
    )
}

/// The calls that arrived, in their order.
pub fn calls(proxy: &Proxy) -> Vec<String> {
    proxy
        .calls()
        .into_iter()
        .map(|call| call.operation)
        .collect()
}
