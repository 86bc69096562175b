//! The lease: one execution at a time may act on an account.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::CancellationReason;
use berth_step::{Fault, StepError};
use berth_tenancy::{AccountId, Claim, Identity, Subject};
use jiff::Timestamp;

use crate::{
    Bound, JournalBatch, Ledger, Record, Status,
    binding::{claim, claim_key, read_claim},
    journal::inventory,
    table::{Change, key, read},
};

/// What asking for the lease answered.
#[derive(Debug, Clone, PartialEq)]
pub enum Acquisition {
    /// The execution has the lease, the record says `running`, and the account is who the binding says.
    Acquired,
    /// Another execution has it: only when that one no longer runs may it be taken over.
    HeldBy(Holder),
    /// Another account is the tenant's in this environment. Nothing was written.
    Claimed(Claim),
}

/// Who has the lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// ARN of the execution.
    pub execution: String,
    /// Whether it waits for an approval of its plan. It has changed nothing then: whoever takes the account away needs not
    /// wait with it.
    pub waits: bool,
}

impl Ledger {
    /// Acquires the lease for the subject's execution, when nobody has it, the execution itself has it, or `expected` has
    /// it: a holder that the caller knows to have ended. Writes who is being onboarded, and claims the binding's tenant
    /// and environment, in the same transaction.
    ///
    /// When the binding is not the one that the caller compared the plan with, the answer is `Conflict`, and the comparison
    /// is made anew. [DynamoDB `TransactWriteItems`]
    pub async fn acquire(
        &self,
        subject: &Subject,
        bound: &Bound,
        expected: Option<&Holder>,
        now: Timestamp,
    ) -> Result<Acquisition, StepError> {
        let (account, Bound { binding, released, .. }) = (&subject.account_id, bound);
        let claimed = claim(account, binding)?
            .of_item(&self.table, claim_key(&binding.identity.tenant, &binding.identity.environment))?;
        let leased = lease(subject, bound, expected, now)?.of_item(&self.table, key(account))?;
        let mut items = vec![leased, claimed];
        // Where only names differ, the place stays the account's.
        let is_same = |was: &&Identity| {
            (&was.tenant, &was.environment) == (&binding.identity.tenant, &binding.identity.environment)
        };
        if let Some(was) = released.as_ref().filter(|was| !is_same(was)) {
            items.push(self.unclaim(account, was)?);
        }
        let written = self.write(items).await.map_err(|error| error.for_account(account))?;
        let Some(reasons) = written else { return Ok(Acquisition::Acquired) };
        Refusal::read(reasons).and_then(|refusal| refusal.explain(subject)).map_err(|error| error.for_account(account))
    }

    /// Marks that an execution was asked for, unless the account is further already; answers whether it was marked by this.
    pub async fn request(
        &self,
        account: &AccountId,
        generation: u32,
        execution: &str,
        now: Timestamp,
    ) -> Result<bool, StepError> {
        let change = Change::when("attribute_not_exists(#pk) OR #generation < :generation")
            .set("accountId", account)?
            .set("status", Status::Requested)?
            .set("generation", generation)?
            .set("executionArn", execution)?
            .set("requestedExecution", execution)?
            .set("since", now)?
            .remove(&["reason", "failure"]);
        self.update(account, change).await.map(|written| written.is_some())
    }
}

