//! Whether people are asked before a run of an environment changes anything: one word, or that word with its rules.

use std::fmt;

use berth_tenancy::{ApprovalPlan, ApprovedBy, Ask};
use schemars::JsonSchema;
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor, value::MapAccessDeserializer},
};

/// Whether people are asked, and whom it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ApprovalRules {
    /// `none`: nobody. `always`: before every run that would change anything. `disruptive`: before a run that may cut traffic
    /// off, and would.
    pub ask: Ask,
    /// How people approve: by `command` (`berth approve`), or by the merge of a `pullRequest` that shows the plan, in the GitOps
    /// repository.
    #[serde(default)]
    pub by: ApprovedBy,
    /// Whether two people must approve what a person has asked for: so nobody changes anything alone.
    #[serde(default)]
    pub four_eyes: bool,
    /// Longest that a run waits for the answer to one question, in days.
    #[serde(default = "days_max")]
    #[schemars(range(min = 1, max = 7))]
    pub days: u32,
}

/// One word, or that word with its rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema)]
#[serde(untagged)]
pub enum Approval {
    /// A word.
    Word(Ask),
    /// With its rules.
    Rules(ApprovalRules),
}

impl Default for Approval {
    fn default() -> Self {
        Self::Word(Ask::None)
    }
}

impl Approval {
    /// The rules, those that are not said among them.
    #[must_use]
    pub fn rules(self) -> ApprovalRules {
        match self {
            Self::Word(ask) => ApprovalRules { ask, by: ApprovedBy::Command, four_eyes: false, days: days_max() },
            Self::Rules(rules) => rules,
        }
    }
}

impl ApprovalRules {
    /// What a run asks before its first change; none when it asks nobody. Only a run that may disrupt can need an approval for
    /// that. An event is nobody, so four eyes are those of two people only where `is_by_event` is not so.
    #[must_use]
    pub fn plan(self, allow_disruption: bool, is_by_event: bool, limit_bytes_max: usize) -> Option<ApprovalPlan> {
        let asks = match self.ask {
            Ask::None => false,
            Ask::Always => true,
            Ask::Disruptive => allow_disruption,
        };
        let approvers = if self.four_eyes && !is_by_event { 2 } else { 1 };
        let answer_seconds_max = self.days.saturating_mul(24 * 3600);
        asks.then_some(ApprovalPlan { ask: self.ask, by: self.by, approvers, answer_seconds_max, limit_bytes_max })
    }
}

fn days_max() -> u32 {
    ApprovalPlan::DAYS_MAX
}

impl<'de> Deserialize<'de> for Approval {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WordOrRules)
    }
}

/// Reads either form, so that a mistake in one of them is told as that.
struct WordOrRules;

impl<'de> Visitor<'de> for WordOrRules {
    type Value = Approval;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("none, always, disruptive, or { ask, by, fourEyes, days }")
    }

    fn visit_str<E: serde::de::Error>(self, word: &str) -> Result<Approval, E> {
        Ask::deserialize(serde::de::value::StrDeserializer::new(word)).map(Approval::Word)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Approval, A::Error> {
        ApprovalRules::deserialize(MapAccessDeserializer::new(map)).map(Approval::Rules)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn only_a_run_that_may_disrupt_asks_about_that_and_an_event_is_nobody() {
        let rules = |ask, four_eyes| ApprovalRules { ask, by: ApprovedBy::Command, four_eyes, days: 2 };
        assert_eq!(Approval::default().rules().plan(true, false, 1), None);
        assert_eq!(rules(Ask::Disruptive, false).plan(false, false, 1), None);
        let approvers = |rules: ApprovalRules, by_event| rules.plan(true, by_event, 1).unwrap().approvers;
        assert_eq!(approvers(rules(Ask::Disruptive, false), false), 1);
        assert_eq!([false, true].map(|by_event| approvers(rules(Ask::Always, true), by_event)), [2, 1]);
        assert_eq!(rules(Ask::Always, false).plan(false, false, 1).unwrap().answer_seconds_max, 172_800);
    }
}
