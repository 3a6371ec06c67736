//! Which certificate serves a DNS name. Pure.

use super::Wanted;

/// Keys that classic load balancers take.
const CLASSIC_KEYS: [&str; 2] = ["RSA_1024", "RSA_2048"];

/// A certificate of ACM.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Certificate {
    pub(super) arn: String,
    /// Names that it covers.
    pub(super) names: Vec<String>,
    /// True if it is in force.
    pub(super) issued: bool,
    /// When it was issued, imported or asked for, in seconds.
    pub(super) date: f64,
    /// Algorithm and size of the key, such as `RSA_2048`.
    pub(super) key: String,
}

/// The certificate with the longest name that covers the wanted one; on equal length an exact name before a
/// wildcard, then the newest.
pub(super) fn select<'c>(wanted: &Wanted, known: &'c [Certificate]) -> Option<&'c Certificate> {
    let name = plain(&wanted.name);
    let host = name.split('.').next().unwrap_or_default();
    if host.is_empty() || host == "*" {
        tracing::error!(
            "{} is no DNS name for which ACM could be searched",
            wanted.name
        );
        return None;
    }
    let usable = known.iter().filter(|certificate| {
        certificate.issued && (!wanted.classic || CLASSIC_KEYS.contains(&certificate.key.as_str()))
    });
    let rated = usable.filter_map(|certificate| {
        let names = certificate.names.iter().map(|own| plain(own));
        let matching = names.filter(|own| covers(own, &name));
        let best = matching
            .map(|own| (own.len(), !own.starts_with('*')))
            .max()?;
        Some((best, certificate))
    });
    // The ARN makes the choice the same every time.
    let best = rated.max_by(|(a_name, a), (b_name, b)| {
        a_name
            .cmp(b_name)
            .then(a.date.total_cmp(&b.date))
            .then_with(|| a.arn.cmp(&b.arn))
    });
    best.map(|(_, certificate)| certificate)
}

fn plain(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}

/// True if a certificate for `own` serves `name`. A wildcard stands for exactly one label.
fn covers(own: &str, name: &str) -> bool {
    let (host, rest) = name.split_once('.').unwrap_or((name, ""));
    if own.is_empty() || host.is_empty() || host == "*" {
        return false;
    }
    own == name || (!rest.is_empty() && own.strip_prefix("*.") == Some(rest))
}

#[cfg(test)]
mod tests;
