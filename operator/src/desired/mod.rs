//! What a cluster should have for one tenant. Pure: the same Tenant, settings and kinds always give the same objects.

mod access;
mod certificates;
mod cilium;
mod limits;
mod network;

use std::collections::BTreeMap;

use berth_crd::{Namespace, PodSecurity, Tenant};
use serde_json::{Value, json};

pub use certificates::claims;

use crate::{
    names,
    object::{Kind, Object},
    observed::Observed,
    settings::Settings,
};

/// A namespace as it should be, with everything in it.
#[derive(Debug, Clone, PartialEq)]
pub struct DesiredNamespace {
    /// Its full name.
    pub name: String,
    /// Its environment.
    pub environment: String,
    /// The namespace, as server-side apply takes it.
    pub body: Value,
    /// What is in it.
    pub objects: Vec<Object>,
}

/// Everything about one namespace that its objects are made of.
#[derive(Clone, Copy)]
struct Context<'a> {
    tenant: &'a Tenant,
    /// Name of the tenant.
    owner: &'a str,
    spec: &'a Namespace,
    /// Full name of the namespace.
    namespace: &'a str,
    settings: &'a Settings,
}

impl Context<'_> {
    fn object(&self, kind: Kind, name: &str, content: Value) -> Object {
        Object::new(kind, self.owner, self.namespace, name, content)
    }
}

/// What the cluster should have for `tenant`, in the order of its spec. Of `observed` only what the cluster can hold counts,
/// never what it holds.
#[must_use]
pub fn desired(tenant: &Tenant, settings: &Settings, observed: &Observed) -> Vec<DesiredNamespace> {
    let owner = names::of(tenant);
    let one = |spec: &Namespace| {
        let name = names::namespace(owner, &spec.name);
        let context = Context { tenant, owner, spec, namespace: &name, settings };
        let mut objects = network::policies(&context);
        if observed.optional_kinds.contains(&Kind::CiliumNetworkPolicy) {
            objects.push(cilium::policy(&context));
        }
        objects.extend(limits::objects(&context));
        objects.extend(access::service_accounts(&context));
        if observed.optional_kinds.contains(&Kind::Certificate) {
            objects.extend(certificates::objects(&context, &observed.hosts_taken));
        }
        objects.extend(access::bindings(&context));
        objects.sort_by(|one, other| (one.kind, &one.name).cmp(&(other.kind, &other.name)));
        DesiredNamespace { environment: spec.environment.to_string(), body: namespace_body(&context), objects, name }
    };
    tenant.spec.namespaces.iter().map(one).collect()
}

/// The namespace itself. Labels of the operator win over those that the tenant asks for.
fn namespace_body(context: &Context<'_>) -> Value {
    let Context { owner, spec, namespace, settings, .. } = context;
    let mut labels: BTreeMap<&str, &str> =
        spec.labels.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    labels.retain(|key, _| !is_reserved(key));
    let standard = match spec.pod_security {
        PodSecurity::Restricted => "restricted",
        PodSecurity::Baseline => "baseline",
    };
    let version = settings.pod_security_version.as_str();
    labels.extend([
        (names::MANAGED_BY, names::MANAGER),
        (names::TENANT, *owner),
        (names::ENVIRONMENT, spec.environment.as_str()),
        ("pod-security.kubernetes.io/enforce", standard),
        ("pod-security.kubernetes.io/enforce-version", version),
        // What `restricted` would refuse is said to whoever makes it, also where less is enforced.
        ("pod-security.kubernetes.io/warn", "restricted"),
        ("pod-security.kubernetes.io/warn-version", version),
        ("pod-security.kubernetes.io/audit", "restricted"),
        ("pod-security.kubernetes.io/audit-version", version),
    ]);
    if let Some(pool) = &spec.node_pool {
        labels.insert(names::NODE_POOL, pool);
    }
    json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": namespace, "labels": labels } })
}

/// Whether a label is not the tenant's to set: it would change who owns the namespace, or what it may run.
pub(crate) fn is_reserved(key: &str) -> bool {
    let Some((domain, _)) = key.split_once('/') else { return false };
    ["kubernetes.io", "k8s.io", "berth.dev"]
        .iter()
        .any(|reserved| domain == *reserved || domain.ends_with(&format!(".{reserved}")))
}
