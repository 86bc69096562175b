//! Converges the IAM roles of a tenant in its account.

mod act;
mod decide;
mod documents;
mod observe;
mod world;

use aws_sdk_iam::Client;
use berth_aws::{Part, PolicyFile, SessionScope, Sessions};
use berth_ledger::RoleRecord;
use berth_step::{Decision, HasSubject, Step, StepError};
use berth_tenancy::{RolesPlan, Subject};
use serde::{Deserialize, Serialize};

pub use crate::{
    decide::{Action, decide},
    documents::trust_document,
    world::{Effect, ObservedBoundary, ObservedRole, World},
};

/// What this function may do, and what its sessions are narrowed to.
const POLICY: PolicyFile = PolicyFile::new(include_str!("policy.json"));

/// Stands for the id of a role that is only planned.
const IMAGINED_ID: &str = "AROAPLANNED";

/// Payload of the state `CreateTenantRoles`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Input {
    /// Who is onboarded.
    pub run: Subject,
    /// The roles as planned.
    pub roles: RolesPlan,
}

/// What later states read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Output {
    /// The roles, in the order of the plan.
    pub roles: Vec<RoleRecord>,
}

impl HasSubject for Input {
    fn subject(&self) -> &Subject {
        &self.run
    }
}

/// The step.
#[derive(Debug, Clone)]
pub struct CreateTenantRoles {
    sessions: Sessions,
}

impl CreateTenantRoles {
    /// A step that reaches tenant accounts through `sessions`.
    #[must_use]
    pub fn new(sessions: Sessions) -> Self {
        Self { sessions }
    }
}

impl Step for CreateTenantRoles {
    type Input = Input;
    type Output = Output;
    type World = World;
    type Action = Action;
    type Effect = Effect;

    async fn observe(&self, input: &Input) -> Result<World, StepError> {
        let scope = SessionScope::in_tenant(&input.run, None, POLICY.session(Part::Tenant));
        let iam = Client::new(&self.sessions.assume(scope).await?);
        observe::observe(iam, input).await
    }

    fn decide(input: &Input, world: &World) -> Result<Decision<Action, Output>, StepError> {
        decide(input, world)
    }

    async fn act(&self, input: &Input, world: &World, action: &Action) -> Result<Effect, StepError> {
        act::act(&world.iam, input, action).await
    }

    fn imagine(input: &Input, _: &World, action: &Action) -> Effect {
        world::effect(input, action, IMAGINED_ID)
    }

    fn apply(world: &mut World, effect: Effect) {
        world::apply(world, effect);
    }
}
