//! `berth suspend`: takes everybody's access to an account's namespaces away, and gives it back.

use berth_tenancy::{AccountId, Mode, OffboardingScope};
use clap::Args;

use crate::{
    args::Target,
    follow,
    offboard::{self, Wish},
    outcome::Exit,
    outcome::Problem,
    output, paint, target,
};

#[derive(Debug, Args)]
pub(crate) struct SuspendArgs {
    /// The account: twelve digits.
    pub(crate) account: AccountId,
    /// Ends the suspension.
    #[arg(long)]
    pub(crate) lift: bool,
    /// Why, for the record.
    #[arg(long, value_name = "TEXT", conflicts_with = "lift")]
    pub(crate) reason: Option<String>,
}

/// Suspends the account, or ends that, and waits until the ledger says so.
pub(crate) async fn run(args: &SuspendArgs, wanted: &Target) -> Result<Exit, Problem> {
    let SuspendArgs { account, lift, reason } = args;
    let deployment = target::connect(wanted).await?;
    let scope = if *lift { OffboardingScope::Resume } else { OffboardingScope::Suspend };
    let wish = Wish { scope, reason: reason.as_deref(), ..Wish::of(account, Mode::Apply) };
    let execution = offboard::start(&deployment, &wish).await?;
    let ended = follow::to_the_end(&deployment, &execution, !output::is_data()).await?;
    if ended.is_taken() {
        follow::until_announced(&deployment, account, &execution).await?;
    }
    if output::is_data() {
        output::data(&ended.json(&execution));
    } else if ended.is_taken() {
        let (what, next) = if *lift {
            ("not suspended any more", format!("berth status {account}"))
        } else {
            ("suspended", format!("berth suspend {account} --lift ends it; no run of the onboarding does"))
        };
        anstream::println!("{}: {account}", paint::good(what));
        for change in ended.changes() {
            anstream::println!("  {change}");
        }
        anstream::println!("{}", paint::faint(&format!("Next: {next}")));
    } else {
        offboard::print_nothing(&ended);
    }
    Ok(if ended.is_taken() { Exit::Done } else { Exit::Failed })
}
