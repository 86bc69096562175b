//! Whether people are asked before a run makes its first change.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Counts;

/// Which runs ask.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Ask {
    /// None.
    #[default]
    None,
    /// Every run that would change anything.
    Always,
    /// Runs that would cut traffic off.
    Disruptive,
}

/// How people approve.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ApprovedBy {
    /// By `berth approve`.
    #[default]
    Command,
    /// By the merge of a pull request that shows the plan, in the GitOps repository.
    PullRequest,
}

impl ApprovedBy {
    /// Whether it is what nobody has to say.
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// What a run does before its first change: it plans, and asks people whether that is what shall be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ApprovalPlan {
    /// Which plans are asked about.
    pub ask: Ask,
    /// How people approve.
    #[serde(default)]
    pub by: ApprovedBy,
    /// How many people must approve.
    pub approvers: usize,
    /// Longest that an answer is waited for, in seconds.
    pub answer_seconds_max: u32,
    /// Most bytes of the keys of the plan that the run is limited to then: what Step Functions has room for.
    pub limit_bytes_max: usize,
}

impl ApprovalPlan {
    /// Longest that an answer may be waited for, in days.
    pub const DAYS_MAX: u32 = 7;
    /// Questions of one run: the first, and those that it asks because the account is another one by the time of the answer.
    pub const QUESTIONS_MAX: u32 = 3;

    /// Whether a plan with so many changes is asked about.
    #[must_use]
    pub fn asks_about(&self, counts: Counts) -> bool {
        match self.ask {
            Ask::None => false,
            Ask::Always => counts.sum() > 0,
            Ask::Disruptive => counts.disrupts > 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_asked_about_a_plan_that_changes_nothing() {
        let plan = |ask| {
            let by = ApprovedBy::Command;
            ApprovalPlan { ask, by, approvers: 1, answer_seconds_max: 1, limit_bytes_max: 1 }
        };
        let (nothing, changes) = (Counts::default(), Counts { delete: 1, ..Counts::default() });
        let disrupts = Counts { disrupts: 1, ..changes };
        for (ask, asked) in [
            (Ask::None, [false, false, false]),
            (Ask::Always, [false, true, true]),
            (Ask::Disruptive, [false, false, true]),
        ] {
            assert_eq!([nothing, changes, disrupts].map(|counts| plan(ask).asks_about(counts)), asked, "{ask:?}");
        }
    }
}
