//! What an account was given, thing by thing, and what of it nobody wants any more.

use std::{collections::BTreeSet, fmt};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{BaselinePart, ClusterPlan, Pods, Region, ResourceKind};

/// What an attachment to a Transit Gateway costs in a month of 730 hours, in US cents: $0.05 an hour, in us-east-1, as
/// docs/costs.md has it. What it sends is billed besides.
const ATTACHMENT_CENTS: u32 = 3650;

/// One thing that a step makes for an account, or adopts. Names and ARNs, never secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Thing {
    /// A group signs in to the account with a permission set. [sso-admin `CreateAccountAssignment`]
    SignIn {
        /// Display name of the group.
        group: String,
        /// Name of the permission set.
        permission_set: String,
        /// Id of the group, as it was when the assignment was asked for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        group_id: Option<String>,
        /// ARN of the permission set, as it was then.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        permission_set_arn: Option<String>,
    },
    /// An access entry of a role on a cluster. [EKS `CreateAccessEntry`]
    AccessEntry {
        /// ARN of the role.
        role: String,
        /// Name of the cluster in platform.yaml.
        cluster: String,
        /// Where the cluster is; not known of an entry that an earlier version made.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at: Option<ClusterPlan>,
    },
    /// An association that gives pods on a cluster a role. [EKS `CreatePodIdentityAssociation`]
    PodIdentity {
        /// Whose pods.
        pods: Pods,
        /// Name of the cluster in platform.yaml.
        cluster: String,
        /// Where the cluster is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at: Option<ClusterPlan>,
    },
    /// A tenant role. [IAM `CreateRole`]
    Role {
        /// Short name in the plan.
        name: String,
        /// Its ARN.
        arn: String,
    },
    /// The permissions boundary of the roles. [IAM `CreatePolicy`]
    Boundary {
        /// Its ARN.
        arn: String,
    },
    /// An OIDC provider that trust of roles names. [IAM `CreateOpenIDConnectProvider`]
    OidcProvider {
        /// Its ARN.
        arn: String,
    },
    /// The attachment of the VPC. [EC2 `CreateTransitGatewayVpcAttachment`]
    Attachment {
        /// The region.
        region: Region,
        /// Its id; only AWS gives it, so the step finds it again by its tags until a run has ended.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<String>,
    },
    /// The VPC with all that is in it. [EC2 `CreateVpc`]
    Vpc {
        /// The region.
        region: Region,
        /// Its id; only AWS gives it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<String>,
    },
    /// The baseline of a region: backups, Config, settings.
    Baseline {
        /// The region.
        region: Region,
        /// What it has besides settings; none where nobody has listed it, as earlier versions did not.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        parts: Option<BTreeSet<BaselinePart>>,
    },
    /// One thing of it, where it is left over. The inventory has it in the baseline.
    BaselinePart {
        /// The region.
        region: Region,
        /// Which.
        part: BaselinePart,
    },
    /// The account's entry in a tenant's file.
    File {
        /// Path in the GitOps repository.
        path: String,
    },
    /// A tag of the organization's own that platform.yaml does not have any more, where it is left over. The account's record
    /// has those that it was given beside the inventory.
    Tag {
        /// Its key.
        key: String,
        /// The types of resource that have it; all where it is empty.
        #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
        on: BTreeSet<ResourceKind>,
        /// Keys of the roles that have it as a tag of their own.
        #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
        roles: BTreeSet<String>,
    },
}

