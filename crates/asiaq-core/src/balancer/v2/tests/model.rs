//! A model of the service: what the changes of a plan make of it. Refuses what the service refuses.

use super::super::action::{HealthCheck, ListenerRef, ListenerWrite, V2Action};
use super::super::attributes::Attributes;
use super::super::observed::{Balancer, Group, Listener, V2State};
use crate::aws::Tags;
use crate::balancer::{BalancerAction, BalancerState, TargetGroup};
use crate::certificate::{Certificates, Wanted};
use crate::config::BalancerOptions;
use crate::dns::{Names, Record, Target, Zone};
use crate::plan::Plan;
use std::collections::{BTreeMap, BTreeSet};

/// The certificate that everything has.
pub(super) const ARN: &str = "arn:certificate/1";

/// Options of a hostclass.
pub(super) fn options(text: &str) -> BalancerOptions {
    super::spec(&format!("elb=yes\n{text}")).options
}

/// What is there.
#[derive(Debug, Default, Clone)]
pub(super) struct Model {
    pub(super) balancers: BTreeMap<String, Balancer>,
    pub(super) groups: BTreeMap<String, Group>,
    pub(super) records: Vec<Record>,
}

fn pairs(all: &[(&str, &str)]) -> Attributes {
    let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
    all.iter().map(owned).collect()
}

impl Model {
    /// As a reading would give it.
    pub(super) fn state(&self) -> BalancerState {
        let zone = Zone {
            id: "Z1".into(),
            name: "example.com.".into(),
            private: false,
            records: 2,
        };
        let wanted = Wanted {
            name: "mhcweb-ci.example.com".into(),
            classic: false,
        };
        let mut groups = self.groups.clone();
        for group in groups.values_mut() {
            let uses = |own: &&Balancer| {
                let mut listeners = own.listeners.iter();
                listeners.any(|own| own.group.as_ref() == Some(&group.arn))
            };
            let users = self.balancers.values().filter(uses);
            let users: Vec<String> = users.map(|own| own.arn.clone()).collect();
            group.used_by.extend(users);
        }
        let records = self
            .records
            .iter()
            .map(|own| ("Z1".to_owned(), own.clone()));
        BalancerState {
            v2: V2State {
                balancers: self.balancers.clone(),
                groups,
                leading: Vec::new(),
            },
            certificates: Certificates::new("us-west-2", [(wanted, ARN.to_owned())]),
            names: Names::new(vec![zone], records.collect()),
            ..BalancerState::default()
        }
    }

    /// Makes the changes, each after what it needs.
    pub(super) fn apply(&mut self, plan: &Plan<BalancerAction>) {
        let ids: BTreeSet<String> = plan.ids().into_iter().collect();
        assert_eq!(ids.len(), plan.changes().len(), "ids are unique");
        let mut done = BTreeSet::new();
        while done.len() < ids.len() {
            // From behind, so that nothing works only because of the order in the list.
            let next = plan.changes().iter().rev().find(|change| {
                let free = |need: &String| !ids.contains(need) || done.contains(need);
                !done.contains(&change.id) && change.needs.iter().all(free)
            });
            let next = next.expect("no circle");
            let BalancerAction::V2(action) = &next.action else {
                panic!("{next:?}");
            };
            self.make(action);
            done.insert(next.id.clone());
        }
    }

    fn balancer(&mut self, id: &str) -> &mut Balancer {
        self.balancers.get_mut(id).expect("balancer")
    }

    fn group(&mut self, own: &TargetGroup) -> &mut Group {
        self.groups.get_mut(&own.name).expect("target group")
    }

    fn listener(&mut self, own: &ListenerRef) -> &mut Listener {
        let all = &mut self.balancer(&own.balancer).listeners;
        all.iter_mut()
            .find(|l| l.port == own.port)
            .expect("listener")
    }

    fn tags(&mut self, arn: &str) -> &mut Tags {
        let group = self.groups.values_mut().find(|own| own.arn == arn);
        let balancer = self.balancers.values_mut().find(|own| own.arn == arn);
        let tags = group.map(|own| &mut own.tags);
        tags.or(balancer.map(|own| &mut own.tags))
            .expect("resource")
    }

    fn write(&mut self, own: &ListenerRef, write: &ListenerWrite) {
        let group = write.group.as_ref().map(|own| self.group(own).arn.clone());
        let listener = self.listener(own);
        listener.protocol = write.protocol.clone().unwrap_or(listener.protocol.clone());
        if !matches!(listener.protocol.as_str(), "HTTPS" | "TLS") {
            listener.certificate = None;
            listener.policy = None;
        }
        listener.certificate = write.certificate.clone().or(listener.certificate.take());
        listener.policy = write.policy.clone().or(listener.policy.take());
        listener.group = group.or(listener.group.take());
    }

