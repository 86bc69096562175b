//! `berth local demo`: one onboarding from a real Control Tower event to the commit, shown as it happens; with a real
//! cluster, to a tenant that is Ready there.

use std::{
    fs,
    process::Command,
    time::{Duration, Instant},
};

use berth_aws::{CallResultExt, SdkResultExt};
use berth_ledger::{Record, Status};
use berth_tenancy::{AccountId, Mode};
use serde_json::{Value, json};

use crate::{
    args::DemoArgs,
    cluster::{self, Cluster},
    follow,
    local::{self, Running},
    onboard::{self, Wish},
    outcome::{Exit, Problem},
    paint, send, status,
    target::{self, Deployment},
};

/// The event as AWS documents it; only the account in it is replaced.
const EVENT: &str = "tests/fixtures/events/controltower-create-managed-account-succeeded.json";

/// Name of the account that the demo asks for.
const ACCOUNT_NAME: &str = "payments-dev";

/// Longest that the execution may take to appear after its event, and the ledger to learn of its end.
const SECONDS_MAX: u64 = 30;

/// Runs the demo. The local AWS stays, so that a second run shows that nothing changes.
pub(crate) async fn run(args: &DemoArgs) -> Result<Exit, Problem> {
    let was_running = local::running().is_some();
    tokio::select! {
        result = show(args) => result,
        _ = tokio::signal::ctrl_c() => {
            match (was_running, args.kubernetes) {
                (false, _) => drop(local::answer(&["down"])?),
                (true, true) => cluster::put_back()?,
                (true, false) => {}
            }
            Err(Problem::failed("interrupted", "make demo starts again, on a fresh organization unless one was running before"))
        }
    }
}

async fn show(args: &DemoArgs) -> Result<Exit, Problem> {
    let clock = Instant::now();
    let running = local::start(args.port).await?;
    part(clock, "a local AWS organization is running");
    let cluster = if args.kubernetes { Some(Cluster::start()?) } else { None };
    if let Some(cluster) = &cluster {
        let name = &cluster.name;
        part(
            clock,
            &format!("a Kubernetes API server and the tenant operator are behind {name}, whose folder is synced"),
        );
    }
    let exit = onboarding(clock, &running).await?;
    if let Some(cluster) = cluster {
        anstream::println!("\n{}", paint::strong(&format!("made by the operator on {}", cluster.name)));
        anstream::print!("{}", cluster.end());
    }
    if exit == Exit::Done {
        anstream::println!(
            "{}",
            paint::faint("make demo again: nothing changes. berth local down ends the local AWS.")
        );
    }
    Ok(exit)
}

/// From the event to its outcome.
async fn onboarding(clock: Instant, running: &Running) -> Result<Exit, Problem> {
    let deployment = target::on_local(running).await?;
    let (account, is_new) = account(&deployment).await?;
    let before = deployment.ledger.get(&account).await?;
    let sent = Instant::now();
    let execution = if is_new {
        part(clock, &format!("Organizations created account {account} ({ACCOUNT_NAME}) in the unit dev"));
        publish(&account)?;
        part(clock, "Control Tower's CreateManagedAccount event is on the bus");
        appeared(&deployment, &account).await?
    } else {
        publish(&account)?;
        part(clock, "the same event is on the bus again, and a person starts the onboarding again");
        onboard::start(&deployment, &Wish::of(&account, Mode::Apply)).await?
    };
    part(clock, &format!("execution {} is running", execution.rsplit(':').next().unwrap_or_default()));
    let ended = follow::to_the_end(&deployment, &execution, true).await?;
    if !ended.succeeded() {
        ended.print();
        return Ok(Exit::Failed);
    }
    let record = announced(&deployment, &account, before.as_ref()).await?;
    if let Some(before) = before.filter(|_| !is_new) {
        started_nothing(&deployment, &before).await?;
        part(clock, "the event started nothing: the ledger knew that it was served");
    }
    part(clock, "the ledger and the bus know the outcome");
    result(running, &record)?;
    let (event, own) = (sent.elapsed().as_secs_f64(), ended.seconds());
    anstream::println!(
        "\n{}: {event:.1} s from event to outcome, {own:.1} s of them the state machine",
        paint::good("done")
    );
    Ok(Exit::Done)
}

