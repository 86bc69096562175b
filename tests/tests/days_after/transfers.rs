//! An account becomes another one only by a person's wish, and never while its old access is there.

use berth_ledger::Status;
use berth_tests::rig::{onboarded, run};
use serde_json::json;

use crate::{assert_refused, changed_since, tag, turn};

#[test]
fn a_transfer_is_shown_and_refused_while_old_access_is_known() {
    let (rig, _turn) = turn(&[]);
    let account = rig.account("copper-staging", "staging");
    onboarded(rig, &account);
    tag(rig, &account, "silver");
    let since = rig.last_call();
    let (code, shown) = rig.berth(&["transfer", &account, "--to", "silver/staging", "--plan", "--json"]);
    assert_eq!(code, 0, "{shown}");
    let plan: serde_json::Value = serde_json::from_str(&shown).unwrap();
    assert_eq!((plan["from"].as_str(), plan["to"].as_str()), (Some("copper/staging"), Some("silver/staging")));
    let list = |name: &str| plan[name].to_string();
    assert!(list("takenAway").contains("sign-in of copper-developers"), "{plan}");
    assert!(list("takenAway").contains("role/tenant/copper-developer") && list("takenAway").contains("copper.yaml"));
    assert!(list("moves").contains("vpc-") && list("madeAnew").contains("role/tenant/silver-developer"), "{plan}");
    let (code, said) = rig.berth(&["transfer", &account, "--to", "silver/staging"]);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("does not take it away yet") && said.contains("--old-access-removed"), "{said}");
    let (code, said) = rig.berth(&["transfer", &account, "--to", "gold/staging", "--old-access-removed"]);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("gold/staging") && said.contains("silver/staging"), "{said}");
    assert_eq!(changed_since(rig, since), []);
    assert_eq!(rig.record(&account).unwrap().binding.unwrap().identity.tenant.as_str(), "copper");
}

#[test]
fn a_transferred_account_is_another_one_and_its_place_is_free() {
    let (rig, _turn) = turn(&[]);
    // Groups of the other tenant are there, and nobody is it yet.
    let _ = rig.account("steel-staging", "staging");
    let account = rig.account("iron-staging", "staging");
    let refused = json!({
        "match": { "account": account, "operation": "CreateVpc" },
        "action": { "error": { "code": "InvalidParameterValue", "message": "No.", "status": 400 } },
    });
    let rule = rig.break_calls(&refused);
    assert!(run(rig, &account).error.is_some());
    assert!(rig.fired(rule) > 0);
    rig.wait_for(&account, Status::Failed);
    tag(rig, &account, "steel");
    assert_refused(rig, &account, &["iron/staging", "steel/staging"]);
    let (code, said) = rig.berth(&["transfer", &account, "--to", "steel/staging", "--old-access-removed"]);
    assert_eq!(code, 0, "{said}");
    let record = rig.wait_for(&account, Status::Onboarded);
    assert_eq!(record.binding.unwrap().identity.to_string(), "steel/staging");
    assert!(onboarded(rig, &account).changes().is_empty());
    // Another account may be iron's staging now.
    onboarded(rig, &rig.account("iron-staging", "staging"));
}

#[test]
fn a_place_is_released_only_when_a_person_says_that_access_is_gone() {
    let (rig, _turn) = turn(&[]);
    let account = rig.account("reed-staging", "staging");
    onboarded(rig, &account);
    let (code, said) = rig.berth(&["ledger", "release", &account]);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("sign-in of reed-developers") && said.contains("reed.yaml"), "{said}");
    assert!(rig.record(&account).unwrap().binding.is_some());
    let (code, said) = rig.berth(&["ledger", "release", &account, "--removed"]);
    assert_eq!(code, 0, "{said}");
    let record = rig.record(&account).unwrap();
    assert_eq!((record.status, record.identity()), (Status::Ignored, None));
    let (_, claims) = rig.berth(&["ledger", "claims", "--json"]);
    assert!(!claims.contains(&account), "{claims}");
}
