//! Which assignments are asked for now, and what is waited for. Pure.

use berth_ledger::SignInRecord;
use berth_step::{Decision, Fault, StepError};
use berth_tenancy::{AssignmentPlan, Mode, wait};

use crate::{Change, Input, ObservedAssignment, ObservedLeftOver, Output, Progress, State, change::shown};

/// Requests that Identity Center works on at once, for the whole organization.
/// <https://docs.aws.amazon.com/singlesignon/latest/userguide/limits.html>
pub const OUTSTANDING_MAX: usize = 10;

/// Compares Identity Center with the plan. Of the assignments that the plan does not have only those on record are looked
/// at: people make them too.
pub(crate) fn decide(input: &Input, state: &State) -> Result<Decision<Change, Output>, StepError> {
    let planning = input.run.mode == Mode::Plan;
    let absent: Vec<Change> = state.assignments.iter().filter_map(wanted).collect();
    // A plan asks for nothing, so the limit is no matter of it.
    let free = if planning { usize::MAX } else { OUTSTANDING_MAX.saturating_sub(state.outstanding) };
    if !absent.is_empty() && free > 0 {
        return Ok(Decision::Act(absent.into_iter().take(free).collect()));
    }
    if !planning {
        asked_again(state)?;
        waits(state, &absent)?;
    }
    // Last: nobody is let out before whoever shall be in is let in.
    let removals: Vec<Change> = state.left_over.iter().filter_map(removal).collect();
    if !removals.is_empty() && free > 0 {
        return Ok(Decision::Act(removals.into_iter().take(free).collect()));
    }
    if !planning {
        waits_for_removal(state)?;
    }
    let record = |AssignmentPlan { group, permission_set, permission_set_arn: _ }: &AssignmentPlan| SignInRecord {
        group: group.clone(),
        permission_set: permission_set.clone(),
    };
    let left_over = match &input.sign_in {
        Some(_) => state.left_over.iter().map(ObservedLeftOver::left_over).collect(),
        // Without Identity Center in platform.yaml nobody can look.
        None => input.left_over.clone(),
    };
    let sign_in = state.assignments.iter().map(|one| record(&one.assignment)).collect();
    Ok(Decision::Done(Output { sign_in, left_over }))
}

fn wanted(observed: &ObservedAssignment) -> Option<Change> {
    let ObservedAssignment { assignment, group_id, permission_set_arn, progress } = observed;
    let Progress::Absent { failed } = progress else { return None };
    Some(Change::Assign {
        assignment: assignment.clone(),
        group_id: group_id.clone(),
        permission_set_arn: permission_set_arn.clone(),
        failed_before: failed.clone(),
    })
}

fn removal(left: &ObservedLeftOver) -> Option<Change> {
    let ObservedLeftOver { group, permission_set, group_id, permission_set_arn, remove, until_next_run: _, is_leaving } =
        left;
    (*remove && !is_leaving).then(|| Change::Remove {
        group: group.clone(),
        permission_set: permission_set.clone(),
        group_id: group_id.clone(),
        permission_set_arn: permission_set_arn.clone(),
    })
}

/// Access that is being taken away is waited for: until then it is there.
fn waits_for_removal(state: &State) -> Result<(), StepError> {
    let Some(left) = state.left_over.iter().find(|left| left.remove) else { return Ok(()) };
    let (group, permission_set) = (&left.group, &left.permission_set);
    let what = format!("Identity Center is still removing group {group} with permission set {permission_set}");
    let hint = wait(
        "Identity Center takes seconds to minutes for a removal; Berth asks again until its limit",
        "remove the assignment by hand and redrive the execution",
    );
    Err(StepError::new(Fault::NotReady, what).hint(hint))
}

/// A request that failed was asked for again. The state machine counts these, few, and then shows the reason.
fn asked_again(state: &State) -> Result<(), StepError> {
    for observed in &state.assignments {
        if let Progress::UnderWay { failed_before: Some(reason) } = &observed.progress {
            let what = format!("Identity Center could not assign {}: {reason}", shown(&observed.assignment));
            let next = wait(
                "Berth has asked again",
                "remove the reason that Identity Center gives, then redrive the execution",
            );
            return Err(StepError::new(Fault::Conflict, what).hint(next));
        }
    }
    Ok(())
}

/// What Identity Center is still doing is waited for. Without room for ours it is a matter of how much everybody asks
/// for, so the pauses grow, as after any other `Throttled`.
fn waits(state: &State, absent: &[Change]) -> Result<(), StepError> {
    if let Some(Change::Assign { assignment: first, .. }) = absent.first() {
        let (outstanding, waiting) = (state.outstanding, absent.len());
        let what = format!(
            "Identity Center has {outstanding} assignments outstanding and takes no more than {OUTSTANDING_MAX}; \
             {waiting} of this account wait, first {}",
            shown(first)
        );
        let next = wait(
            "other accounts are served first",
            "see in Identity Center who makes so many assignments, then redrive the execution",
        );
        return Err(StepError::new(Fault::Throttled, what).hint(next));
    }
    let under_way = state.assignments.iter().find(|one| matches!(one.progress, Progress::UnderWay { .. }));
    under_way.map_or(Ok(()), |observed| {
        let what = format!("Identity Center is still assigning {}", shown(&observed.assignment));
        let next = wait(
            "Identity Center takes seconds to minutes for an assignment",
            "see in Identity Center whether the assignment is stuck or has failed, then redrive the execution",
        );
        Err(StepError::new(Fault::NotReady, what).hint(next))
    })
}
