//! From the end of an offboarding to what it means for the account. Pure.

use berth_contract::{LeftBaseline, OffboardingOutput};
use berth_events::Failure;
use berth_ledger::{Ending, Part, PartOffboarded, Record, Tombstone};
use berth_step::{Fault, StepError};
use berth_tenancy::{AccountId, LeftOver, Mode, OffboardingScope, Region};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{Change, Ended};

/// Name of the state machine, as it stands in the ARNs of its executions.
const MACHINE: &str = ":execution:berth-offboard-account:";

/// The state after which access that is still there is told.
const LAST_STATE: &str = "EnteredAccounts";

/// Why access stays that an offboarding was to take away.
const NOT_TAKEN: &str = "it has not Berth's tags any more, or somebody uses it; a person must remove it";

/// The execution's input, as far as it is read here.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    account_id: AccountId,
    #[serde(default)]
    mode: Mode,
    #[serde(default)]
    scope: OffboardingScope,
    #[serde(default)]
    region: Option<Region>,
    #[serde(default)]
    access_removed: bool,
    #[serde(default)]
    reason: Option<String>,
}

/// Whether the execution was an offboarding.
#[must_use]
pub(crate) fn is_offboarding(change: &Change) -> bool {
    change.execution_arn.contains(MACHINE)
}

/// The account that an offboarding was about; none when its input names none.
#[must_use]
pub(crate) fn account(change: &Change) -> Option<AccountId> {
    request(change).map(|request| request.account_id)
}

fn request(change: &Change) -> Option<Request> {
    serde_json::from_str(change.input.as_deref().unwrap_or_default()).ok()
}

/// The part of the account that the execution's input names; none where it takes all of it.
pub(crate) fn asked_part(change: &Change) -> Option<(OffboardingScope, Option<Region>)> {
    let Request { scope, region, .. } = request(change)?;
    (scope != OffboardingScope::Account).then_some((scope, region))
}

/// What it means that a part of the account was taken, which stays. Access that is still there makes it a failure, unless a
/// person has said that it is gone: whoever goes on would give access twice.
fn part_of(
    change: &Change,
    account: AccountId,
    scope: OffboardingScope,
    (left_over, baselines): (&[LeftOver], &[LeftBaseline]),
    record: Option<&Record>,
) -> Ended {
    let Some(record) = record else { return Ended::Silent { reason: "took a part of an unknown account".to_owned() } };
    let request = request(change);
    let is_claimed = request.as_ref().is_some_and(|request| request.access_removed);
    let (region, reason) = request.map_or((None, None), |request| (request.region, request.reason));
    let ending = if left_over.is_empty() || is_claimed {
        let part = record.part.clone().unwrap_or_else(|| Part::of(record, scope, region));
        let reason = reason.unwrap_or_else(|| "a person asked for it".to_owned());
        let is_baseline_gone = baselines
            .iter()
            .any(|baseline| part.region.as_ref() == Some(&baseline.region) && baseline.left_behind.is_empty());
        Ending::PartOffboarded(Box::new(PartOffboarded { part, reason, is_baseline_gone }))
    } else {
        let named: Vec<String> = left_over.iter().map(|left| left.thing.to_string()).collect();
        let what = format!("{} could not be taken away: {NOT_TAKEN}", named.join(", "));
        let next = "remove it by hand, then run the command again with --old-access-removed";
        Ending::OffboardingFailed(Failure::new(LAST_STATE, Fault::NotOwned.name(), &what, Some(next)))
    };
    Ended::Outcome { account, ending }
}

/// What the end of an offboarding means. `record` is the account's, before anything is written.
pub fn ended(change: &Change, failure: Option<Failure>, record: Option<&Record>) -> Result<Ended, StepError> {
    let silent = |reason: String| Ok(Ended::Silent { reason });
    if change.status.is_failure() {
        let Some(Request { account_id, mode, .. }) = request(change) else {
            return silent("failed, and its input names no account".to_owned());
        };
        if mode == Mode::Plan {
            return silent("failed while it only planned".to_owned());
        }
        let failure = failure.unwrap_or_else(|| Failure::from_status(change.status.name(), None, None, ""));
        if failure.fault == Fault::Superseded.name() {
            return silent(format!("was superseded: {}", failure.message));
        }
        return Ok(Ended::Outcome { account: account_id, ending: Ending::OffboardingFailed(failure) });
    }
    let (run, scope, is_closed, regions, mut left_behind, baselines, left_over, commit, readiness, changes) =
        match change.read_output()? {
            OffboardingOutput::Ignore { reason, .. } => return silent(format!("had nothing to take away: {reason}")),
            OffboardingOutput::Duplicate { reason, .. } => return silent(format!("was a duplicate: {reason}")),
            OffboardingOutput::Offboard {
                run,
                scope,
                is_closed,
                regions,
                left_behind,
                baselines,
                left_over,
                commit,
                readiness,
                changes,
            } => (run, scope, is_closed, regions, left_behind, baselines, left_over, commit, readiness, changes),
        };
    if run.mode == Mode::Plan {
        return silent("only planned".to_owned());
    }
    if scope != OffboardingScope::Account {
        return Ok(part_of(change, run.account_id, scope, (&left_over, &baselines), record));
    }
    left_behind.extend(left_over.iter().map(|left| format!("{}: {NOT_TAKEN}", left.thing)));
    left_behind.extend(readiness.into_iter().map(|cluster| format!("{}: {}", cluster.cluster, cluster.message)));
    let blocks: Vec<Value> =
        regions.iter().map(|each| json!({ "region": each.region, "blocks": each.blocks })).collect();
    let record = record.filter(|record| record.lease.as_deref() == Some(change.execution_arn.as_str()));
    let snapshot = json!({ "record": record, "blocks": blocks, "commit": commit.sha, "changes": changes });
    let (tenant, environment) = (Some(run.tenant), Some(run.environment));
    let tombstone = Tombstone { tenant, environment, is_closed, left_behind, snapshot };
    Ok(Ended::Outcome { account: run.account_id, ending: Ending::Offboarded(Box::new(tombstone)) })
}
