//! The load balancer of a hostclass together with its group, as one plan: what `disco_elb` does. Also the removal of the
//! balancers of hostclasses whose groups go.

use super::balancing::balancer_spec;
use super::switching::{self, detach};
use crate::aws::Aws;
use crate::balancer::{
    self, BalancerAction, BalancerExecutor, BalancerSpec, ListedBalancer, PlannedBalancer,
};
use crate::config::{ConfigError, DiscoAws, HostclassConfig};
use crate::environment::{self, Network, Selector, Vpc};
use crate::error::{Error, Result};
use crate::group::{
    self, AttachmentSpec, Clouds, Group, GroupAction, GroupExecutor, plan_attachments,
};
use crate::network::resolve_address;
use crate::plan::{Apply, Change, Plan, Progress, Yields};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

/// One change of a balancer update.
#[derive(Debug, Clone, PartialEq)]
pub enum BalancerUpdateAction {
    /// To a load balancer, a target group or records.
    Balancer(BalancerAction),
    /// To a group.
    Group(GroupAction),
}

/// A planned update or deletion of the balancer of a hostclass. Nothing has been changed yet.
#[derive(Debug, Default)]
pub struct BalancerUpdate {
    /// The changes.
    pub plan: Plan<BalancerUpdateAction>,
    /// What the operator should know.
    pub warnings: Vec<String>,
}

impl BalancerUpdate {
    /// Makes the changes.
    pub async fn run(&self, clouds: Clouds<'_>, progress: &dyn Progress) -> Result<()> {
        let yields = Yields::default();
        let executor = Executor {
            balancers: balancer::executor(clouds.aws, progress, &yields),
            groups: group::executor(clouds, progress, &yields),
        };
        self.plan.apply(&executor, progress).await?;
        Ok(())
    }

    /// Balancer, then group, then what leaves. `hosts` as for [`PlannedBalancer::attached_by`].
    fn assemble(
        mut planned: PlannedBalancer,
        mut groups: Plan<GroupAction>,
        hosts: Option<Vec<String>>,
        warnings: Vec<String>,
    ) -> Self {
        switching::order(&mut planned, &mut groups, hosts);
        let mut before = planned.plan.ids();
        before.extend(groups.ids());
        let mut plan = planned.plan.map(BalancerUpdateAction::Balancer);
        plan.extend(groups.map(BalancerUpdateAction::Group));
        let leaving = planned.leaving.after(&before);
        plan.extend(leaving.map(BalancerUpdateAction::Balancer));
        let mut all = planned.warnings;
        all.extend(warnings);
        Self {
            plan,
            warnings: all,
        }
    }
}

struct Executor<'a> {
    balancers: BalancerExecutor<'a>,
    groups: GroupExecutor<'a>,
}

impl Apply<BalancerUpdateAction> for Executor<'_> {
    async fn apply(&self, change: &Change<BalancerUpdateAction>) -> Result<(), Error> {
        match &change.action {
            BalancerUpdateAction::Balancer(action) => self.balancers.run(action).await,
            BalancerUpdateAction::Group(action) => self.groups.run(action).await,
        }
    }
}

/// Plans the balancer of a hostclass, and that its group is attached to exactly this one (spec 70, section 7.3). With `testing`
/// it is the balancer of the deployment under test, and its group.
///
/// # Errors
/// Wrong options, no such environment, no certificate, no zone, several groups. Nothing has been changed then.
pub async fn plan_balancer_update(
    clouds: Clouds<'_>,
    config: &DiscoAws,
    env: &str,
    hostclass: &str,
    testing: bool,
) -> Result<BalancerUpdate> {
    let own = config.hostclass(hostclass, env)?;
    let ((spec, state), groups) = tokio::try_join!(
        observe(clouds.aws, config, env, &own, testing),
        group::groups(clouds, env)
    )?;
    let planned = balancer::plan(&state, &spec)?;
    let chosen = chosen(&groups, env, hostclass, testing);
    let wanted = AttachmentSpec::of_balancer_update(&planned.attach, &planned.detach);
    let (mut plan, warnings) = plan_attachments(&chosen, env, hostclass, wanted, &planned.ready)?;
    let others = groups.iter().filter(|group| !chosen.contains(group));
    plan.extend(detach(others, env, &planned.detach)?);
    let hosts = chosen.first().and_then(switching::hosts);
    Ok(BalancerUpdate::assemble(planned, plan, hosts, warnings))
}

/// Plans the deletion of the normal balancer of a hostclass, of whatever type, after groups are detached from it.
///
/// # Errors
/// No such environment.
pub async fn plan_balancer_delete(
    clouds: Clouds<'_>,
    env: &str,
    hostclass: &str,
) -> Result<BalancerUpdate> {
    let balancer = async {
        let vpc = vpc_of(clouds.aws, env).await?;
        removal(clouds.aws, &vpc, &[hostclass]).await
    };
    let (mut removals, groups) = tokio::try_join!(balancer, group::groups(clouds, env))?;
    let planned = removals.remove(hostclass).unwrap_or_default();
    let plan = detach(groups.iter(), env, &planned.detach)?;
    Ok(BalancerUpdate::assemble(planned, plan, None, Vec::new()))
}

