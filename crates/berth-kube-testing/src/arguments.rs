//! How each program is started. One certificate authority for all, everything on loopback, nothing kept.

use std::path::Path;

/// Ports of one server.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ports {
    pub(crate) etcd: u16,
    pub(crate) peers: u16,
    pub(crate) core: u16,
    pub(crate) custom: u16,
}

/// Group whose objects the second server has, where there are two.
pub(crate) const GROUP: &str = "tenancy.berth.dev";

/// Headers by which the first server tells the second one who asks.
const PROXY_HEADERS: [&str; 4] = [
    "--requestheader-client-ca-file=ca.crt",
    "--requestheader-username-headers=X-Remote-User",
    "--requestheader-group-headers=X-Remote-Group",
    "--requestheader-extra-headers-prefix=X-Remote-Extra-",
];

const SERVING: [&str; 4] = [
    "--bind-address=127.0.0.1",
    "--tls-cert-file=server.crt",
    "--tls-private-key-file=server.key",
    "--client-ca-file=ca.crt",
];

fn owned(fixed: &[&str]) -> Vec<String> {
    fixed.iter().map(|argument| (*argument).to_owned()).collect()
}

pub(crate) fn etcd(ports: Ports, folder: &Path) -> Vec<String> {
    let (clients, peers) = (format!("http://127.0.0.1:{}", ports.etcd), format!("http://127.0.0.1:{}", ports.peers));
    let mut arguments = owned(&["--unsafe-no-fsync=true", "--initial-cluster-state=new"]);
    arguments.extend([
        format!("--data-dir={}", folder.join("data").display()),
        format!("--listen-client-urls={clients}"),
        format!("--advertise-client-urls={clients}"),
        format!("--listen-peer-urls={peers}"),
        format!("--initial-advertise-peer-urls={peers}"),
        format!("--initial-cluster=default={peers}"),
    ]);
    arguments
}

/// `kube-apiserver` of any version from 1.20 on, by itself or with the server of custom resources behind it.
pub(crate) fn core(ports: Ports, has_another_behind: bool) -> Vec<String> {
    let mut arguments = owned(&SERVING);
    if has_another_behind {
        // Not without need: 1.36 refuses them beside a client authority that is the same one.
        arguments.extend(owned(&PROXY_HEADERS));
        arguments.extend(owned(&["--proxy-client-cert-file=admin.crt", "--proxy-client-key-file=admin.key"]));
    }
    arguments.extend(owned(&[
        "--etcd-prefix=/core",
        "--advertise-address=127.0.0.1",
        "--service-account-issuer=https://kubernetes.default.svc",
        "--service-account-signing-key-file=accounts.key",
        "--service-account-key-file=accounts.pub",
        "--service-cluster-ip-range=10.0.0.0/24",
        "--authorization-mode=RBAC",
        "--endpoint-reconciler-type=none",
        "--allow-privileged=true",
    ]));
    arguments.push(format!("--etcd-servers=http://127.0.0.1:{}", ports.etcd));
    arguments.push(format!("--secure-port={}", ports.core));
    arguments
}

/// What nodes and workloads need is left out: there are none.
///
/// `is_old` says that the program is of 1.20: it opens a port without TLS by itself, the same on every machine, and knows
/// no controller for the status of admission policies.
pub(crate) fn controllers(is_old: bool) -> Vec<String> {
    let mut controllers = "namespace,garbagecollector,resourcequota,clusterrole-aggregation,serviceaccount".to_owned();
    if !is_old {
        controllers.push_str(",validatingadmissionpolicy-status-controller");
    }
    let mut arguments = owned(&[
        "--kubeconfig=kubeconfig",
        "--bind-address=127.0.0.1",
        "--secure-port=0",
        "--leader-elect=false",
        "--service-account-private-key-file=accounts.key",
        "--concurrent-gc-syncs=5",
    ]);
    arguments.push(format!("--controllers={controllers}"));
    if is_old {
        arguments.push("--port=0".to_owned());
    }
    arguments
}

/// The server of custom resources alone: by itself, or behind the one for core objects.
pub(crate) fn custom(ports: Ports, aggregated: bool) -> Vec<String> {
    let mut arguments = owned(&SERVING);
    arguments.extend(owned(&[
        "--etcd-prefix=/custom",
        "--kubeconfig=kubeconfig",
        "--authentication-kubeconfig=kubeconfig",
        "--authorization-kubeconfig=kubeconfig",
        "--enable-priority-and-fairness=false",
        // They watch core objects, which this server does not have.
        "--disable-admission-plugins=NamespaceLifecycle,MutatingAdmissionWebhook,ValidatingAdmissionWebhook,\
         ValidatingAdmissionPolicy,MutatingAdmissionPolicy",
    ]));
    if aggregated {
        arguments.extend(owned(&PROXY_HEADERS));
    }
    arguments.push(format!("--authentication-skip-lookup={}", !aggregated));
    arguments.push(format!("--etcd-servers=http://127.0.0.1:{}", ports.etcd));
    arguments.push(format!("--secure-port={}", ports.custom));
    arguments
}
