//! Conversations, each with what is changed, in which order, and what is not.

use std::sync::Arc;

use berth_operator::{
    client::{self, CRD, Candidate, Context, Fence, Outcome, Platform},
    settings::Settings,
    status::Reason,
};
use hyper::Method;
use kube_client::Client;
use kube_runtime::reflector;
use serde_json::{Value, json};

use crate::server::{Change, Server, status};

const TENANT: &str = "/apis/tenancy.berth.dev/v1alpha1/tenants/payments";
const NAMESPACE: &str = "/api/v1/namespaces/payments-dev";
const LEASE: &str = "/apis/coordination.k8s.io/v1/namespaces/berth-system/leases/berth-operator";

fn tenant() -> Value {
    json!({
        "apiVersion": "tenancy.berth.dev/v1alpha1", "kind": "Tenant",
        "metadata": { "name": "payments", "generation": 1, "creationTimestamp": "2026-01-02T00:00:00Z" },
        "spec": {
            "placement": { "cluster": "dev-euw1", "region": "eu-west-1" },
            "accounts": [{ "environment": "dev", "accountId": "111122223333",
                "networks": [{ "region": "eu-west-1", "cidrs": ["10.42.0.0/20"] }],
                "workloads": [{ "namespace": "dev", "serviceAccount": "app",
                    "roleArn": "arn:aws:iam::111122223333:role/app" }] }],
            "namespaces": [{ "name": "dev", "environment": "dev" }],
        },
    })
}

fn context(client: Client, fence: Fence, platform: Platform) -> Context {
    let (tenants, _) = reflector::store();
    Context { client, settings: Arc::new(Settings::default()), platform, tenants, fence }
}

async fn reconcile(client: &Client) -> Outcome {
    let context = context(client.clone(), Fence::open(), Platform::default());
    client::reconcile(&context, "payments").await.unwrap()
}

/// Method and last parts of the path: `PATCH rolebindings/berth-view`.
fn lines(changes: &[Change]) -> Vec<String> {
    let short = |change: &Change| {
        let (method, path) = change.line.split_once(' ').unwrap();
        let mut parts: Vec<&str> = path.rsplit('/').take(2).collect();
        parts.reverse();
        format!("{method} {}", parts.join("/"))
    };
    changes.iter().map(short).collect()
}

fn condition(server: &Server, type_: &str) -> Option<Value> {
    let tenant = server.get(TENANT).unwrap();
    tenant["status"]["conditions"].as_array()?.iter().find(|condition| condition["type"] == type_).cloned()
}

#[tokio::test]
async fn a_tenant_is_made_from_the_outside_in_and_the_second_time_only_read() {
    let (server, client) = Server::start(&[(TENANT, tenant())]).await;
    assert_eq!(reconcile(&client).await.problems, []);
    assert_eq!(
        lines(&server.changes()),
        [
            "POST v1/namespaces",
            "PATCH networkpolicies/berth-allow-dns",
            "PATCH networkpolicies/berth-allow-egress-blocks",
            "PATCH networkpolicies/berth-allow-same-tenant",
            "PATCH networkpolicies/berth-default-deny",
            "PATCH resourcequotas/berth",
            "PATCH limitranges/berth",
            "PATCH serviceaccounts/app",
            "PATCH rolebindings/berth-admin",
            "PATCH rolebindings/berth-edit",
            "PATCH rolebindings/berth-view",
            "PATCH payments/status",
        ]
    );
    assert_eq!(condition(&server, "Ready").unwrap()["status"], "True");
    let again = reconcile(&client).await;
    assert_eq!((again.changes, again.status_written), (0, false));
    assert_eq!(lines(&server.changes()), Vec::<String>::new());
}

#[tokio::test]
async fn nobody_gets_in_while_the_server_refuses_what_keeps_them_in() {
    let (server, client) = Server::start(&[(TENANT, tenant())]).await;
    let invalid = status(422, "Invalid", "spec.podSelector: Invalid value");
    server.says(Method::PATCH, "networkpolicies/berth-default-deny", invalid);
    let outcome = reconcile(&client).await;
    assert!(server.has_said_all());
    assert_eq!(outcome.problems[0].reason, Reason::Refused);
    let changes = lines(&server.changes());
    assert!(changes.contains(&"PATCH resourcequotas/berth".to_owned()), "{changes:?}");
    assert!(!changes.iter().any(|line| line.contains("rolebindings")), "{changes:?}");
    let stalled = condition(&server, "Stalled").unwrap();
    assert!(stalled["message"].as_str().unwrap().contains("spec.podSelector: Invalid value"), "{stalled}");
    assert_eq!(condition(&server, "Ready").unwrap()["status"], "False");
}

