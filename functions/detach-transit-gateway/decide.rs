//! What is taken away next, and what stops it. Pure.

use berth_step::{Decision, Fault, StepError};

use crate::{Attachment, AttachmentState, Change, Hub, Input, Output, State};

/// Routes of others that a message names.
const NAMED_MAX: usize = 6;

/// What to do next, or that nothing is left.
pub(crate) fn decide(input: &Input, state: &State) -> Result<Decision<Change, Output>, StepError> {
    if let Some(other) = state.attachments.iter().find(|attachment| !attachment.is_ours) {
        return Err(not_ours(input, other));
    }
    // Deletions of one VPC's attachments go one after the other: there is one, unless its gateway was replaced.
    let Some(attachment) = state.attachments.first() else {
        return Ok(match routes(state) {
            batch if batch.is_empty() => Decision::Done(Output { region: input.region.clone() }),
            batch => Decision::Act(batch),
        });
    };
    if let AttachmentState::Working(name) = &attachment.state {
        return Err(waits(format!("{} is {name}", attachment.id)));
    }
    let Some(hub) = &state.hub else {
        return Err(waits(format!("the network account does not see {}", attachment.id)));
    };
    refuse_written_routes(input, attachment, hub)?;
    let mut batch = routes(state);
    if batch.is_empty() {
        batch.extend(
            hub.learning
                .iter()
                .map(|table| Change::StopPropagation { attachment: attachment.id.clone(), table: table.clone() }),
        );
    }
    if batch.is_empty() && hub.is_changing {
        return Err(waits(format!("the network account's route tables change for {}", attachment.id)));
    }
    if batch.is_empty() {
        let (attachment, associated) = (attachment.id.clone(), hub.associated.clone());
        batch.push(match associated {
            Some(table) => Change::Disassociate { attachment, table },
            None => Change::DeleteAttachment { attachment },
        });
    }
    Ok(Decision::Act(batch))
}

fn routes(state: &State) -> Vec<Change> {
    state.routes.iter().cloned().map(Change::DeleteRoute).collect()
}

/// An attachment of the VPC that Berth did not make.
fn not_ours(input: &Input, other: &Attachment) -> StepError {
    let Attachment { id, gateway, .. } = other;
    let (what, next) = if input.is_closed {
        let what = format!("{id} attaches the account's VPC to {gateway}, and is not the one on record");
        (what, "look at it in the network account, and delete it there; then redrive the execution")
    } else {
        let what = format!("{id} attaches the account's VPC to {gateway}, and lacks Berth's tags");
        (
            what,
            "delete it by hand, or put the tags berth:managed-by and berth:account on it; then redrive the execution",
        )
    };
    StepError::new(Fault::NotOwned, format!("{what}; nothing was changed")).hint(next)
}

/// Routes that somebody wrote into tables of the gateway: without the attachment they would drop traffic.
fn refuse_written_routes(input: &Input, attachment: &Attachment, hub: &Hub) -> Result<(), StepError> {
    if hub.written.is_empty() {
        return Ok(());
    }
    let named = hub.written.iter().take(NAMED_MAX).map(|(table, to)| format!("{to} in {table}"));
    let mut named: Vec<String> = named.collect();
    let more = hub.written.len().saturating_sub(NAMED_MAX);
    if more > 0 {
        named.push(format!("{more} more"));
    }
    let what = format!(
        "routes that are not Berth's lead to {} (account {}): {}; nothing was changed",
        attachment.id,
        input.run.account_id,
        named.join(", ")
    );
    Err(StepError::new(Fault::NotOwned, what).hint(
        "delete these static routes and prefix list references in the network account; then redrive the execution",
    ))
}

fn waits(what: String) -> StepError {
    StepError::new(Fault::NotReady, what)
}
