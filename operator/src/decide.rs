//! What to do, and what to say: all branches of a reconcile. Pure.

use serde_json::Value;

use crate::{
    desired::DesiredNamespace,
    names,
    object::{Difference, Kind, Live, Object, Owner},
    observed::{Observed, ObservedNamespace},
};

/// One change. Each may be made twice: the second one changes nothing, or is refused and observed again.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Makes the namespace, only if it is not there.
    CreateNamespace {
        /// The namespace, with all of its labels.
        body: Value,
    },
    /// Applies the namespace. `force` when it is ours whole.
    ApplyNamespace {
        /// The namespace, with all of its labels.
        body: Value,
        /// Whether fields of other managers are taken.
        force: bool,
    },
    /// Applies an object. `force` when it is ours whole.
    Apply {
        /// The object.
        object: Object,
        /// Whether fields of other managers are taken.
        force: bool,
    },
    /// Replaces an object that has more than it should.
    Replace {
        /// The object.
        object: Object,
        /// The version that was seen.
        resource_version: String,
    },
    /// Deletes an object of ours that is not wanted, or must be made again.
    Delete {
        /// What it is.
        kind: Kind,
        /// Full name of its namespace.
        namespace: String,
        /// Its name.
        name: String,
        /// The one that was seen, and no other of its name.
        uid: String,
    },
}

/// How a namespace of a tenant is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NamespaceState {
    /// There, and ours, once the actions are done.
    Kept,
    /// Somebody else made it: untouched.
    NotOwned,
    /// Being deleted, with what blocks that.
    Terminating(Vec<String>),
    /// Not in the spec any more: it stays, without access.
    Retained,
}

/// An object of our name that somebody else made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Foreign {
    /// Its kind.
    pub kind: Kind,
    /// Full name of its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

/// What becomes of one namespace.
#[derive(Debug, Clone, PartialEq)]
pub struct NamespaceDecision {
    /// Its full name.
    pub name: String,
    /// Its environment, where it is known.
    pub environment: Option<String>,
    /// Whether the spec names it.
    pub is_wanted: bool,
    /// How it is.
    pub state: NamespaceState,
    /// Changes, in the order in which they are made.
    pub actions: Vec<Action>,
    /// Objects in it that are somebody else's.
    pub foreign: Vec<Foreign>,
    /// Certificates that are not ready, with the reason of their issuer.
    pub pending_certificates: Vec<String>,
}

impl NamespaceDecision {
    fn new(name: &str, environment: Option<String>, is_wanted: bool, state: NamespaceState) -> Self {
        let (name, actions, foreign, pending_certificates) = (name.to_owned(), Vec::new(), Vec::new(), Vec::new());
        Self { name, environment, is_wanted, state, actions, foreign, pending_certificates }
    }
}

/// What becomes of a tenant: the namespaces of its spec in their order, then those that it left behind.
#[must_use]
pub fn decide(tenant: &str, desired: &[DesiredNamespace], observed: &Observed) -> Vec<NamespaceDecision> {
    let wanted = desired.iter().map(|wanted| of_wanted(tenant, wanted, observed.namespaces.get(&wanted.name)));
    let others = observed.namespaces.iter().filter(|(name, there)| {
        there.namespace.owner(tenant) != Owner::SomebodyElse && !desired.iter().any(|wanted| wanted.name == **name)
    });
    wanted.chain(others.map(|(name, there)| of_left_over(tenant, name, there))).collect()
}

fn of_wanted(tenant: &str, wanted: &DesiredNamespace, there: Option<&ObservedNamespace>) -> NamespaceDecision {
    let decision = |state| NamespaceDecision::new(&wanted.name, Some(wanted.environment.clone()), true, state);
    let Some(there) = there else {
        let mut made = decision(NamespaceState::Kept);
        made.actions.push(Action::CreateNamespace { body: wanted.body.clone() });
        made.actions.extend(wanted.objects.iter().map(|object| Action::Apply { object: object.clone(), force: true }));
        return made;
    };
    let owner = there.namespace.owner(tenant);
    if owner == Owner::SomebodyElse {
        return decision(NamespaceState::NotOwned);
    }
    if there.namespace.is_terminating() {
        return decision(NamespaceState::Terminating(there.blockers()));
    }
    let mut kept = decision(NamespaceState::Kept);
    if labels_differ(&wanted.body, &there.namespace) {
        kept.actions.push(Action::ApplyNamespace { body: wanted.body.clone(), force: owner == Owner::Us });
    }
    for object in &wanted.objects {
        of_object(tenant, object, there.object(object.kind, &object.name), &mut kept);
    }
    kept.actions.extend(surplus(tenant, &wanted.objects, there));
    kept
}

