#![allow(clippy::unwrap_used, clippy::expect_used)]
use super::*;
use proptest::prelude::*;

fn parse(text: &str) -> Result<Definition, ConfigErrors> {
    Definition::parse("t.json", text.as_bytes())
}

fn shown(definition: &Definition) -> Vec<String> {
    let field = |field: &Field| match &field.content {
        Content::Text(text) => format!("{}={text}", field.key),
        Content::Ref(id) => format!("{}->{id}", field.key),
    };
    let objects = definition.objects.iter().map(|object| {
        let fields: Vec<String> = object.fields.iter().map(field).collect();
        format!("{} ({}): {}", object.id, object.name, fields.join(", "))
    });
    let parameters = definition
        .parameters
        .iter()
        .map(|p| format!("{}: {:?}", p.id, p.attributes));
    let values = definition
        .values
        .iter()
        .map(|(id, v)| format!("{id} = {v}"));
    objects.chain(parameters).chain(values).collect()
}

/// The example of AWS' documentation: pipeline definition file syntax, with a schedule, references and a list.
#[test]
fn the_documented_example() {
    let text = r#"{
      "objects": [
        {"id": "CSVId1", "name": "CSV1", "type": "CSV", "column": ["Score INT", "Name STRING"]},
        {"id": "DataInput", "type": "S3DataNode", "dataFormat": {"ref": "CSVId1"}, "schedule": {"ref": "CopyPeriod"},
         "filePath": "s3://my_bucket/source/#{ @scheduledStartTime }", "encryption": false},
        {"id": "CopyPeriod", "type": "Schedule", "period": "1 hour", "startDateTime": "2012-11-22T00:00:00", "occurrences": 4}
      ]
    }"#;
    assert_eq!(
        shown(&parse(text).unwrap()),
        [
            "CSVId1 (CSV1): type=CSV, column=Score INT, column=Name STRING",
            "DataInput (DataInput): type=S3DataNode, dataFormat->CSVId1, schedule->CopyPeriod, \
             filePath=s3://my_bucket/source/#{ @scheduledStartTime }, encryption=false",
            "CopyPeriod (CopyPeriod): type=Schedule, period=1 hour, startDateTime=2012-11-22T00:00:00, occurrences=4",
        ]
    );
}

/// The example of AWS' documentation: parameters and values, by name or as a list.
#[test]
fn the_documented_parameters() {
    let text = r##"{
      "objects": [{"id": "Act", "command": "grep -rc \"GET\" ${INPUT1_STAGING_DIR}/* > #{myOutput}", "type": "ShellCommandActivity"}],
      "parameters": [
        {"id": "myS3InputLoc", "description": "S3 input location", "type": "AWS::S3::ObjectKey",
         "default": "s3://us-east-1.elasticmapreduce.samples/pig-apache-logs/data", "allowedValues": ["a", "b"]}
      ],
      "values": {"myS3OutputLoc": "my_s3_location", "many": ["one", "two"]},
      "metadata": {"templateName": "x"}
    }"##;
    let definition = parse(text).unwrap();
    assert_eq!(definition.parameters[0].id, "myS3InputLoc");
    let attributes: Vec<&str> = definition.parameters[0]
        .attributes
        .iter()
        .map(|(key, _)| key.as_str())
        .collect();
    assert_eq!(
        attributes,
        [
            "description",
            "type",
            "default",
            "allowedValues",
            "allowedValues"
        ]
    );
    let value = |id: &str, text: &str| (id.to_owned(), text.to_owned());
    assert_eq!(
        definition.values,
        [
            value("myS3OutputLoc", "my_s3_location"),
            value("many", "one"),
            value("many", "two")
        ]
    );
}

#[test]
fn the_example_of_the_specification() {
    let text = r#"{"objects": [{"id":"N","kind":["x","y"],"on":{"ref":"S"},"n":"1"}, {"id":"S"}]}"#;
    assert_eq!(
        shown(&parse(text).unwrap())[0],
        "N (N): kind=x, kind=y, on->S, n=1"
    );
}

