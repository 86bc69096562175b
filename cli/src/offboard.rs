//! `berth offboard`: takes away what Berth gave an account, or one region of it.

use berth_aws::{CallResultExt, SdkResultExt, live_alias};
use berth_contract::ReadinessRecord;
use berth_tenancy::{AccountId, LeftOver, Mode, OffboardingScope, Region};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    args::{OffboardArgs, Target},
    follow::{self, Ended},
    outcome::{Exit, Problem},
    output, paint,
    target::{self, Deployment},
};

/// What an execution of the offboarding is asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wish<'a> {
    pub(crate) account: &'a AccountId,
    /// Whether to act.
    pub(crate) mode: Mode,
    /// How much is taken.
    pub(crate) scope: OffboardingScope,
    /// The region, where it is one.
    pub(crate) region: Option<&'a Region>,
    /// Whether access that Berth cannot reach was taken away by hand.
    pub(crate) access_removed: bool,
    pub(crate) reason: Option<&'a str>,
}

impl<'a> Wish<'a> {
    /// The whole account.
    pub(crate) fn of(account: &'a AccountId, mode: Mode) -> Self {
        Self { account, mode, scope: OffboardingScope::Account, region: None, access_removed: false, reason: None }
    }
}

/// Plans, takes away, or takes off the list.
pub(crate) async fn run(args: &OffboardArgs, wanted: &Target) -> Result<Exit, Problem> {
    let deployment = target::connect(wanted).await?;
    if args.cancel {
        return cancel(&deployment, args).await;
    }
    let execution = start(&deployment, &wish(args)).await?;
    let ended = follow::to_the_end(&deployment, &execution, !output::is_data() && args.yes).await?;
    if args.yes && args.region.is_some() && ended.is_taken() {
        follow::until_announced(&deployment, &args.account, &execution).await?;
    }
    if output::is_data() {
        let mut view = ended.json(&execution);
        if let Some(fields) = view.as_object_mut() {
            fields.insert("leftBehind".to_owned(), json!(left_behind(args, &ended)));
        }
        output::data(&view);
    } else {
        print(args, &ended);
    }
    Ok(if ended.succeeded() { Exit::Done } else { Exit::Failed })
}

fn wish(args: &OffboardArgs) -> Wish<'_> {
    let region = args.region.as_ref();
    Wish {
        scope: region.map_or(OffboardingScope::Account, |_| OffboardingScope::Region),
        region,
        access_removed: args.access_removed,
        reason: args.reason.as_deref(),
        ..Wish::of(&args.account, if args.yes { Mode::Apply } else { Mode::Plan })
    }
}

async fn cancel(deployment: &Deployment, args: &OffboardArgs) -> Result<Exit, Problem> {
    let account = &args.account;
    if deployment.ledger.unmark_offboarding(account, Timestamp::now()).await? {
        let text = format!("{account} is not to be offboarded any more");
        output::done(&text, &json!({ "accountId": account, "cancelled": true }));
        return Ok(Exit::Done);
    }
    let what = format!("{account} is not on the list of accounts that are to be offboarded");
    Err(Problem::failed(what, format!("berth status {account} shows where it is; what has begun goes on")))
}

/// Starts the execution. What is not asked for is left out, so that the input is what a person would type.
/// [Step Functions `StartExecution`]
pub(crate) async fn start(deployment: &Deployment, wish: &Wish<'_>) -> Result<String, Problem> {
    let Wish { account, mode, scope, region, access_removed, reason } = wish;
    let part = (*scope != OffboardingScope::Account).then(|| ("scope", json!(scope)));
    let region = region.map(|region| ("region", json!(region)));
    let removed = access_removed.then_some(("accessRemoved", json!(true)));
    let reason = reason.map(|reason| ("reason", json!(reason)));
    let input = [Some(("accountId", json!(account))), Some(("mode", json!(mode))), part, region, removed, reason];
    let input: Value = input.into_iter().flatten().map(|(key, value)| (key.to_owned(), value)).collect();
    let machine = deployment.offboarding_machine().await?;
    let call = deployment.step_functions.start_execution().state_machine_arn(live_alias(&machine));
    let sent = call.input(input.to_string()).send().await;
    let started = sent.named("states:StartExecution").or_common()?;
    Ok(started.execution_arn)
}

/// Says why an execution took nothing.
pub(crate) fn print_nothing(ended: &Ended) {
    let reason = ended.output().get("reason").and_then(Value::as_str);
    match reason.filter(|_| ended.failure().is_none()) {
        Some(reason) => anstream::println!("{}: {reason}", paint::waiting("nothing was done")),
        None => ended.print(),
    }
}

/// What stays, in words: what nobody takes away, access that was not taken away, and what is said of clusters, at which a plan
/// does not look.
fn left_behind(args: &OffboardArgs, ended: &Ended) -> Vec<String> {
    let list = |name: &str| ended.output().get(name).and_then(Value::as_array).into_iter().flatten();
    let known = list("leftBehind").filter_map(Value::as_str).map(str::to_owned);
    let left = list("leftOver").filter_map(|one| serde_json::from_value::<LeftOver>(one.clone()).ok());
    let left = left.map(|left| format!("{}: a person must remove it", left.thing));
    let clusters = list("readiness").filter_map(|one| serde_json::from_value::<ReadinessRecord>(one.clone()).ok());
    let clusters = clusters.filter(|_| args.yes).map(|cluster| format!("{}: {}", cluster.cluster, cluster.message));
    known.chain(left).chain(clusters).collect()
}

fn print(args: &OffboardArgs, ended: &Ended) {
    if !ended.is_taken() {
        print_nothing(ended);
        return;
    }
    let changes = ended.changes();
    let done = if args.region.is_some() { "taken away" } else { "offboarded" };
    let (what, count) = (if args.yes { done } else { "plan" }, changes.len());
    match (!args.yes, count) {
        (true, 0) => anstream::println!("{}: nothing would be taken away", paint::good(what)),
        (true, _) => anstream::println!("{}: changes that would be made: {count}", paint::good(what)),
        (false, _) => anstream::println!("{}: changes made: {count} ({:.1} s)", paint::good(what), ended.seconds()),
    }
    for change in changes {
        anstream::println!("  {change}");
    }
    for line in left_behind(args, ended) {
        anstream::println!("{} {line}", paint::waiting("stays"));
    }
    if !args.yes {
        let next = wish(args).scope.command(&args.account, args.region.as_ref());
        anstream::println!("{}", paint::faint(&format!("Next: {next}")));
    }
}
