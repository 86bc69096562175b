//! The changes of a plan, as it tells them to people, to scripts, and to the run that makes them.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{AccountId, Action, ChangedKind, Effect, FieldChange, Origin, Region, canonical_json, digest};

/// One change in the plan of an account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ResourceChange {
    /// The function that would make it.
    pub step: String,
    /// The region; absent for what is global.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<Region>,
    /// The account in which it is made: mostly the one that is onboarded.
    pub account_id: AccountId,
    /// What becomes of the resource.
    pub action: Action,
    /// What it is.
    pub kind: ChangedKind,
    /// Id, ARN or name by which AWS knows it; absent while only AWS can give it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// What Berth calls it, where that is another name than `id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What is different about it, as far as that is known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldChange>,
    /// The call, as IAM names its action: `ec2:CreateVpc`. `git:Commit` for the GitOps repository.
    pub operation: String,
    /// The change, in one sentence.
    pub change: String,
    /// What tells it from the other changes of the account: the same when the same change is planned again.
    pub key: String,
}

impl ResourceChange {
    /// The change with who makes it, where, and in which words.
    #[must_use]
    pub fn of(place: &Origin<'_>, effect: Effect, change: impl fmt::Display) -> Self {
        let key = effect.key(place);
        let Effect { action, kind, id, name, operation, account, region, fields, .. } = effect;
        Self {
            step: place.step.to_owned(),
            region: region.or_else(|| place.region.cloned()),
            account_id: account.unwrap_or_else(|| place.account.clone()),
            action,
            kind,
            id,
            name,
            fields: fields.into_iter().map(FieldChange::told).collect(),
            operation: operation.to_owned(),
            change: change.to_string(),
            key,
        }
    }
}

/// How many changes a plan has, by what becomes of the resource.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Counts {
    /// Made.
    pub create: usize,
    /// Changed.
    pub change: usize,
    /// Taken away.
    pub delete: usize,
    /// Changed or taken away, with traffic cut off.
    pub disrupts: usize,
}

impl Counts {
    /// Those of these changes.
    #[must_use]
    pub fn of<'a>(changes: impl IntoIterator<Item = &'a ResourceChange>) -> Self {
        Self::of_actions(changes.into_iter().map(|change| change.action))
    }

    /// Those of changes that do this.
    #[must_use]
    pub fn of_actions(actions: impl IntoIterator<Item = Action>) -> Self {
        actions.into_iter().fold(Self::default(), |mut counts, action| {
            let count = match action {
                Action::Create => &mut counts.create,
                Action::Change => &mut counts.change,
                Action::Delete => &mut counts.delete,
                Action::Disrupts => &mut counts.disrupts,
            };
            *count = count.saturating_add(1);
            counts
        })
    }

    /// All of them.
    #[must_use]
    pub fn sum(self) -> usize {
        let Self { create, change, delete, disrupts } = self;
        [create, change, delete, disrupts].iter().sum()
    }
}

impl std::iter::Sum for Counts {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |sum, counts| Self {
            create: sum.create.saturating_add(counts.create),
            change: sum.change.saturating_add(counts.change),
            delete: sum.delete.saturating_add(counts.delete),
            disrupts: sum.disrupts.saturating_add(counts.disrupts),
        })
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { create, change, delete, disrupts } = self;
        write!(f, "{create} to create, {change} to change, {delete} to delete")?;
        if *disrupts > 0 {
            write!(f, ", {disrupts} that disrupt")?;
        }
        Ok(())
    }
}

/// What one invocation of a step would change, in short: what a plan's output carries, whatever its size. The changes
/// themselves are in the answer of the step, in the history of the execution.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StepSummary {
    /// The function.
    pub step: String,
    /// The region, for a step that runs once for each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<Region>,
    /// How many changes.
    pub counts: Counts,
    /// SHA-256 of the changes, as JSON with sorted keys.
    pub digest: String,
}

/// What a step answers in a plan: its changes, and the same in short. Both are empty when it acts.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Planned {
    /// The changes that would be made, in their order.
    #[serde(default)]
    pub planned: Vec<ResourceChange>,
    /// The same in short: one entry, or none when nothing would change.
    #[serde(default)]
    pub summary: Vec<StepSummary>,
}

/// Most bytes of changes in an answer: Step Functions takes 256 KiB of it, which has their sentences and the step's output,
/// too.
const ANSWER_BYTES_MAX: usize = 144 * 1024;

impl Planned {
    /// What a step answers that would make these changes. Of more than an answer has room for it has only the short form.
    #[must_use]
    pub fn of(place: &Origin<'_>, changes: Vec<ResourceChange>) -> Self {
        if changes.is_empty() {
            return Self::default();
        }
        let (step, region) = (place.step.to_owned(), place.region.cloned());
        let summary = StepSummary { step, region, counts: Counts::of(&changes), digest: Self::digest(&changes) };
        let fits = json!(changes).to_string().len() <= ANSWER_BYTES_MAX;
        Self { planned: if fits { changes } else { Vec::new() }, summary: vec![summary] }
    }

    /// SHA-256 of changes, as JSON with sorted keys.
    #[must_use]
    pub fn digest(changes: &[ResourceChange]) -> String {
        digest(&canonical_json(&json!(changes)))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;
    use crate::ResourceKind;

    #[test]
    fn an_answer_without_room_for_the_changes_has_them_in_short_only() {
        let account = "111122223333".parse().unwrap();
        let origin = Origin { step: "apply-baseline", region: None, account: &account };
        let change = |n: usize| {
            let effect = Effect::creates(ResourceKind::ConfigRule, "config:PutConfigRule").id("r".repeat(n));
            ResourceChange::of(&origin, effect, "create a rule")
        };
        let around = json!([change(0)]).to_string().len();
        let told = |bytes: usize| Planned::of(&origin, vec![change(bytes - around)]);
        assert_eq!(told(ANSWER_BYTES_MAX).planned.len(), 1);
        let large = told(ANSWER_BYTES_MAX + 1);
        assert_eq!((large.planned.len(), large.summary[0].counts.create), (0, 1));
        assert_eq!(large.summary[0].digest, Planned::digest(&[change(ANSWER_BYTES_MAX + 1 - around)]));
    }

    #[test]
    fn the_short_form_counts_the_changes_and_says_nothing_of_nothing() {
        let (account, region) = ("111122223333".parse().unwrap(), "eu-west-1".parse().unwrap());
        let place = Origin { step: "provision-vpc", region: Some(&region), account: &account };
        let made = ResourceChange::of(&place, Effect::creates(ResourceKind::Vpc, "ec2:CreateVpc"), "create the VPC");
        let cut = Effect::deletes(ResourceKind::RouteTable, "ec2:DeleteRoute").id("rtb-1").disrupting();
        let changes = vec![made, ResourceChange::of(&place, cut, "delete a route")];
        let planned = Planned::of(&place, changes.clone());
        let [summary] = planned.summary.as_slice() else { unreachable!("{planned:?}") };
        assert_eq!(summary.counts, Counts { create: 1, disrupts: 1, ..Counts::default() });
        assert_eq!(summary.counts.to_string(), "1 to create, 0 to change, 0 to delete, 1 that disrupt");
        assert_eq!(summary.digest, Planned::digest(&changes));
        assert_ne!(summary.digest, Planned::digest(&changes[..1]));
        assert_eq!(Planned::of(&place, Vec::new()), Planned::default());
    }
}
