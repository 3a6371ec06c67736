//! Listing, showing and updating documents.

use super::{Documents, changing, content};
use crate::support::proxy::{Behaviour, Proxy};
use aws_sdk_ssm::types::DocumentType;

/// The four kinds of change at once, and what must be left alone.
fn mixed() -> Documents {
    let own = Documents::new();
    own.make("same", DocumentType::Command, &content(1));
    own.make("other", DocumentType::Command, &content(2));
    own.make("old", DocumentType::Command, &content(3));
    own.make(
        "flow",
        DocumentType::Automation,
        r#"{"schemaVersion":"0.3","mainSteps":[]}"#,
    );
    own.file(
        "same.ssm",
        "{\"mainSteps\": [ ],\n \"description\": \"number 1\",  \"schemaVersion\": \"2.2\"}",
    );
    own.file("other.ssm", &content(20));
    own.file("brand-new.ssm", &content(4));
    own.file("notes.txt", "not a document");
    own.file("AWS-x.ssm", "not read");
    own
}

const PLAN: &str = "\
+ document brand-new
~ document other: version 1 -> new default version (description)
- document old
";

fn assert_told(stderr: &str) {
    for line in [
        "New documents: brand-new",
        "Documents to delete: old",
        "Documents to update: other",
        "Unchanged documents: same",
        "Left alone, because they are no Command documents: flow",
    ] {
        let told = stderr
            .lines()
            .any(|told| told.ends_with(&format!(" INFO {line}")));
        assert!(told, "{line}:\n{stderr}");
    }
}

#[test]
fn documents_become_like_their_files() {
    let own = mixed();
    let (dry, proxy) = own.watch("update-documents --dry-run");
    let dry = dry.expect_status(0);
    assert_eq!(dry.stdout, PLAN);
    assert_told(&dry.stderr);
    assert_eq!(changing(&proxy), [""; 0]);
    assert_eq!(proxy.count("GetDocument"), 3, "same once, other twice");

    let (real, proxy) = own.watch("update-documents");
    let real = real.expect_status(0);
    assert_eq!(real.stdout, "Done\n");
    assert_told(&real.stderr);
    let mut made = changing(&proxy);
    made.sort();
    assert_eq!(
        made,
        [
            "CreateDocument",
            "DeleteDocument",
            "UpdateDocument",
            "UpdateDocumentDefaultVersion"
        ]
    );
    assert_eq!(own.names(), ["brand-new", "flow", "other", "same"]);
    let pretty = "{\n    \"schemaVersion\": \"2.2\",\n    \"description\": \"number 4\",\n    \"mainSteps\": []\n}";
    assert_eq!(
        own.read("brand-new"),
        ("1".into(), pretty.into(), "1".into())
    );
    assert_eq!(
        own.read("other"),
        ("2".into(), pretty.replace('4', "20"), "2".into())
    );
    assert_eq!(own.read("same").0, "1");

    let (again, proxy) = own.watch("update-documents");
    assert_eq!(again.expect_status(0).stdout, "Done\n");
    assert_eq!(changing(&proxy), [""; 0]);
    let dry = own.run("--dry-run update-documents").expect_status(0);
    assert_eq!(dry.stdout, "no changes\n");
    assert!(
        dry.stderr
            .contains("Unchanged documents: brand-new, other, same"),
        "{}",
        dry.stderr
    );
}

