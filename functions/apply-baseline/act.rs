//! Makes one change. What an error code means is written beside its call.

mod backup;
mod config;
mod settings;

use berth_step::StepError;

use crate::{Change, Input, observe::Clients};

/// Makes one change. Answers the id of what was made in AWS Backup.
pub(crate) async fn act(clients: &Clients, input: &Input, change: &Change) -> Result<String, StepError> {
    match change {
        Change::Setting(change) => settings::act(clients, input, change).await?,
        Change::Config(change) => config::act(clients, input, change).await?,
        Change::Backup(change) => return backup::act(&clients.backup, input, change).await,
    }
    Ok(String::new())
}
