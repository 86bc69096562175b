//! What was observed of Identity Center, and how an assignment alters it.

use berth_tenancy::AssignmentPlan;

use crate::Change;

/// Identity Center as far as the plan names it. The default is what an account without declared sign-in has: nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    /// Requests of the whole organization under way. Read only when an assignment is absent.
    pub outstanding: usize,
    /// What was found for each assignment of the plan, in its order.
    pub assignments: Vec<ObservedAssignment>,
}

/// One assignment of the plan, and how far it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObservedAssignment {
    /// The assignment.
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
    /// The group signs in with it.
    Assigned,
}

impl State {
    /// Applies an assignment that was asked for. `made` is how far it is by Identity Center's answer.
    pub(crate) fn apply(&mut self, change: &Change, made: Option<Progress>) {
        let progress = made.unwrap_or(Progress::Assigned);
        if matches!(progress, Progress::UnderWay { .. }) {
            self.outstanding = self.outstanding.saturating_add(1);
        }
        for observed in self.assignments.iter_mut().filter(|observed| observed.assignment == change.assignment) {
            observed.progress = progress.clone();
        }
    }
}
