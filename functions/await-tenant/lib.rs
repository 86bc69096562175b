//! Waits until the tenant operator of one cluster says that the tenant is Ready, with what was committed; or, of an account
//! that leaves, until the cluster has it no more.
//!
//! The cluster's own GitOps tool brings the file there; this only looks, as a role that may `get` Tenants and nothing else.
//! Whether it is what was committed is asked of `berth_crd::join`: the Tenant holds it when joining the account once more
//! changes nothing. So a later commit of a person does not disturb (docs/decisions/0029).

mod act;
mod change;
mod decide;
mod observe;
mod state;

use aws_config::{Region as SdkRegion, SdkConfig};
use aws_sdk_eks::Client;
use berth_aws::{Part, PolicyFile, SessionScope, Sessions};
use berth_contract::ReadinessRecord;
use berth_crd::AccountEntry;
use berth_step::{Decision, Step, StepError};
use berth_tenancy::{ClusterPlan, Effect, Subject};
use berth_wiring::Wiring;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use crate::{
    change::Change,
    state::{State, View},
};

/// What this function may do, and what its sessions are narrowed to.
const POLICY: PolicyFile = PolicyFile::new(include_str!("policy.json"));

/// Payload of the states `AwaitTenant` and `AwaitTenantGone`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Input {
    /// Who is onboarded, or leaves.
    pub run: Subject,
    pub cluster: ClusterPlan,
    /// The account as commit-tenant wrote it into the tenant's custom resource; none when it was taken out.
    pub entry: Option<AccountEntry>,
}

/// What later states read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    /// How the tenant is on the cluster.
    pub readiness: ReadinessRecord,
}

berth_step::has_subject!(Input, cluster.region);

#[derive(Debug, Clone)]
pub struct AwaitTenant {
    hub: SdkConfig,
    sessions: Sessions,
    clock: fn() -> Timestamp,
}

impl AwaitTenant {
    /// What makes the step, with a clock that says when tokens are signed. It shows itself to every cluster as this
    /// function's own role.
    pub fn with_clock(clock: fn() -> Timestamp) -> impl FnOnce(Wiring) -> Self {
        move |wiring| Self { hub: wiring.hub, sessions: wiring.sessions, clock }
    }
}

/// What one invocation reaches AWS and the cluster with.
#[derive(Debug)]
pub struct Clients {
    /// EKS, where the cluster is.
    eks: Client,
    /// The function's own credentials, which the cluster knows.
    hub: SdkConfig,
    /// When the token is signed.
    now: Timestamp,
}

impl Step for AwaitTenant {
    type Input = Input;
    type Output = Output;
    type Clients = Clients;
    type State = State;
    type Change = Change;
    type Made = ();

    async fn connect(&self, input: &Input) -> Result<Clients, StepError> {
        let Input { run, cluster, entry: _ } = input;
        let region = SdkRegion::new(cluster.region.as_str().to_owned());
        let (hub, now) = (self.hub.to_builder().region(region).build(), (self.clock)());
        let Some(outside) = &cluster.outside else { return Ok(Clients { eks: Client::new(&hub), hub, now }) };
        let role = (&outside.account, &outside.role);
        let scope =
            SessionScope::in_platform(role, Some(&cluster.region), &run.execution, POLICY.session(Part::Cluster));
        Ok(Clients { eks: Client::new(&self.sessions.assume(scope).await?), hub, now })
    }

    async fn observe(clients: &Clients, input: &Input) -> Result<State, StepError> {
        observe::observe(clients, input).await
    }

    fn decide(input: &Input, state: &State) -> Result<Decision<Change, Output>, StepError> {
        decide::decide(input, state)
    }

    async fn act(_: &Clients, _: &Input, change: &Change) -> Result<(), StepError> {
        act::act(*change).await
    }

    fn apply(_: &mut State, _: &Input, change: &Change, _: Option<()>) {
        State::apply(*change);
    }

    fn effect(_: &Input, _: &State, change: &Change) -> Effect {
        match *change {}
    }
}
