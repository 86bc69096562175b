//! The organization's own tags that platform.yaml has lost: which an account still has of them, and which a run takes away.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{OrganizationTags, ResourceKind, Subject, Tags, Thing};

/// How the sentence of a change begins that removes tags.
pub const UNTAG_CHANGE: &str = "remove tags ";

/// Tags of the organization that an account was given, and that its plan does not have any more.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LeftOverTags {
    /// With the value that Berth gave: a tag with another one is somebody else's.
    pub tags: OrganizationTags,
    /// Whether steps take them away.
    #[serde(default)]
    pub remove: bool,
}

impl LeftOverTags {
    /// What was given and is not wanted on resources of a kind. Pure.
    #[must_use]
    pub fn of(given: &OrganizationTags, wanted: &OrganizationTags, remove: bool) -> Self {
        let without = |tags: &BTreeMap<String, String>, wanted: &BTreeMap<String, String>| {
            let left = tags.iter().filter(|(key, _)| !wanted.contains_key(*key));
            left.map(|(key, value)| (key.clone(), value.clone())).collect::<BTreeMap<_, _>>()
        };
        let all = without(&given.all, &wanted.all);
        let of_kind = |(kind, tags): (&ResourceKind, _)| (*kind, without(tags, &wanted.of(*kind).0));
        let by_kind = given.by_kind.iter().map(of_kind).filter(|(_, tags)| !tags.is_empty()).collect();
        let of_role = |(role, tags): (&String, _)| (role.clone(), without(tags, &wanted.of_role(role).0));
        let by_role = given.by_role.iter().map(of_role).filter(|(_, tags)| !tags.is_empty()).collect();
        Self { tags: OrganizationTags { all, by_kind, by_role }, remove }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tags.is_empty()
    }

    /// As people are told them: one thing for each key.
    #[must_use]
    pub fn things(&self) -> Vec<Thing> {
        let mut places: BTreeMap<&String, (BTreeSet<ResourceKind>, BTreeSet<String>)> = BTreeMap::new();
        for (kind, tags) in &self.tags.by_kind {
            tags.keys().for_each(|key| _ = places.entry(key).or_default().0.insert(*kind));
        }
        for (role, tags) in &self.tags.by_role {
            tags.keys().for_each(|key| _ = places.entry(key).or_default().1.insert(role.clone()));
        }
        // On everything, whatever else it was on.
        places.extend(self.tags.all.keys().map(|key| (key, Default::default())));
        places.into_iter().map(|(key, (on, roles))| Thing::Tag { key: key.clone(), on, roles }).collect()
    }
}

impl Subject {
    /// The organization's tags that the account has been given when this run has ended: those of its plan, and those that
    /// are left over.
    #[must_use]
    pub fn given_tags(&self) -> OrganizationTags {
        self.left_over_tags.tags.clone().overlaid(&self.tags)
    }

    /// Whether tags of the organization's own are compared on resources of a kind: some are wanted, or some are to go.
    #[must_use]
    pub fn compares_tags(&self, kind: ResourceKind) -> bool {
        let LeftOverTags { tags, remove } = &self.left_over_tags;
        !self.tags.of(kind).0.is_empty() || (*remove && !tags.of(kind).0.is_empty())
    }

    /// Which tags this run takes away from something of Berth's that has `there` and shall have `wanted`: those that are left
    /// over, as Berth gave them. A tag of another value is somebody else's.
    #[must_use]
    pub fn surplus_tags(&self, kind: ResourceKind, there: &Tags, wanted: &Tags) -> Tags {
        self.surplus(&self.left_over_tags.tags.of(kind), there, wanted)
    }

    /// Which tags this run takes away from the role with this key in the plan, as [`Self::surplus_tags`].
    #[must_use]
    pub fn surplus_tags_of_role(&self, key: &str, there: &Tags, wanted: &Tags) -> Tags {
        self.surplus(&self.left_over_tags.tags.of_role(key), there, wanted)
    }