/// The demo's account: the one of an earlier run, or a new one.
async fn account(deployment: &Deployment) -> Result<(AccountId, bool), Problem> {
    let known = deployment.ledger.list().await?.records;
    let ours =
        |record: &&Record| record.account_name.as_deref() == Some(ACCOUNT_NAME) && record.status == Status::Onboarded;
    if let Some(record) = known.iter().find(ours) {
        return Ok((record.account_id.clone(), false));
    }
    let created = local::answer(&["account", "create", "--name", ACCOUNT_NAME, "--environment", "dev"])?;
    let account =
        created.parse().map_err(|invalid| Problem::failed(format!("CreateAccount: {invalid}"), "report this"))?;
    Ok((account, true))
}

/// Publishes the event for this account.
fn publish(account: &AccountId) -> Result<(), Problem> {
    let path = local::checkout()?.join(EVENT);
    let unusable = |what: String| Problem::failed(format!("{}: {what}", path.display()), "git checkout the file again");
    let text = fs::read_to_string(&path).map_err(|error| unusable(error.to_string()))?;
    let mut event: Value = serde_json::from_str(&text).map_err(|error| unusable(error.to_string()))?;
    let slot = event.pointer_mut("/detail/serviceEventDetails/createManagedAccountStatus/account");
    let slot = slot.ok_or_else(|| unusable("it has no account".to_owned()))?;
    *slot = json!({ "accountName": ACCOUNT_NAME, "accountId": account });
    send::publish(event.to_string().as_bytes()).map(|_| ())
}

/// The execution that the event started. The ledger names it a moment before it exists.
async fn appeared(deployment: &Deployment, account: &AccountId) -> Result<String, Problem> {
    until("the event started no execution", async || {
        let named = deployment.ledger.get(account).await?.and_then(|record| record.execution_arn);
        let Some(execution) = named else { return Ok(None) };
        let asked = deployment.step_functions.describe_execution().execution_arn(&execution).send().await;
        let known = asked.named("states:DescribeExecution").none_if(&["ExecutionDoesNotExist"]).or_common()?;
        Ok(known.map(|_| execution))
    })
    .await
}

/// The record once the outcome is in it.
async fn announced(deployment: &Deployment, account: &AccountId, before: Option<&Record>) -> Result<Record, Problem> {
    until("the ledger did not learn of the end", async || {
        let record = deployment.ledger.get(account).await?;
        let is_new = |record: &Record| before.is_none_or(|before| record.generation > before.generation);
        Ok(record.filter(|record| record.status == Status::Onboarded && is_new(record)))
    })
    .await
}

/// Makes sure that the event of an account that is onboarded started no execution: it would bear the next generation.
async fn started_nothing(deployment: &Deployment, before: &Record) -> Result<(), Problem> {
    let next = format!("{}-g{}", before.account_id, before.generation.saturating_add(1));
    let machine = deployment.state_machine().await?.replace(":stateMachine:", ":execution:");
    let asked = deployment.step_functions.describe_execution().execution_arn(format!("{machine}:{next}")).send().await;
    match asked.named("states:DescribeExecution").none_if(&["ExecutionDoesNotExist"]).or_common()? {
        None => Ok(()),
        Some(_) => Err(Problem::failed(format!("the old event started {next}"), "report this: it must start nothing")),
    }
}

/// Asks until there is an answer.
#[expect(clippy::disallowed_methods, reason = "a person's terminal may wait; a Lambda may not")]
async fn until<T>(missing: &str, ask: impl AsyncFn() -> Result<Option<T>, Problem>) -> Result<T, Problem> {
    let began = Instant::now();
    loop {
        if let Some(answer) = ask().await? {
            return Ok(answer);
        }
        if began.elapsed() > Duration::from_secs(SECONDS_MAX) {
            let what = format!("{missing} within {SECONDS_MAX} s");
            return Err(Problem::failed(what, "read the functions' logs in target/local/logs"));
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Prints what was made: the account, the commit, and the custom resource as git has it.
fn result(running: &Running, record: &Record) -> Result<(), Problem> {
    anstream::println!();
    status::details(record);
    let Some(commit) = &record.commit else { return Ok(()) };
    let shown = Command::new("git")
        .arg("--git-dir")
        .arg(local::repository()?)
        .args(["show", &format!("{}:{}", commit.sha, commit.path)])
        .output()
        .map_err(|error| Problem::failed(format!("cannot run git: {error}"), "install git"))?;
    anstream::println!("\n{} {}", paint::strong("custom resource in"), running.git_url);
    anstream::print!("{}", String::from_utf8_lossy(&shown.stdout));
    Ok(())
}

fn part(clock: Instant, what: &str) {
    anstream::eprintln!("{:5.1} s  {what}", clock.elapsed().as_secs_f64());
}
