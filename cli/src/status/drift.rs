//! What `berth status` says of how an account stands to its plan.

use berth_ledger::{Drift, Record, Status};
use berth_tenancy::Standing;

use crate::paint;

/// How an onboarded account stands, where somebody should know: it has drifted, or nobody could look.
pub(super) fn of_note(record: &Record) -> Option<&Drift> {
    let drift = record.drift.as_ref().filter(|_| record.status == Status::Onboarded);
    drift.filter(|drift| drift.standing != Standing::InSync)
}

/// The same in a few words, for a list.
pub(super) fn note(record: &Record) -> Option<String> {
    let drift = of_note(record)?;
    Some(match drift.standing {
        Standing::Unknown => "drift unknown".to_owned(),
        Standing::InSync | Standing::Drifted => format!("drifted: {}", differences(drift)),
    })
}

/// How many differences there are: `6 differences`.
fn differences(drift: &Drift) -> String {
    let count = drift.counts.sum() + drift.planned_changes.values().map(Vec::len).sum::<usize>();
    format!("{count} {}", if count == 1 { "difference" } else { "differences" })
}

/// How it stands, and what is different. Of an account in which nobody but its own run has looked nothing: it was made as it
/// is planned.
pub(super) fn print(record: &Record) {
    let Some(drift) = record.drift.as_ref().filter(|_| record.status == Status::Onboarded) else { return };
    let (account, at) = (&record.account_id, drift.looked_at);
    let is_of_its_run = record.execution_arn.as_ref() == Some(&drift.execution_arn);
    match drift.standing {
        Standing::InSync if is_of_its_run => return,
        Standing::InSync => return anstream::println!("  drift      {} as of {at}", paint::good("in sync")),
        Standing::Unknown => {
            let failure = drift.failure.as_ref();
            let why = failure.map(|failure| format!("{}: {}: {}", failure.state, failure.fault, failure.message));
            let text = format!("unknown since {}: {}", drift.since, why.unwrap_or_default());
            anstream::println!("  drift      {}", paint::bad(&text));
            let hint = failure.map(|failure| failure.hint.as_str()).filter(|hint| !hint.is_empty());
            return anstream::println!("  next       {}", hint.unwrap_or("look at the execution"));
        }
        Standing::Drifted => {}
    }
    let text = format!("{} since {}, as of {at}", differences(drift), drift.since);
    anstream::println!("  drifted    {}", paint::bad(&text));
    for change in &drift.changes {
        anstream::println!("    {change}");
    }
    if drift.untold() > 0 {
        anstream::println!("    and {} more", drift.untold());
    }
    let others =
        drift.planned_changes.iter().flat_map(|(region, changes)| changes.iter().map(move |one| (region, one)));
    for (region, change) in others {
        anstream::println!("    ! {region}: {}", change.what);
    }
    let leave = if drift.counts.disrupts > 0 { " --allow-disruption" } else { "" };
    if drift.counts.sum() > 0 {
        anstream::println!(
            "  next       berth onboard {account} --plan{leave} shows it whole; without --plan it is mended"
        );
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{super::tests::record, *};

    fn with_drift(status: &str, standing: &str, changes: usize) -> Record {
        let at = "2026-11-30T00:00:00Z";
        let drift = json!({
            "standing": standing, "since": at, "lookedAt": at, "executionArn": "arn:look",
            "counts": { "create": changes, "change": 0, "delete": 0, "disrupts": 0 },
        });
        Record { drift: serde_json::from_value(drift).unwrap(), ..record(status) }
    }

    #[test]
    fn only_onboarded_accounts_that_are_not_in_sync_are_of_note() {
        assert_eq!(note(&with_drift("onboarded", "drifted", 1)).unwrap(), "drifted: 1 difference");
        assert_eq!(note(&with_drift("onboarded", "drifted", 6)).unwrap(), "drifted: 6 differences");
        assert_eq!(note(&with_drift("onboarded", "unknown", 0)).unwrap(), "drift unknown");
        assert_eq!(note(&with_drift("onboarded", "inSync", 0)), None);
        assert_eq!(note(&with_drift("failed", "drifted", 6)), None, "its next run mends it, or says why not");
        assert_eq!(note(&record("onboarded")), None);
    }
}
