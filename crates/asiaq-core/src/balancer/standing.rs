//! What stands of the balancer of a hostclass, whatever its type: the wait until hosts serve behind it, and the end of the
//! balancer of a deployment under test.

use super::changes::PlannedBalancer;
use super::classic::{self, ClassicState};
use super::observed::BalancerState;
use super::spec::BalancerSpec;
use super::v2::{self, V2State};
use crate::aws::Aws;
use crate::config::BalancerType;
use crate::error::{Error, Result};
use std::time::Duration;

/// Waits until these instances are in service behind the balancer and in the target groups of the hostclass; with no
/// instances until the balancer has at least one and all are in service. A hostclass without any has nothing to wait for.
///
/// # Errors
/// Not within the limit: the error names who is late. The balancer is gone.
pub async fn wait_for_hosts(
    aws: &Aws,
    spec: &BalancerSpec,
    instances: &[String],
    limit: Duration,
) -> Result<()> {
    let own = std::slice::from_ref(spec);
    let options = &spec.options;
    let is_classic = options.kind == BalancerType::Classic;
    let missing = || {
        let what = format!("load balancer {} is gone", spec.name());
        let hint = format!("run `disco_elb update --hostclass {}`", spec.hostclass);
        Error::not_found(what).with_hint(hint)
    };
    let classic = async {
        if !options.enabled || !is_classic {
            return Ok(());
        }
        let state = ClassicState::read(aws, own).await?;
        let found = state.find(spec, spec.testing).ok_or_else(missing)?;
        classic::wait_in_service_within(aws, &found.name, instances, limit).await
    };
    let v2 = async {
        let needed = options.enabled && !is_classic;
        if !needed && (!options.target_group || spec.testing) {
            return Ok(());
        }
        let groups = V2State::read(aws, own).await?.target_groups(spec);
        match groups.is_empty() {
            true if needed => Err(missing()),
            true => Ok(()),
            false => v2::wait_healthy_within(aws, &groups, instances, limit).await,
        }
    };
    tokio::try_join!(classic, v2).map(|_| ())
}

/// Plans the end of the balancer of a deployment under test, whatever its type: its records in all zones, itself, its target
/// groups. All of it is in `leaving`; groups that are attached are to be detached before, see `detach`.
///
/// # Errors
/// AWS cannot be read.
pub async fn plan_testing_removal(
    aws: &Aws,
    env: &str,
    hostclass: &str,
    vpc_id: &str,
) -> Result<PlannedBalancer> {
    // A balancer leaves where one of another type is wanted under its name.
    let instead = |kind: BalancerType| {
        let mut spec = BalancerSpec {
            testing: true,
            ..BalancerSpec::none(env, hostclass, vpc_id)
        };
        spec.options.enabled = true;
        spec.options.kind = kind;
        spec
    };
    let (no_classic, no_v2) = (
        instead(BalancerType::Application),
        instead(BalancerType::Classic),
    );
    let (classic, v2) = tokio::try_join!(
        ClassicState::read(aws, std::slice::from_ref(&no_classic)),
        V2State::read(aws, std::slice::from_ref(&no_v2)),
    )?;
    let state = BalancerState {
        classic,
        v2,
        ..BalancerState::default()
    };
    let mut planned = PlannedBalancer::default();
    classic::plan_leaving(&mut planned, &state, &no_classic);
    v2::plan_leaving(&mut planned, &state, &no_v2);
    Ok(planned)
}
