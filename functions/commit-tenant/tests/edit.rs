//! What the edit of a batch makes of its requests.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeMap;

use berth_contract::{CommitRequest, Wish};
use berth_crd::join;
use berth_gitops::{Change, FileState, Refusal, RefusedKind, RepoPath, Snapshot, Stray};
use berth_ledger::Record;
use berth_step::{Fault, StepError};
use commit_tenant::{CommitRequestExt, Verdict, edit};
use proptest::prelude::*;
use serde_json::{Value, json};

const HEAD: &str = "0123456789abcdef0123456789abcdef01234567";

/// A request as the state machine sends it.
fn message(tenant: &str, account: &str, environment: &str, block: &str) -> Value {
    json!({
        "taskToken": format!("token-{account}"),
        "run": {
            "accountId": account, "accountName": format!("{tenant}-{environment}"), "tenant": tenant,
            "environment": environment, "execution": format!("arn:execution-{account}"), "generation": 1,
            "mode": "apply", "tenantRole": "BerthTenant",
        },
        "gitOps": {
            "cluster": "dev-euw1", "clusterRegion": "eu-west-1", "path": "is not taken from here",
            "delivery": "push", "answerSecondsMax": 3600,
            "contactEmail": format!("{environment}@example.com"), "costCenter": null, "ownerGroups": ["leads"],
        },
        "regions": [{
            "region": "eu-west-1", "vpcId": "vpc-0000000000000000a", "cidr": block, "duplicateVpcs": [],
            "attachmentId": "tgw-attach-0000000000000000a", "duplicateVpcs": [], "isolation": {}, "changes": [],
        }],
        "roles": [{ "name": "developer", "arn": format!("arn:aws:iam::{account}:role/developer"), "access": "edit" }],
    })
}

fn request(message: &Value) -> CommitRequest {
    serde_json::from_value(message.clone()).unwrap()
}

fn dev() -> CommitRequest {
    request(&message("payments", "111122223333", "dev", "10.16.16.0/20"))
}

fn prod() -> CommitRequest {
    request(&message("payments", "444455556666", "prod", "10.17.16.0/20"))
}

fn orders() -> CommitRequest {
    request(&message("orders", "777788889999", "dev", "10.18.16.0/20"))
}

fn planned(request: CommitRequest) -> CommitRequest {
    let mut request = request;
    request.run.mode = berth_tenancy::Mode::Plan;
    request
}

fn snapshot(files: impl IntoIterator<Item = (RepoPath, FileState)>) -> Snapshot {
    let (head, files) = (HEAD.parse().unwrap(), BTreeMap::from_iter(files));
    Snapshot { head, parents: Vec::new(), files, elsewhere: BTreeMap::new() }
}

#[test]
fn a_tenants_file_that_a_person_moved_is_named_and_no_second_one_written() {
    let request = dev();
    let text = join(None, &request.entry().unwrap()).unwrap();
    let with = |path: &str, text: &str| {
        let stray = Stray { path: path.to_owned(), bytes: text.as_bytes().to_vec() };
        let elsewhere = BTreeMap::from([(request.path(), vec![stray])]);
        Snapshot { elsewhere, ..snapshot([(request.path(), FileState::Absent)]) }
    };
    let moved = "clusters/dev-euw1/tenants/moved/payments.yaml";
    let (edited, verdicts) = edit(&with(moved, &text), &[&request], &[true]);
    let error = verdicts[0].as_ref().unwrap().as_ref().unwrap_err();
    assert_eq!((error.fault, edited.changes.len()), (Fault::InvalidInput, 0));
    let path = request.path().to_string();
    assert!(error.message.contains(moved) && error.message.contains(&path), "{}", error.message);
    assert!(error.hint.contains(&format!("git mv {moved} {path}")), "{}", error.hint);
    // Somebody else's file of this name is none of ours.
    for other in ["kind: Kustomization\n", &text.replace("name: payments", "name: payments-2"), "\u{0}"] {
        let (edited, verdicts) = edit(&with(moved, other), &[&request], &[true]);
        assert_eq!((verdict(&verdicts, 0), edited.changes.len()), (Verdict::Changed, 1), "{other:?}");
    }
}

