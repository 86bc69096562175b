//! Bounds that an account's plan must keep, each in one place: `berth validate`, the CRD and the tests read them here.

/// Regions of an account: those that AWS enables by default. More would not fit the history of an execution whose every
/// wait is used up and that is redriven twice (docs/decisions/0030).
pub const REGIONS_MAX: usize = 17;

/// Accounts of a tenant on one cluster, so environments on it.
pub const TENANT_ACCOUNTS_MAX: usize = 8;

/// Roles of an account that may do something on its cluster.
pub const ACCESS_ROLES_MAX: usize = 32;

/// Roles of a tenant that may do something on one cluster: those of all its accounts there.
pub const ACCESS_MAX: usize = TENANT_ACCOUNTS_MAX * ACCESS_ROLES_MAX;

/// Roles of an account that pods of one service account get.
pub const WORKLOADS_MAX: usize = 16;

/// Owners of a tenant.
pub const OWNERS_MAX: usize = 32;

/// Blocks that a tenant's pods may reach: by default the VPCs of all its accounts on the cluster.
pub const EGRESS_CIDRS_MAX: usize = TENANT_ACCOUNTS_MAX * REGIONS_MAX;

/// Extensions of an environment: the history of an execution has room for the waits of no more (tests/tests/contract).
pub const EXTENSIONS_MAX: usize = 3;

/// Changes that an extension may tell, and characters of each: a plan, and the output of a run, have all of them.
pub const EXTENSION_CHANGES_MAX: usize = 20;
/// See [`EXTENSION_CHANGES_MAX`].
pub const EXTENSION_CHARS_MAX: usize = 200;

/// Bytes that a state of a state machine takes, and gives on. [Step Functions quotas, "Maximum input or output size"]
pub const PAYLOAD_BYTES_MAX: usize = 256 * 1024;
