//! Converges the baseline of an account in one region: AWS Backup, AWS Config, and settings of EC2, EBS and S3.
//!
//! All calls are in the tenant account. What the plan leaves out is neither read nor changed, unless the account was given it:
//! then it is told, or goes. What goes, of an account that leaves as well, is what is provably Berth's, holds nothing of the
//! tenant's, and is needed by nobody else.

mod act;
mod change;
mod decide;
mod observe;
mod state;

use std::collections::BTreeSet;

use berth_aws::{Part, PolicyFile, SessionScope, Sessions};
use berth_step::{Decision, Step, StepError};
use berth_tenancy::{BaselinePart, BaselinePlan, Effect, LeftOver, Region, Subject, Thing};
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
    /// What the account was given and shall not have any more, in all its regions: the baseline of an account that leaves;
    /// else things of it that the plan has lost, or the baseline where nobody knows what it has.
    #[serde(default)]
    pub left_over: Vec<LeftOver>,
}

impl Input {
    /// Whether the region's baseline is taken away: it is on record, said to go, and nothing of it is wanted.
    pub(crate) fn is_removal(&self) -> bool {
        self.baseline.is_empty() && self.whole().is_some_and(|left| left.remove)
    }

    /// The baseline of this region, where it is left over, or where nobody knows what it has.
    pub(crate) fn whole(&self) -> Option<&LeftOver> {
        self.here().find(|left| matches!(left.thing, Thing::Baseline { .. }))
    }

    /// Things of it that are left over.
    pub(crate) fn parts(&self) -> impl Iterator<Item = (&BaselinePart, &LeftOver)> {
        self.here().filter_map(|left| match &left.thing {
            Thing::BaselinePart { part, .. } => Some((part, left)),
            _ => None,
        })
    }

    /// What is left over in this region.
    pub(crate) fn here(&self) -> impl Iterator<Item = &LeftOver> {
        self.left_over.iter().filter(|left| left.thing.region() == Some(&self.baseline.region))
    }

    /// The region's baseline as the inventory has it, with these things.
    pub(crate) fn thing(&self, parts: Option<BTreeSet<BaselinePart>>) -> Thing {
        Thing::Baseline { region: self.baseline.region.clone(), parts }
    }
}

/// What later states read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    pub region: Region,
    /// What stays of a baseline that goes, each thing in words with the reason.
    pub left_behind: Vec<String>,
    /// What of an onboarding's is left over and still there.
    pub left_over: Vec<LeftOver>,
    /// The baseline with all that it has of Berth's, for the inventory, where something of it is left over or nobody has
    /// listed it; nothing else, and nothing in an offboarding.
    pub given: Vec<Thing>,
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

    fn effect(input: &Input, state: &State, change: &Change) -> Effect {
        change.effect(input, state)
    }

    /// Whatever is changed first is the beginning of the region's baseline, with all that is planned: what an earlier run
    /// was given beside stays on record. Where nobody knows what that is, only the end of this run says what there is.
    fn gives(input: &Input, _: &Change) -> Option<Thing> {
        let parts = || input.baseline.parts().into_iter().chain(input.parts().map(|(part, _)| part.clone())).collect();
        (!input.is_removal()).then(|| input.thing(input.whole().is_none().then(parts)))
    }
}
