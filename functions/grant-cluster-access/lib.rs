//! Converges the EKS access entries of a tenant's roles, and the Pod Identity associations of its pods, on the clusters of
//! its environment.
//!
//! An entry gives whoever assumes the role one Kubernetes group, `tenant:<tenant>:<environment>:<access>`, which the
//! tenant's RBAC binds in the namespaces of that environment. EKS remembers which role an ARN meant, and does not say so:
//! `decide.rs` tells a role that was made again by a tag (docs/decisions/0016).
//!
//! An association gives pods of one service account the tenant's role, by way of a role in the cluster's account: EKS
//! changes from the one to the other, and tells the second whose pods they are.

mod act;
mod change;
mod decide;
mod observe;
mod state;

use std::collections::BTreeSet;

use aws_config::{Region as SdkRegion, SdkConfig};
use aws_sdk_eks::Client;
use berth_aws::{Part, PolicyFile, SessionScope, Sessions};
use berth_ledger::{ClusterAccessRecord, RoleRecord};
use berth_step::{Decision, Fault, HasSubject, Step, StepError};
use berth_tenancy::{ClusterName, ClusterPlan, Effect, LeftOver, PodIdentityPlan, Pods, Subject, Thing, WorkloadPlan};
use berth_wiring::Wiring;
use serde::{Deserialize, Serialize};

pub use crate::{
    change::{AssociationChange, Change, EntryChange, PodRoles, What},
    decide::{TAG_ROLE_ID, group},
    state::{ObservedAssociation, ObservedCluster, ObservedEntry, State},
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
    /// Associations on these clusters. Executions that were planned by an earlier version have none.
    #[serde(default)]
    pub pod_identity: Vec<PodIdentityPlan>,
    /// Entries and associations that the account was given and that the plan does not have any more.
    #[serde(default)]
    pub left_over: Vec<LeftOver>,
}

impl Input {
    /// Clusters that are looked at: those of the plan, and those that left-over things are on, where it is known where
    /// they are.
    pub(crate) fn all_clusters(&self) -> Vec<&ClusterPlan> {
        let mut all: Vec<&ClusterPlan> = self.clusters.iter().collect();
        for left in &self.left_over {
            if let Some((_, Some(at))) = left.thing.place()
                && all.iter().all(|known| known.name != at.name)
            {
                all.push(at);
            }
        }
        all
    }

    /// Whether an entry that the plan does not have is removed; none of one that is not on record.
    pub(crate) fn removes(&self, on: &ClusterPlan, of: &str) -> Option<bool> {
        let is_it = |left: &&LeftOver| matches!(&left.thing, Thing::AccessEntry { role, .. } if role == of);
        self.left_over_on(&on.name).find(is_it).map(|left| left.remove)
    }

    /// What is left over on a cluster.
    pub(crate) fn left_over_on(&self, cluster: &ClusterName) -> impl Iterator<Item = &LeftOver> {
        self.left_over.iter().filter(move |left| left.thing.place().is_some_and(|(name, _)| name == cluster.as_str()))
    }

    /// Pods that the plan gives a role on a cluster.
    pub(crate) fn pods_on(&self, cluster: &ClusterName) -> impl Iterator<Item = &WorkloadPlan> {
        self.pod_identity.iter().filter(move |planned| planned.cluster == *cluster).map(|planned| &planned.workload)
    }

    /// Pods whose association on a cluster is looked at: planned, or left over.
    pub(crate) fn all_pods_on(&self, cluster: &ClusterName) -> BTreeSet<Pods> {
        let left = self.left_over_on(cluster).filter_map(|left| match &left.thing {
            Thing::PodIdentity { pods, .. } => Some(pods.clone()),
            _ => None,
        });
        self.pods_on(cluster).map(WorkloadPlan::pods).chain(left).collect()
    }
}

/// What later states read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    /// Entries by cluster, in the order of the plan.
    pub cluster_access: Vec<ClusterAccessRecord>,
    /// What is left over and still there.
    pub left_over: Vec<LeftOver>,
}

impl HasSubject for Input {
    fn subject(&self) -> &Subject {
        &self.run
    }
}

#[derive(Debug, Clone)]
pub struct GrantClusterAccess {
    hub: SdkConfig,
    sessions: Sessions,
}

impl GrantClusterAccess {
    /// The step. It reaches clusters of the hub as this function, and others through sessions.
    #[must_use]
    pub fn new(wiring: Wiring) -> Self {
        Self { hub: wiring.hub, sessions: wiring.sessions }
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
        Ok(Client::new(&self.sessions.assume(scope).await?))
    }
}

impl Step for GrantClusterAccess {
    type Input = Input;
    type Output = Output;
    /// The clusters that are looked at, each with a client where it is.
    type Clients = Vec<(ClusterPlan, Client)>;
    type State = State;
    type Change = Change;
    /// ARN of the entry or association; empty when it is gone.
    type Made = String;

    async fn connect(&self, input: &Input) -> Result<Self::Clients, StepError> {
        let mut clients = Vec::new();
        for plan in input.all_clusters() {
            clients.push((plan.clone(), self.client(input, plan).await?));
        }
        Ok(clients)
    }

    async fn observe(clients: &Self::Clients, input: &Input) -> Result<State, StepError> {
        observe::observe(clients, input).await
    }

    fn decide(input: &Input, state: &State) -> Result<Decision<Change, Output>, StepError> {
        decide::decide(input, state)
    }

    async fn act(clients: &Self::Clients, _: &Input, change: &Change) -> Result<String, StepError> {
        act::act(clients, change).await
    }

    fn apply(state: &mut State, _: &Input, change: &Change, arn: Option<String>) {
        state.apply(change, arn);
    }

    fn effect(input: &Input, state: &State, change: &Change) -> Effect {
        change.effect(input, state)
    }

    fn gives(input: &Input, change: &Change) -> Option<Thing> {
        let at = input.clusters.iter().find(|cluster| cluster.name == change.cluster).cloned();
        let cluster = change.cluster.to_string();
        match &change.what {
            What::Entry { role, change: EntryChange::Create { .. } } => {
                Some(Thing::AccessEntry { role: role.clone(), cluster, at })
            }
            What::Association { pods, change: AssociationChange::Create { .. } } => {
                Some(Thing::PodIdentity { pods: pods.clone(), cluster, at })
            }
            _ => None,
        }
    }
}
