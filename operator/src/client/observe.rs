//! Reads what a cluster has of one tenant.

use std::collections::BTreeMap;

use berth_crd::Tenant;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use kube_client::{Client, Error};

use super::api;
use crate::{
    names,
    object::{Kind, Live, Owner},
    observed::{Observed, ObservedNamespace},
};

/// Lists that are read at once for one namespace.
const LISTS_AT_ONCE: usize = 4;

/// What the cluster has of `tenant`. `optional_kinds` and `hosts_taken` are known already.
pub(crate) async fn observe(
    client: &Client,
    tenant: &Tenant,
    optional_kinds: Vec<Kind>,
    hosts_taken: BTreeMap<String, String>,
) -> Result<Observed, Error> {
    let owner = names::of(tenant);
    let mut found = namespaces_of(client, owner).await?;
    let wanted: Vec<String> =
        tenant.spec.namespaces.iter().map(|namespace| names::namespace(owner, &namespace.name)).collect();
    for name in &wanted {
        if !found.contains_key(name)
            && let Some(namespace) = api::get(&api::namespaces(client), name).await?
        {
            found.insert(name.clone(), namespace);
        }
    }
    let mut namespaces = BTreeMap::new();
    for (name, namespace) in found {
        let kinds = kinds_to_read(owner, &namespace, wanted.contains(&name), &optional_kinds);
        let objects = objects(client, &name, kinds).await?;
        namespaces.insert(name, ObservedNamespace { namespace, objects });
    }
    Ok(Observed { namespaces, optional_kinds, hosts_taken })
}

/// The namespaces that carry the label of a tenant.
pub(crate) async fn namespaces_of(client: &Client, tenant: &str) -> Result<BTreeMap<String, Live>, Error> {
    let labels = format!("{}={},{}={tenant}", names::MANAGED_BY, names::MANAGER, names::TENANT);
    let list = api::list_whole(&api::namespaces(client), Some(&labels)).await?;
    Ok(list.into_iter().map(|namespace| (namespace.name().to_owned(), namespace)).collect())
}

/// Nothing of a namespace that is somebody else's or going away; of one that the spec does not name, who has access.
fn kinds_to_read(tenant: &str, namespace: &Live, wanted: bool, optional: &[Kind]) -> Vec<Kind> {
    if namespace.owner(tenant) == Owner::SomebodyElse || namespace.is_terminating() {
        return Vec::new();
    }
    if !wanted {
        return vec![Kind::RoleBinding];
    }
    Kind::ALL.into_iter().filter(|kind| kind.is_built_in() || optional.contains(kind)).collect()
}

/// All objects of these kinds in a namespace.
pub(crate) async fn objects(
    client: &Client,
    namespace: &str,
    kinds: Vec<Kind>,
) -> Result<BTreeMap<Kind, Vec<Live>>, Error> {
    let lists = stream::iter(kinds).map(|kind| async move {
        Ok::<_, Error>((kind, api::list(&api::objects(client, kind, namespace), None).await?))
    });
    lists.buffer_unordered(LISTS_AT_ONCE).try_collect().await
}
