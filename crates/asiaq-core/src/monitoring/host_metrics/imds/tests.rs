#![allow(clippy::unwrap_used, clippy::expect_used)]
use super::*;
use crate::monitoring::host_metrics::Identity;
use wiremock::matchers::{header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

const USER_DATA: &str = "hostclass=\"mhcweb\"\nenvironment_name=\"ci\"\n";

fn variables(pairs: &[(&str, &str)]) -> Result<Imds> {
    let find = |name: &str| pairs.iter().find(|(key, _)| *key == name);
    Imds::from_variables(|name| find(name).map(|(_, value)| (*value).to_owned()))
}

#[test]
fn the_variables_of_the_sdk_count() {
    let (endpoint, mode, off) = (
        "AWS_EC2_METADATA_SERVICE_ENDPOINT",
        "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE",
        "AWS_EC2_METADATA_DISABLED",
    );
    let table = [
        (vec![], Some(IPV4)),
        (vec![(endpoint, " ")], Some(IPV4)),
        (vec![(mode, "IPv4")], Some(IPV4)),
        (vec![(mode, "IPv6")], Some(IPV6)),
        (
            vec![(endpoint, "http://127.0.0.1:1/")],
            Some("http://127.0.0.1:1"),
        ),
        (
            vec![(endpoint, "http://h"), (mode, "IPv6")],
            Some("http://h"),
        ),
        (vec![(off, "false")], Some(IPV4)),
        (vec![(off, "True")], None),
        (vec![(mode, "carrier pigeon")], None),
    ];
    for (pairs, wanted) in table {
        let found = variables(&pairs).map(|imds| imds.endpoint);
        match (found, wanted) {
            (Ok(found), Some(wanted)) => assert_eq!(found, wanted, "{pairs:?}"),
            (Err(error), None) => {
                assert!(error.to_string().contains("AWS_EC2_METADATA_"), "{error}");
                assert!(error.hint().is_some());
            }
            (found, _) => panic!("{pairs:?}: {found:?}"),
        }
    }
}

fn run<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(future)
}

/// A service that answers a request for a token so, and tells these texts; `secured` ones to whom shows the
/// token.
async fn service(token: ResponseTemplate, secured: bool, texts: &[(&str, &str)]) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(method("PUT"))
        .and(path("/latest/api/token"))
        .and(header("X-aws-ec2-metadata-token-ttl-seconds", "60"))
        .respond_with(token)
        .mount(&server)
        .await;
    for (name, text) in texts {
        let mut mock = Mock::given(method("GET")).and(path(format!("/latest/{name}")));
        if secured {
            mock = mock.and(header("X-aws-ec2-metadata-token", "tok"));
        }
        let answer = ResponseTemplate::new(200).set_body_string(*text);
        mock.respond_with(answer).mount(&server).await;
    }
    server
}

fn ok(text: &str) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_string(text)
}

#[test]
fn both_versions_tell_who_the_host_is() {
    let (region, zone) = (
        "meta-data/placement/region",
        "meta-data/placement/availability-zone",
    );
    let table = [
        (
            ok("tok\n"),
            true,
            vec![
                ("user-data", USER_DATA),
                (region, "eu-west-1\n"),
                (zone, "us-west-2a"),
            ],
            "eu-west-1",
        ),
        (
            ok("tok"),
            true,
            vec![("user-data", USER_DATA), (zone, "us-west-2-lax-1a")],
            "us-west-2",
        ),
        (
            ResponseTemplate::new(403),
            false,
            vec![("user-data", USER_DATA), (zone, "us-west-2b")],
            "us-west-2",
        ),
        (
            ResponseTemplate::new(404),
            false,
            vec![("user-data", USER_DATA), (region, "us-west-2")],
            "us-west-2",
        ),
        (
            ResponseTemplate::new(405),
            false,
            vec![("user-data", USER_DATA), (region, "us-west-2")],
            "us-west-2",
        ),
    ];
    for (token, secured, texts, region) in table {
        run(async {
            let server = service(token, secured, &texts).await;
            let imds = Imds::at(&server.uri()).unwrap();
            let identity = Identity::of_this_host(&imds).await.unwrap();
            assert_eq!(
                (identity.region.as_str(), identity.dimension().as_str()),
                (region, "ci_mhcweb")
            );
            let asked = server.received_requests().await.unwrap();
            let tokens = asked
                .iter()
                .filter(|request| request.method.as_str() == "PUT");
            assert_eq!(tokens.count(), 1, "one token for all");
        });
    }
}

#[test]
fn what_is_missing_is_named() {
    let zone = ("meta-data/placement/availability-zone", "nowhere");
    let region = ("meta-data/placement/region", "us-west-2");
    let table = [
        (
            vec![region],
            "the user data of this instance have no `hostclass`",
        ),
        (
            vec![region, ("user-data", "hostclass=\"a\"")],
            "have no `environment_name`",
        ),
        (
            vec![region, ("user-data", "environment_name=\"a\"")],
            "have no `hostclass`",
        ),
        (
            vec![zone, ("user-data", USER_DATA)],
            "neither a region nor a zone that has one, but `nowhere`",
        ),
        (
            vec![("user-data", USER_DATA)],
            "neither a region nor a zone that has one, but ``",
        ),
    ];
    for (texts, wanted) in table {
        run(async {
            let server = service(ok("tok"), true, &texts).await;
            let imds = Imds::at(&server.uri()).unwrap();
            let error = Identity::of_this_host(&imds).await.unwrap_err();
            assert!(error.to_string().contains(wanted), "{error}");
            assert!(error.hint().unwrap().contains("--dummy"));
        });
    }
}

#[test]
fn passing_failures_pass_and_others_do_not() {
    run(async {
        let server = MockServer::start().await;
        let once = Mock::given(method("PUT")).respond_with(ResponseTemplate::new(503));
        once.up_to_n_times(2).mount(&server).await;
        Mock::given(method("PUT"))
            .respond_with(ok("tok"))
            .mount(&server)
            .await;
        Mock::given(method("GET"))
            .respond_with(ok("x"))
            .mount(&server)
            .await;
        let imds = Imds::at(&server.uri()).unwrap();
        assert_eq!(imds.user_data().await.unwrap().as_deref(), Some("x"));
    });
    for (status, requests) in [(400, 1), (401, 1), (500, 3)] {
        run(async {
            let server = service(ResponseTemplate::new(status), false, &[]).await;
            let error = Imds::at(&server.uri())
                .unwrap()
                .user_data()
                .await
                .unwrap_err();
            assert!(error.to_string().contains(&status.to_string()), "{error}");
            let asked = server.received_requests().await.unwrap();
            assert_eq!(asked.len(), requests, "{status}");
        });
    }
    // Nobody listens.
    let error = run(Imds::at("http://127.0.0.1:1").unwrap().user_data()).unwrap_err();
    assert!(
        error.to_string().contains("http://127.0.0.1:1: "),
        "{error}"
    );
}