/// The change of the account's record that acquires the lease.
fn lease(subject: &Subject, bound: &Bound, expected: Option<&Holder>, now: Timestamp) -> Result<Change, StepError> {
    let Bound { binding, seen, given, resumes, onboarded_since, is_new: _, released } = bound;
    // A run that has not ended well is gone on with, by a redrive or by another execution: so is its journal.
    let journal_goes_on = *resumes || expected.is_some();
    let expected = expected.map_or(subject.execution.as_str(), |holder| holder.execution.as_str());
    let change = match seen {
        None => Change::when(
            "(attribute_not_exists(#lease) OR #lease = :lease OR #lease = :expected) \
             AND (attribute_not_exists(#generation) OR #generation <= :generation) \
             AND attribute_not_exists(#binding)",
        ),
        Some(revision) => Change::when(
            "(attribute_not_exists(#lease) OR #lease = :lease OR #lease = :expected) \
             AND (attribute_not_exists(#generation) OR #generation <= :generation) \
             AND #binding.#revision = :revision",
        )
        .value("revision", revision)?,
    };
    let empty = BTreeMap::<String, JournalBatch>::new();
    let change = if journal_goes_on {
        change.set_if_absent("journal", empty)?.set_if_absent("journalBytes", 0)?
    } else {
        change.set("journal", empty)?.set("journalBytes", 0)?.remove(&["journalIsCut"])
    };
    let change = match onboarded_since {
        // Whoever it becomes was not onboarded yet, and nobody heard of it.
        _ if released.is_some() => change.remove(&["onboardedSince", "announced", "drift"]),
        Some(since) => change.set_if_absent("onboardedSince", since)?.set_if_absent("announced", Status::Onboarded)?,
        None => change,
    };
    // Before the first is given, so that no crash loses one.
    let tags = subject.given_tags();
    let change = if tags.is_empty() { change } else { change.set("tags", tags)? };
    // An execution that goes on keeps what people have answered it.
    let change = if *resumes { change } else { change.remove(&["approval"]) };
    change
        .set_if_absent("inventory", inventory(given.iter().cloned()))?
        .set("accountId", &subject.account_id)?
        .set("accountName", &subject.account_name)?
        .set("tenant", &subject.tenant)?
        .set("environment", &subject.environment)?
        .set("binding", binding)?
        .set("status", Status::Running)?
        .set("generation", subject.generation)?
        .set("lease", &subject.execution)?
        .set("executionArn", &subject.execution)?
        .set("since", now)?
        .remove(&["reason", "failure", "part", "accessRemoved"])
        .value("expected", expected)
}

/// Why neither the record nor the claim was written: the items that did not fit, as they are.
#[derive(Debug, Default)]
struct Refusal {
    /// The account's record, when its condition did not hold.
    record: Option<Box<Record>>,
    /// The claim, when another account has it.
    claim: Option<Claim>,
}

impl Refusal {
    /// Reads the reasons, which are in the order of the items: the record, the claim.
    fn read(reasons: Vec<CancellationReason>) -> Result<Self, StepError> {
        let mut refusal = Self::default();
        for (index, reason) in reasons.into_iter().enumerate() {
            match (index, reason.item) {
                (0, Some(item)) => refusal.record = Some(Box::new(read(item)?)),
                (1, Some(item)) => refusal.claim = Some(read_claim(item)?),
                _ => {}
            }
        }
        Ok(refusal)
    }

    /// What it means for the subject.
    fn explain(self, subject: &Subject) -> Result<Acquisition, StepError> {
        let changed = || StepError::new(Fault::Conflict, "the account's record changed while the lease was asked for");
        let Some(record) = self.record else {
            return self.claim.map(Acquisition::Claimed).ok_or_else(changed);
        };
        if record.generation > subject.generation {
            return Err(superseded(subject, record.execution_arn.as_deref().unwrap_or("a newer execution")));
        }
        match record.lease {
            Some(execution) if execution != subject.execution => {
                Ok(Acquisition::HeldBy(Holder { execution, waits: false }))
            }
            _ => Err(changed()),
        }
    }
}

impl Ledger {
    /// Succeeds when the subject's execution may act on the account; otherwise `Superseded`. [DynamoDB `GetItem`]
    pub async fn confirm(&self, subject: &Subject) -> Result<(), StepError> {
        let record = self.get(&subject.account_id).await?;
        match record.and_then(|record| record.lease) {
            Some(holder) if holder == subject.execution => Ok(()),
            Some(holder) => Err(superseded(subject, &holder)),
            None => Err(superseded(subject, "a newer execution")),
        }
    }
}

/// The error of an execution that may no longer act.
pub(crate) fn superseded(subject: &Subject, other: &str) -> StepError {
    StepError::new(Fault::Superseded, format!("{other} has taken over this account from {}", subject.execution))
        .for_account(&subject.account_id)
        .hint(format!("nothing: follow {other}"))
}
