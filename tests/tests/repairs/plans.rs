//! A plan that is kept in a file: what it says, what becomes of it, and what is refused.

use std::{fs, path::Path};

use berth_contract::PlanDocument;
use berth_ledger::Status;
use berth_tenancy::{Action, ResourceChange};
use berth_tests::rig::{Call, Rig};
use serde_json::{Value, json};

use crate::{onboarded, turn};

/// Plans an account into a file; the exit code by `--exit-code`, and the plan. The answer has all that it had before there
/// were documents, and the changes as sentences.
fn kept(rig: &Rig, account: &str, file: &Path) -> (i32, PlanDocument) {
    let file = file.to_str().unwrap();
    let (code, text, errors) = rig.berth_said(&["onboard", account, "--plan", "--json", "--exit-code", "--out", file]);
    let answer: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text} {errors}"));
    let shown: PlanDocument = serde_json::from_value(answer["plan"].clone()).unwrap();
    let mut sentences: Vec<&str> = shown.changes.iter().map(|change| change.change.as_str()).collect();
    let mut told: Vec<&str> = answer["changes"].as_array().unwrap().iter().map(|one| one.as_str().unwrap()).collect();
    (sentences.sort_unstable(), told.sort_unstable());
    assert_eq!(told, sentences, "{answer}");
    let still = json!([answer["status"], answer["executionArn"], answer["suspended"], answer["failure"]]);
    assert_eq!(still, json!(["SUCCEEDED", shown.execution_arn, false, null]), "{answer}");
    assert_eq!(json!([answer["plannedChanges"], answer["leftOver"]]), json!([[], []]), "{answer}");
    let written: PlanDocument = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    assert_eq!(written, shown, "the file is what is shown");
    (code, shown)
}

/// Applies a file; the exit code, and all that is said.
fn applied(rig: &Rig, file: &Path) -> (i32, String) {
    let (code, text, errors) = rig.berth_said(&["apply", file.to_str().unwrap()]);
    (code, text + &errors)
}

fn write(file: &Path, plan: &PlanDocument) {
    fs::write(file, serde_json::to_vec(plan).unwrap()).unwrap();
}

/// That nothing but Berth's own logs was written since then.
fn assert_untouched(rig: &Rig, since: u64, why: &str) {
    let changing = |call: &Call| call.effect == "resource" || call.effect == "data";
    let made: Vec<Call> = rig.calls(since).into_iter().filter(changing).collect();
    assert!(made.is_empty(), "{why}: {made:#?}");
}

#[test]
fn a_plan_is_kept_and_applied_once_and_refused_when_it_was_edited() {
    let (rig, _turn) = turn(&[]);
    let account = rig.account("drafted-staging", "staging");
    let (file, other) = (rig.scratch("drafted.json"), rig.scratch("drafted-other.json"));
    let since = rig.last_call();
    let (code, plan) = kept(rig, &account, &file);
    assert_eq!((code, plan.counts.delete > 0, plan.counts.create > 10), (3, true, true), "{:?}", plan.counts);
    assert_eq!((plan.account_id.as_str(), plan.changes.len()), (account.as_str(), plan.counts.sum()));
    let vpc: Vec<&ResourceChange> = plan.changes.iter().filter(|one| one.operation == "ec2:CreateVpc").collect();
    let [vpc] = vpc.as_slice() else { panic!("{vpc:#?}") };
    let told = json!([vpc.step, vpc.region, vpc.kind, vpc.id, vpc.action, vpc.account_id]);
    assert_eq!(told, json!(["provision-vpc", "eu-west-1", "vpc", null, "create", account]));

    for (why, said, edit) in edits() {
        let mut edited = plan.clone();
        edit(&mut edited);
        write(&other, &edited);
        let (code, text) = applied(rig, &other);
        assert!(code == 2 && text.contains(said), "{why}: {code} {text}");
    }
    fs::write(&other, "{\"version\": 1}").unwrap();
    assert!(matches!(applied(rig, &other), (2, text) if text.contains("is no plan of this version of berth")));
    assert_untouched(rig, since, "plans that are refused");
    assert!(rig.record(&account).is_none());

    let (code, text) = applied(rig, &file);
    assert!(code == 0 && text.contains("onboarded: changes made: "), "{code} {text}");
    rig.wait_for(&account, Status::Onboarded);
    let since = rig.last_call();
    let (code, text) = applied(rig, &file);
    assert!(code == 1 && text.contains("in the plan, and not to be done now"), "{code} {text}");
    assert!(text.contains("  + create the VPC with") && text.contains("nothing was changed"), "{text}");
    let (code, none) = kept(rig, &account, &other);
    assert_eq!((code, none.changes.len()), (0, 0), "{none:?}");
    let (code, text) = applied(rig, &other);
    assert!(code == 0 && text.contains("the plan has no changes"), "{code} {text}");
    let (_, answer) = rig.berth(&["onboard", &account, "--plan", "--json"]);
    fs::write(&other, answer).unwrap();
    let (code, text) = applied(rig, &other);
    assert!(code == 0 && text.contains("the plan has no changes"), "the answer of --json: {code} {text}");
    assert_untouched(rig, since, "a plan that is old, and one without changes");
}

