//! End-to-end tests on real ssh servers and real hosts of the local cloud. Where the machine lacks what they need, they are
//! reported as ignored, with the reason, and not as passed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    missing_docs,
    dead_code,
    unused_imports
)]

mod support;

mod hosts {
    pub mod accounts;
    pub mod bake;
    pub mod bake_faults;
    pub mod demo;
    pub mod deploy;
    pub mod exec;
    pub mod exec_faults;
    pub mod exec_routes;
    pub mod init_scripts;
    pub mod inside;
    pub mod interactive;
    pub mod keys;
    pub mod needs;
    pub mod runtime;
    pub mod scenario;
    pub mod smoke;
    pub mod snapshots;
}

use hosts::needs::Needs;
use libtest_mimic::Arguments;

fn main() {
    let arguments = Arguments::from_args();
    let needs = Needs::of_this_machine();
    if let Some(missing) = needs.missing() {
        eprintln!("tests on real hosts are ignored: {missing}");
    }
    let tests = [
        hosts::accounts::tests,
        hosts::bake::tests,
        hosts::bake_faults::tests,
        hosts::demo::tests,
        hosts::deploy::tests,
        hosts::exec::tests,
        hosts::exec_faults::tests,
        hosts::exec_routes::tests,
        hosts::init_scripts::tests,
        hosts::inside::tests,
        hosts::interactive::tests,
        hosts::keys::tests,
        hosts::runtime::tests,
        hosts::scenario::tests,
        hosts::smoke::tests,
        hosts::snapshots::tests,
    ];
    let tests = tests.iter().flat_map(|of_theme| of_theme(&needs)).collect();
    libtest_mimic::run(&arguments, tests).exit();
}
