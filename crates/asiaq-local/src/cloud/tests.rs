//! The life of a local cloud, with the real moto from the user's cache and a state directory of its own per test.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::ffi::OsString;
use std::time::Instant;

use super::*;
use crate::Endpoint;

/// Settings with a state directory of their own; the cloud is ended with them.
struct Fixture {
    settings: Settings,
    root: tempfile::TempDir,
}

impl Fixture {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let cache_dir = Settings::from_env().unwrap().cache_dir;
        let settings = Settings {
            cache_dir,
            state_dir: root.path().join("local"),
            port: 0,
            agent: None,
            hosts: None,
        };
        Self { settings, root }
    }

    fn up(&self) -> Status {
        up(&self.settings, &mut |_| {}).unwrap()
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        let _ = down(&self.settings);
    }
}

/// One EC2 call over plain HTTP, as text.
fn ec2(endpoint: &str, form: &str) -> String {
    let agent: ureq::Agent = ureq::Agent::config_builder().proxy(None).build().into();
    let credential = "AWS4-HMAC-SHA256 Credential=testing/20260101/us-west-2/ec2/aws4_request, \
                      SignedHeaders=host, Signature=x";
    let mut answer = agent
        .post(endpoint)
        .header("Authorization", credential)
        .header("Content-Type", "application/x-www-form-urlencoded")
        .send(format!("{form}&Version=2016-11-15"))
        .unwrap();
    answer.body_mut().read_to_string().unwrap()
}

fn vpcs(endpoint: &str) -> usize {
    ec2(endpoint, "Action=DescribeVpcs")
        .matches("<vpcId>")
        .count()
}

fn is_gone(pid: u32) -> bool {
    Identity::of(pid).is_none()
}

