//! The journeys that are broken.

use std::{fmt, str::FromStr};

use berth_ledger::Status;
use serde_json::json;

use crate::rig::{Event, Rig, event};

/// A way through the pipeline. Between them they make every call that the pipeline can make.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Journey {
    /// A new account whose block comes from IPAM, and whose gateway accepts by itself.
    Pooled,
    /// A new account whose block comes from the ledger, and whose attachment the network account accepts.
    Reserved,
    /// An account that is onboarded already.
    Again,
}

impl Journey {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Pooled, Self::Reserved, Self::Again];

    fn name(self) -> &'static str {
        match self {
            Self::Pooled => "pooled",
            Self::Reserved => "reserved",
            Self::Again => "again",
        }
    }

    /// The environment, which has one region: [`Rig::quick`] shapes it so.
    fn environment(self) -> &'static str {
        match self {
            Self::Pooled | Self::Again => "staging",
            Self::Reserved => "dev",
        }
    }

    /// Everything before the part that is broken; the account's id.
    pub(super) fn prepare(self, rig: &Rig, tenant: &str) -> String {
        let environment = self.environment();
        let account = rig.account(&format!("{tenant}-{environment}"), environment);
        if self == Self::Again {
            rig.publish(&[event(Event::Created, &account)]);
            rig.wait_for(&account, Status::Onboarded);
        }
        account
    }

    /// Starts the part that is broken.
    pub(super) fn begin(self, rig: &Rig, account: &str) -> Option<String> {
        match self {
            Self::Pooled | Self::Reserved => {
                rig.publish(&[event(Event::Created, account)]);
                None
            }
            Self::Again => Some(rig.start_execution(&json!({ "accountId": account }))),
        }
    }
}

impl fmt::Display for Journey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Journey {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|each| each.name() == text);
        found.ok_or_else(|| format!("{text:?} is no journey; these are: {}", Self::ALL.map(Self::name).join(", ")))
    }
}
