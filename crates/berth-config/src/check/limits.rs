//! What would only fail when an account is onboarded: plans and custom resources larger than Step Functions or the CRD take.

use std::collections::BTreeMap;

use berth_tenancy::{
    BaselinePlan, ClusterName, EnvironmentName, Partition, RegionPlan, RolePlan, RoleTrust, SignInPlan, TenantName,
    TenantSource, TierPlan, TierRouting,
    limits::{
        ACCESS_ROLES_MAX, EXTENSION_CHANGES_MAX, EXTENSION_CHARS_MAX, OWNERS_MAX, PAYLOAD_BYTES_MAX, REGIONS_MAX,
        TENANT_ACCOUNTS_MAX, WORKLOADS_MAX,
    },
    trust_document,
};
use serde::Serialize;

use super::problems::Problems;
use crate::{AccountFacts, Environment, Onboarding, PlatformConfig, template::Names};

/// Room beside the parts that platform.yaml decides: who is onboarded, why, by which commit, and the state machine's own fields.
const REST_BYTES: usize = 4 * 1024;
/// What an account may have left over of earlier plans, as a plan has it. An outcome has what was left over before the run, and
/// what is left over still.
const LEFT_OVER_BYTES: usize = 18 * 1024;
/// The words of a sentence about a change, with quotes and comma, and an id of AWS in it.
const WORDS_BYTES: usize = 28;
const ID_BYTES: usize = 24;
/// What an onboarding answers about a network of any size: sentences that come once, and ten routes that prove the isolation.
const NETWORK_BYTES: usize = 3 * 1024;
/// Routes that the proof of isolation shows, and attachments of each.
const SHOWN_MAX: usize = 10;
/// Sentences about what every baseline has.
const BASELINE_BYTES: usize = 768;
/// What is said of a role each time, besides its name.
const ROLE_BYTES: usize = 128;
/// What is said of the default VPCs of all regions, and of a cluster that was waited for.
const DEFAULT_VPCS_BYTES: usize = 10 * 1024;
const CLUSTER_BYTES: usize = 1280;
/// What an extension tells in its own words, of up to four bytes a character, with its name and quotes.
const EXTENSION_BYTES: usize = 128 + EXTENSION_CHANGES_MAX * (4 * EXTENSION_CHARS_MAX + 4);
/// Longest e-mail address of an account. [Organizations `CreateAccount`, "Email"]
const EMAIL_CHARS_MAX: usize = 64;
/// Longest value of a tag. [Organizations `Tag`]
const TAG_CHARS_MAX: usize = 256;

/// Longest trust policy of a role, where nobody has asked AWS for more. IAM does not count white space; there is none.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>
const TRUST_CHARS_MAX: usize = 2_048;

/// The largest account of each environment, as far as its templates render.
pub(super) type Largest<'a> = BTreeMap<&'a EnvironmentName, Onboarding>;

/// The largest account of each environment.
pub(super) fn of_each(config: &PlatformConfig) -> Largest<'_> {
    let environments = config.environments.iter();
    environments.filter_map(|(name, environment)| Some((name, largest(config, name, environment)?))).collect()
}

/// Checks the largest account of each environment.
pub(super) fn check(config: &PlatformConfig, largest: &Largest<'_>, problems: &mut Problems) {
    let many =
        |count: usize, most: usize, what: &str| (count > most).then(|| format!("{count} {what}; at most {most}"));
    if let Some(message) = many(config.owner_groups.len(), OWNERS_MAX, "groups own every tenant") {
        problems.add("ownerGroups", message, "put people into fewer groups: a tenant's custom resource takes no more");
    }
    let mut on_cluster: BTreeMap<&ClusterName, usize> = BTreeMap::new();
    for (name, environment) in &config.environments {
        let path = format!("environments.{name}");
        *on_cluster.entry(&environment.cluster).or_default() += 1;
        if let Some(message) = many(environment.regions.len(), REGIONS_MAX, "regions are listed") {
            let hint = "use fewer: the history of an execution takes no more, with all waits and two redrives";
            problems.add(format!("{path}.regions"), message, hint);
        }
        let roles = &environment.roles.roles;
        let access = roles.iter().filter(|role| role.access.is_some()).count();
        if let Some(message) = many(access, ACCESS_ROLES_MAX, "roles have access to the cluster") {
            let hint = "give fewer roles an `access`: a tenant's custom resource takes no more for an account";
            problems.add(format!("{path}.roles.roles"), message, hint);
        }
        let Some(largest) = largest.get(name) else { continue };
        if let Some(message) = many(largest.git_ops.workloads.len(), WORKLOADS_MAX, "roles are for pods") {
            let hint = "let pods share roles: a tenant's custom resource takes no more for an account";
            problems.add(format!("{path}.roles.roles"), message, hint);
        }
        trust(name, &path, largest, problems);
        payload(&path, largest, problems);
        outcome(&path, largest, problems);
    }
    for (cluster, environments) in on_cluster {
        let what = format!("environments are on the cluster {cluster}");
        if let Some(message) = many(environments, TENANT_ACCOUNTS_MAX, &what) {
            let hint = "spread them over more clusters: a tenant's custom resource has no more accounts";
            problems.add("environments", message, hint);
        }
    }
}

