//! How accounts join a tenant's custom resource, and what people wrote that stays.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use berth_crd::{AccountEntry, CrError, DeletionPolicy, Tenant, join, validate};
use serde_json::{Value, json};

const BY_HAND: &str = include_str!("fixtures/tenant.yaml");

fn entry(environment: &str, id: &str, block: &str) -> AccountEntry {
    let input = json!({
        "tenant": "payments",
        "displayName": format!("payments-{environment}"),
        "contactEmail": format!("{environment}@example.com"),
        "costCenter": "cc-1",
        "ownerGroups": ["payments-leads"],
        "cluster": "shared-dev-1",
        "clusterRegion": "eu-west-1",
        "stage": "dev",
        "environment": environment,
        "accountId": id,
        "regions": [
            { "region": "us-east-1", "vpcId": "vpc-0000000000000000b", "cidrs": [], "transitGatewayAttachmentId": "tgw-attach-0000000000000000b" },
            { "region": "eu-west-1", "vpcId": "vpc-0000000000000000a", "cidrs": [block], "transitGatewayAttachmentId": "tgw-attach-0000000000000000a" },
        ],
        "roles": [{ "name": "developer", "arn": format!("arn:aws:iam::{id}:role/tenant/developer"), "access": "edit" }],
    });
    serde_json::from_value(input).unwrap()
}

fn dev() -> AccountEntry {
    entry("dev", "111122223333", "10.42.0.0/20")
}

fn prod() -> AccountEntry {
    entry("prod", "444455556666", "10.43.0.0/20")
}

fn read(yaml: &str) -> Value {
    serde_yaml_ng::from_str(yaml).unwrap()
}

/// The document after an edit, as JSON: that is YAML too, and each string is quoted.
fn edited(yaml: &str, edit: impl FnOnce(&mut Value)) -> String {
    let mut value = read(yaml);
    edit(&mut value);
    value.to_string()
}

#[test]
fn the_first_account_makes_a_whole_valid_tenant() {
    let yaml = join(None, &dev()).unwrap();
    assert_eq!(validate(&yaml, None), Ok(()));
    let tenant: Tenant = serde_yaml_ng::from_str(&yaml).unwrap();
    assert_eq!(tenant.metadata.name.as_deref(), Some("payments"));
    assert_eq!(tenant.spec.display_name.as_deref(), Some("payments-dev"));
    assert_eq!(tenant.spec.accounts[0].networks.len(), 2);
    assert_eq!(tenant.spec.accounts[0].networks[0].region.as_str(), "eu-west-1");
    assert_eq!(tenant.spec.namespaces[0].name, "dev");
    assert_eq!(tenant.spec.network.egress_cidrs, ["10.42.0.0/20"]);
    assert_eq!(yaml, include_str!("fixtures/joined.yaml"));
    assert_eq!(read(&yaml), read(include_str!("fixtures/of_2026_11_28_joined.yaml")), "it means what it meant");
}

/// Files as Berth and people wrote them until 2026-11-28: before `workloads`, with `format` in place of patterns.
#[test]
fn documents_of_2026_11_28_stay_valid_and_are_upgraded_by_the_next_commit() {
    let (ours, by_hand) =
        (include_str!("fixtures/of_2026_11_28_joined.yaml"), include_str!("fixtures/of_2026_11_28_by_hand.yaml"));
    for text in [ours, by_hand] {
        assert_eq!(validate(text, None), Ok(()));
        serde_yaml_ng::from_str::<Tenant>(text).unwrap();
    }
    assert_eq!(join(Some(ours), &dev()).unwrap(), ours, "nothing to change");
    let upgraded = join(Some(ours), &with_workload("payments-dev")).unwrap();
    assert_eq!(validate(&upgraded, Some(ours)), Ok(()));
    assert_eq!(read(&upgraded)["spec"]["accounts"][0]["workloads"], json!([workload("dev")]));
    assert_eq!(join(Some(&upgraded), &with_workload("payments-dev")).unwrap(), upgraded);
    let both = join(Some(by_hand), &prod()).unwrap();
    assert_eq!(validate(&both, Some(by_hand)), Ok(()));
}

