//! The blue/green state machine as a table: state and event lead to an action and the next state (spec 50, section 13.3). Pure.
//!
//! The rule behind the table: whatever goes wrong before [`State::Retiring`], the new group and the testing balancer are removed
//! and the old group keeps serving untouched; from `Retiring` on the new group is never removed. Nothing here calls anything:
//! `drive` carries the actions out and says what came of them.

use std::fmt;

/// What the table needs to know of a deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    /// The new group may replace the old one.
    pub deployable: bool,
    /// There is an integration test.
    pub has_test: bool,
    /// A group serves already.
    pub has_old: bool,
}

/// What is being done. The numbers are the steps of the specification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// Nothing has been changed; what tests will need on this machine is made ready.
    Start,
    /// 1, 2: the new group and the testing balancer are made.
    Making,
    /// 3: the new group gets its hosts.
    WaitingForHosts,
    /// 4: its hosts pass their smoke tests.
    SmokeTesting,
    /// 5: the integration test runs against them.
    IntegrationTesting,
    /// 6: the image gets the final stage.
    Promoting,
    /// 7a: the image gets the stage `failed`.
    Failing(Reason),
    /// 8: which hosts the new group has.
    ListingHosts,
    /// 9: its hosts leave testing mode.
    LeavingTestMode,
    /// 11, 13: the new group becomes one that serves.
    Admitting,
    /// 12: its hosts come into service.
    WaitingForBalancer,
    /// 14: the old group is scaled down and deleted. The new group is never removed from here on.
    Retiring,
    /// 15: what was for testing only goes.
    Finishing,
    /// The new group and the testing balancer are removed, for this reason.
    Removing(Reason),
    /// 10: the old group gets the new image for hosts to come.
    GivingImage,
    /// The end: the image is deployed, or tested if that was all.
    Done,
    /// The end: an error.
    Failed(Reason),
}

/// Why the new group goes, or the deployment ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// It could not be begun; nothing has been made.
    NotBegun,
    /// The hostclass has more groups than a deployment can tell apart.
    TooManyGroups,
    /// The new group is the old one.
    SameGroup,
    /// The new group could not be made.
    NotMade,
    /// Its hosts did not come, or did not pass their smoke tests.
    SmokeTest,
    /// The integration test failed.
    IntegrationTest,
    /// No host can run the integration test.
    NoTestHost,
    /// The new group has no hosts.
    NoHosts,
    /// Hosts did not leave testing mode.
    TestMode,
    /// The new group could not be made one that serves.
    NotAdmitted,
    /// Its hosts did not come into service.
    NotInService,
    /// The old group could not be retired; the new one serves.
    NotRetired,
    /// What was for testing could not be removed; the new group serves.
    NotFinished,
    /// The old group could not be given the image.
    ImageNotGiven,
    /// AWS, ssh or the configuration failed in between, which says nothing about the image.
    Broken,
    /// Ctrl-C.
    Interrupted,
    /// All is well, and the hostclass is not deployable.
    NotDeployable,
}

/// What came of the action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Event {
    /// It is done; the test has passed.
    Done,
    /// Something went wrong that says nothing about the image.
    Failed,
    /// It was not so in time.
    TimedOut,
    /// The answer is no: a test failed, a host died in it, hosts stay in testing mode.
    Rejected,
    /// There is nobody to run the test.
    NoTestHost,
    /// The new group has no hosts.
    NoHosts,
    /// The hostclass has too many groups; nothing was made.
    TooManyGroups,
    /// The new group has the name of the old one; nothing was made.
    SameGroup,
    /// Ctrl-C.
    Interrupted,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// Make ready what tests need on this machine.
    Prepare,
    /// Make the new group and its testing balancer.
    Make,
    /// Wait for its hosts.
    AwaitHosts,
    /// Wait for their smoke tests.
    SmokeTest,
    /// Run the integration test.
    IntegrationTest,
    /// Give the image the final stage.
    Promote,
    /// Give the image the stage `failed`.
    MarkFailed,
    /// See which hosts the new group has.
    ListHosts,
    /// Have them leave testing mode.
    LeaveTestMode,
    /// Make the new group one that serves.
    Admit,
    /// Wait until its hosts are in service.
    AwaitService,
    /// Scale the old group down and delete it.
    RetireOld,
    /// Delete what was for testing.
    Finish,
    /// Remove the new group and the testing balancer.
    RemoveNew,
    /// Give the old group the new image.
    GiveImage,
}

