//! `disco_deploy` end to end. What several files need is in `bed`.

pub mod bed;
mod choose;
mod drive;
mod faults;
mod groups;
mod kills;
mod limits;
mod remote;
mod rolling;
mod tickets;
