//! What is set for one cluster: the file that the chart makes of its values. Every field has a default.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::quantity;

/// Settings of the operator on one cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Settings {
    /// Where the cluster's DNS answers.
    pub dns: Dns,
    /// Namespaces of the platform's shared services, which tenants of the profile `shared` may reach and be reached from.
    pub shared_namespaces: Vec<String>,
    /// Version of the Pod Security Standards that is enforced: `latest` or `v1.NN`.
    pub pod_security_version: String,
    /// Hard limits of each namespace for the resources that it sets no limit for itself.
    pub quota: BTreeMap<String, String>,
    /// What a container gets that asks for nothing.
    pub container: Container,
    /// Seconds that a tenant must be gone before its access is taken away or its namespaces are deleted.
    pub orphan_grace_seconds: u32,
    /// Share of the tenants, in percent, that may be gone at once; with more (and more than one) nothing is done.
    pub orphan_brake_percent: u8,
}

/// Where the cluster's DNS answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Dns {
    /// Namespace of its pods.
    pub namespace: String,
    /// Labels of its pods.
    pub pod_labels: BTreeMap<String, String>,
    /// Addresses that no pod has: those of `NodeLocal DNSCache`, which runs in the network of the node.
    pub node_local: Vec<String>,
}

/// What a container gets that asks for nothing: the `LimitRange`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Container {
    /// Its limits.
    pub limits: BTreeMap<String, String>,
    /// Its requests.
    pub requests: BTreeMap<String, String>,
}

fn texts<const N: usize>(pairs: [(&str, &str); N]) -> BTreeMap<String, String> {
    pairs.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            dns: Dns::default(),
            shared_namespaces: Vec::new(),
            pod_security_version: "latest".to_owned(),
            // What is reachable from outside of the cluster is the platform's to give.
            quota: texts([("services.nodeports", "0"), ("services.loadbalancers", "0"), ("pods", "200")]),
            container: Container::default(),
            orphan_grace_seconds: 900,
            orphan_brake_percent: 10,
        }
    }
}

impl Default for Dns {
    fn default() -> Self {
        Self {
            namespace: "kube-system".to_owned(),
            pod_labels: texts([("k8s-app", "kube-dns")]),
            node_local: vec!["169.254.20.10".to_owned()],
        }
    }
}

impl Default for Container {
    fn default() -> Self {
        Self { limits: texts([("memory", "256Mi")]), requests: texts([("cpu", "50m"), ("memory", "128Mi")]) }
    }
}

/// Settings that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The text is not the YAML or JSON of [`Settings`].
    #[error("the settings cannot be read")]
    Unreadable(#[source] Box<serde_saphyr::Error>),
    /// A value that no cluster would take.
    #[error("settings: {0}")]
    Wrong(String),
}

impl Settings {
    /// Reads the file's text, YAML or JSON.
    ///
    /// # Errors
    /// For a field that is not known, of the wrong type, or a value that no cluster would take: all of those at once.
    pub fn read(text: &str) -> Result<Self, SettingsError> {
        let settings: Self =
            serde_saphyr::from_str(text).map_err(|error| SettingsError::Unreadable(Box::new(error)))?;
        let wrong = settings.wrong();
        if wrong.is_empty() { Ok(settings) } else { Err(SettingsError::Wrong(wrong.join("; "))) }
    }

    /// The grace, as a duration.
    #[must_use]
    pub fn orphan_grace(&self) -> SignedDuration {
        SignedDuration::from_secs(self.orphan_grace_seconds.into())
    }

    fn wrong(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        let quantities = [
            ("quota", &self.quota),
            ("container.limits", &self.container.limits),
            ("container.requests", &self.container.requests),
        ];
        for (field, map) in quantities {
            let bad = map.iter().filter(|(_, value)| quantity::nanos(value).is_none());
            wrong.extend(bad.map(|(key, value)| format!("{field}.{key}: {value:?} is not a quantity")));
        }
        let addresses = self.dns.node_local.iter().filter(|address| address.parse::<std::net::IpAddr>().is_err());
        wrong.extend(addresses.map(|address| format!("dns.nodeLocal: {address:?} is not an IP address")));
        if self.orphan_brake_percent > 100 {
            wrong.push(format!("orphanBrakePercent: {} is more than 100", self.orphan_brake_percent));
        }
        let version = self.pod_security_version.as_str();
        let minor = version.strip_prefix("v1.").is_some_and(|minor| minor.parse::<u16>().is_ok());
        if version != "latest" && !minor {
            wrong.push(format!("podSecurityVersion: {version:?} is neither latest nor v1.NN"));
        }
        wrong
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_an_empty_file_is_the_defaults() {
        assert_eq!(Settings::read("{}").unwrap(), Settings::default());
        let written = serde_json::to_string(&Settings::default()).unwrap();
        assert_eq!(Settings::read(&written).unwrap(), Settings::default());
    }

    #[test]
    fn a_typo_is_refused_and_wrong_values_are_told_all_at_once() {
        assert!(matches!(Settings::read("{sharedNamespace: [a]}"), Err(SettingsError::Unreadable(_))));
        let text = "{quota: {pods: lots}, dns: {nodeLocal: [x]}, orphanBrakePercent: 101, podSecurityVersion: v2}";
        let told = Settings::read(text).unwrap_err().to_string();
        for part in ["quota.pods", "dns.nodeLocal", "orphanBrakePercent", "podSecurityVersion"] {
            assert!(told.contains(part), "{part}: {told}");
        }
    }
}
