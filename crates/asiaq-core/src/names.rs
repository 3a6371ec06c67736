//! Every name, tag key and identifier that Asiaq gives or recognises. Pure.
//!
//! Operators' existing resources are found through these names: changing one orphans them.

mod alarm;
mod balancer;

pub use alarm::AlarmName;
pub use balancer::{balancer, balancer_host, balancer_id, target_group};

use crate::network::MetaNetwork;
use chrono::{DateTime, Utc};

/// Tag keys.
pub mod tag {
    /// Name of anything; of a VPC: the environment.
    pub const NAME: &str = "Name";
    /// Environment type, on the VPC.
    pub const TYPE: &str = "type";
    /// Metanetwork of a subnet, route table or security group.
    pub const META_NETWORK: &str = "meta_network";
    /// Availability zone of a subnet or route table.
    pub const SUBNET: &str = "subnet";
    /// Creation time, see [`super::create_date`].
    pub const CREATE_DATE: &str = "create_date";
    /// Application of a VPC; of a group and its hosts: the hostclass.
    pub const APPLICATION: &str = "application";
    /// Marks a subnet whose NAT gateway has an automatic address.
    pub const DYNONAT: &str = "dynonat";
    /// `true` on elastic IPs that were allocated for a NAT gateway.
    pub const DYNAMIC: &str = "dynamic";
    /// Hostclass of a group, host, image or snapshot.
    pub const HOSTCLASS: &str = "hostclass";
    /// Who ran the command.
    pub const OWNER: &str = "owner";
    /// Environment of a group, host, or of anything that has no better place for it.
    pub const ENVIRONMENT: &str = "environment";
    /// Class such as `production`, copied from the VPC.
    pub const ENVIRONMENT_CLASS: &str = "environment_class";
    /// `True` or `False`: may chaos terminate the host.
    pub const CHAOS: &str = "chaos";
    /// `1` while a group is under test.
    pub const IS_TESTING: &str = "is_testing";
    /// On a group that a deployment makes, until the deployment is done: the group that it takes the place of, or
    /// [`super::REPLACES_NOTHING`].
    pub const DEPLOY_REPLACES: &str = "deploy_replaces";
    /// On a group while a deployment replaces its hosts: what it launched from before, and what it is to launch from, with `/`
    /// between them.
    pub const DEPLOY_ROLLS_FROM: &str = "deploy_rolls_from";
    /// Set by a host on itself when its smoke tests pass.
    pub const SMOKETEST: &str = "smoketest";
    /// Set by a host on itself at boot.
    pub const HOSTNAME: &str = "hostname";
    /// Product line of a host or image; required on sandboxes.
    pub const PRODUCT_LINE: &str = "productline";
    /// Environment of a snapshot.
    pub const SNAPSHOT_ENVIRONMENT: &str = "env";
    /// What a volume is for that exists only while a command runs.
    pub const PURPOSE: &str = "purpose";
    /// Stage of an image.
    pub const STAGE: &str = "stage";
    /// `True` on private images.
    pub const IS_PRIVATE: &str = "is_private";
    /// Accounts an image is shared with, comma-joined.
    pub const SHARED_WITH: &str = "shared_with_account_ids";
    /// Group of an Elastigroup's instances.
    pub const GROUP_NAME: &str = "group_name";
    /// `True` on the instances of Elastigroups.
    pub const SPOTINST: &str = "spotinst";
    /// Who baked an image, or bakes on a machine.
    pub const BAKER: &str = "baker";
    /// Image that an image was baked from.
    pub const SOURCE_AMI: &str = "source_ami";
    /// Version of the configuration that an image was baked with; every baked image has it.
    pub const VERSION_ASIAQ: &str = "version-asiaq";
    /// Name of the image that is baked on a machine.
    pub const BAKE_IMAGE: &str = "bake_image";
    /// Unix seconds when the bake on a machine began.
    pub const BAKE_STARTED: &str = "bake_started";
    /// The bake that a machine or an image belongs to.
    pub const BAKE_ID: &str = "bake_id";
    /// Set by AWS on instances of an Auto Scaling group.
    pub const ASG_NAME: &str = "aws:autoscaling:groupName";
}

