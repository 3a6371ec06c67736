//! `disco_snapshot` end to end. This file holds what its tests share; they are in the folder of this name.

mod capture;
mod create;
mod deleting;
mod listing;
mod update;
mod usage;

use crate::support::cloud::Cloud;
use crate::support::config::TestConfig;
use crate::support::environment::changing_calls;
use crate::support::proxy::{Behaviour, Proxy};
use crate::support::{Asiaq, Output, asiaq};

/// A cloud and the standard configuration, whose default environment is `ci`.
struct World {
    cloud: Cloud,
    config: TestConfig,
}

impl World {
    fn new() -> Self {
        Self {
            cloud: Cloud::start(),
            config: TestConfig::standard(),
        }
    }

    fn tool(&self, words: &str) -> Asiaq {
        asiaq("disco_snapshot")
            .config(self.config.path())
            .args(words.split_whitespace())
    }

    fn run(&self, words: &str) -> Output {
        self.tool(words).endpoint(self.cloud.url()).run()
    }

    /// Runs it through a proxy; gives the proxy as well.
    fn through(&self, behaviour: Behaviour, words: &str) -> (Output, Proxy) {
        let proxy = Proxy::start(self.cloud.url(), behaviour);
        let output = self.tool(words).endpoint(proxy.url()).run();
        (output, proxy)
    }

    /// Runs it; gives the changing calls as well.
    fn watch(&self, words: &str) -> (Output, Vec<String>) {
        let (output, proxy) = self.through(Behaviour::new(), words);
        (output, changing_calls(&proxy))
    }
}
