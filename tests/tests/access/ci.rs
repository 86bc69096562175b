//! A job of a CI system assumes its tenant's role: with a token of its issuer, on the OIDC provider that Berth made.

use std::collections::BTreeMap;

use berth_tenancy::Thing;

use super::*;

const ISSUER: &str = "https://token.actions.githubusercontent.com";
const AUDIENCE: &str = "sts.amazonaws.com";

/// Where `staging` has its roles in platform.yaml.
const ROLES: &str = "environments.staging.roles.roles";

/// The rig, for one journey at a time, where `staging` has a role that jobs assume.
fn turn_of_ci(edits: &[(&str, Value)]) -> (&'static Rig, MutexGuard<'static, ()>) {
    let (rig, turn) = turn(edits);
    let mut roles = rig.platform(ROLES);
    roles.as_array_mut().unwrap().push(json!({
        "key": "deployer", "name": "{tenant}-deployer",
        "trust": { "oidc": {
            "provider": "token.actions.githubusercontent.com", "audience": AUDIENCE,
            "subject": "repo:example/{tenant}:environment:{environment}",
        } },
    }));
    rig.deploy_platform(&all(&[edits, &[(ROLES, roles)]].concat()));
    (rig, turn)
}

/// The ARN of an account's provider.
fn provider(account: &str) -> String {
    format!("arn:aws:iam::{account}:oidc-provider/{}", ISSUER.trim_start_matches("https://"))
}

/// What IAM says of an account's provider.
fn seen(rig: &Rig, account: &str) -> Value {
    rig.call(account, "iam", "get_open_id_connect_provider", &json!({ "OpenIDConnectProviderArn": provider(account) }))
}

/// The ARN of the role that jobs assume.
fn deployer(rig: &Rig, account: &str) -> String {
    let roles = rig.record(account).unwrap().roles;
    roles.into_iter().find(|role| role.name == "deployer").unwrap().arn
}

/// What becomes of a job with this subject and audience.
fn job(rig: &Rig, role: &str, subject: &str, audience: &str) -> Result<String, String> {
    rig.ci_job(ISSUER, role, &json!({ "sub": subject, "aud": audience }))
}

#[test]
fn a_job_assumes_its_role_with_a_token_and_no_other_job_does() {
    let (rig, _turn) = turn_of_ci(&[]);
    let account = rig.account("ci-works-staging", "staging");
    let ran = onboarded(rig, &account);
    let made = format!("create OIDC provider {} for {AUDIENCE}", provider(&account));
    assert!(ran.changes().contains(&made), "{:?}", ran.changes());
    let role = deployer(rig, &account);
    let right = "repo:example/ci-works:environment:staging";
    let session = job(rig, &role, right, AUDIENCE).unwrap();
    assert!(session.contains(&format!("{account}:assumed-role/ci-works-deployer/job")), "{session}");
    for (subject, audience, code) in [
        ("repo:example/another:environment:staging", AUDIENCE, "AccessDenied"),
        ("repo:example/ci-works:ref:refs/heads/main", AUDIENCE, "AccessDenied"),
        ("repo:example/ci-works:environment:prod", AUDIENCE, "AccessDenied"),
        (right, "https://vault.example", "InvalidIdentityToken"),
    ] {
        assert_eq!(job(rig, &role, subject, audience), Err(code.to_owned()), "{subject} {audience}");
    }
    let stranger = rig.ci_job("https://ci.example", &role, &json!({ "sub": right, "aud": AUDIENCE }));
    assert_eq!(stranger, Err("InvalidIdentityToken".to_owned()), "another issuer says the same");

    assert!(onboarded(rig, &account).changes().is_empty());
    rig.call(
        &account,
        "iam",
        "delete_open_id_connect_provider",
        &json!({ "OpenIDConnectProviderArn": provider(&account) }),
    );
    assert_eq!(job(rig, &role, right, AUDIENCE), Err("InvalidIdentityToken".to_owned()));
    assert_eq!(onboarded(rig, &account).changes(), [made]);
    assert!(job(rig, &role, right, AUDIENCE).is_ok());
}

#[test]
fn a_provider_of_a_team_serves_with_the_audience_and_is_left_as_it_is() {
    let (rig, _turn) = turn_of_ci(&[]);
    let account = rig.account("ci-of-a-team-staging", "staging");
    let theirs = json!({ "Url": ISSUER, "ClientIDList": ["https://vault.example"] });
    rig.call(&account, "iam", "create_open_id_connect_provider", &theirs);
    let (ended, failure) = failed(rig, &account, "CreateTenantRoles", "NotOwned");
    assert!(failure.message.contains(&format!("which lacks the audience {AUDIENCE}")), "{}", failure.message);
    assert!(failure.hint.contains("add-client-id-to-open-id-connect-provider"), "{}", failure.hint);

    let added = json!({ "OpenIDConnectProviderArn": provider(&account), "ClientID": AUDIENCE });
    rig.call(&account, "iam", "add_client_id_to_open_id_connect_provider", &added);
    let before = seen(rig, &account);
    mended(rig, &account, &ended);
    assert_eq!(seen(rig, &account), before);
    let given = rig.record(&account).unwrap().given();
    assert!(!given.iter().any(|given| matches!(given.thing, Thing::OidcProvider { .. })), "{given:?}");
    assert!(job(rig, &deployer(rig, &account), "repo:example/ci-of-a-team:environment:staging", AUDIENCE).is_ok());
}

