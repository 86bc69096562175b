//! `berth drift`: looks at the onboarded accounts whose turn it is, or at those that are named, as the schedule does.
//!
//! It invokes the function that the schedule invokes. What is found is in the ledger a minute later: `berth status --drifted`.

use berth_contract::drift::{Input, Report};
use berth_tenancy::{AccountId, Standing};
use clap::Args;
use serde_json::json;

use crate::{
    args::Target,
    invoke::invoke,
    outcome::{Exit, Problem},
    output, paint, target,
};

/// Name of the function in every deployment.
const FUNCTION: &str = "berth-detect-drift";

#[derive(Debug, Args)]
pub(crate) struct DriftArgs {
    /// Accounts that are looked at now, whosever turn it is; those whose turn it is when none is named.
    pub(crate) accounts: Vec<AccountId>,
    /// Only shows which accounts would be looked at.
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// Looks once. Nothing is changed.
pub(crate) async fn run(args: &DriftArgs, wanted: &Target) -> Result<Exit, Problem> {
    let deployment = target::connect(wanted).await?;
    let input = Input { dry_run: args.dry_run, accounts: args.accounts.clone() };
    let answer = invoke(&deployment, FUNCTION, &json!(input)).await?;
    if output::is_data() {
        output::data(&answer);
        return Ok(Exit::Done);
    }
    let report: Report = serde_json::from_value(answer).map_err(|error| {
        Problem::failed(format!("{FUNCTION} answered what this version cannot read: {error}"), "deploy this version")
    })?;
    print(&report, !args.accounts.is_empty());
    Ok(Exit::Done)
}

fn print(report: &Report, are_named: bool) {
    let Report { dry_run, is_on, looks, repairs, unrepaired, waiting, standings } = report;
    if !is_on && !are_named {
        anstream::println!("nobody looks: platform.yaml has no driftSchedule");
        return;
    }
    for account in looks {
        anstream::println!(
            "{account}  {}",
            paint::waiting(if *dry_run { "would be looked at" } else { "is looked at" })
        );
    }
    for account in repairs {
        anstream::println!("{account}  {}", paint::waiting(if *dry_run { "would be repaired" } else { "is repaired" }));
    }
    for (account, why) in unrepaired {
        anstream::println!("{account}  {}", paint::bad(&format!("is not repaired: {why}")));
        let next = format!("Next: berth onboard {account} --plan shows all of it; without --plan it is mended");
        anstream::println!("{:<12}  {}", "", paint::faint(&next));
    }
    let count = |standing: Standing| standings.get(&standing).copied().unwrap_or_default();
    let later = if *waiting > 0 { format!(", {waiting} more when it is their turn again") } else { String::new() };
    anstream::println!(
        "{} of {} onboarded accounts{later}; until now {} in sync, {} drifted, {} unknown",
        looks.len(),
        standings.values().sum::<usize>(),
        count(Standing::InSync),
        count(Standing::Drifted),
        count(Standing::Unknown)
    );
    if !dry_run && !looks.is_empty() {
        anstream::println!("berth status --drifted shows what is found");
    }
}
