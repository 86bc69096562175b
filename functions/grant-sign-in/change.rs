//! The changes of this step: an assignment is asked for, or its end.

use std::fmt;

use berth_tenancy::{AssignmentPlan, Effect, UntaggedKind};

use crate::Input;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// An assignment is asked for.
    Assign {
        assignment: AssignmentPlan,
        /// Id of the group.
        group_id: String,
        /// ARN of the permission set.
        permission_set_arn: String,
        /// Why an earlier request failed, when there was one.
        failed_before: Option<String>,
    },
    /// An assignment that the plan does not have any more is taken away.
    Remove {
        /// Display name of the group.
        group: String,
        /// Name of the permission set.
        permission_set: String,
        /// Id of the group.
        group_id: String,
        /// ARN of the permission set.
        permission_set_arn: String,
    },
}

impl Change {
    /// What it does, in the account where Identity Center is called.
    pub(crate) fn effect(&self, input: &Input) -> Effect {
        let effect = match self {
            Self::Assign { assignment: AssignmentPlan { group, permission_set, .. }, .. } => {
                Effect::creates(UntaggedKind::SignIn, "sso:CreateAccountAssignment")
                    .name(format!("{group} with {permission_set}"))
            }
            Self::Remove { group, permission_set, .. } => {
                Effect::deletes(UntaggedKind::SignIn, "sso:DeleteAccountAssignment")
                    .name(format!("{group} with {permission_set}"))
            }
        };
        input.sign_in.iter().fold(effect, |effect, plan| effect.in_account(&plan.account).in_region(&plan.region))
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Assign { assignment, .. } => write!(f, "assign {}", shown(assignment)),
            Self::Remove { group, permission_set, .. } => write!(
                f,
                "remove the assignment of group {group} with permission set {permission_set}, which the plan does not \
                 have any more"
            ),
        }
    }
}

/// An assignment for a person.
pub(crate) fn shown(AssignmentPlan { group, permission_set, permission_set_arn: _ }: &AssignmentPlan) -> String {
    format!("group {group} with permission set {permission_set}")
}
