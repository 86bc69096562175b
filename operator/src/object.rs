//! Objects that the operator keeps in a tenant's namespaces, and how one differs from what the server has.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::{names, quantity};

/// A kind of object. The order is the one in which they are made: limits before access.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// `networking.k8s.io/v1` `NetworkPolicy`.
    NetworkPolicy,
    /// `cilium.io/v2` `CiliumNetworkPolicy`; only where that CRD is.
    CiliumNetworkPolicy,
    /// `v1` `ResourceQuota`.
    ResourceQuota,
    /// `v1` `LimitRange`.
    LimitRange,
    /// `v1` `ServiceAccount`.
    ServiceAccount,
    /// `cert-manager.io/v1` `Certificate`; only where that CRD is.
    Certificate,
    /// `rbac.authorization.k8s.io/v1` `RoleBinding`.
    RoleBinding,
}

impl Kind {
    /// All of them, in the order in which they are made.
    pub const ALL: [Self; 7] = [
        Self::NetworkPolicy,
        Self::CiliumNetworkPolicy,
        Self::ResourceQuota,
        Self::LimitRange,
        Self::ServiceAccount,
        Self::Certificate,
        Self::RoleBinding,
    ];

    /// API group, version, kind and plural.
    #[must_use]
    pub fn resource(self) -> (&'static str, &'static str, &'static str, &'static str) {
        match self {
            Self::NetworkPolicy => ("networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies"),
            Self::CiliumNetworkPolicy => ("cilium.io", "v2", "CiliumNetworkPolicy", "ciliumnetworkpolicies"),
            Self::ResourceQuota => ("", "v1", "ResourceQuota", "resourcequotas"),
            Self::LimitRange => ("", "v1", "LimitRange", "limitranges"),
            Self::ServiceAccount => ("", "v1", "ServiceAccount", "serviceaccounts"),
            Self::Certificate => ("cert-manager.io", "v1", "Certificate", "certificates"),
            Self::RoleBinding => ("rbac.authorization.k8s.io", "v1", "RoleBinding", "rolebindings"),
        }
    }

    /// Its name, as in `kind:`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.resource().2
    }

    /// Whether the API server's own kinds; other ones are there only when their CRD is.
    #[must_use]
    pub fn is_built_in(self) -> bool {
        !matches!(self, Self::CiliumNetworkPolicy | Self::Certificate)
    }

    /// Whether nothing but the operator writes the parts that it sets, so that more than it set is a difference. Service
    /// accounts and the kinds of other operators are completed by their controllers.
    fn is_exact(self) -> bool {
        matches!(self, Self::NetworkPolicy | Self::ResourceQuota | Self::LimitRange | Self::RoleBinding)
    }
}

/// One object as it should be.
#[derive(Debug, Clone, PartialEq)]
pub struct Object {
    /// Its kind.
    pub kind: Kind,
    /// Full name of its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// All of it, as server-side apply takes it.
    pub body: Value,
}

impl Object {
    /// An object with the labels of the operator. `content` is everything but `apiVersion`, `kind` and `metadata`.
    #[must_use]
    pub fn new(kind: Kind, tenant: &str, namespace: &str, name: &str, content: Value) -> Self {
        let (group, version, ..) = kind.resource();
        let api_version = if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
        let mut body = Map::new();
        body.insert("apiVersion".to_owned(), api_version.into());
        body.insert("kind".to_owned(), kind.name().into());
        let labels = json!({ names::MANAGED_BY: names::MANAGER, names::TENANT: tenant });
        body.insert("metadata".to_owned(), json!({ "name": name, "namespace": namespace, "labels": labels }));
        if let Value::Object(content) = content {
            body.extend(content);
        }
        Self { kind, namespace: namespace.to_owned(), name: name.to_owned(), body: Value::Object(body) }
    }

    /// Adds annotations.
    #[must_use]
    pub fn annotated(mut self, annotations: &BTreeMap<String, String>) -> Self {
        if let Some(metadata) = self.body.get_mut("metadata").and_then(Value::as_object_mut)
            && !annotations.is_empty()
        {
            metadata.insert("annotations".to_owned(), json!(annotations));
        }
        self
    }

