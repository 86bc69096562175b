//! The counted figures: AWS calls, changes, transitions and invocations of an onboarding, printed, bounded, and
//! compared with the README. Nothing else runs on this local AWS meanwhile, so that every call belongs to the account.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use berth_ledger::Status;
use berth_tests::rig::{Call, Event, HUB, Invocation, NETWORK, Rig, event, rig};
use serde_json::json;

/// Between these the README has the table.
const MARKERS: (&str, &str) = ("<!-- figures -->\n", "<!-- /figures -->");

/// What one onboarding cost. Polls are counted apart: how many there are is a matter of AWS's time, not of Berth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Figures {
    changing: usize,
    network: usize,
    network_changing: usize,
    organizations: usize,
    transitions: usize,
    invocations: usize,
}

/// Most calls that each function may make for an account of one region: when it is fresh, and when it is onboarded
/// already. They are what was counted, so whoever adds a call changes a line here and says why. Tests of other steps do
/// not hide a call too many here, and a function without a line fails the test.
const CALLS_MAX: [(&str, usize, usize); 11] = [
    ("accept-event", 3, 0),
    ("plan-onboarding", 4, 5),
    ("provision-vpc", 22, 7),
    ("attach-transit-gateway", 19, 8),
    // The default VPC of every enabled region is looked at and removed once; later only the account's mark is read.
    ("remove-default-vpcs", 60, 5),
    // The role that AWS Backup works with, and its two policies, are three calls of these.
    ("create-tenant-roles", 11, 2),
    // Backup, Config and four settings: half of it reads, also when all is there; Backup and Config have no call for all.
    ("apply-baseline", 24, 13),
    // Two groups with a permission set each. A copy that is new looks one permission set up by its name.
    ("grant-sign-in", 20, 8),
    ("grant-cluster-access", 7, 4),
    ("commit-tenant", 2, 2),
    ("announce-outcome", 3, 3),
];

/// The steps of the network, which design.md §10 bounds together for one region: fresh, and on a re-run.
const NETWORK_STEPS: [&str; 2] = ["provision-vpc", "attach-transit-gateway"];
const NETWORK_CALLS_MAX: (usize, usize) = (45, 15);

/// Most that each figure may be for an account of one region (design.md §10). Calls are bounded by function.
/// Of the changes 22 remove default VPCs, once in an account's life, and 16 make the baseline and its role.
const FRESH_MAX: Figures =
    Figures { changing: 67, network: 10, network_changing: 2, organizations: 2, transitions: 16, invocations: 14 };

/// The same for an account that is onboarded already.
const AGAIN_MAX: Figures =
    Figures { changing: 0, network: 5, network_changing: 0, organizations: 2, transitions: 16, invocations: 10 };

/// What one region more may cost. Its gateway does not accept by itself, which is one change in the network account.
const REGION_MORE: Figures =
    Figures { changing: 34, network: 10, network_changing: 3, organizations: 0, transitions: 3, invocations: 5 };

#[test]
fn an_onboarding_costs_no_more_than_promised_and_the_readme_has_the_numbers() {
    let rig = rig();
    // Once with everything, so that every function has as many warm copies as two regions need.
    let warm = rig.account("warm-dev", "dev");
    rig.publish(&[event(Event::Created, &warm)]);
    rig.wait_for(&warm, Status::Onboarded);
    let one = rig.account("single-staging", "staging");
    let two = rig.account("double-dev", "dev");
    let figures = [fresh(rig, &one), fresh(rig, &two), again(rig, &one), again(rig, &two)];
    let table = table(&figures);
    println!("{table}\n{:#?}\n{:#?}", figures[0].by_function, figures[2].by_function);
    let target = std::env::current_exe().unwrap().ancestors().nth(3).unwrap().join("figures.md");
    fs::write(target, &table).unwrap();
    assert_calls(&figures[0].by_function, |(_, fresh, _)| fresh, NETWORK_CALLS_MAX.0);
    assert_calls(&figures[2].by_function, |(_, _, again)| again, NETWORK_CALLS_MAX.1);
    let [fresh_one, fresh_two, again_one, again_two] = figures.map(|measured| measured.figures);
    assert_within(fresh_one, FRESH_MAX);
    assert_within(fresh_two, FRESH_MAX.and(REGION_MORE));
    assert_within(again_one, AGAIN_MAX);
    assert_within(again_two, AGAIN_MAX.and(Figures { changing: 0, network_changing: 0, ..REGION_MORE }));
    check_readme(&table);
}

/// What was counted.
struct Measured {
    /// AWS calls of all functions, from the event to the outcome.
    calls: usize,
    /// Those in the tenant, the network and the management account; the rest are the hub's own (sessions, the ledger,
    /// the execution, the outcome).
    outside: usize,
    /// Calls by function, without `berth-`.
    by_function: BTreeMap<String, usize>,
    figures: Figures,
}

/// An onboarding from the event to the outcome.
fn fresh(rig: &Rig, account: &str) -> Measured {
    measured(rig, account, || {
        rig.publish(&[event(Event::Created, account)]);
        rig.wait_for(account, Status::Onboarded).execution_arn.unwrap()
    })
}

/// An onboarding of an account that is onboarded, started by a person.
fn again(rig: &Rig, account: &str) -> Measured {
    measured(rig, account, || {
        let execution = rig.start_execution(&json!({ "accountId": account }));
        rig.wait_for_outcome(account, &execution);
        execution
    })
}

