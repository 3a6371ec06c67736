//! End-to-end tests: the built binaries against a local endpoint of their own; what AWS then holds is read back with the
//! SDK. One file per tool, `faults` for what goes wrong on the way, and one per part of the core that no tool shows alone.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod support;

mod acfg;
mod asiaq_config;
mod asiaq_dp;
mod asiaq_manual;
mod asiaq_sandbox;
mod balancer_v2;
mod certificate;
mod disco_accounts;
mod disco_app_auth;
mod disco_autoscale;
mod disco_aws;
mod disco_bake;
mod disco_chaos;
mod disco_creds;
mod disco_deploy;
mod disco_eip;
mod disco_elb;
mod disco_metrics;
mod disco_purge_snapshots;
mod disco_route53;
mod disco_snapshot;
mod disco_ssh;
mod disco_ssm;
mod disco_vpc_ui;
mod dns;
mod faults;
mod local;
mod secrets;
mod spotinst;