/// Something that somebody writes into a plan.
type Edit = fn(&mut PlanDocument);

/// What somebody may write into a plan, and what is said of it. With a hash made anew, the execution tells.
fn edits() -> [(&'static str, &'static str, Edit); 5] {
    [
        ("a change taken out", "its hash is that of another plan", |plan| drop(plan.changes.pop())),
        ("another account", "its hash is that of another plan", |plan| {
            plan.account_id = "111122223333".parse().unwrap()
        }),
        ("a change taken out, and a new hash", "its execution planned other changes of", |plan| {
            plan.changes.pop();
            *plan = plan.clone().sealed();
        }),
        ("leave to disrupt, and a new hash", "its execution made a plan of something else", |plan| {
            plan.allow_disruption = true;
            *plan = plan.clone().sealed();
        }),
        ("another deployment", "and this deployment is", |plan| {
            plan.execution_arn = plan.execution_arn.replace("210987654321", "111111111111");
            plan.state_machine_arn = plan.state_machine_arn.replace("210987654321", "111111111111");
            *plan = plan.clone().sealed();
        }),
    ]
}

fn set_session(rig: &Rig, account: &str, seconds: u32) {
    let tags = json!([{ "Key": "berth:session-seconds", "Value": seconds.to_string() }]);
    rig.call(account, "iam", "tag_role", &json!({ "RoleName": "revised-viewer", "Tags": tags }));
    let role = json!({ "RoleName": "revised-viewer", "MaxSessionDuration": seconds });
    rig.call(account, "iam", "update_role", &role);
}

#[test]
fn a_stale_plan_changes_nothing_and_a_run_keeps_to_its_plan() {
    let (rig, _turn) = turn(&[]);
    let account = rig.account("revised-staging", "staging");
    onboarded(rig, &account);
    let file = rig.scratch("revised.json");
    set_session(rig, &account, 7200);
    let (code, plan) = kept(rig, &account, &file);
    let [change] = plan.changes.as_slice() else { panic!("{plan:#?}") };
    assert_eq!((code, change.action, change.operation.as_str()), (3, Action::Change, "iam:UpdateRole"));
    let field = json!(change.fields);
    assert_eq!(field, json!([{ "field": "maxSessionDuration", "before": 7200, "after": 3600 }]));
    let (_, text) = rig.berth(&["onboard", &account, "--plan"]);
    let shown = "create-tenant-roles\n  ~ set longest session of role revised-viewer to 3600 s\n      \
                 maxSessionDuration: 7200 → 3600\nplan: 0 to create, 1 to change, 0 to delete in";
    assert!(text.contains(shown), "{text}");

    // Somebody changes something else, and the same once more.
    let everything =
        json!({ "RoleName": "revised-viewer", "PolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess" });
    rig.call(&account, "iam", "attach_role_policy", &everything);
    let since = rig.last_call();
    let (code, text) = applied(rig, &file);
    assert!(code == 1 && text.contains("to be done now, and not in the plan: 1"), "{code} {text}");
    assert!(text.contains("  ~ detach arn:aws:iam::aws:policy/AdministratorAccess"), "{text}");
    assert_untouched(rig, since, "a stale plan");

    // The same between the look and the run: the run is given its plan, and the step keeps to it.
    let input = json!({ "accountId": account, "onlyPlanned": format!("{} {}", plan.hash, change.key) });
    let run = rig.ended(&rig.start_execution(&input));
    assert_eq!(run.error.as_deref(), Some("InvalidInput"), "{run:?}");
    let failure = rig.wait_for(&account, Status::Failed).failure.unwrap();
    assert!(failure.message.contains("does not have this change: detach "), "{failure:?}");
    assert!(failure.hint.contains("berth onboard ACCOUNT --plan --out FILE"), "{failure:?}");
    let policies = rig.call(&account, "iam", "list_attached_role_policies", &json!({ "RoleName": "revised-viewer" }));
    assert!(policies.to_string().contains("AdministratorAccess"), "nothing of the batch was made: {policies}");

    let (_, new) = kept(rig, &account, &file);
    assert_eq!(new.changes.len(), 2, "{new:#?}");
    assert_ne!(new.hash, plan.hash);
    let (code, text) = applied(rig, &file);
    assert!(code == 0 && text.contains("changes made: 2"), "{code} {text}");
    assert_eq!(kept(rig, &account, &file).0, 0);
}

#[test]
fn an_event_or_a_request_with_a_plan_that_is_none_is_refused() {
    let (rig, _turn) = turn(&[]);
    let account = rig.account("spelled-staging", "staging");
    for wrong in [json!(true), json!("sha256:1"), json!("")] {
        let input = json!({ "accountId": account, "onlyPlanned": wrong });
        let run = rig.ended(&rig.start_execution(&input));
        assert_eq!(run.error.as_deref(), Some("InvalidInput"), "{input}: {run:?}");
    }
    assert!(rig.record(&account).is_none(), "a request that is none is about no account");
}
