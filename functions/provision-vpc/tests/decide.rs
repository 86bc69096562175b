//! What `decide` makes of many networks: by table, and from any network that a crash can leave behind.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use berth_ledger::RecordedVpc;
use berth_step::{Decision, Fault, StepError};
use berth_tenancy::{
    Addresses, LeftOverTags, Mode, NetworkPlan, OrganizationTags, Subject, Tags, TierPlan, TierRouting,
};
use proptest::prelude::*;

use crate::{
    Change, Creation, Endpoint, Input, InternetGateway, Known, Output, RouteTable, State, Subnet, Vpc, decide::decide,
    state::Parts,
};

/// A change of the plan, or of what is observed.
type Edit<T> = fn(&mut T);

fn tier(name: &str, prefix_length: u8, routing: TierRouting) -> TierPlan {
    TierPlan { name: name.to_owned(), prefix_length, routing }
}

pub(crate) fn input() -> Input {
    Input {
        run: Subject {
            account_id: "111122223333".parse().unwrap(),
            account_name: "Payments (dev)".to_owned(),
            tenant: "payments".parse().unwrap(),
            environment: "dev".parse().unwrap(),
            execution: "arn:aws:states:us-east-1:210987654321:execution:berth-onboard-account:e".to_owned(),
            generation: 3,
            mode: Mode::Apply,
            tenant_role: "BerthTenant".parse().unwrap(),
            allow_disruption: false,
            opening_until: None,
            tags: OrganizationTags::default(),
            left_over_tags: LeftOverTags::default(),
            only_planned: None,
            repairs: None,
        },
        region: "eu-west-1".parse().unwrap(),
        network: NetworkPlan {
            addresses: Addresses::Ipam {
                pool_id: "ipam-pool-1".to_owned(),
                prefix_length: 20,
                supernets: vec!["10.0.0.0/12".parse().unwrap()],
            },
            zones: vec!["euw1-az1".to_owned(), "euw1-az2".to_owned()],
            tiers: vec![tier("private", 22, TierRouting::Private), tier("attachment", 28, TierRouting::Attachment)],
            gateway_endpoints: vec!["s3".to_owned(), "dynamodb".to_owned()],
            flow_logs: Some("arn:aws:s3:::logs-410987654321".to_owned()),
        },
    }
}

/// Runs to the end on imagined effects. Answers every change and the output.
fn run(input: &Input, observed: &mut State) -> Result<(Vec<Change>, Output), StepError> {
    let mut done = Vec::new();
    for _ in 0..8 {
        match crate::decide::decide(input, observed)? {
            Decision::Done(output) => return Ok((done, output)),
            Decision::Act(batch) => {
                assert!(!batch.is_empty());
                for change in &batch {
                    observed.apply(input, change, None);
                }
                done.extend(batch);
            }
        }
    }
    panic!("not done after eight rounds: {done:?}");
}

pub(crate) fn finished(input: &Input) -> State {
    let mut observed = State::default();
    run(input, &mut observed).unwrap();
    observed
}

/// What is observed, as the next invocation would see it: nothing is remembered but what AWS shows.
fn seen_again(observed: &State) -> State {
    let dns_hostnames = observed.subnets.iter().any(|subnet| subnet.place.is_some());
    State { dns_hostnames, reserved: None, ..observed.clone() }
}

pub(crate) fn changes(input: &Input, observed: &State) -> Vec<String> {
    run(input, &mut observed.clone()).unwrap().0.iter().map(ToString::to_string).collect()
}

pub(crate) fn fault(input: &Input, observed: &State) -> (Fault, String) {
    let error = run(input, &mut observed.clone()).unwrap_err();
    (error.fault, error.message)
}

#[test]
fn a_plan_for_an_empty_region_shows_every_change_in_order() {
    assert_eq!(
        changes(&input(), &State::default()),
        [
            "create the VPC with a /20 of ipam-pool-1",
            "turn on DNS host names in vpc-(new)",
            "remove the rules of the default security group of vpc-(new)",
            "create the private route table of vpc-(new)",
            "send flow logs of vpc-(new) to arn:aws:s3:::logs-410987654321",
            "create subnet private in euw1-az1 with a /22",
            "create subnet private in euw1-az2 with a /22",
            "create subnet attachment in euw1-az1 with a /28",
            "create subnet attachment in euw1-az2 with a /28",
            "create a gateway endpoint for s3 in rtb-(new private)",
            "create a gateway endpoint for dynamodb in rtb-(new private)",
            "associate subnet-(new private euw1-az1) with rtb-(new private)",
            "associate subnet-(new private euw1-az2) with rtb-(new private)",
        ]
    );
}

