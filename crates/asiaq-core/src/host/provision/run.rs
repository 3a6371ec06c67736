//! A planned spinup: shown, or applied sequence by sequence.

use super::inputs::{self, Inputs, ResolvedRow, balancer_specs};
use super::resolve;
use super::rows::{Action, plan_row};
use super::{Purpose, Request};
use crate::aws::Aws;
use crate::balancer::{self, BalancerExecutor};
use crate::environment::{InterfaceRequest, Vpc, create_interface};
use crate::error::{Error, Result};
use crate::group::{self, Clouds, GroupExecutor};
use crate::host::capacity;
use crate::host::remote::Remote;
use crate::host::smoke::{self, Smoke};
use crate::image::{self, Image};
use crate::plan::{Apply, Change, Plan, Progress, Yields};
use crate::storage::{self, Snapshot};
use chrono::Utc;
use std::borrow::Cow;
use std::collections::BTreeSet;

/// A spinup that has been planned. Nothing has been changed yet.
#[derive(Debug)]
pub struct Provision<'a> {
    request: Request<'a>,
    inputs: Inputs,
    /// The sequences in order, planned against what exists now.
    pub sequences: Vec<SequencePlan>,
}

/// The rows of one sequence.
#[derive(Debug)]
pub struct SequencePlan {
    /// Sequence number.
    pub number: i64,
    /// Rows in file order.
    pub rows: Vec<RowPlan>,
}

impl SequencePlan {
    /// Its number and hostclasses.
    fn title(&self) -> String {
        let classes: Vec<&str> = self.rows.iter().map(|row| row.hostclass.as_str()).collect();
        format!("sequence {}: {}", self.number, classes.join(", "))
    }

    /// Lines of the rows that have nothing to change.
    fn kept(&self) -> Vec<String> {
        let kept = self.rows.iter();
        kept.filter(|row| !row.repeats && row.plan.is_empty())
            .flat_map(RowPlan::lines)
            .collect()
    }
}

/// The changes of one row.
#[derive(Debug, Clone)]
pub struct RowPlan {
    /// Hostclass.
    pub hostclass: String,
    /// Image that new hosts start from.
    pub image_id: String,
    /// The group, existing or to be made.
    pub group_name: String,
    /// Desired capacity, if the row says.
    pub desired: Option<u32>,
    /// A row before this one has the same hostclass: this one is planned when that one is done.
    pub repeats: bool,
    /// The row asks for a smoke test.
    pub smoke_test: bool,
    /// What is worth logging.
    pub notes: Vec<String>,
    /// What the operator should know.
    pub warnings: Vec<String>,
    /// The changes; empty if the group is as wanted.
    pub plan: Plan<Action>,
}

impl RowPlan {
    /// What is logged once the row is provisioned.
    fn done(&self, purpose: Purpose<'_>) -> String {
        let (hostclass, image, group) = (&self.hostclass, &self.image_id, &self.group_name);
        let updates = matches!(purpose, Purpose::Admission { .. } | Purpose::Image { .. });
        match self.desired {
            Some(count) => {
                format!("Spun up {count} instances of {hostclass} from {image} into group {group}")
            }
            None if updates => {
                format!("Updated group {group} of {hostclass}: new hosts start from {image}")
            }
            None => {
                format!("Spun up None instances of {hostclass} from {image} into group {group}")
            }
        }
    }

    /// Plan lines; a row that has nothing to change gets a `=` line.
    pub fn lines(&self) -> Vec<String> {
        if self.repeats {
            vec![format!(
                "~ group {}: the row repeats the hostclass and updates the group that the row before it leaves",
                self.hostclass
            )]
        } else if self.plan.is_empty() {
            vec![format!(
                "= group {} {} is as wanted",
                self.hostclass, self.group_name
            )]
        } else {
            self.plan.lines()
        }
    }
}

/// Reads everything and plans every row. Makes no changing call.
///
/// # Errors
/// Anything wrong with any row, hostclass or image; nothing is provisioned until every row resolves.
pub async fn prepare<'a>(clouds: Clouds<'_>, request: Request<'a>) -> Result<Provision<'a>> {
    prepare_in(clouds, request, None).await
}

