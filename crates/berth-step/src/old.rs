//! The former shape of a step, until the last step is in the new one (`step.rs`).

use std::{fmt::Display, time::Duration};

use berth_tenancy::Mode;
use futures::{StreamExt, stream};
use serde::{Serialize, de::DeserializeOwned};
use tokio::time::Instant;

use crate::{Converged, Decision, Fault, HasSubject, Lease, StepError};

/// How often `decide` may ask for actions in one invocation. Real steps need at most six rounds.
const ROUNDS_MAX: usize = 16;

/// Actions of one batch under way at once: well below EC2's bucket of 50 for mutating calls.
const ACTIONS_AT_ONCE: usize = 6;

/// How long a batch may take before the lease is confirmed again: a call that hung may have outlived its execution, and
/// another one may be at work by now. A batch seldom takes a second.
const BATCH_MAX: Duration = Duration::from_secs(5);

/// One step: converges one part of an account to its plan. Safe to run any number of times.
pub trait OldStep {
    /// Payload from the state machine.
    type Input: DeserializeOwned + HasSubject;
    /// What later states read.
    type Output: Serialize;
    /// What the step sees of AWS.
    type World;
    /// One change. `Display` is the line that a plan shows.
    type Action: Display;
    /// What an action answered, as far as the world's picture needs it.
    type Effect;

    /// Looks at the world. Only reads.
    fn observe(&self, input: &Self::Input) -> impl Future<Output = Result<Self::World, StepError>>;

    /// Compares the world with the plan. Pure: no clock, no I/O, no randomness.
    fn decide(input: &Self::Input, world: &Self::World) -> Result<Decision<Self::Action, Self::Output>, StepError>;

    /// Performs one change.
    fn act(
        &self,
        input: &Self::Input,
        world: &Self::World,
        action: &Self::Action,
    ) -> impl Future<Output = Result<Self::Effect, StepError>>;

    /// The effect that a change would have, with placeholders for ids that only AWS can give.
    fn imagine(input: &Self::Input, world: &Self::World, action: &Self::Action) -> Self::Effect;

    /// Applies an effect to the picture of the world.
    fn apply(world: &mut Self::World, effect: Self::Effect);
}

/// Runs a step to its end.
pub async fn converge_old<S: OldStep>(
    step: &S,
    lease: &impl Lease,
    input: &S::Input,
) -> Result<Converged<S::Output>, StepError> {
    let mut world = step.observe(input).await?;
    let mut changes = Vec::new();
    let mut is_confirmed = false;
    for _ in 0..ROUNDS_MAX {
        let actions = match S::decide(input, &world)? {
            Decision::Done(output) => return Ok(Converged { output, changes }),
            Decision::Act(actions) => actions,
        };
        if actions.is_empty() {
            return Err(StepError::new(Fault::Bug, "the step asked for an empty batch of changes"));
        }
        let effects: Vec<S::Effect> = if input.subject().mode == Mode::Plan {
            actions.iter().map(|action| S::imagine(input, &world, action)).collect()
        } else {
            if !is_confirmed {
                lease.confirm(input.subject()).await?;
            }
            let began = Instant::now();
            let acting = stream::iter(&actions).map(async |action| {
                let acted = step.act(input, &world, action).await;
                acted.map_err(|error| error.while_trying(action))
            });
            // Every action of the batch is awaited, also after one failed: a dropped call may still take effect.
            let answers: Vec<Result<S::Effect, StepError>> = acting.buffered(ACTIONS_AT_ONCE).collect().await;
            is_confirmed = began.elapsed() < BATCH_MAX;
            answers.into_iter().collect::<Result<_, _>>()?
        };
        for action in &actions {
            // Logged as well: an invocation that then ends in NotReady returns no list of changes.
            tracing::info!(account = %input.subject().account_id, change = %action);
            changes.push(action.to_string());
        }
        for effect in effects {
            S::apply(&mut world, effect);
        }
    }
    let last = changes.last().map_or("", String::as_str);
    Err(StepError::new(Fault::Bug, format!("{ROUNDS_MAX} rounds of changes did not converge; the last was: {last}")))
}
