//! `disco_metrics` end to end: programs that only pretend, a stand-in for the instance metadata, and
//! CloudWatch of the local cloud read back with the SDK. The tests are in the folder of this name.

mod identity;
mod upload;
mod usage;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use tempfile::TempDir;
use wiremock::matchers::{header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::{Asiaq, asiaq};

/// What the programs print unless a test says otherwise.
const IOSTAT: &str = "cat <<'END'\nLinux 6.1.0 (h)  11/22/26  _x86_64_  (2 CPU)\n\navg-cpu:  %user   %nice %system %iowait  %steal   %idle\n           1.50    0.25    2.00    3.75    0.50   92.00\nEND";
const DF: &str = "cat <<'END'\nFilesystem 1024-blocks Used Available Capacity Mounted on\n/dev/nvme0n1p1 100 42 58 42% /\ntmpfs 9 0 9 0% /tmp\nEND";
const SUDO: &str = "[ \"$*\" = '-n rabbitmqctl list_queues' ] || exit 9\necho 'Listing queues ...'; echo 'ingestion_workflow 12'";

/// A directory of programs that is the whole `PATH`.
pub struct Programs {
    directory: TempDir,
}

impl Programs {
    /// Only those of the given names and texts.
    pub fn new(programs: &[(&str, &str)]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        for (name, script) in programs {
            let file = directory.path().join(name);
            let real = "PATH=/usr/bin:/bin";
            fs::write(&file, format!("#!/bin/sh\n{real}\n{script}\n")).unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        }
        Self { directory }
    }

    /// All three.
    pub fn all() -> Self {
        Self::new(&[("iostat", IOSTAT), ("df", DF), ("sudo", SUDO)])
    }

    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// The tool, which finds these programs and no others. There is no configuration.
    pub fn tool(&self, args: &str) -> Asiaq {
        asiaq("disco_metrics")
            .env("PATH", self.path().to_str().unwrap())
            .args(args.split_whitespace())
    }
}

/// A stand-in for the instance metadata. It stops when dropped.
pub struct Metadata {
    server: MockServer,
    runtime: tokio::runtime::Runtime,
}

impl Metadata {
    /// Answers a request for a token so; texts by path. With `secured` only to whom shows the token `tok`.
    pub fn new(token: ResponseTemplate, secured: bool, texts: &[(&str, &str)]) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let server = runtime.block_on(async {
            let server = MockServer::start().await;
            let asked = Mock::given(method("PUT")).and(path("/latest/api/token"));
            asked.respond_with(token).mount(&server).await;
            for (name, text) in texts {
                let mut mock = Mock::given(method("GET")).and(path(format!("/latest/{name}")));
                if secured {
                    mock = mock.and(header("X-aws-ec2-metadata-token", "tok"));
                }
                let answer = ResponseTemplate::new(200).set_body_string(*text);
                mock.respond_with(answer).mount(&server).await;
            }
            server
        });
        Self { server, runtime }
    }

    /// The tool, told where the metadata are.
    pub fn with(&self, tool: Asiaq) -> Asiaq {
        tool.env("AWS_EC2_METADATA_DISABLED", "false")
            .env("AWS_EC2_METADATA_SERVICE_ENDPOINT", &self.server.uri())
    }

    /// Method and path of all requests.
    pub fn requests(&self) -> Vec<String> {
        let asked = self.runtime.block_on(self.server.received_requests());
        let line =
            |request: &wiremock::Request| format!("{} {}", request.method, request.url.path());
        asked.unwrap().iter().map(line).collect()
    }
}