fn of_object(tenant: &str, wanted: &Object, there: Option<&Live>, decision: &mut NamespaceDecision) {
    let object = || wanted.clone();
    let Some(there) = there else {
        decision.actions.push(Action::Apply { object: object(), force: true });
        return;
    };
    let owner = there.owner(tenant);
    if owner == Owner::SomebodyElse {
        let (namespace, name) = (wanted.namespace.clone(), wanted.name.clone());
        decision.foreign.push(Foreign { kind: wanted.kind, namespace, name });
        return;
    }
    if wanted.kind == Kind::Certificate
        && let Some(reason) = not_ready(there)
    {
        decision.pending_certificates.push(format!("{}/{}: {reason}", wanted.namespace, wanted.name));
    }
    match (wanted.difference(there), owner) {
        // What an adopted object has besides stays as it is.
        (Difference::None, _) | (Difference::More, Owner::Adopted | Owner::SomebodyElse) => {}
        (Difference::More, Owner::Us) => {
            let resource_version = there.metadata("resourceVersion").unwrap_or_default().to_owned();
            decision.actions.push(Action::Replace { object: object(), resource_version });
        }
        (Difference::Immutable, Owner::Us) => {
            decision.actions.push(deletion(wanted.kind, &wanted.namespace, there));
            decision.actions.push(Action::Apply { object: object(), force: true });
        }
        (Difference::Other | Difference::Immutable, owner) => {
            decision.actions.push(Action::Apply { object: object(), force: owner == Owner::Us });
        }
    }
}

/// Objects of ours that are not wanted any more. Never those of somebody else, nor adopted ones.
fn surplus<'a>(
    tenant: &'a str,
    wanted: &'a [Object],
    there: &'a ObservedNamespace,
) -> impl Iterator<Item = Action> + 'a {
    let is_wanted = |kind: Kind, name: &str| wanted.iter().any(|object| object.kind == kind && object.name == name);
    let objects = there.objects.iter().flat_map(|(kind, list)| list.iter().map(|object| (*kind, object)));
    let ours = objects.filter(move |(kind, object)| {
        object.owner(tenant) == Owner::Us && !object.is_terminating() && !is_wanted(*kind, object.name())
    });
    ours.map(|(kind, object)| deletion(kind, there.namespace.name(), object))
}

fn deletion(kind: Kind, namespace: &str, object: &Live) -> Action {
    let uid = object.metadata("uid").unwrap_or_default().to_owned();
    Action::Delete { kind, namespace: namespace.to_owned(), name: object.name().to_owned(), uid }
}

/// A namespace of ours that the spec does not name any more: it stays as it is, but nobody of the tenant gets in.
fn of_left_over(tenant: &str, name: &str, there: &ObservedNamespace) -> NamespaceDecision {
    let environment = there.namespace.label(names::ENVIRONMENT).map(str::to_owned);
    if there.namespace.is_terminating() {
        return NamespaceDecision::new(name, environment, false, NamespaceState::Terminating(there.blockers()));
    }
    let mut retained = NamespaceDecision::new(name, environment, false, NamespaceState::Retained);
    retained.actions.extend(withdrawals(tenant, there));
    retained
}

/// What takes the access to a namespace away, and nothing else.
pub fn withdrawals(tenant: &str, there: &ObservedNamespace) -> impl Iterator<Item = Action> {
    let bindings = there.objects.get(&Kind::RoleBinding).into_iter().flatten();
    let ours = bindings.filter(move |binding| binding.owner(tenant) == Owner::Us && !binding.is_terminating());
    ours.map(|binding| deletion(Kind::RoleBinding, there.namespace.name(), binding))
}

/// Whether a label is missing or other, or is one that was applied earlier and is not wanted any more.
fn labels_differ(wanted: &Value, live: &Live) -> bool {
    let Some(wanted) = wanted.pointer("/metadata/labels").and_then(Value::as_object) else { return false };
    let other = wanted.iter().any(|(key, value)| live.label(key) != value.as_str());
    other || live.applied_labels().any(|key| !wanted.contains_key(key))
}

/// Why a certificate is not ready; `None` when it is.
fn not_ready(certificate: &Live) -> Option<String> {
    let conditions = certificate.body.pointer("/status/conditions").and_then(Value::as_array);
    let text = |condition: &Value, field: &str| condition.get(field).and_then(Value::as_str).map(str::to_owned);
    let ready = conditions.into_iter().flatten().find(|condition| text(condition, "type").as_deref() == Some("Ready"));
    match ready {
        None => Some("cert-manager has said nothing yet".to_owned()),
        Some(ready) if text(ready, "status").as_deref() == Some("True") => None,
        Some(ready) => Some(text(ready, "message").unwrap_or_else(|| "not ready".to_owned())),
    }
}