#[test]
fn a_finished_region_needs_nothing() {
    let (again, output) = run(&input(), &mut seen_again(&finished(&input()))).unwrap();
    assert_eq!(again, []);
    assert_eq!(output.attachment_subnets, ["subnet-(new attachment euw1-az1)", "subnet-(new attachment euw1-az2)"]);
    assert_eq!(output.private_route_table.as_deref(), Some("rtb-(new private)"));
    assert_eq!((output.subnets.len(), output.duplicates.len()), (4, 0));
}

#[test]
fn without_an_attachment_tier_the_first_private_tier_is_attached() {
    let mut input = input();
    input.network.tiers = vec![tier("data", 24, TierRouting::Intra), tier("apps", 24, TierRouting::Private)];
    let output = run(&input, &mut State::default()).unwrap().1;
    assert_eq!(output.attachment_subnets, ["subnet-(new apps euw1-az1)", "subnet-(new apps euw1-az2)"]);
}

#[test]
fn without_a_private_tier_there_is_no_route_table_and_no_endpoint() {
    let mut input = input();
    input.network.tiers = vec![tier("data", 24, TierRouting::Intra)];
    let (actions, output) = run(&input, &mut State::default()).unwrap();
    assert_eq!(output.private_route_table, None);
    let is_unwanted = |a: &Change| matches!(a, Change::CreateRouteTable { .. } | Change::CreateEndpoint { .. });
    assert!(!actions.iter().any(is_unwanted));
}

#[test]
fn a_block_that_rests_is_taken_back_before_anything_is_made_in_its_vpc() {
    let mut input = input();
    let (pool, cidr): (_, ipnet::Ipv4Net) = ("dev-eu-west-1".to_owned(), "10.3.16.0/20".parse().unwrap());
    input.network.addresses = Addresses::Ledger {
        pool: pool.clone(),
        supernets: vec!["10.3.0.0/16".parse().unwrap()],
        excluded: vec![],
        prefix_length: 20,
    };
    let mut observed = finished(&input);
    observed.vpc.as_mut().unwrap().cidr = cidr;
    observed.subnets.pop();
    let holding = |owner: &str, released: bool| berth_ledger::Holding {
        owner: owner.to_owned(),
        released: released.then(|| "2026-11-01T00:00:00Z".parse().unwrap()),
        rest_seconds: berth_ledger::CLOSED_REST_SECONDS,
    };
    let mine = format!("{}/{}", input.run.account_id, input.region);
    observed.known.holding = Some(holding(&mine, true));
    let Decision::Act(batch) = decide(&input, &observed).unwrap() else { panic!() };
    let lines: Vec<String> = batch.iter().map(ToString::to_string).collect();
    assert_eq!(lines, ["take 10.3.16.0/20 of pool dev-eu-west-1 back, which rests"], "that alone, and first");
    observed.known.holding = Some(holding(&mine, false));
    assert!(decide(&input, &observed).is_ok());
    observed.known.holding = Some(holding("444455556666/eu-west-1", false));
    let error = decide(&input, &observed).unwrap_err();
    assert_eq!(error.fault, Fault::NotOwned);
    assert!(error.message.contains("which pool dev-eu-west-1 gave to 444455556666/eu-west-1"), "{error}");
}

#[test]
fn the_ledgers_block_is_reserved_before_the_vpc_is_made_with_it() {
    let mut input = input();
    input.network.addresses = Addresses::Ledger {
        pool: "dev-eu-west-1".to_owned(),
        supernets: vec!["10.0.0.0/12".parse().unwrap()],
        excluded: Vec::new(),
        prefix_length: 20,
    };
    let shown = changes(&input, &State::default());
    assert_eq!(shown[..2], ["reserve a /20 of pool dev-eu-west-1", "create the VPC with a /20"]);
    let reserved = State { reserved: Some("10.3.16.0/20".parse().unwrap()), ..State::default() };
    assert_eq!(changes(&input, &reserved)[0], "create the VPC with 10.3.16.0/20");
}