/// What an edit writes, by path.
fn written(changes: &[Change]) -> Vec<(String, String)> {
    let write = |change: &Change| match change {
        Change::Write { path, bytes } => (path.to_string(), String::from_utf8(bytes.clone()).unwrap()),
        Change::Delete { path } => panic!("an edit deletes {path}"),
    };
    changes.iter().map(write).collect()
}

fn verdict(verdicts: &[Option<Result<Verdict, StepError>>], index: usize) -> Verdict {
    *verdicts[index].as_ref().unwrap().as_ref().unwrap()
}

fn error(verdicts: &[Option<Result<Verdict, StepError>>], index: usize) -> &StepError {
    verdicts[index].as_ref().unwrap().as_ref().unwrap_err()
}

#[test]
fn two_accounts_of_a_tenant_join_one_file_and_another_tenant_gets_its_own() {
    let (dev, prod, orders) = (dev(), prod(), orders());
    let (edit, verdicts) = edit(&snapshot([]), &[&dev, &orders, &prod], &[true; 3]);
    assert_eq!([0, 1, 2].map(|index| verdict(&verdicts, index)), [Verdict::Changed; 3]);
    let files = written(&edit.changes);
    assert_eq!(files.len(), 2);
    let text = |request: &CommitRequest| {
        let path = request.path().to_string();
        files.iter().find(|(at, _)| *at == path).map(|(_, text)| text.clone()).unwrap()
    };
    assert!(text(&dev).contains("111122223333") && text(&dev).contains("444455556666"), "{}", text(&dev));
    assert!(!text(&orders).contains("111122223333"), "{}", text(&orders));
    assert!(dev.path().as_str().starts_with("clusters/dev-euw1/tenants/"), "{}", dev.path());
}

#[test]
fn the_order_within_a_batch_does_not_change_the_file() {
    let (dev, prod) = (dev(), prod());
    let one = edit(&snapshot([]), &[&dev, &prod], &[true; 2]).0;
    // An account that comes later finds the file of the one before it.
    let first = edit(&snapshot([]), &[&dev], &[true]).0;
    let text = written(&first.changes).remove(0).1;
    let there = snapshot([(dev.path(), FileState::Regular(text.into_bytes()))]);
    let second = edit(&there, &[&prod], &[true]).0;
    assert_eq!(written(&one.changes), written(&second.changes));
}

#[test]
fn what_is_there_byte_for_byte_is_unchanged_and_takes_no_part() {
    let dev = dev();
    let text = written(&edit(&snapshot([]), &[&dev], &[true]).0.changes).remove(0).1;
    let there = snapshot([(dev.path(), FileState::Regular(text.into_bytes()))]);
    let (edit, verdicts) = edit(&there, &[&dev], &[true]);
    assert_eq!(verdict(&verdicts, 0), Verdict::Unchanged);
    assert_eq!(edit.changes, []);
    assert!(!edit.message.contains("111122223333"), "{}", edit.message);
}

#[test]
fn a_request_that_cannot_join_fails_alone() {
    let broken = request(&message("orders", "777788889999", "dev", "not a block"));
    let (dev, orders) = (dev(), orders());
    let (edit, verdicts) = edit(&snapshot([]), &[&dev, &broken, &orders], &[true; 3]);
    assert_eq!((verdict(&verdicts, 0), verdict(&verdicts, 2)), (Verdict::Changed, Verdict::Changed));
    let error = error(&verdicts, 1);
    assert_eq!(error.fault, Fault::Bug);
    assert!(error.to_string().contains("(account 777788889999)"), "{error}");
    assert_eq!(written(&edit.changes).len(), 2);
    assert_eq!(edit.message.matches("Berth-Account: ").count(), 2);
}

#[test]
fn a_plan_is_judged_but_not_written() {
    let (dev, prod) = (planned(dev()), prod());
    let (edit, verdicts) = edit(&snapshot([]), &[&dev, &prod], &[true; 2]);
    assert_eq!([0, 1].map(|index| verdict(&verdicts, index)), [Verdict::Changed; 2]);
    let text = written(&edit.changes).remove(0).1;
    assert!(text.contains("444455556666") && !text.contains("111122223333"), "{text}");
    assert!(!edit.message.contains("111122223333"), "{}", edit.message);
}

