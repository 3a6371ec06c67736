//! Everything that Asiaq knows and does, with no terminal in it.
//!
//! Floors, imports point down only: capabilities (`overview`, `environment`, `group`, `host`, `image`, …) → `plan`, `aws`, `spotinst` →
//! `config`, `pipeline`, `network`, `names`. The lowest floor is pure: no AWS, no runtime, no network.

pub mod aws;
pub mod balancer;
pub mod bucket;
pub mod cache;
pub mod certificate;
pub mod config;
pub mod credentials;
pub mod database;
pub mod datapipeline;
pub mod deploy;
pub mod dns;
pub mod environment;
pub mod error;
pub mod group;
pub mod host;
pub mod image;
pub mod lint;
pub mod monitoring;
pub mod names;
pub mod network;
pub mod overview;
pub mod pipeline;
pub mod plan;
pub mod sandbox;
pub mod socify;
pub mod spotinst;
pub mod ssm;
pub mod storage;

pub use error::{Error, Result};
