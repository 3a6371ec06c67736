//! Plans the listeners of a balancer. Pure. Listener rules and further certificates are left alone.

use super::action::{BalancerRef, ListenerRef, ListenerWrite, V2Action};
use super::attributes;
use super::groups::{Placed, push};
use super::observed::{Balancer, Listener};
use crate::balancer::{BalancerSpec, PlannedBalancer, TargetGroup};
use crate::network::listener::Mapping;
use crate::plan::Sign;

/// What all listeners of a balancer share.
pub(super) struct Listeners<'a> {
    pub(super) spec: &'a BalancerSpec,
    pub(super) balancer: &'a BalancerRef,
    /// Change that creates the balancer, if it is not there.
    pub(super) needs: &'a [String],
    pub(super) groups: &'a [Placed],
    pub(super) certificate: Option<&'a str>,
}

impl Listeners<'_> {
    /// Plans all of them.
    pub(super) fn plan(&self, planned: &mut PlannedBalancer, observed: Option<&Balancer>) {
        let there = observed.map_or(&[][..], |balancer| &balancer.listeners);
        let mappings = &self.spec.options.mappings;
        for mapping in mappings {
            let Some(group) = self.group(mapping) else {
                continue;
            };
            let old = there.iter().find(|own| own.port == mapping.external.port);
            match old {
                Some(listener) => self.update(planned, mapping, group, listener),
                None => self.create(planned, mapping, group),
            }
        }
        for listener in there {
            if !mappings
                .iter()
                .any(|own| own.external.port == listener.port)
            {
                self.delete(planned, listener);
            }
        }
    }

    fn group(&self, mapping: &Mapping) -> Option<&TargetGroup> {
        let own = self.groups.iter().find(|own| own.side == mapping.internal);
        own.map(|own| &own.group)
    }

    fn reference(&self, port: u16, arn: Option<&str>) -> ListenerRef {
        ListenerRef {
            balancer: self.balancer.id.clone(),
            port,
            arn: arn.map(str::to_owned),
        }
    }

    /// Certificate and policy of a listener that ends TLS.
    fn secrets(&self, mapping: &Mapping) -> (Option<String>, Option<String>) {
        if !mapping.external.needs_certificate() {
            return (None, None);
        }
        let policy = self.spec.options.ssl_policy.clone();
        (self.certificate.map(str::to_owned), Some(policy))
    }

    fn create(&self, planned: &mut PlannedBalancer, mapping: &Mapping, group: &TargetGroup) {
        let (external, title) = (&mapping.external, &self.balancer.title);
        let listener = self.reference(external.port, None);
        let key = listener.key();
        let (certificate, policy) = self.secrets(mapping);
        let mut line = format!("listener {title} {external} -> target group {}", group.name);
        if let Some(arn) = &certificate {
            line.push_str(&format!(", certificate {arn}"));
        }
        let action = V2Action::CreateListener {
            balancer: self.balancer.clone(),
            listener: listener.clone(),
            write: ListenerWrite {
                protocol: Some(external.protocol.clone()),
                certificate,
                policy,
                group: Some(group.clone()),
            },
            tags: self.spec.balancer_tags(),
        };
        let needs: Vec<String> = self.needs.iter().cloned().chain([group.key()]).collect();
        push(planned, key.clone(), &needs, Sign::Add, vec![line], action);
        planned.ready.push(key.clone());
        let wanted = attributes::of_listener(self.spec, &external.protocol);
        if !wanted.is_empty() {
            let lines = attributes::lines(&format!("listener {title} {external}"), &wanted, None);
            let action = V2Action::ListenerAttributes(listener, wanted);
            push(
                planned,
                format!("{key}/attributes"),
                &[key],
                Sign::Add,
                lines,
                action,
            );
        }
    }

    fn update(
        &self,
        planned: &mut PlannedBalancer,
        mapping: &Mapping,
        group: &TargetGroup,
        own: &Listener,
    ) {
        let (external, title) = (&mapping.external, &self.balancer.title);
        let of = format!("listener {title} {external}");
        let (certificate, policy) = self.secrets(mapping);
        let mut write = ListenerWrite::default();
        let mut lines = Vec::new();
        if own.protocol != external.protocol {
            lines.push(format!(
                "{of} protocol {} -> {}",
                own.protocol, external.protocol
            ));
            write.protocol = Some(external.protocol.clone());
        }
        let none = || "none".to_owned();
        if certificate.is_some() && certificate != own.certificate {
            let old = own.certificate.clone().unwrap_or_else(none);
            let new = certificate.clone().unwrap_or_else(none);
            lines.push(format!("{of} certificate {old} -> {new}"));
            write.certificate = certificate;
        }
        if policy.is_some() && policy != own.policy {
            let old = own.policy.clone().unwrap_or_else(none);
            let new = policy.clone().unwrap_or_else(none);
            lines.push(format!("{of} policy {old} -> {new}"));
            write.policy = policy;
        }
        if group.arn.is_none() || group.arn != own.group {
            lines.push(format!("{of} -> target group {}", group.name));
            write.group = Some(group.clone());
        }
        // Another protocol is only taken together with all that belongs to it.
        if write.protocol.is_some() {
            let (certificate, policy) = self.secrets(mapping);
            write.certificate = certificate;
            write.policy = policy;
            write.group = Some(group.clone());
        }
        let listener = self.reference(own.port, Some(&own.arn));
        let key = listener.key();
        if group.arn.is_none() || group.arn != own.group {
            planned.after_attach.push(key.clone());
        }
        if !lines.is_empty() {
            let action = V2Action::ModifyListener(listener.clone(), write);
            push(
                planned,
                key.clone(),
                &[group.key()],
                Sign::Modify,
                lines,
                action,
            );
        }
        let wanted = attributes::of_listener(self.spec, &external.protocol);
        let changed = attributes::differing(&wanted, &own.attributes);
        if !changed.is_empty() {
            let lines = attributes::lines(&of, &changed, Some(&own.attributes));
            let action = V2Action::ListenerAttributes(listener, changed);
            push(
                planned,
                format!("{key}/attributes"),
                &[key],
                Sign::Modify,
                lines,
                action,
            );
        }
    }

    fn delete(&self, planned: &mut PlannedBalancer, own: &Listener) {
        let listener = self.reference(own.port, Some(&own.arn));
        let line = format!(
            "listener {} {}/{}",
            self.balancer.title, own.port, own.protocol
        );
        let id = listener.key();
        let action = V2Action::DeleteListener(listener);
        push(planned, id, &[], Sign::Remove, vec![line], action);
    }
}
