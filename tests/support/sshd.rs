//! Real ssh servers on loopback for instances of the emulator: sshd processes with host keys of their own on port 22 of addresses
//! of 127/8, an agent with the key that they accept, and instances that have those addresses. Needs root; everything ends with the
//! values, and with this process if it is killed.

mod agent;
mod processes;

pub use agent::Agent;
pub use processes::{descendants, kill, runs, until};

use std::cell::Cell;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use aws_sdk_ec2::types::{InstanceType, ResourceType, Tag, TagSpecification};
use tempfile::TempDir;

use self::processes::with_parent;
use super::cloud::Cloud;
use super::config::TestConfig;
use super::{Asiaq, asiaq};

/// Addresses that one sshd can listen on.
const LISTENERS: usize = 16;
/// A port of the first address of a block; whoever listens on it has the block.
const LOCK_PORT: u16 = 1;

/// An environment `ci` of the emulator whose instances can be real ssh servers.
pub struct SshBed {
    pub cloud: Cloud,
    pub config: TestConfig,
    pub vpc_id: String,
    subnet_id: String,
    image_id: String,
    directory: TempDir,
    block: u8,
    _lock: TcpListener,
    used: Cell<u8>,
    agent: Agent,
}

impl SshBed {
    /// An empty environment, a block of addresses, a key and an agent that has it.
    pub fn new() -> Self {
        let cloud = Cloud::start();
        let config = TestConfig::standard();
        let ec2 = cloud.client();
        let (block, lock) = free_block();
        let cidr = format!("127.77.{block}.0/24");
        let tags = |kind, pairs: &[(&str, &str)]| {
            TagSpecification::builder()
                .resource_type(kind)
                .set_tags(Some(pairs.iter().map(|(k, v)| tag(k, v)).collect()))
                .build()
        };
        let vpc = ec2
            .create_vpc()
            .cidr_block(&cidr)
            .tag_specifications(tags(ResourceType::Vpc, &[("Name", "ci"), ("type", "ci")]));
        let vpc = cloud.wait(vpc.send()).expect("CreateVpc").vpc;
        let vpc_id = vpc.and_then(|v| v.vpc_id).expect("id of the VPC");
        let subnet = ec2.create_subnet().vpc_id(&vpc_id).cidr_block(&cidr);
        let subnet = cloud.wait(subnet.send()).expect("CreateSubnet").subnet;
        let image_id = cloud.register_image("mhcapp 1700000000", &[]);
        let directory = tempfile::tempdir().expect("temporary directory");
        // sshd drops its privileges into this directory; packages make it when the service starts.
        fs::create_dir_all("/run/sshd").expect("/run/sshd");
        make_key(&directory.path().join("key"));
        let agent = Agent::start(directory.path());
        agent.add(&directory.path().join("key"));
        Self {
            cloud,
            config,
            vpc_id,
            subnet_id: subnet.and_then(|s| s.subnet_id).expect("id of the subnet"),
            image_id,
            directory,
            block,
            _lock: lock,
            used: Cell::new(9),
            agent,
        }
    }

    /// An address that nothing of this machine uses.
    pub fn address(&self) -> String {
        self.used.set(self.used.get() + 1);
        format!("127.77.{}.{}", self.block, self.used.get())
    }

    /// A server on a new address, and an instance with it; gives server and instance id.
    pub fn host(&self, hostclass: &str, hostname: &str) -> (Server, String) {
        let server = self.server(Sshd::default());
        let id = self.instance(
            server.address(),
            &[("hostclass", hostclass), ("hostname", hostname)],
        );
        (server, id)
    }

    /// Starts a server on a new address.
    pub fn server(&self, sshd: Sshd) -> Server {
        self.server_at(&self.address(), sshd)
    }

    /// Starts a server. An address can be used again after its server ended: the new one has another host key.
    pub fn server_at(&self, address: &str, sshd: Sshd) -> Server {
        let directory = self.directory.path().join(format!("sshd-{address}"));
        if directory.exists() {
            fs::remove_dir_all(&directory).expect("old server's files");
        }
        fs::create_dir(&directory).expect("server's directory");
        Server::start(address, &directory, &self.public_key(), sshd)
    }

