//! How an execution ended, written once, and the lease released with it.

use std::collections::BTreeMap;

use berth_events::Failure;
use berth_step::StepError;
use berth_tenancy::{AccountId, Region, Subject};
use jiff::Timestamp;

use crate::{CommitRecord, Ledger, RegionRecord, RoleRecord, Status, table::Change};

/// How an execution ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Ending {
    /// The account's team can deploy.
    Onboarded {
        /// Who was onboarded.
        run: Box<Subject>,
        /// Networks by region.
        regions: BTreeMap<Region, RegionRecord>,
        /// Roles of the tenant.
        roles: Vec<RoleRecord>,
        /// Where the custom resource is.
        commit: Box<CommitRecord>,
    },
    /// The account is not ours to onboard.
    Ignored {
        /// Why.
        reason: String,
    },
    /// The execution failed.
    Failed(Failure),
}

impl Ledger {
    /// Writes how `execution` ended and releases its lease. Answers whether it was written: a second announcement of
    /// the same ending, or one of an execution that no longer counts, changes nothing.
    pub async fn finish(
        &self,
        account: &AccountId,
        execution: &str,
        ending: &Ending,
        now: Timestamp,
    ) -> Result<bool, StepError> {
        let change = match ending {
            Ending::Onboarded { run: _, regions, roles, commit } => Change::new(
                "SET #status = :status, since = :now, regions = :regions, roles = :roles, #commit = :commit \
                 REMOVE lease, failure, reason",
                "lease = :me",
            )
            .name("#commit", "commit")
            .value(":status", Status::Onboarded)?
            .value(":regions", regions)?
            .value(":roles", roles)?
            .value(":commit", commit)?,
            Ending::Failed(failure) => Change::new(
                "SET accountId = :account, #status = :status, since = :now, failure = :failure, executionArn = :me, \
                 generation = if_not_exists(generation, :first) REMOVE lease, reason",
                "lease = :me OR (attribute_not_exists(lease) AND (attribute_not_exists(#status) \
                 OR #status = :requested OR (#status = :status AND executionArn <> :me)))",
            )
            .value(":account", account)?
            .value(":first", 1)?
            .value(":requested", Status::Requested)?
            .value(":status", Status::Failed)?
            .value(":failure", failure)?,
            Ending::Ignored { reason } => Change::new(
                "SET accountId = :account, #status = :status, since = :now, reason = :reason, executionArn = :me, \
                 generation = if_not_exists(generation, :first) REMOVE failure",
                "attribute_not_exists(lease) AND (attribute_not_exists(#status) OR #status <> :status \
                 OR executionArn <> :me)",
            )
            .value(":account", account)?
            .value(":first", 1)?
            .value(":status", Status::Ignored)?
            .value(":reason", reason)?,
        };
        let change = change.name("#status", "status").value(":me", execution)?.value(":now", now)?;
        Ok(self.update(account, change).await?.is_some())
    }
}
