//! `berth approve` and `berth reject`: a person's answer to the plan that a run waits with.

use berth_contract::{Decide, Decided, Proof, Verdict};
use berth_tenancy::AccountId;
use clap::Args;
use serde_json::json;

use crate::{
    args::Target,
    aws::signed,
    invoke::invoke,
    outcome::{Exit, Problem},
    output, paint,
    target::{self, Deployment},
};

/// Name of the function in every deployment.
const FUNCTION: &str = "berth-decide-approval";

/// What is sent where nothing seems to wait: the function says what there is instead.
const NO_PLAN: &str = "none";

#[derive(Debug, Args)]
pub(crate) struct ApproveArgs {
    /// The account: twelve digits.
    pub(crate) account: AccountId,
    /// Hash of the plan that you have seen: if another one waits by now, nothing is approved. Without it, the one that waits.
    #[arg(long, value_name = "HASH")]
    pub(crate) plan: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct RejectArgs {
    /// The account: twelve digits.
    pub(crate) account: AccountId,
    /// Why, for whoever asked.
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: String,
    /// Hash of the plan that you have seen: if another one waits by now, nothing is rejected. Without it, the one that waits.
    #[arg(long, value_name = "HASH")]
    pub(crate) plan: Option<String>,
}

/// Approves.
pub(crate) async fn approve(args: &ApproveArgs, wanted: &Target) -> Result<Exit, Problem> {
    answer((&args.account, args.plan.as_ref()), Verdict::Approve, None, wanted).await
}

/// Rejects.
pub(crate) async fn reject(args: &RejectArgs, wanted: &Target) -> Result<Exit, Problem> {
    answer((&args.account, args.plan.as_ref()), Verdict::Reject, Some(args.reason.clone()), wanted).await
}

async fn answer(
    (account, plan): (&AccountId, Option<&String>),
    verdict: Verdict,
    reason: Option<String>,
    wanted: &Target,
) -> Result<Exit, Problem> {
    let deployment = target::connect(wanted).await?;
    let plan = match plan {
        Some(plan) => plan.clone(),
        None => waiting_plan(&deployment, account).await?,
    };
    let mut decide = Decide { account_id: account.clone(), verdict, plan, reason, proof: Proof(String::new()) };
    let digest = decide.digest(deployment.state_machine().await?);
    decide.proof = Proof(signed::identity(&deployment, &digest).await?);
    let said = invoke(&deployment, FUNCTION, &json!(decide)).await?;
    let decided: Decided = serde_json::from_value(said.clone()).map_err(|error| {
        Problem::failed(format!("{FUNCTION} answered what this version cannot read: {error}"), "deploy this version")
    })?;
    if output::is_data() {
        output::data(&said);
    } else {
        print(&decided);
    }
    Ok(Exit::Done)
}

/// Hash of the plan that waits.
async fn waiting_plan(deployment: &Deployment, account: &AccountId) -> Result<String, Problem> {
    let record = deployment.ledger.get(account).await?;
    let approval = record.and_then(|record| record.approval);
    Ok(approval.map_or_else(|| NO_PLAN.to_owned(), |approval| approval.plan))
}

fn print(decided: &Decided) {
    let Decided { account_id, verdict, plan, by, at: _, missing, execution } = decided;
    let (word, next) = match verdict {
        Verdict::Reject => (paint::good("rejected"), format!("nothing was changed; {execution} ends")),
        Verdict::Approve if *missing > 0 => (
            paint::waiting("approved"),
            format!("{missing} more must approve it: berth approve {account_id} --plan {plan}"),
        ),
        Verdict::Approve => {
            let next = format!("{execution} looks once more, and goes on: berth status {account_id}");
            (paint::good("approved"), next)
        }
    };
    anstream::println!("{word}: {account_id}, the plan {plan}, by {by}");
    anstream::println!("{}", paint::faint(&format!("Next: {next}")));
}
