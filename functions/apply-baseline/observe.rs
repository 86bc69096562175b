//! Reads the region, as far as the plan has it switched on.

mod backup;
mod config;
mod settings;

use berth_step::StepError;

use crate::{Input, Seen, clients::Clients};

/// Reads what the plan names: three services at once, none that is switched off.
pub(crate) async fn observe(clients: &Clients, input: &Input) -> Result<Seen, StepError> {
    let (mut settings, config, backup) = futures::try_join!(
        settings::observe(clients, &input.baseline, &input.run.account_id),
        config::observe(clients, input),
        backup::observe(clients, input),
    )?;
    config.into_seen(&mut settings);
    backup.into_seen(&mut settings);
    Ok(settings)
}
