//! One request for a commit, as the state `CommitTenant` sends it to the queue.

use berth_tenancy::{GitOpsPlan, Subject};
use serde::{Deserialize, Serialize};

use crate::{RegionResult, RoleRecord};

/// The message of the state `CommitTenant`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CommitRequest {
    /// Where the answer goes.
    pub task_token: TaskToken,
    /// Who is onboarded.
    pub run: Subject,
    /// What is committed, and where.
    pub git_ops: GitOpsPlan,
    /// Networks.
    pub regions: Vec<RegionResult>,
    /// Roles.
    pub roles: Vec<RoleRecord>,
    /// Set by complete-merges when the request comes back: what became of the proposal that it was in.
    #[serde(default)]
    pub settled: Option<Settled>,
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
