//! The scenarios that are broken.

use std::{fmt, str::FromStr};

use berth_ledger::Status;
use serde_json::json;

use crate::rig::{Event, Rig, event};

/// How often a campaign may fail.
const SWEEPS_MAX: usize = 6;

/// A way through the pipeline. Between them they make every call that the pipeline can make.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scenario {
    /// A new account whose block comes from IPAM, and whose gateway accepts by itself.
    Pooled,
    /// A new account whose block comes from the ledger, and whose attachment the network account accepts.
    Reserved,
    /// An account that is onboarded already.
    Again,
    /// A new account whose event was lost: the campaign finds it.
    Swept,
    /// A new account whose commit people review: a person merges the pull request, and the schedule notices.
    Reviewed,
}

impl Scenario {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Pooled, Self::Reserved, Self::Again, Self::Swept, Self::Reviewed];

    fn name(self) -> &'static str {
        match self {
            Self::Pooled => "pooled",
            Self::Reserved => "reserved",
            Self::Again => "again",
            Self::Swept => "swept",
            Self::Reviewed => "reviewed",
        }
    }

    /// Whether the GitOps repository is on GitHub, with staging reviewed.
    pub(super) fn is_on_github(self) -> bool {
        self == Self::Reviewed
    }

    /// The environment, which has one region: [`Rig::quick`] shapes it so.
    fn environment(self) -> &'static str {
        match self {
            Self::Pooled | Self::Again | Self::Swept | Self::Reviewed => "staging",
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
            Self::Pooled | Self::Reserved | Self::Reviewed => {
                rig.publish(&[event(Event::Created, account)]);
                None
            }
            Self::Again => Some(rig.start_execution(&json!({ "accountId": account }))),
            Self::Swept => {
                let input = json!({ "missingAfterMinutes": 0 });
                // A campaign that failed comes again with the schedule.
                let _ = (0..SWEEPS_MAX).any(|_| !rig.invoke("berth-sweep-accounts", &input).1);
                None
            }
        }
    }

    /// People merge what is proposed. Whether there was something.
    pub(super) fn merges(self, rig: &Rig) -> bool {
        if !self.is_on_github() {
            return false;
        }
        let pulls = rig.pulls();
        let open: Vec<_> = pulls.iter().filter(|pull| pull["state"] == "OPEN").collect();
        for pull in &open {
            rig.merge(&pull["number"]);
        }
        !open.is_empty()
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Scenario {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|each| each.name() == text);
        found.ok_or_else(|| format!("{text:?} is no scenario; these are: {}", Self::ALL.map(Self::name).join(", ")))
    }
}
