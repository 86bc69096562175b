//! What people answer, and what becomes of it.

use berth_ledger::{Answered, Status};
use berth_tests::rig::onboarded;
use serde_json::{Value, json};

use crate::{MIA, asks, assert_untouched, attach, drifted, start, turn, waits};

#[test]
fn a_new_account_waits_is_approved_and_the_record_says_by_whom() {
    let (rig, _turn) = turn(json!("always"));
    let account = rig.account("asked-staging", "staging");
    let since = rig.last_call();
    let run = start(rig, &account);
    let asked = waits(rig, &account, 1);
    assert_untouched(rig, since, "before the approval");
    let (_, text) = rig.berth(&["status", &account]);
    let command = format!("berth approve {account} --plan {}", asked.plan);
    assert!(!text.contains("is being planned by"), "it was planned: {text}");
    for shown in ["waits for  an approval since", &command, "  + create the VPC with", &asked.counts.to_string()] {
        assert!(text.contains(shown), "{shown}: {text}");
    }
    let (_, answer) = rig.berth(&["status", &account, "--json"]);
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert_eq!(answer["approval"], json!(asked));

    let (code, text, errors) = rig.berth_as("mia", &["approve", &account, "--plan", &asked.plan]);
    assert!(code == 0 && text.contains(&format!("by {MIA}")), "{code} {text} {errors}");
    let ended = rig.ended(&run);
    let record = rig.wait_for(&account, Status::Onboarded);
    let approval = record.approval.unwrap();
    assert_eq!((approval.answered(), approval.approved[0].by.as_str()), (Answered::Approved, MIA));
    assert_eq!(ended.output["approvals"], json!([approval]));
    let limit = ended.output["run"]["onlyPlanned"].as_str().unwrap();
    assert!(limit.starts_with(&asked.plan), "the run was limited to what was approved: {limit}");
    let (_, text) = rig.berth(&["status", &account]);
    assert!(text.contains(&format!("approved   {} by {MIA} at", asked.plan)), "{text}");

    let (code, _, errors) = rig.berth_said(&["approve", &account]);
    assert!(code == 1 && errors.contains(&format!("was approved by {MIA} at")), "{code} {errors}");
    assert!(onboarded(rig, &account).changes().is_empty(), "a run with nothing to change asks nobody");
}

#[test]
fn a_rejected_plan_is_not_made_and_nobody_is_asked_again() {
    let (rig, _turn) = turn(json!("always"));
    let (account, run) = drifted(rig, "refused");
    let asked = waits(rig, &account, 1);
    let since = rig.last_call();
    let (code, text, errors) = rig.berth_as("mia", &["reject", &account, "--reason", "not on a Friday"]);
    assert!(code == 0 && text.contains("rejected"), "{code} {text} {errors}");
    assert_eq!(rig.ended(&run).error.as_deref(), Some("Denied"));
    let record = rig.wait_for(&account, Status::Failed);
    let failure = record.failure.unwrap();
    assert_eq!(failure.state, "AskApproval");
    assert!(failure.message.starts_with(&format!("{MIA} rejected the plan at ")), "{failure:?}");
    assert!(failure.message.contains(": not on a Friday; nothing was changed"), "{failure:?}");

    let (code, _, errors) = rig.berth_said(&["approve", &account, "--plan", &asked.plan]);
    assert!(code == 1 && errors.contains(&format!("rejected by {MIA} at")), "{code} {errors}");
    rig.redrive(&run);
    let again = rig.until("the redriven run", || Some(rig.ended(&run)).filter(|ended| ended.error.is_some()));
    assert_eq!(again.error.as_deref(), Some("Denied"));
    let (report, _) = rig.invoke("berth-sweep-accounts", &json!({ "failedAfterMinutes": 0 }));
    assert!(!report["asked"].to_string().contains(&account), "{report}");
    assert_untouched(rig, since, "after the rejection");
    let (_, text) = rig.berth(&["status", &account]);
    assert!(text.contains(": not on a Friday"), "{text}");
}

