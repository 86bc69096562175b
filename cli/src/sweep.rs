//! `berth sweep`: finds accounts whose event never came, or whose onboarding stopped, and asks for their onboarding.
//!
//! It invokes the function that the schedule invokes. Only that function may assume the read role in the management
//! account, and so a person sees exactly what the schedule does (docs/decisions/0012).

use std::collections::BTreeMap;

use berth_contract::sweep::{Ask, IdentityChange, Input, Leave, Left, Problem as Unread, Report, Why};
use berth_tenancy::AccountId;
use serde_json::json;

use crate::{
    args::{SweepArgs, Target},
    invoke::invoke,
    outcome::{Exit, Problem},
    output, paint,
    table::{Cell, Table},
    target,
};

/// Name of the function in every deployment.
pub(crate) const FUNCTION: &str = "berth-sweep-accounts";

/// Differences of one account that a line shows.
const DIFFERENCES_SHOWN_MAX: usize = 3;

/// Sweeps once. Exit 1 when something could not be looked at.
pub(crate) async fn run(args: &SweepArgs, wanted: &Target) -> Result<Exit, Problem> {
    let deployment = target::connect(wanted).await?;
    let input = Input {
        dry_run: args.dry_run,
        missing_after_minutes: args.missing_after,
        stuck_after_minutes: args.stuck_after,
        failed_after_minutes: args.failed_after,
    };
    let answer = invoke(&deployment, FUNCTION, &json!(input)).await?;
    if output::is_data() {
        output::data(&answer);
    }
    let report: Report = serde_json::from_value(answer).map_err(|error| {
        Problem::failed(format!("{FUNCTION} answered what this version cannot read: {error}"), "deploy this version")
    })?;
    if !output::is_data() {
        print(&report);
    }
    Ok(if report.problems.is_empty() { Exit::Done } else { Exit::Failed })
}

fn print(report: &Report) {
    let mut table = Table::new(["ACCOUNT", "WHY", "NAME", "REASON"]);
    for Ask { account_id, account_name, why, reason, generation: _ } in &report.asked {
        // A name may hold anything: quotation marks show where it ends.
        let (name, why) = (format!("{account_name:?}"), Cell::painted(word(*why), paint::waiting));
        table.row([account_id.as_str().into(), why, name.into(), reason.as_str().into()]);
    }
    if !report.asked.is_empty() {
        table.print();
    }
    let done = if report.dry_run { "would be asked for" } else { "asked for" };
    anstream::println!("{} of {} accounts {done}{}", report.asked.len(), report.accounts, left(&report.left));
    for IdentityChange { account_id, account_name, is, would_be, differences } in &report.changed {
        let what: Vec<String> = differences.iter().take(DIFFERENCES_SHOWN_MAX).map(ToString::to_string).collect();
        let becomes = paint::bad(&format!("{is} would become {would_be}"));
        anstream::println!("{account_id}  {becomes}  {account_name:?}  {}", what.join("; "));
        anstream::println!(
            "{:<12}  {}",
            "",
            paint::faint(&format!("Next: undo it, or berth transfer {account_id} --to {would_be}"))
        );
    }
    for Leave { account_id, reason, since, starts } in &report.leaving {
        let what = if *starts { "is being offboarded" } else { "is to be offboarded" };
        anstream::println!("{account_id}  {} since {since}: {reason}", paint::waiting(what));
        if !starts {
            let next = format!("Next: berth offboard {account_id} --plan, then --yes or --cancel");
            anstream::println!("{:<12}  {}", "", paint::faint(&next));
        }
    }
    for Unread { account_id, fault, what, next } in &report.problems {
        let account = account_id.as_ref().map_or("-", AccountId::as_str);
        anstream::println!("{account:<12}  {}: {what}", paint::bad(fault.name()));
        anstream::println!("{:<12}  {}", "", paint::faint(&format!("Next: {next}")));
    }
    if report.dry_run && !report.asked.is_empty() {
        anstream::println!("berth sweep asks for them");
    }
}

fn word(why: Why) -> &'static str {
    match why {
        Why::Missing => "missing",
        Why::Stuck => "stuck",
        Why::Failed => "failed",
        Why::Ours => "ours",
    }
}

/// The others, by reason: `; 3 onboarded, 1 not ours`.
fn left(left: &BTreeMap<Left, usize>) -> String {
    let phrase = |(reason, count): (&Left, &usize)| {
        let words = match reason {
            Left::Onboarded => "onboarded",
            Left::UnderWay => "under way",
            Left::FailedLately => "failed lately",
            Left::NotOurs => "not ours",
            Left::Young => "too new",
            Left::Leaving => "leaving or gone",
            Left::Unreadable => "unreadable",
            Left::OtherIdentity => "would become another one",
            Left::FailedRepair => "whose repair failed",
        };
        format!("{count} {words}")
    };
    let phrases: Vec<String> = left.iter().map(phrase).collect();
    if phrases.is_empty() { String::new() } else { format!("; {}", phrases.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_others_are_counted_by_reason() {
        assert_eq!(left(&BTreeMap::new()), "");
        assert_eq!(left(&[(Left::NotOurs, 2), (Left::Onboarded, 1)].into()), "; 1 onboarded, 2 not ours");
    }
}
