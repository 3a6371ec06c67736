//! Block devices of an Elastigroup's instances, to and from the service's JSON (spec 30, section 12.2). Pure.

use super::json::{filled, number, truth};
use serde_json::{Map, Value, json};

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
    /// A volume. With neither size, iops nor snapshot it is left to the image and not sent.
    Ebs {
        /// GiB.
        size: Option<u32>,
        /// Provisioned operations per second.
        iops: Option<u32>,
        /// Volume type such as `io1`.
        volume_type: Option<String>,
        /// Snapshot to start from.
        snapshot_id: Option<String>,
        /// Whether it goes with its instance.
        delete_on_termination: bool,
    },
}

impl BlockDevice {
    /// Reads a mapping; `None` if it names no device, or neither an instance store nor a volume.
    pub(super) fn from_json(mapping: &Value) -> Option<Self> {
        let device = filled(&mapping["deviceName"])?;
        let kind = match filled(&mapping["virtualName"]) {
            Some(name) => BlockDeviceKind::Ephemeral(name),
            None => {
                let ebs = &mapping["ebs"];
                ebs.as_object()?;
                BlockDeviceKind::Ebs {
                    size: number(&ebs["volumeSize"]),
                    iops: number(&ebs["iops"]),
                    volume_type: filled(&ebs["volumeType"]),
                    snapshot_id: filled(&ebs["snapshotId"]),
                    delete_on_termination: truth(&ebs["deleteOnTermination"]).unwrap_or(true),
                }
            }
        };
        Some(Self { device, kind })
    }

    /// The mapping to send; `None` for a volume about which nothing is decided.
    fn to_json(&self) -> Option<Value> {
        let (size, iops, volume_type, snapshot_id, delete_on_termination) = match &self.kind {
            BlockDeviceKind::Ephemeral(name) => {
                return Some(json!({"deviceName": self.device, "virtualName": name}));
            }
            BlockDeviceKind::Ebs {
                size: None,
                iops: None,
                snapshot_id: None,
                ..
            } => return None,
            BlockDeviceKind::Ebs {
                size,
                iops,
                volume_type,
                snapshot_id,
                delete_on_termination,
            } => (size, iops, volume_type, snapshot_id, delete_on_termination),
        };
        let members = [
            ("deleteOnTermination", Some(json!(delete_on_termination))),
            ("volumeSize", size.map(Value::from)),
            ("iops", iops.map(Value::from)),
            ("volumeType", volume_type.clone().map(Value::from)),
            ("snapshotId", snapshot_id.clone().map(Value::from)),
        ];
        let ebs: Map<String, Value> = members
            .into_iter()
            .filter_map(|(key, value)| Some((key.to_owned(), value?)))
            .collect();
        Some(json!({"deviceName": self.device, "ebs": ebs}))
    }
}

/// The mappings of those devices about which something is decided, as [`super::GroupChange::block_devices`]
/// takes them.
pub fn device_mappings(devices: &[BlockDevice]) -> Vec<Value> {
    devices.iter().filter_map(BlockDevice::to_json).collect()
}
