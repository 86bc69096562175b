//! `berth onboard`: starts an onboarding, as a person does it from the Step Functions console.

use berth_aws::{CallResultExt, SdkResultExt, live_alias};
use berth_tenancy::{AccountId, Mode};
use serde_json::{Value, json};

use crate::{
    args::{OnboardArgs, Target},
    follow,
    outcome::{Exit, Problem},
    output, target,
};

/// Starts one execution. Any number of them is safe: the lease lets one act, and a finished account needs nothing.
pub(crate) async fn run(args: &OnboardArgs, wanted: &Target) -> Result<Exit, Problem> {
    let deployment = target::connect(wanted).await?;
    let mode = if args.plan { Mode::Plan } else { Mode::Apply };
    let execution = start(&deployment, &args.account, mode, args.allow_disruption).await?;
    if !args.wait && !args.plan {
        if output::is_data() {
            output::data(&json!({ "accountId": args.account, "executionArn": execution }));
        } else {
            anstream::println!("started {execution}\nberth status {} shows where it is", args.account);
        }
        return Ok(Exit::Done);
    }
    let ended = follow::to_the_end(&deployment, &execution, !output::is_data()).await?;
    if output::is_data() {
        output::data(&ended.json(&execution));
    } else {
        ended.print();
    }
    Ok(if ended.succeeded() { Exit::Done } else { Exit::Failed })
}

/// Starts the execution with the input that a person would type. [Step Functions `StartExecution`]
pub(crate) async fn start(
    deployment: &target::Deployment,
    account: &AccountId,
    mode: Mode,
    allow_disruption: bool,
) -> Result<String, Problem> {
    // What is not asked for is left out, so that the input is what a person would type.
    let plan = (mode == Mode::Plan).then(|| ("mode", json!(mode)));
    let leave = allow_disruption.then_some(("allowDisruption", json!(true)));
    let input = [Some(("accountId", json!(account))), plan, leave];
    let input: Value = input.into_iter().flatten().map(|(key, value)| (key.to_owned(), value)).collect();
    let machine = live_alias(deployment.state_machine().await?);
    let call = deployment.step_functions.start_execution().state_machine_arn(machine);
    let sent = call.input(input.to_string()).send().await;
    let started = sent.named("states:StartExecution").or_common()?;
    Ok(started.execution_arn)
}
