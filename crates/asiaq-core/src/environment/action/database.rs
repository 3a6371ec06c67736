//! Changes to databases of an environment, as data.

/// One change to databases.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DatabaseAction {
    /// Make a database. This version only says what the operator has to do.
    Create {
        /// Its section in `disco_rds.ini`, which is also its identifier.
        name: String,
    },
}
