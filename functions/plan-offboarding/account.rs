//! Whether the account can still be entered.

use aws_sdk_organizations::Client;
use berth_aws::{CallResultExt, SdkResultExt};
use berth_step::{Fault, StepError};
use berth_tenancy::AccountId;

/// What Organizations says about the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It lives: its roles can be assumed.
    Active,
    /// It is closed, or being closed: nobody can enter it, and AWS keeps what is in it for 90 days.
    Closed,
    /// It is not in the organization any more.
    Gone,
}

/// Reads the account. [Organizations `DescribeAccount`]
pub(crate) async fn read(organizations: &Client, account: &AccountId) -> Result<Standing, StepError> {
    let sent = organizations.describe_account().account_id(account.as_str()).send().await;
    let sent = sent.named("organizations:DescribeAccount").none_if(&["AccountNotFoundException"]).or_common()?;
    match sent.and_then(|answer| answer.account) {
        None => Ok(Standing::Gone),
        Some(described) => of_state(described.state().map_or("", |state| state.as_str())),
    }
}

/// What a state means. One that nobody knows is an error: the two ways of an offboarding differ too much to guess.
pub fn of_state(state: &str) -> Result<Standing, StepError> {
    match state {
        "ACTIVE" => Ok(Standing::Active),
        "SUSPENDED" | "PENDING_CLOSURE" | "CLOSED" => Ok(Standing::Closed),
        unknown => Err(StepError::new(
            Fault::InvalidInput,
            format!("Organizations reports the account's state as {unknown:?}, which is not known"),
        )
        .hint("look at `aws organizations describe-account`; offboard the account once it is ACTIVE, or closed")),
    }
}
