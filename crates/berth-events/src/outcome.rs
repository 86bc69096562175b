//! Berth's own events: `Account Created` asks for an onboarding, the others say how one ended.
//!
//! Each detail is versioned and has a JSON Schema in `docs/events/`. Fields may be added within a version; a field that
//! goes or changes its meaning makes a new version.

mod approved;
mod version;

use std::collections::BTreeMap;

use berth_tenancy::{
    AccountId, Counts, DriftedChange, EnvironmentName, LeftOver, Mode, OffboardingScope, PlannedChange, Region,
    Removal, Standing, TenantName, Thing, ToldChange,
};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Failure, Source};
pub use approved::{ACCOUNT_APPROVAL_REQUESTED, AccountApprovalRequested, ApprovedPlan, Approver};
pub use version::Version;

/// `source` of every event that Berth publishes.
pub const SOURCE: &str = "berth.accounts";
/// `detail-type` of [`AccountCreated`]: asks for an onboarding.
pub const ACCOUNT_CREATED: &str = "Account Created";
/// `detail-type` of [`AccountOnboarded`].
pub const ACCOUNT_ONBOARDED: &str = "Account Onboarded";
/// `detail-type` of [`AccountOnboardingFailed`].
pub const ACCOUNT_ONBOARDING_FAILED: &str = "Account Onboarding Failed";
/// `detail-type` of [`AccountIgnored`].
pub const ACCOUNT_IGNORED: &str = "Account Ignored";

/// `detail-type` of [`AccountOffboarded`].
pub const ACCOUNT_OFFBOARDED: &str = "Account Offboarded";
/// `detail-type` of [`AccountOffboardingFailed`].
pub const ACCOUNT_OFFBOARDING_FAILED: &str = "Account Offboarding Failed";

/// `detail-type` of [`AccountDriftChanged`].
pub const ACCOUNT_DRIFT_CHANGED: &str = "Account Drift Changed";

/// The detail of an event of Berth's: what goes into `PutEvents` with [`SOURCE`].
pub trait Published: Serialize {
    /// Its `detail-type`.
    const DETAIL_TYPE: &'static str;
}

/// An account is there and should be onboarded: published by the sweep, or by whatever makes accounts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AccountCreated {
    /// Version of this detail.
    #[serde(default)]
    pub version: Version,
    /// The account.
    pub account_id: AccountId,
    /// Why the event was sent, for the log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Whether to apply (the default) or only to plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    /// The generation to run; by default the ledger's next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<u32>,
}

/// An account was onboarded, or was found as it should be after something else was announced of it. A run that finds everything
/// as it was announced is not told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AccountOnboarded {
    /// Version of this detail.
    pub version: Version,
    /// The account.
    pub account_id: AccountId,
    /// The tenant that owns it.
    pub tenant: TenantName,
    /// Its environment.
    pub environment: EnvironmentName,
    /// The execution that ended.
    pub execution_arn: String,
    /// Which onboarding of the account this was; none for a console run that named no generation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<u32>,
    /// What was made, by region.
    #[serde(default)]
    pub regions: BTreeMap<Region, OnboardedRegion>,
    /// The commit in the GitOps repository that holds the tenant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// Every change of the run, once, in the order in which they were begun. None: nothing had to change.
    #[serde(default)]
    pub changes: Vec<ToldChange>,
    /// What the account was given before, is not in its plan, and is still there.
    #[serde(default)]
    pub left_over: Vec<StillThere>,
    /// The plan that people approved before anything was changed; absent where nobody was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved: Option<ApprovedPlan>,
    /// Whether it is suspended: nobody has access to its namespaces, and the onboarding has left it so.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub suspended: bool,
    /// When the execution ended.
    pub finished_at: Timestamp,
}

/// What was made in one region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OnboardedRegion {
    /// The VPC.
    pub vpc_id: String,
    /// Its block.
    pub cidr: String,
    /// Its attachment to the Transit Gateway.
    pub attachment_id: String,
    /// Differences from the plan that were left, because closing them takes an outage.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub planned_changes: Vec<PlannedChange>,
}

/// Something that an account was given, that nobody wants any more, and that is still there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StillThere {
    /// What it is, in a few words.
    pub what: String,
    /// Its region; none for what is global.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<Region>,
    /// What it costs in a month, in US cents of us-east-1; none for what is free, or is billed by use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub monthly_cents: Option<u32>,
    /// What has to be done before that command removes it, as a sentence without a full stop; none when nothing has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<String>,
    /// The command that removes it, exactly as a person types it.
    pub removed_by: String,
}

impl StillThere {
    /// As it is told of an account that stays.
    #[must_use]
    pub fn of(account: &AccountId, left: &LeftOver) -> Self {
        Self::told(&left.thing, Removal::of(account, left))
    }

    /// As it is told of an account that is to leave, or is not Berth's any more.
    #[must_use]
    pub fn of_leaving(account: &AccountId, thing: &Thing) -> Self {
        Self::told(thing, Removal::with_account(account))
    }

    fn told(thing: &Thing, Removal { first, command }: Removal) -> Self {
        Self {
            what: thing.to_string(),
            region: thing.region().cloned(),
            monthly_cents: thing.monthly_cents(),
            first,
            removed_by: command,
        }
    }

    /// What to do, in one line: what comes first, and the command.
    #[must_use]
    pub fn next(&self) -> String {
        match &self.first {
            Some(first) => format!("{first}, then {}", self.removed_by),
            None => self.removed_by.clone(),
        }
    }
}

impl std::fmt::Display for StillThere {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.what)?;
        match self.monthly_cents {
            Some(cents) => write!(f, " (${}.{:02} a month)", cents / 100, cents % 100),
            None => Ok(()),
        }
    }
}

