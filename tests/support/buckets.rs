//! S3 buckets of the local cloud for tests: made, filled and read back with the SDK. Knows no tool.

use aws_sdk_s3::Client;
use aws_sdk_s3::types::{
    BucketLocationConstraint, BucketVersioningStatus, CreateBucketConfiguration,
    VersioningConfiguration,
};

use super::cloud::Cloud;

/// A client that addresses buckets by path.
pub fn s3(cloud: &Cloud) -> Client {
    let config = aws_sdk_s3::config::Builder::from(&cloud.sdk());
    Client::from_conf(config.force_path_style(true).build())
}

/// Makes a bucket.
pub fn create(cloud: &Cloud, bucket: &str) {
    let place = CreateBucketConfiguration::builder()
        .location_constraint(BucketLocationConstraint::UsWest2)
        .build();
    let call = s3(cloud).create_bucket().bucket(bucket);
    let call = call.create_bucket_configuration(place).send();
    cloud.wait(call).expect("CreateBucket");
}

/// Makes a bucket keep versions.
pub fn keep_versions(cloud: &Cloud, bucket: &str) {
    let versioning = VersioningConfiguration::builder()
        .status(BucketVersioningStatus::Enabled)
        .build();
    let call = s3(cloud).put_bucket_versioning().bucket(bucket);
    let call = call.versioning_configuration(versioning).send();
    cloud.wait(call).expect("PutBucketVersioning");
}

/// Writes an object.
pub fn put(cloud: &Cloud, bucket: &str, key: &str, content: &[u8]) {
    let call = s3(cloud).put_object().bucket(bucket).key(key);
    let call = call.body(content.to_vec().into()).send();
    cloud.wait(call).expect("PutObject");
}

/// An object's content and what encrypts it.
pub fn get(cloud: &Cloud, bucket: &str, key: &str) -> Option<(Vec<u8>, String)> {
    let call = s3(cloud).get_object().bucket(bucket).key(key).send();
    cloud.wait(async {
        let answer = call.await.ok()?;
        let encryption = answer.server_side_encryption();
        let encryption = encryption.map_or("none", |kind| kind.as_str()).to_owned();
        let content = answer.body.collect().await.expect("body");
        Some((content.to_vec(), encryption))
    })
}

/// An object's content as text.
pub fn text(cloud: &Cloud, bucket: &str, key: &str) -> Option<String> {
    let (content, _) = get(cloud, bucket, key)?;
    Some(String::from_utf8(content).expect("text"))
}

/// All keys, at most a thousand.
pub fn keys(cloud: &Cloud, bucket: &str) -> Vec<String> {
    let call = s3(cloud).list_objects_v2().bucket(bucket).send();
    let found = cloud.wait(call).expect("ListObjectsV2");
    let keys = found.contents().iter().filter_map(|object| object.key());
    keys.map(str::to_owned).collect()
}

/// How many versions and delete markers there are.
pub fn versions(cloud: &Cloud, bucket: &str) -> (usize, usize) {
    let call = s3(cloud).list_object_versions().bucket(bucket).send();
    let found = cloud.wait(call).expect("ListObjectVersions");
    (found.versions().len(), found.delete_markers().len())
}
