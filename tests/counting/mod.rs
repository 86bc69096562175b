//! What an onboarding costs, and an offboarding, counted from the gateway's journal: calls, changes, transitions, and how many calls follow
//! each other. Nothing else may run on the local AWS meanwhile, so that every call belongs to the account.

mod chain;
mod table;

use std::collections::{BTreeMap, BTreeSet};

use berth_ledger::Status;
use serde_json::json;

use self::chain::{Span, longest_chain};
pub use self::table::{commits_per_thousand, leaving_table, table};
use crate::{
    registry::{Level, State, function_of_state, machine},
    rig::{Event, HUB, Invocation, NETWORK, Rig, TimedCall, event},
};

/// What the gateway adds to every call, so that two calls that wait for each other cannot look as if they overlapped.
const DELAY_MS: u64 = 100;

/// The state machines that are counted.
const ONBOARDING: &str = "onboard-account";
const OFFBOARDING: &str = "offboard-account";

/// The way through a state machine: what is done one after the other, in each of it the parts that run at the same time, and in each
/// part its functions, one after the other. An event is accepted first, and its outcome is announced last.
fn path(of: &str) -> Vec<Vec<Vec<&'static str>>> {
    let top = Level::top(&machine(of).definition);
    let named = |task: &State<'_>| function_of_state(&task.name).map_or("", |function| function.name.as_str());
    let parts = |state: State<'_>| {
        if state.is_task() {
            return vec![vec![named(&state)]];
        }
        top.inside(&state.name).iter().map(|branch| branch.tasks().iter().map(named).collect()).collect()
    };
    // A function of two states is counted in both, and named where it comes first.
    let mut named_before = BTreeSet::new();
    let mut first = |mut parts: Vec<Vec<&'static str>>| {
        parts.iter_mut().for_each(|branch| branch.retain(|function| named_before.insert(*function)));
        parts.retain(|branch| !branch.is_empty());
        (!parts.is_empty()).then_some(parts)
    };
    let states: Vec<_> = top.in_order().into_iter().map(parts).filter_map(&mut first).collect();
    let outside = |function| vec![vec![function]];
    [outside("accept-event")].into_iter().chain(states).chain([outside("announce-outcome")]).collect()
}

/// What one onboarding cost. Polls are left out: how many there are is a matter of AWS's time, not of Berth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Figures {
    /// Calls that change a resource.
    pub changing: usize,
    /// Calls in the network account.
    pub network: usize,
    /// Those of them that change a resource.
    pub network_changing: usize,
    /// Calls to AWS Organizations.
    pub organizations: usize,
    /// States that the execution entered.
    pub transitions: usize,
    /// Lambda invocations.
    pub invocations: usize,
}

impl Figures {
    /// Each figure, in the order of the fields.
    #[must_use]
    pub fn each(self) -> [usize; 6] {
        let Self { changing, network, network_changing, organizations, transitions, invocations } = self;
        [changing, network, network_changing, organizations, transitions, invocations]
    }
}

/// What one function cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cost {
    /// Its AWS calls.
    pub calls: usize,
    /// How many of them follow each other: with calls of 100 ms, its time over 100 ms, without the machine's own time.
    pub depth: usize,
}

/// What was counted.
#[derive(Debug)]
pub struct Measured {
    /// Calls in the tenant, the network and the management account; the rest are the hub's own (the ledger, the
    /// execution, the outcome).
    pub outside: usize,
    /// Cost of each function, by its name without `berth-`.
    pub by_function: BTreeMap<String, Cost>,
    /// Calls by function, account, service and operation, for those that want to add them up in another way.
    pub kinds: BTreeMap<(String, String, String), usize>,
    /// The other figures.
    pub figures: Figures,
}

impl Measured {
    /// All AWS calls, from the event to the outcome.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.by_function.values().map(|cost| cost.calls).sum()
    }

    /// Calls of these functions together.
    #[must_use]
    pub fn calls_of(&self, functions: &[&str]) -> usize {
        functions.iter().filter_map(|name| self.by_function.get(*name)).map(|cost| cost.calls).sum()
    }

    /// Calls on the longest way through the state machine.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.longest_way().iter().map(|name| self.depth_of(name)).sum()
    }

    /// Functions on that way, in their order. Of branches that run at the same time only the longest is on it: how the others'
    /// calls overlap is of no account, and differs with the machine's load where a function makes many at once.
    #[must_use]
    pub fn longest_way(&self) -> Vec<&'static str> {
        let depth = |branch: &Vec<&str>| branch.iter().map(|name| self.depth_of(name)).sum::<usize>();
        path(ONBOARDING).into_iter().filter_map(|branches| branches.into_iter().max_by_key(depth)).flatten().collect()
    }

    /// Calls of a function that follow each other; 0 for one that made none.
    #[must_use]
    pub fn depth_of(&self, function: &str) -> usize {
        self.by_function.get(function).map_or(0, |cost| cost.depth)
    }
}

/// An onboarding from the event to the outcome.
#[must_use]
pub fn fresh(rig: &Rig, account: &str) -> Measured {
    measured(rig, ONBOARDING, account, || {
        rig.publish(&[event(Event::Created, account)]);
        rig.wait_for(account, Status::Onboarded).execution_arn.expect("it has run")
    })
}

