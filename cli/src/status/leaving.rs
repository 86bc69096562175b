//! What `berth status` says of an account that leaves, or of which a part goes.

use berth_ledger::{Record, Status, Suspension};
use berth_tenancy::OffboardingScope;

use crate::paint;

/// What a person should know of an account besides its status.
pub(super) fn note(record: &Record) -> Option<String> {
    if let Some(part) = &record.part {
        return Some(format!("({} only)", part.words()));
    }
    if record.access_removed.is_some() {
        return Some("without access".to_owned());
    }
    if is_shown_suspended(record) {
        return Some("suspended".to_owned());
    }
    record.offboarding.as_ref().map(|_| "to be offboarded".to_owned())
}

/// Whether people should know that it is suspended: not while an execution is about to take its entry out.
fn is_shown_suspended(record: &Record) -> bool {
    let is_on_its_way = |suspended: &Suspension| suspended.execution.is_some() && record.status == Status::Offboarding;
    record.suspended.as_ref().is_some_and(|suspended| !is_on_its_way(suspended))
}

/// That an account is suspended, without access or to be offboarded, or what is left of it. `is_past_failure`: its execution
/// runs again, or has succeeded since.
pub(super) fn print(record: &Record, is_past_failure: bool) {
    let account = &record.account_id;
    if let Some(suspended) = record.suspended.as_ref().filter(|_| is_shown_suspended(record)) {
        let text = format!("since {}: {}", suspended.since, suspended.reason);
        anstream::println!("  suspended  {}", paint::waiting(&text));
        anstream::println!("  next       berth suspend {account} --lift ends it; no run of the onboarding does");
    }
    if let Some(removal) = &record.access_removed {
        let text = format!("its access was taken away at {}, for a transfer", removal.since);
        anstream::println!("  access     {}", paint::bad(&text));
        let again = OffboardingScope::Access.command(account, None);
        anstream::println!("  next       {again} goes on; berth onboard {account} gives it back, if it is who it was");
    }
    if let Some(mark) = &record.offboarding {
        let text = format!("to be offboarded since {}: {}", mark.since, mark.reason);
        anstream::println!("  leaves     {}", paint::waiting(&text));
        anstream::println!("  next       berth offboard {account} --plan, then --yes or --cancel");
    }
    if let Some(part) = &record.part {
        anstream::println!("  part       {}, and nothing else of it", part.words());
    }
    if record.status == Status::OffboardingFailed && !is_past_failure {
        let part = record.part.as_ref();
        let scope = part.map_or(OffboardingScope::Account, |part| part.scope);
        let command = scope.command(account, part.and_then(|part| part.region.as_ref()));
        anstream::println!("  go on with {command}");
    }
    left(record);
}

/// What an account had that was offboarded, and what stayed.
fn left(record: &Record) {
    let Some(tombstone) = record.offboarded.as_ref().filter(|_| record.status == Status::Offboarded) else { return };
    if let Some((tenant, environment)) = tombstone.tenant.as_ref().zip(tombstone.environment.as_ref()) {
        anstream::println!("  was        {tenant} ({environment})");
    }
    for line in &tombstone.left_behind {
        anstream::println!("  left       {line}");
    }
}
