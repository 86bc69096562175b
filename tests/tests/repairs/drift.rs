//! Looks for drift: what people change in an account is in the ledger, in `berth status` and on the bus, all of it and nothing
//! else, and nothing is changed by looking.

use berth_ledger::{Drift, Record, Status};
use berth_tenancy::{Action, Standing};
use berth_tests::rig::{Call, HUB, MANAGEMENT, Rig};
use serde_json::{Value, json};

use crate::{WEST, onboarded, turn};

/// Looks at an account as `berth drift` does; what the ledger says afterwards.
fn look(rig: &Rig, account: &str) -> Drift {
    let before = rig.record(account).and_then(|record| record.drift);
    let (code, text, errors) = rig.berth_said(&["drift", account]);
    assert!(code == 0 && text.contains(&format!("{account}  is looked at")), "{code} {text} {errors}");
    rig.until("what the look found", || {
        let drift = rig.record(account)?.drift?;
        (before.as_ref() != Some(&drift)).then_some(drift)
    })
}

/// The record but for what a look writes.
fn without_drift(rig: &Rig, account: &str) -> Record {
    Record { drift: None, ..rig.record(account).unwrap() }
}

/// The detail of the next event; none when there is none.
fn told(rig: &Rig, queue: &str) -> Option<Value> {
    rig.received(queue).map(|event| event["detail"].clone())
}

/// What somebody does by hand: six changes, of which one can be undone only with an outage.
fn change_six(rig: &Rig, account: &str, tenant: &str) {
    let here = |service: &str, operation: &str, with: Value| rig.call_in(account, WEST, service, operation, &with);
    let vpc = rig.world(account).regions[WEST].vpcs[0].id.clone();
    here("ec2", "delete_tags", json!({ "Resources": [vpc], "Tags": [{ "Key": "berth:tenant" }] }));
    let policy = "arn:aws:iam::aws:policy/AdministratorAccess";
    here("iam", "attach_role_policy", json!({ "RoleName": format!("{tenant}-viewer"), "PolicyArn": policy }));
    here("config", "delete_config_rule", json!({ "ConfigRuleName": "berth-access-keys-rotated" }));
    let center = rig.platform("identityCenter");
    let region = center["region"].as_str().unwrap();
    let groups = json!({ "IdentityStoreId": center["identityStoreId"], "Filters": [
        { "AttributePath": "DisplayName", "AttributeValue": format!("{tenant}-developers") },
    ] });
    let groups = rig.call_in(MANAGEMENT, region, "identitystore", "list_groups", &groups);
    let assignment = json!({
        "InstanceArn": center["instanceArn"], "TargetId": account, "TargetType": "AWS_ACCOUNT",
        "PermissionSetArn": center["permissionSets"]["TenantDeveloper"], "PrincipalType": "GROUP",
        "PrincipalId": groups["Groups"][0]["GroupId"],
    });
    rig.call_in(MANAGEMENT, region, "sso-admin", "delete_account_assignment", &assignment);
    let entry = rig.world(account).access_entries.into_iter().find(|entry| entry.role.ends_with("viewer")).unwrap();
    let admins = json!({
        "clusterName": "shared-dev-1", "principalArn": entry.role,
        "kubernetesGroups": [format!("tenant:{tenant}:staging:admin")],
    });
    rig.call_in(HUB, WEST, "eks", "update_access_entry", &admins);
    let tables = here("ec2", "describe_route_tables", json!({ "Filters": [{ "Name": "vpc-id", "Values": [vpc] }] }));
    let gateway = rig.platform(&format!("environments.staging.regions.{WEST}.transitGateway.id"));
    let leads =
        |table: &&Value| table["Routes"].as_array().unwrap().iter().any(|route| route["TransitGatewayId"] == gateway);
    let table = tables["RouteTables"].as_array().unwrap().iter().find(leads).unwrap()["RouteTableId"].clone();
    let route = json!({ "RouteTableId": table, "DestinationCidrBlock": "203.0.113.0/24", "TransitGatewayId": gateway });
    here("ec2", "create_route", route);
}

/// Step, kind and action of each change, sorted.
fn kinds(drift: &Drift) -> Vec<String> {
    let one = |change: &berth_tenancy::DriftedChange| {
        format!("{} {} {}", change.step, json!(change.kind).as_str().unwrap(), json!(change.action).as_str().unwrap())
    };
    let mut all: Vec<String> = drift.changes.iter().map(one).collect();
    all.sort();
    all
}

