//! `berth apply`: makes the changes of a plan that was kept in a file, and no other.
//!
//! What protects what: the hash finds a file that was damaged or edited; the output of the execution that made the plan, which
//! nobody can write, finds one whose hash was made anew; looking again finds an account that is another by now; and the keys of
//! the changes, which the run is given, keep its steps from what changes between the look and the run.

use std::path::{Path, PathBuf};

use berth_contract::{Difference, ExecutionOutput, PlanDocument};
use berth_tenancy::{Mode, PlanLimit, StepSummary};
use clap::Args;
use serde_json::{Value, json};

use crate::{
    args::Target,
    execution::{self, machine_of},
    follow, input,
    onboard::{self, Wish},
    outcome::{Exit, Problem},
    output, paint,
    plan::{self, Looked, show},
    target::{self, Deployment},
};

/// Most bytes of a plan: four times the largest one, of 17 regions with every subnet that fits into a plan.
const BYTES_MAX: u64 = 16 << 20;

/// What to do about a plan that cannot be applied.
const NEW_PLAN: &str = "make a new plan and look at it: berth onboard ACCOUNT --plan --out FILE";

#[derive(Debug, Args)]
pub(crate) struct ApplyArgs {
    /// File with the plan; `-` reads standard input.
    pub(crate) file: PathBuf,
}

/// Makes the plan of the file. Nothing is changed unless it is the plan that would be made now.
pub(crate) async fn run(args: &ApplyArgs, wanted: &Target) -> Result<Exit, Problem> {
    let kept = read(&args.file)?;
    let deployment = target::connect(wanted).await?;
    check_deployment(&kept, deployment.state_machine().await?)?;
    check_origin(&kept, &deployment).await?;
    let (execution, ended) = plan::look(&deployment, &kept.account_id, kept.allow_disruption).await?;
    let now = match plan::looked(&ended, &execution)? {
        Looked::Plan(now) => now,
        Looked::TooLarge(what) => return Err(Problem::failed(what, plan::TOO_LARGE)),
        Looked::Otherwise => {
            if output::is_data() {
                output::data(&ended.json(&execution))
            } else {
                ended.print()
            }
            return Ok(Exit::Failed);
        }
    };
    if !is_same(&kept, &now) {
        return Err(stale(&kept, &now));
    }
    make(&kept, &deployment).await
}

/// Runs an onboarding that is limited to the plan.
async fn make(kept: &PlanDocument, deployment: &Deployment) -> Result<Exit, Problem> {
    let account = &kept.account_id;
    if kept.changes.is_empty() {
        output::done(
            &format!("{}: the plan has no changes, and none would be made now", paint::good("applied")),
            &json!({ "accountId": account, "hash": kept.hash, "changes": [] }),
        );
        return Ok(Exit::Done);
    }
    let keys = kept.changes.iter().map(|change| change.key.clone());
    let limit = PlanLimit::new(&kept.hash, keys).map_err(|error| edited(&error.to_string()))?;
    let wish =
        Wish { allow_disruption: kept.allow_disruption, only_planned: Some(&limit), ..Wish::of(account, Mode::Apply) };
    let execution = onboard::start(deployment, &wish).await?;
    let ended = follow::to_the_end(deployment, &execution, !output::is_data()).await?;
    if output::is_data() {
        output::data(&ended.json(&execution));
    } else {
        ended.print();
    }
    // Whoever had the lease then made changes that this plan does not tell.
    Ok(if ended.succeeded() && !ended.is_duplicate() { Exit::Done } else { Exit::Failed })
}

/// Reads the file, and finds out whether it is as it was written.
fn read(file: &Path) -> Result<PlanDocument, Problem> {
    let bytes = input::read_up_to(file, BYTES_MAX)?;
    let kept = document(&bytes).map_err(|error| {
        let what = format!("{} is no plan of this version of berth: {error}", file.display());
        Problem::bad_input(what, NEW_PLAN)
    })?;
    if kept.is_sealed() { Ok(kept) } else { Err(edited("its hash is that of another plan")) }
}

