//! Signing in through IAM Identity Center: the instance, and which group gets which permission set.

use std::collections::BTreeMap;

use berth_tenancy::{AccountId, Region, RoleName};
use schemars::JsonSchema;
use serde::Deserialize;

/// An instance of IAM Identity Center.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct IdentityCenter {
    /// Account in which it is called: a delegated administrator. By default the management account.
    pub account: Option<AccountId>,
    /// Role in that account that reads groups and permission sets, and makes assignments.
    pub role: RoleName,
    /// Region of the instance.
    pub region: Region,
    /// ARN of the instance (`aws sso-admin list-instances`).
    #[schemars(regex(pattern = r"^arn:aws[a-z-]*:sso:::instance/(sso)?ins-[A-Za-z0-9.-]{16}$"))]
    pub instance_arn: String,
    /// Id of its identity store (`aws sso-admin list-instances`).
    #[schemars(regex(pattern = r"^(d-[0-9a-f]{10}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})$"))]
    pub identity_store_id: String,
    /// ARNs of permission sets by name. One that is not here is looked up by its name, with a call for each permission
    /// set of the instance.
    #[serde(default)]
    pub permission_sets: BTreeMap<String, String>,
}

/// One group that may sign in with one permission set.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SignIn {
    /// Display name of the group, as a template (`{tenant}-developers`).
    #[schemars(length(min = 1, max = 1024))]
    pub group: String,
    /// Exact name of the permission set.
    #[schemars(regex(pattern = r"^[A-Za-z0-9+=,.@_-]{1,32}$"))]
    pub permission_set: String,
}
