//! Runs that ask people about their plan before they change anything: what waits, who answers and how, and what ends the wait.
//!
//! These journeys change platform.yaml, so they have a local AWS of their own and take turns.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod answers;
mod ends;
mod merges;
mod repairs;
mod rivals;
mod secrets;

use std::sync::MutexGuard;

use berth_ledger::{Approval, Record};
use berth_tests::rig::{self, Call, Rig, TimingProfile, onboarded};
use serde_json::{Value, json};

/// Who answers in these journeys: a user of the hub account.
const MIA: &str = "arn:aws:iam::210987654321:user/mia";

/// The rig, for one journey at a time, with `approval` of the environment `staging`.
fn turn(approval: Value) -> (&'static Rig, MutexGuard<'static, ()>) {
    let (rig, turn) = rig::alone(TimingProfile::Fast, Rig::sign_in_as_app);
    asks(rig, approval);
    (rig, turn)
}

/// Deploys a platform.yaml in which runs of `staging` ask like this.
fn asks(rig: &Rig, approval: Value) {
    let guard = ("offboardingGuard", json!({ "accountsPerDay": 1000, "percentPerDay": 100 }));
    rig.deploy_platform(&[guard, ("environments.staging.approval", approval)]);
}

/// Waits until a run of the account asks its `question`-th time.
fn waits(rig: &Rig, account: &str, question: u32) -> Approval {
    let asked = |record: Record| record.waiting().filter(|approval| approval.question == question).cloned();
    rig.until(&format!("question {question} about {account}"), || rig.record(account).and_then(asked))
}

/// Starts a run as a person does; its execution.
fn start(rig: &Rig, account: &str) -> String {
    rig.start_execution(&json!({ "accountId": account }))
}

/// An account that is onboarded without a question, in which somebody gave a role everything; and the run that asks whether to
/// take that away.
fn drifted(rig: &Rig, tenant: &str) -> (String, String) {
    drifted_and_asks(rig, tenant, json!("always"))
}

/// The same, with this `approval`.
fn drifted_and_asks(rig: &Rig, tenant: &str, approval: Value) -> (String, String) {
    asks(rig, json!("none"));
    let account = rig.account(&format!("{tenant}-staging"), "staging");
    onboarded(rig, &account);
    attach(rig, &account, tenant, "AdministratorAccess");
    asks(rig, approval);
    let run = start(rig, &account);
    (account, run)
}

/// Somebody gives a role of the tenant a policy of AWS's.
fn attach(rig: &Rig, account: &str, tenant: &str, policy: &str) {
    let arn = format!("arn:aws:iam::aws:policy/{policy}");
    rig.call(
        account,
        "iam",
        "attach_role_policy",
        &json!({ "RoleName": format!("{tenant}-viewer"), "PolicyArn": arn }),
    );
}

/// That a function changed no resource since then.
fn assert_untouched(rig: &Rig, since: u64, why: &str) {
    let is_made = |call: &Call| call.effect == "resource" && call.function.starts_with("berth-");
    let made: Vec<Call> = rig.calls(since).into_iter().filter(is_made).collect();
    assert!(made.is_empty(), "{why}: {made:#?}");
}