/// One step through the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// What is to be done now; nothing at the end.
    pub action: Option<Action>,
    /// Where that is.
    pub state: State,
}

impl State {
    /// What is done in this state; nothing at the ends.
    pub fn action(self) -> Option<Action> {
        Some(match self {
            Self::Start => Action::Prepare,
            Self::Making => Action::Make,
            Self::WaitingForHosts => Action::AwaitHosts,
            Self::SmokeTesting => Action::SmokeTest,
            Self::IntegrationTesting => Action::IntegrationTest,
            Self::Promoting => Action::Promote,
            Self::Failing(_) => Action::MarkFailed,
            Self::ListingHosts => Action::ListHosts,
            Self::LeavingTestMode => Action::LeaveTestMode,
            Self::Admitting => Action::Admit,
            Self::WaitingForBalancer => Action::AwaitService,
            Self::Retiring => Action::RetireOld,
            Self::Finishing => Action::Finish,
            Self::Removing(_) => Action::RemoveNew,
            Self::GivingImage => Action::GiveImage,
            Self::Done | Self::Failed(_) => return None,
        })
    }

    /// The way is over.
    pub fn is_end(self) -> bool {
        self.action().is_none()
    }

    /// Ctrl-C stops what is done here at once. What makes things is never cut, so that all that was made is known, and
    /// clean-up runs to its end.
    pub fn may_be_cut(self) -> bool {
        !matches!(
            self,
            Self::Making | Self::Failing(_) | Self::Removing(_) | Self::Done | Self::Failed(_)
        )
    }

    /// The old group may be gone, wholly or in part, so the new one has to stay.
    pub fn is_switched(self) -> bool {
        matches!(
            self,
            Self::Retiring
                | Self::Finishing
                | Self::Failed(Reason::NotRetired | Reason::NotFinished)
        )
    }
}

impl From<State> for Step {
    fn from(state: State) -> Self {
        Self {
            action: state.action(),
            state,
        }
    }
}

/// The table: what follows when `event` comes of what is done in `state`. An end is followed by itself.
pub fn next(state: State, event: Event, facts: Facts) -> Step {
    use State as S;
    let to = match (state, event) {
        (S::Done | S::Failed(_), _) => state,
        // Clean-up goes on whatever comes.
        (S::Failing(reason), _) => S::Removing(reason),
        (S::Removing(reason), event) => removed(reason, event, facts),
        // A promotion that failed is told and ignored.
        (S::Promoting, event) if event != Event::Interrupted => S::ListingHosts,
        (state, Event::Done) => forward(state, facts),
        (state, event) => wrong(state, event),
    };
    to.into()
}

/// What follows when all is well.
fn forward(state: State, facts: Facts) -> State {
    match state {
        State::Start => State::Making,
        State::Making => State::WaitingForHosts,
        State::WaitingForHosts => State::SmokeTesting,
        State::SmokeTesting if facts.has_test => State::IntegrationTesting,
        State::SmokeTesting | State::IntegrationTesting => State::Promoting,
        State::Promoting => State::ListingHosts,
        State::ListingHosts if facts.deployable => State::LeavingTestMode,
        State::ListingHosts => State::Removing(Reason::NotDeployable),
        State::LeavingTestMode => State::Admitting,
        State::Admitting => State::WaitingForBalancer,
        State::WaitingForBalancer if facts.has_old => State::Retiring,
        State::WaitingForBalancer | State::Retiring => State::Finishing,
        State::Finishing | State::GivingImage | State::Done => State::Done,
        State::Failing(reason) => State::Removing(reason),
        State::Removing(reason) => removed(reason, Event::Done, facts),
        State::Failed(reason) => State::Failed(reason),
    }
}

