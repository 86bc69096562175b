//! Who wants an account to leave and who wants it to come, at the same moment; and what is replayed afterwards.

use berth_ledger::Status;
use berth_tests::rig::{Event, Rig, event_now, onboarded};
use serde_json::json;

use crate::{networks, turn};

/// Holds the first state of executions behind a read of the account's record by this function, until it is mended.
fn hold(rig: &Rig, account: &str, function: &str, operation: &str) -> u64 {
    let calls = json!({ "account": account, "function": function, "operation": operation });
    rig.break_calls(&json!({ "match": calls, "action": { "hold": true } }))
}

#[test]
fn an_offboarding_that_comes_second_says_who_works_and_takes_nothing_away() {
    let (rig, _turn) = turn(&[]);
    let account = rig.account("wigeon-staging", "staging");
    onboarded(rig, &account);
    rig.wait_for(&account, Status::Onboarded);
    let before = networks(rig, &account, "wigeon");
    let rule = hold(rig, &account, "berth-provision-vpc", "DescribeVpcs");
    let onboarding = rig.start_execution(&json!({ "accountId": account }));
    rig.until("the onboarding to be under way", || (rig.fired_so_far(rule) > 0).then_some(()));
    let second = rig.ended(&rig.start_offboarding(&account));
    assert_eq!(second.output["decision"], "duplicate", "{second:?}");
    assert!(second.output["reason"].as_str().unwrap().contains(&onboarding), "{second:?}");
    let (code, said) = rig.berth(&["offboard", &account, "--yes"]);
    assert!(said.contains("works on this account now"), "{code}: {said}");
    rig.mend(rule);
    assert_eq!(rig.ended(&onboarding).error, None);
    let record = rig.wait_for_outcome(&account, &onboarding);
    assert_eq!((record.status, networks(rig, &account, "wigeon")), (Status::Onboarded, before));
}

#[test]
fn an_onboarding_that_comes_second_says_who_works_and_makes_nothing() {
    let (rig, _turn) = turn(&[]);
    let account = rig.account("dunnock-staging", "staging");
    onboarded(rig, &account);
    rig.wait_for(&account, Status::Onboarded);
    let rule = hold(rig, &account, "berth-delete-vpc", "DescribeVpcs");
    let leaving = rig.start_offboarding(&account);
    rig.until("the offboarding to be under way", || (rig.fired_so_far(rule) > 0).then_some(()));
    let second = rig.ended(&rig.start_execution(&json!({ "accountId": account })));
    assert_eq!(second.output["decision"], "duplicate", "{second:?}");
    assert!(second.output["reason"].as_str().unwrap().contains(&leaving), "{second:?}");
    // An event that comes meanwhile is not lost: whoever leaves is told, and nothing is started.
    let before = rig.executions(&account).len();
    rig.deliver(&[event_now(Event::Updated, &account)]);
    assert_eq!(rig.executions(&account).len(), before);
    rig.mend(rule);
    assert_eq!(rig.ended(&leaving).error, None);
    assert_eq!(rig.wait_for_outcome(&account, &leaving).status, Status::Offboarded);
    assert_eq!(networks(rig, &account, "dunnock"), Vec::<String>::new());
}

#[test]
fn both_at_the_same_moment_end_as_one_of_them() {
    let (rig, _turn) = turn(&[]);
    let account = rig.account("siskin-staging", "staging");
    onboarded(rig, &account);
    rig.wait_for(&account, Status::Onboarded);
    let (onboarding, leaving) = std::thread::scope(|threads| {
        let one = threads.spawn(|| rig.start_execution(&json!({ "accountId": account })));
        let other = threads.spawn(|| rig.start_offboarding(&account));
        (one.join().unwrap(), other.join().unwrap())
    });
    let ended = [rig.ended(&onboarding), rig.ended(&leaving)];
    let worked =
        |ended: &berth_tests::rig::Ended| ["onboard", "offboard"].iter().any(|word| ended.output["decision"] == **word);
    let is_rival = |ended: &berth_tests::rig::Ended| {
        ended.output["decision"] == "duplicate" || ended.error.as_deref() == Some("Superseded")
    };
    assert!(ended.iter().all(|ended| worked(ended) || is_rival(ended)), "{ended:?}");
    assert!(ended.iter().any(worked), "{ended:?}");
    let record = rig.until("both outcomes", || rig.record(&account).filter(|record| record.lease.is_none()));
    let is_empty = networks(rig, &account, "siskin").is_empty();
    assert!(matches!(record.status, Status::Onboarded | Status::Offboarded), "{record:?}");
    assert_eq!(record.status == Status::Offboarded, is_empty, "the ledger says what is there");
}
