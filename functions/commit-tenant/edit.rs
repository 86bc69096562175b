//! The edit of one batch: every account joins its tenant's file or leaves it, and each gets its own verdict. Pure.

use std::collections::{BTreeMap, BTreeSet};

use berth_contract::{CommitRequest, Wish};
use berth_crd::{
    CrError, Leaving, Left, Violation, bare_booleans, is_suspended, is_tenant, join, leave, suspend, validate,
};
use berth_gitops::{Change, Edit, RepoPath, Snapshot, Stray};
use berth_step::{Fault, StepError};
use berth_tenancy::AccountId;

use crate::{CommitRequestExt, request::NOT_MADE_YET};

/// What the edit made of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Not looked at yet.
    Pending,
    /// Its file changes.
    Changed,
    /// Its file says so already, byte for byte.
    Unchanged,
}

/// A request that was allowed but never looked at: no commit was tried.
pub(crate) fn unfinished<T>(_: Verdict) -> Result<T, StepError> {
    Err(StepError::new(Fault::Bug, "a batch without paths had an allowed request"))
}

/// Brings every allowed request into its tenant's file, or out of it. A request that cannot be gets its own error and changes
/// nothing; one that only plans is judged but not written. `None` for requests that were not allowed.
#[must_use]
pub fn edit(
    snapshot: &Snapshot,
    requests: &[&CommitRequest],
    allowed: &[bool],
) -> (Edit, Vec<Option<Result<Verdict, StepError>>>) {
    let mut files: Files = BTreeMap::new();
    let mut taking_part = Vec::new();
    let mut verdicts = Vec::new();
    for (request, allowed) in requests.iter().zip(allowed) {
        if !allowed {
            verdicts.push(None);
            continue;
        }
        let verdict = edit_one(snapshot, &files, request).map(|text| {
            let there = current(snapshot, &files, &request.path());
            if there.is_ok_and(|there| there == text) {
                return Verdict::Unchanged;
            }
            if request.writes() {
                files.insert(request.path(), text);
                taking_part.push(*request);
            }
            Verdict::Changed
        });
        verdicts.push(Some(verdict.map_err(|error| error.for_account(&request.run.account_id))));
    }
    let changes = files.into_iter().map(|(path, text)| match text {
        Some(text) => Change::Write { path, bytes: text.into_bytes() },
        None => Change::Delete { path },
    });
    (Edit { changes: changes.collect(), message: message(&taking_part) }, verdicts)
}

/// Whether each request's account is suspended in its tenant's file once this edit of it is made. Of a file that cannot be
/// read its verdict has said so.
pub(crate) fn suspensions(snapshot: &Snapshot, edit: &Edit, requests: &[&CommitRequest]) -> Vec<bool> {
    let is_suspended = |request: &&CommitRequest| {
        let path = request.path();
        let bytes = match edit.changes.iter().find(|change| *change.path() == path) {
            Some(Change::Write { bytes, .. }) => Some(bytes.as_slice()),
            Some(Change::Delete { .. }) => None,
            None => snapshot.bytes(&path).ok().flatten(),
        };
        let text = bytes.and_then(|bytes| std::str::from_utf8(bytes).ok());
        text.is_some_and(|text| is_suspended(text, &request.leaving()).unwrap_or_default())
    };
    requests.iter().map(is_suspended).collect()
}

/// Files that a batch changes; none for one that goes.
type Files = BTreeMap<RepoPath, Option<String>>;

/// The file as the requests before this one leave it.
fn current(snapshot: &Snapshot, files: &Files, path: &RepoPath) -> Result<Option<String>, StepError> {
    if let Some(text) = files.get(path) {
        return Ok(text.clone());
    }
    let bytes = snapshot.bytes(path).map_err(|refusal| {
        StepError::new(Fault::NotOwned, format!("{path} in the GitOps repository is refused: {refusal}"))
            .hint("replace it by a regular file, or remove it; then redrive the execution")
    })?;
    let text = bytes.map(|bytes| String::from_utf8(bytes.to_vec())).transpose();
    text.map_err(|error| {
        StepError::new(Fault::NotOwned, format!("{path} in the GitOps repository is not UTF-8 text"))
            .hint("restore the file from the repository's history, then redrive the execution")
            .because(error)
    })
}

