//! A bad custom resource is refused with the field and the rule; a good one passes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use berth_crd::{Quantity, Tenant, bare_booleans, validate};
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
fn what_the_operator_could_not_write_into_labels_and_selectors_is_refused() {
    for pool in ["gold pool", "-gold", "gold/pool"] {
        assert_refused(
            &with("/spec/namespaces/0/nodePool", json!(pool)),
            None,
            "spec.namespaces[0].nodePool",
            "pattern",
        );
    }
    for namespace in ["Monitoring", "a.b", "-a"] {
        let document = with("/spec/network/allowIngressFrom", json!([namespace]));
        assert_refused(&document, None, "spec.network.allowIngressFrom[0]", "pattern");
    }
}

#[test]
fn a_good_tenant_passes_alone_and_over_itself() {
    assert_eq!(validate(GOOD, None), Ok(()));
    assert_eq!(validate(GOOD, Some(GOOD)), Ok(()));
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
        ("/spec/contact/email", json!("nobody"), "spec.contact.email", "pattern"),
        ("/spec/contact/email", json!(["ada@example.com"]), "spec.contact.email", "type"),
        ("/spec/network/egressCidrs/0", json!(["10.0.0.0/8"]), "spec.network.egressCidrs[0]", "type"),
        ("/spec/owners/0/kind", json!("Robot"), "spec.owners[0].kind", "enum"),
        ("/spec/accounts/0/accountId", json!("11112222333"), "spec.accounts[0].accountId", "pattern"),
        ("/spec/accounts/0/accountId", json!(111_122_223_333_u64), "spec.accounts[0].accountId", "type"),
        ("/spec/accounts/0/networks/0/vpcId", json!("vpc-x"), "spec.accounts[0].networks[0].vpcId", "pattern"),
        ("/spec/accounts/0/networks/0/cidrs/0", json!("10.42.0.0"), "spec.accounts[0].networks[0].cidrs[0]", "pattern"),
        ("/spec/accounts/0/roles/0/access", json!("root"), "spec.accounts[0].roles[0].access", "enum"),
        ("/spec/accounts/0/roles/0/arn", json!(format!("{role} ")), "spec.accounts[0].roles[0].arn", "pattern"),
        ("/spec/namespaces/0/name", json!("b-dev"), "spec.namespaces[0].name", "pattern"),
        ("/spec/namespaces/0/quota/pods", json!(1.5), "spec.namespaces[0].quota.pods", "type"),
        ("/spec/namespaces/0/quota/pods", json!(1e30), "spec.namespaces[0].quota.pods", "maximum"),
        ("/spec/namespaces/0/labels/team", json!("a b"), "spec.namespaces[0].labels.team", "pattern"),
        ("/spec/namespaces/0/quota/pods", json!("many"), "spec.namespaces[0].quota.pods", "pattern"),
        ("/spec/network/profile", json!("open"), "spec.network.profile", "enum"),
        ("/spec/network/egressCidrs/0", json!("10.0.0.0/33"), "spec.network.egressCidrs[0]", "pattern"),
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
        ("/spec/accounts/0/workloads/0/roleArn", json!(long), "spec.accounts[0]", "self.workloads.all"),
        ("/spec/accounts/0/workloads/0/namespace", json!("shop"), "spec", "n.name == w.namespace"),
        ("/spec/owners/0/name", json!("tenant:other:prod:admin"), "spec.owners[0].name", "startsWith('tenant:')"),
        ("/spec/owners/0/name", json!("aws:root"), "spec.owners[0].name", "startsWith('aws:')"),
        ("/spec/accounts/-", account("prod", "111122223333"), "spec", "b.accountId == a.accountId"),
    ];
    for (pointer, value, field, rule) in cases {
        assert_refused(&with(pointer, value), None, field, rule);
    }
}

#[test]
fn labels_of_kubernetes_and_of_the_platform_are_refused_and_others_pass() {
    for key in [
        "pod-security.kubernetes.io/enforce",
        "kubernetes.io/metadata.name",
        "tenancy.berth.dev/tenant",
        "berth.dev/x",
        "node-role.kubernetes.io/x",
        "x-k8s.io.k8s.io/x",
    ] {
        let labels = json!({ key: "privileged" });
        assert_refused(
            &with("/spec/namespaces/0/labels", labels),
            None,
            "spec.namespaces[0].labels",
            "kubernetes[.]io",
        );
    }
    for key in ["a b", "-a", "a/b/c", "/a", "A.example/a", &"a".repeat(64)] {
        let labels = json!({ key: "x" });
        assert_refused(&with("/spec/namespaces/0/labels", labels), None, "spec.namespaces[0].labels", "k.matches");
    }
    let fine = json!({ "team": "", "kubernetes.io.example.com/a": "b", "my-kubernetes.io/a": "b", "x_k8s.io": "y" });
    assert_eq!(validate(&with("/spec/namespaces/0/labels", fine), None), Ok(()));
}

#[test]
fn a_field_that_nobody_knows_is_refused_with_its_path() {
    for (pointer, field) in [
        ("/spec/quotta", "spec.quotta"),
        ("/spec/accounts/0/networks/0/vpc", "spec.accounts[0].networks[0].vpc"),
        ("/spec/namespaces/0/limits", "spec.namespaces[0].limits"),
        ("/metadata/lables", "metadata.lables"),
        ("/metadata/resourceVersion", "metadata.resourceVersion"),
        ("/Spec", "Spec"),
    ] {
        assert_refused(&with(pointer, json!("x")), None, field, "unknown");
    }
}

