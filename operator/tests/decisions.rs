//! The pure half of a reconcile: what a tenant should have, what is done about what is there, and what its status says.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "all of it is tests")]

use std::collections::BTreeMap;

use berth_crd::{ConditionStatus, Tenant, TenantStatus};
use berth_operator::{
    decide::{Action, NamespaceDecision, NamespaceState, decide},
    deletion::{Deletion, Deletions, deletion, finalizers},
    desired::{claims, desired},
    names,
    object::{Kind, Live, Object},
    observed::{Observed, ObservedNamespace},
    orphans::CrdState,
    settings::Settings,
    status::{Part, Problem, Reason, problems, status, stopped},
};
use jiff::Timestamp;
use serde_json::{Value, json};

const NOW: &str = "2026-11-29T12:00:00Z";

fn at(time: &str) -> Timestamp {
    time.parse().unwrap()
}

fn tenant(change: impl FnOnce(&mut Value)) -> Tenant {
    let mut document = json!({
        "apiVersion": "tenancy.berth.dev/v1alpha1", "kind": "Tenant",
        "metadata": { "name": "payments", "generation": 3, "creationTimestamp": "2026-01-02T00:00:00Z" },
        "spec": {
            "placement": { "cluster": "dev-euw1", "region": "eu-west-1" },
            "accounts": [{ "environment": "dev", "accountId": "111122223333",
                "networks": [{ "region": "eu-west-1", "cidrs": ["10.42.0.0/20"] }] }],
            "namespaces": [{ "name": "dev", "environment": "dev" }],
        },
    });
    change(&mut document);
    serde_json::from_value(document).unwrap()
}

fn with_domain(name: &str, created: &str, host: &str) -> Tenant {
    tenant(|document| {
        document["metadata"]["name"] = name.into();
        document["metadata"]["creationTimestamp"] = created.into();
        document["spec"]["domains"] = json!([{ "host": host, "namespace": "dev", "issuer": "letsencrypt" }]);
    })
}

fn knows(kinds: &[Kind]) -> Observed {
    Observed { optional_kinds: kinds.to_vec(), ..Observed::default() }
}

/// A namespace as the server has it: of the operator, unless labels say otherwise.
fn namespace(name: &str, change: impl FnOnce(&mut Value)) -> ObservedNamespace {
    let labels = json!({ names::MANAGED_BY: names::MANAGER, names::TENANT: "payments", names::ENVIRONMENT: "dev" });
    let mut body = json!({ "metadata": { "name": name, "uid": "u1", "labels": labels } });
    change(&mut body);
    ObservedNamespace { namespace: Live { body }, objects: BTreeMap::new() }
}

fn terminating(body: &mut Value) {
    body["metadata"]["deletionTimestamp"] = NOW.into();
    body["status"] = json!({ "conditions": [
        { "type": "NamespaceContentRemaining", "status": "True", "message": "pods. has 1 resource instances" },
        { "type": "NamespaceDeletionDiscoveryFailure", "status": "False", "message": "all discovered" } ] });
}

fn seen(name: &str, there: ObservedNamespace) -> Observed {
    Observed { namespaces: [(name.to_owned(), there)].into(), ..Observed::default() }
}

fn decided(tenant: &Tenant, observed: &Observed) -> Vec<NamespaceDecision> {
    decide("payments", &desired(tenant, &Settings::default(), observed), observed)
}

/// Everything as it should be.
fn complete(tenant: &Tenant) -> Observed {
    let wanted = desired(tenant, &Settings::default(), &Observed::default());
    let of = |object: &Object| {
        let mut body = object.body.clone();
        body["metadata"]["uid"] = "u2".into();
        (object.kind, Live { body })
    };
    let mut objects: BTreeMap<Kind, Vec<Live>> = BTreeMap::new();
    for (kind, live) in wanted[0].objects.iter().map(of) {
        objects.entry(kind).or_default().push(live);
    }
    let there = ObservedNamespace { namespace: Live { body: wanted[0].body.clone() }, objects };
    seen(&wanted[0].name, there)
}