/// As [`prepare`], in the VPC of the environment if it is known.
///
/// # Errors
/// Those of [`prepare`].
pub async fn prepare_in<'a>(
    clouds: Clouds<'_>,
    request: Request<'a>,
    vpc: Option<&Vpc>,
) -> Result<Provision<'a>> {
    let inputs = inputs::read(clouds, &request, vpc).await?;
    let now = Utc::now().timestamp();
    let (mut sequences, mut errors): (Vec<SequencePlan>, Vec<Error>) = (Vec::new(), Vec::new());
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    for own in &inputs.rows {
        let planned = plan_row(
            &request,
            &inputs,
            own,
            (&inputs.groups, &inputs.balancers),
            now,
            &mut rand::rng(),
        );
        let mut row = match planned {
            Ok(row) => row,
            Err(error) => {
                errors.push(error);
                continue;
            }
        };
        row.repeats = !seen.insert(&own.hostclass.name);
        match sequences.last_mut() {
            Some(last) if last.number == own.sequence => last.rows.push(row),
            _ => sequences.push(SequencePlan {
                number: own.sequence,
                rows: vec![row],
            }),
        }
    }
    drop(seen);
    match Error::from_list(errors) {
        Some(error) => Err(error),
        None => Ok(Provision {
            request,
            inputs,
            sequences,
        }),
    }
}

