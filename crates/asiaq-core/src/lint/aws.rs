//! `disco_aws.ini`: its sections, the options of hostclasses as provisioning reads them, and their init scripts.

use super::keys::{
    AUDIT, BAKE, BAKE_FALLBACKS, HOSTCLASS, IAM, Key, MAIN, SOCIFY, TEST, TEST_FALLBACKS,
};
use super::references::{References, with_meant};
use super::sections::{self, At, Rules, Unknown};
use super::tree::{Tree, errors_of};
use crate::config::check::Problems;
use crate::config::suggest::nearest;
use crate::config::{ConfigError, DiscoAws, Ini, is_truthy};
use std::collections::BTreeSet;

const MAIN_SECTION: &str = "disco_aws";
const SECTIONS: [&str; 6] = ["disco_aws", "bake", "test", "socify", "iam", "audit"];
/// What names of hostclasses begin with.
const PREFIX: &str = "mhc";
/// An environment that no option is for.
const ANY: &str = "\u{0}";

/// Checks the file.
pub(super) fn check(tree: &Tree, references: &References, problems: &mut Problems) {
    let Some(aws) = &tree.aws else {
        return;
    };
    let ini = aws.ini();
    for section in ini.sections() {
        match rules(ini, section) {
            Some(rules) => sections::check(ini, section, &rules, references, problems),
            None => {
                if let Some(meant) = misspelt(ini, section, references) {
                    let error = ConfigError::new("unknown section").at(ini.location(section, None));
                    problems.warning(with_meant(error, Some(&meant)));
                }
            }
        }
    }
    sections::require(
        ini,
        "disco_aws",
        MAIN,
        |key| ini.has_option("disco_aws", key),
        problems,
    );
    if let Err(error) = aws.ami_stages() {
        problems.error(error);
    }
    defaults(aws, problems);
    let stand_in = aws.bake_option(None, "phase1_hostclass").ok().flatten();
    let stand_in = stand_in.map(|found| found.value).unwrap_or_default();
    let shared = shared_environments(ini);
    for hostclass in aws.hostclasses() {
        for error in aws.misspelt_options(&hostclass) {
            problems.error(error);
        }
        // This one is never provisioned, and has no image of its own.
        if hostclass != stand_in {
            options(aws, &hostclass, &shared, problems);
            script(tree, aws, &hostclass, problems);
        }
    }
}

/// What an unknown section was probably meant to be. Others are the operators' own, and so is one that resembles a section
/// which is there as well. Our names are short, so a slip in the first letter does not count.
fn misspelt(ini: &Ini, section: &str, references: &References) -> Option<String> {
    let lower = section.to_ascii_lowercase();
    let missing: Vec<&str> = SECTIONS
        .into_iter()
        .filter(|name| !ini.has_section(name) && name.chars().next() == lower.chars().next())
        .collect();
    let known = references.hostclasses.as_deref().unwrap_or_default();
    let meant = nearest(&lower, &missing).or_else(|| nearest(section, known));
    meant.map(str::to_owned)
}

/// Whether a section is a base image: it says from which image it is made, or that it is one.
fn is_base_image(ini: &Ini, section: &str) -> bool {
    let phase = ini.raw(section, "phase").map(str::trim);
    phase == Some("1") || ini.raw(section, "bake_ami").is_some()
}

/// How a section is to be read; `None` if nobody reads it.
fn rules(ini: &Ini, section: &str) -> Option<Rules> {
    let some = |names: &[&str]| {
        let keys = HOSTCLASS.iter().filter(|key| names.contains(&key.name));
        keys.copied().collect::<Vec<Key>>()
    };
    let at = At::Environment;
    Some(match section {
        "disco_aws" => Rules {
            at,
            defaults: HOSTCLASS,
            unknown: Unknown::Main,
            ..Rules::plain(MAIN)
        },
        "bake" => Rules::plain(&[BAKE.to_vec(), some(&BAKE_FALLBACKS)].concat()),
        "test" => Rules::plain(&[TEST.to_vec(), some(&TEST_FALLBACKS)].concat()),
        "socify" => Rules::plain(SOCIFY),
        "iam" => Rules {
            at: At::Account,
            ..Rules::plain(IAM)
        },
        "audit" => Rules::plain(AUDIT),
        _ if section.starts_with(PREFIX) => Rules {
            at,
            unknown: Unknown::Short,
            ..Rules::plain(HOSTCLASS)
        },
        _ if is_base_image(ini, section) => Rules {
            unknown: Unknown::Near,
            ..Rules::plain(HOSTCLASS)
        },
        _ => return None,
    })
}