fn with_workload(namespace: &str) -> AccountEntry {
    let mut input = serde_json::to_value(dev()).unwrap();
    input["workloads"] = json!([{
        "namespace": namespace, "serviceAccount": "api", "roleArn": "arn:aws:iam::111122223333:role/tenant/api",
        "platformRoleArn": "arn:aws:iam::210987654321:role/pods",
    }]);
    serde_json::from_value(input).unwrap()
}

fn workload(suffix: &str) -> Value {
    json!({
        "namespace": suffix, "serviceAccount": "api", "roleArn": "arn:aws:iam::111122223333:role/tenant/api",
        "platformRoleArn": "arn:aws:iam::210987654321:role/pods",
    })
}

#[test]
fn a_workload_gets_its_namespace_and_never_one_of_another_environment() {
    let yaml = join(None, &with_workload("payments-shop")).unwrap();
    assert_eq!(validate(&yaml, None), Ok(()));
    assert_eq!(read(&yaml)["spec"]["namespaces"], json!([{ "name": "shop", "environment": "dev" }]));
    assert_eq!(read(&yaml)["spec"]["accounts"][0]["workloads"], json!([workload("shop")]));
    let of_prod = join(None, &entry("prod", "444455556666", "10.43.0.0/20")).unwrap();
    let error = join(Some(&of_prod), &with_workload("payments-prod")).unwrap_err();
    assert!(matches!(error, CrError::OtherNamespace { .. }) && !error.is_not_owned(), "{error}");
}

#[test]
fn what_a_tenant_cannot_hold_is_left_out_and_said() {
    assert_eq!(dev().left_out(), Vec::<String>::new());
    for namespace in ["kube-system", "payments", "payments-eu-dev", "paymentsdev", "payments-"] {
        let entry = with_workload(namespace);
        let left_out = entry.left_out();
        assert!(left_out.len() == 1 && left_out[0].contains(&format!("{namespace:?}")), "{left_out:?}");
        assert_eq!(read(&join(None, &entry).unwrap())["spec"]["accounts"][0].get("workloads"), None);
    }
    let mut odd = dev();
    odd.contact_email = Some("payments.\u{e4}@example.com".to_owned());
    assert!(odd.left_out()[0].contains("e-mail"), "{:?}", odd.left_out());
    let yaml = join(None, &odd).unwrap();
    assert_eq!((validate(&yaml, None), read(&yaml)["spec"].get("contact")), (Ok(()), None));
    // What AWS takes and RFC 5322 does not.
    odd.contact_email = Some("a..b@x.example".to_owned());
    assert_eq!(odd.left_out(), Vec::<String>::new());
    assert_eq!(read(&join(None, &odd).unwrap())["spec"]["contact"]["email"], "a..b@x.example");
}

#[test]
fn joining_twice_is_joining_once_and_the_same_input_gives_the_same_bytes() {
    let once = join(None, &dev()).unwrap();
    assert_eq!(join(None, &dev()).unwrap(), once);
    assert_eq!(join(Some(&once), &dev()).unwrap(), once);
    let both = join(Some(&once), &prod()).unwrap();
    for entry in [dev(), prod()] {
        assert_eq!(join(Some(&both), &entry).unwrap(), both);
    }
}

#[test]
fn a_file_that_needs_no_change_keeps_its_bytes_and_comments() {
    let reviewed = format!("# reviewed by Ada\n{}", join(None, &dev()).unwrap());
    assert_eq!(join(Some(&reviewed), &dev()).unwrap(), reviewed);
}

#[test]
fn the_second_account_joins_and_changes_nothing_of_the_first() {
    let one = join(None, &dev()).unwrap();
    let both = join(Some(&one), &prod()).unwrap();
    assert_eq!(validate(&both, Some(&one)), Ok(()));
    let (one, both) = (read(&one), read(&both));
    assert_eq!(both["spec"]["accounts"][0], one["spec"]["accounts"][0]);
    assert_eq!(both["spec"]["accounts"][1]["accountId"], "444455556666");
    assert_eq!(
        both["spec"]["namespaces"],
        json!([{ "name": "dev", "environment": "dev" }, { "name": "prod", "environment": "prod" }])
    );
    assert_eq!(both["spec"]["network"]["egressCidrs"], json!(["10.42.0.0/20", "10.43.0.0/20"]));
    for field in ["displayName", "contact", "costCenter", "owners", "placement"] {
        assert_eq!(both["spec"][field], one["spec"][field], "{field}");
    }
}

