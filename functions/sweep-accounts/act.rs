//! Writes the list of accounts that are to be offboarded, and starts the offboardings that are due.

use aws_sdk_sfn::Client as StepFunctions;
use berth_aws::{CallResultExt, SdkResultExt, failed_start, live_alias};
use berth_contract::sweep::Leave;
use berth_ledger::{Ledger, day};
use berth_step::StepError;
use berth_tenancy::{Mode, wait};
use jiff::Timestamp;
use serde_json::json;

use crate::Leaving;

/// Writes the list, and starts what is due. Answers what could not be done: the next sweep does it.
pub(crate) async fn act(
    ledger: &Ledger,
    step_functions: &StepFunctions,
    machine: &str,
    leaving: &Leaving,
    now: Timestamp,
) -> Vec<StepError> {
    let mut problems = Vec::new();
    for (account, mark) in &leaving.to_mark {
        problems.extend(ledger.mark_offboarding(account, mark).await.err());
    }
    for (account, mark) in &leaving.to_forget {
        problems.extend(ledger.forget_offboarding(account, mark).await.err());
    }
    for leave in leaving.due() {
        let started = start(step_functions, machine, leave, now).await;
        problems.extend(started.err().map(|error| error.for_account(&leave.account_id)));
    }
    problems
}

/// Starts the offboarding of an account, at most once in a day. [Step Functions `StartExecution`]
async fn start(client: &StepFunctions, machine: &str, leave: &Leave, now: Timestamp) -> Result<(), StepError> {
    let input = json!({ "accountId": leave.account_id, "mode": Mode::Apply, "reason": leave.reason }).to_string();
    let call = client.start_execution().state_machine_arn(live_alias(machine));
    let sent = call.name(format!("{}-{}", leave.account_id, day(now))).input(input).send().await;
    let sent = sent.named("states:StartExecution").none_if(&["ExecutionAlreadyExists"]);
    sent.map(drop).map_err(|failure| {
        let patience =
            wait("the next sweep starts it", "raise the quota of open executions of Step Functions; then: berth sweep");
        failed_start(failure, patience, "BERTH_OFFBOARDING_MACHINE_ARN")
    })
}