/// The environments that `[disco_aws]` and `[DEFAULT]` have forms for.
fn shared_environments(ini: &Ini) -> BTreeSet<&str> {
    let all = [MAIN_SECTION, sections::DEFAULTS];
    let options = all.into_iter().flat_map(|section| ini.options(section));
    let forms = options.filter_map(|option| option.split_once('@'));
    forms.map(|(_, env)| env).collect()
}

/// The `default_` forms by themselves, which every hostclass may override.
fn defaults(aws: &DiscoAws, problems: &mut Problems) {
    let ini = aws.ini();
    let mut envs = shared_environments(ini);
    envs.insert(ANY);
    for env in envs {
        for error in errors_of(aws.hostclass(ANY, env)) {
            let place = &error.location;
            let (section, key) = (place.section.as_deref(), place.key.as_deref());
            if ini.has_option(section.unwrap_or_default(), key.unwrap_or_default()) {
                problems.error(error);
            }
        }
    }
}

/// The options as provisioning reads them, in all environments that have forms of their own. `shared` are those that
/// `[disco_aws]` has forms for.
fn options(aws: &DiscoAws, hostclass: &str, shared: &BTreeSet<&str>, problems: &mut Problems) {
    let ini = aws.ini();
    let own = ini
        .options(hostclass)
        .chain(ini.options(sections::DEFAULTS));
    let form = |option: &str| option.split_once('@').map(|(_, env)| env.to_owned());
    let mut envs: BTreeSet<String> = own.filter_map(form).collect();
    let everywhere = errors_of(aws.hostclass(hostclass, ANY));
    let placed = |error: &ConfigError, env: &str| {
        let mut error = error.clone();
        error.problem = error
            .problem
            .replace(&format!(" in environment `{env}`"), "");
        error
    };
    for error in &everywhere {
        let key = error.location.key.as_deref().unwrap_or_default();
        let section = error.location.section.as_deref().unwrap_or_default();
        // One that is only set for some environments is for those.
        if ini.has_option(section, key) || !is_partly_set(ini, hostclass, key) {
            problems.error(placed(error, ANY));
        }
    }
    // Wrong values of `default_` forms are told by themselves, but those of balancers only matter where there is one.
    let matters = |env: &&&str| has_balancer(aws, hostclass, env);
    envs.extend(shared.iter().filter(matters).map(|env| (*env).to_owned()));
    let known: Vec<ConfigError> = everywhere.iter().map(|error| placed(error, ANY)).collect();
    for env in &envs {
        for error in errors_of(aws.hostclass(hostclass, env)) {
            if !known.contains(&placed(&error, env)) {
                problems.error(error);
            }
        }
    }
}

/// Whether an option of a hostclass is set for some environment, by itself or as `default_` form.
fn is_partly_set(ini: &Ini, hostclass: &str, key: &str) -> bool {
    let all = [hostclass, MAIN_SECTION, sections::DEFAULTS];
    let mut options = all.into_iter().flat_map(|section| ini.options(section));
    options.any(|option| {
        let name = option.split_once('@').map(|(name, _)| name);
        name.is_some_and(|name| name == key || name.strip_prefix("default_") == Some(key))
    })
}

/// Whether the options of balancers are read for a hostclass.
fn has_balancer(aws: &DiscoAws, hostclass: &str, env: &str) -> bool {
    ["elb", "target_group"].iter().any(|key| {
        let found = aws.hostclass_option(hostclass, key, env).ok().flatten();
        found.is_some_and(|found| is_truthy(&found.value))
    })
}

/// The init script of a hostclass that has an image of its own.
fn script(tree: &Tree, aws: &DiscoAws, hostclass: &str, problems: &mut Problems) {
    let phase = aws.bake_option(Some(hostclass), "phase").ok().flatten();
    let (Some(phase), Some(init)) = (phase, &tree.init) else {
        return;
    };
    if phase.value.trim() == "1" {
        return;
    }
    let wanted = format!("{hostclass}.sh");
    let problem = match init.iter().find(|entry| entry.name == wanted) {
        Some(entry) if entry.executable => return,
        Some(_) => {
            format!("init/{wanted} is not executable, so that a bake would end with an error")
        }
        None => format!("there is no init/{wanted}, so that a bake would end with an error"),
    };
    let place = aws.ini().location(hostclass, None);
    problems.warning(ConfigError::new(problem).at(place));
}
