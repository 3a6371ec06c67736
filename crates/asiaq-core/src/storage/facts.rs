//! Instance type facts: a table for the types of old, AWS itself for all others (spec 40, section 12.3).

use crate::aws::{Aws, Pages};
use crate::error::Result;
use aws_sdk_ec2::types::{EbsOptimizedSupport, EphemeralNvmeSupport, Filter};
use std::collections::BTreeMap;

/// What block devices depend on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TypeFacts {
    /// Launched with the EBS-optimised flag.
    pub ebs_optimized: bool,
    /// Instance-store disks that need a mapping.
    pub ephemerals: u32,
}

/// Families of old: name → (sizes that are EBS-optimised on request, instance-store disks per size).
fn known(instance_type: &str) -> Option<TypeFacts> {
    let (family, size) = instance_type.split_once('.')?;
    let optimised: &[&str] = match family {
        "c1" => &["xlarge"],
        "c3" => &["xlarge", "2xlarge", "4xlarge"],
        "c4" => &["large", "xlarge", "2xlarge", "4xlarge", "8xlarge"],
        "d2" => &["xlarge", "2xlarge", "4xlarge", "8xlarge"],
        "g2" => &["2xlarge"],
        "i2" | "r3" => &["xlarge", "2xlarge", "4xlarge"],
        "m1" => &["large", "xlarge"],
        "m2" => &["2xlarge", "4xlarge"],
        "m3" => &["xlarge", "2xlarge"],
        "m4" => &["large", "xlarge", "2xlarge", "4xlarge", "10xlarge"],
        "r4" => &[
            "large", "xlarge", "2xlarge", "4xlarge", "8xlarge", "16xlarge",
        ],
        "cc2" | "cg1" | "cr1" | "hi1" | "hs1" | "t1" | "t2" | "x1" => &[],
        _ => return None,
    };
    let ephemerals = match (family, size) {
        ("c4" | "m4" | "r4" | "t1" | "t2", _) => 0,
        ("c1", "medium")
        | ("g2", "2xlarge")
        | ("i2", "xlarge")
        | ("m1", "small" | "medium")
        | ("m2", "xlarge" | "2xlarge") => 1,
        ("m3", "medium" | "large")
        | ("r3", "large" | "xlarge" | "2xlarge" | "4xlarge")
        | ("x1", "16xlarge") => 1,
        ("c3", "large" | "xlarge" | "2xlarge" | "4xlarge" | "8xlarge")
        | ("cg1", "4xlarge")
        | ("cr1", "8xlarge")
        | ("g2", "8xlarge") => 2,
        ("hi1", "4xlarge")
        | ("i2", "2xlarge")
        | ("m1", "large")
        | ("m2", "4xlarge")
        | ("m3", "xlarge" | "2xlarge") => 2,
        ("r3", "8xlarge") | ("x1", "32xlarge") => 2,
        ("d2", "xlarge") => 3,
        ("c1", "xlarge") | ("cc2", "8xlarge") | ("i2", "4xlarge") | ("m1", "xlarge") => 4,
        ("d2", "2xlarge") => 6,
        ("i2", "8xlarge") => 8,
        ("d2", "4xlarge") => 12,
        ("hs1" | "d2", "8xlarge") => 24,
        _ => return None,
    };
    Some(TypeFacts {
        ebs_optimized: optimised.contains(&size),
        ephemerals,
    })
}

/// Facts of all the types: one call for those not in the table. A type that AWS does not know, or a call that fails,
/// gives a warning and no facts: AWS itself judges the type at launch.
pub async fn facts_of(aws: &Aws, types: &[String]) -> Result<BTreeMap<String, TypeFacts>> {
    let mut facts: BTreeMap<String, TypeFacts> = types
        .iter()
        .filter_map(|t| Some((t.clone(), known(t)?)))
        .collect();
    let mut unknown: Vec<String> = types
        .iter()
        .filter(|t| !facts.contains_key(*t))
        .cloned()
        .collect();
    unknown.sort();
    unknown.dedup();
    for chunk in unknown.chunks(100) {
        // A filter, because one unknown name in `InstanceTypes` would fail the whole call.
        let filter = Filter::builder()
            .name("instance-type")
            .set_values(Some(chunk.to_vec()))
            .build();
        let call = aws.ec2().describe_instance_types().filters(filter);
        let found = call.into_paginator().items().send();
        let found = found
            .all("ec2:DescribeInstanceTypes", &chunk.join(", "))
            .await;
        match found {
            Ok(found) => facts.extend(found.iter().filter_map(described)),
            Err(error) => tracing::warn!(
                "instance types {} are taken as having no instance store: {error}",
                chunk.join(", ")
            ),
        }
    }
    for missing in types.iter().filter(|t| !facts.contains_key(*t)) {
        tracing::warn!(
            "AWS does not describe instance type {missing} in {}",
            aws.region()
        );
    }
    Ok(facts)
}

