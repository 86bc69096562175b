//! Which assignments are asked for now, and what is waited for. Pure.

use std::fmt;

use berth_ledger::SignInRecord;
use berth_step::{Decision, Fault, StepError};
use berth_tenancy::{AssignmentPlan, Mode};

use crate::{Input, Observed, Output, State, World};

/// Requests that Identity Center works on at once, for the whole organization.
/// <https://docs.aws.amazon.com/singlesignon/latest/userguide/limits.html>
pub const OUTSTANDING_MAX: usize = 10;

/// One change: an assignment is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action {
    /// The assignment.
    pub assignment: AssignmentPlan,
    /// Id of the group.
    pub group_id: String,
    /// ARN of the permission set.
    pub permission_set_arn: String,
    /// Why an earlier request failed, when there was one.
    pub failed_before: Option<String>,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "assign {}", shown(&self.assignment))
    }
}

/// Compares Identity Center with the plan. Assignments that the plan does not have are left: people make them too.
pub fn decide(input: &Input, world: &World) -> Result<Decision<Action, Output>, StepError> {
    let planning = input.run.mode == Mode::Plan;
    let absent: Vec<Action> = world.assignments.iter().filter_map(wanted).collect();
    // A plan asks for nothing, so the limit is no matter of it.
    let free = if planning { usize::MAX } else { OUTSTANDING_MAX.saturating_sub(world.outstanding) };
    if !absent.is_empty() && free > 0 {
        return Ok(Decision::Act(absent.into_iter().take(free).collect()));
    }
    if !planning {
        asked_again(world)?;
        waits(world, &absent)?;
    }
    let record = |AssignmentPlan { group, permission_set, permission_set_arn: _ }: &AssignmentPlan| SignInRecord {
        group: group.clone(),
        permission_set: permission_set.clone(),
    };
    Ok(Decision::Done(Output { sign_in: world.assignments.iter().map(|seen| record(&seen.assignment)).collect() }))
}

fn wanted(observed: &Observed) -> Option<Action> {
    let Observed { assignment, group_id, permission_set_arn, state } = observed;
    let State::Absent { failed } = state else { return None };
    Some(Action {
        assignment: assignment.clone(),
        group_id: group_id.clone(),
        permission_set_arn: permission_set_arn.clone(),
        failed_before: failed.clone(),
    })
}

/// A request that failed was asked for again. The state machine counts these, few, and then shows the reason.
fn asked_again(world: &World) -> Result<(), StepError> {
    for observed in &world.assignments {
        if let State::UnderWay { failed_before: Some(reason) } = &observed.state {
            let what = format!("Identity Center could not assign {}: {reason}", shown(&observed.assignment));
            let next =
                "nothing yet: Berth has asked again; when it stays, remove what is named and redrive the execution";
            return Err(StepError::new(Fault::Conflict, what).next(next));
        }
    }
    Ok(())
}

/// What Identity Center is still doing is waited for. Without room for ours it is a matter of how much everybody asks
/// for, so the pauses grow, as after any other `Throttled`.
fn waits(world: &World, absent: &[Action]) -> Result<(), StepError> {
    if let Some(first) = absent.first() {
        let (outstanding, waiting) = (world.outstanding, absent.len());
        let what = format!(
            "Identity Center has {outstanding} assignments outstanding and takes no more than {OUTSTANDING_MAX}; \
             {waiting} of this account wait, first {}",
            shown(&first.assignment)
        );
        let next = "nothing yet: other accounts are served first; Berth asks again, less and less often, for a day";
        return Err(StepError::new(Fault::Throttled, what).next(next));
    }
    let under_way = world.assignments.iter().find(|seen| matches!(seen.state, State::UnderWay { .. }));
    under_way.map_or(Ok(()), |observed| {
        let what = format!("Identity Center is still assigning {}", shown(&observed.assignment));
        let next =
            "nothing yet: Identity Center takes seconds to minutes for an assignment; Berth asks again until its limit";
        Err(StepError::new(Fault::NotReady, what).next(next))
    })
}

/// An assignment for a person.
fn shown(AssignmentPlan { group, permission_set, permission_set_arn: _ }: &AssignmentPlan) -> String {
    format!("group {group} with permission set {permission_set}")
}
