//! Which VPC is the account's, when somebody else may write our tags there.
#![allow(clippy::unwrap_used, clippy::panic)]

use berth_step::Fault;
use berth_tenancy::{Addresses, Mode, Tags};
use ipnet::Ipv4Net;
use jiff::Timestamp;

use crate::{
    Creation, Input, Known, State, Subnet, Vpc,
    decide_tests::{changes, fault, input, on_record, vpc},
    state::Parts,
};

fn at(id: &str, block: &str, tags: Tags) -> Vpc {
    Vpc { cidr: block.parse().unwrap(), ..vpc(id, tags) }
}

fn ours() -> Tags {
    input().vpc_tags()
}

fn seen(input: &Input, vpcs: Vec<Vpc>, known: Known) -> State {
    State::of(input, vpcs, known, Parts::default())
}

/// No VPC is on record: one was begun, and these blocks may be its.
fn begun(given: &[&str]) -> Known {
    let creation = Creation { begun: Timestamp::UNIX_EPOCH, age_seconds: 5, settled_seconds: 120 };
    let given: Vec<Ipv4Net> = given.iter().map(|block| block.parse().unwrap()).collect();
    Known { recorded: None, creation: Some(creation), given, holding: None }
}

fn by_ledger() -> Input {
    let supernets = vec!["10.0.0.0/12".parse().unwrap()];
    let mut input = input();
    input.network.addresses =
        Addresses::Ledger { pool: "dev".to_owned(), supernets, excluded: Vec::new(), prefix_length: 20 };
    input
}

#[test]
fn the_vpc_on_record_is_the_one_whatever_else_has_our_tags() {
    let stolen = at("vpc-0", "172.31.0.0/16", ours());
    let observed = seen(&input(), vec![stolen.clone(), vpc("vpc-1", ours())], on_record());
    assert_eq!(observed.vpc.as_ref().unwrap().id, "vpc-1");
    let (kind, what) = fault(&input(), &observed);
    assert_eq!(kind, Fault::NotOwned);
    assert_eq!(what, "vpc-0 (172.31.0.0/16) has Berth's tags, and on record is vpc-1 (10.1.0.0/20)");

    // The tags moved from the real one to another: both are named, and neither is touched.
    let (kind, what) =
        fault(&input(), &seen(&input(), vec![stolen.clone(), vpc("vpc-1", Tags::default())], on_record()));
    assert_eq!(kind, Fault::NotOwned);
    assert!(what.starts_with("vpc-1 is on record as Berth's, and somebody took Berth's tags off it; vpc-0"), "{what}");

    // The real one is gone, and another one waits to be taken for it.
    let (kind, what) = fault(&input(), &seen(&input(), vec![stolen], on_record()));
    assert_eq!(
        (kind, what.as_str()),
        (Fault::NotOwned, "vpc-0 has Berth's tags, but on record is vpc-1, which is gone")
    );
}

#[test]
fn a_vpc_on_record_that_is_gone_is_made_again() {
    let observed = seen(&input(), Vec::new(), on_record());
    assert_eq!(changes(&input(), &observed)[0], "create the VPC with a /20 of ipam-pool-1");
}

#[test]
fn a_vpc_on_record_with_another_block_is_not_the_one() {
    let observed = seen(&input(), vec![at("vpc-1", "10.7.0.0/20", ours())], on_record());
    let (kind, what) = fault(&input(), &observed);
    assert_eq!((kind, what.as_str()), (Fault::NotOwned, "vpc-1 is on record with 10.1.0.0/20, and has 10.7.0.0/20"));
}