#[test]
fn what_the_plan_gains_is_added_and_nothing_else_moves() {
    let before = finished(&input());
    let cases: [(Edit<Input>, &[&str]); 4] = [
        (
            |input| input.network.zones.push("euw1-az3".to_owned()),
            &[
                "create subnet private in euw1-az3 with a /22",
                "create subnet attachment in euw1-az3 with a /28",
                "associate subnet-(new private euw1-az3) with rtb-(new private)",
            ],
        ),
        (
            |input| input.network.tiers.push(tier("data", 26, TierRouting::Intra)),
            &["create subnet data in euw1-az1 with a /26", "create subnet data in euw1-az2 with a /26"],
        ),
        (
            |input| input.network.flow_logs = Some("arn:aws:s3:::other".to_owned()),
            &["send flow logs of vpc-(new) to arn:aws:s3:::other"],
        ),
        (|input| input.network.zones.truncate(1), &[]),
    ];
    for (change, expected) in cases {
        let mut changed = input();
        change(&mut changed);
        assert_eq!(changes(&changed, &seen_again(&before)), expected);
    }
}

#[test]
fn drift_is_put_right() {
    let cases: [(Edit<State>, &str); 5] = [
        (
            |observed| {
                observed.vpc.as_mut().unwrap().tags.0.remove("berth:tenant");
            },
            "tag vpc-(new) with berth:tenant",
        ),
        (
            |observed| observed.default_group_closed = false,
            "remove the rules of the default security group of vpc-(new)",
        ),
        (|observed| observed.flow_logs.clear(), "send flow logs of vpc-(new) to arn:aws:s3:::logs-410987654321"),
        (
            |observed| observed.endpoints[0].tables.clear(),
            "add rtb-(new private) to vpce-(new s3), the gateway endpoint for s3",
        ),
        (
            |observed| {
                observed.tables[0].subnets.remove("subnet-(new private euw1-az2)");
            },
            "associate subnet-(new private euw1-az2) with rtb-(new private)",
        ),
    ];
    for (drift, expected) in cases {
        let mut observed = finished(&input());
        drift(&mut observed);
        assert_eq!(changes(&input(), &observed), [expected]);
    }
}

#[test]
fn what_is_not_ours_is_a_fault_and_never_changed() {
    let mut observed = finished(&input());
    observed.tables[0].subnets.remove("subnet-(new private euw1-az1)");
    observed.tables.push(RouteTable {
        vpc: "vpc-(new)".to_owned(),
        id: "rtb-theirs".to_owned(),
        routing: None,
        default_route: None,
        subnets: ["subnet-(new private euw1-az1)".to_owned()].into(),
        paths: Vec::new(),
        tags: Tags::default(),
    });
    let (kind, what) = fault(&input(), &observed);
    assert_eq!(kind, Fault::NotOwned);
    assert!(what.contains("uses route table rtb-theirs, not Berth's rtb-(new private)"), "{what}");
}

#[test]
fn a_tier_that_must_reach_nothing_may_not_use_the_private_table() {
    let mut observed = finished(&input());
    observed.tables[0].subnets.insert("subnet-(new attachment euw1-az1)".to_owned());
    let (kind, what) = fault(&input(), &observed);
    assert_eq!(kind, Fault::InvalidInput);
    assert!(what.contains("tier attachment) is not private by the plan"), "{what}");
}

#[test]
fn subnets_that_do_not_fit_are_refused_before_any_subnet_is_made() {
    let mut input = input();
    input.network.tiers[0].prefix_length = 21;
    let vpc = vpc("vpc-1", input.vpc_tags());
    let (kind, what) = fault(&input, &State { vpc: Some(vpc), known: on_record(), ..State::default() });
    assert_eq!(kind, Fault::InvalidInput);
    assert_eq!(
        what,
        "the subnets do not fit into vpc-1: 10.1.0.0/20 has no free /28 left for tier attachment in euw1-az1"
    );
}

#[test]
fn a_subnet_of_someone_else_keeps_its_block() {
    let input = input();
    let theirs = Subnet {
        vpc: "vpc-1".to_owned(),
        id: "subnet-theirs".to_owned(),
        cidr: "10.1.0.0/24".parse().unwrap(),
        place: None,
        tags: Tags::default(),
    };
    let vpc = vpc("vpc-1", input.vpc_tags());
    let observed = State { vpc: Some(vpc), known: on_record(), subnets: vec![theirs], ..State::default() };
    let shown = changes(&input, &observed);
    assert!(shown.contains(&"create subnet private in euw1-az1 with 10.1.4.0/22".to_owned()), "{shown:?}");
}

/// The ledger has vpc-1.
pub(crate) fn on_record() -> Known {
    let recorded = RecordedVpc { id: "vpc-1".to_owned(), cidr: "10.1.0.0/20".parse().unwrap() };
    Known { recorded: Some(recorded), ..Known::default() }
}