    /// Many instances of a hostclass on few servers; gives those and the addresses.
    pub fn fleet(&self, hostclass: &str, count: usize, sshd: &Sshd) -> (Vec<Server>, Vec<String>) {
        let addresses: Vec<String> = (0..count).map(|_| self.address()).collect();
        let serve = |own: &[String]| {
            let sshd = own
                .iter()
                .skip(1)
                .fold(sshd.clone(), |sshd, a| sshd.also_at(a));
            self.server_at(&own[0], sshd)
        };
        let servers = addresses.chunks(LISTENERS).map(serve).collect();
        for address in &addresses {
            self.instance(address, &[("hostclass", hostclass)]);
        }
        (servers, addresses)
    }

    /// A running instance of the environment with this private address.
    pub fn instance(&self, address: &str, tags: &[(&str, &str)]) -> String {
        let pairs = tags.iter().filter(|(_, value)| !value.is_empty());
        let pairs: Vec<Tag> = pairs.map(|(k, v)| tag(k, v)).collect();
        let tags = TagSpecification::builder()
            .resource_type(ResourceType::Instance)
            .set_tags(Some(pairs.clone()))
            .build();
        let call = self
            .cloud
            .client()
            .run_instances()
            .image_id(&self.image_id)
            .instance_type(InstanceType::T2Micro)
            .subnet_id(&self.subnet_id)
            .private_ip_address(address)
            .min_count(1)
            .max_count(1)
            .set_tag_specifications((!pairs.is_empty()).then(|| vec![tags]));
        let answer = self.cloud.wait(call.send()).expect("RunInstances");
        answer.instances()[0].instance_id().expect("id").to_owned()
    }

    /// Ends an instance. The emulator does not give its address again.
    pub fn terminate(&self, id: &str) {
        let call = self.cloud.client().terminate_instances().instance_ids(id);
        self.cloud.wait(call.send()).expect("TerminateInstances");
    }

    /// A tool in this environment, with this agent and a known-hosts file that lasts as long as the bed. ssh leaves the user's
    /// own settings and keys alone.
    pub fn tool(&self, tool: &str, args: &[&str]) -> Asiaq {
        asiaq(tool)
            .endpoint(self.cloud.url())
            .config(self.config.path())
            .env("DEFAULT_ENV", "ci")
            .env("SSH_AUTH_SOCK", &self.agent.socket().to_string_lossy())
            .env("XDG_STATE_HOME", &self.state().to_string_lossy())
            .env("ASIAQ_SSH_OPTIONS", "-F none -oIdentityFile=none")
            .args(args.iter().copied())
    }

    /// `XDG_STATE_HOME` of the tools.
    pub fn state(&self) -> PathBuf {
        self.directory.path().join("state")
    }

    /// A directory for the test's own files.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// The private key that servers accept.
    pub fn key(&self) -> PathBuf {
        self.directory.path().join("key")
    }

    /// Its public half, one line.
    pub fn public_key(&self) -> String {
        fs::read_to_string(self.directory.path().join("key.pub")).expect("public key")
    }

    /// The agent of the tools; it has the key.
    pub fn agent(&self) -> &Agent {
        &self.agent
    }
}

impl Asiaq {
    /// The bare command, for tests that need its streams; its home lasts as long as the second value.
    pub fn into_command(self) -> (Command, TempDir) {
        (self.command, self.home)
    }
}

/// Makes a key pair without passphrase: `path` and `path.pub`.
pub fn make_key(path: &Path) {
    let mut keygen = Command::new("ssh-keygen");
    keygen.args(["-q", "-t", "ed25519", "-N", "", "-C", "test", "-f"]);
    let status = keygen.arg(path).stdin(Stdio::null()).status();
    assert!(status.expect("ssh-keygen").success());
}

/// A block of addresses that no other test of this machine uses.
fn free_block() -> (u8, TcpListener) {
    let first = std::process::id();
    for offset in 0..250 {
        let block = u8::try_from((first + offset) % 250).expect("below 250") + 1;
        match TcpListener::bind((format!("127.77.{block}.1"), LOCK_PORT)) {
            Ok(lock) => return (block, lock),
            Err(error) if error.kind() == ErrorKind::AddrInUse => {}
            Err(error) => panic!("127.77.{block}.1: {error}"),
        }
    }
    panic!("all blocks of 127.77/16 are in use");
}

