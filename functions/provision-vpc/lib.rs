//! Converges one region of an account to its VPC.
//!
//! Calls in the tenant account only. A fresh region takes `DescribeVpcs` and then one call for each part; a finished one
//! takes one Describe for each kind of part and nothing else.

mod act;
mod change;
mod decide;
mod observe;
mod state;

#[cfg(test)]
#[path = "tests/decide.rs"]
mod decide_tests;
#[cfg(test)]
#[path = "tests/identity.rs"]
mod identity_tests;
#[cfg(test)]
#[path = "tests/tags.rs"]
mod tags_tests;

use aws_sdk_ec2::Client;
use berth_aws::{Part, PolicyFile, SessionScope, Sessions};
use berth_ledger::Ledger;
use berth_step::{Decision, Step, StepError};
use berth_tenancy::{Effect, NetworkPlan, PlannedChange, Region, Subject, Thing};
use berth_wiring::Wiring;
use ipnet::Ipv4Net;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use change::{Block, Change};
pub use state::{Creation, Endpoint, FlowLog, InternetGateway, Known, Made, RouteTable, State, Subnet, Vpc};

/// What this function may do, and what its sessions are narrowed to.
const POLICY: PolicyFile = PolicyFile::new(include_str!("policy.json"));

/// Payload of the state `ProvisionVpc`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Input {
    /// Who is onboarded, by which execution, and how.
    pub run: Subject,
    pub region: Region,
    /// The VPC to have there.
    pub network: NetworkPlan,
}

berth_step::has_subject!(Input, region);

/// What later states read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    pub vpc_id: String,
    /// Its block.
    pub cidr: Ipv4Net,
    /// Subnets for the Transit Gateway's interfaces, one in each zone: those of the first attachment tier, or of the
    /// first private tier when there is none.
    pub attachment_subnets: Vec<String>,
    /// Route table of the private tiers; none when there is no private tier.
    pub private_route_table: Option<String>,
    /// The planned subnets, in the order of tiers and zones.
    pub subnets: Vec<SubnetOutput>,
    /// Further VPCs that carry our tags, made by a lost answer of `CreateVpc`. Never deleted by Berth: a person does.
    pub duplicates: Vec<String>,
    /// Differences from the plan that cannot be closed without an outage.
    pub planned_changes: Vec<PlannedChange>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SubnetOutput {
    /// The subnet.
    pub id: String,
    /// Name of its tier.
    pub tier: String,
    /// Its availability zone, by id.
    pub zone: String,
    /// Its block.
    pub cidr: Ipv4Net,
}

berth_step::settings! {
    /// Settings that only this step has.
    pub struct VpcSettings {
        /// Age from which on a VPC that is not seen after its `CreateVpc` was not made, in seconds.
        settled_seconds: i64 = "BERTH_VPC_SETTLED_SECONDS",
    }
}

#[derive(Debug, Clone)]
pub struct ProvisionVpc {
    sessions: Sessions,
    ledger: Ledger,
    settled_seconds: i64,
    now: fn() -> Timestamp,
}

impl ProvisionVpc {
    /// Makes the step, with this clock.
    pub fn with_clock(now: fn() -> Timestamp) -> impl FnOnce(Wiring<VpcSettings>) -> Self {
        move |Wiring { sessions, ledger, settings, .. }| Self {
            sessions,
            ledger,
            settled_seconds: settings.settled_seconds,
            now,
        }
    }
}

/// What one invocation works with: a session in the tenant account, and the ledger with intents and blocks.
#[derive(Debug)]
pub struct Clients {
    ec2: Client,
    ledger: Ledger,
    settled_seconds: i64,
    now: fn() -> Timestamp,
}

impl Step for ProvisionVpc {
    type Input = Input;
    type Output = Output;
    type Clients = Clients;
    type State = State;
    type Change = Change;
    type Made = Made;

    async fn connect(&self, input: &Input) -> Result<Clients, StepError> {
        let scope = SessionScope::in_tenant(&input.run, Some(&input.region), POLICY.session(Part::Tenant));
        let ec2 = Client::new(&self.sessions.assume(scope).await?);
        let Self { settled_seconds, now, .. } = *self;
        Ok(Clients { ec2, ledger: self.ledger.clone(), settled_seconds, now })
    }

    async fn observe(clients: &Clients, input: &Input) -> Result<State, StepError> {
        observe::observe(clients, input).await
    }

    fn decide(input: &Input, state: &State) -> Result<Decision<Change, Output>, StepError> {
        decide::decide(input, state)
    }

    async fn act(clients: &Clients, input: &Input, change: &Change) -> Result<Made, StepError> {
        Box::pin(act::act(clients, input, change)).await
    }

    fn apply(state: &mut State, input: &Input, change: &Change, made: Option<Made>) {
        state.apply(input, change, made);
    }

    fn effect(_: &Input, state: &State, change: &Change) -> Effect {
        change.effect(state)
    }

    /// The id comes with the record of the creation, and with the run's end: `CreateVpc` gives it.
    fn gives(input: &Input, change: &Change) -> Option<Thing> {
        let id = match change {
            Change::CreateVpc { .. } => None,
            Change::RecordVpc { vpc, .. } => Some(vpc.clone()),
            _ => return None,
        };
        Some(Thing::Vpc { region: input.region.clone(), id })
    }
}
