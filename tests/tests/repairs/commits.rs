//! The lease of a commit, when the read for the whole batch is older than the lease.

use serde_json::json;

use crate::{onboarded, turn};

#[test]
fn a_lease_that_the_read_for_the_batch_does_not_show_is_asked_for_alone() {
    let (rig, _turn) = turn(&[]);
    let account = rig.account("outdated-staging", "staging");
    let rule = rig.break_calls(&json!({
        "match": { "function": "berth-commit-tenant", "operation": "BatchGetItem" },
        "action": { "stale_ms": 600_000 },
    }));
    onboarded(rig, &account);
    let since = rig.last_call();
    onboarded(rig, &account);
    assert!(rig.fired(rule) > 1, "the second read answered what the first one did");
    let calls = rig.calls(since);
    let alone = calls.iter().filter(|call| call.function == "berth-commit-tenant" && call.operation == "GetItem");
    assert_eq!(alone.count(), 1, "{calls:#?}");
}
