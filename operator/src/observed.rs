//! What a cluster has of one tenant, as far as decisions need it.

use std::collections::BTreeMap;

use crate::object::{Kind, Live};

/// What the cluster has of one tenant.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Observed {
    /// Namespaces by full name: those that the tenant names, and those that carry its label.
    pub namespaces: BTreeMap<String, ObservedNamespace>,
    /// Kinds of other operators that the cluster knows now.
    pub optional_kinds: Vec<Kind>,
    /// Hosts of this tenant that an older tenant serves, and which.
    pub hosts_taken: BTreeMap<String, String>,
}

/// A namespace that is there.
#[derive(Debug, Clone, PartialEq)]
pub struct ObservedNamespace {
    /// The namespace itself.
    pub namespace: Live,
    /// What it holds of the kinds of the operator. Not read for a namespace that is somebody else's or terminating.
    pub objects: BTreeMap<Kind, Vec<Live>>,
}

impl ObservedNamespace {
    /// An object of the namespace.
    #[must_use]
    pub fn object(&self, kind: Kind, name: &str) -> Option<&Live> {
        self.objects.get(&kind)?.iter().find(|object| object.name() == name)
    }

    /// Why it does not go away, in the words of the namespace controller. Empty while it is not being deleted.
    #[must_use]
    pub fn blockers(&self) -> Vec<String> {
        let conditions = self.namespace.body.pointer("/status/conditions").and_then(|list| list.as_array());
        let text = |condition: &serde_json::Value, field: &str| {
            condition.get(field).and_then(|value| value.as_str()).unwrap_or_default().to_owned()
        };
        let blocking = conditions.into_iter().flatten().filter(|condition| text(condition, "status") == "True");
        blocking.map(|condition| text(condition, "message")).filter(|message| !message.is_empty()).collect()
    }
}
