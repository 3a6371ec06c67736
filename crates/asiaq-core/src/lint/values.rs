//! What the value of an option must look like, as far as one sees it without knowing anything else. What the tools' own
//! readers check is left to them.

use crate::config::check::Severity;
use crate::config::is_truthy;
use crate::network::lists::words;
use std::net::IpAddr;

/// What kind of value an option has.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// Any text, or one that its own reader checks.
    Text,
    /// Any text that is not empty.
    Filled,
    /// A boolean: `true yes t y aye 1` mean yes, everything else no.
    Bool,
    /// A boolean of which only the word `true` means yes.
    OnlyTrue,
    /// An integer within bounds.
    Whole(u64, u64),
    /// Digits only, as thresholds of alarms are.
    Digits,
    /// A fraction: more than 0, up to 1.
    Fraction,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// A deployment strategy; a remark after ` #` does not belong to it.
    Strategy,
    /// A metanetwork.
    Net,
    /// The name of a hostclass.
    Hostclass,
    /// Names of hostclasses, separated by blanks.
    Hostclasses,
    /// The name of an environment.
    Environment,
    /// A section that describes a base image.
    Image,
    /// The name of an SSM document.
    Document,
    /// A policy of `iam/user_policies`.
    Policy,
    /// Policies of `iam/user_policies`, separated by blanks.
    Policies,
    /// An EC2 instance type.
    Instance,
    /// An instance class of RDS.
    Database,
    /// A node type of ElastiCache.
    Cache,
    /// An instance type of Elasticsearch.
    Search,
    /// Addresses and networks, separated by blanks.
    Addresses,
    /// The id of an image.
    Ami,
    /// Numbers of accounts, separated by blanks.
    Accounts,
    /// `hh:mm-hh:mm`, half an hour or more.
    Daily,
    /// `ddd:hh:mm-ddd:hh:mm`, this many minutes or more.
    Weekly(u32),
    /// A time zone.
    Zone,
    /// An http or https address.
    Url,
    /// Part of the name of a bucket.
    Bucket,
    /// An absolute path.
    Path,
    /// A number, or `$` and the name of a field.
    Metric,
}

/// What is wrong with a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wrong {
    pub(super) severity: Severity,
    pub(super) problem: String,
    pub(super) hint: Option<&'static str>,
}

const NO: [&str; 7] = ["false", "no", "f", "n", "nay", "0", "none"];
const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
/// Families that AWS calls previous generations and has long replaced.
const OUTDATED: [&str; 17] = [
    "t1", "m1", "m2", "m3", "c1", "c3", "cc1", "cc2", "cg1", "cr1", "g2", "hi1", "hs1", "i2", "r3",
    "a1", "p2",
];
const SIZES: [&str; 6] = ["nano", "micro", "small", "medium", "large", "xlarge"];

