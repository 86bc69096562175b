//! When a tenant that is gone has consequences, and when not.

use serde_json::json;

use super::*;

const NOW: &str = "2026-11-29T12:00:00Z";

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

fn old_crd() -> CrdState {
    CrdState::Present("2026-01-01T00:00:00Z".parse().unwrap())
}

fn namespace(tenant: &str, annotations: &[(&str, &str)]) -> Live {
    let annotations: BTreeMap<&str, &str> = annotations.iter().copied().collect();
    let labels = json!({ names::MANAGED_BY: names::MANAGER, names::TENANT: tenant });
    let name = format!("{tenant}-dev");
    Live { body: json!({ "metadata": { "name": name, "labels": labels, "annotations": annotations } }) }
}

/// `count` tenants with a namespace each, named `t0` and so on.
fn namespaces(count: usize) -> Vec<Live> {
    (0..count).map(|index| namespace(&format!("t{index}"), &[])).collect()
}

fn there(range: std::ops::Range<usize>) -> BTreeSet<String> {
    range.map(|index| format!("t{index}")).collect()
}

fn scanned(tenants: &BTreeSet<String>, namespaces: &[Live], crd: CrdState) -> Scan {
    scan(tenants, namespaces, crd, &Settings::default(), now())
}

#[test]
fn one_tenant_that_is_gone_is_noted_and_after_the_grace_loses_its_access() {
    let first = scanned(&there(1..20), &namespaces(20), old_crd());
    assert_eq!((first.brake, first.steps), (None, vec![("t0-dev".to_owned(), Step::Mark)]));
    for (since, step) in [("2026-11-29T11:50:00Z", None), ("2026-11-29T11:45:00Z", Some(Step::Withdraw))] {
        let marked = [namespace("t0", &[(names::ORPHANED_SINCE, since)])];
        let scan = scanned(&there(1..20), &marked, old_crd());
        assert_eq!(scan.steps.first().map(|(_, step)| step.clone()), step, "{since}");
    }
}

#[test]
fn more_than_a_tenth_at_once_holds_everything_also_what_was_due() {
    let mut all = namespaces(30);
    all[0] = namespace("t0", &[(names::ORPHANED_SINCE, "2026-11-29T10:00:00Z")]);
    // 3 of 30 may go at once; what was noted long ago does not count.
    assert_eq!(scanned(&there(4..30), &all, old_crd()).brake, None);
    let held = scanned(&there(5..30), &all, old_crd());
    let gone = vec!["t1".to_owned(), "t2".to_owned(), "t3".to_owned(), "t4".to_owned()];
    assert_eq!(held.brake, Some(Brake::TooMany { gone, at_most: 3 }));
    assert_eq!(held.steps, []);
}

#[test]
fn of_few_tenants_one_may_go_and_two_may_not() {
    assert_eq!(scanned(&there(1..3), &namespaces(3), old_crd()).brake, None);
    assert!(matches!(scanned(&there(2..3), &namespaces(3), old_crd()).brake, Some(Brake::TooMany { at_most: 1, .. })));
}

#[test]
fn without_a_crd_or_with_a_new_one_nothing_is_done() {
    let new = CrdState::Present("2026-11-29T11:59:00Z".parse().unwrap());
    for (crd, brake) in [(CrdState::Missing, Brake::NoCrd), (CrdState::Terminating, Brake::NoCrd), (new, Brake::NewCrd)]
    {
        let scan = scanned(&BTreeSet::new(), &namespaces(1), crd);
        assert_eq!((scan.brake, scan.steps), (Some(brake), vec![]));
    }
}

#[test]
fn what_a_person_confirms_does_not_count_for_the_brake() {
    let confirmed = [names::CONFIRM_GONE];
    let all = [namespace("t0", &[(confirmed[0], "t0")]), namespace("t1", &[(confirmed[0], "another")])];
    let scan = scanned(&BTreeSet::new(), &all, old_crd());
    assert_eq!((scan.brake, scan.gone.len(), scan.steps.len()), (None, 2, 2));
}

#[test]
fn a_tenant_that_comes_back_loses_the_note_also_while_others_are_gone() {
    let mut all = namespaces(5);
    all[0] = namespace("t0", &[(names::ORPHANED_SINCE, NOW)]);
    let scan = scanned(&there(0..1), &all, old_crd());
    assert!(scan.brake.is_some());
    assert_eq!(scan.steps, [("t0-dev".to_owned(), Step::Unmark)]);
}

#[test]
fn an_illegible_note_takes_nothing_away() {
    let all = [namespace("t0", &[(names::ORPHANED_SINCE, "yesterday")])];
    assert_eq!(scanned(&there(1..20), &all, old_crd()).steps, []);
}
