//! Removes the default VPC that AWS makes in every region of a new account, where nobody has used it.
//!
//! Calls in the tenant account only. A finished account takes one `DescribeRegions`, and one `DescribeVpcs` for each
//! enabled region. It is the one step that deletes what Berth did not make: docs/decisions/0013-default-vpcs.md.

mod act;
mod decide;
#[cfg(test)]
mod decide_tests;
mod observe;
mod untouched;
mod world;

use std::{collections::BTreeMap, fmt};

use aws_config::SdkConfig;
use aws_sdk_ec2::Client;
use berth_aws::{Part, PolicyFile, SessionScope, Sessions};
use berth_ledger::DefaultVpcRecord;
use berth_step::{Decision, Fault, HasSubject, OldStep, StepError};
use berth_tenancy::{DefaultVpc, Region, Subject};
use serde::{Deserialize, Serialize};

pub use decide::Action;
pub use world::{Effect, Found, Gateway, Vpc, World};

/// What this function may do, and what its sessions are narrowed to.
const POLICY: PolicyFile = PolicyFile::new(include_str!("policy.json"));

/// Payload of the state `RemoveDefaultVpcs`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Input {
    /// Who is onboarded, by which execution, and how.
    pub run: Subject,
    /// What becomes of the default VPCs.
    pub default_vpc: DefaultVpc,
}

impl HasSubject for Input {
    fn subject(&self) -> &Subject {
        &self.run
    }
}

/// What later states read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    /// Default VPCs that are still there, and why, in the order of their regions.
    pub left: Vec<DefaultVpcRecord>,
}

/// The step.
#[derive(Debug, Clone)]
pub struct RemoveDefaultVpcs {
    sessions: Sessions,
}

impl RemoveDefaultVpcs {
    /// A step that assumes roles with `sessions`.
    #[must_use]
    pub fn new(sessions: Sessions) -> Self {
        Self { sessions }
    }
}

/// What was observed, and the clients that observed it: one session serves the whole invocation.
pub struct Seen {
    /// The picture that `decide` reads.
    pub world: World,
    clients: BTreeMap<Region, Client>,
}

impl fmt::Debug for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.world.fmt(f)
    }
}

impl OldStep for RemoveDefaultVpcs {
    type Input = Input;
    type Output = Output;
    type World = Seen;
    type Action = Action;
    type Effect = Effect;

    async fn observe(&self, input: &Input) -> Result<Seen, StepError> {
        if input.default_vpc == DefaultVpc::Keep {
            return Ok(Seen { world: World::default(), clients: BTreeMap::new() });
        }
        let scope = SessionScope::in_tenant(&input.run, None, POLICY.session(Part::Tenant));
        let session: SdkConfig = Box::pin(self.sessions.assume(scope)).await?;
        let regions = observe::regions(&Client::new(&session)).await?;
        let clients: BTreeMap<Region, Client> =
            regions.into_iter().map(|region| (region.clone(), observe::client(&session, &region))).collect();
        // Boxed: the SDK's futures are too deep and too large to be laid out inside each other.
        let world = Box::pin(observe::world(&clients)).await?;
        Ok(Seen { world, clients })
    }

    fn decide(input: &Input, seen: &Seen) -> Result<Decision<Action, Output>, StepError> {
        decide::decide(input, &seen.world)
    }

    async fn act(&self, _: &Input, seen: &Seen, action: &Action) -> Result<Effect, StepError> {
        let ec2 = seen.clients.get(action.region()).ok_or_else(|| {
            StepError::new(Fault::Bug, format!("asked to act in {}, which was not observed", action.region()))
        })?;
        Box::pin(act::act(ec2, action)).await.map_err(|error| error.in_region(action.region()))
    }

    fn imagine(_: &Input, _: &Seen, action: &Action) -> Effect {
        action.effect()
    }

    fn apply(seen: &mut Seen, effect: Effect) {
        seen.world.apply(effect);
    }
}
