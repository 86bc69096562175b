//! Nouns and rules of a tenancy, without I/O: account ids, names, the plan, the address plan.
//!
//! ```
//! use berth_tenancy::{AccountId, TenantName, TierPlan, TierRouting, subnet_blocks};
//!
//! assert!("1234".parse::<AccountId>().is_err());
//! assert!("Payments".parse::<TenantName>().is_err(), "a name that DNS and IAM take");
//!
//! let tier = TierPlan { name: "private".to_owned(), prefix_length: 22, routing: TierRouting::Private };
//! let zones = ["euw1-az1".to_owned(), "euw1-az2".to_owned()];
//! let blocks = subnet_blocks("10.1.0.0/20".parse()?, &zones, &[tier], &[], &[])?;
//! let blocks: Vec<String> = blocks.iter().map(|block| block.cidr.to_string()).collect();
//! assert_eq!(blocks, ["10.1.0.0/22", "10.1.4.0/22"]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![warn(missing_docs)]

mod access;
mod approval;
mod arn;
mod baseline;
mod blocks;
mod destination;
mod digest;
mod drift;
mod effect;
mod extension;
mod hint;
mod identity;
mod ids;
mod inventory;
mod left_over_tags;
pub mod limits;
mod offboarding;
mod partition;
mod path;
mod plan;
mod plan_limit;
mod planned;
mod pods;
mod removal;
mod repair;
mod resource_change;
mod schema;
mod sign_in;
mod subnets;
mod tags;
mod trust;

pub use access::Access;
pub use approval::{ApprovalPlan, ApprovedBy, Ask};
pub use arn::{RoleName, role_arn};
pub use baseline::{
    AccountBaselinePlan, BackupPlan, BackupRule, BackupTag, BaselinePart, BaselinePlan, ConfigFrequency, ConfigPlan,
    ConfigRule, ConfigScope, EbsEncryption, RecorderPlan, SnapshotSharing,
};
pub use blocks::{overlap, uncovered};
pub use destination::Destination;
pub use digest::{canonical_json, digest, short_digest};
pub use drift::{DriftedChange, Standing};
pub use effect::{Action, ChangedKind, Effect, FieldChange, Origin, PLACEHOLDER, UntaggedKind};
pub use extension::{Extension, ExtensionArn, ExtensionKind, ExtensionPoint, ExtensionsPlan};
pub use hint::{after_waiting, wait};
pub use identity::{
    Binding, Claim, GIVEN_BOUNDARY, GIVEN_CLUSTER, GIVEN_ENTRIES, GIVEN_FILE, GIVEN_ROLE, Identity, IdentityDifference,
    JOIN_CHANGE, RECORD_CHANGE, TenantSource, TransferPlan, cluster_of_path,
};
pub use ids::{AccountId, ClusterName, EnvironmentName, Invalid, OrganizationalUnitId, Region, TenantName};
pub use inventory::{Given, LeftOver, LeftOverPolicy, LeftOvers, Thing, ToldChange};
pub use left_over_tags::{LeftOverTags, UNTAG_CHANGE};
pub use offboarding::{Departure, Freeze, OffboardingPlan, OffboardingScope, RegionRemoval};
pub use partition::Partition;
pub use path::tenant_path;
pub use plan::{
    Addresses, Admission, BoundaryPlan, ClusterAccount, ClusterPlan, DefaultVpc, Delivery, GitOpsPlan, Mode,
    NetworkPlan, Plan, RegionPlan, RolePlan, RoleTrust, RolesPlan, Subject, TierPlan, TierRouting, TransitGatewayPlan,
};
pub use plan_limit::PlanLimit;
pub use planned::{PLANNED_CHANGES_MAX, PlannedChange};
pub use pods::{PodIdentityPlan, Pods, WorkloadPlan};
pub use removal::Removal;
pub use repair::RepairLimit;
pub use resource_change::{Counts, Planned, ResourceChange, StepSummary};
pub use schema::without_formats;
pub use sign_in::{AssignmentPlan, SignInPlan};
pub use subnets::{SubnetBlock, SubnetPlanError, subnet_blocks};
pub use tags::{
    ORGANIZATION_TAGS_MAX, OrganizationTags, ResourceKind, TAG_ACCOUNT, TAG_MANAGED_BY, TAG_MANAGED_BY_VALUE,
    TAG_TENANT, Tags,
};
pub use trust::trust_document;
