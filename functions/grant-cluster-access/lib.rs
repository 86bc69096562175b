//! Converges the EKS access entries of a tenant's roles on the clusters of its environment.
//!
//! An entry gives whoever assumes the role one Kubernetes group, `tenant:<tenant>:<environment>:<access>`, which
//! the tenant's RBAC binds in the namespaces of that environment. EKS remembers which role an ARN meant, and does not say so: `decide.rs` tells a role that was made again by a
//! tag (docs/decisions/0016).

mod act;
mod decide;
mod observe;
mod world;

use aws_config::{Region as SdkRegion, SdkConfig};
use aws_sdk_eks::Client;
use berth_aws::{Part, PolicyFile, SessionScope, Sessions};
use berth_ledger::{ClusterAccessRecord, RoleRecord};
use berth_step::{Decision, Fault, HasSubject, OldStep, StepError};
use berth_tenancy::{ClusterPlan, Subject};
use serde::{Deserialize, Serialize};

pub use crate::{
    decide::{Action, Change, TAG_ROLE_ID, decide, group},
    world::{Effect, ObservedCluster, ObservedEntry, World},
};

/// What this function may do, and what its sessions are narrowed to.
const POLICY: PolicyFile = PolicyFile::new(include_str!("policy.json"));

/// Payload of the state `GrantClusterAccess`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Input {
    /// Who is onboarded.
    pub run: Subject,
    /// Clusters of the environment; none when their access is not Berth's.
    pub clusters: Vec<ClusterPlan>,
    /// The tenant's roles, as create-tenant-roles left them.
    pub roles: Vec<RoleRecord>,
}

/// What later states read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    /// Entries by cluster, in the order of the plan.
    pub cluster_access: Vec<ClusterAccessRecord>,
}

impl HasSubject for Input {
    fn subject(&self) -> &Subject {
        &self.run
    }
}

/// The step.
#[derive(Debug, Clone)]
pub struct GrantClusterAccess {
    hub: SdkConfig,
    sessions: Sessions,
}

impl GrantClusterAccess {
    /// A step that reaches clusters of the hub as this function, and others through `sessions`.
    #[must_use]
    pub fn new(hub: SdkConfig, sessions: Sessions) -> Self {
        Self { hub, sessions }
    }

    /// A client where the cluster is.
    async fn client(&self, input: &Input, cluster: &ClusterPlan) -> Result<Client, StepError> {
        let Some(outside) = &cluster.outside else {
            let region = SdkRegion::new(cluster.region.as_str().to_owned());
            return Ok(Client::new(&self.hub.to_builder().region(region).build()));
        };
        let scope = SessionScope {
            account: &outside.account,
            role: &outside.role,
            region: Some(&cluster.region),
            execution: &input.run.execution,
            policy: POLICY.session(Part::Cluster),
            when_refused: Fault::Denied,
        };
        Ok(Client::new(&Box::pin(self.sessions.assume(scope)).await?))
    }
}

impl OldStep for GrantClusterAccess {
    type Input = Input;
    type Output = Output;
    type World = World;
    type Action = Action;
    type Effect = Effect;

    async fn observe(&self, input: &Input) -> Result<World, StepError> {
        let mut clusters = Vec::new();
        for plan in &input.clusters {
            let client = self.client(input, plan).await?;
            clusters.push(Box::pin(observe::cluster(client, input, plan)).await?);
        }
        Ok(World { clusters })
    }

    fn decide(input: &Input, world: &World) -> Result<Decision<Action, Output>, StepError> {
        decide(input, world)
    }

    async fn act(&self, _: &Input, world: &World, action: &Action) -> Result<Effect, StepError> {
        Box::pin(act::act(world, action)).await
    }

    fn imagine(_: &Input, world: &World, action: &Action) -> Effect {
        world::imagine(world, action)
    }

    fn apply(world: &mut World, effect: Effect) {
        world::apply(world, effect);
    }
}
