//! What a change does to one resource, and by which key it is known again when a run makes it.

use std::{fmt, str::FromStr};

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use serde_json::{Value, json};

use crate::{AccountId, Invalid, Region, ResourceKind, Subject, Tags, canonical_json, short_digest};

/// In the ids and values that stand for what only AWS can give, such as `vpc-(new)`.
pub const PLACEHOLDER: &str = "(new";

/// What becomes of a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// It is made.
    Create,
    /// It is there, and becomes another.
    Change,
    /// It is gone afterwards.
    Delete,
    /// It is changed or taken away, and traffic is cut off by that.
    Disrupts,
}

impl Action {
    /// The sign before the change in a list for people.
    #[must_use]
    pub fn sign(self) -> char {
        match self {
            Self::Create => '+',
            Self::Change => '~',
            Self::Delete => '-',
            Self::Disrupts => '!',
        }
    }
}

/// A kind of thing that a change is about: one that Berth tags, or one that has no tags.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum ChangedKind {
    /// In AWS's spelling, as in the tags of platform.yaml.
    Tagged(ResourceKind),
    /// Everything else.
    Untagged(UntaggedKind),
}

impl ChangedKind {
    /// Every kind.
    pub fn all() -> impl Iterator<Item = Self> {
        ResourceKind::ALL.into_iter().map(Self::from).chain(UntaggedKind::ALL.into_iter().map(Self::from))
    }
}

impl fmt::Display for ChangedKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

impl FromStr for ChangedKind {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        Self::all().find(|kind| kind.to_string() == text).ok_or_else(|| Invalid::new(text, "a kind of things"))
    }
}

impl<'de> Deserialize<'de> for ChangedKind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|_: Invalid| {
            let names: Vec<String> = Self::all().map(|kind| format!("`{kind}`")).collect();
            D::Error::custom(format!("unknown variant `{text}`, expected one of {}", names.join(", ")))
        })
    }
}

impl From<ResourceKind> for ChangedKind {
    fn from(kind: ResourceKind) -> Self {
        Self::Tagged(kind)
    }
}

impl From<UntaggedKind> for ChangedKind {
    fn from(kind: UntaggedKind) -> Self {
        Self::Untagged(kind)
    }
}

/// A kind of thing without tags of Berth's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum UntaggedKind {
    /// The default security group of a VPC.
    SecurityGroup,
    /// A role that AWS makes for one of its services.
    ServiceLinkedRole,
    /// Where AWS Config delivers to.
    DeliveryChannel,
    /// What AWS Backup backs up.
    BackupSelection,
    /// A setting of a whole region or account.
    AccountSetting,
    /// An assignment of Identity Center.
    SignIn,
    /// A file of the GitOps repository.
    File,
    /// A block of a pool in the ledger.
    AddressBlock,
    /// What the ledger says of an account.
    Record,
    /// What an extension of the platform's own does.
    Extension,
}

impl UntaggedKind {
    /// Every kind.
    pub const ALL: [Self; 10] = [
        Self::SecurityGroup,
        Self::ServiceLinkedRole,
        Self::DeliveryChannel,
        Self::BackupSelection,
        Self::AccountSetting,
        Self::SignIn,
        Self::File,
        Self::AddressBlock,
        Self::Record,
        Self::Extension,
    ];
}

impl fmt::Display for UntaggedKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

/// One field of a resource.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FieldChange {
    /// Its name, as AWS has it where AWS has one.
    pub field: String,
    /// What it is; absent where it is not there, or was not looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// What it becomes; absent where it goes, or where only AWS can give it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
    /// Whether only AWS, or the ledger, gives what it becomes: a plan cannot know it. For [`Effect::keys`].
    #[serde(skip)]
    is_given: bool,
}

impl FieldChange {
    /// As it is told: where what it becomes comes from is for the key alone.
    pub(crate) fn told(self) -> Self {
        Self { is_given: false, ..self }
    }
}

/// What a change does, as the step that makes it says. Who makes it, where, and in which words is added by the loop of all
/// steps: see [`crate::ResourceChange`].
#[derive(Debug, Clone, PartialEq)]
pub struct Effect {
    /// What becomes of it.
    pub action: Action,
    /// What it is.
    pub kind: ChangedKind,
    /// Id, ARN or name by which AWS knows it; none while only AWS can give it.
    pub id: Option<String>,
    /// What Berth calls it, where that is another name than `id`.
    pub name: Option<String>,
    /// The IAM action of the call.
    pub operation: &'static str,
    /// The account, where it is not the one that is onboarded.
    pub account: Option<AccountId>,
    /// The region, where it is not that of the step.
    pub region: Option<Region>,
    /// What is different about it, as far as that is known.
    pub fields: Vec<FieldChange>,
    /// Whether something of it is not known yet, because only AWS can give it.
    is_open: bool,
    /// The change that it is a part of, where only AWS tells whether it takes this one, too.
    part_of: Option<Box<Effect>>,
}