#[test]
fn without_a_record_tags_count_only_with_an_intent_and_a_given_block() {
    let cases: [(Input, &str, Known, Option<&str>); 6] = [
        (input(), "10.1.0.0/20", begun(&["10.0.0.0/12"]), None),
        (by_ledger(), "10.1.0.0/20", begun(&["10.1.0.0/20"]), None),
        (
            input(),
            "10.1.0.0/20",
            Known::default(),
            Some("vpc-9 has Berth's tags, but the ledger knows of no CreateVpc"),
        ),
        (
            input(),
            "172.31.0.0/16",
            begun(&["10.0.0.0/12"]),
            Some("vpc-9 has Berth's tags, but its block 172.31.0.0/16 is not what ipam-pool-1 can give: 10.0.0.0/12"),
        ),
        (
            by_ledger(),
            "10.2.0.0/20",
            begun(&["10.1.0.0/20"]),
            Some("vpc-9 has Berth's tags, but its block 10.2.0.0/20 is not what the ledger gave from dev: 10.1.0.0/20"),
        ),
        (
            by_ledger(),
            "10.1.0.0/20",
            begun(&[]),
            Some("vpc-9 has Berth's tags, but its block 10.1.0.0/20 is not what the ledger gave from dev: nothing"),
        ),
    ];
    for (input, block, known, refused) in cases {
        let observed = seen(&input, vec![at("vpc-9", block, ours())], known);
        match refused {
            None => assert_eq!(changes(&input, &observed)[0], format!("record the VPC vpc-9 with {block}")),
            Some(expected) => assert_eq!(fault(&input, &observed), (Fault::NotOwned, expected.to_owned())),
        }
    }
}

#[test]
fn a_plan_without_a_ledger_shows_the_vpc_that_it_would_be_rebuilt_with() {
    let mut plan = by_ledger();
    plan.run.mode = Mode::Plan;
    let found = |input: &Input, block| seen(input, vec![at("vpc-9", block, ours())], Known::default());
    assert_eq!(changes(&plan, &found(&plan, "10.1.0.0/20"))[0], "record the VPC vpc-9 with 10.1.0.0/20");
    let refused = "vpc-9 has Berth's tags, but the ledger knows of no CreateVpc";
    assert_eq!(fault(&plan, &found(&plan, "172.31.0.0/16")), (Fault::NotOwned, refused.to_owned()));
    assert_eq!(fault(&by_ledger(), &found(&by_ledger(), "10.1.0.0/20")), (Fault::NotOwned, refused.to_owned()));
}

#[test]
fn a_vpc_with_our_name_or_somebody_elses_tags_is_not_ours() {
    let other = Tags::of(&"999988887777".parse().unwrap(), &input().run.tenant).with("Name", "berth-payments-dev");
    let default = [("Name", "default")].into_iter().collect();
    let observed = seen(&input(), vec![vpc("vpc-1", other), vpc("vpc-2", default)], Known::default());
    let expected = "vpc-1 has our name, berth-payments-dev, but not our tags";
    assert_eq!(fault(&input(), &observed), (Fault::NotOwned, expected.to_owned()));
}

#[test]
fn of_two_vpcs_of_ours_every_run_takes_the_one_in_use_or_the_smallest_id() {
    let both = || vec![vpc("vpc-b", ours()), vpc("vpc-a", ours()), vpc("vpc-0", Tags::default())];
    let unused = seen(&input(), both(), begun(&["10.0.0.0/12"]));
    assert_eq!((unused.vpc.unwrap().id.as_str(), unused.duplicates), ("vpc-a", vec!["vpc-b".to_owned()]));

    let subnet = Subnet {
        vpc: "vpc-b".to_owned(),
        id: "subnet-1".to_owned(),
        cidr: "10.1.0.0/22".parse().unwrap(),
        place: Some(("private".to_owned(), "euw1-az1".to_owned())),
        tags: Tags::default(),
    };
    let parts = Parts { subnets: vec![subnet], ..Parts::default() };
    let used = State::of(&input(), both(), begun(&["10.0.0.0/12"]), parts);
    assert_eq!((used.vpc.unwrap().id.as_str(), used.duplicates), ("vpc-b", vec!["vpc-a".to_owned()]));

    // With a record, the other is still a lost answer's when its block is one that Berth may have asked for.
    let known = seen(&input(), vec![vpc("vpc-1", ours()), at("vpc-0", "10.9.0.0/20", ours())], on_record());
    assert_eq!((known.vpc.unwrap().id.as_str(), known.duplicates), ("vpc-1", vec!["vpc-0".to_owned()]));
}

#[test]
fn a_second_block_of_the_vpc_is_not_owned_whatever_its_state() {
    for state in ["associated", "associating", "disassociating", "of unknown state"] {
        let further = vec![("10.16.0.0/24".to_owned(), state.to_owned())];
        let observed = seen(&input(), vec![Vpc { further, ..vpc("vpc-1", ours()) }], on_record());
        let what = format!("vpc-1 has further blocks that Berth did not associate: 10.16.0.0/24 ({state})");
        assert_eq!(fault(&input(), &observed), (Fault::NotOwned, what));
    }
}
