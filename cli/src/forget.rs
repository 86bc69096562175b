//! `berth forget`: takes an account out of the ledger for which nothing was ever planned, such as a typing error.

use berth_ledger::Status;
use berth_tenancy::AccountId;
use serde_json::json;

use crate::{
    args::{ForgetArgs, Target},
    outcome::{Exit, Problem},
    output, paint, target,
};

/// Forgets one account. Exit 1 when it has, or had, something: that is offboarding's.
pub(crate) async fn run(args: &ForgetArgs, wanted: &Target) -> Result<Exit, Problem> {
    let ForgetArgs { account } = args;
    let deployment = target::connect(wanted).await?;
    let Some(record) = deployment.ledger.get(account).await? else {
        let text = format!("the ledger does not know account {account}: nothing to forget");
        output::done(&text, &json!({ "accountId": account, "forgotten": false }));
        return Ok(Exit::Done);
    };
    if !record.was_never_planned() {
        let what = format!("account {account} was planned, and the ledger keeps what it was given");
        return Err(Problem::failed(what, format!("take it away first: berth offboard {account} --plan")));
    }
    if !matches!(record.status, Status::Failed | Status::Ignored) {
        let what = format!("account {account} is {}: an execution may be about to plan it", record.status.name());
        return Err(Problem::failed(what, format!("wait for its end: berth status {account} --watch")));
    }
    if !deployment.ledger.forget(&record).await? {
        return Err(changed(account));
    }
    let text = format!("{}: {account}", paint::good("forgotten"));
    output::done(&text, &json!({ "accountId": account, "forgotten": true }));
    Ok(Exit::Done)
}

fn changed(account: &AccountId) -> Problem {
    let what = format!("account {account} changed while it was looked at; nothing was taken out");
    Problem::failed(what, "look at it, and try again")
}
