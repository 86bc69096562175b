//! The lease: one execution at a time may act on an account.

use berth_step::{Fault, Lease, StepError};
use berth_tenancy::{AccountId, Subject};
use jiff::Timestamp;

use crate::{Ledger, Record, Status, table::Change};

/// What asking for the lease answered.
#[derive(Debug, Clone, PartialEq)]
pub enum Taken {
    /// The execution has the lease, and the record says `running`.
    Yes(Box<Record>),
    /// Another execution has it: only when that one no longer runs may it be taken over.
    HeldBy(Holder),
}

/// Who has the lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// ARN of the execution.
    pub execution: String,
}

impl Ledger {
    /// Takes the lease for the subject's execution, when nobody has it, the execution itself has it, or `former` has
    /// it: a holder that the caller knows to have ended. Writes who is being onboarded in the same call.
    pub async fn take(&self, subject: &Subject, former: Option<&Holder>, now: Timestamp) -> Result<Taken, StepError> {
        let former = former.map_or(subject.execution.as_str(), |holder| holder.execution.as_str());
        let change = Change::when(
            "(attribute_not_exists(#lease) OR #lease = :lease OR #lease = :former) \
             AND (attribute_not_exists(#generation) OR #generation <= :generation)",
        )
        .set("accountId", &subject.account_id)?
        .set("accountName", &subject.account_name)?
        .set("tenant", &subject.tenant)?
        .set("environment", &subject.environment)?
        .set("status", Status::Running)?
        .set("generation", subject.generation)?
        .set("lease", &subject.execution)?
        .set("executionArn", &subject.execution)?
        .set("since", now)?
        .remove(&["reason", "failure"])
        .value("former", former)?;
        if let Some(record) = self.update(&subject.account_id, change).await? {
            return Ok(Taken::Yes(Box::new(record)));
        }
        let record = self.get(&subject.account_id).await?;
        if let Some(newer) = record.as_ref().filter(|record| record.generation > subject.generation) {
            let other = newer.execution_arn.as_deref().unwrap_or("a newer execution");
            return Err(superseded(subject, other));
        }
        match record.and_then(|record| record.lease) {
            Some(execution) => Ok(Taken::HeldBy(Holder { execution })),
            None => Err(StepError::new(Fault::Conflict, "the lease was released while it was being asked for")
                .for_account(&subject.account_id)),
        }
    }

    /// Marks that an execution was asked for, unless the account is further already.
    pub async fn request(
        &self,
        account: &AccountId,
        generation: u32,
        execution: &str,
        now: Timestamp,
    ) -> Result<(), StepError> {
        let change = Change::when("attribute_not_exists(#pk) OR #generation < :generation")
            .set("accountId", account)?
            .set("status", Status::Requested)?
            .set("generation", generation)?
            .set("executionArn", execution)?
            .set("since", now)?
            .remove(&["reason", "failure"]);
        self.update(account, change).await.map(|_| ())
    }
}

impl Lease for Ledger {
    /// One read. A failed execution keeps its lease until another takes it over, so one that is redriven still has it,
    /// and a step that outlives its failed execution can never take it back from a newer one.
    async fn confirm(&self, subject: &Subject) -> Result<(), StepError> {
        let record = self.get(&subject.account_id).await?;
        match record.and_then(|record| record.lease) {
            Some(holder) if holder == subject.execution => Ok(()),
            Some(holder) => Err(superseded(subject, &holder)),
            None => Err(superseded(subject, "a newer execution")),
        }
    }
}

/// The error of an execution that may no longer act.
fn superseded(subject: &Subject, other: &str) -> StepError {
    StepError::new(Fault::Superseded, format!("{other} has taken over this account from {}", subject.execution))
        .for_account(&subject.account_id)
        .next(format!("nothing: follow {other}"))
}
