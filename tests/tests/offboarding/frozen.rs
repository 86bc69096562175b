//! An account that stands still on its way out: suspended, or without access; and what brings it back.

use berth_ledger::{Record, Status};
use berth_tests::rig::{Rig, RoleSeen, World, onboarded};
use serde_json::json;

use crate::turn;

/// The tenant's file on the head of the branch.
fn file(rig: &Rig, record: &Record) -> String {
    let path = &record.commit.as_ref().unwrap().path;
    rig.file(rig.commits(path).first().unwrap(), path)
}

/// Fails this account's offboarding when it takes the entry out: the write that tells of it is refused.
fn fail_removal(rig: &Rig, account: &str) {
    let calls = json!({ "function": "berth-commit-tenant", "operation": "UpdateItem", "nth": 3 });
    let denied = json!({ "code": "AccessDeniedException", "status": 400 });
    let rule = rig.break_calls(&json!({ "match": calls, "action": { "error": denied } }));
    let (code, said) = rig.berth(&["offboard", account, "--yes"]);
    assert_eq!((code, rig.fired(rule)), (1, 1), "{said}");
    let failure = rig.wait_for(account, Status::OffboardingFailed).failure.unwrap();
    assert_eq!((failure.state.as_str(), failure.fault.as_str()), ("RemoveTenant", "Denied"), "{failure:?}");
}

#[test]
fn an_offboarding_that_failed_once_frozen_says_that_it_is_suspended() {
    let (rig, _turn) = turn(&[]);
    let account = rig.account("fulmar-staging", "staging");
    onboarded(rig, &account);
    let known = rig.wait_for(&account, Status::Onboarded);
    let (text, world) = (file(rig, &known), rig.world(&account));
    fail_removal(rig, &account);
    assert!(file(rig, &known).contains("suspended: true"), "{}", file(rig, &known));
    let (_, said) = rig.berth(&["status", &account]);
    for part in ["suspended", "its entry is frozen", "--lift", &format!("berth offboard {account} --yes")] {
        assert!(said.contains(part), "{part}: {said}");
    }

    // Whoever wants it to stay has it repaired, and lets people in again.
    let (code, said) = rig.berth(&["onboard", &account, "--wait"]);
    assert!(code == 0 && said.contains("suspended") && said.contains("--lift"), "{said}");
    let record = rig.record(&account).unwrap();
    assert!(record.status == Status::Onboarded && record.suspended.is_some(), "{record:?}");
    assert_eq!(rig.berth(&["suspend", &account, "--lift"]).0, 0);
    assert_eq!((file(rig, &known), rig.world(&account)), (text, world), "as if nobody had asked");
    assert_eq!(rig.record(&account).unwrap().suspended, None);

    // Once it is out of the file nothing is suspended any more: who comes back is let in.
    assert_eq!(rig.berth(&["offboard", &account, "--yes"]).0, 0);
    assert_eq!(rig.wait_for(&account, Status::Offboarded).suspended, None);
    onboarded(rig, &account);
    let back = rig.wait_for(&account, Status::Onboarded);
    assert!(back.suspended.is_none() && !file(rig, &back).contains("suspended"), "{}", file(rig, &back));
}

#[test]
fn an_offboarding_that_goes_on_takes_a_frozen_account_away() {
    let (rig, _turn) = turn(&[]);
    let account = rig.account("gannet-staging", "staging");
    onboarded(rig, &account);
    rig.wait_for(&account, Status::Onboarded);
    fail_removal(rig, &account);
    let (code, said) = rig.berth(&["offboard", &account, "--yes"]);
    assert_eq!(code, 0, "{said}");
    rig.wait_for(&account, Status::Offboarded);
    assert_eq!(rig.files_naming(&account), Vec::<String>::new());
}

/// Roles that Berth made, without the ids that AWS gives each anew.
fn roles(world: &World) -> Vec<RoleSeen> {
    let made = world.roles.iter().filter(|role| !role.arn.contains("/aws-service-role/"));
    made.map(|role| RoleSeen { id: String::new(), ..role.clone() }).collect()
}

#[test]
fn access_that_was_taken_away_comes_back_with_the_next_onboarding() {
    let (rig, _turn) = turn(&[]);
    let account = rig.account("puffin-staging", "staging");
    onboarded(rig, &account);
    let known = rig.wait_for(&account, Status::Onboarded);
    let (text, world, networks) = (file(rig, &known), rig.world(&account), crate::networks(rig, &account, "puffin"));
    assert!(!roles(&world).is_empty() && !world.assignments.is_empty() && !world.access_entries.is_empty());
    let execution = rig.start_offboarding_of(&account, &json!({ "scope": "access" }));
    assert_eq!(rig.ended(&execution).error, None);
    let without = rig.wait_for(&account, Status::Requested);
    assert!(without.access_removed.is_some() && without.suspended.is_none(), "{without:?}");
    let now = rig.world(&account);
    assert!(roles(&now).is_empty() && now.assignments.is_empty() && now.access_entries.is_empty(), "{now:?}");
    assert_eq!((rig.files_naming(&account), crate::networks(rig, &account, "puffin")), (vec![], networks));

    let (code, said) = rig.berth(&["onboard", &account, "--wait"]);
    assert_eq!(code, 0, "{said}");
    let back = rig.wait_for(&account, Status::Onboarded);
    assert_eq!((back.access_removed, back.suspended), (None, None));
    let now = rig.world(&account);
    assert_eq!((roles(&now), &now.regions), (roles(&world), &world.regions));
    let entries = |world: &World| -> Vec<(String, String, Vec<String>)> {
        let entries = world.access_entries.iter().cloned();
        entries.map(|entry| (entry.cluster, entry.role, entry.groups)).collect()
    };
    assert_eq!((&now.assignments, entries(&now)), (&world.assignments, entries(&world)));
    assert_eq!(file(rig, &known), text, "the entry is as it was, and nobody is suspended");
    assert!(onboarded(rig, &account).changes().is_empty());
}
