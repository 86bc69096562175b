//! Events that ask for something and may not, and true ones that report a refusal.

use berth_ledger::Status;
use berth_tests::rig::{HUB, MANAGEMENT, Rig, fixture, rig};
use serde_json::{Value, json};

/// Nothing of Berth knows the account.
fn assert_untouched(rig: &Rig, account: &str) {
    assert!(rig.record(account).is_none(), "the ledger knows {account}");
    assert_eq!(rig.executions(account), [] as [String; 0]);
    assert!(rig.calls(0).iter().all(|call| call.account != account), "somebody looked into {account}");
}

/// Entries of `PutEvents` with which somebody claims to be someone else.
fn forgery(kinds: &[(&str, &str)], detail: &Value) -> Value {
    let bus = format!("arn:aws:events:us-east-1:{HUB}:event-bus/berth-accounts");
    let entry = |(source, kind): &(&str, &str)| json!({ "EventBusName": bus, "Source": source, "DetailType": kind, "Detail": detail.to_string() });
    json!({ "Entries": kinds.iter().map(entry).collect::<Value>() })
}

/// What the dead-letter queue says about the messages that hold all of these texts.
fn reasons(rig: &Rig, texts: [&str; 2]) -> Vec<String> {
    let dead = rig.dead_letters("berth-intake-dlq", texts[0]).into_iter();
    let dead = dead.filter(|message| message.body().is_some_and(|body| body.contains(texts[1])));
    dead.map(|message| message.message_attributes().unwrap()["BERTH_REASON"].string_value().unwrap().to_owned())
        .collect()
}

/// Lets every account publish, as a careless change of the template would.
fn open_the_bus(rig: &Rig) {
    let bus = format!("arn:aws:events:us-east-1:{HUB}:event-bus/berth-accounts");
    let anybody = json!({
        "Sid": "Careless", "Effect": "Allow", "Principal": "*", "Action": "events:PutEvents", "Resource": bus,
    });
    let policy = json!({ "Version": "2012-10-17", "Statement": [anybody] }).to_string();
    let opened = json!({ "EventBusName": "berth-accounts", "Policy": policy });
    rig.call(HUB, "events", "put_permission", &opened);
}

#[test]
fn a_forged_event_changes_nothing_and_is_reported_with_its_sender() {
    let rig = rig();
    let victim = rig.account("victim-dev", "dev");
    let forger = rig.account("forger-dev", "dev");
    let asks = json!({ "accountId": victim, "reason": "forged on the bus" });
    let asking = forgery(&[("berth.accounts", "Account Created"), ("acme.accounts", "Account Created")], &asks);
    let kinds = ["Account Onboarded", "Account Onboarding Failed", "Account Ignored"];
    let tells = json!({ "version": 1, "accountId": victim, "reason": "told by a forger" });
    let telling = forgery(&kinds.map(|kind| ("berth.accounts", kind)), &tells);

    // The first line: the bus takes events of the management account and of its own.
    for entries in [&asking, &telling] {
        let refused = rig.refusal(&forger, "events", "put_events", entries);
        assert!(refused.contains("AccessDeniedException") && refused.contains("events:PutEvents"), "{refused}");
    }
    // The second line, should somebody open the bus: what is sent in Berth's name is reported.
    open_the_bus(rig);
    rig.call(&forger, "events", "put_events", &asking);
    rig.call(&forger, "events", "put_events", &telling);
    for (text, count) in [("forged on the bus", 1), ("told by a forger", kinds.len())] {
        let reported = rig.until("the reports", || {
            let reasons = reasons(rig, [text, &victim]);
            (reasons.len() >= count).then_some(reasons)
        });
        assert_eq!(reported.len(), count, "another source matches no rule: {reported:?}");
        assert!(reported.iter().all(|why| why.contains("forged") && why.contains(&forger)), "{reported:?}");
    }

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
