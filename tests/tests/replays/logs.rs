//! `berth logs`: what the functions say of one account, and of no other.

use berth_ledger::Status;
use berth_tests::rig::{Event, event};
use serde_json::Value;

use crate::{alone, squat, unsquat};

#[test]
fn the_lines_about_an_account_are_there_in_order_and_no_others() {
    let (rig, _alone) = alone();
    let account = rig.account("logged-staging", "staging");
    let other = rig.account("unlogged-staging", "staging");
    squat(rig, &account, "logged");
    rig.publish(&[event(Event::Created, &account), event(Event::Created, &other)]);
    rig.wait_for(&account, Status::Failed);
    rig.wait_for(&other, Status::Onboarded);

    let (code, text) = rig.berth(&["logs", &account]);
    assert_eq!(code, 0, "{text}");
    let at = |part: &str| text.lines().position(|line| line.contains(part)).unwrap_or_else(|| panic!("{part}: {text}"));
    let parts = ["accept-event ", "plan-onboarding ", "fault: NotOwned: role logged-viewer", "announce-outcome "];
    assert!(parts.map(at).is_sorted(), "{text}");
    assert!(text.lines().any(|line| line.contains("provision-vpc") && line.contains(" eu-west-1 ")), "{text}");
    let (_, lines) = rig.berth(&["logs", &account, "--json"]);
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines.len() > 5 && lines.iter().all(|line| line.to_string().contains(&account)), "{lines:#?}");
    assert!(lines.iter().all(|line| !line.to_string().contains(&other)), "{lines:#?}");
    let at = |line: &Value| line["timestamp"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    assert!(lines.is_sorted_by_key(at), "oldest first: {lines:#?}");
    let (code, text) = rig.berth(&["logs", "999999999999", "--since", "7d"]);
    assert_eq!((code, text.as_str()), (0, ""), "that there is no line is said on standard error");

    unsquat(rig, &account, "logged");
    let (mut replayed, mut seen_again) = (false, 0);
    let (code, seen) = rig.berth_until(&["logs", &account, "-f"], |line| {
        if line.contains("fault: NotOwned") && !replayed {
            replayed = true;
            assert_eq!(rig.berth(&["replay", &account]).0, 0);
        }
        seen_again += usize::from(line.contains("plan-onboarding"));
        line.contains("ended onboarded")
    });
    assert_eq!(code, 0, "Ctrl-C is how it ends");
    assert!(seen.iter().any(|line| line.contains("grant-cluster-access")), "{seen:#?}");
    assert_eq!(seen_again, 1, "a line is shown once: {seen:#?}");
}
