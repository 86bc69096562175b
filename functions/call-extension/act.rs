//! Calls an extension to do what it said.

use berth_step::StepError;
use berth_tenancy::{ExtensionKind, Mode};

use crate::{CallExtension, Ended, Input, observe};

/// A function answers; of a state machine a later attempt sees how its execution ended.
pub(crate) async fn act(clients: &CallExtension, input: &Input) -> Result<Ended, StepError> {
    match input.extension.kind() {
        ExtensionKind::Function => observe::invoke(clients, input, Mode::Apply).await,
        ExtensionKind::StateMachine => observe::start(clients, input, Mode::Apply).await,
    }
}
