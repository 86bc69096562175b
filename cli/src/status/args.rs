//! The arguments of `berth status`.

use berth_ledger::Status;
use berth_tenancy::{AccountId, EnvironmentName};
use clap::{Args, ValueEnum};

#[derive(Debug, Args)]
pub(crate) struct StatusArgs {
    /// The account; all accounts when it is left out.
    pub(crate) account: Option<AccountId>,
    /// Only accounts with this status; may be repeated.
    #[arg(long, value_parser = status, conflicts_with = "account")]
    pub(crate) status: Vec<Status>,
    /// Only accounts of this environment.
    #[arg(long, conflicts_with = "account")]
    pub(crate) environment: Option<EnvironmentName>,
    /// By what the list is sorted; by age the newest is first.
    #[arg(long, value_enum, default_value_t = SortBy::Account, conflicts_with = "account")]
    pub(crate) sort: SortBy,
    /// At most so many accounts, the first ones by `--sort`.
    #[arg(long, value_name = "COUNT", conflicts_with = "account")]
    pub(crate) limit: Option<usize>,
    /// Only onboarded accounts that have drifted from their plan, or of which nobody could see whether they have.
    #[arg(long, conflicts_with = "account")]
    pub(crate) drifted: bool,
    /// Keeps looking: of one account until it is done or has failed, of all until Ctrl-C.
    #[arg(long)]
    pub(crate) watch: bool,
}

/// By what a list of accounts is sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SortBy {
    Account,
    Age,
    Environment,
    Status,
    Tenant,
}

/// A status by its name.
fn status(text: &str) -> Result<Status, String> {
    Status::ALL.into_iter().find(|status| status.name() == text).ok_or_else(|| {
        let names: Vec<&str> = Status::ALL.into_iter().map(Status::name).collect();
        format!("the statuses are {}", names.join(", "))
    })
}