fn wait_for(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !condition() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn up_twice_is_one_server_and_down_ends_it() {
    let fixture = Fixture::new();
    assert_eq!(status(&fixture.settings).unwrap(), None);
    assert!(!down(&fixture.settings).unwrap());
    let first = fixture.up();
    assert_eq!(first.endpoint, format!("http://127.0.0.1:{}", first.port));
    assert!(first.uptime() < Duration::from_secs(60));
    assert_eq!(fixture.up(), first);
    assert_eq!(status(&fixture.settings).unwrap(), Some(first.clone()));
    assert!(down(&fixture.settings).unwrap());
    assert!(is_gone(first.pid));
    assert_eq!(status(&fixture.settings).unwrap(), None);
    assert!(!down(&fixture.settings).unwrap());
}

#[test]
fn two_ups_at_once_start_one_server() {
    let fixture = Fixture::new();
    let found = std::thread::scope(|scope| {
        let handles = [(); 3].map(|()| scope.spawn(|| fixture.up()));
        handles.map(|handle| handle.join().unwrap())
    });
    assert_eq!(found[0], found[1]);
    assert_eq!(found[0], found[2]);
}

#[test]
fn a_dead_server_is_noticed_and_replaced() {
    let fixture = Fixture::new();
    let first = fixture.up();
    Identity::of(first.pid).unwrap().stop().unwrap();
    assert_eq!(status(&fixture.settings).unwrap(), None);
    let second = fixture.up();
    assert_ne!(second.pid, first.pid);
    assert_eq!(vpcs(&second.endpoint), 1);
}

#[test]
fn a_state_file_that_names_another_process_harms_nobody() {
    let fixture = Fixture::new();
    let mut bystander = Command::new("sleep")
        .arg("60")
        .process_group(0)
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    // Births are told apart by clock ticks of 10 ms; a reused id is always further from its first owner's birth.
    std::thread::sleep(Duration::from_millis(50));
    let first = fixture.up();
    // The id went to another process after the server's end: same id in the file, other birth.
    let state = state_file(&fixture.settings);
    Identity::of(first.pid).unwrap().stop().unwrap();
    let text = fs::read_to_string(&state).unwrap();
    let reused = text.replace(&first.pid.to_string(), &bystander.id().to_string());
    assert_ne!(reused, text);
    fs::write(&state, &reused).unwrap();
    assert_eq!(status(&fixture.settings).unwrap(), None);
    let second = fixture.up();
    assert_ne!(second.pid, bystander.id());
    assert!(
        bystander.try_wait().unwrap().is_none(),
        "up must not end the bystander"
    );
    assert!(down(&fixture.settings).unwrap());
    fs::write(&state, &reused).unwrap();
    assert!(!down(&fixture.settings).unwrap());
    assert!(
        bystander.try_wait().unwrap().is_none(),
        "down must not end the bystander"
    );
    bystander.kill().unwrap();
    bystander.wait().unwrap();
}

#[test]
fn a_state_file_without_sense_counts_as_none() {
    let fixture = Fixture::new();
    fs::create_dir_all(&fixture.settings.state_dir).unwrap();
    fs::write(state_file(&fixture.settings), "{ half a file").unwrap();
    assert_eq!(status(&fixture.settings).unwrap(), None);
    let status = fixture.up();
    assert_eq!(vpcs(&status.endpoint), 1);
}

#[test]
fn a_taken_port_is_an_error_that_names_it() {
    let mut fixture = Fixture::new();
    let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    fixture.settings.port = taken.local_addr().unwrap().port();
    let error = up(&fixture.settings, &mut |_| {}).unwrap_err();
    assert!(
        matches!(error, LocalError::PortInUse { port } if port == fixture.settings.port),
        "{error}"
    );
    assert!(error.hint().unwrap().contains("ASIAQ_LOCAL_PORT"));
    assert_eq!(status(&fixture.settings).unwrap(), None);
}

#[test]
fn a_chosen_port_is_used() {
    let mut fixture = Fixture::new();
    let free = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    fixture.settings.port = free.local_addr().unwrap().port();
    drop(free);
    assert_eq!(fixture.up().port, fixture.settings.port);
}

#[test]
fn reset_empties_the_cloud() {
    let fixture = Fixture::new();
    assert!(matches!(
        reset(&fixture.settings),
        Err(LocalError::NotRunning)
    ));
    let status = fixture.up();
    ec2(&status.endpoint, "Action=CreateVpc&CidrBlock=10.0.0.0/16");
    assert_eq!(vpcs(&status.endpoint), 2);
    reset(&fixture.settings).unwrap();
    assert_eq!(vpcs(&status.endpoint), 1);
}

#[test]
fn the_agent_sees_the_endpoint_and_goes_with_the_cloud() {
    let mut fixture = Fixture::new();
    let script = "echo $AWS_ENDPOINT_URL $AWS_ACCESS_KEY_ID $AWS_REGION; exec sleep 60";
    fixture.settings.agent = Some(["sh", "-c", script].map(OsString::from).to_vec());
    let status = fixture.up();
    let agent = status.agent_pid.unwrap();
    let log = fixture.settings.state_dir.join("agent.log");
    let want = format!("{} testing us-west-2\n", status.endpoint);
    wait_for("the agent's greeting", || {
        fs::read_to_string(&log).unwrap() == want
    });
    assert_eq!(fixture.up(), status);
    // An agent that died alone is started again, beside the same server.
    Identity::of(agent).unwrap().stop().unwrap();
    let again = fixture.up();
    assert_eq!(again.pid, status.pid);
    assert_ne!(again.agent_pid, Some(agent));
    assert!(down(&fixture.settings).unwrap());
    assert!(is_gone(again.agent_pid.unwrap()) && is_gone(again.pid));
}

#[test]
fn an_agent_that_cannot_start_leaves_no_server() {
    let mut fixture = Fixture::new();
    fixture.settings.agent = Some(vec![OsString::from("/nowhere/agent")]);
    let error = up(&fixture.settings, &mut |_| {}).unwrap_err();
    assert!(
        matches!(&error, LocalError::Spawn { program, .. } if program == "/nowhere/agent"),
        "{error}"
    );
    assert_eq!(status(&fixture.settings).unwrap(), None);
    assert!(!state_file(&fixture.settings).exists());
}

#[test]
fn the_shell_lines_are_complete() {
    let status = Status {
        endpoint: "http://127.0.0.1:5566".to_owned(),
        port: 5566,
        pid: 1,
        agent_pid: None,
        hosts_pid: None,
        hosts: None,
        hosts_ended: false,
        started: 0,
        log: PathBuf::from("/x"),
    };
    let want = [
        "export AWS_ENDPOINT_URL=http://127.0.0.1:5566",
        "export AWS_ACCESS_KEY_ID=testing",
        "export AWS_SECRET_ACCESS_KEY=testing",
        "export AWS_REGION=us-west-2",
        "unset AWS_PROFILE AWS_SESSION_TOKEN",
    ];
    assert_eq!(env_lines(&status), want);
}

#[test]
fn endpoints_do_not_share_and_end_when_dropped() {
    let fixture = Fixture::new();
    let one = Endpoint::start(&fixture.settings).unwrap();
    let two = Endpoint::start(&fixture.settings).unwrap();
    assert_ne!(one.url(), two.url());
    ec2(one.url(), "Action=CreateVpc&CidrBlock=10.0.0.0/16");
    assert_eq!((vpcs(one.url()), vpcs(two.url())), (2, 1));
    one.reset().unwrap();
    assert_eq!(vpcs(one.url()), 1);
    let pids = [one.pid(), two.pid()];
    drop((one, two));
    assert!(pids.into_iter().all(is_gone));
    assert_eq!(
        fs::read_dir(&fixture.settings.state_dir).unwrap().count(),
        0
    );
}

#[test]
fn a_server_that_cannot_start_shows_its_log() {
    let root = tempfile::tempdir().unwrap();
    let log = root.path().join("log");
    let error = server::start(Path::new("/bin/false"), 0, &log, Life::WithParent).unwrap_err();
    assert!(
        matches!(&error, LocalError::NotHealthy { problem, .. } if problem.contains("ended")),
        "{error}"
    );
    let script = root.path().join("python");
    fs::write(
        &script,
        "#!/bin/sh\necho 'No module named moto' >&2\nexit 3\n",
    )
    .unwrap();
    fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let error = server::start(&script, 0, &log, Life::Detached).unwrap_err();
    assert!(
        error.to_string().ends_with("No module named moto"),
        "{error}"
    );
}

#[test]
fn a_server_of_a_test_ends_when_its_owner_is_gone() {
    let fixture = Fixture::new();
    let python = ensure_installed(&fixture.settings, &mut |_| {}).unwrap();
    let log = fixture.root.path().join("log");
    let mut server = server::start(&python, 0, &log, Life::WithParent).unwrap();
    // The system closes the owner's end of the pipe, however the owner ends.
    drop(server.child.stdin.take());
    wait_for("the server's end", || is_gone(server.child.id()));
    server.child.wait().unwrap();
}

#[test]
fn down_leaves_only_what_people_laid_out() {
    let fixture = Fixture::new();
    let dir = &fixture.settings.state_dir;
    for name in ["console", "images/ami-1", "images/ami-2"] {
        fs::create_dir_all(dir.join(name)).unwrap();
        fs::write(dir.join(name).join("file"), "x").unwrap();
    }
    fs::write(dir.join("images/ami-1.planted"), "").unwrap();
    fs::write(dir.join("hosts.json"), "{}").unwrap();
    assert!(!down(&fixture.settings).unwrap());
    for (name, stays) in [
        ("console", false),
        ("hosts.json", false),
        ("images/ami-1", false),
        ("images/ami-1.planted", false),
        ("images/ami-2/file", true),
    ] {
        assert_eq!(dir.join(name).exists(), stays, "{name}");
    }
}