impl Effect {
    fn new(action: Action, kind: impl Into<ChangedKind>, operation: &'static str) -> Self {
        let (kind, fields) = (kind.into(), Vec::new());
        Self {
            action,
            kind,
            id: None,
            name: None,
            operation,
            account: None,
            region: None,
            fields,
            is_open: false,
            part_of: None,
        }
    }

    /// Something is made.
    #[must_use]
    pub fn creates(kind: impl Into<ChangedKind>, operation: &'static str) -> Self {
        Self::new(Action::Create, kind, operation)
    }

    /// Something that is there becomes another.
    #[must_use]
    pub fn changes(kind: impl Into<ChangedKind>, operation: &'static str) -> Self {
        Self::new(Action::Change, kind, operation)
    }

    /// Something is taken away.
    #[must_use]
    pub fn deletes(kind: impl Into<ChangedKind>, operation: &'static str) -> Self {
        Self::new(Action::Delete, kind, operation)
    }

    /// The same, and it cuts traffic off.
    #[must_use]
    pub fn disrupting(self) -> Self {
        Self { action: Action::Disrupts, ..self }
    }

    /// By which id AWS knows it. A placeholder says nothing.
    #[must_use]
    pub fn id(self, id: impl Into<String>) -> Self {
        let id = Some(id.into()).filter(|id| !id.contains(PLACEHOLDER));
        Self { is_open: self.is_open || id.is_none(), id, ..self }
    }

    /// As a part of another change: a plan that has the other one has this one, too, because nobody can know before whether
    /// it is needed.
    #[must_use]
    pub fn part_of(self, other: Self) -> Self {
        Self { part_of: Some(Box::new(other)), ..self }
    }

    /// What Berth calls it.
    #[must_use]
    pub fn name(self, name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..self }
    }

    /// In this account, not in the one that is onboarded.
    #[must_use]
    pub fn in_account(self, account: &AccountId) -> Self {
        Self { account: Some(account.clone()), ..self }
    }

    /// In this region, not in that of the step.
    #[must_use]
    pub fn in_region(self, region: &Region) -> Self {
        Self { region: Some(region.clone()), ..self }
    }

    /// A field that becomes another. What serializes to null (`()`, `None`) stands for nothing there, or for what was not
    /// looked at.
    #[must_use]
    pub fn field(self, field: &str, before: impl Serialize, after: impl Serialize) -> Self {
        self.with(field, value(before), value(after), false)
    }

    /// A field that gets what only AWS, or the ledger, gives: the id of a resource that Berth makes, or an address. Nothing
    /// is said of a placeholder.
    #[must_use]
    pub fn given(mut self, field: &str, before: impl Serialize, after: impl Serialize) -> Self {
        let after = value(after).filter(|after| !after.to_string().contains(PLACEHOLDER));
        self.is_open |= after.is_none();
        self.with(field, value(before), after, true)
    }

    /// A field for each tag that is set: what it was, and what it becomes.
    #[must_use]
    pub fn tags(self, before: Option<&Tags>, after: &Tags) -> Self {
        let set = |effect: Self, (key, value): (&String, &String)| {
            effect.field(&format!("tags.{key}"), before.and_then(|tags| tags.get(key)), value)
        };
        after.0.iter().fold(self, set)
    }

    /// A field for each tag that goes.
    #[must_use]
    pub fn without_tags(self, tags: &Tags) -> Self {
        tags.0.iter().fold(self, |effect, (key, value)| effect.field(&format!("tags.{key}"), value, ()))
    }

    fn with(mut self, field: &str, before: Option<Value>, after: Option<Value>, is_given: bool) -> Self {
        self.fields.push(FieldChange { field: field.to_owned(), before, after, is_given });
        self
    }

    /// What tells this change from others of the account, wherever it is made: everything but the words, and what was
    /// before. `is_open`: without what only AWS can give.
    fn digest(&self, place: &Origin<'_>, is_open: bool) -> String {
        let fields = self.fields.iter().map(|field| {
            let after = field.after.as_ref().filter(|_| !(is_open && field.is_given));
            json!([field.field, after])
        });
        let id = self.id.as_ref().filter(|_| !is_open);
        let (region, account) = (self.region.as_ref().or(place.region), self.account.as_ref().unwrap_or(place.account));
        let all = json!([
            place.step,
            region,
            account,
            self.action,
            self.kind,
            id,
            self.name,
            self.operation,
            fields.collect::<Vec<_>>()
        ]);
        short_digest(&canonical_json(&all))
    }

    /// The key of this change in a plan.
    pub(crate) fn key(&self, place: &Origin<'_>) -> String {
        self.digest(place, self.is_open)
    }

    /// The keys under which a plan may have it: all of it is known now, and it may not have been then.
    #[must_use]
    pub fn keys(&self, place: &Origin<'_>) -> Vec<String> {
        let mut keys = self.part_of.as_ref().map(|other| other.keys(place)).unwrap_or_default();
        keys.extend([self.digest(place, false), self.digest(place, true)]);
        keys
    }
}