/// What follows the removal of the new group. The old group of a hostclass that is not deployable gets the image.
fn removed(reason: Reason, event: Event, facts: Facts) -> State {
    match (reason, event) {
        (Reason::NotDeployable, Event::Done) if facts.has_old => State::GivingImage,
        (Reason::NotDeployable, Event::Done) => State::Done,
        (Reason::NotDeployable, Event::Interrupted) => State::Failed(Reason::Interrupted),
        (Reason::NotDeployable, _) => State::Failed(Reason::Broken),
        (reason, _) => State::Failed(reason),
    }
}

/// What follows an event other than `Done`.
fn wrong(state: State, event: Event) -> State {
    use Event as E;
    use Reason as R;
    use State as S;
    match (state, event) {
        (S::Start, E::Interrupted) => S::Failed(R::Interrupted),
        (S::Start, _) => S::Failed(R::NotBegun),
        (S::Making, E::TooManyGroups) => S::Failed(R::TooManyGroups),
        (S::Making, E::SameGroup) => S::Failed(R::SameGroup),
        // The old group is retired, or about to be: the new one stays, and the next run goes on.
        (S::Retiring | S::Finishing | S::GivingImage, E::Interrupted) => S::Failed(R::Interrupted),
        (S::Retiring, _) => S::Failed(R::NotRetired),
        (S::Finishing, _) => S::Failed(R::NotFinished),
        (S::GivingImage, _) => S::Failed(R::ImageNotGiven),
        // From here on there is a new group to remove.
        (_, E::Interrupted) => S::Removing(R::Interrupted),
        (S::Making, _) => S::Removing(R::NotMade),
        (S::WaitingForHosts | S::SmokeTesting, E::TimedOut | E::Rejected) => {
            S::Failing(R::SmokeTest)
        }
        (S::IntegrationTesting, E::TimedOut | E::Rejected) => S::Failing(R::IntegrationTest),
        (S::IntegrationTesting, E::NoTestHost) => S::Removing(R::NoTestHost),
        (S::ListingHosts, E::NoHosts) => S::Removing(R::NoHosts),
        (S::LeavingTestMode, _) => S::Removing(R::TestMode),
        (S::Admitting, _) => S::Removing(R::NotAdmitted),
        (S::WaitingForBalancer, _) => S::Removing(R::NotInService),
        (_, _) => S::Removing(R::Broken),
    }
}

/// The states of a deployment in which nothing goes wrong.
pub fn happy_path(facts: Facts) -> Vec<State> {
    let mut path = Vec::new();
    let mut state = State::Start;
    while !state.is_end() {
        path.push(state);
        state = next(state, Event::Done, facts).state;
    }
    path
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::NotBegun => "The deployment could not be begun",
            Self::TooManyGroups => "The hostclass has too many groups",
            Self::SameGroup => "Old group and new group should not be the same.",
            Self::NotMade => "Spinning up a new autoscaling group failed",
            Self::SmokeTest => "AMI smoke test failed.",
            Self::IntegrationTest | Self::NoTestHost => "AMI integration test failed.",
            Self::NoHosts => "Could not find any instances in new group",
            Self::TestMode => "Unable to exit testing mode for group",
            Self::NotAdmitted => "Bringing the new group into service failed",
            Self::NotInService => "The hosts of the new group did not come into service",
            Self::NotRetired => "The new group serves, but the old group could not be retired",
            Self::NotFinished => {
                "The new group serves, but what was for testing could not be removed"
            }
            Self::ImageNotGiven => {
                "The image passed its tests, but the group that serves could not be given it"
            }
            Self::Broken => "The deployment could not go on",
            Self::Interrupted => "interrupted",
            Self::NotDeployable => "The hostclass is not deployable",
        })
    }
}

#[cfg(test)]
mod tests;
