//! IAM roles of a tenant, declared as templates.

use std::collections::BTreeMap;

use berth_tenancy::{Access, RoleTrust};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

/// The IAM roles of every tenant of an environment.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Roles {
    /// Permissions boundary. Made first; every role carries it. `BerthTenant` may make roles only within one.
    pub boundary: Boundary,
    /// The roles. At least one has `access`, or nobody could use the cluster.
    #[schemars(length(min = 1, max = 50))]
    pub roles: Vec<RoleTemplate>,
}

/// A permissions boundary: a managed policy in the tenant account.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Boundary {
    /// Name of the policy, as a template.
    #[schemars(length(min = 1, max = 128))]
    pub name: String,
    /// Its path, with slashes at both ends.
    #[serde(default = "default_path")]
    #[schemars(regex(pattern = r"^/([A-Za-z0-9._-]+/)*$"))]
    pub path: String,
    /// The policy document. Its texts may hold `{tenant}`, `{environment}` and `{account}`.
    #[schemars(schema_with = "document")]
    pub document: Value,
}

/// One role, as a template. `{tenant}`, `{environment}` and `{account}` stand for the account's own.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RoleTemplate {
    /// Short name, unique in the environment (`developer`).
    #[schemars(regex(pattern = r"^[a-z]([a-z0-9-]{0,30}[a-z0-9])?$"))]
    pub key: String,
    /// Name of the role, as a template; at most 64 characters with a tenant's name of 40.
    #[schemars(length(min = 1, max = 128))]
    pub name: String,
    /// Path of the role, with slashes at both ends.
    #[serde(default = "default_path")]
    #[schemars(regex(pattern = r"^/([A-Za-z0-9._-]+/)*$"))]
    pub path: String,
    /// Who may assume it. Texts of it are templates; wildcards are refused.
    pub trust: RoleTrust,
    /// What it may do in the tenant's namespaces; none means nothing there.
    pub access: Option<Access>,
    /// ARNs of managed policies, as templates.
    #[serde(default)]
    #[schemars(length(max = 20), extend("uniqueItems" = true))]
    pub managed_policies: Vec<String>,
    /// Inline policies by name. Their texts may hold `{tenant}`, `{environment}` and `{account}`.
    #[serde(default)]
    #[schemars(schema_with = "documents")]
    pub inline_policies: BTreeMap<String, Value>,
    /// Longest session, in seconds: one hour to twelve.
    #[serde(default = "default_session_seconds_max")]
    #[schemars(range(min = 3600, max = 43200))]
    pub session_seconds_max: u32,
    /// Tags besides Berth's own. Values are templates.
    #[serde(default)]
    #[schemars(extend("maxProperties" = 40))]
    pub tags: BTreeMap<String, String>,
}

fn default_path() -> String {
    "/tenant/".to_owned()
}

fn default_session_seconds_max() -> u32 {
    3600
}

/// The schema of a policy document: only its outline, IAM knows the rest.
fn document(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    // What is required is named among the properties, as ajv's strict mode wants it.
    schemars::json_schema!({ "type": "object", "required": ["Statement"],
        "properties": { "Statement": { "description": "Its statements: one, or a list." } } })
}

/// The schema of policy documents by name.
fn documents(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({ "type": "object", "additionalProperties": document(generator) })
}
