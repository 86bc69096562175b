//! The output of an offboarding that succeeded.

use berth_tenancy::{AccountId, LeftOver, OffboardingScope, Region, ResourceChange, StepSummary, Subject, Thing};
use ipnet::Ipv4Net;
use serde::Deserialize;

use crate::{CommitOutput, ReadinessRecord};

/// Output of an offboarding that succeeded. Contract with `statemachines/offboard-account.asl.json`.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "decision", rename_all = "lowercase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum OffboardingOutput {
    /// The account has nothing any more of what the scope names, or in a plan would have nothing.
    Offboard {
        /// Who left.
        run: Box<Subject>,
        /// How much was taken away. Executions of an earlier version took everything.
        #[serde(default)]
        scope: OffboardingScope,
        /// Whether the account is closed.
        is_closed: bool,
        /// Regions that it left.
        regions: Vec<LeftRegion>,
        /// What stays, in words.
        left_behind: Vec<String>,
        /// What became of baselines that go. Executions of an earlier version do not say.
        #[serde(default)]
        baselines: Vec<LeftBaseline>,
        /// Access that is still there: the functions could not prove that it is Berth's, or somebody uses it.
        left_over: Vec<LeftOver>,
        /// The commit without its entry; in a plan it has no id.
        commit: CommitOutput,
        /// Whether each cluster that is waited for has the account no more. Executions of an earlier version wait for none.
        #[serde(default)]
        readiness: Vec<ReadinessRecord>,
        /// What was changed.
        changes: Vec<String>,
    },
    /// There was nothing to take away.
    Ignore {
        /// Why.
        reason: String,
        /// The account.
        account_id: AccountId,
    },
    /// Another execution works on the account.
    Duplicate {
        /// Why.
        reason: String,
        /// The account.
        account_id: AccountId,
    },
}

/// One region in the output.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LeftRegion {
    /// The region.
    pub region: Region,
    /// Blocks that rest now.
    pub blocks: Vec<Ipv4Net>,
    /// The VPC that stays in a closed account.
    pub left_behind: Option<String>,
    /// What was changed there.
    pub changes: Vec<String>,
}

/// The baseline of one region in the output.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LeftBaseline {
    /// The region.
    pub region: Region,
    /// What of it stays, in words; the output's `leftBehind` has that, too.
    pub left_behind: Vec<String>,
    /// What was changed there; the output's `changes` have that, too.
    pub changes: Vec<String>,
    /// Always empty, as of an onboarding alone the function has something to say here.
    #[serde(default)]
    pub left_over: Vec<LeftOver>,
    /// The same.
    #[serde(default)]
    pub given: Vec<Thing>,
    /// Of a plan by an execution that an earlier version started: the same with all that is known of it.
    #[serde(default)]
    pub planned: Vec<ResourceChange>,
    /// The same in short.
    #[serde(default)]
    pub summary: Vec<StepSummary>,
}
