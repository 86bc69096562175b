//! The output of an execution that succeeded, and the result of a region in it.

use berth_tenancy::{AccountId, LeftOver, Region, StepSummary, Subject, Thing, TransferPlan};
use serde::{Deserialize, Deserializer, Serialize, de::Error};

use crate::{Approval, ClusterAccessRecord, DefaultVpcRecord, ReadinessRecord, RegionRecord, RoleRecord, SignInRecord};

/// Output of a state machine that succeeded. Contract with `statemachines/onboard-account.asl.json`.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "decision", rename_all = "lowercase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum ExecutionOutput {
    /// The account is onboarded.
    Onboard {
        /// Who was onboarded.
        run: Box<Subject>,
        /// Networks.
        regions: Vec<RegionResult>,
        /// Roles.
        roles: Vec<RoleRecord>,
        /// Default VPCs that are still there.
        default_vpcs: Vec<DefaultVpcRecord>,
        /// Groups that may sign in.
        sign_in: Vec<SignInRecord>,
        /// Access entries, by cluster.
        cluster_access: Vec<ClusterAccessRecord>,
        /// How the tenant is on clusters that were waited for. An execution of an earlier version has none.
        #[serde(default)]
        readiness: Vec<ReadinessRecord>,
        /// The commit; in a plan it has no id.
        commit: CommitOutput,
        /// What was changed, as far as the last attempt of each state says; all of it is in the journal of the ledger.
        changes: Vec<String>,
        /// What was given before, is not in the plan, and is still there. Older executions do not say.
        #[serde(default)]
        left_over: Vec<LeftOver>,
        /// What of it was there when the run was planned: what is not there any more has left the inventory. Older
        /// executions do not say.
        #[serde(default)]
        left_over_before: Vec<LeftOver>,
        /// What steps found or made, as they want it in the inventory: baselines with all that they have. Older executions
        /// do not say.
        #[serde(default)]
        given: Vec<Thing>,
        /// The approval of its plan; none where nobody was asked. Older executions do not say.
        #[serde(default)]
        approvals: Vec<Approval>,
        /// Of a plan: what each step would change, in short. The changes themselves are in the answers of the steps, in the
        /// history of the execution, so that a plan of any size fits. Older executions do not say.
        #[serde(default)]
        plan: Vec<StepSummary>,
    },
    /// The account is not ours.
    Ignore {
        /// Why.
        reason: String,
        /// The account.
        account_id: AccountId,
    },
    /// The plan of a transfer was asked for.
    Transfer {
        /// The account.
        account_id: AccountId,
        /// What it means.
        transfer: TransferPlan,
    },
    /// Another execution is onboarding the account.
    Duplicate {
        /// Why.
        reason: String,
        /// The account.
        account_id: AccountId,
    },
}

/// The result of one region, as the states of its branch make it: what the ledger keeps, and what was changed there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RegionResult {
    /// The region.
    pub region: Region,
    /// Its network.
    #[serde(flatten, deserialize_with = "proven")]
    pub network: RegionRecord,
    /// What was changed there.
    pub changes: Vec<String>,
    /// Of a plan: what each step would change there, in short.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub summary: Vec<StepSummary>,
}

/// A record of an earlier version may lack the proof of isolation; a result never does.
fn proven<'de, D: Deserializer<'de>>(deserializer: D) -> Result<RegionRecord, D::Error> {
    let record = RegionRecord::deserialize(deserializer)?;
    if record.isolation.is_none() { Err(D::Error::missing_field("isolation")) } else { Ok(record) }
}

/// The commit in the output.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CommitOutput {
    /// The commit that holds the custom resource; none in a plan.
    pub sha: Option<String>,
    /// Path of the custom resource.
    pub path: String,
    /// Whether the account is suspended in it. An offboarding and executions of an earlier version do not say.
    #[serde(default, rename = "isSuspended")]
    pub is_suspended: bool,
}
