//! `disco_alarms.ini` as the tools see it: so far its section `[notifications]` (spec 60, section 2.2; spec 20, section 5
//! step 13). Knows nothing of what AWS has.

#[cfg(test)]
mod tests;

use super::diagnostic::{ConfigError, ConfigErrors, Location, Problems};
use super::files::ConfigDir;
use super::ini::Ini;
use std::fmt;

/// Name of the file in the configuration directory.
const FILE: &str = "disco_alarms.ini";
/// The section of topics and who is told.
const NOTIFICATIONS: &str = "notifications";
/// Separates team, environment and level in the name of a topic.
const SEPARATOR: char = '_';
/// Longest name of a topic that AWS allows.
const LONGEST_TOPIC: usize = 256;

/// Typed view of `disco_alarms.ini`.
#[derive(Debug, Clone)]
pub struct DiscoAlarms {
    ini: Ini,
}

/// One topic of an environment and who is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// The whole key, always lower case: the name of the topic.
    pub topic: String,
    /// The environment that it belongs to.
    pub env: String,
    /// How urgent its messages are.
    pub level: Level,
    /// Who is told, in the order of the file, each once.
    pub endpoints: Vec<Endpoint>,
}

/// How urgent the messages of a topic are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// `critical`.
    Critical,
    /// `info`.
    Info,
}

/// One subscriber.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Endpoint {
    /// How it is told.
    pub protocol: EndpointProtocol,
    /// An e-mail address or a URL. It may hold a secret: show it with `Display`.
    pub address: String,
}

/// How a subscriber is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum EndpointProtocol {
    /// By mail.
    Email,
    /// By a call over HTTP.
    Http,
    /// By a call over HTTPS.
    Https,
}

impl EndpointProtocol {
    /// The name that AWS uses.
    pub const fn as_str(self) -> &'static str {
        match self {
            EndpointProtocol::Email => "email",
            EndpointProtocol::Http => "http",
            EndpointProtocol::Https => "https",
        }
    }
}

impl fmt::Display for Endpoint {
    /// The address without what may be secret: user and query of a URL.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&without_secrets(&self.address))
    }
}

impl DiscoAlarms {
    /// Reads the file from the configuration directory; a missing file is an empty one.
    ///
    /// # Errors
    /// As [`ConfigDir::ini_if_present`].
    pub fn load(dir: &ConfigDir) -> Result<Self, ConfigErrors> {
        let ini = dir.ini_if_present(FILE)?;
        Ok(Self::from_ini(ini.unwrap_or_else(|| Ini::empty(FILE))))
    }

    /// Wraps a file that has been read.
    pub fn from_ini(ini: Ini) -> Self {
        DiscoAlarms { ini }
    }

    /// The file itself.
    pub fn ini(&self) -> &Ini {
        &self.ini
    }

    /// True if the file has notifications at all, for whatever environment.
    pub fn has_notifications(&self) -> bool {
        self.ini.has_section(NOTIFICATIONS)
    }

    /// The notifications of an environment, in file order. Those of others are skipped before their level and endpoints
    /// are looked at.
    ///
    /// # Errors
    /// All problems at once; a key that belongs to no environment is one for every environment.
    pub fn notifications(&self, env: &str) -> Result<Vec<Notification>, ConfigErrors> {
        self.read(|own| own == env)
    }

    /// The notifications of all environments.
    ///
    /// # Errors
    /// All problems at once.
    pub fn all_notifications(&self) -> Result<Vec<Notification>, ConfigErrors> {
        self.read(|_| true)
    }

    fn read(&self, wanted: impl Fn(&str) -> bool) -> Result<Vec<Notification>, ConfigErrors> {
        let (mut problems, mut found) = (Problems::default(), Vec::new());
        for key in self.keys() {
            let location = self.ini.location(NOTIFICATIONS, Some(&key));
            let Some((env, level)) = env_and_level(&key) else {
                problems.push(unseparated(&key).at(location));
                continue;
            };
            if wanted(env) {
                let (env, level) = (env.to_owned(), level.to_owned());
                found.extend(self.notification(key, env, &level, &location, &mut problems));
            }
        }
        problems.finish(Some(found))
    }

    /// The option names of the section, those of `[DEFAULT]` first.
    fn keys(&self) -> Vec<String> {
        if !self.has_notifications() {
            return Vec::new();
        }
        let mut keys: Vec<String> = Vec::new();
        for key in ["DEFAULT", NOTIFICATIONS]
            .iter()
            .flat_map(|section| self.ini.options(section))
        {
            if !keys.iter().any(|known| known == key) {
                keys.push(key.to_owned());
            }
        }
        keys
    }

    fn notification(
        &self,
        topic: String,
        env: String,
        level: &str,
        location: &Location,
        problems: &mut Problems,
    ) -> Option<Notification> {
        problems.keep(check_name(&topic).map_err(|e| e.at(location.clone())));
        let level = problems.keep(parse_level(level).map_err(|e| e.at(location.clone())));
        let found = problems
            .keep(self.ini.find(NOTIFICATIONS, &topic))
            .flatten();
        let mut endpoints: Vec<Endpoint> = Vec::new();
        let text = found.map(|found| found.value).unwrap_or_default();
        for word in text.split(',').map(str::trim).filter(|w| !w.is_empty()) {
            let parsed = parse_endpoint(word).map_err(|e| e.at(location.clone()));
            if let Some(endpoint) = problems.keep(parsed)
                && !endpoints.contains(&endpoint)
            {
                endpoints.push(endpoint);
            }
        }
        Some(Notification {
            topic,
            env,
            level: level?,
            endpoints,
        })
    }
}