pub(crate) fn vpc(id: &str, tags: Tags) -> Vpc {
    Vpc { id: id.to_owned(), cidr: "10.1.0.0/20".parse().unwrap(), further: Vec::new(), tags }
}

#[test]
fn an_endpoint_of_another_vpc_does_not_count() {
    let input = input();
    let endpoint = Endpoint {
        vpc: "vpc-2".to_owned(),
        id: "vpce-2".to_owned(),
        service: "com.amazonaws.eu-west-1.s3".to_owned(),
        tables: [].into(),
        tags: Tags::default(),
    };
    let parts = Parts { endpoints: vec![endpoint], ..Parts::default() };
    assert_eq!(State::of(&input, vec![vpc("vpc-1", input.vpc_tags())], on_record(), parts).endpoints, []);
}

#[test]
fn the_payload_is_strict_and_the_output_is_in_camel_case() {
    let mut json = serde_json::to_value(input()).unwrap();
    assert!(serde_json::from_value::<Input>(json.clone()).is_ok());
    json["netwrok"] = 1.into();
    assert!(serde_json::from_value::<Input>(json).unwrap_err().to_string().contains("netwrok"));
    let output = serde_json::to_value(run(&input(), &mut State::default()).unwrap().1).unwrap();
    for field in ["vpcId", "cidr", "attachmentSubnets", "privateRouteTable", "subnets", "duplicates"] {
        assert!(output.get(field).is_some(), "{field}");
    }
}

#[test]
fn a_creation_without_an_answer_is_waited_for_and_then_tried_again() {
    let observed = |age_seconds| {
        let begun = jiff::Timestamp::UNIX_EPOCH;
        let creation = Some(Creation { begun, age_seconds, settled_seconds: 120 });
        State { known: Known { creation, ..Known::default() }, ..State::default() }
    };
    for age in [0, 1, 119] {
        let (kind, what) = fault(&input(), &observed(age));
        assert_eq!(kind, Fault::NotReady);
        assert_eq!(what, format!("a CreateVpc of {age} seconds ago may have made a VPC that EC2 does not show yet"));
    }
    assert_eq!(changes(&input(), &observed(120))[0], "create the VPC with a /20 of ipam-pool-1");
    let mut seen = finished(&input());
    seen.known.creation = observed(1).known.creation;
    assert_eq!(changes(&input(), &seen), Vec::<String>::new(), "a VPC that is seen settles it");
}

fn public_input() -> Input {
    let mut input = input();
    input.network.tiers.push(tier("edge", 26, TierRouting::Public));
    input
}

#[test]
fn a_public_tier_gets_a_gateway_and_a_table_and_touches_no_other_tier() {
    let added = changes(&public_input(), &seen_again(&finished(&input())));
    assert_eq!(
        added,
        [
            "create the public route table of vpc-(new)",
            "create the internet gateway of vpc-(new)",
            "create subnet edge in euw1-az1 with a /26",
            "create subnet edge in euw1-az2 with a /26",
            "attach igw-(new) to vpc-(new)",
            "associate subnet-(new edge euw1-az1) with rtb-(new public)",
            "associate subnet-(new edge euw1-az2) with rtb-(new public)",
            "route 0.0.0.0/0 of rtb-(new public) to igw-(new)",
        ]
    );
    assert_eq!(changes(&public_input(), &seen_again(&finished(&public_input()))), Vec::<String>::new());
}

#[test]
fn a_gateway_or_a_default_route_of_somebody_else_is_not_owned() {
    let mut observed = finished(&public_input());
    observed.gateway =
        Some(InternetGateway { id: "igw-9".to_owned(), is_ours: false, is_attached: true, tags: Tags::default() });
    let (kind, what) = fault(&public_input(), &observed);
    assert_eq!((kind, what.as_str()), (Fault::NotOwned, "igw-9 is attached to vpc-(new) but has not our tags"));
    let mut observed = finished(&public_input());
    let table = observed.tables.iter_mut().find(|table| table.routing == Some(TierRouting::Public)).unwrap();
    table.default_route = Some("nat-1".to_owned());
    let (kind, what) = fault(&public_input(), &observed);
    assert_eq!(kind, Fault::NotOwned);
    assert!(what.contains("leads to nat-1, not to igw-(new)"), "{what}");
}

