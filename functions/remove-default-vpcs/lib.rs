//! Removes the default VPC that AWS makes in every region of a new account, where nobody has used it.
//!
//! Calls in the tenant account only. A finished account takes one `DescribeRegions`, and one `DescribeVpcs` for each
//! enabled region. It is the one step that deletes what Berth did not make: docs/decisions/0013-default-vpcs.md.

mod act;
mod change;
mod decide;
mod observe;
mod state;

use aws_config::SdkConfig;
use berth_aws::{Part, PolicyFile, SessionScope, Sessions};
use berth_ledger::DefaultVpcRecord;
use berth_step::{Decision, Fault, Step, StepError};
use berth_tenancy::{DefaultVpc, Effect, Subject};
use berth_wiring::Wiring;
use serde::{Deserialize, Serialize};

pub use crate::{
    change::{Change, Removal},
    state::{Found, Gateway, State, Vpc},
};

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

berth_step::has_subject!(Input);

/// What later states read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    /// Default VPCs that are still there, and why, in the order of their regions.
    pub left: Vec<DefaultVpcRecord>,
}

#[derive(Debug, Clone)]
pub struct RemoveDefaultVpcs {
    sessions: Sessions,
}

impl RemoveDefaultVpcs {
    #[must_use]
    pub fn new(wiring: Wiring) -> Self {
        Self { sessions: wiring.sessions }
    }
}

impl Step for RemoveDefaultVpcs {
    type Input = Input;
    type Output = Output;
    /// The session; none when the default VPCs are kept.
    type Clients = Option<SdkConfig>;
    type State = State;
    type Change = Change;
    type Made = ();

    async fn connect(&self, input: &Input) -> Result<Option<SdkConfig>, StepError> {
        if input.default_vpc == DefaultVpc::Keep {
            return Ok(None);
        }
        let scope = SessionScope::in_tenant(&input.run, None, POLICY.session(Part::Tenant));
        self.sessions.assume(scope).await.map(Some)
    }

    async fn observe(session: &Option<SdkConfig>, _: &Input) -> Result<State, StepError> {
        match session {
            Some(session) => observe::observe(session).await,
            None => Ok(State::default()),
        }
    }

    fn decide(input: &Input, state: &State) -> Result<Decision<Change, Output>, StepError> {
        decide::decide(input, state)
    }

    async fn act(session: &Option<SdkConfig>, _: &Input, change: &Change) -> Result<(), StepError> {
        let Some(session) = session else {
            return Err(StepError::new(Fault::Bug, format!("'{change}' without a session")));
        };
        let ec2 = observe::client(session, &change.region);
        act::act(&ec2, &change.removal).await.map_err(|error| error.in_region(&change.region))
    }

    fn apply(state: &mut State, _: &Input, change: &Change, _: Option<()>) {
        state.apply(change);
    }

    fn effect(_: &Input, _: &State, change: &Change) -> Effect {
        change.effect()
    }
}
