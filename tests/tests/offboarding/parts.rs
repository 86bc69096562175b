//! A part of an account goes, and the account stays: one region, or for a while everybody's access to its namespaces.

use berth_ledger::{Record, Status};
use berth_tests::rig::{Event, Rig, event_now, onboarded};
use serde_json::{Value, json};

use crate::{deployed, networks, turn};

/// The tenant's file on the head of the branch.
fn file(rig: &Rig, record: &Record) -> String {
    let path = &record.commit.as_ref().unwrap().path;
    rig.file(rig.commits(path).first().unwrap(), path)
}

/// A platform.yaml whose environment dev has lost this region.
fn without(rig: &Rig, region: &str) {
    let mut regions = rig.platform("environments.dev.regions");
    regions.as_object_mut().unwrap().remove(region);
    deployed(rig, &[("environments.dev.regions", regions)]);
}

/// What the account has of its baseline in a region, but for settings.
fn baseline(rig: &Rig, account: &str, tenant: &str, region: &str) -> Vec<String> {
    let lines = rig.snapshot(account, tenant).into_iter();
    let starts = [format!("{region} backup"), format!("{region} config")];
    lines.filter(|line| starts.iter().any(|start| line.starts_with(start))).collect()
}

fn in_region(lines: &[String], region: &str) -> Vec<String> {
    lines.iter().filter(|line| line.contains(region)).cloned().collect()
}

#[test]
fn a_region_that_left_platform_yaml_goes_and_the_other_stays_as_it_is() {
    let (rig, _turn) = turn(&[]);
    let account = rig.account("plover-dev", "dev");
    onboarded(rig, &account);
    let known = rig.wait_for(&account, Status::Onboarded);
    let (gone, network) = known.regions.first_key_value().unwrap();
    let region = gone.as_str();
    let asked = |more: &[&str]| {
        let arguments: Vec<&str> =
            ["offboard", &account, "--region", region].into_iter().chain(more.iter().copied()).collect();
        rig.berth(&arguments)
    };
    let before = networks(rig, &account, "plover");
    let (code, said) = asked(&["--yes"]);
    assert!(code == 1 && said.contains("platform.yaml has"), "it is wanted: {said}");
    without(rig, region);
    let (code, said) = asked(&["--yes"]);
    assert!(code == 1 && said.contains(&format!("berth onboard {account}")), "the file names its block: {said}");
    assert_eq!(networks(rig, &account, "plover"), before, "a refusal changes nothing");

    onboarded(rig, &account);
    let record = rig.wait_for(&account, Status::Onboarded);
    assert!(!file(rig, &record).contains(&network.vpc_id), "the onboarding has taken it out of the file");
    assert!(record.left_over.iter().any(|left| left.thing.region() == Some(gone)), "{:?}", record.left_over);
    let (code, plan) = asked(&["--plan"]);
    assert_eq!(code, 0, "{plan}");
    for id in [&network.vpc_id, &network.attachment_id] {
        assert!(plan.contains(&format!("delete {id}\n")), "{id} is not in {plan}");
    }
    assert!(plan.contains(&format!("berth offboard {account} --region {region} --yes")), "{plan}");
    assert!(plan.contains("delete backup plan") && plan.contains("settings of EBS, EC2 and S3"), "{plan}");
    let other = known.regions.keys().find(|other| *other != gone).unwrap().as_str();
    let baselines = |rig: &Rig| [region, other].map(|region| baseline(rig, &account, "plover", region));
    let [here, kept] = baselines(rig);
    assert!(!here.is_empty() && !kept.is_empty(), "{here:?} {kept:?}");
    let others: Vec<String> = before.iter().filter(|line| !line.contains(region)).cloned().collect();
    let access = rig.world(&account);

    let (code, said) = asked(&["--yes"]);
    assert_eq!(code, 0, "{said}");
    let after = networks(rig, &account, "plover");
    assert_eq!(in_region(&after, region), Vec::<String>::new());
    assert_eq!(after, others);
    assert_eq!(baselines(rig), [vec![], kept], "the region's baseline goes with it, and no other");
    let now = rig.world(&account);
    assert_eq!(
        (now.roles, now.assignments, now.access_entries),
        (access.roles, access.assignments, access.access_entries)
    );
    let record = rig.record(&account).unwrap();
    assert_eq!((record.status, &record.lease, &record.part), (Status::Onboarded, &None, &None));
    assert!(record.offboarded.is_none() && record.regions.len() == 1);
    assert!(record.given().iter().all(|given| given.thing.region() != Some(gone)), "{:?}", record.given());
    assert_eq!(record.left_over, []);
    assert!(onboarded(rig, &account).changes().is_empty(), "the account is as its plan wants it");
}

