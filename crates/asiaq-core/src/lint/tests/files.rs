//! Documents, tables, templates, the overlay and `app_auth`.

use super::*;

#[test]
fn ssm_documents() {
    let sound = "{\"schemaVersion\": \"2.2\",\n\"parameters\": {\"mode\": {\"type\": \"String\"}},\n\"mainSteps\": [\n\
        {\"action\": \"aws:runShellScript\", \"name\": \"a\",\n \"inputs\": {\"runCommand\": [\"x {{ mode }} {{ssm:p}}\"]}}\n]}\n";
    let steps = "\"mainSteps\": [";
    let rows: Vec<(String, &[&str])> = vec![
        (sound.to_owned(), &[]),
        (sound.replace("]}\n", "],}"), &["doc.ssm:6: no valid JSON"]),
        (
            "[]".to_owned(),
            &["doc.ssm:1: an SSM document is a JSON object"],
        ),
        (
            sound.replace("2.2", "0.3"),
            &["doc.ssm:1: `schemaVersion` of a command document"],
        ),
        (
            sound.replace("schemaVersion", "schemaversion"),
            &["doc.ssm:1: unknown member `schemaversion` (did you mean `schemaVersion`?)"],
        ),
        (
            sound.replace("\"2.2\"", "\"1.2\""),
            &["doc.ssm:1: a document of schema 1.2 needs `runtimeConfig`"],
        ),
        (
            sound.replace("aws:runShellScript", "run"),
            &["doc.ssm:4: a step needs an `action`"],
        ),
        (
            sound.replace("\"name\": \"a\",\n", ""),
            &["doc.ssm:4: a step needs a `name`"],
        ),
        (
            sound.replace(
                steps,
                &format!("{steps}{{\"action\": \"aws:x\", \"name\": \"a\"}},"),
            ),
            &["doc.ssm:4: another step is called `a`"],
        ),
        (
            sound.replace("{{ mode", "{{ mod"),
            &["doc.ssm:5: the document has no parameter `mod` (did you mean `mode`?)"],
        ),
        (
            sound.replace("\"String\"", "\"Strin\""),
            &["doc.ssm:2: parameter `mode` has no known `type` (did you mean `String`?)"],
        ),
    ];
    for (text, wanted) in rows {
        let wanted: Vec<String> = wanted
            .iter()
            .map(|told| format!("ssm/documents/{told}"))
            .collect();
        let wanted: Vec<&str> = wanted.iter().map(String::as_str).collect();
        expect(&[("ssm/documents/doc.ssm", &text)], &wanted);
    }
    expect(
        &[("ssm/documents/x.ssm", "{}")],
        &["ssm/documents/x.ssm: `x` is no name of an SSM document"],
    );
    expect(
        &[
            ("ssm/documents/AWS-x.ssm", "{"),
            ("ssm/documents/notes.txt", "{"),
        ],
        &[],
    );
    expect(
        &[
            ("ssm/documents/doc.ssm", sound),
            (
                "disco_aws.ini",
                "+ssm_doc_testing_mode=dok\nssm_doc_integration_tests=AWS-Run\n",
            ),
        ],
        &[
            "disco_aws.ini:9: [mhcweb] ssm_doc_testing_mode: warning: there is no file in ssm/documents `dok` (did you mean `doc`?)",
        ],
    );
}

