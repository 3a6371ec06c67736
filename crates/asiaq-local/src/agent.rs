//! Plays the hosts: the local cloud has instances but nobody boots in them, so this process does what a host of a real image
//! does at boot (spec 40, section 17): it names the host and, a moment later, tags it `smoketest=tested`.

use crate::account::client;
use crate::hosts::{HostStatus, board};
use aws_sdk_ec2::types::{Filter, Instance, Tag};
use std::path::Path;
use std::time::Duration;

/// Pause between looks.
const LOOK: Duration = Duration::from_millis(500);
/// How long a look may take.
const LIMIT: Duration = Duration::from_secs(30);
/// Failed looks in a row after which the endpoint counts as gone.
const PATIENCE: u32 = 20;

/// Runs until the endpoint is gone.
///
/// Where real hosts run (`state_dir` has their list), it plays only those whose image has no boot scripts.
pub async fn play_hosts(endpoint: &str, state_dir: &Path) {
    let client = client(endpoint);
    let mut failures = 0;
    while failures < PATIENCE {
        let hosts = board::read(state_dir).map(|board| board.hosts);
        let look = tokio::time::timeout(LIMIT, boot(&client, hosts.as_deref())).await;
        match look.unwrap_or_else(|_| Err("no answer in time".to_owned())) {
            Ok(()) => failures = 0,
            Err(problem) => {
                tracing::debug!("the local cloud does not answer: {problem}");
                failures += 1;
            }
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// One look: hosts without a name get one, named hosts without a verdict pass their smoke test.
async fn boot(client: &aws_sdk_ec2::Client, hosts: Option<&[HostStatus]>) -> Result<(), String> {
    let running = Filter::builder()
        .name("instance-state-name")
        .values("running")
        .build();
    let ours = Filter::builder()
        .name("tag-key")
        .values("hostclass")
        .build();
    let answer = client
        .describe_instances()
        .filters(running)
        .filters(ours)
        .into_paginator()
        .items()
        .send();
    let reservations = answer
        .collect::<Result<Vec<_>, _>>()
        .await
        .map_err(|error| error.into_service_error().to_string())?;
    for instance in reservations
        .iter()
        .flat_map(|reservation| reservation.instances())
    {
        let id = instance.instance_id().unwrap_or_default();
        if !is_played(hosts, id) {
            continue;
        }
        let tags = boot_tags(instance);
        if !tags.is_empty() {
            let call = client.create_tags().resources(id).set_tags(Some(tags));
            call.send()
                .await
                .map_err(|error| error.into_service_error().to_string())?;
        }
    }
    Ok(())
}

/// Whether nobody else boots in this instance: there are no hosts, or its host runs and has nothing to boot.
fn is_played(hosts: Option<&[HostStatus]>, id: &str) -> bool {
    let idle =
        |host: &HostStatus| host.instance_id == id && host.state == "running" && !host.boots_itself;
    hosts.is_none_or(|hosts| hosts.iter().any(idle))
}

/// The tags that a host sets on itself at this point of its life.
fn boot_tags(instance: &Instance) -> Vec<Tag> {
    let tag = |key: &str| {
        instance
            .tags()
            .iter()
            .find(|tag| tag.key() == Some(key))
            .and_then(Tag::value)
    };
    let pair = |key: &str, value: String| Tag::builder().key(key).value(value).build();
    let hostclass = tag("hostclass").unwrap_or("host");
    if tag("hostname").is_none() {
        let id = instance.instance_id().unwrap_or_default();
        let hostname = format!(
            "{}-{}",
            hostclass.trim_start_matches("mhc"),
            id.get(id.len().saturating_sub(4)..).unwrap_or(id)
        );
        let name = format!(
            "{}-{hostclass}-{hostname}",
            tag("environment").unwrap_or("-")
        );
        return vec![
            pair("Name", name),
            pair("hostname", hostname),
            pair("productline", "demo".into()),
        ];
    }
    if tag("smoketest").is_none() {
        return vec![
            pair("smoketest", "tested".into()),
            pair("boottime", "1".into()),
        ];
    }
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(tags: &[(&str, &str)]) -> Vec<String> {
        let tags = tags
            .iter()
            .map(|(key, value)| Tag::builder().key(*key).value(*value).build());
        let instance = Instance::builder()
            .instance_id("i-0123456789abcd")
            .set_tags(Some(tags.collect()))
            .build();
        boot_tags(&instance)
            .iter()
            .filter_map(|tag| tag.key().map(str::to_owned))
            .collect()
    }

    #[test]
    fn hosts_that_boot_by_themselves_are_left_alone() {
        let host = |id: &str, state: &str, boots_itself| HostStatus {
            instance_id: id.into(),
            private_ip: None,
            public_ip: None,
            state: state.into(),
            boots_itself,
            problem: None,
        };
        let hosts = [
            host("i-boots", "running", true),
            host("i-idle", "running", false),
            host("i-new", "starting", false),
        ];
        for (id, with_hosts) in [
            ("i-boots", false),
            ("i-idle", true),
            ("i-new", false),
            ("i-unknown", false),
        ] {
            assert_eq!(is_played(Some(&hosts), id), with_hosts, "{id}");
            assert!(is_played(None, id), "{id}");
        }
    }

    #[test]
    fn a_host_names_itself_then_passes_then_rests() {
        assert_eq!(
            keys(&[("hostclass", "mhcweb")]),
            ["Name", "hostname", "productline"]
        );
        assert_eq!(
            keys(&[("hostclass", "mhcweb"), ("hostname", "web-1")]),
            ["smoketest", "boottime"]
        );
        assert!(
            keys(&[
                ("hostclass", "mhcweb"),
                ("hostname", "web-1"),
                ("smoketest", "tested")
            ])
            .is_empty()
        );
    }
}