    /// How the server's object differs.
    #[must_use]
    pub fn difference(&self, live: &Live) -> Difference {
        let of_metadata = ["labels", "annotations"].into_iter().map(|field| {
            let wanted = self.body.pointer(&format!("/metadata/{field}")).unwrap_or(&Value::Null);
            compared(wanted, live.body.pointer(&format!("/metadata/{field}")).unwrap_or(&Value::Null), false)
        });
        let content = self
            .body
            .as_object()
            .into_iter()
            .flatten()
            .filter(|(field, _)| !matches!(field.as_str(), "apiVersion" | "kind" | "metadata" | "status"));
        let exact = self.kind.is_exact();
        let of_content = content.map(|(field, wanted)| {
            let found = live.body.get(field).unwrap_or(&Value::Null);
            // A binding's role never changes: a wrong one has to go first.
            match compared(wanted, found, exact) {
                Difference::None => Difference::None,
                _ if field == "roleRef" => Difference::Immutable,
                other => other,
            }
        });
        of_metadata.chain(of_content).max().unwrap_or(Difference::None)
    }
}

/// How an object of the server differs from the one wanted; the later, the more is needed to mend it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Difference {
    /// Not at all.
    None,
    /// Something is missing or other: apply it.
    Other,
    /// It has more than it should, which apply leaves: replace it.
    More,
    /// What cannot be changed is other: delete it, and make it again.
    Immutable,
}

/// Compares `found` with `wanted`. Unless `exact`, maps of `found` may have more keys.
fn compared(wanted: &Value, found: &Value, exact: bool) -> Difference {
    match (wanted, found) {
        (Value::Null, _) => Difference::None,
        (Value::Object(wanted), Value::Object(found)) => {
            let keys = wanted.iter().map(|(key, value)| compared(value, found.get(key).unwrap_or(&Value::Null), exact));
            let more = exact && found.keys().any(|key| !wanted.contains_key(key));
            keys.chain([if more { Difference::More } else { Difference::None }]).max().unwrap_or(Difference::None)
        }
        (Value::Array(wanted), Value::Array(found)) if wanted.len() == found.len() => {
            let items = wanted.iter().zip(found).map(|(wanted, found)| compared(wanted, found, exact));
            // Lists are atomic: apply replaces a whole one.
            items.max().unwrap_or(Difference::None).min(Difference::Other)
        }
        (Value::Array(wanted), Value::Null) if wanted.is_empty() => Difference::None,
        (Value::Object(wanted), Value::Null) if wanted.is_empty() => Difference::None,
        (Value::String(wanted), Value::String(found)) if wanted == found || amounts_are_equal(wanted, found) => {
            Difference::None
        }
        (wanted, found) if wanted == found => Difference::None,
        _ => Difference::Other,
    }
}

/// Whether both are the same quantity. Names never are: no two of them that differ are numbers for one of our kinds.
fn amounts_are_equal(one: &str, other: &str) -> bool {
    quantity::nanos(one).is_some_and(|one| quantity::nanos(other) == Some(one))
}

/// One object as the server has it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Live {
    /// All of it.
    pub body: Value,
}

impl Live {
    /// A text of its metadata.
    #[must_use]
    pub fn metadata(&self, field: &str) -> Option<&str> {
        self.body.get("metadata")?.get(field)?.as_str()
    }

    /// The value of a label.
    #[must_use]
    pub fn label(&self, key: &str) -> Option<&str> {
        self.body.get("metadata")?.get("labels")?.get(key)?.as_str()
    }

    /// The value of an annotation.
    #[must_use]
    pub fn annotation(&self, key: &str) -> Option<&str> {
        self.body.get("metadata")?.get("annotations")?.get(key)?.as_str()
    }

