//! One account in the ledger. What the world itself can tell is not here.

use std::collections::BTreeMap;

use berth_contract::{
    Approval, ClusterAccessRecord, CommitRecord, DefaultVpcRecord, Drift, ReadinessRecord, RegionRecord, RoleRecord,
    SignInRecord,
};
use berth_events::Failure;
use berth_tenancy::{AccountId, Binding, EnvironmentName, Given, LeftOver, OrganizationTags, Region, TenantName};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{AccessRemoval, JournalBatch, OffboardingMark, Part, Suspension, Tombstone};

/// Where an account is on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// An execution was asked for and has not planned yet.
    Requested,
    /// An execution holds the lease.
    Running,
    /// Its team can deploy.
    Onboarded,
    /// An execution failed; `failure` says why.
    Failed,
    /// Not ours to onboard; `reason` says why.
    Ignored,
    /// An execution holds the lease and takes away what the account has.
    Offboarding,
    /// Such an execution failed; `failure` says why.
    #[serde(rename = "offboarding-failed")]
    OffboardingFailed,
    /// It has nothing any more; `offboarded` says what it had.
    Offboarded,
}

impl Status {
    /// Every status, in the order of an account's life.
    pub const ALL: [Self; 8] = [
        Self::Requested,
        Self::Running,
        Self::Onboarded,
        Self::Failed,
        Self::Ignored,
        Self::Offboarding,
        Self::OffboardingFailed,
        Self::Offboarded,
    ];

    /// The name that people and scripts see.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Running => "running",
            Self::Onboarded => "onboarded",
            Self::Failed => "failed",
            Self::Ignored => "ignored",
            Self::Offboarding => "offboarding",
            Self::OffboardingFailed => "offboarding-failed",
            Self::Offboarded => "offboarded",
        }
    }
}

/// What the ledger knows of one account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// The account.
    pub account_id: AccountId,
    /// Its name in Organizations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_name: Option<String>,
    /// The tenant that owns it, once planned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<TenantName>,
    /// Its environment, once planned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<EnvironmentName>,
    /// What it was given when it was first planned; later plans are compared with it. None in a record of an earlier
    /// version: see [`Record::identity`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub binding: Option<Binding>,
    /// Where it is on its way.
    pub status: Status,
    /// How many onboardings were asked for: the newest is this one.
    pub generation: u32,
    /// ARN of the execution that may act on the account now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<String>,
    /// ARN of the newest execution.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution_arn: Option<String>,
    /// Since when it has this status: of an account that is onboarded, when it was last found or made so.
    pub since: Timestamp,
    /// When it was first onboarded; later runs keep it. None before that, and in a record of an earlier version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub onboarded_since: Option<Timestamp>,
    /// The ending that subscribers heard last; none in a record of an earlier version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub announced: Option<Status>,
    /// Why it is ignored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// Its networks, as they were when it was last onboarded.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub regions: BTreeMap<Region, RegionRecord>,
    /// Its roles, as they were when it was last onboarded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<RoleRecord>,
    /// Its default VPCs that are still there, as they were when it was last onboarded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub default_vpcs: Vec<DefaultVpcRecord>,
    /// Groups that may sign in, as it was when it was last onboarded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sign_in: Vec<SignInRecord>,
    /// Access entries of its roles, as they were when it was last onboarded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cluster_access: Vec<ClusterAccessRecord>,
    /// Whether its tenant was Ready on the clusters that were waited for, when it was last onboarded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub readiness: Vec<ReadinessRecord>,
    /// The commit that its custom resource is in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<CommitRecord>,
    /// What it was given, by a short name of each thing; none in a record of an earlier version: see [`Record::given`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inventory: Option<BTreeMap<String, Given>>,
    /// What of it the plan did not have any more when it was last onboarded, and what is still there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_over: Vec<LeftOver>,
    /// The organization's tags that it was given, each with the newest value, as far as no run has taken them away. None of an
    /// account without any, and in a record of an earlier version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<OrganizationTags>,
    /// Changes of its newest run, by a short name of each batch: see [`Record::told_changes`].
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub journal: BTreeMap<String, JournalBatch>,
    /// Whether there were more than a journal takes.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub journal_is_cut: bool,
    /// How it stands to its plan, as it was last looked at. None before it was onboarded, and in a record of an earlier
    /// version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drift: Option<Drift>,
    /// Why it is on the list of accounts that are to be offboarded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offboarding: Option<OffboardingMark>,
    /// When a person last took it off that list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offboarding_cancelled: Option<Timestamp>,
    /// What a run takes of it, or was to take when it failed, while the account stays. None of an account that leaves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<Part>,
    /// That it is suspended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspended: Option<Suspension>,
    /// That nothing lets anybody in any more, until an onboarding takes the lease.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_removed: Option<AccessRemoval>,
    /// The execution that accept-event asked for last: any other was started by a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested_execution: Option<String>,
    /// What people are, or were, asked by its newest run before the first change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<Approval>,
    /// What is kept of it after it was offboarded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offboarded: Option<Tombstone>,
}

impl Record {
    /// Since when people should think of it as having its status: an account stays onboarded while it is looked at again.
    #[must_use]
    pub fn shown_since(&self) -> Timestamp {
        self.onboarded_since.filter(|_| self.status == Status::Onboarded).unwrap_or(self.since)
    }
}
