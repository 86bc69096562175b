//! What `berth status` says of a plan that waits for an approval, or was approved or rejected.

use berth_contract::Approval;
use berth_ledger::Record;
use berth_tenancy::ApprovedBy;

use crate::{
    follow,
    outcome::Problem,
    output, paint,
    plan::{self, Looked, show},
    target::Deployment,
};

/// What a person should know of an account besides its status.
pub(super) fn note(record: &Record) -> Option<String> {
    let approval = record.waiting()?;
    let missing = approval.approvers.saturating_sub(approval.approved.len());
    let more = if missing == approval.approvers { String::new() } else { format!(" of {missing} more") };
    Some(format!("waits for an approval{more}: {}", approval.counts))
}

/// How far the approval of its newest run is.
pub(super) fn print(record: &Record) {
    let Some(approval) = &record.approval else { return };
    let Approval { plan, counts, since, until, question, .. } = approval;
    let account = &record.account_id;
    for approver in &approval.approved {
        anstream::println!("  approved   {} by {} at {}", plan, approver.by, approver.at);
    }
    if let Some(rejection) = &approval.rejected {
        let text = format!("{plan} by {} at {}: {}", rejection.by, rejection.at, rejection.reason);
        anstream::println!("  rejected   {}", paint::bad(&text));
    }
    if record.waiting().is_none() {
        return;
    }
    let again = if *question > 1 { ", again: the account was another one than approved" } else { "" };
    anstream::println!("  waits for  {} since {since}, until {until}{again}", paint::waiting("an approval"));
    anstream::println!("  plan       {plan}: {counts}");
    let approves = match (approval.by, &approval.pull_request) {
        (ApprovedBy::Command, _) => format!("berth approve {account} --plan {plan}"),
        (ApprovedBy::PullRequest, Some(place)) => format!("merge {place}"),
        (ApprovedBy::PullRequest, None) => "merge the pull request that Berth opens within a minute".to_owned(),
    };
    anstream::println!("  next       {approves}, or berth reject {account} --reason TEXT");
}

/// The plan that waits, change by change, as its execution has it. None where nothing waits.
pub(super) async fn changes(record: &Record, deployment: &Deployment) -> Result<(), Problem> {
    let Some(approval) = record.waiting().filter(|_| !output::is_data()) else { return Ok(()) };
    let ended = follow::to_the_end(deployment, &approval.planned_by, false).await?;
    if let Looked::Plan(plan) = plan::looked(&ended, &approval.planned_by)? {
        show::plan(&plan);
    }
    Ok(())
}
