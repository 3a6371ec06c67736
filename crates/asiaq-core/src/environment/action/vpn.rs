//! Changes to the VPN gateway, as data.

/// One change to the VPN gateway. Gateways are made by people; they are only attached here (spec 20, section 8).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VpnAction {
    /// Detach it from another VPC and wait.
    Detach {
        /// Gateway.
        gateway: String,
        /// The other VPC.
        vpc: String,
    },
    /// Attach it to the environment's VPC and wait; only wait if that is under way.
    Attach {
        /// Gateway.
        gateway: String,
    },
}
