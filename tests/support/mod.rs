//! Support for the end-to-end tests: runs the built tools against a local cloud. Asserts nothing itself, apart from
//! its own set-up, and leaves nothing behind. Tests are plain (not async) functions.
#![allow(clippy::unwrap_used, clippy::expect_used)]

pub mod bakery;
pub mod buckets;
pub mod cloud;
pub mod complete;
pub mod config;
pub mod environment;
pub mod furniture;
// Only the tests on real hosts use it.
#[allow(dead_code)]
pub mod hosts;
pub mod proxy;
pub mod secrets;
pub mod snapshots;
pub mod spotinst;
// Only target `hosts` uses it; in target `e2e` it would be reported as dead.
#[allow(dead_code, unused_imports)]
pub mod sshd;
pub mod zone;

use std::ffi::OsString;
use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use self::proxy::Proxy;

/// A tool that runs longer than this is killed and its test fails.
const TIME_LIMIT: Duration = Duration::from_secs(120);
const POLL: Duration = Duration::from_millis(5);
/// Variables of the caller that would change what a tool does.
const FOREIGN_PREFIXES: [&str; 3] = ["AWS_", "ASIAQ_", "SPOTINST_"];
const FOREIGN: [&str; 8] = [
    "DEFAULT_ENV",
    "NO_COLOR",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
];

/// A command line of one of the built tools, in an environment without the caller's account and settings.
///
/// `HOME` and the cache directory are temporary; an installed moto is visible in the latter, so `asiaq local` works
/// and cannot touch a local cloud of the user's.
pub struct Asiaq {
    command: Command,
    home: TempDir,
}

/// The tool of that name: `asiaq`, `disco_aws`, `disco_vpc_ui` and so on.
pub fn asiaq(tool: &str) -> Asiaq {
    let home = tempfile::tempdir().expect("temporary directory");
    let mut command = Command::new(binary(tool));
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if FOREIGN.contains(&&*text)
            || FOREIGN_PREFIXES
                .iter()
                .any(|prefix| text.starts_with(prefix))
        {
            command.env_remove(&name);
        }
    }
    command
        .env("HOME", home.path())
        .env("ASIAQ_CACHE_DIR", private_cache(home.path()))
        .env("ASIAQ_LOCAL_PORT", "0")
        .env("ASIAQ_POLL_INTERVAL", "0.05")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("ASIAQ_CONFIG", home.path())
        .current_dir(home.path());
    Asiaq { command, home }
}

/// Path of a built tool.
pub fn binary(tool: &str) -> &'static str {
    match tool {
        "asiaq" => env!("CARGO_BIN_EXE_asiaq"),
        "disco_autoscale" => env!("CARGO_BIN_EXE_disco_autoscale"),
        "disco_aws" => env!("CARGO_BIN_EXE_disco_aws"),
        "disco_chaos" => env!("CARGO_BIN_EXE_disco_chaos"),
        "disco_metrics" => env!("CARGO_BIN_EXE_disco_metrics"),
        "disco_purge_snapshots" => env!("CARGO_BIN_EXE_disco_purge_snapshots"),
        "disco_snapshot" => env!("CARGO_BIN_EXE_disco_snapshot"),
        "disco_ssh" => env!("CARGO_BIN_EXE_disco_ssh"),
        "disco_ssm" => env!("CARGO_BIN_EXE_disco_ssm"),
        "disco_elb" => env!("CARGO_BIN_EXE_disco_elb"),
        "disco_route53" => env!("CARGO_BIN_EXE_disco_route53"),
        "disco_eip" => env!("CARGO_BIN_EXE_disco_eip"),
        "disco_vpc_ui" => env!("CARGO_BIN_EXE_disco_vpc_ui"),
        "acfg1" => env!("CARGO_BIN_EXE_acfg1"),
        "asiaq_sandbox" => env!("CARGO_BIN_EXE_asiaq_sandbox"),
        "disco_accounts" => env!("CARGO_BIN_EXE_disco_accounts"),
        "disco_app_auth" => env!("CARGO_BIN_EXE_disco_app_auth"),
        "disco_bake" => env!("CARGO_BIN_EXE_disco_bake"),
        "disco_creds" => env!("CARGO_BIN_EXE_disco_creds"),
        "disco_deploy" => env!("CARGO_BIN_EXE_disco_deploy"),
        other => panic!("`{other}` is not one of the built tools"),
    }
}

