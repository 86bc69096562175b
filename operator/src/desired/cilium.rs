//! The same as the network policies, in Cilium's own words: its `toCIDR` and DNS rules see what an `ipBlock` does not.

use serde_json::{Value, json};

use super::{Context, network};
use crate::{
    names,
    object::{Kind, Object},
};

/// Label by which Cilium knows the namespace of an endpoint.
const NAMESPACE: &str = "k8s:io.kubernetes.pod.namespace";
/// Prefix of the labels of an endpoint's namespace.
const NAMESPACE_LABEL: &str = "k8s:io.cilium.k8s.namespace.labels.";

/// The policy of a namespace. With at least one rule for each direction, everything else is denied.
pub(super) fn policy(context: &Context<'_>) -> Object {
    let tenant = json!({ "matchLabels": { (format!("{NAMESPACE_LABEL}{}", names::TENANT)): context.owner } });
    let shared = network::shared_namespaces(context);
    let callers = context.tenant.spec.network.allow_ingress_from.iter().chain(shared).map(of_namespace);
    let from: Vec<Value> = std::iter::once(tenant.clone()).chain(callers).collect();
    let to: Vec<Value> = std::iter::once(tenant).chain(shared.iter().map(of_namespace)).collect();
    let mut egress = vec![dns_pods(context), json!({ "toEndpoints": to })];
    let local = &context.settings.dns.node_local;
    if !local.is_empty() {
        let blocks: Vec<String> = local.iter().map(|address| network::host_block(address)).collect();
        egress.push(json!({ "toCIDR": blocks, "toPorts": [{ "ports": dns_ports() }] }));
    }
    let blocks = network::egress_blocks(context);
    if !blocks.is_empty() {
        egress.push(json!({ "toCIDR": blocks }));
    }
    let spec = json!({ "endpointSelector": {}, "ingress": [{ "fromEndpoints": from }], "egress": egress });
    context.object(Kind::CiliumNetworkPolicy, "berth", json!({ "spec": spec }))
}

fn of_namespace(name: &String) -> Value {
    json!({ "matchLabels": { NAMESPACE: name } })
}

fn dns_pods(context: &Context<'_>) -> Value {
    let dns = &context.settings.dns;
    let mut labels = json!({ NAMESPACE: dns.namespace });
    if let Some(labels) = labels.as_object_mut() {
        labels.extend(dns.pod_labels.iter().map(|(key, value)| (format!("k8s:{key}"), value.as_str().into())));
    }
    json!({ "toEndpoints": [{ "matchLabels": labels }], "toPorts": [{ "ports": dns_ports() }] })
}

fn dns_ports() -> Value {
    json!([{ "port": "53", "protocol": "UDP" }, { "port": "53", "protocol": "TCP" }])
}
