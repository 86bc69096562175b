//! From Control Tower's event to a tenant that is Ready, and back, with a real API server and the real operator behind a cluster.
//!
//! The sync of the cluster's folder is a server-side apply of the committed file, as Argo CD and Flux make it, and a deletion
//! when the file is gone. Where this
//! machine has no API server (crates/berth-kube-testing), the test says so and ends.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use berth_contract::Readiness;
use berth_kube_testing::{Programs, Scope, Server};
use berth_ledger::Status;
use berth_tests::rig::{self, Event, HUB, Rig, TimingProfile, event};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

/// Berth's name of the cluster, and EKS's.
const CLUSTER: &str = "shared-dev-1";
/// The role that asks it.
const ROLE: &str = "arn:aws:iam::210987654321:role/berth-await-tenant";
const RBAC: &str = "/apis/rbac.authorization.k8s.io/v1";

/// The operator's binary, as a process; it is killed with its value.
struct Operator(Child);

impl Operator {
    fn start(kubeconfig: &Path, log: &Path) -> Self {
        let operator = rig::checkout().join("target/debug/berth-operator");
        assert!(
            operator.is_file(),
            "{} is not built\nNext: cargo build -p berth-operator --features client",
            operator.display()
        );
        let settings = log.with_file_name("settings.json");
        // What a cluster's administrator sets in hours is seconds here; the brake and the order are as everywhere.
        std::fs::write(&settings, json!({ "orphanGraceSeconds": 1 }).to_string()).unwrap();
        let child = Command::new(operator)
            .args(["--replica", "only", "--listen", "127.0.0.1:0", "--namespace", "default", "--scan-seconds", "1"])
            .env("BERTH_OPERATOR_SETTINGS", settings)
            .env("KUBECONFIG", kubeconfig)
            .stdout(Stdio::from(std::fs::File::create(log).unwrap()))
            .spawn();
        Self(child.unwrap())
    }
}