    /// Labels that the operator has applied, from the managed fields. None where those were not read.
    pub fn applied_labels(&self) -> impl Iterator<Item = &str> {
        let entries = self.body.pointer("/metadata/managedFields").and_then(Value::as_array);
        let ours = entries.into_iter().flatten().filter(|entry| {
            entry.get("manager").and_then(Value::as_str) == Some(names::MANAGER)
                && entry.get("operation").and_then(Value::as_str) == Some("Apply")
        });
        let labels = ours.filter_map(|entry| entry.pointer("/fieldsV1/f:metadata/f:labels")?.as_object());
        labels.flat_map(|labels| labels.keys().filter_map(|key| key.strip_prefix("f:")))
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.metadata("name").unwrap_or_default()
    }

    /// Whether it is being deleted.
    #[must_use]
    pub fn is_terminating(&self) -> bool {
        self.metadata("deletionTimestamp").is_some()
    }

    /// Whose it is, seen from `tenant`.
    #[must_use]
    pub fn owner(&self, tenant: &str) -> Owner {
        let ours = self.label(names::MANAGED_BY) == Some(names::MANAGER) && self.label(names::TENANT) == Some(tenant);
        match (ours, self.label(names::ADOPT) == Some(tenant)) {
            (true, false) => Owner::Us,
            (_, true) => Owner::Adopted,
            (false, false) => Owner::SomebodyElse,
        }
    }
}

/// Whose an object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// The operator made it for this tenant: it is ours whole.
    Us,
    /// Somebody else made it, and a cluster administrator gave it to this tenant: fields of others stay theirs.
    Adopted,
    /// Neither: it is left alone.
    SomebodyElse,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quota(hard: &Value) -> Object {
        Object::new(Kind::ResourceQuota, "a", "a-dev", "berth", json!({ "spec": { "hard": hard } }))
    }

    fn live(object: &Object, change: impl FnOnce(&mut Value)) -> Live {
        let mut body = object.body.clone();
        change(&mut body);
        Live { body }
    }

    #[test]
    fn what_the_server_adds_or_writes_in_its_own_form_is_no_difference() {
        let wanted = quota(&json!({ "requests.memory": "8589934592" }));
        let found = live(&wanted, |body| {
            body["spec"]["hard"]["requests.memory"] = "8Gi".into();
            body["metadata"]["uid"] = "1".into();
            body["metadata"]["labels"]["more"] = "yes".into();
            body["status"] = json!({ "hard": {} });
        });
        assert_eq!(wanted.difference(&found), Difference::None);
    }

    #[test]
    fn a_changed_missing_or_added_field_is_a_difference() {
        let wanted = quota(&json!({ "pods": "5" }));
        let changed = live(&wanted, |body| body["spec"]["hard"]["pods"] = "6".into());
        assert_eq!(wanted.difference(&changed), Difference::Other);
        let missing = live(&wanted, |body| body["metadata"]["labels"] = json!({}));
        assert_eq!(wanted.difference(&missing), Difference::Other);
        let more = live(&wanted, |body| body["spec"]["hard"]["secrets"] = "1".into());
        assert_eq!(wanted.difference(&more), Difference::More);
    }

    #[test]
    fn a_binding_to_another_role_must_be_made_again() {
        let content = json!({ "roleRef": { "kind": "ClusterRole", "name": "berth:tenant-edit" }, "subjects": [] });
        let wanted = Object::new(Kind::RoleBinding, "a", "a-dev", "berth-edit", content);
        let other = live(&wanted, |body| body["roleRef"]["name"] = "cluster-admin".into());
        assert_eq!(wanted.difference(&other), Difference::Immutable);
    }

    #[test]
    fn ownership_needs_both_labels_and_adoption_names_the_tenant() {
        let wanted = quota(&json!({}));
        assert_eq!(live(&wanted, |_| ()).owner("a"), Owner::Us);
        assert_eq!(live(&wanted, |_| ()).owner("b"), Owner::SomebodyElse);
        let adopted = live(&wanted, |body| body["metadata"]["labels"] = json!({ names::ADOPT: "a" }));
        assert_eq!((adopted.owner("a"), adopted.owner("b")), (Owner::Adopted, Owner::SomebodyElse));
    }
}
