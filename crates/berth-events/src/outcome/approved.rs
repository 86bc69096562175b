//! What people are asked about the plan of a run, and who approved it.

use berth_tenancy::{AccountId, ApprovedBy, Counts, EnvironmentName, TenantName};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Published, Version};

/// `detail-type` of [`AccountApprovalRequested`].
pub const ACCOUNT_APPROVAL_REQUESTED: &str = "Account Approval Requested";

/// A run waits until people approve its plan. It comes again when the run asks again: after a redrive the same question, with
/// another `question` about another plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AccountApprovalRequested {
    /// Version of this detail.
    pub version: Version,
    /// The account.
    pub account_id: AccountId,
    /// The tenant that owns it.
    pub tenant: TenantName,
    /// Its environment.
    pub environment: EnvironmentName,
    /// The execution that waits.
    pub execution_arn: String,
    /// Hash of the plan.
    pub plan: String,
    /// How many changes there are.
    pub counts: Counts,
    /// The how manieth question of that execution this is, from 1 on.
    pub question: u32,
    /// How people approve.
    pub by: ApprovedBy,
    /// How many people must approve.
    pub approvers: usize,
    /// Since when it waits.
    pub since: Timestamp,
    /// Until when it waits.
    pub until: Timestamp,
    /// The command that shows the whole plan and what waits, exactly as a person types it; where a merge approves, also the pull
    /// request, a minute later.
    pub look: String,
    /// The command that approves it; absent where the merge of a pull request does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approve: Option<String>,
}

impl Published for AccountApprovalRequested {
    const DETAIL_TYPE: &'static str = ACCOUNT_APPROVAL_REQUESTED;
}

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
