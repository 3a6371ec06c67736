//! The folder `iam`: names of files, JSON, policies, members of groups, and the settings of buckets (spec 60, sections 1.2
//! and 6.1). What a policy must look like is in `policies`.

use super::json::{Json, Step};
use super::policies::{self, Policy};
use super::references::{unknown, with_meant};
use super::sections::DEFAULTS;
use super::tree::{File, Tree};
use crate::config::check::Problems;
use crate::config::suggest::nearest;
use crate::config::{ConfigError, Location};
use serde_json::Value;

/// Kinds of files for a bucket.
const BUCKET: [&str; 6] = ["lifecycle", "iam", "acp", "versioning", "web", "logging"];
const FOLDERS: [&str; 5] = [
    "user_policies",
    "instance_policies",
    "federation",
    "group_membership",
    "s3",
];
/// Folders without which nothing is done with the others.
const REQUIRED: [&str; 2] = ["user_policies", "instance_policies"];
const FEDERATION: &str = "federation/AssumeRolePolicyDocument.iam";
/// Longest name of a policy, of a user.
const LONGEST_POLICY: usize = 100;
const LONGEST_USER: usize = 64;

/// Checks the folder.
pub(super) fn check(tree: &Tree, problems: &mut Problems) {
    let Some(files) = &tree.iam else {
        return;
    };
    let policies: Vec<String> = files
        .iter()
        .filter_map(|file| {
            file.name
                .strip_prefix("user_policies/")?
                .strip_suffix(".iam")
        })
        .map(str::to_owned)
        .collect();
    for file in files.iter().filter(|file| !is_ignored(&file.name)) {
        let parts: Vec<&str> = file.name.split('/').collect();
        match parts.as_slice() {
            ["user_policies", name] => match name.rsplit_once('.') {
                Some((stem, "iam")) => policy(file, stem, Policy::Group, problems),
                Some((stem, "tr")) => {
                    policy(file, stem, Policy::Trust, problems);
                    if let Some(error) = unknown("policy in iam/user_policies", stem, &policies) {
                        problems.warning(error.at(Location::file(&file.path)));
                    }
                }
                _ => stray(file, &["iam", "tr"], problems),
            },
            ["instance_policies", name] => match name.rsplit_once('.') {
                Some((stem, "iam")) => policy(file, stem, Policy::Role, problems),
                _ => stray(file, &["iam"], problems),
            },
            ["federation", _] if file.name == FEDERATION => {
                policy(file, "AssumeRolePolicyDocument", Policy::Trust, problems);
                provider(tree, file, problems);
            }
            ["group_membership", account, name] => match name.strip_suffix(".grp") {
                Some(user) => members(tree, file, account, user, &policies, problems),
                None => stray(file, &["grp"], problems),
            },
            ["s3", account, name] => bucket(files, file, account, name, problems),
            [folder, _, ..] if !FOLDERS.contains(folder) => {
                let error = ConfigError::new(format!("nothing is read from a folder iam/{folder}"));
                let error = with_meant(error, nearest(folder, &FOLDERS));
                problems.warning(error.at(Location::file(&file.path)));
            }
            _ => stray(file, &[], problems),
        }
    }
    folders(files, problems);
    audit_buckets(files, problems);
}

/// An update of IAM is refused without both folders of policies (spec 60, section 1.3). A tree with nothing but buckets has
/// no use for them. An empty folder is none: git does not keep it.
fn folders(files: &[File], problems: &mut Problems) {
    let has = |folder: &str| {
        let mut names = files.iter().filter_map(|file| file.name.split_once('/'));
        names.any(|(first, _)| first == folder)
    };
    let is_used = FOLDERS.iter().any(|folder| *folder != "s3" && has(folder));
    let top = files
        .iter()
        .find_map(|file| file.path.strip_suffix(file.name.as_str()));
    for folder in REQUIRED.iter().filter(|folder| is_used && !has(folder)) {
        let text = format!("there is no folder iam/{folder} with a file: IAM cannot be updated");
        let place = Location::file(format!("{}{folder}", top.unwrap_or("iam/")));
        problems.error(ConfigError::new(text).at(place));
    }
}

