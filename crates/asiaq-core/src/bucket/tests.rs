#![allow(clippy::unwrap_used, clippy::expect_used)]
use super::*;
use std::sync::Mutex;
use wiremock::matchers::{header, header_exists, header_regex, method, path_regex, query_param};
use wiremock::matchers::{query_param_contains, query_param_is_missing};
use wiremock::{Mock, MockBuilder, MockServer, Request, Respond, ResponseTemplate};

/// As the bucket of the spec: with dots, so only a path can name it.
const NAME: &str = "us-west-2.p.credentials.ci";

fn at(verb: &str, key: &str) -> MockBuilder {
    let place = match key {
        "" => format!("^/{NAME}/?$"),
        key => format!("^/{NAME}/{key}$"),
    };
    Mock::given(method(verb)).and(path_regex(place))
}

fn listing() -> MockBuilder {
    at("GET", "").and(query_param("list-type", "2"))
}

fn error(status: u16, code: &str) -> ResponseTemplate {
    let text = format!("<Error><Code>{code}</Code><Message>Words of S3.</Message></Error>");
    ResponseTemplate::new(status).set_body_string(text)
}

fn secret(text: &str) -> SecretSlice<u8> {
    text.as_bytes().to_vec().into()
}

fn text(object: &Object) -> String {
    String::from_utf8(object.content.expose_secret().to_vec()).unwrap()
}

/// Runs with a bucket whose server answers as `mocks` say.
async fn with<T>(mocks: Vec<Mock>, body: impl AsyncFnOnce(&Bucket<'_>) -> T) -> T {
    let server = MockServer::start().await;
    for mock in mocks {
        mock.mount(&server).await;
    }
    let aws = Aws::for_tests(&server.uri());
    body(&Bucket::new(&aws, NAME)).await
}

/// Answers in order; the last one for ever.
struct InTurn(Mutex<Vec<ResponseTemplate>>);

fn in_turn(answers: Vec<ResponseTemplate>) -> InTurn {
    InTurn(Mutex::new(answers))
}

impl Respond for InTurn {
    fn respond(&self, _: &Request) -> ResponseTemplate {
        let mut left = self.0.lock().unwrap();
        match left.len() {
            1 => left[0].clone(),
            _ => left.remove(0),
        }
    }
}

#[tokio::test]
async fn listings_are_read_to_their_end() {
    let page = |keys: std::ops::Range<usize>, next: &str| {
        let contents = keys.map(|n| {
            format!(
                "<Contents><Key>a/{n:04}</Key><Size>{n}</Size><LastModified>2026-01-02T03:04:05.000Z</LastModified></Contents>"
            )
        });
        let contents: String = contents.collect();
        ResponseTemplate::new(200).set_body_string(format!(
            "<ListBucketResult><IsTruncated>{}</IsTruncated>{contents}{next}</ListBucketResult>",
            !next.is_empty()
        ))
    };
    let token = |text: &str| format!("<NextContinuationToken>{text}</NextContinuationToken>");
    let first = listing().and(query_param_is_missing("continuation-token"));
    let first = first.and(query_param("prefix", "a/"));
    let mocks = vec![
        first.respond_with(page(0..1000, &token("two"))).expect(1),
        listing()
            .and(query_param("continuation-token", "two"))
            // AWS may give fewer, even none, and go on.
            .respond_with(page(0..0, &token("three")))
            .expect(1),
        listing()
            .and(query_param("continuation-token", "three"))
            .respond_with(page(1000..2500, ""))
            .expect(1),
    ];
    let objects = with(mocks, async |bucket| bucket.objects("a/").await.unwrap()).await;
    assert_eq!(objects.len(), 2500);
    let last = serde_json::to_value(&objects[2499]).unwrap();
    let expected = serde_json::json!({ "key": "a/2499", "size": 2499, "last_modified": "2026-01-02T03:04:05Z" });
    assert_eq!(last, expected);
}

/// Signed for that region.
fn signed_for(region: &str) -> impl wiremock::Match + 'static {
    header_regex("authorization", &format!("/{region}/s3/aws4_request"))
}

