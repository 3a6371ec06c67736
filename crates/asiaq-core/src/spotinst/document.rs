//! The Elastigroup document: what is sent to create a group, and the parts that change it (spec 30, sections
//! 12 and 13). Pure.

use super::device::{BlockDevice, device_mappings};
use crate::aws::Tags;
use crate::names::tag;
use crate::pipeline::{CreateSizes, Reserve};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

/// Days in the order of the time windows in which instances go back from on-demand to spot.
const DAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

/// An Elastigroup to create.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewElastigroup {
    /// Name.
    pub name: String,
    /// Sizes. Without a desired size the target is the minimum.
    pub sizes: CreateSizes,
    /// How many instances stay on demand.
    pub reserve: Reserve,
    /// Instance types, the first for on-demand instances.
    pub instance_types: Vec<String>,
    /// Subnet ids with their zones, in preferred order.
    pub subnets: Vec<(String, String)>,
    /// What the group is attached to.
    pub balancers: Balancers,
    /// Security group ids.
    pub security_groups: Vec<String>,
    /// Detailed monitoring.
    pub monitoring: bool,
    /// Dedicated bandwidth to EBS: every type of the list has it.
    pub ebs_optimized: bool,
    /// Image.
    pub image_id: String,
    /// Key pair.
    pub key_name: Option<String>,
    /// Devices in order.
    pub block_devices: Vec<BlockDevice>,
    /// Whether instances get a public address.
    pub public_ip: bool,
    /// User data as plain text; empty for none.
    pub user_data: String,
    /// Name or ARN of the instance profile.
    pub instance_profile: Option<String>,
    /// Tags of the instances; `group_name` and `spotinst` are added.
    pub tags: Tags,
}

/// Members of an existing Elastigroup that change; what is absent stays.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GroupChange {
    /// `capacity.minimum`.
    pub min: Option<u32>,
    /// `capacity.target`.
    pub desired: Option<u32>,
    /// `capacity.maximum`.
    pub max: Option<u32>,
    /// How many instances stay on demand; [`Reserve::None`] resets to spot only.
    pub reserve: Option<Reserve>,
    /// All tags of the instances, as [`instance_tags`] makes them.
    pub tags: Option<Tags>,
    /// Image.
    pub image_id: Option<String>,
    /// Name or ARN of the instance profile.
    pub instance_profile: Option<String>,
    /// User data as plain text.
    pub user_data: Option<String>,
    /// All device mappings: [`device_mappings`], or [`super::Elastigroup::mappings_with_snapshot`]. An empty
    /// list clears them.
    pub block_devices: Option<Vec<Value>>,
    /// Instance types, the first for on-demand instances.
    pub instance_types: Option<Vec<String>>,
    /// What the group is to be attached to, all of it.
    pub balancers: Option<Balancers>,
    /// All scheduled tasks, as [`super::Elastigroup::tasks_for`] makes them. An empty list clears the
    /// schedule.
    pub tasks: Option<Vec<Value>>,
}

impl GroupChange {
    /// The change that scales a group down to nothing.
    pub fn to_zero() -> Self {
        Self {
            min: Some(0),
            desired: Some(0),
            max: Some(0),
            ..Self::default()
        }
    }

    /// True if nothing changes.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Load balancers of an Elastigroup.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Balancers {
    /// Names of classic load balancers.
    pub classic: Vec<String>,
    /// ARNs of target groups.
    pub target_groups: Vec<String>,
}

/// How many instances stay on demand, as the service states it (spec 30, section 12.1). At most one of the
/// two is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Strategy {
    /// Share of spot instances in percent.
    pub risk: Option<u32>,
    /// Number of on-demand instances.
    pub on_demand: Option<u32>,
}

impl From<Reserve> for Strategy {
    fn from(reserve: Reserve) -> Self {
        let (risk, on_demand) = match reserve {
            Reserve::None => (Some(100), None),
            Reserve::Share(percent) => (Some(100_u32.saturating_sub(percent.into())), None),
            Reserve::Count(number) => (None, Some(number)),
        };
        Self { risk, on_demand }
    }
}

/// The types of a `:` list, trimmed, without empty ones (spec 30, section 12.3).
pub fn type_list(text: &str) -> Vec<String> {
    let types = text.split(':').map(str::trim);
    types
        .filter(|kind| !kind.is_empty())
        .map(str::to_owned)
        .collect()
}

/// All tags of the instances of a group: those given, `group_name`, and the mark of Elastigroups.
pub fn instance_tags(group: &str, tags: &Tags) -> Tags {
    let mut all = tags.clone();
    all.insert(tag::GROUP_NAME.to_owned(), group.to_owned());
    all.insert(tag::SPOTINST.to_owned(), "True".to_owned());
    all
}

/// The body that creates a group.
pub fn create_document(group: &NewElastigroup) -> Value {
    let windows: Vec<String> = DAYS
        .iter()
        .map(|day| format!("{day}:10:00-{day}:11:00"))
        .collect();
    let strategy = Strategy::from(group.reserve);
    json!({"group": {
        "name": group.name,
        "description": format!("Spotinst elastigroup: {}", group.name),
        "strategy": {
            "availabilityVsCost": "equalAzDistribution",
            "utilizeReservedInstances": true,
            "fallbackToOd": true,
            "revertToSpot": {"performAt": "timeWindow", "timeWindows": windows},
            "risk": strategy.risk,
            "onDemandCount": strategy.on_demand,
        },
        "capacity": {
            "minimum": group.sizes.min,
            "maximum": group.sizes.max,
            "target": group.sizes.desired.unwrap_or(group.sizes.min),
            "unit": "instance",
        },
        "compute": {
            "product": "Linux/UNIX",
            "instanceTypes": instance_types(&group.instance_types),
            "availabilityZones": zones(&group.subnets),
            "launchSpecification": launch_specification(group),
        },
    }})
}