/// A value of a field; none for what serializes to null.
fn value(value: impl Serialize) -> Option<Value> {
    serde_json::to_value(value).ok().filter(|value| !value.is_null())
}

/// Where a change is made, and by which function.
#[derive(Debug, Clone, Copy)]
pub struct Origin<'a> {
    /// The function.
    pub step: &'a str,
    /// The region, for a step that runs once for each.
    pub region: Option<&'a Region>,
    /// The account that is onboarded.
    pub account: &'a AccountId,
}

impl<'a> Origin<'a> {
    /// Where a step works on an account.
    #[must_use]
    pub fn of(step: &'a str, subject: &'a Subject, region: Option<&'a Region>) -> Self {
        Self { step, region, account: &subject.account_id }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;
    use crate::ResourceChange;

    fn account() -> AccountId {
        "111122223333".parse().unwrap()
    }

    fn place<'a>(account: &'a AccountId, region: &'a Region) -> Origin<'a> {
        Origin { step: "provision-vpc", region: Some(region), account }
    }

    fn associated(subnet: &str, table: &str) -> Effect {
        Effect::changes(ResourceKind::Subnet, "ec2:AssociateRouteTable").id(subnet).name("private euw1-az1").given(
            "routeTable",
            (),
            table,
        )
    }

    #[test]
    fn a_change_is_known_again_when_ids_are_there_that_the_plan_could_not_know() {
        let (account, region) = (account(), "eu-west-1".parse().unwrap());
        let place = place(&account, &region);
        let planned = ResourceChange::of(&place, associated("subnet-(new private euw1-az1)", "rtb-(new private)"), "");
        assert_eq!((&planned.id, &planned.fields[0].after), (&None, &None), "placeholders are no ids");
        assert!(associated("subnet-1", "rtb-1").keys(&place).contains(&planned.key));
        let other = Effect { name: Some("private euw1-az2".to_owned()), ..associated("subnet-2", "rtb-1") };
        assert!(!other.keys(&place).contains(&planned.key), "another subnet is another change");
    }

    #[test]
    fn a_change_of_what_was_known_is_known_again_with_the_same_ids_only() {
        let (account, region) = (account(), "eu-west-1".parse().unwrap());
        let place = place(&account, &region);
        let planned = ResourceChange::of(&place, associated("subnet-1", "rtb-1"), "");
        assert!(associated("subnet-1", "rtb-1").keys(&place).contains(&planned.key));
        for other in [associated("subnet-2", "rtb-1"), associated("subnet-1", "rtb-2")] {
            assert!(!other.keys(&place).contains(&planned.key), "{other:?}");
        }
    }

    #[test]
    fn words_and_what_a_field_was_make_no_other_change_and_all_else_does() {
        let (account, region) = (account(), "eu-west-1".parse().unwrap());
        let place = place(&account, &region);
        let set = |before: u32, after: u32| {
            let effect = Effect::changes(ResourceKind::Role, "iam:UpdateRole").id("payments-developer");
            effect.field("maxSessionDuration", before, after)
        };
        let key = ResourceChange::of(&place, set(1, 2), "set it").key;
        assert_eq!(ResourceChange::of(&place, set(7, 2), "put it").key, key);
        assert_ne!(ResourceChange::of(&place, set(1, 3), "set it").key, key);
        assert_ne!(ResourceChange::of(&Origin { step: "other", ..place }, set(1, 2), "").key, key);
        let elsewhere = set(1, 2).in_account(&"444455556666".parse().unwrap());
        assert_ne!(ResourceChange::of(&place, elsewhere, "").key, key);
    }

    #[test]
    fn kinds_are_spelled_as_in_tags_and_read_back() {
        for (kind, spelled) in [
            (ChangedKind::from(ResourceKind::TransitGatewayAttachment), "transit-gateway-attachment"),
            (UntaggedKind::SignIn.into(), "sign-in"),
        ] {
            assert_eq!(json!(kind), json!(spelled));
            assert_eq!(serde_json::from_value::<ChangedKind>(json!(spelled)).unwrap(), kind);
        }
    }
}
