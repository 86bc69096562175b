//! Finds accounts whose event never came, or whose onboarding stopped, and asks for their onboarding.
//!
//! CloudTrail delivers events to EventBridge as well as it can, which is not always. So the sweep compares the
//! organization with the ledger and publishes Berth's own event for each account that should be there and is not. What has
//! something of Berth's and is Berth's no longer it puts on the list of accounts that are to be offboarded, and where
//! platform.yaml says so starts that. A second sweep at the same time starts nothing twice.

mod act;
mod decide;
mod leaving;
mod observe;
mod problem;
mod publish;

use std::collections::BTreeSet;

use aws_sdk_eventbridge::Client as EventBridge;
use aws_sdk_organizations::Client as Organizations;
use aws_sdk_sfn::Client as StepFunctions;
use berth_aws::{Part, PolicyFile, SessionScope, Sessions};
use berth_config::PlatformConfig;
use berth_contract::sweep::{Ask, IdentityChange, Input, Leave, Problem, Report};
use berth_ledger::{Ledger, Listing, Record, Unreadable};
use berth_step::{Fault, StepError, write_approvals};
use berth_tenancy::AccountId;
use jiff::{SignedDuration, Timestamp};

pub use crate::{
    decide::{IDENTITY_CHANGES_MAX, Limits, Listed, State, Swept, decide, needs_tags},
    leaving::{Leaving, TAGS_PER_SWEEP, leaving, may_be_out},
};

/// What this function may do, and what its sessions are narrowed to.
const POLICY: PolicyFile = PolicyFile::new(include_str!("policy.json"));

#[derive(Debug, Clone)]
pub struct SweepAccounts {
    /// The platform's configuration, or why it cannot be used.
    pub platform: Result<PlatformConfig, String>,
    /// Sessions into the management account.
    pub sessions: Sessions,
    pub ledger: Ledger,
    /// Lists the executions that run.
    pub step_functions: StepFunctions,
    /// Publishes events.
    pub event_bridge: EventBridge,
    /// ARN of the state machine.
    pub state_machine: String,
    /// ARN of the state machine of offboardings.
    pub offboarding_machine: String,
    /// Name of the accounts bus.
    pub bus: String,
    /// Limits, unless the input has others.
    pub limits: Limits,
}

impl SweepAccounts {
    /// Sweeps once, at the time `now`. One account that cannot be read or asked for holds up no other; afterwards the sweep
    /// ends with an error, so that the alarm hears of it.
    pub async fn handle(&self, input: Input, now: Timestamp) -> Result<Report, StepError> {
        let platform = self.platform.as_ref().map_err(|why| {
            StepError::new(Fault::InvalidInput, format!("platform.yaml of this deployment cannot be used: {why}")).hint(
                "run `berth validate platform.yaml`, correct it, and deploy again; the next sweep finds everything",
            )
        })?;
        let (state, mut problems) = self.observe(platform, now).await?;
        let mut swept = decide(platform, &state, self.limits.with(&input), now);
        let mut leaving = leaving(platform, &state, now);
        problems.extend(leaving.stopped());
        if swept.is_stopped() {
            swept.asked.clear();
            leaving.listed.iter_mut().for_each(|leave| leave.starts = false);
            problems.push(problem::too_many_changes(&swept.changed));
        }
        for Leave { account_id, reason: why, starts, .. } in &leaving.listed {
            tracing::warn!(account = account_id.as_str(), why, starts, "is to be offboarded");
        }
        for IdentityChange { account_id, is, would_be, .. } in &swept.changed {
            tracing::warn!(
                account = account_id.as_str(),
                is,
                would_be,
                "would become another one, and is not asked for"
            );
        }
        let Swept { asked, left, changed } = swept;
        let (dry_run, accounts) = (input.dry_run, state.accounts.len());
        for Ask { account_id: account, generation, reason: why, .. } in &asked {
            tracing::info!(account = account.as_str(), generation, why, dry_run, "asks for an onboarding");
        }
        let mut refused = 0;
        if !dry_run {
            if let Some((waiting, oldest)) = approvals(state.records.values(), now) {
                write_approvals(waiting, oldest, now);
            }
            for each in publish::publish(&self.event_bridge, &self.bus, &asked).await {
                refused += each.accounts;
                problems.push(each.error);
            }
            let (client, machine) = (&self.step_functions, &self.offboarding_machine);
            problems.extend(act::act(&self.ledger, client, machine, &leaving, now).await);
        }
        tracing::info!(accounts, asked = asked.len(), refused, ?left, dry_run, problems = problems.len(), "swept");
        for error in &problems {
            let account = error.account.as_ref().map(AccountId::as_str);
            tracing::error!(account, fault = %error.fault, causes = ?error.chain(), "{}", error.message);
        }
        if dry_run || problems.is_empty() {
            let problems = problems.iter().map(Problem::from).collect();
            return Ok(Report { dry_run, accounts, asked, left, changed, leaving: leaving.listed, problems });
        }
        let done = format!("asked for {} accounts", asked.len() - refused);
        Err(StepError::of_many(problems, &done, "berth-sweep-accounts"))
    }

