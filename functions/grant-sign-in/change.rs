//! The one kind of change of this step: an assignment is asked for.

use std::fmt;

use berth_tenancy::AssignmentPlan;

/// One change: an assignment is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The assignment.
    pub assignment: AssignmentPlan,
    /// Id of the group.
    pub group_id: String,
    /// ARN of the permission set.
    pub permission_set_arn: String,
    /// Why an earlier request failed, when there was one.
    pub failed_before: Option<String>,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "assign {}", shown(&self.assignment))
    }
}

/// An assignment for a person.
pub(crate) fn shown(AssignmentPlan { group, permission_set, permission_set_arn: _ }: &AssignmentPlan) -> String {
    format!("group {group} with permission set {permission_set}")
}
