//! What a namespace may use: `ResourceQuota` and `LimitRange`.

use std::collections::BTreeMap;

use serde_json::json;

use super::Context;
use crate::object::{Kind, Object};

/// Name of both objects.
const NAME: &str = "berth";

/// The quota, and what a container gets that asks for nothing.
pub(super) fn objects(context: &Context<'_>) -> Vec<Object> {
    let mut hard: BTreeMap<String, String> = context.settings.quota.clone();
    let own = context.spec.quota.iter().map(|(resource, amount)| (resource.clone(), amount.to_string()));
    hard.extend(own);
    let container = &context.settings.container;
    let limit = json!({ "type": "Container", "default": container.limits, "defaultRequest": container.requests });
    vec![
        context.object(Kind::ResourceQuota, NAME, json!({ "spec": { "hard": hard } })),
        context.object(Kind::LimitRange, NAME, json!({ "spec": { "limits": [limit] } })),
    ]
}