#[test]
fn an_account_that_changes_while_people_answer_is_asked_about_again() {
    let (rig, _turn) = turn(json!("always"));
    let (account, run) = drifted(rig, "shifted");
    let first = waits(rig, &account, 1);
    assert_eq!(first.counts.sum(), 1);
    attach(rig, &account, "shifted", "PowerUserAccess");
    let since = rig.last_call();
    let (code, _, errors) = rig.berth_as("mia", &["approve", &account]);
    assert_eq!(code, 0, "{errors}");
    let second = waits(rig, &account, 2);
    assert_ne!(first.plan, second.plan);
    assert_eq!(second.counts.sum(), 2);
    assert_untouched(rig, since, "what was approved is not what would be done");
    let (_, text) = rig.berth(&["status", &account]);
    assert!(text.contains("again: the account was another one than approved"), "{text}");
    let (code, _, errors) = rig.berth_said(&["approve", &account, "--plan", &first.plan]);
    assert!(code == 1 && errors.contains("the account is another by now"), "{code} {errors}");
    assert_eq!(rig.berth_as("mia", &["approve", &account, "--plan", &second.plan]).0, 0);
    assert_eq!(rig.ended(&run).changes().len(), 2);
    let record = rig.wait_for(&account, Status::Onboarded);
    assert_eq!(record.approval.unwrap().plan, second.plan);
}

#[test]
fn two_people_approve_what_a_person_asked_for_and_one_what_an_event_did() {
    let (rig, _turn) = turn(json!("always"));
    let (account, run) = drifted(rig, "watched");
    waits(rig, &account, 1);
    assert_eq!(rig.berth_as("mia", &["reject", &account, "--reason", "first with four eyes"]).0, 0);
    let _ = rig.ended(&run);
    asks(rig, json!({ "ask": "always", "fourEyes": true, "days": 1 }));
    rig.wait_for(&account, Status::Failed);
    let run = start(rig, &account);
    let asked = waits(rig, &account, 1);
    assert_eq!(asked.approvers, 2);
    let (code, text, errors) = rig.berth_as("mia", &["approve", &account]);
    assert!(code == 0 && text.contains("1 more must approve it"), "{code} {text} {errors}");
    let (code, _, errors) = rig.berth_as("mia", &["approve", &account]);
    assert!(code == 1 && errors.contains("another person must, too (fourEyes)"), "{code} {errors}");
    assert!(rig.record(&account).unwrap().waiting().is_some());
    assert_eq!(rig.berth_as("leo", &["approve", &account, "--plan", &asked.plan]).0, 0);
    assert_eq!(rig.ended(&run).changes().len(), 1);
    let approved = rig.wait_for(&account, Status::Onboarded).approval.unwrap().approved;
    assert_eq!(approved.iter().map(|one| one.by.as_str()).collect::<Vec<_>>(), [MIA, &MIA.replace("mia", "leo")]);

    let other = rig.account("notified-staging", "staging");
    rig.publish(&[berth_tests::rig::event(berth_tests::rig::Event::Created, &other)]);
    assert_eq!(waits(rig, &other, 1).approvers, 1);
    assert_eq!(rig.berth_as("mia", &["approve", &other]).0, 0);
    rig.wait_for(&other, Status::Onboarded);
}

#[test]
fn whoever_does_not_prove_who_they_are_answers_nothing() {
    let (rig, _turn) = turn(json!("always"));
    let (account, run) = drifted(rig, "claimed");
    let asked = waits(rig, &account, 1);
    let signed = "X-Amz-SignedHeaders=host%3Bx-berth-decision&X-Amz-Signature=00";
    for (proof, fault) in [
        ("", "InvalidInput"),
        ("X-Amz-Signature=00", "InvalidInput"),
        ("X-Amz-SignedHeaders=host%3Bx-berth-decision&Action=AssumeRole", "InvalidInput"),
        (&format!("X-Amz-Credential=nobody&{signed}"), "Denied"),
    ] {
        let answer = json!({ "accountId": account, "verdict": "approve", "plan": asked.plan, "proof": proof });
        let (said, failed) = rig.invoke("berth-decide-approval", &answer);
        assert!(failed && said["errorType"] == fault, "{proof}: {said}");
    }
    assert_eq!(rig.record(&account).unwrap().approval.unwrap(), asked);
    rig.stop(&run);
    rig.wait_for(&account, Status::Failed);
}
