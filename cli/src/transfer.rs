//! `berth transfer`: gives an account to another tenant, or makes it another environment.

use berth_aws::{CallFailure, live_alias};
use berth_tenancy::TransferPlan;
use serde_json::{Value, json};

use crate::{
    args::{Target, TransferArgs},
    follow,
    outcome::{Exit, Problem},
    paint,
    target::{self, Deployment},
};

/// Shows the plan of the transfer, and makes it unless only the plan was asked for.
pub(crate) async fn run(args: &TransferArgs, wanted: Target) -> Result<Exit, Problem> {
    let deployment = target::connect(wanted).await?;
    let execution = start(&deployment, args, true).await?;
    let planned = follow::to_the_end(&deployment, &execution, false).await?;
    let transfer = planned.output().get("transfer").cloned();
    let transfer: Option<TransferPlan> = transfer.and_then(|value| serde_json::from_value(value).ok());
    let Some(transfer) = transfer.filter(|_| planned.succeeded()) else {
        if planned.succeeded() {
            let what = format!("{} has no identity yet, so there is nothing to transfer", args.account);
            return Err(Problem::failed(what, format!("berth onboard {}", args.account)));
        }
        planned.print();
        return Ok(Exit::Failed);
    };
    if args.plan {
        show(args, &transfer);
        return Ok(Exit::Done);
    }
    if !args.json {
        show(args, &transfer);
    }
    let execution = start(&deployment, args, false).await?;
    let ended = follow::to_the_end(&deployment, &execution, !args.json).await?;
    if args.json {
        anstream::println!("{}", ended.json(&execution));
    } else {
        ended.print();
    }
    Ok(if ended.succeeded() { Exit::Done } else { Exit::Failed })
}

fn show(args: &TransferArgs, transfer: &TransferPlan) {
    let TransferPlan { from, to, taken_away, moves, made_anew } = transfer;
    if args.json {
        anstream::println!("{}", json!(transfer));
        return;
    }
    anstream::println!("{}: {} is {from}, and becomes {to}", paint::good("transfer"), args.account);
    for (title, lines) in [
        (paint::bad("to be taken away first, in this order"), taken_away),
        (paint::strong("moves with the account"), moves),
        (paint::strong("made anew"), made_anew),
    ] {
        anstream::println!("{title}: {}", lines.len());
        for line in lines {
            anstream::println!("  {line}");
        }
    }
}

/// Starts the execution. [Step Functions `StartExecution`]
async fn start(deployment: &Deployment, args: &TransferArgs, plan: bool) -> Result<String, Problem> {
    let TransferArgs { account, to, old_access_removed, plan: _, json: _ } = args;
    let mode = plan.then(|| ("mode", json!("plan")));
    let removed = old_access_removed.then_some(("oldAccessRemoved", json!(true)));
    let input = [Some(("accountId", json!(account))), Some(("transferTo", json!(to))), mode, removed];
    let input: Value = input.into_iter().flatten().map(|(key, value)| (key.to_owned(), value)).collect();
    let call = deployment.step_functions.start_execution().state_machine_arn(live_alias(deployment.state_machine()?));
    let sent = call.input(input.to_string()).send().await;
    let started = sent.map_err(|error| Problem::from(CallFailure::of("states:StartExecution", &error).or_common()))?;
    Ok(started.execution_arn)
}