fn condition(status: &TenantStatus, name: &str) -> Option<(ConditionStatus, String, String)> {
    let found = status.conditions.iter().find(|condition| condition.type_ == name)?;
    Some((found.status, found.reason.clone(), found.message.clone()))
}

#[test]
fn kinds_of_other_operators_are_wanted_only_where_their_crd_is() {
    let tenant = with_domain("payments", "2026-01-02T00:00:00Z", "pay.example.com");
    let kinds = |observed: &Observed| {
        let namespaces = desired(&tenant, &Settings::default(), observed);
        namespaces[0].objects.iter().map(|object| object.kind).collect::<Vec<_>>()
    };
    for kind in [Kind::Certificate, Kind::CiliumNetworkPolicy] {
        assert!(!kinds(&Observed::default()).contains(&kind));
        assert!(kinds(&knows(&[kind])).contains(&kind));
    }
}

#[test]
fn policies_come_before_and_bindings_after_everything_else() {
    let all = desired(&tenant(|_| ()), &Settings::default(), &knows(&[Kind::CiliumNetworkPolicy]));
    let kinds: Vec<Kind> = all[0].objects.iter().map(|object| object.kind).collect();
    assert!(kinds.is_sorted(), "{kinds:?}");
    assert_eq!((kinds.first(), kinds.last()), (Some(&Kind::NetworkPolicy), Some(&Kind::RoleBinding)));
}

/// Two environments in accounts of their own, one of them with a network in each of two regions.
fn of_two_environments(profile: &str) -> Tenant {
    tenant(|document| {
        document["spec"]["accounts"] = json!([
            { "environment": "dev", "accountId": "111122223333", "networks": [
                { "region": "eu-west-1", "cidrs": ["10.42.16.0/20", "10.42.0.0/20"] },
                { "region": "eu-central-1", "cidrs": ["10.43.0.0/20"] } ] },
            { "environment": "prod", "accountId": "444455556666", "networks": [
                { "region": "eu-west-1", "cidrs": ["10.50.0.0/20"] } ] } ]);
        document["spec"]["namespaces"] = json!([
            { "name": "dev", "environment": "dev" }, { "name": "prod", "environment": "prod" } ]);
        document["spec"]["network"] = json!({ "profile": profile, "allowIngressFrom": ["gateway"] });
    })
}

/// The `spec` of every policy of each namespace, by name; Cilium's is `cilium`.
fn policies(tenant: &Tenant) -> BTreeMap<String, BTreeMap<String, Value>> {
    let mut settings = Settings { shared_namespaces: vec!["monitoring".to_owned()], ..Settings::default() };
    settings.dns.node_local = vec!["169.254.20.10".to_owned(), "fd00::10".to_owned()];
    let of = |objects: &[Object]| {
        let policies = objects.iter().filter_map(|object| match object.kind {
            Kind::NetworkPolicy => Some((object.name.clone(), object.body["spec"].clone())),
            Kind::CiliumNetworkPolicy => Some(("cilium".to_owned(), object.body["spec"].clone())),
            _ => None,
        });
        policies.collect()
    };
    let wanted = desired(tenant, &settings, &knows(&[Kind::CiliumNetworkPolicy]));
    wanted.iter().map(|namespace| (namespace.name.clone(), of(&namespace.objects))).collect()
}

