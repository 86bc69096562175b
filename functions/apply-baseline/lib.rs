//! Converges the baseline of an account in one region: AWS Backup, AWS Config, and settings of EC2, EBS and S3.
//!
//! All calls are in the tenant account. What the plan leaves out is neither read nor changed; what an account that leaves was
//! given goes, as far as it is provably Berth's, holds nothing of the tenant's, and nobody else needs it.

mod act;
mod change;
mod decide;
mod observe;
mod state;

use berth_aws::{Part, PolicyFile, SessionScope, Sessions};
use berth_step::{Decision, Step, StepError};
use berth_tenancy::{BaselinePlan, LeftOver, Region, Subject, Thing};
use berth_wiring::Wiring;
use serde::{Deserialize, Serialize};

pub use crate::{
    change::{BackupChange, Change, ConfigChange, SettingChange},
    decide::{PLAN_NAME, RECORDER, selection_name, token},
    observe::Clients,
    state::{
        Channel, Left, LeftPlan, LeftRecorder, LeftRule, LeftVault, Plan, PlannedRule, Recorder, Rule, Selection,
        State, Vault,
    },
};

/// What this function may do, and what its sessions are narrowed to.
const POLICY: PolicyFile = PolicyFile::new(include_str!("policy.json"));

/// Payload of the states `ApplyBaseline` and `RemoveBaseline`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Input {
    /// Who is onboarded, or leaves.
    pub run: Subject,
    /// The baseline of one region as planned; of an account that leaves it wants nothing.
    pub baseline: BaselinePlan,
    /// The region's baseline, when the account was given one and shall not have it any more.
    #[serde(default)]
    pub left_over: Vec<LeftOver>,
}

impl Input {
    /// Whether the region's baseline is taken away: it is on record, and said to go.
    pub(crate) fn is_removal(&self) -> bool {
        let given = Thing::Baseline { region: self.baseline.region.clone() }.key();
        self.left_over.iter().any(|left| left.remove && left.thing.key() == given)
    }
}

/// What later states read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    pub region: Region,
    /// What stays of a baseline that goes, each thing in words with the reason.
    pub left_behind: Vec<String>,
}

berth_step::has_subject!(Input, baseline.region);

#[derive(Debug, Clone)]
pub struct ApplyBaseline {
    sessions: Sessions,
}

impl ApplyBaseline {
    #[must_use]
    pub fn new(wiring: Wiring) -> Self {
        Self { sessions: wiring.sessions }
    }
}

impl Step for ApplyBaseline {
    type Input = Input;
    type Output = Output;
    type Clients = Clients;
    type State = State;
    type Change = Change;
    /// Id of what was made in AWS Backup; empty otherwise.
    type Made = String;

    async fn connect(&self, input: &Input) -> Result<Clients, StepError> {
        let scope = SessionScope::in_tenant(&input.run, Some(&input.baseline.region), POLICY.session(Part::Tenant));
        Ok(Clients::new(&self.sessions.assume(scope).await?))
    }

    async fn observe(clients: &Clients, input: &Input) -> Result<State, StepError> {
        // Boxed: the futures of a dozen calls of four services nest deep.
        Box::pin(observe::observe(clients, input)).await
    }

    fn decide(input: &Input, state: &State) -> Result<Decision<Change, Output>, StepError> {
        decide::decide(input, state)
    }

    async fn act(clients: &Clients, input: &Input, change: &Change) -> Result<String, StepError> {
        act::act(clients, input, change).await
    }

    fn apply(state: &mut State, input: &Input, change: &Change, id: Option<String>) {
        state.apply(input, change.clone(), id);
    }

    /// Whatever is changed first is the beginning of the region's baseline.
    fn gives(input: &Input, _: &Change) -> Option<Thing> {
        (!input.is_removal()).then(|| Thing::Baseline { region: input.baseline.region.clone() })
    }
}
