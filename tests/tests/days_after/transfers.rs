//! An account becomes another one only by a person's wish, and never while its old access is there: one command takes that
//! away first.

use berth_ledger::Status;
use berth_tests::rig::{HUB, MANAGEMENT, Rig, World, onboarded, run};
use serde_json::json;

use crate::{assert_refused, changed_since, tag, turn};

/// Names of the files in which a tenant's file on the head of the branch has this account.
fn files(rig: &Rig, account: &str) -> Vec<String> {
    rig.files_naming(account)
}

/// Who can use the account: groups that sign in, roles, and roles with access entries.
fn access(world: &World) -> [Vec<String>; 3] {
    [
        world.assignments.iter().map(|seen| seen.group.clone()).collect(),
        world.roles.iter().map(|seen| seen.arn.clone()).filter(|arn| arn.contains(":role/tenant/")).collect(),
        world.access_entries.iter().map(|seen| seen.role.clone()).collect(),
    ]
}

/// Its VPCs and attachments, by region.
fn networks(world: &World) -> Vec<String> {
    let ids = world.regions.values().flat_map(|region| {
        let vpcs = region.vpcs.iter().map(|vpc| vpc.id.clone());
        vpcs.chain(region.attachments.iter().map(|attachment| attachment.id.clone()))
    });
    ids.collect()
}

#[test]
fn a_transfer_is_shown_and_by_itself_an_onboarding_changes_no_hands() {
    let (rig, _turn) = turn(&[]);
    let _ = rig.account("silver-staging", "staging");
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
    // Whoever starts only the onboarding is sent to the command.
    let execution = rig.start_execution(&json!({ "accountId": account, "transferTo": "silver/staging" }));
    assert_eq!(rig.ended(&execution).error.as_deref(), Some("InvalidInput"));
    let described = rig.call(HUB, "stepfunctions", "describe_execution", &json!({ "executionArn": execution }));
    let cause = described["cause"].as_str().unwrap();
    assert!(cause.contains("sign-in of copper-developers"), "{cause}");
    assert!(cause.contains("berth transfer ACCOUNT --to silver/staging"), "{cause}");
    let (code, said) = rig.berth(&["transfer", &account, "--to", "gold/staging", "--old-access-removed"]);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("gold/staging") && said.contains("silver/staging"), "{said}");
    assert_eq!(changed_since(rig, since), []);
    assert_eq!(rig.record(&account).unwrap().binding.unwrap().identity.tenant.as_str(), "copper");
}

#[test]
fn one_command_takes_the_old_access_away_and_makes_the_new() {
    let (rig, _turn) = turn(&[]);
    let _ = rig.account("willow-staging", "staging");
    let account = rig.account("maple-staging", "staging");
    onboarded(rig, &account);
    let before = rig.world(&account);
    tag(rig, &account, "willow");
    let since = rig.last_call();
    let (code, said) = rig.berth(&["transfer", &account, "--to", "willow/staging"]);
    assert_eq!(code, 0, "{said}");
    let record = rig.wait_for(&account, Status::Onboarded);
    assert_eq!(record.binding.unwrap().identity.to_string(), "willow/staging");
    assert_eq!((record.access_removed, record.part, record.offboarded), (None, None, None));
    let after = rig.world(&account);
    assert_eq!(networks(&after), networks(&before), "its network moves with it");
    for (had, has) in access(&before).iter().zip(access(&after)) {
        assert!(!had.is_empty() && had.iter().all(|one| one.contains("maple")), "{had:?}");
        assert!(!has.is_empty() && has.iter().all(|one| one.contains("willow")), "{has:?}");
    }
    let files = files(rig, &account);
    assert!(files.len() == 1 && files[0].ends_with("willow.yaml"), "{files:?}");
    // Nobody has access twice: the last thing that is taken away goes before the first one that is made.
    let calls = changed_since(rig, since);
    let last = calls.iter().rposition(|call| call.operation == "DeleteRole").unwrap();
    for made in ["CreateAccountAssignment", "CreateAccessEntry", "CreateRole"] {
        assert!(calls.iter().position(|call| call.operation == made).unwrap() > last, "{made}");
    }
    let (_, claims) = rig.berth(&["ledger", "claims", "--json"]);
    assert!(!claims.contains("\"maple\""), "{claims}");
    let since = rig.last_call();
    let (code, said) = rig.berth(&["transfer", &account, "--to", "willow/staging"]);
    assert!(code == 0 && said.contains("nothing had to change"), "{said}");
    assert_eq!(changed_since(rig, since), [], "run again, it changes nothing");
}

