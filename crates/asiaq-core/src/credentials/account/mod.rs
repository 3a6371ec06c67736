//! Accounts of operators: their records in a credential bucket, and how a host gets them (spec 10, section 9).
//!
//! [`Record`] is what an account is, [`Accounts`] the bucket that holds them, [`Install`] what a host has to change. Every
//! write has a condition, so that of two people at the same account one is refused and nothing is lost.

mod add;
mod hash;
mod ids;
mod install;
mod record;
mod store;

pub use add::Room;
pub use hash::hash_password;
pub use install::{Install, Step};
pub use record::{Kind, Record, check_name, yes_or_no};
pub use store::{Account, Accounts, Row, Stored, Write};