/// Texts for people, and what editors and desktops leave behind.
fn is_ignored(name: &str) -> bool {
    let own = name.rsplit('/').next().unwrap_or(name);
    let ends = [
        ".rst",
        ".md",
        ".txt",
        ".DS_Store",
        "~",
        ".swp",
        ".gitkeep",
        ".nosync",
    ];
    own.starts_with("README") || ends.iter().any(|end| own.ends_with(end))
}

/// A file that no tool reads: empty or JSON, and not nearly one that is read.
fn stray(file: &File, kinds: &[&str], problems: &mut Problems) {
    let kind = file.name.rsplit_once('.').map_or("", |(_, kind)| kind);
    if let Some(meant) = nearest(kind, kinds) {
        let error = ConfigError::new("no tool reads this file").at(Location::file(&file.path));
        problems.warning(error.with_hint(format!("did you mean `.{meant}`?")));
    } else {
        json(file, problems);
    }
}

/// The JSON of a file; `None` if it is empty, which is allowed everywhere, or wrong.
fn json<'a>(file: &'a File, problems: &mut Problems) -> Option<Json<'a>> {
    if file.text.is_empty() {
        return None;
    }
    match Json::parse(file) {
        Ok(json) => Some(json),
        Err(error) => {
            problems.error(error);
            None
        }
    }
}

fn fits(name: &str, longest: usize) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
    (1..=longest).contains(&name.len()) && name.chars().all(allowed)
}

fn policy(file: &File, stem: &str, kind: Policy, problems: &mut Problems) {
    if !fits(stem, LONGEST_POLICY) {
        let text = format!("`{stem}` is no name of a policy: use letters, digits and `_+=,.@-`");
        problems.error(ConfigError::new(text).at(Location::file(&file.path)));
    }
    if let Some(json) = json(file, problems) {
        policies::check(&json, &file.text, kind, problems);
    }
}

/// A document for federation is an error without a provider (spec 60, section 1.3).
fn provider(tree: &Tree, file: &File, problems: &mut Problems) {
    let Some(aws) = &tree.aws else {
        return;
    };
    let name = "saml_provider_name";
    let ini = aws.ini();
    // Without a section there is nothing that [DEFAULT] could stand in for.
    let inherited = ini.options(DEFAULTS).filter(|_| ini.has_section("iam"));
    let any = ini
        .options("iam")
        .chain(inherited)
        .any(|key| key.split('@').next() == Some(name));
    if !any {
        let text = format!("roles cannot trust an identity provider: `{name}` is not set");
        let error = ConfigError::new(text).at(Location::file(&file.path));
        problems.error(error.with_hint("set it in `[iam]` of disco_aws.ini, or rename this file"));
    }
}

/// A user and the groups that it is in.
fn members(
    tree: &Tree,
    file: &File,
    account: &str,
    user: &str,
    policies: &[String],
    problems: &mut Problems,
) {
    if !fits(user, LONGEST_USER) {
        let text =
            format!("`{user}` is no name of a user: use up to 64 letters, digits and `_+=,.@-`");
        problems.error(ConfigError::new(text).at(Location::file(&file.path)));
    }
    let Ok(text) = std::str::from_utf8(&file.text) else {
        problems
            .error(ConfigError::new("this file is not valid UTF-8").at(Location::file(&file.path)));
        return;
    };
    let aws = tree.aws.as_ref();
    let left_out = aws.and_then(|aws| aws.iam_option(account, "policy_blacklist").ok()?);
    let left_out = left_out.map(|found| found.value).unwrap_or_default();
    for (index, line) in text.lines().enumerate() {
        for group in line.split_whitespace() {
            let place = Location::line(&file.path, index + 1);
            if let Some(error) = unknown("policy in iam/user_policies", group, policies) {
                problems.error(error.at(place));
            } else if left_out.split_whitespace().any(|name| name == group) {
                let text =
                    format!("account {account} has no group `{group}`: it is in policy_blacklist");
                problems.warning(ConfigError::new(text).at(place));
            }
        }
    }
}

