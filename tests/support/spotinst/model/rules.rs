//! What the Spotinst stand-in refuses: what the real service refuses, and every member that Asiaq must not
//! send.

use serde_json::Value;

use super::Refusal;

/// The members that Asiaq may send, by the path of their object.
const MEMBERS: [(&str, &[&str]); 9] = [
    (
        "",
        &[
            "name",
            "description",
            "strategy",
            "capacity",
            "compute",
            "scheduling",
        ],
    ),
    (
        "/strategy",
        &[
            "availabilityVsCost",
            "utilizeReservedInstances",
            "fallbackToOd",
            "revertToSpot",
            "risk",
            "onDemandCount",
        ],
    ),
    ("/strategy/revertToSpot", &["performAt", "timeWindows"]),
    ("/capacity", &["minimum", "maximum", "target", "unit"]),
    (
        "/compute",
        &[
            "product",
            "instanceTypes",
            "availabilityZones",
            "launchSpecification",
        ],
    ),
    ("/compute/instanceTypes", &["ondemand", "spot"]),
    (
        "/compute/launchSpecification",
        &[
            "loadBalancersConfig",
            "securityGroupIds",
            "monitoring",
            "ebsOptimized",
            "imageId",
            "keyPair",
            "blockDeviceMappings",
            "networkInterfaces",
            "userData",
            "iamRole",
            "tags",
        ],
    ),
    (
        "/compute/launchSpecification/loadBalancersConfig",
        &["loadBalancers"],
    ),
    ("/scheduling", &["tasks"]),
];

/// What a new group must have.
const REQUIRED: [&str; 13] = [
    "/name",
    "/strategy/availabilityVsCost",
    "/capacity/minimum",
    "/capacity/maximum",
    "/capacity/target",
    "/capacity/unit",
    "/compute/product",
    "/compute/instanceTypes/ondemand",
    "/compute/instanceTypes/spot/0",
    "/compute/launchSpecification/imageId",
    "/compute/launchSpecification/securityGroupIds/0",
    "/compute/launchSpecification/monitoring",
    "/compute/launchSpecification/tags/0",
];

pub fn check_create(body: &Value) -> Result<(), Refusal> {
    let group = group_of(body)?;
    let mut errors = unknown_members(group);
    for path in REQUIRED {
        if group.pointer(path).is_none_or(Value::is_null) {
            errors.push((
                "MISSING_PARAMETER".into(),
                format!("group{path} is required"),
            ));
        }
    }
    refuse(errors)?;
    check_result(group)
}

pub fn check_update(body: &Value) -> Result<(), Refusal> {
    let group = group_of(body)?;
    let mut errors = unknown_members(group);
    for path in ["/capacity/unit", "/compute/product"] {
        if group.pointer(path).is_some() {
            errors.push((
                "UNMODIFIABLE".into(),
                format!("group{path} cannot be changed"),
            ));
        }
    }
    refuse(errors)
}

/// Checks a complete group.
pub fn check_result(group: &Value) -> Result<(), Refusal> {
    let mut errors = Vec::new();
    let mut wrong = |code: &str, message: &str| errors.push((code.to_owned(), message.to_owned()));
    let size = |key: &str| group["capacity"][key].as_u64();
    match (size("minimum"), size("target"), size("maximum")) {
        (Some(min), Some(target), Some(max)) if min <= target && target <= max => {}
        (Some(_), Some(_), Some(_)) => wrong(
            "CAPACITY_OUT_OF_RANGE",
            "capacity must be minimum <= target <= maximum",
        ),
        _ => wrong("INVALID_CAPACITY", "capacity must be numbers"),
    }
    let strategy = &group["strategy"];
    if !strategy["risk"].is_null() && !strategy["onDemandCount"].is_null() {
        wrong(
            "INVALID_STRATEGY",
            "risk and onDemandCount exclude each other",
        );
    }
    if strategy["risk"].as_u64().is_some_and(|risk| risk > 100) {
        wrong("INVALID_STRATEGY", "risk is a percentage");
    }
    let launch = &group["compute"]["launchSpecification"];
    for balancer in list(&launch["loadBalancersConfig"]["loadBalancers"]) {
        let key = match balancer["type"].as_str() {
            Some("CLASSIC") => "name",
            Some("TARGET_GROUP") => "arn",
            _ => "",
        };
        if balancer[key].as_str().is_none_or(str::is_empty) {
            wrong("UNSUPPORTED_LOAD_BALANCER", &balancer.to_string());
        }
    }
    let zones: Vec<&Value> = list(&group["compute"]["availabilityZones"])
        .iter()
        .map(|zone| &zone["name"])
        .collect();
    if (1..zones.len()).any(|at| zones[..at].contains(&zones[at])) {
        wrong("DUPLICATE_AZ", "an availability zone is given twice");
    }
    for device in list(&launch["blockDeviceMappings"]) {
        if device["deviceName"].is_null()
            || (device["virtualName"].is_null() == device["ebs"].is_null())
        {
            wrong("INVALID_BLOCK_DEVICE", &device.to_string());
        }
    }
    let data = launch["userData"].as_str().unwrap_or_default();
    let base64 = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte);
    if !data.len().is_multiple_of(4) || !data.bytes().all(base64) {
        wrong("INVALID_USER_DATA", "userData must be base64");
    }
    for task in list(&group["scheduling"]["tasks"]) {
        if task["taskType"].is_null() || task["cronExpression"].is_null() {
            wrong("INVALID_TASK", &task.to_string());
        }
    }
    refuse(errors)
}

pub fn check_roll(body: &Value) -> Result<(), Refusal> {
    let checks = ["ELB", "TARGET_GROUP", "MLB", "HCS", "EC2", "NONE"];
    let valid = body["batchSizePercentage"]
        .as_u64()
        .is_some_and(|percent| (1..=100).contains(&percent))
        && body["gracePeriod"].is_u64()
        && body["healthCheckType"]
            .as_str()
            .is_some_and(|check| checks.contains(&check))
        && body["strategy"]["action"] == "REPLACE_SERVER";
    if valid {
        Ok(())
    } else {
        Err(Refusal::new(400, "INVALID_ROLL", &body.to_string()))
    }
}

fn group_of(body: &Value) -> Result<&Value, Refusal> {
    let members = body.as_object().map(|body| body.len());
    match &body["group"] {
        group @ Value::Object(_) if members == Some(1) => Ok(group),
        _ => Err(Refusal::new(
            400,
            "INVALID_BODY",
            "the body must be an object with the member group",
        )),
    }
}

fn unknown_members(group: &Value) -> Vec<(String, String)> {
    let mut errors = Vec::new();
    for (path, known) in MEMBERS {
        let object = group.pointer(path).and_then(Value::as_object);
        for key in object.into_iter().flat_map(|object| object.keys()) {
            if !known.contains(&key.as_str()) {
                let text = format!("group{path} has no member {key} that may be set");
                errors.push(("UNKNOWN_PARAMETER".to_owned(), text));
            }
        }
    }
    errors
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn refuse(errors: Vec<(String, String)>) -> Result<(), Refusal> {
    if errors.is_empty() {
        Ok(())
    } else {
        Err(Refusal {
            status: 400,
            errors,
        })
    }
}