    fn make(&mut self, action: &V2Action) {
        match action {
            V2Action::CreateBalancer { .. } => self.create_balancer(action),
            V2Action::CreateGroup { .. } => self.create_group(action),
            V2Action::SetSubnets(own, ids) => {
                self.balancer(&own.id).subnets = ids.iter().cloned().collect();
            }
            V2Action::SetSecurityGroup(own, id) => {
                self.balancer(&own.id).security_groups = [id.clone()].into();
            }
            V2Action::BalancerAttributes(own, all) => {
                self.balancer(&own.id).attributes.extend(all.clone());
            }
            V2Action::AddTags { arn, tags, .. } => self.tags(arn).extend(tags.clone()),
            V2Action::RemoveTag { arn, key, .. } => {
                self.tags(arn).remove(key).expect("tag");
            }
            V2Action::ModifyCheck(own, check) => self.group(own).check = check.clone(),
            V2Action::GroupAttributes(own, all) => self.group(own).attributes.extend(all.clone()),
            V2Action::CreateListener {
                balancer,
                listener,
                write,
                ..
            } => {
                let all = &mut self.balancer(&balancer.id).listeners;
                assert!(all.iter().all(|own| own.port != listener.port));
                all.push(Listener {
                    arn: format!("arn:{}", listener.key()),
                    port: listener.port,
                    protocol: String::new(),
                    certificate: None,
                    policy: None,
                    group: None,
                    attributes: pairs(&[("tcp.idle_timeout.seconds", "350")]),
                });
                self.write(listener, write);
            }
            V2Action::ModifyListener(own, write) => self.write(own, write),
            V2Action::ListenerAttributes(own, all) => {
                self.listener(own).attributes.extend(all.clone());
            }
            V2Action::DeleteListener(own) => {
                self.listener(own);
                self.balancer(&own.balancer)
                    .listeners
                    .retain(|l| l.port != own.port);
            }
            V2Action::Lead { .. } => self.lead(action),
            V2Action::DeleteRecord(record) => panic!("{record:?}"),
            V2Action::DeleteBalancer(own) => {
                self.balancers.remove(&own.id).expect("balancer");
            }
            V2Action::DeleteGroup(own) => {
                let arn = self.group(own).arn.clone();
                let mut listeners = self.balancers.values().flat_map(|own| &own.listeners);
                assert!(
                    listeners.all(|own| own.group.as_ref() != Some(&arn)),
                    "in use"
                );
                self.groups.remove(&own.name);
            }
        }
    }

    fn create_balancer(&mut self, action: &V2Action) {
        let V2Action::CreateBalancer {
            balancer,
            kind,
            public,
            vpc_id,
            subnets,
            security_group,
            tags,
        } = action
        else {
            return;
        };
        let made = Balancer {
            arn: format!("arn:balancer/{}", balancer.id),
            kind: *kind,
            dns_name: format!("{}.elb.amazonaws.com", balancer.id),
            zone_id: "ZELB".into(),
            public: *public,
            vpc_id: vpc_id.clone(),
            subnets: subnets.iter().cloned().collect(),
            security_groups: [security_group.clone()].into(),
            attributes: pairs(&[
                ("idle_timeout.timeout_seconds", "60"),
                ("load_balancing.cross_zone.enabled", "false"),
            ]),
            tags: tags.clone(),
            listeners: Vec::new(),
        };
        assert!(self.balancers.insert(balancer.id.clone(), made).is_none());
    }

    fn create_group(&mut self, action: &V2Action) {
        let V2Action::CreateGroup {
            name,
            side,
            vpc_id,
            check,
            tags,
        } = action
        else {
            return;
        };
        let made = Group {
            arn: format!("arn:group/{name}"),
            name: name.clone(),
            side: side.clone(),
            vpc_id: vpc_id.clone(),
            target_type: "instance".into(),
            version: side.is_http().then(|| "HTTP1".to_owned()),
            used_by: BTreeSet::new(),
            check: HealthCheck::clone(check),
            attributes: pairs(&[
                ("deregistration_delay.timeout_seconds", "300"),
                (
                    "load_balancing.cross_zone.enabled",
                    "use_load_balancer_configuration",
                ),
                ("stickiness.enabled", "false"),
                ("stickiness.type", "lb_cookie"),
            ]),
            tags: tags.clone(),
        };
        assert!(
            self.groups.insert(name.clone(), made).is_none(),
            "{name} is taken"
        );
    }

    fn lead(&mut self, action: &V2Action) {
        let V2Action::Lead {
            zone_id,
            host,
            instead,
            balancer,
            ..
        } = action
        else {
            return;
        };
        assert_eq!(zone_id, "Z1");
        let own = self.balancer(&balancer.id);
        let target = Target::Alias {
            host: own.dns_name.clone(),
            zone_id: own.zone_id.clone(),
        };
        self.records.retain(|record| !instead.contains(record));
        let kind = |record: &Record| record.kind == "CNAME" && record.is_named(host);
        assert!(!self.records.iter().any(kind), "a CNAME stands alone");
        self.records.retain(|record| !record.is_named(host));
        self.records
            .push(Record::new(host, &target).expect("record"));
    }
}