/// The policies of a namespace of the profile `isolated` whose pods may reach these blocks.
fn isolated(blocks: &[&str]) -> Value {
    let to: Vec<Value> = blocks.iter().map(|block| json!({ "ipBlock": { "cidr": block } })).collect();
    let own = json!({ "namespaceSelector": { "matchLabels": { "tenancy.berth.dev/tenant": "payments" } } });
    let dns_pods = json!({
        "namespaceSelector": { "matchLabels": { "kubernetes.io/metadata.name": "kube-system" } },
        "podSelector": { "matchLabels": { "k8s-app": "kube-dns" } } });
    let local =
        [json!({ "ipBlock": { "cidr": "169.254.20.10/32" } }), json!({ "ipBlock": { "cidr": "fd00::10/128" } })];
    let gateway = json!({ "namespaceSelector": { "matchLabels": { "kubernetes.io/metadata.name": "gateway" } } });
    json!({
        "berth-default-deny": { "podSelector": {}, "policyTypes": ["Ingress", "Egress"] },
        "berth-allow-dns": { "podSelector": {}, "policyTypes": ["Egress"], "egress": [{
            "to": [dns_pods, local[0], local[1]],
            "ports": [{ "protocol": "UDP", "port": 53 }, { "protocol": "TCP", "port": 53 }] }] },
        "berth-allow-same-tenant": { "podSelector": {}, "policyTypes": ["Ingress", "Egress"],
            "ingress": [{ "from": [own] }], "egress": [{ "to": [own] }] },
        "berth-allow-egress-blocks": { "podSelector": {}, "policyTypes": ["Egress"], "egress": [{ "to": to }] },
        "berth-allow-ingress-from": { "podSelector": {}, "policyTypes": ["Ingress"],
            "ingress": [{ "from": [gateway] }] },
        "cilium": cilium_twin(blocks, &[]),
    })
}

/// Cilium's twin of these policies; with the profile `shared` these namespaces call in and are reached, too.
fn cilium_twin(blocks: &[&str], shared: &[&str]) -> Value {
    let named = |name: &str| json!({ "matchLabels": { "k8s:io.kubernetes.pod.namespace": name } });
    let own = json!({ "matchLabels": { "k8s:io.cilium.k8s.namespace.labels.tenancy.berth.dev/tenant": "payments" } });
    let with = |first: &[Value]| [first, &shared.iter().map(|name| named(name)).collect::<Vec<_>>()].concat();
    let dns = json!([{ "ports": [{ "port": "53", "protocol": "UDP" }, { "port": "53", "protocol": "TCP" }] }]);
    let pods = json!({ "matchLabels": {
        "k8s:io.kubernetes.pod.namespace": "kube-system", "k8s:k8s-app": "kube-dns" } });
    json!({
        "endpointSelector": {},
        "ingress": [{ "fromEndpoints": with(&[own.clone(), named("gateway")]) }],
        "egress": [
            { "toEndpoints": [pods], "toPorts": dns },
            { "toEndpoints": with(&[own]) },
            { "toCIDR": ["169.254.20.10/32", "fd00::10/128"], "toPorts": dns },
            { "toCIDR": blocks },
        ],
    })
}

const DEV: [&str; 3] = ["10.42.0.0/20", "10.42.16.0/20", "10.43.0.0/20"];
const PROD: [&str; 1] = ["10.50.0.0/20"];

#[test]
fn policies_allow_what_the_tenant_names_and_the_blocks_of_their_environment() {
    let policies = policies(&of_two_environments("isolated"));
    assert_eq!(json!(policies), json!({ "payments-dev": isolated(&DEV), "payments-prod": isolated(&PROD) }));
}

#[test]
fn the_profile_shared_adds_the_platforms_namespaces_both_ways_only() {
    let monitoring = json!({ "namespaceSelector": { "matchLabels": { "kubernetes.io/metadata.name": "monitoring" } } });
    let shared = |blocks: &[&str]| {
        let mut policies = isolated(blocks);
        policies["berth-allow-shared"] = json!({ "podSelector": {}, "policyTypes": ["Ingress", "Egress"],
            "ingress": [{ "from": [monitoring] }], "egress": [{ "to": [monitoring] }] });
        policies["cilium"] = cilium_twin(blocks, &["monitoring"]);
        policies
    };
    let policies = policies(&of_two_environments("shared"));
    assert_eq!(json!(policies), json!({ "payments-dev": shared(&DEV), "payments-prod": shared(&PROD) }));
}

