//! An Elastigroup as the service states it, read leniently: any member may be absent, null, or a number or
//! boolean in quotes. The raw document stays, for changes that write back what they have read.

use super::device::BlockDevice;
use super::document::{Balancers, Strategy};
use super::json::{filled, items, number, text, texts};
use super::schedule::{ScaleTask, tasks_for};
use crate::aws::Tags;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// An Elastigroup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Elastigroup {
    /// `sig-…`.
    pub id: String,
    /// Name of the group.
    pub name: String,
    /// The document.
    pub raw: Value,
}

impl Elastigroup {
    /// Wraps a document; `None` without id or name, because such a group cannot be addressed.
    pub fn from_json(raw: Value) -> Option<Self> {
        let id = filled(&raw["id"])?;
        let name = filled(&raw["name"])?;
        Some(Self { id, name, raw })
    }

    /// Fewest instances.
    pub fn min(&self) -> Option<u32> {
        number(&self.raw["capacity"]["minimum"])
    }

    /// Most instances.
    pub fn max(&self) -> Option<u32> {
        number(&self.raw["capacity"]["maximum"])
    }

    /// Instances wanted now.
    pub fn target(&self) -> Option<u32> {
        number(&self.raw["capacity"]["target"])
    }

    /// How many instances stay on demand.
    pub fn strategy(&self) -> Strategy {
        let strategy = &self.raw["strategy"];
        Strategy {
            risk: number(&strategy["risk"]),
            on_demand: number(&strategy["onDemandCount"]),
        }
    }

    /// Whether the group is in a region: by its field `region`, else by its first zone. `None` if it states
    /// neither.
    pub fn is_in(&self, region: &str) -> Option<bool> {
        if let Some(own) = filled(&self.raw["region"]) {
            return Some(own == region);
        }
        self.zones().first().map(|zone| zone.starts_with(region))
    }

    /// Names of the zones, in order.
    pub fn zones(&self) -> Vec<String> {
        self.zone_entries()
            .filter_map(|zone| filled(&zone["name"]))
            .collect()
    }

    /// Subnet ids of all zones, in order.
    pub fn subnets(&self) -> Vec<String> {
        let subnets = |zone: &Value| match &zone["subnetIds"] {
            Value::Null => filled(&zone["subnetId"]).into_iter().collect(),
            list => texts(list),
        };
        self.zone_entries().flat_map(subnets).collect()
    }

    fn zone_entries(&self) -> impl Iterator<Item = &Value> {
        items(&self.raw["compute"]["availabilityZones"])
    }

    fn launch(&self) -> &Value {
        &self.raw["compute"]["launchSpecification"]
    }

    /// Image of new instances.
    pub fn image_id(&self) -> Option<String> {
        filled(&self.launch()["imageId"])
    }

    /// Key pair.
    pub fn key_name(&self) -> Option<String> {
        filled(&self.launch()["keyPair"])
    }

    /// Security group ids.
    pub fn security_groups(&self) -> Vec<String> {
        texts(&self.launch()["securityGroupIds"])
    }

    /// Name of the instance profile, else its ARN.
    pub fn instance_profile(&self) -> Option<String> {
        let role = &self.launch()["iamRole"];
        filled(&role["name"]).or_else(|| filled(&role["arn"]))
    }

    /// User data as text; `None` if there is none, or none that can be decoded.
    pub fn user_data(&self) -> Option<String> {
        let encoded = filled(&self.launch()["userData"])?;
        let bytes = STANDARD.decode(encoded.trim()).ok()?;
        String::from_utf8(bytes).ok()
    }

    /// Tags of the instances, `group_name` and `spotinst` among them. A tag without a value has the empty
    /// value.
    pub fn tags(&self) -> Tags {
        items(&self.launch()["tags"])
            .filter_map(|tag| {
                let value = text(&tag["tagValue"]).unwrap_or_default();
                Some((filled(&tag["tagKey"])?, value))
            })
            .collect()
    }

    /// The attached load balancers.
    pub fn balancers(&self) -> Balancers {
        let of = |kind: &str, key: &str| {
            items(&self.launch()["loadBalancersConfig"]["loadBalancers"])
                .filter(|balancer| balancer["type"].as_str() == Some(kind))
                .filter_map(|balancer| filled(&balancer[key]))
                .collect()
        };
        Balancers {
            classic: of("CLASSIC", "name"),
            target_groups: of("TARGET_GROUP", "arn"),
        }
    }

    /// Instance types as an update sends them: the on-demand type, then the spot types other than it (spec
    /// 30, section 13.7).
    pub fn instance_types(&self) -> Vec<String> {
        let types = &self.raw["compute"]["instanceTypes"];
        let on_demand = filled(&types["ondemand"]);
        let spot = texts(&types["spot"]);
        let others = spot
            .into_iter()
            .filter(|kind| Some(kind) != on_demand.as_ref());
        on_demand.iter().cloned().chain(others).collect()
    }

    /// Block devices. Entries that cannot be understood are left out.
    pub fn block_devices(&self) -> Vec<BlockDevice> {
        self.device_entries()
            .filter_map(BlockDevice::from_json)
            .collect()
    }

    fn device_entries(&self) -> impl Iterator<Item = &Value> {
        items(&self.launch()["blockDeviceMappings"])
    }

    /// The snapshots that devices start from, in order of the devices.
    pub fn snapshots(&self) -> Vec<String> {
        self.device_entries()
            .filter_map(|device| filled(&device["ebs"]["snapshotId"]))
            .collect()
    }

    /// All device mappings as the service states them, but those that start from the snapshot `old` start
    /// from `new` and have this size; for [`super::GroupChange::block_devices`] (spec 30, section 13.8).
    pub fn mappings_with_snapshot(&self, old: &str, new: &str, size: u32) -> Vec<Value> {
        let mut mappings: Vec<Value> = self.device_entries().cloned().collect();
        for mapping in &mut mappings {
            if filled(&mapping["ebs"]["snapshotId"]).as_deref() == Some(old) {
                mapping["ebs"]["snapshotId"] = json!(new);
                mapping["ebs"]["volumeSize"] = json!(size);
            }
        }
        mappings
    }

    /// The scheduled tasks that change sizes.
    pub fn scale_tasks(&self) -> Vec<ScaleTask> {
        items(self.tasks())
            .filter_map(ScaleTask::from_json)
            .collect()
    }

    /// The complete task list that is to replace the present one, so that the tasks that change sizes are
    /// exactly those wanted; `None` if nothing changes. For [`super::GroupChange::tasks`]; an empty list
    /// clears the schedule.
    pub fn tasks_for(&self, wanted: &[ScaleTask]) -> Option<Vec<Value>> {
        tasks_for(self.tasks(), wanted)
    }

    fn tasks(&self) -> &Value {
        &self.raw["scheduling"]["tasks"]
    }
}

#[cfg(test)]
mod tests;
