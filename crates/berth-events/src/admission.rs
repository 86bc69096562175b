//! Which sources start an onboarding: configuration, applied after recognition.

use std::collections::BTreeSet;

use berth_tenancy::AccountId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Decision, Recognised, Source};

/// The sources that start an onboarding (`start_on`). By default Control Tower, Berth's own events and people: where
/// Control Tower makes the accounts, Organizations' events come minutes too early and say the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Sources(BTreeSet<Source>);

impl Sources {
    /// Whether events of this source start an onboarding.
    #[must_use]
    pub fn contains(&self, source: Source) -> bool {
        self.0.contains(&source)
    }
}

impl Default for Sources {
    fn default() -> Self {
        Self::from_iter([Source::ControlTower, Source::Own, Source::Manual])
    }
}

impl FromIterator<Source> for Sources {
    fn from_iter<I: IntoIterator<Item = Source>>(sources: I) -> Self {
        Self(sources.into_iter().collect())
    }
}

/// The decision when only these accounts may ask for anything: an event that another account put on the bus is forged,
/// whatever it says. The bus's policy lets none in; this is the second line, and EventBridge writes the sender itself. In
/// Berth's own name even an event that asks for nothing is forged: it tells subscribers what never happened.
#[must_use]
pub fn admit_sender(recognised: Recognised, trusted: &[&AccountId]) -> Recognised {
    let acts = matches!(recognised.decision, Decision::Onboard | Decision::Offboard)
        || (recognised.decision == Decision::Ignore && recognised.source == Some(Source::Own));
    match &recognised.sender {
        Some(sender) if acts && !trusted.contains(&sender) => {
            let reason =
                format!("forged: the account {sender} sent it, which may not ask for onboardings or tell of them");
            Recognised { decision: Decision::Reject, reason, ..recognised }
        }
        _ => recognised,
    }
}

/// The decision under a configuration: an `onboard` from a source that is not listed becomes `ignore`, with the reason.
/// All else stays as it was recognised, `offboard` too: a closed account is closed, whoever says so.
#[must_use]
pub fn admit_source(recognised: Recognised, sources: &Sources) -> Recognised {
    if recognised.decision != Decision::Onboard || recognised.source.is_some_and(|source| sources.contains(source)) {
        return recognised;
    }
    let source = recognised.source.map_or("an unknown source", Source::as_str);
    let reason = format!("{}; but start_on of the configuration does not list {source}", recognised.reason);
    Recognised { decision: Decision::Ignore, reason, ..recognised }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn onboard(source: Source) -> Recognised {
        Recognised::new(Decision::Onboard, "it came").from(source)
    }

    #[test]
    fn an_event_of_a_foreign_sender_is_forged_unless_it_asks_for_nothing() {
        let [trusted, stranger]: [AccountId; 2] = ["999988887777", "111122223333"].map(|id| id.parse().unwrap());
        let sent = |sender: Option<&AccountId>, decision| Recognised {
            sender: sender.cloned(),
            ..Recognised::new(decision, "it came").from(Source::Organizations)
        };
        for decision in [Decision::Onboard, Decision::Offboard, Decision::Ignore, Decision::Reject] {
            for sender in [None, Some(&trusted)] {
                assert_eq!(admit_sender(sent(sender, decision), &[&trusted]), sent(sender, decision));
            }
            let answer = admit_sender(sent(Some(&stranger), decision), &[&trusted]);
            let asks_for_nothing = decision == Decision::Ignore;
            assert_eq!(answer.decision, if asks_for_nothing { Decision::Ignore } else { Decision::Reject });
            assert!(
                !matches!(decision, Decision::Onboard) || answer.reason.contains("111122223333 sent it"),
                "{answer:?}"
            );
        }
        let told = Recognised { source: Some(Source::Own), ..sent(Some(&stranger), Decision::Ignore) };
        assert_eq!(admit_sender(told, &[&trusted]).decision, Decision::Reject, "an outcome that never was");
    }

    #[test]
    fn by_default_organizations_starts_nothing_and_the_others_do() {
        let sources = Sources::default();
        for source in [Source::ControlTower, Source::Own, Source::Manual] {
            assert_eq!(admit_source(onboard(source), &sources), onboard(source));
        }
        let refused = admit_source(onboard(Source::Organizations), &sources);
        assert_eq!(refused.decision, Decision::Ignore);
        assert!(refused.reason.contains("start_on"), "{}", refused.reason);
        assert!(refused.reason.contains("organizations"), "{}", refused.reason);
    }

    #[test]
    fn a_listed_source_starts_an_onboarding() {
        let sources: Sources = serde_json::from_str(r#"["organizations"]"#).unwrap();
        assert_eq!(admit_source(onboard(Source::Organizations), &sources).decision, Decision::Onboard);
        assert_eq!(admit_source(onboard(Source::ControlTower), &sources).decision, Decision::Ignore);
    }

    #[test]
    fn closing_and_rejecting_do_not_depend_on_start_on() {
        let none = Sources::from_iter([]);
        for decision in [Decision::Offboard, Decision::Reject, Decision::Ignore] {
            let recognised = Recognised::new(decision, "why").from(Source::Organizations);
            assert_eq!(admit_source(recognised.clone(), &none), recognised);
        }
    }
}
