//! The ways in which an account arrives.

use aws_sdk_sfn::types::ExecutionStatus;
use berth_ledger::Status;
use berth_tests::rig::{Event, Rig, event, event_now, rig};
use serde_json::json;

use crate::onboarded::assert_onboarded;

#[test]
fn a_create_event_ends_with_everything_that_a_team_needs() {
    let rig = rig();
    let account = rig.account("harbour-dev", "dev");
    let queue = rig.subscribe(&account, None);
    rig.publish(&[event(Event::Created, &account)]);
    let record = rig.wait_for(&account, Status::Onboarded);
    let world = assert_onboarded(rig, &record);
    let regions: Vec<&str> = world.regions.keys().map(String::as_str).collect();
    assert_eq!(regions, ["eu-central-1", "eu-west-1"], "dev has two regions");
    assert!(world.regions.values().all(|region| region.vpcs.len() == 1));
    assert_eq!(rig.commits(&record.commit.as_ref().unwrap().path).len(), 1);
    assert_status(rig, &account);
    let told = rig.until("the outcome event", || rig.received(&queue));
    assert_eq!(told["source"], "berth.accounts");
    assert_eq!(told["detail-type"], "Account Onboarded");
    assert_eq!(told["detail"]["accountId"], *account);
    assert_eq!(told["detail"]["commit"], record.commit.unwrap().sha);
}

/// Every field that design.md §9 promises to scripts.
fn assert_status(rig: &Rig, account: &str) {
    let (code, status) = rig.status(account);
    assert_eq!(code, 0);
    assert_eq!(status["accountId"], *account);
    assert_eq!((status["tenant"].as_str(), status["environment"].as_str()), (Some("harbour"), Some("dev")));
    assert_eq!(status["status"], "onboarded");
    assert!(status["executionArn"].as_str().unwrap().ends_with(&format!("{account}-g1")), "{status}");
    assert!(status["failure"].is_null() && status.get("failure").is_some(), "{status}");
    for region in ["eu-west-1", "eu-central-1"] {
        let network = &status["regions"][region];
        assert!(network["vpcId"].as_str().unwrap().starts_with("vpc-"), "{status}");
        assert!(network["cidr"].as_str().unwrap().ends_with("/20"), "{status}");
        assert!(network["attachmentId"].as_str().unwrap().starts_with("tgw-attach-"), "{status}");
    }
    // Two of the tenant and the one that AWS Backup works with.
    assert_eq!(status["roles"].as_array().unwrap().len(), 3, "{status}");
    assert_eq!(status["commit"]["sha"].as_str().unwrap().len(), 40, "{status}");
}

#[test]
fn an_update_event_onboards_an_account_whose_creation_failed_at_first() {
    let rig = rig();
    let account = rig.account("repaired-dev", "dev");
    let failed = event(Event::CreationFailed, &account);
    let said = rig.deliver(&[failed]);
    assert!(said[0].contains("nothing to start") && said[0].contains("FAILED"), "{}", said[0]);
    assert!(rig.dead_letters("berth-intake-dlq", "Not Available").is_empty(), "a failure is ignored, not rejected");
    assert!(rig.record(&account).is_none(), "the failed creation names no account");
    rig.publish(&[event(Event::Updated, &account)]);
    let record = rig.wait_for(&account, Status::Onboarded);
    assert_onboarded(rig, &record);
    assert_eq!(rig.executions(&account).len(), 1);
}

#[test]
fn accounts_that_organizations_made_or_moved_are_onboarded_by_its_events() {
    let rig = rig();
    let [made, moved] = ["quay-dev", "jetty-dev"].map(|name| rig.account(name, "dev"));
    rig.publish(&[event(Event::CreatedByOrganizations, &made), event(Event::Moved, &moved)]);
    for account in [&made, &moved] {
        let record = rig.wait_for(account, Status::Onboarded);
        assert_onboarded(rig, &record);
        assert_eq!(rig.executions(account).len(), 1);
    }
    // Both ways say the same of one account: the second event finds nothing to do.
    rig.publish(&[event_now(Event::Moved, &made)]);
    let again = rig.until("the run that the move starts", || rig.executions(&made).get(1).cloned());
    assert_eq!(rig.ended(&again).status, ExecutionStatus::Succeeded);
    assert_onboarded(rig, &rig.wait_for_outcome(&made, &again));
}

#[test]
fn a_person_starts_an_execution_with_nothing_but_an_account_id() {
    let rig = rig();
    let account = rig.account("console-dev", "dev");
    let execution = rig.start_execution(&json!({ "accountId": account }));
    let ended = rig.ended(&execution);
    assert_eq!(ended.status, ExecutionStatus::Succeeded, "{ended:?}");
    let record = rig.wait_for_outcome(&account, &execution);
    assert_eq!(record.status, Status::Onboarded);
    assert_onboarded(rig, &record);
}

#[test]
fn the_second_account_of_a_tenant_joins_its_custom_resource() {
    let rig = rig();
    let tag = json!({ "berth:tenant": "ferry" });
    let dev = rig.account_with("ferry one", "dev", &tag);
    let staging = rig.account_with("ferry two", "staging", &tag);
    rig.publish(&[event(Event::Created, &dev), event(Event::Created, &staging)]);
    let records = [&dev, &staging].map(|account| rig.wait_for(account, Status::Onboarded));
    for record in &records {
        assert_eq!(record.tenant.as_ref().unwrap().as_str(), "ferry");
        assert_onboarded(rig, record);
    }
    assert_eq!(records[1].regions.len(), 1, "staging has one region");
    let path = &records[0].commit.as_ref().unwrap().path;
    assert_eq!(*path, records[1].commit.as_ref().unwrap().path);
    let file = rig.file("main", path);
    assert!(file.contains(&dev) && file.contains(&staging), "{file}");
}
