//! Certificates of the tenant's hosts, by cert-manager, and who may have a host when two tenants name it.

use std::collections::BTreeMap;

use berth_crd::{Domain, Tenant};
use serde_json::json;

use super::Context;
use crate::{
    names,
    object::{Kind, Object},
};

/// One certificate for each host of the namespace that no older tenant has.
pub(super) fn objects(context: &Context<'_>, taken: &BTreeMap<String, String>) -> Vec<Object> {
    let domains = context.tenant.spec.domains.iter();
    let here = domains.filter(|domain| domain.namespace == context.spec.name && !taken.contains_key(&domain.host));
    here.map(|domain| certificate(context, domain)).collect()
}

fn certificate(context: &Context<'_>, domain: &Domain) -> Object {
    let name = name(&domain.host);
    let issuer = json!({ "group": "cert-manager.io", "kind": "ClusterIssuer", "name": domain.issuer });
    let spec = json!({ "secretName": format!("{name}-tls"), "dnsNames": [domain.host], "issuerRef": issuer });
    context.object(Kind::Certificate, &name, json!({ "spec": spec }))
}

/// Name of a host's certificate: the host, with `wildcard` for its asterisk. A host has at most 253 characters, as many as
/// a name; `-tls` must still fit.
fn name(host: &str) -> String {
    let name = host.replacen('*', "wildcard", 1);
    name.chars().take(240).collect::<String>().trim_end_matches(['.', '-']).to_owned()
}

/// Hosts of `tenant` that an older tenant has, and which. The older claim wins; of two as old, the one whose name comes
/// first. A host belongs to a wildcard, too: who has `*.a.com` has `b.a.com`.
pub fn claims<'a>(tenant: &Tenant, all: impl Iterator<Item = &'a Tenant>) -> BTreeMap<String, String> {
    let mut taken = BTreeMap::new();
    let older = all.filter(|other| age(other) < age(tenant));
    for other in older {
        for domain in &tenant.spec.domains {
            if other.spec.domains.iter().any(|theirs| overlap(&theirs.host, &domain.host)) {
                taken.entry(domain.host.clone()).or_insert_with(|| names::of(other).to_owned());
            }
        }
    }
    taken
}

fn age(tenant: &Tenant) -> (String, &str) {
    let created = tenant.metadata.creation_timestamp.as_ref().map(|time| time.0.to_string());
    (created.unwrap_or_default(), names::of(tenant))
}

fn overlap(one: &str, other: &str) -> bool {
    let covers = |wildcard: &str, host: &str| {
        wildcard.strip_prefix("*.").is_some_and(|parent| host.split_once('.').is_some_and(|(_, rest)| rest == parent))
    };
    one == other || covers(one, other) || covers(other, one)
}