/// The tenant's file as the request wants it, checked against the CRD; none when no account is left in it.
fn edit_one(snapshot: &Snapshot, files: &Files, request: &CommitRequest) -> Result<Option<String>, StepError> {
    let path = request.path();
    let existing = current(snapshot, files, &path)?;
    if existing.is_none() && !files.contains_key(&path) {
        not_moved(snapshot, &path, request)?;
    }
    let text = match (request.wish, existing.as_deref()) {
        (Wish::Join | Wish::Check, there) => {
            let there = without_old_entry(request, there)
                .map_err(|error| cannot_join(error, &path, &request.run.account_id))?;
            join(there.as_deref(), &request.entry()?).and_then(|text| suspended(request, text))
        }
        (_, None) => return Ok(None),
        (wish, Some(text)) => {
            let leaving = request.leaving();
            let left = match wish {
                Wish::Leave => leave(text, &leaving),
                wish => suspend(text, &leaving, wish == Wish::Suspend),
            };
            match left {
                Ok(Left::Removed) => return Ok(None),
                Ok(Left::Unchanged) => return Ok(existing),
                Ok(Left::Changed(text)) => Ok(text),
                Err(error) => Err(error),
            }
        }
    };
    let text = text.map_err(|error| cannot_join(error, &path, &request.run.account_id))?;
    // What is not made yet has placeholders for the ids that only AWS can give; everything else must be right.
    let checked = if request.writes() { text.clone() } else { text.replace(NOT_MADE_YET, "00000000") };
    let mut violations = validate(&checked, existing.as_deref()).err().unwrap_or_default();
    if violations.is_empty() {
        violations = people_wrote(request.wish, existing.as_deref());
    }
    if violations.is_empty() {
        return Ok(Some(text));
    }
    let list: Vec<String> = violations.iter().map(ToString::to_string).collect();
    Err(StepError::new(
        Fault::InvalidInput,
        format!("the custom resource at {path} breaks its CRD: {}", list.join("; ")),
    )
    .hint(
        "correct the file in the GitOps repository and redrive the execution, or correct the account's tags or \
         platform.yaml",
    ))
}

/// Words in the file that only some readers take for Booleans, by its own lines. They are in nobody's way who leaves, or who is
/// suspended.
fn people_wrote(wish: Wish, existing: Option<&str>) -> Vec<Violation> {
    let joins = matches!(wish, Wish::Join | Wish::Check);
    existing.filter(|_| joins).map(bare_booleans).unwrap_or_default()
}

/// The file as a transfer finds it, which takes the account out of another environment of the same tenant before it joins: a
/// plan of it looks past that entry.
fn without_old_entry(request: &CommitRequest, there: Option<&str>) -> Result<Option<String>, CrError> {
    let Some((text, environment)) = there.zip(request.git_ops.leaves.as_ref().filter(|_| !request.writes())) else {
        return Ok(there.map(str::to_owned));
    };
    let leaving = Leaving { environment: environment.clone(), ..request.leaving() };
    Ok(match leave(text, &leaving)? {
        Left::Unchanged => Some(text.to_owned()),
        Left::Changed(text) => Some(text),
        Left::Removed => None,
    })
}

/// The file with the account suspended in it, where a person suspended it: no run of the onboarding ends that.
fn suspended(request: &CommitRequest, text: String) -> Result<String, CrError> {
    if !request.is_suspended {
        return Ok(text);
    }
    match suspend(&text, &request.leaving(), true)? {
        Left::Changed(text) => Ok(text),
        Left::Unchanged | Left::Removed => Ok(text),
    }
}

