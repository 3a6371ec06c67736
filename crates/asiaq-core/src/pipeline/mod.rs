//! Pure pipeline rules: the pipeline CSV, size expressions and their schedules (spec 10, section 6;
//! spec 40, sections 4.1 and 4.5).
//!
//! A pipeline says which hostclasses to run and how many hosts of each. Nothing here talks to AWS or
//! starts anything, and no file is read but the pipeline itself.

mod cron;
mod csv;
mod reserve;
mod single;
mod sizes;

pub use cron::Cron;
pub(crate) use csv::COLUMNS;
pub use csv::{Pipeline, Row};
pub use reserve::Reserve;
pub use sizes::{CreateSizes, RecurringAction, Sizes, create_sizes, recurring_actions};
