//! The names that files refer to: environments, hostclasses, base images, documents, policies. A name that nobody knows is
//! suspicious, not wrong: it may be added later, or come from elsewhere.

use super::keys::Kind;
use super::tree::Tree;
use crate::config::ConfigError;
use crate::config::suggest::nearest;

/// What documents of AWS begin with.
const OF_AWS: &str = "AWS-";

/// All names. `None` is what the tree says nothing about.
pub(super) struct References {
    /// Names of environments, and types: an environment is mostly called like its type.
    pub(super) environments: Option<Vec<String>>,
    /// Sections of hostclasses.
    pub(super) hostclasses: Option<Vec<String>>,
    /// Sections of disco_aws.ini.
    pub(super) sections: Vec<String>,
    /// SSM documents.
    pub(super) documents: Option<Vec<String>>,
    /// Policies of users.
    pub(super) policies: Option<Vec<String>>,
    /// Accounts.
    pub(super) accounts: Option<Vec<String>>,
}

impl References {
    pub(super) fn of(tree: &Tree) -> Self {
        let environments = tree.vpc.as_ref().map(|vpc| {
            let mut all = vpc.types();
            all.extend(vpc.environments().map(str::to_owned));
            all.extend(tree.sandboxes.iter().map(|own| own.name.clone()));
            all
        });
        let sections = tree.aws.as_ref().map(|aws| aws.ini().sections());
        let files = |folder: &str, end: &str| {
            let iam = tree.iam.as_ref()?.iter();
            let names = iam.filter_map(|file| file.name.strip_prefix(folder)?.strip_suffix(end));
            Some(names.map(str::to_owned).collect::<Vec<_>>())
        };
        let documents = tree.documents.as_ref().map(|files| {
            let names = files
                .iter()
                .filter_map(|file| file.name.strip_suffix(".ssm"));
            names.map(str::to_owned).collect()
        });
        let accounts = files("group_membership/", "").map(|names| {
            let accounts = names.iter().filter_map(|name| name.split_once('/'));
            accounts.map(|(account, _)| account.to_owned()).collect()
        });
        References {
            environments,
            hostclasses: tree.aws.as_ref().map(|aws| aws.hostclasses()),
            sections: sections.into_iter().flatten().map(str::to_owned).collect(),
            documents,
            policies: files("user_policies/", ".iam"),
            accounts,
        }
    }

    /// What is suspicious about an environment's name: that it is nearly a known one. Others are left alone, as any
    /// environment can be made of a type, also `staging2`. Short names are near to each other without being meant.
    pub(super) fn environment(&self, name: &str) -> Option<ConfigError> {
        let known = self.environments.as_deref()?;
        let error = unknown("environment or type", name, known)?;
        let meant = nearest(name, known).filter(|_| name.len() > 3)?;
        let letters =
            |text: &str| -> String { text.chars().filter(|c| c.is_alphabetic()).collect() };
        (letters(name) != letters(meant)).then_some(error)
    }

    /// What is suspicious about the name of a hostclass.
    pub(super) fn hostclass(&self, name: &str) -> Option<ConfigError> {
        unknown("hostclass section", name, self.hostclasses.as_deref()?)
    }

    /// What is suspicious about the names in a value.
    pub(super) fn suspicious(&self, kind: Kind, value: &str) -> Vec<ConfigError> {
        let words = || value.split_whitespace();
        let policy = |name| {
            unknown(
                "policy in iam/user_policies",
                name,
                self.policies.as_deref()?,
            )
        };
        match kind {
            Kind::Environment => self.environment(value).into_iter().collect(),
            Kind::Hostclass => self.hostclass(value).into_iter().collect(),
            Kind::Hostclasses => words().filter_map(|name| self.hostclass(name)).collect(),
            Kind::Image => unknown("section", value, &self.sections)
                .into_iter()
                .collect(),
            Kind::Document if value.starts_with(OF_AWS) => Vec::new(),
            Kind::Document => {
                let known = self.documents.as_deref();
                let told = known.and_then(|known| unknown("file in ssm/documents", value, known));
                told.into_iter().collect()
            }
            Kind::Policy => policy(value).into_iter().collect(),
            Kind::Policies => words().filter_map(policy).collect(),
            _ => Vec::new(),
        }
    }
}

/// A problem without a place, unless the name is known.
pub(super) fn unknown(what: &str, name: &str, known: &[String]) -> Option<ConfigError> {
    if known.iter().any(|own| own == name) {
        return None;
    }
    Some(with_meant(
        ConfigError::new(format!("there is no {what} `{name}`")),
        nearest(name, known),
    ))
}

/// The problem, with what was probably meant as its hint.
pub(super) fn with_meant(error: ConfigError, meant: Option<&str>) -> ConfigError {
    match meant {
        Some(meant) => error.with_hint(format!("did you mean `{meant}`?")),
        None => error,
    }
}
