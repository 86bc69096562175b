//! What the repository's errors mean for the state machine.

use berth_gitops::RepoError;
use berth_step::{Fault, StepError};
use berth_tenancy::{AccountId, wait};

/// Waits up to here fit into the pauses that the state machine makes for `Throttled`.
const THROTTLED_SECONDS_MAX: u64 = 90;

/// The fault of a batch that could not be committed, for one of its accounts.
pub(crate) fn of(error: &RepoError, account: &AccountId) -> StepError {
    of_nobody(error).for_account(account)
}

/// The same, where it is about no account.
pub(crate) fn of_nobody(error: &RepoError) -> StepError {
    let (fault, next) = match error {
        RepoError::LostRace { .. } | RepoError::AnswerLost { .. } => (
            Fault::Conflict,
            wait(
                "Berth reads the branch again and retries",
                "see what else pushes to the branch all the time, then redrive the execution",
            ),
        ),
        // The pauses of `Throttled` end after some minutes; a longer wait is asked for steadily, and the host remembers
        // that it was told to ask for nothing.
        RepoError::Throttled { retry_after_seconds: Some(seconds), .. } if *seconds > THROTTLED_SECONDS_MAX => (
            Fault::NotReady,
            wait(
                "the git host named a time to ask again",
                "redrive the execution when that time is over; a user of its own for Berth has limits of its own",
            ),
        ),
        RepoError::Transport { .. } | RepoError::Throttled { .. } => (
            Fault::Throttled,
            wait(
                "Berth asks the git server again with growing pauses",
                "see whether the git server is up and can be reached from the hub's network, then redrive the \
                     execution",
            ),
        ),
        RepoError::Unauthorized { .. } => (
            Fault::Denied,
            "renew the credentials in the secret of BERTH_GITOPS_SECRET, then redrive the execution".to_owned(),
        ),
        RepoError::Rejected { .. } => (
            Fault::Denied,
            "let Berth's user push to the branch (branch protection, hooks), then redrive the execution".to_owned(),
        ),
        RepoError::NotFound(_) => (
            Fault::InvalidInput,
            "check BERTH_GITOPS_URL and BERTH_GITOPS_BRANCH of the deployment, then redrive".to_owned(),
        ),
        RepoError::Refused { .. } => (
            Fault::Denied,
            "let Berth's user read the repository and push to it, or do what the server says, then redrive the execution"
                .to_owned(),
        ),
        RepoError::RefusedPath { .. } => {
            (Fault::NotOwned, "replace what is in the way by a regular file, then redrive the execution".to_owned())
        }
        RepoError::TooLarge { .. } | RepoError::Invalid(_) => {
            (Fault::InvalidInput, "correct what is named, then redrive the execution".to_owned())
        }
        _ => (Fault::Bug, "report this with the execution's history; running it again is safe".to_owned()),
    };
    StepError::new(fault, format!("the GitOps repository: {error}")).hint(next)
}
