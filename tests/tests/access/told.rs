//! Every change of a run is told, once and in order, whatever became of the attempt that made it.

use berth_ledger::Status;
use berth_tests::rig::{Event, HUB, Rig, event, onboarded, untold};
use serde_json::{Value, json};

use crate::{center, group, role, turn};

/// The changes of an account's newest run, as `berth status` tells them.
fn told(rig: &Rig, account: &str) -> Vec<String> {
    let (_, shown) = rig.status(account);
    let one = |change: &Value| format!("{} {}", change["step"].as_str().unwrap(), change["change"].as_str().unwrap());
    shown["changes"].as_array().unwrap().iter().map(one).collect()
}

#[test]
fn every_mutating_call_of_a_fresh_account_is_told_once_and_in_order() {
    let (rig, _turn) = turn(&[]);
    let account = rig.account("osier-staging", "staging");
    let since = rig.last_call();
    rig.publish(&[event(Event::Created, &account)]);
    let record = rig.wait_for(&account, Status::Onboarded);
    assert_eq!(untold(&record, &rig.calls(since)), Vec::<String>::new());
    let told = told(rig, &account);
    let mut once = told.clone();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), told.len(), "{told:#?}");
    let at =
        |text: &str| told.iter().position(|line| line.contains(text)).unwrap_or_else(|| panic!("{text}: {told:#?}"));
    let order = ["create the VPC", "attach", "commit clusters/", "assign group", "create access entry"].map(at);
    assert!(order.is_sorted(), "{order:?}: {told:#?}");
}

#[test]
fn what_an_attempt_changed_before_it_was_not_ready_is_told() {
    let (rig, _turn) = turn(&[]);
    let account = rig.account("sorrel-staging", "staging");
    onboarded(rig, &account);
    let sets = rig.platform("identityCenter.permissionSets.TenantDeveloper");
    let assignment = json!({
        "TargetId": account, "TargetType": "AWS_ACCOUNT", "PermissionSetArn": sets,
        "PrincipalType": "GROUP", "PrincipalId": group(rig, "sorrel-developers"),
    });
    center(rig, "delete_account_assignment", assignment);
    let since = rig.last_call();
    let (code, said) = rig.berth(&["onboard", &account, "--wait"]);
    assert_eq!(code, 0, "{said}");
    let line = "assign group sorrel-developers with permission set TenantDeveloper";
    assert!(
        said.contains("changes made: 1") && said.contains(line) && !said.contains("nothing had to change"),
        "{said}"
    );
    let calls = rig.calls(since);
    assert!(calls.iter().any(|call| call.function == "berth-grant-sign-in" && call.effect == "resource"));
    assert_eq!(untold(&rig.record(&account).unwrap(), &calls), Vec::<String>::new());
    let (code, said) = rig.berth(&["onboard", &account, "--wait"]);
    assert!(code == 0 && said.contains("nothing had to change"), "{said}");
}

/// A run that dies in the middle, and is redriven: its outcome tells what it changed before.
#[test]
fn changes_before_a_failure_are_told_by_it_and_after_the_redrive() {
    let (rig, _turn) = turn(&[]);
    let account = rig.account("thistle-staging", "staging");
    let wrong = json!({ "function": "berth-grant-cluster-access", "account": HUB, "operation": "DescribeCluster" });
    let refused = json!({ "error": { "code": "AccessDeniedException", "message": "no", "status": 403 } });
    let rule = rig.break_calls(&json!({ "match": wrong, "action": refused }));
    let since = rig.last_call();
    let execution = rig.start_execution(&json!({ "accountId": account }));
    let _ = rig.ended(&execution);
    let failed = rig.wait_for(&account, Status::Failed);
    assert!(rig.fired_so_far(rule) > 0);
    let created = format!("create role /tenant/{}", role(&account, "thistle", "developer").rsplit('/').next().unwrap());
    let before = told(rig, &account);
    assert!(before.iter().any(|line| line.contains(&created)), "{before:#?}");
    assert_eq!(failed.changes_of(&execution).unwrap().len(), before.len());

    rig.mend(rule);
    rig.redrive(&execution);
    let _ = rig.ended(&execution);
    // Until its second end is announced, the ledger may still have the first one.
    let record = rig.until(&format!("{account} to be onboarded"), || {
        rig.record(&account).filter(|record| record.status == Status::Onboarded)
    });
    let after = told(rig, &account);
    assert_eq!(after[..before.len()], before[..], "in order, and once");
    assert!(after.len() > before.len() && after.last().unwrap().contains("create access entry"), "{after:#?}");
    assert_eq!(untold(&record, &rig.calls(since)), Vec::<String>::new());
}
