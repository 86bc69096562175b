//! Performs one change. What an error code means is written beside its call.

mod backup;
mod config;
mod settings;

use berth_step::StepError;

use crate::{Action, Effect, Input, clients::Clients};

/// Performs one change.
pub(crate) async fn act(clients: &Clients, input: &Input, action: &Action) -> Result<Effect, StepError> {
    let id = match action {
        Action::EncryptVolumes
        | Action::SetVolumeKey { .. }
        | Action::RequireImdsV2
        | Action::BlockSnapshotSharing { .. }
        | Action::BlockPublicAccess => settings::act(clients, input, action).await.map(|()| String::new()),
        Action::EnsureConfigRole
        | Action::PutRecorder { .. }
        | Action::PutChannel { .. }
        | Action::StartRecorder
        | Action::PutRule { .. } => config::act(clients, input, action).await.map(|()| String::new()),
        Action::CreateVault { .. }
        | Action::CreatePlan { .. }
        | Action::TagVault { .. }
        | Action::TagPlan { .. }
        | Action::UpdatePlan { .. }
        | Action::CreateSelection { .. }
        | Action::DeleteSelection { .. } => backup::act(clients, input, action).await,
    }?;
    Ok(Effect { done: action.clone(), id })
}
