//! What becomes of things of the baseline that the account was given and that the plan does not have any more. Pure.

use std::collections::BTreeSet;

use berth_tenancy::{BaselinePart, LeftOver, Thing};

use super::{RECORDER, are_ours, removal};
use crate::{Change, Input, Left, State};

/// What is removed next: on record, said to go, with Berth's tags, and needed by nothing.
pub(super) fn removals(input: &Input, state: &State) -> Vec<Change> {
    let Some(left) = &state.left else { return Vec::new() };
    let is_said = |part: &BaselinePart| input.parts().any(|(said, left)| said == part && left.remove);
    let planned = input.baseline.parts();
    // A rule that this run has made is not in what was read before.
    let has_rules = planned.iter().any(|part| matches!(part, BaselinePart::ConfigRule(_)));
    let goes = |part: &BaselinePart| {
        is_said(part) && !planned.contains(part) && !(has_rules && *part == BaselinePart::ConfigRecorder)
    };
    removal::changes(left, state.plan.as_ref(), &goes)
}

/// What is left over and still there: what may not be removed, what is not provably ours, and what is in use; where nobody
/// has listed what the baseline has, all that is ours and not planned.
pub(super) fn still_there(input: &Input, state: &State) -> Vec<LeftOver> {
    let Some(there) = &state.left else { return Vec::new() };
    let mut left: Vec<LeftOver> =
        input.parts().filter(|(part, _)| is_there(there, part)).map(|(_, left)| left.clone()).collect();
    if let Some(whole) = input.whole() {
        let (region, planned) = (&input.baseline.region, input.baseline.parts());
        let thing = |part| Thing::BaselinePart { region: region.clone(), part };
        let ours = ours(there).into_iter().filter(|part| !planned.contains(part));
        let until_next_run = whole.until_next_run;
        left.extend(ours.map(|part| LeftOver { until_next_run, ..LeftOver::new(thing(part), false) }));
    }
    left
}

/// The baseline with all that it has: what is planned and Berth's, and what is left over.
pub(super) fn listed(input: &Input, state: &State, left_over: &[LeftOver]) -> Thing {
    let is_ours = |part: &BaselinePart| match part {
        // Of a rule that says what is planned the tags are read only where the organization has some.
        BaselinePart::ConfigRule(name) => {
            state.rules.get(name).is_none_or(|rule| rule.tags.is_none() || are_ours(input, rule.tags.as_ref()))
        }
        BaselinePart::ConfigRecorder => state.recorder.as_ref().is_some_and(|there| there.name == RECORDER),
        BaselinePart::BackupPlan | BaselinePart::BackupVault(_) => true,
    };
    let left = left_over.iter().filter_map(|left| match &left.thing {
        Thing::BaselinePart { part, .. } => Some(part.clone()),
        _ => None,
    });
    let parts: BTreeSet<BaselinePart> = input.baseline.parts().into_iter().filter(is_ours).chain(left).collect();
    input.thing(Some(parts))
}

/// Whether it is there, whoever it belongs to by now.
fn is_there(there: &Left, part: &BaselinePart) -> bool {
    match part {
        BaselinePart::ConfigRule(name) => there.rules.iter().any(|rule| rule.name == *name),
        BaselinePart::ConfigRecorder => there.recorder.is_some(),
        BaselinePart::BackupPlan => !there.plans.is_empty(),
        BaselinePart::BackupVault(name) => there.vaults.iter().any(|vault| vault.name == *name),
    }
}

/// All that is provably Berth's.
fn ours(there: &Left) -> BTreeSet<BaselinePart> {
    let rules = there.rules.iter().filter(|rule| rule.ours).map(|rule| BaselinePart::ConfigRule(rule.name.clone()));
    let vaults = there.vaults.iter().filter(|vault| vault.ours);
    let plan = there.plans.iter().any(|plan| plan.ours).then_some(BaselinePart::BackupPlan);
    let recorder = there.recorder.as_ref().filter(|recorder| recorder.ours).map(|_| BaselinePart::ConfigRecorder);
    let vaults = vaults.map(|vault| BaselinePart::BackupVault(vault.name.clone()));
    rules.chain(vaults).chain(plan).chain(recorder).collect()
}
