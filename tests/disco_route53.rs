//! `disco_route53` end to end.

mod changes;
mod faults;
mod listing;
mod usage;

use crate::support::cloud::Cloud;
use crate::support::environment::changing_calls;
use crate::support::proxy::{Behaviour, Proxy};
use crate::support::{Output, asiaq};

fn run(url: &str, words: &str) -> Output {
    asiaq("disco_route53")
        .endpoint(url)
        .args(words.split_whitespace())
        .run()
}

/// Runs it through a proxy; gives the changing calls as well.
fn watched(cloud: &Cloud, words: &str) -> (Output, Vec<String>) {
    let proxy = Proxy::start(cloud.url(), Behaviour::new());
    let output = run(proxy.url(), words);
    (output, changing_calls(&proxy))
}
