//! What the API server itself refuses in tenants' namespaces: by Pod Security, and by the policies of the chart. Core objects
//! of 1.20 have neither, so all of it needs `KUBEBUILDER_ASSETS`.

use berth_kube_testing::Feature;
use berth_operator::object::Kind;
use kube_client::{
    Api, Error,
    api::{DynamicObject, Patch, PatchParams, PostParams},
};
use serde_json::{Value, json};

use crate::{
    chart,
    cluster::{Cluster, cluster, own_cluster, tenant, until},
};

/// Objects, and a part of what the server says against each. Nothing, when it takes it.
type Cases<'a> = &'a [(Value, Option<&'a str>)];

/// What the server says against a new object, which is not stored.
async fn refusal(api: &Api<DynamicObject>, object: &Value) -> Option<String> {
    let dry_run = PostParams { dry_run: true, ..PostParams::default() };
    match api.create(&dry_run, &serde_json::from_value(object.clone()).unwrap()).await {
        Ok(_) => None,
        Err(Error::Api(status)) => Some(status.message.clone()),
        Err(error) => panic!("{error}"),
    }
}

fn is_as_expected(said: Option<&str>, expected: Option<&str>) -> bool {
    match (said, expected) {
        (None, None) => true,
        (Some(said), Some(part)) => said.contains(part),
        _ => false,
    }
}

async fn check(api: &Api<DynamicObject>, cases: Cases<'_>) {
    for (object, expected) in cases {
        let said = refusal(api, object).await;
        assert!(is_as_expected(said.as_deref(), *expected), "{expected:?} is expected, and said is {said:?}: {object}");
    }
}

/// Waits until the server knows a policy and its Tenant: both reach it a moment after they are stored.
async fn until_said(api: &Api<DynamicObject>, object: &Value, expected: Option<&str>) {
    until(&format!("{expected:?} is said of {object}"), || async {
        is_as_expected(refusal(api, object).await.as_deref(), expected).then_some(())
    })
    .await;
}

fn pods(cluster: &Cluster, namespace: &str) -> Api<DynamicObject> {
    cluster.objects("", "v1", "Pod", "pods", namespace)
}

fn ingresses(cluster: &Cluster, namespace: &str) -> Api<DynamicObject> {
    cluster.objects("networking.k8s.io", "v1", "Ingress", "ingresses", namespace)
}

fn container(image: &str) -> Value {
    json!({ "name": "app", "image": image, "securityContext": {
        "allowPrivilegeEscalation": false, "capabilities": { "drop": ["ALL"] } } })
}

/// A pod as `restricted` takes it.
fn pod(image: &str) -> Value {
    json!({ "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "app" }, "spec": {
        "securityContext": { "runAsNonRoot": true, "seccompProfile": { "type": "RuntimeDefault" } },
        "containers": [container(image)] } })
}

fn changed(object: &Value, pointer: &str, field: &str, value: Value) -> Value {
    let mut object = object.clone();
    object.pointer_mut(pointer).unwrap()[field] = value;
    object
}

fn ingress(spec: &Value) -> Value {
    json!({ "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": { "name": "web" }, "spec": spec })
}

fn backend() -> Value {
    json!({ "service": { "name": "web", "port": { "number": 80 } } })
}

fn rule(host: &str) -> Value {
    json!({ "host": host, "http": { "paths": [{ "path": "/", "pathType": "Prefix", "backend": backend() }] } })
}

fn serves(hosts: &[&str]) -> Value {
    ingress(&json!({ "rules": hosts.iter().map(|host| rule(host)).collect::<Vec<_>>() }))
}

fn certificate(spec: &Value) -> Value {
    let mut whole = json!({ "secretName": "web-tls",
        "issuerRef": { "group": "cert-manager.io", "kind": "ClusterIssuer", "name": "letsencrypt" } });
    whole.as_object_mut().unwrap().extend(spec.as_object().unwrap().clone());
    json!({ "apiVersion": "cert-manager.io/v1", "kind": "Certificate", "metadata": { "name": "web" }, "spec": whole })
}

/// A service account, without which no pod is taken; its controller makes it where there is one.
async fn accounts(cluster: &Cluster, namespace: &str) {
    let accounts = cluster.objects("", "v1", "ServiceAccount", "serviceaccounts", namespace);
    let account = json!({ "apiVersion": "v1", "kind": "ServiceAccount", "metadata": { "name": "default" } });
    let made = accounts.create(&PostParams::default(), &serde_json::from_value(account).unwrap()).await;
    assert!(made.is_ok() || matches!(&made, Err(Error::Api(status)) if status.code == 409), "{made:?}");
}

fn shop() -> Value {
    let mut shop = tenant("shop", &["dev", "web"]);
    shop["spec"]["registries"] = json!(["ghcr.io/acme", "registry.example.com"]);
    shop["spec"]["domains"] = json!([
        { "host": "shop.example.com", "namespace": "dev", "issuer": "letsencrypt" },
        { "host": "*.shop.example.com", "namespace": "dev", "issuer": "letsencrypt" } ]);
    shop
}

/// A cluster with the policies as helm renders them, and two tenants: `shop`, and `bank`, which names no registries. None,
/// said loudly, where the server or helm lacks.
async fn with_policies(what: &str) -> Option<Cluster> {
    let cluster = own_cluster().await?;
    if !cluster.server.has_or_says(Feature::Admission, what) {
        return None;
    }
    let version = cluster.client.apiserver_version().await.unwrap().git_version;
    let all = chart::rendered_for(&version, &["admission.enabled=true"])?.unwrap();
    cluster.install_neighbours().await;
    let mut bank = tenant("bank", &["dev"]);
    bank["spec"]["domains"] = json!([{ "host": "bank.example.com", "namespace": "dev", "issuer": "letsencrypt" }]);
    for tenant in [shop(), bank] {
        cluster.apply(&tenant).await;
        cluster.reconcile(tenant["metadata"]["name"].as_str().unwrap()).await;
    }
    let policies = all.iter().filter(|object| object["kind"].as_str().unwrap().starts_with("ValidatingAdmission"));
    for policy in policies {
        chart::apply(&cluster, policy, "").await.unwrap().unwrap();
    }
    for namespace in ["shop-dev", "bank-dev"] {
        accounts(&cluster, namespace).await;
    }
    Some(cluster)
}

#[tokio::test]
async fn a_privileged_pod_is_refused_and_a_restricted_one_taken() {
    let Some(cluster) = cluster().await else { return };
    if !cluster.server.has_or_says(Feature::Admission, "Pod Security") {
        return;
    }
    let mut guarded = tenant("guarded", &["dev", "old"]);
    guarded["spec"]["namespaces"][1]["podSecurity"] = "baseline".into();
    cluster.apply(&guarded).await;
    cluster.reconcile("guarded").await;
    let restricted = pod("app");
    let plain = changed(&restricted, "/spec", "securityContext", json!({}));
    let privileged = changed(&restricted, "/spec/containers/0", "securityContext", json!({ "privileged": true }));
    let host = changed(&restricted, "/spec", "hostNetwork", true.into());
    for (namespace, standard, takes_plain) in [("guarded-dev", "restricted", false), ("guarded-old", "baseline", true)]
    {
        accounts(&cluster, namespace).await;
        let violates = format!("violates PodSecurity \"{standard}:latest\"");
        let violates = Some(violates.as_str());
        let of_plain = if takes_plain { None } else { violates };
        let cases = [(restricted.clone(), None), (plain.clone(), of_plain)];
        check(&pods(&cluster, namespace), &cases).await;
        check(&pods(&cluster, namespace), &[(privileged.clone(), violates), (host.clone(), violates)]).await;
    }
}

#[tokio::test]
async fn an_ingress_serves_hosts_of_its_tenant_and_no_other() {
    let Some(cluster) = with_policies("which hosts an Ingress may name").await else { return };
    let shop = ingresses(&cluster, "shop-dev");
    let (bad_rule, bad_tls) =
        (Some("a rule of spec.rules has no host, or one"), Some("an entry of spec.tls has no hosts"));
    until_said(&shop, &serves(&["bank.example.com"]), bad_rule).await;
    until_said(&shop, &serves(&["shop.example.com"]), None).await;
    let own = serves(&["shop.example.com"]);
    let tls = |entry: Value| changed(&own, "/spec", "tls", json!([entry]));
    let every = Some("spec.defaultBackend answers for every host");
    let cases = [
        (serves(&["*.shop.example.com", "a.shop.example.com"]), None),
        (serves(&["a.b.shop.example.com"]), bad_rule),
        (serves(&["*.a.shop.example.com"]), bad_rule),
        (serves(&["*.example.com"]), bad_rule),
        (serves(&["shop.example.com", "bank.example.com"]), bad_rule),
        (ingress(&json!({ "rules": [{ "http": rule("")["http"] }] })), bad_rule),
        (ingress(&json!({ "defaultBackend": backend() })), every),
        (changed(&own, "/spec", "defaultBackend", backend()), every),
        (tls(json!({ "hosts": ["shop.example.com", "b.shop.example.com"], "secretName": "web-tls" })), None),
        (tls(json!({ "hosts": ["shop.example.com", "bank.example.com"] })), bad_tls),
        (tls(json!({ "secretName": "web-tls" })), bad_tls),
    ];
    check(&shop, &cases).await;
    // The host is of another namespace, of another tenant, and of nobody.
    check(&ingresses(&cluster, "shop-web"), &[(own.clone(), bad_rule)]).await;
    let bank = ingresses(&cluster, "bank-dev");
    until_said(&bank, &serves(&["bank.example.com"]), None).await;
    check(&bank, &[(own.clone(), bad_rule)]).await;
    let open = ingress(&json!({ "defaultBackend": backend() }));
    check(&ingresses(&cluster, "default"), &[(own, None), (open, None)]).await;
}

#[tokio::test]
async fn an_ingress_that_was_there_can_still_be_labelled_and_not_changed() {
    let Some(cluster) = with_policies("an Ingress that was there before").await else { return };
    let api = ingresses(&cluster, "shop-dev");
    let (before, after) = (serves(&["a.shop.example.com"]), serves(&["b.shop.example.com"]));
    until_said(&api, &before, None).await;
    api.create(&PostParams::default(), &serde_json::from_value(before).unwrap()).await.unwrap();
    let mut less = shop();
    less["spec"]["domains"].as_array_mut().unwrap().pop();
    cluster.apply(&less).await;
    let refused = Some("a rule of spec.rules has no host, or one");
    until_said(&api, &changed(&after, "/metadata", "name", "other".into()), refused).await;
    let patch = |body: Value| {
        let api = api.clone();
        async move { api.patch("web", &PatchParams::default(), &Patch::Merge(body)).await }
    };
    patch(json!({ "metadata": { "labels": { "team": "web" } } })).await.unwrap();
    let Err(Error::Api(said)) = patch(json!({ "spec": after["spec"] })).await else { panic!("it is taken") };
    assert!(is_as_expected(Some(&said.message), refused), "{}", said.message);
}

#[tokio::test]
async fn an_image_comes_from_a_registry_of_its_tenant() {
    let Some(cluster) = with_policies("which registries an image may come from").await else { return };
    let shop = pods(&cluster, "shop-dev");
    let refused = Some("an image from a registry that the Tenant does not name");
    until_said(&shop, &pod("ghcr.io/acme-2/app:1"), refused).await;
    until_said(&shop, &pod("ghcr.io/acme/app:1"), None).await;
    let digest = format!("ghcr.io/acme@sha256:{}", "a".repeat(64));
    let own = pod("ghcr.io/acme/app:1");
    let cases = [
        (pod("ghcr.io/acme:1"), None),
        (pod(&digest), None),
        (pod("registry.example.com/team/app"), None),
        (pod("registry.example.com:5000/team/app"), refused),
        (pod("registry.example.community/app"), refused),
        (pod("ghcr.io/other/acme/app"), refused),
        (pod("app"), refused),
        (
            changed(&own, "/spec", "initContainers", json!([changed(&container("app"), "", "name", "first".into())])),
            refused,
        ),
    ];
    check(&shop, &cases).await;
    // Whoever names no registries may use any; and nobody asks of a namespace of no tenant.
    for namespace in ["bank-dev", "default"] {
        accounts(&cluster, namespace).await;
        check(&pods(&cluster, namespace), &[(pod("app"), None)]).await;
    }
    let volume = json!([{ "name": "data", "image": { "reference": "docker.io/library/data:1" } }]);
    let with_volume = changed(&own, "/spec", "volumes", volume);
    // A server that does not know image volumes drops them.
    let dry_run = PostParams { dry_run: true, ..PostParams::default() };
    let seen = pods(&cluster, "default").create(&dry_run, &serde_json::from_value(with_volume.clone()).unwrap()).await;
    if seen.unwrap().data.pointer("/spec/volumes/0/image").is_some() {
        check(&shop, &[(with_volume, refused)]).await;
    }
    shop.create(&PostParams::default(), &serde_json::from_value(own).unwrap()).await.unwrap();
    let debug = |image: &str| changed(&container(image), "", "name", "debug".into());
    let add = |image: &str| json!({ "spec": { "ephemeralContainers": [debug(image)] } });
    let patched = |body: Value| {
        let shop = shop.clone();
        async move {
            shop.patch_subresource("ephemeralcontainers", "app", &PatchParams::default(), &Patch::Strategic(body)).await
        }
    };
    let Err(Error::Api(said)) = patched(add("docker.io/library/busybox")).await else { panic!("it is taken") };
    assert!(is_as_expected(Some(&said.message), refused), "{}", said.message);
    patched(add("ghcr.io/acme/debug")).await.unwrap();
}

#[tokio::test]
async fn a_certificate_is_for_hosts_of_its_tenant_by_their_issuer() {
    let Some(cluster) = with_policies("what a certificate may be for").await else { return };
    let shop = cluster.kind(Kind::Certificate, "shop-dev");
    let host = Some("spec.dnsNames and spec.commonName have no host, or one");
    let own = certificate(&json!({ "dnsNames": ["shop.example.com"] }));
    until_said(&shop, &certificate(&json!({ "dnsNames": ["bank.example.com"] })), host).await;
    until_said(&shop, &own, None).await;
    let with = |field: &str, value: Value| changed(&own, "/spec", field, value);
    let (issuer, hosts_only) =
        (Some("spec.issuerRef must be a ClusterIssuer"), Some("a tenant's certificate is for hosts"));
    let by = |issuer: Value| with("issuerRef", issuer);
    let cases = [
        (certificate(&json!({ "dnsNames": ["*.shop.example.com", "a.shop.example.com"] })), None),
        (certificate(&json!({ "commonName": "shop.example.com" })), None),
        (by(json!({ "kind": "ClusterIssuer", "name": "letsencrypt" })), None),
        (certificate(&json!({})), host),
        (certificate(&json!({ "dnsNames": ["shop.example.com", "a.b.shop.example.com"] })), host),
        (with("commonName", "bank.example.com".into()), host),
        (by(json!({ "kind": "ClusterIssuer", "name": "other" })), host),
        (by(json!({ "kind": "Issuer", "name": "letsencrypt" })), issuer),
        (by(json!({ "name": "letsencrypt" })), issuer),
        (by(json!({ "group": "example.com", "kind": "ClusterIssuer", "name": "letsencrypt" })), issuer),
        (with("ipAddresses", json!(["192.0.2.1"])), hosts_only),
        (with("uris", json!(["spiffe://example.com/a"])), hosts_only),
        (with("emailAddresses", json!(["a@example.com"])), hosts_only),
        (with("otherNames", json!([{ "oid": "1.2.3", "utf8Value": "a" }])), hosts_only),
        (with("literalSubject", "CN=bank.example.com".into()), hosts_only),
        (with("isCA", true.into()), hosts_only),
    ];
    check(&shop, &cases).await;
    check(&cluster.kind(Kind::Certificate, "shop-web"), &[(own.clone(), host)]).await;
    check(&cluster.kind(Kind::Certificate, "bank-dev"), &[(own.clone(), host)]).await;
    check(&cluster.kind(Kind::Certificate, "default"), &[(own, None)]).await;
    // The operator's own, made under the policies.
    shop.delete("shop.example.com", &kube_client::api::DeleteParams::default()).await.unwrap();
    cluster.reconcile("shop").await;
    shop.get("shop.example.com").await.unwrap();
}

/// What the server says of the types in a policy, when it has looked at what is stored.
async fn warnings(policies: &Api<DynamicObject>, name: &str) -> Vec<Value> {
    until(&format!("the types of {name} are checked"), || async {
        let policy = policies.get(name).await.unwrap();
        let status = &policy.data["status"];
        let is_of_now = status["observedGeneration"].as_i64() == policy.metadata.generation;
        let found = status.pointer("/typeChecking/expressionWarnings").and_then(Value::as_array).cloned();
        is_of_now.then(|| found.unwrap_or_default())
    })
    .await
}

#[tokio::test]
async fn the_server_finds_no_wrong_type_in_the_policies() {
    let Some(cluster) = with_policies("the types in the policies").await else { return };
    if !cluster.server.has_or_says(Feature::Controllers, "the types in the policies") {
        return;
    }
    let policies = cluster.policies();
    for name in ["hosts", "registries", "issuers"] {
        let found = warnings(&policies, &format!("berth-tenant-{name}")).await;
        assert!(found.is_empty(), "{name}: {found:#?}");
    }
    // That it looks: lists of two types, joined.
    let mut wrong = policies.get("berth-tenant-registries").await.unwrap();
    (wrong.metadata.name, wrong.metadata.resource_version) = (Some("berth-tenant-wrong".to_owned()), None);
    (wrong.metadata.uid, wrong.metadata.managed_fields) = (None, None);
    let joined = "object.spec.containers + object.spec.ephemeralContainers == []";
    wrong.data["spec"]["validations"] = json!([{ "expression": joined }]);
    policies.create(&PostParams::default(), &wrong).await.unwrap();
    assert_eq!(warnings(&policies, "berth-tenant-wrong").await.len(), 1);
}
