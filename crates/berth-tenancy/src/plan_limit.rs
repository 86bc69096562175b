//! The changes that a run may make: those of a plan that somebody has looked at, and no other.

use std::{collections::BTreeSet, fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{Effect, Invalid, Origin, ResourceChange};

/// What the hash of a plan begins with.
const HASH_PREFIX: &str = "sha256:";
/// Hexadecimal digits of a plan's hash.
const HASH_DIGITS: usize = 64;
/// Hexadecimal digits of a change's key.
const KEY_DIGITS: usize = 16;
/// What begins the operations of Berth's own memory. It is no change of the account, and what a run writes there depends on
/// how far an earlier one came.
const OWN_MEMORY: &str = "dynamodb:";

/// The plan that a run makes, in short: its hash, and the key of each of its changes. As text, it is these with a space
/// between two, so that it is one value in a payload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PlanLimit {
    hash: String,
    keys: BTreeSet<String>,
}

impl PlanLimit {
    /// The limit that a plan sets.
    ///
    /// # Errors
    /// When `hash` is no hash of a plan, or a key is none of a change.
    pub fn new(hash: &str, keys: impl IntoIterator<Item = String>) -> Result<Self, Invalid> {
        let digits = hash.strip_prefix(HASH_PREFIX).unwrap_or_default();
        if !is_hexadecimal(digits, HASH_DIGITS) {
            return Err(Invalid::new(hash, "the hash of a plan: sha256: and 64 hexadecimal digits"));
        }
        let keys: BTreeSet<String> = keys.into_iter().collect();
        if let Some(wrong) = keys.iter().find(|key| !is_hexadecimal(key, KEY_DIGITS)) {
            return Err(Invalid::new(wrong, "the key of a change: 16 hexadecimal digits"));
        }
        Ok(Self { hash: hash.to_owned(), keys })
    }

    /// The plan's hash.
    #[must_use]
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// Whether the plan has this change of another plan.
    #[must_use]
    pub fn has_planned(&self, change: &ResourceChange) -> bool {
        change.operation.starts_with(OWN_MEMORY) || self.keys.contains(&change.key)
    }

    /// Whether the plan has the change.
    #[must_use]
    pub fn has(&self, place: &Origin<'_>, effect: &Effect) -> bool {
        effect.operation.starts_with(OWN_MEMORY) || effect.keys(place).iter().any(|key| self.keys.contains(key))
    }
}

fn is_hexadecimal(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

impl fmt::Display for PlanLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.hash)?;
        self.keys.iter().try_for_each(|key| write!(f, " {key}"))
    }
}

impl FromStr for PlanLimit {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let mut words = text.split_ascii_whitespace();
        Self::new(words.next().unwrap_or_default(), words.map(str::to_owned))
    }
}

impl TryFrom<String> for PlanLimit {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        text.parse()
    }
}

impl From<PlanLimit> for String {
    fn from(limit: PlanLimit) -> Self {
        limit.to_string()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::ResourceKind;

    const HASH: &str = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn it_is_one_text_in_a_payload_and_reads_back() {
        let limit = PlanLimit::new(HASH, ["00000000000000aa".to_owned(), "00000000000000ab".to_owned()]).unwrap();
        let text = serde_json::to_string(&limit).unwrap();
        assert_eq!(text, format!("\"{HASH} 00000000000000aa 00000000000000ab\""));
        assert_eq!(serde_json::from_str::<PlanLimit>(&text).unwrap(), limit);
        for wrong in
            ["", "sha256:12", &format!("{HASH} xyz"), &format!("{HASH} 00000000000000AA"), &HASH.to_uppercase()]
        {
            assert!(wrong.parse::<PlanLimit>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn it_has_the_changes_of_its_plan_and_what_only_the_ledger_is_told() {
        let account = "111122223333".parse().unwrap();
        let place = Origin { step: "provision-vpc", region: None, account: &account };
        let vpc = || Effect::creates(ResourceKind::Vpc, "ec2:CreateVpc").given("cidrBlock", (), ());
        let planned = ResourceChange::of(&place, vpc(), "create the VPC");
        let limit = PlanLimit::new(HASH, [planned.key.clone()]).unwrap();
        let other = ResourceChange { key: "0".repeat(16), ..planned.clone() };
        assert_eq!([&planned, &other].map(|change| limit.has_planned(change)), [true, false]);
        let made = Effect::creates(ResourceKind::Vpc, "ec2:CreateVpc").given("cidrBlock", (), "10.0.0.0/20");
        assert!(limit.has(&place, &made), "its block was not known");
        assert!(!limit.has(&place, &Effect::creates(ResourceKind::Subnet, "ec2:CreateSubnet")));
        assert!(limit.has(&place, &Effect::changes(crate::UntaggedKind::Record, "dynamodb:UpdateItem")));
    }
}
