//! Tells what a commit changes before it is sent: it is written into the journal of each account.

use berth_contract::{CommitRequest, Wish};
use berth_step::{Intent, Lease, StepError};
use berth_tenancy::{Effect, Mode, Origin, Planned, ResourceChange, Thing, UntaggedKind};

use crate::{CommitRequestExt, CommitTenant, edit::left_out};

/// The function's name in the journal.
const STEP: &str = "commit-tenant";

/// How the sentence of a part begins that a file has no room for.
const LEFT_OUT: &str = "leave out of ";

/// What the commit does for a request whose file changes, a sentence for each thing.
pub(crate) fn sentences(request: &CommitRequest) -> Vec<String> {
    let path = request.path();
    let left_out = left_out(request).into_iter().map(|part| format!("{LEFT_OUT}{path}: {part}"));
    let line = match request.wish {
        Wish::Join | Wish::Check => format!("commit {path}"),
        Wish::Suspend => format!("suspend {} in {path}", request.run.account_id),
        Wish::Resume => format!("end the suspension of {} in {path}", request.run.account_id),
        Wish::Leave => format!("take {} out of {path}", request.run.account_id),
    };
    std::iter::once(line).chain(left_out).collect()
}

/// The same in a plan, with all that is known of each change: they are all of one file, in one commit.
pub(crate) fn planned(request: &CommitRequest, sentences: &[String]) -> Planned {
    if request.run.mode != Mode::Plan {
        return Planned::default();
    }
    let place = Origin::of(STEP, &request.run, None);
    let told = |sentence: &String| ResourceChange::of(&place, effect(request, sentence), sentence);
    Planned::of(&place, sentences.iter().map(told).collect())
}

/// What the commit does to the tenant's file by one of its sentences: the account's entry, or a part that is left out of it.
fn effect(request: &CommitRequest, sentence: &str) -> Effect {
    let effect = Effect::changes(UntaggedKind::File, "git:Commit").id(request.path().to_string());
    let (environment, account) = (&request.run.environment, &request.run.account_id);
    let entry = format!("accounts.{environment}");
    match request.wish {
        _ if sentence.starts_with(LEFT_OUT) => effect.field(&entry, sentence, ()),
        Wish::Leave => effect.field(&entry, account, ()),
        Wish::Suspend => effect.field(&format!("{entry}.suspended"), (), true),
        Wish::Resume => effect.field(&format!("{entry}.suspended"), true, ()),
        Wish::Join | Wish::Check => effect.field(&entry, (), account),
    }
}

/// Refuses what the plan does not have that the run makes, and what a repair may not mend.
pub(crate) fn only_planned(request: &CommitRequest) -> Result<(), StepError> {
    if let Some(limit) = &request.run.repairs
        && let Some(sentence) = sentences(request).first()
        && !limit.has(&effect(request, sentence))
    {
        return Err(StepError::beyond_repair(limit, sentence));
    }
    let Some(limit) = &request.run.only_planned else { return Ok(()) };
    let place = Origin::of(STEP, &request.run, None);
    let sentences = sentences(request);
    let strange = sentences.iter().find(|sentence| !limit.has(&place, &effect(request, sentence)));
    strange.map_or(Ok(()), |sentence| Err(StepError::not_planned(limit, sentence)))
}

impl CommitTenant {
    /// Confirms the lease and writes into the account's journal what is about to be changed.
    pub(crate) async fn tell(&self, request: &CommitRequest, changes: Vec<String>) -> Result<(), StepError> {
        only_planned(request)?;
        let file = Thing::File { path: request.path().to_string() };
        let gives = if request.wish == Wish::Leave { Vec::new() } else { vec![file] };
        self.ledger.begin(&request.run, &Intent { step: STEP, region: None, changes, gives, at: (self.now)() }).await
    }
}
