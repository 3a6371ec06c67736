//! Volumes, snapshots, and groups that start from them, for the tests of the snapshot tools. Knows no tool.

use aws_sdk_autoscaling::types::LaunchTemplateSpecification;
use aws_sdk_ec2::types::{
    InstanceType, LaunchTemplateBlockDeviceMappingRequest as Device,
    LaunchTemplateEbsBlockDeviceRequest as Ebs, RequestLaunchTemplateData, ResourceType,
};

use super::cloud::Cloud;
use super::furniture::tagged;

/// An available volume.
pub fn volume(cloud: &Cloud, size: i32, tags: &[(&str, &str)]) -> String {
    let call = cloud
        .client()
        .create_volume()
        .availability_zone("us-west-2a")
        .size(size);
    let call = if tags.is_empty() {
        call
    } else {
        call.tag_specifications(tagged(ResourceType::Volume, tags))
    };
    let made = cloud.wait(call.send()).expect("CreateVolume");
    made.volume_id.expect("id of the volume")
}

/// A snapshot with these tags, of a volume of its own that does not exist any more.
pub fn snapshot(cloud: &Cloud, size: i32, tags: &[(&str, &str)], description: &str) -> String {
    let ec2 = cloud.client();
    let volume = volume(cloud, size, &[]);
    let call = ec2
        .create_snapshot()
        .volume_id(&volume)
        .description(description);
    let call = if tags.is_empty() {
        call
    } else {
        call.tag_specifications(tagged(ResourceType::Snapshot, tags))
    };
    let made = cloud.wait(call.send()).expect("CreateSnapshot");
    let gone = ec2.delete_volume().volume_id(volume).send();
    cloud.wait(gone).expect("DeleteVolume");
    made.snapshot_id.expect("id of the snapshot")
}

/// A snapshot of a hostclass in an environment, 40 GiB.
pub fn own(cloud: &Cloud, hostclass: &str, env: &str) -> String {
    snapshot(cloud, 40, &[("hostclass", hostclass), ("env", env)], "")
}

/// All own snapshots, sorted by id.
pub fn snapshots(cloud: &Cloud) -> Vec<aws_sdk_ec2::types::Snapshot> {
    let call = cloud.client().describe_snapshots().owner_ids("self");
    let found = cloud.wait(call.send()).expect("DescribeSnapshots");
    let mut all = found.snapshots.unwrap_or_default();
    all.sort_by(|a, b| a.snapshot_id().cmp(&b.snapshot_id()));
    all
}

/// Their ids.
pub fn snapshot_ids(cloud: &Cloud) -> Vec<String> {
    let id = |own: &aws_sdk_ec2::types::Snapshot| own.snapshot_id().unwrap_or_default().to_owned();
    snapshots(cloud).iter().map(id).collect()
}

/// All volumes.
pub fn volumes(cloud: &Cloud) -> Vec<aws_sdk_ec2::types::Volume> {
    let found = cloud.wait(cloud.client().describe_volumes().send());
    found.expect("DescribeVolumes").volumes.unwrap_or_default()
}

/// What a launch template holds: a root volume, and devices that start from these snapshots.
pub fn launch_data(snapshots: &[&str]) -> RequestLaunchTemplateData {
    let root = Ebs::builder().volume_size(9).build();
    let root = Device::builder().device_name("/dev/sda1").ebs(root).build();
    let devices = ('b'..).zip(snapshots).map(|(letter, snapshot)| {
        let ebs = Ebs::builder().snapshot_id(*snapshot).volume_size(40);
        Device::builder()
            .device_name(format!("/dev/sd{letter}"))
            .ebs(ebs.delete_on_termination(true).build())
            .build()
    });
    RequestLaunchTemplateData::builder()
        .image_id("ami-0123456789abcdef0")
        .instance_type(InstanceType::M5Large)
        .set_block_device_mappings(Some(std::iter::once(root).chain(devices).collect()))
        .build()
}

/// A launch template with one version.
pub fn template(cloud: &Cloud, name: &str, snapshots: &[&str]) {
    let call = cloud
        .client()
        .create_launch_template()
        .launch_template_name(name)
        .launch_template_data(launch_data(snapshots));
    cloud.wait(call.send()).expect("CreateLaunchTemplate");
}