#[test]
fn blocks_that_the_tenant_names_stand_in_place_of_those_of_its_accounts() {
    let mut named = of_two_environments("isolated");
    named.spec.network.egress_cidrs = vec!["192.0.2.0/24".to_owned()];
    let whole = isolated(&["192.0.2.0/24"]);
    assert_eq!(json!(policies(&named)), json!({ "payments-dev": whole, "payments-prod": whole }));
    // Without any, nothing is opened: an empty list of peers would be everybody.
    let mut none = of_two_environments("isolated");
    none.spec.accounts.clear();
    none.spec.network.allow_ingress_from.clear();
    for (namespace, policies) in policies(&none) {
        let made: Vec<&str> = policies.keys().map(String::as_str).collect();
        let expected = ["berth-allow-dns", "berth-allow-same-tenant", "berth-default-deny", "cilium"];
        assert_eq!(made, expected, "{namespace}");
        assert_eq!(policies["cilium"]["egress"].as_array().unwrap().len(), 3, "{namespace}");
        assert_eq!(policies["cilium"]["ingress"][0]["fromEndpoints"].as_array().unwrap().len(), 1, "{namespace}");
    }
}

#[test]
fn labels_of_a_tenant_never_win_over_those_of_the_operator() {
    // As a server without the CRD's rules would have stored it.
    let hostile = tenant(|document| {
        document["spec"]["namespaces"][0]["labels"] = json!({
            "pod-security.kubernetes.io/enforce": "privileged", "tenancy.berth.dev/tenant": "other", "team": "a" });
    });
    let labels = desired(&hostile, &Settings::default(), &Observed::default())[0].body["metadata"]["labels"].clone();
    assert_eq!(labels["pod-security.kubernetes.io/enforce"], "restricted");
    assert_eq!((&labels["tenancy.berth.dev/tenant"], &labels["team"]), (&json!("payments"), &json!("a")));
}

#[test]
fn of_two_tenants_with_one_host_the_older_claim_wins_and_the_other_says_so() {
    let older = with_domain("zebra", "2026-01-01T00:00:00Z", "pay.example.com");
    let younger = with_domain("payments", "2026-01-02T00:00:00Z", "pay.example.com");
    let both = [older.clone(), younger.clone()];
    assert_eq!(claims(&older, both.iter()), BTreeMap::new());
    let taken = claims(&younger, both.iter());
    assert_eq!(taken, BTreeMap::from([("pay.example.com".to_owned(), "zebra".to_owned())]));

    let observed = Observed { hosts_taken: taken, ..knows(&[Kind::Certificate]) };
    let objects = &desired(&younger, &Settings::default(), &observed)[0].objects;
    assert!(
        objects.iter().all(|object| object.kind != Kind::Certificate),
        "its certificate would serve the other's host"
    );
    let told = problems("payments", &[], &observed);
    assert_eq!((told.len(), told[0].reason), (1, Reason::HostTaken));
    assert_eq!(told[0].message, "host pay.example.com is served by tenant zebra, which named it first");
}

#[test]
fn a_claim_is_of_a_host_its_wildcard_and_of_two_as_old_the_first_by_name() {
    for (one, other, taken) in [
        ("*.example.com", "pay.example.com", true),
        ("pay.example.com", "*.example.com", true),
        ("*.example.com", "a.pay.example.com", false),
        ("pay.example.com", "pay.example.org", false),
    ] {
        let (a, b) = (with_domain("a", NOW, one), with_domain("b", NOW, other));
        assert_eq!(claims(&b, [&a, &b].into_iter()).len(), usize::from(taken), "{one} {other}");
        assert_eq!(claims(&a, [&a, &b].into_iter()).len(), 0, "{one} {other}");
    }
}

#[test]
fn a_namespace_that_is_not_there_is_created_and_never_applied() {
    let decisions = decided(&tenant(|_| ()), &Observed::default());
    assert!(matches!(decisions[0].actions[0], Action::CreateNamespace { .. }), "{decisions:?}");
    assert!(!decisions[0].actions.iter().any(|action| matches!(action, Action::ApplyNamespace { .. })));
}

#[test]
fn what_is_as_it_should_be_needs_nothing() {
    let tenant = tenant(|_| ());
    let decisions = decided(&tenant, &complete(&tenant));
    assert_eq!((decisions[0].actions.len(), &decisions[0].state), (0, &NamespaceState::Kept), "{decisions:?}");
}

