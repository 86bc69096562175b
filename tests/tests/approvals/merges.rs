//! Plans that people approve by merging a pull request that shows them.

use berth_ledger::{Answered, Status};
use berth_tests::rig::{Rig, onboarded};
use serde_json::{Value, json};

use crate::{assert_untouched, attach, drifted_and_asks, start, turn, waits};

/// The rule of these journeys.
fn by_merge() -> Value {
    json!({ "ask": "always", "by": "pullRequest" })
}

/// Has Berth look, until the question of an account is in a pull request that is open.
fn asked_in(rig: &Rig, account: &str) -> Value {
    rig.until("a pull request that is open", || {
        rig.complete_merges();
        let url = rig.record(account)?.waiting()?.pull_request.clone()?;
        rig.pulls().into_iter().find(|pull| pull["url"] == url && pull["state"] == "OPEN")
    })
}

/// Pull requests about the account.
fn pulls_about(rig: &Rig, account: &str) -> Vec<Value> {
    let about = |pull: &Value| pull["title"].as_str().is_some_and(|title| title.contains(account));
    rig.pulls().into_iter().filter(about).collect()
}

#[test]
fn a_plan_is_approved_by_the_merge_of_the_pull_request_that_shows_it() {
    let (rig, _turn) = turn(by_merge());
    let account = rig.account("merged-staging", "staging");
    let since = rig.last_call();
    let run = start(rig, &account);
    let asked = waits(rig, &account, 1);
    let pull = asked_in(rig, &account);
    let (url, path) = (pull["url"].as_str().unwrap(), format!("approvals/{account}.md"));
    assert_eq!(pull["title"], format!("Plan of {account} (merged staging): {}", asked.counts));
    let file = rig.file(pull["headRefName"].as_str().unwrap(), &path);
    assert_eq!(pull["body"], file, "whoever reviews sees it at once");
    let (_, plan) = rig.berth(&["status", &account]);
    let changes: Vec<&str> = plan.lines().filter(|line| line.starts_with("  + ") || line.starts_with("  ~ ")).collect();
    assert!(changes.len() > 20 && changes.iter().all(|change| file.contains(*change)), "{changes:#?} {file}");
    assert!(file.contains(&asked.plan) && file.contains(&run), "{file}");
    assert!(plan.contains(&format!("next       merge {url}, or berth reject {account}")), "{plan}");

    let (code, _, errors) = rig.berth_as("mia", &["approve", &account]);
    assert!(code == 1 && errors.contains(&format!("approved by the merge of {url}, and by nothing else")), "{errors}");
    rig.complete_merges();
    assert_eq!(pulls_about(rig, &account).len(), 1, "however often Berth looks");
    assert_untouched(rig, since, "before the merge");
    rig.merge(&pull["number"]);
    rig.complete_merges();
    let ended = rig.ended(&run);
    let approval = rig.wait_for(&account, Status::Onboarded).approval.unwrap();
    let by = format!("octocat, who merged {url}");
    assert_eq!((approval.answered(), &approval.plan, &approval.approved[0].by), (Answered::Approved, &asked.plan, &by));
    assert_eq!(ended.output["approvals"], json!([approval]));
    assert!(rig.berth(&["status", &account]).1.contains(&format!("by {by} at")));
    assert_eq!(rig.file("main", &path), file);
    assert!(onboarded(rig, &account).changes().is_empty(), "the file is in nobody's way");
}

#[test]
fn the_same_plan_is_asked_about_again_although_its_file_was_merged_once() {
    let (rig, _turn) = turn(by_merge());
    let (account, run) = drifted_and_asks(rig, "recurring", by_merge());
    let first = waits(rig, &account, 1);
    rig.merge(&asked_in(rig, &account)["number"]);
    rig.complete_merges();
    assert_eq!(rig.ended(&run).changes().len(), 1);
    rig.wait_for(&account, Status::Onboarded);
    attach(rig, &account, "recurring", "AdministratorAccess");
    let (since, run) = (rig.last_call(), start(rig, &account));
    assert_eq!(waits(rig, &account, 1).plan, first.plan);
    let pull = asked_in(rig, &account);
    assert_untouched(rig, since, "the merge of an earlier question is no answer to this one");
    rig.merge(&pull["number"]);
    rig.complete_merges();
    assert_eq!(rig.ended(&run).changes().len(), 1);
    rig.wait_for(&account, Status::Onboarded);
}

