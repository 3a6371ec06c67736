//! What an IAM policy must look like, so that AWS takes it. Which actions and resources there are is left to AWS.

use super::json::{Json, Step};
use super::references::with_meant;
use crate::config::ConfigError;
use crate::config::check::Problems;
use crate::config::suggest::nearest;
use serde_json::{Map, Value};

/// Where a policy is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Policy {
    /// Inline policy of a group, and of a role.
    Group,
    /// Inline policy of a role.
    Role,
    /// Who may take a role.
    Trust,
    /// Policy of a bucket.
    Bucket,
}

const VERSIONS: [&str; 2] = ["2012-10-17", "2008-10-17"];
const MEMBERS: [&str; 3] = ["Version", "Id", "Statement"];
const STATEMENT: [&str; 9] = [
    "Sid",
    "Effect",
    "Principal",
    "NotPrincipal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
];

impl Policy {
    fn has_principal(self) -> bool {
        matches!(self, Policy::Trust | Policy::Bucket)
    }

    fn has_resource(self) -> bool {
        self != Policy::Trust
    }

    /// How many characters AWS takes, blanks not counted.
    fn longest(self) -> usize {
        match self {
            Policy::Group => 5120,
            Policy::Role => 10240,
            Policy::Trust => 4096,
            Policy::Bucket => 20480,
        }
    }
}

/// Checks a policy.
pub(super) fn check(json: &Json<'_>, text: &[u8], kind: Policy, problems: &mut Problems) {
    let Value::Object(policy) = &json.value else {
        problems.error(json.wrong(&[], "a policy is a JSON object, in braces"));
        return;
    };
    let size = text
        .iter()
        .filter(|byte| !byte.is_ascii_whitespace())
        .count();
    if size > kind.longest() {
        let text = format!(
            "the policy has {size} characters without blanks: AWS takes {}",
            kind.longest()
        );
        problems.error(json.wrong(&[], text));
    }
    strangers(json, policy, &MEMBERS, &[], problems);
    match policy.get("Version").map(Value::as_str) {
        Some(Some(version)) if VERSIONS.contains(&version) => {}
        Some(_) => problems.error(json.wrong(
            &[Step::Key("Version")],
            "`Version` is the version of the language: \"2012-10-17\"",
        )),
        None => {
            problems.warning(json.wrong(&[], "the policy has no `Version`: write \"2012-10-17\""))
        }
    }
    let key = Step::Key("Statement");
    let statements: Vec<(Vec<Step<'_>>, &Value)> = match policy.get("Statement") {
        Some(Value::Array(all)) if !all.is_empty() => {
            let items = all.iter().enumerate();
            items
                .map(|(index, one)| (vec![key, Step::Item(index)], one))
                .collect()
        }
        Some(one @ Value::Object(_)) => vec![(vec![key], one)],
        _ => {
            problems.error(json.wrong(&[key], "the policy has no statement"));
            return;
        }
    };
    let mut sids: Vec<&str> = Vec::new();
    for (place, one) in statements {
        let Value::Object(one) = one else {
            problems.error(json.wrong(&place, "a statement is a JSON object, in braces"));
            continue;
        };
        statement(json, one, &place, kind, problems);
        if let Some(sid) = one.get("Sid").and_then(Value::as_str) {
            let place = [place.as_slice(), &[Step::Key("Sid")]].concat();
            let plain = sid.bytes().all(|b| b.is_ascii_alphanumeric());
            if sids.contains(&sid) {
                problems.error(
                    json.wrong(&place, format!("another statement has the Sid `{sid}` too")),
                );
            } else if !plain && kind != Policy::Bucket {
                problems.error(json.wrong(
                    &place,
                    format!("the Sid `{sid}` has more than letters and digits"),
                ));
            }
            sids.push(sid);
        }
    }
}

fn strangers(
    json: &Json<'_>,
    object: &Map<String, Value>,
    known: &[&str],
    place: &[Step<'_>],
    problems: &mut Problems,
) {
    for name in object.keys().filter(|name| !known.contains(&name.as_str())) {
        let place = [place, &[Step::Key(name)]].concat();
        let error: ConfigError = json.wrong(&place, format!("a policy has no element `{name}`"));
        problems.error(with_meant(error, nearest(name, known)));
    }
}

fn statement(
    json: &Json<'_>,
    one: &Map<String, Value>,
    place: &[Step<'_>],
    kind: Policy,
    problems: &mut Problems,
) {
    let at = |name: &'static str| [place, &[Step::Key(name)]].concat();
    let known = problems.len();
    strangers(json, one, &STATEMENT, place, problems);
    // A misspelt element is missing under its right name: that is one problem.
    let misspelt = problems.len() > known;
    match one.get("Effect").map(Value::as_str) {
        Some(Some("Allow" | "Deny")) => {}
        None if misspelt => {}
        _ => problems.error(json.wrong(&at("Effect"), "`Effect` must be `Allow` or `Deny`")),
    }
    let pairs = [
        ("Action", "NotAction", true),
        ("Resource", "NotResource", kind.has_resource()),
        ("Principal", "NotPrincipal", kind.has_principal()),
    ];
    for (name, not, wanted) in pairs {
        let given = [name, not].map(|name| one.contains_key(name));
        match given {
            [true, true] => {
                let text = format!("a statement has either `{name}` or `{not}`");
                problems.error(json.wrong(&at(not), text));
            }
            [false, false] if wanted && !misspelt => {
                let text = format!("the statement has no `{name}`");
                problems.error(json.wrong(place, text));
            }
            [false, false] => {}
            [own, _] if !wanted => {
                let name = if own { name } else { not };
                let text = format!("a policy of this kind has no `{name}`");
                problems.error(json.wrong(&at(name), text));
            }
            _ => {}
        }
    }
    for name in ["Action", "NotAction"] {
        for (steps, word) in texts(one.get(name)) {
            let fine = word == "*"
                || word
                    .split_once(':')
                    .is_some_and(|(s, a)| !s.is_empty() && !a.is_empty());
            if !fine {
                let text = format!("`{word}` is no action: write SERVICE:ACTION");
                problems.error(json.wrong(&[at(name), steps].concat(), text));
            }
        }
    }
    for name in ["Resource", "NotResource"] {
        for (steps, word) in texts(one.get(name)) {
            if word != "*" && !word.starts_with("arn:") && !word.starts_with('$') {
                let text = format!("`{word}` is no resource: they begin with arn:");
                problems.error(json.wrong(&[at(name), steps].concat(), text));
            }
        }
    }
}

/// The texts of a text or list, each with the steps to it.
fn texts(value: Option<&Value>) -> Vec<(Vec<Step<'static>>, &str)> {
    match value {
        Some(Value::String(one)) => vec![(Vec::new(), one)],
        Some(Value::Array(all)) => {
            let items = all.iter().enumerate();
            items
                .filter_map(|(index, one)| Some((vec![Step::Item(index)], one.as_str()?)))
                .collect()
        }
        _ => Vec::new(),
    }
}
