//! The spec of a Tenant. Every string and every list is bounded, because Kubernetes refuses a CRD whose CEL rules
//! could cost too much, and it reckons with the bounds.
//!
//! What the derives cannot say (list types, CEL rules) stands in `extend` attributes, as the API server reads it:
//! <https://kubernetes.io/docs/reference/using-api/server-side-apply/#merge-strategy> and
//! <https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#validation-rules>.
//! The rules use core CEL only, so that the check before the commit can evaluate them too.

use std::collections::BTreeMap;

use berth_tenancy::{
    Access, AccountId, ClusterName, EnvironmentName, Partition, Region,
    limits::{ACCESS_ROLES_MAX, EGRESS_CIDRS_MAX, OWNERS_MAX, REGIONS_MAX, TENANT_ACCOUNTS_MAX, WORKLOADS_MAX},
};
use kube::CustomResource;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{pattern, quantity::Quantity, schema::rule, status::TenantStatus};

/// A tenant of the platform on one cluster: who owns it, its AWS accounts, its namespaces and what it may reach.
// Each printer column has a type: no duplicate.
#[allow(clippy::duplicated_attributes)]
#[derive(CustomResource, Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "tenancy.berth.dev",
    version = "v1alpha1",
    kind = "Tenant",
    doc = "A tenant of the platform on one cluster: who owns it, its AWS accounts, its namespaces and what it may reach.",
    derive = "PartialEq",
    status = "TenantStatus",
    shortname = "tnt",
    category = "platform",
    printcolumn(name = "Cluster", type_ = "string", json_path = ".spec.placement.cluster"),
    printcolumn(name = "Cost-Center", type_ = "string", json_path = ".spec.costCenter"),
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].status"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].reason"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [
    rule("self.namespaces.all(n, self.accounts.exists(a, a.environment == n.environment))",
         "every namespace needs an account with the same environment"),
    rule("!has(self.domains) || self.domains.all(d, self.namespaces.exists(n, n.name == d.namespace))",
         "domains[].namespace must name an entry in namespaces"),
    rule("self.accounts.all(a, self.accounts.exists_one(b, b.accountId == a.accountId))",
         "an account has one environment"),
    rule(WORKLOADS_HAVE_NAMESPACES, "workloads[].namespace must name an entry in namespaces of the account's environment"),
]))]
pub struct TenantSpec {
    /// Name for people: the name of the first AWS account, until somebody writes a better one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 128))]
    pub display_name: Option<String>,
    /// Cost centre that the tenant's costs go to.
    #[serde(default = "unassigned")]
    #[schemars(length(min = 1, max = 63), regex(pattern = "^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$"))]
    pub cost_center: String,
    /// Whom to ask about the tenant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contact: Option<Contact>,
    /// Groups and people with rights in all of the tenant's namespaces.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = OWNERS_MAX), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["kind", "name"]))]
    pub owners: Vec<Owner>,
    /// Where the tenant lives.
    pub placement: Placement,
    /// The tenant's AWS accounts, one for each environment.
    #[schemars(length(min = 1, max = TENANT_ACCOUNTS_MAX), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["environment"]))]
    pub accounts: Vec<Account>,
    /// The tenant's namespaces on this cluster.
    #[schemars(length(min = 1, max = 24), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub namespaces: Vec<Namespace>,
    /// What the tenant's pods may reach.
    #[serde(default)]
    #[schemars(extend("default" = {}))]
    pub network: Network,
    /// Registries, or parts of them, that the tenant's images come from: whole parts of an image's path, so `ghcr.io/acme`
    /// allows `ghcr.io/acme/app` and not `ghcr.io/acme-2`. None: any. Enforced where the admission policies of the
    /// operator's chart are on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32), inner(length(min = 1, max = 255)), extend("x-kubernetes-list-type" = "set"))]
    pub registries: Vec<String>,
    /// Host names that the tenant may serve. Of two tenants that name one, the older has it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["host"]))]
    pub domains: Vec<Domain>,
    /// What happens to the namespaces when the tenant is deleted.
    #[serde(default)]
    pub deletion_policy: DeletionPolicy,
    /// Whether nobody of the tenant has access; everything else stays as it is.
    #[serde(default)]
    pub suspended: bool,
}

impl TenantSpec {
    /// Whether nobody has access to the namespaces of this environment.
    #[must_use]
    pub fn is_suspended(&self, environment: &EnvironmentName) -> bool {
        self.suspended || self.accounts.iter().any(|account| account.suspended && account.environment == *environment)
    }
}

/// That every ARN of a list is of a role of the account, in whichever partition. From the start of the ARN: a role's path
/// may hold colons, so `contains` would let a foreign role through.
fn belong(list: &str, item: &str, arn: &str) -> String {
    let of = |partition: Partition| format!("{arn}.startsWith('arn:{partition}:iam::' + self.accountId + ':role/')");
    let any: Vec<String> = Partition::all().map(of).collect();
    format!("!has(self.{list}) || self.{list}.all({item}, {})", any.join(" || "))
}

