//! The first snapshot of a hostclass: of an empty volume that exists only for it (spec 40, section 12.5).
//!
//! A run that was killed leaves its volume. The next run for the same hostclass finds it by its tags and goes on from there. A volume
//! that does not fit may be in use by a run that is still going on: it is removed when it is old.

use super::apply::{SnapshotAction, VolumeRef, volumes};
use super::record::of_volumes;
use crate::aws::{Aws, Tags, tags_of};
use crate::config::DiscoAws;
use crate::environment;
use crate::error::{Error, Result};
use crate::names::tag;
use crate::plan::{Plan, Sign};
use aws_sdk_ec2::types::{Volume, VolumeState};
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::BTreeSet;

/// Value of [`tag::PURPOSE`] on the volume; what was asked for is part of it, because AWS may encrypt unasked.
const ENCRYPTED: &str = "first snapshot, encrypted";
const UNENCRYPTED: &str = "first snapshot, unencrypted";

/// Seconds after which a volume that does not fit cannot be that of a run that is still going on.
const OLD: i64 = 900;

/// What is asked for.
#[derive(Debug, Clone)]
pub struct CreateRequest<'a> {
    env: &'a str,
    hostclass: &'a str,
    productline: String,
    size: i32,
    encrypted: bool,
}

impl<'a> CreateRequest<'a> {
    /// A snapshot of so many GiB, with the hostclass's product line.
    ///
    /// # Errors
    /// The configuration of `product_line` is wrong.
    pub fn new(
        config: &DiscoAws,
        env: &'a str,
        hostclass: &'a str,
        size: i32,
        encrypted: bool,
    ) -> Result<Self> {
        let found = config.hostclass_option(hostclass, "product_line", env)?;
        let productline = found.map(|found| found.value).filter(|own| !own.is_empty());
        Ok(Self {
            env,
            hostclass,
            productline: productline.unwrap_or_else(|| "unknown".to_owned()),
            size,
            encrypted,
        })
    }
}

/// A volume that an earlier run left behind.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Leftover {
    id: String,
    size: i32,
    purpose: String,
    /// Its run may still be going on.
    young: bool,
    /// Its snapshot, if that was made already.
    snapshot: Option<String>,
}

/// Plans volume, snapshot, and the end of the volume.
///
/// # Errors
/// The region has no availability zone.
pub async fn plan_create(aws: &Aws, request: &CreateRequest<'_>) -> Result<Plan<SnapshotAction>> {
    let (zones, leftovers) = tokio::try_join!(environment::zones(aws), leftovers(aws, request))?;
    let zone = zones.first().ok_or_else(|| {
        let text = format!(
            "region {} has no availability zone for a volume",
            aws.region()
        );
        Error::not_found(text).with_hint("check that the region is enabled for the account")
    })?;
    let (plan, left) = plan(request, zone, &leftovers);
    for own in left {
        tracing::warn!(
            "temporary volume {} of {} GiB for the same hostclass stays: it may be in use by another run; a later run removes it",
            own.id,
            own.size
        );
    }
    Ok(plan)
}

async fn leftovers(aws: &Aws, request: &CreateRequest<'_>) -> Result<Vec<Leftover>> {
    let only = |value: &str| [value.to_owned()];
    let (env, hostclass) = (only(request.env), only(request.hostclass));
    let purposes = [ENCRYPTED, UNENCRYPTED].map(str::to_owned);
    let states = ["creating", "available"].map(str::to_owned);
    let filters: [(&str, &[String]); 4] = [
        ("tag:env", &env),
        ("tag:hostclass", &hostclass),
        ("tag:purpose", &purposes),
        ("status", &states),
    ];
    let found = volumes(aws, &filters).await?;
    let mut found: Vec<Leftover> = found
        .iter()
        .filter_map(|volume| leftover(volume, request))
        .collect();
    if found.is_empty() {
        return Ok(found);
    }
    let ids: Vec<String> = found.iter().map(|own| own.id.clone()).collect();
    let snapshots = of_volumes(aws, &ids).await?;
    for own in &mut found {
        let made = snapshots.iter().find(|snapshot| {
            snapshot.volume_id == own.id
                && snapshot.status != "error"
                && (snapshot.env.as_str(), snapshot.hostclass.as_str())
                    == (request.env, request.hostclass)
        });
        own.snapshot = made.map(|snapshot| snapshot.id.clone());
    }
    found.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(found)
}

/// What is deleted next is looked at twice: the filters of the call may be lost on the way.
fn leftover(volume: &Volume, request: &CreateRequest<'_>) -> Option<Leftover> {
    let mut tags = tags_of(volume.tags());
    let free = matches!(
        volume.state(),
        Some(VolumeState::Creating | VolumeState::Available)
    ) && volume.attachments().is_empty();
    let is = |key: &str, wanted: &str| tags.get(key).is_some_and(|value| value == wanted);
    let own =
        free && is(tag::SNAPSHOT_ENVIRONMENT, request.env) && is(tag::HOSTCLASS, request.hostclass);
    let purpose = tags
        .remove(tag::PURPOSE)
        .filter(|value| own && [ENCRYPTED, UNENCRYPTED].contains(&value.as_str()))?;
    let made = volume
        .create_time()
        .and_then(|at| DateTime::from_timestamp(at.secs(), at.subsec_nanos()));
    Some(Leftover {
        id: volume.volume_id()?.to_owned(),
        size: volume.size().unwrap_or(0),
        purpose,
        young: made.is_none_or(|at| Utc::now() - at < TimeDelta::seconds(OLD)),
        snapshot: None,
    })
}

