//! Tells what a commit changes before it is sent: it is written into the journal of each account.

use berth_contract::{CommitRequest, Wish};
use berth_step::{Intent, Lease, StepError};
use berth_tenancy::Thing;

use crate::{CommitRequestExt, CommitTenant, edit::left_out};

/// The function's name in the journal.
const STEP: &str = "commit-tenant";

/// What the commit does for a request whose file changes, a sentence for each thing.
pub(crate) fn sentences(request: &CommitRequest) -> Vec<String> {
    let path = request.path();
    let left_out = left_out(request).into_iter().map(|part| format!("leave out of {path}: {part}"));
    let line = match request.wish {
        Wish::Join | Wish::Check => format!("commit {path}"),
        Wish::Suspend => format!("suspend {} in {path}", request.run.account_id),
        Wish::Resume => format!("end the suspension of {} in {path}", request.run.account_id),
        Wish::Leave => format!("take {} out of {path}", request.run.account_id),
    };
    std::iter::once(line).chain(left_out).collect()
}

impl CommitTenant {
    /// Confirms the lease and writes into the account's journal what is about to be changed.
    pub(crate) async fn tell(&self, request: &CommitRequest, changes: Vec<String>) -> Result<(), StepError> {
        let file = Thing::File { path: request.path().to_string() };
        let gives = if request.wish == Wish::Leave { Vec::new() } else { vec![file] };
        self.ledger.begin(&request.run, &Intent { step: STEP, region: None, changes, gives, at: (self.now)() }).await
    }
}