#[test]
fn a_pull_request_that_is_closed_or_merged_otherwise_rejects_the_plan() {
    let (rig, _turn) = turn(by_merge());
    for (tenant, reason) in
        [("closed", "the pull request was closed"), ("edited", "its file is not as Berth proposed it")]
    {
        let (account, run) = drifted_and_asks(rig, tenant, by_merge());
        waits(rig, &account, 1);
        let pull = asked_in(rig, &account);
        let since = rig.last_call();
        if tenant == "closed" {
            rig.close(&pull["number"]);
        } else {
            let path = format!("approvals/{account}.md");
            rig.edit(pull["headRefName"].as_str().unwrap(), &path, "  ~ detach", "  ~ keep");
            rig.merge(&pull["number"]);
        }
        rig.complete_merges();
        assert_eq!(rig.ended(&run).error.as_deref(), Some("Denied"), "{tenant}");
        let failure = rig.wait_for(&account, Status::Failed).failure.unwrap();
        assert_eq!(failure.state, "AskApproval");
        let who = pull["url"].as_str().unwrap();
        assert!(failure.message.starts_with(who) && failure.message.contains(reason), "{failure:?}");
        rig.redrive(&run);
        let again = rig.until("the redriven run", || Some(rig.ended(&run)).filter(|ended| ended.error.is_some()));
        assert_eq!(again.error.as_deref(), Some("Denied"));
        rig.complete_merges();
        assert_eq!(pulls_about(rig, &account).len(), 1, "nobody is asked again");
        assert_untouched(rig, since, tenant);
    }
}

#[test]
fn a_question_that_is_over_takes_its_pull_request_back() {
    let (rig, _turn) = turn(by_merge());
    let (account, run) = drifted_and_asks(rig, "withdrawn", by_merge());
    waits(rig, &account, 1);
    let first = asked_in(rig, &account);
    rig.stop(&run);
    rig.wait_for(&account, Status::Failed);
    rig.complete_merges();
    let state =
        |number: &Value| rig.pulls().into_iter().find(|pull| pull["number"] == *number).unwrap()["state"].clone();
    assert_eq!(state(&first["number"]), "CLOSED");
    assert!(!rig.branches().contains(&first["headRefName"].as_str().unwrap().to_owned()));

    // The redriven run asks the same; a newer run replaces what a person rejected.
    rig.redrive(&run);
    rig.until("the question of the redriven run", || {
        rig.record(&account)?.approval.filter(|approval| approval.revision > 2 && approval.asked > approval.since)
    });
    let second = asked_in(rig, &account);
    assert_ne!(second["number"], first["number"]);
    assert_eq!(rig.berth_as("mia", &["reject", &account, "--reason", "another day"]).0, 0);
    assert_eq!(rig.ended(&run).error.as_deref(), Some("Denied"));
    rig.wait_for(&account, Status::Failed);
    let run = start(rig, &account);
    waits(rig, &account, 1);
    let third = asked_in(rig, &account);
    let states = [&first, &second, &third].map(|pull| state(&pull["number"]));
    assert_eq!(states, ["CLOSED", "CLOSED", "OPEN"]);
    rig.merge(&third["number"]);
    rig.complete_merges();
    assert_eq!(rig.ended(&run).changes().len(), 1);
    rig.wait_for(&account, Status::Onboarded);
}

#[test]
fn somebody_elses_work_on_a_question_that_is_over_stays() {
    let (rig, _turn) = turn(by_merge());
    let (account, run) = drifted_and_asks(rig, "reworked", by_merge());
    waits(rig, &account, 1);
    let pull = asked_in(rig, &account);
    let branch = pull["headRefName"].as_str().unwrap();
    rig.edit(branch, &format!("approvals/{account}.md"), "  ~ detach", "  ~ a note: detach");
    rig.stop(&run);
    rig.wait_for(&account, Status::Failed);
    rig.complete_merges();
    assert!(rig.branches().contains(&branch.to_owned()), "a person's commit is on it");
    rig.merge(&pull["number"]);
    rig.complete_merges();
    assert_eq!(rig.record(&account).unwrap().status, Status::Failed, "merging it approves nothing any more");
}