impl Thing {
    /// What tells two things of one account apart: everything but the ids that only AWS gives.
    #[must_use]
    pub fn key(&self) -> String {
        match self {
            Self::SignIn { group, permission_set, .. } => format!("sign-in {permission_set} {group}"),
            Self::AccessEntry { role, cluster, .. } => format!("access-entry {cluster} {role}"),
            Self::PodIdentity { pods, cluster, .. } => format!("pod-identity {cluster} {pods}"),
            Self::Role { arn, .. } => format!("role {arn}"),
            Self::Boundary { arn } => format!("boundary {arn}"),
            Self::OidcProvider { arn } => format!("oidc-provider {arn}"),
            Self::Attachment { region, .. } => format!("attachment {region}"),
            Self::Vpc { region, .. } => format!("vpc {region}"),
            Self::Baseline { region, .. } => format!("baseline {region}"),
            Self::BaselinePart { region, part } => format!("baseline {region} {part}"),
            Self::File { path } => format!("file {path}"),
            Self::Tag { key, .. } => format!("tag {key}"),
        }
    }

    /// The same thing, with the newest ids: those of `newer` where it has them.
    #[must_use]
    pub fn with_ids_of(&self, newer: &Self) -> Self {
        let mut both = newer.clone();
        match (&mut both, self) {
            (
                Self::SignIn { group_id, permission_set_arn, .. },
                Self::SignIn { group_id: group, permission_set_arn: set, .. },
            ) => {
                *group_id = group_id.take().or_else(|| group.clone());
                *permission_set_arn = permission_set_arn.take().or_else(|| set.clone());
            }
            (Self::AccessEntry { at, .. }, Self::AccessEntry { at: known, .. })
            | (Self::PodIdentity { at, .. }, Self::PodIdentity { at: known, .. }) => {
                *at = at.take().or_else(|| known.clone());
            }
            (Self::Vpc { id, .. }, Self::Vpc { id: known, .. })
            | (Self::Attachment { id, .. }, Self::Attachment { id: known, .. }) => {
                *id = id.take().or_else(|| known.clone());
            }
            (Self::Baseline { parts, .. }, Self::Baseline { parts: known, .. }) => {
                *parts = parts.take().or_else(|| known.clone());
            }
            _ => {}
        }
        both
    }

    /// Whether it lets somebody in. Access that nobody wants is the worse mistake, so it is removed by default.
    #[must_use]
    pub fn is_access(&self) -> bool {
        matches!(self, Self::SignIn { .. } | Self::AccessEntry { .. } | Self::PodIdentity { .. } | Self::Role { .. })
    }

    /// The cluster that it is on, by its name in platform.yaml, and where that is, if anybody knows; none for what is on no
    /// cluster.
    #[must_use]
    pub fn place(&self) -> Option<(&str, Option<&ClusterPlan>)> {
        match self {
            Self::AccessEntry { cluster, at, .. } | Self::PodIdentity { cluster, at, .. } => {
                Some((cluster, at.as_ref()))
            }
            _ => None,
        }
    }

    /// The same thing with the place of its cluster, where nobody knew it and `find` does.
    #[must_use]
    pub fn placed(mut self, find: impl FnOnce(&str) -> Option<ClusterPlan>) -> Self {
        if let Self::AccessEntry { cluster, at: at @ None, .. } | Self::PodIdentity { cluster, at: at @ None, .. } =
            &mut self
        {
            *at = find(cluster);
        }
        self
    }

    /// The region that it is in; none for what is global, or in a cluster's region.
    #[must_use]
    pub fn region(&self) -> Option<&Region> {
        match self {
            Self::Attachment { region, .. }
            | Self::Vpc { region, .. }
            | Self::Baseline { region, .. }
            | Self::BaselinePart { region, .. } => Some(region),
            _ => None,
        }
    }

    /// What it costs in a month, in US cents of us-east-1; none for what is free, or is billed by use.
    #[must_use]
    pub fn monthly_cents(&self) -> Option<u32> {
        matches!(self, Self::Attachment { .. }).then_some(ATTACHMENT_CENTS)
    }
}

