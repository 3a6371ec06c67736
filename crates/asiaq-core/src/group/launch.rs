//! What instances of a group are launched with, and how two such contents differ. Pure.

use std::collections::BTreeSet;
use std::fmt;

/// The content of a launch template or launch configuration, as far as Asiaq decides it (spec 30, section 4.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaunchSpec {
    /// Image.
    pub image_id: String,
    /// Instance type; a single one.
    pub instance_type: String,
    /// Key pair.
    pub key_name: Option<String>,
    /// Security group ids.
    pub security_groups: Vec<String>,
    /// Whether instances get a public address.
    pub public_ip: bool,
    /// Devices in order.
    pub block_devices: Vec<BlockDevice>,
    /// Detailed monitoring.
    pub monitoring: bool,
    /// Name or ARN of the instance profile.
    pub instance_profile: Option<String>,
    /// Dedicated bandwidth to EBS.
    pub ebs_optimized: bool,
    /// User data as plain text.
    pub user_data: String,
    /// `optional` or `required`; `None` leaves it to the image and the account.
    pub http_tokens: Option<String>,
}

/// A device of new instances.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockDevice {
    /// Device name such as `/dev/sdb`.
    pub device: String,
    /// What it is.
    pub kind: BlockDeviceKind,
}

/// What a device is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BlockDeviceKind {
    /// Instance store: `ephemeral0` and so on.
    Ephemeral(String),
    /// A volume. With neither size, iops nor snapshot it is left to the image (spec 30, section 4.2).
    Ebs {
        /// GiB.
        size: Option<i32>,
        /// Provisioned operations per second.
        iops: Option<i32>,
        /// Volume type such as `gp3`.
        volume_type: Option<String>,
        /// Snapshot to start from.
        snapshot_id: Option<String>,
        /// Whether it goes with its instance.
        delete_on_termination: bool,
    },
}

impl BlockDevice {
    /// False for a volume about which nothing is decided; such devices are not sent to AWS.
    fn is_decided(&self) -> bool {
        !matches!(
            &self.kind,
            BlockDeviceKind::Ebs {
                size: None,
                iops: None,
                snapshot_id: None,
                ..
            }
        )
    }
}

impl fmt::Display for BlockDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.device)?;
        match &self.kind {
            BlockDeviceKind::Ephemeral(name) => write!(f, " {name}"),
            BlockDeviceKind::Ebs {
                size,
                iops,
                volume_type,
                snapshot_id,
                delete_on_termination,
            } => {
                let size = size.map(|gib| format!(" {gib} GiB"));
                let volume_type = volume_type.as_ref().map(|text| format!(" {text}"));
                let iops = iops.map(|count| format!(" {count} iops"));
                let snapshot = snapshot_id.as_ref().map(|id| format!(" {id}"));
                let kept = (!delete_on_termination).then(|| " kept".to_owned());
                [size, volume_type, iops, snapshot, kept]
                    .iter()
                    .flatten()
                    .try_for_each(|part| f.write_str(part))
            }
        }
    }
}

impl LaunchSpec {
    /// The devices that AWS is told about, in order.
    pub(super) fn sent_devices(&self) -> impl Iterator<Item = &BlockDevice> {
        self.block_devices
            .iter()
            .filter(|device| device.is_decided())
    }

    /// True if instances launched from both are the same.
    pub fn is_same_as(&self, other: &Self) -> bool {
        self.differences(other).is_empty()
    }

    /// What `wanted` changes, one text such as `image ami-1 -> ami-2` each. The values of user data are not shown.
    pub(super) fn differences(&self, wanted: &Self) -> Vec<String> {
        let mut found = Vec::new();
        let mut compare = |what: &str, old: String, new: String| {
            if old != new {
                found.push(format!("{what} {} -> {}", or_none(&old), or_none(&new)));
            }
        };
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        let switch = |on: bool| if on { "on" } else { "off" }.to_owned();
        let devices = |spec: &Self| {
            spec.sent_devices()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(", ")
        };
        compare("image", self.image_id.clone(), wanted.image_id.clone());
        compare(
            "type",
            self.instance_type.clone(),
            wanted.instance_type.clone(),
        );
        compare("key", text(&self.key_name), text(&wanted.key_name));
        compare(
            "security groups",
            sorted(&self.security_groups),
            sorted(&wanted.security_groups),
        );
        compare(
            "public address",
            switch(self.public_ip),
            switch(wanted.public_ip),
        );
        compare("devices", devices(self), devices(wanted));
        compare(
            "monitoring",
            switch(self.monitoring),
            switch(wanted.monitoring),
        );
        compare(
            "profile",
            text(&self.instance_profile),
            text(&wanted.instance_profile),
        );
        compare(
            "EBS optimisation",
            switch(self.ebs_optimized),
            switch(wanted.ebs_optimized),
        );
        compare(
            "http_tokens",
            text(&self.http_tokens),
            text(&wanted.http_tokens),
        );
        if self.user_data != wanted.user_data {
            found.push(user_data_difference(&self.user_data, &wanted.user_data));
        }
        found
    }
}

fn or_none(text: &str) -> &str {
    if text.is_empty() { "none" } else { text }
}

