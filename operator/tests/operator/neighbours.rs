//! The CRDs of other operators: cert-manager's Certificate and Cilium's policy.
//!
//! Ours have the fields that the operator writes or its admission policies read, and no others, so that the server prunes a
//! field of a wrong name. With `BERTH_REAL_CRDS` the real ones are taken from the files of that folder instead
//! (docs/testing.md).

use berth_kube_testing::without_rules;
use berth_operator::object::Kind;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube_client::{
    Api,
    api::{DeleteParams, Patch, PatchParams, PostParams},
};
use serde_json::{Value, json};

use crate::cluster::{Cluster, until};

/// The kinds, which only some clusters know.
pub(crate) const KINDS: [Kind; 2] = [Kind::Certificate, Kind::CiliumNetworkPolicy];

fn name(kind: Kind) -> String {
    let (group, _, _, plural) = kind.resource();
    format!("{plural}.{group}")
}

fn text() -> Value {
    json!({ "type": "string" })
}

fn list(items: &Value) -> Value {
    json!({ "type": "array", "items": items })
}

fn fields(properties: &Value) -> Value {
    json!({ "type": "object", "properties": properties })
}

/// What the server keeps of the `spec` of a kind.
fn spec(kind: Kind) -> Value {
    if kind == Kind::Certificate {
        let issuer = fields(&json!({ "group": text(), "kind": text(), "name": text() }));
        let other = fields(&json!({ "oid": text(), "utf8Value": text() }));
        return fields(&json!({
            "secretName": text(), "issuerRef": issuer, "commonName": text(), "literalSubject": text(),
            "dnsNames": list(&text()), "ipAddresses": list(&text()), "uris": list(&text()),
            "emailAddresses": list(&text()), "otherNames": list(&other), "isCA": { "type": "boolean" },
        }));
    }
    let labels = json!({ "type": "object", "additionalProperties": text() });
    let selector = fields(&json!({ "matchLabels": labels }));
    let ports = fields(&json!({ "ports": list(&fields(&json!({ "port": text(), "protocol": text() }))) }));
    let ingress = fields(&json!({ "fromEndpoints": list(&selector) }));
    let egress = fields(&json!({ "toEndpoints": list(&selector), "toCIDR": list(&text()), "toPorts": list(&ports) }));
    fields(&json!({ "endpointSelector": selector, "ingress": list(&ingress), "egress": list(&egress) }))
}

fn ours(kind: Kind) -> Value {
    let (group, version, singular, plural) = kind.resource();
    let schema = json!({ "type": "object", "properties": { "spec": spec(kind),
        "status": { "type": "object", "x-kubernetes-preserve-unknown-fields": true } } });
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": { "name": name(kind) },
        "spec": { "group": group, "scope": "Namespaced",
            "names": { "kind": singular, "plural": plural, "singular": singular.to_lowercase(),
                "listKind": format!("{singular}List") },
            "versions": [{ "name": version, "served": true, "storage": true, "subresources": { "status": {} },
                "schema": { "openAPIV3Schema": schema } }] },
    })
}

fn real(kind: Kind) -> Option<Value> {
    let folder = std::env::var_os("BERTH_REAL_CRDS")?;
    let files = std::fs::read_dir(folder).unwrap().map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap());
    let all = files.map(|text| serde_saphyr::from_str::<Value>(&text).unwrap());
    let mut found = all.into_iter().find(|crd| crd["metadata"]["name"] == name(kind))?;
    without_rules(&mut found);
    Some(found)
}

impl Cluster {
    fn core_crds(&self) -> Api<CustomResourceDefinition> {
        Api::all(self.client.clone())
    }

    /// Brings the CRDs.
    pub(crate) async fn install_neighbours(&self) {
        for kind in KINDS {
            let crd = real(kind).unwrap_or_else(|| ours(kind));
            // By `create`: a server of 1.20 drops what it does not know of newer CRDs, and answers 500 to an apply of it.
            let crd = serde_json::from_value(crd).unwrap();
            self.core_crds().create(&PostParams::default(), &crd).await.unwrap();
            let objects = self.kind(kind, "default");
            until(&format!("{} is served", name(kind)), || async {
                objects.list(&kube_client::api::ListParams::default()).await.ok()
            })
            .await;
        }
    }

    /// Takes them away, with all of their objects.
    pub(crate) async fn uninstall_neighbours(&self) {
        for kind in KINDS {
            let _ = self.core_crds().delete(&name(kind), &DeleteParams::default()).await;
            until(&format!("{} is gone", name(kind)), || async {
                self.core_crds().get_opt(&name(kind)).await.unwrap().is_none().then_some(())
            })
            .await;
        }
    }

    /// Does what cert-manager would: says that a certificate is issued.
    pub(crate) async fn issue(&self, namespace: &str, name: &str) {
        let ready = json!({ "status": { "conditions": [{ "type": "Ready", "status": "True", "reason": "Ready",
            "message": "issued", "lastTransitionTime": "2026-11-29T12:00:00Z" }] } });
        let certificates = self.kind(Kind::Certificate, namespace);
        certificates.patch_status(name, &PatchParams::default(), &Patch::Merge(ready)).await.unwrap();
    }
}
