//! Tags that `--tag` asks for on a sandbox that exists: added to the VPC or changed there, never removed. What lies in the VPC
//! keeps the tags that it was made with.

use crate::aws::{Aws, Context, Tags, ec2_tags};
use crate::environment::Vpc;
use crate::error::{Error, Result};
use crate::plan::{Apply, Change, Plan, Sign};

/// One tag, key and value.
pub(super) type TagAction = (String, String);

/// The tags that differ. Pure.
pub(super) fn plan(wanted: &Tags, vpc: &Vpc) -> Plan<TagAction> {
    let mut plan = Plan::default();
    for (key, value) in wanted {
        let (sign, line) = match vpc.tags.get(key) {
            Some(old) if old == value => continue,
            Some(old) => (Sign::Modify, format!("vpc tag {key}: {old} -> {value}")),
            None => (Sign::Add, format!("vpc tag {key}: {value}")),
        };
        let action = (key.clone(), value.clone());
        plan.push(format!("tag/{key}"), [""; 0], sign, line, action);
    }
    plan
}

/// Sets tags of a VPC.
pub(super) struct Executor<'a> {
    pub(super) aws: &'a Aws,
    pub(super) vpc_id: &'a str,
}

impl Apply<TagAction> for Executor<'_> {
    async fn apply(&self, change: &Change<TagAction>) -> Result<(), Error> {
        let tags = Tags::from([change.action.clone()]);
        let call = self.aws.ec2().create_tags().resources(self.vpc_id);
        call.set_tags(Some(ec2_tags(&tags)))
            .send()
            .await
            .context("ec2:CreateTags", format!("VPC {}", self.vpc_id))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_added_and_changed_but_never_removed() {
        let tags = |pairs: &[(&str, &str)]| -> Tags {
            let own = pairs
                .iter()
                .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
            own.collect()
        };
        let vpc = Vpc {
            id: "vpc-1".into(),
            name: "box".into(),
            env_type: "sandbox".into(),
            cidr_block: String::new(),
            cidr_blocks: vec![],
            is_default: false,
            tags: tags(&[("a", "1"), ("b", "2"), ("c", "3")]),
            dhcp_options_id: None,
        };
        let planned = plan(&tags(&[("b", "2"), ("c", "x:y"), ("d", "")]), &vpc);
        assert_eq!(planned.lines(), ["~ vpc tag c: 3 -> x:y", "+ vpc tag d: "]);
        assert!(plan(&Tags::new(), &vpc).is_empty());
    }
}