#[test]
fn a_plan_whose_ids_are_not_made_yet_is_judged_too() {
    let mut message = message("payments", "111122223333", "dev", "10.16.16.0/20");
    message["regions"][0]["vpcId"] = json!("vpc-(new)");
    message["regions"][0]["attachmentId"] = json!("tgw-attach-(new)");
    let planned = planned(request(&message));
    let (edit_of_plan, verdicts) = edit(&snapshot([]), &[&planned], &[true]);
    assert_eq!(verdict(&verdicts, 0), Verdict::Changed);
    assert_eq!(edit_of_plan.changes, []);
    // The same ids in a run that acts break the CRD: they never reach the repository.
    let applied = request(&message);
    let (edit, verdicts) = edit(&snapshot([]), &[&applied], &[true]);
    assert_eq!(error(&verdicts, 0).fault, Fault::InvalidInput);
    assert_eq!(edit.changes, []);
}

#[test]
fn a_refused_path_is_not_owned_to_its_own_tenant_only() {
    let (dev, orders) = (dev(), orders());
    let refusal = Refusal { at: dev.path().to_string(), found: RefusedKind::Symlink };
    let there = snapshot([(dev.path(), FileState::Refused(refusal))]);
    let (edit, verdicts) = edit(&there, &[&dev, &orders], &[true; 2]);
    assert_eq!(error(&verdicts, 0).fault, Fault::NotOwned);
    assert!(error(&verdicts, 0).message.contains("a symbolic link"), "{}", error(&verdicts, 0));
    assert_eq!(verdict(&verdicts, 1), Verdict::Changed);
    assert_eq!(written(&edit.changes).len(), 1);
}

#[test]
fn a_file_that_is_no_text_or_no_tenant_is_not_owned_and_stays() {
    for bytes in [vec![0xff, 0xfe, 0x00], b"kind: ConfigMap\napiVersion: v1\nmetadata: {name: payments}\n".to_vec()] {
        let dev = dev();
        let there = snapshot([(dev.path(), FileState::Regular(bytes.clone()))]);
        let (edit, verdicts) = edit(&there, &[&dev], &[true]);
        assert_eq!(error(&verdicts, 0).fault, Fault::NotOwned, "{bytes:?}: {}", error(&verdicts, 0));
        assert_eq!(edit.changes, []);
    }
}

#[test]
fn nobody_is_led_to_write_a_second_account_into_a_tenants_file() {
    let dev = dev();
    let (first, _) = edit(&snapshot([]), &[&dev], &[true]);
    let [Change::Write { path, bytes }] = first.changes.as_slice() else { panic!("{:?}", first.changes) };
    let there = snapshot([(path.clone(), FileState::Regular(bytes.clone()))]);
    let second = request(&message("payments", "999988887777", "dev", "10.16.48.0/20"));
    let (edit, verdicts) = edit(&there, &[&second], &[true]);
    let refused = error(&verdicts, 0);
    assert_eq!((refused.fault, edit.changes.len()), (Fault::NotOwned, 0));
    assert!(refused.hint.contains("a tenant of its own by its tag berth:tenant"), "{refused}");
    assert!(!refused.hint.contains("by hand") && !refused.hint.contains("the file"), "{refused}");
}

#[test]
fn a_request_that_is_not_allowed_is_not_looked_at() {
    let (dev, prod) = (dev(), prod());
    let (edit, verdicts) = edit(&snapshot([]), &[&dev, &prod], &[false, true]);
    assert!(verdicts[0].is_none());
    assert_eq!(verdict(&verdicts, 1), Verdict::Changed);
    assert!(!written(&edit.changes)[0].1.contains("111122223333"));
}

#[test]
fn the_message_leads_back_from_the_commit_to_each_onboarding() {
    let (dev, orders) = (dev(), orders());
    let (one, _) = edit(&snapshot([]), &[&dev], &[true]);
    assert_eq!(
        one.message,
        "Onboard payments (dev)\n\nBerth-Account: 111122223333\nBerth-Execution: arn:execution-111122223333\n"
    );
    let (two, _) = edit(&snapshot([]), &[&dev, &orders], &[true; 2]);
    assert!(two.message.starts_with("Onboard 2 accounts\n\nBerth-Account: 111122223333\n"), "{}", two.message);
    assert!(two.message.ends_with("Berth-Execution: arn:execution-777788889999\n"), "{}", two.message);
}