/// One file about a bucket.
fn bucket(files: &[File], file: &File, account: &str, name: &str, problems: &mut Problems) {
    let Some((stem, kind)) = name
        .rsplit_once('.')
        .filter(|(_, kind)| BUCKET.contains(kind))
    else {
        stray(file, &BUCKET, problems);
        return;
    };
    let beside = format!("s3/{account}/{stem}.lifecycle");
    let managed = files.iter().any(|other| other.name == beside);
    let problem = match (stem, kind) {
        ("default", "lifecycle") => {
            Some("`default` is no bucket: a lifecycle cannot be a default".to_owned())
        }
        ("default", _) => None,
        _ if !managed => Some(format!(
            "no effect without `{stem}.lifecycle`, which makes the bucket"
        )),
        _ => None,
    };
    if let Some(problem) = problem {
        problems.warning(ConfigError::new(problem).at(Location::file(&file.path)));
    }
    let Some(json) = json(file, problems) else {
        return;
    };
    let text = |path: &str| json.value.pointer(path).and_then(Value::as_str);
    match kind {
        "iam" => policies::check(&json, &file.text, Policy::Bucket, problems),
        "lifecycle" => lifecycle(&json, problems),
        "versioning" if !matches!(text("/Status"), Some("Enabled" | "Suspended")) => {
            problems.error(json.wrong(
                &[Step::Key("Status")],
                "`Status` must be `Enabled` or `Suspended`",
            ));
        }
        "logging" if text("/LoggingEnabled/TargetBucket").is_none() => {
            let place = [Step::Key("LoggingEnabled")];
            problems.error(json.wrong(&place, "`LoggingEnabled` must have a `TargetBucket`"));
        }
        "acp" if !json.value.get("Grants").is_some_and(Value::is_array) => {
            problems.error(json.wrong(&[Step::Key("Grants")], "`Grants` must be a list"));
        }
        _ => {}
    }
}

fn lifecycle(json: &Json<'_>, problems: &mut Problems) {
    let Some(rules) = json.value.get("Rules").and_then(Value::as_array) else {
        problems.error(json.wrong(&[Step::Key("Rules")], "a lifecycle has a list `Rules`"));
        return;
    };
    for (index, rule) in rules.iter().enumerate() {
        let status = rule.get("Status").and_then(Value::as_str);
        if !matches!(status, Some("Enabled" | "Disabled")) {
            let place = [Step::Key("Rules"), Step::Item(index), Step::Key("Status")];
            problems.error(json.wrong(&place, "`Status` must be `Enabled` or `Disabled`"));
        }
    }
}

/// Each account has exactly one bucket for the logs of the others.
fn audit_buckets(files: &[File], problems: &mut Problems) {
    let mut accounts: Vec<(&str, Vec<&File>)> = Vec::new();
    for file in files {
        let Some((account, name)) = file
            .name
            .strip_prefix("s3/")
            .and_then(|name| name.split_once('/'))
        else {
            continue;
        };
        if !name.ends_with(".lifecycle") {
            continue;
        }
        if accounts.last().is_none_or(|(last, _)| *last != account) {
            accounts.push((account, Vec::new()));
        }
        if let Some((_, own)) = accounts.last_mut() {
            own.push(file);
        }
    }
    for (account, own) in accounts {
        let is_audit = |file: &&&File| {
            file.name
                .rsplit('/')
                .next()
                .is_some_and(|name| name.contains("s3audit"))
        };
        let audit: Vec<&&File> = own.iter().filter(is_audit).collect();
        let text = "there must be one file *s3audit*.lifecycle: the bucket that others log to";
        match (audit.as_slice(), own.first()) {
            ([_], _) => {}
            ([], Some(first)) => {
                let folder = first.path.rsplit_once('/').map_or("", |(folder, _)| folder);
                problems.error(
                    ConfigError::new(format!("account {account}: {text}"))
                        .at(Location::file(folder)),
                );
            }
            (several, _) => {
                for file in several.iter().skip(1) {
                    problems.error(
                        ConfigError::new(format!("account {account}: {text}"))
                            .at(Location::file(&file.path)),
                    );
                }
            }
        }
    }
}
