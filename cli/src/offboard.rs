//! `berth offboard`: takes away what Berth gave an account.

use berth_aws::{CallResultExt, SdkResultExt, live_alias};
use berth_tenancy::{LeftOver, Mode};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    args::{OffboardArgs, Target},
    follow::{self, Ended},
    outcome::{Exit, Problem},
    paint,
    target::{self, Deployment},
};

/// Plans, takes away, or takes off the list.
pub(crate) async fn run(args: &OffboardArgs, wanted: Target) -> Result<Exit, Problem> {
    if let Some(region) = &args.region {
        let (account, what) = (&args.account, "Berth takes whole accounts away, and no single region yet");
        let next = format!(
            "in {region}: delete the attachment's propagations and association in the network account, then the \
             attachment and the VPC in {account}; with a ledger's pool: berth addresses release {account} {region}"
        );
        return Err(Problem::failed(what, next));
    }
    let deployment = target::connect(wanted).await?;
    if args.cancel {
        return cancel(&deployment, args).await;
    }
    let mode = if args.yes { Mode::Apply } else { Mode::Plan };
    let execution = start(&deployment, args, mode).await?;
    let ended = follow::to_the_end(&deployment, &execution, !args.json && args.yes).await?;
    if args.json {
        let mut view = ended.json(&execution);
        if let Some(fields) = view.as_object_mut() {
            fields.insert("leftBehind".to_owned(), json!(left_behind(&ended)));
        }
        anstream::println!("{view}");
    } else {
        print(args, &ended);
    }
    Ok(if ended.succeeded() { Exit::Done } else { Exit::Failed })
}

async fn cancel(deployment: &Deployment, args: &OffboardArgs) -> Result<Exit, Problem> {
    let account = &args.account;
    if deployment.ledger.unmark_offboarding(account, Timestamp::now()).await? {
        anstream::println!("{account} is not to be offboarded any more");
        return Ok(Exit::Done);
    }
    let what = format!("{account} is not on the list of accounts that are to be offboarded");
    Err(Problem::failed(what, format!("berth status {account} shows where it is; what has begun goes on")))
}

/// Starts the execution. [Step Functions `StartExecution`]
async fn start(deployment: &Deployment, args: &OffboardArgs, mode: Mode) -> Result<String, Problem> {
    let removed = args.access_removed.then_some(("accessRemoved", json!(true)));
    let reason = args.reason.as_ref().map(|reason| ("reason", json!(reason)));
    let input = [Some(("accountId", json!(args.account))), Some(("mode", json!(mode))), removed, reason];
    let input: Value = input.into_iter().flatten().map(|(key, value)| (key.to_owned(), value)).collect();
    let machine = deployment.offboarding_machine()?;
    let call = deployment.step_functions.start_execution().state_machine_arn(live_alias(&machine));
    let sent = call.input(input.to_string()).send().await;
    let started = sent.named("states:StartExecution").or_common()?;
    Ok(started.execution_arn)
}

/// What stays, in words: what nobody takes away, and access that was not taken away.
fn left_behind(ended: &Ended) -> Vec<String> {
    let list = |name: &str| ended.output().get(name).and_then(Value::as_array).into_iter().flatten();
    let known = list("leftBehind").filter_map(Value::as_str).map(str::to_owned);
    let left = list("leftOver").filter_map(|one| serde_json::from_value::<LeftOver>(one.clone()).ok());
    known.chain(left.map(|left| format!("{}: a person must remove it", left.thing))).collect()
}

fn print(args: &OffboardArgs, ended: &Ended) {
    let decision = ended.output().get("decision").and_then(Value::as_str);
    if ended.failure().is_some() || decision != Some("offboard") {
        ended.print();
        return;
    }
    let changes = ended.changes();
    let (what, count) = (if args.yes { "offboarded" } else { "plan" }, changes.len());
    match (!args.yes, count) {
        (true, 0) => anstream::println!("{}: nothing would be taken away", paint::good(what)),
        (true, _) => anstream::println!("{}: changes that would be made: {count}", paint::good(what)),
        (false, _) => anstream::println!("{}: changes made: {count} ({:.1} s)", paint::good(what), ended.seconds()),
    }
    for change in changes {
        anstream::println!("  {change}");
    }
    for line in left_behind(ended) {
        anstream::println!("{} {line}", paint::waiting("stays"));
    }
    if !args.yes {
        anstream::println!("{}", paint::faint(&format!("Next: berth offboard {} --yes", args.account)));
    }
}