#[test]
fn a_regions_vault_with_backups_is_left_over_until_it_is_empty() {
    let (rig, _turn) = turn(&[]);
    let account = rig.account("pochard-dev", "dev");
    onboarded(rig, &account);
    let known = rig.wait_for(&account, Status::Onboarded);
    let (gone, _) = known.regions.first_key_value().unwrap();
    let region = gone.as_str();
    let backup = |operation: &str, asked: &Value| rig.call_in(&account, region, "backup", operation, asked);
    let vault = backup("list_backup_vaults", &json!({}))["BackupVaultList"][0]["BackupVaultName"].clone();
    let role = format!("arn:aws:iam::{account}:role/berth-backup");
    let volume = format!("arn:aws:ec2:{region}:{account}:volume/vol-1");
    let job = json!({ "BackupVaultName": vault, "ResourceArn": volume, "IamRoleArn": role });
    let point = backup("start_backup_job", &job)["RecoveryPointArn"].clone();
    without(rig, region);
    onboarded(rig, &account);
    let take = || {
        let (code, said) = rig.berth(&["offboard", &account, "--region", region, "--yes"]);
        assert_eq!(code, 0, "{said}");
        said
    };
    let said = take();
    assert!(said.contains("it has 1 recovery points"), "{said}");
    let record = rig.record(&account).unwrap();
    let left: Vec<String> = record.left_over.iter().map(|left| left.thing.to_string()).collect();
    assert_eq!((record.status, left), (Status::Onboarded, vec![format!("baseline in {region}")]), "it is on record");
    assert!(onboarded(rig, &account).changes().is_empty());
    assert!(rig.berth(&["status", &account]).1.contains(&format!("berth offboard {account} --region {region}")));

    backup("delete_recovery_point", &json!({ "BackupVaultName": vault, "RecoveryPointArn": point }));
    let said = take();
    assert!(said.contains("delete backup vault"), "{said}");
    assert_eq!(baseline(rig, &account, "pochard", region), Vec::<String>::new());
    assert_eq!(rig.record(&account).unwrap().left_over, []);
    let (code, said) = rig.berth(&["offboard", &account, "--region", region, "--yes"]);
    assert!(code == 1 && said.contains("has nothing in"), "{said}");
}

#[test]
fn a_suspended_account_stays_so_until_a_person_lifts_it() {
    let (rig, _turn) = turn(&[]);
    let account = rig.account("curlew-staging", "staging");
    onboarded(rig, &account);
    let record = rig.wait_for(&account, Status::Onboarded);
    let (before, text) = (rig.world(&account), file(rig, &record));
    let (code, said) = rig.berth(&["suspend", &account, "--reason", "a stolen laptop"]);
    assert_eq!(code, 0, "{said}");
    let suspended = rig.record(&account).unwrap();
    assert_eq!((suspended.status, suspended.since), (Status::Onboarded, record.since), "it is as it was");
    assert_eq!(suspended.suspended.as_ref().unwrap().reason, "a stolen laptop");
    let frozen = file(rig, &record);
    assert!(frozen.contains("suspended: true"), "{frozen}");
    let (code, said) = rig.berth(&["status", &account]);
    assert!(code == 0 && said.contains("a stolen laptop") && said.contains("--lift"), "{said}");

    // Neither an event nor a person's onboarding ends it, and the outcome says so.
    rig.publish(&[event_now(Event::Created, &account)]);
    rig.until("the event's onboarding", || {
        rig.record(&account).filter(|now| now.status == Status::Onboarded && now.since > record.since)
    });
    let (code, said) = rig.berth(&["onboard", &account, "--wait"]);
    assert!(code == 0 && said.contains("suspended") && said.contains("--lift"), "{said}");
    assert_eq!(file(rig, &record), frozen);
    // Whoever takes it out of the file by hand is no person who lifts it.
    let path = &record.commit.as_ref().unwrap().path;
    rig.put_file(path, &text);
    onboarded(rig, &account);
    assert!(file(rig, &record).contains("suspended: true"));
    assert_eq!(rig.world(&account), before, "nothing but its entry is touched");

    let (code, said) = rig.berth(&["suspend", &account, "--lift"]);
    assert_eq!(code, 0, "{said}");
    assert_eq!(file(rig, &record), text, "byte for byte as before");
    assert_eq!(rig.record(&account).unwrap().suspended, None);
    let since = rig.last_call();
    let (code, said) = rig.berth(&["suspend", &account, "--lift"]);
    assert_eq!(code, 0, "{said}");
    assert!(onboarded(rig, &account).changes().is_empty());
    let changing = rig.calls(since).into_iter().filter(|call| call.effect == "resource");
    assert_eq!(changing.count(), 0, "lifted twice is lifted once");
}

#[test]
fn a_suspension_that_fails_says_so_and_leaves_the_account_onboarded_again() {
    let (rig, _turn) = turn(&[]);
    let account = rig.account("avocet-staging", "staging");
    onboarded(rig, &account);
    let record = rig.wait_for(&account, Status::Onboarded);
    let (text, path) = (file(rig, &record), record.commit.clone().unwrap().path);
    rig.put_file(&path, "not a tenant");
    let (code, said) = rig.berth(&["suspend", &account]);
    assert_eq!(code, 1, "{said}");
    let failed = rig.wait_for(&account, Status::OffboardingFailed);
    assert!(failed.suspended.is_none() && failed.offboarded.is_none() && failed.regions == record.regions);
    let (code, said) = rig.berth(&["status", &account]);
    let commands = (said.contains(&format!("berth suspend {account}")), said.contains("berth offboard"));
    assert_eq!((code, commands), (1, (true, false)), "whoever follows it loses no account: {said}");
    rig.put_file(&path, &text);
    assert_eq!(rig.berth(&["suspend", &account]).0, 0);
    let suspended: Value = json!(rig.record(&account).unwrap().status);
    assert_eq!(suspended, "onboarded");
    assert_eq!(rig.berth(&["suspend", &account, "--lift"]).0, 0);
}
