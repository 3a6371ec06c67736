//! The folder `iam`.

use super::*;

/// As the one for all files, with the folders that there must be.
#[track_caller]
fn expect(files: Files<'_>, wanted: &[&str]) {
    let folders = [
        ("iam/user_policies/base.iam", ""),
        ("iam/instance_policies/base.iam", ""),
    ];
    super::expect(&[folders.as_slice(), files].concat(), wanted);
}

#[test]
fn folders_that_there_must_be() {
    let user = ("iam/user_policies/a.iam", "");
    let instance = ("iam/instance_policies/a.iam", "");
    let told = |folder: &str| {
        format!("iam/{folder}: there is no folder iam/{folder} with a file: IAM cannot be updated")
    };
    let (no_user, no_instance) = (told("user_policies"), told("instance_policies"));
    super::expect(&[user, instance], &[]);
    super::expect(&[user], &[&no_instance]);
    super::expect(&[instance], &[&no_user]);
    let member = ("iam/group_membership/dev/kim.grp", "");
    super::expect(&[member], &[&no_instance, &no_user]);
    // Who has nothing but buckets does not update IAM.
    super::expect(&[("iam/s3/dev/a.s3audit.lifecycle", "")], &[]);
    super::expect(&[("iam/README.rst", "")], &[]);
}

/// A policy with one statement.
fn policy(statement: &str) -> String {
    format!("{{\"Version\": \"2012-10-17\",\n \"Statement\": [\n  {{{statement}}}\n]}}\n")
}

