//! What is in AWS for a set of hostclasses: balancers of all types, target groups, certificates, zones and records. All kinds
//! are read concurrently, once for all. Read only.

use super::classic::ClassicState;
use super::spec::BalancerSpec;
use super::v2::V2State;
use crate::aws::Aws;
use crate::certificate::{self, Certificates, Wanted};
use crate::dns::{self, Names};
use crate::error::Result;

/// The state that plans compare with.
#[derive(Debug, Default)]
pub struct BalancerState {
    pub(super) classic: ClassicState,
    pub(super) v2: V2State,
    pub(super) certificates: Certificates,
    pub(super) names: Names,
}

/// Reads what the plans of these hostclasses need to know. Makes no call for an empty list.
pub async fn observe(aws: &Aws, specs: &[BalancerSpec]) -> Result<BalancerState> {
    if specs.is_empty() {
        return Ok(BalancerState::default());
    }
    let wanted: Vec<Wanted> = specs.iter().filter_map(BalancerSpec::certificate).collect();
    let hosts: Vec<(String, String)> = specs
        .iter()
        .filter(|spec| spec.options.enabled)
        .flat_map(|spec| {
            spec.hosts()
                .into_iter()
                .map(|host| (spec.domain.clone(), host))
        })
        .filter_map(|(domain, host)| Some((domain?, host)))
        .collect();
    let (classic, v2, certificates, names) = tokio::try_join!(
        ClassicState::read(aws, specs),
        V2State::read(aws, specs),
        certificate::find(aws, &wanted),
        dns::lookup(aws, &hosts),
    )?;
    Ok(BalancerState {
        classic,
        v2,
        certificates,
        names,
    })
}
