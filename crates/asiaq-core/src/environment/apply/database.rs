//! Executes changes to databases of an environment: so far it tells what is left to do.

use super::super::action::DatabaseAction;
use super::Executor;
use crate::error::{Error, Result};

impl Executor<'_> {
    pub(super) async fn database(&self, action: &DatabaseAction) -> Result<()> {
        let DatabaseAction::Create { name } = action;
        Err(Error::Left(format!(
            "database `{name}` of disco_rds.ini is not made, which this version cannot do: create an RDS instance of that \
             name in metanetwork intranet of environment `{}` with the tool you used so far",
            self.env
        )))
    }
}
