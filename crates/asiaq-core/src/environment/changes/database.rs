//! Planning databases: a line for each, so that the operator learns of it before anything is made (spec 20, section 5
//! step 15).

use super::super::action::{Action, DatabaseAction};
use super::super::desired::Desired;
use super::super::observed::Observed;
use super::{VPC, group_key};
use crate::network::MetaNetwork;
use crate::plan::{Plan, Sign};

/// Databases of a new environment. An update leaves them alone (spec 20, section 6).
pub(super) fn database(plan: &mut Plan<Action>, desired: &Desired, observed: &Observed) {
    if observed.vpc_id.is_some() {
        return;
    }
    for name in &desired.services.databases {
        let needs = [VPC.to_owned(), group_key(MetaNetwork::Intranet)];
        let action = DatabaseAction::Create { name: name.clone() };
        let line = format!("database {name} (left to you: this version does not make databases)");
        let id = format!("database/{name}");
        plan.push(id, needs, Sign::Add, line, Action::Database(action));
    }
}