impl fmt::Display for Thing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = |id: &Option<String>| id.as_ref().map(|id| format!(" {id}")).unwrap_or_default();
        match self {
            Self::SignIn { group, permission_set, .. } => write!(f, "sign-in of {group} with {permission_set}"),
            Self::AccessEntry { role, cluster, .. } => write!(f, "access entry of {role} on {cluster}"),
            Self::PodIdentity { pods, cluster, .. } => write!(f, "pod identity association of {pods} on {cluster}"),
            Self::Role { arn, .. } => write!(f, "role {arn}"),
            Self::Boundary { arn } => write!(f, "permissions boundary {arn}"),
            Self::OidcProvider { arn } => write!(f, "OIDC provider {arn}"),
            Self::Attachment { region, id } => write!(f, "Transit Gateway attachment{} in {region}", known(id)),
            Self::Vpc { region, id } => write!(f, "VPC{} in {region}", known(id)),
            Self::Baseline { region, .. } => write!(f, "baseline in {region}"),
            Self::BaselinePart { region, part } => write!(f, "{part} in {region}"),
            Self::File { path } => write!(f, "entry in {path} of the GitOps repository"),
            Self::Tag { key, on, roles } => {
                let kinds: Vec<String> = on.iter().map(|kind| format!("every {kind}")).collect();
                let roles: Vec<String> = roles.iter().map(|role| format!("the role {role}")).collect();
                let places = [kinds, roles].concat();
                let places =
                    if places.is_empty() { "everything that Berth made".to_owned() } else { places.join(", ") };
                write!(f, "tag {key} on {places}")
            }
        }
    }
}

/// A thing in the inventory of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Given {
    /// What was given.
    pub thing: Thing,
    /// The onboarding that made or adopted it; none of what an earlier version made, as far as its records say so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<u32>,
}

/// What becomes of what an account was given and its plan does not have any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LeftOverPolicy {
    /// It is reported, and stays.
    Report,
    /// It is removed, where a step can prove that it is Berth's and can remove it; else it is reported.
    Remove,
}

impl LeftOverPolicy {
    /// What becomes of this thing. `chosen` is what platform.yaml says, if anything. What is known only from the records
    /// of an earlier version is reported first: nobody has agreed yet that it is removed.
    fn applied_to(chosen: Option<Self>, given: &Given) -> LeftOver {
        let policy = chosen.unwrap_or(if given.thing.is_access() { Self::Remove } else { Self::Report });
        let (goes, is_known) = (policy == Self::Remove, given.generation.is_some());
        LeftOver { until_next_run: goes && !is_known, ..LeftOver::new(given.thing.clone(), goes && is_known) }
    }
}

/// Something that an account was given and that its plan does not have any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LeftOver {
    /// What it is.
    pub thing: Thing,
    /// Whether the step shall remove it.
    #[serde(default)]
    pub remove: bool,
    /// Whether it is only reported now, and the next run removes it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub until_next_run: bool,
}

impl LeftOver {
    /// Something that this run removes, or leaves.
    #[must_use]
    pub fn new(thing: Thing, remove: bool) -> Self {
        Self { thing, remove, until_next_run: false }
    }
}

/// What is left over of an account, for each step that can look at it and remove it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LeftOvers {
    /// Roles, the permissions boundary and OIDC providers: for the step of the roles.
    #[serde(default)]
    pub roles: Vec<LeftOver>,
    /// Assignments: for the step of the sign-in.
    #[serde(default)]
    pub sign_in: Vec<LeftOver>,
    /// Access entries and Pod Identity associations: for the step of the clusters.
    #[serde(default)]
    pub access: Vec<LeftOver>,
    /// Things of the baseline of a region that the account still has, and whole baselines that nobody has listed: for the
    /// step of the baselines, which looks at what they have.
    #[serde(default)]
    pub baselines: Vec<LeftOver>,
    /// What no step of an onboarding removes: it is only reported.
    #[serde(default)]
    pub reported: Vec<LeftOver>,
}

