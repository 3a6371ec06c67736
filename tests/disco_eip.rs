//! `disco_eip` end to end.

mod usage;

use crate::support::cloud::Cloud;
use crate::support::environment::changing_calls;
use crate::support::proxy::{Behaviour, Proxy};
use crate::support::{Output, asiaq};
use std::net::Ipv4Addr;

fn run(url: &str, words: &str) -> Output {
    asiaq("disco_eip")
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

fn allocate(cloud: &Cloud) -> String {
    let output = run(cloud.url(), "allocate").expect_status(0);
    let ip = output.stdout.trim_end_matches('\n').to_owned();
    assert!(ip.parse::<Ipv4Addr>().is_ok(), "{ip}");
    ip
}

/// Puts an address on a new instance; gives the instance's id.
fn use_address(cloud: &Cloud, ip: &str) -> String {
    let ec2 = cloud.client();
    let image = cloud.register_image("mhcbase 1", &[]);
    let launch = ec2.run_instances().image_id(image);
    let launch = launch.min_count(1).max_count(1).send();
    let made = cloud.wait(launch).unwrap();
    let id = made.instances()[0].instance_id().unwrap().to_owned();
    let found = cloud.wait(ec2.describe_addresses().public_ips(ip).send());
    let allocation = found.unwrap().addresses()[0]
        .allocation_id()
        .unwrap()
        .to_owned();
    let call = ec2.associate_address().instance_id(&id);
    cloud.wait(call.allocation_id(allocation).send()).unwrap();
    id
}

#[test]
fn addresses_come_are_listed_and_go() {
    let cloud = Cloud::start();
    assert_eq!(run(cloud.url(), "list").expect_status(0).stdout, "");
    let (dry, calls) = watched(&cloud, "allocate --dry-run");
    assert_eq!(dry.expect_status(0).stdout, "+ elastic IP\n");
    assert_eq!(calls, [""; 0]);

    let mut all: Vec<Ipv4Addr> = (0..5).map(|_| allocate(&cloud).parse().unwrap()).collect();
    let used = all[2].to_string();
    let instance = use_address(&cloud, &used);
    all.sort();
    let user = |ip: &Ipv4Addr| {
        if ip.to_string() == used {
            &instance
        } else {
            "-"
        }
    };
    let wanted: String = all
        .iter()
        .map(|ip| format!("{ip}\t{}\n", user(ip)))
        .collect();
    assert_eq!(run(cloud.url(), "list").expect_status(0).stdout, wanted);
    let json = run(cloud.url(), "list --output json")
        .expect_status(0)
        .stdout;
    for key in [
        "public_ip",
        "allocation_id",
        "association_id",
        "instance_id",
        "network_interface_id",
        "private_ip",
        "tags",
    ] {
        assert_eq!(json.matches(&format!("\"{key}\":")).count(), 5, "{key}");
    }

    let free = all
        .iter()
        .map(ToString::to_string)
        .find(|ip| *ip != used)
        .unwrap();
    let (dry, calls) = watched(&cloud, &format!("--dry-run release --eip {free}"));
    assert_eq!(
        dry.expect_status(0).stdout,
        format!("- elastic IP {free}\n")
    );
    assert_eq!(calls, [""; 0]);
    let (real, calls) = watched(&cloud, &format!("release --eip {free}"));
    assert_eq!(real.expect_status(0).stdout, "");
    assert_eq!(calls, ["ReleaseAddress"]);
    let (again, calls) = watched(&cloud, &format!("release --eip {free}"));
    let again = again.expect_status(1);
    assert_eq!((again.stdout.as_str(), calls.len()), ("", 0));
    let wanted = format!("error: no elastic IP {free} in region us-west-2\n");
    assert!(again.stderr.contains(&wanted), "{}", again.stderr);
}

#[test]
fn an_address_in_use_needs_force() {
    let cloud = Cloud::start();
    let ip = allocate(&cloud);
    let instance = use_address(&cloud, &ip);
    for words in [
        format!("release --eip {ip}"),
        format!("--dry-run release --eip {ip}"),
    ] {
        let (output, calls) = watched(&cloud, &words);
        let output = output.expect_status(1);
        assert_eq!((output.stdout.as_str(), calls.len()), ("", 0));
        let wanted = format!("error: elastic IP {ip} is associated with {instance}\nhint: --force");
        assert!(output.stderr.contains(&wanted), "{}", output.stderr);
    }
    let (dry, calls) = watched(&cloud, &format!("--dry-run release --eip {ip} --force"));
    let wanted = format!("- association of elastic IP {ip} with {instance}\n- elastic IP {ip}\n");
    assert_eq!((dry.expect_status(0).stdout, calls.len()), (wanted, 0));
    let (output, calls) = watched(&cloud, &format!("release --eip {ip} --force"));
    assert_eq!(output.expect_status(0).stdout, "");
    assert_eq!(calls, ["DisassociateAddress", "ReleaseAddress"]);
    assert_eq!(run(cloud.url(), "list").expect_status(0).stdout, "");
}

#[test]
fn the_quota_is_explained() {
    let cloud = Cloud::start();
    let body = "<Response><Errors><Error><Code>AddressLimitExceeded</Code><Message>The maximum number of addresses has \
                been reached.</Message></Error></Errors><RequestID>r-1</RequestID></Response>";
    let behaviour = Behaviour::new().answer("AllocateAddress", 400, body);
    let proxy = Proxy::start(cloud.url(), behaviour);
    let output = run(proxy.url(), "allocate").expect_status(1);
    assert_eq!(output.stdout, "");
    assert!(
        output.stderr.contains("AddressLimitExceeded") && output.stderr.contains("release one"),
        "{}",
        output.stderr
    );
}
