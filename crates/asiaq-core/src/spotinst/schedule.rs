//! Scheduled tasks that change the sizes of an Elastigroup (spec 30, section 13.6). Pure.

use super::json::{filled, number};
use serde_json::{Map, Value, json};

/// The type of the tasks that change sizes.
const SCALE: &str = "scale";

/// A task that sets sizes at times; sizes that it does not mention are left alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScaleTask {
    /// When, as a five-field cron expression in UTC.
    pub cron: String,
    /// New minimum.
    pub min: Option<u32>,
    /// New target.
    pub desired: Option<u32>,
    /// New maximum.
    pub max: Option<u32>,
}

impl ScaleTask {
    /// Reads a task of type `scale` that has a schedule.
    pub(super) fn from_json(task: &Value) -> Option<Self> {
        Some(Self {
            cron: filled(&task["cronExpression"]).filter(|_| is_scale(task))?,
            min: number(&task["scaleMinCapacity"]),
            desired: number(&task["scaleTargetCapacity"]),
            max: number(&task["scaleMaxCapacity"]),
        })
    }

    fn to_json(&self) -> Value {
        let mut task = Map::new();
        task.insert("taskType".to_owned(), json!(SCALE));
        task.insert("cronExpression".to_owned(), json!(self.cron));
        let sizes = [
            ("scaleMinCapacity", self.min),
            ("scaleMaxCapacity", self.max),
            ("scaleTargetCapacity", self.desired),
        ];
        for (key, size) in sizes {
            if let Some(size) = size {
                task.insert(key.to_owned(), json!(size));
            }
        }
        Value::Object(task)
    }
}

fn is_scale(task: &Value) -> bool {
    task["taskType"].as_str() == Some(SCALE)
}

/// The complete task list after which the tasks that change sizes are exactly those wanted; `None` if they
/// are so already. Tasks of other types stay. A task that is wanted and there stays as the service states it,
/// with what the service has added to it.
pub(super) fn tasks_for(present: &Value, wanted: &[ScaleTask]) -> Option<Vec<Value>> {
    let present: Vec<&Value> = super::json::items(present).collect();
    let mut missing: Vec<&ScaleTask> = Vec::new();
    for task in wanted {
        if !missing.contains(&task) {
            missing.push(task);
        }
    }
    let mut tasks: Vec<Value> = Vec::new();
    for task in &present {
        let own = ScaleTask::from_json(task);
        let place = missing
            .iter()
            .position(|wanted| Some(*wanted) == own.as_ref());
        if let Some(place) = place {
            missing.remove(place);
        }
        if place.is_some() || !is_scale(task) {
            tasks.push((*task).clone());
        }
    }
    if missing.is_empty() && tasks.len() == present.len() {
        return None;
    }
    tasks.extend(missing.into_iter().map(ScaleTask::to_json));
    Some(tasks)
}
