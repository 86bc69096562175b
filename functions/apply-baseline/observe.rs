//! Reads the region, as far as the plan has it switched on.

mod backup;
mod clients;
mod config;
mod left;
mod settings;

use berth_aws::CallFailure;
use berth_step::{Fault, StepError};
use berth_tenancy::wait;

pub use self::clients::Clients;
use crate::{Input, State};

/// Reads what the plan names: three services at once, none that is switched off and of which nothing is left over.
pub(crate) async fn observe(clients: &Clients, input: &Input) -> Result<State, StepError> {
    if input.is_removal() {
        return Ok(State { left: Some(Box::pin(left::observe(clients, input)).await?), ..State::default() });
    }
    let (settings, (recorder, channel, rules), (vault, plan, backup_role)) = futures::try_join!(
        settings::observe(clients, &input.baseline, &input.run.account_id),
        config::observe(clients, input),
        backup::observe(clients, input),
    )?;
    let is_left = input.here().next().is_some();
    let left = if is_left { Some(Box::pin(left::observe(clients, input)).await?) } else { None };
    Ok(State { recorder, channel, rules, vault, plan, backup_role, left, ..settings })
}

/// What the codes mean of a read about something that another read has just listed: it went in between, by somebody's hand or by
/// an earlier call that came late.
fn went(failure: CallFailure) -> StepError {
    if !failure.is(&["ResourceNotFoundException"]) {
        return failure.or_common();
    }
    let hint =
        wait("it is looked at again", "find out who takes away what the message names, then redrive the execution");
    failure.as_fault(Fault::Conflict, hint)
}
