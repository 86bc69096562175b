//! More accounts than Identity Center works on: the organization has ten places, and all get their turn.

use std::collections::BTreeSet;

use aws_sdk_sfn::types::ExecutionStatus;
use berth_ledger::Status;
use grant_sign_in::OUTSTANDING_MAX;
use serde_json::{Value, json};

use crate::{SIGN_IN, permission_set, requests, turn};

/// Accounts at once: two more than there are places.
const ACCOUNTS: usize = OUTSTANDING_MAX + 2;

/// How long Identity Center takes, in AWS's time: longer than twelve onboardings need to come as far on any machine. Then
/// the clock is set forward.
const SECONDS: u32 = 360_000;

#[test]
fn twelve_accounts_wait_on_identity_center_at_once_and_all_are_onboarded() {
    let declared = json!([{ "group": "{tenant}-developers", "permissionSet": "TenantSlow" }]);
    let (rig, _turn) = turn(&[(SIGN_IN, declared)]);
    permission_set(
        rig,
        "TenantSlow",
        &json!([{ "Key": "berth-local:assignment-seconds", "Value": SECONDS.to_string() }]),
    );
    let names: Vec<String> = (0..ACCOUNTS).map(|number| format!("queue{number}-staging")).collect();
    let accounts = rig.accounts(&names, "staging");
    let since = rig.last_call();
    let executions: Vec<String> =
        accounts.iter().map(|account| rig.start_execution(&json!({ "accountId": account }))).collect();

    let text = |request: &Value| request["TargetId"].as_str().unwrap().to_owned();
    let (under_way, waiting) = rig.until("ten assignments under way and two accounts that wait", || {
        let under_way: BTreeSet<String> = requests(rig, "IN_PROGRESS").iter().map(text).collect();
        let full = format!("Identity Center has {OUTSTANDING_MAX} assignments outstanding");
        let lines = rig.log_lines("berth-grant-sign-in");
        let refused = |account: &&String| lines.iter().any(|line| line.contains(*account) && line.contains(&full));
        let waiting: BTreeSet<String> = accounts.iter().filter(refused).cloned().collect();
        (under_way.len() == OUTSTANDING_MAX && under_way.len() + waiting.len() >= ACCOUNTS)
            .then_some((under_way, waiting))
    });
    let all: BTreeSet<String> = accounts.iter().cloned().collect();
    assert_eq!(under_way.union(&waiting).cloned().collect::<BTreeSet<_>>(), all, "every account waits");
    for execution in &executions {
        assert_eq!(rig.execution_status(execution), Some(ExecutionStatus::Running), "at once: {execution}");
    }

    rig.advance_clock(SECONDS);
    // Those that waited come when the others are done, and take as long.
    rig.until("the last requests", || (requests(rig, "IN_PROGRESS").len() == ACCOUNTS - OUTSTANDING_MAX).then_some(()));
    rig.advance_clock(SECONDS);
    for (account, execution) in accounts.iter().zip(&executions) {
        assert_eq!(rig.ended(execution).status, ExecutionStatus::Succeeded, "{:?}", rig.record(account));
        assert_eq!(rig.wait_for_outcome(account, execution).status, Status::Onboarded);
    }
    for (account, name) in accounts.iter().zip(&names) {
        let assignments = rig.world(account).assignments;
        let [one] = assignments.as_slice() else { panic!("one assignment: {assignments:?}") };
        assert_eq!(one.group, format!("{}-developers", name.trim_end_matches("-staging")));
    }
    let asked = rig.calls(since).into_iter().filter(|call| call.operation == "CreateAccountAssignment");
    let (made, refused): (Vec<_>, Vec<_>) = asked.partition(|call| call.error.is_empty());
    assert_eq!(made.len(), ACCOUNTS, "one request for each account");
    assert!(refused.iter().all(|call| call.error == "ThrottlingException"), "{refused:#?}");
}
