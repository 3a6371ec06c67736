//! Sandboxes: an environment of a developer's own, its configuration files and its pipeline (spec 10, section 13.1).
//!
//! `input` reads and checks everything on disk, `sync` knows the lines of `sandbox_sync_config` (pure), `objects` and `tags`
//! compare them with the bucket and the VPC, `plan` puts these, the environment and the pipeline together and applies them,
//! `destroy` takes all of it down. Networks and groups are the work of `environment` and `host`. Nothing here prints.

mod destroy;
mod input;
mod lines;
mod objects;
mod plan;
mod sync;
mod tags;

pub use destroy::{Destruction, plan_destroy};
pub use input::{Place, Sandbox};
pub use lines::{Part, PlanLine};
pub use plan::{Planned, Wishes, plan};

use crate::aws::Aws;
use crate::environment::{self, Selector, Vpc};
use crate::error::{Error, Result};

/// Type of all sandboxes: the section `[envtype:sandbox]`.
pub const TYPE: &str = "sandbox";

/// The sandbox of that name, if there is one.
///
/// # Errors
/// The VPC of that name is something else, or there are several; AWS cannot be read.
async fn find(aws: &Aws, name: &str) -> Result<Option<Vpc>> {
    let selector = Selector::Name(name.to_owned());
    among(environment::select(aws, &selector).await?, name)
}

/// The sandbox of that name among VPCs, if there is one.
///
/// # Errors
/// As [`find`].
fn among(mut vpcs: Vec<Vpc>, name: &str) -> Result<Option<Vpc>> {
    let selector = Selector::Name(name.to_owned());
    vpcs.retain(|vpc| selector.matches(vpc));
    let Some(vpc) = environment::only(vpcs, &selector)? else {
        return Ok(None);
    };
    if vpc.env_type == TYPE {
        return Ok(Some(vpc));
    }
    let text = format!(
        "`{name}` is no sandbox: VPC {} has the type `{}`",
        vpc.id, vpc.env_type
    );
    Err(Error::refused(text)
        .with_hint("choose another name; `disco_vpc_ui list --type` shows the environments"))
}
