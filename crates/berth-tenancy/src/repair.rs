//! What a repair may mend: some kinds of things, and never by taking something away or cutting traffic off.

use std::{collections::BTreeSet, fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{Action, ChangedKind, Effect, Invalid, ResourceKind, UntaggedKind};

/// The kinds that a run may mend, where it is a repair. As text, it is these with a space between two, so that it is one value
/// in a payload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RepairLimit(BTreeSet<ChangedKind>);

impl RepairLimit {
    /// Of these kinds.
    #[must_use]
    pub fn new(kinds: impl IntoIterator<Item = ChangedKind>) -> Self {
        Self(kinds.into_iter().collect())
    }

    /// Whether a repair makes such a change of such a thing: one of its kinds is made, or made right. What would be taken away
    /// or would cut traffic off is left, whatever its kind. A VPC comes with the block that the ledger has for it, and what the
    /// ledger says of an account is no change of the account.
    #[must_use]
    pub fn allows(&self, action: Action, kind: ChangedKind) -> bool {
        let listed = |kind: ChangedKind| self.0.contains(&kind);
        match kind {
            ChangedKind::Untagged(UntaggedKind::Record) => true,
            ChangedKind::Untagged(UntaggedKind::AddressBlock) => listed(ResourceKind::Vpc.into()),
            _ => matches!(action, Action::Create | Action::Change) && listed(kind),
        }
    }

    /// Whether a repair makes the change with this effect.
    #[must_use]
    pub fn has(&self, effect: &Effect) -> bool {
        self.allows(effect.action, effect.kind)
    }
}

impl fmt::Display for RepairLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut kinds = self.0.iter();
        kinds.next().map_or(Ok(()), |kind| write!(f, "{kind}"))?;
        kinds.try_for_each(|kind| write!(f, " {kind}"))
    }
}

impl FromStr for RepairLimit {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let kinds: BTreeSet<ChangedKind> = text.split_ascii_whitespace().map(str::parse).collect::<Result<_, _>>()?;
        if kinds.is_empty() { Err(Invalid::new(text, "a list of kinds of things")) } else { Ok(Self(kinds)) }
    }
}

impl TryFrom<String> for RepairLimit {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        text.parse()
    }
}

impl From<RepairLimit> for String {
    fn from(limit: RepairLimit) -> Self {
        limit.to_string()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn it_is_one_text_in_a_payload_and_reads_back() {
        let limit = RepairLimit::new([UntaggedKind::SignIn.into(), ResourceKind::Role.into()]);
        let text = serde_json::to_string(&limit).unwrap();
        assert_eq!(text, "\"role sign-in\"");
        assert_eq!(serde_json::from_str::<RepairLimit>(&text).unwrap(), limit);
        for wrong in ["", "roles", "role, sign-in"] {
            assert!(wrong.parse::<RepairLimit>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn it_makes_and_changes_what_it_lists_and_takes_nothing_away() {
        let limit = RepairLimit::new([ResourceKind::Role.into()]);
        let role = |action| limit.allows(action, ResourceKind::Role.into());
        assert!(role(Action::Create) && role(Action::Change) && !role(Action::Delete) && !role(Action::Disrupts));
        assert!(!limit.allows(Action::Create, ResourceKind::Vpc.into()));
        assert!(limit.allows(Action::Change, UntaggedKind::Record.into()), "Berth's own memory");
    }
}
