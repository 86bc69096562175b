//! What `decide` makes of many accounts: by table, and from any account that a crash can leave behind.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeSet;

use berth_step::{Decision, Fault, Step, StepError};
use berth_tenancy::{DefaultVpc, LeftOverTags, Mode, OrganizationTags, Region, Subject};
use proptest::prelude::*;
use remove_default_vpcs::{Change, Found, Gateway, Input, Output, RemoveDefaultVpcs, State, Vpc};

fn decide(input: &Input, state: &State) -> Result<Decision<Change, Output>, StepError> {
    RemoveDefaultVpcs::decide(input, state)
}

fn apply(state: &mut State, change: &Change) {
    RemoveDefaultVpcs::apply(state, &input(), change, None);
}

fn input() -> Input {
    Input {
        run: Subject {
            account_id: "111122223333".parse().unwrap(),
            account_name: "Payments (dev)".to_owned(),
            tenant: "payments".parse().unwrap(),
            environment: "dev".parse().unwrap(),
            execution: "arn:aws:states:us-east-1:210987654321:execution:berth-onboard-account:e".to_owned(),
            generation: 1,
            mode: Mode::Apply,
            tenant_role: "BerthTenant".parse().unwrap(),
            allow_disruption: false,
            opening_until: None,
            tags: OrganizationTags::default(),
            left_over_tags: LeftOverTags::default(),
            only_planned: None,
            repairs: None,
        },
        default_vpc: DefaultVpc::Remove,
    }
}

fn region(name: &str) -> Region {
    name.parse().unwrap()
}

fn vpc(used: &[&str]) -> Vpc {
    Vpc {
        id: "vpc-1".to_owned(),
        used: used.iter().map(|&text| text.to_owned()).collect(),
        gateway: Some(Gateway { id: "igw-1".to_owned(), is_attached: true }),
        subnets: ["subnet-1".to_owned(), "subnet-2".to_owned()].into(),
    }
}

fn state(found: &[(&str, Found)]) -> State {
    State { regions: found.iter().map(|(name, found)| (region(name), found.clone())).collect(), enabled: 3 }
}

/// Runs to the end. Answers every change and the output.
fn run(state: &mut State) -> (Vec<String>, Output) {
    let mut done = Vec::new();
    for _ in 0..5 {
        match decide(&input(), state).unwrap() {
            Decision::Done(output) => return (done, output),
            Decision::Act(batch) => {
                assert!(!batch.is_empty());
                for change in &batch {
                    apply(state, change);
                }
                done.extend(batch.iter().map(ToString::to_string));
            }
        }
    }
    panic!("not done after five rounds: {done:?}");
}

#[test]
fn an_untouched_vpc_goes_gateway_first_then_subnets_then_itself() {
    let mut state = state(&[("us-east-1", Found::Vpc(vpc(&[])))]);
    let (changes, output) = run(&mut state);
    assert_eq!(
        changes,
        [
            "detach igw-1 from default vpc-1 in us-east-1",
            "delete default igw-1 in us-east-1",
            "delete default subnet-1 in us-east-1",
            "delete default subnet-2 in us-east-1",
            "delete default vpc-1 in us-east-1",
        ]
    );
    assert_eq!(output.left, []);
    assert_eq!(run(&mut state).0, Vec::<String>::new());
}

#[test]
fn a_used_vpc_stays_and_is_reported_while_other_regions_go_on() {
    let used = Found::Vpc(vpc(&["network interface eni-1"]));
    let denied = Found::Denied("ec2:DescribeVpcs failed: UnauthorizedOperation: no".to_owned());
    let mut state = state(&[("eu-west-1", used), ("us-east-1", Found::Vpc(vpc(&[]))), ("us-west-2", denied)]);
    let (changes, output) = run(&mut state);
    assert!(changes.iter().all(|change| change.ends_with("in us-east-1")), "{changes:?}");
    assert_eq!(changes.len(), 5);
    let left: Vec<_> =
        output.left.iter().map(|l| (l.region.as_str(), l.vpc_id.as_deref(), l.reason.as_str())).collect();
    assert_eq!(
        left,
        [
            ("eu-west-1", Some("vpc-1"), "it is used: network interface eni-1"),
            ("us-west-2", None, "nobody may look: ec2:DescribeVpcs failed: UnauthorizedOperation: no"),
        ]
    );
}