/// A pod of another environment must not get the account's role.
const WORKLOADS_HAVE_NAMESPACES: &str = "self.accounts.all(a, !has(a.workloads) || a.workloads.all(w, \
    self.namespaces.exists(n, n.name == w.namespace && n.environment == a.environment)))";

/// Domains whose labels are Kubernetes' or the platform's to set: Pod Security is switched by one, network policies
/// choose namespaces by others.
const RESERVED_DOMAIN: &str = "^([^/]*[.])?(kubernetes[.]io|k8s[.]io|berth[.]dev)/";

fn unassigned() -> String {
    "unassigned".to_owned()
}

/// Whom to ask about a tenant.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Contact {
    /// E-mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 254), regex(pattern = pattern::EMAIL))]
    pub email: Option<String>,
    /// Slack channel.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 80))]
    pub slack: Option<String>,
}

/// A group or person with rights in all of the tenant's namespaces.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Owner {
    /// Group or user.
    pub kind: OwnerKind,
    /// Name, as the cluster's authentication gives it.
    #[schemars(length(min = 1, max = 256), extend("x-kubernetes-validations" = [
        rule("!self.startsWith('system:') && !self.startsWith('eks:')", "system: and eks: subjects are reserved"),
        rule("!self.startsWith('tenant:') && !self.startsWith('aws:')", "tenant: and aws: subjects are reserved"),
    ]))]
    pub name: String,
    /// What the owner may do.
    #[serde(default = "admin")]
    pub role: Access,
}

fn admin() -> Access {
    Access::Admin
}

/// Kind of an owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum OwnerKind {
    /// A group.
    Group,
    /// One person or service.
    User,
}

/// Where a tenant lives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [
    rule("self.cluster == oldSelf.cluster", "placement.cluster is immutable; onboard to another cluster with a second file"),
]))]
pub struct Placement {
    /// Cluster that this file belongs to; never changes.
    #[schemars(extend("minLength" = 1, "maxLength" = 100))]
    pub cluster: ClusterName,
    /// Region of that cluster.
    #[schemars(extend("maxLength" = 32))]
    pub region: Region,
    /// Stage of that cluster, such as `dev` or `prod`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("maxLength" = 20))]
    pub stage: Option<EnvironmentName>,
}

/// One AWS account of a tenant. Written by Berth.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [
    rule("self.accountId == oldSelf.accountId", "accountId is immutable"),
    rule(&belong("roles", "r", "r.arn"), "role ARN must belong to accountId"),
    rule(&belong("workloads", "w", "w.roleArn"), "a workload's role ARN must belong to accountId"),
]))]
pub struct Account {
    /// Environment that the account is for.
    #[schemars(extend("maxLength" = 20))]
    pub environment: EnvironmentName,
    /// The account; never changes for this environment.
    #[schemars(extend("maxLength" = 12))]
    pub account_id: AccountId,
    /// The account's networks, one for each region.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = REGIONS_MAX), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["region"]))]
    pub networks: Vec<AccountNetwork>,
    /// IAM roles of the account that have rights on the cluster.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = ACCESS_ROLES_MAX), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub roles: Vec<AccountRole>,
    /// IAM roles of the account that pods get.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = WORKLOADS_MAX), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["namespace", "serviceAccount"]))]
    pub workloads: Vec<Workload>,
    /// Whether access to the environment's namespaces is taken away, because the account is about to leave; nothing is
    /// deleted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub suspended: bool,
}

/// The network of an account in one region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AccountNetwork {
    /// The region.
    #[schemars(extend("maxLength" = 32))]
    pub region: Region,
    /// The VPC.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 21), regex(pattern = "^vpc-[0-9a-f]{8,17}$"))]
    pub vpc_id: Option<String>,
    /// Blocks of the VPC.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 5), inner(length(max = 43), regex(pattern = pattern::cidr())), extend("x-kubernetes-list-type" = "set"))]
    pub cidrs: Vec<String>,
    /// The VPC's attachment to the Transit Gateway.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 40), regex(pattern = "^tgw-attach-[0-9a-f]{8,17}$"))]
    pub transit_gateway_attachment_id: Option<String>,
}

/// An IAM role with rights in the namespaces of its account's environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AccountRole {
    /// Short name, unique in the account.
    #[schemars(length(max = 64), regex(pattern = "^[a-z]([-a-z0-9]*[a-z0-9])?$"))]
    pub name: String,
    /// ARN of the role.
    #[schemars(length(max = 2048), regex(pattern = pattern::ROLE_ARN))]
    pub arn: String,
    /// What the role may do.
    pub access: Access,
}

