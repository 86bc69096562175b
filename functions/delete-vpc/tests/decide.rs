//! What is deleted, in which order, and what stops it.
#![allow(clippy::unwrap_used)]

use berth_ledger::Rest;
use berth_step::{Decision, Fault, dry_run};
use berth_tenancy::Mode;
use proptest::prelude::*;
use serde_json::json;

use crate::{Change, DeleteVpc, Held, Input, State, Vpc, VpcPart};

pub(crate) fn input() -> Input {
    let run = json!({
        "accountId": "111122223333", "accountName": "payments-dev", "tenant": "payments", "environment": "dev",
        "execution": "arn:aws:states:us-east-1:999988887777:execution:berth-offboard-account:one", "generation": 2,
        "mode": Mode::Apply, "tenantRole": "BerthTenant",
    });
    let input = json!({ "run": run, "region": "eu-west-1", "isClosed": false, "isInspection": false });
    serde_json::from_value(input).unwrap()
}

fn whole() -> State {
    let part = |id: &str| VpcPart { id: id.to_owned(), is_going: false };
    let ids = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
    State {
        recorded: Some("vpc-1".to_owned()),
        vpc: Some(Vpc {
            id: "vpc-1".to_owned(),
            is_ours: true,
            endpoints: vec![part("vpce-1"), part("vpce-2")],
            flow_logs: ids(&["fl-1"]),
            subnets: ids(&["subnet-1", "subnet-2"]),
            tables: ids(&["rtb-1"]),
            gateway: Some("igw-1".to_owned()),
            foreign: Vec::new(),
        }),
        blocks: vec!["10.1.0.0/20".parse().unwrap()],
        ..State::default()
    }
}

fn held(what: &str, remedy: &str) -> Held {
    Held { what: what.to_owned(), remedy: remedy.to_owned() }
}

fn lines(input: &Input, state: State) -> Vec<Vec<String>> {
    let run = dry_run::<DeleteVpc>(input, state).unwrap();
    run.batches.iter().map(|batch| batch.iter().map(ToString::to_string).collect()).collect()
}

#[test]
fn the_order_is_that_of_aws_and_the_record_goes_last() {
    let order = [
        vec!["delete vpce-1", "delete vpce-2", "delete fl-1"],
        vec!["delete subnet-1", "delete subnet-2"],
        vec!["delete rtb-1", "detach igw-1 from vpc-1"],
        vec!["delete vpc-1"],
        vec!["delete igw-1"],
        vec!["let 10.1.0.0/20 rest for 30 minutes"],
        vec!["take vpc-1 off the ledger's record"],
    ];
    assert_eq!(lines(&input(), whole()), order);
}

#[test]
fn an_account_without_a_network_needs_nothing() {
    assert_eq!(lines(&input(), State::default()), Vec::<Vec<String>>::new());
}

#[test]
fn of_a_closed_account_the_block_rests_and_the_vpc_stays_on_record() {
    let input = Input { is_closed: true, ..input() };
    let state = State { vpc: None, ..whole() };
    let run = dry_run::<DeleteVpc>(&input, state).unwrap();
    let expected = Change::ReleaseBlocks { blocks: vec!["10.1.0.0/20".parse().unwrap()], rest: Rest::Unseen };
    assert_eq!(run.batches, [vec![expected.clone()]]);
    assert_eq!(expected.to_string(), "let 10.1.0.0/20 rest for 91 days");
    assert_eq!(run.output.left_behind.as_deref(), Some("vpc-1"));
    assert_eq!(run.state.recorded.as_deref(), Some("vpc-1"), "reopened, the account has it again");
}

