//! A pipeline taken down and brought up again (spec 40, section 6): both are planned before anything is deleted, so that a
//! pipeline that could not come up again is not taken down.

use super::provision::{self, Provision, Request};
use super::{Balancers, Spindown, plan_spindown};
use crate::error::Result;
use crate::group::Clouds;
use crate::plan::Progress;

/// Both halves, planned.
#[derive(Debug)]
pub struct Respin<'a> {
    env: &'a str,
    /// What goes: the groups, and the balancers of hostclasses that have no successor.
    pub down: Spindown,
    /// What comes, as if the groups that go were gone.
    pub up: Provision<'a>,
}

/// Plans both halves. Load balancers are the second half's: those that are still wanted keep their host names. Those of
/// hostclasses whose rows bring images of other hostclasses go.
///
/// # Errors
/// A row without hostclass; what [`plan_spindown`] and [`provision::prepare`] refuse.
pub async fn plan_respin<'a>(clouds: Clouds<'_>, request: Request<'a>) -> Result<Respin<'a>> {
    let env = request.env;
    let hostclasses = request.pipeline.require_hostclasses()?;
    let mut down = plan_spindown(clouds, env, &hostclasses, Balancers::Keep).await?;
    let request = Request {
        leaving: down.groups.clone(),
        ..request
    };
    let up = provision::prepare(clouds, request).await?;
    down.take_balancers(clouds.aws, env, &hostclasses, &up.hostclasses())
        .await?;
    Ok(Respin { env, down, up })
}

impl Respin<'_> {
    /// Waits for what the second half needs (if that fails, nothing is deleted), takes down, waits until the groups are gone
    /// (D8), and brings up.
    ///
    /// # Errors
    /// The first half that fails; running the command again goes on from there.
    pub async fn run(&self, clouds: Clouds<'_>, progress: &dyn Progress) -> Result<()> {
        self.up.wait_for_prerequisites(clouds.aws).await?;
        self.down.run(clouds, self.env, true, progress).await?;
        self.up.apply(clouds, progress).await
    }
}