#[test]
fn a_long_list_of_uses_is_cut() {
    let uses: Vec<String> = (0..9).map(|n| format!("network interface eni-{n}")).collect();
    let uses: Vec<&str> = uses.iter().map(String::as_str).collect();
    let output = run(&mut state(&[("eu-west-1", Found::Vpc(vpc(&uses)))])).1;
    assert!(output.left.first().unwrap().reason.ends_with("eni-4, and 4 more"), "{output:?}");
}

#[test]
fn a_denial_in_every_region_is_a_fault_of_the_role_and_one_in_some_is_not() {
    let denied = || Found::Denied("ec2:DescribeVpcs failed".to_owned());
    let all = state(&[("eu-west-1", denied()), ("us-east-1", denied()), ("us-west-2", denied())]);
    let error = decide(&input(), &all).unwrap_err();
    assert_eq!(error.fault, Fault::Denied);
    let some = state(&[("eu-west-1", denied()), ("us-east-1", denied())]);
    assert_eq!(run(&mut some.clone()).1.left.len(), 2);
}

#[test]
fn keep_means_that_nothing_is_done() {
    let keep = Input { default_vpc: DefaultVpc::Keep, ..input() };
    let seen = state(&[("us-east-1", Found::Vpc(vpc(&[])))]);
    assert_eq!(decide(&keep, &seen).unwrap(), Decision::Done(Output::default()));
}

#[test]
fn the_payload_is_strict_and_the_output_is_in_camel_case() {
    let mut json = serde_json::to_value(input()).unwrap();
    assert!(serde_json::from_value::<Input>(json.clone()).is_ok());
    json["defaultVpcs"] = 1.into();
    assert!(serde_json::from_value::<Input>(json).unwrap_err().to_string().contains("defaultVpcs"));
    let output = run(&mut state(&[("eu-west-1", Found::Vpc(vpc(&["x"])))])).1;
    assert_eq!(serde_json::to_value(output).unwrap()["left"][0]["vpcId"], "vpc-1");
}

prop_compose! {
    fn any_found()(
        kind in 0u8..3,
        gateway in 0u8..3,
        subnets in proptest::collection::btree_set("subnet-[a-d]", 0..4),
    ) -> Option<Found> {
        let gateway = (gateway > 0).then(|| Gateway { id: "igw-1".to_owned(), is_attached: gateway == 1 });
        let subnets: BTreeSet<String> = subnets;
        match kind {
            0 => None,
            1 => Some(Found::Vpc(Vpc { id: "vpc-1".to_owned(), used: vec![], gateway, subnets })),
            _ => Some(Found::Vpc(Vpc { id: "vpc-1".to_owned(), used: vec!["x".to_owned()], gateway, subnets })),
        }
    }
}

proptest! {
    #[test]
    fn from_any_account_unused_default_vpcs_go_and_used_ones_stay(
        found in proptest::collection::vec(any_found(), 3),
        lucky in any::<u32>(),
    ) {
        let names = ["eu-west-1", "us-east-1", "us-west-2"];
        let found: Vec<(&str, Found)> = names.into_iter().zip(found).filter_map(|(n, f)| Some((n, f?))).collect();
        let mut state = state(&found);
        let before = state.clone();
        // A crash after some of the changes of the first round.
        if let Decision::Act(batch) = decide(&input(), &state).unwrap() {
            for (n, change) in batch.iter().enumerate().filter(|(n, _)| lucky & (1 << (n % 32)) != 0) {
                prop_assert!(n < 32);
                apply(&mut state, change);
            }
        }
        let (_, output) = run(&mut state);
        for (region, found) in &before.regions {
            let Found::Vpc(vpc) = found else { continue };
            let stays = state.regions.get(region);
            if vpc.used.is_empty() {
                prop_assert_eq!(stays, None);
            } else {
                prop_assert_eq!(stays, Some(found));
            }
        }
        prop_assert_eq!(output.left.len(), state.regions.len());
        prop_assert_eq!(run(&mut state).0, Vec::<String>::new());
    }
}