#[tokio::test]
async fn a_bucket_of_another_region_is_followed_once() {
    let moved = |status: u16, code: &str| {
        let text = format!("<Error><Code>{code}</Code><Message>m</Message></Error>");
        let answer = ResponseTemplate::new(status).set_body_string(text);
        answer.insert_header("x-amz-bucket-region", "eu-west-1")
    };
    let told = "<Error><Code>AuthorizationHeaderMalformed</Code><Message>the region 'us-west-2' is wrong; expecting \
                'eu-west-1'</Message><Region>eu-west-1</Region></Error>";
    let table = [
        moved(301, "PermanentRedirect"),
        moved(307, "TemporaryRedirect"),
        moved(400, "AuthorizationHeaderMalformed"),
        ResponseTemplate::new(400).set_body_string(told),
    ];
    for answer in table {
        let mocks = vec![
            at("GET", "k")
                .and(signed_for("us-west-2"))
                .respond_with(answer)
                .expect(1),
            at("GET", "k")
                .and(signed_for("eu-west-1"))
                .respond_with(ResponseTemplate::new(200).set_body_string("there"))
                .expect(1),
            at("PUT", "k")
                .and(signed_for("eu-west-1"))
                .respond_with(ResponseTemplate::new(200))
                .expect(1),
        ];
        with(mocks, async |bucket| {
            assert_eq!(text(&bucket.get("k").await.unwrap()), "there");
            // The region is known now.
            let put = bucket.put("k", &secret("x"), &Condition::Always).await;
            assert_eq!(put.unwrap(), Put::Done);
        })
        .await;
    }
}

#[tokio::test]
async fn a_head_is_followed_as_well() {
    let moved = ResponseTemplate::new(400).insert_header("x-amz-bucket-region", "eu-west-1");
    let mocks = vec![
        at("HEAD", "k")
            .and(signed_for("us-west-2"))
            .respond_with(moved)
            .expect(1),
        at("HEAD", "k")
            .and(signed_for("eu-west-1"))
            .respond_with(ResponseTemplate::new(200))
            .expect(1),
    ];
    with(mocks, async |bucket| {
        assert!(bucket.exists("k").await.unwrap());
    })
    .await;
}

#[tokio::test]
async fn a_region_that_is_not_told_is_an_error_with_advice() {
    let mocks = vec![at("GET", "k").respond_with(error(301, "PermanentRedirect"))];
    let error = with(mocks, async |bucket| bucket.get("k").await.unwrap_err()).await;
    assert!(error.to_string().contains("PermanentRedirect"), "{error}");
    assert!(error.hint().unwrap().contains("AWS_REGION"));
    // A refusal for another reason names the region too, and is told as it is.
    let denied = self::error(403, "AccessDenied").insert_header("x-amz-bucket-region", "eu-west-1");
    let mocks = vec![at("GET", "k").respond_with(denied).expect(1)];
    let error = with(mocks, async |bucket| bucket.get("k").await.unwrap_err()).await;
    let expected = format!("s3:GetObject of object k of bucket {NAME}: AccessDenied: Words of S3.");
    assert!(error.to_string().starts_with(&expected), "{error}");
    assert!(error.hint().unwrap().contains("s3:ListBucket"));
}

#[tokio::test]
async fn what_is_missing_is_told_apart() {
    let mocks = vec![
        at("HEAD", "k").respond_with(ResponseTemplate::new(404)),
        at("GET", "k").respond_with(error(404, "NoSuchKey")),
        listing().respond_with(error(404, "NoSuchBucket")),
        at("HEAD", "other").respond_with(ResponseTemplate::new(404)),
        at("GET", "other").respond_with(error(404, "NoSuchBucket")),
        at("HEAD", "denied").respond_with(ResponseTemplate::new(403)),
        at("GET", "denied").respond_with(error(403, "AccessDenied")),
    ];
    with(mocks, async |bucket| {
        assert!(!bucket.exists("k").await.unwrap());
        assert!(bucket.find("k").await.unwrap().is_none());
        let error = bucket.get("k").await.unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("object k of bucket {NAME} does not exist")
        );
        for error in [
            bucket.list("").await.unwrap_err(),
            bucket.exists("other").await.unwrap_err(),
        ] {
            assert!(
                error.to_string().contains("NoSuchBucket: Words of S3."),
                "{error}"
            );
            assert!(error.hint().unwrap().contains("create the bucket"));
        }
        // A HEAD says nothing, so the GET is asked why.
        let error = bucket.exists("denied").await.unwrap_err();
        assert!(
            error.to_string().contains("AccessDenied: Words of S3."),
            "{error}"
        );
    })
    .await;
}

