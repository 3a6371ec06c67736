//! `disco_ssm` and `disco_aws exec-ssm` end to end.

mod documents;
mod exec;
mod exec_faults;
mod kills;
pub mod stand_in;
mod usage;

use crate::support::cloud::Cloud;
use crate::support::config::TestConfig;
use crate::support::proxy::{Behaviour, Proxy};
use crate::support::{Asiaq, Output, asiaq};
use aws_sdk_ssm::types::{DocumentFormat, DocumentType};

/// The operations that change documents or send commands, in order of arrival.
pub fn changing(proxy: &Proxy) -> Vec<String> {
    let calls = proxy.calls().into_iter().map(|call| call.operation);
    let reads = ["Describe", "List", "Get", "GET ", "HEAD "];
    calls
        .filter(|operation| !reads.iter().any(|read| operation.starts_with(read)))
        .collect()
}

/// A small document; `n` tells contents apart.
pub fn content(n: u32) -> String {
    format!(r#"{{"schemaVersion":"2.2","description":"number {n}","mainSteps":[]}}"#)
}

/// An account with documents, and a folder with files.
pub struct Documents {
    pub cloud: Cloud,
    pub config: TestConfig,
}

impl Documents {
    pub fn new() -> Self {
        let documents = Self {
            cloud: Cloud::start(),
            config: TestConfig::new(),
        };
        std::fs::create_dir_all(documents.config.path().join("ssm/documents")).unwrap();
        documents
    }

    pub fn client(&self) -> aws_sdk_ssm::Client {
        aws_sdk_ssm::Client::new(&self.cloud.sdk())
    }

    /// Writes `ssm/documents/NAME`.
    pub fn file(&self, name: &str, text: &str) {
        self.config.write(&format!("ssm/documents/{name}"), text);
    }

    /// Makes a document in the account.
    pub fn make(&self, name: &str, kind: DocumentType, text: &str) {
        let call = self.client().create_document().name(name).content(text);
        let call = call
            .document_type(kind)
            .document_format(DocumentFormat::Json);
        self.cloud.wait(call.send()).unwrap();
    }

    /// Adds a version, which does not become the default one.
    pub fn add_version(&self, name: &str, text: &str) {
        let call = self.client().update_document().name(name).content(text);
        self.cloud
            .wait(call.document_version("$LATEST").send())
            .unwrap();
    }

    /// Names in the account, sorted.
    pub fn names(&self) -> Vec<String> {
        let call = self
            .client()
            .list_documents()
            .into_paginator()
            .items()
            .send();
        let found = self
            .cloud
            .wait(call.collect::<Result<Vec<_>, _>>())
            .unwrap();
        let mut names: Vec<String> = found
            .into_iter()
            .filter_map(|document| document.name)
            .collect();
        names.sort();
        names
    }

    /// Default version, its text, and the newest version.
    pub fn read(&self, name: &str) -> (String, String, String) {
        let client = self.client();
        let text = self
            .cloud
            .wait(client.get_document().name(name).send())
            .unwrap();
        let about = self
            .cloud
            .wait(client.describe_document().name(name).send())
            .unwrap();
        let newest = about.document.unwrap().latest_version.unwrap();
        (
            text.document_version.unwrap(),
            text.content.unwrap(),
            newest,
        )
    }

    pub fn tool_at(&self, url: &str, words: &str) -> Asiaq {
        asiaq("disco_ssm")
            .endpoint(url)
            .config(self.config.path())
            .args(words.split_whitespace())
    }

    pub fn run(&self, words: &str) -> Output {
        self.tool_at(self.cloud.url(), words).run()
    }

    /// Runs it through a proxy of that behaviour, and gives the proxy too.
    pub fn through(&self, behaviour: Behaviour, words: &str) -> (Output, Proxy) {
        let proxy = Proxy::start(self.cloud.url(), behaviour);
        let output = self.tool_at(proxy.url(), words).run();
        (output, proxy)
    }

    pub fn watch(&self, words: &str) -> (Output, Proxy) {
        self.through(Behaviour::new(), words)
    }
}
