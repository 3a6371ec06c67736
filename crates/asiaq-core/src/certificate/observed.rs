//! The certificates of ACM and IAM. Read only.

use super::select::Certificate;
use crate::aws::{Aws, AwsError, Context, Pages};
use aws_sdk_acm::types::{
    CertificateDetail, CertificateStatus, CertificateSummary, Filters, KeyAlgorithm,
};
use aws_smithy_types::DateTime;
use std::collections::BTreeMap;

/// Keys that classic load balancers take.
const CLASSIC_KEYS: [KeyAlgorithm; 2] = [KeyAlgorithm::Rsa1024, KeyAlgorithm::Rsa2048];
/// Keys that the other ones take besides. ACM lists them only if they are asked for.
const OTHER_KEYS: [KeyAlgorithm; 5] = [
    KeyAlgorithm::Rsa3072,
    KeyAlgorithm::Rsa4096,
    KeyAlgorithm::EcPrime256v1,
    KeyAlgorithm::EcSecp384r1,
    KeyAlgorithm::EcSecp521r1,
];

/// The issued certificates of ACM in the region. The listing tells most of what is needed; only certificates
/// of which it does not tell all are asked for one by one.
pub(super) async fn acm(aws: &Aws, classic_only: bool) -> Result<Vec<Certificate>, AwsError> {
    let others = OTHER_KEYS.into_iter().filter(|_| !classic_only);
    let keys = CLASSIC_KEYS.into_iter().chain(others).collect();
    let call = aws
        .acm()
        .list_certificates()
        .certificate_statuses(CertificateStatus::Issued)
        .includes(Filters::builder().set_key_types(Some(keys)).build())
        .into_paginator()
        .items()
        .send();
    let summaries = call.all("acm:ListCertificates", "").await?;
    let each = summaries
        .iter()
        .map(async |summary| match complete(summary) {
            Some(certificate) => Ok(Some(certificate)),
            None => described(aws, summary.certificate_arn().unwrap_or_default()).await,
        });
    let all = futures::future::try_join_all(each).await?;
    Ok(all.into_iter().flatten().collect())
}

/// The certificate as its summary tells it; `None` if the summary does not tell all.
fn complete(summary: &CertificateSummary) -> Option<Certificate> {
    let names = summary.subject_alternative_name_summaries();
    if names.is_empty() || summary.has_additional_subject_alternative_names() == Some(true) {
        return None;
    }
    Some(Certificate {
        arn: summary.certificate_arn()?.to_owned(),
        names: names.to_vec(),
        issued: *summary.status()? == CertificateStatus::Issued,
        date: date(
            summary.issued_at(),
            summary.imported_at(),
            summary.created_at(),
        )?,
        key: key(summary.key_algorithm()?),
    })
}

/// The certificate as ACM describes it; `None` if it has vanished since the listing.
async fn described(aws: &Aws, arn: &str) -> Result<Option<Certificate>, AwsError> {
    let call = aws.acm().describe_certificate().certificate_arn(arn);
    let answer = match call.send().await.context("acm:DescribeCertificate", arn) {
        Err(error) if error.is_not_found() => return Ok(None),
        other => other?,
    };
    Ok(answer.certificate().map(|detail| detailed(arn, detail)))
}

fn detailed(arn: &str, detail: &CertificateDetail) -> Certificate {
    let date = date(
        detail.issued_at(),
        detail.imported_at(),
        detail.created_at(),
    );
    Certificate {
        arn: arn.to_owned(),
        names: detail.subject_alternative_names().to_vec(),
        issued: detail.status() == Some(&CertificateStatus::Issued),
        date: date.unwrap_or(f64::MIN),
        key: detail.key_algorithm().map(key).unwrap_or_default(),
    }
}

fn date(
    issued: Option<&DateTime>,
    imported: Option<&DateTime>,
    created: Option<&DateTime>,
) -> Option<f64> {
    issued.or(imported).or(created).map(DateTime::as_secs_f64)
}

/// Descriptions say `RSA-2048` where listings say `RSA_2048`.
fn key(algorithm: &KeyAlgorithm) -> String {
    algorithm.as_str().replace('-', "_")
}

/// ARNs of the server certificates of IAM by their names.
pub(super) async fn iam(aws: &Aws) -> Result<BTreeMap<String, String>, AwsError> {
    let call = aws
        .iam()
        .list_server_certificates()
        .into_paginator()
        .items()
        .send();
    let all = call.all("iam:ListServerCertificates", "").await?;
    let pair = |own: &aws_sdk_iam::types::ServerCertificateMetadata| {
        let name = own.server_certificate_name().to_owned();
        (name, own.arn().to_owned())
    };
    Ok(all.iter().map(pair).collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    fn summary() -> aws_sdk_acm::types::builders::CertificateSummaryBuilder {
        CertificateSummary::builder()
            .certificate_arn("arn:1")
            .domain_name("a.x.org")
            .subject_alternative_name_summaries("a.x.org")
            .subject_alternative_name_summaries("*.x.org")
            .status(CertificateStatus::Issued)
            .key_algorithm(KeyAlgorithm::from("RSA-2048"))
            .created_at(DateTime::from_secs(1))
            .imported_at(DateTime::from_secs(2))
    }

    #[test]
    fn a_summary_that_tells_all_is_enough() {
        let own = complete(&summary().build()).unwrap();
        let wanted = Certificate {
            arn: "arn:1".into(),
            names: vec!["a.x.org".into(), "*.x.org".into()],
            issued: true,
            date: 2.0,
            key: "RSA_2048".into(),
        };
        assert_eq!(own, wanted);
        let issued = summary().issued_at(DateTime::from_secs(3)).build();
        assert!((complete(&issued).unwrap().date - 3.0).abs() < f64::EPSILON);
        let whole = summary().has_additional_subject_alternative_names(false);
        assert!(complete(&whole.build()).is_some());
    }

    #[test]
    fn a_summary_that_lacks_something_is_not() {
        let table = [
            summary().has_additional_subject_alternative_names(true),
            summary().set_subject_alternative_name_summaries(None),
            summary().set_key_algorithm(None),
            summary().set_status(None),
            summary().set_created_at(None).set_imported_at(None),
        ];
        for builder in table {
            let summary = builder.build();
            assert_eq!(complete(&summary), None, "{summary:?}");
        }
    }
}
