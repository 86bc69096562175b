//! Converges the IAM roles of a tenant in its account.

mod act;
mod change;
mod decide;
mod observe;
mod state;

use aws_sdk_iam::Client;
use berth_aws::{Part, PolicyFile, SessionScope, Sessions};
use berth_ledger::RoleRecord;
use berth_step::{Decision, Step, StepError};
use berth_tenancy::{BoundaryPlan, Effect, LeftOver, RolePlan, RolesPlan, Subject, Thing};
use berth_wiring::Wiring;
use serde::{Deserialize, Serialize};

pub use crate::{
    change::{Change, RoleChange},
    state::{LeftBoundary, ObservedBoundary, ObservedProvider, ObservedRole, State},
};

/// What this function may do, and what its sessions are narrowed to.
const POLICY: PolicyFile = PolicyFile::new(include_str!("policy.json"));

/// Payload of the state `CreateTenantRoles`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Input {
    /// Who is onboarded.
    pub run: Subject,
    /// The roles as planned; none when the account shall have none.
    pub roles: Option<RolesPlan>,
    /// Roles, boundaries and OIDC providers that the account was given and that the plan does not have any more.
    #[serde(default)]
    pub left_over: Vec<LeftOver>,
}

impl Input {
    /// The roles that the account shall have.
    pub(crate) fn planned(&self) -> &[RolePlan] {
        self.roles.as_ref().map_or(&[], |plan| &plan.roles)
    }

    /// Their permissions boundary.
    pub(crate) fn boundary(&self) -> Option<&BoundaryPlan> {
        self.roles.as_ref().map(|plan| &plan.boundary)
    }
}

/// What later states read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    /// The roles, in the order of the plan.
    pub roles: Vec<RoleRecord>,
    /// What is left over and still there.
    pub left_over: Vec<LeftOver>,
}

berth_step::has_subject!(Input);

#[derive(Debug, Clone)]
pub struct CreateTenantRoles {
    sessions: Sessions,
}

impl CreateTenantRoles {
    #[must_use]
    pub fn new(wiring: Wiring) -> Self {
        Self { sessions: wiring.sessions }
    }
}

impl Step for CreateTenantRoles {
    type Input = Input;
    type Output = Output;
    type Clients = Client;
    type State = State;
    type Change = Change;
    /// Id of a role that was made; empty otherwise.
    type Made = String;

    async fn connect(&self, input: &Input) -> Result<Client, StepError> {
        let scope = SessionScope::in_tenant(&input.run, None, POLICY.session(Part::Tenant));
        Ok(Client::new(&self.sessions.assume(scope).await?))
    }

    async fn observe(iam: &Client, input: &Input) -> Result<State, StepError> {
        observe::observe(iam, input).await
    }

    fn decide(input: &Input, state: &State) -> Result<Decision<Change, Output>, StepError> {
        decide::decide(input, state)
    }

    async fn act(iam: &Client, input: &Input, change: &Change) -> Result<String, StepError> {
        act::act(iam, input, change).await
    }

    fn apply(state: &mut State, input: &Input, change: &Change, id: Option<String>) {
        state.apply(input, change, id);
    }

    fn effect(input: &Input, state: &State, change: &Change) -> Effect {
        change.effect(input, state)
    }

    fn gives(input: &Input, change: &Change) -> Option<Thing> {
        match change {
            Change::CreateBoundary { .. } => {
                Some(Thing::Boundary { arn: decide::boundary_arn(input, input.boundary()?) })
            }
            Change::CreateRole { role, .. } => {
                Some(Thing::Role { name: role.key.clone(), arn: decide::role_arn(input, role) })
            }
            Change::CreateProvider { arn, .. } => Some(Thing::OidcProvider { arn: arn.clone() }),
            _ => None,
        }
    }
}
