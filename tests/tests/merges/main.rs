//! Onboardings whose commit people review: as a GitHub App, by pull request, on a local AWS of their own.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod checked;
mod outcomes;
mod reviewers;
mod secrets;

use std::sync::MutexGuard;

use aws_sdk_sfn::types::ExecutionStatus;
use berth_tests::rig::{self, Rig, TimingProfile};
use serde_json::{Value, json};

/// One test after the other: each looks at all pull requests.
fn alone() -> (&'static Rig, MutexGuard<'static, ()>) {
    rig::alone(TimingProfile::Fast, |rig| {
        rig.sign_in_as_app();
        rig.review(&["staging", "prod"]);
        rig.slim("staging");
    })
}

/// An onboarding whose commit people review.
struct Proposed {
    account: String,
    execution: String,
    pull: Value,
}

/// Starts the onboarding of a new account, and waits until it waits for a merge.
fn proposed(rig: &Rig, name: &str, environment: &str) -> Proposed {
    let account = rig.account(name, environment);
    let execution = rig.start_execution(&json!({ "accountId": account }));
    let pull = waits_for_merge(rig, &account);
    Proposed { account, execution, pull }
}

/// Waits until an account's execution waits for a merge; the pull request.
fn waits_for_merge(rig: &Rig, account: &str) -> Value {
    let url = rig.until("a pull request", || {
        rig.record(account)?; // before that, `berth status` has nothing to say
        rig.status(account).1["waitsFor"]["merge"].as_str().map(str::to_owned)
    });
    rig.pulls().into_iter().find(|pull| pull["url"] == url).unwrap()
}

/// Waits until there is an open pull request after this one.
fn proposed_again(rig: &Rig, first: &Value) -> Value {
    rig.until("a second pull request", || {
        let again = rig.pulls().last().cloned()?;
        (again["state"] == "OPEN" && again["number"] != first["number"]).then_some(again)
    })
}

/// Looks at merges until an execution has succeeded.
fn completed(rig: &Rig, execution: &str) {
    rig.until("the end", || {
        rig.complete_merges();
        (rig.execution_status(execution) == Some(ExecutionStatus::Succeeded)).then_some(())
    });
}

/// The one file that names an account in what a pull request would merge.
fn proposed_file(rig: &Rig, pull: &Value, account: &str) -> String {
    let head = pull["headRefName"].as_str().unwrap();
    let files = rig.files_of(head, account);
    let [path] = files.as_slice() else { panic!("one file: {files:?}") };
    path.clone()
}
