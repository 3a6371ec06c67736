//! `list`: columns, padding, JSON. Jenkins jobs depend on the text.

use super::{create, fixed, run};
use crate::support::cloud::Cloud;
use crate::support::config::TestConfig;
use crate::support::environment::{default_vpc, vpc_ids};
use aws_sdk_ec2::types::Tag;

#[test]
fn listings() {
    let (cloud, config) = (Cloud::start(), fixed());
    create(&cloud, &config);
    let ec2 = cloud.client();
    let made = cloud.wait(ec2.create_vpc().cidr_block("10.50.0.0/16").send());
    let long = made.unwrap().vpc.unwrap().vpc_id.unwrap();
    let name = Tag::builder()
        .key("Name")
        .value("a-name-of-more-than-15")
        .build();
    cloud
        .wait(ec2.create_tags().resources(&long).tags(name).send())
        .unwrap();
    let default = default_vpc(&cloud);
    let ci = &vpc_ids(&cloud, "ci")[0];

    // Neither file nor environment is needed; options may stand on both sides of the command, and be shortened.
    let nothing = TestConfig::new();
    let text = run(cloud.url(), &nothing, "list").expect_status(0);
    let wanted = format!(
        "{default}\t-              \n{ci}\tci             \n{long}\ta-name-of-more-than-15\n"
    );
    assert_eq!((text.stdout, text.stderr), (wanted, String::new()));
    let typed = format!(
        "{default}\t-              \t-\n{ci}\tci             \tci\n{long}\ta-name-of-more-than-15\t-\n"
    );
    for words in ["list --type", "list --ty", "--output text list --type"] {
        assert_eq!(
            run(cloud.url(), &nothing, words).expect_status(0).stdout,
            typed,
            "{words}"
        );
    }

    let table = [
        "list --output json",
        "--output=json list",
        "--out json list --type",
    ];
    let outputs = table.map(|words| run(cloud.url(), &nothing, words).expect_status(0).stdout);
    assert!(outputs.iter().all(|own| *own == outputs[0]));
    let all: Vec<serde_json::Value> = serde_json::from_str(&outputs[0]).unwrap();
    let own = &all[1];
    let keys: Vec<&String> = own.as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        [
            "id",
            "name",
            "type",
            "cidr_block",
            "cidr_blocks",
            "is_default",
            "tags"
        ]
    );
    assert_eq!(own["id"], ci.as_str());
    assert_eq!((&own["name"], &own["type"]), (&"ci".into(), &"ci".into()));
    assert_eq!(own["cidr_block"], "10.0.0.0/20");
    assert_eq!(own["cidr_blocks"], serde_json::json!(["10.0.0.0/20"]));
    assert_eq!(
        (&own["is_default"], &all[0]["is_default"]),
        (&false.into(), &true.into())
    );
    assert_eq!(own["tags"]["application"], "rehearsal");
    assert_eq!(
        (&all[0]["name"], &all[2]["type"]),
        (&"-".into(), &"-".into())
    );
}
