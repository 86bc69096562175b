//! What is asked about the GitOps repository, and what is known of it without changing it.

use berth_tenancy::ClusterName;
use serde::{Deserialize, Serialize};

/// What `berth validate --repository` asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Check {
    /// Clusters whose folders are looked at.
    #[serde(default)]
    pub clusters: Vec<ClusterName>,
}

/// What is known of the repository of a deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Its address.
    pub url: String,
    /// The branch that clusters follow.
    pub branch: String,
    /// What will work and what will not, in the order in which it was tried. What comes after the first that cannot be
    /// done without is not tried.
    pub findings: Vec<Finding>,
}

impl Report {
    /// Whether nothing is known that will not work.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.findings.iter().all(|finding| finding.works != Works::No)
    }
}

/// What is known about one thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// What it is about.
    pub about: About,
    /// Whether it will work.
    pub works: Works,
    /// What was seen.
    pub seen: String,
    /// What to do, where it will not work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// What can be tried without a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum About {
    /// The secret, and the form in which it signs in.
    Secret,
    /// Reading the repository.
    Read,
    /// The branch that clusters follow.
    Branch,
    /// The folder of a cluster's tenants.
    Folder,
    /// Committing to the branch.
    Write,
    /// Proposals, and how people merge them.
    Proposals,
}

/// Whether something will work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Works {
    /// As far as anybody can say without doing it.
    Yes,
    /// It will not.
    No,
}
