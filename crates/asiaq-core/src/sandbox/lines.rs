//! The lines of a sandbox's plan. Pure.

use super::objects::ObjectPlan;
use crate::host::provision::{Expected, Provision};
use crate::plan::Plan;
use serde::Serialize;

/// What a line is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Configuration files in the bucket.
    Files,
    /// The VPC and what belongs to it.
    Environment,
    /// Groups of hosts.
    Pipeline,
}

/// One line of a plan. The field names are the JSON keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlanLine {
    /// What it is about.
    pub part: Part,
    /// Sequence of the pipeline.
    pub sequence: Option<i64>,
    /// Hostclass of the pipeline.
    pub hostclass: Option<String>,
    /// `+`, `~`, `-`, or `=` for what is as wanted.
    pub sign: String,
    /// The rest.
    pub text: String,
}

impl PlanLine {
    fn new(part: Part, line: &str) -> Self {
        let (sign, text) = line.split_once(' ').unwrap_or_default();
        Self {
            part,
            sequence: None,
            hostclass: None,
            sign: sign.to_owned(),
            text: text.to_owned(),
        }
    }
}

/// Lines of the configuration files.
pub(super) fn of_objects(objects: &ObjectPlan) -> Vec<PlanLine> {
    let lines = objects.plan.lines();
    let all = objects.kept.iter().chain(&lines);
    all.map(|line| PlanLine::new(Part::Files, line)).collect()
}

/// Lines of a plan.
pub(super) fn of_plan<A>(part: Part, plan: &Plan<A>) -> Vec<PlanLine> {
    let lines = plan.lines();
    lines.iter().map(|line| PlanLine::new(part, line)).collect()
}

/// The line of an environment that has nothing to change.
pub(super) fn as_wanted(name: &str) -> String {
    format!("= environment {name} is as wanted")
}

/// One line of the environment.
pub(super) fn of_environment(line: &str) -> PlanLine {
    PlanLine::new(Part::Environment, line)
}

/// Lines of a pipeline that could be planned.
pub(super) fn of_provision(provision: &Provision<'_>) -> Vec<PlanLine> {
    let mut all = Vec::new();
    for sequence in &provision.sequences {
        for row in &sequence.rows {
            all.extend(row.lines().iter().map(|line| PlanLine {
                sequence: Some(sequence.number),
                hostclass: Some(row.hostclass.clone()),
                ..PlanLine::new(Part::Pipeline, line)
            }));
        }
    }
    all
}

/// Lines of a pipeline for an environment that does not exist yet.
pub(super) fn of_expected(expected: &[Expected]) -> Vec<PlanLine> {
    let line = |row: &Expected| PlanLine {
        sequence: Some(row.sequence),
        hostclass: Some(row.hostclass.clone()),
        ..PlanLine::new(Part::Pipeline, &format!("+ {}", row.line))
    };
    expected.iter().map(line).collect()
}

/// The lines as text, each part under its heading.
pub(super) fn text(lines: &[PlanLine]) -> Vec<String> {
    let (mut text, mut last) = (Vec::new(), None);
    for line in lines {
        let heading = match (line.part, line.sequence) {
            (Part::Files, _) => "configuration files".to_owned(),
            (Part::Environment, _) => "environment".to_owned(),
            (Part::Pipeline, Some(number)) => format!("sequence {number}"),
            (Part::Pipeline, None) => "pipeline".to_owned(),
        };
        if last.as_ref() != Some(&heading) {
            text.push(heading.clone());
            last = Some(heading);
        }
        text.push(format!("  {} {}", line.sign, line.text));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_has_one_heading() {
        let row = |sequence: i64, hostclass: &str| Expected {
            sequence,
            hostclass: hostclass.to_owned(),
            line: format!("group {hostclass} from ami-1"),
        };
        let mut lines = vec![
            PlanLine::new(Part::Files, "+ object s3://b/k from f"),
            PlanLine::new(Part::Files, "= object s3://b/l is as wanted"),
            of_environment(&as_wanted("box")),
        ];
        lines.extend(of_expected(&[row(1, "a"), row(1, "b"), row(2, "c")]));
        let expected = [
            "configuration files",
            "  + object s3://b/k from f",
            "  = object s3://b/l is as wanted",
            "environment",
            "  = environment box is as wanted",
            "sequence 1",
            "  + group a from ami-1",
            "  + group b from ami-1",
            "sequence 2",
            "  + group c from ami-1",
        ];
        assert_eq!(text(&lines), expected);
    }
}
