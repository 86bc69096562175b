//! Attaches a VPC to the Transit Gateway of its region and proves that it reaches no other tenant.
//!
//! The order is the safety: attachment, association and propagation, proof read back from the network account, and only
//! then the VPC's routes into the gateway. While AWS works, only the tenant account is asked.

mod act;
mod change;
mod decide;
mod observe;
mod state;

#[cfg(test)]
#[path = "tests/changes.rs"]
mod changes;
#[cfg(test)]
#[path = "tests/decide.rs"]
mod decide_tests;
#[cfg(test)]
#[path = "tests/isolation.rs"]
mod isolation_tests;
#[cfg(test)]
#[path = "tests/races.rs"]
mod races;

use aws_config::SdkConfig;
use aws_sdk_ec2::Client;
use berth_aws::{Part, PolicyFile, SessionScope, Sessions};
use berth_isolation::Vpc;
use berth_ledger::Ledger;
use berth_step::{Decision, Step, StepError};
use berth_tenancy::{Effect, PlannedChange, Region, ResourceKind, Subject, Tags, Thing, TransitGatewayPlan};
use berth_wiring::Wiring;
use ipnet::Ipv4Net;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::OnceCell;

pub use change::Change;
pub use state::{Attachment, AttachmentState, Made, OtherAttachment, Route, State};

/// What this function may do, and what its sessions are narrowed to.
const POLICY: PolicyFile = PolicyFile::new(include_str!("policy.json"));

/// Payload of the state `AttachTransitGateway`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Input {
    /// Who is onboarded, by which execution, and how.
    pub run: Subject,
    pub region: Region,
    /// What the VPC is attached to, and what it may reach.
    pub transit_gateway: TransitGatewayPlan,
    /// The VPC; a placeholder in mode `plan` when there is none yet.
    pub vpc_id: String,
    /// Its block.
    pub cidr: Ipv4Net,
    /// Subnets for the gateway's interfaces, one in each zone.
    pub attachment_subnets: Vec<String>,
    /// Route table of the private tiers; none when there is no private tier.
    pub private_route_table: Option<String>,
}

impl Input {
    /// Tags of the attachment.
    #[must_use]
    pub fn tags(&self) -> Tags {
        let name = format!("berth-{}-{}", self.run.tenant, self.run.environment);
        self.run.tags_of(ResourceKind::TransitGatewayAttachment).with("Name", &name)
    }

    /// The VPC as the proof has it, with this attachment.
    pub(crate) fn vpc(&self, attachment: &str) -> Vpc {
        Vpc {
            account_id: self.run.account_id.clone(),
            tenant: self.run.tenant.clone(),
            attachment: attachment.to_owned(),
            cidr: self.cidr,
            is_planned: is_placeholder(&self.vpc_id),
        }
    }
}

/// Whether an id stands for something that mode `plan` only imagines, such as `vpc-(new)`.
pub(crate) fn is_placeholder(id: &str) -> bool {
    id.contains('(')
}

berth_step::has_subject!(Input, region);

/// What later states read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    pub attachment_id: String,
    /// What was read back to prove that the VPC reaches no other tenant.
    pub isolation: berth_isolation::Isolation,
    /// Differences from the plan that cannot be closed without an outage.
    pub planned_changes: Vec<PlannedChange>,
}

#[derive(Debug, Clone)]
pub struct AttachTransitGateway {
    sessions: Sessions,
    ledger: Ledger,
    now: fn() -> Timestamp,
}

impl AttachTransitGateway {
    /// Makes the step, with this clock. The ledger knows whose an account is.
    pub fn with_clock(now: fn() -> Timestamp) -> impl FnOnce(Wiring) -> Self {
        move |Wiring { sessions, ledger, .. }| Self { sessions, ledger, now }
    }
}

/// Sessions of one invocation. The network account's is opened only when it is needed.
#[derive(Debug)]
pub struct Clients {
    tenant: SdkConfig,
    network: OnceCell<Client>,
    sessions: Sessions,
    ledger: Ledger,
    now: fn() -> Timestamp,
}

impl Clients {
    /// The client in the network account.
    async fn network(&self, input: &Input) -> Result<&Client, StepError> {
        let role = (&input.transit_gateway.network_account, &input.transit_gateway.network_role);
        let scope =
            SessionScope::in_platform(role, Some(&input.region), &input.run.execution, POLICY.session(Part::Network));
        let open = async || Ok(Client::new(&Box::pin(self.sessions.assume(scope)).await?));
        self.network.get_or_try_init(open).await
    }
}

impl Step for AttachTransitGateway {
    type Input = Input;
    type Output = Output;
    type Clients = Clients;
    type State = State;
    type Change = Change;
    type Made = Made;

    async fn connect(&self, input: &Input) -> Result<Clients, StepError> {
        let scope = SessionScope::in_tenant(&input.run, Some(&input.region), POLICY.session(Part::Tenant));
        let tenant = self.sessions.assume(scope).await?;
        let (sessions, ledger) = (self.sessions.clone(), self.ledger.clone());
        Ok(Clients { tenant, network: OnceCell::new(), sessions, ledger, now: self.now })
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

    fn effect(input: &Input, state: &State, change: &Change) -> Effect {
        change.effect(input, state)
    }

    fn gives(input: &Input, change: &Change) -> Option<Thing> {
        let Change::CreateAttachment { .. } = change else { return None };
        Some(Thing::Attachment { region: input.region.clone(), id: None })
    }
}
