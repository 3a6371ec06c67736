//! Who the host is: both versions of the instance metadata, and what may be wrong with them.

use wiremock::ResponseTemplate;

use super::{Metadata, Programs};

const USER_DATA: (&str, &str) = (
    "user-data",
    "hostclass=\"mhcweb\"\nowner=\"ann\"\nenvironment_name=\"ci\"\n",
);
const REGION: (&str, &str) = ("meta-data/placement/region", "us-west-2");
const ZONE: (&str, &str) = ("meta-data/placement/availability-zone", "us-west-2-lax-1a");

fn token() -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_string("tok")
}

#[test]
fn version_2_and_version_1() {
    let programs = Programs::all();
    let table = [
        (token(), true, vec![USER_DATA, REGION]),
        (token(), true, vec![USER_DATA, ZONE]),
        (ResponseTemplate::new(405), false, vec![USER_DATA, REGION]),
        (ResponseTemplate::new(404), false, vec![USER_DATA, ZONE]),
    ];
    for (token, secured, texts) in table {
        let metadata = Metadata::new(token, secured, &texts);
        // A proxy that is dead: the metadata must not be asked of it.
        let tool = metadata.with(programs.tool("upload --dry-run --output json"));
        let output = tool
            .env("http_proxy", "http://127.0.0.1:9")
            .run()
            .expect_status(0);
        let rows: Vec<serde_json::Value> = serde_json::from_str(&output.stdout).unwrap();
        assert!(rows.len() >= 12, "{rows:?}");
        assert!(
            rows.iter().all(|row| row["env_hostclass"] == "ci_mhcweb"),
            "{rows:?}"
        );
        assert_eq!(metadata.requests()[0], "PUT /latest/api/token");
    }
}

#[test]
fn what_is_missing_ends_it() {
    let programs = Programs::all();
    let table = [
        (vec![REGION], "no `hostclass`"),
        (
            vec![REGION, ("user-data", "hostclass=\"mhcweb\"")],
            "no `environment_name`",
        ),
        (
            vec![
                REGION,
                ("user-data", "hostclass=mhcweb\nenvironment_name=ci"),
            ],
            "no `hostclass`",
        ),
        (vec![USER_DATA], "neither a region nor a zone"),
    ];
    for (texts, problem) in table {
        let metadata = Metadata::new(token(), true, &texts);
        let output = metadata
            .with(programs.tool("upload"))
            .run()
            .expect_status(1);
        assert_eq!(output.stdout, "");
        assert!(output.stderr.contains(problem), "{}", output.stderr);
    }
}

#[test]
fn no_metadata_at_all() {
    let programs = Programs::all();
    let off = programs.tool("upload").run().expect_status(1);
    assert!(
        off.stderr.contains("AWS_EC2_METADATA_DISABLED"),
        "{}",
        off.stderr
    );
    let nobody = programs
        .tool("upload")
        .env("AWS_EC2_METADATA_DISABLED", "false")
        .env("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:9")
        .run()
        .expect_status(1);
    assert!(
        nobody
            .stderr
            .contains("metadata service at http://127.0.0.1:9"),
        "{}",
        nobody.stderr
    );
    assert!(nobody.stderr.contains("--dummy"));
}