/// The tags by which a snapshot belongs to its hostclass.
pub(super) fn snapshot_tags(hostclass: &str, env: &str, productline: &str) -> Tags {
    [
        (tag::HOSTCLASS, hostclass),
        (tag::SNAPSHOT_ENVIRONMENT, env),
        (tag::PRODUCT_LINE, productline),
    ]
    .into_iter()
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .collect()
}

/// The plan, and the leftovers that it leaves alone. Pure.
fn plan<'l>(
    request: &CreateRequest<'_>,
    zone: &str,
    leftovers: &'l [Leftover],
) -> (Plan<SnapshotAction>, Vec<&'l Leftover>) {
    let purpose = if request.encrypted {
        ENCRYPTED
    } else {
        UNENCRYPTED
    };
    let fits = |own: &&Leftover| own.size == request.size && own.purpose == purpose;
    let adopted = leftovers
        .iter()
        .filter(fits)
        .max_by_key(|own| own.snapshot.is_some());
    let mut plan = Plan::default();
    // One that has its snapshot is not needed any more, whoever made it.
    let (left, removed): (Vec<&Leftover>, Vec<&Leftover>) = leftovers
        .iter()
        .filter(|own| adopted.is_none_or(|adopted| adopted.id != own.id))
        .partition(|own| own.young && own.snapshot.is_none());
    for own in removed {
        push_deletion(&mut plan, own, []);
    }
    match adopted.filter(|own| own.snapshot.is_some()) {
        Some(made) => push_deletion(&mut plan, made, []),
        None => push_snapshot(&mut plan, request, zone, adopted),
    }
    (plan, left)
}

/// Plans the snapshot, of this volume or of a new one, and the end of the volume.
fn push_snapshot(
    plan: &mut Plan<SnapshotAction>,
    request: &CreateRequest<'_>,
    zone: &str,
    adopted: Option<&Leftover>,
) {
    let (env, hostclass) = (request.env, request.hostclass);
    let (size, encrypted) = (request.size, request.encrypted);
    let purpose = if encrypted { ENCRYPTED } else { UNENCRYPTED };
    let tags = snapshot_tags(hostclass, env, &request.productline);
    let kind = if encrypted {
        "encrypted"
    } else {
        "unencrypted"
    };
    let volume = match adopted {
        Some(own) => VolumeRef::Temporary(own.id.clone()),
        None => {
            let mut tags = tags.clone();
            tags.insert(tag::PURPOSE.to_owned(), purpose.to_owned());
            let line = format!("temporary volume of {size} GiB in {zone}, gp3, {kind}");
            let action = SnapshotAction::CreateVolume {
                size,
                zone: zone.to_owned(),
                encrypted,
                tags,
            };
            plan.push("volume", [""; 0], Sign::Add, line, action);
            VolumeRef::Planned
        }
    };
    let line = format!("snapshot {hostclass} {env}, {size} GiB, {kind}");
    let action = SnapshotAction::CreateSnapshot {
        volume: volume.clone(),
        tags,
    };
    plan.push("snapshot", ["volume"], Sign::Add, line, action);
    match adopted {
        Some(own) => push_deletion(plan, own, ["snapshot".to_owned()]),
        None => {
            let action = SnapshotAction::DeleteVolume(volume);
            let line = format!("temporary volume of {size} GiB");
            plan.push("volume-delete", ["snapshot"], Sign::Remove, line, action);
        }
    }
}

