#![allow(clippy::unwrap_used, clippy::expect_used)]
use super::*;
use std::cell::RefCell;

fn ports(range: std::ops::Range<i32>) -> Vec<IpPermission> {
    range
        .map(|port| IpPermission::builder().from_port(port).build())
        .collect()
}

/// Sends `all` to an AWS that refuses calls with one of the `known` ports. Gives the sizes of the calls and the ports
/// that were accepted.
async fn send(all: Vec<IpPermission>, known: &[i32], code: &str) -> (Vec<usize>, Vec<i32>) {
    let (sizes, stored) = (RefCell::new(Vec::new()), RefCell::new(Vec::new()));
    let call = async |part: Vec<IpPermission>| {
        sizes.borrow_mut().push(part.len());
        let ports: Vec<i32> = part.iter().filter_map(IpPermission::from_port).collect();
        if ports.iter().any(|port| known.contains(port)) {
            let mut error = AwsError::incomplete("ec2:AuthorizeSecurityGroupIngress", "x", "x");
            error.code = Some(code.to_owned());
            return Err(error);
        }
        stored.borrow_mut().extend(ports);
        Ok(())
    };
    let result = in_few_calls("InvalidPermission.Duplicate", all, call).await;
    assert_eq!(result.is_ok(), code == "InvalidPermission.Duplicate");
    let mut stored = stored.into_inner();
    stored.sort_unstable();
    (sizes.into_inner(), stored)
}

#[tokio::test]
async fn a_thousand_go_in_one_call_and_more_in_chunks() {
    let harmless = "InvalidPermission.Duplicate";
    assert_eq!(send(ports(0..1000), &[], harmless).await.0, [1000]);
    assert_eq!(send(ports(0..2001), &[], harmless).await.0.len(), 3);
    assert_eq!(send(Vec::new(), &[], harmless).await.0, [0; 0]);
}

#[tokio::test]
async fn a_part_that_exists_costs_some_calls_but_not_one_for_each() {
    let (sizes, stored) = send(ports(0..1000), &[17, 900], "InvalidPermission.Duplicate").await;
    assert!(sizes.len() < 45, "{} calls", sizes.len());
    let wanted: Vec<i32> = (0..1000).filter(|port| ![17, 900].contains(port)).collect();
    assert_eq!(stored, wanted);
}

#[tokio::test]
async fn other_refusals_are_errors() {
    let (sizes, stored) = send(ports(0..10), &[3], "UnauthorizedOperation").await;
    assert_eq!((sizes, stored), (vec![10], vec![]));
}
