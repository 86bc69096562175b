//! Converges one region of an account to its VPC.
//!
//! Calls in the tenant account only. A fresh region takes `DescribeVpcs` and then one call for each part; a finished one
//! takes one Describe for each kind of part and nothing else.

mod act;
mod action;
mod decide;
#[cfg(test)]
mod decide_tests;
mod observe;
mod planned;
mod public;
mod world;

use std::fmt;

use aws_sdk_ec2::Client;
use berth_aws::{Part, PolicyFile, SessionScope, Sessions};
use berth_ledger::Ledger;
use berth_step::{Decision, HasSubject, OldStep, StepError};
use berth_tenancy::{NetworkPlan, PlannedChange, Region, Subject, Tags};
use ipnet::Ipv4Net;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use action::{Action, Block, Effect};
pub use world::{Creation, Endpoint, InternetGateway, RouteTable, Subnet, Vpc, World};

/// What this function may do, and what its sessions are narrowed to.
const POLICY: PolicyFile = PolicyFile::new(include_str!("policy.json"));

/// Payload of the state `ProvisionVpc`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Input {
    /// Who is onboarded, by which execution, and how.
    pub run: Subject,
    /// The region.
    pub region: Region,
    /// The VPC to have there.
    pub network: NetworkPlan,
}

impl Input {
    /// Name of the VPC, and first part of the names of everything in it. Computed, so that a repeat finds what it made.
    #[must_use]
    pub fn vpc_name(&self) -> String {
        format!("berth-{}-{}", self.run.tenant, self.run.environment)
    }

    /// Tags of a part of the VPC whose name ends with `suffix`; of the VPC itself when that is empty.
    #[must_use]
    pub fn tags(&self, suffix: &str) -> Tags {
        let separator = if suffix.is_empty() { "" } else { "-" };
        let name = format!("{}{separator}{suffix}", self.vpc_name());
        Tags::of(&self.run.account_id, &self.run.tenant).with("Name", &name)
    }
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
    /// The VPC.
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

/// One subnet.
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

/// The step.
#[derive(Debug, Clone)]
pub struct ProvisionVpc {
    sessions: Sessions,
    ledger: Ledger,
    settled_seconds: i64,
    now: fn() -> Timestamp,
}

impl ProvisionVpc {
    /// A step that assumes roles with `sessions`, and keeps its intents in `ledger`, and blocks where there is no IPAM.
    /// A VPC that is not seen `settled_seconds` after its `CreateVpc` was not made. `now` is the clock.
    #[must_use]
    pub fn new(sessions: Sessions, ledger: Ledger, settled_seconds: i64, now: fn() -> Timestamp) -> Self {
        Self { sessions, ledger, settled_seconds, now }
    }

    /// The try to create the VPC that is known, with its age.
    async fn creation(&self, input: &Input) -> Result<Option<Creation>, StepError> {
        let begun = self.ledger.vpc_creation(&input.run.account_id, &input.region).await?;
        let settled_seconds = self.settled_seconds;
        Ok(begun.map(|begun| {
            let age_seconds = (self.now)().as_second().saturating_sub(begun.as_second());
            Creation { begun, age_seconds, settled_seconds }
        }))
    }
}

/// What was observed, and the client that observed it: one session serves the whole invocation.
pub struct Seen {
    /// The picture that `decide` reads.
    pub world: World,
    ec2: Client,
}

impl fmt::Debug for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.world.fmt(f)
    }
}

impl OldStep for ProvisionVpc {
    type Input = Input;
    type Output = Output;
    type World = Seen;
    type Action = Action;
    type Effect = Effect;

    async fn observe(&self, input: &Input) -> Result<Seen, StepError> {
        let scope = SessionScope::in_tenant(&input.run, Some(&input.region), POLICY.session(Part::Tenant));
        let ec2 = Client::new(&Box::pin(self.sessions.assume(scope)).await?);
        // Boxed: the SDK's futures are too deep and too large to be laid out inside each other.
        let mut world = Box::pin(observe::world(&ec2, input)).await?;
        if world.vpc.is_none() {
            world.creation = self.creation(input).await?;
        }
        Ok(Seen { world, ec2 })
    }

    fn decide(input: &Input, seen: &Seen) -> Result<Decision<Action, Output>, StepError> {
        decide::decide(input, &seen.world)
    }

    async fn act(&self, input: &Input, seen: &Seen, action: &Action) -> Result<Effect, StepError> {
        Box::pin(act::act(&seen.ec2, (&self.ledger, (self.now)()), input, &seen.world, action)).await
    }

    fn imagine(input: &Input, seen: &Seen, action: &Action) -> Effect {
        decide::imagine(input, &seen.world, action)
    }

    fn apply(seen: &mut Seen, effect: Effect) {
        seen.world.apply(effect);
    }
}