impl Drop for Operator {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The cluster's API server, as an administrator, with a runtime for it.
struct Cluster {
    server: Server,
    http: reqwest::Client,
    runtime: Runtime,
}

impl Cluster {
    /// One with the CRD, and with what the operator's chart lets Berth do. None, said loudly, where this machine has none.
    fn start() -> Option<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let server = runtime.block_on(Server::start(Scope::Core)).unwrap()?;
        let crd = rig::checkout().join("infra/crds/tenants.tenancy.berth.dev.yaml");
        let crd: Value = serde_saphyr::from_str(&std::fs::read_to_string(crd).unwrap()).unwrap();
        runtime.block_on(server.install(&crd)).unwrap();
        let cluster = Self { http: server.client().unwrap(), server, runtime };
        let rules = rig::checkout().join("operator/chart/files/await-rules.yaml");
        let rules: Value = serde_saphyr::from_str(&std::fs::read_to_string(rules).unwrap()).unwrap();
        let role = json!({ "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
            "metadata": { "name": "berth:await-tenant" }, "rules": rules });
        let binding = json!({ "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
            "metadata": { "name": "berth:await-tenant" },
            "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "berth:await-tenant" },
            "subjects": [{ "apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "berth:await-tenant" }] });
        cluster.apply(&format!("{RBAC}/clusterroles/berth:await-tenant"), &role.to_string());
        cluster.apply(&format!("{RBAC}/clusterrolebindings/berth:await-tenant"), &binding.to_string());
        Some(cluster)
    }

    /// Server-side apply of a document, as GitOps tools do it.
    fn apply(&self, path: &str, document: &str) {
        let url = format!("{}{path}?fieldManager=gitops&force=true", self.server.url());
        let request = self.http.patch(url).header("content-type", "application/apply-patch+yaml");
        let answer = self.runtime.block_on(async {
            let answer = request.body(document.to_owned()).send().await.unwrap();
            (answer.status(), answer.text().await.unwrap())
        });
        assert!(answer.0.is_success(), "{path}: {answer:?}");
    }

    /// Deletes an object, as GitOps tools do whose file is gone.
    fn prune(&self, path: &str) {
        let url = format!("{}{path}", self.server.url());
        let status = self.runtime.block_on(async { self.http.delete(url).send().await.unwrap().status() });
        assert!(status.is_success(), "{path}: {status}");
    }

    fn get(&self, path: &str) -> Value {
        let url = format!("{}{path}", self.server.url());
        let text = self.runtime.block_on(async { self.http.get(url).send().await.unwrap().text().await.unwrap() });
        serde_json::from_str(&text).unwrap()
    }

    /// Puts it behind the endpoint of the hub's cluster, and lets Berth's function in.
    fn put_behind(&self, rig: &Rig) {
        let file = |name: &str| std::fs::read_to_string(self.server.folder().join(name)).unwrap();
        let server = json!({
            "url": self.server.url(), "certificateAuthority": self.server.certificate_authority(),
            "clientCertificate": file("admin.crt"), "clientKey": file("admin.key"),
        });
        rig.put_api_server(CLUSTER, &server);
        let groups = json!(["berth:await-tenant"]);
        let entry = json!({ "clusterName": CLUSTER, "principalArn": ROLE, "kubernetesGroups": groups });
        rig.call_in(HUB, "eu-west-1", "eks", "create_access_entry", &entry);
    }

    fn kubeconfig(&self) -> PathBuf {
        self.server.kubeconfig()
    }
}

/// Waits until `berth status` says that the account waits in that state for this.
fn until_it_waits(rig: &Rig, account: &str, state: &str, what: &str) {
    rig.until(&format!("{what:?} in berth status"), || {
        // Before that, `berth status` has nothing to show.
        rig.record(account)?;
        let (_, status) = rig.status(account);
        let now = status["execution"]["now"].as_array()?.iter().find(|open| open["state"] == state)?.clone();
        now["waitsFor"]["message"].as_str().filter(|said| said.contains(what)).map(drop)
    });
}

#[test]
fn from_the_event_to_a_ready_tenant_and_back_with_a_real_operator() {
    let Some(cluster) = Cluster::start() else { return };
    let (rig, _alone) = rig::alone(TimingProfile::Fast, |_| ());
    rig.deploy_platform(&[
        ("environments.staging.defaultVpc", json!("keep")),
        ("environments.staging.baseline", Value::Null),
        ("clusters.shared-dev-1.awaitReady", json!(true)),
    ]);
    cluster.put_behind(rig);
    let account = rig.account("harbour-staging", "staging");
    rig.publish(&[event(Event::Created, &account)]);

    until_it_waits(rig, &account, "AwaitTenant", "clusters/shared-dev-1 of the repository is not synced yet");
    let path = rig.files_naming(&account).pop().unwrap();
    assert!(path.starts_with("clusters/shared-dev-1/tenants/"), "{path}");
    cluster.apply("/apis/tenancy.berth.dev/v1alpha1/tenants/harbour", &rig.file("main", &path));
    // The operator is stopped: the onboarding waits, and says for what.
    until_it_waits(
        rig,
        &account,
        "AwaitTenant",
        "the Tenant harbour on shared-dev-1 has no condition Ready: its operator has said nothing",
    );
    assert_eq!(rig.record(&account).unwrap().status, Status::Running);

    let _operator = Operator::start(&cluster.kubeconfig(), &cluster.server.folder().join("operator.log"));
    let record = rig.until("the outcome", || rig.record(&account).filter(|record| record.status == Status::Onboarded));
    assert_eq!(record.readiness[0].state, Readiness::Ready);
    assert!(record.readiness[0].message.starts_with("Reconciled: "), "{:?}", record.readiness);
    let namespace = cluster.get("/api/v1/namespaces/harbour-staging");
    assert_eq!(namespace["metadata"]["labels"]["tenancy.berth.dev/tenant"], "harbour");
    let binding = cluster.get(&format!("{RBAC}/namespaces/harbour-staging/rolebindings/berth-edit"));
    assert_eq!(binding["subjects"][0]["name"], "tenant:harbour:staging:edit", "the group of the access entry");
    leaves(rig, &cluster, &account, &path);
}

/// The account leaves, and so does its tenant, whose file asks for its namespaces to be deleted: nothing of its access goes
/// before the operator has ended them.
fn leaves(rig: &Rig, cluster: &Cluster, account: &str, path: &str) {
    const TENANT: &str = "/apis/tenancy.berth.dev/v1alpha1/tenants/harbour";
    rig.edit("main", path, "spec:\n", "spec:\n  deletionPolicy: Delete\n");
    cluster.apply(TENANT, &rig.file("main", path));
    rig.until("the operator's finalizer", || cluster.get(TENANT)["metadata"]["finalizers"][0].as_str().map(drop));
    // What keeps a namespace keeps the Tenant, and with it the account.
    const KEPT: &str = "/api/v1/namespaces/harbour-staging/configmaps/kept";
    let kept = json!({ "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": { "name": "kept", "finalizers": ["example.com/kept"] } });
    cluster.apply(KEPT, &kept.to_string());

    let before = rig.world(account);
    let execution = rig.start_offboarding(account);
    until_it_waits(rig, account, "AwaitTenantGone", "is not synced");
    assert_eq!(rig.files_naming(account), Vec::<String>::new(), "the entry is out of the repository");
    cluster.prune(TENANT);
    until_it_waits(rig, account, "AwaitTenantGone", "namespaces are being deleted: harbour-staging");
    assert_eq!(rig.world(account), before, "its access is as it was");

    let free = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "kept", "finalizers": [] } });
    cluster.apply(KEPT, &free.to_string());
    let ended = rig.ended(&execution);
    assert_eq!(ended.error, None, "{ended:?}");
    let tombstone = rig.wait_for(account, Status::Offboarded).offboarded.unwrap();
    assert!(tombstone.left_behind.join("\n").contains("the Tenant harbour on shared-dev-1 is gone"), "{tombstone:?}");
    for gone in [TENANT, "/api/v1/namespaces/harbour-staging"] {
        assert_eq!(cluster.get(gone)["code"], 404, "{gone}");
    }
}

#[test]
fn the_demo_with_a_cluster_ends_when_the_tenant_is_ready() {
    // The other test of this file says so loudly.
    if Programs::find().unwrap().is_none() {
        return;
    }
    let (rig, _alone) = rig::alone(TimingProfile::Fast, |_| ());
    let before = std::fs::read_to_string(rig.platform_path()).unwrap();
    let (code, shown) = rig.demo_with_a_cluster();
    assert_eq!(code, 0, "{shown}");
    for part in [
        "tenant     Ready on shared-dev-1: Reconciled: everything is as the spec says",
        "kind: Tenant",
        "namespace payments-dev",
        "NetworkPolicy   berth-allow-dns, ",
        "RoleBinding     berth-admin, berth-edit, berth-view",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    assert_eq!(std::fs::read_to_string(rig.platform_path()).unwrap(), before);
}
