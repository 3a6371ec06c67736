//! Stickiness: which calls bring the policy of that name, and the listeners that carry it, to what is wanted. All other
//! policies of a listener stay (spec 70, section 7.7 and D-L2). Pure.

use super::record::{Listener, Policy};
use std::collections::BTreeMap;
use std::fmt;

/// Name of the policy.
pub(super) const POLICY: &str = "session-cookie-policy";

/// The cookie that is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cookie {
    /// One of the balancer's own, which lives as long as the browser.
    Balancer,
    /// One of the application.
    Application(String),
}

impl Cookie {
    /// What the option says: `ELB` and `AWSELB` mean the balancer's own.
    pub(super) fn new(option: &str) -> Self {
        match option {
            "ELB" | "AWSELB" => Self::Balancer,
            name => Self::Application(name.to_owned()),
        }
    }

    fn is(&self, policy: &Policy) -> bool {
        match (self, policy) {
            (Self::Balancer, Policy::Balancer(None)) => true,
            (Self::Application(wanted), Policy::Application(name)) => wanted == name,
            _ => false,
        }
    }
}

impl fmt::Display for Cookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Balancer => f.write_str("a cookie of its own"),
            Self::Application(name) => write!(f, "cookie {name}"),
        }
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Balancer(None) => Cookie::Balancer.fmt(f),
            Self::Balancer(Some(life)) => write!(f, "a cookie of its own for {life} s"),
            Self::Application(name) => Cookie::Application(name.clone()).fmt(f),
            Self::Other => f.write_str("a policy of another type"),
        }
    }
}

/// The policies that a listener is to have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OnListener {
    /// External port.
    pub(super) port: u16,
    /// All of them.
    pub(super) policies: Vec<String>,
}

/// The calls, in this order; those of one list are independent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Steps {
    /// Listeners to take it off.
    pub(super) take_off: Vec<OnListener>,
    /// Whether to delete it.
    pub(super) delete: bool,
    /// What to create.
    pub(super) create: Option<Cookie>,
    /// Listeners to put it on.
    pub(super) put_on: Vec<OnListener>,
}

impl Steps {
    /// True if everything is as wanted.
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Compares. `ports` are the external ports that are to be sticky; a cookie without any port is none.
    pub(super) fn between(
        listeners: &[Listener],
        policies: &BTreeMap<String, Policy>,
        cookie: Option<&Cookie>,
        ports: &[u16],
    ) -> Self {
        let cookie = cookie.filter(|_| !ports.is_empty());
        let present = policies.get(POLICY);
        let same = cookie.is_some_and(|cookie| present.is_some_and(|own| cookie.is(own)));
        let mut steps = Self {
            delete: present.is_some() && !same,
            create: cookie.filter(|_| !same).cloned(),
            ..Self::default()
        };
        for listener in listeners {
            let port = listener.mapping.external.port;
            let (carries, wanted) = (
                listener.carries(),
                cookie.is_some() && ports.contains(&port),
            );
            let rest = listener.policies.iter().filter(|name| *name != POLICY);
            let rest: Vec<String> = rest.cloned().collect();
            if carries && steps.delete {
                let policies = rest.clone();
                steps.take_off.push(OnListener { port, policies });
            }
            if wanted && (!carries || steps.delete) {
                let policies = rest.into_iter().chain([POLICY.to_owned()]).collect();
                steps.put_on.push(OnListener { port, policies });
            }
        }
        steps
    }
}

impl Listener {
    fn carries(&self) -> bool {
        self.policies.iter().any(|name| name == POLICY)
    }
}
