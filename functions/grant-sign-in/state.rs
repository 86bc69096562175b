//! What was observed of Identity Center, and how an assignment alters it.

use berth_tenancy::{AssignmentPlan, LeftOver, Thing};

use crate::Change;

/// Identity Center as far as the plan names it. The default is what an account without declared sign-in has: nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    /// Requests of the whole organization under way. Read only when an assignment is absent.
    pub outstanding: usize,
    /// What was found for each assignment of the plan, in its order.
    pub assignments: Vec<ObservedAssignment>,
    /// Assignments that are left over and there.
    pub left_over: Vec<ObservedLeftOver>,
}

/// An assignment that is left over and there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObservedLeftOver {
    /// Display name of the group.
    pub group: String,
    /// Name of the permission set.
    pub permission_set: String,
    /// Id of the group.
    pub group_id: String,
    /// ARN of the permission set.
    pub permission_set_arn: String,
    /// Whether it shall go.
    pub remove: bool,
    /// Whether it goes with the next run.
    pub until_next_run: bool,
    /// Whether this invocation has asked for its end.
    pub is_leaving: bool,
}

impl ObservedLeftOver {
    /// As the inventory keeps it, with the ids that were found.
    pub(crate) fn left_over(&self) -> LeftOver {
        let thing = Thing::SignIn {
            group: self.group.clone(),
            permission_set: self.permission_set.clone(),
            group_id: Some(self.group_id.clone()),
            permission_set_arn: Some(self.permission_set_arn.clone()),
        };
        LeftOver { thing, remove: self.remove, until_next_run: self.until_next_run }
    }
}

/// One assignment of the plan, and how far it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObservedAssignment {
    pub assignment: AssignmentPlan,
    /// Id of the group.
    pub group_id: String,
    /// ARN of the permission set.
    pub permission_set_arn: String,
    /// How far it is.
    pub progress: Progress,
}

/// How far an assignment is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// It is not there, and nobody has asked for it.
    Absent {
        /// Why Identity Center gave up an earlier request for it, when there was one.
        failed: Option<String>,
    },
    /// It was asked for.
    UnderWay {
        /// Why the request before this one failed, when this invocation saw that and asked again.
        failed_before: Option<String>,
    },
    /// The group signs in with it; of a removal: it is done.
    Assigned,
}

impl State {
    /// Applies what was asked for. `made` is how far it is by Identity Center's answer.
    pub(crate) fn apply(&mut self, change: &Change, made: Option<Progress>) {
        if matches!(made, Some(Progress::UnderWay { .. })) {
            self.outstanding = self.outstanding.saturating_add(1);
        }
        match change {
            Change::Assign { assignment: asked, .. } => {
                let progress = made.unwrap_or(Progress::Assigned);
                for observed in self.assignments.iter_mut().filter(|observed| observed.assignment == *asked) {
                    observed.progress = progress.clone();
                }
            }
            Change::Remove { group_id, permission_set_arn, .. } => {
                let is_it = |left: &ObservedLeftOver| {
                    (&left.group_id, &left.permission_set_arn) == (group_id, permission_set_arn)
                };
                if matches!(made, Some(Progress::UnderWay { .. })) {
                    self.left_over.iter_mut().filter(|left| is_it(left)).for_each(|left| left.is_leaving = true);
                } else {
                    self.left_over.retain(|left| !is_it(left));
                }
            }
        }
    }
}
