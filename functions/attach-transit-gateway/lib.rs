//! Attaches a VPC to the Transit Gateway of its region and proves that it reaches no other tenant.
//!
//! The order is the safety: attachment, association and propagation, proof read back from the network account, and only
//! then the VPC's routes into the gateway. While AWS works, only the tenant account is asked.

mod act;
mod action;
#[cfg(test)]
mod change_tests;
mod decide;
#[cfg(test)]
mod decide_tests;
mod isolation;
mod observe;
#[cfg(test)]
mod race_tests;
mod routes;
mod world;

use std::fmt;

use aws_config::SdkConfig;
use aws_sdk_ec2::Client;
use berth_aws::{Part, PolicyFile, SessionScope, Sessions};
use berth_step::{Decision, Fault, HasSubject, OldStep, StepError};
use berth_tenancy::{PlannedChange, Region, Subject, Tags, TransitGatewayPlan};
use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};

pub use action::{Action, Effect};
pub use isolation::{Isolation, SpokeRoute, SpokeRoutes};
pub use world::{
    Association, AssociationState, Attachment, AttachmentState, Details, Hub, OtherAttachment, PropagationState, Route,
    World,
};

/// What this function may do, and what its sessions are narrowed to.
const POLICY: PolicyFile = PolicyFile::new(include_str!("policy.json"));

/// Payload of the state `AttachTransitGateway`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Input {
    /// Who is onboarded, by which execution, and how.
    pub run: Subject,
    /// The region.
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
        Tags::of(&self.run.account_id, &self.run.tenant).with("Name", &name)
    }
}

/// Whether an id stands for something that mode `plan` only imagines, such as `vpc-(new)`.
pub(crate) fn is_placeholder(id: &str) -> bool {
    id.contains('(')
}

impl HasSubject for Input {
    fn subject(&self) -> &Subject {
        &self.run
    }

    fn region(&self) -> Option<&Region> {
        Some(&self.region)
    }
}

/// What later states read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    /// The attachment.
    pub attachment_id: String,
    /// What was read back to prove that the VPC reaches no other tenant.
    pub isolation: Isolation,
    /// Differences from the plan that cannot be closed without an outage.
    pub planned_changes: Vec<PlannedChange>,
}

/// The step.
#[derive(Debug, Clone)]
pub struct AttachTransitGateway {
    sessions: Sessions,
}

impl AttachTransitGateway {
    /// A step that assumes roles with `sessions`.
    #[must_use]
    pub fn new(sessions: Sessions) -> Self {
        Self { sessions }
    }

    /// A session in the tenant account.
    async fn tenant(&self, input: &Input) -> Result<SdkConfig, StepError> {
        let scope = SessionScope::in_tenant(&input.run, Some(&input.region), POLICY.session(Part::Tenant));
        Box::pin(self.sessions.assume(scope)).await
    }

    /// A client in the network account.
    async fn network(&self, input: &Input) -> Result<Client, StepError> {
        let scope = SessionScope {
            account: &input.transit_gateway.network_account,
            role: &input.transit_gateway.network_role,
            region: Some(&input.region),
            execution: &input.run.execution,
            policy: POLICY.session(Part::Network),
            when_refused: Fault::Denied,
        };
        Ok(Client::new(&Box::pin(self.sessions.assume(scope)).await?))
    }
}

/// What was observed, and the sessions that observed it. The network account's is opened only when it is needed.
pub struct Seen {
    /// The picture that `decide` reads.
    pub world: World,
    tenant: SdkConfig,
    network: Option<Client>,
}

impl fmt::Debug for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.world.fmt(f)
    }
}

impl OldStep for AttachTransitGateway {
    type Input = Input;
    type Output = Output;
    type World = Seen;
    type Action = Action;
    type Effect = Effect;

    async fn observe(&self, input: &Input) -> Result<Seen, StepError> {
        let tenant = self.tenant(input).await?;
        // Boxed, here and below: the SDK's futures are too deep and too large to be laid out inside each other.
        let (attachment, others) = Box::pin(observe::attachments(&Client::new(&tenant), input)).await?;
        let mut seen = Seen { world: World { attachment, others, ..World::default() }, tenant, network: None };
        if observe::needs_network(input, &seen.world) {
            let network = self.network(input).await?;
            seen.world.hub = Some(Box::pin(observe::hub(&network, input, &seen.world)).await?);
            seen.network = Some(network);
        }
        if seen.world.hub.as_ref().is_some_and(|hub| hub.details.is_some()) {
            seen.world.routes = Box::pin(observe::routes(&Client::new(&seen.tenant), input)).await?;
        }
        Ok(seen)
    }

    fn decide(input: &Input, seen: &Seen) -> Result<Decision<Action, Output>, StepError> {
        decide::decide(input, &seen.world)
    }

    async fn act(&self, input: &Input, seen: &Seen, action: &Action) -> Result<Effect, StepError> {
        if !action.is_in_network_account() {
            return Box::pin(act::in_tenant(&seen.tenant, input, action)).await;
        }
        let network = match &seen.network {
            Some(network) => network.clone(),
            None => self.network(input).await?,
        };
        let acted = Box::pin(act::in_network(&network, input, action)).await;
        acted.map_err(|error| error.for_account(&input.transit_gateway.network_account))
    }

    fn imagine(_: &Input, _: &Seen, action: &Action) -> Effect {
        decide::imagine(action)
    }

    fn apply(seen: &mut Seen, effect: Effect) {
        seen.world.apply(effect);
    }
}
