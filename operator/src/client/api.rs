//! The cluster's objects, as decisions see them.

use berth_crd::Tenant;
use k8s_openapi::api::core::v1::Namespace;
use kube_client::{
    Api, Client, Config, Error,
    api::{DynamicObject, ListParams},
    core::{ApiResource, GroupVersionKind},
};
use serde_json::{Value, json};

use super::error::is_not_found;
use crate::object::{Kind, Live};

/// Objects on one page of a list, and so whole in memory at once.
pub(crate) const PAGE: u32 = 100;

/// A client that asks once. By default kube's tries again by itself what is answered with 429, 503 or 504, changes too, up
/// to 15 times and for many minutes: past the fence, when another replica may lead. Whoever asks here asks again itself,
/// from observe.
///
/// # Errors
/// When the configuration makes no client.
pub fn connect(mut config: Config) -> Result<Client, Error> {
    config.default_retry = false;
    Client::try_from(config)
}

/// The resource of a kind.
#[must_use]
pub(crate) fn resource(kind: Kind) -> ApiResource {
    let (group, version, kind, plural) = kind.resource();
    ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, version, kind), plural)
}

/// Objects of a kind in a namespace.
#[must_use]
pub(crate) fn objects(client: &Client, kind: Kind, namespace: &str) -> Api<DynamicObject> {
    Api::namespaced_with(client.clone(), namespace, &resource(kind))
}

/// Namespaces, whole.
#[must_use]
pub(crate) fn namespaces(client: &Client) -> Api<DynamicObject> {
    Api::all_with(client.clone(), &ApiResource::erase::<Namespace>(&()))
}

/// Tenants, as the server has them: also those that are no [`Tenant`].
#[must_use]
pub(crate) fn tenants(client: &Client) -> Api<DynamicObject> {
    Api::all_with(client.clone(), &ApiResource::erase::<Tenant>(&()))
}

/// All of an object but what only the server needs.
#[must_use]
pub(crate) fn live(object: DynamicObject) -> Live {
    let mut body = object.data;
    // Text, numbers and maps of texts: it can always be written.
    let metadata = serde_json::to_value(&object.metadata).unwrap_or_default();
    if let Value::Object(body) = &mut body {
        body.insert("metadata".to_owned(), metadata);
    }
    Live { body }
}

/// An object, or nothing where there is none.
pub(crate) async fn get(api: &Api<DynamicObject>, name: &str) -> Result<Option<Live>, Error> {
    match api.get(name).await {
        Ok(object) => Ok(Some(live(object))),
        Err(error) if is_not_found(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Every object, without its managed fields, page by page.
pub(crate) async fn list(api: &Api<DynamicObject>, labels: Option<&str>) -> Result<Vec<Live>, Error> {
    let mut all = pages(api, labels).await?;
    for object in &mut all {
        object.metadata.managed_fields = None;
    }
    Ok(all.into_iter().map(live).collect())
}

/// Every object, with its managed fields, page by page.
pub(crate) async fn list_whole(api: &Api<DynamicObject>, labels: Option<&str>) -> Result<Vec<Live>, Error> {
    Ok(pages(api, labels).await?.into_iter().map(live).collect())
}

/// The metadata of every object, without its managed fields, page by page: for questions about all that there is.
pub(crate) async fn list_metadata(api: &Api<DynamicObject>, labels: Option<&str>) -> Result<Vec<Live>, Error> {
    let mut found = Vec::new();
    let mut params = ListParams::default().limit(PAGE);
    params.label_selector = labels.map(str::to_owned);
    loop {
        let page = api.list_metadata(&params).await?;
        found.extend(page.items.into_iter().map(|mut object| {
            object.metadata.managed_fields = None;
            Live { body: json!({ "metadata": object.metadata }) }
        }));
        match page.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(next) => params.continue_token = Some(next),
            None => return Ok(found),
        }
    }
}

async fn pages(api: &Api<DynamicObject>, labels: Option<&str>) -> Result<Vec<DynamicObject>, Error> {
    let mut found = Vec::new();
    let mut token: Option<String> = None;
    loop {
        let mut params = ListParams::default().limit(PAGE);
        params.label_selector = labels.map(str::to_owned);
        params.continue_token = token.take();
        let page = api.list(&params).await?;
        found.extend(page.items);
        match page.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(next) => token = Some(next),
            None => return Ok(found),
        }
    }
}
