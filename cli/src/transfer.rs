//! `berth transfer`: gives an account to another tenant, or makes it another environment.

use berth_aws::{CallResultExt, SdkResultExt, live_alias};
use berth_tenancy::{Mode, OffboardingScope, TransferPlan};
use serde_json::{Value, json};

use crate::{
    args::{Target, TransferArgs},
    follow::{self, Ended},
    offboard::{self, Wish},
    outcome::{Exit, Problem},
    output, paint,
    target::{self, Deployment},
};

/// Shows the plan of the transfer, and makes it unless only the plan was asked for: first what could refuse it is asked, then
/// the old access goes, then the account is onboarded as the other one. Run again, it goes on where it stopped.
pub(crate) async fn run(args: &TransferArgs, wanted: &Target) -> Result<Exit, Problem> {
    let deployment = target::connect(wanted).await?;
    let planned = onboarding(&deployment, args, Run::Show).await?.1;
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
    if args.plan || !output::is_data() {
        show(args, &transfer);
    }
    let tried = onboarding(&deployment, args, Run::Try).await?.1;
    if !tried.succeeded() {
        tried.print();
        return Ok(Exit::Failed);
    }
    if args.plan {
        return Ok(Exit::Done);
    }
    if !transfer.taken_away.is_empty() && !take_away(&deployment, args).await? {
        return Ok(Exit::Failed);
    }
    let (execution, ended) = onboarding(&deployment, args, Run::Make).await?;
    if output::is_data() {
        output::data(&ended.json(&execution));
    } else {
        ended.print();
    }
    Ok(if ended.succeeded() { Exit::Done } else { Exit::Failed })
}

/// Takes the access of before away. Answers whether it is gone.
async fn take_away(deployment: &Deployment, args: &TransferArgs) -> Result<bool, Problem> {
    let TransferArgs { account, to, old_access_removed, .. } = args;
    let reason = format!("it becomes {to}");
    let wish = Wish {
        scope: OffboardingScope::Access,
        access_removed: *old_access_removed,
        reason: Some(&reason),
        ..Wish::of(account, Mode::Apply)
    };
    let execution = offboard::start(deployment, &wish).await?;
    let ended = follow::to_the_end(deployment, &execution, !output::is_data()).await?;
    if !ended.is_taken() {
        if ended.is_duplicate() {
            let what = format!("another execution works on {account}");
            return Err(Problem::failed(
                what,
                format!("wait for its end (berth status {account} --watch), then run this again"),
            ));
        }
        offboard::print_nothing(&ended);
        return Ok(false);
    }
    follow::until_announced(deployment, account, &execution).await?;
    if let Some(record) = deployment.ledger.get(account).await?
        && let Some(failure) = record.failure
    {
        return Err(Problem::failed(failure.message, failure.hint));
    }
    if !output::is_data() {
        let changes = ended.changes();
        anstream::println!("{}: changes made: {} ({:.1} s)", paint::good("taken away"), changes.len(), ended.seconds());
        for change in changes {
            anstream::println!("  {change}");
        }
    }
    Ok(true)
}

/// What a run of the onboarding is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Run {
    /// Only who the account is and who it becomes.
    Show,
    /// A plan of all of it, as if the old access were gone: whatever could refuse the account refuses it here.
    Try,
    /// The onboarding.
    Make,
}

fn show(args: &TransferArgs, transfer: &TransferPlan) {
    let TransferPlan { from, to, taken_away, moves, made_anew } = transfer;
    if output::is_data() {
        output::data(&json!(transfer));
        return;
    }
    anstream::println!("{}: {} is {from}, and becomes {to}", paint::good("transfer"), args.account);
    for (title, lines) in [
        (paint::bad("taken away first, in this order"), taken_away),
        (paint::strong("moves with the account"), moves),
        (paint::strong("made anew"), made_anew),
    ] {
        anstream::println!("{title}: {}", lines.len());
        for line in lines {
            anstream::println!("  {line}");
        }
    }
}

/// Runs the onboarding to its end. [Step Functions `StartExecution`]
async fn onboarding(deployment: &Deployment, args: &TransferArgs, run: Run) -> Result<(String, Ended), Problem> {
    let TransferArgs { account, to, old_access_removed, .. } = args;
    let mode = (run != Run::Make).then(|| ("mode", json!(Mode::Plan)));
    let is_claimed = run == Run::Try || (run == Run::Make && *old_access_removed);
    let removed = is_claimed.then_some(("oldAccessRemoved", json!(true)));
    let input = [Some(("accountId", json!(account))), Some(("transferTo", json!(to))), mode, removed];
    let input: Value = input.into_iter().flatten().map(|(key, value)| (key.to_owned(), value)).collect();
    let machine = live_alias(deployment.state_machine().await?);
    let call = deployment.step_functions.start_execution().state_machine_arn(machine);
    let sent = call.input(input.to_string()).send().await;
    let started = sent.named("states:StartExecution").or_common()?;
    let execution = started.execution_arn;
    let ended = follow::to_the_end(deployment, &execution, !output::is_data() && run == Run::Make).await?;
    Ok((execution, ended))
}
