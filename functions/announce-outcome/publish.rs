//! What is published of an outcome on the accounts bus.

use berth_bus::{Told, told};
use berth_contract::RegionRecord;
use berth_events::outcome::{
    AccountDriftChanged, AccountIgnored, AccountOffboarded, AccountOffboardingFailed, AccountOnboarded,
    AccountOnboardingFailed, FailedStatus, OnboardedRegion, StillThere, Version, run_again_command,
};
use berth_ledger::{Drift, Ending, Record};
use berth_step::{Fault, StepError};
use berth_tenancy::{AccountId, LeftOver, OffboardingScope, Standing};

use crate::{Change, ending::ExecutionStatus, offboarding::asked_part, standing::generation};

/// That an account stands otherwise to its plan than it stood; none where it stands as before.
pub(crate) fn drift(account: &AccountId, record: Option<&Record>, drift: &Drift) -> Result<Option<Told>, StepError> {
    let was = record.and_then(|record| record.drift.as_ref()).map_or(Standing::InSync, |before| before.standing);
    if was == drift.standing {
        return Ok(None);
    }
    let Drift { standing, since: _, looked_at, execution_arn, counts, changes, planned_changes, failure } =
        drift.clone();
    let changed = AccountDriftChanged {
        version: Version,
        account_id: account.clone(),
        tenant: record.and_then(|record| record.tenant.clone()),
        environment: record.and_then(|record| record.environment.clone()),
        execution_arn,
        standing,
        was,
        counts,
        changes,
        planned_changes,
        failure,
        looked_at,
    };
    told(&changed).map(Some)
}

/// How an execution ended.
pub(crate) fn detail(
    account: &AccountId,
    record: Option<&Record>,
    change: &Change,
    ending: &Ending,
) -> Result<Told, StepError> {
    let (version, account_id, execution_arn) = (Version, account.clone(), change.execution_arn.clone());
    let finished_at = change.ended_at()?;
    // The record's own, when it is this execution's: a person's execution has its generation from there.
    let own = record.filter(|record| record.execution_arn.as_deref() == Some(change.execution_arn.as_str()));
    let generation = generation(change).or_else(|| own.map(|record| record.generation));
    let changes = record.and_then(|record| record.changes_of(&change.execution_arn)).unwrap_or_default();
    match ending {
        Ending::Onboarded { run, regions, commit, left_over, .. } => told(&AccountOnboarded {
            version,
            account_id,
            tenant: run.tenant.clone(),
            environment: run.environment.clone(),
            execution_arn,
            generation: Some(run.generation),
            regions: regions.iter().map(|(name, network)| (name.clone(), published(network))).collect(),
            commit: Some(commit.sha.clone()),
            changes,
            left_over: left_over.iter().map(|left| still_there(account, record, left)).collect(),
            approved: own.and_then(|record| record.asked_by(&change.execution_arn)?.approved_plan()),
            suspended: record.is_some_and(|record| record.suspended.is_some()),
            finished_at,
        }),
        Ending::Failed(failure) => told(&AccountOnboardingFailed {
            version,
            account_id,
            tenant: record.and_then(|record| record.tenant.clone()),
            environment: record.and_then(|record| record.environment.clone()),
            execution_arn,
            generation,
            status: failed_status(change.status),
            failure: failure.clone(),
            run_again: run_again_command(account),
            changes,
            finished_at,
        }),
        Ending::Offboarded(_) | Ending::PartOffboarded(_) | Ending::OffboardingFailed(_) => {
            left(account, record, change, ending)
        }
        Ending::Ignored { reason } => {
            let given = record.map(Record::given).unwrap_or_default();
            told(&AccountIgnored {
                version,
                account_id,
                reason: reason.clone(),
                source: None,
                execution_arn: Some(execution_arn),
                left_over: given.iter().map(|given| StillThere::of_leaving(account, &given.thing)).collect(),
                finished_at,
            })
        }
    }
}

/// What is left over of an account that stays, or is on the list of those that are to leave.
fn still_there(account: &AccountId, record: Option<&Record>, left: &LeftOver) -> StillThere {
    match record.and_then(|record| record.offboarding.as_ref()) {
        Some(_) => StillThere::of_leaving(account, &left.thing),
        None => StillThere::of(account, left),
    }
}

/// What of a region is told.
fn published(network: &RegionRecord) -> OnboardedRegion {
    let RegionRecord { vpc_id, cidr, attachment_id, duplicate_vpcs: _, isolation: _, planned_changes } =
        network.clone();
    OnboardedRegion { vpc_id, cidr, attachment_id, planned_changes }
}

/// The same of an account that leaves.
fn left(account: &AccountId, record: Option<&Record>, change: &Change, ending: &Ending) -> Result<Told, StepError> {
    let (version, account_id, execution_arn) = (Version, account.clone(), change.execution_arn.clone());
    let finished_at = change.ended_at()?;
    let changes = record.and_then(|record| record.changes_of(&change.execution_arn)).unwrap_or_default();
    match ending {
        Ending::Offboarded(tombstone) => told(&AccountOffboarded {
            version,
            account_id,
            tenant: tombstone.tenant.clone(),
            environment: tombstone.environment.clone(),
            execution_arn,
            is_closed: tombstone.is_closed,
            left_behind: tombstone.left_behind.clone(),
            changes,
            finished_at,
        }),
        Ending::OffboardingFailed(failure) => {
            let (scope, region) = asked_part(change).unwrap_or_default();
            told(&AccountOffboardingFailed {
                version,
                account_id,
                tenant: record.and_then(|record| record.tenant.clone()),
                environment: record.and_then(|record| record.environment.clone()),
                execution_arn,
                status: failed_status(change.status),
                failure: failure.clone(),
                run_again: scope.command(account, region.as_ref()),
                scope: Some(scope).filter(|scope| *scope != OffboardingScope::Account),
                region,
                changes,
                finished_at,
            })
        }
        _ => Err(StepError::new(Fault::Bug, "an account that stays was to be announced as one that leaves")),
    }
}

/// How Step Functions calls the end of an execution that failed.
fn failed_status(status: ExecutionStatus) -> FailedStatus {
    match status {
        ExecutionStatus::TimedOut => FailedStatus::TimedOut,
        ExecutionStatus::Aborted => FailedStatus::Aborted,
        ExecutionStatus::Failed | ExecutionStatus::Succeeded => FailedStatus::Failed,
    }
}