/// Pods that get an IAM role of the account, by EKS Pod Identity: those of one service account in one namespace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Workload {
    /// Suffix of the namespace; it belongs to the account's environment.
    #[schemars(length(min = 1, max = 20), regex(pattern = pattern::SUFFIX))]
    pub namespace: String,
    /// Service account of the pods.
    #[schemars(length(min = 1, max = 253), regex(pattern = pattern::SUBDOMAIN))]
    pub service_account: String,
    /// ARN of the role that the pods end up with.
    #[schemars(length(max = 2048), regex(pattern = pattern::ROLE_ARN))]
    pub role_arn: String,
    /// ARN of the role that the pods have first, in the cluster's account, when the cluster is not in this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2048), regex(pattern = pattern::ROLE_ARN))]
    pub platform_role_arn: Option<String>,
}

/// One namespace of a tenant. Its full name is the tenant's name, a hyphen, and `name`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Namespace {
    /// Suffix of the namespace. Without hyphens, or tenants `a` and `a-b` could claim one namespace.
    #[schemars(length(min = 1, max = 20), regex(pattern = pattern::SUFFIX))]
    pub name: String,
    /// Environment of the namespace; an account must have it too.
    #[schemars(extend("maxLength" = 20))]
    pub environment: EnvironmentName,
    /// Pod security standard that is enforced.
    #[serde(default)]
    pub pod_security: PodSecurity,
    /// Node pool that the pods should run on: a label of the namespace, `tenancy.berth.dev/node-pool`, for the platform's
    /// scheduling.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 63), regex(pattern = pattern::LABEL_VALUE))]
    pub node_pool: Option<String>,
    /// More labels of the namespace; none of Kubernetes' or the platform's own domains.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 16), schema_with = "labels")]
    pub labels: BTreeMap<String, String>,
    /// Hard limits of the namespace's `ResourceQuota`, by resource.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 24), schema_with = "quantities")]
    pub quota: BTreeMap<String, Quantity>,
}

/// The API server reckons with keys of no length, so rules over them cost next to nothing.
fn labels(_: &mut SchemaGenerator) -> Schema {
    let value = json_schema!({ "type": "string", "maxLength": 63, "pattern": pattern::LABEL_VALUE });
    let rules = json!([
        rule(
            &format!("self.all(k, !k.matches('{RESERVED_DOMAIN}'))"),
            "labels of kubernetes.io, k8s.io, berth.dev and their subdomains are reserved"
        ),
        rule(&format!("self.all(k, k.matches('{}'))", pattern::QUALIFIED_NAME), "a key is not a qualified name"),
    ]);
    json_schema!({ "type": "object", "additionalProperties": value, "x-kubernetes-validations": rules })
}

/// A number with a fraction must be a string.
fn quantities(_: &mut SchemaGenerator) -> Schema {
    let quantity = json_schema!({ "x-kubernetes-int-or-string": true, "maxLength": 64, "pattern": pattern::QUANTITY });
    json_schema!({ "type": "object", "additionalProperties": quantity })
}

/// Pod security standard of a namespace.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PodSecurity {
    /// Hardened pods only.
    #[default]
    Restricted,
    /// No known privilege escalation.
    Baseline,
}

/// What a tenant's pods may reach.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Network {
    /// How far the tenant is closed off.
    #[serde(default)]
    pub profile: NetworkProfile,
    /// Blocks that pods may reach; by default those of the VPCs of their environment's account.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = EGRESS_CIDRS_MAX), inner(length(max = 43), regex(pattern = pattern::cidr())), extend("x-kubernetes-list-type" = "set"))]
    pub egress_cidrs: Vec<String>,
    /// Namespaces that may call in, besides the tenant's own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32), inner(length(min = 1, max = 63), regex(pattern = pattern::LABEL)), extend("x-kubernetes-list-type" = "set"))]
    pub allow_ingress_from: Vec<String>,
}

/// How far a tenant is closed off.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum NetworkProfile {
    /// Only what is listed.
    #[default]
    Isolated,
    /// The platform's shared services too.
    Shared,
}

/// A host name that a tenant may serve.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Domain {
    /// The host, with a wildcard at most in the first label.
    #[schemars(length(max = 253), regex(pattern = r"^(\*\.)?([a-z0-9]([-a-z0-9]*[a-z0-9])?\.)+[a-z]{2,}$"))]
    pub host: String,
    /// Suffix of the namespace that serves it.
    #[schemars(length(min = 1, max = 20))]
    pub namespace: String,
    /// Issuer of its certificate.
    #[serde(default = "platform")]
    #[schemars(length(min = 1, max = 253))]
    pub issuer: String,
}

fn platform() -> String {
    "platform".to_owned()
}

/// What happens to a tenant's namespaces when the tenant is deleted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum DeletionPolicy {
    /// They stay.
    #[default]
    Retain,
    /// They are deleted.
    Delete,
}