/// `ENV_LEVEL`, or `TEAM_ENV_…_LEVEL`: the environment is the second part then.
fn env_and_level(key: &str) -> Option<(&str, &str)> {
    let parts: Vec<&str> = key.split(SEPARATOR).collect();
    match parts.as_slice() {
        [env, level] => Some((env, level)),
        [_, env, .., level] => Some((env, level)),
        _ => None,
    }
}

fn unseparated(key: &str) -> ConfigError {
    ConfigError::new(format!(
        "`{key}` is not the name of a notification: team, environment and level are separated by `_`"
    ))
    .with_hint("write it as TEAM_ENV_LEVEL or ENV_LEVEL, like ops_ci_critical")
}

fn check_name(topic: &str) -> Result<(), ConfigError> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == SEPARATOR || c == '-';
    if let Some(wrong) = topic.chars().find(|c| !allowed(*c)) {
        return Err(ConfigError::new(format!(
            "`{topic}` cannot be the name of a topic: AWS does not allow `{wrong}`"
        ))
        .with_hint("use letters, digits, `_` and `-`"));
    }
    if topic.len() > LONGEST_TOPIC {
        return Err(ConfigError::new(format!(
            "the name of the topic has {} characters: AWS allows {LONGEST_TOPIC}",
            topic.len()
        )));
    }
    Ok(())
}

fn parse_level(text: &str) -> Result<Level, ConfigError> {
    match text {
        "critical" => Ok(Level::Critical),
        "info" => Ok(Level::Info),
        other => Err(
            ConfigError::new(format!("unsupported notification level `{other}`"))
                .with_hint("end the name with `_critical` or `_info`"),
        ),
    }
}

impl Endpoint {
    /// True if AWS lists this subscriber so: it puts `****` for the password of a URL.
    pub fn is_listed_as(&self, listed: &str) -> bool {
        listed == self.address || masked(&self.address).as_deref() == Some(listed)
    }
}

fn parse_endpoint(text: &str) -> Result<Endpoint, ConfigError> {
    let endpoint = |protocol| Endpoint {
        protocol,
        address: text.to_owned(),
    };
    let unknown = || {
        let shown = without_secrets(text).replace('\n', " ");
        ConfigError::new(format!("failed to determine endpoint type of `{shown}`")).with_hint(
            "use e-mail addresses and URLs that begin with http:// or https://, separated by commas",
        )
    };
    if text.contains(char::is_whitespace) {
        return Err(unknown());
    }
    if let Some((scheme, rest)) = text.split_once("://") {
        let protocol = match scheme.to_ascii_lowercase().as_str() {
            "http" => EndpointProtocol::Http,
            "https" => EndpointProtocol::Https,
            _ => return Err(unknown()),
        };
        let (host, port) = host_of(rest);
        return match host.is_empty() || !port.bytes().all(|b| b.is_ascii_digit()) {
            true => Err(unknown()),
            false => Ok(endpoint(protocol)),
        };
    }
    match text.split_once('@') {
        Some((user, domain)) if !user.is_empty() && !domain.is_empty() => {
            Ok(endpoint(EndpointProtocol::Email))
        }
        _ => Err(unknown()),
    }
}

/// What a URL has after its scheme, as user (with `@`, or empty), host with port, and the rest.
fn parts_of(rest: &str) -> (&str, &str, &str) {
    let (authority, tail) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let (user, host) = authority.split_at(authority.rfind('@').map_or(0, |at| at + 1));
    (user, host, tail)
}

/// Host and port of what a URL has after its scheme. Addresses of IPv6 keep their brackets.
fn host_of(rest: &str) -> (&str, &str) {
    let (_, host, _) = parts_of(rest);
    let end = host.rfind(']').map_or(0, |at| at + 1);
    let port = host[end..].find(':').map(|at| end + at);
    port.map_or((host, ""), |at| (&host[..at], &host[at + 1..]))
}

/// A URL without user, query and fragment; anything else as it is. A part that should be a port and is none may be a
/// password that somebody did not encode: then only the scheme is shown.
pub(crate) fn without_secrets(address: &str) -> String {
    let Some((scheme, rest)) = address.split_once("://") else {
        return address.to_owned();
    };
    if !host_of(rest).1.bytes().all(|b| b.is_ascii_digit()) {
        return format!("{scheme}://...");
    }
    let (user, host, tail) = parts_of(rest);
    let user = if user.is_empty() { "" } else { "...@" };
    let (path, more) = tail.split_at(tail.find(['?', '#']).unwrap_or(tail.len()));
    let more = more
        .chars()
        .next()
        .map_or(String::new(), |mark| format!("{mark}..."));
    format!("{scheme}://{user}{host}{path}{more}")
}

/// The URL as AWS lists it: with `****` for the password. `None` if it has none.
fn masked(address: &str) -> Option<String> {
    let (scheme, rest) = address.split_once("://")?;
    let (user, host, tail) = parts_of(rest);
    let (name, _) = user.strip_suffix('@')?.split_once(':')?;
    Some(format!("{scheme}://{name}:****@{host}{tail}"))
}
