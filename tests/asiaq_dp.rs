//! `asiaq dp` and `asiaq ddb_backup` end to end. This file holds what its tests share; they are in the folder of this name.

mod backup;
mod bucket;
mod kills;
mod listing;
mod usage;

use crate::disco_ssm::changing;
use crate::support::cloud::Cloud;
use crate::support::config::TestConfig;
use crate::support::proxy::{Behaviour, Proxy};
use crate::support::{Asiaq, Output, asiaq};
use aws_sdk_datapipeline::types::{PipelineDescription, PipelineObject, Tag};
use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration};
use std::path::Path;

/// Bucket of the configuration.
const BUCKET: &str = "acme--dynamodb-backup";

/// A cloud and the standard configuration, whose default environment is `ci`, with a bucket base and the shipped templates.
struct World {
    cloud: Cloud,
    config: TestConfig,
}

impl World {
    fn new() -> Self {
        let config = TestConfig::standard();
        let project = "project_name = rehearsal";
        let bucket = format!("{project}\ns3_bucket_base = acme");
        config.edit("disco_aws.ini", project, &bucket);
        let templates = Path::new(env!("CARGO_MANIFEST_DIR")).join("../datapipeline_templates");
        for name in ["dynamodb_backup.json", "dynamodb_restore.json"] {
            let text = std::fs::read_to_string(templates.join(name)).unwrap();
            config.write(&format!("datapipeline_templates/{name}"), &text);
        }
        Self {
            cloud: Cloud::start(),
            config,
        }
    }

    /// With the bucket.
    fn with_bucket() -> Self {
        let world = Self::new();
        world.make_bucket();
        world
    }

    fn make_bucket(&self) {
        let place = CreateBucketConfiguration::builder()
            .location_constraint(BucketLocationConstraint::UsWest2)
            .build();
        let call = self
            .s3()
            .create_bucket()
            .bucket(BUCKET)
            .create_bucket_configuration(place);
        self.cloud.wait(call.send()).unwrap();
    }

    fn s3(&self) -> aws_sdk_s3::Client {
        let config = aws_sdk_s3::config::Builder::from(&self.cloud.sdk()).force_path_style(true);
        aws_sdk_s3::Client::from_conf(config.build())
    }

    fn put(&self, key: &str) {
        let call = self.s3().put_object().bucket(BUCKET).key(key);
        self.cloud.wait(call.send()).unwrap();
    }

    fn client(&self) -> aws_sdk_datapipeline::Client {
        aws_sdk_datapipeline::Client::new(&self.cloud.sdk())
    }

    /// Makes a pipeline; gives its id.
    fn make(&self, name: &str, tags: &[(&str, &str)]) -> String {
        let unique = format!("test {name} {tags:?} {}", self.pipelines().len());
        let tag =
            |(key, value): &(&str, &str)| Tag::builder().key(*key).value(*value).build().unwrap();
        let call = self
            .client()
            .create_pipeline()
            .name(name)
            .unique_id(unique)
            .set_tags(Some(tags.iter().map(tag).collect()));
        let made = self.cloud.wait(call.send()).unwrap();
        made.pipeline_id
    }

    /// All pipelines, as AWS describes them.
    fn pipelines(&self) -> Vec<PipelineDescription> {
        let client = self.client();
        let list = self.cloud.wait(client.list_pipelines().send()).unwrap();
        let ids: Vec<String> = list
            .pipeline_id_list()
            .iter()
            .filter_map(|p| p.id.clone())
            .collect();
        if ids.is_empty() {
            return Vec::new();
        }
        let call = client.describe_pipelines().set_pipeline_ids(Some(ids));
        self.cloud
            .wait(call.send())
            .unwrap()
            .pipeline_description_list
    }

    /// The one pipeline of that name.
    #[track_caller]
    fn pipeline(&self, name: &str) -> PipelineDescription {
        let mut found = self.pipelines();
        found.retain(|pipeline| pipeline.name == name);
        assert_eq!(found.len(), 1, "{found:?}");
        found.remove(0)
    }

    /// The objects of its definition.
    fn objects(&self, pipeline: &PipelineDescription) -> Vec<PipelineObject> {
        let call = self
            .client()
            .get_pipeline_definition()
            .pipeline_id(&pipeline.pipeline_id);
        self.cloud
            .wait(call.send())
            .unwrap()
            .pipeline_objects
            .unwrap_or_default()
    }

    fn tool_at(&self, url: &str, words: &str) -> Asiaq {
        asiaq("asiaq")
            .endpoint(url)
            .config(self.config.path())
            .args(words.split_whitespace())
    }

    fn run(&self, words: &str) -> Output {
        self.tool_at(self.cloud.url(), words).run()
    }

    /// Runs it through a proxy; gives the proxy as well.
    fn through(&self, behaviour: Behaviour, words: &str) -> (Output, Proxy) {
        let proxy = Proxy::start(self.cloud.url(), behaviour);
        let output = self.tool_at(proxy.url(), words).run();
        (output, proxy)
    }

    /// Runs it; gives the changing calls as well.
    fn watch(&self, words: &str) -> (Output, Vec<String>) {
        let (output, proxy) = self.through(Behaviour::new(), words);
        (output, changing(&proxy))
    }
}

/// A field of a pipeline's description.
fn field<'a>(pipeline: &'a PipelineDescription, key: &str) -> Option<&'a str> {
    let found = pipeline.fields().iter().find(|field| field.key() == key);
    found.and_then(|field| field.string_value())
}

/// A field of the object of that id.
fn of_object<'a>(objects: &'a [PipelineObject], id: &str, key: &str) -> Option<&'a str> {
    let object = objects.iter().find(|object| object.id() == id)?;
    let field = object.fields().iter().find(|field| field.key() == key)?;
    field.string_value().or(field.ref_value())
}