#[tokio::test]
async fn a_namespace_that_somebody_makes_at_the_same_moment_is_not_taken() {
    let (server, client) = Server::start(&[(TENANT, tenant())]).await;
    server.says(
        Method::POST,
        "v1/namespaces",
        status(409, "AlreadyExists", "namespaces \"payments-dev\" already exists"),
    );
    let outcome = reconcile(&client).await;
    assert!(server.has_said_all());
    assert_eq!(outcome.problems[0].reason, Reason::Unavailable);
    assert_eq!(lines(&server.changes()), ["POST v1/namespaces", "PATCH payments/status"]);
    assert_eq!(condition(&server, "Stalled"), None, "it is looked at again by itself");
}

#[tokio::test]
async fn a_server_that_cannot_say_what_there_is_makes_nothing_change() {
    let (server, client) = Server::start(&[(TENANT, tenant())]).await;
    reconcile(&client).await;
    server.changes();
    for (path, code, reason) in [
        ("payments-dev/rolebindings", 403, "Forbidden"),
        ("payments-dev/networkpolicies", 500, "InternalError"),
        ("v1/namespaces", 504, "Timeout"),
    ] {
        server.says(Method::GET, path, status(code, reason, "no"));
        let context = context(client.clone(), Fence::open(), Platform::default());
        client::reconcile(&context, "payments").await.unwrap_err();
        assert_eq!(lines(&server.changes()), Vec::<String>::new(), "{path}");
    }
    assert!(server.has_said_all());
}

#[tokio::test]
async fn a_field_of_another_manager_is_named_and_not_taken() {
    let adopted = json!({ "metadata": { "labels": { "tenancy.berth.dev/adopt": "payments" } } });
    let (server, client) = Server::start(&[(TENANT, tenant()), (NAMESPACE, adopted)]).await;
    let mut conflict = status(409, "Conflict", "conflict with \"platform\": .metadata.labels.x");
    conflict["details"] =
        json!({ "causes": [{ "reason": "FieldManagerConflict", "message": "conflict with platform" }] });
    server.says(Method::PATCH, "namespaces/payments-dev", conflict);
    let outcome = reconcile(&client).await;
    assert!(server.has_said_all());
    assert_eq!(outcome.problems[0].reason, Reason::FieldConflict);
    assert!(condition(&server, "Stalled").unwrap()["message"].as_str().unwrap().contains("platform"));
}

#[tokio::test]
async fn what_changed_since_it_was_seen_is_not_replaced() {
    let (server, client) = Server::start(&[(TENANT, tenant())]).await;
    reconcile(&client).await;
    let path = format!("{NAMESPACE}/resourcequotas/berth");
    let mut more = server.get(&path).unwrap();
    more["spec"]["hard"]["secrets"] = "1".into();
    server.put(&path, more);
    let seen = server.get(&path).unwrap()["metadata"]["resourceVersion"].clone();
    server.says(Method::PUT, "resourcequotas/berth", status(409, "Conflict", "the object has been modified"));
    server.changes();
    let outcome = reconcile(&client).await;
    assert!(server.has_said_all());
    assert_eq!(outcome.problems[0].reason, Reason::Unavailable);
    let put = server.changes().into_iter().find(|change| change.line.starts_with("PUT ")).unwrap();
    assert_eq!(put.body["metadata"]["resourceVersion"], seen);
}

#[tokio::test]
async fn a_change_that_is_refused_for_now_is_not_repeated_behind_the_fence() {
    for code in [429, 503, 504] {
        let (server, client) = Server::start(&[(TENANT, tenant())]).await;
        server.says(Method::POST, "v1/namespaces", status(code, "ServiceUnavailable", "not now"));
        let outcome = reconcile(&client).await;
        assert!(server.has_said_all());
        assert_eq!(outcome.problems[0].reason, Reason::Unavailable);
        assert_eq!(lines(&server.changes()), ["POST v1/namespaces", "PATCH payments/status"], "{code}");
    }
}