#[test]
fn whatever_is_somebody_elses_stops_everything_and_is_named_with_what_to_do() {
    type Case = (fn(&mut Vpc), &'static str, &'static str);
    let cases: [Case; 2] = [
        (|vpc| vpc.is_ours = false, "vpc-1 is on record as Berth's, and somebody took Berth's tags off it", "by hand"),
        (
            |vpc| {
                vpc.foreign = vec![
                    held("instance i-1 (eni-1)", "terminate the instances"),
                    held("peering pcx-1", "delete the peering"),
                ];
            },
            "vpc-1 is used by what is not Berth's: instance i-1 (eni-1), peering pcx-1; nothing of it was deleted",
            "delete the peering; terminate the instances; then redrive",
        ),
    ];
    for (spoil, what, next) in cases {
        let mut state = whole();
        spoil(state.vpc.as_mut().unwrap());
        for is_inspection in [true, false] {
            let error = crate::decide::decide(&Input { is_inspection, ..input() }, &state).unwrap_err();
            assert_eq!(error.fault, Fault::NotOwned);
            assert!(error.message.contains(what), "{}", error.message);
            assert!(error.hint.contains(next), "{}", error.hint);
        }
    }
    let strange = State { strange: vec!["vpc-9".to_owned()], ..whole() };
    let error = crate::decide::decide(&input(), &strange).unwrap_err();
    assert_eq!(error.fault, Fault::NotOwned);
    assert!(error.message.starts_with("vpc-9 in eu-west-1 has Berth's tags and is not on record"), "{}", error.message);
}

#[test]
fn an_inspection_changes_nothing() {
    let input = Input { is_inspection: true, ..input() };
    assert!(matches!(crate::decide::decide(&input, &whole()), Ok(Decision::Done(_))));
}

#[test]
fn endpoints_that_are_going_are_waited_for() {
    let mut state = whole();
    let vpc = state.vpc.as_mut().unwrap();
    vpc.flow_logs.clear();
    vpc.endpoints.iter_mut().for_each(|part| part.is_going = true);
    let error = crate::decide::decide(&input(), &state).unwrap_err();
    assert_eq!(error.fault, Fault::NotReady);
    assert_eq!(error.message, "AWS is still deleting vpce-1, vpce-2 in vpc-1");
}

#[test]
fn a_message_names_the_first_things_and_how_many_more_there_are() {
    let mut state = whole();
    let instance = |n: usize| held(&format!("instance i-{n}"), "terminate the instances");
    state.vpc.as_mut().unwrap().foreign = (0..40).map(instance).collect();
    let error = crate::decide::decide(&input(), &state).unwrap_err();
    assert!(error.message.contains("instance i-5, 34 more;"), "{}", error.message);
    assert_eq!(error.hint, "terminate the instances; then redrive the execution");
}

proptest! {
    #[test]
    fn from_any_state_it_converges_and_deletes_ours_only_and_the_block_last(
        endpoints in 0_usize..3, logs in 0_usize..2, subnets in 0_usize..7, tables in 0_usize..3,
        gateway in any::<bool>(), loose in any::<bool>(), has_vpc in any::<bool>(), blocks in 0_usize..2,
        is_closed in any::<bool>(),
    ) {
        let named = |kind: &str, count: usize| (0..count).map(|n| format!("{kind}-{n}")).collect::<Vec<_>>();
        let part = |id: String| VpcPart { id, is_going: false };
        let vpc = Vpc {
            id: "vpc-1".to_owned(), is_ours: true,
            endpoints: named("vpce", endpoints).into_iter().map(part).collect(),
            flow_logs: named("fl", logs), subnets: named("subnet", subnets), tables: named("rtb", tables),
            gateway: gateway.then(|| "igw-1".to_owned()), foreign: Vec::new(),
        };
        let state = State {
            recorded: Some("vpc-1".to_owned()), vpc: (has_vpc && !is_closed).then_some(vpc),
            loose_gateway: (loose && !gateway && !is_closed).then(|| "igw-2".to_owned()),
            strange: Vec::new(), blocks: vec!["10.1.0.0/20".parse().unwrap(); blocks],
        };
        let input = Input { is_closed, ..input() };
        let run = dry_run::<DeleteVpc>(&input, state).unwrap();
        let flat: Vec<&Change> = run.batches.iter().flatten().collect();
        let place = |is: &dyn Fn(&Change) -> bool| flat.iter().position(|change| is(change));
        let deleted = place(&|change| matches!(change, Change::DeleteVpc { .. }));
        let released = place(&|change| matches!(change, Change::ReleaseBlocks { .. }));
        prop_assert_eq!(deleted.is_some(), has_vpc && !is_closed);
        if let (Some(deleted), Some(released)) = (deleted, released) {
            prop_assert!(deleted < released, "the block may be another's while the VPC is there");
        }
        prop_assert!(matches!(crate::decide::decide(&input, &run.state), Ok(Decision::Done(_))));
        prop_assert_eq!(run.state.recorded.is_some(), is_closed);
    }
}
