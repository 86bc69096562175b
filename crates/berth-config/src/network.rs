//! The network of a region: addresses, endpoints, flow logs, and the Transit Gateway.

use berth_tenancy::{Destination, uncovered};
use ipnet::Ipv4Net;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

/// Where a VPC's block comes from.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum AddressSource {
    /// VPC IPAM allocates when the VPC is made.
    Ipam {
        /// The pool, shared with the organization by RAM.
        #[schemars(regex(pattern = r"^ipam-pool-[0-9a-f]{8,17}$"))]
        pool_id: String,
        /// Prefix length of the VPC, 16 to 28.
        #[schemars(range(min = 16, max = 28))]
        prefix_length: u8,
        /// CIDRs that are provisioned to the pool. With them, a VPC elsewhere is a fault, and the proof of isolation
        /// covers addresses that no tenant has yet.
        #[serde(default)]
        #[schemars(schema_with = "blocks")]
        supernets: Vec<Ipv4Net>,
    },
    /// Berth's own ledger allocates, for organizations without IPAM.
    Ledger {
        /// Name of the pool in the ledger. Two regions may share a pool when they declare the same blocks.
        #[schemars(regex(pattern = r"^[a-z0-9][a-z0-9-]{0,62}$"))]
        pool: String,
        /// Blocks that VPCs are cut from.
        #[schemars(schema_with = "blocks", length(min = 1))]
        supernets: Vec<Ipv4Net>,
        /// Blocks inside the supernets that are in use elsewhere.
        #[serde(default)]
        #[schemars(schema_with = "blocks")]
        excluded: Vec<Ipv4Net>,
        /// Prefix length of the VPC, 16 to 28.
        #[schemars(range(min = 16, max = 28))]
        prefix_length: u8,
    },
}

impl AddressSource {
    /// Prefix length of the VPC.
    #[must_use]
    pub fn prefix_length(&self) -> u8 {
        match self {
            Self::Ipam { prefix_length, .. } | Self::Ledger { prefix_length, .. } => *prefix_length,
        }
    }

    /// Blocks that VPCs are cut from, as far as the file has them: those of an IPAM pool may be left out.
    #[must_use]
    pub fn blocks(&self) -> Vec<Ipv4Net> {
        match self {
            Self::Ipam { supernets, .. } => supernets.clone(),
            Self::Ledger { supernets, excluded, .. } => {
                supernets.iter().flat_map(|supernet| uncovered(*supernet, excluded)).collect()
            }
        }
    }
}

/// A service with a gateway endpoint in the VPC (free of charge, unlike interface endpoints).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum GatewayEndpoint {
    /// Amazon S3.
    S3,
    /// Amazon DynamoDB.
    DynamoDb,
}

impl GatewayEndpoint {
    /// The last part of the service's name in `CreateVpcEndpoint`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::S3 => "s3",
            Self::DynamoDb => "dynamodb",
        }
    }
}

/// Where VPC flow logs go.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FlowLogs {
    /// ARN of the bucket, with a folder when wanted (`arn:aws:s3:::bucket/folder`).
    #[schemars(regex(pattern = r"^arn:aws[a-z-]*:s3:::[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9!_.*'()/-]*)?$"))]
    pub bucket_arn: String,
}

/// What a VPC is attached to, and what it may reach.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TransitGateway {
    /// The Transit Gateway of this region, in the network account.
    #[schemars(regex(pattern = r"^tgw-[0-9a-f]{8,17}$"))]
    pub id: String,
    /// The one route table that tenants' attachments are associated with. It must never learn of a tenant.
    #[schemars(regex(pattern = r"^tgw-rtb-[0-9a-f]{8,17}$"))]
    pub spoke_route_table: String,
    /// Route tables that learn the VPC's block: those of the shared services.
    #[schemars(length(min = 1), inner(regex(pattern = r"^tgw-rtb-[0-9a-f]{8,17}$")), extend("uniqueItems" = true))]
    pub propagate_to: Vec<String>,
    /// Attachments that the spoke table may lead to. A route to any other attachment breaks isolation.
    #[serde(default)]
    #[schemars(inner(regex(pattern = r"^tgw-attach-[0-9a-f]{8,17}$")), extend("uniqueItems" = true))]
    pub shared_attachments: Vec<String>,
    /// Those of the shared attachments behind which an appliance drops traffic between tenants. It is your word: Berth
    /// cannot look inside. The spoke table may lead tenants' blocks there without a blackhole.
    #[serde(default)]
    #[schemars(inner(regex(pattern = r"^tgw-attach-[0-9a-f]{8,17}$")), extend("uniqueItems" = true))]
    pub filtering_attachments: Vec<String>,
    /// Blocks and managed prefix lists that private subnets reach through the Transit Gateway. A prefix list of the
    /// network account must be shared with the organization by RAM.
    #[serde(default)]
    #[schemars(extend("uniqueItems" = true))]
    pub routes: Vec<Destination>,
}

/// The schema of a list of IPv4 blocks.
pub(crate) fn blocks(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array",
        "uniqueItems": true,
        "items": { "type": "string", "pattern": r"^([0-9]{1,3}\.){3}[0-9]{1,3}/[0-9]{1,2}$" }
    })
}