#[test]
fn tables_and_templates() {
    let table = "{\"TableName\": \"Notes\", \"BillingMode\": \"PAY_PER_REQUEST\",\n\
        \"AttributeDefinitions\": [{\"AttributeName\": \"id\", \"AttributeType\": \"S\"}],\n\"KeySchema\": [{\"AttributeName\": \"id\", \"KeyType\": \"HASH\"}]}";
    let rows: Vec<(String, &[&str])> = vec![
        (table.to_owned(), &[]),
        ("{\"ProvisionedThroughput\": {}}".to_owned(), &[]),
        (
            table.replace("Notes", "No_tes"),
            &["a.json:1: `TableName` has"],
        ),
        (
            table.replace("\"TableName\": \"Notes\",", ""),
            &["a.json:1: `TableName` is missing"],
        ),
        (
            table.replace("BillingMode", "BilingMode"),
            &["a.json:1: unknown member `BilingMode` (did you mean `BillingMode`?)"],
        ),
        (
            table.replace(
                "[{\"AttributeName\": \"id\", \"KeyType",
                "[{\"AttributeName\": \"it\", \"KeyType",
            ),
            &["a.json:3: there is no attribute in `AttributeDefinitions` `it`"],
        ),
        (
            table.replace("HASH", "hash"),
            &["a.json:3: `KeyType` must be"],
        ),
        ("3".to_owned(), &["a.json:1: a table is a JSON object"]),
    ];
    for (text, wanted) in rows {
        let wanted: Vec<String> = wanted
            .iter()
            .map(|told| format!("dynamodb/{told}"))
            .collect();
        let wanted: Vec<&str> = wanted.iter().map(String::as_str).collect();
        expect(&[("dynamodb/a.json", &text)], &wanted);
    }
    let template = "{\"objects\": [{\"id\": \"Default\"},\n{\"id\": \"N\", \"on\": {\"ref\": \"Default\"}}], \"parameters\": [{\"id\": \"p\"}]}";
    let rows: Vec<(String, &[&str])> = vec![
        (template.to_owned(), &[]),
        (
            template.replace("parameters", "params"),
            &["t.json:1: the definition needs a list `parameters`"],
        ),
        (
            template.replace("Default\"},", "Standard\"},"),
            &[
                "t.json:1: there is no object `Default`",
                "t.json:2: there is no object `Default`",
            ],
        ),
        (
            template.replace("\"id\": \"p\"", ""),
            &["t.json:2: this has no `id`"],
        ),
        (
            template.replace("\"id\": \"N\"", "\"id\": \"Default\""),
            &["t.json:2: `Default` is there twice"],
        ),
    ];
    for (text, wanted) in rows {
        let wanted: Vec<String> = wanted
            .iter()
            .map(|told| format!("datapipeline_templates/{told}"))
            .collect();
        let wanted: Vec<&str> = wanted.iter().map(String::as_str).collect();
        expect(&[("datapipeline_templates/t.json", &text)], &wanted);
    }
}

#[test]
fn the_overlay_and_app_auth() {
    let metadata = "discoroot/acfg.metadata";
    expect(
        &[
            (metadata, "# x\n/etc/a~mhcweb 0644 root root\n"),
            ("discoroot/etc/a~mhcweb", ""),
            ("discoroot/b~centos7", ""),
            ("discoroot/empty~mhcdoesnotexist", ""),
            ("discoroot/b~mhcwep~", ""),
            ("discoroot/~mhcwep", ""),
        ],
        &[],
    );
    expect(
        &[(metadata, "\n/etc/a 0644 root\n/etc/b~mhcwep 0644 a b\n")],
        &[
            "discoroot/acfg.metadata:2: `/etc/a 0644 root` has 3 fields",
            "discoroot/acfg.metadata:3: warning: there is no hostclass section `mhcwep`",
        ],
    );
    expect(
        &[("discoroot/etc/a~mhcwep", "")],
        &["discoroot/etc/a~mhcwep: warning: there is no hostclass section `mhcwep`"],
    );
    expect(
        &[(
            "discoroot/opt/config.ini",
            "[logger]\nlevel=INFO\n# level=DEBUG\n  ;level=DEBUG\nlevel = DEBUG\n",
        )],
        &["discoroot/opt/config.ini:5: warning: log level DEBUG"],
    );
    expect(
        &[("app_auth/ci/svc/ann.x", "secret"), ("app_auth/README", "")],
        &[],
    );
    expect(
        &[("app_auth/ci/svc/a b", "s")],
        &["app_auth/ci/svc/a b: hosts cannot refer"],
    );
    expect(
        &[("app_auth/ci/svc/passwd", "s")],
        &["app_auth/ci/svc/passwd: warning: a file `passwd`"],
    );
    expect(
        &[("app_auth/qa/svc/b", "s"), ("app_auth/test/svc/c", "s")],
        &[],
    );
    expect(
        &[
            STAGING,
            ("app_auth/stagin/svc/b", "s"),
            ("app_auth/stagin/svc/c", "s"),
        ],
        &["app_auth/stagin: warning: there is no environment or type `stagin`"],
    );
    expect(
        &[("app_auth/stray", "s")],
        &["app_auth/stray: warning: no effect outside"],
    );
}

#[test]
fn the_overlay_lies_where_bake_looks_for_it() {
    let source = |value: &str| format!("+[bake]\nconfig_data_source={value}\n");
    let told = "/etc/a~mhcwep 0644 a b\n";
    for (value, place) in [
        (".", "discoroot"),
        ("./conf/.", "conf/discoroot"),
        ("conf/", "conf/discoroot"),
    ] {
        let file = format!("{place}/acfg.metadata");
        expect(
            &[("disco_aws.ini", &source(value)), (&file, told)],
            &[&format!(
                "{file}:1: warning: there is no hostclass section `mhcwep`"
            )],
        );
    }
    expect(
        &[
            ("disco_aws.ini", &source("conf")),
            ("discoroot/acfg.metadata", "x\n"),
        ],
        &["disco_aws.ini:10: [bake] config_data_source: there is no conf/discoroot"],
    );
    expect(&[("disco_aws.ini", &source("/nonexistent/x"))], &[]);
}
