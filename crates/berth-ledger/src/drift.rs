//! What a look at an account found, which no run did.

use berth_contract::Drift;
use berth_step::StepError;
use berth_tenancy::AccountId;
use jiff::Timestamp;

use crate::{Ledger, Status, table::Change};

impl Ledger {
    /// Writes what a look found that began at `began`, beside everything else that the record says. Answers whether it was
    /// written: not, when a run has worked on the account since, or does now, and not over a later look. Whatever the run left
    /// is another account than the one that was looked at.
    pub async fn record_drift(&self, account: &AccountId, drift: &Drift, began: Timestamp) -> Result<bool, StepError> {
        let change = Change::when(
            "#status = :onboarded AND #since < :began \
             AND (attribute_not_exists(#drift) OR #drift.#lookedAt < :lookedAt)",
        );
        let change = change.set("drift", drift)?.value("onboarded", Status::Onboarded)?;
        let change = change.value("began", began)?.value("lookedAt", drift.looked_at)?;
        Ok(self.update(account, change).await?.is_some())
    }
}
