//! What applied changes yield for later ones: identifiers that AWS gives, under the logical names of their things.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Identifiers by logical name, shared by the executors of one plan. Copies share their content.
#[derive(Debug, Clone, Default)]
pub struct Yields(Arc<Mutex<BTreeMap<String, String>>>);

impl Yields {
    /// Remembers an identifier.
    pub fn put(&self, name: impl Into<String>, id: impl Into<String>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(name.into(), id.into());
    }

    /// The identifier of a thing, if a change has yielded one.
    pub fn get(&self, name: &str) -> Option<String> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(name).cloned()
    }
}