#[test]
fn a_transfer_that_stopped_between_its_runs_goes_on_when_run_again() {
    let (rig, _turn) = turn(&[]);
    let _ = rig.account("cedar-staging", "staging");
    let account = rig.account("birch-staging", "staging");
    onboarded(rig, &account);
    let before = rig.world(&account);
    tag(rig, &account, "cedar");
    // As the command does it, which dies then.
    let execution = rig.start_offboarding_of(&account, &json!({ "scope": "access" }));
    assert_eq!(rig.ended(&execution).error, None);
    let record =
        rig.until("the end to be announced", || rig.record(&account).filter(|record| record.access_removed.is_some()));
    assert_eq!((record.status, record.lease), (Status::Requested, None));
    assert!(record.offboarded.is_none() && record.roles.is_empty() && record.sign_in.is_empty());
    let between = rig.world(&account);
    assert_eq!(access(&between), [const { Vec::<String>::new() }; 3], "nobody has access");
    assert_eq!(networks(&between), networks(&before));
    assert_eq!(files(rig, &account), Vec::<String>::new());
    let (code, said) = rig.berth(&["status", &account]);
    assert!(code == 0 && said.contains("its access was taken away") && said.contains("berth transfer"), "{said}");

    let (code, said) = rig.berth(&["transfer", &account, "--to", "cedar/staging", "--plan", "--json"]);
    assert_eq!(code, 0, "{said}");
    let plan: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(plan["takenAway"], json!([]), "it is gone already");
    let (code, said) = rig.berth(&["transfer", &account, "--to", "cedar/staging"]);
    assert_eq!(code, 0, "{said}");
    assert_eq!(rig.wait_for(&account, Status::Onboarded).access_removed, None);
    let after = rig.world(&account);
    assert!(access(&after).iter().flatten().all(|one| one.contains("cedar")) && !access(&after)[0].is_empty());
    assert_eq!(networks(&after), networks(&before));
}

#[test]
fn an_account_moves_to_another_environment_of_its_tenant_by_one_command() {
    let (rig, _turn) = turn(&[]);
    let account = rig.account("alder-staging", "staging");
    onboarded(rig, &account);
    tag(rig, &account, "alder");
    let units = json!({
        "AccountId": account, "SourceParentId": "ou-ab12-stg00001", "DestinationParentId": "ou-ab12-dev00001",
    });
    rig.call(MANAGEMENT, "organizations", "move_account", &units);
    let before = rig.world(&account);
    let (code, said) = rig.berth(&["transfer", &account, "--to", "alder/dev"]);
    assert_eq!(code, 0, "{said}");
    let record = rig.wait_for(&account, Status::Onboarded);
    assert_eq!(record.binding.unwrap().identity.to_string(), "alder/dev");
    let after = networks(&rig.world(&account));
    assert!(networks(&before).iter().all(|id| after.contains(id)), "its network moves with it");
    assert_eq!(files(rig, &account).len(), 1);
}

#[test]
fn what_refuses_a_transfer_refuses_it_before_anything_is_removed() {
    let (rig, _turn) = turn(&[]);
    let owner = rig.account("aspen-staging", "staging");
    onboarded(rig, &owner);
    let account = rig.account("rowan-staging", "staging");
    onboarded(rig, &account);
    let before = (rig.world(&account), files(rig, &account));
    let since = rig.last_call();
    let refused = |to: &str, says: &[&str]| {
        for more in [&[][..], &["--plan"]] {
            let arguments: Vec<&str> =
                ["transfer", &account, "--to", to].into_iter().chain(more.iter().copied()).collect();
            let (code, said) = rig.berth(&arguments);
            assert_eq!(code, 1, "{to} {more:?}: {said}");
            assert!(says.iter().all(|text| said.contains(text)), "{to} {more:?}: {said}");
        }
    };
    tag(rig, &account, "aspen");
    refused("aspen/staging", &[&owner, "NotOwned"]);
    // Nobody has made its groups.
    tag(rig, &account, "yew");
    refused("yew/staging", &["yew-developers"]);
    refused("yew/dev", &["yew/staging"]);
    assert_eq!(changed_since(rig, since), []);
    assert_eq!((rig.world(&account), files(rig, &account)), before);
    let protected = ("environments.staging.offboarding", json!({ "protected": true }));
    rig.deploy_platform(&[protected]);
    let _ = rig.account("yew-staging", "staging");
    let (code, said) = rig.berth(&["transfer", &account, "--to", "yew/staging"]);
    assert!(code == 1 && said.contains("protected from offboarding"), "{said}");
    assert_eq!((rig.world(&account), files(rig, &account)), before);
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
