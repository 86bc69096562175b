//! The plan of an account that leaves: what `plan-offboarding` resolves once for the steps.
//!
//! Which resources are the account's, the ledger says; the steps read it there. So the plan says only where they are.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{AccountId, ClusterPlan, GitOpsPlan, LeftOver, LeftOvers, Region, RoleName, SignInPlan, Subject};

/// How much of an account a run of the offboarding takes away.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OffboardingScope {
    /// Everything: the account leaves.
    #[default]
    Account,
    /// Its entry is suspended, and nothing else is touched.
    Suspend,
    /// Its entry is not suspended any more.
    Resume,
    /// All that lets people in, and its entry; networks, blocks and baselines stay. A transfer begins so.
    Access,
    /// The network of one region that platform.yaml does not have any more.
    Region,
}

impl OffboardingScope {
    /// What of the account it takes, as a person reads it.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Account => "the account",
            Self::Suspend => "its suspension",
            Self::Resume => "the end of its suspension",
            Self::Access => "its access",
            Self::Region => "one region",
        }
    }

    /// The command that takes it, exactly as a person types it.
    #[must_use]
    pub fn command(self, account: &AccountId, region: Option<&Region>) -> String {
        match (self, region) {
            (Self::Suspend, _) => format!("berth suspend {account}"),
            (Self::Resume, _) => format!("berth suspend {account} --lift"),
            (Self::Access, _) => format!("berth transfer {account} --to TENANT/ENVIRONMENT"),
            (Self::Region, Some(region)) => format!("berth offboard {account} --region {region} --yes"),
            (Self::Account | Self::Region, _) => format!("berth offboard {account} --yes"),
        }
    }
}

/// What the state `SuspendTenant` makes of the account's entry.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Freeze {
    /// It is suspended: nobody has access to its namespaces.
    #[default]
    Suspend,
    /// It is not suspended any more.
    Resume,
}

/// What `plan-offboarding` decided about an account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "decision", rename_all = "lowercase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum Departure {
    /// The account leaves.
    Offboard {
        /// Why, in one sentence.
        reason: String,
        /// What to do.
        plan: Box<OffboardingPlan>,
    },
    /// Nothing is to be taken away: success, and nothing is changed.
    Ignore {
        /// Why, in one sentence.
        reason: String,
        /// The account that the request named.
        account_id: AccountId,
    },
    /// Another execution works on the account now: success, and nothing is changed.
    Duplicate {
        /// Why, in one sentence.
        reason: String,
        /// The account that the request named.
        account_id: AccountId,
    },
}

/// The plan of an account that leaves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OffboardingPlan {
    /// Who leaves, by which execution, and how.
    pub run: Subject,
    /// How much is taken away. Executions that were planned by an earlier version take everything.
    #[serde(default)]
    pub scope: OffboardingScope,
    /// What becomes of its entry first.
    #[serde(default)]
    pub freeze: Freeze,
    /// Whether the account is closed, or gone from the organization: then nobody can enter it.
    pub is_closed: bool,
    /// Regions in which the account has a network, or may have one.
    pub regions: Vec<RegionRemoval>,
    /// Where the account's entry is.
    pub git_ops: GitOpsPlan,
    /// Clusters that have to have the account no more before its access and its networks go. Executions that were planned
    /// by an earlier version wait for none.
    #[serde(default)]
    pub awaited_clusters: Vec<ClusterPlan>,
    /// Access that is taken away: access entries, sign-in, roles. The functions that gave it take it away.
    pub left_over: LeftOvers,
    /// Where Identity Center is, with nobody who signs in; none in a file without it.
    pub sign_in: Option<SignInPlan>,
    /// Baselines that are taken away, one for each region that has one; none of a closed account.
    #[serde(default)]
    pub baselines: Vec<LeftOver>,
    /// Accounts whose roles are taken away: this one, and none when it is closed.
    pub entered: Vec<AccountId>,
    /// What stays, each thing in words: what Berth does not take away, and what ends with a closed account.
    #[serde(default)]
    pub left_behind: Vec<String>,
}

/// One region that an account leaves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RegionRemoval {
    /// The region.
    pub region: Region,
    /// Account that owns the Transit Gateway.
    pub network_account: AccountId,
    /// Role in that account that the steps assume.
    pub network_role: RoleName,
}
