//! Converges the IAM Identity Center assignments of an account: which group signs in with which permission set.
//!
//! Identity Center is slow and shared by the whole organization, so this step asks for little: nothing is kept between
//! two invocations but what never changes (`memory.rs`), and what is under way is read from Identity Center itself.

mod act;
mod decide;
mod memory;
mod observe;
mod requests;
mod world;

use berth_aws::{Part, PolicyFile, SessionScope, Sessions};
use berth_ledger::SignInRecord;
use berth_step::{Decision, Fault, HasSubject, Step, StepError};
use berth_tenancy::{SignInPlan, Subject};
use serde::{Deserialize, Serialize};

pub use crate::{
    decide::{Action, OUTSTANDING_MAX, decide},
    world::{Effect, Observed, State, World},
};
use crate::{memory::Memory, world::Clients};

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
}

/// What later states read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    /// The assignments, in the order of the plan.
    pub sign_in: Vec<SignInRecord>,
}

impl HasSubject for Input {
    fn subject(&self) -> &Subject {
        &self.run
    }
}

/// The step.
#[derive(Debug)]
pub struct GrantSignIn {
    sessions: Sessions,
    memory: Memory,
}

impl GrantSignIn {
    /// A step that reaches Identity Center's account through `sessions`.
    #[must_use]
    pub fn new(sessions: Sessions) -> Self {
        Self { sessions, memory: Memory::default() }
    }
}

impl Step for GrantSignIn {
    type Input = Input;
    type Output = Output;
    type World = World;
    type Action = Action;
    type Effect = Effect;

    async fn observe(&self, input: &Input) -> Result<World, StepError> {
        let Some(plan) = &input.sign_in else { return Ok(World::default()) };
        let scope = SessionScope {
            account: &plan.account,
            role: &plan.role,
            region: Some(&plan.region),
            execution: &input.run.execution,
            policy: POLICY.session(Part::Management),
            when_refused: Fault::Denied,
        };
        let clients = Clients::of(&Box::pin(self.sessions.assume(scope)).await?);
        Box::pin(observe::observe(clients, &self.memory, &input.run, plan)).await
    }

    fn decide(input: &Input, world: &World) -> Result<Decision<Action, Output>, StepError> {
        decide(input, world)
    }

    async fn act(&self, input: &Input, world: &World, action: &Action) -> Result<Effect, StepError> {
        Box::pin(act::act(world, input, action)).await
    }

    fn imagine(_: &Input, _: &World, action: &Action) -> Effect {
        Effect { assignment: action.assignment.clone(), state: State::Assigned }
    }

    fn apply(world: &mut World, effect: Effect) {
        world.apply(&effect);
    }
}