#[tokio::test]
async fn contents_are_encrypted_and_stay_as_they_are() {
    let bytes: Vec<u8> = (0..=255).collect();
    let mocks = vec![
        at("PUT", "k")
            .and(header("x-amz-server-side-encryption", "AES256"))
            .and(header("content-type", CONTENT_TYPE))
            .and(wiremock::matchers::body_bytes(bytes.clone()))
            .respond_with(ResponseTemplate::new(200))
            .expect(1),
        at("GET", "k").respond_with(
            ResponseTemplate::new(200)
                .set_body_bytes(bytes.clone())
                .insert_header("etag", "\"e1\"")
                .insert_header("last-modified", "Fri, 02 Jan 2026 03:04:05 GMT"),
        ),
    ];
    with(mocks, async |bucket| {
        let content: SecretSlice<u8> = bytes.clone().into();
        bucket.put("k", &content, &Condition::Always).await.unwrap();
        let object = bucket.get("k").await.unwrap();
        assert_eq!(object.content.expose_secret(), bytes);
        assert_eq!(object.etag, "\"e1\"");
        assert_eq!(object.last_modified.unwrap().timestamp(), 1_767_323_045);
        assert!(!format!("{object:?}").contains("254, 255"));
    })
    .await;
}

#[tokio::test]
async fn a_write_whose_condition_does_not_hold_is_refused() {
    let unchanged = Condition::Unchanged("\"e1\"".to_owned());
    let table = [
        // What S3 answers, what lies there then, what that means.
        (412, "PreconditionFailed", Some("theirs"), Put::Refused),
        // The answer of an attempt before got lost: what lies there is ours.
        (412, "PreconditionFailed", Some("ours"), Put::Done),
        (404, "NoSuchKey", None, Put::Refused),
        (409, CONFLICT, Some("theirs"), Put::Refused),
        (409, CONFLICT, Some("ours"), Put::Done),
    ];
    for (status, code, there, expected) in table {
        let calls = if code == CONFLICT {
            WRITE_ATTEMPTS as u64
        } else {
            1
        };
        let found = match there {
            Some(content) => ResponseTemplate::new(200).set_body_string(content),
            None => error(404, "NoSuchKey"),
        };
        let mocks = vec![
            at("PUT", "k")
                .and(header("if-match", "\"e1\""))
                .respond_with(error(status, code))
                .expect(calls),
            at("GET", "k").respond_with(found).expect(1),
        ];
        let put = with(mocks, async |bucket| {
            bucket.put("k", &secret("ours"), &unchanged).await
        })
        .await;
        assert_eq!(put.unwrap(), expected, "{code} {there:?}");
    }
}

#[tokio::test]
async fn a_conflict_that_passes_is_no_refusal() {
    let answers = in_turn(vec![error(409, CONFLICT), ResponseTemplate::new(200)]);
    let mocks = vec![
        at("PUT", "k")
            .and(header("if-none-match", "*"))
            .respond_with(answers)
            .expect(2),
    ];
    let put = with(mocks, async |bucket| {
        bucket.put("k", &secret("ours"), &Condition::Absent).await
    })
    .await;
    assert_eq!(put.unwrap(), Put::Done);
}

