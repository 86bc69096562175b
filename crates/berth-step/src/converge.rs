//! The loop that every step runs in, and the dry run of a plan.

use berth_tenancy::{Mode, Origin, PLACEHOLDER, Planned, ResourceChange, Thing};
use futures::{StreamExt, stream};
use jiff::Timestamp;
use serde::Serialize;

use crate::{Decision, Fault, HasSubject, Intent, Lease, Step, StepError};

/// How often `decide` may ask for changes in one invocation. Real steps need at most six rounds.
const ROUNDS_MAX: usize = 16;

/// Changes of one batch under way at once: well below EC2's bucket of 50 for mutating calls.
const CHANGES_AT_ONCE: usize = 6;

/// What a step returns to the state machine: its output, and what it changed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Converged<O> {
    /// What later states read.
    #[serde(flatten)]
    pub output: O,
    /// Changes that this invocation made, or in mode `plan` would be made. Those of the whole run are in the journal: an
    /// invocation that ends in a fault returns none.
    pub changes: Vec<String>,
    /// In mode `plan` the same changes with all that is known of them.
    #[serde(flatten)]
    pub planned: Planned,
}

/// Who makes the changes of an invocation, and by which clock they are written down.
#[derive(Debug, Clone, Copy)]
pub struct Actor {
    /// Name of the function.
    pub step: &'static str,
    /// The clock.
    pub now: fn() -> Timestamp,
}

/// What a dry run came to.
pub struct DryRun<S: Step> {
    /// The batches of changes that would be made, in their order.
    pub batches: Vec<Vec<S::Change>>,
    /// What the step would answer.
    pub output: S::Output,
    /// What would be observed afterwards.
    pub state: S::State,
}

/// Runs a step to its end. In mode `plan` it only reads.
pub async fn converge<S: Step>(
    step: &S,
    lease: &impl Lease,
    actor: Actor,
    input: &S::Input,
) -> Result<Converged<S::Output>, StepError> {
    // Boxed, here and below: the SDK's futures are too deep and too large to be laid out inside each other.
    let clients = Box::pin(step.connect(input)).await?;
    let state = Box::pin(S::observe(&clients, input)).await?;
    if input.subject().mode == Mode::Plan {
        let DryRun { batches, output, .. } = dry_run::<S>(input, state.clone())?;
        let told = told::<S>(actor.step, input, state, &batches).into_iter();
        let (told, changes) = told.map(|(told, change)| (told, logged::<S>(input, change))).unzip();
        let place = Origin::of(actor.step, input.subject(), input.region());
        return Ok(Converged { output, changes, planned: Planned::of(&place, told) });
    }
    make_changes::<S>(&clients, (lease, actor), input, state).await
}

/// Which changes `decide` asks for from `state` on, down to the end, when each succeeds. Pure.
pub fn dry_run<S: Step>(input: &S::Input, mut state: S::State) -> Result<DryRun<S>, StepError> {
    let mut batches: Vec<Vec<S::Change>> = Vec::new();
    loop {
        match decide::<S>(input, &state, batches.len())? {
            Decision::Done(output) => return Ok(DryRun { batches, output, state }),
            Decision::Act(batch) => {
                for change in &batch {
                    S::apply(&mut state, input, change, None);
                }
                batches.push(batch);
            }
        }
    }
}

/// What the batches of a dry run do, from the state that it began with. Pure.
pub fn planned<S: Step>(step: &str, input: &S::Input, state: S::State, batches: &[Vec<S::Change>]) -> Planned {
    let changes = told::<S>(step, input, state, batches).into_iter().map(|(change, _)| change).collect();
    Planned::of(&Origin::of(step, input.subject(), input.region()), changes)
}

/// The same, with the change that each is. Of a repair only what it may mend: what it leaves is no part of its plan.
fn told<'a, S: Step>(
    step: &str,
    input: &S::Input,
    mut state: S::State,
    batches: &'a [Vec<S::Change>],
) -> Vec<(ResourceChange, &'a S::Change)> {
    let place = Origin::of(step, input.subject(), input.region());
    let limit = input.subject().repairs.as_ref();
    let mut all = Vec::new();
    for batch in batches {
        for change in batch {
            let effect = S::effect(input, &state, change);
            if limit.is_none_or(|limit| limit.has(&effect)) {
                all.push((ResourceChange::of(&place, effect, change), change));
            }
        }
        for change in batch {
            S::apply(&mut state, input, change, None);
        }
    }
    all
}