/// How an execution ended without success.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum FailedStatus {
    /// A state failed.
    Failed,
    /// The execution ran longer than its limit.
    TimedOut,
    /// A person or a script stopped it.
    Aborted,
}

/// The onboarding of an account stopped. It can be run again at any time: what was made is found, not made twice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AccountOnboardingFailed {
    /// Version of this detail.
    pub version: Version,
    /// The account.
    pub account_id: AccountId,
    /// The tenant that owns it, when the plan came so far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<TenantName>,
    /// Its environment, when the plan came so far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<EnvironmentName>,
    /// The execution that ended.
    pub execution_arn: String,
    /// Which onboarding of the account this was; none for a console run that named no generation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<u32>,
    /// How it ended, as Step Functions calls it.
    pub status: FailedStatus,
    /// Where it failed, by which fault, what happened and what to do next.
    pub failure: Failure,
    /// The command that runs it again.
    pub run_again: String,
    /// Every change of the run, once, in the order in which they were begun. Each is written down before it is made, so
    /// the last ones may not have been made.
    #[serde(default)]
    pub changes: Vec<ToldChange>,
    /// When the execution ended.
    pub finished_at: Timestamp,
}

/// An account was looked at and is not Berth's to onboard. That is a success.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AccountIgnored {
    /// Version of this detail.
    pub version: Version,
    /// The account.
    pub account_id: AccountId,
    /// Why, as one sentence.
    pub reason: String,
    /// Who asked for it, when known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
    /// The execution that ended; none when no execution was needed to know it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution_arn: Option<String>,
    /// What the account still has of the time when it was Berth's.
    #[serde(default)]
    pub left_over: Vec<StillThere>,
    /// When that was decided.
    pub finished_at: Timestamp,
}

/// An account was offboarded: it has nothing any more that Berth gave it, but what `leftBehind` names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AccountOffboarded {
    /// Version of this detail.
    pub version: Version,
    /// The account.
    pub account_id: AccountId,
    /// The tenant that it belonged to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<TenantName>,
    /// Its environment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<EnvironmentName>,
    /// The execution that ended.
    pub execution_arn: String,
    /// Whether the account was closed, so that what was in it ends with it.
    pub is_closed: bool,
    /// What stays, each thing in words.
    #[serde(default)]
    pub left_behind: Vec<String>,
    /// Every change of the run, once, in the order in which they were begun.
    #[serde(default)]
    pub changes: Vec<ToldChange>,
    /// When the execution ended.
    pub finished_at: Timestamp,
}

/// The offboarding of an account, or of a part of it, stopped. It can be run again at any time: what is gone is not looked for twice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AccountOffboardingFailed {
    /// Version of this detail.
    pub version: Version,
    /// The account.
    pub account_id: AccountId,
    /// The tenant that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<TenantName>,
    /// Its environment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<EnvironmentName>,
    /// The execution that ended.
    pub execution_arn: String,
    /// How much of the account it was to take; none where it was the whole account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<OffboardingScope>,
    /// The region, where it was one region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<Region>,
    /// How it ended, as Step Functions calls it.
    pub status: FailedStatus,
    /// Where it failed, by which fault, what happened and what to do next.
    pub failure: Failure,
    /// The command that runs it again.
    pub run_again: String,
    /// Every change of the run, once, in the order in which they were begun. Each is written down before it is made, so
    /// the last ones may not have been made.
    #[serde(default)]
    pub changes: Vec<ToldChange>,
    /// When the execution ended.
    pub finished_at: Timestamp,
}

/// An onboarded account stands otherwise to its plan than before: it has drifted, nobody could look, or it is in sync again. An
/// account that stands as it stood is not told again, whatever else has drifted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AccountDriftChanged {
    /// Version of this detail.
    pub version: Version,
    /// The account.
    pub account_id: AccountId,
    /// The tenant that owns it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<TenantName>,
    /// Its environment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<EnvironmentName>,
    /// The execution that found it so, or left it so.
    pub execution_arn: String,
    /// How it stands.
    pub standing: Standing,
    /// How it stood before.
    pub was: Standing,
    /// How many changes would make it as it is planned.
    pub counts: Counts,
    /// These changes, in the order of the plan, as far as there is room.
    #[serde(default)]
    pub changes: Vec<DriftedChange>,
    /// Differences that only a person can close, by region.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub planned_changes: BTreeMap<Region, Vec<PlannedChange>>,
    /// Why nobody could look.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// When it was looked at.
    pub looked_at: Timestamp,
}

impl Published for AccountDriftChanged {
    const DETAIL_TYPE: &'static str = ACCOUNT_DRIFT_CHANGED;
}

impl Published for AccountOffboarded {
    const DETAIL_TYPE: &'static str = ACCOUNT_OFFBOARDED;
}

impl Published for AccountOffboardingFailed {
    const DETAIL_TYPE: &'static str = ACCOUNT_OFFBOARDING_FAILED;
}

impl Published for AccountCreated {
    const DETAIL_TYPE: &'static str = ACCOUNT_CREATED;
}

impl Published for AccountOnboarded {
    const DETAIL_TYPE: &'static str = ACCOUNT_ONBOARDED;
}

impl Published for AccountOnboardingFailed {
    const DETAIL_TYPE: &'static str = ACCOUNT_ONBOARDING_FAILED;
}

impl Published for AccountIgnored {
    const DETAIL_TYPE: &'static str = ACCOUNT_IGNORED;
}

/// The command that runs an account's onboarding again, exactly as a person types it: it goes on where the execution
/// stopped, or starts anew where it cannot.
#[must_use]
pub fn run_again_command(account: &AccountId) -> String {
    format!("berth replay {account}")
}
