//! Deletes the VPC of an account that leaves in one region, and gives its block of addresses back.
//!
//! Calls in the tenant account, and in the ledger. Only the VPC that the ledger has on record is deleted, and only parts of
//! it with Berth's tags. Whatever else is in it is named and stops everything: a VPC that somebody uses stays whole. A
//! closed account cannot be entered: its VPC ends with it, and its block rests until then.

mod act;
mod change;
mod decide;
mod observe;
mod state;

#[cfg(test)]
#[path = "tests/decide.rs"]
mod decide_tests;

use aws_sdk_ec2::Client;
use berth_aws::{Part, PolicyFile, SessionScope, Sessions};
use berth_ledger::Ledger;
use berth_step::{Decision, Fault, Step, StepError};
use berth_tenancy::{Effect, Region, Subject};
use berth_wiring::Wiring;
use ipnet::Ipv4Net;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use change::Change;
pub use state::{Held, Part as VpcPart, State, Vpc};

/// What this function may do, and what its sessions are narrowed to.
const POLICY: PolicyFile = PolicyFile::new(include_str!("policy.json"));

/// Payload of the states `InspectVpc` and `DeleteVpc`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Input {
    /// Who leaves, by which execution, and how.
    pub run: Subject,
    pub region: Region,
    /// Whether the account is closed: then nobody can enter it.
    pub is_closed: bool,
    /// Whether to look only: nothing is changed, and what stands in the way is a fault all the same.
    pub is_inspection: bool,
}

berth_step::has_subject!(Input, region);

/// What later states read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    pub region: Region,
    /// Blocks that rest now, or in an inspection will.
    pub blocks: Vec<Ipv4Net>,
    /// The VPC that stays, because the account is closed and nobody can enter it; AWS deletes it with the account.
    pub left_behind: Option<String>,
}

#[derive(Debug, Clone)]
pub struct DeleteVpc {
    sessions: Sessions,
    ledger: Ledger,
    now: fn() -> Timestamp,
}

impl DeleteVpc {
    /// Makes the step, with this clock.
    pub fn with_clock(now: fn() -> Timestamp) -> impl FnOnce(Wiring) -> Self {
        move |Wiring { sessions, ledger, .. }| Self { sessions, ledger, now }
    }
}

/// What one invocation works with: a session in the tenant account unless that is closed, and the ledger.
#[derive(Debug)]
pub struct Clients {
    ec2: Option<Client>,
    ledger: Ledger,
    now: fn() -> Timestamp,
}

impl Step for DeleteVpc {
    type Input = Input;
    type Output = Output;
    type Clients = Clients;
    type State = State;
    type Change = Change;
    type Made = ();

    async fn connect(&self, input: &Input) -> Result<Clients, StepError> {
        let mut clients = Clients { ec2: None, ledger: self.ledger.clone(), now: self.now };
        if !input.is_closed {
            let scope = SessionScope::in_tenant(&input.run, Some(&input.region), POLICY.session(Part::Tenant));
            // An account that is there for long has its role: a refusal is none that time heals.
            let scope = SessionScope { when_refused: Fault::Denied, ..scope };
            clients.ec2 = Some(Client::new(&self.sessions.assume(scope).await?));
        }
        Ok(clients)
    }

    async fn observe(clients: &Clients, input: &Input) -> Result<State, StepError> {
        observe::observe(clients, input).await
    }

    fn decide(input: &Input, state: &State) -> Result<Decision<Change, Output>, StepError> {
        decide::decide(input, state)
    }

    async fn act(clients: &Clients, input: &Input, change: &Change) -> Result<(), StepError> {
        act::act(clients, input, change).await
    }

    fn apply(state: &mut State, _: &Input, change: &Change, _: Option<()>) {
        state.apply(change);
    }

    fn effect(_: &Input, _: &State, change: &Change) -> Effect {
        change.effect()
    }
}