#[test]
fn accounts_stand_by_environment_whichever_came_first() {
    let yaml = join(Some(&join(None, &prod()).unwrap()), &dev()).unwrap();
    assert_eq!(read(&yaml)["spec"]["accounts"][0]["environment"], "dev");
}

#[test]
fn what_people_added_stays_known_to_the_crd_or_not() {
    let existing = edited(BY_HAND, |tenant| {
        tenant["metadata"]["labels"] = json!({ "on": "no", "team": "payments" });
        tenant["spec"]["futureField"] = json!({ "deep": [1, "2", null, 1.5] });
        tenant["spec"]["accounts"][0]["note"] = json!("ask Ada");
        tenant["spec"]["accounts"][0]["networks"][0]["note"] = json!("on");
        tenant["spec"]["accounts"][0]["roles"][0]["note"] = json!("~");
        tenant["status"] = json!({ "observedGeneration": 3 });
    });
    let mut account = dev();
    account.roles[0].arn = "arn:aws:iam::111122223333:role/tenant/renamed".to_owned();
    let joined = read(&join(Some(&existing), &account).unwrap());
    let mut expected = read(&existing);
    expected["spec"]["accounts"][0]["networks"] = json!([
        { "region": "eu-west-1", "vpcId": "vpc-0000000000000000a", "cidrs": ["10.42.0.0/20"],
          "transitGatewayAttachmentId": "tgw-attach-0000000000000000a", "note": "on" },
        { "region": "us-east-1", "vpcId": "vpc-0000000000000000b", "transitGatewayAttachmentId": "tgw-attach-0000000000000000b" },
    ]);
    expected["spec"]["accounts"][0]["roles"] =
        json!([{ "name": "developer", "arn": account.roles[0].arn, "access": "edit", "note": "~" }]);
    // The account's workloads are Berth's, and this account has none.
    expected["spec"]["accounts"][0].as_object_mut().unwrap().remove("workloads");
    assert_eq!(joined, expected);
}

#[test]
fn what_only_people_decide_is_never_written_and_never_undone() {
    let fresh = read(&join(None, &dev()).unwrap());
    let left = ["suspended", "deletionPolicy", "registries", "domains"];
    assert!(left.iter().all(|field| fresh["spec"].get(field).is_none()), "{fresh}");
    let defaults: Tenant = serde_json::from_value(fresh).unwrap();
    assert_eq!((defaults.spec.suspended, defaults.spec.deletion_policy), (false, DeletionPolicy::Retain));

    let existing = edited(&join(None, &dev()).unwrap(), |tenant| {
        tenant["spec"]["suspended"] = json!(true);
        tenant["spec"]["deletionPolicy"] = json!("Delete");
        tenant["spec"]["registries"] = json!(["registry.example.com/"]);
        tenant["spec"]["domains"] = json!([{ "host": "payments.example.com", "namespace": "dev" }]);
        tenant["spec"]["namespaces"][0]["podSecurity"] = json!("baseline");
        tenant["spec"]["owners"] = json!([]);
    });
    let joined = join(Some(&existing), &prod()).unwrap();
    assert_eq!(validate(&joined, Some(&existing)), Ok(()));
    let (joined, existing) = (read(&joined), read(&existing));
    for field in left.into_iter().chain(["owners"]) {
        assert_eq!(joined["spec"][field], existing["spec"][field], "{field}");
    }
    assert_eq!(joined["spec"]["namespaces"][0], existing["spec"]["namespaces"][0]);
}

/// Kubernetes' reader takes YAML 1.1's bare `no` for false and `010` for eight. They stay as they stand.
#[test]
fn bare_words_of_people_stay_as_kubernetes_reads_them() {
    let by_hand = "  byHand: {flag: no, mode: 010, day: 2024-01-01, text: \"no\"}\n";
    let existing = join(None, &dev()).unwrap() + by_hand;
    assert!(join(Some(&existing), &prod()).unwrap().contains(by_hand));
}

#[test]
fn the_egress_list_follows_the_vpcs_and_respects_people() {
    let one = join(None, &dev()).unwrap();
    let narrowed = edited(&one, |tenant| tenant["spec"]["network"]["egressCidrs"] = json!(["10.99.0.0/16"]));
    let again = read(&join(Some(&narrowed), &dev()).unwrap());
    assert_eq!(again["spec"]["network"]["egressCidrs"], json!(["10.99.0.0/16"]), "a person took ours out");
    let moved = entry("dev", "111122223333", "10.50.0.0/20");
    let moved = read(&join(Some(&one), &moved).unwrap());
    assert_eq!(moved["spec"]["network"]["egressCidrs"], json!(["10.50.0.0/20"]), "the old block may be another's now");
}