/// A cache directory of its own that shares the real one's virtual environment.
fn private_cache(home: &Path) -> PathBuf {
    let cache = home.join("cache");
    fs::create_dir(&cache).expect("cache directory");
    let name = format!("moto-{}", asiaq_local::MOTO_VERSION);
    let real = asiaq_local::Settings::from_env()
        .expect("settings")
        .cache_dir
        .join(&name);
    std::os::unix::fs::symlink(real, cache.join(&name)).expect("link to moto");
    cache
}

impl Asiaq {
    /// Points the tool at an endpoint, with the test keys and region.
    pub fn endpoint(mut self, url: &str) -> Self {
        self.command.envs(asiaq_local::environment(url));
        self
    }

    /// Sets the configuration directory (`ASIAQ_CONFIG`). Without it the directory is empty.
    pub fn config(mut self, directory: &Path) -> Self {
        self.command.env("ASIAQ_CONFIG", directory);
        self
    }

    /// Sets the working directory. Without it that is the empty home.
    pub fn directory(mut self, directory: &Path) -> Self {
        self.command.current_dir(directory);
        self
    }

    /// Adds arguments.
    pub fn args<I>(mut self, arguments: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<OsString>,
    {
        self.command.args(arguments.into_iter().map(Into::into));
        self
    }

    /// Sets a variable.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// Starts the tool; its output goes to files, so it never blocks on a full pipe.
    pub fn spawn(mut self) -> Running {
        let output = |name: &str| File::create(self.home.path().join(name)).expect("output file");
        let child = self
            .command
            .stdin(Stdio::null())
            .stdout(output("stdout"))
            .stderr(output("stderr"))
            .spawn()
            .expect("start the tool");
        Running {
            child: Arc::new(Mutex::new(child)),
            home: self.home,
        }
    }

    /// Runs the tool to its end.
    pub fn run(self) -> Output {
        self.spawn().wait()
    }
}

/// A tool that was started. Dropping it kills the tool.
pub struct Running {
    child: Arc<Mutex<Child>>,
    home: TempDir,
}

impl Running {
    /// The process, for the proxy that is to kill it.
    pub fn child(&self) -> Arc<Mutex<Child>> {
        Arc::clone(&self.child)
    }

    /// Waits for the end of the tool.
    pub fn wait(self) -> Output {
        let deadline = Instant::now() + TIME_LIMIT;
        loop {
            let status = self
                .child
                .lock()
                .expect("child")
                .try_wait()
                .expect("wait for the tool");
            if let Some(status) = status {
                return self.output(status);
            }
            assert!(
                Instant::now() < deadline,
                "the tool runs for more than {TIME_LIMIT:?}; stderr:\n{}",
                self.text("stderr")
            );
            std::thread::sleep(POLL);
        }
    }

    fn output(&self, status: ExitStatus) -> Output {
        Output {
            status: status
                .code()
                .unwrap_or_else(|| 128 + status.signal().unwrap_or_default()),
            stdout: self.text("stdout"),
            stderr: self.text("stderr"),
        }
    }

    fn text(&self, name: &str) -> String {
        let bytes = fs::read(self.home.path().join(name)).expect("output file");
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let mut child = self
            .child
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        // Both fail if the tool has ended, which is the usual case.
        let _ = child.kill();
        let _ = child.wait();
    }
}

/// What a tool left behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// Exit code; 128 + signal number if a signal ended it.
    pub status: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Output {
    /// Panics with both streams unless the tool exited with this code. Gives the output back for more checks.
    #[track_caller]
    pub fn expect_status(self, status: i32) -> Self {
        assert_eq!(
            self.status, status,
            "exit code; stdout:\n{}\nstderr:\n{}",
            self.stdout, self.stderr
        );
        self
    }
}

/// Runs a tool whose endpoint is `proxy`, and lets the proxy kill it as its behaviour says. `None` if the tool came
/// to its end without reaching the call at which it was to die: the loop over all calls is then complete.
pub fn run_until_killed(proxy: &Proxy, tool: Asiaq) -> Option<Output> {
    let running = proxy.register(|| {
        let running = tool.endpoint(proxy.url()).spawn();
        let child = running.child();
        (running, child)
    });
    let output = running.wait();
    proxy.has_killed().then_some(output)
}