#[test]
fn the_vpcs_gateway_comes_before_an_unattached_one_of_ours() {
    let input = public_input();
    let gateway =
        |id: &str, is_ours| InternetGateway { id: id.to_owned(), is_ours, is_attached: true, tags: Tags::default() };
    let found = |gateways: Vec<(InternetGateway, Option<String>)>| {
        let parts = Parts { gateways, ..Parts::default() };
        let observed = State::of(&input, vec![vpc("vpc-1", input.vpc_tags())], on_record(), parts);
        observed.gateway.map(|g| (g.id, g.is_attached))
    };
    let here = || Some("vpc-1".to_owned());
    assert_eq!(
        found(vec![(gateway("igw-1", true), None), (gateway("igw-2", true), here())]),
        Some(("igw-2".to_owned(), true))
    );
    assert_eq!(
        found(vec![(gateway("igw-3", true), None), (gateway("igw-1", true), None)]),
        Some(("igw-1".to_owned(), false))
    );
    assert_eq!(found(vec![(gateway("igw-1", true), Some("vpc-2".to_owned())), (gateway("igw-2", false), None)]), None);
}

prop_compose! {
    fn any_input()(
        zones in 1usize..=3,
        routings in proptest::collection::vec(0usize..4, 1..4),
        endpoints in 0usize..=2,
        logs in any::<bool>(),
        ledger in any::<bool>(),
    ) -> Input {
        let mut input = input();
        let network = &mut input.network;
        network.zones = (1..=zones).map(|zone| format!("euw1-az{zone}")).collect();
        let kinds = [TierRouting::Private, TierRouting::Intra, TierRouting::Attachment, TierRouting::Public];
        network.tiers = routings.iter().enumerate().map(|(n, kind)| tier(&format!("t{n}"), 24, kinds[*kind])).collect();
        network.gateway_endpoints.truncate(endpoints);
        network.flow_logs = network.flow_logs.take().filter(|_| logs);
        if ledger {
            let supernets = vec!["10.0.0.0/12".parse().unwrap()];
            network.addresses =
                Addresses::Ledger { pool: "p".to_owned(), supernets, excluded: Vec::new(), prefix_length: 20 };
        }
        input
    }
}

proptest! {
    #[test]
    fn from_any_network_that_a_crash_left_a_run_converges_for_good(
        input in any_input(),
        crashes in proptest::collection::vec((1usize..5, any::<u32>()), 0..4),
    ) {
        let mut observed = State::default();
        // Each crash: some whole rounds, then some of the actions of one more round, then a new invocation.
        for (rounds, lucky) in crashes {
            for round in 0..rounds {
                let Decision::Act(batch) = decide(&input, &observed).unwrap() else { break };
                let is_last = round + 1 == rounds;
                for (n, action) in batch.iter().enumerate() {
                    if !is_last || lucky & (1 << (n % 32)) != 0 {
                        observed.apply(&input, action, None);
                    }
                }
            }
            observed = seen_again(&observed);
        }
        let output = run(&input, &mut observed).unwrap().1;
        prop_assert_eq!(&output, &run(&input, &mut State::default()).unwrap().1);
        let (again, same) = run(&input, &mut seen_again(&observed)).unwrap();
        prop_assert!(again.is_empty(), "{again:?}");
        prop_assert_eq!(same, output);
    }

    #[test]
    fn whatever_the_tiers_only_public_ones_reach_the_internet_gateway(input in any_input()) {
        let observed = finished(&input);
        let public: Vec<_> = observed.tables.iter().filter(|table| table.default_route.is_some()).collect();
        let is_public = |name: &str| {
            input.network.tiers.iter().any(|tier| tier.name == name && tier.routing == TierRouting::Public)
        };
        for subnet in public.iter().flat_map(|table| &table.subnets) {
            let tier = observed.subnets.iter().find(|s| s.id == *subnet).and_then(|s| s.place.clone()).unwrap().0;
            prop_assert!(is_public(&tier), "{subnet}");
        }
        prop_assert_eq!(public.is_empty(), !input.network.tiers.iter().any(|t| t.routing == TierRouting::Public));
    }

    #[test]
    fn no_subnet_is_ever_made_before_dns_host_names_are_on(input in any_input()) {
        let actions = run(&input, &mut State::default()).unwrap().0;
        let at = |is: fn(&Change) -> bool| actions.iter().position(is);
        let dns = at(|action| matches!(action, Change::EnableDnsHostnames { .. }));
        let subnet = at(|action| matches!(action, Change::CreateSubnet { .. }));
        prop_assert!(dns.unwrap() < subnet.unwrap());
    }
}