#[tokio::test]
async fn a_write_without_condition_fails_as_s3_says() {
    for (status, code) in [(412, "PreconditionFailed"), (403, "AccessDenied")] {
        let mocks = vec![
            at("PUT", "k")
                .and(header_exists("authorization"))
                .respond_with(error(status, code))
                .expect(1),
        ];
        let error = with(mocks, async |bucket| {
            let put = bucket
                .put("k", &secret("planted"), &Condition::Always)
                .await;
            put.unwrap_err()
        })
        .await;
        let shown = format!("{error} {error:?}");
        assert!(
            shown.contains(code) && !shown.contains("planted"),
            "{shown}"
        );
    }
}

#[tokio::test]
async fn versioned_buckets_hide_what_is_deleted() {
    let marked = ResponseTemplate::new(204).insert_header("x-amz-delete-marker", "true");
    let mocks = vec![
        at("DELETE", "hidden").respond_with(marked),
        at("DELETE", "gone").respond_with(ResponseTemplate::new(204)),
    ];
    with(mocks, async |bucket| {
        assert_eq!(bucket.delete("hidden").await.unwrap(), Deleted::Hidden);
        assert_eq!(bucket.delete("gone").await.unwrap(), Deleted::Gone);
    })
    .await;
}

#[tokio::test]
async fn versions_of_one_key_are_found_and_deleted() {
    let entry = |kind: &str, key: &str, id: &str| {
        format!("<{kind}><Key>{key}</Key><VersionId>{id}</VersionId></{kind}>")
    };
    let page = |entries: &[String], next: Option<(&str, &str)>| {
        let next = next.map(|(key, id)| {
            format!(
                "<NextKeyMarker>{key}</NextKeyMarker><NextVersionIdMarker>{id}</NextVersionIdMarker>"
            )
        });
        ResponseTemplate::new(200).set_body_string(format!(
            "<ListVersionsResult><IsTruncated>{}</IsTruncated>{}{}</ListVersionsResult>",
            next.is_some(),
            entries.concat(),
            next.unwrap_or_default()
        ))
    };
    let versions = || at("GET", "").and(query_param_contains("versions", ""));
    let (first, second) = (
        [
            entry("DeleteMarker", "k", "m1"),
            entry("Version", "k", "v2"),
        ],
        [
            entry("Version", "k", "null"),
            entry("Version", "k2", "foreign"),
        ],
    );
    let answer = "<DeleteResult></DeleteResult>";
    let failed = "<DeleteResult><Error><Key>k</Key><VersionId>v2</VersionId><Code>AccessDenied</Code>\
                  <Message>Words of S3.</Message></Error></DeleteResult>";
    let answers = in_turn(vec![
        ResponseTemplate::new(200).set_body_string(answer),
        ResponseTemplate::new(200).set_body_string(failed),
    ]);
    let mocks = vec![
        versions()
            .and(query_param_is_missing("key-marker"))
            .respond_with(page(&first, Some(("k", "v2"))))
            .expect(1),
        versions()
            .and(query_param("version-id-marker", "v2"))
            // More would follow, but it is of other keys.
            .respond_with(page(&second, Some(("k2", "foreign"))))
            .expect(1),
        at("POST", "")
            .and(wiremock::matchers::body_string_contains(
                "<Key>k</Key><VersionId>v2</VersionId>",
            ))
            .respond_with(answers)
            .expect(2),
    ];
    with(mocks, async |bucket| {
        let mut ids = bucket.versions("k").await.unwrap();
        ids.sort();
        assert_eq!(ids, ["m1", "null", "v2"]);
        bucket.delete_versions("k", &ids).await.unwrap();
        let error = bucket.delete_versions("k", &ids).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("1 of 3 versions of object k of bucket {NAME} were not deleted: AccessDenied: Words of S3.")
        );
    })
    .await;
}

#[test]
fn regions_in_texts() {
    let table = [
        (
            "<Error><Region>eu-west-1</Region></Error>",
            Some("eu-west-1"),
        ),
        ("<Error><Region></Region></Error>", None),
        ("<Error><Region>evil.example/</Region></Error>", None),
        ("<Error><Region>eu-west-1", None),
        ("", None),
    ];
    for (body, expected) in table {
        assert_eq!(region_in(body.as_bytes()).as_deref(), expected, "{body}");
    }
}