#[test]
fn six_changes_by_hand_are_all_that_a_look_finds_and_it_changes_nothing() {
    let (rig, _turn) = turn(&[]);
    let account = rig.account("adrift-staging", "staging");
    onboarded(rig, &account);
    let fresh = rig.record(&account).unwrap().drift.unwrap();
    assert_eq!(fresh.standing, Standing::InSync, "a run looks, too");
    assert_eq!(look(rig, &account).standing, Standing::InSync);
    let events = rig.subscribe(&account, Some("Account Drift Changed"));
    let (_, shown) = rig.berth(&["status", "--drifted"]);
    assert!(!shown.contains(&account), "{shown}");

    change_six(rig, &account, "adrift");
    let (before, since) = (without_drift(rig, &account), rig.last_call());
    let drift = look(rig, &account);
    let expected = [
        "apply-baseline config-rule create",
        "attach-transit-gateway route-table disrupts",
        "create-tenant-roles role change",
        "grant-cluster-access access-entry change",
        "grant-sign-in sign-in create",
        "provision-vpc vpc change",
    ];
    assert_eq!(
        (drift.standing, kinds(&drift)),
        (Standing::Drifted, expected.map(str::to_owned).to_vec()),
        "{drift:#?}"
    );
    assert_eq!((drift.counts.sum(), drift.untold(), drift.planned_changes.len()), (6, 0, 0), "{drift:#?}");
    assert_eq!(without_drift(rig, &account), before, "nothing else of the record is touched");
    let changing = |call: &Call| call.effect == "resource";
    let changed: Vec<Call> = rig.calls(since).into_iter().filter(changing).collect();
    assert!(changed.is_empty(), "{changed:#?}");

    let (code, shown) = rig.berth(&["status", &account]);
    assert_eq!(code, 0, "drift is no failure: {shown}");
    assert!(shown.contains("  drifted    6 differences since "), "{shown}");
    for change in &drift.changes {
        assert!(shown.contains(&format!("    {} {}", change.action.sign(), change.step)), "{shown}");
    }
    let (_, listed) = rig.berth(&["status", "--drifted"]);
    assert!(listed.contains(&account) && listed.contains("drifted: 6 differences"), "{listed}");
    assert_eq!(rig.status(&account).1["drift"], json!(drift));
    let event = rig.until("the event about the drift", || told(rig, &events));
    let expected = json!(["inSync", "drifted", 6, "adrift", drift.execution_arn]);
    let said = [&event["was"], &event["standing"], &json!(event["changes"].as_array().map(Vec::len))];
    assert_eq!(json!([said[0], said[1], said[2], event["tenant"], event["executionArn"]]), expected, "{event}");
    let again = look(rig, &account);
    assert_eq!((kinds(&again), again.since), (kinds(&drift), drift.since));
    assert_eq!(told(rig, &events), None, "it stands as it stood");

    onboarded(rig, &account);
    let record = rig.record(&account).unwrap();
    assert_eq!(record.told_changes().len(), 5, "{:?}", record.told_changes());
    let left = record.drift.unwrap();
    assert_eq!((left.standing, left.counts.sum(), left.planned_changes.len()), (Standing::Drifted, 0, 1), "{left:#?}");
    let last = look(rig, &account);
    assert_eq!((last.counts.disrupts, last.counts.sum(), last.since), (1, 1, drift.since), "{last:#?}");
    assert!(last.changes.iter().all(|change| change.action == Action::Disrupts), "{last:#?}");
    let allowed = rig.start_execution(&json!({ "accountId": account, "allowDisruption": true }));
    let record = rig.wait_for_outcome(&account, &allowed);
    assert_eq!(record.drift.map(|drift| drift.standing), Some(Standing::InSync));
    let event = rig.until("the event about its end", || told(rig, &events));
    assert_eq!(json!([event["was"], event["standing"]]), json!(["drifted", "inSync"]), "{event}");
}

