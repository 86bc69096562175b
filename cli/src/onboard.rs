//! `berth onboard`: starts an onboarding, as a person does it from the Step Functions console.

use berth_aws::{CallResultExt, SdkResultExt, live_alias};
use berth_tenancy::{AccountId, Mode, PlanLimit};
use serde_json::{Value, json};

use crate::{
    args::{OnboardArgs, Target},
    follow,
    outcome::{Exit, Problem},
    output, plan, target,
};

/// Starts one execution. Any number of them is safe: the lease lets one act, and a finished account needs nothing.
pub(crate) async fn run(args: &OnboardArgs, wanted: &Target) -> Result<Exit, Problem> {
    if args.plan {
        return planned(args, wanted).await.map_err(|problem| match problem.exit {
            Exit::NoCredentials if args.exit_code => Problem { exit: Exit::Failed, ..problem },
            _ => problem,
        });
    }
    let deployment = target::connect(wanted).await?;
    let wish = Wish { allow_disruption: args.allow_disruption, ..Wish::of(&args.account, Mode::Apply) };
    let execution = start(&deployment, &wish).await?;
    if !args.wait {
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

async fn planned(args: &OnboardArgs, wanted: &Target) -> Result<Exit, Problem> {
    plan::run(args, &target::connect(wanted).await?).await
}

/// What an onboarding is asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wish<'a> {
    pub(crate) account: &'a AccountId,
    pub(crate) mode: Mode,
    pub(crate) allow_disruption: bool,
    pub(crate) only_planned: Option<&'a PlanLimit>,
}

impl<'a> Wish<'a> {
    pub(crate) fn of(account: &'a AccountId, mode: Mode) -> Self {
        Self { account, mode, allow_disruption: false, only_planned: None }
    }
}

/// Starts the execution with the input that a person would type. [Step Functions `StartExecution`]
pub(crate) async fn start(deployment: &target::Deployment, wish: &Wish<'_>) -> Result<String, Problem> {
    // What is not asked for is left out, so that the input is what a person would type.
    let plan = (wish.mode == Mode::Plan).then(|| ("mode", json!(wish.mode)));
    let leave = wish.allow_disruption.then_some(("allowDisruption", json!(true)));
    let limit = wish.only_planned.map(|limit| ("onlyPlanned", json!(limit)));
    let input = [Some(("accountId", json!(wish.account))), plan, leave, limit];
    let input: Value = input.into_iter().flatten().map(|(key, value)| (key.to_owned(), value)).collect();
    let machine = live_alias(deployment.state_machine().await?);
    let call = deployment.step_functions.start_execution().state_machine_arn(machine);
    let sent = call.input(input.to_string()).send().await;
    let started = sent.named("states:StartExecution").or_common()?;
    Ok(started.execution_arn)
}
