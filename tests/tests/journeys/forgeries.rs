//! Events that ask for something and may not, and true ones that report a refusal.

use berth_ledger::Status;
use berth_tests::rig::{MANAGEMENT, Rig, fixture, rig};
use serde_json::json;

/// Nothing of Berth knows the account.
fn assert_untouched(rig: &Rig, account: &str) {
    assert!(rig.record(account).is_none(), "the ledger knows {account}");
    assert_eq!(rig.executions(account), [] as [String; 0]);
    assert!(rig.calls(0).iter().all(|call| call.account != account), "somebody looked into {account}");
}

#[test]
fn a_forged_event_changes_nothing_and_is_reported_with_its_sender() {
    let rig = rig();
    let victim = rig.account("victim-dev", "dev");
    let forger = rig.account("forger-dev", "dev");
    let bus = format!("arn:aws:events:us-east-1:{}:event-bus/berth-accounts", berth_tests::rig::HUB);
    let detail = json!({ "accountId": victim, "reason": "forged on the bus" }).to_string();
    let entry = |source: &str, kind: &str| json!({ "EventBusName": bus, "Source": source, "DetailType": kind, "Detail": detail });
    let entries = [entry("berth.accounts", "Account Created"), entry("acme.accounts", "Account Created")];
    rig.call(&forger, "events", "put_events", &json!({ "Entries": entries }));
    let reported = rig.until("the report", || {
        rig.dead_letters("berth-intake-dlq", "forged on the bus")
            .into_iter()
            .find(|message| message.body().is_some_and(|body| body.contains(&victim)))
    });
    let reason = reported.message_attributes().unwrap()["BERTH_REASON"].string_value().unwrap().to_owned();
    assert!(reason.contains("forged") && reason.contains(&forger), "{reason}");
    assert_eq!(rig.dead_letters("berth-intake-dlq", &victim).len(), 1, "another source matches no rule");

    // Straight on the queue, past every rule: the recogniser does not believe them either.
    for name in ["forged-own-event", "forged-source", "forged-event-source", "forged-detail-type"] {
        let said = rig.deliver(&[fixture(name, "111122223333", &victim)]);
        assert!(said[0].contains("rejected") && said[0].contains("forged"), "{name}: {}", said[0]);
    }
    assert_untouched(rig, &victim);
}

#[test]
fn a_denied_move_starts_nothing_and_a_true_one_does() {
    let rig = rig();
    let account = rig.account("moving-dev", "dev");
    let denied = fixture("organizations-move-account-denied", "222233334444", &account);
    rig.publish(std::slice::from_ref(&denied));
    let said = rig.deliver(&[denied]);
    assert!(said[0].contains("nothing to start") && said[0].contains("refused by AWS"), "{}", said[0]);
    assert_untouched(rig, &account);
    rig.publish(&[fixture("organizations-move-account", "222233334444", &account)]);
    rig.wait_for(&account, Status::Onboarded);
    assert_eq!(rig.executions(&account).len(), 1);
}

#[test]
fn no_event_onboards_the_management_account() {
    let rig = rig();
    for name in ["controltower-create-managed-account-of-management-account", "organizations-move-management-account"] {
        let said = rig.deliver(&[fixture(name, MANAGEMENT, MANAGEMENT)]);
        assert!(said[0].contains("nothing to start") && said[0].contains("management account"), "{}", said[0]);
    }
}

#[test]
fn an_account_that_its_tag_keeps_out_is_ignored_without_any_error() {
    let rig = rig();
    let account = rig.account_with("private-dev", "dev", &json!({ "berth:onboard": "false" }));
    rig.publish(&[berth_tests::rig::event(berth_tests::rig::Event::Created, &account)]);
    let record = rig.wait_for(&account, Status::Ignored);
    assert!(record.reason.unwrap().contains("berth:onboard"));
    let (code, status) = rig.status(&account);
    assert_eq!((code, status["failure"].is_null()), (0, true), "{status}");
    assert!(rig.dead_letters("berth-intake-dlq", &account).is_empty());
}