#[test]
fn null_is_refused_with_its_path_and_what_to_do() {
    for pointer in ["/spec/displayName", "/spec/domains", "/spec/network", "/spec/namespaces/0/labels/team", "/status"]
    {
        let document = with(pointer, json!("NULL")).replace("\"NULL\"", "null");
        let field = pointer.trim_start_matches('/').replace("/0", "[0]").replace('/', ".");
        assert_refused(&document, None, &field, "type");
        let violations = validate(&document, None).unwrap_err();
        assert!(
            violations.iter().any(|violation| violation.message.contains("leave the field out")),
            "{violations:#?}"
        );
    }
}

#[test]
fn labels_and_annotations_of_the_tenant_are_texts_of_the_right_form() {
    for (field, map, path) in [
        ("annotations", json!({ "ticket": 123 }), "metadata.annotations.ticket"),
        ("annotations", json!({ "on": true }), "metadata.annotations.on"),
        ("annotations", json!({ "a b": "c" }), "metadata.annotations.a b"),
        ("annotations", json!(["a"]), "metadata.annotations"),
        ("annotations", json!({ "a": "x".repeat(262_144) }), "metadata.annotations"),
        ("labels", json!({ "on": true }), "metadata.labels.on"),
        ("labels", json!({ "a": "b c" }), "metadata.labels.a"),
        ("labels", json!({ "a": "x".repeat(64) }), "metadata.labels.a"),
        ("labels", json!({ "Example.com/a": "b" }), "metadata.labels.Example.com/a"),
    ] {
        assert_refused(&with(&format!("/metadata/{field}"), map), None, path, "");
    }
    let fine = json!({ "Example.com/a": "any text: of 1 kind", "b": "" });
    assert_eq!(validate(&with("/metadata/annotations", fine), None), Ok(()));
    assert_eq!(validate(&with("/metadata/labels", json!({ "example.com/a": "b", "c": "" })), None), Ok(()));
}

#[test]
fn blocks_of_both_families_and_large_quantities_are_read_back() {
    let blocks = json!([
        "::/0",
        "2001:db8::/56",
        "2001:DB8:0:1:2:3:4:5/128",
        "fe80::1/64",
        "::1/128",
        "10.0.0.1/8",
        "0.0.0.0/0"
    ]);
    assert_eq!(validate(&with("/spec/network/egressCidrs", blocks), None), Ok(()));
    for bad in [
        "10.0.0.0",
        "256.0.0.0/8",
        "10.0.0.0/33",
        "010.0.0.0/8",
        ":::/0",
        "1::2::3/64",
        "1:2:3:4:5:6:7:8:9/64",
        "::/129",
        "1:2/64",
    ] {
        let document = with("/spec/network/egressCidrs/0", json!(bad));
        assert_refused(&document, None, "spec.network.egressCidrs[0]", "pattern");
    }
    let large = with("/spec/namespaces/0/quota/requests.memory", json!(8_589_934_592_i64));
    assert_eq!(validate(&large, None), Ok(()));
    let tenant: Tenant = serde_json::from_str(&large).unwrap();
    assert_eq!(tenant.spec.namespaces[0].quota["requests.memory"], Quantity::Number(8_589_934_592));
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

/// Argo CD and `kubectl apply -f` take these words for Booleans, so the CRD's check does too.
#[test]
fn a_word_that_only_flux_takes_for_a_text_is_told_with_its_line() {
    for (words, meant) in [(["no", "No", "NO", "off", "n"], false), (["yes", "Yes", "on", "ON", "y"], true)] {
        for word in words {
            let document = GOOD.replace("suspended: false", &format!("suspended: {word} # for now"));
            assert_eq!(validate(&document, None), Ok(()), "{word}");
            let told: Vec<_> = bare_booleans(&document).iter().map(ToString::to_string).collect();
            let line = GOOD.lines().count();
            let text = format!("has a bare word in line {line} that Flux (kustomize) takes for a text: write {meant}");
            assert_eq!(told, [format!("spec.suspended: {text} (boolean)")], "{word}");
        }
    }
    for fine in ["false", "true", "True", "\"no\""] {
        let document = GOOD.replace("suspended: false", &format!("suspended: {fine}"));
        assert_eq!(bare_booleans(&document), [], "{fine}");
    }
}

#[test]
fn every_such_word_is_told_in_lists_behind_aliases_and_in_any_style() {
    let document = GOOD
        .replace("- environment: dev", "- environment: dev\n    suspended: &later no")
        .replace("  suspended: false", "  ? suspended\n  : *later");
    let fields = |document: &str| -> Vec<_> { bare_booleans(document).into_iter().map(|each| each.field).collect() };
    assert_eq!(fields(&document), ["spec.accounts[0].suspended", "spec.suspended"], "a key without a place");
    let document = document.replace("? suspended\n  : *later", "suspended: *later");
    let lines: Vec<_> = bare_booleans(&document).into_iter().map(|each| each.message).collect();
    let line = |text: &str| document.lines().position(|line| line.contains(text)).unwrap() + 1;
    assert!(lines[0].contains(&format!("in line {} ", line("&later"))), "{lines:?}");
    assert!(lines[1].contains(&format!("in line {} ", line("*later"))), "{lines:?}");
    assert_eq!(fields(&format!("---\n# none\n---\n{document}")).len(), 2, "below a document without a value");
}
