//! What the recogniser says about a message: a decision, always with a reason, and what it read.

use std::fmt;

use berth_tenancy::{AccountId, EnvironmentName, Mode, PlanLimit, RepairLimit, TenantName};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What to do about a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    /// An account came, changed or moved: plan its onboarding. The plan still decides whether it is ours.
    Onboard,
    /// An account is being closed.
    Offboard,
    /// A true event that asks for nothing: say so once and forget it.
    Ignore,
    /// Not an event, a forged one, or one that contradicts itself: to the dead-letter queue, once, with the reason.
    Reject,
}

impl Decision {
    /// The word in JSON and for people.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Onboard => "onboard",
            Self::Offboard => "offboard",
            Self::Ignore => "ignore",
            Self::Reject => "reject",
        }
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Who sent an event. `start_on` of the configuration lists those that may start an onboarding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// Lifecycle events of AWS Control Tower.
    ControlTower,
    /// Events of AWS Organizations: accounts made, moved, tagged and closed, with or without Control Tower.
    Organizations,
    /// Berth's own `Account Created` event: the sweep, or a tool that makes accounts.
    Own,
    /// The plain `{"accountId": "…"}` of a person.
    Manual,
}

impl Source {
    /// The word in JSON, in the configuration and for people.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ControlTower => "control_tower",
            Self::Organizations => "organizations",
            Self::Own => "own",
            Self::Manual => "manual",
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A message, recognised. Its JSON is what `berth explain --json` prints (design.md §9).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Recognised {
    /// What to do.
    pub decision: Decision,
    /// The account that it is about; always there for `onboard` and `offboard`.
    pub account_id: Option<AccountId>,
    /// Why, as one sentence without a full stop.
    pub reason: String,
    /// Who sent it; none when nobody that Berth trusts did.
    pub source: Option<Source>,
    /// The AWS account that put it on the bus, as EventBridge says; none without an envelope.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sender: Option<AccountId>,
    /// Name of the event (`CreateManagedAccount`, `Account Created`), cut when it is long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    /// When it happened, if its time could be read. A replayed event keeps the original time.
    pub time: Option<Timestamp>,
    /// EventBridge's id of the event, or CloudTrail's. Deliveries may repeat, so it is for logs, not for dropping
    /// duplicates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_id: Option<String>,
    /// Name of the replay that brought the event back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replay: Option<String>,
    /// Whether to apply or to plan, when the request says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    /// The generation to run, when the request says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<u32>,
    /// Whether the onboarding may cut traffic off for a while. Only a plain request can say so.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub allow_disruption: bool,
    /// The plan to which the onboarding is limited. Only a plain request can say so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only_planned: Option<PlanLimit>,
    /// What the onboarding may mend, where it is a repair. Only a plain request can say so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repairs: Option<RepairLimit>,
    /// Whether the plan is a look for drift, which the ledger is told of. Only a plain request can say so.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub drift: bool,
    /// Whom the account shall become. Only a plain request can say so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transfer: Option<Transfer>,
}

/// A wish that an account becomes another environment, or another tenant's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Transfer {
    /// The tenant that it shall belong to.
    pub tenant: TenantName,
    /// The environment that it shall be.
    pub environment: EnvironmentName,
    /// Whether whoever asks says that all access of before is taken away.
    #[serde(default)]
    pub is_old_access_removed: bool,
}

impl Recognised {
    /// A decision without anything else known.
    pub(crate) fn new(decision: Decision, reason: impl Into<String>) -> Self {
        Self {
            decision,
            account_id: None,
            reason: reason.into(),
            source: None,
            sender: None,
            event: None,
            time: None,
            event_id: None,
            replay: None,
            mode: None,
            generation: None,
            allow_disruption: false,
            only_planned: None,
            repairs: None,
            drift: false,
            transfer: None,
        }
    }

    /// A rejection.
    pub(crate) fn reject(reason: impl Into<String>) -> Self {
        Self::new(Decision::Reject, reason)
    }

    /// An event that asks for nothing.
    pub(crate) fn ignore(reason: impl Into<String>) -> Self {
        Self::new(Decision::Ignore, reason)
    }

    /// The same, about this account.
    pub(crate) fn about(mut self, account: Option<AccountId>) -> Self {
        self.account_id = account;
        self
    }

    /// The same, from this source.
    pub(crate) fn from(mut self, source: Source) -> Self {
        self.source = Some(source);
        self
    }
}