/// What is wrong with a value that is not empty.
pub(super) fn wrong(kind: Kind, value: &str) -> Option<Wrong> {
    let value = value.trim();
    let refused = |fine: bool, what: &str, hint: Option<&'static str>| {
        (!fine).then(|| Wrong {
            severity: Severity::Error,
            problem: format!("`{value}` is {what}"),
            hint,
        })
    };
    match kind {
        Kind::Bool => boolean(value),
        Kind::OnlyTrue => only_true(value),
        Kind::Whole(from, to) => {
            let fine = value.parse().is_ok_and(|n: u64| (from..=to).contains(&n));
            let what = match to {
                u64::MAX => format!("no integer from {from} upwards"),
                _ => format!("no integer from {from} to {to}"),
            };
            refused(fine, &what, None)
        }
        Kind::Digits => refused(
            value.bytes().all(|b| b.is_ascii_digit()),
            "not a valid threshold value",
            Some("write digits only, without sign and point"),
        ),
        Kind::Fraction => {
            let fine = value.parse().is_ok_and(|n: f64| n > 0.0 && n <= 1.0);
            refused(fine, "no fraction: more than 0, up to 1", None)
        }
        Kind::OneOf(all) => {
            let what = format!("none of {}", quoted(all));
            refused(all.contains(&value), &what, None)
        }
        Kind::Strategy => {
            let own = value.split('#').next().unwrap_or_default().trim();
            refused(
                matches!(own, "blue_green" | "rolling"),
                "no strategy: there are `blue_green` and `rolling`",
                None,
            )
        }
        Kind::Net => {
            let parsed = value.parse::<crate::network::MetaNetwork>();
            parsed.err().map(|error| Wrong {
                severity: Severity::Error,
                problem: error.0,
                hint: None,
            })
        }
        Kind::Instance => instance(value),
        Kind::Database => class(value, "db.", "", "instance class of RDS, like db.m7g.large"),
        Kind::Cache => class(
            value,
            "cache.",
            "",
            "node type of ElastiCache, like cache.t4g.small",
        ),
        Kind::Search => {
            let end = if value.ends_with(".search") {
                ".search"
            } else {
                ".elasticsearch"
            };
            class(
                value,
                "",
                end,
                "instance type of Elasticsearch, like m6g.large.elasticsearch",
            )
        }
        Kind::Addresses => words(value)
            .into_iter()
            .find(|word| !is_address(word))
            .map(|word| Wrong {
                severity: Severity::Error,
                problem: format!("`{word}` is neither an address nor a network"),
                hint: None,
            }),
        Kind::Ami => refused(
            is_ami(value),
            "no id of an image, like ami-0e8cb674665b1053a",
            None,
        ),
        Kind::Accounts => words(value)
            .into_iter()
            .find(|word| word.len() != 12 || !word.bytes().all(|b| b.is_ascii_digit()))
            .map(|word| Wrong {
                severity: Severity::Error,
                problem: format!("`{word}` is no account: they have twelve digits"),
                hint: None,
            }),
        Kind::Daily => refused(
            window(value, daily).is_some_and(|(from, to)| (to + DAY - from) % DAY >= 30),
            "no window of half an hour or more: write hh:mm-hh:mm",
            None,
        ),
        Kind::Weekly(shortest) => refused(
            window(value, weekly)
                .is_some_and(|(from, to)| (to + 7 * DAY - from) % (7 * DAY) >= shortest),
            &format!("no window of {shortest} minutes or more: write ddd:hh:mm-ddd:hh:mm"),
            None,
        ),
        Kind::Zone => refused(
            value.parse::<chrono_tz::Tz>().is_ok(),
            "no time zone, like Europe/Berlin",
            None,
        ),
        Kind::Url => {
            let host = value
                .strip_prefix("https://")
                .or(value.strip_prefix("http://"));
            let fine =
                host.is_some_and(|host| !host.is_empty() && !host.contains(char::is_whitespace));
            refused(fine, "no http or https address", None)
        }
        Kind::Bucket => {
            let fits =
                |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '.');
            refused(
                value.chars().all(fits),
                "no part of a bucket's name: use lower-case letters, digits and dashes",
                None,
            )
        }
        Kind::Path => refused(value.starts_with('/'), "no absolute path", None),
        Kind::Metric => {
            let fine = value.parse::<f64>().is_ok()
                || value.strip_prefix('$').is_some_and(|f| !f.is_empty());
            refused(fine, "neither a number nor a field like $bytes", None)
        }
        Kind::Text
        | Kind::Filled
        | Kind::Hostclass
        | Kind::Hostclasses
        | Kind::Environment
        | Kind::Image
        | Kind::Document
        | Kind::Policy
        | Kind::Policies => None,
    }
}

/// True for a value that is only a remark.
pub(super) fn is_remark(value: &str) -> bool {
    value.trim_start().starts_with('#')
}

/// Words in backticks with commas between.
pub(super) fn quoted(all: &[&str]) -> String {
    let all: Vec<String> = all.iter().map(|word| format!("`{word}`")).collect();
    all.join(", ")
}

/// A boolean that is none of the usual words, and so counts as no.
pub(super) fn boolean(value: &str) -> Option<Wrong> {
    let no = NO.iter().any(|word| value.eq_ignore_ascii_case(word));
    (!is_truthy(value) && !no && !value.is_empty()).then(|| Wrong {
        severity: Severity::Warning,
        problem: format!("`{value}` is no boolean and counts as no"),
        hint: Some("yes is one of `true yes t y aye 1`, no is best written `no`"),
    })
}