#[test]
fn audiences_and_tags_of_a_provider_are_repaired_and_those_of_others_stay() {
    let tags = |owner: &str| ("environments.staging.tags", json!({ "owner": owner }));
    let (rig, _turn) = turn_of_ci(&[tags("platform")]);
    let account = rig.account("ci-repaired-staging", "staging");
    onboarded(rig, &account);
    let arn = json!(provider(&account));
    let of = |audience: &str| json!({ "OpenIDConnectProviderArn": arn, "ClientID": audience });
    rig.call(&account, "iam", "add_client_id_to_open_id_connect_provider", &of("of-the-team"));
    rig.call(&account, "iam", "remove_client_id_from_open_id_connect_provider", &of(AUDIENCE));
    let untag = json!({ "OpenIDConnectProviderArn": arn, "TagKeys": ["owner"] });
    rig.call(&account, "iam", "untag_open_id_connect_provider", &untag);

    let arn = provider(&account);
    let expected =
        [format!("repair tags of OIDC provider {arn}"), format!("add audience {AUDIENCE} to OIDC provider {arn}")];
    assert_eq!(onboarded(rig, &account).changes(), expected);
    let there = seen(rig, &account);
    assert_eq!(there["ClientIDList"], json!(["of-the-team", AUDIENCE]));
    let tags: BTreeMap<&str, &str> = there["Tags"].as_array().unwrap().iter().map(tag).collect();
    assert_eq!((tags["owner"], tags["berth:managed-by"]), ("platform", "berth"));

    let remove = [("leftOver", json!("remove")), (ROLES, rig.platform(ROLES))];
    rig.deploy_platform(&all(&remove));
    let changes = onboarded(rig, &account).changes();
    assert!(changes.contains(&format!("remove tags owner from OIDC provider {arn}")), "{changes:?}");
    let there = seen(rig, &account);
    let tags: BTreeMap<&str, &str> = there["Tags"].as_array().unwrap().iter().map(tag).collect();
    assert_eq!((tags.get("owner"), tags["berth:managed-by"]), (None, "berth"));
}

/// A tag as key and value.
fn tag(tag: &Value) -> (&str, &str) {
    (tag["Key"].as_str().unwrap(), tag["Value"].as_str().unwrap())
}

#[test]
fn a_provider_that_is_left_over_goes_once_no_role_of_a_team_trusts_it() {
    let (rig, _turn) = turn_of_ci(&[("leftOver", json!("remove"))]);
    let account = rig.account("ci-no-more-staging", "staging");
    onboarded(rig, &account);
    let trust = json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": { "Federated": provider(&account) }, "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": { "StringEquals": { "token.actions.githubusercontent.com:aud": AUDIENCE } },
    }] });
    let of_a_team = json!({ "RoleName": "of-a-team", "AssumeRolePolicyDocument": trust.to_string() });
    rig.call(&account, "iam", "create_role", &of_a_team);
    rig.deploy_platform(&all(&[("leftOver", json!("remove"))]));
    let removed = format!("remove OIDC provider {}, which the plan does not have any more", provider(&account));
    let ran = onboarded(rig, &account);
    assert!(!ran.changes().contains(&removed), "{:?}", ran.changes());
    let (_, shown) = rig.berth(&["status", &account]);
    let next = "give it Berth's tags back, and end the trust of the account's other roles in it";
    let told = format!("OIDC provider {}: {next}, then berth onboard {account}\n", provider(&account));
    assert!(shown.contains(&told), "{shown}");

    rig.call(&account, "iam", "delete_role", &json!({ "RoleName": "of-a-team" }));
    assert_eq!(onboarded(rig, &account).changes(), [removed]);
    let given = rig.record(&account).unwrap().given();
    assert!(!given.iter().any(|given| matches!(given.thing, Thing::OidcProvider { .. })), "{given:?}");
    let again = onboarded(rig, &account);
    assert!(again.changes().is_empty());
    let asked = rig.calls_of(&again.arn).into_iter().filter(|call| call.operation == "GetOpenIDConnectProvider");
    assert_eq!(asked.count(), 0, "what was removed is asked for no more");
}