#[test]
fn policies_of_iam() {
    let allow = "\"Effect\": \"Allow\", \"Action\": \"s3:*\", \"Resource\": \"*\"";
    let trust = "\"Effect\": \"Allow\", \"Action\": \"sts:AssumeRole\", \"Principal\": {\"Service\": \"ec2.amazonaws.com\"}";
    let (fine, trusted) = (policy(allow), policy(trust));
    let rows: Vec<(String, &[&str])> = vec![
        (fine.clone(), &[]),
        (String::new(), &[]),
        (
            policy(&format!("\"Sid\": \"A1\", {allow}, \"Condition\": {{}}")),
            &[],
        ),
        (
            "{\n\"Version\": }".to_owned(),
            &["a.iam:2: no valid JSON: expected value"],
        ),
        ("[]".to_owned(), &["a.iam:1: a policy is a JSON object"]),
        (
            fine.replace("2012-10-17", "2012-10-18"),
            &["a.iam:1: `Version` is the version"],
        ),
        (
            fine.replace("\"Version\": \"2012-10-17\",", ""),
            &["a.iam:1: warning: the policy has no `Version`"],
        ),
        (
            "{\"Version\": \"2012-10-17\",\n\"Statement\": []}".to_owned(),
            &["a.iam:2: the policy has no statement"],
        ),
        (
            "{\"Version\": \"2012-10-17\",\n\"Statement\": [\n1]}".to_owned(),
            &["a.iam:3: a statement is a JSON object"],
        ),
        (
            fine.replace(
                "\"Statement\"",
                "\"Id\": \"x\", \"Statment\": 1, \"Statement\"",
            ),
            &["a.iam:2: a policy has no element `Statment` (did you mean `Statement`?)"],
        ),
        (
            policy(&allow.replace("Allow", "allow")),
            &["a.iam:3: `Effect` must be"],
        ),
        (
            policy(&allow.replace("Effect", "Efect")),
            &["a.iam:3: a policy has no element `Efect` (did you mean `Effect`?)"],
        ),
        (
            policy("\"Effect\": \"Deny\", \"Resource\": \"*\""),
            &["a.iam:3: the statement has no `Action`"],
        ),
        (
            policy("\"Effect\": \"Deny\", \"NotAction\": \"s3:*\", \"NotResource\": \"*\""),
            &[],
        ),
        (
            policy(&format!("{allow}, \"NotAction\": \"s3:*\"")),
            &["a.iam:3: a statement has either `Action` or `NotAction`"],
        ),
        (
            policy("\"Effect\": \"Deny\", \"Action\": \"s3:*\""),
            &["a.iam:3: the statement has no `Resource`"],
        ),
        (
            policy(&format!("{allow}, \"Principal\": \"*\"")),
            &["a.iam:3: a policy of this kind has no `Principal`"],
        ),
        (
            policy(&allow.replace("\"s3:*\"", "[\"s3:a\",\n \"s3\"]")),
            &["a.iam:4: `s3` is no action"],
        ),
        (
            policy(&allow.replace("Resource\": \"*", "Resource\": \"bucket")),
            &["a.iam:3: `bucket` is no resource"],
        ),
        (
            policy(&format!("\"Sid\": \"a b\", {allow}")),
            &["a.iam:3: the Sid `a b` has more"],
        ),
        (
            policy(&format!(
                "\"Sid\": \"a\", {allow}}},\n{{\"Sid\": \"a\", {allow}"
            )),
            &["a.iam:4: another statement has the Sid `a`"],
        ),
        (
            policy(&format!("{allow}, \"Condition\": \"{}\"", "x".repeat(5200))),
            &["a.iam:1: the policy has 53"],
        ),
    ];
    for (text, wanted) in rows {
        let wanted: Vec<String> = wanted
            .iter()
            .map(|told| format!("iam/user_policies/{told}"))
            .collect();
        let wanted: Vec<&str> = wanted.iter().map(String::as_str).collect();
        expect(&[("iam/user_policies/a.iam", &text)], &wanted);
    }
    expect(
        &[
            ("iam/user_policies/a.iam", &fine),
            ("iam/user_policies/a.tr", &trusted),
        ],
        &[],
    );
    expect(
        &[("iam/instance_policies/a.iam", &trusted)],
        &[
            "iam/instance_policies/a.iam:3: the statement has no `Resource`",
            "iam/instance_policies/a.iam:3: a policy of this kind has no `Principal`",
        ],
    );
    expect(
        &[("iam/user_policies/b.tr", &trusted)],
        &["iam/user_policies/b.tr: warning: there is no policy in iam/user_policies `b`"],
    );
    expect(
        &[("iam/user_policies/a b.iam", &fine)],
        &["iam/user_policies/a b.iam: `a b` is no name of a policy"],
    );
    expect(
        &[("iam/federation/AssumeRolePolicyDocument.iam", &trusted)],
        &["iam/federation/AssumeRolePolicyDocument.iam: roles cannot trust"],
    );
    let saml = ("disco_aws.ini", "+[iam]\nsaml_provider_name@prod=x\n");
    expect(
        &[
            saml,
            ("iam/federation/AssumeRolePolicyDocument.iam", &trusted),
        ],
        &[],
    );
    let default = ("disco_aws.ini", "+[DEFAULT]\nsaml_provider_name=x\n[iam]\n");
    expect(
        &[
            default,
            ("iam/federation/AssumeRolePolicyDocument.iam", &trusted),
        ],
        &[],
    );
}

