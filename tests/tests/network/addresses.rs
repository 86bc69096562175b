//! IPAM pools that are not shared yet, or full.

use aws_sdk_sfn::types::ExecutionStatus;
use berth_ledger::Status;
use berth_tests::rig::{NETWORK, Rig};
use serde_json::{Value, json};

use crate::{WEST, WEST_PLAN, changing, onboarded, run, share, turn};

/// Where the IPAM is at home; its pools serve other regions. [EC2 `CreateIpamPool`: `Locale`]
const IPAM_REGION: &str = "us-east-1";

fn ipam(rig: &Rig, operation: &str, parameters: &Value) -> Value {
    rig.call_in(NETWORK, IPAM_REGION, "ec2", operation, parameters)
}

/// A pool of the west that nobody else uses, with room for one VPC. Not shared.
fn pool(rig: &Rig, block: &str) -> Value {
    let scope = ipam(rig, "describe_ipams", &json!({}))["Ipams"][0]["PrivateDefaultScopeId"].clone();
    let made = json!({ "IpamScopeId": scope, "Locale": WEST, "AddressFamily": "ipv4" });
    let pool = ipam(rig, "create_ipam_pool", &made)["IpamPool"].take();
    provision(rig, &pool, block);
    pool
}

fn provision(rig: &Rig, pool: &Value, block: &str) {
    ipam(rig, "provision_ipam_pool_cidr", &json!({ "IpamPoolId": pool["IpamPoolId"], "Cidr": block }));
}

fn blocks(rig: &Rig, account: &str) -> Vec<String> {
    rig.world(account).regions[WEST].vpcs.iter().map(|vpc| vpc.cidr.clone()).collect()
}

#[test]
fn a_full_pool_is_named_and_a_replay_ends_the_onboarding_once_it_grew() {
    let (rig, _turn) = turn();
    let pool = pool(rig, "10.240.0.0/20");
    let id = pool["IpamPoolId"].as_str().unwrap();
    let addresses = json!({ "ipam": { "poolId": id, "prefixLength": 20 } });
    rig.deploy_platform(&[(&format!("{WEST_PLAN}.addresses"), addresses)]);

    let first = rig.account("roomy-staging", "staging");
    let execution = rig.start_execution(&json!({ "accountId": first }));
    rig.until("the pool to be missed", || {
        let lines = rig.log_lines("berth-provision-vpc");
        let missed = |line: &String| line.contains(&first) && line.contains(&format!("share {id} with this account's"));
        lines.iter().any(missed).then_some(())
    });
    share(rig, IPAM_REGION, &pool["IpamPoolArn"]);
    assert_eq!(rig.ended(&execution).status, ExecutionStatus::Succeeded);
    rig.wait_for_outcome(&first, &execution);
    assert_eq!(blocks(rig, &first), ["10.240.0.0/20"]);

    let second = rig.account("late-staging", "staging");
    let failed = run(rig, &second);
    assert_eq!((failed.status, failed.error.as_deref()), (ExecutionStatus::Failed, Some("InvalidInput")));
    let record = rig.record(&second).unwrap();
    let failure = record.failure.unwrap();
    assert_eq!((record.status, failure.state.as_str()), (Status::Failed, "ProvisionVpc"));
    let fill = format!("{id} has no free /20: 4096 of 4096 addresses of 10.240.0.0/20 are allocated (100 %)");
    assert!(failure.message.contains(&fill), "{}", failure.message);
    let advice = format!("provision a further CIDR, a /20 or larger, to {id}, then `berth replay {second}`");
    assert!(failure.hint.contains(&advice), "{}", failure.hint);
    assert_eq!(blocks(rig, &second), Vec::<String>::new());

    provision(rig, &pool, "10.241.0.0/20");
    let (code, said) = rig.berth(&["replay", &second, "--wait"]);
    assert_eq!(code, 0, "{said}");
    assert_eq!(blocks(rig, &second), ["10.241.0.0/20"]);
    assert_eq!(rig.executions(&second), [failed.arn], "the same execution went on");
    for account in [&first, &second] {
        let again = onboarded(rig, account);
        assert!(again.changes().is_empty() && changing(rig, &again.arn).is_empty(), "{:?}", again.changes());
    }
}
