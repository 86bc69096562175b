//! `berth onboard --plan`: what an onboarding would change, as a document: shown, kept in a file, and answered to scripts.

pub(crate) mod show;

use std::{fs, path::Path};

use berth_contract::{ExecutionOutput, Incomplete, PlanDocument, changes_of, in_order};
use berth_tenancy::{AccountId, Mode};
use serde_json::json;

use crate::{
    args::OnboardArgs,
    execution::machine_of,
    follow::{self, Ended},
    onboard::{self, Wish},
    outcome::{Exit, Problem},
    output, paint,
    target::Deployment,
};

/// The document in the answer for scripts.
pub(crate) const DOCUMENT: &str = "plan";

/// What to do about a plan that is too large for a document.
pub(crate) const TOO_LARGE: &str =
    "leave --out away to see the changes as sentences, and onboard the account without a file";

/// What looking at an account came to.
pub(crate) enum Looked {
    /// Its plan.
    Plan(Box<PlanDocument>),
    /// A step has more changes than its answer has room for: there are sentences only. Says which step.
    TooLarge(String),
    /// There is none: it is not Berth's, somebody works on it, or a step cannot go on. Or the deployment is of an earlier
    /// version, which has no documents.
    Otherwise,
}

/// Shows what would change.
pub(crate) async fn run(args: &OnboardArgs, deployment: &Deployment) -> Result<Exit, Problem> {
    let (execution, ended) = look(deployment, &args.account, args.allow_disruption).await?;
    let plan = match looked(&ended, &execution)? {
        Looked::Plan(plan) => plan,
        Looked::TooLarge(what) => return too_large(args, &ended, &execution, what),
        Looked::Otherwise => return without_document(args, &ended, &execution),
    };
    if let Some(file) = &args.out {
        keep(&plan, file)?;
    }
    if output::is_data() {
        // What was answered before there were documents stays as it was, beside it.
        let mut answer = ended.json(&execution);
        answer.as_object_mut().map(|fields| fields.insert(DOCUMENT.to_owned(), json!(plan)));
        output::data(&answer);
    } else {
        show::plan(&plan);
        ended.print_left();
    }
    if let Some(file) = &args.out {
        let (kept, file) = (paint::good("kept"), file.display());
        let next = if plan.changes.is_empty() { String::new() } else { format!("; berth apply {file} makes it") };
        output::aside(&format!("{kept}: {file}{next}"));
    }
    Ok(if args.exit_code && !plan.changes.is_empty() { Exit::Changes } else { Exit::Done })
}

/// Plans an account, and waits for the end. Changes nothing.
pub(crate) async fn look(
    deployment: &Deployment,
    account: &AccountId,
    allow_disruption: bool,
) -> Result<(String, Ended), Problem> {
    let wish = Wish { allow_disruption, ..Wish::of(account, Mode::Plan) };
    let execution = onboard::start(deployment, &wish).await?;
    let ended = follow::to_the_end(deployment, &execution, !output::is_data()).await?;
    Ok((execution, ended))
}

/// The plan that the execution has made, if it made one.
pub(crate) fn looked(ended: &Ended, execution: &str) -> Result<Looked, Problem> {
    if !ended.succeeded() || ended.output().get("plan").is_none() {
        return Ok(Looked::Otherwise);
    }
    let strange = |what: String| {
        Problem::failed(what, "use the berth of the version that is deployed; if it is that one, report it")
    };
    let read = serde_json::from_value(ended.output().clone());
    let read = read.map_err(|error| strange(format!("the output of {execution} is not that of a plan: {error}")))?;
    let ExecutionOutput::Onboard { plan: summaries, .. } = &read else { return Ok(Looked::Otherwise) };
    let changes = match in_order(ended.planned(), summaries) {
        Ok(changes) => changes,
        Err(Incomplete(summary)) => {
            let place = summary.region.as_ref().map(|region| format!(" in {region}")).unwrap_or_default();
            let its = format!("{}{place} would change", summary.step);
            if changes_of(ended.planned(), summary).is_empty() {
                let what = format!("what {its} is more than Step Functions takes: {} changes", summary.counts.sum());
                return Ok(Looked::TooLarge(what));
            }
            return Err(strange(format!("the history of {execution} does not have what {its}")));
        }
    };
    let machine = machine_of(execution).unwrap_or_default();
    let plan = PlanDocument::of_execution(&machine, execution, ended.ended_at(), read, changes);
    Ok(plan.map_or(Looked::Otherwise, |plan| Looked::Plan(Box::new(plan))))
}

/// Shows the sentences of a plan that is too large for a document.
fn too_large(args: &OnboardArgs, ended: &Ended, execution: &str, what: String) -> Result<Exit, Problem> {
    if args.out.is_some() {
        return Err(Problem::failed(what, TOO_LARGE));
    }
    if output::is_data() {
        output::data(&ended.json(execution));
    } else {
        ended.print();
        output::aside(&what);
    }
    Ok(if args.exit_code { Exit::Changes } else { Exit::Done })
}

/// Where there is no document, what there is.
fn without_document(args: &OnboardArgs, ended: &Ended, execution: &str) -> Result<Exit, Problem> {
    if ended.succeeded() && !ended.is_duplicate() && (args.out.is_some() || args.exit_code) {
        let what = "the deployment is of an earlier version, whose plans are no documents";
        return Err(Problem::failed(what, "deploy this version first (docs/upgrading.md), or leave the switch out"));
    }
    if output::is_data() {
        output::data(&ended.json(execution));
    } else {
        ended.print();
    }
    Ok(if ended.succeeded() { Exit::Done } else { Exit::Failed })
}

/// Writes the document into a file, which a person can read and compare.
fn keep(plan: &PlanDocument, file: &Path) -> Result<(), Problem> {
    let text = serde_json::to_string_pretty(plan).unwrap_or_default();
    fs::write(file, format!("{text}\n")).map_err(|error| {
        Problem::bad_input(format!("{} cannot be written: {error}", file.display()), "name a file in a folder of yours")
    })
}
