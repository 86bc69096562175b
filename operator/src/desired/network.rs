//! Who may talk to whom: nobody, but for what a tenant needs. Each policy allows one thing, so that a person sees why.

use berth_crd::NetworkProfile;
use serde_json::{Value, json};

use super::Context;
use crate::{
    names,
    object::{Kind, Object},
};

/// Label that Kubernetes puts on every namespace.
const NAMESPACE_NAME: &str = "kubernetes.io/metadata.name";
/// Port of DNS.
const DNS_PORT: u16 = 53;

/// The policies of a namespace.
pub(super) fn policies(context: &Context<'_>) -> Vec<Object> {
    let tenant = json!({ "namespaceSelector": { "matchLabels": { names::TENANT: context.owner } } });
    let mut policies = vec![
        policy(context, "berth-default-deny", &["Ingress", "Egress"], json!({})),
        policy(context, "berth-allow-dns", &["Egress"], json!({ "egress": [dns(context)] })),
        policy(
            context,
            "berth-allow-same-tenant",
            &["Ingress", "Egress"],
            json!({ "ingress": [{ "from": [tenant] }], "egress": [{ "to": [tenant] }] }),
        ),
    ];
    let blocks = egress_blocks(context);
    if !blocks.is_empty() {
        let to: Vec<Value> = blocks.iter().map(|block| json!({ "ipBlock": { "cidr": block } })).collect();
        policies.push(policy(context, "berth-allow-egress-blocks", &["Egress"], json!({ "egress": [{ "to": to }] })));
    }
    let callers = named(&context.tenant.spec.network.allow_ingress_from);
    if !callers.is_empty() {
        let rule = json!({ "ingress": [{ "from": callers }] });
        policies.push(policy(context, "berth-allow-ingress-from", &["Ingress"], rule));
    }
    let shared = named(shared_namespaces(context));
    if !shared.is_empty() {
        let rules = json!({ "ingress": [{ "from": shared }], "egress": [{ "to": shared }] });
        policies.push(policy(context, "berth-allow-shared", &["Ingress", "Egress"], rules));
    }
    policies
}

/// Blocks that pods of the namespace may reach: those of the spec, else those of the accounts of its environment.
pub(super) fn egress_blocks(context: &Context<'_>) -> Vec<String> {
    let spec = &context.tenant.spec;
    let mut blocks = spec.network.egress_cidrs.clone();
    if blocks.is_empty() {
        let accounts = spec.accounts.iter().filter(|account| account.environment == context.spec.environment);
        blocks = accounts.flat_map(|account| &account.networks).flat_map(|network| network.cidrs.clone()).collect();
    }
    blocks.sort_unstable();
    blocks.dedup();
    blocks
}

/// The platform's namespaces that the tenant may use.
pub(super) fn shared_namespaces<'a>(context: &Context<'a>) -> &'a [String] {
    match context.tenant.spec.network.profile {
        NetworkProfile::Isolated => &[],
        NetworkProfile::Shared => &context.settings.shared_namespaces,
    }
}

fn named(namespaces: &[String]) -> Vec<Value> {
    let peer = |name: &String| json!({ "namespaceSelector": { "matchLabels": { NAMESPACE_NAME: name } } });
    namespaces.iter().map(peer).collect()
}

/// DNS: the cluster's pods, and the addresses at which `NodeLocal DNSCache` answers, which no selector finds.
fn dns(context: &Context<'_>) -> Value {
    let dns = &context.settings.dns;
    let pods = json!({
        "namespaceSelector": { "matchLabels": { NAMESPACE_NAME: dns.namespace } },
        "podSelector": { "matchLabels": dns.pod_labels },
    });
    let local = dns.node_local.iter().map(|address| json!({ "ipBlock": { "cidr": host_block(address) } }));
    let to: Vec<Value> = std::iter::once(pods).chain(local).collect();
    json!({ "to": to, "ports": [
        { "protocol": "UDP", "port": DNS_PORT },
        { "protocol": "TCP", "port": DNS_PORT },
    ] })
}

/// The block of one address.
pub(super) fn host_block(address: &str) -> String {
    format!("{address}/{}", if address.contains(':') { 128 } else { 32 })
}

fn policy(context: &Context<'_>, name: &str, types: &[&str], rules: Value) -> Object {
    let mut spec = json!({ "podSelector": {}, "policyTypes": types });
    if let (Value::Object(spec), Value::Object(rules)) = (&mut spec, rules) {
        spec.extend(rules);
    }
    context.object(Kind::NetworkPolicy, name, json!({ "spec": spec }))
}