/// Everything that an account of this environment gets at most: the longest names and tags. None when a template does not
/// render, which another check says.
fn largest(config: &PlatformConfig, name: &EnvironmentName, environment: &Environment) -> Option<Onboarding> {
    let names = Names::longest(name.as_str());
    let tenant: TenantName = names.tenant.parse().ok()?;
    let facts = AccountFacts {
        account_id: names.account.parse().ok()?,
        name: String::new(),
        email: Some("e".repeat(EMAIL_CHARS_MAX)),
        state: "ACTIVE".to_owned(),
        ous: Vec::new(),
        joined: None,
        tags: [(config.cost_center_tag.clone(), "c".repeat(TAG_CHARS_MAX))].into(),
    };
    config.resolved(&facts, (&tenant, TenantSource::Tag), name, environment, String::new()).ok()
}

impl PlatformConfig {
    /// Everything that an account of an environment gets at most: the longest names and tags. None where there is no such
    /// environment, or a template of it does not render.
    #[must_use]
    pub fn largest(&self, environment: &EnvironmentName) -> Option<Onboarding> {
        largest(self, environment, self.environments.get(environment)?)
    }

    /// Limits of the state machine, the custom resource and IAM that this configuration does not keep, in words: some of
    /// what [`PlatformConfig::parse`] refuses.
    #[must_use]
    pub fn beyond_limits(&self) -> Vec<String> {
        let mut problems = Problems::default();
        check(self, &of_each(self), &mut problems);
        problems.all.into_iter().map(|problem| problem.message).collect()
    }
}

impl Onboarding {
    /// Bytes of the largest state that an account like this one can have. The walk through the state machine holds it to what
    /// that sees (tests/tests/contract/largest.rs): never less, and little more.
    #[must_use]
    pub fn state_bytes(&self) -> usize {
        sum(&planned(self)).max(sum(&answered(self)))
    }

    /// Bytes that are left in every state beside what this account needs at most: room for the keys of a plan that a run is
    /// limited to.
    #[must_use]
    pub fn room(&self) -> usize {
        PAYLOAD_BYTES_MAX.saturating_sub(self.state_bytes())
    }
}

/// Checks the trust policies of the longest names.
fn trust(name: &EnvironmentName, path: &str, largest: &Onboarding, problems: &mut Problems) {
    let Ok(account) = Names::longest(name.as_str()).account.parse() else { return };
    for (n, role) in largest.roles.roles.iter().enumerate() {
        let length = trust_document(Partition::of(largest.git_ops.cluster_region.as_str()), &account, &role.trust)
            .to_string()
            .len();
        if length > TRUST_CHARS_MAX {
            let message = format!("the trust policy has up to {length} characters, IAM takes {TRUST_CHARS_MAX}");
            let hint = "list fewer clusters, or shorten the claims; spread what trusts the role over several roles";
            problems.add(format!("{path}.roles.roles[{n}].trust"), message, hint);
        }
    }
}

