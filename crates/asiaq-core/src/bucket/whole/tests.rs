#![allow(clippy::unwrap_used, clippy::expect_used)]
use super::*;
use crate::aws::Aws;
use wiremock::matchers::method;
use wiremock::{Mock, MockServer, ResponseTemplate};

/// Asks for the bucket where S3 gives these answers one after the other: status, region in the header.
fn asked(answers: &[(u16, Option<&str>)]) -> Result<bool> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let server = MockServer::start().await;
        for (status, region) in answers {
            let mut answer = ResponseTemplate::new(*status);
            if let Some(region) = region {
                answer = answer.insert_header("x-amz-bucket-region", *region);
            }
            let mock = Mock::given(method("HEAD")).respond_with(answer);
            mock.up_to_n_times(1).expect(1).mount(&server).await;
        }
        Bucket::new(&Aws::for_tests(&server.uri()), "b")
            .is_there()
            .await
    })
}

#[test]
fn whether_a_bucket_is_there_is_told_by_the_status() {
    assert!(asked(&[(200, None)]).unwrap());
    assert!(!asked(&[(404, None)]).unwrap());
    let refused = asked(&[(403, Some("us-west-2"))]).unwrap_err();
    assert!(
        refused
            .to_string()
            .contains("bucket b belongs to another account"),
        "{refused}"
    );
    let failed = asked(&[(500, None)]).unwrap_err();
    assert!(
        failed.to_string().starts_with("s3:HeadBucket of bucket b"),
        "{failed}"
    );
}

#[test]
fn a_bucket_of_another_region_is_asked_there() {
    for moved in [301, 307, 400] {
        assert!(
            asked(&[(moved, Some("eu-west-1")), (200, None)]).unwrap(),
            "{moved}"
        );
    }
    assert!(!asked(&[(301, Some("eu-west-1")), (404, None)]).unwrap());
}
