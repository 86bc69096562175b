//! The CRD: made from the Rust types, and completed with what `kube`'s derive cannot say.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool, ValidationRule,
};
use kube::CustomResourceExt;
use serde_json::{Value, json};

use crate::{
    Tenant,
    yaml::{self, YamlError},
};

/// `apiVersion` of a Tenant.
pub const API_VERSION: &str = "tenancy.berth.dev/v1alpha1";
/// `kind` of a Tenant.
pub const KIND: &str = "Tenant";

/// One entry of `x-kubernetes-validations`.
pub(crate) fn rule(rule: &str, message: &str) -> Value {
    json!({ "rule": rule, "message": message })
}

/// The CRD `tenants.tenancy.berth.dev`.
#[must_use]
pub fn tenant_crd() -> CustomResourceDefinition {
    let mut crd = Tenant::crd();
    for version in &mut crd.spec.versions {
        if let Some(root) = version.schema.as_mut().and_then(|schema| schema.open_api_v3_schema.as_mut()) {
            plain(root);
            complete_root(root);
        }
    }
    crd
}

/// The CRD as the file that is committed.
///
/// # Errors
/// When the writer fails, which no CRD of ours makes it do.
pub fn crd_yaml() -> Result<String, YamlError> {
    let mut crd = serde_json::to_value(tenant_crd()).map_err(YamlError::unserializable)?;
    if let Value::Object(map) = &mut crd {
        map.remove("status");
    }
    let body = yaml::write(&crd)?;
    Ok(format!("# The CRD of a Tenant. Generated from crates/berth-crd by its tests; do not edit.\n{body}"))
}

/// An optional field is absent, never null: `kubectl` shows the one, and people mistype the other. And nothing has a
/// `format`, beside which the API server does not look at the type (`pattern.rs`).
fn plain(props: &mut JSONSchemaProps) {
    props.nullable = None;
    props.format = None;
    for child in props.properties.iter_mut().flat_map(|map| map.values_mut()) {
        plain(child);
    }
    if let Some(JSONSchemaPropsOrArray::Schema(items)) = &mut props.items {
        plain(items);
    }
    if let Some(JSONSchemaPropsOrBool::Schema(values)) = &mut props.additional_properties {
        plain(values);
    }
}

/// `kube` leaves the root's metadata open. The name needs a bound of its own, because the rules below read it.
fn complete_root(root: &mut JSONSchemaProps) {
    let text = |description: &str| JSONSchemaProps {
        description: Some(description.to_owned()),
        type_: Some("string".to_owned()),
        ..JSONSchemaProps::default()
    };
    let name = JSONSchemaProps {
        max_length: Some(40),
        pattern: Some("^[a-z]([-a-z0-9]*[a-z0-9])?$".to_owned()),
        ..text("Name of the tenant.")
    };
    let metadata = JSONSchemaProps {
        type_: Some("object".to_owned()),
        properties: Some([("name".to_owned(), name)].into()),
        ..JSONSchemaProps::default()
    };
    let properties = root.properties.get_or_insert_default();
    properties.insert("apiVersion".to_owned(), text("Version of the schema of this object."));
    properties.insert("kind".to_owned(), text("Kind of this object."));
    properties.insert("metadata".to_owned(), metadata);
    root.x_kubernetes_validations = Some(vec![
        validation(
            "!self.metadata.name.matches('^(kube|eks|amazon|aws|openshift|default)(-.*)?$')",
            "tenant name is reserved",
        ),
        validation(
            "self.spec.namespaces.all(n, size(self.metadata.name) + 1 + size(n.name) <= 63)",
            "tenant name plus namespace suffix must not exceed 63 characters",
        ),
    ]);
}

fn validation(rule: &str, message: &str) -> ValidationRule {
    ValidationRule { rule: rule.to_owned(), message: Some(message.to_owned()), ..ValidationRule::default() }
}