/// Value of [`tag::DEPLOY_REPLACES`] if the hostclass had no group.
pub const REPLACES_NOTHING: &str = "-";

/// Value of [`tag::ENVIRONMENT_CLASS`] when the VPC has none.
pub const DEFAULT_ENVIRONMENT_CLASS: &str = "development";

/// Description of static-IP interfaces (spec 20, section 13).
pub const FLOATING_INTERFACE: &str = "floating interface";

/// Descriptions that start so mark ingress ranges owned by peerings (spec 20, section 4.10).
pub const PEERING_RULE_PREFIX: &str = "asiaq-peering:";

/// Description of the rule that lets a metanetwork in through a peering, such as `asiaq-peering:ci/intranet`.
pub fn peering_rule(env: &str, net: MetaNetwork) -> String {
    format!("{PEERING_RULE_PREFIX}{env}/{net}")
}

/// `ENV_NET_AZ`, the name of a subnet and of its route table.
pub fn subnet(env: &str, net: MetaNetwork, zone: &str) -> String {
    format!("{env}_{net}_{zone}")
}

/// `ENV_NET`, the name of a metanetwork's security group.
pub fn security_group(env: &str, net: MetaNetwork) -> String {
    format!("{env}_{net}")
}

/// An environment's name must not contain `_`, which separates the parts of other names.
pub fn is_valid_environment(name: &str) -> bool {
    !name.is_empty() && !name.contains('_')
}

/// UTC as `YYYY-MM-DDTHH:MM:SS.ffffff`, without zone; the fraction is left out if zero (spec 20, section 3).
pub fn create_date(now: DateTime<Utc>) -> String {
    let format = if now.timestamp_subsec_micros() == 0 {
        "%Y-%m-%dT%H:%M:%S"
    } else {
        "%Y-%m-%dT%H:%M:%S%.6f"
    };
    now.format(format).to_string()
}

/// `ENV_HOSTCLASS_SECONDS`, the name of a group created at that time.
pub fn group(env: &str, hostclass: &str, unix_seconds: i64) -> String {
    format!("{env}_{hostclass}_{unix_seconds}")
}

/// `ENV_HOSTCLASS_N`, the name of a launch template; N is a random number below 9,999,999.
pub fn launch_template(env: &str, hostclass: &str, number: u32) -> String {
    format!("{env}_{hostclass}_{number}")
}

/// True if a group or launch object of this name belongs to the environment. `tagged` is its `environment` tag, which
/// protects `ci` from `ci_2` (spec 30, section 1).
pub fn belongs_to(env: &str, name: &str, tagged: Option<&str>) -> bool {
    name.strip_prefix(env)
        .is_some_and(|rest| rest.starts_with('_'))
        && tagged.is_none_or(|tag| tag == env)
}

/// Hostclass of a group's or launch object's name: without `ENV_` and without the last `_` part; empty if nothing is left.
pub fn hostclass_of<'a>(env: &str, name: &'a str) -> &'a str {
    let rest = name
        .strip_prefix(env)
        .and_then(|rest| rest.strip_prefix('_'))
        .unwrap_or_default();
    rest.rsplit_once('_').map_or("", |(hostclass, _)| hostclass)
}

