//! A bad custom resource is refused with the field and the rule; a good one passes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use berth_crd::validate;
use serde_json::{Value, json};

const GOOD: &str = include_str!("fixtures/tenant.yaml");

/// The good Tenant with the value at `pointer` replaced, or removed when it is null.
fn with(pointer: &str, value: Value) -> String {
    let mut tenant: Value = serde_yaml_ng::from_str(GOOD).unwrap();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    match tenant.pointer_mut(parent).unwrap() {
        Value::Object(map) if value.is_null() => drop(map.remove(key).expect(pointer)),
        Value::Object(map) => drop(map.insert(key.to_owned(), value)),
        Value::Array(items) if key == "-" => items.push(value),
        Value::Array(items) => items[key.parse::<usize>().unwrap()] = value,
        other => panic!("{pointer} leads into {other}"),
    }
    serde_json::to_string(&tenant).unwrap()
}

fn assert_refused(document: &str, old: Option<&str>, field: &str, rule: &str) {
    let violations = validate(document, old).expect_err(&format!("{field} ({rule}) passed"));
    let named = violations.iter().any(|v| v.field == field && v.rule.contains(rule) && !v.message.is_empty());
    assert!(named, "expected {field} ({rule}), got {violations:#?}");
}

fn account(environment: &str, id: &str) -> Value {
    json!({ "environment": environment, "accountId": id })
}

#[test]
fn a_good_tenant_passes_alone_and_over_itself() {
    assert_eq!(validate(GOOD, None), Ok(()));
    assert_eq!(validate(GOOD, Some(GOOD)), Ok(()));
    assert_eq!(validate(&with("/spec/unknown", json!({ "by": "hand" })), None), Ok(()));
    assert_eq!(validate(&with("/spec/network/egressCidrs", json!(["2001:db8::/56"])), None), Ok(()));
}

#[test]
fn fields_of_a_wrong_form_are_refused_with_the_field_and_the_keyword() {
    let role = "arn:aws:iam::111122223333:role/x";
    let cases = [
        ("/spec/accounts", json!(null), "spec.accounts", "required"),
        ("/spec/accounts", json!([]), "spec.accounts", "minItems"),
        ("/spec/placement/cluster", json!(null), "spec.placement.cluster", "required"),
        ("/spec/placement/cluster", json!("../prod"), "spec.placement.cluster", "pattern"),
        ("/spec/placement/region", json!("Ireland"), "spec.placement.region", "pattern"),
        ("/spec/displayName", json!("x".repeat(129)), "spec.displayName", "maxLength"),
        ("/spec/displayName", json!(true), "spec.displayName", "type"),
        ("/spec/costCenter", json!("cc 4711"), "spec.costCenter", "pattern"),
        ("/spec/contact/email", json!("nobody"), "spec.contact.email", "format"),
        ("/spec/owners/0/kind", json!("Robot"), "spec.owners[0].kind", "enum"),
        ("/spec/accounts/0/accountId", json!("11112222333"), "spec.accounts[0].accountId", "pattern"),
        ("/spec/accounts/0/accountId", json!(111_122_223_333_u64), "spec.accounts[0].accountId", "type"),
        ("/spec/accounts/0/networks/0/vpcId", json!("vpc-x"), "spec.accounts[0].networks[0].vpcId", "pattern"),
        ("/spec/accounts/0/networks/0/cidrs/0", json!("10.42.0.0"), "spec.accounts[0].networks[0].cidrs[0]", "format"),
        ("/spec/accounts/0/roles/0/access", json!("root"), "spec.accounts[0].roles[0].access", "enum"),
        ("/spec/accounts/0/roles/0/arn", json!(format!("{role} ")), "spec.accounts[0].roles[0].arn", "pattern"),
        ("/spec/namespaces/0/name", json!("b-dev"), "spec.namespaces[0].name", "pattern"),
        ("/spec/namespaces/0/quota/pods", json!(1.5), "spec.namespaces[0].quota.pods", "type"),
        ("/spec/namespaces/0/quota/pods", json!("many"), "spec.namespaces[0].quota.pods", "pattern"),
        ("/spec/network/profile", json!("open"), "spec.network.profile", "enum"),
        ("/spec/network/egressCidrs/0", json!("10.0.0.0/33"), "spec.network.egressCidrs[0]", "format"),
        ("/spec/domains/0/host", json!("*.*.example.com"), "spec.domains[0].host", "pattern"),
        ("/spec/deletionPolicy", json!("Orphan"), "spec.deletionPolicy", "enum"),
        ("/metadata/name", json!("Payments"), "metadata.name", "pattern"),
        ("/kind", json!("Team"), "kind", "const"),
        ("/apiVersion", json!("tenancy.berth.dev/v1"), "apiVersion", "const"),
    ];
    for (pointer, value, field, rule) in cases {
        assert_refused(&with(pointer, value), None, field, rule);
    }
}