fn measured(rig: &Rig, account: &str, onboard: impl FnOnce() -> String) -> Measured {
    let (call, invocation) = (rig.last_call(), rig.last_invocation());
    let execution = onboard();
    let invocations = rig.until("the end of announce-outcome", || {
        let ended = rig.invocations(invocation);
        ended.iter().any(|each| each.function == "berth-announce-outcome").then_some(ended)
    });
    let calls = rig.calls(call);
    for each in &invocations {
        assert!(["", "NotReady"].contains(&each.error_type.as_str()), "{account}: a retry would be counted: {each:?}");
    }
    let changing: BTreeSet<&str> =
        calls.iter().filter(|call| is_changing(call)).map(|call| call.request_id.as_str()).collect();
    let polled = |each: &&Invocation| each.error_type == "NotReady" && !changing.contains(each.request_id.as_str());
    let polls: BTreeSet<&str> = invocations.iter().filter(polled).map(|each| each.request_id.as_str()).collect();
    // Sessions are used again for ten minutes by the copy of a function that has them, and which copy polls is chance.
    let counted = |call: &&Call| call.effect != "session" && !polls.contains(call.request_id.as_str());
    let calls: Vec<&Call> = calls.iter().filter(counted).collect();
    let count = |wanted: &dyn Fn(&&&Call) -> bool| calls.iter().filter(wanted).count();
    let mut by_function: BTreeMap<String, usize> = BTreeMap::new();
    for call in &calls {
        *by_function.entry(call.function.trim_start_matches("berth-").to_owned()).or_default() += 1;
    }
    let figures = Figures {
        changing: count(&|call| is_changing(call)),
        network: count(&|call| call.account == NETWORK),
        network_changing: count(&|call| call.account == NETWORK && is_changing(call)),
        organizations: count(&|call| call.service == "organizations"),
        transitions: rig.transitions(&execution).len(),
        invocations: invocations.len() - polls.len(),
    };
    Measured { calls: calls.len(), outside: count(&|call| call.account != HUB), by_function, figures }
}

/// Each function within its line, and the steps of the network within what design.md §10 gives them.
fn assert_calls(counted: &BTreeMap<String, usize>, most: fn((&str, usize, usize)) -> usize, network_most: usize) {
    for (function, count) in counted {
        let line = CALLS_MAX.into_iter().find(|(name, ..)| name == function);
        let most = most(line.unwrap_or_else(|| panic!("{function} makes {count} calls and has no line in CALLS_MAX")));
        assert!(*count <= most, "{function} makes {count} calls, more than {most}: {counted:#?}");
    }
    let network: usize = NETWORK_STEPS.iter().filter_map(|step| counted.get(*step)).sum();
    assert!(network <= network_most, "{network} calls for the network of one region: {counted:#?}");
}

impl Figures {
    fn each(self) -> [usize; 6] {
        let Self { changing, network, network_changing, organizations, transitions, invocations } = self;
        [changing, network, network_changing, organizations, transitions, invocations]
    }

    fn and(self, more: Self) -> Self {
        Self {
            changing: self.changing + more.changing,
            network: self.network + more.network,
            network_changing: self.network_changing + more.network_changing,
            organizations: self.organizations + more.organizations,
            transitions: self.transitions + more.transitions,
            invocations: self.invocations + more.invocations,
        }
    }
}

fn assert_within(figures: Figures, most: Figures) {
    let within = figures.each().iter().zip(most.each()).all(|(figure, most)| *figure <= most);
    assert!(within, "{figures:#?}\nis more than\n{most:#?}");
}

fn is_changing(call: &Call) -> bool {
    call.effect == "resource"
}

fn table(measured: &[Measured; 4]) -> String {
    let row = |name: &str, of: &dyn Fn(&Measured) -> usize| {
        let cells: Vec<String> = measured.iter().map(|each| of(each).to_string()).collect();
        format!("| {name} | {} |\n", cells.join(" | "))
    };
    let of_network = |each: &Measured| NETWORK_STEPS.iter().filter_map(|step| each.by_function.get(*step)).sum();
    let mut text = "| | fresh, 1 region | fresh, 2 regions | again, 1 region | again, 2 regions |\n".to_owned();
    text += "|---|--:|--:|--:|--:|\n";
    text += &row("AWS calls, without AssumeRole", &|each| each.calls);
    text += &row("of them by the steps of the network", &of_network);
    text += &row("of them outside of the hub", &|each| each.outside);
    text += &row("of them mutating", &|each| each.figures.changing);
    text += &row("calls in the network account", &|each| each.figures.network);
    text += &row("of them mutating", &|each| each.figures.network_changing);
    text += &row("calls to Organizations", &|each| each.figures.organizations);
    text += &row("state transitions, without retries", &|each| each.figures.transitions);
    text += &row("Lambda invocations, without polls", &|each| each.figures.invocations);
    text
}

/// Writes the table into the README, and fails when it was another one, as golden tests do.
fn check_readme(table: &str) {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("README.md");
    let Ok(text) = fs::read_to_string(&readme) else { return };
    let fresh = match text.split_once(MARKERS.0).and_then(|(before, rest)| Some((before, rest.split_once(MARKERS.1)?)))
    {
        Some((before, (_, after))) => format!("{before}{}{table}{}{after}", MARKERS.0, MARKERS.1),
        None => format!("{text}\n{}{table}{}\n", MARKERS.0, MARKERS.1),
    };
    if fresh != text {
        fs::write(&readme, fresh).unwrap();
        panic!("README.md had other figures; they are rewritten now: read them, then commit them");
    }
}