#[test]
fn a_block_that_another_account_still_has_stays_in_the_egress_list() {
    let shared = entry("prod", "444455556666", "10.42.0.0/20");
    let both = join(Some(&join(None, &dev()).unwrap()), &shared).unwrap();
    let moved = read(&join(Some(&both), &entry("dev", "111122223333", "10.50.0.0/20")).unwrap());
    assert_eq!(moved["spec"]["network"]["egressCidrs"], json!(["10.42.0.0/20", "10.50.0.0/20"]));
}

#[test]
fn a_namespace_is_named_without_hyphens_and_never_takes_anothers_name() {
    let one = join(None, &entry("eu-dev", "111122223333", "10.42.0.0/20")).unwrap();
    assert_eq!(read(&one)["spec"]["namespaces"][0]["name"], "eudev");
    let two = join(Some(&one), &entry("eudev", "444455556666", "10.43.0.0/20")).unwrap();
    assert_eq!(read(&two)["spec"]["namespaces"][1], json!({ "name": "eudev2", "environment": "eudev" }));
    assert_eq!(validate(&two, Some(&one)), Ok(()));
}

#[test]
fn a_namespace_that_a_person_made_for_the_environment_is_enough() {
    let one = join(None, &dev()).unwrap();
    let renamed = edited(&one, |tenant| tenant["spec"]["namespaces"][0]["name"] = json!("shop"));
    let again = read(&join(Some(&renamed), &dev()).unwrap());
    assert_eq!(again["spec"]["namespaces"], json!([{ "name": "shop", "environment": "dev" }]));
}

#[test]
fn somebody_elses_file_is_not_owned_and_named_by_its_field() {
    let one = join(None, &dev()).unwrap();
    let cases = [
        ("kind", "/kind", "ConfigMap"),
        ("apiVersion", "/apiVersion", "v1"),
        ("metadata.name", "/metadata/name", "billing"),
        ("spec.placement.cluster", "/spec/placement/cluster", "shared-prod-1"),
        ("spec.accounts[environment=dev].accountId", "/spec/accounts/0/accountId", "777788889999"),
        ("spec.accounts", "/spec/accounts/0/environment", "prod"),
    ];
    for (field, pointer, value) in cases {
        let foreign = edited(&one, |tenant| *tenant.pointer_mut(pointer).unwrap() = json!(value));
        let error = join(Some(&foreign), &dev()).unwrap_err();
        assert!(error.is_not_owned() && error.to_string().contains(field), "{field}: {error}");
    }
}

#[test]
fn a_file_that_cannot_be_joined_is_bad_input() {
    let one = join(None, &dev()).unwrap();
    let broken = join(Some("a: [\n"), &dev()).unwrap_err();
    assert!(matches!(broken, CrError::Unreadable(_)) && !broken.is_not_owned());
    for (field, pointer) in [
        ("spec.accounts", "/spec/accounts"),
        ("spec.network", "/spec/network"),
        ("spec.namespaces", "/spec/namespaces"),
        ("spec.accounts[0]", "/spec/accounts/0"),
        ("spec", "/spec"),
    ] {
        let wrong = edited(&one, |tenant| *tenant.pointer_mut(pointer).unwrap() = json!("text"));
        // The block is new, so that the egress list is looked at too.
        let error = join(Some(&wrong), &entry("dev", "111122223333", "10.50.0.0/20")).unwrap_err();
        assert!(matches!(&error, CrError::WrongType { field: found, .. } if found == field), "{field}: {error}");
    }
}

#[test]
fn the_input_refuses_unknown_and_missing_fields() {
    let mut input = serde_json::to_value(dev()).unwrap();
    input["acountId"] = json!("111122223333");
    assert!(serde_json::from_value::<AccountEntry>(input.clone()).is_err());
    input.as_object_mut().unwrap().remove("acountId");
    assert!(serde_json::from_value::<AccountEntry>(input.clone()).is_ok());
    input.as_object_mut().unwrap().remove("cluster");
    assert!(serde_json::from_value::<AccountEntry>(input).is_err());
}