#[test]
fn a_namespace_of_somebody_else_is_left_alone_whatever_is_in_it() {
    for labels in [json!({}), json!({ names::MANAGED_BY: names::MANAGER, names::TENANT: "other" })] {
        let there = namespace("payments-dev", |body| body["metadata"]["labels"] = labels);
        let observed = seen("payments-dev", there);
        let decisions = decided(&tenant(|_| ()), &observed);
        assert_eq!((&decisions[0].state, decisions[0].actions.len()), (&NamespaceState::NotOwned, 0));
        let told = problems("payments", &decisions, &observed);
        assert!(told[0].message.contains("kubectl label namespace payments-dev tenancy.berth.dev/adopt=payments"));
    }
}

#[test]
fn a_terminating_namespace_is_shown_with_what_blocks_it_and_left_alone() {
    let tenant = tenant(|_| ());
    let observed = seen("payments-dev", namespace("payments-dev", terminating));
    let decisions = decided(&tenant, &observed);
    assert_eq!(decisions[0].actions, []);
    let told = problems("payments", &decisions, &observed);
    let status = status(&tenant, &decisions, &told, &observed, at(NOW));
    let (ready, reason, message) = condition(&status, "Ready").unwrap();
    assert_eq!((ready, reason.as_str()), (ConditionStatus::False, "Terminating"));
    assert!(message.contains("pods. has 1 resource instances") && !message.contains("all discovered"), "{message}");
    assert_eq!(condition(&status, "Reconciling").unwrap().1, "Terminating");
    assert_eq!(status.namespaces[0].phase.as_deref(), Some("Terminating"));
}

#[test]
fn a_namespace_that_the_spec_dropped_and_that_goes_away_is_only_shown() {
    let tenant = tenant(|_| ());
    let mut observed = complete(&tenant);
    observed.namespaces.insert("payments-old".to_owned(), namespace("payments-old", terminating));
    let decisions = decided(&tenant, &observed);
    let told = problems("payments", &decisions, &observed);
    assert_eq!(told, []);
    let status = status(&tenant, &decisions, &told, &observed, at(NOW));
    assert_eq!(condition(&status, "Ready").unwrap().0, ConditionStatus::True);
    let old = status.namespaces.iter().find(|namespace| namespace.name == "payments-old").unwrap();
    assert_eq!(old.phase.as_deref(), Some("Terminating"));
    assert!(old.message.as_ref().unwrap().contains("pods. has 1 resource instances"));
}

#[test]
fn what_needs_a_person_is_never_hidden_behind_what_ends_by_itself() {
    let tenant = tenant(|_| ());
    let told = [
        Problem::new(Part::Namespaces, Reason::Terminating, "goes away"),
        Problem::new(Part::Access, Reason::Denied, "may not"),
    ];
    let status = status(&tenant, &[], &told, &Observed::default(), at(NOW));
    assert_eq!(condition(&status, "Ready").unwrap().1, "Denied");
    assert_eq!(condition(&status, "Stalled").unwrap().2, "may not");
    assert_eq!(condition(&status, "Reconciling"), None, "tools that see Stalled give up waiting");
    assert_eq!(condition(&status, "NamespacesReady").unwrap().0, ConditionStatus::False);
    assert_eq!(condition(&status, "NetworkPoliciesReady").unwrap().0, ConditionStatus::True);
}

#[test]
fn a_time_of_a_condition_moves_only_when_its_status_does() {
    let mut tenant = tenant(|_| ());
    let before = status(&tenant, &[], &[], &Observed::default(), at("2026-11-29T11:00:00Z"));
    tenant.status = Some(before.clone());
    assert_eq!(status(&tenant, &[], &[], &Observed::default(), at(NOW)), before, "nothing moves without a change");
    let problem = Problem::new(Part::Access, Reason::Denied, "may not");
    let after = status(&tenant, &[], &[problem], &Observed::default(), at(NOW));
    let time = |name: &str| after.conditions.iter().find(|one| one.type_ == name).unwrap().last_transition_time.clone();
    assert_eq!((time("Ready").as_str(), time("NamespacesReady").as_str()), (NOW, "2026-11-29T11:00:00Z"));
}

