//! Looks for drift: starts plans of the onboarded accounts whose turn it is.
//!
//! A look is an execution of the state machine in mode `plan`, which changes nothing and needs no lease; `announce-outcome`
//! writes down what it found. So this only decides whom to look at, and how many at a time.

mod act;
mod decide;
mod repair;

use aws_sdk_sfn::Client as StepFunctions;
use berth_config::PlatformConfig;
use berth_contract::drift::{Input, Report};
use berth_ledger::{Ledger, Listing, Record, Status};
use berth_step::{Fault, StepError, write_standings};
use berth_tenancy::{AccountId, Standing};
use jiff::Timestamp;

pub use crate::{
    decide::{Decided, LOOKS_PER_TICK_MAX, Look, TICK_MINUTES, decide, standings, turn},
    repair::{Repair, Repairs, repairs},
};

/// Most accounts that a person may name at once.
const NAMED_MAX: usize = 50;

#[derive(Debug, Clone)]
pub struct DetectDrift {
    /// The platform's configuration, or why it cannot be used.
    pub platform: Result<PlatformConfig, String>,
    pub ledger: Ledger,
    /// Starts executions.
    pub step_functions: StepFunctions,
    /// ARN of the state machine.
    pub state_machine: String,
}

impl DetectDrift {
    /// Looks once, at the time `now`. An account that cannot be looked at holds up no other; afterwards it ends with an error,
    /// so that the alarm hears of it.
    pub async fn handle(&self, input: Input, now: Timestamp) -> Result<Report, StepError> {
        let platform = self.platform.as_ref().map_err(|why| {
            StepError::new(Fault::InvalidInput, format!("platform.yaml of this deployment cannot be used: {why}"))
                .hint("run `berth validate platform.yaml`, correct it, and deploy again; the next tick looks")
        })?;
        let schedule = platform.drift_schedule;
        let (dry_run, is_on) = (input.dry_run, schedule.is_some());
        if schedule.is_none() && input.accounts.is_empty() {
            return Ok(Report { dry_run, is_on, ..Report::default() });
        }
        let Listing { records, unreadable } = self.ledger.list().await?;
        let (decided, repairs) = match schedule {
            Some(schedule) if input.accounts.is_empty() => {
                (decide(&records, schedule.period(), now), repairs(platform, &records))
            }
            _ => (asked_for(&records, &input.accounts, now)?, Repairs::default()),
        };
        if !dry_run {
            let count = |standing| decided.standings.get(&standing).copied().unwrap_or_default();
            write_standings([Standing::InSync, Standing::Drifted, Standing::Unknown].map(count), now);
        }
        let mut problems: Vec<StepError> = unreadable.into_iter().map(|each| each.error).collect();
        if !dry_run {
            problems.extend(self.start(&decided.looks, &repairs.due).await);
        }
        let Decided { looks, waiting, standings } = decided;
        let Repairs { due, unrepaired } = repairs;
        for (account, why) in &unrepaired {
            tracing::warn!(account = account.as_str(), why, "is not repaired");
        }
        let problem_count = problems.len();
        tracing::info!(
            looks = looks.len(),
            waiting,
            repairs = due.len(),
            ?standings,
            dry_run,
            problems = problem_count,
            "looked"
        );
        if dry_run || problems.is_empty() {
            let looks = looks.into_iter().map(|look| look.account_id).collect();
            let repairs = due.into_iter().map(|repair| repair.account_id).collect();
            return Ok(Report { dry_run, is_on, looks, repairs, unrepaired, waiting, standings });
        }
        for error in &problems {
            let account = error.account.as_ref().map(AccountId::as_str);
            tracing::error!(account, fault = %error.fault, causes = ?error.chain(), "{}", error.message);
        }
        let done = format!("{} accounts were to be looked at", looks.len());
        Err(StepError::of_many(problems, &done, "berth-detect-drift"))
    }

    /// Starts looks and repairs. Answers what could not be started: the next tick does it.
    async fn start(&self, looks: &[Look], repairs: &[Repair]) -> Vec<StepError> {
        let looks = looks.iter().map(|look| (&look.account_id, look.name.as_str(), act::look(&look.account_id)));
        let repairs = repairs
            .iter()
            .map(|repair| (&repair.account_id, repair.name.as_str(), act::repair(&repair.account_id, &repair.limit)));
        let mut problems = Vec::new();
        // One after the other: what they ask of shared services comes one after the other, too.
        for (account, name, input) in looks.chain(repairs) {
            let started = act::start(&self.step_functions, &self.state_machine, name, &input).await;
            problems.extend(started.err().map(|error| error.for_account(account)));
        }
        problems
    }
}

/// The accounts that a person names, each of which can be looked at.
fn asked_for(records: &[Record], accounts: &[AccountId], now: Timestamp) -> Result<Decided, StepError> {
    if accounts.len() > NAMED_MAX {
        let what = format!("{} accounts are named, and {NAMED_MAX} are looked at together", accounts.len());
        return Err(StepError::new(Fault::InvalidInput, what).hint("name fewer, and the others afterwards"));
    }
    let mut decided = Decided { standings: standings(records), ..Decided::default() };
    for account in accounts {
        let known = records.iter().find(|record| record.account_id == *account);
        if let Some(why) = cannot_look(known) {
            let what = format!("only an onboarded account is looked at for drift, and {account} {why}");
            return Err(StepError::new(Fault::InvalidInput, what)
                .hint("leave it out; `berth onboard ACCOUNT --plan` says what an onboarding would change"));
        }
        // A person who asks again wants another look.
        let name = format!("{account}-drift-at-{}", now.as_second());
        decided.looks.push(Look { account_id: account.clone(), name });
    }
    Ok(decided)
}

/// Why an account is not looked at.
fn cannot_look(record: Option<&Record>) -> Option<String> {
    match record {
        None => Some("is not in the ledger".to_owned()),
        Some(record) if record.offboarding.is_some() => Some("is to be offboarded".to_owned()),
        Some(record) => (record.status != Status::Onboarded).then(|| format!("is {}", record.status.name())),
    }
}