#[tokio::test]
async fn behind_a_closed_fence_nothing_is_changed() {
    let (server, client) = Server::start(&[(TENANT, tenant())]).await;
    // Never renewed: another replica leads.
    let context = context(client, Fence::default(), Platform::default());
    let error = client::reconcile(&context, "payments").await.unwrap_err();
    assert!(error.to_string().contains("another replica may hold the lease"), "{error}");
    assert_eq!(lines(&server.changes()), Vec::<String>::new());
}

#[tokio::test]
async fn with_an_older_crd_only_the_status_is_written() {
    let (server, client) = Server::start(&[(TENANT, tenant())]).await;
    let platform = Platform { crd_lacks: vec!["spec.suspended".to_owned()], ..Platform::default() };
    let context = context(client, Fence::open(), platform);
    let outcome = client::reconcile(&context, "payments").await.unwrap();
    assert_eq!(outcome.problems[0].reason, Reason::CrdTooOld);
    assert_eq!(lines(&server.changes()), ["PATCH payments/status"]);
}

#[tokio::test]
async fn a_tenant_that_goes_without_our_finalizer_is_let_go() {
    let mut going = tenant();
    going["metadata"]["deletionTimestamp"] = "2026-01-03T00:00:00Z".into();
    going["metadata"]["finalizers"] = json!(["somebody.else/has-work"]);
    let (server, client) = Server::start(&[(TENANT, going)]).await;
    reconcile(&client).await;
    assert_eq!(lines(&server.changes()), Vec::<String>::new());
}

#[tokio::test]
async fn no_list_of_tenants_is_no_reason_to_take_access_away() {
    let labels = json!({ "app.kubernetes.io/managed-by": "berth-operator", "tenancy.berth.dev/tenant": "payments" });
    let namespace = json!({ "metadata": { "name": "payments-dev", "labels": labels } });
    let crd = serde_json::to_value(berth_crd::tenant_crd()).unwrap();
    let crd_path = format!("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{CRD}");
    let (server, client) = Server::start(&[(NAMESPACE, namespace), (&crd_path, crd)]).await;
    let settings = Settings { orphan_grace_seconds: 0, ..Settings::default() };
    let tenants = "/apis/tenancy.berth.dev/v1alpha1/tenants";
    server.says(Method::GET, tenants, status(500, "InternalError", "etcd is down"));
    client::scan(&client, &settings, &Fence::open()).await.unwrap_err();
    assert!(server.has_said_all());
    assert_eq!(lines(&server.changes()), Vec::<String>::new());
    // Nor is a CRD that is gone, or going.
    let (server, client) = Server::start(&[(NAMESPACE, server.get(NAMESPACE).unwrap())]).await;
    server.says(Method::GET, tenants, status(404, "NotFound", "the server could not find the requested resource"));
    assert!(client::scan(&client, &settings, &Fence::open()).await.unwrap().brake.is_some());
    assert!(server.has_said_all());
    assert_eq!(lines(&server.changes()), Vec::<String>::new());
}

#[tokio::test]
async fn a_lease_that_was_given_back_is_taken_by_the_version_that_was_seen() {
    let lease = json!({ "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": { "name": "berth-operator" },
        "spec": { "leaseTransitions": 3, "leaseDurationSeconds": 15 } });
    let (server, client) = Server::start(&[(LEASE, lease)]).await;
    let seen = server.get(LEASE).unwrap()["metadata"]["resourceVersion"].clone();
    let fence = Fence::default();
    assert!(!fence.is_open());
    Candidate::new(client, "berth-system", "two".to_owned(), fence.clone()).acquire().await;
    assert!(fence.is_open());
    let changes = server.changes();
    assert_eq!(lines(&changes), ["PUT leases/berth-operator"]);
    assert_eq!(changes[0].body["metadata"]["resourceVersion"], seen);
    let spec = &changes[0].body["spec"];
    assert_eq!((&spec["holderIdentity"], &spec["leaseTransitions"]), (&json!("two"), &json!(4)));
}
