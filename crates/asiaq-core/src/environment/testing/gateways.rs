//! VPN gateway and S3 endpoint in the model of AWS.

use super::super::action::{EndpointAction, VpnAction};
use super::super::changes::VPC;
use super::super::observed::{Endpoint, VpnGateway};
use super::Model;
use std::collections::BTreeSet;

impl Model {
    fn vpn_gateway(&mut self, id: &str) -> &mut VpnGateway {
        let mut all = self.state.beside.vpn_gateways.iter_mut();
        all.find(|g| g.id == id).unwrap()
    }

    /// A gateway has one attachment at most.
    pub(super) fn vpn(&mut self, action: &VpnAction) {
        match action {
            VpnAction::Detach { gateway, vpc } => {
                let own = self.vpn_gateway(gateway);
                assert!(own.attachments.iter().any(|(id, _)| id == vpc), "{vpc}");
                own.attachments.retain(|(id, _)| id != vpc);
            }
            VpnAction::Attach { gateway } => {
                let vpc = self.id(VPC);
                let own = self.vpn_gateway(gateway);
                let elsewhere = own.attachments.iter().find(|(id, _)| *id != vpc);
                assert_eq!(elsewhere, None, "attached elsewhere");
                own.attachments = vec![(vpc, "attached".to_owned())];
            }
        }
    }

    fn all_tables(&self, new: &[String]) -> BTreeSet<String> {
        let tables: BTreeSet<String> = self
            .state
            .route_tables
            .iter()
            .map(|t| t.id.clone())
            .collect();
        assert!(
            new.iter().all(|key| tables.contains(&self.id(key))),
            "{new:?}"
        );
        tables
    }

    pub(super) fn endpoint(&mut self, action: &EndpointAction) {
        match action {
            EndpointAction::Create {
                service,
                policy,
                new_tables,
                ..
            } => {
                let route_tables = self.all_tables(new_tables);
                self.id(VPC);
                let created = i64::try_from(self.state.endpoints.len()).unwrap();
                self.state.endpoints.push(Endpoint {
                    id: format!("vpce-{created}"),
                    service: service.clone(),
                    kind: "Gateway".to_owned(),
                    route_tables,
                    policy: Some(policy.clone()),
                    created,
                });
            }
            EndpointAction::Modify {
                id,
                policy,
                new_tables,
            } => {
                let tables = self.all_tables(new_tables);
                let mut all = self.state.endpoints.iter_mut();
                let own = all.find(|e| e.id == *id).unwrap();
                own.route_tables = tables;
                own.policy = policy.clone().or(own.policy.take());
            }
            EndpointAction::Delete { id } => self.state.endpoints.retain(|e| e.id != *id),
        }
    }
}