fn launch_specification(group: &NewElastigroup) -> Value {
    let balancers = Some(&group.balancers)
        .filter(|balancers| **balancers != Balancers::default())
        .map(balancers_config);
    let interfaces = group.public_ip.then(
        || json!([{"deleteOnTermination": true, "deviceIndex": 0, "associatePublicIpAddress": true}]),
    );
    json!({
        "loadBalancersConfig": balancers,
        "securityGroupIds": group.security_groups,
        "monitoring": group.monitoring,
        "ebsOptimized": group.ebs_optimized,
        "imageId": group.image_id,
        "keyPair": group.key_name,
        "blockDeviceMappings": unless_empty(&device_mappings(&group.block_devices)),
        "networkInterfaces": interfaces,
        "userData": user_data(&group.user_data),
        "iamRole": group.instance_profile.as_deref().map(iam_role),
        "tags": tag_list(&instance_tags(&group.name, &group.tags)),
    })
}

/// The body that changes a group: only what changes.
pub fn update_document(change: &GroupChange) -> Value {
    let capacity = [
        ("minimum", change.min),
        ("maximum", change.max),
        ("target", change.desired),
    ];
    let capacity = object(capacity.map(|(key, size)| (key, size.map(Value::from))));
    let strategy = change
        .reserve
        .map(Strategy::from)
        .map(|strategy| json!({"risk": strategy.risk, "onDemandCount": strategy.on_demand}));
    let launch = object([
        (
            "loadBalancersConfig",
            change.balancers.as_ref().map(balancers_config),
        ),
        ("imageId", change.image_id.clone().map(Value::from)),
        (
            "blockDeviceMappings",
            change.block_devices.as_deref().map(unless_empty),
        ),
        ("userData", change.user_data.as_deref().map(user_data)),
        (
            "iamRole",
            change.instance_profile.as_deref().map(other_iam_role),
        ),
        ("tags", change.tags.as_ref().map(tag_list)),
    ]);
    let compute = object([
        (
            "instanceTypes",
            change.instance_types.as_deref().map(instance_types),
        ),
        ("launchSpecification", launch),
    ]);
    let scheduling = change.tasks.as_ref().map(|tasks| match tasks.as_slice() {
        [] => Value::Null,
        tasks => json!({"tasks": tasks}),
    });
    let group = object([
        ("strategy", strategy),
        ("capacity", capacity),
        ("compute", compute),
        ("scheduling", scheduling),
    ]);
    json!({"group": group.unwrap_or_else(|| json!({}))})
}

/// The members that are there; `None` if there are none.
fn object<const N: usize>(members: [(&str, Option<Value>); N]) -> Option<Value> {
    let members: Map<String, Value> = members
        .into_iter()
        .filter_map(|(key, value)| Some((key.to_owned(), value?)))
        .collect();
    Some(Value::Object(members)).filter(|object| *object != json!({}))
}

fn instance_types(types: &[String]) -> Value {
    json!({"ondemand": types.first(), "spot": types})
}

/// Each zone once, in order of first appearance, with its subnets in given order.
fn zones(subnets: &[(String, String)]) -> Value {
    let mut zones: Vec<(&str, Vec<&str>)> = Vec::new();
    for (subnet, zone) in subnets {
        match zones.iter_mut().find(|(name, _)| name == zone) {
            Some((_, own)) => own.push(subnet),
            None => zones.push((zone, vec![subnet])),
        }
    }
    let entries: Vec<Value> = zones
        .into_iter()
        .map(|(name, subnets)| json!({"name": name, "subnetIds": subnets}))
        .collect();
    unless_empty(&entries)
}

fn balancers_config(balancers: &Balancers) -> Value {
    let classic = balancers
        .classic
        .iter()
        .map(|name| json!({"name": name, "type": "CLASSIC"}));
    let target_groups = balancers
        .target_groups
        .iter()
        .map(|arn| json!({"arn": arn, "type": "TARGET_GROUP"}));
    json!({"loadBalancers": classic.chain(target_groups).collect::<Vec<_>>()})
}

fn user_data(text: &str) -> Value {
    if text.is_empty() {
        Value::Null
    } else {
        STANDARD.encode(text).into()
    }
}

fn iam_role(profile: &str) -> Value {
    if profile.starts_with("arn:") {
        json!({"arn": profile})
    } else {
        json!({"name": profile})
    }
}

/// The role of an update, which takes the place of one that is stated in the other way.
fn other_iam_role(profile: &str) -> Value {
    if profile.starts_with("arn:") {
        json!({"arn": profile, "name": null})
    } else {
        json!({"name": profile, "arn": null})
    }
}

/// The tags by key; the two that mark the group come last.
fn tag_list(tags: &Tags) -> Value {
    let marks = [tag::GROUP_NAME, tag::SPOTINST];
    let others = tags
        .iter()
        .filter(|(key, _)| !marks.contains(&key.as_str()));
    let last = marks.iter().filter_map(|key| tags.get_key_value(*key));
    let list = others.chain(last);
    list.map(|(key, value)| json!({"tagKey": key, "tagValue": value}))
        .collect()
}

fn unless_empty(list: &[Value]) -> Value {
    match list {
        [] => Value::Null,
        list => list.to_vec().into(),
    }
}

#[cfg(test)]
mod tests;