#[test]
fn files_of_iam() {
    let fine = policy("\"Effect\": \"Allow\", \"Action\": \"s3:*\", \"Resource\": \"*\"");
    let ops = ("iam/user_policies/ops.iam", fine.as_str());
    expect(
        &[
            ops,
            ("iam/group_membership/dev/kim@x.com.grp", "ops\n"),
            ("iam/README.rst", "x"),
            ("iam/s3/x.md", "x"),
        ],
        &[],
    );
    expect(
        &[
            ops,
            ("iam/group_membership/dev/kim.grp", "ops\n\n  opps ops"),
        ],
        &[
            "iam/group_membership/dev/kim.grp:3: there is no policy in iam/user_policies `opps` (did you mean `ops`?)",
        ],
    );
    expect(
        &[ops, ("iam/group_membership/dev/k m.grp", "")],
        &["iam/group_membership/dev/k m.grp: `k m` is no name of a user"],
    );
    expect(
        &[ops, ("iam/group_membership/dev/kim.grpp", "ops")],
        &[
            "iam/group_membership/dev/kim.grpp: warning: no tool reads this file (did you mean `.grp`?)",
        ],
    );
    let left_out = ("disco_aws.ini", "+[iam]\npolicy_blacklist@dev=ops\n");
    expect(
        &[ops, left_out, ("iam/group_membership/dev/kim.grp", "ops")],
        &["iam/group_membership/dev/kim.grp:1: warning: account dev has no group `ops`"],
    );
    expect(
        &[ops, left_out, ("iam/group_membership/prod/kim.grp", "ops")],
        &[],
    );
    expect(
        &[("disco_aws.ini", "+[iam]\nnaked_roles=opps\n"), ops],
        &[
            "disco_aws.ini:10: [iam] naked_roles: warning: there is no policy in iam/user_policies `opps`",
        ],
    );
    expect(
        &[("iam/user_polices/ops.iam", &fine)],
        &[
            "iam/user_polices/ops.iam: warning: nothing is read from a folder iam/user_polices (did you mean `user_policies`?)",
        ],
    );
    expect(
        &[("iam/user_policies/ops.example", "{")],
        &["iam/user_policies/ops.example:1: no valid JSON"],
    );
}

#[test]
fn settings_of_buckets() {
    let audit = ("iam/s3/dev/REGION.PROJECT.s3audit.dev.lifecycle", "");
    let file = |name: &str| format!("iam/s3/dev/{name}");
    let rows: [(&str, &str, &[&str]); 12] = [
        (
            "a.lifecycle",
            "{\"Rules\": [{\"Status\": \"Enabled\"}]}",
            &[],
        ),
        ("default.versioning", "{\"Status\": \"Enabled\"}", &[]),
        (
            "default.versioning",
            "{\"Status\": \"On\"}",
            &["default.versioning:1: `Status` must be `Enabled` or `Suspended`"],
        ),
        (
            "default.logging",
            "{\"LoggingEnabled\": {\"TargetBucket\": \"b\"}}",
            &[],
        ),
        (
            "default.logging",
            "{}",
            &["default.logging:1: `LoggingEnabled` must"],
        ),
        (
            "default.acp",
            "{}",
            &["default.acp:1: `Grants` must be a list"],
        ),
        (
            "default.iam",
            "{\"Statement\": 1, \"Version\": \"2012-10-17\"}",
            &["default.iam:1: the policy has no statement"],
        ),
        (
            "default.lifecycle",
            "",
            &["default.lifecycle: warning: `default` is no bucket"],
        ),
        (
            "a.lifecycle",
            "{}",
            &["a.lifecycle:1: a lifecycle has a list `Rules`"],
        ),
        (
            "a.lifecycle",
            "{\"Rules\": [\n{}]}",
            &["a.lifecycle:2: `Status` must be `Enabled` or `Disabled`"],
        ),
        (
            "b.versioning",
            "",
            &["b.versioning: warning: no effect without `b.lifecycle`"],
        ),
        (
            "b.versionin",
            "",
            &["b.versionin: warning: no tool reads this file (did you mean `.versioning`?)"],
        ),
    ];
    for (name, text, wanted) in rows {
        let wanted: Vec<String> = wanted.iter().map(|told| file(told)).collect();
        let wanted: Vec<&str> = wanted.iter().map(String::as_str).collect();
        expect(&[audit, (&file(name), text)], &wanted);
    }
    expect(
        &[(&file("a.lifecycle"), "")],
        &["iam/s3/dev: account dev: there must be one file *s3audit*.lifecycle"],
    );
    expect(
        &[audit, (&file("z.s3audit.lifecycle"), "")],
        &["iam/s3/dev/z.s3audit.lifecycle: account dev: there must be one"],
    );
}