/// An onboarding of an account that is onboarded, started by a person.
#[must_use]
pub fn again(rig: &Rig, account: &str) -> Measured {
    measured(rig, ONBOARDING, account, || {
        let execution = rig.start_execution(&json!({ "accountId": account }));
        rig.wait_for_outcome(account, &execution);
        execution
    })
}

/// An offboarding that a person started.
#[must_use]
pub fn leaving(rig: &Rig, account: &str) -> Measured {
    measured(rig, OFFBOARDING, account, || {
        let execution = rig.start_offboarding(account);
        rig.wait_for(account, Status::Offboarded);
        execution
    })
}

/// An offboarding of an account that has left.
#[must_use]
pub fn left(rig: &Rig, account: &str) -> Measured {
    measured(rig, OFFBOARDING, account, || {
        let execution = rig.start_offboarding(account);
        assert_eq!(rig.ended(&execution).output["decision"], "ignore");
        execution
    })
}

fn measured(rig: &Rig, machine: &str, account: &str, work: impl FnOnce() -> String) -> Measured {
    let functions: Vec<String> = names(machine).map(|name| format!("berth-{name}")).collect();
    let slow = rig.break_calls(&json!({ "match": { "function": functions }, "action": { "delay_ms": DELAY_MS } }));
    let (call, invocation) = (rig.last_call(), rig.last_invocation());
    let execution = work();
    let invocations = rig.until("the end of announce-outcome", || {
        let ended = rig.invocations(invocation);
        ended.iter().any(|each| each.function == "berth-announce-outcome").then_some(ended)
    });
    assert!(rig.fired(slow) > 0, "no call was made slower");
    let calls = rig.timed_calls(call);
    for each in &invocations {
        assert!(["", "NotReady"].contains(&each.error_type.as_str()), "{account}: a retry would be counted: {each:?}");
    }
    let transitions = rig.transitions(&execution).len();
    counted(&calls, &invocations, transitions)
}

/// Names of all functions on the way.
fn names(machine: &str) -> impl Iterator<Item = &'static str> {
    path(machine).into_iter().flatten().flatten()
}

fn is_changing(call: &TimedCall) -> bool {
    call.call.effect == "resource"
}

fn counted(calls: &[TimedCall], invocations: &[Invocation], transitions: usize) -> Measured {
    let changing: BTreeSet<&str> =
        calls.iter().filter(|call| is_changing(call)).map(|call| call.call.request_id.as_str()).collect();
    let polled = |each: &&Invocation| each.error_type == "NotReady" && !changing.contains(each.request_id.as_str());
    let polls: BTreeSet<&str> = invocations.iter().filter(polled).map(|each| each.request_id.as_str()).collect();
    // Sessions are used again for ten minutes by the copy of a function that has them, and which copy polls is chance.
    let counted = |call: &&TimedCall| call.call.effect != "session" && !polls.contains(call.call.request_id.as_str());
    let calls: Vec<&TimedCall> = calls.iter().filter(counted).collect();
    let count = |wanted: &dyn Fn(&&&TimedCall) -> bool| calls.iter().filter(wanted).count();
    let mut kinds: BTreeMap<(String, String, String), usize> = BTreeMap::new();
    for TimedCall { call, .. } in &calls {
        let place = place(&call.account).to_owned();
        *kinds.entry((named(&call.function), place, format!("{}:{}", call.service, call.operation))).or_default() += 1;
    }
    let in_network = |call: &TimedCall| call.call.account == NETWORK;
    let figures = Figures {
        changing: count(&|call| is_changing(call)),
        network: count(&|call| in_network(call)),
        network_changing: count(&|call| in_network(call) && is_changing(call)),
        organizations: count(&|call| call.call.service == "organizations"),
        transitions,
        invocations: invocations.len() - polls.len(),
    };
    let outside = count(&|call| call.call.account != HUB);
    Measured { outside, by_function: by_function(&calls), kinds, figures }
}

/// Calls of each function, and the sum of the longest chains of its invocations, which follow each other.
fn by_function(calls: &[&TimedCall]) -> BTreeMap<String, Cost> {
    let mut invocations: BTreeMap<(&str, &str), Vec<Span>> = BTreeMap::new();
    for TimedCall { call, time, duration_ms } in calls {
        let span = Span { begun: *time, ended: *time + duration_ms.unwrap_or_default() / 1e3 };
        invocations.entry((&call.function, &call.request_id)).or_default().push(span);
    }
    let mut costs: BTreeMap<String, Cost> = BTreeMap::new();
    for ((function, _), spans) in invocations {
        let cost = costs.entry(named(function)).or_default();
        cost.calls += spans.len();
        cost.depth += longest_chain(spans);
    }
    costs
}

fn named(function: &str) -> String {
    function.trim_start_matches("berth-").to_owned()
}

/// Whose throttles a call counts against.
fn place(account: &str) -> &'static str {
    match account {
        HUB => "hub",
        NETWORK => "network",
        crate::rig::MANAGEMENT => "management",
        _ => "tenant",
    }
}
