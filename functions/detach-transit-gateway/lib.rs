//! Takes the attachment of an account that leaves off the Transit Gateway, in one region.
//!
//! The order is that of attaching, backwards: the VPC's routes into the gateway, propagations, the association, the
//! attachment. Whose it is, the ledger says (the VPC on record, the attachment on record) and, in an account that can be
//! entered, its tags. In a closed account nobody can look; there the gateway's owner deletes the attachment.

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
use berth_tenancy::{AccountId, Effect, Region, RoleName, Subject};
use berth_wiring::Wiring;
use serde::{Deserialize, Serialize};
use tokio::sync::OnceCell;

pub use change::Change;
pub use state::{Attachment, AttachmentState, Hub, Route, State};

/// What this function may do, and what its sessions are narrowed to.
const POLICY: PolicyFile = PolicyFile::new(include_str!("policy.json"));

/// Payload of the state `DetachTransitGateway`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Input {
    /// Who leaves, by which execution, and how.
    pub run: Subject,
    pub region: Region,
    /// Whether the account is closed: then nobody can enter it.
    pub is_closed: bool,
    /// Account that owns the Transit Gateway.
    pub network_account: AccountId,
    /// Role in that account that the step assumes.
    pub network_role: RoleName,
}

berth_step::has_subject!(Input, region);

/// What later states read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    pub region: Region,
}

#[derive(Debug, Clone)]
pub struct DetachTransitGateway {
    sessions: Sessions,
    ledger: Ledger,
}

impl DetachTransitGateway {
    /// The step. The ledger knows which VPC and which attachment are the account's.
    #[must_use]
    pub fn new(wiring: Wiring) -> Self {
        Self { sessions: wiring.sessions, ledger: wiring.ledger }
    }
}

/// Sessions of one invocation. The network account's is opened only when there is something to take away.
#[derive(Debug)]
pub struct Clients {
    tenant: Option<Client>,
    network: OnceCell<Client>,
    sessions: Sessions,
    ledger: Ledger,
}

impl Clients {
    /// The client in the network account.
    async fn network(&self, input: &Input) -> Result<&Client, StepError> {
        let role = (&input.network_account, &input.network_role);
        let scope =
            SessionScope::in_platform(role, Some(&input.region), &input.run.execution, POLICY.session(Part::Network));
        let open = async || Ok(Client::new(&Box::pin(self.sessions.assume(scope)).await?));
        self.network.get_or_try_init(open).await
    }
}

impl Step for DetachTransitGateway {
    type Input = Input;
    type Output = Output;
    type Clients = Clients;
    type State = State;
    type Change = Change;
    type Made = ();

    async fn connect(&self, input: &Input) -> Result<Clients, StepError> {
        let (sessions, ledger) = (self.sessions.clone(), self.ledger.clone());
        let mut clients = Clients { tenant: None, network: OnceCell::new(), sessions, ledger };
        if !input.is_closed {
            let scope = SessionScope::in_tenant(&input.run, Some(&input.region), POLICY.session(Part::Tenant));
            let scope = SessionScope { when_refused: Fault::Denied, ..scope };
            clients.tenant = Some(Client::new(&self.sessions.assume(scope).await?));
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
        Box::pin(act::act(clients, input, change)).await
    }

    fn apply(state: &mut State, _: &Input, change: &Change, made: Option<()>) {
        state.apply(change, made.is_some());
    }

    fn effect(input: &Input, _: &State, change: &Change) -> Effect {
        change.effect(input)
    }
}
