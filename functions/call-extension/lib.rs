//! Calls an extension: a function or a state machine of the platform's own that belongs to every onboarding of an environment.
//!
//! An extension is asked what it would do (`mode: plan`), and where it would do anything it is called to do it (`mode:
//! apply`). So what it does is in plans, in the journal and in what people approve, and a run that finds everything as it
//! should be changes nothing (docs/decisions/0039).

mod act;
mod change;
mod decide;
mod observe;
mod state;

use aws_sdk_lambda::Client as Lambda;
use aws_sdk_sfn::Client as StepFunctions;
use berth_contract::{RegionResult, RoleRecord};
use berth_step::{Decision, Step, StepError};
use berth_tenancy::{Effect, ExtensionArn, ExtensionPoint, Subject};
use berth_wiring::Wiring;
use serde::{Deserialize, Serialize};

pub use crate::{
    change::Change,
    state::{Ended, State},
};

/// Payload of the states `CallAfterNetwork` and `CallAtEnd`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Input {
    /// Who is onboarded.
    pub run: Subject,
    /// When it is called.
    pub at: ExtensionPoint,
    /// What is called.
    pub extension: ExtensionArn,
    /// The network of each region.
    pub regions: Vec<RegionResult>,
    /// The tenant's roles; none are there yet after the network.
    #[serde(default)]
    pub roles: Vec<RoleRecord>,
    /// How often a person has redriven the execution: after each redrive a state machine that failed is called once more.
    pub redrives: u32,
}

/// What later states read: nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Output {}

berth_step::has_subject!(Input);

#[derive(Debug, Clone)]
pub struct CallExtension {
    lambda: Lambda,
    step_functions: StepFunctions,
}

impl CallExtension {
    /// What makes the step. Extensions are in the hub account, and called as this function's own role.
    #[must_use]
    pub fn new(wiring: Wiring) -> Self {
        Self { lambda: Lambda::new(&wiring.hub), step_functions: StepFunctions::new(&wiring.hub) }
    }
}

impl Step for CallExtension {
    type Input = Input;
    type Output = Output;
    type Clients = Self;
    type State = State;
    type Change = Change;
    type Made = Ended;

    async fn connect(&self, _: &Input) -> Result<Self, StepError> {
        Ok(self.clone())
    }

    async fn observe(clients: &Self, input: &Input) -> Result<State, StepError> {
        observe::observe(clients, input).await
    }

    fn decide(input: &Input, state: &State) -> Result<Decision<Change, Output>, StepError> {
        decide::decide(input, state)
    }

    async fn act(clients: &Self, input: &Input, _: &Change) -> Result<Ended, StepError> {
        act::act(clients, input).await
    }

    fn apply(state: &mut State, _: &Input, _: &Change, made: Option<Ended>) {
        state.apply(made);
    }

    fn effect(_: &Input, _: &State, change: &Change) -> Effect {
        change.effect()
    }
}