#[test]
fn an_address_that_a_tenant_cannot_hold_is_left_out_and_said_in_the_commit() {
    let mut odd = message("payments", "111122223333", "dev", "10.16.16.0/20");
    odd["gitOps"]["contactEmail"] = json!("zahlungen@b\u{fc}ro.example");
    let odd = request(&odd);
    let (edit, verdicts) = edit(&snapshot([]), &[&odd], &[true]);
    assert_eq!(verdict(&verdicts, 0), Verdict::Changed);
    assert!(!written(&edit.changes)[0].1.contains("email"), "{}", written(&edit.changes)[0].1);
    let note = "Onboard payments (dev)\n\nLeft out of payments (dev): the account's e-mail address";
    assert!(edit.message.starts_with(note) && edit.message.contains("\n\nBerth-Account: "), "{}", edit.message);
}

#[test]
fn a_role_for_pods_is_in_the_file_with_namespace_and_service_account() {
    let mut with_pods = message("payments", "111122223333", "dev", "10.16.16.0/20");
    let arn = "arn:aws:iam::111122223333:role/tenant/payments-workload";
    with_pods["roles"].as_array_mut().unwrap().push(json!({ "name": "workload", "arn": arn, "access": null }));
    with_pods["gitOps"]["workloads"] = json!([{
        "role": "workload", "namespace": "payments-dev", "serviceAccount": "payments",
        "platformRole": "arn:aws:iam::210987654321:role/tenant-pods",
    }]);
    let (edit, _) = edit(&snapshot([]), &[&request(&with_pods)], &[true]);
    let text = &written(&edit.changes)[0].1;
    assert!(text.contains("serviceAccount: payments") && text.contains(arn), "{text}");
}

/// What the ledger says of an account that was onboarded as `message` asks.
fn record(message: &Value) -> Record {
    let region = &message["regions"][0];
    serde_json::from_value(json!({
        "accountId": message["run"]["accountId"], "status": "onboarded", "generation": 1,
        "since": "2026-01-01T00:00:00Z",
        "regions": { "eu-west-1": {
            "vpcId": region["vpcId"], "cidr": region["cidr"], "attachmentId": region["attachmentId"], "isolation": {},
        } },
        "roles": message["roles"],
        "commit": { "sha": "earlier", "path": request(message).path().to_string() },
    }))
    .unwrap()
}

#[test]
fn the_ledgers_commit_counts_only_while_it_is_about_the_same_entry() {
    let message = message("payments", "111122223333", "dev", "10.16.16.0/20");
    assert_eq!(request(&message).committed_before(&record(&message)), Some("earlier"));
    for (pointer, value) in [
        ("/gitOps/cluster", json!("dev-use1")),
        ("/regions/0/vpcId", json!("vpc-0000000000000000b")),
        ("/regions/0/cidr", json!("10.99.0.0/20")),
        ("/regions/0/attachmentId", json!("tgw-attach-0000000000000000b")),
        ("/regions/0/region", json!("us-east-1")),
        ("/regions", json!([])),
        ("/roles/0/access", json!("view")),
        ("/roles", json!([])),
    ] {
        let mut other = message.clone();
        *other.pointer_mut(pointer).unwrap() = value;
        assert_eq!(request(&other).committed_before(&record(&message)), None, "{pointer}");
    }
    let never = Record { commit: None, ..record(&message) };
    assert_eq!(request(&message).committed_before(&never), None);
}

/// One request of a batch: it may be a duplicate, a plan, one that cannot join, and one that may not act.
#[derive(Debug, Clone)]
struct Drawn {
    request: CommitRequest,
    joins: bool,
    allowed: bool,
}

fn drawn() -> impl Strategy<Value = Drawn> {
    let broken = request(&message("orders", "888899990000", "prod", "not a block"));
    let pool = vec![(dev(), true), (prod(), true), (orders(), true), (broken, false)];
    (proptest::sample::select(pool), any::<bool>(), any::<bool>()).prop_map(|((request, joins), plans, allowed)| {
        let request = if plans { planned(request) } else { request };
        Drawn { request, joins, allowed }
    })
}

