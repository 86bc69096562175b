//! What an extension of the platform's own is asked, and what it answers: an interface, with published schemas
//! (docs/extension-request.schema.json, docs/extension-answer.schema.json).

use berth_events::outcome::Version;
use berth_tenancy::{AccountId, EnvironmentName, ExtensionPoint, Mode, Region, Subject, TenantName};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{RegionResult, RoleRecord};

/// Input of an extension: the payload of a function, the input of a state machine's execution.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExtensionRequest {
    /// Another number once a field means another thing; new fields come without one.
    pub version: Version,
    /// `plan`: say what you would do, and do nothing. `apply`: do what you said.
    pub mode: Mode,
    /// When it is called: after the `network`, or at the `end`.
    pub at: ExtensionPoint,
    /// The account.
    pub account_id: AccountId,
    /// Its name in Organizations: any text.
    pub account_name: String,
    /// The tenant that it belongs to.
    pub tenant: TenantName,
    /// Its environment.
    pub environment: EnvironmentName,
    /// ARN of the execution that onboards it.
    pub execution_arn: String,
    /// Its network. In a plan of what is not there yet, ids are placeholders such as `vpc-(new)`.
    pub regions: Vec<ExtensionRegion>,
    /// The tenant's roles there; empty after the network.
    pub roles: Vec<ExtensionRole>,
}

/// The network of an account in one Region, as an extension is told of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExtensionRegion {
    /// The Region.
    pub region: Region,
    /// The VPC.
    pub vpc_id: String,
    /// Its block.
    pub cidr: String,
    /// Its Transit Gateway attachment.
    pub attachment_id: String,
}

/// A tenant role of an account, as an extension is told of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExtensionRole {
    /// Its key in platform.yaml.
    pub name: String,
    /// Its ARN.
    pub arn: String,
}

/// Answer of an extension: the payload of a function, the output of a state machine's execution.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExtensionAnswer {
    /// In mode `plan` what it would do, a short sentence for each change; empty when everything is as it should be. In mode
    /// `apply` nobody reads it.
    pub changes: Vec<String>,
}

impl ExtensionRequest {
    /// What an extension is asked about an account.
    #[must_use]
    pub fn of(run: &Subject, at: ExtensionPoint, mode: Mode, regions: &[RegionResult], roles: &[RoleRecord]) -> Self {
        let regions = regions.iter().map(|RegionResult { region, network, .. }| ExtensionRegion {
            region: region.clone(),
            vpc_id: network.vpc_id.clone(),
            cidr: network.cidr.clone(),
            attachment_id: network.attachment_id.clone(),
        });
        let role = |role: &RoleRecord| ExtensionRole { name: role.name.clone(), arn: role.arn.clone() };
        Self {
            version: Version,
            mode,
            at,
            account_id: run.account_id.clone(),
            account_name: run.account_name.clone(),
            tenant: run.tenant.clone(),
            environment: run.environment.clone(),
            execution_arn: run.execution.clone(),
            regions: regions.collect(),
            roles: roles.iter().map(role).collect(),
        }
    }
}