impl Provision<'_> {
    /// The hostclasses that get groups: those of the images.
    pub fn hostclasses(&self) -> BTreeSet<&str> {
        let rows = self.inputs.rows.iter();
        rows.map(|row| row.hostclass.name.as_str()).collect()
    }

    /// The environment.
    pub fn env(&self) -> &str {
        self.request.env
    }

    /// Hostclasses that have a group in the environment and that no row names.
    pub fn without_row(&self) -> BTreeSet<&str> {
        let named = self.hostclasses();
        let groups = self.inputs.groups.groups().iter();
        let living = groups.filter(|group| !group.deleting);
        let classes = living.map(|group| group.hostclass(self.request.env));
        classes
            .filter(|name| !name.is_empty() && !named.contains(name))
            .collect()
    }

    /// Hostclasses whose groups are waited for and smoke tested.
    fn flammable(&self) -> BTreeSet<&str> {
        let rows = self.sequences.iter().flat_map(|sequence| &sequence.rows);
        rows.filter(|row| self.request.smoke_tests && row.smoke_test)
            .map(|row| row.hostclass.as_str())
            .collect()
    }

    /// Waits for images and snapshots, then applies the plan.
    ///
    /// # Errors
    /// Those of [`Self::wait_for_prerequisites`] and of [`Self::apply`].
    pub async fn run(&self, clouds: Clouds<'_>, progress: &dyn Progress) -> Result<()> {
        self.wait_for_prerequisites(clouds.aws).await?;
        self.apply(clouds, progress).await
    }

    /// Applies the plan; [`Self::wait_for_prerequisites`] comes before.
    ///
    /// # Errors
    /// A row that fails lets its siblings finish and stops later sequences; so does a failed smoke test.
    pub async fn apply(&self, clouds: Clouds<'_>, progress: &dyn Progress) -> Result<()> {
        let aws = clouds.aws;
        let flammable = self.flammable();
        let (config, env) = (self.request.config, self.request.env);
        let ssh = self.request.ssh.clone();
        let remote = ssh.map(|ssh| Remote::new(aws, &self.inputs.vpc, config, env, ssh));
        let buckets = self.inputs.credential_buckets.as_slice();
        let smoke = Smoke::new(config, env, remote.as_ref().map(|remote| (remote, buckets)));
        smoke.prepare(flammable.iter().copied()).await?;
        let mut seen: BTreeSet<&str> = BTreeSet::new();
        let mut rest = &self.inputs.rows[..];
        for (index, sequence) in self.sequences.iter().enumerate() {
            let (own, later) = rest.split_at(sequence.rows.len().min(rest.len()));
            rest = later;
            // A deployment has stages of its own.
            if matches!(self.request.purpose, Purpose::Spinup) {
                progress.stage(&sequence.title(), &sequence.kept());
            }
            let result = async {
                let mut groups = Vec::new();
                for wave in waves(&sequence.rows) {
                    groups.extend(
                        self.run_wave(clouds, &sequence.rows, own, &wave, &mut seen, progress)
                            .await?,
                    );
                }
                let testing: Vec<String> = groups
                    .iter()
                    .filter(|(hostclass, _)| flammable.contains(hostclass.as_str()))
                    .map(|(_, group)| group.clone())
                    .collect();
                let hosts = capacity::wait(clouds, self.request.env, &testing, progress).await?;
                smoke::wait(aws, &hosts, &smoke, smoke::LIMIT, progress).await
            };
            if let Err(error) = result.await {
                let waiting: Vec<String> = self
                    .sequences
                    .iter()
                    .skip(index + 1)
                    .map(|s| s.number.to_string())
                    .collect();
                if !waiting.is_empty() {
                    tracing::error!(
                        "sequence {} failed; not started: sequence {}",
                        sequence.number,
                        waiting.join(", ")
                    );
                }
                return Err(error);
            }
        }
        Ok(())
    }

    /// Waits until the images and the snapshots that new hosts start from are complete. Changes nothing.
    ///
    /// # Errors
    /// One of them cannot be used, or takes too long.
    pub async fn wait_for_prerequisites(&self, aws: &Aws) -> Result<()> {
        let images: Vec<Image> = self
            .inputs
            .rows
            .iter()
            .map(|row| row.image.clone())
            .collect();
        let snapshots: Vec<&Snapshot> = self.inputs.snapshots.values().collect();
        tokio::try_join!(
            image::wait_available(aws, &self.inputs.trusted, &images),
            storage::wait_completed(aws, &snapshots)
        )?;
        Ok(())
    }

    /// Applies some rows of a sequence together; returns hostclass and group of each. Rows whose hostclass has been provisioned
    /// in this run are planned anew, because the group that they update did not exist, or looked different, when everything
    /// was planned.
    async fn run_wave<'s>(
        &'s self,
        clouds: Clouds<'_>,
        planned: &'s [RowPlan],
        resolved: &[ResolvedRow],
        wave: &[usize],
        seen: &mut BTreeSet<&'s str>,
        progress: &dyn Progress,
    ) -> Result<Vec<(String, String)>> {
        let own: Vec<(&RowPlan, &ResolvedRow)> = wave
            .iter()
            .filter_map(|index| planned.get(*index).zip(resolved.get(*index)))
            .collect();
        let rows = self.plans_now(clouds, &own, seen).await?;
        seen.extend(
            wave.iter()
                .filter_map(|index| planned.get(*index))
                .map(|row| row.hostclass.as_str()),
        );
        let mut plan = Plan::default();
        for row in &rows {
            plan.extend(row.plan.clone());
        }
        // One of each for all rows: records of several balancers go to their zone in one call.
        let yields = Yields::default();
        let executor = Executor {
            aws: clouds.aws,
            env: self.request.env,
            balancers: balancer::executor(clouds.aws, progress, &yields),
            groups: group::executor(clouds, progress, &yields),
        };
        plan.apply(&executor, progress).await?;
        let mut groups = Vec::new();
        for row in rows {
            tracing::info!("{}", row.done(self.request.purpose));
            groups.push((row.hostclass.clone(), row.group_name.clone()));
        }
        Ok(groups)
    }

    /// The plans of rows: those of repeated ones made anew, the others as they are.
    async fn plans_now<'s>(
        &self,
        clouds: Clouds<'_>,
        rows: &[(&'s RowPlan, &ResolvedRow)],
        seen: &BTreeSet<&str>,
    ) -> Result<Vec<Cow<'s, RowPlan>>> {
        let repeated = |row: &RowPlan| row.repeats && seen.contains(row.hostclass.as_str());
        let again: Vec<&ResolvedRow> = rows
            .iter()
            .filter(|(row, _)| repeated(row))
            .map(|(_, resolved)| *resolved)
            .collect();
        if again.is_empty() {
            return Ok(rows.iter().map(|(row, _)| Cow::Borrowed(*row)).collect());
        }
        let mut again = self.plan_again(clouds, &again).await?.into_iter();
        let mut plans = Vec::new();
        for (row, _) in rows {
            let new = if repeated(row) { again.next() } else { None };
            plans.push(match new {
                Some(new) => {
                    tell(row, &new);
                    Cow::Owned(new)
                }
                None => Cow::Borrowed(*row),
            });
        }
        Ok(plans)
    }

    /// Plans rows against what exists now, in their order. Each hostclass occurs once.
    async fn plan_again(&self, clouds: Clouds<'_>, rows: &[&ResolvedRow]) -> Result<Vec<RowPlan>> {
        let aws = clouds.aws;
        let specs = balancer_specs(rows.iter().copied());
        let groups = async {
            let groups = group::observe(clouds, self.request.env).await?;
            let groups = groups.without(&self.request.leaving);
            let mut again = Vec::new();
            for own in rows {
                again.push(resolve::again(&self.request, &groups, own)?);
            }
            let types = again.iter().flat_map(|own| &own.instance_types);
            let unknown = types.filter(|kind| !self.inputs.facts.contains_key(*kind));
            let unknown: Vec<String> = unknown.cloned().collect();
            let facts = storage::facts_of(aws, &unknown).await?;
            for own in &mut again {
                own.more_facts = facts.clone();
            }
            Ok::<_, Error>((groups, again))
        };
        let ((groups, again), balancers) =
            tokio::try_join!(groups, balancer::observe(aws, &specs))?;
        let now = Utc::now().timestamp();
        let plan = |own: &ResolvedRow| {
            plan_row(
                &self.request,
                &self.inputs,
                own,
                (&groups, &balancers),
                now,
                &mut rand::rng(),
            )
        };
        again.iter().map(plan).collect()
    }
}

