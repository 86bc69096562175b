//! How an account stands to its plan, as somebody who looked at it found it.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{AccountId, Action, ChangedKind, Region, ResourceChange};

/// How an account stands to its plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Standing {
    /// Nothing would change.
    InSync,
    /// An onboarding would change something, or leaves a difference to a person.
    Drifted,
    /// Nobody could look.
    Unknown,
}

impl Standing {
    /// For people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::InSync => "in sync",
            Self::Drifted => "drifted",
            Self::Unknown => "unknown",
        }
    }
}

/// A change that would make an account as it is planned: what a plan says of it, in short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DriftedChange {
    /// The function that would make it.
    pub step: String,
    /// The region; absent for what is global.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<Region>,
    /// The account in which it is made; absent where it is the one that is onboarded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_id: Option<AccountId>,
    /// What becomes of the resource.
    pub action: Action,
    /// What it is.
    pub kind: ChangedKind,
    /// Id, ARN or name by which AWS knows it; absent while only AWS can give it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The change, in one sentence.
    pub change: String,
}

impl DriftedChange {
    /// In short, for the plan of this account.
    #[must_use]
    pub fn of(account: &AccountId, change: &ResourceChange) -> Self {
        let ResourceChange { step, region, account_id, action, kind, id, change, .. } = change.clone();
        let account_id = Some(account_id).filter(|id| id != account);
        Self { step, region, account_id, action, kind, id, change }
    }
}

impl fmt::Display for DriftedChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { step, region, account_id, action, kind: _, id: _, change } = self;
        write!(f, "{} {step}", action.sign())?;
        if let Some(region) = region {
            write!(f, " {region}")?;
        }
        write!(f, ": {change}")?;
        account_id.as_ref().map_or(Ok(()), |account| write!(f, " (in {account})"))
    }
}