/// How a server differs from one that lets the bed's key in as any user.
#[derive(Debug, Clone, Default)]
pub struct Sshd {
    lines: Vec<String>,
    key: Option<String>,
    users: Vec<String>,
    more_addresses: Vec<String>,
    own_network: bool,
}

impl Sshd {
    /// A line of `sshd_config`; comes first, so it wins.
    pub fn line(mut self, line: &str) -> Self {
        self.lines.push(line.to_owned());
        self
    }

    /// Every session runs this command.
    pub fn forced(self, command: &str) -> Self {
        self.line(&format!("ForceCommand {command}"))
    }

    /// Accepts this public key only.
    pub fn accepts(mut self, public_key: &str) -> Self {
        self.key = Some(public_key.to_owned());
        self
    }

    /// Accepts nobody's key.
    pub fn accepts_no_key(self) -> Self {
        self.accepts("")
    }

    /// Has this user besides `root`, in a mount namespace of its own.
    pub fn user(mut self, name: &str) -> Self {
        self.users.push(name.to_owned());
        self
    }

    /// Listens on this address too.
    pub fn also_at(mut self, address: &str) -> Self {
        self.more_addresses.push(address.to_owned());
        self
    }

    /// Lives in a network namespace of its own: from here nobody listens on its address, from a [`Jump`] into it somebody does.
    pub fn own_network(mut self) -> Self {
        self.own_network = true;
        self
    }

    /// Sessions have a home of their own: what the machine's user lets his shell do at its start is no concern of a test.
    fn config(&self, addresses: &[&str], directory: &Path) -> String {
        let mut lines = self.lines.clone();
        for address in addresses {
            lines.push(format!("ListenAddress {address}"));
        }
        let directory = directory.display();
        lines.push(format!(
            "Port 22\nHostKey {directory}/host_key\nAuthorizedKeysFile {directory}/authorized_keys\n\
             PidFile none\nStrictModes no\nUsePAM no\nPermitRootLogin prohibit-password\n\
             PasswordAuthentication no\nKbdInteractiveAuthentication no\nMaxStartups 1000\n\
             LogLevel VERBOSE\nSetEnv HOME={directory}\nUseDNS no\nPrintMotd no\nPrintLastLog no"
        ));
        lines.join("\n") + "\n"
    }
}

/// A running sshd; ends with all its sessions when dropped.
pub struct Server {
    child: Child,
    address: String,
    directory: PathBuf,
}

impl Server {
    fn start(address: &str, directory: &Path, bed_key: &str, sshd: Sshd) -> Self {
        make_key(&directory.join("host_key"));
        let key = sshd.key.as_deref().unwrap_or(bed_key);
        let write = |name: &str, text: &str| {
            fs::write(directory.join(name), text).expect("server's file");
        };
        write("authorized_keys", key);
        let more = sshd.more_addresses.iter().map(String::as_str);
        let addresses: Vec<&str> = std::iter::once(address).chain(more).collect();
        write("config", &sshd.config(&addresses, directory));
        let mut script = String::from("set -e\n");
        if sshd.own_network {
            script += "ip link set lo up\n";
        }
        if !sshd.users.is_empty() {
            with_users(&sshd.users, &mut script, write);
        }
        script += "exec /usr/sbin/sshd -D -e -f config\n";
        write("start", &script);
        let mut command = with_parent("unshare");
        command.args(sshd.own_network.then_some("--net"));
        command.args((!sshd.users.is_empty()).then_some("--mount"));
        command.args(["--", "/bin/sh", "start"]);
        let log = File::create(directory.join("log")).expect("server's log");
        let child = command
            .current_dir(directory)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("start sshd");
        let server = Self {
            child,
            address: address.to_owned(),
            directory: directory.to_owned(),
        };
        until("sshd listens", || {
            server.log().matches("Server listening on").count() == addresses.len()
        });
        server
    }

    /// Its first address.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Its log.
    pub fn log(&self) -> String {
        fs::read_to_string(self.directory.join("log")).unwrap_or_default()
    }