#[test]
fn rules_over_several_fields_are_refused_with_the_field_and_the_rule() {
    let long = "arn:aws:iam::999988887777:role/:iam::111122223333:role/x";
    let cases = [
        ("/metadata/name", json!("kube-tools"), "", "self.metadata.name.matches"),
        ("/metadata/name", json!("aws"), "", "self.metadata.name.matches"),
        ("/spec/namespaces/0/environment", json!("prod"), "spec", "a.environment == n.environment"),
        ("/spec/domains/0/namespace", json!("shop"), "spec", "n.name == d.namespace"),
        ("/spec/owners/0/name", json!("system:masters"), "spec.owners[0].name", "startsWith('system:')"),
        ("/spec/accounts/0/accountId", json!("444455556666"), "spec.accounts[0]", "self.accountId + ':role/'"),
        ("/spec/accounts/0/roles/0/arn", json!(long), "spec.accounts[0]", "self.accountId + ':role/'"),
    ];
    for (pointer, value, field, rule) in cases {
        assert_refused(&with(pointer, value), None, field, rule);
    }
}

#[test]
fn items_that_share_their_keys_are_refused() {
    let namespace = json!({ "name": "dev", "environment": "dev" });
    let owner = json!({ "kind": "Group", "name": "payments-leads", "role": "view" });
    let key = "x-kubernetes-list-map-keys";
    assert_refused(&with("/spec/accounts/-", account("dev", "444455556666")), None, "spec.accounts[1]", key);
    assert_refused(&with("/spec/namespaces/-", namespace), None, "spec.namespaces[1]", key);
    assert_refused(&with("/spec/owners/-", owner), None, "spec.owners[2]", key);
    let network = json!({ "region": "eu-west-1" });
    let field = "spec.accounts[0].networks[1]";
    assert_refused(&with("/spec/accounts/0/networks/-", network), None, field, key);
    let field = "spec.network.egressCidrs";
    assert_refused(&with("/spec/network/egressCidrs/-", json!("10.42.0.0/20")), None, field, "uniqueItems");
}

#[test]
fn what_never_changes_is_refused_only_against_an_old_document() {
    let moved = with("/spec/placement/cluster", json!("shared-prod-1"));
    assert_eq!(validate(&moved, None), Ok(()));
    assert_refused(&moved, Some(GOOD), "spec.placement", "self.cluster == oldSelf.cluster");
    let mut other: Value = serde_yaml_ng::from_str(GOOD).unwrap();
    other["spec"]["accounts"][0] = account("dev", "444455556666");
    let other = serde_json::to_string(&other).unwrap();
    assert_eq!(validate(&other, None), Ok(()));
    assert_refused(&other, Some(GOOD), "spec.accounts[0]", "self.accountId == oldSelf.accountId");
}

#[test]
fn accounts_are_compared_by_environment_and_not_by_place() {
    let mut tenant: Value = serde_yaml_ng::from_str(GOOD).unwrap();
    let accounts = tenant["spec"]["accounts"].as_array_mut().unwrap();
    accounts.insert(0, account("aaa", "444455556666"));
    let document = serde_json::to_string(&tenant).unwrap();
    assert_eq!(validate(&document, Some(GOOD)), Ok(()));
    tenant["spec"]["accounts"][1] = account("dev", "777788889999");
    let document = serde_json::to_string(&tenant).unwrap();
    assert_refused(&document, Some(GOOD), "spec.accounts[1]", "oldSelf");
}

#[test]
fn what_is_not_one_yaml_mapping_is_refused_without_a_panic() {
    for text in ["", "---\na: 1\n---\nb: 2\n", "a: [", "a: 1\na: 2\n", "- a\n", "just text", "a: *nobody\n"] {
        assert!(validate(text, None).is_err(), "{text:?}");
    }
    let violations = validate("a: 1\nb: [\n", None).unwrap_err();
    assert!(violations[0].to_string().contains("(line 2)"), "{violations:?}");
}

#[test]
fn a_violation_never_shows_text_of_the_document() {
    let violations = validate(&with("/spec/costCenter", json!("s3cret value")), None).unwrap_err();
    assert!(violations.iter().all(|violation| !violation.to_string().contains("s3cret")), "{violations:#?}");
}
