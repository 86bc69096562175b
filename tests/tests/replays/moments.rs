//! Everybody at the same moment.

use berth_ledger::Status;
use berth_tests::rig::{Event, event};
use serde_json::{Value, json};

use crate::{alone, onboarded::assert_onboarded, squat, unsquat};

/// The event, as it would come if it happened now.
fn now(kind: Event, account: &str) -> String {
    let mut event: Value = serde_json::from_str(&event(kind, account)).unwrap();
    let time = Value::from(rfc3339_now());
    event["time"] = time.clone();
    event["detail"]["eventTime"] = time;
    event.to_string()
}

/// The time in RFC 3339.
fn rfc3339_now() -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    aws_sdk_sfn::primitives::DateTime::from_secs(now.as_secs().try_into().unwrap())
        .fmt(aws_sdk_sfn::primitives::DateTimeFormat::DateTime)
        .unwrap()
}

#[test]
fn events_a_run_and_a_replay_at_once_end_as_one_onboarding() {
    let (rig, _alone) = alone();
    let account = rig.account("crowded-staging", "staging");
    squat(rig, &account, "crowded");
    rig.publish(&[event(Event::Created, &account)]);
    let failed = rig.wait_for(&account, Status::Failed).execution_arn.unwrap();
    unsquat(rig, &account, "crowded");
    let (created, updated) = (now(Event::Created, &account), now(Event::Updated, &account));
    std::thread::scope(|threads| {
        threads.spawn(|| rig.deliver(std::slice::from_ref(&created)));
        threads.spawn(|| rig.deliver(std::slice::from_ref(&updated)));
        threads.spawn(|| rig.start_execution(&json!({ "accountId": account })));
        threads.spawn(|| rig.berth(&["replay", &account]));
    });
    // One that came second may find that it was superseded; the account is onboarded all the same. The one that had
    // failed is redriven, or left behind when another was faster.
    for execution in rig.executions(&account).into_iter().filter(|execution| *execution != failed) {
        let ended = rig.ended(&execution);
        let lost = ended.error.as_deref().is_none_or(|error| error == "Superseded");
        assert!(lost, "{ended:?}");
    }
    let record = rig.until("the account to be onboarded", || {
        rig.record(&account).filter(|record| record.status == Status::Onboarded)
    });
    assert_onboarded(rig, &record);
    assert_eq!(rig.commits(&record.commit.unwrap().path).len(), 1);
    let left = crate::listed(rig).into_iter().find(|line| line["accountId"] == *account);
    assert_eq!(left, None, "nothing of it is left behind as failed");
}
