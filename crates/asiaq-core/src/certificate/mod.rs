//! Certificates for load balancers: found in ACM by the names that they cover, else in IAM by their own name
//! (spec 70, section 8). Read only.
//!
//! `observed` reads both services, `select` chooses.

mod observed;
mod select;

use crate::aws::{Aws, AwsError};
use crate::error::{Error, Result};
use std::collections::{BTreeMap, BTreeSet};

/// A certificate that is needed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wanted {
    /// DNS name, or the name of a server certificate in IAM.
    pub name: String,
    /// For a classic load balancer, which takes RSA keys up to 2048 bits only.
    pub classic: bool,
}

/// The certificates that were found.
#[derive(Debug, Clone, Default)]
pub struct Certificates {
    region: String,
    arns: BTreeMap<Wanted, String>,
    /// Services that could not be read.
    unread: Vec<Unread>,
}

/// A service that could not be read.
#[derive(Debug, Clone)]
struct Unread {
    service: &'static str,
    why: String,
    hint: Option<String>,
}

impl Unread {
    fn new(service: &'static str, error: &AwsError) -> Self {
        Self {
            service,
            why: error.to_string(),
            hint: error.hint(),
        }
    }
}

impl Certificates {
    /// Certificates of a region with their ARNs.
    pub fn new(region: &str, arns: impl IntoIterator<Item = (Wanted, String)>) -> Self {
        Self {
            region: region.to_owned(),
            arns: arns.into_iter().collect(),
            unread: Vec::new(),
        }
    }

    /// The ARN of the certificate.
    ///
    /// # Errors
    /// There is none; the error names the DNS name, and what could not be read.
    pub fn arn(&self, wanted: &Wanted) -> Result<&str> {
        let found = self.arns.get(wanted).map(String::as_str);
        found.ok_or_else(|| self.missing(wanted))
    }

    fn missing(&self, wanted: &Wanted) -> Error {
        let mut what = format!(
            "no certificate for {} in ACM ({}) or IAM",
            wanted.name, self.region
        );
        for unread in &self.unread {
            what.push_str(&format!(
                "; {} could not be read: {}",
                unread.service, unread.why
            ));
        }
        let keys = if wanted.classic {
            " with an RSA key of up to 2048 bits"
        } else {
            ""
        };
        let usual = || {
            format!(
                "request or import one{keys} in ACM, or set `elb_cert_name` to the name of one that exists"
            )
        };
        let hint = self.unread.iter().find_map(|unread| unread.hint.clone());
        Error::not_found(what).with_hint(hint.unwrap_or_else(usual))
    }
}

/// Looks all of them up together. Makes no call for an empty list. A service that cannot be read counts as
/// empty; the error of [`Certificates::arn`] tells why if the certificate is then missing.
pub async fn find(aws: &Aws, wanted: &[Wanted]) -> Result<Certificates> {
    let mut open: BTreeSet<&Wanted> = wanted.iter().collect();
    let mut certificates = Certificates::new(aws.region(), []);
    if open.is_empty() {
        return Ok(certificates);
    }
    let all_classic = open.iter().all(|wanted| wanted.classic);
    match observed::acm(aws, all_classic).await {
        Ok(known) => open.retain(|wanted| {
            let chosen = select::select(wanted, &known);
            if let Some(chosen) = chosen {
                let arn = chosen.arn.clone();
                certificates.arns.insert((*wanted).clone(), arn);
            }
            chosen.is_none()
        }),
        Err(error) => certificates.unread.push(Unread::new("ACM", &error)),
    }
    if open.is_empty() {
        return Ok(certificates);
    }
    match observed::iam(aws).await {
        Ok(arns) => {
            let found = open
                .iter()
                .filter_map(|wanted| Some(((*wanted).clone(), arns.get(&wanted.name)?.clone())));
            certificates.arns.extend(found);
        }
        Err(error) => certificates.unread.push(Unread::new("IAM", &error)),
    }
    for unread in &certificates.unread {
        tracing::info!(
            "looking for certificates: {} could not be read: {}",
            unread.service,
            unread.why
        );
    }
    Ok(certificates)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    fn wanted(classic: bool) -> Wanted {
        Wanted {
            name: "web-ci.example.com".into(),
            classic,
        }
    }

    #[test]
    fn a_missing_certificate_is_explained() {
        let mut certificates = Certificates::new("us-west-2", []);
        let error = certificates.arn(&wanted(false)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "no certificate for web-ci.example.com in ACM (us-west-2) or IAM"
        );
        let hint = error.hint().unwrap();
        assert!(hint.contains("request or import one in ACM") && hint.contains("elb_cert_name"));
        let hint = certificates.arn(&wanted(true)).unwrap_err().hint().unwrap();
        assert!(hint.contains("2048 bits"), "{hint}");

        for (service, hint) in [("ACM", None), ("IAM", Some("log in again".to_owned()))] {
            let why = "denied".to_owned();
            certificates.unread.push(Unread { service, why, hint });
        }
        let error = certificates.arn(&wanted(false)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "no certificate for web-ci.example.com in ACM (us-west-2) or IAM; ACM could not be read: denied; IAM could not be read: denied"
        );
        assert_eq!(error.hint().unwrap(), "log in again");
    }

    #[test]
    fn one_for_all_balancers_is_none_for_classic_ones() {
        let certificates = Certificates::new("us-west-2", [(wanted(false), "arn:1".to_owned())]);
        assert_eq!(certificates.arn(&wanted(false)).unwrap(), "arn:1");
        assert!(certificates.arn(&wanted(true)).is_err());
    }
}