/// Makes changes until nothing is left.
async fn make_changes<S: Step>(
    clients: &S::Clients,
    (lease, actor): (&impl Lease, Actor),
    input: &S::Input,
    mut state: S::State,
) -> Result<Converged<S::Output>, StepError> {
    let mut changes = Vec::new();
    let mut rounds = 0;
    loop {
        let batch = match decide::<S>(input, &state, rounds)? {
            Decision::Done(output) => {
                not_pretended::<S>(input, &output)?;
                return Ok(Converged { output, changes, planned: Planned::default() });
            }
            Decision::Act(batch) => batch,
        };
        let (batch, left) = mended::<S>(input, &state, batch);
        for change in &left {
            // As in a dry run, so that `decide` goes on to what may be mended.
            tracing::info!(account = %input.subject().account_id, change = %change, "left as it is");
            S::apply(&mut state, input, change, None);
        }
        if batch.is_empty() {
            rounds += 1;
            continue;
        }
        only_planned::<S>(actor.step, input, &state, &batch)?;
        lease.begin(input.subject(), &intent::<S>(actor, input, &batch)).await?;
        let acting = stream::iter(&batch).map(async |change| {
            let made = Box::pin(S::act(clients, input, change)).await.map_err(|error| error.while_trying(change))?;
            Ok((logged::<S>(input, change), made))
        });
        // Every change of the batch is awaited, also after one failed: a dropped call may still take effect.
        let answers: Vec<Result<_, StepError>> = acting.buffered(CHANGES_AT_ONCE).collect().await;
        rounds += 1;
        let (mut denied, mut failed) = (Vec::new(), None);
        for (change, answer) in batch.iter().zip(answers) {
            match answer {
                Ok((line, made)) => {
                    changes.push(line);
                    S::apply(&mut state, input, change, Some(made));
                }
                Err(error) if error.fault == Fault::Denied => denied.push((change, error)),
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        if !denied.is_empty() {
            state = Box::pin(without_need::<S>(clients, input, denied)).await?;
        }
        failed.map_or(Ok(()), Err)?;
    }
}

/// What is there, when nothing asks any more for the changes that were denied; else the first denial. A policy that takes only
/// what has Berth's tags denies the deletion of what is gone, because that has none: an earlier call whose answer was lost,
/// or a function that outlived its execution, was first.
async fn without_need<S: Step>(
    clients: &S::Clients,
    input: &S::Input,
    denied: Vec<(&S::Change, StepError)>,
) -> Result<S::State, StepError> {
    let looked = Box::pin(S::observe(clients, input)).await;
    let looked = looked.and_then(|state| Ok((dry_run::<S>(input, state.clone())?.batches, state)));
    let (batches, state) = match looked {
        Ok(looked) => looked,
        Err(error) => return Err(denied.into_iter().next().map_or(error, |(_, denial)| denial)),
    };
    let is_asked_for = |change: &S::Change| batches.iter().flatten().any(|asked| asked == change);
    let denial = denied.into_iter().find(|(change, _)| is_asked_for(change));
    denial.map_or(Ok(state), |(_, denial)| Err(denial))
}

/// What of a batch is made, and what is left: of a repair what it may not mend, and what needs something that was left.
fn mended<S: Step>(input: &S::Input, state: &S::State, batch: Vec<S::Change>) -> (Vec<S::Change>, Vec<S::Change>) {
    let Some(limit) = &input.subject().repairs else { return (batch, Vec::new()) };
    let is_made = |change: &S::Change| {
        limit.has(&S::effect(input, state, change)) && !format!("{change:?}").contains(PLACEHOLDER)
    };
    batch.into_iter().partition(is_made)
}

/// Refuses to answer with what is not there: a repair has left it, and later states would take it for true.
fn not_pretended<S: Step>(input: &S::Input, output: &S::Output) -> Result<(), StepError> {
    let Some(limit) = &input.subject().repairs else { return Ok(()) };
    let text = serde_json::to_string(output).unwrap_or_default();
    let pretended = text.split('"').find(|value| value.contains(PLACEHOLDER));
    pretended.map_or(Ok(()), |value| Err(StepError::beyond_repair(limit, format!("{value} is not there"))))
}

/// Refuses a batch with a change that the plan does not have which the run makes, before any of the batch is made.
fn only_planned<S: Step>(step: &str, input: &S::Input, state: &S::State, batch: &[S::Change]) -> Result<(), StepError> {
    let Some(limit) = &input.subject().only_planned else { return Ok(()) };
    let place = Origin::of(step, input.subject(), input.region());
    let strange = batch.iter().find(|change| !limit.has(&place, &S::effect(input, state, change)));
    strange.map_or(Ok(()), |change| Err(StepError::not_planned(limit, change)))
}

/// What is written down before a batch is made.
fn intent<S: Step>(actor: Actor, input: &S::Input, batch: &[S::Change]) -> Intent {
    let mut gives: Vec<Thing> = batch.iter().filter_map(|change| S::gives(input, change)).collect();
    gives.sort_by_key(Thing::key);
    gives.dedup();
    Intent {
        step: actor.step,
        region: input.region().cloned(),
        changes: batch.iter().map(ToString::to_string).collect(),
        gives,
        at: (actor.now)(),
    }
}

/// Asks `decide`, which may ask for changes only so often.
fn decide<S: Step>(
    input: &S::Input,
    state: &S::State,
    rounds: usize,
) -> Result<Decision<S::Change, S::Output>, StepError> {
    let decision = S::decide(input, state)?;
    let Decision::Act(batch) = &decision else { return Ok(decision) };
    let Some(first) = batch.first() else {
        return Err(StepError::new(Fault::Bug, "the step asked for an empty batch of changes"));
    };
    if rounds == ROUNDS_MAX {
        let what = format!("{ROUNDS_MAX} rounds of changes did not converge; the next one would be: {first}");
        return Err(StepError::new(Fault::Bug, what));
    }
    Ok(decision)
}

/// The line of a change, once it is logged.
fn logged<S: Step>(input: &S::Input, change: &S::Change) -> String {
    tracing::info!(account = %input.subject().account_id, change = %change);
    change.to_string()
}
