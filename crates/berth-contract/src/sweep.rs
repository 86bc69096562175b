//! What a sweep is asked for, and its report.

use std::collections::BTreeMap;

use berth_step::{Fault, StepError, Traced};
use berth_tenancy::{AccountId, IdentityDifference};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What the schedule, or `berth sweep`, asks for. Everything may be left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Input {
    /// Only say which accounts would be asked for.
    pub dry_run: bool,
    /// Minutes after which an account that the ledger does not know is asked for, instead of the setting.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing_after_minutes: Option<u32>,
    /// Minutes after which an account on which no execution works is asked for, instead of the setting.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stuck_after_minutes: Option<u32>,
    /// Minutes after which a failed account is asked for, instead of the setting.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed_after_minutes: Option<u32>,
}

impl Traced for Input {
    fn account(&self) -> Option<AccountId> {
        None
    }
}

/// What a sweep found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Whether nothing was published.
    pub dry_run: bool,
    /// How many accounts the organization has.
    pub accounts: usize,
    /// Accounts that were asked for, by account id.
    pub asked: Vec<Ask>,
    /// How many accounts were left alone, by reason.
    pub left: BTreeMap<Left, usize>,
    /// Accounts that would become others: a rename, a tag, a move, or a change of platform.yaml. None of them is asked for;
    /// when there are more than five, no other account is either.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changed: Vec<IdentityChange>,
    /// Accounts that have something of Berth's and are not Berth's any more: gone, closed, moved, or kept out by a tag.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub leaving: Vec<Leave>,
    /// What could not be looked at. A sweep that is no dry run ends with an error instead, after all others were asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<Problem>,
}

/// Why an account is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Why {
    /// The ledger does not know it.
    Missing,
    /// Nobody works on it although the ledger says so.
    Stuck,
    /// It failed long ago.
    Failed,
    /// It was ignored, and is Berth's to onboard now: it was moved, or its tag changed.
    Ours,
}

/// One account that is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ask {
    /// The account.
    pub account_id: AccountId,
    /// Its name in Organizations.
    pub account_name: String,
    /// Why, as a word.
    pub why: Why,
    /// Why, as a sentence.
    pub reason: String,
    /// The generation to start: the next one, so that asking twice starts one.
    pub generation: u32,
}

/// Why an account is left alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Left {
    /// It is onboarded.
    Onboarded,
    /// An execution works on it, or was asked for a short time ago.
    UnderWay,
    /// It failed a short time ago.
    FailedLately,
    /// The rules of platform.yaml leave it out: no unit of ours, a core account, closed, or its tag.
    NotOurs,
    /// It is new, or still being opened: its event may come.
    Young,
    /// It is being offboarded, or was.
    Leaving,
    /// Something about it could not be read. The sweep ends with an error.
    Unreadable,
    /// It would become another one. A person decides.
    OtherIdentity,
    /// Its repair failed. A person decides whether more is changed than a repair may.
    FailedRepair,
}

/// An account that was renamed, tagged or moved, or that a changed platform.yaml would make another one. It is never asked
/// for: who it is, a person decides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IdentityChange {
    /// The account.
    pub account_id: AccountId,
    /// Its name in Organizations.
    pub account_name: String,
    /// Who it is.
    pub is: String,
    /// Who it would become.
    pub would_be: String,
    /// What would differ.
    pub differences: Vec<IdentityDifference>,
}

/// An account that is to be offboarded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Leave {
    /// The account.
    pub account_id: AccountId,
    /// Why, in one sentence.
    pub reason: String,
    /// Since when it is on the list.
    pub since: Timestamp,
    /// Whether this sweep starts its offboarding: platform.yaml says `auto`, and its days of grace are over.
    pub starts: bool,
}

/// One thing that could not be looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// The account, when it is about one that has an id.
    pub account_id: Option<AccountId>,
    /// Its kind.
    pub fault: Fault,
    /// What happened.
    pub what: String,
    /// What to do.
    pub next: String,
}

impl From<&StepError> for Problem {
    fn from(error: &StepError) -> Self {
        Self {
            account_id: error.account.clone(),
            fault: error.fault,
            what: error.message.clone(),
            next: error.hint.clone(),
        }
    }
}
