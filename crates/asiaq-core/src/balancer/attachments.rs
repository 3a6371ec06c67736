//! What a group is attached to.

/// A target group; its ARN is unknown until it is created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetGroup {
    /// Name.
    pub name: String,
    /// ARN; `None` if a change of the same plan creates it, which yields the ARN as [`TargetGroup::key`].
    pub arn: Option<String>,
}

impl TargetGroup {
    /// Logical name under which its creation yields the ARN: `target-group/NAME`.
    pub fn key(&self) -> String {
        format!("target-group/{}", self.name)
    }
}

/// Load balancers and target groups of a group.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Attachments {
    /// Names of classic load balancers.
    pub load_balancers: Vec<String>,
    /// Target groups.
    pub target_groups: Vec<TargetGroup>,
}

impl Attachments {
    /// True if there are none.
    pub fn is_empty(&self) -> bool {
        self.load_balancers.is_empty() && self.target_groups.is_empty()
    }
}
