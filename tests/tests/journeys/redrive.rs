//! A person removes what an execution failed on, and redrives that execution.

use aws_sdk_sfn::types::ExecutionStatus;
use berth_ledger::Status;
use berth_tests::rig::{Event, event, rig};
use serde_json::json;

use crate::onboarded::assert_onboarded;

#[test]
fn a_redriven_execution_goes_on_where_it_failed_and_leaves_one_of_each() {
    let rig = rig();
    let account = rig.account("redriven-dev", "dev");
    let role = json!({ "RoleName": "redriven-viewer" });
    let trust = json!({ "Version": "2012-10-17", "Statement": [] }).to_string();
    let foreign = json!({ "RoleName": "redriven-viewer", "Path": "/tenant/", "AssumeRolePolicyDocument": trust });
    rig.call(&account, "iam", "create_role", &foreign);
    rig.publish(&[event(Event::Created, &account)]);
    let failed = rig.wait_for(&account, Status::Failed);
    assert_eq!(failed.failure.unwrap().state, "CreateTenantRoles");
    let execution = failed.execution_arn.unwrap();
    assert_eq!(failed.lease.as_ref(), Some(&execution), "a failed execution keeps its lease, so that it can go on");
    assert_eq!(rig.ended(&execution).status, ExecutionStatus::Failed);
    let before = rig.transitions(&execution);
    assert_eq!(times(&before, "CommitTenant"), 0, "{before:?}");

    rig.call(&account, "iam", "delete_role", &role);
    rig.redrive(&execution);
    let ended = rig.ended(&execution);
    assert_eq!(ended.status, ExecutionStatus::Succeeded, "{ended:?}");
    // Until its second end is announced, the ledger may still have the first one.
    let record = rig.until(&format!("{account} to be onboarded"), || {
        rig.record(&account).filter(|record| record.status == Status::Onboarded)
    });
    assert_eq!((record.execution_arn.as_deref(), record.generation), (Some(execution.as_str()), failed.generation));
    assert_eq!((record.lease.as_ref(), record.failure.as_ref()), (None, None));
    assert_onboarded(rig, &record);

    let after = rig.transitions(&execution);
    assert!(after.len() > before.len() && after.starts_with(&before), "one history: {after:?}");
    for (state, entered) in [("PlanOnboarding", 1), ("IsOurs", 1), ("CommitTenant", 1)] {
        assert_eq!(times(&after, state), entered, "{state} in {after:?}");
    }
    assert!(times(&after, "CreateTenantRoles") > times(&before, "CreateTenantRoles"), "{after:?}");
    assert_eq!(rig.executions(&account), [execution], "no other execution did it");
    assert_eq!(rig.commits(&record.commit.unwrap().path).len(), 1);
}

/// How often a state was entered.
fn times(entered: &[String], state: &str) -> usize {
    entered.iter().filter(|name| *name == state).count()
}
