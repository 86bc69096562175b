//! Accounts that the tenant's file refuses: nothing is made for them.

use aws_sdk_sfn::types::ExecutionStatus;
use berth_tenancy::tenant_path;
use berth_tests::rig::{onboarded, run};
use serde_json::json;

use crate::alone;

/// A file that people wrote, for an account of which the ledger knows nothing.
#[test]
fn a_file_that_has_another_account_refuses_before_anything_is_made() {
    let (rig, _alone) = alone();
    let cluster = rig.platform("environments.staging.cluster").as_str().unwrap().to_owned();
    let path = tenant_path(&cluster.parse().unwrap(), &"manor".parse().unwrap());
    rig.put_file(
        &path,
        &format!(
            "apiVersion: tenancy.berth.dev/v1alpha1\nkind: Tenant\nmetadata:\n  name: manor\nspec:\n  placement:\n    \
             cluster: {cluster}\n  accounts:\n    - environment: staging\n      accountId: \"123412341234\"\n"
        ),
    );
    let account = rig.account("manor-staging", "staging");
    let since = rig.last_call();
    let execution = rig.start_execution(&json!({ "accountId": account }));
    let ended = rig.ended(&execution);
    assert_eq!((ended.status, ended.error.as_deref()), (ExecutionStatus::Failed, Some("NotOwned")));
    let failure = rig.wait_for_outcome(&account, &execution).failure.unwrap();
    assert_eq!(failure.state, "CheckTenant");
    assert!(failure.message.contains("123412341234") && failure.message.contains(&path), "{}", failure.message);
    let made: Vec<_> = rig.calls(since).into_iter().filter(|call| call.effect == "resource").collect();
    assert!(made.is_empty(), "{made:#?}");
}

#[test]
fn a_tenants_file_that_a_person_moved_is_found_and_not_written_twice() {
    let (rig, _alone) = alone();
    let account = rig.account("wanderer-staging", "staging");
    let path = onboarded(rig, &account).output["commit"]["path"].as_str().unwrap().to_owned();
    let tidied = path.replace("/tenants/", "/tenants/tidied/");
    let renamed = format!("{}/tenants/of-the-north/the-wanderers.yml", &path[..path.find("/tenants/").unwrap()]);
    let (mut at, mut commits) = (path.clone(), 0);
    for moved in [tidied, renamed] {
        rig.move_file(&at, &moved);
        commits = rig.commit_count();
        let ended = run(rig, &account);
        assert_eq!((ended.status, ended.error.as_deref()), (ExecutionStatus::Failed, Some("InvalidInput")), "{moved}");
        let failure = rig.record(&account).unwrap().failure.unwrap();
        assert_eq!(failure.state, "CheckTenant");
        assert!(failure.message.contains(&moved) && failure.message.contains(&path), "{}", failure.message);
        assert_eq!(rig.commit_count(), commits, "nothing was written");
        at = moved;
    }
    rig.move_file(&at, &path);
    assert_eq!(rig.berth(&["replay", &account, "--wait"]).0, 0);
    assert_eq!(rig.commit_count(), commits + 1, "the move back, and nothing of Berth's");
}
