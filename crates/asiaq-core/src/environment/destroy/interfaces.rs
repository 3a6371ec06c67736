//! Whose the network interfaces of a VPC are. Pure.
//!
//! AWS removes an interface of a service with the service's own object. Those whose owner goes are waited for; one whose
//! owner Asiaq does not delete would be waited for in vain, after all hosts are gone, so it is found before.

use super::super::observed::Interface;
use super::super::vpc::Vpc;
use super::contents::Contents;
use crate::error::{Error, Result};

/// Refuses, before anything goes, a VPC that holds what would be in the way and is not deleted here.
///
/// # Errors
/// Names each thing, and says what to delete.
pub(super) fn refuse_unmanaged(vpc: &Vpc, contents: &Contents) -> Result<()> {
    let foreign = contents.interfaces.iter().filter_map(|interface| {
        let owner = foreign_owner(interface)?;
        let (id, description) = (&interface.id, &interface.description);
        Some(format!("{id} ({description}): delete {owner}"))
    });
    let clusters =
        contents.caches.lone_clusters.iter().map(|id| {
            format!("cache cluster {id}, which belongs to no replication group: delete it")
        });
    let all: Vec<String> = foreign.chain(clusters).collect();
    if all.is_empty() {
        return Ok(());
    }
    let what = format!(
        "VPC {} {} holds what Asiaq does not manage:\n  {}",
        vpc.name,
        vpc.id,
        all.join("\n  ")
    );
    Err(Error::refused(what).with_hint("delete that first; nothing has been changed"))
}

/// What to delete for an interface to go; `None` if it goes with something that destroy deletes, or by itself.
fn foreign_owner(interface: &Interface) -> Option<String> {
    let text = interface.description.as_str();
    if !interface.of_service || goes_with_us(text) {
        return None;
    }
    let after = |start: &str| text.strip_prefix(start).map(str::trim);
    let balancer = |kind: &str| after("ELB ").and_then(|name| name.strip_prefix(kind));
    Some(if let Some(name) = balancer("gwy/") {
        format!("the gateway load balancer {}", first(name))
    } else if let Some(name) = after("AWS Lambda VPC ENI-") {
        format!("the Lambda function {name}, or take it out of the VPC")
    } else if let Some(name) = after("EFS mount target for ") {
        format!("the EFS mount target of {name}")
    } else if let Some(name) = after("Network Interface for Transit Gateway Attachment ") {
        format!("the transit gateway attachment {name}")
    } else if let Some(name) = after("ES ") {
        format!("the search domain {name}, or take it out of the VPC")
    } else {
        "what it belongs to".to_owned()
    })
}

/// The name in `NAME/ID`.
fn first(path: &str) -> &str {
    path.split('/').next().unwrap_or(path)
}

/// The interfaces of what destroy deletes, and of what an earlier run has deleted already.
fn goes_with_us(description: &str) -> bool {
    // Classic ones have no path.
    let balancer = description.strip_prefix("ELB ").is_some_and(|name| {
        !name.contains('/') || name.starts_with("app/") || name.starts_with("net/")
    });
    let database = description == "RDSNetworkInterface";
    let others = [
        "Interface for NAT Gateway ",
        "ElastiCache ",
        "VPC Endpoint Interface ",
    ];
    balancer || database || others.iter().any(|start| description.starts_with(start))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    fn owner(description: &str, of_service: bool) -> Option<String> {
        foreign_owner(&Interface {
            id: "eni-1".into(),
            address: "10.0.0.9".into(),
            attachment: None,
            managed: of_service,
            of_service,
            description: description.to_owned(),
        })
    }

    #[test]
    fn interfaces_of_what_destroy_deletes_are_waited_for() {
        let ours = [
            "Interface for NAT Gateway nat-0123456789abcdef0",
            "ELB 8f90fb4e286ae425b033dcce39800895",
            "ELB app/8f90fb4e286ae425b033dcce39800895/50dc6c495c0c9188",
            "ELB net/in/50dc6c495c0c9188",
            "RDSNetworkInterface",
            "ElastiCache a982d4467b4eb931-001",
            "VPC Endpoint Interface vpce-0123456789abcdef0",
        ];
        for text in ours {
            assert_eq!(owner(text, true), None, "{text}");
        }
        assert_eq!(owner("ELB gwy/fw/50dc6c495c0c9188", false), None);
    }

    #[test]
    fn owners_that_asiaq_does_not_manage_are_named() {
        let table = [
            (
                "ELB gwy/fw/50dc6c495c0c9188",
                "the gateway load balancer fw",
            ),
            (
                "AWS Lambda VPC ENI-report-7a0c",
                "the Lambda function report-7a0c, or take it out of the VPC",
            ),
            (
                "EFS mount target for fs-1 (fsmt-2)",
                "the EFS mount target of fs-1 (fsmt-2)",
            ),
            (
                "Network Interface for Transit Gateway Attachment tgw-attach-1",
                "the transit gateway attachment tgw-attach-1",
            ),
            (
                "ES es-logs-ci",
                "the search domain es-logs-ci, or take it out of the VPC",
            ),
            ("", "what it belongs to"),
            ("something new", "what it belongs to"),
        ];
        for (text, want) in table {
            assert_eq!(owner(text, true).as_deref(), Some(want), "{text}");
        }
    }
}