/// Parts of something that Step Functions takes 256 KiB of, each with its bytes.
type Parts<const N: usize> = [(&'static str, usize); N];

fn sum(parts: &[(&str, usize)]) -> usize {
    parts.iter().map(|(_, bytes)| bytes).sum()
}

/// What the plan of an account has at most.
fn planned(largest: &Onboarding) -> Parts<9> {
    [
        ("what is left over", LEFT_OVER_BYTES),
        ("the rest", REST_BYTES),
        ("baselines", bytes(&largest.baselines)),
        ("regions", bytes(&largest.regions)),
        ("roles", bytes(&largest.roles)),
        ("tags", bytes(&largest.tags)),
        ("sign-in", bytes(&largest.sign_in)),
        ("the custom resource", bytes(&largest.git_ops) + bytes(&largest.clusters) + bytes(&largest.pod_identity)),
        ("extensions", bytes(&largest.extensions)),
    ]
}

fn payload(path: &str, largest: &Onboarding, problems: &mut Problems) {
    let hint = "list fewer Config rules (a conformance pack holds many) or regions, or write shorter policies";
    fits(path, ("the plan of an account has", &planned(largest), hint), problems);
}

/// Checks that something with these parts is not more than Step Functions takes.
fn fits(path: &str, (what, parts, hint): (&str, &[(&str, usize)], &str), problems: &mut Problems) {
    let sum = sum(parts);
    if sum <= PAYLOAD_BYTES_MAX {
        return;
    }
    let mut parts = parts.to_vec();
    parts.sort_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
    let shown: Vec<String> = parts.iter().map(|(part, bytes)| format!("{part} {} KiB", bytes / 1024)).collect();
    let (has, takes) = (sum / 1024, PAYLOAD_BYTES_MAX / 1024);
    problems.add(path, format!("{what} {has} KiB, and Step Functions takes {takes}: {}", shown.join(", ")), hint);
}

/// What an onboarding answers at its end: of all states it gives on the most, the sentences of every change among it. Those
/// of regions are there twice.
fn answered(largest: &Onboarding) -> Parts<9> {
    [
        ("networks", largest.regions.iter().map(network).sum()),
        ("baselines", largest.baselines.iter().map(baseline).sum()),
        ("roles", largest.roles.roles.iter().map(role).sum()),
        ("sign-in and pods", largest.sign_in.iter().map(sign_in).sum::<usize>() + 2 * bytes(&largest.pod_identity)),
        ("clusters", CLUSTER_BYTES * largest.awaited_clusters.len()),
        ("default VPCs", DEFAULT_VPCS_BYTES),
        ("extensions", EXTENSION_BYTES * (largest.extensions.network.len() + largest.extensions.end.len())),
        ("what is left over", 2 * LEFT_OVER_BYTES),
        ("the rest", REST_BYTES + bytes(&largest.tags)),
    ]
}

/// Checks what an onboarding answers at its end.
fn outcome(path: &str, largest: &Onboarding, problems: &mut Problems) {
    let hint = "list fewer regions, or in each fewer zones, tiers, routes, attachments or Config rules";
    fits(path, ("what an onboarding answers has up to", &answered(largest), hint), problems);
}

/// What an onboarding answers about the network of a region.
fn network(region: &RegionPlan) -> usize {
    let (network, gateway) = (&region.network, &region.transit_gateway);
    let with_ids = WORDS_BYTES + 2 * ID_BYTES;
    let subnet = |tier: &TierPlan, zone: &String| {
        let has_table = matches!(tier.routing, TierRouting::Private | TierRouting::Public);
        WORDS_BYTES + tier.name.len() + zone.len() + ID_BYTES + if has_table { with_ids } else { 0 }
    };
    let subnets = network.tiers.iter().flat_map(|tier| network.zones.iter().map(move |zone| subnet(tier, zone)));
    let lines = network.gateway_endpoints.len() + gateway.propagate_to.len() + gateway.routes.len();
    let sentences = subnets.sum::<usize>() + network.zones.len() * ID_BYTES + lines * with_ids;
    let named = bytes(&network.flow_logs) + bytes(&gateway.routes);
    let shown = SHOWN_MAX * bytes(&gateway.shared_attachments.iter().take(SHOWN_MAX).collect::<Vec<_>>());
    NETWORK_BYTES + 2 * (sentences + named) + shown + bytes(&gateway.shared_attachments) + bytes(&gateway.propagate_to)
}

/// What an onboarding answers about the baseline of a region.
fn baseline(baseline: &BaselinePlan) -> usize {
    let rules = baseline.config.iter().flat_map(|config| &config.rules);
    BASELINE_BYTES + rules.map(|rule| WORDS_BYTES + rule.name.len()).sum::<usize>()
}

/// What an onboarding answers about a role: that it is made, has its policies, is there; twice, that it is let into the cluster.
fn role(role: &RolePlan) -> usize {
    let policies = role.managed_policies.iter().chain(role.inline_policies.keys());
    let policies = policies.map(|policy| WORDS_BYTES + policy.len() + role.name.len());
    let times = if role.access.is_some() { 4 } else { 2 };
    // A provider that is made for it.
    let provider = if matches!(role.trust, RoleTrust::Oidc { .. }) { bytes(&role.trust) } else { 0 };
    times * (ROLE_BYTES + role.path.len() + role.name.len()) + provider + policies.sum::<usize>()
}

/// What an onboarding answers about who signs in: that a group is assigned, and is.
fn sign_in(plan: &SignInPlan) -> usize {
    plan.assignments.iter().map(|one| 3 * WORDS_BYTES + 2 * (one.group.len() + one.permission_set.len())).sum()
}

/// Length of a value as JSON.
fn bytes(value: &impl Serialize) -> usize {
    serde_json::to_vec(value).map_or(usize::MAX / 16, |json| json.len())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
    use berth_tenancy::Access;

    use super::*;

    /// The example with changes, and what is found.
    fn found(change: impl FnOnce(&mut PlatformConfig)) -> Vec<(String, String)> {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../infra/platform.example.yaml");
        let mut config = PlatformConfig::load(path.as_ref()).unwrap();
        change(&mut config);
        let mut problems = Problems::default();
        check(&config, &of_each(&config), &mut problems);
        problems.all.into_iter().map(|problem| (problem.path, problem.message)).collect()
    }

    fn dev(config: &mut PlatformConfig) -> &mut Environment {
        config.environments.get_mut(&"dev".parse().unwrap()).unwrap()
    }

    fn with_regions(environment: &mut Environment, count: usize) {
        let region = environment.regions.values().next().unwrap().clone();
        let name = |n: usize| format!("xx-{}-{}", ["north", "south", "east"][n / 9], n % 9 + 1).parse().unwrap();
        environment.regions = (0..count).map(|n| (name(n), region.clone())).collect();
    }

    fn with_access(environment: &mut Environment, count: usize) {
        let mut role = environment.roles.roles[0].clone();
        role.access = Some(Access::View);
        environment.roles.roles = vec![role; count];
    }

    fn with_rules(environment: &mut Environment, count: usize) {
        let config = environment.baseline.as_mut().unwrap().config.as_mut().unwrap();
        let rule = config.rules[1].clone(); // one with parameters
        config.rules = vec![rule; count];
    }

    fn with_environments(config: &mut PlatformConfig, count: usize, regions: usize) {
        let mut environment = dev(config).clone();
        with_regions(&mut environment, regions);
        config.environments = (0..count).map(|n| (format!("e{n}").parse().unwrap(), environment.clone())).collect();
    }

    #[test]
    fn every_region_seventeen_roles_and_five_environments_fit() {
        assert_eq!(found(|_| ()), []);
        assert_eq!(found(|config| with_regions(dev(config), REGIONS_MAX)), []);
        assert_eq!(found(|config| with_access(dev(config), 17)), []);
        assert_eq!(found(|config| with_environments(config, 5, 13)), []);
        assert_eq!(found(|config| with_environments(config, TENANT_ACCOUNTS_MAX, REGIONS_MAX)), []);
    }

    #[test]
    fn one_more_than_fits_is_refused_with_its_bound() {
        let said = |path: &str, message: &str| vec![(path.to_owned(), message.to_owned())];
        let regions = found(|config| with_regions(dev(config), REGIONS_MAX + 1));
        assert_eq!(regions, said("environments.dev.regions", "18 regions are listed; at most 17"));
        let roles = found(|config| with_access(dev(config), ACCESS_ROLES_MAX + 1));
        assert_eq!(roles, said("environments.dev.roles.roles", "33 roles have access to the cluster; at most 32"));
        let owners = found(|config| config.owner_groups = vec!["g".to_owned(); OWNERS_MAX + 1]);
        assert_eq!(owners, said("ownerGroups", "33 groups own every tenant; at most 32"));
        let environments = found(|config| with_environments(config, TENANT_ACCOUNTS_MAX + 1, 1));
        let [(path, message)] = environments.as_slice() else { panic!("{environments:?}") };
        assert!(path == "environments" && message.starts_with("9 environments are on the cluster "), "{message}");
    }

    #[test]
    fn a_trust_policy_that_iam_would_not_take_is_refused() {
        let with = |clusters: usize| {
            found(|config| {
                let arn = |n: usize| format!("arn:aws:eks:eu-west-1:111122223333:cluster/shared-{n:02}");
                dev(config).roles.roles[0].trust = RoleTrust::PodIdentityChain {
                    platform_role: "arn:aws:iam::210987654321:role/pods".to_owned(),
                    namespace: "{tenant}".to_owned(),
                    service_account: None,
                    cluster_arns: (0..clusters).map(arn).collect(),
                };
            })
        };
        assert_eq!(with(25), []);
        let refused = with(40);
        let [(path, message)] = refused.as_slice() else { panic!("{refused:?}") };
        assert!(path == "environments.dev.roles.roles[0].trust" && message.ends_with("IAM takes 2048"), "{message}");
    }

    #[test]
    fn an_account_leaves_room_for_the_keys_of_a_plan_until_it_fills_a_state() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../infra/platform.example.yaml");
        let room = |regions: usize, rules: usize| {
            let mut config = PlatformConfig::load(path.as_ref()).unwrap();
            with_regions(dev(&mut config), regions);
            with_rules(dev(&mut config), rules);
            config.largest(&"dev".parse().unwrap()).unwrap().room()
        };
        // A change has a key of 16 digits and a space. An account of two regions has some hundred.
        assert!(room(2, 2) > 17 * 5_000, "{}", room(2, 2));
        assert!(room(REGIONS_MAX, 2) > 17 * 2_000, "{}", room(REGIONS_MAX, 2));
        assert_eq!(room(REGIONS_MAX, 100), 0, "what is refused leaves none");
    }

    #[test]
    fn a_plan_that_step_functions_would_not_take_is_refused_with_its_parts() {
        let with = |rules: usize| {
            found(|config| {
                with_regions(dev(config), REGIONS_MAX);
                with_rules(dev(config), rules);
            })
        };
        assert_eq!(with(10), []);
        let refused = with(100);
        let [(path, message), ..] = refused.as_slice() else { panic!("{refused:?}") };
        assert!(path == "environments.dev" && message.contains("Step Functions takes 256: baselines "), "{message}");
    }

    #[test]
    fn an_answer_that_step_functions_would_not_take_is_refused_with_its_parts() {
        let with = |zones: usize| {
            found(|config| {
                with_regions(dev(config), REGIONS_MAX);
                let zone = |n: usize| format!("euw1-az{n}");
                dev(config).regions.values_mut().for_each(|region| region.zones = (0..zones).map(zone).collect());
            })
        };
        assert_eq!(with(3), []);
        assert_eq!(with(6), []);
        let refused = with(12);
        let [(path, message)] = refused.as_slice() else { panic!("{refused:?}") };
        assert!(
            path == "environments.dev" && message.starts_with("what an onboarding answers has up to "),
            "{message}"
        );
        assert!(message.contains("Step Functions takes 256: networks "), "{message}");
    }

    #[test]
    fn what_extensions_may_tell_takes_room_in_what_an_onboarding_answers() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../infra/platform.example.yaml");
        let mut config = PlatformConfig::load(path.as_ref()).unwrap();
        let name = "dev".parse().unwrap();
        let told = |config: &PlatformConfig| sum(&answered(&config.largest(&name).unwrap()));
        let before = told(&config);
        let call = "arn:aws:lambda:us-east-1:210987654321:function:berth-extension-dns".parse().unwrap();
        dev(&mut config).after.push(berth_tenancy::Extension { at: berth_tenancy::ExtensionPoint::End, call });
        assert!(told(&config) >= before + EXTENSION_CHANGES_MAX * EXTENSION_CHARS_MAX * "\u{10000}".len());
    }
}