/// Another version of a template.
pub fn template_version(cloud: &Cloud, name: &str, snapshots: &[&str]) {
    let call = cloud
        .client()
        .create_launch_template_version()
        .launch_template_name(name)
        .launch_template_data(launch_data(snapshots));
    cloud
        .wait(call.send())
        .expect("CreateLaunchTemplateVersion");
}

/// A group without instances that launches from a version of a template.
pub fn group(cloud: &Cloud, name: &str, template: &str, version: &str) {
    let launch = LaunchTemplateSpecification::builder()
        .launch_template_name(template)
        .version(version);
    let call = cloud
        .autoscaling()
        .create_auto_scaling_group()
        .auto_scaling_group_name(name)
        .availability_zones("us-west-2a")
        .min_size(0)
        .max_size(2)
        .desired_capacity(0)
        .launch_template(launch.build());
    cloud.wait(call.send()).expect("CreateAutoScalingGroup");
}

/// Snapshot and size of the devices that hosts of a group start from, root left out.
pub fn mounted(cloud: &Cloud, group: &str) -> Vec<(String, i32)> {
    let call = cloud
        .autoscaling()
        .describe_auto_scaling_groups()
        .auto_scaling_group_names(group);
    let found = cloud.wait(call.send()).expect("groups");
    let launch = found.auto_scaling_groups()[0]
        .launch_template()
        .expect("launch template")
        .clone();
    let call = cloud
        .client()
        .describe_launch_template_versions()
        .set_launch_template_id(launch.launch_template_id)
        .set_versions(launch.version.map(|version| vec![version]));
    let found = cloud.wait(call.send()).expect("version");
    let data = found.launch_template_versions()[0]
        .launch_template_data()
        .expect("data");
    let devices = data.block_device_mappings().iter().filter_map(|d| d.ebs());
    devices
        .filter_map(|ebs| {
            Some((
                ebs.snapshot_id()?.to_owned(),
                ebs.volume_size().unwrap_or(0),
            ))
        })
        .collect()
}

/// Names of all launch templates.
pub fn template_names(cloud: &Cloud) -> Vec<String> {
    let call = cloud.client().describe_launch_templates().max_results(200);
    let found = cloud.wait(call.send()).expect("templates");
    let names = found.launch_templates().iter();
    names
        .filter_map(|t| t.launch_template_name().map(str::to_owned))
        .collect()
}

/// A refusal in the words of EC2.
pub fn refusal(code: &str, message: &str) -> String {
    format!(
        "<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors>\
         <RequestID>proxy</RequestID></Response>"
    )
}

/// One snapshot of a listing in the words of EC2.
pub struct Listed<'a> {
    pub id: &'a str,
    /// As AWS writes it: `2026-02-03T04:05:06.000Z`.
    pub started: String,
    pub description: &'a str,
    pub tags: &'a [(&'a str, &'a str)],
}

/// An answer to DescribeSnapshots; with `token` there is another page.
pub fn listing(snapshots: &[Listed<'_>], token: Option<&str>) -> String {
    let tag = |(key, value): &(&str, &str)| {
        format!("<item><key>{key}</key><value>{value}</value></item>")
    };
    let item = |own: &Listed<'_>| {
        format!(
            "<item><snapshotId>{}</snapshotId><volumeId>vol-ffffffff</volumeId><status>completed</status>\
             <startTime>{}</startTime><progress>100%</progress><ownerId>123456789012</ownerId><volumeSize>40</volumeSize>\
             <description>{}</description><tagSet>{}</tagSet><encrypted>true</encrypted></item>",
            own.id,
            own.started,
            own.description,
            own.tags.iter().map(tag).collect::<String>()
        )
    };
    let token = token.map_or_else(String::new, |token| {
        format!("<nextToken>{token}</nextToken>")
    });
    format!(
        "<DescribeSnapshotsResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>proxy</requestId>\
         <snapshotSet>{}</snapshotSet>{token}</DescribeSnapshotsResponse>",
        snapshots.iter().map(item).collect::<String>()
    )
}