#[test]
fn problems_name_the_file_and_the_place() {
    let table = [
        ("{", "t.json:1: not valid JSON"),
        ("\n\n[1,]", "t.json:3: not valid JSON"),
        ("[]", "t.json: expected a JSON object with `objects`"),
        ("{}", "t.json: `objects` is missing"),
        (r#"{"objects": {}}"#, "t.json: objects: expected a list"),
        (
            r#"{"objects": [{"id": "a"}, {"name": "b"}]}"#,
            "t.json: objects: number 2 is no object with an `id`",
        ),
        (
            r#"{"objects": [7]}"#,
            "t.json: objects: number 1 is no object with an `id`",
        ),
        (
            r#"{"objects": [{"id": "a"}, {"id": "a"}]}"#,
            "t.json: objects: `a` is there twice",
        ),
        (
            r#"{"objects": [{"id": "a", "x": {"ref": "b"}}]}"#,
            "t.json: a x: there is no object `b`",
        ),
        (
            r#"{"objects": [{"id": "a", "x": null}]}"#,
            "t.json: a x: expected a text",
        ),
        (
            r#"{"objects": [{"id": "a", "x": {"ref": "a", "y": 1}}]}"#,
            "t.json: a x: expected a text",
        ),
        (
            r#"{"objects": [], "parameters": 1}"#,
            "t.json: parameters: expected a list",
        ),
        (
            r#"{"objects": [], "parameters": [{"id": "p", "x": {"ref": "p"}}]}"#,
            "t.json: p x: expected a text",
        ),
        (
            r#"{"objects": [], "values": []}"#,
            "t.json: values: expected an object",
        ),
        (
            r#"{"objects": [], "values": {"v": {}}}"#,
            "t.json: values v: expected a text or a list of texts",
        ),
    ];
    for (text, problem) in table {
        let error = parse(text).unwrap_err().to_string();
        assert!(error.starts_with(problem), "{text}: {error}");
    }
    let both = parse(r#"{"objects": [{"id": "a", "x": null, "y": {"ref": "b"}}]}"#).unwrap_err();
    assert_eq!(both.0.len(), 2, "{both}");
}

#[test]
fn fields_of_the_default_object_are_replaced_or_added() {
    let text =
        r#"{"objects": [{"id": "Default", "subnetId": {"ref": "A"}, "role": "r"}, {"id": "A"}]}"#;
    let mut definition = parse(text).unwrap();
    definition
        .set_default("t.json", "subnetId", "subnet-1")
        .unwrap();
    definition
        .set_default("t.json", "pipelineLogUri", "s3://b/logs/")
        .unwrap();
    assert_eq!(
        shown(&definition)[0],
        "Default (Default): role=r, subnetId=subnet-1, pipelineLogUri=s3://b/logs/"
    );
    let mut without = parse(r#"{"objects": []}"#).unwrap();
    let error = without.set_default("t.json", "a", "b").unwrap_err();
    assert_eq!(
        error.to_string(),
        "t.json: no object `Default`: this is no valid pipeline definition"
    );
}

#[test]
fn values_replace_those_of_the_file() {
    let mut definition =
        parse(r#"{"objects": [], "values": {"a": ["1", "2"], "b": "3"}}"#).unwrap();
    let value = |id: &str, text: &str| (id.to_owned(), text.to_owned());
    definition.set_values(&[value("a", "9"), value("c", "4")]);
    assert_eq!(
        definition.values,
        [value("b", "3"), value("a", "9"), value("c", "4")]
    );
}

#[test]
fn differences_do_not_depend_on_the_order() {
    let objects = |text: &str| parse(text).unwrap().objects;
    let old = objects(
        r#"{"objects": [{"id": "a", "x": "1", "y": ["2", "3"]}, {"id": "b"}, {"id": "c", "z": "1"}]}"#,
    );
    let same = objects(
        r#"{"objects": [{"id": "c", "z": 1}, {"id": "b"}, {"id": "a", "y": ["3", "2"], "x": "1"}]}"#,
    );
    assert_eq!(differences(&old, &same), [""; 0]);
    let other = objects(
        r#"{"objects": [{"id": "a", "x": "1", "y": "2"}, {"id": "d"}, {"id": "c", "z": "1", "name": "n"}]}"#,
    );
    assert_eq!(differences(&old, &other), ["~a", "~c", "+d", "-b"]);
    assert_eq!(differences(&[], &old), ["+a", "+b", "+c"]);
}

/// The templates of the sample configuration: well-formed, with the parameters that the commands give.
#[test]
fn the_shipped_templates() {
    let root =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../datapipeline_templates");
    let table = [
        ("dynamodb_backup", "myOutputS3Loc", true),
        ("dynamodb_restore", "myInputS3Loc", false),
    ];
    for (template, location, scheduled) in table {
        let text = std::fs::read(root.join(format!("{template}.json"))).unwrap();
        let mut definition = Definition::parse(template, &text).unwrap();
        definition
            .set_default(template, "pipelineLogUri", "s3://b/logs/")
            .unwrap();
        let known: Vec<&str> = definition
            .parameters
            .iter()
            .map(|p| p.id.as_str())
            .collect();
        for id in ["myDDBRegion", "myDDBTableName", location] {
            assert!(known.contains(&id), "{template}: {id}");
        }
        assert_eq!(
            known.contains(&"myDDBSchedulePeriod"),
            scheduled,
            "{template}"
        );
        // Every parameter that an expression uses is declared, and every declared one is used.
        let all = String::from_utf8(text).unwrap();
        for id in &known {
            assert!(
                all.contains(&format!("#{{{id}}}")),
                "{template}: {id} is not used"
            );
        }
        for use_of in all.split("#{my").skip(1) {
            let id = format!("my{}", use_of.split('}').next().unwrap());
            assert!(
                known.contains(&id.as_str()),
                "{template}: {id} is not declared"
            );
        }
    }
}

proptest! {
    #[test]
    fn any_text_is_an_answer_or_an_error(text in ".{0,60}") {
        let _ = parse(&text);
    }

    #[test]
    fn any_fields_come_through(keys in prop::collection::btree_map("[a-z]{1,5}", "[ -~]{0,8}", 0..6)) {
        let mut object: Map<String, Value> = keys.iter().map(|(k, v)| (k.clone(), Value::from(v.as_str()))).collect();
        object.remove("name");
        object.insert("id".to_owned(), Value::from("Default"));
        let text = serde_json::json!({ "objects": [object] }).to_string();
        let definition = parse(&text).unwrap();
        let wanted = keys.keys().filter(|key| !["id", "name"].contains(&key.as_str())).count();
        prop_assert_eq!(definition.objects[0].fields.len(), wanted);
    }
}