impl LeftOvers {
    /// What was given and is not wanted, sorted by the step that looks at it. Pure.
    #[must_use]
    pub fn of<'a>(
        given: impl IntoIterator<Item = &'a Given>,
        wanted: &[Thing],
        chosen: Option<LeftOverPolicy>,
    ) -> Self {
        let mut left = Self::default();
        for given in given {
            if let Thing::Baseline { region, parts } = &given.thing
                && wanted.iter().any(|wanted| matches!(wanted, Thing::Vpc { region: kept, .. } if kept == region))
            {
                // What nobody has listed is only reported, whoever made it.
                let generation = parts.as_ref().and(given.generation);
                let parts = baseline_parts(region, parts.as_ref(), wanted).into_iter();
                let parts = parts.map(|thing| LeftOverPolicy::applied_to(chosen, &Given { thing, generation }));
                left.baselines.extend(parts);
                continue;
            }
            if wanted.iter().any(|wanted| wanted.key() == given.thing.key()) {
                continue;
            }
            let one = LeftOverPolicy::applied_to(chosen, given);
            match &given.thing {
                Thing::Role { .. } | Thing::Boundary { .. } | Thing::OidcProvider { .. } => left.roles.push(one),
                Thing::SignIn { .. } => left.sign_in.push(one),
                Thing::AccessEntry { .. } | Thing::PodIdentity { .. } => left.access.push(one),
                _ => left.reported.push(LeftOver::new(one.thing, false)),
            }
        }
        left
    }

    /// All of it.
    pub fn iter(&self) -> impl Iterator<Item = &LeftOver> {
        [&self.sign_in, &self.access, &self.roles, &self.baselines, &self.reported].into_iter().flatten()
    }
}

/// What of a region's baseline is not wanted, where the region is: each thing, or the baseline where nobody knows what it has.
fn baseline_parts(region: &Region, parts: Option<&BTreeSet<BaselinePart>>, wanted: &[Thing]) -> Vec<Thing> {
    let Some(parts) = parts else { return vec![Thing::Baseline { region: region.clone(), parts: None }] };
    let of_region = wanted.iter().find_map(|thing| match thing {
        Thing::Baseline { region: other, parts } if other == region => parts.as_ref(),
        _ => None,
    });
    let is_wanted = |part: &&BaselinePart| of_region.is_some_and(|wanted| wanted.contains(part));
    let thing = |part: &BaselinePart| Thing::BaselinePart { region: region.clone(), part: part.clone() };
    parts.iter().filter(|part| !is_wanted(part)).map(thing).collect()
}

/// One change of a run, as people are told it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ToldChange {
    /// The function that made it.
    pub step: String,
    /// The region, for a step that runs once for each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<Region>,
    /// The change, in one sentence.
    pub change: String,
}

impl fmt::Display for ToldChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.region {
            Some(region) => write!(f, "{region}: {}", self.change),
            None => f.write_str(&self.change),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    fn role(name: &str) -> Thing {
        Thing::Role { name: name.to_owned(), arn: format!("arn:aws:iam::111122223333:role/tenant/x-{name}") }
    }

    fn given(thing: Thing, generation: Option<u32>) -> Given {
        Given { thing, generation }
    }

    fn vpc(id: Option<&str>) -> Thing {
        Thing::Vpc { region: "eu-west-1".parse().unwrap(), id: id.map(str::to_owned) }
    }

    #[test]
    fn what_was_given_and_is_not_wanted_is_left_over_whatever_ids_are_known() {
        let recorded = [given(role("a"), Some(1)), given(role("b"), Some(1)), given(vpc(Some("vpc-1")), Some(1))];
        let left = LeftOvers::of(&recorded, &[role("a"), vpc(None)], None);
        let all: Vec<String> = left.iter().map(|left| left.thing.to_string()).collect();
        assert_eq!(all, ["role arn:aws:iam::111122223333:role/tenant/x-b"]);
    }

