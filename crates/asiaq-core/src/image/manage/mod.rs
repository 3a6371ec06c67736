//! Image management: listing, promotion, sharing, deletion and clean-up (spec 50, section 10).
//!
//! `listing` and `stragglers` read and make rows; `promote` plans stages and sharing, `delete` and `cleanup` what goes (the choice is
//! pure); `users` finds what uses an image, `permissions` who may launch it, `repository` the package repository host. `action`
//! executes plans.

mod action;
pub mod cleanup;
pub mod delete;
pub mod listing;
mod permissions;
pub mod promote;
pub mod repository;
pub mod stragglers;
mod users;

pub(in crate::image) use action::Executor as ImageExecutor;
pub use action::{ImageAction, apply};
pub use permissions::production;
pub use promote::{Promotion, plan_hostclass_promotion, plan_promotion, set_stage};
pub use users::ImageUsers;
