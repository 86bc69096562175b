//! Who signs in to an account, as planned.

use serde::{Deserialize, Serialize};

use crate::{AccountId, Region, RoleName};

/// Which groups sign in to the account, and where Identity Center is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SignInPlan {
    /// Account in which Identity Center is called: the management account, or a delegated administrator.
    pub account: AccountId,
    /// Role there that the step assumes.
    pub role: RoleName,
    /// Region of the instance.
    pub region: Region,
    /// ARN of the instance.
    pub instance_arn: String,
    /// Identity store of the instance, where the groups are.
    pub identity_store_id: String,
    /// The assignments.
    pub assignments: Vec<AssignmentPlan>,
}

/// One group with one permission set on the account.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AssignmentPlan {
    /// Display name of the group.
    pub group: String,
    /// Name of the permission set.
    pub permission_set: String,
    /// ARN of the permission set; looked up by name when none.
    pub permission_set_arn: Option<String>,
}
