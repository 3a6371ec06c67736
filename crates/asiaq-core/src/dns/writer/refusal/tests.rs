#![allow(clippy::unwrap_used, clippy::expect_used)]
use super::*;
use crate::dns::{Record, Target};

fn target(kind: &str) -> Target {
    Target::Value {
        kind: kind.into(),
        value: "x.example.org".into(),
    }
}

fn delete(name: &str) -> RecordChange {
    RecordChange::Delete(Box::new(Record::new(name, &target("CNAME")).unwrap()))
}

fn upsert(name: &str) -> RecordChange {
    RecordChange::Upsert {
        name: name.into(),
        target: target("A"),
    }
}

fn error(code: &str, message: &str) -> AwsError {
    let mut error = AwsError::incomplete("route53:ChangeResourceRecordSets", "record", "");
    error.code = Some(code.to_owned());
    error.message = message.to_owned();
    error
}

#[test]
fn both_forms_of_a_refusal_are_read() {
    let own = "<?xml version=\"1.0\"?><InvalidChangeBatch xmlns=\"https://route53.amazonaws.com/doc/2013-04-01/\"><Messages>\
               <Message>Tried to delete [name=&apos;a.&apos;, type=&apos;A&apos;] but it was not found</Message>\
               <Message>RRSet with DNS name b &amp; c is bad</Message></Messages><RequestId>r</RequestId></InvalidChangeBatch>";
    let usual = "<ErrorResponse><Error><Type>Sender</Type><Code>InvalidChangeBatch</Code><Message>[It is bad]</Message>\
                 </Error><RequestId>r</RequestId></ErrorResponse>";
    let other = "<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>";
    let table: [(&str, &[&str]); 4] = [
        (
            own,
            &[
                "Tried to delete [name='a.', type='A'] but it was not found",
                "RRSet with DNS name b & c is bad",
            ],
        ),
        (usual, &["[It is bad]"]),
        (other, &[]),
        ("InvalidChangeBatch", &[]),
    ];
    for (body, wanted) in table {
        assert_eq!(messages(body), wanted, "{body}");
    }
}

#[test]
fn deletions_of_what_is_gone_are_left_out() {
    let gone = "Tried to delete resource record set [name='a.example.com.', type='CNAME'] but it was not found";
    let changed = "Tried to delete resource record set [name='a.example.com.', type='CNAME'] but the values provided do not \
                   match the current values";
    let conflict = "RRSet of type A with DNS name a.example.com. is not permitted because a conflicting RRSet of type CNAME exists";
    let both = format!("{gone}; {conflict}");
    let (a, b, new) = (
        delete("A.example.com"),
        delete("b.example.com."),
        upsert("a.example.com"),
    );
    let refused = "InvalidChangeBatch";
    type Case<'a> = (
        Vec<&'a RecordChange>,
        &'a str,
        &'a str,
        Vec<&'a RecordChange>,
    );
    let table: Vec<Case> = vec![
        (vec![&a], refused, gone, vec![]),
        (vec![&a], refused, changed, vec![]),
        (vec![&a], refused, "not found", vec![]),
        (vec![&a, &b], refused, gone, vec![&b]),
        (vec![&a, &new], refused, gone, vec![&new]),
        (vec![&a, &new], refused, &both, vec![&new]),
        (vec![&a, &new], refused, conflict, vec![&a, &new]),
        (vec![&new], refused, gone, vec![&new]),
        (vec![&a], "AccessDenied", gone, vec![&a]),
        (
            vec![&a, &b],
            "NoSuchHostedZone",
            "No hosted zone found",
            vec![],
        ),
        (
            vec![&a, &new],
            "NoSuchHostedZone",
            "No hosted zone found",
            vec![&a, &new],
        ),
    ];
    for (changes, code, message, wanted) in table {
        let left = still_to_do(&changes, &error(code, message));
        assert_eq!(left, wanted, "{changes:?} {code} {message}");
    }
}
