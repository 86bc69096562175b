//! `decide` of create-tenant-roles, for OIDC providers: a role whose trust names one can be assumed.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::{BTreeMap, BTreeSet};

use berth_step::{DryRun, Fault, Step, dry_run};
use berth_tenancy::{LeftOver, Tags, Thing};
use create_tenant_roles::{Change, CreateTenantRoles, Input, ObservedProvider, ObservedRole, Output, State};
use serde_json::json;

const PROVIDER: &str = "arn:aws:iam::111122223333:oidc-provider/ci.example/id";

/// Roles of one provider, each with its audience.
fn input(audiences: &[&str]) -> Input {
    let role = |audience: &&str| {
        json!({
            "key": audience, "name": format!("payments-{audience}"), "path": "/tenant/", "access": null,
            "trust": { "oidc": { "provider": "ci.example/id", "audience": audience, "subject": "repo:payments" } },
            "managedPolicies": [], "inlinePolicies": {}, "sessionSecondsMax": 3600,
        })
    };
    let boundary = json!({ "name": "a-boundary", "path": "/tenant/", "document": {} });
    serde_json::from_value(json!({
        "run": {
            "accountId": "111122223333", "accountName": "payments-dev", "tenant": "payments", "environment": "dev",
            "execution": "arn:aws:states:us-east-1:210987654321:execution:m:e", "generation": 1, "mode": "apply",
            "tenantRole": "BerthTenant", "allowDisruption": false,
        },
        "roles": { "boundary": boundary, "roles": audiences.iter().map(role).collect::<Vec<_>>() },
    }))
    .unwrap()
}

fn converge(input: &Input, state: State) -> (Vec<String>, Output, State) {
    let DryRun { batches, output, state } = dry_run::<CreateTenantRoles>(input, state).unwrap();
    (batches.into_iter().flatten().map(|change| change.to_string()).collect(), output, state)
}

/// A provider with our tags.
fn ours(input: &Input, audiences: &[&str]) -> ObservedProvider {
    let audiences = audiences.iter().map(|&audience| audience.to_owned()).collect();
    let tags = Tags::of(&input.run.account_id, &input.run.tenant);
    ObservedProvider { audiences, tags, trusted_by: BTreeSet::new() }
}

fn with_provider(input: &Input, provider: ObservedProvider) -> State {
    let mut state = converge(input, State::default()).2;
    state.providers.insert(PROVIDER.to_owned(), provider);
    state
}

#[test]
fn a_provider_is_made_before_the_roles_that_trust_it_with_every_audience() {
    let input = input(&["sts", "vault"]);
    let (changes, _, state) = converge(&input, State::default());
    assert_eq!(changes[1], format!("create OIDC provider {PROVIDER} for sts, vault"));
    assert!(changes[2].starts_with("create role"), "{changes:?}");
    assert_eq!(state.providers[PROVIDER], ours(&input, &["sts", "vault"]));
    assert!(converge(&input, state).0.is_empty());
}

#[test]
fn audiences_that_are_missing_are_added_and_those_of_others_stay() {
    let input = input(&["sts", "vault"]);
    let (changes, _, state) = converge(&input, with_provider(&input, ours(&input, &["vault", "of-a-team"])));
    assert_eq!(changes, [format!("add audience sts to OIDC provider {PROVIDER}")]);
    assert_eq!(state.providers[PROVIDER].audiences, ["of-a-team", "sts", "vault"].map(str::to_owned).into());
}

#[test]
fn a_provider_of_somebody_else_serves_as_it_is_or_is_not_owned() {
    let input = input(&["sts"]);
    let mut foreign = ours(&input, &["sts", "another"]);
    foreign.tags = Tags::default();
    let (changes, _, state) = converge(&input, with_provider(&input, foreign.clone()));
    assert!(changes.is_empty() && state.providers[PROVIDER] == foreign, "{changes:?}");

    foreign.audiences = ["another".to_owned()].into();
    let error = CreateTenantRoles::decide(&input, &with_provider(&input, foreign)).unwrap_err();
    assert_eq!(error.fault, Fault::NotOwned);
    assert!(error.message.contains(&format!("{PROVIDER}, which lacks the audience sts")), "{error}");
    assert!(error.hint.contains("--client-id sts"), "{error}");
}

#[test]
fn tags_of_a_provider_of_ours_are_repaired() {
    let mut input = input(&["sts"]);
    input.run.tags.all.insert("cost-center".to_owned(), "4711".to_owned());
    let mut state = converge(&input, State::default()).2;
    state.providers.get_mut(PROVIDER).unwrap().tags.0.remove("cost-center");
    let (changes, ..) = converge(&input, state);
    assert_eq!(changes, [format!("repair tags of OIDC provider {PROVIDER}")]);
}

/// A plan without roles, and the provider on its list of what is left over.
fn leaving(trusted_by: &[&str], tags: bool) -> (Input, State) {
    let thing = Thing::OidcProvider { arn: PROVIDER.to_owned() };
    let left = vec![LeftOver::new(thing, true)];
    let input = Input { roles: None, left_over: left, ..input(&[]) };
    let mut provider = ours(&input, &["sts"]);
    provider.trusted_by = trusted_by.iter().map(|&role| role.to_owned()).collect();
    if !tags {
        provider.tags = Tags::default();
    }
    let providers = BTreeMap::from([(PROVIDER.to_owned(), provider)]);
    (input, State { providers, ..State::default() })
}

#[test]
fn a_provider_that_is_left_over_goes_when_it_is_ours_and_no_role_trusts_it() {
    let (input, state) = leaving(&[], true);
    let (changes, output, state) = converge(&input, state);
    assert_eq!(changes, [format!("remove OIDC provider {PROVIDER}, which the plan does not have any more")]);
    assert!(output.left_over.is_empty() && state.providers.is_empty());
    for (trusted_by, tags) in [(&["arn:aws:iam::111122223333:role/of-the-team"][..], true), (&[], false)] {
        let (input, state) = leaving(trusted_by, tags);
        let (changes, output, _) = converge(&input, state);
        assert!(changes.is_empty() && output.left_over.len() == 1, "it stays, and is told: {changes:?}");
    }
}

#[test]
fn the_roles_of_berth_that_trust_a_provider_go_before_it() {
    let (mut input, mut state) = leaving(&[], true);
    let arn = "arn:aws:iam::111122223333:role/tenant/payments-sts".to_owned();
    input.left_over.push(LeftOver::new(Thing::Role { name: "sts".to_owned(), arn: arn.clone() }, true));
    let tags = Tags::of(&input.run.account_id, &input.run.tenant);
    let trust = json!({ "Statement": [{ "Principal": { "Federated": PROVIDER } }] });
    let role = ObservedRole { name: "payments-sts".to_owned(), trust, tags, ..ObservedRole::default() };
    state.left_roles.insert(arn.clone(), role);
    let (changes, ..) = converge(&input, state.clone());
    assert!(changes[0].contains(&arn) && changes[1].contains(PROVIDER), "{changes:?}");

    // Where the role may not go, the provider stays with it.
    input.left_over[1].remove = false;
    let (changes, output, _) = converge(&input, state);
    assert!(changes.is_empty() && output.left_over.len() == 2, "{changes:?}");
}

#[test]
fn each_change_names_what_it_gives() {
    let input = input(&["sts"]);
    let change = Change::CreateProvider { arn: PROVIDER.to_owned(), audiences: BTreeSet::new() };
    assert_eq!(CreateTenantRoles::gives(&input, &change), Some(Thing::OidcProvider { arn: PROVIDER.to_owned() }));
}
