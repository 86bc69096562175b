//! What a refusal says to do, done to the letter: both ways on of an account that would become another one, and what the file
//! of its tenant asks for.

use berth_ledger::Status;
use berth_tests::rig::{MANAGEMENT, Rig, onboarded};
use serde_json::{Value, json};

use crate::{changed_since, turn};

/// The cluster of another environment, which a plan would place the account on.
const OTHER: &str = "shared-prod-1";

/// Moves an account between units of the organization.
fn move_account(rig: &Rig, account: &str, from: &str, to: &str) {
    let moved = json!({ "AccountId": account, "SourceParentId": from, "DestinationParentId": to });
    rig.call(MANAGEMENT, "organizations", "move_account", &moved);
}

/// A run that is refused in this state, and changes nothing: what the person who started it reads, and the hint of it.
fn refused(rig: &Rig, account: &str, state: &str) -> (String, String) {
    let (before, since) = (rig.world(account), rig.last_call());
    let (code, said) = rig.berth(&["onboard", account, "--wait"]);
    assert!(code == 1 && said.contains(&format!("failed in {state}: NotOwned: ")), "{said}");
    assert_eq!((changed_since(rig, since), rig.world(account)), (vec![], before));
    let hint = said.split("Next: ").nth(1).unwrap().to_owned();
    (said, hint)
}

/// Runs a command of `berth` as a person who copies it.
fn follow(rig: &Rig, command: &str, more: &[&str]) -> String {
    let words = command.strip_prefix("berth ").unwrap().split(' ');
    let arguments: Vec<&str> = words.chain(more.iter().copied()).collect();
    let (code, said) = rig.berth(&arguments);
    assert_eq!(code, 0, "{command}: {said}");
    said
}

/// Follows the second way of the hint: the command in it, first with `--plan`, as it says. All access is on the cluster then,
/// the tenant's file in its folder alone, and a run more changes nothing.
fn transferred(rig: &Rig, account: &str, hint: &str, (becomes, cluster): (&str, &str)) {
    let command = hint.split('`').nth(1).unwrap();
    assert_eq!(command, format!("berth transfer {account} --to {becomes}"));
    let since = rig.last_call();
    let shown: Value = serde_json::from_str(&follow(rig, command, &["--plan", "--json"])).unwrap();
    for what in ["moves", "madeAnew", "takenAway"] {
        assert!(!shown[what].as_array().unwrap().is_empty(), "{what}: {shown}");
    }
    assert_eq!(changed_since(rig, since), []);
    let networks = rig.record(account).unwrap().regions;
    follow(rig, command, &[]);

    let record = rig.wait_for(account, Status::Onboarded);
    assert_eq!(record.binding.unwrap().identity.to_string(), becomes);
    assert!(networks.iter().all(|(region, network)| record.regions[region].vpc_id == network.vpc_id));
    let entries = rig.world(account).access_entries;
    assert!(!entries.is_empty() && entries.iter().all(|entry| entry.cluster == cluster), "{entries:?}");
    let files = rig.files_naming(account);
    assert!(files.len() == 1 && files[0].starts_with(&format!("clusters/{cluster}/")), "{files:?}");
    assert!(onboarded(rig, account).changes().is_empty());
}

#[test]
fn both_ways_on_of_an_account_in_another_environment_are_right() {
    let (rig, _turn) = turn(&[("environments.dev.cluster", json!(OTHER))]);
    let account = rig.account_with("plover", "staging", &json!({ "berth:tenant": "plover" }));
    onboarded(rig, &account);
    let unit = |environment: &str| {
        let units = rig.platform(&format!("environments.{environment}.organizationalUnits"));
        units[0].as_str().unwrap().to_owned()
    };
    let (staging, dev) = (unit("staging"), unit("dev"));
    move_account(rig, &account, &staging, &dev);
    let (said, hint) = refused(rig, &account, "PlanOnboarding");
    for text in ["environment is staging, and would be dev", "cluster is shared-dev-1, and would be shared-prod-1"] {
        assert!(said.contains(text), "{said}");
    }
    assert!(hint.starts_with("undo it (") && hint.contains("its organizational unit"), "{hint}");
    move_account(rig, &account, &dev, &staging);
    assert!(onboarded(rig, &account).changes().is_empty(), "undone, it is as it was");

    move_account(rig, &account, &staging, &dev);
    let (_, hint) = refused(rig, &account, "PlanOnboarding");
    transferred(rig, &account, &hint, ("plover/dev", OTHER));
}

#[test]
fn both_ways_on_of_an_account_on_another_cluster_are_right() {
    let (rig, _turn) = turn(&[]);
    let account = rig.account("dunlin-staging", "staging");
    onboarded(rig, &account);
    let elsewhere = [("environments.staging.cluster", json!(OTHER))];
    rig.deploy_platform(&elsewhere);
    let (said, hint) = refused(rig, &account, "PlanOnboarding");
    for text in ["cluster is shared-dev-1, and would be shared-prod-1", "because platform.yaml has changed"] {
        assert!(said.contains(text), "{said}");
    }
    assert!(hint.starts_with("undo it (") && hint.contains("or platform.yaml)"), "{hint}");
    rig.deploy_platform(&[]);
    assert!(onboarded(rig, &account).changes().is_empty(), "undone, it is as it was");

    rig.deploy_platform(&elsewhere);
    let (_, hint) = refused(rig, &account, "PlanOnboarding");
    transferred(rig, &account, &hint, ("dunlin/staging", OTHER));
}

/// Somebody has changed in the tenant's file what the account was given: the hint leads back, and nowhere else.
#[test]
fn a_file_that_has_another_environment_or_cluster_is_put_right_as_told() {
    let (rig, _turn) = turn(&[]);
    let account = rig.account("curlew-staging", "staging");
    let path = onboarded(rig, &account).output["commit"]["path"].as_str().unwrap().to_owned();
    let file = rig.file("main", &path);
    let edits = [
        ("environment: staging", "environment: qa", "put the account's environment back"),
        ("cluster: shared-dev-1", "cluster: shared-prod-1", "put spec.placement.cluster back to shared-dev-1,"),
    ];
    for (from, to, says) in edits {
        rig.edit("main", &path, from, to);
        let (said, hint) = refused(rig, &account, "CheckTenant");
        assert!(said.contains(&path) && hint.contains(says), "{said}");
        rig.edit("main", &path, to, from);
        let command = hint.split("then ").nth(1).unwrap().split([';', '\n']).next().unwrap();
        assert_eq!(command, format!("berth replay {account} --new"));
        follow(rig, command, &["--wait"]);
        assert_eq!((rig.file("main", &path), rig.record(&account).unwrap().status), (file.clone(), Status::Onboarded));
    }
}
