//! End-to-end tests: the built binaries against a local endpoint of their own; what AWS then holds is read back with the
//! SDK. One file per tool, `faults` for what goes wrong on the way.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod support;

mod disco_autoscale;
mod disco_aws;
mod disco_eip;
mod disco_vpc_ui;
mod faults;
mod local;