    /// The state, and what could not be read of it.
    async fn observe(&self, platform: &PlatformConfig, now: Timestamp) -> Result<(State, Vec<StepError>), StepError> {
        let organization = &platform.organization;
        let role = (&organization.management_account, &organization.read_role);
        let scope = SessionScope::in_platform(role, None, "sweep-accounts", POLICY.session(Part::Management));
        let organizations = Organizations::new(&self.sessions.assume(scope).await?);
        let (accounts, listing) = futures::join!(observe::accounts(&organizations), self.ledger.list());
        let Listing { records, unreadable } = listing?;
        let records = records.into_iter().map(|record| (record.account_id.clone(), record)).collect();
        // After the ledger: what it calls running and does not run now has ended.
        let running = observe::running(&self.step_functions, &self.state_machine).await?;
        let (accounts, mut problems) = accounts?;
        let is_whole = problems.is_empty();
        let mut state = State { accounts, records, running, is_whole, unreadable: BTreeSet::new() };
        for Unreadable { account_id, error, key: _ } in unreadable {
            state.unreadable.extend(account_id);
            problems.push(error);
        }
        let needed: BTreeSet<AccountId> = needs_tags(platform, &state).into_iter().collect();
        let asked: BTreeSet<AccountId> = needed.iter().cloned().chain(may_be_out(&state, now)).collect();
        let (mut tags, untold) = observe::tags(&organizations, asked.into_iter().collect()).await;
        state.unreadable.extend(untold.iter().filter_map(|error| error.account.clone()));
        problems.extend(untold);
        for listed in &mut state.accounts {
            let read = tags.remove(&listed.facts.account_id);
            listed.is_tagged = read.is_some() && needed.contains(&listed.facts.account_id);
            listed.facts.tags = read.unwrap_or_default();
            if !listed.is_tagged {
                listed.facts.tags.retain(|name, _| *name == platform.ignore_tag);
            }
        }
        Ok((state, problems))
    }
}

/// How many plans wait for an approval, and for how many seconds the oldest of them; none where none does.
#[must_use]
pub fn approvals<'a>(records: impl Iterator<Item = &'a Record>, now: Timestamp) -> Option<(usize, u64)> {
    let seconds = |since: Timestamp| u64::try_from(now.duration_since(since).as_secs()).unwrap_or_default();
    let ages: Vec<u64> = records.filter_map(Record::waiting).map(|asked| seconds(asked.since)).collect();
    ages.iter().max().map(|oldest| (ages.len(), *oldest))
}

impl Limits {
    /// Limits in minutes.
    #[must_use]
    pub fn of_minutes(missing: u32, stuck: u32, failed: u32) -> Self {
        let minutes = |count: u32| SignedDuration::from_mins(i64::from(count));
        Self { missing_after: minutes(missing), stuck_after: minutes(stuck), failed_after: minutes(failed) }
    }

    /// The same limits, or those that the input has.
    #[must_use]
    pub fn with(self, input: &Input) -> Self {
        let minutes = |count: Option<u32>, else_: SignedDuration| {
            count.map_or(else_, |count| SignedDuration::from_mins(i64::from(count)))
        };
        Self {
            missing_after: minutes(input.missing_after_minutes, self.missing_after),
            stuck_after: minutes(input.stuck_after_minutes, self.stuck_after),
            failed_after: minutes(input.failed_after_minutes, self.failed_after),
        }
    }
}