fn sorted(ids: &[String]) -> String {
    let unique: BTreeSet<&str> = ids.iter().map(String::as_str).collect();
    unique.into_iter().collect::<Vec<_>>().join(" ")
}

/// Names the keys whose lines differ; their values may be nobody's business.
pub(super) fn user_data_difference(old: &str, new: &str) -> String {
    let (old, new): (BTreeSet<&str>, BTreeSet<&str>) =
        (old.lines().collect(), new.lines().collect());
    let keys = old
        .symmetric_difference(&new)
        .filter_map(|line| line.split_once('='))
        .map(|(key, _)| key);
    let keys: BTreeSet<&str> = keys
        .filter(|key| key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'))
        .collect();
    let listed: Vec<&str> = keys.into_iter().collect();
    if listed.is_empty() {
        "user data".to_owned()
    } else {
        format!("user data ({})", listed.join(", "))
    }
}

#[cfg(test)]
pub(super) mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    pub(in crate::group) fn spec() -> LaunchSpec {
        LaunchSpec {
            image_id: "ami-1".into(),
            instance_type: "m5.large".into(),
            key_name: Some("ops".into()),
            security_groups: vec!["sg-1".into(), "sg-2".into()],
            public_ip: false,
            block_devices: vec![volume("/dev/sdb", Some(50), None, None)],
            monitoring: false,
            instance_profile: Some("web".into()),
            ebs_optimized: true,
            user_data: "hostclass=\"mhcweb\"\nowner=\"ann\"".into(),
            http_tokens: None,
        }
    }

    pub(in crate::group) fn volume(
        device: &str,
        size: Option<i32>,
        iops: Option<i32>,
        snapshot: Option<&str>,
    ) -> BlockDevice {
        let kind = BlockDeviceKind::Ebs {
            size,
            iops,
            volume_type: iops.map(|_| "io1".to_owned()),
            snapshot_id: snapshot.map(str::to_owned),
            delete_on_termination: true,
        };
        BlockDevice {
            device: device.into(),
            kind,
        }
    }

    type Edit = fn(&mut LaunchSpec);

    #[test]
    fn every_part_of_the_content_counts() {
        let table: [(Edit, &str); 12] = [
            (|s| s.image_id = "ami-2".into(), "image ami-1 -> ami-2"),
            (
                |s| s.instance_type = "c5.large".into(),
                "type m5.large -> c5.large",
            ),
            (|s| s.key_name = None, "key ops -> none"),
            (
                |s| s.security_groups = vec!["sg-1".into()],
                "security groups sg-1 sg-2 -> sg-1",
            ),
            (|s| s.public_ip = true, "public address off -> on"),
            (
                |s| {
                    s.block_devices
                        .push(volume("/dev/sdc", Some(40), Some(500), Some("snap-1")))
                },
                "devices /dev/sdb 50 GiB -> /dev/sdb 50 GiB, /dev/sdc 40 GiB io1 500 iops snap-1",
            ),
            (
                |s| s.block_devices.clear(),
                "devices /dev/sdb 50 GiB -> none",
            ),
            (|s| s.monitoring = true, "monitoring off -> on"),
            (
                |s| s.instance_profile = Some("db".into()),
                "profile web -> db",
            ),
            (|s| s.ebs_optimized = false, "EBS optimisation on -> off"),
            (
                |s| s.http_tokens = Some("required".into()),
                "http_tokens none -> required",
            ),
            (
                |s| s.user_data = "hostclass=\"mhcweb\"\nowner=\"bob\"\neip=\"1.2.3.4\"".into(),
                "user data (eip, owner)",
            ),
        ];
        for (edit, wanted) in table {
            let mut other = spec();
            edit(&mut other);
            assert_eq!(spec().differences(&other), [wanted]);
        }
        assert!(spec().is_same_as(&spec()));
    }

    #[test]
    fn order_of_security_groups_and_undecided_devices_do_not_count() {
        let mut other = spec();
        other.security_groups.reverse();
        other
            .block_devices
            .insert(0, volume("/dev/sda1", None, None, None));
        assert!(spec().is_same_as(&other) && other.is_same_as(&spec()));
    }

    #[test]
    fn user_data_that_is_not_lines_of_assignments_is_not_shown() {
        assert_eq!(
            user_data_difference("#!/bin/sh\necho secret", "#!/bin/sh"),
            "user data"
        );
        assert_eq!(
            user_data_difference("curl http://x?token=secret", ""),
            "user data"
        );
    }

    #[test]
    fn kept_and_ephemeral_devices_are_told_apart() {
        let mut kept = volume("/dev/sdb", Some(1), None, None);
        if let BlockDeviceKind::Ebs {
            delete_on_termination,
            ..
        } = &mut kept.kind
        {
            *delete_on_termination = false;
        }
        let ephemeral = BlockDevice {
            device: "/dev/sdc".into(),
            kind: BlockDeviceKind::Ephemeral("ephemeral0".into()),
        };
        assert_eq!(
            format!("{kept}; {ephemeral}"),
            "/dev/sdb 1 GiB kept; /dev/sdc ephemeral0"
        );
    }
}