/// Refuses to write a tenant's file a second time when a person moved it: two of one name stop a whole folder of Flux.
fn not_moved(snapshot: &Snapshot, path: &RepoPath, request: &CommitRequest) -> Result<(), StepError> {
    let tenant = &request.run.tenant;
    let is_it = |stray: &&Stray| std::str::from_utf8(&stray.bytes).is_ok_and(|text| is_tenant(text, tenant));
    let Some(Stray { path: moved, .. }) = snapshot.elsewhere.get(path).into_iter().flatten().find(is_it) else {
        return Ok(());
    };
    let what = format!("the Tenant {tenant} is in {moved} of the GitOps repository, and Berth keeps it in {path}");
    let next =
        format!("move it back (git mv {moved} {path}), or remove it when it is a copy; then berth replay ACCOUNT");
    Err(StepError::new(Fault::InvalidInput, what).hint(next))
}

fn cannot_join(error: CrError, path: &RepoPath, account: &AccountId) -> StepError {
    let fault = match &error {
        error if error.is_not_owned() => Fault::NotOwned,
        CrError::Unwritable(_) => Fault::Bug,
        _ => Fault::InvalidInput,
    };
    let hint = not_joined(&error, account);
    StepError::new(fault, format!("{path} in the GitOps repository: {error}")).hint(hint).because(error)
}

/// What to do about a file that does not take the account. Whoever writes an account into a file that refuses it may give
/// it to another team, so no hint leads there.
fn not_joined(error: &CrError, account: &AccountId) -> String {
    match error {
        CrError::OtherAccount { .. } => format!(
            "another account is the tenant's environment, and stays: give this one a tenant of its own by its tag \
             berth:tenant, then berth replay {account} --new; or, if it replaces the other one, offboard that one first: \
             berth offboard"
        ),
        CrError::OtherEnvironment { expected, .. } => format!(
            "if {expected} is right, put the account's environment back to it in the file, in a change that its owners \
             review; if not, undo what makes the account {expected} (its organizational unit); then berth replay \
             {account} --new"
        ),
        // The path has the cluster of platform.yaml, so of the two only the file can be wrong.
        CrError::OtherCluster { expected, .. } => format!(
            "put spec.placement.cluster back to {expected}, in whose folder the file is, in a change that its owners \
             review; then berth replay {account} --new; a tenant changes clusters by `cluster` of its environment in \
             platform.yaml, and by berth transfer"
        ),
        CrError::NotThisTenant { .. } => {
            "find out whose file it is and move it elsewhere in the repository; then redrive the execution".to_owned()
        }
        _ => "mend what is named in the file, in a change that its owners review, and add no account to it; then redrive \
              the execution"
            .to_owned(),
    }
}

/// The commit's message: what it does, and a trailer for each account and execution, so that a commit leads back to
/// the onboarding.
pub(crate) fn message(requests: &[&CommitRequest]) -> String {
    let wishes: BTreeSet<Wish> = requests.iter().map(|request| request.wish).collect();
    let verb = match wishes.first() {
        Some(_) if wishes.len() > 1 => "Change",
        Some(Wish::Suspend) => "Suspend",
        Some(Wish::Resume) => "Resume",
        Some(Wish::Leave) => "Offboard",
        Some(Wish::Join | Wish::Check) | None => "Onboard",
    };
    let subject = match requests {
        [one] => format!("{verb} {} ({})", one.run.tenant, one.run.environment),
        many => format!("{verb} {} accounts", many.len()),
    };
    let mut text = format!("{subject}\n\n");
    let of_one = |request: &&CommitRequest| {
        let (tenant, environment) = (request.run.tenant.clone(), request.run.environment.clone());
        left_out(request).into_iter().map(move |part| format!("Left out of {tenant} ({environment}): {part}.\n"))
    };
    let notes: String = requests.iter().flat_map(of_one).collect();
    if !notes.is_empty() {
        text.push_str(&notes);
        text.push('\n');
    }
    for request in requests {
        let run = &request.run;
        text.push_str("Berth-Account: ");
        text.push_str(run.account_id.as_str());
        text.push_str("\nBerth-Execution: ");
        text.push_str(&run.execution);
        text.push('\n');
    }
    text
}

/// What of the account its custom resource cannot hold. An entry that cannot be made is told elsewhere.
pub(crate) fn left_out(request: &CommitRequest) -> Vec<String> {
    if request.wish != Wish::Join {
        return Vec::new();
    }
    request.entry().map(|entry| entry.left_out()).unwrap_or_default()
}