fn push_deletion(
    plan: &mut Plan<SnapshotAction>,
    own: &Leftover,
    needs: impl IntoIterator<Item = String>,
) {
    let of = own
        .snapshot
        .as_ref()
        .map(|id| format!(" after making snapshot {id}"))
        .unwrap_or_default();
    plan.push(
        format!("volume-delete/{}", own.id),
        needs.into_iter().collect::<BTreeSet<String>>(),
        Sign::Remove,
        format!(
            "temporary volume {} of {} GiB, left by an earlier run{of}",
            own.id, own.size
        ),
        SnapshotAction::DeleteVolume(VolumeRef::Temporary(own.id.clone())),
    );
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use aws_sdk_ec2::types::{Tag, VolumeAttachment};

    fn request(size: i32, encrypted: bool) -> CreateRequest<'static> {
        CreateRequest {
            env: "ci",
            hostclass: "mhcdb",
            productline: "shop".into(),
            size,
            encrypted,
        }
    }

    fn left(id: &str, size: i32, purpose: &str, snapshot: Option<&str>) -> Leftover {
        Leftover {
            id: id.into(),
            size,
            purpose: purpose.into(),
            young: false,
            snapshot: snapshot.map(str::to_owned),
        }
    }

    #[test]
    fn nothing_left_behind() {
        let (plan, _) = plan(&request(10, true), "us-west-2a", &[]);
        assert_eq!(
            plan.lines(),
            [
                "+ temporary volume of 10 GiB in us-west-2a, gp3, encrypted",
                "+ snapshot mhcdb ci, 10 GiB, encrypted",
                "- temporary volume of 10 GiB",
            ]
        );
        let needs: Vec<&[String]> = plan.changes().iter().map(|c| c.needs.as_slice()).collect();
        assert_eq!(
            needs,
            [&[][..], &["volume".to_owned()], &["snapshot".to_owned()]]
        );
        let SnapshotAction::CreateVolume { tags, .. } = &plan.changes()[0].action else {
            panic!("{:?}", plan.changes());
        };
        let tags: Vec<(&str, &str)> = tags.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        assert_eq!(
            tags,
            [
                ("env", "ci"),
                ("hostclass", "mhcdb"),
                ("productline", "shop"),
                ("purpose", ENCRYPTED)
            ]
        );
    }

    #[test]
    fn a_volume_that_fits_is_used_and_others_go() {
        let others = [
            left("vol-1", 20, ENCRYPTED, None),
            left("vol-2", 10, UNENCRYPTED, Some("snap-1")),
            left("vol-3", 10, ENCRYPTED, None),
        ];
        let (plan, left) = plan(&request(10, true), "us-west-2a", &others);
        assert!(left.is_empty());
        assert_eq!(
            plan.lines(),
            [
                "- temporary volume vol-1 of 20 GiB, left by an earlier run",
                "- temporary volume vol-2 of 10 GiB, left by an earlier run after making snapshot snap-1",
                "+ snapshot mhcdb ci, 10 GiB, encrypted",
                "- temporary volume vol-3 of 10 GiB, left by an earlier run",
            ]
        );
        assert_eq!(plan.changes()[3].needs, ["snapshot"]);
    }

    #[test]
    fn a_volume_of_a_run_that_may_go_on_is_left_alone() {
        let young = |own: Leftover| Leftover { young: true, ..own };
        let all = [
            young(left("vol-1", 20, ENCRYPTED, None)),
            young(left("vol-2", 20, ENCRYPTED, Some("snap-1"))),
            young(left("vol-3", 10, UNENCRYPTED, None)),
            young(left("vol-4", 10, ENCRYPTED, None)),
        ];
        let (plan, left) = plan(&request(10, true), "us-west-2a", &all);
        assert_eq!(
            plan.lines(),
            [
                "- temporary volume vol-2 of 20 GiB, left by an earlier run after making snapshot snap-1",
                "+ snapshot mhcdb ci, 10 GiB, encrypted",
                "- temporary volume vol-4 of 10 GiB, left by an earlier run",
            ]
        );
        assert_eq!(left, [&all[0], &all[2]]);
    }

    #[test]
    fn a_run_that_was_killed_at_its_end_is_only_ended() {
        let others = [
            left("vol-1", 10, ENCRYPTED, None),
            left("vol-2", 10, ENCRYPTED, Some("snap-1")),
        ];
        let (plan, _) = plan(&request(10, true), "us-west-2a", &others);
        assert_eq!(
            plan.lines(),
            [
                "- temporary volume vol-1 of 10 GiB, left by an earlier run",
                "- temporary volume vol-2 of 10 GiB, left by an earlier run after making snapshot snap-1",
            ]
        );
    }

    #[test]
    fn only_our_own_free_volumes_are_left_behind() {
        let volume = |tags: &[(&str, &str)], state: VolumeState| {
            let tags = tags
                .iter()
                .map(|(k, v)| Tag::builder().key(*k).value(*v).build());
            Volume::builder()
                .volume_id("vol-1")
                .size(10)
                .state(state)
                .set_tags(Some(tags.collect()))
        };
        let own = [
            ("env", "ci"),
            ("hostclass", "mhcdb"),
            ("purpose", ENCRYPTED),
        ];
        let is = |volume: &Volume| leftover(volume, &request(10, true)).is_some();
        assert!(is(&volume(&own, VolumeState::Available).build()));
        assert!(is(&volume(&own, VolumeState::Creating).build()));
        for state in [
            VolumeState::InUse,
            VolumeState::Deleting,
            VolumeState::Error,
        ] {
            assert!(!is(&volume(&own, state).build()));
        }
        let attached = volume(&own, VolumeState::Available)
            .attachments(VolumeAttachment::builder().instance_id("i-1").build());
        assert!(!is(&attached.build()));
        for (index, value) in [(0, "prod"), (1, "mhcapp"), (2, "data")] {
            let mut tags = own;
            tags[index].1 = value;
            assert!(
                !is(&volume(&tags, VolumeState::Available).build()),
                "{tags:?}"
            );
            assert!(!is(&volume(
                &[&own[..index], &own[index + 1..]].concat(),
                VolumeState::Available
            )
            .build()));
        }
    }
}
