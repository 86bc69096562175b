//! What the step sees of Identity Center, and how an assignment alters it.

use aws_config::SdkConfig;
use aws_sdk_identitystore::Client as IdentityStore;
use aws_sdk_ssoadmin::Client as IdentityCenter;
use berth_tenancy::AssignmentPlan;

/// The clients of one session.
#[derive(Debug, Clone)]
pub(crate) struct Clients {
    pub(crate) center: IdentityCenter,
    pub(crate) store: IdentityStore,
}

impl Clients {
    pub(crate) fn of(config: &SdkConfig) -> Self {
        Self { center: IdentityCenter::new(config), store: IdentityStore::new(config) }
    }
}

/// Identity Center as far as the plan names it. The default is what an account without declared sign-in sees: nothing.
#[derive(Debug, Clone, Default)]
pub struct World {
    /// The clients of this invocation's session; none where nothing is declared.
    pub(crate) clients: Option<Clients>,
    /// Requests of the whole organization under way. Read only when an assignment is absent.
    pub outstanding: usize,
    /// What was found for each assignment of the plan, in its order.
    pub assignments: Vec<Observed>,
}

/// One assignment of the plan, and how far it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observed {
    /// The assignment.
    pub assignment: AssignmentPlan,
    /// Id of the group.
    pub group_id: String,
    /// ARN of the permission set.
    pub permission_set_arn: String,
    /// How far it is.
    pub state: State,
}

/// How far an assignment is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// It is not there, and nobody has asked for it.
    Absent {
        /// Why Identity Center gave up an earlier request for it, when there was one.
        failed: Option<String>,
    },
    /// It was asked for.
    UnderWay {
        /// Why the request before this one failed, when this invocation saw that and asked again.
        failed_before: Option<String>,
    },
    /// The group signs in with it.
    Assigned,
}

/// How far an assignment is after it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effect {
    /// The assignment.
    pub assignment: AssignmentPlan,
    /// How far it is.
    pub state: State,
}

impl World {
    /// A picture of Identity Center without clients.
    #[must_use]
    pub fn new(outstanding: usize, assignments: Vec<Observed>) -> Self {
        Self { clients: None, outstanding, assignments }
    }

    pub(crate) fn apply(&mut self, effect: &Effect) {
        if matches!(effect.state, State::UnderWay { .. }) {
            self.outstanding = self.outstanding.saturating_add(1);
        }
        for observed in self.assignments.iter_mut().filter(|observed| observed.assignment == effect.assignment) {
            observed.state = effect.state.clone();
        }
    }
}