/// Logs what the new plan of a row says and the old one, which has been shown, does not.
fn tell(old: &RowPlan, new: &RowPlan) {
    for note in new.notes.iter().filter(|note| !old.notes.contains(note)) {
        tracing::info!("{note}");
    }
    for warning in &new.warnings {
        if !old.warnings.contains(warning) {
            tracing::warn!("{warning}");
        }
    }
}

/// Rows that can go together: a hostclass that occurs twice goes into the next wave.
fn waves(rows: &[RowPlan]) -> Vec<Vec<usize>> {
    let mut waves: Vec<Vec<usize>> = Vec::new();
    for (index, row) in rows.iter().enumerate() {
        let before = rows
            .iter()
            .take(index)
            .filter(|other| other.hostclass == row.hostclass)
            .count();
        if waves.len() <= before {
            waves.resize(before + 1, Vec::new());
        }
        waves[before].push(index);
    }
    waves
}

struct Executor<'a> {
    aws: &'a Aws,
    env: &'a str,
    balancers: BalancerExecutor<'a>,
    groups: GroupExecutor<'a>,
}

impl Apply<Action> for Executor<'_> {
    async fn apply(&self, change: &Change<Action>) -> Result<(), Error> {
        match &change.action {
            Action::CreateInterface {
                hostclass,
                address,
                subnet_id,
                group_id,
            } => {
                let request = InterfaceRequest {
                    environment: self.env.to_owned(),
                    hostclass: hostclass.clone(),
                    address: *address,
                };
                create_interface(self.aws, &request, subnet_id, group_id).await?;
                Ok(())
            }
            Action::Balancer(action) => self.balancers.apply(&change.with(action.clone())).await,
            Action::Group(action) => self.groups.apply(&change.with(action.clone())).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_hostclass_goes_into_the_next_wave() {
        let row = |hostclass: &str| RowPlan {
            hostclass: hostclass.into(),
            image_id: "ami-1".into(),
            group_name: "g".into(),
            desired: None,
            repeats: false,
            smoke_test: false,
            notes: vec![],
            warnings: vec![],
            plan: Plan::default(),
        };
        let rows = [row("a"), row("b"), row("a"), row("c"), row("a")];
        assert_eq!(waves(&rows), [vec![0, 1, 3], vec![2], vec![4]]);
        assert_eq!(rows[0].lines(), ["= group a g is as wanted"]);
        let image = Purpose::Image { group: "g" };
        let trial = Purpose::Trial { old: None };
        let spun = |count: &str| format!("Spun up {count} instances of a from ami-1 into group g");
        for (desired, purpose, told) in [
            (Some(2), Purpose::Spinup, spun("2")),
            (None, Purpose::Spinup, spun("None")),
            (Some(0), trial, spun("0")),
            (None, trial, spun("None")),
            (
                None,
                image,
                "Updated group g of a: new hosts start from ami-1".to_owned(),
            ),
        ] {
            let row = RowPlan {
                desired,
                ..row("a")
            };
            assert_eq!(row.done(purpose), told);
        }
    }
}