fn described(info: &aws_sdk_ec2::types::InstanceTypeInfo) -> Option<(String, TypeFacts)> {
    let supported = info.ebs_info().and_then(|e| e.ebs_optimized_support());
    let store = info.instance_storage_info();
    let nvme = store
        .and_then(|s| s.nvme_support())
        .is_some_and(|n| *n != EphemeralNvmeSupport::Unsupported);
    let disks = store
        .map(|s| s.disks().iter().filter_map(|d| d.count()).sum::<i32>())
        .unwrap_or(0);
    let facts = TypeFacts {
        ebs_optimized: matches!(
            supported,
            Some(EbsOptimizedSupport::Default | EbsOptimizedSupport::Supported)
        ),
        ephemerals: if nvme {
            0
        } else {
            u32::try_from(disks).unwrap_or(0)
        },
    };
    Some((info.instance_type()?.as_str().to_owned(), facts))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_of_old_types() {
        let table = [
            ("c3.large", Some((false, 2))),
            ("c3.xlarge", Some((true, 2))),
            ("m3.large", Some((false, 1))),
            ("m4.10xlarge", Some((true, 0))),
            ("m4.16xlarge", Some((false, 0))),
            ("d2.8xlarge", Some((true, 24))),
            ("r3.4xlarge", Some((true, 1))),
            ("r3.8xlarge", Some((false, 2))),
            ("t2.micro", Some((false, 0))),
            ("i2.8xlarge", Some((false, 8))),
            ("m5.large", None),
            ("nonsense", None),
        ];
        for (name, expected) in table {
            assert_eq!(
                known(name).map(|f| (f.ebs_optimized, f.ephemerals)),
                expected,
                "{name}"
            );
        }
    }

    /// One type in the words of EC2.
    fn item(name: &str, ebs: &str, disks: u32, nvme: &str) -> String {
        format!(
            "<item><instanceType>{name}</instanceType><ebsInfo><ebsOptimizedSupport>{ebs}</ebsOptimizedSupport></ebsInfo>\
             <instanceStorageInfo><disks><item><count>{disks}</count></item></disks><nvmeSupport>{nvme}</nvmeSupport>\
             </instanceStorageInfo></item>"
        )
    }

    #[tokio::test]
    async fn current_types_are_described_by_aws() {
        use wiremock::matchers::body_string_contains;
        use wiremock::{Mock, MockServer, ResponseTemplate};
        let server = MockServer::start().await;
        let answer = |items: &str, token: &str| {
            ResponseTemplate::new(200).set_body_string(format!(
                "<DescribeInstanceTypesResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>r</requestId>\
                 <instanceTypeSet>{items}</instanceTypeSet>{token}</DescribeInstanceTypesResponse>"
            ))
        };
        // AWS may put types that match a filter on any page, also after an empty one.
        let plain = "<item><instanceType>m6g.large</instanceType><ebsInfo><ebsOptimizedSupport>default</ebsOptimizedSupport>\
                     </ebsInfo></item>";
        let second = [
            plain.to_owned(),
            item("r5d.24xlarge", "default", 4, "required"),
        ];
        Mock::given(body_string_contains("NextToken=two"))
            .respond_with(answer(&second.concat(), ""))
            .with_priority(1)
            .expect(1)
            .mount(&server)
            .await;
        let first = item("c5d.large", "default", 1, "required");
        Mock::given(body_string_contains("Action=DescribeInstanceTypes"))
            .respond_with(answer(&first, "<nextToken>two</nextToken>"))
            .expect(1)
            .mount(&server)
            .await;
        let aws = Aws::for_tests(&server.uri());
        let types = [
            "c5d.large",
            "m6g.large",
            "r5d.24xlarge",
            "m3.large",
            "x99.huge",
            "m6g.large",
        ];
        let facts = facts_of(&aws, &types.map(str::to_owned)).await;
        let facts: Vec<(String, bool, u32)> = facts
            .unwrap_or_default()
            .into_iter()
            .map(|(name, facts)| (name, facts.ebs_optimized, facts.ephemerals))
            .collect();
        let wanted = [
            ("c5d.large", true, 0),
            ("m3.large", false, 1),
            ("m6g.large", true, 0),
            ("r5d.24xlarge", true, 0),
        ];
        assert_eq!(
            facts,
            wanted.map(|(name, ebs, disks)| (name.to_owned(), ebs, disks))
        );
    }

    #[tokio::test]
    async fn what_aws_does_not_tell_is_nothing() {
        let server = wiremock::MockServer::start().await;
        let aws = Aws::for_tests(&server.uri());
        let facts = facts_of(&aws, &["m5.large".to_owned(), "t2.micro".to_owned()]).await;
        let facts = facts.unwrap_or_default();
        assert_eq!(facts.keys().collect::<Vec<_>>(), ["t2.micro"]);
    }

    #[test]
    fn instance_stores_need_a_mapping_unless_they_are_nvme() {
        use aws_sdk_ec2::types::{DiskInfo, EbsInfo, InstanceStorageInfo, InstanceTypeInfo};
        let info = |nvme: Option<EphemeralNvmeSupport>, ebs: EbsOptimizedSupport| {
            let store = InstanceStorageInfo::builder()
                .disks(DiskInfo::builder().count(2).build())
                .set_nvme_support(nvme);
            let info = InstanceTypeInfo::builder()
                .instance_type("x9.large".into())
                .ebs_info(EbsInfo::builder().ebs_optimized_support(ebs).build())
                .instance_storage_info(store.build());
            described(&info.build())
                .map(|(name, facts)| (name, facts.ebs_optimized, facts.ephemerals))
        };
        let facts = |optimised, disks| Some(("x9.large".to_owned(), optimised, disks));
        assert_eq!(info(None, EbsOptimizedSupport::Default), facts(true, 2));
        assert_eq!(
            info(
                Some(EphemeralNvmeSupport::Unsupported),
                EbsOptimizedSupport::Supported
            ),
            facts(true, 2)
        );
        assert_eq!(
            info(
                Some(EphemeralNvmeSupport::Required),
                EbsOptimizedSupport::Unsupported
            ),
            facts(false, 0)
        );
        assert_eq!(
            info(
                Some(EphemeralNvmeSupport::Supported),
                EbsOptimizedSupport::Default
            ),
            facts(true, 0)
        );
        let bare = InstanceTypeInfo::builder()
            .instance_type("y9.large".into())
            .build();
        assert_eq!(
            described(&bare),
            Some(("y9.large".to_owned(), TypeFacts::default()))
        );
    }
}
