//! Who approved the plan of a run.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The plan that a run made, and who approved it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApprovedPlan {
    /// Hash of the plan.
    pub plan: String,
    /// Who approved it, the first one first.
    pub approvers: Vec<Approver>,
}

/// Somebody who approved a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Approver {
    /// Who: the ARN that STS gives. Of whoever merged a pull request, its address with the git host's name for them, or the
    /// commit at which the merge was seen.
    pub by: String,
    /// When.
    pub at: Timestamp,
}
