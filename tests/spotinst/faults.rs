//! What the client does when the service refuses, breaks off, answers nonsense, or answers too late.

use super::{block_on, client, document};
use crate::support::spotinst::{
    Fault, HTML, INTERNAL, NOTHING, Operation, SpotinstServer, TOO_MANY,
};
use asiaq_core::aws::Poll;
use asiaq_core::spotinst::{GroupChange, Roll, Spotinst, update_document};
use std::time::Duration;

const THROTTLED: Fault = Fault::Answer(400, r#"{"response":{"errors":[{"code":"Throttling"}]}}"#);
const UNAUTHORISED: Fault = Fault::Answer(401, "{}");

/// A client that does not wait long for an answer.
fn impatient(server: &SpotinstServer) -> Spotinst {
    let mut settings = server.settings();
    settings.timeout = Duration::from_millis(300);
    Spotinst::new(settings, None).expect("client")
}

#[test]
fn what_may_pass_is_tried_seven_times_and_nothing_else_is() {
    // The fault, how often it happens, requests made, and the error.
    let gave_up = "; gave up after 7 attempts";
    let table = [
        (TOO_MANY, 6, 7, None),
        (
            TOO_MANY,
            9,
            7,
            Some((
                "too many requests (HTTP 429): TooManyRequests: slow down",
                gave_up,
            )),
        ),
        (THROTTLED, 2, 3, None),
        (
            THROTTLED,
            9,
            7,
            Some(("the service refused (HTTP 400): Throttling", gave_up)),
        ),
        (Fault::Reset, 3, 4, None),
        (
            Fault::Reset,
            9,
            7,
            Some(("no answer from the service: ", gave_up)),
        ),
        (
            UNAUTHORISED,
            1,
            1,
            Some(("the token is not valid (HTTP 401)", "")),
        ),
        (
            INTERNAL,
            1,
            1,
            Some(("the service refused (HTTP 500): Internal: oops", "")),
        ),
        (
            HTML,
            1,
            1,
            Some((
                "the answer is not JSON (HTTP 502): <html> <body>Bad gateway</body> </html>",
                "",
            )),
        ),
        (
            NOTHING,
            1,
            1,
            Some(("the answer is not JSON (HTTP 200): (empty)", "")),
        ),
    ];
    for (fault, times, requests, wanted) in table {
        let server = SpotinstServer::start();
        server.fail(Operation::List, &vec![fault.clone(); times]);
        let result = block_on(client(&server).groups());
        match (result, wanted) {
            (Ok(groups), None) => assert!(groups.is_empty()),
            (Err(error), Some((start, end))) => {
                let text = error.to_string();
                assert!(
                    text.starts_with(&format!("Spotinst list groups: {start}")),
                    "{text}"
                );
                assert!(text.ends_with(end) && !text.contains('\n'), "{text}");
                assert_eq!(error.rate_exceeded, !end.is_empty(), "{text}");
            }
            (result, _) => panic!("{fault:?}: {result:?}"),
        }
        assert_eq!(server.calls().len(), requests, "{fault:?}");
    }
}

#[test]
fn every_operation_is_repeated() {
    let server = SpotinstServer::start();
    let spotinst = client(&server);
    let id = server.put_group(document("ci_mhcweb_1")["group"].take());
    use Operation::*;
    for operation in [
        List, Create, Update, Delete, Status, Roll, Rolls, RollStatus,
    ] {
        server.fail(operation, &[TOO_MANY, Fault::Reset]);
    }
    block_on(async {
        spotinst.groups().await.expect("groups");
        spotinst
            .create_group("ci_mhcweb_2", &document("ci_mhcweb_2"))
            .await
            .expect("create");
        let zero = update_document(&GroupChange::to_zero());
        spotinst.update_group(&id, &zero).await.expect("update");
        spotinst.status(&id).await.expect("status");
        let quick = Poll::new(Some(Duration::from_millis(1)));
        let roll = asiaq_core::spotinst::Roll::default();
        spotinst
            .roll_and_wait(&id, &roll, &quick)
            .await
            .expect("roll");
        spotinst.delete_group(&id).await.expect("delete");
    });
    for operation in [Create, Update, Delete, Status, RollStatus] {
        assert_eq!(server.calls_of(operation).len(), 3, "{operation:?}");
    }
    assert_eq!(server.groups().len(), 1);
}

#[test]
fn a_create_that_was_done_but_not_answered_makes_no_second_group() {
    let late = Fault::DoneLate(Duration::from_secs(3));
    for fault in [late, Fault::DoneReset] {
        let server = SpotinstServer::start();
        server.put_group(document("ci_mhcweb_0")["group"].take());
        server.fail(Operation::Create, std::slice::from_ref(&fault));
        let group =
            block_on(impatient(&server).create_group("ci_mhcweb_1", &document("ci_mhcweb_1")))
                .expect("create");
        let groups = server.groups();
        assert_eq!(groups.len(), 2, "{fault:?}");
        assert_eq!(groups[1]["id"], group.id.as_str(), "{fault:?}");
        let lines: Vec<String> = server.calls().into_iter().map(|call| call.line).collect();
        assert_eq!(
            lines,
            ["POST /aws/ec2/group", "GET /aws/ec2/group"],
            "{fault:?}"
        );
    }
}

#[test]
fn a_create_is_only_repeated_after_a_look_at_the_groups() {
    let server = SpotinstServer::start();
    // Not done; the list fails as well; not done again; then all is well.
    server.fail(Operation::Create, &[TOO_MANY, Fault::Reset]);
    server.fail(Operation::List, &[TOO_MANY]);
    block_on(client(&server).create_group("ci_mhcweb_1", &document("ci_mhcweb_1")))
        .expect("create");
    assert_eq!(server.groups().len(), 1);
    let methods: Vec<String> = server
        .calls()
        .iter()
        .map(|call| call.line.split(' ').next().expect("method").to_owned())
        .collect();
    assert_eq!(methods, ["POST", "GET", "GET", "POST", "GET", "POST"]);
}

#[test]
fn a_create_is_not_repeated_when_the_groups_cannot_be_seen() {
    let server = SpotinstServer::start();
    server.fail(Operation::Create, &[Fault::DoneReset]);
    server.fail(Operation::List, &[INTERNAL]);
    let error = block_on(client(&server).create_group("ci_mhcweb_1", &document("ci_mhcweb_1")))
        .expect_err("the list fails");
    assert_eq!(error.status, Some(500));
    assert_eq!(server.calls_of(Operation::Create).len(), 1);
}

#[test]
fn a_create_that_never_succeeds_ends_after_seven_attempts() {
    let server = SpotinstServer::start();
    server.fail(Operation::Create, &[TOO_MANY; 9]);
    let error = block_on(client(&server).create_group("ci_mhcweb_1", &document("ci_mhcweb_1")))
        .expect_err("too many requests");
    assert!(
        error
            .to_string()
            .starts_with("Spotinst create group ci_mhcweb_1: "),
        "{error}"
    );
    assert_eq!(server.calls_of(Operation::Create).len(), 7);
    assert_eq!(server.calls_of(Operation::List).len(), 6);
}

#[test]
fn a_created_group_that_the_answer_does_not_state_is_found() {
    let server = SpotinstServer::start();
    server.fail(
        Operation::Create,
        &[Fault::Answer(200, r#"{"response":{"items":[]}}"#)],
    );
    let id = server.put_group(document("ci_mhcweb_1")["group"].take());
    let spotinst = client(&server);
    let group =
        block_on(spotinst.create_group("ci_mhcweb_1", &document("ci_mhcweb_1"))).expect("create");
    assert_eq!(group.id, id);
    server.fail(Operation::Create, &[Fault::Answer(200, "{}")]);
    let error =
        block_on(spotinst.create_group("ci_mhcweb_2", &document("ci_mhcweb_2"))).expect_err("none");
    assert!(
        error.to_string().contains("no group has that name"),
        "{error}"
    );
}

#[test]
fn a_deletion_that_was_done_but_not_answered_is_done() {
    let server = SpotinstServer::start();
    let id = server.put_group(document("ci_mhcweb_1")["group"].take());
    server.fail(Operation::Delete, &[Fault::DoneReset]);
    block_on(client(&server).delete_group(&id)).expect("delete");
    assert!(server.groups().is_empty());
    assert_eq!(server.calls_of(Operation::Delete).len(), 2);
}

#[test]
fn a_roll_that_was_started_but_not_answered_is_not_started_twice() {
    let server = SpotinstServer::start();
    let id = server.put_group(document("ci_mhcweb_1")["group"].take());
    server.set_roll_statuses(&["in_progress"]);
    server.fail(Operation::Roll, &[Fault::DoneReset]);
    block_on(client(&server).roll(&id, &Roll::default())).expect("roll");
    assert_eq!(server.calls_of(Operation::Roll).len(), 1);
}