    #[test]
    fn access_is_removed_unless_configured_otherwise_and_the_rest_reported() {
        let recorded = [given(role("a"), Some(1)), given(vpc(None), Some(1))];
        for (chosen, role_goes) in
            [(None, true), (Some(LeftOverPolicy::Remove), true), (Some(LeftOverPolicy::Report), false)]
        {
            let left = LeftOvers::of(&recorded, &[], chosen);
            assert_eq!((left.roles[0].remove, left.reported[0].remove), (role_goes, false), "{chosen:?}");
        }
    }

    #[test]
    fn what_only_an_earlier_version_knows_of_is_reported_before_it_is_removed() {
        let recorded = [given(role("a"), None)];
        let of = |chosen| {
            let LeftOver { remove, until_next_run, .. } = LeftOvers::of(&recorded, &[], chosen).roles.remove(0);
            (remove, until_next_run)
        };
        assert_eq!(of(Some(LeftOverPolicy::Remove)), (false, true));
        assert_eq!(of(None), (false, true));
        assert_eq!(of(Some(LeftOverPolicy::Report)), (false, false), "the next run leaves it, too");
    }

    fn baseline(region: &str, parts: Option<&[&str]>) -> Thing {
        let rules = |names: &[&str]| names.iter().map(|name| BaselinePart::ConfigRule((*name).to_owned())).collect();
        Thing::Baseline { region: region.parse().unwrap(), parts: parts.map(rules) }
    }

    #[test]
    fn what_a_baseline_has_lost_is_left_over_where_its_region_is_planned() {
        let recorded = [given(baseline("eu-west-1", Some(&["a", "b"])), Some(1))];
        let of = |wanted: &[Thing], chosen| LeftOvers::of(&recorded, wanted, chosen);
        let all = |left: &LeftOvers| -> Vec<String> { left.iter().map(|left| left.thing.to_string()).collect() };
        let wanted = [vpc(None), baseline("eu-west-1", Some(&["a"]))];
        for (chosen, goes) in [(None, false), (Some(LeftOverPolicy::Remove), true)] {
            let left = of(&wanted, chosen);
            assert_eq!(all(&left), ["Config rule b in eu-west-1"]);
            assert_eq!((left.baselines.len(), left.baselines[0].remove), (1, goes), "{chosen:?}");
        }
        let off = of(&[vpc(None)], None);
        assert_eq!(all(&off), ["Config rule a in eu-west-1", "Config rule b in eu-west-1"], "all is switched off");
        let gone = of(&[], None);
        assert_eq!((all(&gone), gone.baselines.len()), (vec!["baseline in eu-west-1".to_owned()], 0));
    }

    /// Nobody has agreed yet that it is removed, whatever the policy: it has what is wanted, too.
    #[test]
    fn a_baseline_that_nobody_has_listed_is_looked_at_and_nothing_of_it_removed() {
        let recorded = [given(baseline("eu-west-1", None), Some(1))];
        let wanted = [vpc(None), baseline("eu-west-1", Some(&["a"]))];
        let left = LeftOvers::of(&recorded, &wanted, Some(LeftOverPolicy::Remove));
        let [one] = &*left.baselines else { panic!("{left:?}") };
        assert_eq!((one.thing.key().as_str(), one.remove, one.until_next_run), ("baseline eu-west-1", false, true));
        let listed = recorded[0].thing.with_ids_of(&wanted[1]);
        assert_eq!(listed, wanted[1]);
        assert_eq!(listed.with_ids_of(&recorded[0].thing), wanted[1], "what is known stays known");
    }

    #[test]
    fn what_costs_says_so() {
        let region: Region = "eu-west-1".parse().unwrap();
        let attachment = Thing::Attachment { region: region.clone(), id: Some("tgw-attach-1".to_owned()) };
        assert_eq!(attachment.monthly_cents(), Some(3650));
        for free in [Thing::Baseline { region, parts: None }, role("a")] {
            assert_eq!(free.monthly_cents(), None, "{free}");
        }
    }
}
