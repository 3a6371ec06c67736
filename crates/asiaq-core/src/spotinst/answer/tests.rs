//! Every row of the error table of spec 30, section 11.3, in its order.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;
use serde_json::json;

fn read(status: u16, body: &str) -> Result<Vec<Value>, SpotinstError> {
    read_items("list groups", status, body.as_bytes())
}

const THROTTLED: &str =
    r#"{"response":{"errors":[{"code":"X"},{"code":"Throttling","message":"slow"}]}}"#;
const LIMITED: &str = r#"{"response":{"errors":[{"code":"RequestLimitExceeded"}]}}"#;
const REFUSED: &str = r#"{"request":{"id":"r-1"},"response":{"status":{"code":400,"message":"Bad Request"},"errors":[{"code":"A","message":"first\nline"},{"code":"B","message":null},{"message":"third"},null]}}"#;

#[test]
fn the_table_of_errors() {
    // Status, body, problem, whether to wait and try again.
    let table = [
        (401, "", "the token is not valid (HTTP 401)", false),
        (
            401,
            THROTTLED,
            "the token is not valid (HTTP 401): X; Throttling: slow",
            false,
        ),
        (401, "<html>", "the token is not valid (HTTP 401)", false),
        (429, "", "too many requests (HTTP 429)", true),
        (
            429,
            r#"{"request":{"id":"r-1"}}"#,
            "too many requests (HTTP 429) (request r-1)",
            true,
        ),
        (200, "", "the answer is not JSON (HTTP 200): (empty)", false),
        (
            502,
            "<html>\n  <b>Bad\tgateway</b>",
            "the answer is not JSON (HTTP 502): <html> <b>Bad gateway</b>",
            false,
        ),
        (
            503,
            "Throttling",
            "the answer is not JSON (HTTP 503): Throttling",
            false,
        ),
        (
            400,
            THROTTLED,
            "the service refused (HTTP 400): X; Throttling: slow",
            true,
        ),
        (
            503,
            LIMITED,
            "the service refused (HTTP 503): RequestLimitExceeded",
            true,
        ),
        (
            400,
            REFUSED,
            "the service refused (HTTP 400): A: first line; B; third (request r-1)",
            false,
        ),
        (
            403,
            r#"{"response":{"status":{"message":"Forbidden"}}}"#,
            "the service refused (HTTP 403): Forbidden",
            false,
        ),
        (500, "{}", "the service refused (HTTP 500)", false),
        (500, "[]", "the service refused (HTTP 500)", false),
        (500, "null", "the service refused (HTTP 500)", false),
        (
            500,
            r#"{"request":null,"response":null}"#,
            "the service refused (HTTP 500)",
            false,
        ),
        (
            500,
            r#"{"response":{"errors":"many"}}"#,
            "the service refused (HTTP 500)",
            false,
        ),
        (
            201,
            r#"{"response":{"items":[{"id":1}]}}"#,
            "the service refused (HTTP 201)",
            false,
        ),
    ];
    for (status, body, problem, again) in table {
        let error = read(status, body).unwrap_err();
        assert_eq!(
            (error.problem.as_str(), error.rate_exceeded, error.status),
            (problem, again, Some(status)),
            "{status} {body}"
        );
        let text = error.to_string();
        assert_eq!(text, format!("Spotinst list groups: {problem}"));
        assert!(!text.contains('\n'));
        assert_eq!(
            error.hint().is_some(),
            again || matches!(status, 401 | 403),
            "{status} {body}"
        );
    }
}

#[test]
fn items_of_a_success() {
    let table = [
        (
            r#"{"response":{"items":[{"id":"a"},null,{"id":"b"}]}}"#,
            json!([{"id": "a"}, {"id": "b"}]),
        ),
        (r#"{"response":{"items":null}}"#, json!([])),
        (r#"{"response":{}}"#, json!([])),
        ("{}", json!([])),
        // A success is a success, whatever it says besides.
        (THROTTLED, json!([])),
    ];
    for (body, wanted) in table {
        assert_eq!(Value::from(read(200, body).unwrap()), wanted, "{body}");
    }
}

#[test]
fn codes_tell_what_is_missing() {
    let missing = r#"{"response":{"errors":[{"code":"GROUP_DOESNT_EXIST","message":"gone"}]}}"#;
    assert!(read(400, missing).unwrap_err().is_group_missing());
    assert!(!read(400, REFUSED).unwrap_err().is_group_missing());
    assert_eq!(read(400, REFUSED).unwrap_err().codes, ["A", "B"]);
}

#[test]
fn long_bodies_are_cut() {
    let text = quoted(&"ä ".repeat(10_000));
    assert_eq!(text.chars().count(), QUOTED + 1);
    assert!(text.ends_with('…'));
    assert_eq!(quoted("a\u{1b}[31mb\u{0}"), "a [31mb");
}
