//! What the repository's errors mean for the state machine.

use berth_gitops::RepoError;
use berth_step::{Fault, StepError};
use berth_tenancy::AccountId;

/// Waits up to here fit into the pauses that the state machine makes for `Throttled`.
const THROTTLED_SECONDS_MAX: u64 = 90;

/// The fault of a batch that could not be committed, for one of its accounts.
pub(crate) fn of(error: &RepoError, account: &AccountId) -> StepError {
    of_nobody(error).for_account(account)
}

/// The same, where it is about no account.
pub(crate) fn of_nobody(error: &RepoError) -> StepError {
    let (fault, next) = match error {
        RepoError::LostRace { .. } | RepoError::AnswerLost { .. } => {
            (Fault::Conflict, "nothing yet: Berth looks again and retries")
        }
        // The pauses of `Throttled` end after some minutes; a longer wait is asked for steadily, and the host remembers
        // that it was told to ask for nothing.
        RepoError::Throttled { retry_after_seconds: Some(seconds), .. } if *seconds > THROTTLED_SECONDS_MAX => (
            Fault::NotReady,
            "nothing yet: Berth asks again; redrive the execution if this takes longer than 20 minutes",
        ),
        RepoError::Transport { .. } | RepoError::Throttled { .. } => {
            (Fault::Throttled, "nothing yet: Berth asks the git server again with growing pauses")
        }
        RepoError::Unauthorized { .. } => {
            (Fault::Denied, "renew the credentials in the secret of BERTH_GITOPS_SECRET, then redrive the execution")
        }
        RepoError::Rejected { .. } => (
            Fault::Denied,
            "let Berth's user push to the branch (branch protection, hooks), then redrive the execution",
        ),
        RepoError::Refused { .. } => (
            Fault::Denied,
            "let Berth's user read the repository and push to it, or do what the server says, then redrive the execution",
        ),
        RepoError::NotFound(_) => {
            (Fault::InvalidInput, "check BERTH_GITOPS_URL and BERTH_GITOPS_BRANCH of the deployment, then redrive")
        }
        RepoError::RefusedPath { .. } => {
            (Fault::NotOwned, "replace what is in the way by a regular file, then redrive the execution")
        }
        RepoError::TooLarge { .. } | RepoError::Invalid(_) => {
            (Fault::InvalidInput, "correct what is named, then redrive the execution")
        }
        _ => (Fault::Bug, "report this with the execution's history; running it again is safe"),
    };
    StepError::new(fault, format!("the GitOps repository: {error}")).next(next)
}