/// True for `ENV_<something>_<digits>`: a launch template that Asiaq named.
pub fn is_own_launch_template(env: &str, name: &str) -> bool {
    let numbered = name
        .rsplit_once('_')
        .is_some_and(|(_, n)| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
    belongs_to(env, name, None) && numbered && !hostclass_of(env, name).is_empty()
}

/// `GROUP_CRON` with `star` for each `*` and `_` for each blank.
pub fn recurring_action(group: &str, cron: &str) -> String {
    format!("{group}_{}", cron.replace('*', "star").replace(' ', "_"))
}

/// `ENV/`, with which the names of an environment's log groups begin.
pub fn log_group_prefix(env: &str) -> String {
    format!("{env}/")
}

/// `ID-final-snapshot`, the snapshot that remains of a deleted database.
pub fn final_snapshot(database: &str) -> String {
    format!("{database}-final-snapshot")
}

/// Name of a credential bucket (spec 10, section 7.4): dots in us-west-2, double dashes elsewhere.
pub fn credential_bucket(region: &str, project: &str, postfix: &str) -> String {
    if region == "us-west-2" {
        format!("{region}.{project}.credentials.{postfix}")
    } else {
        format!("{region}--{project}--credentials--{postfix}")
    }
}

/// `BASE--KIND[--SUFFIX]`, the name of a bucket for the output of commands (`ssm`) or for backups (spec 10, section 4.3).
pub fn data_bucket(base: &str, kind: &str, suffix: Option<&str>) -> String {
    match suffix.filter(|suffix| !suffix.is_empty()) {
        Some(suffix) => format!("{base}--{kind}--{suffix}"),
        None => format!("{base}--{kind}"),
    }
}

/// Hostclass of an image: the first word of its name (spec 50, section 3.1).
pub fn hostclass_of_image(image_name: &str) -> &str {
    image_name.split_whitespace().next().unwrap_or_default()
}

/// Timestamp of an image: the last word of its name as unix seconds, 0 if that is not a number.
pub fn timestamp_of_image(image_name: &str) -> i64 {
    image_name
        .split_whitespace()
        .next_back()
        .and_then(|word| word.parse().ok())
        .unwrap_or(0)
}

/// True for names that a bake gives: word characters, a blank, perhaps a build number and a blank, then at least ten digits;
/// whatever follows does not matter (spec 50, section 3.1).
pub fn is_baked_image(image_name: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let digits = |text: &str| text.chars().take_while(char::is_ascii_digit).count();
    let rest = image_name.trim_start_matches(word);
    if rest.len() == image_name.len() {
        return false;
    }
    let Some(rest) = rest.strip_prefix(char::is_whitespace) else {
        return false;
    };
    let number = digits(rest);
    let numbered = || {
        let rest = rest.get(number..)?.strip_prefix(char::is_whitespace)?;
        Some(number > 0 && digits(rest) >= 10)
    };
    number >= 10 || numbered().unwrap_or(false)
}

/// The user on whose behalf a command runs: first non-empty of `LOGNAME`, `USER`, `LNAME`, `USERNAME`, looked up through `get`.
pub fn current_user(get: impl Fn(&str) -> Option<String>) -> Option<String> {
    ["LOGNAME", "USER", "LNAME", "USERNAME"]
        .iter()
        .find_map(|name| get(name).filter(|value| !value.is_empty()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn environment_membership_and_hostclass() {
        let table = [
            ("ci", "ci_mhcfoo_1790000000", None, true, "mhcfoo"),
            ("ci", "ci_mhc_big_db_1790000001", None, true, "mhc_big_db"),
            ("ci", "ci2_mhcfoo_1790000002", None, false, ""),
            ("ci", "ci_mhcfoo", None, true, ""),
            ("my_env", "my_env_mhcfoo_17", None, true, "mhcfoo"),
            ("ci", "ci_2_mhcfoo_17", Some("ci_2"), false, "2_mhcfoo"),
            ("ci", "ci_mhcfoo_17", Some("ci"), true, "mhcfoo"),
        ];
        for (env, name, tagged, belongs, hostclass) in table {
            assert_eq!(
                (belongs_to(env, name, tagged), hostclass_of(env, name)),
                (belongs, hostclass),
                "{env} {name}"
            );
        }
    }

    #[test]
    fn launch_templates_that_cleaning_may_touch() {
        let own = ["ci_mhcfoo_12", "ci_mhc_big_db_0"];
        let foreign = [
            "ci_mhcfoo",
            "ci_mhcfoo_x1",
            "ci2_mhcfoo_12",
            "ci_12",
            "ci_mhcfoo_",
        ];
        assert!(own.iter().all(|name| is_own_launch_template("ci", name)));
        assert!(
            foreign
                .iter()
                .all(|name| !is_own_launch_template("ci", name))
        );
    }

    #[test]
    fn action_names() {
        assert_eq!(
            recurring_action("ci_mhcweb_1790000000", "30 10 * * *"),
            "ci_mhcweb_1790000000_30_10_star_star_star"
        );
        assert_eq!(
            recurring_action("g", "*/15 8-18 * * 1,3"),
            "g_star/15_8-18_star_star_1,3"
        );
    }

    #[test]
    fn buckets_dates_and_images() {
        assert_eq!(
            credential_bucket("us-west-2", "p", "ci"),
            "us-west-2.p.credentials.ci"
        );
        assert_eq!(
            credential_bucket("eu-west-1", "p", "ci"),
            "eu-west-1--p--credentials--ci"
        );
        let at = |micros: i64| {
            create_date(DateTime::from_timestamp_micros(1_700_000_000_000_000 + micros).unwrap())
        };
        assert_eq!(
            (at(0).as_str(), at(1_500).as_str()),
            ("2023-11-14T22:13:20", "2023-11-14T22:13:20.001500")
        );
        let images = [
            ("mhcweb 1700000000", "mhcweb", 1_700_000_000),
            ("mhcweb 42 1690000000", "mhcweb", 1_690_000_000),
            ("my-image 12x", "my-image", 0),
            ("", "", 0),
        ];
        for (name, hostclass, timestamp) in images {
            assert_eq!(
                (hostclass_of_image(name), timestamp_of_image(name)),
                (hostclass, timestamp),
                "{name}"
            );
        }
    }

    #[test]
    fn names_that_a_bake_gives() {
        let table = [
            ("mhcweb 1700000000", true),
            ("mhcweb 42 1690000000", true),
            ("centos7_phase1 1700000000", true),
            ("mhcweb\t1700000000 and more", true),
            ("mhcweb 1700000000 5", true),
            ("my-image 1700000000", false),
            ("mhcweb 123", false),
            ("mhcweb 123 456", false),
            ("mhcweb  1700000000", false),
            ("mhcweb x 1700000000", false),
            ("mhcweb1700000000", false),
            (" 1700000000", false),
            ("mhcweb", false),
            ("mhcweb ", false),
            ("", false),
            ("mhcäpfel 1700000000", false),
        ];
        for (name, wanted) in table {
            assert_eq!(is_baked_image(name), wanted, "{name:?}");
        }
    }

    #[test]
    fn users_and_environment_names() {
        let user = |pairs: &'static [(&str, &str)]| {
            current_user(|n| {
                pairs
                    .iter()
                    .find(|(k, _)| *k == n)
                    .map(|(_, v)| (*v).to_owned())
            })
        };
        assert_eq!(
            user(&[("USER", "ann"), ("LOGNAME", "")]).as_deref(),
            Some("ann")
        );
        assert_eq!(user(&[]), None);
        assert!(
            is_valid_environment("ci-2")
                && !is_valid_environment("ci_2")
                && !is_valid_environment("")
        );
    }

    proptest! {
        #[test]
        fn group_names_give_their_hostclass_back(env in "[a-z][a-z0-9_-]{0,8}", hostclass in "mhc[a-z0-9_]{0,12}", at in 1_000_000_000i64..4_000_000_000) {
            let name = group(&env, &hostclass, at);
            prop_assert!(belongs_to(&env, &name, None));
            prop_assert_eq!(hostclass_of(&env, &name), hostclass.as_str());
        }
    }
}
