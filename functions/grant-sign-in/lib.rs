//! Converges the IAM Identity Center assignments of an account: which group signs in with which permission set.
//!
//! Identity Center is slow and shared by the whole organization, so this step asks for little: nothing is kept between
//! two invocations but what never changes (`observe/memory.rs`), and what is under way is read from Identity Center itself.

mod act;
mod change;
mod decide;
mod observe;
mod state;

use std::sync::Arc;

use aws_sdk_identitystore::Client as IdentityStore;
use aws_sdk_ssoadmin::Client as IdentityCenter;
use berth_aws::{Part, PolicyFile, SessionScope, Sessions};
use berth_ledger::SignInRecord;
use berth_step::{Decision, Step, StepError};
use berth_tenancy::{Effect, LeftOver, SignInPlan, Subject, Thing};
use berth_wiring::Wiring;
use serde::{Deserialize, Serialize};

use crate::observe::Memory;
pub use crate::{
    change::Change,
    decide::OUTSTANDING_MAX,
    state::{ObservedAssignment, ObservedLeftOver, Progress, State},
};

/// What this function may do, and what its sessions are narrowed to.
const POLICY: PolicyFile = PolicyFile::new(include_str!("policy.json"));

/// Payload of the state `GrantSignIn`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Input {
    /// Who is onboarded.
    pub run: Subject,
    /// Who signs in, as planned; none when the environment declares nobody.
    pub sign_in: Option<SignInPlan>,
    /// Assignments that the account was given and that the plan does not have any more.
    #[serde(default)]
    pub left_over: Vec<LeftOver>,
}

/// What later states read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    /// The assignments, in the order of the plan.
    pub sign_in: Vec<SignInRecord>,
    /// What is left over and still there.
    pub left_over: Vec<LeftOver>,
}

berth_step::has_subject!(Input);

#[derive(Debug)]
pub struct GrantSignIn {
    sessions: Sessions,
    memory: Arc<Memory>,
}

impl GrantSignIn {
    #[must_use]
    pub fn new(wiring: Wiring) -> Self {
        Self { sessions: wiring.sessions, memory: Arc::default() }
    }
}

/// The clients of one session, and what earlier ones found.
#[derive(Debug)]
pub struct Clients {
    center: IdentityCenter,
    store: IdentityStore,
    memory: Arc<Memory>,
}

impl Step for GrantSignIn {
    type Input = Input;
    type Output = Output;
    /// None where nothing is declared.
    type Clients = Option<Clients>;
    type State = State;
    type Change = Change;
    /// How far the assignment is.
    type Made = Progress;

    async fn connect(&self, input: &Input) -> Result<Option<Clients>, StepError> {
        let Some(plan) = &input.sign_in else { return Ok(None) };
        let role = (&plan.account, &plan.role);
        let scope =
            SessionScope::in_platform(role, Some(&plan.region), &input.run.execution, POLICY.session(Part::Management));
        let session = self.sessions.assume(scope).await?;
        let (center, store) = (IdentityCenter::new(&session), IdentityStore::new(&session));
        Ok(Some(Clients { center, store, memory: self.memory.clone() }))
    }

    async fn observe(clients: &Option<Clients>, input: &Input) -> Result<State, StepError> {
        match (clients, &input.sign_in) {
            (Some(clients), Some(plan)) => observe::observe(clients, input, plan).await,
            _ => Ok(State::default()),
        }
    }

    fn decide(input: &Input, state: &State) -> Result<Decision<Change, Output>, StepError> {
        decide::decide(input, state)
    }

    async fn act(clients: &Option<Clients>, input: &Input, change: &Change) -> Result<Progress, StepError> {
        act::act(clients.as_ref(), input, change).await
    }

    fn apply(state: &mut State, _: &Input, change: &Change, made: Option<Progress>) {
        state.apply(change, made);
    }

    fn effect(input: &Input, _: &State, change: &Change) -> Effect {
        change.effect(input)
    }

    fn gives(_: &Input, change: &Change) -> Option<Thing> {
        let Change::Assign { assignment, group_id, permission_set_arn, failed_before: _ } = change else { return None };
        Some(Thing::SignIn {
            group: assignment.group.clone(),
            permission_set: assignment.permission_set.clone(),
            group_id: Some(group_id.clone()),
            permission_set_arn: Some(permission_set_arn.clone()),
        })
    }
}
