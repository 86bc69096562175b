//! A tenant's file is people's: what they wrote into it stays byte for byte when another account joins, and when Berth puts
//! its own values right.

use std::collections::BTreeSet;

use berth_tests::rig::{Rig, onboarded};
use serde_json::{Value, json};

use crate::turn;

/// The tenant as people write it: with their own head, order, blank lines and forms, comments everywhere, and a quota. What Berth
/// has given the account is as it was.
fn by_hand(written: &str) -> String {
    let tenant: Value = serde_yaml_ng::from_str(written).unwrap();
    let (spec, account) = (&tenant["spec"], &tenant["spec"]["accounts"][0]);
    let block = spec["network"]["egressCidrs"][0].as_str().unwrap();
    format!(
        "\
# yaml-language-server: $schema=https://schemas.example.test/tenant.json
# Owner on call: the quarry team. Ask before you change quotas.
---
kind: Tenant   # the order is ours, too
apiVersion: {}
metadata: {{name: quarry, annotations: {{example.com/ticket: '1e3'}}}}

spec:
    placement: {}   # never moves
    displayName: {}
    contact: {}  # the list, not a person
    owners: [{{kind: User, name: somebody@quarry.example, role: admin}}]

    network:
        egressCidrs: [ 192.0.2.0/24, {block} ]   # the office; reviewed in CHG-0815
    # One environment each.
    namespaces:
    -   environment: staging
        name: 'staging'
        # agreed in CHG-0816

        quota:
            cpu: \"40\"  # was 20
    accounts:   # ids of AWS
        -   environment: staging
            accountId: '{}'  # ticket 4711
            networks: {}
            # People, then machines.
            roles:
            {}
# The end.
",
        tenant["apiVersion"].as_str().unwrap(),
        spec["placement"],
        spec["displayName"],
        spec["contact"],
        account["accountId"].as_str().unwrap(),
        account["networks"],
        account["roles"]
            .as_array()
            .unwrap()
            .iter()
            .map(|role| format!("- {role}\n"))
            .collect::<Vec<_>>()
            .join("            "),
    )
}

/// Lines of the first text that the second does not have, and those that only the second has; the rest is there in order.
fn differing<'a>(before: &'a str, after: &'a str) -> (Vec<&'a str>, Vec<&'a str>) {
    let (mut lost, mut added) = (Vec::new(), Vec::new());
    let mut rest = after.split_inclusive('\n');
    for line in before.split_inclusive('\n') {
        let mut ahead = rest.clone();
        match ahead.position(|other| other == line) {
            Some(skipped) => {
                added.extend(rest.by_ref().take(skipped));
                rest.next();
            }
            None => lost.push(line),
        }
    }
    added.extend(rest);
    (lost, added)
}

fn value(text: &str) -> Value {
    serde_yaml_ng::from_str(text).unwrap()
}

#[test]
fn what_people_wrote_stays_when_a_second_account_changes_a_field() {
    let (rig, _turn) = turn(&[]);
    let first = rig.account("quarry-staging", "staging");
    let path = onboarded(rig, &first).output["commit"]["path"].as_str().unwrap().to_owned();
    let before = by_hand(&rig.file("main", &path));
    rig.put_file(&path, &before);
    let commits = rig.commit_count();
    assert!(onboarded(rig, &first).changes().is_empty());
    assert_eq!(
        (rig.file("main", &path), rig.commit_count()),
        (before.clone(), commits),
        "nothing of Berth's is missing"
    );

    let second = rig.account("quarry-dev", "dev");
    onboarded(rig, &second);
    let after = rig.file("main", &path);
    let (lost, added) = differing(&before, &after);
    let line = before.lines().find(|line| line.contains("egressCidrs")).unwrap();
    assert_eq!(lost, [format!("{line}\n")], "the one line in which a value changed: {after}");
    let changed = added.iter().find(|line| line.contains("egressCidrs")).unwrap();
    assert!(
        changed.contains("192.0.2.0/24") && changed.ends_with("   # the office; reviewed in CHG-0815\n"),
        "{changed}"
    );
    assert!(added.iter().all(|line| !line.trim().is_empty()), "{added:?}");

    // It means what people wrote, and the second account.
    let (mut expected, joined) = (value(&before), value(&after));
    let entry = joined["spec"]["accounts"][0].clone();
    assert_eq!((&entry["environment"], &entry["accountId"]), (&json!("dev"), &json!(second)));
    let spec = expected["spec"].as_object_mut().unwrap();
    spec["accounts"].as_array_mut().unwrap().insert(0, entry.clone());
    spec["namespaces"].as_array_mut().unwrap().push(json!({ "name": "dev", "environment": "dev" }));
    let networks = entry["networks"].as_array().unwrap().iter();
    let blocks: BTreeSet<&str> = networks.map(|network| network["cidrs"][0].as_str().unwrap()).collect();
    spec["network"]["egressCidrs"].as_array_mut().unwrap().extend(blocks.into_iter().map(Value::from));
    assert_eq!(joined, expected, "{after}");
    assert!(onboarded(rig, &second).changes().is_empty());

    restored(rig, &first, &path);
}

/// Somebody changes what Berth gave: the next run of the account puts that value back, in its line, and touches no other.
fn restored(rig: &Rig, account: &str, path: &str) {
    let before = rig.file("main", path);
    rig.edit("main", path, &format!("{account}:role/tenant/quarry-viewer"), &format!("{account}:role/tenant/other"));
    assert_ne!(rig.file("main", path), before);
    assert_eq!(onboarded(rig, account).changes(), [format!("commit {path}")]);
    let after = rig.file("main", path);
    let (lost, added) = differing(&before, &after);
    assert!(lost.len() <= 1 && added.len() == lost.len() && value(&after) == value(&before), "{lost:?} {added:?}");
}
