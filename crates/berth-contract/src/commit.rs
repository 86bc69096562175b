//! One request for a commit, as the state `CommitTenant` sends it to the queue.

use berth_tenancy::{GitOpsPlan, Mode, Region, Subject};
use serde::{Deserialize, Serialize};

use crate::{RegionResult, RoleRecord};

/// What becomes of the account's entry in its tenant's file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Wish {
    /// Nothing is changed: whether the file takes the account is asked before anything is made for it.
    Check,
    /// It is there, as the onboarding made it.
    #[default]
    Join,
    /// It is suspended: nobody has access to its namespaces.
    Suspend,
    /// It is not suspended any more.
    Resume,
    /// It is gone; with a tenant's last entry the file is gone.
    Leave,
}

/// The message of the states that commit.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CommitRequest {
    /// Where the answer goes.
    pub task_token: TaskToken,
    /// Who is onboarded, or leaves.
    pub run: Subject,
    /// What is committed, and where.
    pub git_ops: GitOpsPlan,
    /// What becomes of the entry. Absent in messages of an onboarding.
    #[serde(default)]
    pub wish: Wish,
    /// Regions whose networks are planned, where it is only asked whether the file takes the account.
    #[serde(default)]
    pub planned_regions: Vec<Region>,
    /// Networks; none for an account that leaves.
    #[serde(default)]
    pub regions: Vec<RegionResult>,
    /// Roles; none for an account that leaves.
    #[serde(default)]
    pub roles: Vec<RoleRecord>,
    /// Set by complete-merges when the request comes back: what became of the proposal that it was in.
    #[serde(default)]
    pub settled: Option<Settled>,
    /// Whether a person suspended the account: the ledger says so when the request is answered, never the message.
    #[serde(skip)]
    pub is_suspended: bool,
}

impl CommitRequest {
    /// Whether the file is changed: neither by a plan nor by a question.
    #[must_use]
    pub fn writes(&self) -> bool {
        self.run.mode == Mode::Apply && self.wish != Wish::Check
    }
}

/// What became of a proposal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Settled {
    /// Where it is.
    pub url: String,
    /// Whether it was merged; else closed, or its branch is gone.
    pub is_merged: bool,
}

/// Proves to Step Functions whose task is answered. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct TaskToken(pub String);

impl std::fmt::Debug for TaskToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TaskToken([redacted])")
    }
}