    fn surplus(&self, left: &Tags, there: &Tags, wanted: &Tags) -> Tags {
        // IAM takes keys that differ only in case for one.
        let is_wanted = |key: &String| wanted.0.keys().any(|wanted| wanted.eq_ignore_ascii_case(key));
        let goes = |(key, value): &(&String, &String)| {
            self.left_over_tags.remove && there.get(key) == Some(value) && !is_wanted(key) && !Tags::is_own(key)
        };
        left.0.iter().filter(goes).map(|(key, value)| (key.clone(), value.clone())).collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    fn organization(value: serde_json::Value) -> OrganizationTags {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn a_tag_that_was_given_and_is_wanted_no_more_is_left_over_where_it_was() {
        let given = organization(json!({
            "all": { "a": "1", "b": "1" },
            "byKind": { "vpc": { "a": "2", "c": "1", "d": "1" }, "subnet": { "c": "1" }, "role": { "b": "2" } },
            "byRole": { "ci": { "b": "4", "c": "1", "e": "1" }, "viewer": { "f": "1" } },
        }));
        let wanted = organization(
            json!({ "all": { "b": "3" }, "byKind": { "vpc": { "c": "2" } }, "byRole": { "viewer": { "f": "2" } } }),
        );
        let left = LeftOverTags::of(&given, &wanted, false);
        let shown: Vec<String> = left.things().iter().map(ToString::to_string).collect();
        assert_eq!(
            shown,
            [
                "tag a on everything that Berth made",
                "tag c on every subnet, the role ci",
                "tag d on every vpc",
                "tag e on the role ci"
            ],
            "b is wanted everywhere, c on VPCs, f on viewers"
        );
        assert_eq!(left.tags.of(ResourceKind::Vpc), Tags::from_iter([("a", "2"), ("d", "1")]));
        assert!(LeftOverTags::of(&wanted, &wanted, true).is_empty());
        let both = given.overlaid(&wanted);
        assert_eq!((both.all["b"].as_str(), both.by_kind[&ResourceKind::Vpc]["c"].as_str()), ("3", "2"));
    }

    #[test]
    fn a_run_takes_away_only_what_berth_gave_and_nobody_wants() {
        let run = |remove: bool| -> Subject {
            serde_json::from_value(json!({
                "accountId": "111122223333", "accountName": "x-dev", "tenant": "x", "environment": "dev", "generation": 3,
                "execution": "arn:mine", "mode": "apply", "tenantRole": "BerthTenant",
                "tags": { "all": { "kept": "1", "CostCenter": "1" } },
                "leftOverTags": {
                    "tags": {
                        "all": { "gone": "1", "changed": "1", "costcenter": "1", "berth:managed-by": "berth" },
                        "byRole": { "ci": { "gone": "2", "changed": "2" } },
                    },
                    "remove": remove,
                },
            }))
            .unwrap()
        };
        let wanted = run(true).tags_of(ResourceKind::Role);
        let theirs = [("gone", "1"), ("changed", "2"), ("costcenter", "1"), ("theirs", "1")];
        let there = wanted.clone().overlaid(Tags::from_iter(theirs));
        let goes = |run: Subject| run.surplus_tags(ResourceKind::Role, &there, &wanted);
        assert_eq!(goes(run(true)), Tags::from_iter([("gone", "1")]));
        let of_role = |key: &str| run(true).surplus_tags_of_role(key, &there, &wanted);
        assert_eq!(of_role("ci"), Tags::from_iter([("changed", "2")]), "as this role was given them");
        assert_eq!(of_role("viewer"), goes(run(true)));
        assert_eq!(goes(run(false)), Tags::default());
        let given = run(false).given_tags();
        assert_eq!(
            given.all.keys().map(String::as_str).collect::<Vec<_>>().join(" "),
            "CostCenter berth:managed-by changed costcenter gone kept"
        );
    }
}
