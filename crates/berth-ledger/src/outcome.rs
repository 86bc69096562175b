//! How an execution ended, written once, and the lease released with it.

use std::collections::BTreeMap;

use berth_events::Failure;
use berth_step::StepError;
use berth_tenancy::{AccountId, Region, Subject};
use jiff::Timestamp;

use crate::{
    ClusterAccessRecord, CommitRecord, DefaultVpcRecord, Ledger, ReadinessRecord, RegionRecord, RoleRecord,
    SignInRecord, Status, table::Change,
};

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
        /// Default VPCs that are still there.
        default_vpcs: Vec<DefaultVpcRecord>,
        /// Groups that may sign in.
        sign_in: Vec<SignInRecord>,
        /// Access entries of the roles, by cluster.
        cluster_access: Vec<ClusterAccessRecord>,
        /// Whether the tenant was Ready on the clusters that were waited for.
        readiness: Vec<ReadinessRecord>,
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
    ///
    /// Announcements may come late and in any order, so an end without a lease must be later than what is written.
    /// (`since` is compared as text, which orders all times but those within one second.) A failure without a lease
    /// never hides that the account is onboarded.
    pub async fn finish(
        &self,
        account: &AccountId,
        execution: &str,
        ending: &Ending,
        now: Timestamp,
    ) -> Result<bool, StepError> {
        let change = match ending {
            Ending::Onboarded { run: _, regions, roles, default_vpcs, sign_in, cluster_access, readiness, commit } => {
                Change::when("#lease = :me")
                    .set("regions", regions)?
                    .set("roles", roles)?
                    .set("defaultVpcs", default_vpcs)?
                    .set("signIn", sign_in)?
                    .set("clusterAccess", cluster_access)?
                    .set("readiness", readiness)?
                    .set("commit", commit)?
                    .set("executionArn", execution)?
                    .set("status", Status::Onboarded)?
                    .remove(&["lease", "failure", "reason"])
            }
            Ending::Failed(failure) => Change::when(
                "#lease = :me OR attribute_not_exists(#status) OR (#status = :requested AND #executionArn = :me) \
                 OR ((#status = :status OR #status = :ignored) AND #since < :since)",
            )
            .set("accountId", account)?
            .set("failure", failure)?
            .set("executionArn", execution)?
            .set("status", Status::Failed)?
            .set_if_absent("generation", 1)?
            .remove(&["reason"])
            .value("requested", Status::Requested)?
            .value("ignored", Status::Ignored)?,
            Ending::Ignored { reason } => Change::when(
                "#lease = :me OR attribute_not_exists(#status) OR (#status = :requested AND #executionArn = :me) \
                 OR (#status <> :running AND #status <> :requested AND #since < :since)",
            )
            .set("accountId", account)?
            .set("reason", reason)?
            .set("executionArn", execution)?
            .set("status", Status::Ignored)?
            .set_if_absent("generation", 1)?
            .remove(&["lease", "failure"])
            .value("requested", Status::Requested)?
            .value("running", Status::Running)?,
        };
        let change = change.set("since", now)?.value("me", execution)?;
        Ok(self.update(account, change).await?.is_some())
    }
}