#[test]
fn an_empty_folder_deletes_and_a_missing_one_is_an_error() {
    let own = Documents::new();
    own.make("old", DocumentType::Command, &content(1));
    std::fs::remove_dir(own.config.path().join("ssm/documents")).unwrap();
    let (output, proxy) = own.watch("update-documents");
    let output = output.expect_status(1);
    assert_eq!((output.stdout.as_str(), proxy.calls().len()), ("", 0));
    assert!(
        output.stderr.contains("error: Config path not found: "),
        "{}",
        output.stderr
    );
    std::fs::create_dir(own.config.path().join("ssm/documents")).unwrap();
    let plan = own
        .run("update-documents --dry-run --output json")
        .expect_status(0)
        .stdout;
    assert!(plan.contains(r#""text": "document old""#), "{plan}");
    assert_eq!(
        own.run("update-documents").expect_status(0).stdout,
        "Done\n"
    );
    assert_eq!(own.names(), [""; 0]);
}

#[test]
fn one_bad_file_and_nothing_is_called() {
    let own = mixed();
    own.file("broken.ssm", "{\n  \"a\": 1,,\n}");
    own.file("x.ssm", "{}");
    for words in ["update-documents", "update-documents --dry-run"] {
        let (output, proxy) = own.watch(words);
        let output = output.expect_status(1);
        assert_eq!((output.stdout.as_str(), proxy.calls().len()), ("", 0));
        for text in [
            "ssm/documents/broken.ssm:2: no valid JSON: ",
            "ssm/documents/x.ssm: `x` is no name of an SSM document",
        ] {
            assert!(output.stderr.contains(text), "{}", output.stderr);
        }
    }
    assert_eq!(own.names(), ["flow", "old", "other", "same"]);
}

#[test]
fn a_file_named_like_a_document_of_another_type_is_refused() {
    let own = mixed();
    own.file("flow.ssm", &content(9));
    let (output, proxy) = own.watch("update-documents");
    let output = output.expect_status(1);
    assert!(
        output
            .stderr
            .contains("flow.ssm: document `flow` exists with type Automation"),
        "{}",
        output.stderr
    );
    assert_eq!(changing(&proxy), [""; 0]);
}

#[test]
fn going_back_to_an_old_content_makes_its_version_the_default() {
    let own = Documents::new();
    for n in [1, 2] {
        own.file("abc.ssm", &content(n));
        own.run("update-documents").expect_status(0);
    }
    assert_eq!(own.read("abc").0, "2");
    own.file("abc.ssm", &content(1));
    let (output, proxy) = own.watch("update-documents");
    output.expect_status(0);
    assert_eq!(
        changing(&proxy),
        ["UpdateDocument", "UpdateDocumentDefaultVersion"]
    );
    let (default, text, newest) = own.read("abc");
    assert!(text.contains("number 1"));
    assert_eq!((default.as_str(), newest.as_str()), ("1", "2"));
    assert_eq!(changing(&own.watch("update-documents").1), [""; 0]);
}

#[test]
fn an_update_that_was_cut_short_is_completed() {
    let own = Documents::new();
    own.make("abc", DocumentType::Command, &content(1));
    own.add_version("abc", &content(2));
    own.file("abc.ssm", &content(2));
    let dry = own.run("update-documents --dry-run").expect_status(0);
    assert_eq!(dry.stdout, "~ document abc: default version 1 -> 2\n");
    let (output, proxy) = own.watch("update-documents");
    output.expect_status(0);
    assert_eq!(changing(&proxy), ["UpdateDocumentDefaultVersion"]);
    assert_eq!(own.read("abc").0, "2");
}

fn creating(status: &str) -> String {
    format!(
        r#"{{"DocumentDescription":{{"Name":"abc","DocumentVersion":"1","Status":"{status}"}}}}"#
    )
}

fn described(status: &str) -> String {
    format!(
        r#"{{"Document":{{"Name":"abc","Status":"{status}","StatusInformation":"the attachment is lost"}}}}"#
    )
}

#[test]
fn a_created_document_is_waited_for() {
    let own = Documents::new();
    own.file("abc.ssm", &content(1));
    let missing = r#"{"__type":"InvalidDocument","message":"not yet"}"#;
    let slow = || {
        Behaviour::new()
            .answer_first("CreateDocument", 200, &creating("Creating"))
            .answer_first("DescribeDocument", 400, missing)
            .answer_first("DescribeDocument", 200, &described("Creating"))
            .answer_first("DescribeDocument", 200, &described("Active"))
    };
    let (output, proxy) = own.through(slow(), "update-documents");
    assert_eq!(output.expect_status(0).stdout, "Done\n");
    assert_eq!(proxy.count("DescribeDocument"), 3);
    let (output, proxy) = own.through(slow(), "update-documents --no-wait");
    assert_eq!(output.expect_status(0).stdout, "Done\n");
    assert_eq!(proxy.count("DescribeDocument"), 0);

    let failing = Behaviour::new()
        .answer_first("CreateDocument", 200, &creating("Creating"))
        .answer("DescribeDocument", 200, &described("Failed"));
    let (output, proxy) = own.through(failing, "update-documents");
    let output = output.expect_status(1);
    assert_eq!(
        (output.stdout.as_str(), proxy.count("DescribeDocument")),
        ("", 1)
    );
    let text = "error: + document abc: document abc has failed: the attachment is lost";
    assert!(output.stderr.contains(text), "{}", output.stderr);
}

#[test]
fn a_version_that_failed_does_not_become_the_default() {
    let own = Documents::new();
    own.make("abc", DocumentType::Command, &content(1));
    own.add_version("abc", &content(2));
    own.file("abc.ssm", &content(2));
    let text = |version: u32, status: &str| {
        let content = serde_json::Value::from(content(version));
        format!(
            r#"{{"Name":"abc","DocumentVersion":"{version}","Status":"{status}","Content":{content}}}"#
        )
    };
    // The default and the newest version while it plans, then the newest and the first one.
    let duplicate = r#"{"__type":"DuplicateDocumentContent","message":"the same"}"#;
    let behaviour = Behaviour::new()
        .answer_first("GetDocument", 200, &text(1, "Active"))
        .answer_first("GetDocument", 200, &text(2, "Failed"))
        .answer_first("GetDocument", 200, &text(2, "Failed"))
        .answer_first("GetDocument", 200, &text(1, "Active"))
        .answer("UpdateDocument", 400, duplicate)
        .answer("DescribeDocument", 200, &described("Failed"));
    let (output, proxy) = own.through(behaviour, "update-documents");
    let output = output.expect_status(1);
    let failed = "version 2 of document abc has failed: the attachment is lost";
    assert!(output.stderr.contains(failed), "{}", output.stderr);
    assert_eq!(changing(&proxy), ["UpdateDocument"]);
    // While it is being made, it is waited for.
    let behaviour = Behaviour::new()
        .answer_first("GetDocument", 200, &text(1, "Active"))
        .answer_first("GetDocument", 200, &text(2, "Updating"))
        .answer_first("DescribeDocument", 200, &described("Updating"))
        .answer_first("DescribeDocument", 200, &described("Active"));
    let (output, proxy) = own.through(behaviour, "update-documents");
    output.expect_status(0);
    assert_eq!(proxy.count("DescribeDocument"), 2);
    assert_eq!(changing(&proxy), ["UpdateDocumentDefaultVersion"]);
    assert_eq!(own.read("abc").0, "2");
}

#[test]
fn a_deleted_document_is_waited_for_and_an_error_is_not_taken_for_its_end() {
    let own = Documents::new();
    own.make("old", DocumentType::Command, &content(1));
    let denied = r#"{"__type":"AccessDeniedException","message":"no"}"#;
    let behaviour = Behaviour::new().answer("DescribeDocument", 400, denied);
    let (output, _) = own.through(behaviour, "update-documents");
    let output = output.expect_status(1);
    assert!(
        output.stderr.contains("AccessDeniedException"),
        "{}",
        output.stderr
    );
    own.make("old", DocumentType::Command, &content(1));
    let there = Behaviour::new()
        .answer_first("DescribeDocument", 200, &described("Deleting"))
        .answer_first("DescribeDocument", 200, &described("Deleting"));
    let (output, proxy) = own.through(there, "update-documents");
    output.expect_status(0);
    assert_eq!(proxy.count("DescribeDocument"), 3);
    own.make("old", DocumentType::Command, &content(1));
    let (output, proxy) = own.watch("update-documents --no-wait");
    output.expect_status(0);
    assert_eq!(proxy.count("DescribeDocument"), 0);
}

#[test]
fn one_refused_document_does_not_keep_the_others_from_their_change() {
    let own = mixed();
    let refused = r#"{"__type":"InvalidDocumentOperation","message":"Must unshare document first before delete"}"#;
    let (output, _) = own.through(
        Behaviour::new().answer("DeleteDocument", 400, refused),
        "update-documents",
    );
    let output = output.expect_status(1);
    assert_eq!(output.stdout, "");
    assert!(
        output
            .stderr
            .contains("1 of 3 changes failed (2 done, 0 not started)"),
        "{}",
        output.stderr
    );
    assert!(
        output.stderr.contains("failed: - document old: "),
        "{}",
        output.stderr
    );
    assert_eq!(own.names(), ["brand-new", "flow", "old", "other", "same"]);
    own.run("update-documents").expect_status(0);
    assert_eq!(own.names(), ["brand-new", "flow", "other", "same"]);
}

#[test]
fn throttling_is_waited_out() {
    let own = mixed();
    let behaviour = [
        "ListDocuments",
        "GetDocument",
        "CreateDocument",
        "UpdateDocument",
        "DeleteDocument",
    ]
    .iter()
    .fold(Behaviour::new(), |behaviour, operation| {
        behaviour.throttle(operation, 1)
    });
    let proxy = Proxy::start(own.cloud.url(), behaviour);
    // Adaptive retries would slow the whole test down to the pace of a throttled account.
    let tool = own.tool_at(proxy.url(), "update-documents");
    let output = tool.env("AWS_RETRY_MODE", "standard").run();
    assert_eq!(output.expect_status(0).stdout, "Done\n");
    assert_eq!(own.names(), ["brand-new", "flow", "other", "same"]);
}

#[test]
fn many_documents_are_read_page_by_page() {
    let own = Documents::new();
    for n in 0..53 {
        own.make(&format!("doc-{n:02}"), DocumentType::Command, &content(n));
        own.file(&format!("doc-{n:02}.ssm"), &content(n));
    }
    let (output, proxy) = own.watch("update-documents --dry-run");
    assert_eq!(output.expect_status(0).stdout, "no changes\n");
    assert_eq!(
        (proxy.count("ListDocuments"), proxy.count("GetDocument")),
        (2, 53)
    );
    assert_eq!(
        own.run("list-documents")
            .expect_status(0)
            .stdout
            .lines()
            .count(),
        53
    );
}

#[test]
fn listing() {
    let own = mixed();
    let cut = |text: String| text.replace("Not Implemented (moto)", "Linux");
    insta::assert_snapshot!(cut(own.run("list-documents --headers").expect_status(0).stdout), @r"
    Name                           Owner                Platforms
    flow                           123456789012         Linux
    old                            123456789012         Linux
    other                          123456789012         Linux
    same                           123456789012         Linux
    ");
    let bare = cut(own.run("list-documents").expect_status(0).stdout);
    assert!(
        bare.starts_with("flow ") && bare.lines().count() == 4,
        "{bare}"
    );
    let json = cut(own
        .run("list-documents --headers --output json")
        .expect_status(0)
        .stdout);
    let parsed: serde_json::Value = serde_json::from_str(&json).unwrap();
    insta::assert_snapshot!(serde_json::to_string_pretty(&parsed[0]).unwrap(), @r#"
    {
      "name": "flow",
      "owner": "123456789012",
      "platforms": [
        "Linux"
      ],
      "document_type": "Automation",
      "document_format": "JSON",
      "document_version": "1",
      "schema_version": "0.3"
    }
    "#);
}

#[test]
fn a_document_is_printed_verbatim() {
    let own = Documents::new();
    let text = "{ \"schemaVersion\":\"2.2\",\n\n\t\"description\": \"ä $x\", \"mainSteps\":[] }";
    own.make("abc", DocumentType::Command, text);
    assert_eq!(
        own.run("get-document --name abc").expect_status(0).stdout,
        format!("{text}\n")
    );
    let json = own
        .run("get-document --name abc --output json")
        .expect_status(0)
        .stdout;
    let parsed: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        (&parsed["content"], &parsed["status"]),
        (&text.into(), &"Active".into())
    );
    let none = own.run("get-document --name abcd").expect_status(0);
    assert_eq!(none.stdout, "");
    assert!(
        none.stderr.contains(" INFO there is no document `abcd`"),
        "{}",
        none.stderr
    );
    let (output, proxy) = own.watch("get-document --name AWS-RunShellScript");
    let output = output.expect_status(1);
    assert_eq!((output.stdout.as_str(), proxy.calls().len()), ("", 0));
    assert!(
        output
            .stderr
            .contains("error: `AWS-RunShellScript` belongs to AWS"),
        "{}",
        output.stderr
    );
}