/// Plans the deletion of the normal balancers of hostclasses, of whatever type, with target groups and records; by hostclass.
/// Their groups are to be gone, or detached, before. Makes no call for an empty list. An environment that does not exist has
/// no balancers.
pub async fn plan_balancer_removal(
    aws: &Aws,
    env: &str,
    hostclasses: &[&str],
) -> Result<BTreeMap<String, Plan<BalancerAction>>> {
    if hostclasses.is_empty() {
        return Ok(BTreeMap::new());
    }
    let vpcs = environment::select(aws, &Selector::Name(env.to_owned())).await?;
    let Some(vpc) = vpcs.first() else {
        return Ok(BTreeMap::new());
    };
    let removals = removal(aws, vpc, hostclasses).await?.into_iter();
    Ok(removals
        .map(|(hostclass, planned)| (hostclass, planned.leaving))
        .collect())
}

/// The load balancers of an environment, of all types.
///
/// # Errors
/// No such environment.
pub async fn list_balancers(aws: &Aws, env: &str) -> Result<Vec<ListedBalancer>> {
    let vpc = vpc_of(aws, env).await?;
    balancer::list(aws, &vpc.id).await
}

/// The VPC of the environment; the error has the words that scripts know.
async fn vpc_of(aws: &Aws, env: &str) -> Result<Vpc> {
    let vpcs = environment::select(aws, &Selector::Name(env.to_owned())).await?;
    vpcs.into_iter().next().ok_or_else(|| {
        Error::not_found(format!("Environment does not exist: {env}")).with_hint(
            "`disco_vpc_ui list` shows the environments; check --env, DEFAULT_ENV and AWS_REGION",
        )
    })
}

async fn removal(
    aws: &Aws,
    vpc: &Vpc,
    hostclasses: &[&str],
) -> Result<BTreeMap<String, PlannedBalancer>> {
    let spec = |hostclass: &&str| BalancerSpec::none(&vpc.name, hostclass, &vpc.id);
    let specs: Vec<BalancerSpec> = hostclasses.iter().map(spec).collect();
    let state = balancer::observe(aws, &specs).await?;
    specs
        .into_iter()
        .map(|spec| Ok((spec.hostclass.clone(), balancer::plan(&state, &spec)?)))
        .collect()
}

/// What is wanted and what is there. Only the plan needs to know the subnets, so they are read at the same time.
async fn observe(
    aws: &Aws,
    config: &DiscoAws,
    env: &str,
    hostclass: &HostclassConfig,
    testing: bool,
) -> Result<(BalancerSpec, balancer::BalancerState)> {
    let vpc = vpc_of(aws, env).await?;
    let bare = [BalancerSpec {
        testing,
        options: hostclass.balancer.clone(),
        domain: hostclass.domain_name.clone(),
        ..BalancerSpec::none(env, &hostclass.name, &vpc.id)
    }];
    let (network, state) = tokio::try_join!(
        environment::network_of(aws, &vpc),
        balancer::observe(aws, &bare)
    )?;
    let addresses = addresses(config, env, hostclass, &network)?;
    let tags = BTreeMap::new();
    let spec = balancer_spec(&vpc, &network, hostclass, &addresses, testing, tags)?;
    Ok((spec, state))
}

/// The static addresses of a hostclass.
fn addresses(
    config: &DiscoAws,
    env: &str,
    hostclass: &HostclassConfig,
    network: &Network,
) -> Result<Vec<Ipv4Addr>> {
    let Some(own) = config.static_addresses(&hostclass.name, env)? else {
        return Ok(Vec::new());
    };
    let blocks = network.place(own.meta_network)?.blocks();
    let resolve = |text: &String| {
        resolve_address(own.meta_network, text, &blocks).map_err(|error| {
            let problem = format!("ip_address of hostclass {}: {}", hostclass.name, error.0);
            ConfigError::new(problem).at(own.location.clone()).into()
        })
    };
    own.addresses.iter().map(resolve).collect()
}

/// The groups that are meant: those under test for a balancer under test; else all, unless a deployment goes on beside the
/// normal group.
fn chosen(groups: &[Group], env: &str, hostclass: &str, testing: bool) -> Vec<Group> {
    let own = groups
        .iter()
        .filter(|group| !group.deleting && group.hostclass(env) == hostclass);
    let own: Vec<&Group> = own.collect();
    let by_state = testing || own.len() > 1;
    own.into_iter()
        .filter(|group| !by_state || group.is_testing() == testing)
        .cloned()
        .collect()
}