#[test]
fn who_cannot_be_looked_at_is_unknown_with_the_reason_until_somebody_can() {
    let (rig, _turn) = turn(&[("openingSecondsMax", json!(0))]);
    let account = rig.account("veiled-staging", "staging");
    onboarded(rig, &account);
    let rule = rig.break_calls(&json!({
        "match": { "function": "berth-provision-vpc", "account": account, "operation": "DescribeVpcs" }, "times": 2,
        "action": { "error": { "code": "UnauthorizedOperation", "status": 403 } },
    }));
    let before = without_drift(rig, &account);
    let drift = look(rig, &account);
    // A step of a plan looks once more, so that the steps beside it can say what they would do.
    assert_eq!(rig.fired(rule), 2);
    let failure = drift.failure.as_ref().unwrap();
    assert_eq!(
        (drift.standing, failure.state.as_str(), failure.fault.as_str()),
        (Standing::Unknown, "ProvisionVpc", "Denied")
    );
    assert_eq!(without_drift(rig, &account), before, "it is onboarded still");
    let (_, shown) = rig.berth(&["status", &account]);
    assert!(shown.contains("  drift      unknown since ") && shown.contains("ProvisionVpc: Denied: "), "{shown}");
    assert_eq!(look(rig, &account).standing, Standing::InSync);
}

#[test]
fn a_look_says_nothing_about_an_account_that_a_run_works_on_or_that_leaves() {
    let (rig, _turn) = turn(&[("openingSecondsMax", json!(0))]);
    let account = rig.account("occupied-staging", "staging");
    let (code, _, errors) = rig.berth_said(&["drift", &account]);
    assert!(code == 1 && errors.contains("is not in the ledger"), "{code} {errors}");
    onboarded(rig, &account);
    // A look that was asked for before a run, and ends while the run works.
    let input = json!({ "accountId": account, "mode": "plan", "drift": true });
    let rule = rig.break_calls(&json!({
        "match": { "function": "berth-provision-vpc", "account": account, "operation": "DescribeVpcs" }, "times": 1,
        "action": { "error": { "code": "UnauthorizedOperation", "status": 403 } },
    }));
    let failed = rig.ended(&rig.start_execution(&json!({ "accountId": account })));
    assert_eq!((rig.fired(rule), failed.error.as_deref()), (1, Some("Denied")));
    let record = rig.wait_for(&account, Status::Failed);
    let looked = rig.start_execution(&input);
    let _ = rig.ended(&looked);
    let is_told = |line: &String| line.contains(&looked) && line.contains("looked for drift, and does not count");
    rig.until("what became of the look", || rig.log_lines("berth-announce-outcome").iter().any(is_told).then_some(()));
    assert_eq!(rig.record(&account), Some(record));
    let (code, _, errors) = rig.berth_said(&["drift", &account]);
    assert!(code == 1 && errors.contains("is failed"), "{code} {errors}");
    onboarded(rig, &account);

    let mark = json!({ "since": { "S": "2026-11-01T00:00:00Z" }, "reason": { "S": "it is closed" } });
    rig.call(
        HUB,
        "dynamodb",
        "update_item",
        &json!({
            "TableName": "berth-ledger",
            "Key": { "pk": { "S": format!("account#{account}") }, "sk": { "S": "record" } },
            "UpdateExpression": "SET offboarding = :mark", "ExpressionAttributeValues": { ":mark": { "M": mark } },
        }),
    );
    let (code, _, errors) = rig.berth_said(&["drift", &account]);
    assert!(code == 1 && errors.contains("is to be offboarded"), "{code} {errors}");
}

#[test]
fn the_schedule_looks_at_those_whose_turn_it_is_once_and_is_off_without_one() {
    let (rig, _turn) = turn(&[]);
    let account = rig.account("scheduled-staging", "staging");
    onboarded(rig, &account);
    let tick = || {
        let (report, failed) = rig.invoke("berth-detect-drift", &json!({}));
        assert!(!failed, "{report}");
        report
    };
    assert_eq!(tick(), json!({ "dryRun": false, "isOn": false, "looks": [], "waiting": 0, "standings": {} }));
    let (code, text) = rig.berth(&["drift"]);
    assert!(code == 0 && text.contains("nobody looks: platform.yaml has no driftSchedule"), "{text}");

    rig.deploy_platform(&[("driftSchedule", json!("rate(1 hour)"))]);
    // Nobody has looked since 2025.
    let long_ago = json!({ "S": "2025-11-01T00:00:00Z" });
    rig.call(HUB, "dynamodb", "update_item", &json!({
        "TableName": "berth-ledger",
        "Key": { "pk": { "S": format!("account#{account}") }, "sk": { "S": "record" } },
        "UpdateExpression": "SET drift.lookedAt = :then, since = :then", "ExpressionAttributeValues": { ":then": long_ago },
    }));
    let started =
        |names: Vec<String>| names.into_iter().filter(|name| name.starts_with(&format!("{account}-drift-"))).count();
    let (_, dry) = rig.berth(&["drift", "--dry-run"]);
    assert!(dry.contains(&format!("{account}  would be looked at")), "{dry}");
    assert_eq!(started(rig.execution_names()), 0);
    for _ in 0..2 {
        let looks = tick()["looks"].clone();
        assert!(looks.as_array().unwrap().iter().any(|id| *id == json!(account)) || looks == json!([]), "{looks}");
    }
    rig.until("what the look found", || {
        let drift = rig.record(&account)?.drift?;
        drift.looked_at.to_string().starts_with("2026").then_some(())
    });
    assert_eq!(started(rig.execution_names()), 1, "two ticks of one turn start one look");
    let looks = tick()["looks"].clone();
    assert!(!looks.to_string().contains(&account), "{looks}");
}

