//! What happens to the default route of every table: which of them lead to a NAT gateway now, and which should.

use super::super::super::action::{Action, NatAction, RouteOperation};
use super::super::super::desired::{Desired, DesiredNet};
use super::super::super::observed::{Observed, Route, Target};
use super::super::{SHARED, shared_table, table_key};
use super::{Place, gateway_key};
use crate::network::MetaNetwork;
use crate::plan::{Plan, Sign};
use ipnet::Ipv4Net;

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// There is none.
    Create,
    /// It leads elsewhere, or nowhere.
    Replace,
    /// It leads to a NAT gateway, and should not.
    Delete,
    /// It leads to a NAT gateway and is going to lead to another gateway: not planned here.
    Elsewhere,
}

/// The default route of one table that is not as it should be.
#[derive(Debug)]
pub(super) struct DefaultRoute<'a> {
    pub(super) step: Step,
    pub(super) net: MetaNetwork,
    pub(super) zone: &'a str,
    old: Option<&'a Route>,
    /// The place whose gateway it is to lead to.
    pub(super) towards: Option<&'a Place<'a>>,
}

impl DefaultRoute<'_> {
    /// Logical name of the change.
    pub(super) fn key(&self) -> String {
        format!("route/{}/{}/{}", self.net, self.zone, Ipv4Net::default())
    }

    pub(super) fn leads_to(&self, gateway: &str) -> bool {
        self.old
            .is_some_and(|route| matches!(&route.target, Target::Nat(id) if id == gateway))
    }
}

/// The default routes of all tables of the configured metanetworks that are not as they should be.
pub(super) fn default_routes<'a>(
    desired: &'a Desired,
    observed: &'a Observed,
    places: &'a [Place<'a>],
) -> Vec<DefaultRoute<'a>> {
    let mut routes = Vec::new();
    for (net, own) in &desired.nets {
        let zones: Vec<&str> = match shared_table(observed, *net) {
            Some(_) => vec![SHARED],
            None => own.subnets.iter().map(|(zone, _)| zone.as_str()).collect(),
        };
        for zone in zones {
            let mut tables = observed.route_tables.iter();
            let table =
                tables.find(|t| t.net == Some(*net) && t.zone.as_deref().unwrap_or(SHARED) == zone);
            let mut all = table.iter().flat_map(|t| &t.routes);
            let old = all.find(|r| r.destination.prefix_len() == 0 && !r.propagated);
            let towards = own
                .nat_route
                .and_then(|there| places.iter().find(|p| p.net == there && p.zone == zone))
                .filter(|place| place.kept.is_some() || place.wanted.is_some());
            let old_is_nat = old.is_some_and(|route| is_ours(route, observed));
            if let Some(step) = step(old, old_is_nat, towards, taken(own, observed)) {
                routes.push(DefaultRoute {
                    step,
                    net: *net,
                    zone,
                    old,
                    towards,
                });
            }
        }
    }
    routes
}

/// True if another gateway is to get the default route.
fn taken(own: &DesiredNet, observed: &Observed) -> bool {
    let all = |routes: &[Ipv4Net]| routes.iter().any(|route| route.prefix_len() == 0);
    all(&own.igw_routes) || (all(&own.vgw_routes) && !observed.beside.vpn_gateways.is_empty())
}

/// True for a route to a NAT gateway of a metanetwork, or to one that is gone. Private gateways, and those that people made
/// elsewhere, keep their routes.
fn is_ours(route: &Route, observed: &Observed) -> bool {
    let Target::Nat(id) = &route.target else {
        return false;
    };
    let own = observed.nat_gateways.iter().find(|g| g.id == *id);
    own.is_none_or(|gateway| {
        let mut subnets = observed.subnets.iter();
        let subnet = subnets.find(|s| s.id == gateway.subnet_id);
        !gateway.private && subnet.is_some_and(|s| s.net.is_some())
    })
}

fn step(
    old: Option<&Route>,
    is_nat: bool,
    towards: Option<&Place<'_>>,
    taken: bool,
) -> Option<Step> {
    match (old, towards) {
        (None, Some(_)) => Some(Step::Create),
        (Some(route), Some(place)) => {
            let there = place.kept.map(|gateway| Target::Nat(gateway.id.clone()));
            let same = there.as_ref() == Some(&route.target) && !route.blackhole;
            (!same).then_some(Step::Replace)
        }
        (_, None) if is_nat && taken => Some(Step::Elsewhere),
        (_, None) => is_nat.then_some(Step::Delete),
    }
}

/// Adds the change to the plan.
pub(super) fn push(plan: &mut Plan<Action>, route: &DefaultRoute<'_>) {
    let DefaultRoute { net, zone, .. } = route;
    let table = table_key(*net, zone);
    let all = Ipv4Net::default();
    let old = route.old.map(|old| {
        let state = if old.blackhole { ", a blackhole" } else { "" };
        format!("{}{state}", old.target)
    });
    let old = old.unwrap_or_default();
    let (sign, operation) = match route.step {
        Step::Elsewhere => return,
        Step::Delete => {
            plan.push(
                route.key(),
                [table.clone()],
                Sign::Remove,
                format!("route {net} {zone} {all} -> {old}"),
                Action::Nat(NatAction::DeleteRoute { table }),
            );
            return;
        }
        Step::Create => (Sign::Add, RouteOperation::Create),
        Step::Replace => (Sign::Modify, RouteOperation::Replace),
    };
    let Some(place) = route.towards else {
        return;
    };
    let key = gateway_key(place.net, place.zone);
    let (target, shown) = match place.kept {
        Some(gateway) => (gateway.id.clone(), gateway.id.clone()),
        None => (
            key.clone(),
            format!("NAT gateway {} {}", place.net, place.zone),
        ),
    };
    let was = if route.step == Step::Replace {
        format!(" (was {old})")
    } else {
        String::new()
    };
    let action = Action::Route {
        operation,
        table: table.clone(),
        destination: all,
        target: Target::Nat(target),
    };
    plan.push(
        route.key(),
        [table, key],
        sign,
        format!("route {net} {zone} {all} -> {shown}{was}"),
        action,
    );
}
