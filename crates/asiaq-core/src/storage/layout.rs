//! Block device mappings of a group's hosts. Pure (spec 40, section 12.2; spec 30, section 4.2).

use crate::config::ConfigError;
use crate::group::{BlockDevice, BlockDeviceKind};
use crate::image::Image;
use crate::storage::Snapshot;

/// Root volumes of base images have this size (GB); `extra_space` adds to it.
const ROOT_SIZE: i32 = 8;

/// What a pipeline row asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DiskRequest {
    /// GB added to the root volume.
    pub extra_space: Option<u32>,
    /// GB of one more volume.
    pub extra_disk: Option<u32>,
    /// IOPS of the snapshot's and the extra volume.
    pub iops: Option<u32>,
    /// Instance-store disks of the instance type.
    pub ephemerals: u32,
}

/// The mappings, in device order: enlarged root, snapshot, extra disk, instance store. Names after root are `/dev/sdb`
/// onwards and end silently at `/dev/sdz`. Volumes are gp3 unless IOPS are asked for (io1).
///
/// # Errors
/// The image has no root device.
pub fn layout(
    image: &Image,
    snapshot: Option<&Snapshot>,
    request: DiskRequest,
) -> Result<Vec<BlockDevice>, ConfigError> {
    let mut devices = Vec::new();
    if let Some(extra) = request.extra_space {
        devices.push(root(image, to_gb(extra))?);
    }
    let iops = request.iops.map(to_gb);
    let volume = |size: i32, snapshot_id: Option<String>| BlockDeviceKind::Ebs {
        size: Some(size),
        iops,
        volume_type: Some(if iops.is_some() { "io1" } else { "gp3" }.to_owned()),
        snapshot_id,
        delete_on_termination: true,
    };
    let from_snapshot = snapshot.map(|s| volume(s.size, Some(s.id.clone())));
    let extra = request.extra_disk.map(|size| volume(to_gb(size), None));
    let stores =
        (0..request.ephemerals).map(|n| BlockDeviceKind::Ephemeral(format!("ephemeral{n}")));
    let names = ('b'..='z').map(|letter| format!("/dev/sd{letter}"));
    let kinds = from_snapshot.into_iter().chain(extra).chain(stores);
    devices.extend(
        names
            .zip(kinds)
            .map(|(device, kind)| BlockDevice { device, kind }),
    );
    Ok(devices)
}

fn root(image: &Image, extra: i32) -> Result<BlockDevice, ConfigError> {
    let mapped = image
        .devices
        .iter()
        .any(|d| d.name == "/dev/sda")
        .then(|| "/dev/sda".to_owned());
    let device = mapped.or_else(|| image.root_device.clone()).ok_or_else(|| {
        ConfigError::new(format!("cannot enlarge the root volume: image {} ({}) has no root device", image.id, image.name))
            .with_hint("leave extra_space out for this hostclass, or bake an image with an EBS root volume")
    })?;
    let in_image = image
        .devices
        .iter()
        .find(|d| d.name == device)
        .and_then(|d| d.size)
        .unwrap_or(0);
    let wanted = ROOT_SIZE.saturating_add(extra);
    let size = if wanted < in_image {
        in_image.saturating_add(extra)
    } else {
        wanted
    };
    let kind = BlockDeviceKind::Ebs {
        size: Some(size),
        iops: None,
        volume_type: Some("gp3".into()),
        snapshot_id: None,
        delete_on_termination: true,
    };
    Ok(BlockDevice { device, kind })
}

fn to_gb(value: u32) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use crate::aws::Tags;
    use crate::image::ImageDevice;

    fn image(root: Option<&str>, devices: &[(&str, i32)]) -> Image {
        let device = |(name, size): &(&str, i32)| ImageDevice {
            name: (*name).into(),
            size: Some(*size),
            snapshot_id: None,
        };
        Image {
            id: "ami-1".into(),
            name: "mhcx 1700000000".into(),
            state: "available".into(),
            tags: Tags::new(),
            root_device: root.map(str::to_owned),
            devices: devices.iter().map(device).collect(),
            creation_date: None,
        }
    }

    fn show(devices: &[BlockDevice]) -> Vec<String> {
        let one = |d: &BlockDevice| match &d.kind {
            BlockDeviceKind::Ephemeral(name) => format!("{} {name}", d.device),
            BlockDeviceKind::Ebs {
                size,
                iops,
                volume_type,
                snapshot_id,
                ..
            } => {
                let snapshot = snapshot_id
                    .as_deref()
                    .map(|s| format!(" {s}"))
                    .unwrap_or_default();
                let iops = iops.map(|n| format!("/{n}")).unwrap_or_default();
                format!(
                    "{}{snapshot} {} {}{iops}",
                    d.device,
                    size.unwrap_or(0),
                    volume_type.as_deref().unwrap_or("-")
                )
            }
        };
        devices.iter().map(one).collect()
    }

    #[test]
    fn worked_examples() {
        let snapshot = Snapshot {
            id: "snap-1".into(),
            hostclass: "mhcx".into(),
            size: 40,
            completed: true,
        };
        let request = DiskRequest {
            extra_disk: Some(100),
            iops: Some(500),
            ephemerals: 2,
            ..DiskRequest::default()
        };
        let devices = layout(
            &image(Some("/dev/xvda"), &[("/dev/xvda", 8)]),
            Some(&snapshot),
            request,
        )
        .unwrap();
        assert_eq!(
            show(&devices),
            [
                "/dev/sdb snap-1 40 io1/500",
                "/dev/sdc 100 io1/500",
                "/dev/sdd ephemeral0",
                "/dev/sde ephemeral1"
            ]
        );
        let request = DiskRequest {
            extra_space: Some(12),
            ..DiskRequest::default()
        };
        assert_eq!(
            show(&layout(&image(Some("/dev/xvda"), &[]), None, request).unwrap()),
            ["/dev/xvda 20 gp3"]
        );
        let request = DiskRequest {
            extra_disk: Some(50),
            ..DiskRequest::default()
        };
        assert_eq!(
            show(&layout(&image(Some("/dev/xvda"), &[]), None, request).unwrap()),
            ["/dev/sdb 50 gp3"]
        );
        assert!(
            layout(&image(None, &[]), None, DiskRequest::default())
                .unwrap()
                .is_empty()
        );
    }

    #[test]
    fn root_device_and_size() {
        let enlarge = |image: &Image, by| {
            layout(
                image,
                None,
                DiskRequest {
                    extra_space: Some(by),
                    ..DiskRequest::default()
                },
            )
        };
        assert_eq!(
            show(&enlarge(&image(Some("/dev/sda1"), &[("/dev/sda", 8)]), 2).unwrap()),
            ["/dev/sda 10 gp3"]
        );
        assert_eq!(
            show(&enlarge(&image(Some("/dev/xvda"), &[("/dev/xvda", 30)]), 2).unwrap()),
            ["/dev/xvda 32 gp3"]
        );
        assert!(
            enlarge(&image(None, &[]), 2)
                .unwrap_err()
                .to_string()
                .contains("ami-1")
        );
    }

    #[test]
    fn device_names_end_at_sdz() {
        let devices = layout(
            &image(None, &[]),
            None,
            DiskRequest {
                ephemerals: 36,
                ..DiskRequest::default()
            },
        )
        .unwrap();
        assert_eq!(
            (devices.len(), show(&devices).last().unwrap().as_str()),
            (25, "/dev/sdz ephemeral24")
        );
    }
}
