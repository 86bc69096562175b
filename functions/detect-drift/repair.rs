//! Which accounts are repaired, and which wait for a person. Pure.

use std::collections::BTreeMap;

use berth_config::PlatformConfig;
use berth_contract::{Drift, drift::repair_name};
use berth_ledger::{Record, Status};
use berth_tenancy::{AccountId, Action, RepairLimit, Standing, UntaggedKind};

use crate::LOOKS_PER_TICK_MAX;

/// One account that is repaired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repair {
    /// The account.
    pub account_id: AccountId,
    /// Name of the execution: the same for the same look.
    pub name: String,
    /// What may be mended.
    pub limit: RepairLimit,
}

/// What becomes of accounts that have drifted in environments with `repair`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Repairs {
    /// Accounts that are repaired, by account id.
    pub due: Vec<Repair>,
    /// Accounts that have something to repair and wait for a person, each with why.
    pub unrepaired: BTreeMap<AccountId, String>,
}

/// Decides about every account that has drifted. One that is to leave, or that a person has suspended, is left alone.
#[must_use]
pub fn repairs(platform: &PlatformConfig, records: &[Record]) -> Repairs {
    let mut repairs = Repairs::default();
    let is_settled = |record: &&Record| {
        record.status == Status::Onboarded && record.offboarding.is_none() && record.suspended.is_none()
    };
    for record in records.iter().filter(is_settled) {
        let environment = record.environment.as_ref().and_then(|name| platform.environments.get(name));
        let limit = environment.and_then(|environment| environment.on_drift.repairs());
        let drift = record.drift.as_ref().filter(|drift| drift.standing == Standing::Drifted);
        let (Some(limit), Some(drift)) = (limit, drift) else { continue };
        if !drift.changes.iter().any(|change| limit.allows(change.action, change.kind)) {
            continue;
        }
        let account_id = record.account_id.clone();
        if let Some(why) = blocked(drift, &limit) {
            repairs.unrepaired.insert(account_id, why);
            continue;
        }
        let name = repair_name(&account_id, &drift.execution_arn);
        repairs.due.push(Repair { account_id, name, limit });
    }
    repairs.due.truncate(LOOKS_PER_TICK_MAX);
    repairs
}

/// Why a repair cannot go through: something is not there that others may need and it may not make, it would need a commit, or
/// nobody knows all that has drifted.
fn blocked(drift: &Drift, limit: &RepairLimit) -> Option<String> {
    if drift.untold() > 0 {
        return Some(format!("{} changes are too many to be told, so they are not repaired", drift.counts.sum()));
    }
    let needed = |action: Action, is_file: bool| action == Action::Create || is_file;
    let missing = drift.changes.iter().find(|change| {
        let is_file = change.kind == UntaggedKind::File.into();
        needed(change.action, is_file) && !limit.allows(change.action, change.kind)
    })?;
    Some(format!("it may not make this, which others may need: {}", missing.change))
}