    /// Its public host key: type and key.
    pub fn host_key(&self) -> String {
        host_key(&self.directory)
    }

    /// Cuts all connections, as if the machine had died and its network said so.
    pub fn cut_sessions(&self) {
        for pid in descendants(self.child.id()) {
            kill(pid);
        }
    }

    /// Processes of its sessions.
    pub fn session_processes(&self) -> usize {
        descendants(self.child.id()).len()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let sessions = descendants(self.child.id());
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
        sessions.into_iter().for_each(kill);
    }
}

/// Makes the users known to a server alone.
fn with_users(users: &[String], script: &mut String, write: impl Fn(&str, &str)) {
    let mut passwd = fs::read_to_string("/etc/passwd").expect("passwd");
    let mut shadow = fs::read_to_string("/etc/shadow").expect("shadow");
    for (index, user) in users.iter().enumerate() {
        passwd += &format!("{user}:x:{}:65534::/tmp:/bin/sh\n", 61_000 + index);
        shadow += &format!("{user}:*:19000:0:99999:7:::\n");
    }
    write("passwd", &passwd);
    write("shadow", &shadow);
    *script += "mount --bind passwd /etc/passwd\nmount --bind shadow /etc/shadow\n";
}

/// A jump host: an ssh server on an address of its own whose connections start in the network namespace of another server.
pub struct Jump {
    address: String,
    directory: PathBuf,
    ending: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Jump {
    /// In front of `target`, which has [`Sshd::own_network`].
    pub fn before(bed: &SshBed, target: &Server) -> Self {
        let address = bed.address();
        let directory = bed.directory.path().join(format!("jump-{address}"));
        fs::create_dir(&directory).expect("jump host's directory");
        make_key(&directory.join("host_key"));
        fs::write(directory.join("authorized_keys"), bed.public_key()).expect("key");
        fs::write(
            directory.join("config"),
            Sshd::default().config(&[], &directory),
        )
        .expect("configuration");
        let listener = TcpListener::bind((address.as_str(), 22)).expect("port 22");
        let ending = Arc::new(AtomicBool::new(false));
        let (stop, place, net) = (ending.clone(), directory.clone(), target.child.id());
        let thread = std::thread::spawn(move || {
            let mut sessions: Vec<Child> = Vec::new();
            while let Ok((connection, _)) = listener.accept() {
                if stop.load(Ordering::SeqCst) {
                    break;
                }
                sessions.push(session_inside(net, &place, connection));
            }
            for mut session in sessions {
                descendants(session.id()).into_iter().for_each(kill);
                let _ = session.kill();
                let _ = session.wait();
            }
        });
        Self {
            address,
            directory,
            ending,
            thread: Some(thread),
        }
    }

    /// Its address.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Its log.
    pub fn log(&self) -> String {
        fs::read_to_string(self.directory.join("log")).unwrap_or_default()
    }

    /// Its public host key: type and key.
    pub fn host_key(&self) -> String {
        host_key(&self.directory)
    }
}

fn host_key(directory: &Path) -> String {
    let text = fs::read_to_string(directory.join("host_key.pub")).expect("host key");
    text.split(' ').take(2).collect::<Vec<_>>().join(" ")
}

impl Drop for Jump {
    fn drop(&mut self) {
        self.ending.store(true, Ordering::SeqCst);
        // Wakes the thread; if that fails it has ended.
        let _ = TcpStream::connect((self.address.as_str(), 22));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn session_inside(namespace_of: u32, directory: &Path, connection: TcpStream) -> Child {
    let log = File::options()
        .create(true)
        .append(true)
        .open(directory.join("log"));
    let output = connection.try_clone().expect("connection");
    Command::new("nsenter")
        .arg(format!("--net=/proc/{namespace_of}/ns/net"))
        .args(["--", "/usr/sbin/sshd", "-i", "-e", "-f"])
        .arg(directory.join("config"))
        .stdin(std::os::fd::OwnedFd::from(connection))
        .stdout(std::os::fd::OwnedFd::from(output))
        .stderr(log.expect("log"))
        .spawn()
        .expect("start sshd for a connection")
}

fn tag(key: &str, value: &str) -> Tag {
    Tag::builder().key(key).value(value).build()
}