impl Drawn {
    fn is_written(&self) -> bool {
        self.allowed && self.joins && self.request.run.mode == berth_tenancy::Mode::Apply
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn of_any_batch_only_what_may_act_is_written_and_only_once(
        batch in proptest::collection::vec(drawn(), 0..6),
    ) {
        let requests: Vec<&CommitRequest> = batch.iter().map(|drawn| &drawn.request).collect();
        let allowed: Vec<bool> = batch.iter().map(|drawn| drawn.allowed).collect();
        let (first, verdicts) = edit(&snapshot([]), &requests, &allowed);
        prop_assert_eq!(verdicts.len(), batch.len());
        for (drawn, verdict) in batch.iter().zip(&verdicts) {
            prop_assert_eq!(verdict.as_ref().map(Result::is_ok), drawn.allowed.then_some(drawn.joins));
        }
        let files = written(&first.changes);
        for Drawn { request, .. } in &batch {
            let account = request.run.account_id.as_str();
            let expected = batch.iter().any(|other| other.is_written() && other.request.run.account_id.as_str() == account);
            let path = request.path().to_string();
            prop_assert_eq!(files.iter().any(|(at, text)| *at == path && text.contains(account)), expected);
            prop_assert_eq!(first.message.contains(account), expected);
        }
        let file = |path: &RepoPath| files.iter().find(|(at, _)| at == path.as_str()).map(|(_, text)| text.clone());
        let paths = requests.iter().map(|request| request.path());
        let there = paths.filter_map(|path| file(&path).map(|text| (path, FileState::Regular(text.into_bytes()))));
        let (second, verdicts) = edit(&snapshot(there), &requests, &allowed);
        prop_assert_eq!(second.changes, []);
        for (drawn, verdict) in batch.iter().zip(verdicts) {
            if drawn.is_written() {
                prop_assert_eq!(verdict.unwrap().unwrap(), Verdict::Unchanged);
            }
        }
    }
}

/// A request of an account that leaves: without networks and roles.
fn wishing(request: &CommitRequest, wish: Wish) -> CommitRequest {
    let mut leaving = request.clone();
    (leaving.wish, leaving.regions, leaving.roles) = (wish, Vec::new(), Vec::new());
    leaving
}

/// A snapshot in which these accounts have been onboarded.
fn onboarded(requests: &[&CommitRequest]) -> Snapshot {
    let paths = requests.iter().map(|request| (request.path(), FileState::Absent));
    let (made, _) = edit(&snapshot(paths), requests, &vec![true; requests.len()]);
    snapshot(made.changes.into_iter().map(|change| match change {
        Change::Write { path, bytes } => (path, FileState::Regular(bytes)),
        Change::Delete { path } => panic!("{path}"),
    }))
}

#[test]
fn one_of_two_accounts_leaves_the_file_and_the_last_takes_it_along() {
    let (dev, prod, orders) = (dev(), prod(), orders());
    let there = onboarded(&[&dev, &prod, &orders]);
    let leaves = [wishing(&prod, Wish::Leave), wishing(&orders, Wish::Leave)];
    let (edit, verdicts) = edit(&there, &leaves.iter().collect::<Vec<_>>(), &[true, true]);
    assert_eq!((verdict(&verdicts, 0), verdict(&verdicts, 1)), (Verdict::Changed, Verdict::Changed));
    let [Change::Delete { path }, Change::Write { bytes, .. }] = &edit.changes[..] else {
        panic!("{:?}", edit.changes)
    };
    assert_eq!(*path, orders.path());
    let text = String::from_utf8(bytes.clone()).unwrap();
    assert!(text.contains("111122223333") && !text.contains("444455556666"), "{text}");
    assert!(edit.message.starts_with("Offboard 2 accounts\n"), "{}", edit.message);
    assert!(edit.message.contains("Berth-Account: 444455556666\n"), "{}", edit.message);
}

#[test]
fn both_accounts_of_a_tenant_may_leave_at_once() {
    let (dev, prod) = (dev(), prod());
    let leaves = [wishing(&prod, Wish::Leave), wishing(&dev, Wish::Leave)];
    let requests: Vec<&CommitRequest> = leaves.iter().collect();
    let (first, _) = edit(&onboarded(&[&dev, &prod]), &requests, &[true, true]);
    assert_eq!(first.changes, [Change::Delete { path: dev.path() }]);
    let gone = snapshot([(dev.path(), FileState::Absent)]);
    let (again, verdicts) = edit(&gone, &requests, &[true, true]);
    assert_eq!(again.changes, []);
    assert_eq!((verdict(&verdicts, 0), verdict(&verdicts, 1)), (Verdict::Unchanged, Verdict::Unchanged));
}

#[test]
fn an_account_is_suspended_and_comes_back_while_another_one_joins() {
    let (dev, prod) = (dev(), prod());
    let suspended = wishing(&dev, Wish::Suspend);
    let (edit_one, _) = edit(&onboarded(&[&dev]), &[&suspended, &prod], &[true, true]);
    let text = &written(&edit_one.changes)[0].1;
    assert!(text.contains("suspended: true") && text.contains("444455556666"), "{text}");
    assert!(edit_one.message.starts_with("Change 2 accounts\n"), "{}", edit_one.message);
    let there = snapshot([(dev.path(), FileState::Regular(text.clone().into_bytes()))]);
    let resumed = wishing(&dev, Wish::Resume);
    let (edit_two, _) = edit(&there, &[&resumed], &[true]);
    assert!(!written(&edit_two.changes)[0].1.contains("suspended"));
    assert!(edit_two.message.starts_with("Resume payments (dev)\n"), "{}", edit_two.message);
}

#[test]
fn a_planned_leaving_is_judged_and_writes_nothing() {
    let dev = dev();
    let leaving = planned(wishing(&dev, Wish::Leave));
    let (edit, verdicts) = edit(&onboarded(&[&dev]), &[&leaving], &[true]);
    assert_eq!((edit.changes.len(), verdict(&verdicts, 0)), (0, Verdict::Changed));
}

#[test]
fn a_file_of_somebody_else_is_not_deleted() {
    let dev = dev();
    let other = snapshot([(dev.path(), FileState::Regular(b"kind: Deployment\n".to_vec()))]);
    let (edit, verdicts) = edit(&other, &[&wishing(&dev, Wish::Leave)], &[true]);
    assert_eq!((edit.changes.len(), error(&verdicts, 0).fault), (0, Fault::NotOwned));
}

#[test]
fn a_word_that_only_flux_takes_for_a_text_stops_who_joins_and_nobody_else() {
    let (dev, prod) = (dev(), prod());
    let file = join(Some(&join(None, &dev.entry().unwrap()).unwrap()), &prod.entry().unwrap()).unwrap();
    let file = format!("{file}  suspended: no\n");
    let there = snapshot([(dev.path(), FileState::Regular(file.clone().into_bytes()))]);
    for request in [dev.clone(), wishing(&dev, Wish::Check), planned(dev.clone())] {
        let (edited, verdicts) = edit(&there, &[&request], &[true]);
        let refused = error(&verdicts, 0);
        assert_eq!((refused.fault, edited.changes.len()), (Fault::InvalidInput, 0), "{:?}", request.wish);
        let told = dev.path().to_string();
        let place = format!("spec.suspended: has a bare word in line {}", file.lines().count());
        assert!(refused.message.contains(&told) && refused.message.contains(&place), "{refused}");
        assert!(refused.message.contains("write false") && refused.hint.contains("correct the file"), "{refused}");
    }
    for wish in [Wish::Leave, Wish::Suspend] {
        let (edited, verdicts) = edit(&there, &[&wishing(&dev, wish)], &[true]);
        assert_eq!((verdict(&verdicts, 0), edited.changes.len()), (Verdict::Changed, 1), "{wish:?}");
    }
    let corrected = file.replace("suspended: no", "suspended: false");
    let there = snapshot([(dev.path(), FileState::Regular(corrected.into_bytes()))]);
    assert_eq!(verdict(&edit(&there, &[&dev], &[true]).1, 0), Verdict::Unchanged);
}