fn only_true(value: &str) -> Option<Wrong> {
    if is_truthy(value) && !value.eq_ignore_ascii_case("true") {
        return Some(Wrong {
            severity: Severity::Warning,
            problem: format!("`{value}` counts as no here"),
            hint: Some("only the word `true` means yes"),
        });
    }
    boolean(value)
}

/// FAMILY.SIZE as EC2 has them. Which families there are is left to AWS, apart from those that it has replaced.
pub(super) fn instance(value: &str) -> Option<Wrong> {
    let fits = value
        .split_once('.')
        .filter(|(family, size)| is_family(family) && is_size(size));
    let Some((family, _)) = fits else {
        return Some(Wrong {
            severity: Severity::Error,
            problem: format!("`{value}` is no instance type"),
            hint: Some("write FAMILY.SIZE, like m7i.large"),
        });
    };
    OUTDATED.contains(&family).then(|| Wrong {
        severity: Severity::Warning,
        problem: format!("`{value}` is an instance type of an old generation"),
        hint: Some("AWS has replaced it; new accounts and zones may not have it at all"),
    })
}

/// The type of a service: that of EC2 with something around it.
fn class(value: &str, before: &str, after: &str, what: &str) -> Option<Wrong> {
    let inner = value
        .strip_prefix(before)
        .and_then(|rest| rest.strip_suffix(after));
    match inner.and_then(|inner| inner.split_once('.')) {
        Some((family, size)) if is_family(family) && is_size(size) => None,
        _ => Some(Wrong {
            severity: Severity::Error,
            problem: format!("`{value}` is no {what}"),
            hint: None,
        }),
    }
}

fn is_family(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(fits)
        && text.contains(|c: char| c.is_ascii_digit())
}

fn is_size(text: &str) -> bool {
    let number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let metal = text.strip_prefix("metal");
    SIZES.contains(&text)
        || text.strip_suffix("xlarge").is_some_and(number)
        // RDS has sizes like 2xlarge.tpc1.mem2x.
        || text.split_once('.').is_some_and(|(size, rest)| is_size(size) && rest.starts_with("tpc"))
        || metal.is_some_and(|rest| {
            rest.is_empty() || rest.strip_prefix('-').and_then(|r| r.strip_suffix("xl")).is_some_and(number)
        })
}

fn is_address(word: &str) -> bool {
    word.parse::<IpAddr>().is_ok() || word.parse::<ipnet::IpNet>().is_ok()
}

/// True for the id of an image.
pub(super) fn is_ami(value: &str) -> bool {
    let digits = value.strip_prefix("ami-");
    digits.is_some_and(|d| matches!(d.len(), 8 | 17) && d.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// Minutes of a day.
const DAY: u32 = 24 * 60;

/// Begin and end of a window in minutes.
fn window(text: &str, point: impl Fn(&str) -> Option<u32>) -> Option<(u32, u32)> {
    let (from, to) = text.split_once('-')?;
    Some((point(from)?, point(to)?))
}

fn daily(text: &str) -> Option<u32> {
    time(text, 2)
}

/// A time of the day in minutes. The hour has so many digits at least, the minute has two.
fn time(text: &str, digits: usize) -> Option<u32> {
    let (hour, minute) = text.split_once(':')?;
    let number = |text: &str, digits: usize, below: u32| {
        let fits = (digits..=2).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        let own = text.parse::<u32>().ok().filter(|own| *own < below);
        own.filter(|_| fits)
    };
    Some(number(hour, digits, 24)? * 60 + number(minute, 2, 60)?)
}

fn weekly(text: &str) -> Option<u32> {
    let (day, clock) = text.split_once(':')?;
    let day = DAYS
        .iter()
        .position(|name| name.eq_ignore_ascii_case(day))?;
    Some(u32::try_from(day).ok()? * DAY + time(clock, 1)?)
}

#[cfg(test)]
mod tests;
