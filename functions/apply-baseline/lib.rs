//! Converges the baseline of an account in one region: AWS Backup, AWS Config, and settings of EC2, EBS and S3.
//!
//! All calls are in the tenant account. What the plan leaves out is neither read nor changed.

mod act;
mod action;
mod clients;
mod decide;
mod observe;
mod wanted;
mod world;

use berth_aws::{Part, PolicyFile, SessionScope, Sessions};
use berth_step::{Decision, HasSubject, OldStep, StepError};
use berth_tenancy::{BaselinePlan, Region, Subject};
use serde::{Deserialize, Serialize};

use crate::clients::Clients;
pub use crate::{
    action::{Action, Effect},
    decide::decide,
    wanted::{PLAN_NAME, RECORDER, selection_name, token},
    world::{Channel, Plan, PlannedRule, Recorder, Rule, Seen, Selection, Vault},
};

/// What this function may do, and what its sessions are narrowed to.
const POLICY: PolicyFile = PolicyFile::new(include_str!("policy.json"));

/// Payload of the state `ApplyBaseline`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Input {
    /// Who is onboarded.
    pub run: Subject,
    /// The baseline of one region as planned.
    pub baseline: BaselinePlan,
}

/// What later states read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Output {
    /// The region.
    pub region: Region,
}

impl HasSubject for Input {
    fn subject(&self) -> &Subject {
        &self.run
    }

    fn region(&self) -> Option<&Region> {
        Some(&self.baseline.region)
    }
}

/// What the step sees, and the clients of this invocation's session.
#[derive(Debug, Clone)]
pub struct World {
    clients: Clients,
    /// What is there.
    pub seen: Seen,
}

/// The step.
#[derive(Debug, Clone)]
pub struct ApplyBaseline {
    sessions: Sessions,
}

impl ApplyBaseline {
    /// A step that reaches tenant accounts through `sessions`.
    #[must_use]
    pub fn new(sessions: Sessions) -> Self {
        Self { sessions }
    }
}

impl OldStep for ApplyBaseline {
    type Input = Input;
    type Output = Output;
    type World = World;
    type Action = Action;
    type Effect = Effect;

    async fn observe(&self, input: &Input) -> Result<World, StepError> {
        let scope = SessionScope::in_tenant(&input.run, Some(&input.baseline.region), POLICY.session(Part::Tenant));
        let clients = Clients::new(&self.sessions.assume(scope).await?);
        // Boxed: the futures of a dozen calls of four services nest deep.
        let seen = Box::pin(observe::observe(&clients, input)).await?;
        Ok(World { clients, seen })
    }

    fn decide(input: &Input, world: &World) -> Result<Decision<Action, Output>, StepError> {
        decide(input, &world.seen)
    }

    async fn act(&self, input: &Input, world: &World, action: &Action) -> Result<Effect, StepError> {
        act::act(&world.clients, input, action).await
    }

    fn imagine(_: &Input, _: &World, action: &Action) -> Effect {
        Effect::imagined(action)
    }

    fn apply(world: &mut World, effect: Effect) {
        world.seen.apply(effect);
    }
}