#[test]
fn with_a_tenant_that_nothing_is_done_for_what_was_known_stays() {
    let there = tenant(|_| ());
    let observed = complete(&there);
    let known = status(&there, &decided(&there, &observed), &[], &observed, at(NOW));
    let problem = Problem::new(Part::Namespaces, Reason::CrdTooOld, "it lacks spec.x");
    let stopped = stopped(Some(4), Some(known.clone()), &problem, at(NOW));
    assert_eq!((stopped.namespaces, stopped.observed_generation), (known.namespaces, Some(4)));
    assert!(stopped.conditions.iter().any(|one| one.type_ == "Stalled" && one.reason == "CrdTooOld"));
}

fn deletable() -> Tenant {
    tenant(|document| {
        document["spec"]["deletionPolicy"] = "Delete".into();
        document["metadata"]["finalizers"] = json!([names::FINALIZER, "somebody/else"]);
    })
}

fn deleted(observed: &Observed, crd: CrdState, waiting: usize, now: &str) -> Deletion {
    let deletions = Deletions { waiting, all: 20 };
    deletion(&deletable(), observed, crd, deletions, &Settings::default(), (at(NOW), at(now)))
}

#[test]
fn only_the_policy_delete_has_a_finalizer_and_those_of_others_stay() {
    assert_eq!(finalizers(&tenant(|_| ())), None);
    assert_eq!(finalizers(&deletable()), None);
    let wants = tenant(|document| document["spec"]["deletionPolicy"] = "Delete".into());
    assert_eq!(finalizers(&wants), Some(vec![names::FINALIZER.to_owned()]));
    let mut keeps = deletable();
    keeps.spec.deletion_policy = berth_crd::DeletionPolicy::Retain;
    assert_eq!(finalizers(&keeps), Some(vec!["somebody/else".to_owned()]));
}

#[test]
fn namespaces_are_deleted_after_the_grace_and_never_past_the_brake() {
    let observed = seen("payments-dev", namespace("payments-dev", |_| ()));
    let present = || CrdState::Present(at("2026-01-01T00:00:00Z"));
    let later = "2026-11-29T13:00:00Z";
    let reason = |deletion: Deletion| match deletion {
        Deletion::Hold(problem) => problem.reason,
        other => panic!("{other:?}"),
    };
    assert_eq!(reason(deleted(&observed, present(), 1, NOW)), Reason::Deleting, "the grace");
    assert_eq!(reason(deleted(&observed, present(), 3, later)), Reason::BrakeHeld, "3 of 20 at once");
    assert_eq!(reason(deleted(&observed, CrdState::Missing, 1, later)), Reason::BrakeHeld);
    assert_eq!(reason(deleted(&observed, CrdState::Terminating, 1, later)), Reason::BrakeHeld);
    let Deletion::Delete(names, _) = deleted(&observed, present(), 2, later) else { panic!("it is due") };
    assert_eq!(names, [("payments-dev".to_owned(), "u1".to_owned())]);
}

#[test]
fn a_deletion_waits_for_what_goes_and_spares_what_an_administrator_gave() {
    let later = "2026-11-29T13:00:00Z";
    let present = || CrdState::Present(at("2026-01-01T00:00:00Z"));
    let going = seen("payments-dev", namespace("payments-dev", terminating));
    let Deletion::Wait(problem) = deleted(&going, present(), 1, later) else { panic!("it goes") };
    assert!(problem.message.contains("pods. has 1 resource instances"), "{}", problem.message);
    let adopted = namespace("payments-dev", |body| body["metadata"]["labels"] = json!({ names::ADOPT: "payments" }));
    assert_eq!(deleted(&seen("payments-dev", adopted), present(), 1, later), Deletion::Release);
    assert_eq!(deleted(&Observed::default(), present(), 1, later), Deletion::Release);
}