/// The document that `--out` keeps, or the one in the answer of `--json`.
fn document(bytes: &[u8]) -> serde_json::Result<PlanDocument> {
    let mut value: Value = serde_json::from_slice(bytes)?;
    let inner = value.get_mut(plan::DOCUMENT).map(Value::take);
    serde_json::from_value(inner.unwrap_or(value))
}

fn edited(why: &str) -> Problem {
    Problem::bad_input(format!("the plan was changed after it was made: {why}"), NEW_PLAN)
}

/// A plan is for the deployment that made it.
fn check_deployment(kept: &PlanDocument, machine: &str) -> Result<(), Problem> {
    if machine_of(&kept.execution_arn).as_deref() != Some(kept.state_machine_arn.as_str()) {
        return Err(edited("its execution is not one of its state machine"));
    }
    if kept.state_machine_arn == machine {
        return Ok(());
    }
    let what = format!("the plan is of {}, and this deployment is {machine}", kept.state_machine_arn);
    Err(Problem::bad_input(what, "name the hub that made the plan (--hub, --profile, --region), or make a new plan"))
}

/// Compares the plan with what its execution answered, which nobody can write but Step Functions.
async fn check_origin(kept: &PlanDocument, deployment: &Deployment) -> Result<(), Problem> {
    let Some(described) = execution::describe(deployment, &kept.execution_arn).await? else {
        let what = format!("this deployment does not know {}, which made the plan", kept.execution_arn);
        return Err(Problem::bad_input(what, NEW_PLAN));
    };
    let output = described.output().and_then(|text| serde_json::from_str(text).ok());
    let Some(ExecutionOutput::Onboard { run, plan, .. }) = output else {
        return Err(edited("its execution made no plan"));
    };
    let same_run = run.mode == Mode::Plan
        && (&run.account_id, &run.tenant, &run.environment, run.allow_disruption)
            == (&kept.account_id, &kept.tenant, &kept.environment, kept.allow_disruption);
    if !same_run {
        return Err(edited("its execution made a plan of something else"));
    }
    differs(kept, &plan).map_or(Ok(()), |why| Err(edited(&why)))
}

/// What of the plan its execution did not answer.
fn differs(kept: &PlanDocument, answered: &[StepSummary]) -> Option<String> {
    Some(match kept.differs_from(answered)? {
        Difference::Of(StepSummary { step, region, .. }) => {
            let place = region.as_ref().map(|region| format!(" in {region}")).unwrap_or_default();
            format!("its execution planned other changes of {step}{place}")
        }
        Difference::More => "its execution planned fewer changes".to_owned(),
    })
}

/// Whether the same would be done now, by the same account for the same tenant.
fn is_same(kept: &PlanDocument, now: &PlanDocument) -> bool {
    let who = |plan: &PlanDocument| (plan.tenant.clone(), plan.environment.clone());
    let (gone, new) = kept.compared(now);
    who(kept) == who(now) && gone.is_empty() && new.is_empty()
}

/// Shows what would be done now and is not in the plan, and the other way round.
fn stale(kept: &PlanDocument, now: &PlanDocument) -> Problem {
    let (gone, new) = kept.compared(now);
    if !output::is_data() {
        for (title, changes) in
            [("in the plan, and not to be done now", gone), ("to be done now, and not in the plan", new)]
        {
            let changes: Vec<_> = changes.into_iter().cloned().collect();
            if !changes.is_empty() {
                anstream::println!("{}: {}", paint::bad(title), changes.len());
                show::changes(&changes, Some(kept.account_id.as_str()));
            }
        }
    }
    let is_moved = (&kept.tenant, &kept.environment) != (&now.tenant, &now.environment);
    let moved = if is_moved {
        format!(": it is {} {} now, not {} {}", now.tenant, now.environment, kept.tenant, kept.environment)
    } else {
        String::new()
    };
    let what = format!(
        "{} is another than when it was planned at {}{moved}; nothing was changed",
        kept.account_id, kept.planned_at
    );
    Problem::failed(what, NEW_PLAN)
}