#[test]
fn a_repair_mends_five_of_six_changes_and_leaves_the_one_that_disrupts() {
    let (rig, _turn) = turn(&[]);
    let account = rig.account("mended-staging", "staging");
    onboarded(rig, &account);
    let before = rig.world(&account);
    change_six(rig, &account, "mended");
    assert_eq!(look(rig, &account).counts.sum(), 6);
    let kinds = json!({ "repair": ["vpc", "role", "config-rule", "access-entry", "sign-in", "route-table"] });
    rig.deploy_platform(&[("driftSchedule", json!("rate(30 days)")), ("environments.staging.onDrift", kinds)]);
    let (report, failed) = rig.invoke("berth-detect-drift", &json!({}));
    assert!(!failed && report["repairs"].as_array().unwrap().contains(&json!(account)), "{report}");
    let is_repair = |arn: &String| arn.contains(&format!("{account}-repair-"));
    let repair = rig.executions(&account).into_iter().find(is_repair).unwrap();
    let ended = rig.ended(&repair);
    assert_eq!(ended.error, None, "{ended:#?}");
    let record = rig.wait_for_outcome(&account, &repair);
    assert_eq!(record.told_changes().len(), 5, "{:?}", record.told_changes());
    let drift = record.drift.clone().unwrap();
    assert_eq!((record.status, drift.standing, drift.counts.sum()), (Status::Onboarded, Standing::Drifted, 1));
    assert!(drift.changes.iter().all(|change| change.action == Action::Disrupts), "{drift:#?}");
    let after = rig.world(&account);
    assert_eq!(
        (&after.roles, &after.assignments, &after.access_entries),
        (&before.roles, &before.assignments, &before.access_entries)
    );
    // The next ticks begin no second one: what is left is not a repair's.
    let (report, _) = rig.invoke("berth-detect-drift", &json!({}));
    assert!(report["repairs"].as_array().is_none_or(|repairs| !repairs.contains(&json!(account))), "{report}");
    assert_eq!(rig.executions(&account).iter().filter(|arn| is_repair(arn)).count(), 1);
    let last = look(rig, &account);
    assert_eq!(
        (last.counts.sum(), last.counts.disrupts),
        (1, 1),
        "what the ledger says after a repair is so: {last:#?}"
    );
}

#[test]
fn a_repair_leaves_what_is_not_listed_and_is_not_begun_where_it_is_needed() {
    let (rig, _turn) = turn(&[]);
    let account = rig.account("partly-staging", "staging");
    onboarded(rig, &account);
    change_six(rig, &account, "partly");
    look(rig, &account);
    let listed = |kinds: Value| {
        rig.deploy_platform(&[
            ("driftSchedule", json!("rate(30 days)")),
            ("environments.staging.onDrift", json!({ "repair": kinds })),
        ]);
        rig.invoke("berth-detect-drift", &json!({})).0
    };
    let report = listed(json!(["role", "access-entry"]));
    let why = report["unrepaired"][&account].as_str().unwrap();
    assert!(why.starts_with("it may not make this, which others may need: "), "{report}");
    let limited = json!({ "accountId": account, "repairs": "role access-entry" });
    let ended = rig.ended(&rig.start_execution(&limited));
    assert_eq!(ended.error, None, "{ended:?}");
    assert_eq!(ended.changes().len(), 2, "{:?}", ended.changes());
    let record = rig.wait_for_outcome(&account, &ended.arn);
    let drift = record.drift.unwrap();
    assert_eq!((drift.standing, drift.counts.sum()), (Standing::Drifted, 4), "{drift:#?}");
    assert_eq!(kinds(&look(rig, &account)), kinds(&drift), "what is left is what the next look finds");
}
