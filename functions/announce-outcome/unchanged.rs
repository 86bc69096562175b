//! Whether an onboarding found everything as the one before left it and announced it: then nobody is told again. Pure.

use berth_contract::{CommitRecord, RegionRecord};
use berth_ledger::{Ending, Record, Status};

use crate::Change;

/// Whether an event about this ending would say what subscribers know: the ending that they heard last was a good one, this
/// run changed nothing, and networks, commit and what is left over are the same. `record` is the account's, before the ending
/// is written.
#[must_use]
pub fn says_nothing_new(record: Option<&Record>, change: &Change, ending: &Ending) -> bool {
    let (Some(record), Ending::Onboarded { regions, commit, left_over, .. }) = (record, ending) else { return false };
    let network = |region: &RegionRecord| {
        (region.vpc_id.clone(), region.cidr.clone(), region.attachment_id.clone(), region.planned_changes.clone())
    };
    let sha = |commit: &CommitRecord| commit.sha.clone();
    record.announced == Some(Status::Onboarded)
        && !record.journal_is_cut
        && record.changes_of(&change.execution_arn).is_some_and(|changes| changes.is_empty())
        && record.commit.as_ref().map(sha) == Some(sha(commit))
        && record.left_over == *left_over
        && record.regions.len() == regions.len()
        && regions.iter().all(|(name, region)| record.regions.get(name).map(network) == Some(network(region)))
}
