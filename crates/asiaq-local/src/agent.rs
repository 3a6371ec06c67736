//! Plays the hosts: the local cloud has instances but nobody boots in them, so this process does what a host of a real image
//! does at boot (spec 40, section 17): it names the host and, a moment later, tags it `smoketest=tested`.

use crate::account::client;
use aws_sdk_ec2::types::{Filter, Instance, Tag};
use std::time::Duration;

/// Pause between looks.
const LOOK: Duration = Duration::from_millis(500);
/// Failed looks in a row after which the endpoint counts as gone.
const PATIENCE: u32 = 20;

/// Runs until the endpoint is gone.
pub async fn play_hosts(endpoint: &str) {
    let client = client(endpoint);
    let mut failures = 0;
    while failures < PATIENCE {
        match boot(&client).await {
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
async fn boot(client: &aws_sdk_ec2::Client) -> Result<(), String> {
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
        let tags = boot_tags(instance);
        if !tags.is_empty() {
            let id = instance.instance_id().unwrap_or_default();
            let call = client.create_tags().resources(id).set_tags(Some(tags));
            call.send()
                .await
                .map_err(|error| error.into_service_error().to_string())?;
        }
    }
    Ok(())
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
