//! The whole configuration tree, checked without AWS: everything that a tool would refuse, and what is probably not meant
//! (spec 10, sections 2 to 6 and 14; the file formats of the other areas).
//!
//! `tree` reads the files, and nothing else here does. The other modules are pure checks, one for each part of the tree. What
//! the tools' own readers know is asked of them: environments (`config::check`), hostclasses, pipelines, notifications,
//! documents. Only what they do not look at is decided here.

mod alarms;
mod applications;
mod aws;
mod documents;
mod iam;
mod json;
pub mod keys;
pub mod lookup;
mod overlay;
mod pipelines;
mod policies;
mod references;
mod sections;
mod services;
#[cfg(test)]
mod tests;
mod tree;
mod values;
mod vpc;

use crate::config::ConfigDir;
use crate::config::check::{self, Files, Problems, Report};
use references::References;
use tree::Tree;

/// Checks everything below a configuration directory.
pub fn check(dir: &ConfigDir) -> Report {
    let mut problems = Problems::default();
    let tree = Tree::read(dir, &mut problems);
    judge(&tree, &mut problems);
    let mut problems = problems.each_once();
    problems.sort_by(|a, b| {
        let place = |p: &check::Problem| (p.file.clone(), p.line, p.section.clone(), p.key.clone());
        place(a).cmp(&place(b)).then(a.severity.cmp(&b.severity))
    });
    Report {
        problems,
        checked: tree.summary(),
    }
}

/// All checks of what was read.
fn judge(tree: &Tree, problems: &mut Problems) {
    let references = References::of(tree);
    let files = Files::of(
        tree.vpc.clone(),
        tree.aws.clone(),
        tree.alarms.clone(),
        tree.rds.clone(),
    );
    problems.extend(check::check(&files, None).problems);
    aws::check(tree, &references, problems);
    vpc::check(tree, problems);
    alarms::check(tree, &references, problems);
    services::check(tree, &references, problems);
    pipelines::check(tree, &references, problems);
    iam::check(tree, problems);
    documents::check(tree, problems);
    overlay::check(tree, &references, problems);
    applications::check(tree, &references, problems);
}
